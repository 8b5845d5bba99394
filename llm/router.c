#include "llm/router.h"

#include "base/own.h"
#include "domain/reason.h"
#include "llm/attempt.h"
#include "llm/router_metrics.h"
#include "llm/routes.h"
#include "llm/wire.h"
#include "observe/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BACKOFF_MIN_MS 500 /* before the first retry; doubles, with a quarter of chance */

struct nf_llm_router {
    struct nf_model model;
    struct nf_llm_wire *wire;
    struct nf_llm_wire *own_wire; /* freed with the router */
    struct nf_llm_routes *routes;
};

static struct nf_llm_router *of(struct nf_model *m);

/* --- one request ------------------------------------------------------------------------------ */

/* A request on its way through a chain. */
struct run {
    struct nf_llm_router *r;
    struct nf_llm_routes *routes; /* those it began with */
    struct nf_llm_chain chain;
    bool dead[NF_LLM_CHAIN_MAX]; /* another try will not help */
    const struct nf_completion_request *request;
    struct nf_model_sink *sink;
    struct nf_model_outcome *outcome;
    struct nf_err last; /* why the last one failed */
    enum nf_code last_rc;
};

enum verdict { GO_ON, FINAL };

static void note(struct run *x, const struct nf_llm_route *t, const struct nf_llm_attempt *a,
                 enum nf_code rc)
{
    struct nf_num_buf status, took;
    nf_llm_count_attempt(rc, a);
    if (rc == NF_OK)
        nf_log_debug("model.call.done", "model", t->name, "ms", nf_num(&took, a->took_ms), NULL);
    else
        nf_log_warn("model.call.failed", "model", t->name, "code", nf_code_name(rc), "status",
                    nf_num(&status, a->failure.status), "ms", nf_num(&took, a->took_ms), "err",
                    x->last.msg, NULL);
}

/* Ask one model. FINAL: *ret is what the request returns. */
static enum verdict ask(struct run *x, size_t at, enum nf_code *ret)
{
    struct nf_llm_route *t = x->chain.v[at];
    struct nf_llm_wire *w = x->r->wire;
    struct nf_llm_attempt a;

    x->outcome->attempts++;
    (void)snprintf(x->outcome->model, sizeof(x->outcome->model), "%s", t->name);
    nf_llm_route_begin(x->routes, t);
    enum nf_code rc = nf_llm_attempt_run(w, t, x->request, x->sink, &a, &x->last);
    const struct nf_llm_failure *f = &a.failure;
    x->last_rc = *ret = rc;
    bool down = a.failed && (f->code == NF_E_UNAVAILABLE || f->code == NF_E_TIMEOUT);
    if (down)
        nf_llm_route_failed(x->routes, t, f->retry_after_ms, w->ops->mono_ms(w));
    else if (rc == NF_OK || (a.failed && !f->next))
        nf_llm_route_worked(t);
    else
        nf_llm_route_abandoned(t);
    note(x, t, &a, rc);
    nf_llm_count_broken(x->routes);

    if (rc == NF_OK || !a.failed || a.shown || !f->next)
        return FINAL;
    x->dead[at] = !f->retry;
    return GO_ON;
}

static NF_RC left_alone(struct run *x, const struct nf_llm_route *t, int64_t wait_ms)
{
    if (x->last_rc != NF_OK)
        return x->last_rc;
    x->last_rc = nf_err_set(&x->last, NF_E_UNAVAILABLE, NF_REASON_LEFT_ALONE, t->name,
                            (long long)(wait_ms + 999) / 1000);
    return x->last_rc;
}

/* Ask all models of the chain that may be asked now. GO_ON: *wait_ms is how long it takes until one
 * may be asked again, -1 if none ever may. */
static enum verdict ask_all(struct run *x, int64_t *wait_ms, enum nf_code *ret)
{
    struct nf_llm_wire *w = x->r->wire;
    bool asked = false;
    for (size_t i = 0; i < x->chain.n; i++) {
        struct nf_llm_route *t = x->chain.v[i];
        int64_t wait = nf_llm_route_wait(x->routes, t, w->ops->mono_ms(w));
        if (x->dead[i])
            continue;
        if (wait > 0) {
            *ret = left_alone(x, t, wait);
            continue;
        }
        if (asked)
            nf_llm_count_failover();
        asked = true;
        if (ask(x, i, ret) == FINAL)
            return FINAL;
    }
    *wait_ms = -1;
    for (size_t i = 0; i < x->chain.n; i++) {
        int64_t wait = nf_llm_route_wait(x->routes, x->chain.v[i], w->ops->mono_ms(w));
        if (!x->dead[i] && (*wait_ms < 0 || wait < *wait_ms))
            *wait_ms = wait;
    }
    return GO_ON;
}

static NF_RC run(struct run *x, struct nf_err *err)
{
    struct nf_llm_wire *w = x->r->wire;
    enum nf_code rc = NF_OK;
    for (int64_t round = 0;; round++) {
        int64_t wait;
        if (ask_all(x, &wait, &rc) == FINAL)
            break;
        int64_t backoff = (int64_t)BACKOFF_MIN_MS << (round < 10 ? round : 10);
        backoff += (int64_t)(w->ops->random(w) % (uint64_t)(backoff / 4));
        if (wait < 0 || wait > x->routes->retry_wait_ms || round >= x->routes->retries)
            break;
        if (backoff > x->routes->retry_wait_ms)
            backoff = x->routes->retry_wait_ms;
        nf_llm_count_retry();
        NF_TRY(w->ops->sleep(w, wait > backoff ? wait : backoff, err));
    }
    if (rc != NF_OK && err)
        *err = x->last;
    return rc;
}

