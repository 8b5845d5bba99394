#include "runtime/http_client.h"

#include "base/own.h"
#include "runtime/http_call.h"
#include "runtime/http_trust.h"

#include <stdlib.h>
#include <string.h>

#define CONNECT_TIMEOUT_MS 10000
#define HEAD_TIMEOUT_MS 60000
#define CONNECTIONS_MAX 64
#define SCRATCH_MAX 65536
#define JOINED_MAX ((size_t)16384) /* bytes of a body that is sent with its head */

_Static_assert(NF_HTTP_RESPONSE_HEADERS_MAX == NF_HTTP1_HEADERS_MAX, "the parser counts them");

/* --- a call ----------------------------------------------------------------------------------- */

/* A request with all that was made of it. */
struct prepared {
    struct nf_http_url url, proxy;
    struct nf_str head, key;
    struct nf_stream_target target;
};

static void prepared_done(struct prepared *p)
{
    if (p->head.p)
        explicit_bzero(p->head.p, p->head.cap);
    nf_str_done(&p->head);
    nf_str_done(&p->key);
    nf_http_url_done(&p->url);
    nf_http_url_done(&p->proxy);
}

/* TLS goes through a proxy; anything else is asked of the proxy itself. */
static NF_RC choose_way(struct prepared *p, const struct nf_http_request *r, struct nf_err *err)
{
    bool tls = p->url.tls;
    p->target = (struct nf_stream_target){ .url = &p->url,
                                           .unix_socket = r->unix_socket,
                                           .may_connect = r->may_connect,
                                           .may_connect_arg = r->may_connect_arg };
    if (r->proxy && tls)
        p->target.tunnel = r->proxy;
    else if (r->proxy)
        NF_TRY(nf_err_wrap(err, nf_http_url_parse(r->proxy, false, &p->proxy, err), "proxy"));
    if (p->proxy.text)
        p->target.url = &p->proxy;
    NF_TRY(nf_http_origin_write(&p->url, &p->key, err));
    const char *more[] = { r->unix_socket, r->proxy };
    for (size_t i = 0; i < 2; i++) {
        NF_TRY(nf_str_add(&p->key, "\n", 1, err));
        NF_TRY(nf_str_adds(&p->key, more[i] ? more[i] : "", err));
    }
    p->target.key = nf_str_c(&p->key);
    return NF_OK;
}

static NF_RC prepare(struct nf_http_call *h, const struct nf_http_request *r, struct prepared *p,
                     struct nf_err *err)
{
    NF_TRY(nf_http_url_parse(r->url, false, &p->url, err));
    if (!nf_http_is_token(r->method))
        return nf_err_set(err, NF_E_INVALID, "method: not a token");
    NF_TRY(nf_http_headers_check(r->headers, r->headers_n, r->secret_header, r->secret_prefix,
                                 r->secret, err));
    NF_TRY(nf_strdup(nf_http_origin_of(&p->url).s, &h->origin, err));
    NF_TRY(choose_way(p, r, err));
    return nf_http_request_write(h->client, &p->url, p->proxy.text ? &p->proxy : NULL, r,
                                 JOINED_MAX, &p->head, err);
}

static int64_t or_default(int64_t ms, int64_t otherwise)
{
    ms = ms > 0 ? ms : otherwise;
    return ms > INT32_MAX ? INT32_MAX : ms;
}

static NF_RC connect_to(struct nf_http_call *h, const struct nf_http_request *r,
                        const struct prepared *p, int64_t until_ms, struct nf_err *err)
{
    int64_t limit = or_default(r->connect_timeout_ms, CONNECT_TIMEOUT_MS);
    int64_t left = until_ms - nf_mono_ms();
    return nf_stream_open(h->client, &p->target, left < limit ? (left > 1 ? left : 1) : limit,
                          &h->stream, err);
}

/* What has the same effect once and twice (RFC 9110 section 9.2.2). */
static bool is_idempotent(const struct nf_http_request *r)
{
    static const char *const all[] = { "GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE" };

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(r->method, all[i]) == 0)
            return true;
    return r->repeatable;
}

/* A kept connection that the server closed meanwhile may say so only when it is used: then a new
 * one is what the caller wants, as long as nothing came back. The server may have read the request
 * all the same. */
static NF_RC converse(struct nf_http_call *h, struct nf_http_sending *s, const struct prepared *p,
                      struct nf_err *err)
{
    h->stream = nf_stream_reuse(h->client, p->target.key);
    bool reused = h->stream != NULL;
    if (!reused)
        NF_TRY(connect_to(h, s->r, p, s->until_ms, err));
    enum nf_code rc = nf_http_exchange(h, s, err);
    if (rc != NF_E_UNAVAILABLE || !reused || s->answered || (s->any && !is_idempotent(s->r)))
        return rc;
    nf_stream_close(h->stream);
    h->stream = NULL;
    NF_TRY(connect_to(h, s->r, p, s->until_ms, err));
    return nf_http_exchange(h, s, err);
}

