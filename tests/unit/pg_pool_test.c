/* Who gets which connection to PostgreSQL, and who waits. No server is needed for that. */
#include "base/own.h"
#include "persistence/postgres/pool.h"
#include "persistence/postgres/postgres.h"
#include "runtime/fiber.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

#define SLOTS 2

struct world {
    struct nf_loop *loop;
    struct nf_query_info queries[NF_QUERY_COUNT];
    struct nf_pg_pool pool;
    struct nf_pg_slot slots[SLOTS];
    char log[256]; /* who got a connection, in order */
    int held;
    struct nf_err err;
};

struct user {
    struct world *w;
    i64 session;
    char name;
    int rounds; /* of the loop that it keeps its connection for */
};

static NF_RC acquire(struct world *w, i64 session, bool write, struct nf_pg_slot **ret,
                     struct nf_err *err)
{
    const struct nf_cmd cmd = NF_CMD(session_park, 1, .id = session, .fence = 1);
    return nf_pg_pool_acquire(&w->pool, w->queries, &cmd, 1, write, ret, err);
}

static enum nf_code use(void *arg, struct nf_err *err)
{
    struct user *u = arg;
    struct world *w = u->w;
    struct nf_pg_slot *s = NULL;
    NF_TRY(acquire(w, u->session, true, &s, err));
    strncat(w->log, &u->name, 1);
    assert_true(++w->held <= SLOTS);
    for (int i = 0; i < u->rounds; i++)
        NF_TRY(nf_yield(err));
    for (size_t i = 0; i < SLOTS; i++) /* nobody else writes to this session */
        assert_true(&w->slots[i] == s || !w->slots[i].busy || u->session == 0 ||
                    w->slots[i].session != u->session);
    w->held--;
    nf_pg_pool_release(&w->pool, s);
    return NF_OK;
}

static struct user *script;
static size_t script_n;

static enum nf_code run_script(void *arg, struct nf_err *err)
{
    struct world *w = arg;
    NF_CLEANUP(nf_scope_done) struct nf_scope scope;
    nf_scope_init(&scope, w->loop);
    for (size_t i = 0; i < script_n; i++) {
        script[i].w = w;
        NF_TRY(nf_scope_spawn(&scope, use, &script[i], NULL, err));
    }
    NF_TRY(nf_scope_join(&scope, err));
    assert_int_equal(w->pool.waiting, 0);
    assert_null(w->pool.head);
    for (size_t i = 0; i < SLOTS; i++)
        assert_false(w->slots[i].busy);
    return NF_OK;
}

static const char *order_of(struct world *w, struct user *v, size_t n)
{
    script = v;
    script_n = n;
    assert_ok(nf_loop_run(w->loop, run_script, w, &w->err), &w->err);
    return w->log;
}

static int setup(void **state)
{
    static struct world w;
    memset(&w, 0, sizeof(w));
    assert_ok(nf_loop_new(&w.loop, &w.err), &w.err);
    nf_catalogue_describe(w.queries);
    w.pool = (struct nf_pg_pool){ .v = w.slots, .n = SLOTS };
    nf_pg_pool_init(&w.pool);
    for (size_t i = 0; i < SLOTS; i++)
        w.slots[i].conn.loop = w.loop;
    *state = &w;
    return 0;
}

static int teardown(void **state)
{
    nf_loop_free(((struct world *)*state)->loop);
    return 0;
}

static void whoever_waits_gets_the_first_that_is_free(void **state)
{
    struct user v[] = { { .session = 1, .name = 'a', .rounds = 9 },
                        { .session = 2, .name = 'b', .rounds = 2 },
                        { .session = 3, .name = 'c', .rounds = 2 },
                        { .session = 4, .name = 'd', .rounds = 2 } };
    assert_string_equal(order_of(*state, v, 4), "abcd"); /* all but a on one connection */
}

static void writes_of_a_session_follow_each_other_and_others_pass(void **state)
{
    struct user v[] = { { .session = 1, .name = 'a', .rounds = 9 },
                        { .session = 1, .name = 'b', .rounds = 1 },
                        { .session = 1, .name = 'c', .rounds = 1 },
                        { .session = 2, .name = 'd', .rounds = 1 },
                        { .session = 3, .name = 'e', .rounds = 1 } };
    assert_string_equal(order_of(*state, v, 5), "adebc");
}

static void what_is_about_no_session_waits_for_none(void **state)
{
    struct user v[] = { { .session = 0, .name = 'a', .rounds = 3 },
                        { .session = 0, .name = 'b', .rounds = 3 },
                        { .session = 0, .name = 'c', .rounds = 1 } };
    assert_string_equal(order_of(*state, v, 3), "abc");
}

static enum nf_code read_beside_a_write(void *arg, struct nf_err *err)
{
    struct world *w = arg;
    struct nf_pg_slot *write = NULL, *read = NULL;
    NF_TRY(acquire(w, 1, true, &write, err));
    NF_TRY(acquire(w, 1, false, &read, err));
    assert_ptr_not_equal(write, read);
    w->pool.waiting = NF_POSTGRES_WAITING_MAX;
    assert_code(acquire(w, 2, true, &read, err), NF_E_UNAVAILABLE);
    assert_non_null(strstr(err->msg, "cannot keep up"));
    w->pool.waiting = 0;
    nf_pg_pool_release(&w->pool, write);
    nf_pg_pool_release(&w->pool, read);
    return NF_OK;
}

static void reads_wait_for_no_session_and_not_everybody_may_wait(void **state)
{
    struct world *w = *state;
    assert_ok(nf_loop_run(w->loop, read_beside_a_write, w, &w->err), &w->err);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(whoever_waits_gets_the_first_that_is_free),
        T(writes_of_a_session_follow_each_other_and_others_pass),
        T(what_is_about_no_session_waits_for_none),
        T(reads_wait_for_no_session_and_not_everybody_may_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
