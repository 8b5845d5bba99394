/* Schemas and arguments as texts, places in them, and where a $ref leads. */
#include "codec/json_schema.h"

#include "base/own.h"

#include <stdio.h>
#include <string.h>

static size_t put_step(char *to, size_t size, const struct nf_json_path *p)
{
    int n = p->key ? snprintf(to, size, ".%.48s", p->key) : snprintf(to, size, "[%zu]", p->index);

    for (char *c = to; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?';
    return n < 0 ? 0 : (size_t)n < size ? (size_t)n : size - 1;
}

/* From the root down: without recursion, a step of the way at a time from its end. */
const char *nf_json_path_text(const struct nf_json_path *p, const char *root,
                              char buf[NF_JSON_PATH_TEXT])
{
    char step[64];
    size_t at = NF_JSON_PATH_TEXT - 1, n = strlen(root);

    buf[at] = '\0';
    for (; p; p = p->up) {
        size_t k = put_step(step, sizeof(step), p);
        if (k + n + 4 > at) {
            at -= 3;
            memcpy(buf + at, "...", 3);
            break;
        }
        at -= k;
        memcpy(buf + at, step, k);
    }
    at -= n;
    memcpy(buf + at, root, n);
    return buf + at;
}

const struct nf_json *nf_json_schema_ref(const struct nf_json *root, const char *ref)
{
    static const char *const places[] = { "$defs", "definitions" };

    if (strcmp(ref, "#") == 0)
        return root;
    for (size_t i = 0; i < 2; i++) {
        size_t n = strlen(places[i]);
        if (strncmp(ref, "#/", 2) != 0 || strncmp(ref + 2, places[i], n) != 0 || ref[2 + n] != '/')
            continue;
        const char *name = ref + 3 + n;
        /* No escapes of pointers or URIs: a name that needs them is not taken. */
        return name[strcspn(name, "/~%")] ? NULL : nf_json_get(nf_json_get(root, places[i]), name);
    }
    return NULL;
}

enum nf_code nf_json_schema_check_text(const char *schema, struct nf_err *err)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    struct nf_err why;
    enum nf_code rc = nf_json_parse(schema, strlen(schema), NF_JSON_SCHEMA_BYTES_MAX, &doc, &why);

    if (rc != NF_OK)
        return nf_err_set(err, rc, "schema: %s", why.msg);
    const char *type = nf_json_str(nf_json_get(nf_json_root(doc), "type"));
    if (!type || strcmp(type, "object") != 0)
        return nf_err_set(err, NF_E_INVALID,
                          "schema.type: must be \"object\": arguments have names");
    return nf_json_schema_check(nf_json_root(doc), err);
}

enum nf_code nf_json_schema_check_args(const char *schema, const char *args, struct nf_err *err)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *s = NULL;
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *a = NULL;
    struct nf_err why;

    NF_TRY(nf_json_parse(schema, strlen(schema), NF_JSON_SCHEMA_BYTES_MAX, &s, err));
    enum nf_code rc = nf_json_parse(args, strlen(args), NF_JSON_ARGS_BYTES_MAX, &a, &why);
    if (rc != NF_OK)
        return nf_err_set(err, rc, "arguments: %s", why.msg);
    if (nf_json_type(nf_json_root(a)) != NF_JSON_OBJECT)
        return nf_err_set(err, NF_E_INVALID, "arguments: must be an object");
    if (nf_json_has_duplicate_keys(nf_json_root(a)))
        return nf_err_set(err, NF_E_INVALID, "arguments: a name stands twice in an object");
    return nf_json_schema_fits(nf_json_root(s), nf_json_root(a), "arguments", err);
}