static NF_RC start(struct nf_http_call *h, const struct nf_http_request *r, bool *sent,
                   struct nf_err *err)
{
    NF_CLEANUP(prepared_done) struct prepared p = { 0 };
    struct nf_http_sending s = { .r = r,
                                 .head = &p.head,
                                 .joined = nf_http_body_n(r) <= JOINED_MAX,
                                 .until_ms =
                                     nf_mono_ms() + or_default(r->head_timeout_ms, HEAD_TIMEOUT_MS),
                                 .reading.no_body = strcmp(r->method, "HEAD") == 0 };

    NF_TRY(prepare(h, r, &p, err));
    enum nf_code rc = converse(h, &s, &p, err);
    *sent = s.any;
    NF_TRY(rc);
    h->keep = h->keep && h->head.keep_alive;
    nf_http1_body_begin(&h->body, &h->head);
    h->has_rest = h->in.len > 0;
    if (h->body.ended) {
        h->keep = h->keep && !h->has_rest;
        h->has_rest = false;
        nf_str_reset(&h->in);
        nf_http_call_give_back(h);
    }
    return NF_OK;
}

NF_RC nf_http_open(struct nf_http_client *c, const struct nf_http_request *r,
                   struct nf_http_call **ret, struct nf_err *err)
{
    struct nf_http_call *h = calloc(1, sizeof(*h));
    bool sent = false;

    if (r->sent)
        *r->sent = false;
    if (!h)
        return nf_err_set(err, NF_E_NOMEM, "out of memory for a request");
    c->calls++;
    h->client = c;
    /* A head that is too long is seen as one piece more than may be. */
    h->in.max = NF_HTTP_RESPONSE_HEAD_MAX + c->scratch_max + 1;
    enum nf_code rc = NF_OK;
    if (!c->scratch && !(c->scratch = malloc(c->scratch_max)))
        rc = nf_err_set(err, NF_E_NOMEM, "out of memory for a response");
    if (rc == NF_OK)
        rc = start(h, r, &sent, err);
    if (r->sent)
        *r->sent = sent;
    if (rc != NF_OK) {
        nf_http_close(h);
        return rc;
    }
    *ret = h;
    return NF_OK;
}

int nf_http_status(const struct nf_http_call *h)
{
    return h->head.status;
}

const char *nf_http_header(const struct nf_http_call *h, const char *name)
{
    return nf_http1_field(&h->head, name);
}

bool nf_http_header_at(const struct nf_http_call *h, size_t i, const char **name,
                       const char **value)
{
    return nf_http1_field_at(&h->head, i, name, value);
}

NF_RC nf_http_dial(struct nf_http_client *c, const char *url,
                   bool (*may_connect)(void *arg, const struct sockaddr *address), void *arg,
                   int64_t timeout_ms, int *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_http_url_done) struct nf_http_url u = { 0 };
    struct nf_stream *s;
    assert(may_connect && strncmp(url, "http:", 5) == 0);
    NF_TRY(nf_http_url_parse(url, false, &u, err));
    const struct nf_stream_target t = {
        .url = &u, .may_connect = may_connect, .may_connect_arg = arg, .key = ""
    };
    NF_TRY(nf_stream_open(c, &t, timeout_ms, &s, err));
    if (!nf_stream_detach(s, ret))
        return nf_err_set(err, NF_E_UNAVAILABLE, "no descriptor for a connection is left");
    return NF_OK;
}

void nf_http_close(struct nf_http_call *h)
{
    if (!h)
        return;
    if (h->stream)
        nf_stream_close(h->stream);
    nf_http1_head_done(&h->head);
    nf_str_done(&h->in);
    free(h->origin);
    h->client->calls--;
    free(h);
}

/* --- the client ------------------------------------------------------------------------------- */

static NF_RC init(struct nf_http_client *c, const struct nf_http_client_options *o,
                  struct nf_err *err)
{
    NF_TRY(nf_strdup(o->user_agent ? o->user_agent : "nexflow", &c->user_agent, err));
    if (!nf_http_is_field_value(c->user_agent))
        return nf_err_set(err, NF_E_INVALID, "user_agent: control characters are not allowed");
    if (o->ca_file)
        NF_TRY(nf_strdup(o->ca_file, &c->ca_file, err));
    c->scratch_max = o->buffer_max ? o->buffer_max : SCRATCH_MAX;
    c->idle_max = o->connections_max ? o->connections_max : CONNECTIONS_MAX;
    return nf_curl_loop_new(nf_loop_uv(c->loop), &c->curl, err);
}

NF_RC nf_http_client_new(struct nf_loop *l, const struct nf_http_client_options *o,
                         struct nf_http_client **ret, struct nf_err *err)
{
    static const struct nf_http_client_options defaults;
    struct nf_http_client *c = calloc(1, sizeof(*c));

    if (!c)
        return nf_err_set(err, NF_E_NOMEM, "out of memory for the HTTP client");
    c->loop = l;
    enum nf_code rc = init(c, o ? o : &defaults, err);
    if (rc != NF_OK) {
        nf_http_client_free(c);
        return rc;
    }
    *ret = c;
    return NF_OK;
}

void nf_http_client_free(struct nf_http_client *c)
{
    if (!c)
        return;
    assert(c->calls == 0);
    nf_streams_close_idle(c);
    nf_curl_loop_free(c->curl);
    if (c->sessions)
        curl_share_cleanup(c->sessions);
    nf_http_trust_free(c);
    free(c->scratch);
    free(c->user_agent);
    free(c->ca_file);
    free(c);
}
