#include "channels/discord/gateway.h"

#include "base/own.h"
#include "tests/support/discord_world.h"
#include "tests/support/test.h"

#include <stdlib.h>
#include <string.h>

struct fixture {
    struct nf_world w;
    struct nf_gateway g;
    struct nf_gateway_gate gate;
    struct nf_secret token;
};

static struct fixture *begin(unsigned long long seed)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct nf_err err;
    assert_non_null(f);
    nf_world_init(&f->w, seed);
    assert_ok(nf_secret_set(&f->token, "a.b.c", &err), &err);
    nf_gateway_init(&f->g, &f->w.port, &f->gate, &f->token, NF_INTENTS, 0, 1);
    f->w.fault_ms = INT64_MAX; /* unless a test asks for faults */
    return f;
}

static int setup(void **data)
{
    *data = begin(1);
    return 0;
}

static int teardown(void **data)
{
    struct fixture *f = *data;
    nf_gateway_done(&f->g);
    nf_world_done(&f->w);
    nf_secret_done(&f->token);
    free(f);
    return 0;
}

static enum nf_code run_for(struct fixture *f, int64_t ms)
{
    struct nf_err err;
    f->w.end_ms = f->w.now + ms;
    enum nf_code rc = nf_gateway_run(&f->g, &err);
    if (f->w.wrong[0])
        fail_msg("%s", f->w.wrong);
    return rc;
}

static void one_fault(struct fixture *f, enum nf_world_fault fault, int code)
{
    f->w.fault = fault;
    f->w.close_with = code;
    f->w.fault_ms = f->w.now + 100000;
    f->w.fault_every_ms = 1000000000; /* the next is far away */
}

static void it_says_hello_identifies_and_keeps_the_connection(void **data)
{
    struct fixture *f = *data;

    assert_code(run_for(f, 3600000), NF_E_CANCELED);

    assert_int_equal(f->g.connections, 1);
    assert_int_equal(f->w.identifies_n, 1);
    assert_true(f->w.handled_n > 100);
    assert_true(f->w.end_ms - f->g.alive_ms < 82500);
    assert_int_equal(f->g.state, NF_GATEWAY_READY);
}

static void what_can_be_resumed_is(void **data)
{
    static const struct {
        enum nf_world_fault fault;
        int code;
    } all[] = { { NF_FAULT_CUT, 0 },       { NF_FAULT_SILENCE, 0 },  { NF_FAULT_RECONNECT, 0 },
                { NF_FAULT_RESUMABLE, 0 }, { NF_FAULT_GARBAGE, 0 },  { NF_FAULT_CLOSE, 4000 },
                { NF_FAULT_CLOSE, 4001 },  { NF_FAULT_CLOSE, 4002 }, { NF_FAULT_CLOSE, 4005 },
                { NF_FAULT_CLOSE, 4008 } };
    (void)data;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        void *p = begin(i + 1);
        struct fixture *f = p;
        one_fault(f, all[i].fault, all[i].code);
        assert_code(run_for(f, 600000), NF_E_CANCELED);
        assert_int_equal(f->w.identifies_n, 1);
        assert_true(f->w.resumes >= 1);
        assert_int_equal(f->g.state, NF_GATEWAY_READY);
        assert_int_equal(f->w.caught_up_n, 0);
        (void)teardown(&p);
    }
}

static void what_cannot_be_resumed_begins_anew(void **data)
{
    static const int codes[] = { 4003, 4007, 4009, 1000, 1001 };
    (void)data;
    for (size_t i = 0; i <= sizeof(codes) / sizeof(codes[0]); i++) {
        void *p = begin(i + 1);
        struct fixture *f = p;
        bool invalid = i == sizeof(codes) / sizeof(codes[0]);
        one_fault(f, invalid ? NF_FAULT_INVALID : NF_FAULT_CLOSE, invalid ? 0 : codes[i]);
        assert_code(run_for(f, 600000), NF_E_CANCELED);
        assert_int_equal(f->w.identifies_n, 2);
        assert_int_equal(f->w.resumes, 0);
        assert_int_equal(f->g.state, NF_GATEWAY_READY);
        (void)teardown(&p);
    }
}

