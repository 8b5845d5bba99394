#include "base/id.h"
#include "tests/contract/fixture.h"

#define STORE(f) ((f)->s.approvals)
#define HASH "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define OTHER "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static char args[] = "{\"a\":1}";

/* A claimed turn of session 9 with a tool call, task 150, that runs. */
static struct nf_claim given_call(struct fixture *f)
{
    given_session(f, 9);
    struct nf_claim c = given_message(f, 9, 1, "m1").claim;
    struct nf_task t = { .id = 150,
                         .n = 2,
                         .kind = NF_TASK_TOOL,
                         .created_ms = 1100,
                         .started_ms = 1100,
                         .name = "calc_evaluate",
                         .args = args };
    assert_ok(f->s.turns->ops->step_begin(f->s.turns, &c, &t, &f->err), &f->err);
    return c;
}

static struct nf_claim by_hand(void)
{
    return (struct nf_claim){ .user_id = 1, .run_id = 170 };
}

static void given_call_by_hand(struct fixture *f)
{
    struct nf_claim c = by_hand();
    struct nf_task t = { .id = 170,
                         .kind = NF_TASK_TOOL,
                         .created_ms = 1100,
                         .started_ms = 1100,
                         .name = "calc_evaluate",
                         .args = args };
    assert_ok(f->s.turns->ops->step_begin(f->s.turns, &c, &t, &f->err), &f->err);
}

static struct nf_approval_request question(int64_t id, int64_t task)
{
    return (struct nf_approval_request){ .id = id,
                                         .task_id = task,
                                         .user_id = 1,
                                         .tool = "calc_evaluate",
                                         .version = "v",
                                         .args = args,
                                         .workspace = "files",
                                         .hash = HASH,
                                         .status = NF_APPROVAL_PENDING,
                                         .created_ms = 1200,
                                         .expires_ms = 2000 };
}

static struct nf_approval_request given_question(struct fixture *f, const struct nf_claim *c,
                                                 int64_t id, int64_t task)
{
    struct nf_approval_request r = question(id, task);
    assert_ok(STORE(f)->ops->ask(STORE(f), c, &r, &f->err), &f->err);
    return r;
}

static enum nf_code decide(struct fixture *f, struct nf_approval_request r, bool allow,
                           int64_t now_ms)
{
    r.status = allow ? NF_APPROVAL_ALLOWED : NF_APPROVAL_DENIED;
    r.decided_by = 5;
    r.decided_ms = now_ms;
    (void)snprintf(r.reason, sizeof(r.reason), "because");
    return STORE(f)->ops->decide(STORE(f), &r, &f->err);
}

static enum nf_task_status status_of(struct fixture *f, int64_t task)
{
    nf_task_done(&f->task);
    assert_ok(f->s.tasks->ops->get(f->s.tasks, task, 0, &f->task, &f->err), &f->err);
    return f->task.status;
}

static enum nf_approval_status approval_status(struct fixture *f, int64_t id)
{
    struct nf_approval_request got = { 0 };
    assert_ok(STORE(f)->ops->get(STORE(f), id, &got, &f->err), &f->err);
    enum nf_approval_status s = got.status;
    nf_approval_done(&got);
    return s;
}

static void an_old_question_is_forgotten(void **state)
{
    struct fixture *f = *state;
    struct nf_approval_request got = { 0 };
    struct nf_retention r = { 0 };
    bool more = true;
    struct nf_claim c = given_call(f);
    given_question(f, &c, 300, 150);
    assert_ok(f->s.retention->ops->prune(f->s.retention, &r, &more, &f->err), &f->err);
    assert_int_equal(approval_status(f, 300), NF_APPROVAL_PENDING);
    r.approvals_before_ms = NF_ID_EPOCH_MS + 1;
    assert_ok(f->s.retention->ops->prune(f->s.retention, &r, &more, &f->err), &f->err);
    assert_code(STORE(f)->ops->get(STORE(f), 300, &got, &f->err), NF_E_NOT_FOUND);
    assert_false(more);
}

