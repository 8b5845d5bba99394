/* What the tests of the use cases share: the stores in memory, and fakes of everything else. No
 * loop and no fiber: a use case is a plain function. */
#pragma once

#include "application/histories.h"
#include "application/offer_tools.h"
#include "tests/unit/use_case_channel.h"
#include "tests/unit/use_case_model.h"
#include "tests/unit/use_case_tools.h"
#include "tests/unit/use_case_turns.h"

/* --- the world -------------------------------------------------------------------------------- */

static void add_user(struct world *w)
{
    struct nf_identity i;
    assert_ok(nf_user_init(&w->user, USER, "Ada", NF_USER_OWNER, START, &w->err), &w->err);
    assert_ok(nf_identity_init(&i, USER, "local", "owner", START, &w->err), &w->err);
    assert_ok(w->s.users->ops->create(w->s.users, &w->user, &i, &w->err), &w->err);
}

static void connect_app(struct world *w)
{
    w->app = (struct nf_app){
        .clock = &w->clock,
        .ids = &w->ids,
        .turns = w->s.turns,
        .sessions = w->s.sessions,
        .users = w->s.users,
        .tasks = w->s.tasks,
        .outbox = w->s.outbox,
        .credentials = w->s.credentials,
        .model = &w->model.port,
        .codec = &w->codec,
        .bell = &w->bell.port,
        .approvals = w->s.approvals,
        .skills = w->s.skills,
        .kv = w->s.kv,
        .pairings = w->s.pairings,
        .retention = w->s.retention,
        .search = w->s.search,
        .channels = &w->channels,
        .runner = &w->runner.port,
        .owner = 3,
        .settings = { .system_prompt = "",
                      .summary_model = "",
                      .history_max = 200,
                      .lease_ms = LEASE,
                      .approval_ttl_ms = APPROVAL_TTL_MS,
                      .turn_timeout_ms = 1000 },
    };
}

static struct world *world_new(void)
{
    static const struct nf_model_ops model = { .complete = fake_complete,
                                               .info = fake_info,
                                               .name_at = fake_name_at };
    static const struct nf_tools_ops tools = { fake_offer, fake_find, fake_call };
    static const struct nf_channel_ops channel = { .show = fake_show,
                                                   .deliver = fake_deliver,
                                                   .approval = fake_approval,
                                                   .tell = fake_tell,
                                                   .drop = fake_drop };
    static const struct nf_bell_ops bell = { fake_count, fake_bell_wait, fake_ring };
    static const struct nf_turn_runner_ops runner = { .start = fake_start,
                                                      .wake = fake_wake,
                                                      .pull = fake_pull,
                                                      .has_room = fake_has_room,
                                                      .stop = fake_stop };
    static const struct nf_turn_store_ops turns = { .accept = fake_accept,
                                                    .claim = fake_claim,
                                                    .step_begin = fake_step_begin,
                                                    .step_end = fake_step_end,
                                                    .steps = fake_steps,
                                                    .finish = fake_finish,
                                                    .park = fake_park };
    struct world *w = calloc(1, sizeof(*w));
    assert_non_null(w);
    w->now = START;
    w->clock = (struct nf_clock){ .now_ms = fake_now };
    w->ids.instance = 3; /* as the owner of its leases */
    w->model.port.ops = &model;
    w->model.w = w;
    w->model.context_tokens = 100000;
    w->tools.port.ops = &tools;
    w->tools.fail = NF_E_UNAVAILABLE;
    w->tools.w = w;
    w->bell = (struct fake_bell){ .port.ops = &bell, .w = w };
    w->codec = (struct nf_codec){ .check_args = fake_check,
                                  .check_schema = fake_schema,
                                  .digest = fake_digest,
                                  .random = fake_random };
    w->web.port = (struct nf_channel){ .ops = &channel, .name = "web", .repeatable = true };
    w->runner.port.ops = &runner;
    w->channels = (struct nf_channels){ .v = { &w->web.port }, .n = 1 };
    assert_ok(nf_memory_store_new(&w->s, &w->err), &w->err);
    w->turns = (struct fake_turns){ .port.ops = &turns, .real = w->s.turns, .w = w };
    connect_app(w);
    assert_ok(nf_summaries_new(&w->app.summaries, &w->err), &w->err);
    assert_ok(nf_histories_new(&w->app.histories, &w->err), &w->err);
    add_user(w);
    return w;
}

