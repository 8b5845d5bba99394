#include "skills/memory_broker.h"

#include "base/own.h"
#include "codec/json.h"
#include "skills/fields.h"
#include "skills/include/nexflow/skill.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#define READ_MAX ((int64_t)1 << 20) /* bytes of a file at once */
#define LIST_MAX 1000

struct nf_memory_item {
    struct nf_memory_item *prev, *next;
    char *name, *type;
    struct nf_str bytes;
};

/* --- items ------------------------------------------------------------------------------------ */

static struct nf_memory_item *find(struct nf_memory_item *list, const char *name)
{
    struct nf_memory_item *i;
    DL_FOREACH(list, i)
    {
        if (strcmp(i->name, name) == 0)
            return i;
    }
    return NULL;
}

static void item_free(struct nf_memory_item **list, struct nf_memory_item *i)
{
    if (list)
        DL_DELETE(*list, i);
    nf_freep(&i->name);
    nf_freep(&i->type);
    nf_str_done(&i->bytes);
    free(i);
}

static int by_name(const struct nf_memory_item *a, const struct nf_memory_item *b)
{
    return strcmp(a->name, b->name);
}

static NF_RC fill(struct nf_memory_item *i, const char *name, const char *type, struct nf_slice b,
                  struct nf_err *err)
{
    i->bytes.max = NF_WIRE_BULK_MAX;
    NF_TRY(nf_strdup(name, &i->name, err));
    NF_TRY(nf_strdup(type, &i->type, err));
    return nf_str_add(&i->bytes, b.p, b.n, err);
}

/* Set or replace. */
static NF_RC put(struct nf_memory_item **list, const char *name, const char *type,
                 struct nf_slice bytes, struct nf_err *err)
{
    struct nf_memory_item *i, *old = find(*list, name);
    size_t n;
    DL_COUNT(*list, i, n);
    if (!old && n >= NF_MEMORY_BROKER_ITEMS)
        return nf_err_set(err, NF_E_LIMIT, "there are %d already", NF_MEMORY_BROKER_ITEMS);
    i = calloc(1, sizeof *i);
    if (!i)
        return nf_err_set(err, NF_E_NOMEM, "no memory for '%s'", name);
    enum nf_code rc = fill(i, name, type, bytes, err);
    if (rc != NF_OK) {
        item_free(NULL, i);
        return rc;
    }
    if (old)
        item_free(list, old);
    DL_INSERT_INORDER(*list, i, by_name);
    return NF_OK;
}

/* --- answers ---------------------------------------------------------------------------------- */

/* A refusal is an answer like any other. */
static NF_RC refuse(struct nf_skill_answer *ret, int code, const char *why, struct nf_err *err)
{
    ret->code = code;
    return nf_str_set(&ret->raw, why, err);
}

static NF_RC get(struct nf_memory_item *list, const char *name, struct nf_skill_answer *ret,
                 struct nf_err *err)
{
    const struct nf_memory_item *i = find(list, name);
    if (!i)
        return refuse(ret, NF_SKILL_E_NOT_FOUND, "there is none of that name", err);
    return nf_str_add(&ret->raw, nf_str_c(&i->bytes), i->bytes.len, err);
}

static NF_RC take_out(struct nf_memory_item **list, const char *name, struct nf_skill_answer *ret,
                      struct nf_err *err)
{
    struct nf_memory_item *i = find(*list, name);
    if (!i)
        return refuse(ret, NF_SKILL_E_NOT_FOUND, "there is none of that name", err);
    item_free(list, i);
    return NF_OK;
}