static void a_question_is_kept_and_its_step_waits(void **state)
{
    struct fixture *f = *state;
    struct nf_approval_request got = { 0 };
    struct nf_claim c = given_call(f);
    given_question(f, &c, 300, 150);
    assert_int_equal(status_of(f, 150), NF_TASK_WAITING_APPROVAL);
    assert_ok(STORE(f)->ops->of_task(STORE(f), 150, &got, &f->err), &f->err);
    assert_int_equal(got.id, 300);
    assert_int_equal(got.turn_id, 100);
    assert_int_equal(got.session_id, 9);
    assert_int_equal(got.user_id, 1);
    assert_string_equal(got.tool, "calc_evaluate");
    assert_string_equal(got.version, "v");
    assert_string_equal(got.args, args);
    assert_string_equal(got.workspace, "files");
    assert_string_equal(got.hash, HASH);
    assert_int_equal(got.status, NF_APPROVAL_PENDING);
    assert_int_equal(got.expires_ms, 2000);
    nf_approval_done(&got);
    assert_code(STORE(f)->ops->get(STORE(f), 301, &got, &f->err), NF_E_NOT_FOUND);
    assert_code(STORE(f)->ops->of_task(STORE(f), 151, &got, &f->err), NF_E_NOT_FOUND);
}

static void only_a_step_of_the_claim_that_runs_can_be_asked_about(void **state)
{
    struct fixture *f = *state;
    struct nf_claim c = given_call(f), lost = c;
    struct nf_approval_request r = question(300, 150), got;
    lost.fence++;
    assert_code(STORE(f)->ops->ask(STORE(f), &lost, &r, &f->err), NF_E_CONFLICT);
    r.task_id = 149;
    assert_code(STORE(f)->ops->ask(STORE(f), &c, &r, &f->err), NF_E_CONFLICT);
    assert_code(STORE(f)->ops->get(STORE(f), 300, &got, &f->err), NF_E_NOT_FOUND);
    given_question(f, &c, 300, 150);
    r = question(301, 150); /* it waits already */
    assert_code(STORE(f)->ops->ask(STORE(f), &c, &r, &f->err), NF_E_CONFLICT);
}

static void what_is_allowed_is_used_once(void **state)
{
    struct fixture *f = *state;
    struct nf_claim c = given_call(f);
    struct nf_approval_request r = given_question(f, &c, 300, 150);
    assert_code(STORE(f)->ops->use(STORE(f), &c, 150, 300, HASH, 1300, &f->err), NF_E_DENIED);
    assert_ok(decide(f, r, true, 1250), &f->err);
    assert_int_equal(approval_status(f, 300), NF_APPROVAL_ALLOWED);
    assert_ok(STORE(f)->ops->use(STORE(f), &c, 150, 300, HASH, 1300, &f->err), &f->err);
    assert_int_equal(approval_status(f, 300), NF_APPROVAL_USED);
    assert_int_equal(status_of(f, 150), NF_TASK_RUNNING);
    assert_code(STORE(f)->ops->use(STORE(f), &c, 150, 300, HASH, 1301, &f->err), NF_E_DENIED);
    assert_ok(f->s.tasks->ops->changes(f->s.tasks, 150, &f->changes, &f->err), &f->err);
    assert_int_equal(f->changes.n, 3);
    assert_int_equal(f->changes.v[1].status, NF_TASK_WAITING_APPROVAL);
    assert_int_equal(f->changes.v[2].status, NF_TASK_RUNNING);
}

