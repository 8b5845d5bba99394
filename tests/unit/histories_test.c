/* What was said is kept for the session's next turn, and used only where nothing came between. */
#include "application/manage_sessions.h"
#include "tests/unit/use_case_fixture.h"

/* Stands before the store and counts how often a history is read. */
static struct nf_session_store *real_store;
static int reads;

static enum nf_code count_history(struct nf_session_store *s, int64_t session_id, int64_t media,
                                  size_t limit, struct nf_messages *ret, struct nf_err *err)
{
    (void)s;
    reads++;
    return real_store->ops->history(real_store, session_id, media, limit, ret, err);
}

/* What the use cases below call of it besides. */
static struct nf_session_store_ops counting;
static struct nf_session_store counted = { &counting };

static enum nf_code pass_get(struct nf_session_store *s, int64_t id, int64_t user_id,
                             struct nf_session *ret, struct nf_err *err)
{
    (void)s;
    return real_store->ops->get(real_store, id, user_id, ret, err);
}

static enum nf_code pass_messages(struct nf_session_store *s, int64_t session_id, int64_t before,
                                  size_t limit, struct nf_messages *ret, struct nf_err *err)
{
    (void)s;
    return real_store->ops->messages(real_store, session_id, before, limit, ret, err);
}

static enum nf_code pass_remove(struct nf_session_store *s, int64_t id, int64_t user_id,
                                struct nf_err *err)
{
    (void)s;
    return real_store->ops->remove(real_store, id, user_id, err);
}

static int setup_counted(void **state)
{
    struct world *w = world_new();
    counting = (struct nf_session_store_ops){
        .history = count_history, .get = pass_get, .messages = pass_messages, .remove = pass_remove
    };
    real_store = w->s.sessions;
    w->app.sessions = &counted;
    reads = 0;
    *state = w;
    return 0;
}

static void turn(struct world *w, const char *id, const char *text)
{
    write_message(w, id, text);
    assert_ok(answer(w), &w->err);
    assert_int_equal(w->control.status, NF_TASK_COMPLETED);
}

static void claim_waiting(struct world *w)
{
    assert_ok(nf_claim_turn(&w->app, w->session, 0, &w->runner.claim, &w->err), &w->err);
}

/* --- used or not ------------------------------------------------------------------------------ */

static void a_conversation_is_never_read_while_it_goes_on(void **state)
{
    struct world *w = *state;
    MODEL_SAYS(w, { .text = "yes" });
    turn(w, "m1", "one");
    turn(w, "m2", "two");
    turn(w, "m3", "three");
    assert_string_equal(w->model.context,
                        "user:one|assistant:yes|user:two|assistant:yes|user:three|");
    assert_int_equal(reads, 0);
}

static void after_a_restart_it_is_read_once(void **state)
{
    struct world *w = *state;
    MODEL_SAYS(w, { .text = "yes" });
    turn(w, "m1", "one");
    nf_histories_free(w->app.histories);
    assert_ok(nf_histories_new(&w->app.histories, &w->err), &w->err);
    turn(w, "m2", "two");
    turn(w, "m3", "three");
    assert_string_equal(w->model.context,
                        "user:one|assistant:yes|user:two|assistant:yes|user:three|");
    assert_int_equal(reads, 1);
}

/* As another instance does: it claims the turn of a message, and answers. */
static void answer_elsewhere(struct world *w, const char *id, const char *text)
{
    struct nf_app here = w->app;
    w->app.histories = NULL;
    w->app.owner = 4;
    turn(w, id, text);
    w->app = here;
}

static void what_another_instance_said_is_read(void **state)
{
    struct world *w = *state;
    MODEL_SAYS(w, { .text = "yes" });
    turn(w, "m1", "one");
    answer_elsewhere(w, "m2", "two");
    turn(w, "m3", "three");
    assert_string_equal(w->model.context,
                        "user:one|assistant:yes|user:two|assistant:yes|user:three|");
}