static NF_RC list_keys(const struct nf_memory_broker *b, const struct nf_fields *q,
                       struct nf_skill_answer *ret, struct nf_err *err)
{
    const char *prefix = nf_fields_text(q, NF_FIELD_PREFIX);
    const char *after = nf_fields_text(q, NF_FIELD_AFTER);
    int64_t limit = nf_fields_number(q, NF_FIELD_LIMIT, LIST_MAX);
    const struct nf_memory_item *i;
    struct nf_json_out o;
    prefix = prefix ? prefix : "";
    nf_json_begin_doc(&o, &ret->json);
    nf_json_out_array(&o);
    DL_FOREACH(b->kv, i)
    {
        if (limit <= 0 || strncmp(i->name, prefix, strlen(prefix)) != 0 ||
            (after && strcmp(i->name, after) <= 0))
            continue;
        nf_json_out_str(&o, i->name);
        limit--;
    }
    nf_json_out_end(&o);
    return nf_json_end_doc(&o, err);
}

static NF_RC read_file(const struct nf_memory_broker *b, const char *path,
                       const struct nf_fields *q, struct nf_skill_answer *ret, struct nf_err *err)
{
    const struct nf_memory_item *i = find(b->files, path);
    int64_t offset = nf_fields_number(q, NF_FIELD_OFFSET, 0);
    int64_t limit = nf_fields_number(q, NF_FIELD_LIMIT, 0);
    if (!i)
        return refuse(ret, NF_SKILL_E_NOT_FOUND, "there is no such file", err);
    int64_t len = (int64_t)i->bytes.len;
    offset = offset < 0 ? 0 : offset > len ? len : offset;
    limit = limit <= 0 || limit > READ_MAX ? READ_MAX : limit;
    limit = limit < len - offset ? limit : len - offset;
    return nf_str_add(&ret->raw, nf_str_c(&i->bytes) + offset, (size_t)limit, err);
}

/* What lies directly in `path`: files by their own names, directories once each. */
static NF_RC list_files(const struct nf_memory_broker *b, const char *path,
                        struct nf_skill_answer *ret, struct nf_err *err)
{
    size_t n = strlen(path), last_n = 0;
    const char *last = "";
    const struct nf_memory_item *i;
    struct nf_json_out o;
    nf_json_begin_doc(&o, &ret->json);
    nf_json_out_array(&o);
    DL_FOREACH(b->files, i)
    {
        if (n > 0 && (strncmp(i->name, path, n) != 0 || i->name[n] != '/'))
            continue;
        const char *name = i->name + n + (n > 0);
        size_t name_n = strcspn(name, "/");
        bool is_file = name[name_n] == '\0';
        if (!is_file && name_n == last_n && strncmp(name, last, name_n) == 0)
            continue;
        last = name;
        last_n = is_file ? 0 : name_n;
        nf_json_out_object(&o);
        nf_json_out_key(&o, "name");
        nf_json_out_strn(&o, name, name_n);
        nf_json_put_str(&o, "type", is_file ? "file" : "directory");
        nf_json_put_i64(&o, "size", is_file ? (int64_t)i->bytes.len : 0);
        nf_json_put_i64(&o, "modified_ms", 0);
        nf_json_out_end(&o);
    }
    nf_json_out_end(&o);
    return nf_json_end_doc(&o, err);
}

static NF_RC fetch(const struct nf_memory_broker *b, const struct nf_fields *q,
                   struct nf_skill_answer *ret, struct nf_err *err)
{
    const char *url = nf_fields_text(q, NF_FIELD_URL);
    const char *method = nf_fields_text(q, NF_FIELD_METHOD);
    const struct nf_memory_item *i = url ? find(b->http, url) : NULL;
    struct nf_json_out o;
    if (!i || (method && strcmp(method, "GET") != 0))
        return refuse(ret, NF_SKILL_E_UNAVAILABLE, "nothing was put in for this URL", err);
    nf_json_begin_doc(&o, &ret->json);
    nf_json_out_object(&o);
    nf_json_put_i64(&o, "status", 200);
    nf_json_put_str(&o, "content_type", i->type);
    nf_json_put_str(&o, "url", url);
    nf_json_out_key(&o, "headers");
    nf_json_out_object(&o);
    nf_json_put_str(&o, "content-type", i->type);
    nf_json_out_end(&o);
    nf_json_out_end(&o);
    NF_TRY(nf_json_end_doc(&o, err));
    return nf_str_add(&ret->raw, nf_str_c(&i->bytes), i->bytes.len, err);
}