static void another_hash_task_claim_or_time_is_refused(void **state)
{
    struct fixture *f = *state;
    struct nf_claim c = given_call(f), lost = c;
    struct nf_approval_request r = given_question(f, &c, 300, 150);
    assert_ok(decide(f, r, true, 1250), &f->err);
    lost.fence++;
    assert_code(STORE(f)->ops->use(STORE(f), &c, 150, 300, OTHER, 1300, &f->err), NF_E_DENIED);
    assert_code(STORE(f)->ops->use(STORE(f), &c, 151, 300, HASH, 1300, &f->err), NF_E_DENIED);
    assert_code(STORE(f)->ops->use(STORE(f), &c, 150, 299, HASH, 1300, &f->err), NF_E_DENIED);
    assert_code(STORE(f)->ops->use(STORE(f), &c, 150, 300, HASH, 2000, &f->err), NF_E_DENIED);
    assert_code(STORE(f)->ops->use(STORE(f), &lost, 150, 300, HASH, 1300, &f->err), NF_E_CONFLICT);
    assert_int_equal(approval_status(f, 300), NF_APPROVAL_ALLOWED);
    assert_int_equal(status_of(f, 150), NF_TASK_WAITING_APPROVAL);
    assert_ok(STORE(f)->ops->use(STORE(f), &c, 150, 300, HASH, 1999, &f->err), &f->err);
}

static void of_two_deciders_the_first_counts(void **state)
{
    struct fixture *f = *state;
    struct nf_approval_request got = { 0 };
    struct nf_claim c = given_call(f);
    struct nf_approval_request r = given_question(f, &c, 300, 150);
    assert_ok(decide(f, r, false, 1250), &f->err);
    assert_code(decide(f, r, true, 1251), NF_E_CONFLICT);
    assert_ok(STORE(f)->ops->get(STORE(f), 300, &got, &f->err), &f->err);
    assert_int_equal(got.status, NF_APPROVAL_DENIED);
    assert_int_equal(got.decided_by, 5);
    assert_int_equal(got.decided_ms, 1250);
    assert_string_equal(got.reason, "because");
    nf_approval_done(&got);
}

static void nobody_decides_too_late_or_about_another_call(void **state)
{
    struct fixture *f = *state;
    struct nf_claim c = given_call(f);
    struct nf_approval_request r = given_question(f, &c, 300, 150);
    assert_code(decide(f, r, true, 2000), NF_E_CONFLICT);
    memcpy(r.hash, OTHER, sizeof(r.hash));
    assert_code(decide(f, r, true, 1250), NF_E_CONFLICT);
    assert_int_equal(approval_status(f, 300), NF_APPROVAL_PENDING);
}

static void closing_and_cancelling_end_what_is_open(void **state)
{
    struct fixture *f = *state;
    struct nf_claim c = given_call(f);
    struct nf_approval_request r = given_question(f, &c, 300, 150);
    assert_ok(decide(f, r, true, 1250), &f->err);
    assert_ok(STORE(f)->ops->close(STORE(f), 300, NF_APPROVAL_EXPIRED, &f->err), &f->err);
    assert_int_equal(approval_status(f, 300), NF_APPROVAL_EXPIRED);
    assert_code(STORE(f)->ops->close(STORE(f), 300, NF_APPROVAL_CANCELLED, &f->err), NF_E_CONFLICT);
    assert_code(STORE(f)->ops->use(STORE(f), &c, 150, 300, HASH, 1300, &f->err), NF_E_DENIED);
    given_call_by_hand(f);
    struct nf_claim hand = by_hand();
    given_question(f, &hand, 301, 170);
    assert_ok(STORE(f)->ops->cancel(STORE(f), 100, &f->err), &f->err);
    assert_int_equal(approval_status(f, 300), NF_APPROVAL_EXPIRED);
    assert_int_equal(approval_status(f, 301), NF_APPROVAL_PENDING);
    assert_ok(STORE(f)->ops->cancel(STORE(f), 170, &f->err), &f->err);
    assert_int_equal(approval_status(f, 301), NF_APPROVAL_CANCELLED);
}

