/* What the parser takes, it prints; what it prints, it takes again and prints the same. Decoding by
 * table survives whatever was parsed. */
#include "base/own.h"
#include "codec/json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct inner {
    int64_t number;
    char *text;
};
struct outer {
    char *s, *raw;
    int64_t i;
    double f;
    bool b;
    struct inner o;
};

static const struct nf_json_field inner_fields[] = {
    NF_JSON_FIELD(struct inner, "i", NF_JSON_F_I64, number, NF_JSON_REQUIRED, -5, 5),
    NF_JSON_FIELD(struct inner, "s", NF_JSON_F_STR, text, 0, 1, 3),
};
static const struct nf_json_table inner_table = { inner_fields, 2, true };
static const struct nf_json_field outer_fields[] = {
    NF_JSON_FIELD(struct outer, "s", NF_JSON_F_STR, s, NF_JSON_NULLABLE, 0, 10),
    NF_JSON_FIELD(struct outer, "r", NF_JSON_F_RAW, raw, 0, 0, 64),
    NF_JSON_FIELD(struct outer, "i", NF_JSON_F_I64, i, 0, 0, 0),
    NF_JSON_FIELD(struct outer, "f", NF_JSON_F_F64, f, 0, 0, 0),
    NF_JSON_FIELD(struct outer, "b", NF_JSON_F_BOOL, b, 0, 0, 0),
    NF_JSON_FIELD_OBJECT(struct outer, "o", o, 0, &inner_table),
};
static const struct nf_json_table outer_table = { outer_fields, 6, false };

static void decode(const struct nf_json *v)
{
    struct outer out = { 0 };
    struct nf_err err = { .msg = "" };
    if (nf_json_decode(v, &outer_table, &out, &err) != NF_OK && !err.msg[0])
        abort();
    nf_json_table_done(&outer_table, &out);
}

static void print(const struct nf_json *v, struct nf_str *to)
{
    struct nf_json_out o;
    struct nf_err err;
    to->max = NF_JSON_BYTES_MAX;
    nf_json_begin_doc(&o, to);
    nf_json_out_value(&o, v);
    if (nf_json_end_doc(&o, &err) != NF_OK)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *first = NULL;
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *second = NULL;
    NF_CLEANUP(nf_str_done) struct nf_str a = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str b = { 0 };
    struct nf_err err;

    if (nf_json_parse((const char *)data, size, 0, &first, &err) != NF_OK)
        return 0;
    print(nf_json_root(first), &a);
    if (nf_json_parse(nf_str_c(&a), a.len, 0, &second, &err) != NF_OK)
        abort();
    print(nf_json_root(second), &b);
    if (strcmp(nf_str_c(&a), nf_str_c(&b)) != 0 || strlen(nf_str_c(&a)) != a.len)
        abort();
    if (nf_json_has_duplicate_keys(nf_json_root(first)) !=
        nf_json_has_duplicate_keys(nf_json_root(second)))
        abort();
    for (const struct nf_json *c = nf_json_first(nf_json_root(first)); c; c = nf_json_next(c))
        if (nf_json_i64(c, 1) != nf_json_i64(c, 2) && nf_json_i64(c, 1) != 1)
            abort();
    decode(nf_json_root(first));
    return 0;
}
