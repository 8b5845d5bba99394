#include "http/conn.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

static void destroy(struct nf_httpd_conn *c)
{
    struct nf_http_server *s = c->server;
    nf_httpd_ws_done(c);
    nf_httpd_exchange_release(c);
    free(c->in);
    DL_DELETE(s->conns, c);
    if (c->counted)
        nf_httpd_peer_leave(s, c->ip);
    free(c);
    s->stats.connections--;
    if (s->stats.connections == 0 && s->stopper)
        nf_wait_wake(s->stopper, NF_OK);
}

static void on_closed(uv_handle_t *h)
{
    struct nf_httpd_conn *c = h->data;
    c->closed = true;
    if (!c->running)
        destroy(c);
}

void nf_httpd_conn_close(struct nf_httpd_conn *c)
{
    if (c->closing)
        return;
    c->closing = true;
    nf_httpd_out_drop(c);
    if (c->writer)
        nf_wait_wake(nf_take(c->writer), NF_E_CANCELED);
    /* A stream's handler may wait for something else, which nobody is going to read. Others end as
     * if the peer were there: what they do is worth doing. */
    if (c->running && c->x && c->x->streaming && c->fiber)
        nf_fiber_cancel(c->fiber, NF_E_CANCELED);
    uv_close(&c->u.handle, on_closed);
}

/* --- input ----------------------------------------------------------------------------------- */

static void on_alloc(uv_handle_t *h, size_t hint, uv_buf_t *b)
{
    struct nf_httpd_conn *c = h->data;
    (void)hint;
    b->base = c->server->read_buffer;
    b->len = sizeof(c->server->read_buffer);
}

static void on_eof(struct nf_httpd_conn *c)
{
    c->eof = true;
    uv_read_stop(&c->u.stream);
    /* A peer that has only stopped to write still gets its answer; from one that asked for a stream
     * it is how leaving looks. */
    if (c->state == NF_HTTPD_RUNNING && !c->x->streaming)
        return;
    if (c->state == NF_HTTPD_DRAINING && nf_httpd_queued(c) > 0)
        return;
    nf_httpd_conn_close(c);
}

static void pause_reading(struct nf_httpd_conn *c)
{
    c->paused = true;
    uv_read_stop(&c->u.stream);
}

static void on_read(uv_stream_t *h, ssize_t n, const uv_buf_t *b)
{
    struct nf_httpd_conn *c = h->data;
    if (n == 0 || c->closing)
        return;
    if (n == UV_EOF) {
        on_eof(c);
        return;
    }
    if (n < 0) {
        nf_httpd_conn_close(c);
        return;
    }
    switch (c->state) {
    case NF_HTTPD_READING:
        nf_httpd_exchange_input(c, b->base, (size_t)n);
        return;
    case NF_HTTPD_RUNNING:
        nf_httpd_conn_stash(c, b->base, (size_t)n);
        if (!c->closing && c->in_len > NF_HTTPD_BEHIND_MAX)
            pause_reading(c);
        return;
    case NF_HTTPD_WEBSOCKET:
        nf_httpd_conn_stash(c, b->base, (size_t)n);
        if (c->closing)
            return;
        c->ws->heard_ms = nf_httpd_now(c->server);
        c->ws->ping_ms = 0;
        if (c->running)
            pause_reading(c);
        else if (!nf_httpd_conn_spawn(c))
            nf_httpd_conn_close(c);
        return;
    default:
        return; /* what comes after the end is dropped */
    }
}

static void resume_reading(struct nf_httpd_conn *c)
{
    if (!c->paused || c->closing || c->eof)
        return;
    c->paused = false;
    if (uv_read_start(&c->u.stream, on_alloc, on_read) < 0)
        nf_httpd_conn_close(c);
}

void nf_httpd_conn_stash(struct nf_httpd_conn *c, const char *p, size_t n)
{
    if (n > c->in_cap - c->in_len) {
        size_t cap = c->in_cap ? c->in_cap : 256;
        while (cap - c->in_len < n)
            cap *= 2;
        char *in = realloc(c->in, cap);
        if (!in) {
            nf_httpd_conn_close(c);
            return;
        }
        c->in = in;
        c->in_cap = cap;
    }
    memcpy(c->in + c->in_len, p, n);
    c->in_len += n;
}

/* --- the fiber ------------------------------------------------------------------------------- */

bool nf_httpd_conn_spawn(struct nf_httpd_conn *c)
{
    if (c->running)
        return true;
    if (!nf_httpd_worker_give(c->server, c))
        return false;
    c->running = true;
    return true;
}

bool nf_httpd_conn_waits(const struct nf_httpd_conn *c)
{
    const struct nf_http_server *s = c->server;
    if (c->state == NF_HTTPD_WEBSOCKET)
        return c->ws->waits;
    return c->x->match.route && s->route_waits[c->x->match.route - s->o.routes];
}

