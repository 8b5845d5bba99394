#include "cmd/nexflow/skill_rights.h"

#include <stdio.h>
#include <string.h>

#define KIB INT64_C(1024)
#define MIB INT64_C(1048576)

static const char *size(int64_t bytes, char ret[32])
{
    bool whole = bytes % MIB == 0;
    (void)snprintf(ret, 32, "%lld %s", (long long)(bytes / (whole ? MIB : KIB)),
                   whole ? "MiB" : "KiB");
    return ret;
}

static const char *duration(int64_t ms, char ret[32])
{
    bool whole = ms % 1000 == 0;
    (void)snprintf(ret, 32, "%lld %s", (long long)(whole ? ms / 1000 : ms), whole ? "s" : "ms");
    return ret;
}

static NF_RC tell_tool(const char *name, const char *approval, int64_t timeout_ms,
                       struct nf_str *to, struct nf_err *err)
{
    char text[32];
    const char *asks = strcmp(approval, "never") == 0 ? "runs without asking"
                       : strcmp(approval, "ask") == 0 ? "asks when a model calls it"
                                                      : "asks every time";
    return nf_str_addf(to, err, "tool %s %s, for at most %s\n", name, asks,
                       duration(timeout_ms, text));
}

static NF_RC tell_processes(bool computes, bool pooled, const char *min_level, struct nf_str *to,
                            struct nf_err *err)
{
    if (computes)
        NF_TRY(nf_str_adds(to, "only computes: no network, no files, nothing kept\n", err));
    if (pooled)
        NF_TRY(nf_str_adds(to, "serves several people from one process\n", err));
    if (min_level[0])
        NF_TRY(nf_str_addf(to, err, "runs only where the sandbox has level %s or better\n",
                           min_level));
    return NF_OK;
}

enum nf_code nf_rights_tell(const struct nf_skill_manifest *m, struct nf_str *to,
                            struct nf_err *err)
{
    static const char *const approvals[] = {
        [NF_APPROVAL_NEVER] = "never", [NF_APPROVAL_ASK] = "ask", [NF_APPROVAL_ALWAYS] = "always"
    };
    size_t before = to->len;
    NF_TRY(nf_skill_manifest_tell(m, to, err));
    NF_TRY(tell_processes(to->len == before, m->mode == NF_SKILL_POOLED, m->min_level, to, err));
    for (size_t i = 0; i < m->tools_n; i++)
        NF_TRY(tell_tool(m->tools[i].name, approvals[m->tools[i].approval], m->tools[i].timeout_ms,
                         to, err));
    return NF_OK;
}

enum nf_code nf_rights_tell_answer(const struct nf_json *skill, struct nf_str *to,
                                   struct nf_err *err)
{
    const struct nf_json *may = nf_json_get(skill, "may");
    if (nf_json_str(nf_json_get(skill, "problem")))
        return nf_str_addf(to, err, "nothing: %s\n", nf_cli_text(skill, "problem"));
    for (const struct nf_json *v = nf_json_first(may); v; v = nf_json_next(v))
        NF_TRY(nf_str_addf(to, err, "%s\n", nf_json_str(v) ? nf_json_str(v) : ""));
    NF_TRY(tell_processes(nf_json_count(may) == 0,
                          strcmp(nf_cli_text(skill, "mode"), "pooled") == 0,
                          nf_cli_text(skill, "min_level"), to, err));
    const struct nf_json *tools = nf_json_get(skill, "tools");
    for (const struct nf_json *t = nf_json_first(tools); t; t = nf_json_next(t))
        NF_TRY(tell_tool(nf_cli_text(t, "name"), nf_cli_text(t, "approval"),
                         nf_json_i64(nf_json_get(t, "timeout_ms"), 0), to, err));
    return NF_OK;
}

enum nf_code nf_rights_tell_limits(const struct nf_skill_manifest *m, struct nf_str *to,
                                   struct nf_err *err)
{
    char a[32], b[32], c[32];
    NF_TRY(nf_str_addf(to, err, "uses at most %s of memory and %s of processor time\n",
                       size(m->memory_bytes, a), duration(m->cpu_ms, b)));
    NF_TRY(nf_str_addf(to, err, "says at most %s", size(m->output_bytes, c)));
    if (m->http_n > 0)
        NF_TRY(nf_str_addf(to, err, ", reads at most %s of an answer", size(m->http_bytes, a)));
    return nf_str_adds(to, "\n", err);
}

void nf_rights_print(const char *lines, const char *mark)
{
    for (const char *line = lines; *line; line += strcspn(line, "\n") + 1)
        nf_cli_print(stdout, "  %s%.*s\n", mark, (int)strcspn(line, "\n"), line);
}

static bool has_line(const char *lines, const char *line, size_t n)
{
    for (const char *l = lines; *l; l += strcspn(l, "\n") + 1)
        if (strcspn(l, "\n") == n && memcmp(l, line, n) == 0)
            return true;
    return false;
}

/* How many. */
static size_t print_missing(const char *in, const char *lines, const char *mark)
{
    size_t missing = 0;
    for (const char *line = lines; *line; line += strcspn(line, "\n") + 1) {
        size_t n = strcspn(line, "\n");
        if (has_line(in, line, n))
            continue;
        nf_cli_print(stdout, "  %s%.*s\n", mark, (int)n, line);
        missing++;
    }
    return missing;
}

void nf_rights_print_changes(const char *before, const char *now)
{
    size_t gone = print_missing(now, before, "- ");
    size_t fresh = print_missing(before, now, "+ ");
    if (gone + fresh == 0)
        (void)puts("  nothing: it may do exactly what it might do before");
}
