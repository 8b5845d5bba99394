#include "runtime/http_client.h"

#include "base/own.h"
#include "codec/http1.h"
#include "runtime/impl.h"
#include "runtime/stream.h"

#include <stdlib.h>
#include <string.h>

#define CONNECT_TIMEOUT_MS 10000
#define HEAD_TIMEOUT_MS 60000
#define CONNECTIONS_MAX 64
#define SCRATCH_MAX 65536
#define JOINED_MAX ((size_t)16384) /* bytes of a body that is sent with its head */
#define ROW_MAX 16                 /* reads without a wait, then others get their turn */

_Static_assert(NF_HTTP_RESPONSE_HEADERS_MAX == NF_HTTP1_HEADERS_MAX, "the parser counts them");

struct nf_http_call {
    struct nf_http_client *client;
    struct nf_stream *stream; /* NULL: the body has ended, and the connection is given back */
    char *origin;
    struct nf_http1_head head;
    struct nf_http1_body body;
    struct nf_str in; /* before the first read: what came with the head; then: what was read */
    bool has_rest;    /* `in` is not decoded yet */
    bool keep;        /* the connection may be used again */
    bool broken;      /* and there is no more to come */
    unsigned row;
};

static int64_t mono_ms(void)
{
    return nf_mono_us() / 1000;
}

/* --- receiving -------------------------------------------------------------------------------- */

static NF_RC broke(struct nf_http_call *h, struct nf_err *err)
{
    return nf_err_set(err, NF_E_UNAVAILABLE, "%s: the connection broke", h->origin);
}

static NF_RC wait_for(struct nf_http_call *h, bool writing, int64_t timeout_ms, const char *what,
                      struct nf_err *err)
{
    h->row = 0;
    enum nf_code rc = nf_stream_wait(h->stream, writing, timeout_ms, what, err);
    return nf_err_wrap(err, rc, "%s", h->origin);
}

/* Into the client's scratch, which is good until somebody else receives: until the next wait. */
static ssize_t receive(struct nf_http_call *h)
{
    struct nf_http_client *c = h->client;
    if (nf_stream_is_drained(h->stream))
        return NF_STREAM_AGAIN;
    return nf_stream_recv(h->stream, c->scratch, c->scratch_max);
}

/* The body has ended. */
static void give_back(struct nf_http_call *h)
{
    if (h->keep)
        nf_stream_keep(h->stream);
    else
        nf_stream_close(h->stream);
    h->stream = NULL;
}

/* Take the framing off, in place; *n becomes what is left. */
static NF_RC decode(struct nf_http_call *h, char *p, size_t *n, struct nf_err *err)
{
    size_t used, out, got = *n;
    enum nf_code rc = nf_http1_body_decode(&h->body, p, got, &used, &out, err);
    if (rc != NF_OK)
        return nf_err_wrap(err, rc, "%s", h->origin);
    *n = out;
    h->keep = h->keep && used == got;
    if (h->body.ended)
        give_back(h);
    return NF_OK;
}

/* What came with the head. */
static NF_RC take_rest(struct nf_http_call *h, struct nf_err *err)
{
    size_t n = h->in.len;
    h->has_rest = false;
    NF_TRY(decode(h, h->in.p, &n, err));
    h->in.len = n;
    return NF_OK;
}

/* One piece from the connection, *again: nothing has come. */
static NF_RC take_more(struct nf_http_call *h, bool *again, struct nf_err *err)
{
    char *p = h->client->scratch;
    ssize_t got = receive(h);
    *again = got == NF_STREAM_AGAIN;
    if (*again)
        return NF_OK;
    if (got <= 0) {
        if (got == NF_STREAM_BROKEN || !nf_http1_body_end(&h->body))
            return broke(h, err);
        give_back(h);
        return NF_OK;
    }
    size_t n = (size_t)got;
    NF_TRY(decode(h, p, &n, err));
    return n > 0 ? nf_str_add(&h->in, p, n, err) : NF_OK;
}

/* A buffer is not kept while there is nothing to put into it: most of the time a model is silent,
 * and there may be thousands. */
static void release(struct nf_str *s)
{
    size_t max = s->max;
    nf_str_done(s);
    s->max = max;
}

static NF_RC read_piece(struct nf_http_call *h, int64_t idle_timeout_ms, struct nf_err *err)
{
    while (h->in.len == 0 && h->stream) {
        bool again = false;
        if (++h->row > ROW_MAX) {
            h->row = 0;
            NF_TRY(nf_yield(err));
        }
        NF_TRY(take_more(h, &again, err));
        if (again) {
            release(&h->in);
            NF_TRY(wait_for(h, false, idle_timeout_ms, "more of the response", err));
        }
    }
    return NF_OK;
}

