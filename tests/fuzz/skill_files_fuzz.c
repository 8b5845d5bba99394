/* The input up to its first NUL is a file, the rest a patch: it applies or is refused, and then the
 * file is as before. The other way round the file is searched. */
#include "tests/support/skill_host.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
extern const struct nf_skill_v1 nf_skill_v1;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct skill_rig *rig = skill_rig_new(&nf_skill_v1);
    const char *text = (const char *)data, *nul = size > 0 ? memchr(text, '\0', size) : NULL;
    size_t n = nul ? (size_t)(nul - text) : size, rest = nul ? size - n - 1 : 0;
    char *before = malloc(n + 1);
    int rc;

    if (!before)
        abort();
    memcpy(before, text, n);
    before[n] = '\0';
    skill_rig_put_file(rig, "f", text, n);
    rc = skill_rig_call_with(rig, "patch", "patch", nul ? nul + 1 : "", rest, ",\"path\":\"f\"");
    if ((rc != NF_SKILL_OK) != (rig->error[0] != '\0'))
        abort();
    if (rc != NF_SKILL_OK && strcmp(skill_rig_file(rig, "f"), before) != 0)
        abort();
    (void)skill_rig_call_with(rig, "search", "query", nul ? nul + 1 : "", rest,
                              ",\"context\":2,\"ignore_case\":true");
    (void)skill_rig_call_with(rig, "read", "path", nul ? nul + 1 : "", rest, "");
    (void)skill_rig_call(rig, "read", "{\"path\":\"f\",\"line\":2}");
    free(before);
    skill_rig_free(rig);
    return 0;
}
