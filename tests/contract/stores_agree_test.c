/* Random operations on memory, SQLite and PostgreSQL: all must give the same results, and look the
 * same. */
#include "tests/contract/fixture.h"

#include <stdbool.h>

#define ENGINES 3
#define SESSIONS 6
#define CLAIMS 12

struct pair {
    struct fixture *f[ENGINES];
    int n; /* engines that are there */
    uint64_t random;
    int64_t now, next_id;
    struct nf_claim claims[CLAIMS]; /* old ones too: zombies */
    size_t claims_n;
    struct nf_str trace[ENGINES]; /* what each said */
    int ops[12];                  /* how often each succeeded */
};

static uint64_t dice(struct pair *p, uint64_t n)
{
    p->random ^= p->random << 13;
    p->random ^= p->random >> 7;
    p->random ^= p->random << 17;
    return p->random % n;
}

NF_PRINTF(3, 4)
static void say(struct pair *p, int i, const char *fmt, ...)
{
    struct nf_err err;
    va_list ap;
    va_start(ap, fmt);
    assert_ok(nf_str_vaddf(&p->trace[i], &err, fmt, ap), &err);
    va_end(ap);
}

static void keep_claim(struct pair *p, const struct nf_claim *c)
{
    p->claims[p->claims_n++ % CLAIMS] = *c;
}

static enum nf_code accept_one(struct pair *p, int i, int64_t session, int64_t id, uint64_t key)
{
    struct nf_turn_store *t = p->f[i]->s.turns;
    struct nf_session fresh = { .id = session,
                                .user_id = 1 + session % 2,
                                .channel = "web",
                                .created_ms = p->now,
                                .updated_ms = p->now };
    struct nf_session found;
    struct nf_accepted got = { 0 };
    char client_id[32];
    (void)snprintf(client_id, sizeof(client_id), "k%d", (int)key);
    struct nf_accept in = { .source = "s",
                            .client_id = client_id,
                            .user_id = 1 + session % 2,
                            .session_id = session,
                            .run_id = id,
                            .step_id = id + 1,
                            .content = "question",
                            .now_ms = p->now,
                            .owner = 1 + (int64_t)key % 2,
                            .lease_ms = key % 5 ? 100 : 0 };
    if (p->f[i]->s.sessions->ops->get(p->f[i]->s.sessions, session, 0, &found, NULL) != NF_OK)
        in.create = &fresh;
    else if (key % 13 == 0)
        in.user_id = 9;
    enum nf_code rc = t->ops->accept(t, &in, &got, &p->f[i]->err);
    say(p, i, "accept %lld %d: %s dup %d run %lld seq %lld claimed %d fence %lld\n",
        (long long)session, (int)key, nf_code_name(rc), got.duplicate, (long long)got.run_id,
        (long long)got.seq, got.claimed, (long long)got.claim.fence);
    if (i == 1 && rc == NF_OK && got.claimed)
        keep_claim(p, &got.claim);
    return rc;
}

static enum nf_code finish_one(struct pair *p, int i, const struct nf_claim *c, int64_t id,
                               uint64_t how)
{
    struct nf_turn_store *t = p->f[i]->s.turns;
    struct nf_finished done = { 0 };
    struct answer a;
    struct nf_message two[2];
    (void)answer(&a, c, p->now);
    a.f.status = how % 3 == 0 ? NF_TASK_FAILED : NF_TASK_COMPLETED;
    a.f.reason = how % 3 == 0 ? "why" : NULL;
    a.step.id = how % 2 ? c->run_id + 1 : id + 1;
    a.step.n = how % 2 ? 1 : 50;
    two[0] = two[1] = a.m;
    a.f.messages = two;
    a.f.messages_n = 1 + how % 2;
    if (how % 7 == 0)
        a.f.step = NULL;
    if (how % 5 == 0)
        a.f.outbox = NULL;
    enum nf_code rc = t->ops->finish(t, &a.f, id, &done, &p->f[i]->err);
    say(p, i, "finish %lld: %s last %lld pending %lld\n", (long long)c->run_id, nf_code_name(rc),
        (long long)done.last_seq, (long long)done.pending);
    return rc;
}

static enum nf_code claim_one(struct pair *p, int i, int64_t session, int64_t owner)
{
    struct nf_turn_store *t = p->f[i]->s.turns;
    struct nf_claim c = { 0 };
    enum nf_code rc = t->ops->claim(t, session, 0, owner, 100, p->now, &c, &p->f[i]->err);
    say(p, i, "claim %lld: %s run %lld seq %lld fence %lld attempt %lld user %lld\n",
        (long long)session, nf_code_name(rc), (long long)c.run_id, (long long)c.seq,
        (long long)c.fence, (long long)c.attempt, (long long)c.user_id);
    if (i == 1 && rc == NF_OK)
        keep_claim(p, &c);
    return rc;
}

