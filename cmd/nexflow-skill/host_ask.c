/* What a plugin asks of the broker: a question goes out, its answer comes in. */
#include "cmd/nexflow-skill/host.h"

#include <string.h>

struct answer {
    const struct nf_json *json; /* NULL: none */
    struct nf_skill_bytes raw;
};

/* --- questions -------------------------------------------------------------------------------- */

static char question[NF_WIRE_HEAD + NF_WIRE_INLINE_MAX];

/* False: the daemon is gone. */
static bool send_ask(struct host *h, enum nf_skill_op op, const struct nf_str *json,
                     const char *raw, size_t raw_n)
{
    size_t n = NF_WIRE_ASK_HEAD + json->len + raw_n;
    bool bulk = n > NF_WIRE_INLINE_MAX;
    char *payload = bulk ? h->to_daemon : question + NF_WIRE_HEAD;
    nf_wire_put_ask(payload, (int)op, json->len);
    if (json->len > 0)
        memcpy(payload + NF_WIRE_ASK_HEAD, json->p, json->len);
    if (raw_n > 0)
        memcpy(payload + NF_WIRE_ASK_HEAD + json->len, raw, raw_n);
    return bulk ? host_send_bulk(h, NF_WIRE_ASK, h->id, n)
                : host_send(h, question, NF_WIRE_ASK, h->id, n);
}

/* Keep the answer for the rest of the call. */
static int keep(struct host *h, const struct nf_wire_answer *a, struct answer *ret)
{
    if (a->code != NF_SKILL_OK)
        return host_error(h, a->code, "%.*s", (int)(a->raw.n < HOST_WORDS ? a->raw.n : HOST_WORDS),
                          a->raw.n > 0 ? a->raw.p : "");
    ret->raw.p = arena_copy(&h->arena, a->raw.p, a->raw.n);
    ret->raw.n = a->raw.n;
    if (!ret->raw.p)
        return host_error(h, NF_SKILL_E_LIMIT, "no memory for an answer of %zu bytes", a->raw.n);
    if (a->json.n == 0)
        return NF_SKILL_OK;
    if (h->docs_n == HOST_DOCS_MAX)
        return host_error(h, NF_SKILL_E_LIMIT, "more than %d JSON texts in one call",
                          HOST_DOCS_MAX);
    struct nf_json_doc *d = NULL;
    struct nf_err err;
    if (nf_json_parse(a->json.p, a->json.n, 0, &d, &err) != NF_OK)
        return host_error(h, NF_SKILL_E_INTERNAL, "the answer: %s", err.msg);
    h->docs[h->docs_n++] = d;
    ret->json = nf_json_root(d);
    return NF_SKILL_OK;
}

static int ask(struct host *h, enum nf_skill_op op, const struct nf_str *json, const char *raw,
               size_t raw_n, struct answer *ret)
{
    *ret = (struct answer){ 0 };
    if (!h->calling)
        return host_error(h, NF_SKILL_E_DENIED,
                          "not in init or done: there is nobody for whom it would be");
    if (host_left_us(h) <= 0)
        return host_error(h, NF_SKILL_E_TIMEOUT, "the call's time is up");
    if (raw_n > NF_WIRE_BULK_MAX - NF_WIRE_ASK_HEAD - json->len)
        return host_error(h, NF_SKILL_E_LIMIT, "%zu bytes at once, over %zu", raw_n,
                          NF_WIRE_BULK_MAX);
    struct nf_wire_frame f;
    struct nf_wire_answer a;
    if (!send_ask(h, op, json, raw, raw_n) || !host_read(h, &f) || f.type != NF_WIRE_ANSWER ||
        nf_wire_get_answer(f.payload, &a, NULL) != NF_OK)
        return host_error(h, NF_SKILL_E_UNAVAILABLE, "the daemon does not answer");
    return keep(h, &a, ret);
}

