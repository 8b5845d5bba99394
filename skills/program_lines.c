#include "skills/program_lines.h"

#include "base/own.h"
#include "base/utf8.h"
#include "codec/hash.h"
#include "skills/fields.h"
#include "skills/include/nexflow/skill.h"

#include <string.h>

void nf_program_line_done(struct nf_program_line *l)
{
    nf_json_free(l->doc);
    nf_str_done(&l->fields);
    *l = (struct nf_program_line){ 0 };
}

static const char *text_of(const struct nf_json *v, const char *key)
{
    const char *s = nf_json_str(nf_json_get(v, key));

    return s ? s : "";
}

static enum nf_code code_of(const char *name)
{
    static const struct {
        const char *name;
        enum nf_code code;
    } codes[] = { { "invalid", NF_E_INVALID }, { "not_found", NF_E_NOT_FOUND },
                  { "denied", NF_E_DENIED },   { "limit", NF_E_LIMIT },
                  { "timeout", NF_E_TIMEOUT }, { "unavailable", NF_E_UNAVAILABLE } };

    for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++)
        if (strcmp(codes[i].name, name) == 0)
            return codes[i].code;
    return NF_E_INTERNAL;
}

static NF_RC read_log(struct nf_program_line *l, const struct nf_json *v, struct nf_err *err)
{
    static const char *const levels[] = { "debug", "info", "warn", "error" };
    const char *name = text_of(v, "log");
    int64_t level = NF_SKILL_LOG_INFO;

    for (int i = 0; i < 4; i++)
        if (strcmp(levels[i], name) == 0)
            level = i;
    l->type = NF_LINE_LOG;
    l->op = NF_SKILL_OP_LOG;
    l->raw = l->text = text_of(v, "text");
    return nf_fields_put_number(&l->fields, NF_FIELD_LEVEL, level, err);
}

static NF_RC read_progress(struct nf_program_line *l, const struct nf_json *v, struct nf_err *err)
{
    l->type = NF_LINE_PROGRESS;
    l->op = NF_SKILL_OP_PROGRESS;
    l->raw = l->text = text_of(v, "text");
    return nf_fields_put_number(&l->fields, NF_FIELD_PERCENT,
                                nf_json_i64(nf_json_get(v, "progress"), -1), err);
}

/* A question with a member of the wrong type is answered, not the end of the program. */
static NF_RC read_ask(struct nf_program_line *l, const struct nf_json *v, struct nf_err *err)
{
    static const struct {
        const char *name, *raw;
        enum nf_skill_op op;
    } ops[] = { { "http.fetch", "body", NF_SKILL_OP_HTTP_FETCH },
                { "kv.get", "", NF_SKILL_OP_KV_GET },
                { "kv.put", "value", NF_SKILL_OP_KV_PUT },
                { "kv.delete", "", NF_SKILL_OP_KV_DELETE },
                { "kv.list", "", NF_SKILL_OP_KV_LIST },
                { "config.get", "", NF_SKILL_OP_CONFIG_GET } };
    const char *name = text_of(v, "ask");

    for (size_t i = 0; i < sizeof(ops) / sizeof(*ops); i++) {
        if (strcmp(ops[i].name, name) != 0)
            continue;
        l->type = NF_LINE_ASK;
        l->op = ops[i].op;
        l->raw = text_of(v, ops[i].raw);
        enum nf_code rc = nf_fields_from_json(&l->fields, v, &l->wrong);
        if (rc == NF_E_INVALID)
            l->wrong.code = rc;
        return rc == NF_OK || rc == NF_E_INVALID ? NF_OK : nf_err_set(err, rc, "%s", l->wrong.msg);
    }
    return nf_err_set(err, NF_E_INVALID,
                      "it asks for '%.40s': there are http.fetch, kv.get, kv.put, kv.delete, "
                      "kv.list and config.get",
                      name);
}

