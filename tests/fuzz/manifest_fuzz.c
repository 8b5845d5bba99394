/* A manifest is taken or refused with a message; what was taken keeps what its header promises. */
#include "base/own.h"
#include "skills/manifest.h"
#include "skills/url.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
    if (!good)
        abort();
}

static void check_tool(const struct nf_skill_manifest *m, const struct nf_tool_manifest *t)
{
    check(strlen(m->name) + 1 + strlen(t->name) <= NF_NAME_MAX);
    check(nf_skill_manifest_tool(m, t->name) == t);
    check(strlen(t->schema) <= NF_SKILL_SCHEMA_MAX && t->schema[0] == '{');
    check(t->timeout_ms >= NF_TOOL_TIMEOUT_MIN_MS && t->timeout_ms <= NF_TOOL_TIMEOUT_MAX_MS);
    check(t->approval >= NF_APPROVAL_NEVER && t->approval <= NF_APPROVAL_ALWAYS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    NF_CLEANUP(nf_skill_manifest_done) struct nf_skill_manifest m = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str told = { 0 };
    struct nf_err err = { .msg = "" };

    if (nf_skill_manifest_parse((const char *)data, size, &m, &err) != NF_OK) {
        check(err.msg[0] && !m.name);
        return 0;
    }
    check(nf_skill_check_name(m.name, &err) == NF_OK);
    check(m.tools_n >= 1 && m.tools_n <= NF_SKILL_TOOLS_MAX);
    for (size_t i = 0; i < m.tools_n; i++)
        check_tool(&m, &m.tools[i]);
    for (size_t i = 0; i < m.http_n; i++)
        check(strcmp(m.http[i], "*") == 0 || nf_url_check_prefix(m.http[i], &err) == NF_OK);
    check(!strchr(m.entry, '/') && m.entry[0] != '.');
    check(nf_skill_manifest_tell(&m, &told, &err) == NF_OK);
    check(!nf_skill_manifest_grows(&m, &m));
    return 0;
}