void host_note(struct host *h, enum nf_skill_op op, int64_t value, const char *text, size_t n)
{
    struct nf_json_out o;
    struct nf_str json = { 0 };
    nf_json_begin_doc(&o, &json);
    nf_json_out_object(&o);
    nf_json_put_i64(&o, op == NF_SKILL_OP_LOG ? "level" : "percent", value);
    nf_json_out_end(&o);
    if (nf_json_end_doc(&o, NULL) == NF_OK)
        (void)send_ask(h, op, &json, text, n);
    nf_str_done(&json);
}

/* A question of one or more members, being written. */
struct asking {
    struct nf_str json;
    struct nf_json_out o;
};

static void begin(struct asking *q)
{
    *q = (struct asking){ .json = { .max = NF_WIRE_BULK_MAX / 2 } };
    nf_json_begin_doc(&q->o, &q->json);
    nf_json_out_object(&q->o);
}

static int finish(struct host *h, struct asking *q, enum nf_skill_op op, const char *raw,
                  size_t raw_n, struct answer *ret)
{
    struct nf_err err;
    nf_json_out_end(&q->o);
    int code = nf_json_end_doc(&q->o, &err) == NF_OK
                   ? ask(h, op, &q->json, raw, raw_n, ret)
                   : host_error(h, NF_SKILL_E_LIMIT, "the question: %s", err.msg);
    nf_str_done(&q->json);
    return code;
}

static int missing(struct host *h, const char *what)
{
    return host_error(h, NF_SKILL_E_INVALID, "%s is NULL", what);
}

/* --- http ------------------------------------------------------------------------------------- */

static int take_response(struct host *h, const struct answer *a, struct nf_skill_http_response *ret)
{
    const char *type = nf_json_str(nf_json_get(a->json, "content_type"));
    const char *url = nf_json_str(nf_json_get(a->json, "url"));
    int64_t status = nf_json_i64(nf_json_get(a->json, "status"), 0);
    if (status < 100 || status > 999)
        return host_error(h, NF_SKILL_E_INTERNAL, "the answer has no status");
    *ret = (struct nf_skill_http_response){
        .status = (int)status,
        .body = a->raw,
        .content_type = type ? type : "",
        .url = url ? url : "",
        .headers = (const struct nf_skill_json *)(const void *)nf_json_get(a->json, "headers"),
    };
    return NF_SKILL_OK;
}

static int http_fetch(const struct nf_skill_host *api, const struct nf_skill_http_request *r,
                      struct nf_skill_http_response *ret)
{
    struct host *h = host_of(api);
    struct asking q;
    struct answer a = { 0 };
    if (!r || !ret)
        return missing(h, "the request or the place for its response");
    if (r->abi_major != NF_SKILL_ABI_MAJOR ||
        !NF_SKILL_HAS(r, struct nf_skill_http_request, max_bytes))
        return host_error(h, NF_SKILL_E_INVALID, "abi_major or struct_size of the request");
    if (!r->url)
        return missing(h, "url");
    begin(&q);
    nf_json_put_str(&q.o, "method", r->method ? r->method : "GET");
    nf_json_put_str(&q.o, "url", r->url);
    nf_json_out_key(&q.o, "headers");
    nf_json_out_array(&q.o);
    for (const char *const *line = r->headers; line && *line; line++)
        nf_json_out_str(&q.o, *line);
    nf_json_out_end(&q.o);
    if (r->timeout_ms > 0)
        nf_json_put_i64(&q.o, "timeout_ms", r->timeout_ms);
    if (r->max_bytes > 0)
        nf_json_put_i64(&q.o, "max_bytes", r->max_bytes);
    int code = finish(h, &q, NF_SKILL_OP_HTTP_FETCH, r->body, r->body ? r->body_n : 0, &a);
    return code == NF_SKILL_OK ? take_response(h, &a, ret) : code;
}

/* --- kv and files ----------------------------------------------------------------------------- */

/* A question about one key or path. */
static int about(const struct nf_skill_host *api, enum nf_skill_op op, const char *member,
                 const char *name, const char *raw, size_t raw_n, struct answer *ret)
{
    struct host *h = host_of(api);
    struct asking q;
    if (!name)
        return missing(h, member);
    if (!raw && raw_n > 0)
        return missing(h, "the value");
    begin(&q);
    nf_json_put_str(&q.o, member, name);
    return finish(h, &q, op, raw, raw_n, ret);
}