NF_RC nf_http_read(struct nf_http_call *h, int64_t idle_timeout_ms, const char **p, size_t *n,
                   struct nf_err *err)
{
    if (h->broken)
        return broke(h, err);
    enum nf_code rc = NF_OK;
    if (h->has_rest)
        rc = take_rest(h, err);
    else
        nf_str_reset(&h->in);
    if (rc == NF_OK)
        rc = read_piece(h, idle_timeout_ms, err);
    /* After a wait that was too long or was called off, another may follow. */
    h->broken = rc != NF_OK && rc != NF_E_TIMEOUT && rc != NF_E_CANCELED;
    if (rc != NF_OK)
        return rc;
    *p = nf_str_c(&h->in);
    *n = h->in.len;
    return NF_OK;
}

NF_RC nf_http_read_all(struct nf_http_call *h, int64_t idle_timeout_ms, struct nf_str *ret,
                       struct nf_err *err)
{
    const char *p = "";
    size_t n = 0;

    for (;;) {
        NF_TRY(nf_http_read(h, idle_timeout_ms, &p, &n, err));
        if (n == 0)
            return NF_OK;
        enum nf_code rc = nf_str_add(ret, p, n, err);
        if (rc != NF_OK)
            return nf_err_wrap(err, rc, "the body of the response");
    }
}

/* --- the head --------------------------------------------------------------------------------- */

/* Where the reading of heads is: interim ones come before the response's. */
struct reading {
    size_t scanned, skipped; /* bytes looked at of this one, and of those before */
    bool no_body;
};

/* Look at what has come. *done: the head of the response is read. */
static NF_RC take_heads(struct nf_http_call *h, struct reading *r, bool *done, struct nf_err *err)
{
    size_t end;
    while (!*done && (end = nf_http1_head_end(nf_str_c(&h->in), h->in.len, &r->scanned)) > 0) {
        if (r->skipped + end > NF_HTTP_RESPONSE_HEAD_MAX)
            break;
        nf_http1_head_done(&h->head);
        NF_TRY(nf_http1_head_parse(h->in.p, end, r->no_body, &h->head, err));
        nf_str_drop(&h->in, end);
        r->skipped += end;
        r->scanned = 0;
        *done = h->head.status >= 200 || h->head.status == 101;
    }
    if (!*done && r->skipped + h->in.len > NF_HTTP_RESPONSE_HEAD_MAX)
        return nf_err_set(err, NF_E_LIMIT, "the head of the response is over %d bytes",
                          NF_HTTP_RESPONSE_HEAD_MAX);
    return NF_OK;
}

/* Receive what there is. *done as above; *again: nothing is there. */
static NF_RC take_head(struct nf_http_call *h, struct reading *r, bool *done, bool *again,
                       struct nf_err *err)
{
    ssize_t got = receive(h);
    *again = got == NF_STREAM_AGAIN;
    if (*again)
        return NF_OK;
    if (got <= 0)
        return nf_err_set(err, NF_E_UNAVAILABLE, "the connection broke");
    NF_TRY(nf_str_add(&h->in, h->client->scratch, (size_t)got, err));
    return take_heads(h, r, done, err);
}

static NF_RC read_head(struct nf_http_call *h, struct reading *r, bool *done, int64_t until_ms,
                       struct nf_err *err)
{
    while (!*done) {
        bool again = false;
        enum nf_code rc = take_head(h, r, done, &again, err);
        if (rc != NF_OK)
            return nf_err_wrap(err, rc, "%s", h->origin);
        if (again) {
            int64_t left = until_ms - mono_ms();
            NF_TRY(wait_for(h, false, left > 0 ? left : 0, "the head of the response", err));
        }
    }
    return NF_OK;
}

/* --- sending ---------------------------------------------------------------------------------- */

/* What one request on one connection needs. */
struct sending {
    const struct nf_http_request *r;
    struct nf_str *head; /* and the body if it is short */
    bool joined;
    bool any;       /* the server may have seen some of it */
    bool answered;  /* it said something */
    bool head_done; /* the response's head is read already */
    int64_t until_ms;
    struct reading reading;
};

/* Until all is sent, or the server has answered before it was. A server that answers and hangs up
 * may be read although sending to it fails. */