static void world_free(struct world *w)
{
    nf_fail_alloc_at(0);
    nf_summaries_free(w->app.summaries);
    nf_histories_free(w->app.histories);
    nf_offer_done(&w->app.offer);
    nf_stores_done(&w->s);
    free(w);
}

UNUSED static int setup(void **state)
{
    *state = world_new();
    return 0;
}

UNUSED static int teardown(void **state)
{
    world_free(*state);
    return 0;
}

static struct nf_incoming incoming(struct world *w, const char *client_id, const char *text)
{
    return (struct nf_incoming){ .user = &w->user,
                                 .channel = "web",
                                 .address = "",
                                 .source = "web:7",
                                 .client_id = client_id,
                                 .session_id = w->session,
                                 .content = text,
                                 .content_n = strlen(text) };
}

/* The person writes `text`; in the session of the newest message, if there is one. */
UNUSED static struct nf_accepted write_message(struct world *w, const char *client_id,
                                               const char *text)
{
    struct nf_incoming in = incoming(w, client_id, text);
    struct nf_accepted got;
    w->now += 10;
    assert_ok(nf_receive_message(&w->app, &in, &got, &w->err), &w->err);
    w->session = got.session_id;
    return got;
}

UNUSED static void model_says(struct world *w, const struct fake_reply *replies, size_t n)
{
    w->model.replies = replies;
    w->model.n = n;
}
#define MODEL_SAYS(w, ...)                                                                         \
    do {                                                                                           \
        static const struct fake_reply replies_[] = { __VA_ARGS__ };                               \
        model_says(w, replies_, sizeof(replies_) / sizeof(replies_[0]));                           \
    } while (0)

/* Answer the claim that accepting a message made. */
UNUSED static enum nf_code answer(struct world *w)
{
    w->now += 10;
    return nf_answer_turn(&w->app, &w->runner.claim, &w->control, &w->err);
}

/* What a new process does after a crash: the old leases are given up, the turn is claimed again. */
UNUSED static void claim_again(struct world *w)
{
    struct nf_turn_store *real = w->turns.real;
    w->now += 10;
    assert_ok(real->ops->release(real, w->app.owner, &w->err), &w->err);
    assert_ok(nf_claim_turn(&w->app, w->session, 0, &w->runner.claim, &w->err), &w->err);
}

/* Everything said in the session as "user:hello|assistant:hi|notice:sorry|". */
UNUSED static const char *said(struct world *w)
{
    static char text[65536];
    struct nf_messages m = { 0 };
    size_t n = 0;
    text[0] = '\0';
    assert_ok(w->s.sessions->ops->messages(w->s.sessions, w->session, 0, 200, &m, &w->err),
              &w->err);
    for (size_t i = 0; i < m.n; i++) {
        const char *extra = m.v[i].role == NF_ROLE_TOOL ? m.v[i].parts.v[0].text : "";
        int k = snprintf(text + n, sizeof(text) - n, "%s:%s%.200s|", nf_role_name(m.v[i].role),
                         m.v[i].content ? m.v[i].content : "", extra);
        n += (size_t)k;
        assert_true(n < sizeof(text));
    }
    nf_messages_done(&m);
    return text;
}

/* Deliver what is due now, one after the other. *ret: items looked at. */
UNUSED static enum nf_code deliver_due(struct world *w, size_t *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_outbox_items_done) struct nf_outbox_items due = { 0 };
    NF_TRY(w->app.outbox->ops->due(w->app.outbox, nf_app_now(&w->app), 64, &due, err));
    for (size_t i = 0; i < due.n; i++) {
        enum nf_code rc = nf_deliver_reply(&w->app, &due.v[i], err);
        if (rc != NF_OK && rc != NF_E_CONFLICT && rc != NF_E_NOT_FOUND)
            return rc;
    }
    *ret = due.n;
    return NF_OK;
}

/* The outbox items of the session that are due now. */
UNUSED static size_t outbox_due(struct world *w)
{
    struct nf_outbox_items due = { 0 };
    assert_ok(w->s.outbox->ops->due(w->s.outbox, w->now + 1000000, 10, &due, &w->err), &w->err);
    size_t n = due.n;
    nf_outbox_items_done(&due);
    return n;
}