/* An instance that claims and gives up has said nothing, and yet has had the session. */
static void a_claim_that_came_between_is_noticed(void **state)
{
    struct world *w = *state;
    struct nf_turn_store *turns = w->app.turns;
    MODEL_SAYS(w, { .text = "yes" });
    turn(w, "m1", "one");
    write_message(w, "m2", "two");
    assert_ok(turns->ops->park(turns, &w->runner.claim, w->now, &w->err), &w->err);
    claim_waiting(w);
    assert_ok(answer(w), &w->err);
    assert_int_equal(reads, 1);
    assert_string_equal(w->model.context, "user:one|assistant:yes|user:two|");
}

static void a_message_written_meanwhile_is_not_lost(void **state)
{
    struct world *w = *state;
    MODEL_SAYS(w, { .text = "yes" });
    write_message(w, "m1", "one");
    write_message(w, "m2", "two");
    assert_ok(answer(w), &w->err);
    assert_int_equal(nf_histories_count(w->app.histories), 0);
    claim_waiting(w);
    assert_ok(answer(w), &w->err);
    assert_string_equal(w->model.context, "user:one|assistant:yes|user:two|");
    turn(w, "m3", "three");
    assert_string_equal(w->model.context,
                        "user:one|assistant:yes|user:two|assistant:yes|user:three|");
}

static void from_another_branch_it_is_read(void **state)
{
    struct world *w = *state;
    struct nf_accepted got;
    MODEL_SAYS(w, { .text = "yes" });
    turn(w, "m1", "one");
    turn(w, "m2", "two");
    struct nf_incoming in = incoming(w, "m3", "two, said otherwise");
    in.branch = 2; /* behind the first question */
    assert_ok(nf_receive_message(&w->app, &in, &got, &w->err), &w->err);
    assert_ok(answer(w), &w->err);
    assert_string_equal(w->model.context, "user:one|assistant:yes|user:two, said otherwise|");
    turn(w, "m4", "three");
    assert_string_equal(w->model.context, "user:one|assistant:yes|user:two, said otherwise|"
                                          "assistant:yes|user:three|");
    assert_true(reads > 0);
}

static void a_double_changes_nothing(void **state)
{
    struct world *w = *state;
    MODEL_SAYS(w, { .text = "yes" });
    turn(w, "m1", "one");
    assert_true(write_message(w, "m1", "one").duplicate);
    turn(w, "m2", "two");
    assert_string_equal(w->model.context, "user:one|assistant:yes|user:two|");
    assert_int_equal(reads, 0);
}

static void a_deleted_session_is_forgotten(void **state)
{
    struct world *w = *state;
    MODEL_SAYS(w, { .text = "yes" });
    turn(w, "m1", "one");
    assert_int_equal(nf_histories_count(w->app.histories), 1);
    assert_ok(nf_session_delete(&w->app, &w->user, w->session, &w->err), &w->err);
    assert_int_equal(nf_histories_count(w->app.histories), 0);
    assert_int_equal(nf_histories_bytes(w->app.histories), 0);
}

/* --- it is what the database has -------------------------------------------------------------- */

static void expect_text(const char *a, const char *b)
{
    assert_string_equal(a ? a : "", b ? b : "");
}

static void expect_same(const struct nf_message *a, const struct nf_message *b)
{
    assert_true(a->session_id == b->session_id && a->seq == b->seq && a->run_id == b->run_id);
    assert_int_equal(a->role, b->role);
    assert_true(a->created_ms == b->created_ms && a->branch == b->branch);
    assert_string_equal(a->client_id, b->client_id);
    assert_string_equal(a->model, b->model);
    expect_text(a->content, b->content);
    assert_int_equal(a->parts.n, b->parts.n);
    for (size_t i = 0; i < a->parts.n; i++) {
        const struct nf_part *p = &a->parts.v[i], *q = &b->parts.v[i];
        assert_int_equal(p->type, q->type);
        assert_true(p->wall_us == q->wall_us && p->is_error == q->is_error && !p->lent);
        expect_text(p->text, q->text);
        expect_text(p->call_id, q->call_id);
        expect_text(p->name, q->name);
        expect_text(p->args, q->args);
        expect_text(p->signature, q->signature);
        expect_text(p->data, q->data);
        expect_text(p->media_type, q->media_type);
    }
}

