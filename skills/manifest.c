#include "skills/manifest.h"

#include "base/own.h"
#include "codec/json.h"
#include "codec/json_schema.h"
#include "skills/url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENTRY_MAX 128
#define INTERPRETER_MAX 255
#define URL_PREFIX_MAX 512

/* --- errors with paths ------------------------------------------------------------------------ */

/* Put "tools[1]." in front of a message that begins with the name of a member. */
static enum nf_code at(struct nf_err *err, enum nf_code rc, const char *path)
{
    if (rc == NF_OK || !err)
        return rc;
    struct nf_err inner = *err;
    return nf_err_set(err, rc, "%s%s", path, inner.msg);
}

static enum nf_code must(struct nf_err *err, const char *field, const char *what)
{
    return nf_err_set(err, NF_E_INVALID, "%s must %s", field, what);
}

/* A path within the manifest: "tools[31].", "capabilities.secrets[15]". */
struct path {
    char s[48];
};
static struct path path_of(const char *fmt, size_t i)
{
    struct path p;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    (void)snprintf(p.s, sizeof(p.s), fmt, i);
#pragma GCC diagnostic pop
    return p;
}

static NF_RC check_members(const struct nf_json *v, const char *const *names, const char *path,
                           struct nf_err *err)
{
    for (const struct nf_json *c = nf_json_first(v); c; c = nf_json_next(c)) {
        const char *const *name = names;
        while (*name && strcmp(*name, nf_json_key(c)) != 0)
            name++;
        if (!*name)
            return nf_err_set(err, NF_E_INVALID,
                              "%s%.60s is no member of a manifest: see skill.schema.json", path,
                              nf_json_key(c));
        if (nf_json_get(v, *name) != c) /* of two it is the last */
            return nf_err_set(err, NF_E_INVALID, "%s%s stands twice", path, *name);
    }
    return NF_OK;
}

static NF_RC object_at(const struct nf_json *v, const char *path, struct nf_err *err)
{
    if (nf_json_type(v) != NF_JSON_OBJECT)
        return must(err, path, "be an object");
    return NF_OK;
}

/* --- single values ---------------------------------------------------------------------------- */

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}
static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}
static bool is_alnum(char c)
{
    return is_lower(c) || is_digit(c) || (c >= 'A' && c <= 'Z');
}

/* 1 to `max` characters (as JSON Schema counts them), not blank, without control characters: it is
 * shown on terminals. */
static NF_RC check_text(const char *field, const char *s, size_t max, struct nf_err *err)
{
    size_t n = 0;
    bool seen = false;

    for (const unsigned char *p = (const unsigned char *)s; *p; p++) {
        bool control = *p < ' ' || *p == 127 || (p[0] == 0xc2 && p[1] < 0xa0);
        if (control)
            return must(err, field, "be one line without control characters");
        n += (*p & 0xc0) != 0x80;
        seen = seen || *p != ' ';
    }
    if (n > max)
        return nf_err_set(err, NF_E_LIMIT, "%s has %zu characters; at most %zu are allowed", field,
                          n, max);
    return seen ? NF_OK : must(err, field, "not be empty");
}

static NF_RC check_entry(const char *s, struct nf_err *err)
{
    size_t n = strlen(s);
    bool good = n >= 1 && n <= ENTRY_MAX && (is_alnum(*s) || *s == '_');

    for (size_t i = 1; good && i < n; i++)
        good = is_alnum(s[i]) || strchr("._-", s[i]);
    if (!good || strcmp(s, NF_MANIFEST_FILE) == 0)
        return must(err, "entry",
                    "be the name of a file beside skill.json: 1 to 128 letters, digits and . _ -, "
                    "and not begin with a dot");
    return NF_OK;
}

static NF_RC check_interpreter(const char *s, struct nf_err *err)
{
    size_t n = strlen(s);
    bool good = n >= 2 && n <= INTERPRETER_MAX && s[0] == '/' && s[n - 1] != '/';

    for (size_t i = 1; good && i < n; i++)
        good = is_alnum(s[i]) || (strchr("_+-", s[i]) != NULL) ||
               (strchr("/.", s[i]) && s[i - 1] != '/');
    if (!good)
        return must(err, "interpreter", "be an absolute path, such as /usr/bin/python3");
    return NF_OK;
}