static bool see_again(void *arg, const struct nf_run_event *e)
{
    see(arg, e);
    return true;
}

/* What was shown live is what is read back later: same events, positions and texts. */
UNUSED static void check_replay(struct world *w, int64_t run_id)
{
    struct nf_task run = { 0 };
    struct nf_messages m = { 0 };
    const struct fake_seen *live = &w->web.seen;
    struct fake_seen *back = calloc(1, sizeof(*back));
    assert_non_null(back);
    assert_ok(w->s.tasks->ops->get(w->s.tasks, run_id, 0, &run, &w->err), &w->err);
    assert_ok(w->s.sessions->ops->run_messages(w->s.sessions, w->session, run_id, &m, &w->err),
              &w->err);
    nf_run_replay(&run, &m, 0, see_again, back);
    assert_int_equal(back->n, live->n);
    for (size_t i = 0; i < live->n; i++) {
        const struct nf_run_event *a = &live->v[i].e, *b = &back->v[i].e;
        assert_int_equal(a->type, b->type);
        assert_true(a->seq == b->seq);
        assert_true(a->input_seq == b->input_seq);
        assert_int_equal(a->message, b->message);
        assert_int_equal(a->stopped, b->stopped);
        assert_int_equal(a->is_error, b->is_error);
        assert_int_equal(a->wall_us, b->wall_us);
        assert_true(a->tokens.output == b->tokens.output);
        assert_int_equal(a->text.n, b->text.n);
        assert_memory_equal(live->text + live->v[i].at, back->text + back->v[i].at, a->text.n);
    }
    free(back);
    nf_messages_done(&m);
    nf_task_done(&run);
}

/* The states that a task went through: "pending running completed". */
UNUSED static const char *history_of(struct world *w, int64_t task_id)
{
    static char text[256];
    struct nf_task_changes c = { 0 };
    text[0] = '\0';
    assert_ok(w->s.tasks->ops->changes(w->s.tasks, task_id, &c, &w->err), &w->err);
    for (size_t i = 0; i < c.n; i++) {
        if (i)
            strcat(text, " ");
        strcat(text, nf_task_status_name(c.v[i].status));
    }
    nf_task_changes_done(&c);
    return text;
}

/* The steps of a turn as "1 model completed|2 tool failed|". */
UNUSED static const char *steps_of(struct world *w, int64_t run_id)
{
    static char text[4096];
    struct nf_tasks steps = { 0 };
    size_t n = 0;
    text[0] = '\0';
    assert_ok(w->turns.real->ops->steps(w->turns.real, run_id, &steps, &w->err), &w->err);
    for (size_t i = 0; i < steps.n; i++) {
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%d %s %s|", (int)steps.v[i].n,
                              nf_task_kind_name(steps.v[i].kind),
                              nf_task_status_name(steps.v[i].status));
        assert_true(n < sizeof(text));
    }
    nf_tasks_done(&steps);
    return text;
}

/* True if the allocation that was to fail has been tried; asks for no more failures. */
UNUSED static bool allocation_failed(void)
{
    bool pending = false;
    for (int i = 0; i < 3000 && !pending; i++) {
        void *volatile probe = malloc(1);
        pending = probe == NULL;
        free(probe);
    }
    nf_fail_alloc_at(0);
    return !pending;
}

/* Let each allocation within `call` fail once, in a world that `given` made; `check` looks at what
 * is left, with the outcome in `rc`. */
#define TORTURE(given, call, check)                                                                \
    do {                                                                                           \
        bool more_ = true;                                                                         \
        for (size_t n_ = 1; more_; n_++) {                                                         \
            struct world *w = world_new();                                                         \
            given;                                                                                 \
            nf_fail_alloc_at(n_);                                                                  \
            enum nf_code rc = (call);                                                              \
            more_ = allocation_failed();                                                           \
            if (rc != NF_OK)                                                                       \
                assert_code(rc, NF_E_NOMEM);                                                       \
            assert_true(n_ < 500);                                                                 \
            check;                                                                                 \
            world_free(w);                                                                         \
        }                                                                                          \
    } while (0)