/* What the next turn would get is what it would read, with `media` and `limit`. */
static void expect_as_stored(struct world *w, int64_t media, size_t limit)
{
    struct nf_messages kept = { 0 }, stored = { 0 };
    assert_true(nf_histories_take(w->app.histories, &w->runner.claim, media, limit, &kept));
    assert_ok(real_store->ops->history(real_store, w->session, media, limit, &stored, &w->err),
              &w->err);
    assert_int_equal(kept.n, stored.n);
    for (size_t i = 0; i < kept.n; i++)
        expect_same(&kept.v[i], &stored.v[i]);
    nf_messages_done(&kept);
    nf_messages_done(&stored);
}

static void write_with_picture(struct world *w, const char *id)
{
    struct nf_part v[] = { { .type = NF_PART_TEXT, .text = "look" },
                           { .type = NF_PART_IMAGE, .data = "AAAA", .media_type = "image/png" } };
    const struct nf_parts parts = { v, 2 };
    struct nf_incoming in = incoming(w, id, "look");
    struct nf_accepted got;
    in.parts = &parts;
    assert_ok(nf_receive_message(&w->app, &in, &got, &w->err), &w->err);
    w->session = got.session_id;
}

static void use_tools(struct world *w)
{
    w->app.tools = &w->tools.port;
    MODEL_SAYS(w,
               { .thinking = "hm",
                 .text = "Let me see.",
                 .calls = { { "c1", "clock", "{}" }, { "c2", "fails", "{}" } } },
               { .text = "It is noon." });
}

static void calls_pictures_and_all_are_as_they_are_stored(void **state)
{
    struct world *w = *state;
    use_tools(w);
    write_with_picture(w, "m1");
    assert_ok(answer(w), &w->err);
    write_message(w, "m2", "and now?");
    expect_as_stored(w, 0, 200);
}

static void old_pictures_are_left_out_as_the_database_does(void **state)
{
    struct world *w = *state;
    use_tools(w);
    write_with_picture(w, "m1");
    assert_ok(answer(w), &w->err);
    write_message(w, "m2", "and now?");
    expect_as_stored(w, 2, 200);
}

static void the_newest_are_kept_over_the_limit(void **state)
{
    struct world *w = *state;
    use_tools(w);
    turn(w, "m1", "one");
    turn(w, "m2", "two");
    write_message(w, "m3", "three");
    expect_as_stored(w, 0, 3);
}

static void what_failed_is_kept_with_its_notice(void **state)
{
    struct world *w = *state;
    MODEL_SAYS(w, { .fail = NF_E_UNAVAILABLE });
    write_message(w, "m1", "one");
    assert_ok(answer(w), &w->err);
    assert_int_equal(w->control.status, NF_TASK_FAILED);
    write_message(w, "m2", "two");
    expect_as_stored(w, 0, 200);
}

/* A history of one message of `n` bytes, as a turn of that session leaves it. */
static void keep(struct world *w, int64_t session_id, int64_t fence, size_t n)
{
    struct nf_claim c = { .session_id = session_id, .fence = fence, .seq = 1, .attempt = 1 };
    struct nf_message m = { .session_id = session_id, .seq = 1, .role = NF_ROLE_USER };
    struct nf_messages all = { 0 };
    char *text = calloc(1, n + 1);
    assert_non_null(text);
    memset(text, 'a', n);
    m.content = text;
    assert_ok(nf_messages_push(&all, &m, &w->err), &w->err);
    nf_histories_keep(w->app.histories, &c, 1, &all);
    assert_null(all.v);
}

static struct nf_claim claim_of(int64_t session_id, int64_t fence, int64_t seq)
{
    return (struct nf_claim){ .session_id = session_id, .fence = fence, .seq = seq, .attempt = 1 };
}

/* A message was accepted, and claimed like that. */
static void ask(struct world *w, struct nf_claim c)
{
    struct nf_accept in = { .client_id = "c", .content = "b", .session_id = c.session_id };
    struct nf_accepted got = {
        .session_id = c.session_id, .seq = c.seq, .claimed = true, .claim = c
    };
    nf_histories_ask(w->app.histories, &in, &got);
}