static enum nf_code step_one(struct pair *p, int i, const struct nf_claim *c, uint64_t n, bool end)
{
    struct nf_turn_store *t = p->f[i]->s.turns;
    static char result[] = "result";
    struct nf_task step = { .id = c->run_id + (int64_t)n,
                            .n = (int64_t)n,
                            .kind = NF_TASK_TOOL,
                            .status = end ? NF_TASK_COMPLETED : NF_TASK_RUNNING,
                            .created_ms = p->now,
                            .started_ms = p->now,
                            .ended_ms = end ? p->now : 0,
                            .name = "tool",
                            .result = end ? result : NULL };
    enum nf_code rc = end ? t->ops->step_end(t, c, &step, &p->f[i]->err)
                          : t->ops->step_begin(t, c, &step, &p->f[i]->err);
    say(p, i, "step %lld %d: %s\n", (long long)step.id, end, nf_code_name(rc));
    return rc;
}

static enum nf_code outbox_one(struct pair *p, int i, uint64_t how)
{
    struct nf_outbox_store *o = p->f[i]->s.outbox;
    struct nf_outbox_items due = { 0 };
    int64_t n = -1;
    enum nf_code rc = o->ops->due(o, p->now, 4, &due, &p->f[i]->err);
    say(p, i, "due %zu\n", due.n);
    for (size_t k = 0; k < due.n && rc == NF_OK; k++) {
        int64_t id = due.v[k].id;
        say(p, i, " item %lld attempt %lld seq %lld\n", (long long)id, (long long)due.v[k].attempt,
            (long long)due.v[k].seq);
        if (how % 4 == 0)
            rc = o->ops->sent(o, id, &p->f[i]->err);
        else if (how % 4 == 1)
            rc = o->ops->begin(o, id, 1, &p->f[i]->err);
        else if (how % 4 == 2)
            rc = o->ops->update(o, id, 0, NF_OUTBOX_PENDING, p->now + 50, "later", &p->f[i]->err);
    }
    nf_outbox_items_done(&due);
    if (how % 11 == 0) {
        rc = o->ops->recover(o, "web", 1, NF_OUTBOX_PENDING, &n, &p->f[i]->err);
        say(p, i, "recover %lld\n", (long long)n);
    }
    return rc;
}

/* Everything that can be read about a session. */
static void look(struct pair *p, int i, int64_t session)
{
    struct fixture *f = p->f[i];
    struct nf_session s = { 0 };
    struct nf_task_filter filter = { .session_id = session, .limit = 20 };
    forget(f);
    enum nf_code rc = f->s.sessions->ops->get(f->s.sessions, session, 0, &s, &f->err);
    say(p, i, "session %lld %s: %lld %lld %lld %lld %lld\n", (long long)session, nf_code_name(rc),
        (long long)s.last_seq, (long long)s.pending, (long long)s.fence,
        (long long)s.lease_until_ms, (long long)s.updated_ms);
    assert_ok(f->s.sessions->ops->messages(f->s.sessions, session, 0, 8, &f->messages, &f->err),
              &f->err);
    for (size_t k = 0; k < f->messages.n; k++)
        say(p, i, " %lld %d %lld %s\n", (long long)f->messages.v[k].seq, f->messages.v[k].role,
            (long long)f->messages.v[k].run_id, f->messages.v[k].content);
    assert_ok(f->s.tasks->ops->list(f->s.tasks, &filter, &f->tasks, &f->err), &f->err);
    for (size_t k = 0; k < f->tasks.n; k++) {
        const struct nf_task *t = &f->tasks.v[k];
        nf_task_changes_done(&f->changes);
        assert_ok(f->s.tasks->ops->changes(f->s.tasks, t->id, &f->changes, &f->err), &f->err);
        say(p, i, " turn %lld %d fence %lld attempt %lld %lld-%lld changes %zu at %lld\n",
            (long long)t->id, t->status, (long long)t->fence, (long long)t->attempt,
            (long long)t->started_ms, (long long)t->ended_ms, f->changes.n,
            f->changes.n ? (long long)f->changes.v[f->changes.n - 1].at_ms : 0);
    }
    nf_tasks_done(&f->tasks);
    assert_ok(f->s.sessions->ops->runs_since(f->s.sessions, session, 2, 5, &f->tasks, &f->err),
              &f->err);
    for (size_t k = 0; k < f->tasks.n; k++) {
        nf_messages_done(&f->messages);
        assert_ok(f->s.sessions->ops->run_messages(f->s.sessions, session, f->tasks.v[k].id,
                                                   &f->messages, &f->err),
                  &f->err);
        say(p, i, " run %lld messages %zu\n", (long long)f->tasks.v[k].id, f->messages.n);
    }
    size_t waiting = 0;
    assert_ok(f->s.turns->ops->waiting(f->s.turns, p->now, 9, &waiting, &f->err), &f->err);
    say(p, i, " waiting %zu\n", waiting);
}