static NF_RC check_tool_name(const char *s, struct nf_err *err)
{
    size_t n = strlen(s);
    bool good = n >= 1 && n <= NF_TOOL_NAME_MAX && is_lower(*s);

    for (size_t i = 1; good && i < n; i++)
        good = is_lower(s[i]) || is_digit(s[i]) || s[i] == '_';
    if (!good)
        return nf_err_set(err, NF_E_INVALID,
                          "name must have 1 to %d of a-z, 0-9 and '_', and begin with a letter",
                          NF_TOOL_NAME_MAX);
    return NF_OK;
}

static NF_RC check_secret_name(const char *field, const char *s, struct nf_err *err)
{
    size_t n = strlen(s);
    bool good = n >= 1 && n <= NF_SKILL_SECRET_NAME_MAX && *s >= 'A' && *s <= 'Z';

    for (size_t i = 1; good && i < n; i++)
        good = (s[i] >= 'A' && s[i] <= 'Z') || is_digit(s[i]) || s[i] == '_';
    return good ? NF_OK
                : must(err, field, "have 1 to 64 of A-Z, 0-9 and '_', and begin with a letter");
}

/* The index of `s` in `choices`, `otherwise` if it is absent. */
static NF_RC choose(const char *field, const char *s, const char *const *choices, int otherwise,
                    int *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str all = { 0 };

    *ret = otherwise;
    if (!s)
        return NF_OK;
    for (int i = 0; choices[i]; i++) {
        if (strcmp(choices[i], s) == 0) {
            *ret = i;
            return NF_OK;
        }
        NF_TRY(nf_str_addf(&all, err, "%s%s", i ? ", " : "", choices[i]));
    }
    return nf_err_set(err, NF_E_INVALID, "%s must be one of %s", field, nf_str_c(&all));
}

/* --- tools ------------------------------------------------------------------------------------ */

struct raw_tool {
    struct nf_tool_manifest m;
    char *approval;
};
static const char *const tool_members[] = { "name",     "description", "parameters", "idempotent",
                                            "approval", "timeout_ms",  NULL };
static const struct nf_json_field tool_fields[] = {
    NF_JSON_FIELD(struct raw_tool, "name", NF_JSON_F_STR, m.name, NF_JSON_REQUIRED, 0, 0),
    NF_JSON_FIELD(struct raw_tool, "description", NF_JSON_F_STR, m.description, NF_JSON_REQUIRED, 0,
                  0),
    NF_JSON_FIELD(struct raw_tool, "parameters", NF_JSON_F_RAW, m.schema, NF_JSON_REQUIRED, 0,
                  NF_SKILL_SCHEMA_MAX),
    NF_JSON_FIELD(struct raw_tool, "idempotent", NF_JSON_F_BOOL, m.idempotent, 0, 0, 0),
    NF_JSON_FIELD(struct raw_tool, "approval", NF_JSON_F_STR, approval, 0, 0, 0),
    NF_JSON_FIELD(struct raw_tool, "timeout_ms", NF_JSON_F_I64, m.timeout_ms, 0,
                  NF_TOOL_TIMEOUT_MIN_MS, NF_TOOL_TIMEOUT_MAX_MS),
};
static const struct nf_json_table tool_table = { tool_fields, 6, false };

static NF_RC check_schema(const struct nf_json *v, struct nf_err *err)
{
    const char *type = nf_json_str(nf_json_get(v, "type"));

    if (nf_json_type(v) != NF_JSON_OBJECT || !type || strcmp(type, "object") != 0)
        return must(err, "parameters", "be a JSON Schema with \"type\": \"object\"");
    if (nf_json_has_duplicate_keys(v))
        return must(err, "parameters", "not have a member twice");
    /* What cannot be held at a call is refused now. */
    return nf_err_wrap(err, nf_json_schema_check(v, err), "parameters");
}

static NF_RC fill_tool(const struct nf_json *v, struct raw_tool *t, struct nf_err *err)
{
    static const char *const approvals[] = { "never", "ask", "always", NULL };
    int approval;

    NF_TRY(check_members(v, tool_members, "", err));
    NF_TRY(nf_json_decode(v, &tool_table, t, err));
    NF_TRY(check_tool_name(t->m.name, err));
    NF_TRY(check_text("description", t->m.description, NF_SKILL_DESCRIPTION_MAX, err));
    NF_TRY(check_schema(nf_json_get(v, "parameters"), err));
    NF_TRY(choose("approval", t->approval, approvals, 1, &approval, err));
    t->m.approval = (enum nf_approval)(approval + NF_APPROVAL_NEVER);
    return NF_OK;
}

