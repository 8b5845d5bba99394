#include "base/context.h"
#include "base/id.h"
#include "http/conn.h"

#include <stdlib.h>

#define REQUEST_DIGITS 8 /* base 32: 10^12 requests */

/* --- the pool -------------------------------------------------------------------------------- */

static struct nf_http_exchange *borrow(struct nf_httpd_conn *c)
{
    struct nf_http_server *s = c->server;
    struct nf_http_exchange *x = s->pool;
    if (x) {
        s->pool = x->next;
        s->pool_n--;
    } else {
        x = calloc(1, sizeof(*x));
        if (!x)
            return NULL;
    }
    x->next = NULL;
    x->c = c;
    s->receiving += x->in.cap;
    return x;
}

/* Ready for the next request of the same connection. */
static void forget(struct nf_http_exchange *x)
{
    if (x->user && x->free_user)
        x->free_user(x->user);
    x->user = NULL;
    x->free_user = NULL;
    nf_httpd_target_reset(&x->target);
    nf_str_reset(&x->headers);
    x->match.route = NULL;
    x->match.params_n = 0;
    x->responded = x->streaming = x->ended = x->upgraded = x->keep = x->raw = false;
    x->peer[0] = '\0';
}

void nf_httpd_exchange_free(struct nf_http_exchange *x)
{
    nf_httpd_target_done(&x->target);
    nf_str_done(&x->headers);
    nf_httpd_input_reset(&x->in, 0);
    free(x);
}

void nf_httpd_exchange_release(struct nf_httpd_conn *c)
{
    struct nf_http_server *s = c->server;
    struct nf_http_exchange *x = nf_take(c->x);
    if (!x)
        return;
    forget(x);
    s->receiving -= x->in.cap;
    nf_httpd_input_reset(&x->in, NF_HTTPD_POOL_BUFFER);
    if (s->pool_n == NF_HTTPD_POOL_MAX || x->headers.cap > NF_HTTPD_POOL_BUFFER) {
        nf_httpd_exchange_free(x);
        return;
    }
    x->next = s->pool;
    s->pool = x;
    s->pool_n++;
}

static enum nf_code feed(struct nf_http_exchange *x, const char *p, size_t n)
{
    size_t had = x->in.cap;
    enum nf_code rc = nf_httpd_input_feed(&x->in, p, n, NULL);
    x->c->server->receiving += x->in.cap - had;
    return rc;
}

/* --- a request arrives ----------------------------------------------------------------------- */

/* RFC 9110 section 15.5.14 and .15, RFC 6585 section 5: too big, whichever part. */
static enum nf_code code_of(int status)
{
    if (status == 413 || status == 414 || status == 431)
        return NF_E_LIMIT;
    return status >= 500 ? NF_E_UNAVAILABLE : NF_E_INVALID;
}

void nf_httpd_exchange_refuse(struct nf_httpd_conn *c, int status, const char *why)
{
    struct nf_http_exchange *x = c->x;
    struct nf_err e;
    c->server->stats.refused++;
    x->keep = false;
    e.code = nf_err_set(&e, code_of(status), "%s", why);
    nf_httpd_respond_error(x, status, &e);
    nf_httpd_exchange_release(c);
    nf_httpd_conn_finish(c);
}

/* The head is there: find the route, whose limit holds for the body. False: refused. */
static bool on_head(struct nf_httpd_conn *c)
{
    struct nf_http_server *s = c->server;
    struct nf_http_exchange *x = c->x;
    const struct nf_httpd_head *h = &x->in.head;
    int status;
    const char *why;
    c->deadline_ms = nf_httpd_now(s) + s->o.limits.body_timeout_ms;
    if (nf_httpd_target_parse(nf_httpd_part(x, h->target), nf_httpd_part(x, h->host), &x->target,
                              &status, &why, NULL) != NF_OK) {
        nf_httpd_exchange_refuse(c, 503, "out of memory");
        return false;
    }
    if (status) {
        nf_httpd_exchange_refuse(c, status, why);
        return false;
    }
    nf_httpd_route(s->o.routes, s->o.routes_n, nf_httpd_part(x, h->method),
                   (struct nf_slice){ nf_str_c(&x->target.path), x->target.path.len }, &x->match);
    if (x->match.route && x->match.route->body_max)
        x->in.body_max = x->match.route->body_max;
    bool body_waits =
        h->chunked || (h->content_length > 0 && (uint64_t)h->content_length <= x->in.body_max);
    if (h->expect_continue && body_waits && x->in.len == x->in.head_n) {
        static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
        uv_buf_t b = { .base = (char *)go_on, .len = sizeof(go_on) - 1 };
        return nf_httpd_send(c, &b, 1, true, NULL) == NF_OK;
    }
    return true;
}