static NF_RC answer(struct nf_memory_broker *b, const struct nf_skill_ask *a,
                    const struct nf_fields *q, struct nf_skill_answer *ret, struct nf_err *err)
{
    const char *key = nf_fields_text(q, NF_FIELD_KEY);
    const char *path = nf_fields_text(q, NF_FIELD_PATH);
    key = key ? key : "";
    path = path ? path : "";
    switch (a->op) {
    case NF_SKILL_OP_HTTP_FETCH:
        return fetch(b, q, ret, err);
    case NF_SKILL_OP_KV_GET:
        return get(b->kv, key, ret, err);
    case NF_SKILL_OP_KV_PUT:
        return put(&b->kv, key, "", a->raw, err);
    case NF_SKILL_OP_KV_DELETE:
        return take_out(&b->kv, key, ret, err);
    case NF_SKILL_OP_KV_LIST:
        return list_keys(b, q, ret, err);
    case NF_SKILL_OP_FILE_READ:
        return read_file(b, path, q, ret, err);
    case NF_SKILL_OP_FILE_WRITE:
        return put(&b->files, path, "", a->raw, err);
    case NF_SKILL_OP_FILE_LIST:
        return list_files(b, path, ret, err);
    case NF_SKILL_OP_FILE_REMOVE:
        return take_out(&b->files, path, ret, err);
    case NF_SKILL_OP_CONFIG_GET:
        return refuse(ret, NF_SKILL_E_NOT_FOUND, "nothing is set", err);
    case NF_SKILL_OP_LOG:
    case NF_SKILL_OP_PROGRESS:
        if (b->note)
            b->note(b->arg, a->op,
                    nf_fields_number(
                        q, a->op == NF_SKILL_OP_LOG ? NF_FIELD_LEVEL : NF_FIELD_PERCENT, -1),
                    a->raw);
        return NF_OK;
    }
    return refuse(ret, NF_SKILL_E_INVALID, "an unknown question", err);
}

static enum nf_code ask(struct nf_skill_broker *base, const struct nf_skill_ask *a,
                        struct nf_skill_answer *ret, struct nf_err *err);

static const struct nf_skill_broker_ops ops = { .ask = ask };

static enum nf_code ask(struct nf_skill_broker *base, const struct nf_skill_ask *a,
                        struct nf_skill_answer *ret, struct nf_err *err)
{
    assert(base->ops == &ops);
    struct nf_memory_broker *b = nf_container_of(base, struct nf_memory_broker, base);
    struct nf_fields q;
    NF_TRY(nf_fields_read(a->fields, &q, err));
    return answer(b, a, &q, ret, err);
}

/* --- life ------------------------------------------------------------------------------------- */

void nf_memory_broker_init(struct nf_memory_broker *b)
{
    *b = (struct nf_memory_broker){ .base.ops = &ops };
}

static void free_all(struct nf_memory_item **list)
{
    while (*list)
        item_free(list, *list);
}

void nf_memory_broker_done(struct nf_memory_broker *b)
{
    free_all(&b->kv);
    free_all(&b->files);
    free_all(&b->http);
}

NF_RC nf_memory_broker_put_http(struct nf_memory_broker *b, const char *url, const char *type,
                                const char *body, size_t n, struct nf_err *err)
{
    return put(&b->http, url, type, (struct nf_slice){ body, n }, err);
}

NF_RC nf_memory_broker_put_kv(struct nf_memory_broker *b, const char *key, const char *value,
                              size_t n, struct nf_err *err)
{
    return put(&b->kv, key, "", (struct nf_slice){ value, n }, err);
}

NF_RC nf_memory_broker_put_file(struct nf_memory_broker *b, const char *path, const char *bytes,
                                size_t n, struct nf_err *err)
{
    return put(&b->files, path, "", (struct nf_slice){ bytes, n }, err);
}