static NF_RC parse_tool(const struct nf_json *v, struct nf_skill_manifest *m, struct nf_err *err)
{
    struct raw_tool t = { .m = { .timeout_ms = NF_TOOL_TIMEOUT_MS } };
    enum nf_code rc = fill_tool(v, &t, err);

    if (rc == NF_OK && nf_skill_manifest_tool(m, t.m.name))
        rc = nf_err_set(err, NF_E_INVALID, "name is that of another tool");
    if (rc == NF_OK) {
        m->tools[m->tools_n++] = t.m;
        t.m = (struct nf_tool_manifest){ 0 };
    }
    nf_json_table_done(&tool_table, &t);
    return rc;
}

static NF_RC parse_tools(const struct nf_json *v, struct nf_skill_manifest *m, struct nf_err *err)
{
    size_t n = nf_json_count(v), i = 0;

    if (!v)
        return nf_err_set(err, NF_E_INVALID, "tools is missing");
    if (nf_json_type(v) != NF_JSON_ARRAY || n < 1)
        return must(err, "tools", "be a list of at least one tool");
    if (n > NF_SKILL_TOOLS_MAX)
        return nf_err_set(err, NF_E_LIMIT, "tools has %zu; at most %d are allowed", n,
                          NF_SKILL_TOOLS_MAX);
    m->tools = calloc(n, sizeof(*m->tools));
    if (!m->tools)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    for (const struct nf_json *c = nf_json_first(v); c; c = nf_json_next(c), i++) {
        NF_TRY(object_at(c, path_of("tools[%zu]", i).s, err));
        NF_TRY(at(err, parse_tool(c, m, err), path_of("tools[%zu].", i).s));
    }
    return NF_OK;
}

/* --- capabilities ----------------------------------------------------------------------------- */

static NF_RC check_url(const char *field, const char *s, size_t of, struct nf_err *err)
{
    if (strcmp(s, "*") == 0)
        return of == 1 ? NF_OK : must(err, field, "stand alone: * is any https address");
    if (strlen(s) > URL_PREFIX_MAX)
        return nf_err_set(err, NF_E_LIMIT, "%s has more than %d bytes", field, URL_PREFIX_MAX);
    return nf_err_wrap(err, nf_url_check_prefix(s, err), "%s", field);
}

struct strings {
    const char *field, *item; /* "capabilities.http", "capabilities.http[%zu]" */
    size_t max;
    NF_RC (*check)(const char *field, const char *s, size_t of, struct nf_err *err);
};

static NF_RC check_secret(const char *field, const char *s, size_t of, struct nf_err *err)
{
    (void)of;
    return check_secret_name(field, s, err);
}

static NF_RC parse_strings(const struct nf_json *v, const struct strings *of, char **to, size_t *n,
                           struct nf_err *err)
{
    size_t count = nf_json_count(v);

    if (!v)
        return NF_OK;
    if (nf_json_type(v) != NF_JSON_ARRAY || count < 1)
        return must(err, of->field, "be a list of at least one string");
    if (count > of->max)
        return nf_err_set(err, NF_E_LIMIT, "%s has %zu; at most %zu are allowed", of->field, count,
                          of->max);
    for (const struct nf_json *c = nf_json_first(v); c; c = nf_json_next(c)) {
        struct path field = path_of(of->item, *n);
        const char *s = nf_json_str(c);
        if (!s)
            return must(err, field.s, "be a string");
        NF_TRY(of->check(field.s, s, count, err));
        for (size_t i = 0; i < *n; i++)
            if (strcmp(to[i], s) == 0)
                return must(err, field.s, "not stand twice");
        NF_TRY(nf_strdup(s, &to[*n], err));
        ++*n;
    }
    return NF_OK;
}

static NF_RC parse_capabilities(const struct nf_json *v, struct nf_skill_manifest *m,
                                struct nf_err *err)
{
    static const char *const members[] = { "http", "secrets", "kv", "files", NULL };
    static const struct strings urls = { "capabilities.http", "capabilities.http[%zu]",
                                         NF_SKILL_URLS_MAX, check_url };
    static const struct strings secrets = { "capabilities.secrets", "capabilities.secrets[%zu]",
                                            NF_SKILL_SECRETS_MAX, check_secret };
    const struct nf_json *kv = nf_json_get(v, "kv"), *files = nf_json_get(v, "files");