/* True if a whole request is there. */
static bool advance(struct nf_httpd_conn *c)
{
    struct nf_http_exchange *x = c->x;
    for (;;) {
        switch (nf_httpd_input_step(&x->in, &c->server->input_limits)) {
        case NF_HTTPD_MORE:
            return false;
        case NF_HTTPD_HEAD:
            if (!on_head(c))
                return false;
            break;
        case NF_HTTPD_DONE:
            c->state = NF_HTTPD_RUNNING;
            c->deadline_ms = nf_httpd_now(c->server) + c->server->o.limits.handler_timeout_ms;
            return true;
        default:
            nf_httpd_exchange_refuse(c, x->in.status, x->in.why);
            return false;
        }
    }
}

void nf_httpd_exchange_input(struct nf_httpd_conn *c, const char *p, size_t n)
{
    if (!c->x) {
        c->x = borrow(c);
        if (!c->x) {
            nf_httpd_conn_close(c);
            return;
        }
        c->deadline_ms = nf_httpd_now(c->server) + c->server->o.limits.head_timeout_ms;
    }
    if (feed(c->x, p, n) != NF_OK) {
        nf_httpd_conn_close(c);
        return;
    }
    if (c->server->receiving > c->server->o.limits.receiving_max) {
        nf_httpd_exchange_refuse(c, 503, "too much is being received at once");
        return;
    }
    if (advance(c) && !nf_httpd_conn_spawn(c)) {
        c->state = NF_HTTPD_READING;
        nf_httpd_exchange_refuse(c, 503, "too many requests at once");
    }
}

/* --- its handler ----------------------------------------------------------------------------- */

static void respond_unrouted(struct nf_http_exchange *x)
{
    struct nf_http_server *s = x->c->server;
    struct nf_err e;
    if (!x->match.path_known) {
        (void)nf_err_set(&e, NF_E_NOT_FOUND, "no such path");
        nf_httpd_respond_error(x, 404, &e);
        return;
    }
    NF_CLEANUP(nf_str_done) struct nf_str allow = { 0 };
    (void)nf_err_set(&e, NF_E_INVALID, "method not allowed here");
    if (nf_httpd_allow(s->o.routes, s->o.routes_n, nf_http_path(x), &allow, NULL) == NF_OK &&
        nf_http_add_header(x, "Allow", nf_str_c(&allow), NULL) == NF_OK)
        nf_httpd_respond_error(x, 405, &e);
}

static bool refuse_handshake(struct nf_http_exchange *x)
{
    const char *why;
    struct nf_err e;
    int status = nf_httpd_ws_check(x, &why);
    if (!status)
        return false;
    if (status == 426 && (nf_http_add_header(x, "Upgrade", "websocket", NULL) != NF_OK ||
                          nf_http_add_header(x, "Sec-WebSocket-Version", "13", NULL) != NF_OK))
        status = 400;
    (void)nf_err_set(&e, NF_E_INVALID, "%s", why);
    nf_httpd_respond_error(x, status, &e);
    return true;
}

static enum nf_code call_handler(struct nf_http_exchange *x, struct nf_err *err)
{
    const struct nf_http_server_options *o = &x->c->server->o;
    struct nf_id_text number = nf_id_to_text((int64_t)x->c->server->stats.requests);
    NF_CLEANUP(nf_context_pop) struct nf_context request;

