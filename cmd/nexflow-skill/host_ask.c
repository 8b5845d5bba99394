/* What a plugin asks of the broker: a question goes out, its answer comes in. */
#include "cmd/nexflow-skill/host.h"

#include "skills/fields.h"

#include <string.h>

struct answer {
    const struct nf_json *json; /* NULL: none */
    struct nf_skill_bytes raw;
};

/* --- questions -------------------------------------------------------------------------------- */

#define HEADS (NF_WIRE_HEAD + NF_WIRE_ASK_HEAD)

/* A question, being written into h->asked behind room for its heads. The first failure sticks. */
struct asking {
    struct host *h;
    enum nf_code rc;
    struct nf_err err;
};

static void begin(struct asking *q, struct host *h)
{
    static const char heads[HEADS];
    *q = (struct asking){ .h = h };
    h->asked.max = HEADS + NF_WIRE_BULK_MAX / 2;
    nf_str_reset(&h->asked);
    q->rc = nf_str_add(&h->asked, heads, sizeof heads, &q->err);
}

static void put_text(struct asking *q, enum nf_field f, const char *text)
{
    if (q->rc == NF_OK)
        q->rc = nf_fields_put_text(&q->h->asked, f, text, &q->err);
}

static void put_number(struct asking *q, enum nf_field f, int64_t v)
{
    if (q->rc == NF_OK)
        q->rc = nf_fields_put_number(&q->h->asked, f, v, &q->err);
}