    if (!v)
        return NF_OK;
    NF_TRY(object_at(v, "capabilities", err));
    NF_TRY(check_members(v, members, "capabilities.", err));
    NF_TRY(parse_strings(nf_json_get(v, "http"), &urls, m->http, &m->http_n, err));
    NF_TRY(parse_strings(nf_json_get(v, "secrets"), &secrets, m->secrets, &m->secrets_n, err));
    if (m->secrets_n > 0 && m->http_n == 0)
        return must(err, "capabilities.secrets", "come with http: they are sent with requests");
    if (kv && nf_json_type(kv) != NF_JSON_BOOL)
        return must(err, "capabilities.kv", "be true or false");
    m->kv = nf_json_bool(kv, false);
    if (files && (!nf_json_str(files) || strcmp(nf_json_str(files), "workspace") != 0))
        return must(err, "capabilities.files", "be \"workspace\"");
    m->files = files != NULL;
    return NF_OK;
}

/* --- limits ----------------------------------------------------------------------------------- */

static NF_RC parse_limits(const struct nf_json *v, struct nf_skill_manifest *m, struct nf_err *err)
{
    static const char *const members[] = { "memory_mib", "cpu_ms", "output_kib",
                                           "http_kib",   "kv_kib", NULL };
    static const struct nf_json_field fields[] = {
        NF_JSON_FIELD(struct nf_skill_manifest, "memory_mib", NF_JSON_F_I64, memory_bytes, 0,
                      NF_SKILL_MEMORY_MIB_MIN, NF_SKILL_MEMORY_MIB_MAX),
        NF_JSON_FIELD(struct nf_skill_manifest, "cpu_ms", NF_JSON_F_I64, cpu_ms, 0, 10,
                      NF_SKILL_CPU_MS_MAX),
        NF_JSON_FIELD(struct nf_skill_manifest, "output_kib", NF_JSON_F_I64, output_bytes, 0, 1,
                      NF_SKILL_OUTPUT_KIB_MAX),
        NF_JSON_FIELD(struct nf_skill_manifest, "http_kib", NF_JSON_F_I64, http_bytes, 0, 1,
                      NF_SKILL_HTTP_KIB_MAX),
        NF_JSON_FIELD(struct nf_skill_manifest, "kv_kib", NF_JSON_F_I64, kv_bytes, 0, 1,
                      NF_SKILL_KV_KIB_MAX),
    };
    static const struct nf_json_table table = { fields, 5, false };

    m->memory_bytes = NF_SKILL_MEMORY_MIB;
    m->cpu_ms = NF_SKILL_CPU_MS;
    m->output_bytes = NF_SKILL_OUTPUT_KIB;
    m->http_bytes = NF_SKILL_HTTP_KIB;
    m->kv_bytes = NF_SKILL_KV_KIB;
    if (v) {
        NF_TRY(object_at(v, "limits", err));
        NF_TRY(check_members(v, members, "limits.", err));
        NF_TRY(at(err, nf_json_decode(v, &table, m, err), "limits."));
    }
    m->memory_bytes *= (int64_t)1024 * 1024;
    m->output_bytes *= 1024;
    m->http_bytes *= 1024;
    m->kv_bytes *= 1024;
    return NF_OK;
}

/* --- the whole -------------------------------------------------------------------------------- */

struct raw_manifest {
    struct nf_skill_manifest m;
    char *kind, *mode, *min_level;
};
static const char *const members[] = { "$schema", "name",         "version",     "description",
                                       "kind",    "entry",        "interpreter", "mode",
                                       "threads", "tools",        "min_level",   "limits",
                                       "license", "capabilities", NULL };
static const struct nf_json_field top_fields[] = {
    NF_JSON_FIELD(struct raw_manifest, "name", NF_JSON_F_STR, m.name, NF_JSON_REQUIRED, 0, 0),
    NF_JSON_FIELD(struct raw_manifest, "version", NF_JSON_F_STR, m.version, NF_JSON_REQUIRED, 0, 0),
    NF_JSON_FIELD(struct raw_manifest, "description", NF_JSON_F_STR, m.description,
                  NF_JSON_REQUIRED, 0, 0),
    NF_JSON_FIELD(struct raw_manifest, "kind", NF_JSON_F_STR, kind, 0, 0, 0),
    NF_JSON_FIELD(struct raw_manifest, "entry", NF_JSON_F_STR, m.entry, NF_JSON_REQUIRED, 0, 0),
    NF_JSON_FIELD(struct raw_manifest, "interpreter", NF_JSON_F_STR, m.interpreter, 0, 0, 0),
    NF_JSON_FIELD(struct raw_manifest, "mode", NF_JSON_F_STR, mode, 0, 0, 0),
    NF_JSON_FIELD(struct raw_manifest, "threads", NF_JSON_F_BOOL, m.threads, 0, 0, 0),
    NF_JSON_FIELD(struct raw_manifest, "min_level", NF_JSON_F_STR, min_level, 0, 0, 0),
};
static const struct nf_json_table top_table = { top_fields, 9, false };

