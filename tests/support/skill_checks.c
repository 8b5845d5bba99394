/* Calls of a plugin that are held against what they should give. */
#include "tests/support/skill_host.h"

#include "tests/support/test.h"

#include <string.h>

static void call_ok(struct skill_rig *rig, const char *tool, const char *args)
{
    int rc = skill_rig_call(rig, tool, args);

    if (rc != NF_SKILL_OK)
        fail_msg("%s %s: fails with %d: %s", tool, args, rc, rig->error);
}

void skill_is(struct skill_rig *rig, const char *tool, const char *args, const char *want)
{
    call_ok(rig, tool, args);
    if (strcmp(rig->result, want) != 0)
        fail_msg("%s %s\n  is     %s\n  wanted %s", tool, args, rig->result, want);
}

void skill_has(struct skill_rig *rig, const char *tool, const char *args, const char *want)
{
    call_ok(rig, tool, args);
    if (!strstr(rig->result, want))
        fail_msg("%s %s\n  is %s\n  without %s", tool, args, rig->result, want);
}

void skill_lacks(struct skill_rig *rig, const char *tool, const char *args, const char *unwanted)
{
    call_ok(rig, tool, args);
    if (strstr(rig->result, unwanted))
        fail_msg("%s %s\n  is %s\n  with %s", tool, args, rig->result, unwanted);
}

void skill_fails(struct skill_rig *rig, const char *tool, const char *args, int code,
                 const char *want)
{
    int rc = skill_rig_call(rig, tool, args);

    if (rc != code || !strstr(rig->error, want))
        fail_msg("%s %s\n  is %d: %s\n  result %s\n  wanted %d: %s", tool, args, rc, rig->error,
                 rig->result, code, want);
}

void skill_survives_no_memory(struct skill_rig *rig, const char *tool, const char *args)
{
    for (size_t n = 1;; n++) {
        int rc;

        rig->fail_alloc = n;
        rc = skill_rig_call(rig, tool, args);
        rig->fail_alloc = 0;
        if (rig->allocs < n) {
            if (rc != NF_SKILL_OK)
                fail_msg("%s %s: %d: %s", tool, args, rc, rig->error);
            return;
        }
        if (rc != NF_SKILL_E_LIMIT || !rig->error[0])
            fail_msg("%s %s: allocation %zu fails: %d: %s", tool, args, n, rc, rig->error);
    }
}