void nf_httpd_conn_work(struct nf_httpd_conn *c)
{
    c->fiber = nf_fiber_current();
    if (c->state == NF_HTTPD_RUNNING)
        nf_httpd_exchange_run(c);
    if (c->state == NF_HTTPD_WEBSOCKET)
        nf_httpd_ws_run(c);
    c->running = false;
    c->fiber = NULL;
    if (nf_fiber_cancelled() != NF_OK)
        nf_fiber_uncancel(); /* it was meant for this connection */
    if (c->closed)
        destroy(c);
    else
        resume_reading(c);
}

/* --- the end --------------------------------------------------------------------------------- */

void nf_httpd_conn_finish(struct nf_httpd_conn *c)
{
    if (c->closing || c->fin_sent)
        return;
    c->state = NF_HTTPD_DRAINING;
    c->deadline_ms = 0; /* while output waits, the write deadline holds */
    if (c->out_len > 0 && c->writes == 0) {
        nf_httpd_flush(c); /* comes back here once all is written */
        return;
    }
    if (nf_httpd_queued(c) > 0) {
        resume_reading(c);
        return;
    }
    uv_os_fd_t fd;
    if (c->eof || uv_fileno(&c->u.handle, &fd) < 0 || shutdown(fd, SHUT_WR) < 0) {
        nf_httpd_conn_close(c);
        return;
    }
    c->fin_sent = true;
    c->deadline_ms = nf_httpd_now(c->server) + NF_HTTPD_LINGER_MS;
    resume_reading(c);
}

static void state_expired(struct nf_httpd_conn *c)
{
    c->deadline_ms = 0;
    switch (c->state) {
    case NF_HTTPD_READING:
        if (c->x)
            nf_httpd_exchange_refuse(c, 408, "the request took too long to arrive");
        else
            nf_httpd_conn_close(c);
        return;
    case NF_HTTPD_RUNNING:
        if (c->fiber)
            nf_fiber_cancel(c->fiber, NF_E_TIMEOUT);
        return;
    default:
        nf_httpd_conn_close(c);
        return;
    }
}

void nf_httpd_conn_sweep(struct nf_httpd_conn *c, int64_t now)
{
    if (c->closing)
        return;
    if (c->write_deadline_ms) {
        size_t queued = nf_httpd_queued(c);
        if (queued < c->write_seen)
            c->write_deadline_ms = now + c->server->o.limits.write_timeout_ms;
        c->write_seen = queued;
        if (now >= c->write_deadline_ms) {
            nf_httpd_conn_close(c);
            return;
        }
    }
    if (c->deadline_ms && now >= c->deadline_ms)
        state_expired(c);
    if (c->state == NF_HTTPD_WEBSOCKET && !c->closing)
        nf_httpd_ws_sweep(c, now);
}

/* --- the beginning --------------------------------------------------------------------------- */

static int open_handle(struct nf_httpd_conn *c, int fd)
{
    int r = c->is_unix ? uv_pipe_init(c->server->uv, &c->u.pipe, 0)
                       : uv_tcp_init(c->server->uv, &c->u.tcp);
    if (r < 0) {
        c->closed = true; /* there is no handle to close */
        return r;
    }
    c->u.handle.data = c;
    return c->is_unix ? uv_pipe_open(&c->u.pipe, fd) : uv_tcp_open(&c->u.tcp, fd);
}

void nf_httpd_conn_new(struct nf_http_server *s, int fd, bool is_unix, const uint8_t ip[16])
{
    bool room = s->stats.connections < s->o.limits.connections_max && !s->stopping;
    bool counted = room && !is_unix && s->o.limits.per_ip_max > 0;
    if (counted && !nf_httpd_peer_enter(s, ip))
        room = counted = false;
    struct nf_httpd_conn *c = room ? calloc(1, sizeof(*c)) : NULL;
    if (!c) {
        if (counted)
            nf_httpd_peer_leave(s, ip);
        s->stats.refused++;
        close(fd);
        return;
    }
    c->server = s;
    c->is_unix = is_unix;
    c->counted = counted;
    memcpy(c->ip, ip, sizeof(c->ip));
    DL_APPEND(s->conns, c);
    s->stats.connections++;
    nf_httpd_sweep_start(s);
    c->deadline_ms = nf_httpd_now(s) + s->o.limits.idle_timeout_ms;

    int r = open_handle(c, fd);
    if (r < 0)
        close(fd); /* libuv did not take it */
    if (c->closed)
        destroy(c);
    else if (r < 0 || uv_read_start(&c->u.stream, on_alloc, on_read) < 0)
        nf_httpd_conn_close(c);
}