static NF_RC check_identity(const struct nf_json *v, const struct nf_skill_manifest *m,
                            struct nf_err *err)
{
    static const char *const others[] = { "$schema", "license" };

    NF_TRY(nf_skill_check_name(m->name, err));
    NF_TRY(nf_skill_check_version(m->version, err));
    NF_TRY(check_text("description", m->description, NF_SKILL_DESCRIPTION_MAX, err));
    for (size_t i = 0; i < 2; i++) {
        const struct nf_json *other = nf_json_get(v, others[i]);
        if (other && !nf_json_str(other))
            return must(err, others[i], "be a string");
    }
    return NF_OK;
}

/* What a program may not say, and what a plugin may not. */
static NF_RC check_kind(const struct nf_json *v, const struct nf_skill_manifest *m,
                        struct nf_err *err)
{
    NF_TRY(check_entry(m->entry, err));
    if (m->kind == NF_SKILL_PROGRAM) {
        if (m->interpreter)
            NF_TRY(check_interpreter(m->interpreter, err));
        if (nf_json_get(v, "threads"))
            return must(err, "threads", "be left out: a program may start as many as it likes");
        if (m->mode == NF_SKILL_POOLED)
            return must(err, "mode", "be oneshot: a program is started for every call");
        return NF_OK;
    }
    size_t n = strlen(m->entry);
    if (n < 4 || strcmp(m->entry + n - 3, ".so") != 0)
        return must(err, "entry", "end with .so: it is a plugin's shared object");
    if (m->interpreter)
        return must(err, "interpreter", "be left out: only a program has one");
    return NF_OK;
}

static NF_RC fill(const struct nf_json *v, struct raw_manifest *r, struct nf_err *err)
{
    static const char *const kinds[] = { "plugin", "program", NULL };
    static const char *const modes[] = { "pooled", "oneshot", NULL };
    static const char *const levels[] = { "L3", "L2", "L1", "L0.5", NULL };
    struct nf_skill_manifest *m = &r->m;
    int kind, mode, level;

    NF_TRY(object_at(v, "the manifest", err));
    NF_TRY(check_members(v, members, "", err));
    NF_TRY(nf_json_decode(v, &top_table, r, err));
    NF_TRY(check_identity(v, m, err));
    NF_TRY(choose("kind", r->kind, kinds, 0, &kind, err));
    m->kind = (enum nf_skill_kind)(kind + NF_SKILL_PLUGIN);
    NF_TRY(parse_tools(nf_json_get(v, "tools"), m, err));
    NF_TRY(parse_capabilities(nf_json_get(v, "capabilities"), m, err));
    NF_TRY(parse_limits(nf_json_get(v, "limits"), m, err));
    bool private = m->kv || m->files || m->secrets_n > 0 || m->kind == NF_SKILL_PROGRAM;
    NF_TRY(choose("mode", r->mode, modes, private, &mode, err));
    m->mode = (enum nf_skill_mode)(mode + NF_SKILL_POOLED);
    NF_TRY(choose("min_level", r->min_level, levels, 4, &level, err));
    if (level < 4)
        memcpy(m->min_level, levels[level], strlen(levels[level]) + 1);
    return check_kind(v, m, err);
}

enum nf_code nf_skill_manifest_parse(const char *p, size_t n, struct nf_skill_manifest *ret,
                                     struct nf_err *err)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    struct raw_manifest r = { 0 };

    NF_TRY(
        nf_err_wrap(err, nf_json_parse(p, n, NF_MANIFEST_BYTES_MAX, &doc, err), NF_MANIFEST_FILE));
    enum nf_code rc = fill(nf_json_root(doc), &r, err);
    free(r.kind);
    free(r.mode);
    free(r.min_level);
    if (rc == NF_OK)
        *ret = r.m;
    else
        nf_skill_manifest_done(&r.m);
    return rc;
}