    /* What is logged on behalf of a request carries its number since the start. */
    nf_context_push(&request, "request", number.s + NF_ID_TEXT - REQUEST_DIGITS);
    if (o->before) {
        NF_TRY(o->before(o->arg, x, err));
        if (x->responded)
            return NF_OK;
    }
    if (!x->match.route) {
        respond_unrouted(x);
        return NF_OK;
    }
    if ((x->match.route->flags & NF_ROUTE_UPGRADE) && refuse_handshake(x))
        return NF_OK;
    return x->match.route->fn(o->arg, x, err);
}

static void run_one(struct nf_http_exchange *x)
{
    struct nf_httpd_conn *c = x->c;
    struct nf_err e = { 0 };
    c->server->stats.requests++;
    x->keep = x->in.head.keep_alive;
    uint64_t round = c->server->round;
    enum nf_code rc = call_handler(x, &e);
    if (x->match.route)
        c->server->route_waits[x->match.route - c->server->o.routes] = c->server->round != round;
    if (nf_fiber_cancelled() != NF_OK)
        nf_fiber_uncancel();
    c->deadline_ms = 0;
    if (rc == NF_OK && !x->responded)
        rc = nf_err_set(&e, NF_E_INTERNAL, "the request was not answered");
    if (rc != NF_OK && !x->responded)
        nf_httpd_respond_error(x, 0, &e);
    if (rc != NF_OK && x->upgraded)
        nf_websocket_close(c->ws, 1011, "");
}

/* The next request of a connection that stays. True if it is whole already. */
static bool go_on(struct nf_httpd_conn *c)
{
    struct nf_http_server *s = c->server;
    c->state = NF_HTTPD_READING;
    if (c->x->in.len > 0) {
        c->deadline_ms = nf_httpd_now(s) + s->o.limits.head_timeout_ms;
        if (advance(c))
            return true;
        if (!c->eof || c->state != NF_HTTPD_READING)
            return false;
        nf_httpd_exchange_release(c); /* the rest of it is not going to come */
        nf_httpd_conn_finish(c);
        return false;
    }
    nf_httpd_exchange_release(c);
    c->deadline_ms = nf_httpd_now(s) + s->o.limits.idle_timeout_ms;
    if (c->eof)
        nf_httpd_conn_finish(c);
    return false;
}

static void become_websocket(struct nf_httpd_conn *c)
{
    struct nf_http_server *s = c->server;
    c->state = NF_HTTPD_WEBSOCKET;
    if (c->x->in.len > 0)
        nf_httpd_conn_stash(c, c->x->in.buf, c->x->in.len);
    nf_httpd_exchange_release(c);
    if (s->stopping)
        nf_websocket_close(c->ws, 1001, "");
    if (c->ws->close_sent) /* perhaps by the handler already */
        c->deadline_ms = nf_httpd_now(s) + NF_HTTPD_WS_CLOSE_MS;
    if (c->eof)
        nf_httpd_conn_close(c);
}

/* The request is answered. True if the next one is whole already. */
static bool finish_one(struct nf_httpd_conn *c)
{
    struct nf_http_exchange *x = c->x;
    bool cut = !x->responded || (x->streaming && !x->ended);
    bool upgraded = x->upgraded, keep = x->keep && !c->server->stopping;
    forget(x);
    if (c->closing || cut) {
        nf_httpd_conn_close(c);
        return false;
    }
    if (!keep && !upgraded) {
        nf_httpd_exchange_release(c);
        nf_httpd_conn_finish(c);
        return false;
    }
    nf_httpd_input_next(&x->in);
    if (c->in_len > 0 && feed(x, c->in, c->in_len) != NF_OK) {
        nf_httpd_conn_close(c);
        return false;
    }
    free(c->in);
    c->in = NULL;
    c->in_len = c->in_cap = 0;
    if (!upgraded)
        return go_on(c);
    become_websocket(c);
    return false;
}

void nf_httpd_exchange_run(struct nf_httpd_conn *c)
{
    if (c->server->fibers.canceled) {
        nf_httpd_conn_close(c); /* stopped before it began */
        return;
    }
    do
        run_one(c->x);
    while (finish_one(c));
}