/* Whether there is a history to that claim. */
static bool take(struct world *w, struct nf_claim c)
{
    struct nf_messages m = { 0 };
    bool found = nf_histories_take(w->app.histories, &c, 0, 10, &m);
    assert_int_equal(m.n, found ? 2 : 0);
    nf_messages_done(&m);
    return found;
}

/* Whether what `keep` left is there for what is said next. */
static bool has(struct world *w, int64_t session_id)
{
    ask(w, claim_of(session_id, 2, 2));
    return take(w, claim_of(session_id, 2, 2));
}

/* --- whose it is ------------------------------------------------------------------------------ */

static void it_is_for_the_very_next_claim_and_message(void **state)
{
    static const int64_t others[][2] = { { 3, 2 }, { 2, 3 }, { 1, 2 }, { 2, 1 } };
    struct world *w = *state;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        struct nf_claim other = claim_of(1, others[i][0], others[i][1]);
        keep(w, 1, 1, 10);
        ask(w, other);
        assert_false(take(w, other));
        assert_int_equal(nf_histories_count(w->app.histories), 0);
    }
    keep(w, 1, 1, 10);
    assert_true(has(w, 1));
    assert_false(take(w, claim_of(1, 2, 2))); /* only once */
}

static void it_is_for_the_claim_that_asked(void **state)
{
    struct world *w = *state;
    struct nf_claim again = claim_of(1, 2, 2);
    keep(w, 1, 1, 10);
    assert_false(take(w, claim_of(1, 1, 1))); /* nobody has asked */
    ask(w, claim_of(1, 2, 2));
    assert_false(take(w, claim_of(1, 3, 2)));
    assert_false(take(w, claim_of(1, 2, 3)));
    again.attempt = 2;
    assert_false(take(w, again));
    assert_true(take(w, claim_of(1, 2, 2)));
}

static void a_message_that_waits_asks_for_nothing(void **state)
{
    struct world *w = *state;
    struct nf_accept in = { .client_id = "c", .content = "b", .session_id = 1 };
    struct nf_accepted got = { .session_id = 1, .seq = 2, .claim = claim_of(1, 2, 2) };
    keep(w, 1, 1, 10);
    nf_histories_ask(w->app.histories, &in, &got);
    assert_false(take(w, got.claim));
    got.claimed = got.duplicate = true;
    nf_histories_ask(w->app.histories, &in, &got);
    assert_false(take(w, got.claim));
}

/* --- bounds ----------------------------------------------------------------------------------- */

static void one_that_is_too_long_is_not_kept(void **state)
{
    struct world *w = *state;
    size_t most = NF_HISTORY_BYTES_MAX - sizeof(struct nf_message) - 1;
    keep(w, 1, 1, most);
    assert_int_equal(nf_histories_bytes(w->app.histories), NF_HISTORY_BYTES_MAX);
    keep(w, 1, 1, most + 1);
    assert_int_equal(nf_histories_count(w->app.histories), 0);
    keep(w, 1, 1, most);
    assert_false(has(w, 1)); /* the question does not fit */
    assert_int_equal(nf_histories_bytes(w->app.histories), 0);
}

static void over_so_many_sessions_the_oldest_goes(void **state)
{
    struct world *w = *state;
    for (int64_t id = 1; id <= NF_HISTORIES_MAX; id++)
        keep(w, id, 1, 10);
    keep(w, 1, 1, 10); /* used again */
    assert_int_equal(nf_histories_count(w->app.histories), NF_HISTORIES_MAX);
    keep(w, NF_HISTORIES_MAX + 1, 1, 10);
    assert_int_equal(nf_histories_count(w->app.histories), NF_HISTORIES_MAX);
    assert_false(has(w, 2));
    assert_true(has(w, 1));
    assert_true(has(w, 3));
}

static void over_so_many_bytes_the_oldest_go(void **state)
{
    struct world *w = *state;
    const size_t each = NF_HISTORY_BYTES_MAX / 2, n = NF_HISTORIES_BYTES_MAX / each;
    for (size_t id = 1; id <= n; id++)
        keep(w, (int64_t)id, 1, each - sizeof(struct nf_message) - 1);
    assert_int_equal(nf_histories_bytes(w->app.histories), NF_HISTORIES_BYTES_MAX);
    keep(w, 1000, 1, 1);
    assert_int_equal(nf_histories_count(w->app.histories), n);
    assert_false(has(w, 1));
    assert_true(has(w, 1000));
    assert_true(has(w, 2));
}

