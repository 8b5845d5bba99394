#include "http/conn.h"

#include <stdlib.h>
#include <utlist.h>

static void limit(size_t *value, size_t fallback, size_t most)
{
    if (*value == 0)
        *value = fallback;
    if (most && *value > most)
        *value = most;
}

static void timeout(int64_t *value_ms, int64_t fallback_ms)
{
    if (*value_ms <= 0)
        *value_ms = fallback_ms;
}

static void set_defaults(struct nf_http_limits *l)
{
    limit(&l->connections_max, 12000, 0);
    limit(&l->head_max, 16384, NF_HTTPD_HEAD_MAX);
    limit(&l->headers_max, 64, NF_HTTPD_FIELDS_MAX);
    limit(&l->target_max, 4096, NF_HTTPD_HEAD_MAX);
    limit(&l->body_max, (size_t)1 << 20, 0);
    limit(&l->receiving_max, (size_t)256 << 20, 0);
    limit(&l->ws_message_max, (size_t)1 << 20, 0);
    limit(&l->ws_queue_max, (size_t)4 << 20, 0);
    timeout(&l->head_timeout_ms, 10000);
    timeout(&l->body_timeout_ms, 30000);
    timeout(&l->idle_timeout_ms, 75000);
    timeout(&l->write_timeout_ms, 30000);
    timeout(&l->handler_timeout_ms, 60000);
    timeout(&l->ws_ping_ms, 30000);
}

/* Often enough that no timeout is late by more than a quarter, and at most each second. */
static uint64_t sweep_interval(const struct nf_http_limits *l)
{
    const int64_t all[] = { l->head_timeout_ms,  l->body_timeout_ms,    l->idle_timeout_ms,
                            l->write_timeout_ms, l->handler_timeout_ms, l->ws_ping_ms };
    int64_t least = 4000;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        least = all[i] < least ? all[i] : least;
    return least < 40 ? 10 : (uint64_t)least / 4;
}

/* --- the loop's rounds ----------------------------------------------------------------------- */

static void on_prepare(uv_prepare_t *p)
{
    struct nf_http_server *s = p->data;
    s->round++;
    if (s->ready)
        (void)nf_httpd_worker_call(s);
    nf_httpd_flush_all(s);
}

static void on_idle(uv_idle_t *i)
{
    (void)i; /* that it is active keeps the loop awake */
}

void nf_httpd_flush_soon(struct nf_http_server *s)
{
    if (!uv_is_active((uv_handle_t *)&s->idle))
        uv_idle_start(&s->idle, on_idle);
}

static void on_sweep_due(uv_timer_t *t);

static void on_sweep(uv_timer_t *t)
{
    struct nf_http_server *s = t->data;
    int64_t now = nf_httpd_now(s);
    struct nf_httpd_conn *c, *tmp;
    bool listening = nf_httpd_listeners_resume(s);
    if (!listening || s->stats.connections > 0)
        uv_timer_start(t, on_sweep_due, s->sweep_ms, 0);
    DL_FOREACH_SAFE(s->conns, c, tmp)
    {
        nf_httpd_conn_sweep(c, now);
    }
}

/* What has come is read before anybody is judged by the time: a process that was stopped, or a
 * machine that has too much to do, did not listen for a while. */
static void on_sweep_due(uv_timer_t *t)
{
    uv_timer_start(t, on_sweep, 1,
                   0); /* 0 would be now: the loop's timers come before its reading */
}

void nf_httpd_sweep_start(struct nf_http_server *s)
{
    if (!s->stopping && !uv_is_active((uv_handle_t *)&s->timer))
        uv_timer_start(&s->timer, on_sweep_due, s->sweep_ms, 0);
}

/* --- life ------------------------------------------------------------------------------------ */

static enum nf_code check_routes(const struct nf_http_server_options *o, struct nf_err *err)
{
    for (size_t i = 0; i < o->routes_n; i++)
        if (!nf_httpd_pattern_ok(o->routes[i].pattern))
            return nf_err_set(err, NF_E_INVALID, "route: bad pattern '%s'", o->routes[i].pattern);
    return NF_OK;
}