static void a_call_by_hand_asks_runs_and_ends_without_a_session(void **state)
{
    struct fixture *f = *state;
    struct nf_claim hand = by_hand();
    char result[] = "42";
    given_call_by_hand(f);
    struct nf_approval_request r = given_question(f, &hand, 301, 170);
    assert_ok(decide(f, r, true, 1250), &f->err);
    assert_ok(STORE(f)->ops->use(STORE(f), &hand, 170, 301, HASH, 1300, &f->err), &f->err);
    struct nf_task end = { .id = 170,
                           .kind = NF_TASK_TOOL,
                           .status = NF_TASK_COMPLETED,
                           .ended_ms = 1400,
                           .name = "calc_evaluate",
                           .result = result,
                           .worker = 7,
                           .level = "L3",
                           .wall_us = 1234,
                           .bytes = 99 };
    assert_ok(f->s.turns->ops->step_end(f->s.turns, &hand, &end, &f->err), &f->err);
    assert_int_equal(status_of(f, 170), NF_TASK_COMPLETED);
    assert_int_equal(f->task.session_id, 0);
    assert_int_equal(f->task.turn_id, 170);
    assert_int_equal(f->task.worker, 7);
    assert_string_equal(f->task.level, "L3");
    assert_int_equal(f->task.wall_us, 1234);
    assert_int_equal(f->task.bytes, 99);
    assert_string_equal(f->task.result, "42");
}

static void a_call_by_hand_is_listed_among_the_turns_of_who_made_it(void **state)
{
    struct fixture *f = *state;
    struct nf_task_filter mine = { .user_id = 1, .limit = 9 },
                          others = { .user_id = 2, .limit = 9 };
    struct nf_task_filter anybodys = { .status = NF_TASK_RUNNING, .limit = 1 };
    (void)given_call(f);
    given_call_by_hand(f);

    assert_ok(f->s.tasks->ops->list(f->s.tasks, &mine, &f->tasks, &f->err), &f->err);
    assert_int_equal(f->tasks.n, 2);
    assert_int_equal(f->tasks.v[0].id, 170);
    assert_int_equal(f->tasks.v[0].kind, NF_TASK_TOOL);
    assert_string_equal(f->tasks.v[0].name, "calc_evaluate");
    assert_int_equal(f->tasks.v[1].kind, NF_TASK_TURN); /* and not its step */
    nf_tasks_done(&f->tasks);

    assert_ok(f->s.tasks->ops->list(f->s.tasks, &others, &f->tasks, &f->err), &f->err);
    assert_int_equal(f->tasks.n, 0);
    assert_ok(f->s.tasks->ops->list(f->s.tasks, &anybodys, &f->tasks, &f->err), &f->err);
    assert_int_equal(f->tasks.n, 1);
    assert_int_equal(f->tasks.v[0].id, 170);
}

static void calls_by_hand_that_a_crash_cut_off_are_unknown(void **state)
{
    struct fixture *f = *state;
    struct nf_claim c = given_call(f);
    given_call_by_hand(f);
    struct nf_claim hand = by_hand();
    (void)given_question(f, &c, 300, 150);
    (void)given_question(f, &hand, 301, 170);
    assert_ok(f->s.tasks->ops->settle(f->s.tasks, OWNER, 5000, "restarted", &f->err), &f->err);
    assert_int_equal(approval_status(f, 301), NF_APPROVAL_CANCELLED);
    assert_int_equal(approval_status(f, 300), NF_APPROVAL_PENDING);
    assert_int_equal(status_of(f, 170), NF_TASK_UNKNOWN);
    assert_string_equal(f->task.reason, "restarted");
    assert_int_equal(f->task.ended_ms, 5000);
    assert_int_equal(status_of(f, 150), NF_TASK_WAITING_APPROVAL);
    assert_ok(f->s.tasks->ops->changes(f->s.tasks, 170, &f->changes, &f->err), &f->err);
    assert_int_equal(f->changes.n, 3);
    assert_int_equal(f->changes.v[2].status, NF_TASK_UNKNOWN);
    assert_int_equal(f->changes.v[2].at_ms, 5000);
    assert_ok(f->s.tasks->ops->settle(f->s.tasks, OWNER, 6000, "again", &f->err), &f->err);
    assert_int_equal(status_of(f, 170), NF_TASK_UNKNOWN);
    assert_int_equal(f->task.ended_ms, 5000);
}