static void a_turn_that_ends_late_does_not_replace_a_later_one(void **state)
{
    struct world *w = *state;
    keep(w, 1, 1, 10);
    keep(w, 1, 0, 20);
    assert_true(has(w, 1));
}

static void without_memory_it_is_read(void **state)
{
    (void)state;
    TORTURE(
        {
            MODEL_SAYS(w, { .text = "yes" });
            turn(w, "m1", "one");
            write_message(w, "m2", "two");
        },
        answer(w),
        {
            if (rc == NF_OK && w->control.status == NF_TASK_COMPLETED) {
                turn(w, "m3", "three");
                assert_non_null(strstr(w->model.context, "user:two|assistant:yes|user:three|"));
            }
        });
}

/* --- by chance -------------------------------------------------------------------------------- */

static uint32_t dice(uint32_t *seed, uint32_t n)
{
    *seed = *seed * 1103515245u + 12345u;
    return (*seed >> 16) % n;
}

/* One thing that may happen, the same in both worlds. */
static void happen(struct world *w, uint32_t what, int i)
{
    char id[16], text[16];
    (void)snprintf(id, sizeof(id), "m%d", i);
    (void)snprintf(text, sizeof(text), "text %d", i);
    struct nf_incoming in = incoming(w, id, text);
    struct nf_accepted got;
    w->now += 10;
    if (what == 0)
        w->session = in.session_id = 0; /* a new conversation */
    if (what == 1 && w->session)
        in.branch = 1;
    assert_ok(nf_receive_message(&w->app, &in, &got, &w->err), &w->err);
    w->session = got.session_id;
    if (what == 2)
        write_message(w, text + 5, "meanwhile");
    if (what == 3)
        claim_again(w);
    if (what == 4)
        w->app.histories ? nf_histories_forget(w->app.histories, w->session) : (void)0;
    assert_ok(answer(w), &w->err);
    if (what == 2) {
        claim_waiting(w);
        assert_ok(answer(w), &w->err);
    }
}

static void models_are_asked_the_same_with_and_without_it(void **state)
{
    (void)state;
    for (uint32_t run = 1; run <= 20; run++) {
        struct world *with = world_new(), *without = world_new();
        struct nf_histories *unused = nf_take(without->app.histories);
        uint32_t seed = run;
        MODEL_SAYS(with, { .text = "yes" });
        MODEL_SAYS(without, { .text = "yes" });
        for (int i = 0; i < 40; i++) {
            uint32_t what = dice(&seed, 12);
            happen(with, what, i);
            happen(without, what, i);
            assert_string_equal(with->model.context, without->model.context);
        }
        world_free(with);
        world_free(without);
        nf_histories_free(unused);
    }
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup_counted, teardown)
    const struct CMUnitTest tests[] = {
        T(a_conversation_is_never_read_while_it_goes_on),
        T(after_a_restart_it_is_read_once),
        T(what_another_instance_said_is_read),
        T(a_claim_that_came_between_is_noticed),
        T(a_message_written_meanwhile_is_not_lost),
        T(from_another_branch_it_is_read),
        T(a_double_changes_nothing),
        T(a_deleted_session_is_forgotten),
        T(calls_pictures_and_all_are_as_they_are_stored),
        T(old_pictures_are_left_out_as_the_database_does),
        T(the_newest_are_kept_over_the_limit),
        T(what_failed_is_kept_with_its_notice),
        T(it_is_for_the_very_next_claim_and_message),
        T(it_is_for_the_claim_that_asked),
        T(a_message_that_waits_asks_for_nothing),
        T(one_that_is_too_long_is_not_kept),
        T(over_so_many_sessions_the_oldest_goes),
        T(over_so_many_bytes_the_oldest_go),
        T(a_turn_that_ends_late_does_not_replace_a_later_one),
        cmocka_unit_test(without_memory_it_is_read),
        cmocka_unit_test(models_are_asked_the_same_with_and_without_it),
    };
#undef T
    return cmocka_run_group_tests(tests, NULL, NULL);
}