enum nf_code nf_http_server_new(struct nf_loop *l, const struct nf_http_server_options *o,
                                struct nf_http_server **ret, struct nf_err *err)
{
    NF_TRY(check_routes(o, err));
    struct nf_http_server *s = calloc(1, sizeof(*s));
    if (!s)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    s->route_waits = calloc(o->routes_n + 1, sizeof(*s->route_waits));
    if (!s->route_waits) {
        free(s);
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    }
    s->ready_end = &s->ready;
    s->loop = l;
    s->uv = nf_loop_uv(l);
    s->o = *o;
    set_defaults(&s->o.limits);
    const struct nf_http_limits *m = &s->o.limits;
    s->input_limits = (struct nf_httpd_input_limits){ m->head_max,
                                                      m->body_max,
                                                      { m->headers_max, m->target_max } };
    s->sweep_ms = sweep_interval(m);
    nf_scope_init(&s->fibers, l);
    uv_prepare_init(s->uv, &s->prepare);
    uv_idle_init(s->uv, &s->idle);
    uv_timer_init(s->uv, &s->timer);
    s->prepare.data = s->idle.data = s->timer.data = s;
    s->handles = 3;
    uv_prepare_start(&s->prepare, on_prepare);
    *ret = s;
    return NF_OK;
}

void nf_httpd_handle_closed(struct nf_http_server *s)
{
    if (--s->handles == 0 && s->stopper)
        nf_wait_wake(s->stopper, NF_OK);
}

static void on_own_closed(uv_handle_t *h)
{
    nf_httpd_handle_closed(h->data);
}

/* What has no work ends now; what has gets until the grace is over. */
static void ask_to_leave(struct nf_http_server *s)
{
    struct nf_httpd_conn *c, *tmp;
    DL_FOREACH_SAFE(s->conns, c, tmp)
    {
        if (c->state == NF_HTTPD_READING)
            nf_httpd_conn_close(c);
        else if (c->state == NF_HTTPD_WEBSOCKET)
            nf_websocket_close(c->ws, 1001, "");
    }
}

static void throw_out(struct nf_http_server *s)
{
    struct nf_httpd_conn *c, *tmp;
    nf_scope_cancel(&s->fibers);
    DL_FOREACH_SAFE(s->conns, c, tmp)
    {
        nf_httpd_conn_close(c);
    }
}

static void wait_for(struct nf_http_server *s, const size_t *count)
{
    while (*count > 0) {
        struct nf_wait w = { 0 };
        s->stopper = &w;
        (void)nf_wait_uninterruptible(&w);
        s->stopper = NULL;
    }
}

void nf_http_server_stop(struct nf_http_server *s, int64_t grace_ms)
{
    assert(!s->stopping);
    nf_httpd_listeners_close(s);
    s->stopping = true;
    ask_to_leave(s);
    if (s->stats.connections > 0 && grace_ms > 0) {
        struct nf_wait w = { 0 };
        s->stopper = &w;
        /* Woken, timed out or cancelled: the grace is over. */
        (void)!nf_wait(&w, grace_ms, "connections to end", NULL);
        s->stopper = NULL;
    }
    throw_out(s);
    wait_for(s, &s->stats.connections);
    nf_scope_done(&s->fibers);
    uv_close((uv_handle_t *)&s->prepare, on_own_closed);
    uv_close((uv_handle_t *)&s->idle, on_own_closed);
    uv_close((uv_handle_t *)&s->timer, on_own_closed);
    wait_for(s, &s->handles);
}

void nf_http_server_free(struct nf_http_server *s)
{
    if (!s)
        return;
    assert(s->stats.connections == 0 && s->handles == 0);
    while (s->pool) {
        struct nf_http_exchange *x = s->pool;
        s->pool = x->next;
        nf_httpd_exchange_free(x);
    }
    free(s->route_waits);
    for (size_t i = 0; i < s->spares_n; i++)
        free(s->spares[i].p);
    free(s);
}

struct nf_http_server_stats nf_http_server_stats(const struct nf_http_server *s)
{
    return s->stats;
}
