/* The store of turns in the use cases' tests: before the one in memory stands one that counts what
 * is written, fails, and lets rivals in. */
#pragma once

#include "tests/unit/use_case_world.h"

/* True if the write shall not reach the database. */
static bool before_write(struct fake_turns *t)
{
    t->writes++;
    if (t->rival_at == t->writes) {
        struct nf_claim theirs;
        struct nf_err err;
        t->w->now += LEASE + 1;
        assert_ok(
            t->real->ops->claim(t->real, t->w->session, 0, 99, LEASE, t->w->now, &theirs, &err),
            &err);
        t->rival_in = true;
    }
    return t->crash_at > 0 &&
           (t->writes > t->crash_at || (t->writes == t->crash_at && !t->applied));
}

/* What the caller hears of a write: of the one at which we crash nothing, whatever became of it. */
static enum nf_code after_write(struct fake_turns *t, enum nf_code rc, struct nf_err *err)
{
    if (t->crash_at > 0 && t->writes >= t->crash_at)
        return nf_err_set(err, NF_E_IO, "we are dead");
    return rc;
}

#define FAKE_WRITE(store, call)                                                                    \
    struct fake_turns *t = nf_container_of(store, struct fake_turns, port);                        \
    enum nf_code rc = before_write(t) ? NF_E_IO : t->real->ops->call;                              \
    return after_write(t, rc, err)

static enum nf_code fake_step_begin(struct nf_turn_store *s, const struct nf_claim *c,
                                    const struct nf_task *step, struct nf_err *err)
{
    FAKE_WRITE(s, step_begin(t->real, c, step, err));
}

static enum nf_code fake_step_end(struct nf_turn_store *s, const struct nf_claim *c,
                                  const struct nf_task *step, struct nf_err *err)
{
    FAKE_WRITE(s, step_end(t->real, c, step, err));
}

static enum nf_code fake_finish(struct nf_turn_store *s, const struct nf_finish *f, int64_t item,
                                struct nf_finished *ret, struct nf_err *err)
{
    nf_container_of(s, struct fake_turns, port)->billed = f->usage_n;
    FAKE_WRITE(s, finish(t->real, f, item, ret, err));
}

static enum nf_code fake_park(struct nf_turn_store *s, const struct nf_claim *c, int64_t now_ms,
                              struct nf_err *err)
{
    FAKE_WRITE(s, park(t->real, c, now_ms, err));
}

static enum nf_code fake_steps(struct nf_turn_store *s, int64_t run_id, struct nf_tasks *ret,
                               struct nf_err *err)
{
    struct fake_turns *t = nf_container_of(s, struct fake_turns, port);
    return t->real->ops->steps(t->real, run_id, ret, err);
}

static enum nf_code fake_claim(struct nf_turn_store *s, int64_t session_id, int64_t fence,
                               int64_t owner, int64_t lease_ms, int64_t now_ms,
                               struct nf_claim *ret, struct nf_err *err)
{
    struct fake_turns *t = nf_container_of(s, struct fake_turns, port);
    return t->real->ops->claim(t->real, session_id, fence, owner, lease_ms, now_ms, ret, err);
}

static enum nf_code fake_accept(struct nf_turn_store *s, const struct nf_accept *in,
                                struct nf_accepted *ret, struct nf_err *err)
{
    struct fake_turns *t = nf_container_of(s, struct fake_turns, port);
    return t->real->ops->accept(t->real, in, ret, err);
}
