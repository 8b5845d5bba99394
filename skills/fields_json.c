/* Questions that were written as JSON, by programs and by tests. */
#include "skills/fields.h"

#include "codec/json.h"

static const struct {
    const char *name;
    enum nf_field field;
    bool number;
} members[] = {
    { "method", NF_FIELD_METHOD, false }, { "url", NF_FIELD_URL, false },
    { "key", NF_FIELD_KEY, false },       { "prefix", NF_FIELD_PREFIX, false },
    { "after", NF_FIELD_AFTER, false },   { "path", NF_FIELD_PATH, false },
    { "limit", NF_FIELD_LIMIT, true },    { "timeout_ms", NF_FIELD_TIMEOUT_MS, true },
    { "offset", NF_FIELD_OFFSET, true },  { "max_bytes", NF_FIELD_MAX_BYTES, true },
};

static bool is_said(const struct nf_json *v)
{
    return v && nf_json_type(v) != NF_JSON_NULL;
}

static NF_RC put_headers(struct nf_str *to, const struct nf_json *list, struct nf_err *err)
{
    if (!is_said(list))
        return NF_OK;
    if (nf_json_type(list) != NF_JSON_ARRAY)
        return nf_err_set(err, NF_E_INVALID, "headers must be a list");
    for (const struct nf_json *c = nf_json_first(list); c; c = nf_json_next(c)) {
        if (!nf_json_str(c))
            return nf_err_set(err, NF_E_INVALID, "headers must be strings \"Name: value\"");
        NF_TRY(nf_fields_put_text(to, NF_FIELD_HEADER, nf_json_str(c), err));
    }
    return NF_OK;
}

static NF_RC put_number(struct nf_str *to, size_t i, const struct nf_json *v, struct nf_err *err)
{
    int64_t n = nf_json_i64(v, INT64_MIN);
    if (n == INT64_MIN)
        return nf_err_set(err, NF_E_INVALID, "%s must be a whole number", members[i].name);
    return nf_fields_put_number(to, members[i].field, n, err);
}

enum nf_code nf_fields_from_json(struct nf_str *to, const struct nf_json *v, struct nf_err *err)
{
    for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
        const struct nf_json *m = nf_json_get(v, members[i].name);
        if (!is_said(m))
            continue;
        if (members[i].number)
            NF_TRY(put_number(to, i, m, err));
        else if (!nf_json_str(m))
            return nf_err_set(err, NF_E_INVALID, "%s must be a string", members[i].name);
        else
            NF_TRY(nf_fields_put_text(to, members[i].field, nf_json_str(m), err));
    }
    return put_headers(to, nf_json_get(v, "headers"), err);
}
