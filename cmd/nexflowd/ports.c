#include "cmd/nexflowd/ports.h"

#include "codec/hash.h"
#include "codec/json_schema.h"

#include <stdlib.h>
#include <utlist.h>

#define FAR_MS (INT64_C(365) * 24 * 3600 * 1000)

/* --- doing things beside each other ----------------------------------------------------------- */

struct part {
    void (*fn)(void *arg, size_t i);
    void *arg;
    size_t i;
};

static const struct nf_parallel_ops parallel_ops;

/* The deadline is the caller's business, who cancels us: it may be moved while we run. */
static enum nf_code run_part(void *arg, struct nf_err *err)
{
    const struct part *p = arg;
    (void)err;
    nf_fiber_move_deadline(nf_fiber_current(), FAR_MS);
    p->fn(p->arg, p->i);
    return NF_OK;
}

static enum nf_code run_all(struct nf_parallel *port, size_t n, void (*fn)(void *arg, size_t i),
                            void *arg, struct nf_err *err)
{
    assert(port->ops == &parallel_ops);
    struct nf_fiber_parallel *p = nf_container_of(port, struct nf_fiber_parallel, port);
    struct part *parts = calloc(n, sizeof(*parts));
    struct nf_scope scope;
    struct nf_err ignored;

    if (!parts)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    nf_scope_init(&scope, p->loop);
    for (size_t i = 0; i < n; i++) {
        parts[i] = (struct part){ fn, arg, i };
        /* Without a fiber of its own it runs here: later than it could, but it runs. */
        if (nf_scope_spawn(&scope, run_part, &parts[i], NULL, &ignored) != NF_OK)
            fn(arg, i);
    }
    enum nf_code rc = nf_scope_join(&scope, err);
    nf_scope_done(&scope);
    free(parts);
    return rc;
}

static const struct nf_parallel_ops parallel_ops = { .run = run_all };

void nf_fiber_parallel_init(struct nf_fiber_parallel *p, struct nf_loop *l)
{
    *p = (struct nf_fiber_parallel){ .port.ops = &parallel_ops, .loop = l };
}

/* --- waiting for each other ------------------------------------------------------------------- */

/* Lives in the frame of who waits. */
struct nf_bell_waiter {
    struct nf_wait wait;
    int64_t id;
    struct nf_bell_waiter *prev, *next;
};

static const struct nf_bell_ops bell_ops;

static struct nf_fiber_bell *downcast(struct nf_bell *b)
{
    assert(b->ops == &bell_ops);
    return nf_container_of(b, struct nf_fiber_bell, port);
}

static uint64_t bell_count(struct nf_bell *port)
{
    return downcast(port)->rung;
}

static enum nf_code bell_wait(struct nf_bell *port, int64_t id, uint64_t count, int64_t ms,
                              struct nf_err *err)
{
    struct nf_fiber_bell *b = downcast(port);
    struct nf_bell_waiter w = { .id = id };
    if (b->rung != count)
        return NF_OK;
    DL_APPEND(b->waiters, &w);
    enum nf_code rc = nf_wait(&w.wait, ms, "a decision", err);
    DL_DELETE(b->waiters, &w);
    return rc;
}

void nf_fiber_bell_ring_here(struct nf_fiber_bell *b, int64_t id)
{
    struct nf_bell_waiter *w;
    b->rung++;
    DL_FOREACH(b->waiters, w)
    {
        if (w->id == id)
            nf_wait_wake(&w->wait, NF_OK);
    }
}

static void bell_ring(struct nf_bell *port, int64_t id)
{
    struct nf_fiber_bell *b = downcast(port);
    nf_fiber_bell_ring_here(b, id);
    if (b->tell)
        b->tell(b->tell_arg, id);
}

static const struct nf_bell_ops bell_ops = {
    .count = bell_count,
    .wait = bell_wait,
    .ring = bell_ring,
};

void nf_fiber_bell_init(struct nf_fiber_bell *b)
{
    *b = (struct nf_fiber_bell){ .port.ops = &bell_ops };
}

/* --- what the codecs compute ------------------------------------------------------------------ */

static enum nf_code digest(const char *p, size_t n, char ret[NF_DIGEST_HEX + 1], struct nf_err *err)
{
    (void)err;
    nf_sha256_hex(p, n, ret);
    return NF_OK;
}

static enum nf_code random_bytes(unsigned char *p, size_t n, struct nf_err *err)
{
    (void)err;
    nf_random(p, n);
    return NF_OK;
}

const struct nf_codec nf_daemon_codec = {
    .check_args = nf_json_schema_check_args,
    .check_schema = nf_json_schema_check_text,
    .digest = digest,
    .random = random_bytes,
};