static enum nf_code complete(struct nf_model *m, const struct nf_completion_request *request,
                             struct nf_model_sink *sink, struct nf_model_outcome *ret,
                             struct nf_err *err)
{
    struct nf_llm_router *r = of(m);
    struct run x = {
        .r = r, .routes = r->routes, .request = request, .sink = sink, .outcome = ret
    };
    *ret = (struct nf_model_outcome){ 0 };
    NF_TRY(nf_llm_routes_find(r->routes, request->model, &x.chain, err));
    nf_llm_routes_ref(x.routes);
    enum nf_code rc = run(&x, err);
    nf_llm_routes_unref(x.routes);
    return rc;
}

static enum nf_code info(struct nf_model *m, const char *name, struct nf_model_info *ret,
                         struct nf_err *err)
{
    struct nf_llm_chain chain;
    NF_TRY(nf_llm_routes_find(of(m)->routes, name, &chain, err));
    /* A context must fit whichever model of the chain ends up with it. */
    struct nf_model_info least = { chain.v[0]->target.context_tokens,
                                   chain.v[0]->target.output_tokens };
    for (size_t i = 1; i < chain.n; i++) {
        const struct nf_llm_target *t = &chain.v[i]->target;
        if (t->context_tokens < least.context_tokens)
            least.context_tokens = t->context_tokens;
        if (t->output_tokens < least.output_tokens)
            least.output_tokens = t->output_tokens;
    }
    *ret = least;
    return NF_OK;
}

static const char *name_at(struct nf_model *m, size_t i)
{
    const struct nf_llm_router *r = of(m);
    size_t aliases = nf_llm_router_aliases_n(r);
    if (i < aliases)
        return nf_llm_router_alias_at(r, i).name;
    return i - aliases < nf_llm_router_models_n(r) ? nf_llm_router_model_at(r, i - aliases).name
                                                   : NULL;
}

static const struct nf_model_ops ops = { .complete = complete, .info = info, .name_at = name_at };

static struct nf_llm_router *of(struct nf_model *m)
{
    assert(m->ops == &ops);
    return nf_container_of(m, struct nf_llm_router, model);
}

/* --- what there is ---------------------------------------------------------------------------- */

struct nf_model *nf_llm_router_model(struct nf_llm_router *r)
{
    return &r->model;
}

const char *nf_llm_router_default(const struct nf_llm_router *r)
{
    return r->routes->default_name;
}

size_t nf_llm_router_models_n(const struct nf_llm_router *r)
{
    return r->routes->n;
}

struct nf_llm_model_view nf_llm_router_model_at(const struct nf_llm_router *r, size_t i)
{
    assert(i < r->routes->n);
    const struct nf_llm_route *t = &r->routes->v[i];
    return (struct nf_llm_model_view){
        .name = t->name,
        .provider = t->provider,
        .info = { t->target.context_tokens, t->target.output_tokens },
        .broken = nf_llm_route_is_broken(r->routes, t),
    };
}

size_t nf_llm_router_aliases_n(const struct nf_llm_router *r)
{
    return r->routes->aliases_n;
}

struct nf_llm_alias_view nf_llm_router_alias_at(const struct nf_llm_router *r, size_t i)
{
    assert(i < r->routes->aliases_n);
    const struct nf_llm_named_chain *a = &r->routes->aliases[i];
    struct nf_llm_alias_view v = { .name = a->name, .n = a->chain.n };
    for (size_t k = 0; k < a->chain.n; k++)
        v.models[k] = a->chain.v[k]->name;
    return v;
}

/* --- making it -------------------------------------------------------------------------------- */

enum nf_code nf_llm_router_new_over(const struct nf_llm_settings *s, struct nf_llm_wire *wire,
                                    struct nf_llm_router **ret, struct nf_err *err)
{
    struct nf_llm_router *r = calloc(1, sizeof(*r));
    if (!r)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    r->model.ops = &ops;
    r->wire = wire;
    enum nf_code rc = nf_llm_routes_new(s, &r->routes, err);
    if (rc != NF_OK) {
        nf_llm_router_free(r);
        return rc;
    }
    nf_llm_metrics_register();
    *ret = r;
    return NF_OK;
}

enum nf_code nf_llm_router_new(const struct nf_llm_settings *s, struct nf_http_client *http,
                               struct nf_llm_router **ret, struct nf_err *err)
{
    struct nf_llm_wire *wire;
    NF_TRY(nf_llm_http_wire_new(http, &wire, err));
    enum nf_code rc = nf_llm_router_new_over(s, wire, ret, err);
    if (rc == NF_OK)
        (*ret)->own_wire = wire;
    else
        nf_llm_http_wire_free(wire);
    return rc;
}

void nf_llm_router_free(struct nf_llm_router *r)
{
    if (!r)
        return;
    nf_llm_routes_unref(r->routes);
    nf_llm_http_wire_free(r->own_wire);
    free(r);
}

enum nf_code nf_llm_router_reload(struct nf_llm_router *r, const struct nf_llm_settings *s,
                                  struct nf_err *err)
{
    struct nf_llm_routes *fresh;
    NF_TRY(nf_llm_routes_new(s, &fresh, err));
    nf_llm_routes_unref(r->routes);
    r->routes = fresh;
    return NF_OK;
}
