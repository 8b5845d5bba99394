/* Any text is an expression or two units: it is computed or refused with a reason, in bounded time.
 * An exact result, computed again, is itself. */
#include "tests/support/skill_host.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
extern const struct nf_skill_v1 nf_skill_v1;

static void check(struct skill_rig *rig, int rc)
{
    if ((rc != NF_SKILL_OK) != (rig->error[0] != '\0') ||
        (rc == NF_SKILL_OK) != (rig->result_n > 0))
        abort();
}

static void again(struct skill_rig *rig)
{
    static const char begin[] = "{\"result\":\"", end[] = "\",\"exact\":true}";
    char *first, *stop = strstr(rig->result, end);

    if (!stop)
        return;
    first = strdup(rig->result);
    if (!first)
        abort();
    if (strlen(first) < 4000 + sizeof(end)) {
        int rc = skill_rig_call_with(rig, "evaluate", "expression", first + sizeof(begin) - 1,
                                     (size_t)(stop - rig->result) - (sizeof(begin) - 1), "");

        if (rc != NF_SKILL_OK || strcmp(first, rig->result) != 0)
            abort();
    }
    free(first);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct skill_rig *rig = skill_rig_new(&nf_skill_v1);
    const char *text = (const char *)data;
    int rc;

    check(rig,
          skill_rig_call_with(rig, "convert", "from", text, size, ",\"value\":1,\"to\":\"m/s\""));
    check(rig, skill_rig_call_with(rig, "percent", "a", text, size,
                                   ",\"operation\":\"of\",\"b\":\"12.5\""));
    rc = skill_rig_call_with(rig, "evaluate", "expression", text, size, "");
    check(rig, rc);
    if (rc == NF_SKILL_OK)
        again(rig);
    skill_rig_free(rig);
    return 0;
}