static void what_is_open_is_listed_by_person_and_page(void **state)
{
    struct fixture *f = *state;
    struct nf_approval_requests list = { 0 };
    struct nf_claim c = given_call(f), hand = by_hand();
    given_call_by_hand(f);
    given_question(f, &hand, 301, 170);
    struct nf_approval_request other = question(300, 150);
    other.user_id = 2;
    assert_ok(STORE(f)->ops->ask(STORE(f), &c, &other, &f->err), &f->err);
    static const struct {
        int64_t user, now, after;
        size_t limit, n;
        int64_t first;
    } cases[] = {
        { 0, 1300, 0, 10, 2, 300 }, { 0, 1300, 0, 1, 1, 300 }, { 0, 1300, 300, 10, 1, 301 },
        { 1, 1300, 0, 10, 1, 301 }, { 3, 1300, 0, 10, 0, 0 },  { 0, 2000, 0, 10, 0, 0 },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_ok(STORE(f)->ops->open(STORE(f), cases[i].user, cases[i].now, cases[i].after,
                                      cases[i].limit, &list, &f->err),
                  &f->err);
        assert_int_equal(list.n, cases[i].n);
        if (list.n)
            assert_int_equal(list.v[0].id, cases[i].first);
        nf_approval_requests_done(&list);
    }
}

static void a_session_that_is_removed_takes_its_questions_along(void **state)
{
    struct fixture *f = *state;
    struct answer a;
    struct nf_finished done;
    struct nf_approval_request got;
    struct nf_claim c = given_call(f);
    given_question(f, &c, 300, 150);
    struct nf_finish *end = answer(&a, &c, 1500);
    assert_ok(f->s.turns->ops->finish(f->s.turns, end, 400, &done, &f->err), &f->err);
    assert_ok(f->s.sessions->ops->remove(f->s.sessions, 9, 1, &f->err), &f->err);
    assert_code(STORE(f)->ops->get(STORE(f), 300, &got, &f->err), NF_E_NOT_FOUND);
}

static void out_of_memory_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct nf_approval_request got = { 0 };
    struct nf_approval_requests list = { 0 };
    struct nf_claim c = given_call(f);
    struct nf_approval_request r = question(300, 150);
    TORTURE(STORE(f)->ops->ask(STORE(f), &c, &r, &f->err),
            assert_int_equal(status_of(f, 150), NF_TASK_RUNNING));
    TORTURE(STORE(f)->ops->get(STORE(f), 300, &got, &f->err), assert_null(got.args));
    nf_approval_done(&got);
    TORTURE(STORE(f)->ops->open(STORE(f), 0, 1300, 0, 10, &list, &f->err),
            assert_int_equal(list.n, 0));
    nf_approval_requests_done(&list);
    TORTURE(decide(f, r, true, 1250),
            assert_int_equal(approval_status(f, 300), NF_APPROVAL_PENDING));
    TORTURE(STORE(f)->ops->use(STORE(f), &c, 150, 300, HASH, 1300, &f->err),
            assert_int_equal(approval_status(f, 300), NF_APPROVAL_ALLOWED));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_question_is_kept_and_its_step_waits),
        cmocka_unit_test(an_old_question_is_forgotten),
        cmocka_unit_test(only_a_step_of_the_claim_that_runs_can_be_asked_about),
        cmocka_unit_test(what_is_allowed_is_used_once),
        cmocka_unit_test(another_hash_task_claim_or_time_is_refused),
        cmocka_unit_test(of_two_deciders_the_first_counts),
        cmocka_unit_test(nobody_decides_too_late_or_about_another_call),
        cmocka_unit_test(closing_and_cancelling_end_what_is_open),
        cmocka_unit_test(a_call_by_hand_asks_runs_and_ends_without_a_session),
        cmocka_unit_test(a_call_by_hand_is_listed_among_the_turns_of_who_made_it),
        cmocka_unit_test(calls_by_hand_that_a_crash_cut_off_are_unknown),
        cmocka_unit_test(what_is_open_is_listed_by_person_and_page),
        cmocka_unit_test(a_session_that_is_removed_takes_its_questions_along),
        cmocka_unit_test(out_of_memory_changes_nothing),
    };
    return RUN_SUITE("approval_store", tests);
}