static void where_trying_again_is_wrong_it_stops(void **data)
{
    static const int codes[] = { 4004, 4010, 4011, 4012, 4013, 4014 };
    (void)data;
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        void *p = begin(i + 1);
        struct fixture *f = p;
        one_fault(f, NF_FAULT_CLOSE, codes[i]);
        assert_code(run_for(f, 600000), NF_E_DENIED);
        assert_int_equal(f->g.state, NF_GATEWAY_FATAL);
        assert_int_equal(f->g.close_code, codes[i]);
        assert_int_equal(f->w.connects, 1);
        (void)teardown(&p);
    }
}

static void without_the_privilege_to_read_it_goes_on_with_mentions(void **data)
{
    struct fixture *f = *data;
    f->g.intents |= NF_INTENT_MESSAGE_CONTENT;
    one_fault(f, NF_FAULT_CLOSE, 4014);

    assert_code(run_for(f, 600000), NF_E_CANCELED);

    assert_true(f->g.content_refused);
    assert_int_equal(f->g.intents, NF_INTENTS);
    assert_int_equal(f->g.state, NF_GATEWAY_READY);
}

static void when_three_resumes_failed_it_begins_anew(void **data)
{
    struct fixture *f = *data;
    f->w.forget_ms = 1000000000;
    one_fault(f, NF_FAULT_CUT, 0);
    f->w.down_for_ms = 30000; /* longer than three tries take */

    assert_code(run_for(f, 600000), NF_E_CANCELED);

    assert_int_equal(f->w.identifies_n, 2);
    assert_int_equal(f->w.resumes, 0);
    assert_int_equal(f->g.state, NF_GATEWAY_READY);
}

/* Another process, as far as a gateway knows. */
static void restart(struct fixture *f)
{
    char session[NF_GATEWAY_SESSION_MAX + 1], url[NF_GATEWAY_URL_MAX + 1];
    int64_t seq = f->g.seq, age = f->w.now - f->g.identified_ms;
    memcpy(session, f->g.session, sizeof(session));
    memcpy(url, f->g.resume_url, sizeof(url));
    f->w.restarts++;
    nf_gateway_done(&f->g);
    nf_gateway_init(&f->g, &f->w.port, &f->gate, &f->token, NF_INTENTS, 0, 1);
    nf_gateway_restore(&f->g, session, url, seq, age);
}

static void a_session_from_before_a_restart_is_resumed(void **data)
{
    struct fixture *f = *data;
    f->w.forget_ms = 1000000000;
    assert_code(run_for(f, 60000), NF_E_CANCELED);
    restart(f);

    assert_code(run_for(f, 60000), NF_E_CANCELED);

    assert_int_equal(f->w.identifies_n, 1);
    assert_int_equal(f->w.resumes, 1);
    assert_int_equal(f->g.state, NF_GATEWAY_READY);
}

static void after_a_restart_the_first_new_session_is_soon_but_not_refused(void **data)
{
    struct fixture *f = *data;
    assert_code(run_for(f, 1000), NF_E_CANCELED);
    int64_t first = f->w.identifies[0];
    f->w.session[0] = '\0'; /* forgotten */
    restart(f);

    assert_code(run_for(f, 60000), NF_E_CANCELED);

    assert_int_equal(f->w.identifies_n, 2);
    assert_true(f->w.identifies[1] - first >= NF_GATEWAY_KEY_MS);
    assert_true(f->w.identifies[1] - first < NF_GATEWAY_IDENTIFY_MS);
}

static void starts_that_run_low_are_spread_over_restarts_too(void **data)
{
    struct fixture *f = *data;
    f->w.remaining = 12;
    for (int i = 0; i < 6; i++) { /* crashes, and a session that is forgotten each time */
        assert_code(run_for(f, 60000), NF_E_CANCELED);
        f->w.session[0] = '\0';
        restart(f);
    }
    for (size_t i = 1; i < f->w.identifies_n; i++)
        assert_true(f->w.identifies[i] - f->w.identifies[i - 1] >= 3600000);
}

static void while_there_is_no_room_heartbeats_go_on(void **data)
{
    struct fixture *f = *data;
    f->w.full = 3000; /* 150 s */

    assert_code(run_for(f, 600000), NF_E_CANCELED);

    assert_int_equal(f->g.connections, 1);
    assert_true(f->w.handled_n > 10);
}