static int kv_get(const struct nf_skill_host *api, const char *key, struct nf_skill_bytes *ret)
{
    struct answer a = { 0 };
    int code = about(api, NF_SKILL_OP_KV_GET, "key", key, NULL, 0, &a);
    if (code == NF_SKILL_OK)
        *ret = a.raw;
    return code;
}

static int kv_put(const struct nf_skill_host *api, const char *key, const char *p, size_t n)
{
    struct answer a = { 0 };
    return about(api, NF_SKILL_OP_KV_PUT, "key", key, p, n, &a);
}

static int kv_delete(const struct nf_skill_host *api, const char *key)
{
    struct answer a = { 0 };
    return about(api, NF_SKILL_OP_KV_DELETE, "key", key, NULL, 0, &a);
}

/* The array that was answered. */
static int take_array(struct host *h, int code, const struct answer *a,
                      const struct nf_skill_json **ret)
{
    if (code != NF_SKILL_OK)
        return code;
    if (nf_json_type(a->json) != NF_JSON_ARRAY)
        return host_error(h, NF_SKILL_E_INTERNAL, "the answer is no array");
    *ret = (const struct nf_skill_json *)(const void *)a->json;
    return NF_SKILL_OK;
}

static int kv_list(const struct nf_skill_host *api, const char *prefix, const char *after,
                   uint32_t limit, const struct nf_skill_json **ret)
{
    struct host *h = host_of(api);
    struct asking q;
    struct answer a = { 0 };
    begin(&q);
    nf_json_put_str(&q.o, "prefix", prefix ? prefix : "");
    nf_json_put_str(&q.o, "after", after);
    nf_json_put_i64(&q.o, "limit", limit);
    return take_array(h, finish(h, &q, NF_SKILL_OP_KV_LIST, NULL, 0, &a), &a, ret);
}

static int file_read(const struct nf_skill_host *api, const char *path, uint64_t offset,
                     uint32_t limit, struct nf_skill_bytes *ret)
{
    struct host *h = host_of(api);
    struct asking q;
    struct answer a = { 0 };
    if (!path)
        return missing(h, "path");
    if (offset > INT64_MAX)
        return host_error(h, NF_SKILL_E_INVALID, "offset is over 2^63 - 1");
    begin(&q);
    nf_json_put_str(&q.o, "path", path);
    nf_json_put_i64(&q.o, "offset", (int64_t)offset);
    nf_json_put_i64(&q.o, "limit", limit);
    int code = finish(h, &q, NF_SKILL_OP_FILE_READ, NULL, 0, &a);
    if (code == NF_SKILL_OK)
        *ret = a.raw;
    return code;
}

static int file_write(const struct nf_skill_host *api, const char *path, const char *p, size_t n)
{
    struct answer a = { 0 };
    return about(api, NF_SKILL_OP_FILE_WRITE, "path", path, p, n, &a);
}

static int file_list(const struct nf_skill_host *api, const char *path,
                     const struct nf_skill_json **ret)
{
    struct answer a = { 0 };
    int code = about(api, NF_SKILL_OP_FILE_LIST, "path", path, NULL, 0, &a);
    return take_array(host_of(api), code, &a, ret);
}

static int file_remove(const struct nf_skill_host *api, const char *path)
{
    struct answer a = { 0 };
    return about(api, NF_SKILL_OP_FILE_REMOVE, "path", path, NULL, 0, &a);
}

void host_set_asks(struct nf_skill_host *api)
{
    api->http_fetch = http_fetch;
    api->kv_get = kv_get;
    api->kv_put = kv_put;
    api->kv_delete = kv_delete;
    api->kv_list = kv_list;
    api->file_read = file_read;
    api->file_write = file_write;
    api->file_list = file_list;
    api->file_remove = file_remove;
}
