#include "cmd/nexflowd/peers.h"

#include "base/own.h"
#include "observe/log.h"

#include <string.h>

static const struct nf_peers_ops ops;

static struct nf_daemon_peers *downcast(struct nf_peers *p)
{
    assert(p->ops == &ops);
    return nf_container_of(p, struct nf_daemon_peers, port);
}

/* --- telling ---------------------------------------------------------------------------------- */

static void tell(struct nf_daemon_peers *p, const char *to, int64_t a, int64_t b)
{
    NF_CLEANUP(nf_str_done) struct nf_str line = { 0 };
    struct nf_json_out o;
    if (!p->bus)
        return;
    nf_json_begin_doc(&o, &line);
    nf_json_out_object(&o);
    nf_json_put_str(&o, "to", to);
    nf_json_put_i64(&o, "a", a);
    nf_json_put_i64(&o, "b", b);
    nf_json_out_end(&o);
    if (nf_json_end_doc(&o, NULL) == NF_OK)
        p->bus->ops->publish(p->bus, nf_str_c(&line), line.len);
}

static void tell_stop(struct nf_peers *port, int64_t session_id, int64_t run_id)
{
    tell(downcast(port), "runner", session_id, run_id);
}

static void tell_ring(struct nf_peers *port, int64_t id)
{
    tell(downcast(port), "bell", id, 0);
}

static void tell_work(struct nf_peers *port)
{
    tell(downcast(port), "work", 0, 0);
}

static void bell_rung(void *arg, int64_t id)
{
    tell(arg, "bell", id, 0);
}

static void web_said(void *arg, const struct nf_str *line)
{
    struct nf_daemon_peers *p = arg;
    p->bus->ops->publish(p->bus, nf_str_c(line), line->len);
}

static const struct nf_peers_ops ops = { .stop = tell_stop, .ring = tell_ring, .work = tell_work };

void nf_daemon_peers_init(struct nf_daemon_peers *p)
{
    *p = (struct nf_daemon_peers){ .port.ops = &ops };
}

void nf_daemon_peers_connect(struct nf_daemon_peers *p)
{
    p->bell->tell = bell_rung;
    p->bell->tell_arg = p;
    nf_web_tell_peers(p->web, web_said, p);
}

/* --- hearing ---------------------------------------------------------------------------------- */

static void hear(struct nf_daemon_peers *p, const struct nf_json *v)
{
    const char *to = nf_json_str(nf_json_get(v, "to"));
    int64_t a = nf_json_i64(nf_json_get(v, "a"), 0), b = nf_json_i64(nf_json_get(v, "b"), 0);
    if (!to)
        return;
    if (strcmp(to, "hub") == 0 && p->web)
        nf_web_hear(p->web, v);
    else if (strcmp(to, "runner") == 0 && p->runner)
        (void)p->runner->ops->stop(p->runner, a, b);
    else if (strcmp(to, "work") == 0 && p->runner)
        p->runner->ops->pull(p->runner);
    else if (strcmp(to, "bell") == 0 && p->bell)
        nf_fiber_bell_ring_here(p->bell, a);
}

void nf_daemon_peers_hear(void *arg, const char *line, size_t n)
{
    struct nf_daemon_peers *p = arg;
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    struct nf_err err;
    if (!line) {
        if (p->web)
            nf_web_hear(p->web, NULL);
        return;
    }
    if (nf_json_parse(line, n, 0, &doc, &err) == NF_OK)
        hear(p, nf_json_root(doc));
    else
        nf_log_warn("bus.unheard", "err", err.msg, NULL);
}
