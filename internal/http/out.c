#include "http/conn.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define SMALL                                                                                      \
    ((size_t)2048) /* bytes: to copy so few costs less than what writev does beyond write */

struct write {
    uv_write_t req;
    struct nf_httpd_conn *c;
    char *owned; /* NULL: static bytes */
};

size_t nf_httpd_queued(const struct nf_httpd_conn *c)
{
    return c->out_len + uv_stream_get_write_queue_size(&c->u.stream);
}

void nf_httpd_out_drop(struct nf_httpd_conn *c)
{
    free(c->out);
    c->out = NULL;
    c->out_len = c->out_cap = 0;
    if (c->dirty)
        DL_DELETE2(c->server->dirty, c, dirty_prev, dirty_next);
    c->dirty = false;
}

static void set_dirty(struct nf_httpd_conn *c)
{
    struct nf_http_server *s = c->server;
    if (c->dirty)
        return;
    c->dirty = true;
    DL_APPEND2(s->dirty, c, dirty_prev, dirty_next);
    nf_httpd_flush_soon(s);
}

/* Something left the queue. */
static void progress(struct nf_httpd_conn *c)
{
    size_t queued = nf_httpd_queued(c);
    if (c->writer && queued <= NF_HTTPD_LOW_WATER) {
        nf_wait_wake(c->writer, NF_OK);
        c->writer = NULL;
    }
    if (queued > 0)
        return;
    c->write_deadline_ms = 0;
    if (c->state == NF_HTTPD_DRAINING)
        nf_httpd_conn_finish(c);
}

static void on_written(uv_write_t *req, int status)
{
    struct write *w = nf_container_of(req, struct write, req);
    struct nf_httpd_conn *c = w->c;
    free(w->owned);
    free(w);
    c->writes--;
    if (c->closing)
        return;
    if (status < 0) {
        nf_httpd_conn_close(c);
        return;
    }
    if (c->writes == 0 && c->out_len > 0)
        nf_httpd_flush(c);
    else
        progress(c);
}

/* Hand bytes to libuv, which writes them when the peer reads. Takes `owned` over. */
static enum nf_code give(struct nf_httpd_conn *c, const char *p, size_t n, char *owned,
                         struct nf_err *err)
{
    struct write *w = malloc(sizeof(*w));
    if (!w) {
        free(owned);
        nf_httpd_conn_close(c);
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    }
    w->c = c;
    w->owned = owned;
    uv_buf_t b = { .base = (char *)p, .len = n };
    int r = uv_write(&w->req, &c->u.stream, &b, 1, on_written);
    if (r < 0) {
        free(owned);
        free(w);
        nf_httpd_conn_close(c);
        return nf_err_set(err, NF_E_CANCELED, "the connection is closed");
    }
    c->writes++;
    if (!c->write_deadline_ms) {
        c->write_deadline_ms = nf_httpd_now(c->server) + c->server->o.limits.write_timeout_ms;
        c->write_seen = nf_httpd_queued(c);
    }
    return NF_OK;
}

/* What the kernel takes now; -1 and closed if the connection is broken. */
static ssize_t try_write(struct nf_httpd_conn *c, const uv_buf_t *b, unsigned n)
{
    char together[SMALL];
    uv_buf_t one = { .base = together, .len = 0 };
    for (unsigned i = 0; n > 1 && i < n && one.len <= SMALL; i++) {
        if (b[i].len <= SMALL - one.len)
            memcpy(together + one.len, b[i].base, b[i].len);
        one.len += b[i].len;
    }
    bool small = n > 1 && one.len <= SMALL;
    int r = uv_try_write(&c->u.stream, small ? &one : b, small ? 1 : n);
    if (r >= 0)
        return r;
    if (r == UV_EAGAIN)
        return 0;
    nf_httpd_conn_close(c);
    return -1;
}

/* Buffers come and go each round: some are kept for the next who need them. */
static void take_spare(struct nf_httpd_conn *c)
{
    struct nf_http_server *s = c->server;
    struct nf_httpd_spare *last = &s->spares[--s->spares_n];
    c->out = last->p;
    c->out_cap = last->cap;
}

static void give_spare(struct nf_http_server *s, char *p, size_t cap)
{
    if (s->spares_n == NF_HTTPD_SPARES ||
        cap > (s->spares_n == 0 ? (size_t)2 * NF_HTTPD_CORK_MAX : NF_HTTPD_SPARE_MAX)) {
        free(p);
        return;
    }
    s->spares[s->spares_n++] = (struct nf_httpd_spare){ p, cap };
}

