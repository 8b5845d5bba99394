#include "persistence/bus_pump.h"

#include "codec/hash.h"
#include "observe/log.h"

#include <string.h>

static const struct nf_bus_ops ops;

static struct nf_bus_pump *pump_of(struct nf_bus *b)
{
    assert(b->ops == &ops);
    return nf_container_of(b, struct nf_bus_pump, base);
}

enum nf_code nf_bus_back_off(int64_t *ms, int64_t max, struct nf_err *err)
{
    int64_t spread = *ms / 2;
    int64_t wait = *ms - spread / 2 + (int64_t)(nf_random_u64() % (uint64_t)(spread + 1));
    NF_TRY(nf_sleep(wait, err));
    *ms = *ms * 2 < max ? *ms * 2 : max;
    return NF_OK;
}

static void log_link(const struct nf_bus_pump *p, const char *what, const struct nf_err *why)
{
    NF_CLEANUP(nf_str_done) struct nf_str event = { 0 };
    if (nf_str_addf(&event, NULL, "%s.%s", p->link->name, what) != NF_OK)
        return;
    if (why)
        nf_log_warn(nf_str_c(&event), "err", why->msg, NULL);
    else
        nf_log_info(nf_str_c(&event), NULL);
}

/* --- hearing ---------------------------------------------------------------------------------- */

void nf_bus_pump_take(struct nf_bus_pump *p, const char *piece, size_t n)
{
    (void)nf_bus_in_take(&p->in, p->self, piece, n, p->fn, p->arg);
}

static NF_RC hear(struct nf_bus_pump *p, int64_t *pause, struct nf_err *err)
{
    NF_TRY(p->link->begin(p, err));
    *pause = NF_BUS_PAUSE_MS;
    nf_bus_in_reset(&p->in);
    p->hearing = true;
    log_link(p, "connected", NULL);
    p->fn(p->arg, NULL, 0); /* what was said until now was missed */
    for (;;) {
        NF_TRY(nf_fiber_check("listen", err));
        NF_TRY(p->link->hear(p, err));
    }
}

static enum nf_code hear_main(void *arg, struct nf_err *err)
{
    struct nf_bus_pump *p = arg;
    int64_t pause = NF_BUS_PAUSE_MS;
    for (;;) {
        struct nf_err why = { 0 };
        (void)!hear(p, &pause, &why);
        p->hearing = false;
        p->link->unlink_hearing(p);
        NF_TRY(nf_fiber_check("listen", err));
        log_link(p, "lost", &why);
        p->reconnects++;
        NF_TRY(nf_bus_back_off(&pause, NF_BUS_PAUSE_MAX_MS, err));
    }
}

/* --- telling ---------------------------------------------------------------------------------- */

bool nf_bus_pump_next(struct nf_bus_pump *p, size_t max, struct nf_str *piece)
{
    return nf_bus_out_next(&p->out, p->self, max, piece);
}

static NF_RC wait_for_work(struct nf_bus_pump *p, struct nf_err *err)
{
    struct nf_wait w = { 0 };
    if (p->out.lines.len == 0) {
        p->idle = &w;
        enum nf_code rc = nf_wait(&w, -1, "something to tell", err);
        p->idle = NULL;
        NF_TRY(rc);
    }
    return nf_sleep(NF_BUS_TICK_MS, err);
}

/* What was half sent stays unsaid: others find it in the database. */
static enum nf_code tell_main(void *arg, struct nf_err *err)
{
    struct nf_bus_pump *p = arg;
    int64_t pause = NF_BUS_PAUSE_MS;
    for (;;) {
        struct nf_err why = { 0 };
        NF_TRY(wait_for_work(p, err));
        if (p->link->send(p, &why) == NF_OK) {
            pause = NF_BUS_PAUSE_MS;
            continue;
        }
        p->link->unlink_sending(p);
        p->lost += nf_bus_out_forget(&p->out);
        nf_log_debug("bus.unsent", "err", why.msg, NULL);
        NF_TRY(nf_bus_back_off(&pause, NF_BUS_PAUSE_MAX_MS, err));
    }
}

/* --- the port --------------------------------------------------------------------------------- */

static void publish(struct nf_bus *base, const char *line, size_t n)
{
    struct nf_bus_pump *p = pump_of(base);
    nf_bus_out_add(&p->out, line, n);
    if (p->idle)
        nf_wait_wake(p->idle, NF_OK);
}

static void stats(struct nf_bus *base, struct nf_bus_stats *ret)
{
    const struct nf_bus_pump *p = pump_of(base);
    *ret = (struct nf_bus_stats){ .sent = p->out.added,
                                  .heard = p->in.heard,
                                  .dropped = p->out.dropped + p->lost,
                                  .reconnects = p->reconnects,
                                  .connected = p->hearing };
}

static void pump_free(struct nf_bus *base)
{
    struct nf_bus_pump *p = pump_of(base);
    p->link->free(p);
}

static const struct nf_bus_ops ops = { .publish = publish, .stats = stats, .free = pump_free };

void nf_bus_pump_init(struct nf_bus_pump *p, const struct nf_bus_link_ops *link, int64_t self,
                      nf_bus_fn fn, void *arg)
{
    *p = (struct nf_bus_pump){ .base.ops = &ops, .link = link, .self = self, .fn = fn, .arg = arg };
}

enum nf_code nf_bus_pump_start(struct nf_bus_pump *p, struct nf_scope *scope, struct nf_err *err)
{
    NF_TRY(nf_scope_spawn(scope, hear_main, p, NULL, err));
    return nf_scope_spawn(scope, tell_main, p, NULL, err);
}

void nf_bus_pump_done(struct nf_bus_pump *p)
{
    nf_bus_out_done(&p->out);
    nf_bus_in_reset(&p->in);
}
