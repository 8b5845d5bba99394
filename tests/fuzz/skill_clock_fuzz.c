/* Any text is a time, a zone or a rule of one: it is read or refused with a reason, and what is
 * read as a time is written so that it reads the same. */
#include "skills/bundled/common/tz_rule.h"
#include "tests/support/skill_host.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
extern const struct nf_skill_v1 nf_skill_v1;

static int convert(struct skill_rig *rig, const char *text, size_t n)
{
    int rc = skill_rig_call_with(rig, "convert", "time", text, n,
                                 ",\"from\":\"Europe/Berlin\",\"to\":\"America/New_York\"");

    if ((rc != NF_SKILL_OK) != (rig->error[0] != '\0') ||
        (rc == NF_SKILL_OK) != (rig->result_n > 0))
        abort();
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct skill_rig *rig = skill_rig_new(&nf_skill_v1);
    const char *text = (const char *)data;
    struct nf_tz_rule rule;
    char copy[128];

    (void)skill_rig_call_with(rig, "now", "zone", text, size, "");
    (void)skill_rig_call_with(rig, "add", "time", text, size,
                              ",\"months\":13,\"business_days\":-7,\"zone\":\"Asia/Tokyo\"");
    if (convert(rig, text, size) == NF_SKILL_OK) {
        const char *unix_time = strstr(rig->result, "\"unix\":");
        char first[40] = "@", second[48];

        if (!unix_time)
            abort();
        strncpy(second, unix_time, 40)[40] = '\0';
        strncat(first, second + 7, strcspn(second + 7, ",}"));
        if (convert(rig, first, strlen(first)) != NF_SKILL_OK)
            abort();
        unix_time = strstr(rig->result, "\"unix\":");
        if (!unix_time || strncmp(unix_time + 7, first + 1, strlen(first + 1)) != 0)
            abort();
    }
    if (size < sizeof(copy)) {
        memcpy(copy, text, size);
        copy[size] = '\0';
        if (nf_tz_rule_parse(copy, &rule)) {
            (void)nf_tz_rule_is_daylight(&rule, 1764329744);
            if (rule.has_daylight && nf_tz_rule_next(&rule, 1764329744) <= 1764329744)
                abort();
        }
    }
    skill_rig_free(rig);
    return 0;
}