static void what_cannot_be_read_is_passed_by(void **data)
{
    struct fixture *f = *data;
    one_fault(f, NF_FAULT_UNREADABLE, 0);

    assert_code(run_for(f, 600000), NF_E_CANCELED);

    assert_int_equal(f->g.connections, 1);
    assert_true(f->w.handled_n > 10);
}

static void starts_that_run_low_are_spread_over_the_day(void **data)
{
    struct fixture *f = *data;
    f->w.remaining = 12;
    f->w.fault_every_ms = 30000;
    f->w.fault_ms = 2000;
    f->w.forget_ms = 0; /* no session is ever resumed */

    assert_code(run_for(f, 86400000 - 2000), NF_E_CANCELED);

    assert_true(f->w.identifies_n <= 12);
    assert_true(f->w.identifies_n >= 8);
}

static void without_starts_it_waits_for_the_next_day(void **data)
{
    struct fixture *f = *data;
    f->w.remaining = 0;

    assert_code(run_for(f, 86400000 + 600000), NF_E_CANCELED);

    assert_int_equal(f->w.identifies_n, 1);
    assert_true(f->w.identifies[0] >= 86400000);
    assert_int_equal(f->g.state, NF_GATEWAY_READY);
}

static void no_answer_keeps_it_away_for_longer_than_a_day(void **data)
{
    (void)data;
    for (int64_t left = 0; left < 2; left++) {
        void *p = begin(7);
        struct fixture *f = p;
        f->w.remaining = left;
        f->w.reset_said_ms = INT64_MAX;

        assert_code(run_for(f, 86400000 + 600000), NF_E_CANCELED);

        assert_true(f->w.identifies_n >= 1);
        assert_int_equal(f->g.state, NF_GATEWAY_READY);
        (void)teardown(&p);
    }
}

/* 24 hours in which the connection breaks every minute in one way or another. */
static void a_day_of_faults_loses_nothing(void **data)
{
    (void)data;
    for (unsigned long long seed = 1; seed <= 8; seed++) {
        void *p = begin(seed);
        struct fixture *f = p;
        f->w.fault_ms = 2000;
        f->w.outages = true;

        assert_code(run_for(f, 86400000), NF_E_CANCELED);

        /* What was written just before the end may be under way. */
        size_t open = 0;
        for (size_t i = 0; i < f->w.log_n; i++)
            if (f->w.log[i].id > f->w.handled[f->w.log[i].channel]) {
                open++;
                assert_true(f->w.end_ms - f->w.log[i].at < 1500000);
            }
        assert_int_equal(f->w.handled_n + open, f->w.log_n);
        assert_true(f->w.log_n > 3000);
        assert_true(f->w.connects > 500);
        assert_true(f->w.resumes > 100);
        assert_true(f->w.identifies_n <= 1000);
        print_message("seed %llu: %zu messages, %zu connections, %zu resumes, %zu identifies, "
                      "%zu caught up\n",
                      seed, f->w.log_n, f->w.connects, f->w.resumes, f->w.identifies_n,
                      f->w.caught_up_n);
        (void)teardown(&p);
    }
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(it_says_hello_identifies_and_keeps_the_connection),
        cmocka_unit_test(what_can_be_resumed_is),
        cmocka_unit_test(what_cannot_be_resumed_begins_anew),
        cmocka_unit_test(where_trying_again_is_wrong_it_stops),
        WITH(without_the_privilege_to_read_it_goes_on_with_mentions),
        WITH(when_three_resumes_failed_it_begins_anew),
        WITH(a_session_from_before_a_restart_is_resumed),
        WITH(after_a_restart_the_first_new_session_is_soon_but_not_refused),
        WITH(starts_that_run_low_are_spread_over_restarts_too),
        WITH(while_there_is_no_room_heartbeats_go_on),
        WITH(what_cannot_be_read_is_passed_by),
        WITH(starts_that_run_low_are_spread_over_the_day),
        WITH(without_starts_it_waits_for_the_next_day),
        cmocka_unit_test(no_answer_keeps_it_away_for_longer_than_a_day),
        cmocka_unit_test(a_day_of_faults_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