void nf_httpd_flush(struct nf_httpd_conn *c)
{
    if (c->dirty) {
        DL_DELETE2(c->server->dirty, c, dirty_prev, dirty_next);
        c->dirty = false;
    }
    if (c->closing || c->writes > 0 || c->out_len == 0)
        return;
    uv_buf_t b = { .base = c->out, .len = c->out_len };
    ssize_t r = try_write(c, &b, 1);
    if (r < 0)
        return;
    char *out = nf_take(c->out);
    size_t n = nf_take(c->out_len), cap = nf_take(c->out_cap);
    if ((size_t)r == n)
        give_spare(c->server, out, cap);
    else if (give(c, out + r, n - (size_t)r, out, NULL) != NF_OK)
        return;
    progress(c);
}

void nf_httpd_flush_all(struct nf_http_server *s)
{
    while (s->dirty)
        nf_httpd_flush(s->dirty);
    uv_idle_stop(&s->idle);
}

static enum nf_code make_room(struct nf_httpd_conn *c, size_t n, struct nf_err *err)
{
    if (!c->out && c->server->spares_n > 0)
        take_spare(c);
    if (n <= c->out_cap - c->out_len)
        return NF_OK;
    size_t cap = c->out_cap ? c->out_cap : 512;
    while (cap - c->out_len < n)
        cap *= 2;
    char *out = realloc(c->out, cap);
    if (!out) {
        nf_httpd_conn_close(c);
        return nf_err_set(err, NF_E_NOMEM, "out of memory (%zu bytes)", cap);
    }
    c->out = out;
    c->out_cap = cap;
    return NF_OK;
}

/* All but the first `skip` bytes, behind what waits. */
static enum nf_code append(struct nf_httpd_conn *c, const uv_buf_t *b, unsigned n, size_t skip,
                           struct nf_err *err)
{
    size_t all = 0;
    for (unsigned i = 0; i < n; i++)
        all += b[i].len;
    if (all == skip)
        return NF_OK;
    NF_TRY(make_room(c, all - skip, err));
    assert(c->out);
    for (unsigned i = 0; i < n; i++) {
        size_t gone = skip < b[i].len ? skip : b[i].len, left = b[i].len - gone;
        skip -= gone;
        if (left > 0)
            memcpy(c->out + c->out_len, b[i].base + gone, left);
        c->out_len += left;
    }
    return NF_OK;
}

static void mark(struct nf_httpd_conn *c, bool now)
{
    if (c->out_len == 0 || c->writes > 0)
        return;
    if (now || c->out_len >= NF_HTTPD_CORK_MAX) {
        nf_httpd_flush(c);
        return;
    }
    set_dirty(c);
}

enum nf_code nf_httpd_send(struct nf_httpd_conn *c, const uv_buf_t *b, unsigned n, bool now,
                           struct nf_err *err)
{
    if (c->closing)
        return nf_err_set(err, NF_E_CANCELED, "the connection is closed");
    size_t skip = 0;
    if (now && c->out_len == 0 && c->writes == 0) {
        ssize_t r = try_write(c, b, n);
        if (r < 0)
            return nf_err_set(err, NF_E_CANCELED, "the connection is closed");
        skip = (size_t)r;
    }
    NF_TRY(append(c, b, n, skip, err));
    mark(c, now);
    return c->closing ? nf_err_set(err, NF_E_CANCELED, "the connection is closed") : NF_OK;
}

enum nf_code nf_httpd_send_static(struct nf_httpd_conn *c, const char *p, size_t n,
                                  struct nf_err *err)
{
    uv_buf_t b = { .base = (char *)p, .len = n };
    if (n <= NF_HTTPD_CORK_MAX / 4)
        return nf_httpd_send(c, &b, 1, true, err);
    if (c->closing)
        return nf_err_set(err, NF_E_CANCELED, "the connection is closed");
    if (c->out_len > 0) {
        char *out = nf_take(c->out);
        size_t len = nf_take(c->out_len);
        c->out_cap = 0;
        NF_TRY(give(c, out, len, out, err));
    }
    ssize_t r = c->writes == 0 ? try_write(c, &b, 1) : 0;
    if (r < 0)
        return nf_err_set(err, NF_E_CANCELED, "the connection is closed");
    return (size_t)r == n ? NF_OK : give(c, p + r, n - (size_t)r, NULL, err);
}