/* False: the daemon is gone, or there is no memory to say it. */
static bool send_ask(struct host *h, enum nf_skill_op op, const char *raw, size_t raw_n)
{
    char *payload = h->asked.p + NF_WIRE_HEAD;
    size_t first = h->asked.len - NF_WIRE_HEAD;
    nf_wire_put_ask(payload, (int)op, first - NF_WIRE_ASK_HEAD);
    if (first + raw_n <= NF_WIRE_INLINE_MAX)
        return nf_str_add(&h->asked, raw, raw_n, NULL) == NF_OK &&
               host_send(h, h->asked.p, NF_WIRE_ASK, h->id, first + raw_n);
    memcpy(h->to_daemon, payload, first);
    if (raw_n > 0)
        memcpy(h->to_daemon + first, raw, raw_n);
    return host_send_bulk(h, NF_WIRE_ASK, h->id, first + raw_n);
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

static int ask(struct host *h, enum nf_skill_op op, const char *raw, size_t raw_n,
               struct answer *ret)
{
    *ret = (struct answer){ 0 };
    if (!h->calling)
        return host_error(h, NF_SKILL_E_DENIED,
                          "not in init or done: there is nobody for whom it would be");
    if (host_left_us(h) <= 0)
        return host_error(h, NF_SKILL_E_TIMEOUT, "the call's time is up");
    if (raw_n > NF_WIRE_BULK_MAX - (h->asked.len - NF_WIRE_HEAD))
        return host_error(h, NF_SKILL_E_LIMIT, "%zu bytes at once, over %zu", raw_n,
                          NF_WIRE_BULK_MAX);
    struct nf_wire_frame f;
    struct nf_wire_answer a;
    if (!send_ask(h, op, raw, raw_n) || !host_read(h, &f) || f.type != NF_WIRE_ANSWER ||
        nf_wire_get_answer(f.payload, &a, NULL) != NF_OK)
        return host_error(h, NF_SKILL_E_UNAVAILABLE, "the daemon does not answer");
    return keep(h, &a, ret);
}

static int finish(struct asking *q, enum nf_skill_op op, const char *raw, size_t raw_n,
                  struct answer *ret)
{
    if (q->rc != NF_OK)
        return host_error(q->h, NF_SKILL_E_LIMIT, "the question: %s", q->err.msg);
    return ask(q->h, op, raw, raw_n, ret);
}

void host_note(struct host *h, enum nf_skill_op op, int64_t value, const char *text, size_t n)
{
    struct asking q;
    begin(&q, h);
    put_number(&q, op == NF_SKILL_OP_LOG ? NF_FIELD_LEVEL : NF_FIELD_PERCENT, value);
    if (q.rc == NF_OK)
        (void)send_ask(h, op, text, n);
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
    begin(&q, h);
    put_text(&q, NF_FIELD_METHOD, r->method);
    put_text(&q, NF_FIELD_URL, r->url);
    for (const char *const *line = r->headers; line && *line; line++)
        put_text(&q, NF_FIELD_HEADER, *line);
    put_number(&q, NF_FIELD_TIMEOUT_MS, r->timeout_ms);
    put_number(&q, NF_FIELD_MAX_BYTES, r->max_bytes);
    int code = finish(&q, NF_SKILL_OP_HTTP_FETCH, r->body, r->body ? r->body_n : 0, &a);
    return code == NF_SKILL_OK ? take_response(h, &a, ret) : code;
}

/* --- kv and files ----------------------------------------------------------------------------- */

/* A question about one key or path. */
static int about(const struct nf_skill_host *api, enum nf_skill_op op, enum nf_field f,
                 const char *name, const char *raw, size_t raw_n, struct answer *ret)
{
    struct host *h = host_of(api);
    struct asking q;
    if (!name)
        return missing(h, f == NF_FIELD_KEY ? "key" : "path");
    if (!raw && raw_n > 0)
        return missing(h, "the value");
    begin(&q, h);
    put_text(&q, f, name);
    return finish(&q, op, raw, raw_n, ret);
}

static int kv_get(const struct nf_skill_host *api, const char *key, struct nf_skill_bytes *ret)
{
    struct answer a = { 0 };
    int code = about(api, NF_SKILL_OP_KV_GET, NF_FIELD_KEY, key, NULL, 0, &a);
    if (code == NF_SKILL_OK)
        *ret = a.raw;
    return code;
}

static int kv_put(const struct nf_skill_host *api, const char *key, const char *p, size_t n)
{
    struct answer a = { 0 };
    return about(api, NF_SKILL_OP_KV_PUT, NF_FIELD_KEY, key, p, n, &a);
}

static int kv_delete(const struct nf_skill_host *api, const char *key)
{
    struct answer a = { 0 };
    return about(api, NF_SKILL_OP_KV_DELETE, NF_FIELD_KEY, key, NULL, 0, &a);
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
    begin(&q, h);
    put_text(&q, NF_FIELD_PREFIX, prefix);
    put_text(&q, NF_FIELD_AFTER, after);
    put_number(&q, NF_FIELD_LIMIT, limit);
    return take_array(h, finish(&q, NF_SKILL_OP_KV_LIST, NULL, 0, &a), &a, ret);
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
    begin(&q, h);
    put_text(&q, NF_FIELD_PATH, path);
    put_number(&q, NF_FIELD_OFFSET, (int64_t)offset);
    put_number(&q, NF_FIELD_LIMIT, limit);
    int code = finish(&q, NF_SKILL_OP_FILE_READ, NULL, 0, &a);
    if (code == NF_SKILL_OK)
        *ret = a.raw;
    return code;
}

static int file_write(const struct nf_skill_host *api, const char *path, const char *p, size_t n)
{
    struct answer a = { 0 };
    return about(api, NF_SKILL_OP_FILE_WRITE, NF_FIELD_PATH, path, p, n, &a);
}

static int file_list(const struct nf_skill_host *api, const char *path,
                     const struct nf_skill_json **ret)
{
    struct answer a = { 0 };
    int code = about(api, NF_SKILL_OP_FILE_LIST, NF_FIELD_PATH, path, NULL, 0, &a);
    return take_array(host_of(api), code, &a, ret);
}

static int file_remove(const struct nf_skill_host *api, const char *path)
{
    struct answer a = { 0 };
    return about(api, NF_SKILL_OP_FILE_REMOVE, NF_FIELD_PATH, path, NULL, 0, &a);
}

static int config_get(const struct nf_skill_host *api, const char *key, struct nf_skill_bytes *ret)
{
    struct answer a = { 0 };
    int code = about(api, NF_SKILL_OP_CONFIG_GET, NF_FIELD_KEY, key, NULL, 0, &a);
    if (code == NF_SKILL_OK)
        *ret = a.raw;
    return code;
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
    api->config_get = config_get;
}
