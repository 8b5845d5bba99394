#include "base/own.h"
#include "codec/hash.h"
#include "llm/wire.h"
#include "runtime/http_client.h"
#include "runtime/loop.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(NF_LLM_BODY_PIECES == 1 + NF_HTTP_BODY_MORE, "a body is sent in the same pieces");

struct http_wire {
    struct nf_llm_wire base;
    struct nf_http_client *http;
};

static struct http_wire *of(struct nf_llm_wire *w);

static struct nf_http_call *call_of(const struct nf_llm_answer *a)
{
    return (struct nf_http_call *)a;
}

static enum nf_code send_call(struct nf_llm_wire *w, const struct nf_llm_call *c,
                              struct nf_llm_answer **ret, struct nf_err *err)
{
    struct nf_http_header headers[3];
    size_t n = 0;
    struct nf_http_call *call = NULL;
    bool has_key = c->key && nf_secret_is_set(c->key);

    headers[n++] = (struct nf_http_header){ "Accept", "*/*" };
    if (c->body)
        headers[n++] = (struct nf_http_header){ "Content-Type", "application/json" };
    if (c->http->extra_header)
        headers[n++] = (struct nf_http_header){ c->http->extra_header, c->http->extra_value };
    struct nf_http_request q = {
        .method = c->body ? "POST" : "GET",
        .url = c->url,
        .headers = headers,
        .headers_n = n,
        .secret_header = has_key ? c->http->auth_header : NULL,
        .secret_prefix = has_key ? c->http->auth_prefix : NULL,
        .secret = has_key ? c->key : NULL,
        .repeatable = true, /* another answer is as good */
        .connect_timeout_ms = c->connect_timeout_ms,
        .head_timeout_ms = c->head_timeout_ms,
    };
    if (c->body) {
        struct nf_slice pieces[NF_LLM_BODY_PIECES];
        nf_llm_body_pieces(c->body, pieces);
        q.body = pieces[0].p;
        q.body_n = pieces[0].n;
        memcpy(q.body_more, &pieces[1], sizeof(q.body_more));
    }
    NF_TRY(nf_http_open(of(w)->http, &q, &call, err));
    *ret = (struct nf_llm_answer *)call;
    return NF_OK;
}

static int status_of(const struct nf_llm_answer *a)
{
    return nf_http_status(call_of(a));
}

static const char *header_of(const struct nf_llm_answer *a, const char *name)
{
    return nf_http_header(call_of(a), name);
}

static enum nf_code read_body(struct nf_llm_wire *w, struct nf_llm_answer *a, int64_t timeout_ms,
                              const char **p, size_t *n, struct nf_err *err)
{
    (void)w;
    return nf_http_read(call_of(a), timeout_ms, p, n, err);
}

static void close_answer(struct nf_llm_answer *a)
{
    nf_http_close(call_of(a));
}

static enum nf_code sleep_for(struct nf_llm_wire *w, int64_t ms, struct nf_err *err)
{
    (void)w;
    return nf_sleep(ms, err);
}

static enum nf_code cancelled(struct nf_llm_wire *w)
{
    (void)w;
    return nf_fiber_cancelled();
}

static int64_t mono_ms(struct nf_llm_wire *w)
{
    (void)w;
    return nf_round_ms();
}

static int64_t now_ms(struct nf_llm_wire *w)
{
    (void)w;
    return nf_clock_now_ms(nf_system_clock());
}

static uint64_t random_u64(struct nf_llm_wire *w)
{
    (void)w;
    return nf_random_u64();
}

static const struct nf_llm_wire_ops ops = {
    .send = send_call,
    .status = status_of,
    .header = header_of,
    .read = read_body,
    .close = close_answer,
    .sleep = sleep_for,
    .cancelled = cancelled,
    .mono_ms = mono_ms,
    .now_ms = now_ms,
    .random = random_u64,
};

static struct http_wire *of(struct nf_llm_wire *w)
{
    assert(w->ops == &ops);
    return nf_container_of(w, struct http_wire, base);
}

enum nf_code nf_llm_http_wire_new(struct nf_http_client *http, struct nf_llm_wire **ret,
                                  struct nf_err *err)
{
    struct http_wire *w = calloc(1, sizeof(*w));
    if (!w)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    w->base.ops = &ops;
    w->http = http;
    *ret = &w->base;
    return NF_OK;
}

void nf_llm_http_wire_free(struct nf_llm_wire *w)
{
    if (w)
        free(of(w));
}