static enum nf_code take_one(struct pair *p, int i, uint64_t a)
{
    struct fixture *f = p->f[i];
    const struct nf_round round = { .owner = 1 + (int64_t)a % 2,
                                    .lease_ms = 100,
                                    .now_ms = p->now,
                                    .after_user = (int64_t)a % 3,
                                    .each = 1 + a % 2,
                                    .limit = 1 + a % 4 };
    nf_leases_done(&f->leases);
    enum nf_code rc = f->s.turns->ops->take(f->s.turns, &round, &f->leases, &f->err);
    for (int64_t session = 1; session <= SESSIONS; session++)
        for (size_t k = 0; k < f->leases.n; k++)
            if (f->leases.v[k].session_id == session)
                say(p, i, " took %lld fence %lld\n", (long long)session,
                    (long long)f->leases.v[k].fence);
    return rc;
}

static void one_step(struct pair *p)
{
    uint64_t what = dice(p, 12), a = dice(p, 1000), b = dice(p, CLAIMS);
    int64_t session = 1 + (int64_t)dice(p, SESSIONS), id = p->next_id += 100;
    struct nf_claim c = p->claims[b];
    p->now += (int64_t)dice(p, 40) - 5; /* the clock steps back at times */
    for (int i = 0; i < p->n; i++) {
        struct nf_turn_store *t = p->f[i]->s.turns;
        struct nf_session_store *ss = p->f[i]->s.sessions;
        struct nf_err *err = &p->f[i]->err;
        enum nf_code rc = NF_OK;
        if (what < 3)
            rc = accept_one(p, i, session, id, a);
        else if (what < 5)
            rc = finish_one(p, i, &c, id, a);
        else if (what == 5)
            rc = claim_one(p, i, session, 1 + (int64_t)a % 2);
        else if (what == 6)
            rc = step_one(p, i, &c, 1 + a % 4, a % 3 == 0);
        else if (what == 7)
            rc = a % 3 ? t->ops->park(t, &c, p->now, err)
                       : t->ops->cancel_pending(t, session, c.run_id, p->now, err);
        else if (what == 8)
            rc = a % 3 ? t->ops->heartbeat(t, 1 + (int64_t)a % 2, 100, p->now, err)
                       : t->ops->release(t, 1 + (int64_t)a % 2, err);
        else if (what == 9)
            rc = outbox_one(p, i, a);
        else if (what == 10 && a % 10 > 6)
            rc = take_one(p, i, a);
        else if (what == 10 && a % 10 == 0)
            rc = ss->ops->remove(ss, session, 0, err);
        else
            look(p, i, session);
        say(p, i, "%d: %s\n", (int)what, nf_code_name(rc));
        p->ops[what] += rc == NF_OK;
    }
}

static void the_engines_never_disagree(void **state)
{
    struct pair *p = *state;
    int steps = getenv("NF_UNDER_VALGRIND") ? 1500 : 4000;
    for (int n = 0; n < steps; n++) {
        one_step(p);
        for (int i = 1; i < p->n; i++) {
            assert_string_equal(nf_str_c(&p->trace[0]), nf_str_c(&p->trace[i]));
            nf_str_reset(&p->trace[i]);
        }
        nf_str_reset(&p->trace[0]);
    }
    for (int i = 0; i < 12; i++)
        assert_true(p->ops[i] > 10); /* each kind of operation has succeeded now and then */
}

static int setup(void **state)
{
    static struct pair p;
    p = (struct pair){ .random = 88172645463325252u, .now = 100000, .next_id = 1000 };
    void *f;
    (void)setup_memory(&f);
    p.f[0] = f;
    (void)setup_sqlite(&f);
    p.f[1] = f;
    p.n = 2;
    if (getenv("NF_POSTGRES_FILE")) {
        (void)setup_postgres(&f);
        p.f[p.n++] = f;
    }
    *state = &p;
    return 0;
}

static int teardown_both(void **state)
{
    struct pair *p = *state;
    for (int i = 0; i < p->n; i++) {
        void *f = p->f[i];
        (void)teardown(&f);
        nf_str_done(&p->trace[i]);
    }
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_engines_never_disagree, setup, teardown_both),
    };
    (void)run_suite;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