static NF_RC read_line(struct nf_program_line *l, const struct nf_json *v, struct nf_err *err)
{
    if (nf_json_get(v, "ask"))
        return read_ask(l, v, err);
    if (nf_json_get(v, "progress"))
        return read_progress(l, v, err);
    if (nf_json_get(v, "log"))
        return read_log(l, v, err);
    if (nf_json_get(v, "error")) {
        l->type = NF_LINE_ERROR;
        l->text = text_of(v, "error");
        l->code = code_of(text_of(v, "code"));
        return NF_OK;
    }
    l->result = nf_json_get(v, "result");
    l->type = NF_LINE_RESULT;
    if (l->result)
        return NF_OK;
    return nf_err_set(err, NF_E_INVALID,
                      "it wrote a line without result, error, progress, log or ask");
}

enum nf_code nf_program_line_parse(const char *p, size_t n, size_t max, struct nf_program_line *ret,
                                   struct nf_err *err)
{
    struct nf_program_line l = { .raw = "", .text = "", .fields = { .max = max + 1024 } };
    struct nf_err why;

    enum nf_code rc = nf_json_parse(p, n, max, &l.doc, &why);
    if (rc == NF_E_NOMEM)
        return nf_err_set(err, rc, "out of memory");
    if (rc != NF_OK || nf_json_type(nf_json_root(l.doc)) != NF_JSON_OBJECT ||
        nf_json_has_duplicate_keys(nf_json_root(l.doc))) {
        nf_program_line_done(&l);
        return nf_err_set(err, NF_E_INVALID,
                          "it wrote a line to its standard output that is no JSON object: what is "
                          "not for Nexflow belongs on its standard error");
    }
    rc = read_line(&l, nf_json_root(l.doc), err);
    if (rc == NF_OK)
        *ret = l;
    else
        nf_program_line_done(&l);
    return rc;
}

enum nf_code nf_program_put_call(const char *tool, const char *args, int64_t left_ms,
                                 struct nf_str *to, struct nf_err *err)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    struct nf_json_out o;

    /* Parsed, so that it is one line however it was written. */
    NF_TRY(nf_json_parse(args, strlen(args), 0, &doc, err));
    nf_json_begin_doc(&o, to);
    nf_json_out_object(&o);
    nf_json_put_str(&o, "tool", tool);
    nf_json_out_key(&o, "arguments");
    nf_json_out_value(&o, nf_json_root(doc));
    nf_json_put_i64(&o, "left_ms", left_ms);
    nf_json_out_end(&o);
    NF_TRY(nf_json_end_doc(&o, err));
    return nf_str_adds(to, "\n", err);
}

static NF_RC put_raw(struct nf_json_out *o, const struct nf_str *raw, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { .max = (size_t)16 << 20 };
    const char *p = nf_str_c(raw);

    if (nf_utf8_valid(p, raw->len) && !memchr(p, '\0', raw->len)) {
        nf_json_put_str(o, "body", p);
        return NF_OK;
    }
    NF_TRY(nf_base64(p, raw->len, &text, err));
    nf_json_put_str(o, "body_base64", nf_str_c(&text));
    return NF_OK;
}

enum nf_code nf_program_put_answer(const struct nf_skill_answer *a, struct nf_str *to,
                                   struct nf_err *err)
{
    struct nf_json_out o;

    nf_json_begin_doc(&o, to);
    nf_json_out_object(&o);
    nf_json_put_i64(&o, "code", a->code);
    if (a->code != NF_SKILL_OK) {
        nf_json_put_str(&o, "error", nf_str_c(&a->raw));
    } else {
        if (a->json.len > 0) {
            nf_json_out_key(&o, "result");
            nf_json_out_raw(&o, a->json.p, a->json.len);
        }
        NF_TRY(put_raw(&o, &a->raw, err));
    }
    nf_json_out_end(&o);
    NF_TRY(nf_json_end_doc(&o, err));
    return nf_str_adds(to, "\n", err);
}