static NF_RC send_bytes(struct nf_http_call *h, struct sending *s, const char *p, size_t n,
                        struct nf_err *err)
{
    for (size_t at = 0; at < n && !s->head_done;) {
        ssize_t k = nf_stream_send(h->stream, p + at, n - at);
        if (k >= 0) {
            s->any = s->any || k > 0;
            at += (size_t)k;
            continue;
        }
        h->keep = false;
        if (k == NF_STREAM_BROKEN)
            return NF_OK;
        bool again = false;
        enum nf_code rc = take_head(h, &s->reading, &s->head_done, &again, err);
        s->answered = s->answered || (rc == NF_OK && !again);
        if (rc != NF_OK)
            return nf_err_wrap(err, rc, "%s", h->origin);
        h->keep = !s->head_done;
        if (again) {
            int64_t left = s->until_ms - mono_ms();
            NF_TRY(wait_for(h, true, left > 0 ? left : 0, "the request to be sent", err));
        }
    }
    return NF_OK;
}

static NF_RC exchange(struct nf_http_call *h, struct sending *s, struct nf_err *err)
{
    h->keep = true;
    NF_TRY(send_bytes(h, s, nf_str_c(s->head), s->head->len, err));
    if (!s->joined && h->keep && !s->head_done)
        NF_TRY(send_bytes(h, s, s->r->body, s->r->body_n, err));
    nf_fiber_trim(); /* the answer may take minutes */
    enum nf_code rc = read_head(h, &s->reading, &s->head_done, s->until_ms, err);
    s->answered = s->answered || h->in.len > 0 || s->reading.skipped > 0;
    return rc;
}

/* --- a call ----------------------------------------------------------------------------------- */

/* A request with all that was made of it. */
struct prepared {
    CURLU *url, *proxy;
    struct nf_str head, key;
    struct nf_stream_target target;
};

static void prepared_done(struct prepared *p)
{
    if (p->head.p)
        explicit_bzero(p->head.p, p->head.cap);
    nf_str_done(&p->head);
    nf_str_done(&p->key);
    curl_url_cleanup(p->url);
    curl_url_cleanup(p->proxy);
}

/* TLS goes through a proxy; anything else is asked of the proxy itself. */
static NF_RC choose_way(struct prepared *p, const struct nf_http_request *r, const char *origin,
                        struct nf_err *err)
{
    bool tls = strncmp(origin, "https:", 6) == 0;
    p->target = (struct nf_stream_target){ .url = p->url,
                                           .unix_socket = r->unix_socket,
                                           .may_connect = r->may_connect,
                                           .may_connect_arg = r->may_connect_arg };
    if (r->proxy && tls)
        p->target.tunnel = r->proxy;
    else if (r->proxy)
        NF_TRY(nf_err_wrap(err, nf_http_url_parse(r->proxy, false, &p->proxy, err), "proxy"));
    if (p->proxy)
        p->target.url = p->proxy;
    NF_TRY(nf_http_origin_write(p->url, &p->key, err));
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
    NF_TRY(nf_strdup(nf_http_origin_of(p->url).s, &h->origin, err));
    NF_TRY(choose_way(p, r, h->origin, err));
    return nf_http_request_write(h->client, p->url, p->proxy, r, JOINED_MAX, &p->head, err);
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
    int64_t left = until_ms - mono_ms();
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
static NF_RC converse(struct nf_http_call *h, struct sending *s, const struct prepared *p,
                      struct nf_err *err)
{
    h->stream = nf_stream_reuse(h->client, p->target.key);
    bool reused = h->stream != NULL;
    if (!reused)
        NF_TRY(connect_to(h, s->r, p, s->until_ms, err));
    enum nf_code rc = exchange(h, s, err);
    if (rc != NF_E_UNAVAILABLE || !reused || s->answered || (s->any && !is_idempotent(s->r)))
        return rc;
    nf_stream_close(h->stream);
    h->stream = NULL;
    NF_TRY(connect_to(h, s->r, p, s->until_ms, err));
    return exchange(h, s, err);
}

static NF_RC start(struct nf_http_call *h, const struct nf_http_request *r, bool *sent,
                   struct nf_err *err)
{
    NF_CLEANUP(prepared_done) struct prepared p = { 0 };
    struct sending s = { .r = r,
                         .head = &p.head,
                         .joined = r->body_n <= JOINED_MAX,
                         .until_ms = mono_ms() + or_default(r->head_timeout_ms, HEAD_TIMEOUT_MS),
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
        give_back(h);
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
    NF_TRY(nf_curl_loop_new(nf_loop_uv(c->loop), &c->curl, err));
    c->sessions = curl_share_init();
    if (!c->sessions)
        return nf_err_set(err, NF_E_NOMEM, "out of memory for the HTTP client");
    curl_share_setopt(c->sessions, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
    return NF_OK;
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
    curl_share_cleanup(c->sessions);
    free(c->scratch);
    free(c->user_agent);
    free(c->ca_file);
    free(c);
}
