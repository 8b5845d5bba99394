/* From a network in memory to the use cases and back. */
#include "tests/unit/chat_rig.h"

RIG_TEST(a_message_goes_in_and_a_reply_comes_out)
{
    MODEL_SAYS(r->w, { .text = "Good morning!" });

    rig_say(r, "hello");
    rig_settle(r);

    assert_string_equal(rig_seen(r, "100"), "Good morning!");
    assert_string_equal(r->v[0].reply_to, "1001");
    assert_string_equal(rig_cursor(r), "1");
    assert_string_equal(r->w->model.context, "user:hello|");
}

RIG_TEST(the_same_event_again_is_one_message)
{
    struct nf_chat_said s = rig_said(r, "hello");
    MODEL_SAYS(r->w, { .text = "Good morning!" });

    rig_receive(r, &s);
    rig_settle(r);
    s.cursor = "9";
    rig_receive(r, &s);
    rig_settle(r);

    assert_int_equal(r->w->model.asked, 1);
    assert_string_equal(rig_seen(r, "100"), "Good morning!");
    assert_string_equal(rig_cursor(r), "9");
}

RIG_TEST(who_is_not_known_is_not_heard)
{
    struct nf_chat_said s = rig_said(r, "hello");
    s.account = "666";

    rig_receive(r, &s);
    rig_settle(r);

    assert_int_equal(r->n, 0);
    assert_int_equal(r->jobs_n, 0);
    assert_string_equal(rig_cursor(r), "1");
}

RIG_TEST(in_a_group_only_what_is_meant_for_us_is_heard)
{
    struct nf_chat_said s = rig_said(r, "just talking");
    MODEL_SAYS(r->w, { .text = "Yes?" });
    s.address = s.chat = "-5";
    s.direct = s.addressed = false;
    rig_receive(r, &s);
    assert_int_equal(r->jobs_n, 0);
    assert_string_equal(rig_cursor(r), "1");

    s = rig_said(r, "bot, a word");
    s.address = s.chat = "-5";
    s.direct = false;
    rig_receive(r, &s);
    rig_settle(r);

    assert_string_equal(rig_seen(r, "-5"), "Yes?");
    assert_string_equal(r->w->model.context, "user:Ada: bot, a word|");
}

/* Until somebody says go on, or for 20 s. */
static bool go_on;
static void wait_for_word(struct world *w)
{
    struct nf_err err;
    (void)w;
    for (int i = 0; i < 4000 && !go_on; i++)
        if (nf_sleep(5, &err) != NF_OK)
            return;
}

static void wait_until_shown(struct rig *r, const char *text)
{
    for (int i = 0; i < 4000 && strcmp(rig_seen(r, "100"), text) != 0; i++)
        assert_ok(nf_sleep(5, &r->w->err), &r->w->err);
    assert_string_equal(rig_seen(r, "100"), text);
}

RIG_TEST(what_takes_long_is_shown_on_its_way)
{
    MODEL_SAYS(r->w, { .text = "It takes its time, but it is worth it in the end." });
    r->w->model.meanwhile = wait_for_word;
    go_on = false;

    rig_say(r, "hello");
    wait_until_shown(r, "It takes its time, but it is worth it in the end.");
    assert_true(r->typings > 0);
    go_on = true;
    rig_settle(r);

    assert_string_equal(rig_seen(r, "100"), "It takes its time, but it is worth it in the end.");
    assert_int_equal(r->n, 1);
}

/* What nobody knows the fate of: counted, and the reply is there once. */
RIG_TEST(an_ambiguous_placeholder_is_counted_and_the_reply_comes)
{
    MODEL_SAYS(r->w, { .text = "Good morning!" });
    r->fail = NF_E_CONFLICT;
    r->after = true;
    int64_t before = nf_metric_value(
        nf_counter("nexflow_chat_ambiguous_total",
                   "Messages of which nobody knows whether they arrived", "channel=\"tg\""));

    rig_say(r, "hello");
    rig_settle(r);
    r->ahead += 10000;
    size_t n = 0;
    assert_ok(deliver_due(r->w, &n, &r->w->err), &r->w->err);

    assert_int_equal(n, 1);
    assert_string_equal(rig_seen(r, "100"), "\xE2\x80\xA6|Good morning!");
    assert_int_equal(
        nf_metric_value(nf_counter("nexflow_chat_ambiguous_total", "", "channel=\"tg\"")),
        before + 1);
    assert_int_equal(outbox_due(r->w), 0);
}

RIG_TEST(a_chat_that_cannot_be_written_to_is_known_until_somebody_writes_there)
{
    struct nf_unreachables list = { 0 };
    struct nf_chat_store *chats = r->w->s.chats;
    MODEL_SAYS(r->w, { .text = "Good morning!" });
    r->w->model.endless = true;
    r->fail = NF_E_DENIED;
    rig_say(r, "hello");
    rig_settle(r);
    assert_ok(chats->ops->unreachable(chats, "tg", "", 9, &list, &r->w->err), &r->w->err);
    size_t blocked = list.n;
    nf_unreachables_done(&list);
    assert_int_equal(blocked, 1);

    rig_say(r, "hello again");
    rig_settle(r);

    assert_ok(chats->ops->unreachable(chats, "tg", "", 9, &list, &r->w->err), &r->w->err);
    blocked = list.n;
    nf_unreachables_done(&list);
    assert_int_equal(blocked, 0);
    assert_string_equal(rig_seen(r, "100"), "Good morning!");
}

static void wait_long(struct world *w)
{
    struct nf_err err;
    if (nf_sleep(20000, &err) != NF_OK)
        w->model.asked += 100;
}

RIG_TEST(stop_does_not_wait_in_the_queue)
{
    MODEL_SAYS(r->w, { .text = "never heard to its end" });
    r->w->model.meanwhile = wait_long;
    rig_say(r, "begin");
    rig_say(r, "and then this");
    for (int i = 0; i < 4000 && r->w->model.asked == 0; i++)
        assert_ok(nf_sleep(5, &r->w->err), &r->w->err);

    rig_say(r, "/stop");
    rig_settle(r);

    assert_int_equal(r->w->model.asked, 101);
    assert_non_null(strstr(rig_seen(r, "100"), "Stopped."));
    struct nf_chat_said again = rig_said(r, "/stop");
    rig_receive(r, &again);
    assert_non_null(strstr(rig_seen(r, "100"), "Nothing is running here."));
    size_t n = r->n;
    rig_receive(r, &again);
    assert_int_equal(r->n, n);
}

RIG_TEST(who_shuts_down_takes_nothing_in)
{
    struct nf_chat_said s = rig_said(r, "hello");
    r->w->app.intake_closed = true;
    assert_code(nf_chat_receive(r->channel, &s, &r->w->err), NF_E_UNAVAILABLE);
    assert_string_equal(rig_cursor(r), "");
}

RIG_TEST(what_is_refused_for_good_is_told_once)
{
    struct nf_chat_said s = rig_said(r, "  ");
    rig_receive(r, &s);
    assert_non_null(strstr(rig_seen(r, "100"), "I did not take this message: content"));
    assert_string_equal(rig_cursor(r), "1");
    assert_int_equal(r->n, 1);
}

static enum nf_code fetch_once(void *arg, size_t i, struct nf_chat_file *file, size_t room,
                               struct nf_err *err)
{
    (void)err;
    assert_int_equal(i, 0);
    assert_int_equal(room, NF_MEDIA_BYTES_MAX);
    (*(int *)arg)++;
    file->data = (const unsigned char *)"what it says";
    file->n = 12;
    return NF_OK;
}

static enum nf_code open_thread(void *arg, char address[NF_ADDRESS_MAX + 1], struct nf_err *err)
{
    (void)err;
    assert_string_equal(address, "100");
    (*(int *)arg)++;
    memcpy(address, "t7", 3);
    return NF_OK;
}

static enum nf_code no_thread(void *arg, char address[NF_ADDRESS_MAX + 1], struct nf_err *err)
{
    (void)arg;
    address[0] = '?'; /* which nobody looks at */
    return nf_err_set(err, NF_E_DENIED, "no permission");
}

RIG_TEST(files_are_fetched_and_threads_opened_for_who_is_welcome)
{
    struct nf_chat_file file = { .name = "notes.txt", .media_type = "" };
    struct nf_chat_said s = rig_said(r, "read this");
    int fetched = 0, opened = 0;
    MODEL_SAYS(r->w, { .text = "Done." });
    s.files = &file;
    s.files_n = 1;
    s.fetch = fetch_once;
    s.fetch_arg = &fetched;
    s.place = open_thread;
    s.place_arg = &opened;
    s.account = "666";
    rig_receive(r, &s);
    assert_int_equal(fetched + opened, 0);

    s.account = "100";
    s.event_id = "u77";
    rig_receive(r, &s);
    rig_settle(r);

    assert_int_equal(fetched, 1);
    assert_int_equal(opened, 1);
    assert_string_equal(rig_seen(r, "t7"), "Done.");
    assert_non_null(strstr(r->w->model.context, "what it says"));
    s.place = no_thread;
    s.event_id = "u78";
    s.cursor = "78";
    assert_code(nf_chat_receive(r->channel, &s, &r->w->err), NF_E_DENIED);
    assert_string_equal(rig_cursor(r), "1");
}

/* A conversation of a chat is continued on the page: the chat is told what was asked. */
RIG_TEST(what_is_asked_on_the_page_is_told_in_the_chat)
{
    struct nf_session s;
    struct nf_accepted got;
    MODEL_SAYS(r->w, { .text = "hi" });
    rig_say(r, "hello");
    rig_settle(r);
    assert_ok(r->w->s.sessions->ops->find(r->w->s.sessions, USER, "tg", "100", &s, &r->w->err),
              &r->w->err);
    r->w->web.port.pulled = true;
    r->w->session = s.id;
    struct nf_incoming in = incoming(r->w, "m1", "and from here?");

    assert_ok(nf_receive_message(&r->w->app, &in, &got, &r->w->err), &r->w->err);
    rig_settle(r);

    assert_string_equal(rig_seen(r, "100"), "hi|> and from here?\n\nhi");
    assert_string_equal(r->w->web.last, "hi"); /* the page has seen it, on its way too */
    assert_int_equal(r->w->web.seen.v[0].e.type, NF_RUN_STARTED);
}

/* In a group the turn is of one person and the conversation of another. */
RIG_TEST(what_happens_in_a_group_is_shown_on_nobodys_page)
{
    struct nf_chat_said s = rig_said(r, "hello");
    MODEL_SAYS(r->w, { .text = "hi" });
    r->w->web.port.pulled = true;
    s.address = s.chat = "-5";
    s.direct = false;
    rig_receive(r, &s);
    rig_settle(r);
    assert_int_equal(r->w->web.delivered, 0);
    assert_int_equal(r->w->web.seen.n, 0);
}

RIG_TEST(one_reader_per_token)
{
    assert_ok(nf_chat_lease(r->channel, "telegram:1", &r->w->err), &r->w->err);
    r->w->app.owner++;
    assert_code(nf_chat_lease(r->channel, "telegram:1", &r->w->err), NF_E_CONFLICT);
    r->ahead += NF_CHAT_LEASE_MS;
    assert_ok(nf_chat_lease(r->channel, "telegram:1", &r->w->err), &r->w->err);
    assert_ok(nf_chat_unlease(r->channel, "telegram:1", &r->w->err), &r->w->err);
    r->w->app.owner--;
    assert_ok(nf_chat_lease(r->channel, "telegram:1", &r->w->err), &r->w->err);
}

RIG_TEST(a_group_that_moves_takes_its_conversation_along)
{
    struct nf_chat_said s = rig_said(r, "first");
    MODEL_SAYS(r->w, { .text = "ok" });
    s.address = s.chat = "-5";
    s.direct = false;
    rig_receive(r, &s);
    rig_settle(r);
    assert_ok(nf_chat_moved(r->channel, "-5", "-1005", &r->w->err), &r->w->err);

    s = rig_said(r, "second");
    s.address = s.chat = "-1005";
    s.direct = false;
    rig_receive(r, &s);
    rig_settle(r);

    assert_string_equal(r->w->model.context, "user:Ada: first|assistant:ok|user:Ada: second|");
    assert_string_equal(rig_seen(r, "-1005"), "ok");
}

/* Each allocation fails once: what was not taken is offered again, and answered once. */
RIG_TEST(without_memory_a_message_is_offered_again)
{
    struct nf_chat_file file = { .name = "a.txt", .data = (const unsigned char *)"text", .n = 4 };
    struct nf_chat_said s = rig_said(r, "hello");
    enum nf_code rc = NF_E_NOMEM;
    MODEL_SAYS(r->w, { .text = "hi" });
    s.files = &file;
    s.files_n = 1;
    for (size_t n = 1; rc != NF_OK; n++) {
        assert_true(n < 300);
        nf_fail_alloc_at(n);
        rc = nf_chat_receive(r->channel, &s, &r->w->err);
        nf_fail_alloc_at(0);
        if (rc != NF_OK)
            assert_code(rc, NF_E_NOMEM);
    }
    rig_settle(r);
    assert_string_equal(rig_seen(r, "100"), "hi");
    assert_int_equal(r->w->model.asked, 1);
    assert_string_equal(rig_cursor(r), "1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_goes_in_and_a_reply_comes_out),
        cmocka_unit_test(the_same_event_again_is_one_message),
        cmocka_unit_test(who_is_not_known_is_not_heard),
        cmocka_unit_test(in_a_group_only_what_is_meant_for_us_is_heard),
        cmocka_unit_test(what_takes_long_is_shown_on_its_way),
        cmocka_unit_test(an_ambiguous_placeholder_is_counted_and_the_reply_comes),
        cmocka_unit_test(a_chat_that_cannot_be_written_to_is_known_until_somebody_writes_there),
        cmocka_unit_test(stop_does_not_wait_in_the_queue),
        cmocka_unit_test(who_shuts_down_takes_nothing_in),
        cmocka_unit_test(what_is_refused_for_good_is_told_once),
        cmocka_unit_test(files_are_fetched_and_threads_opened_for_who_is_welcome),
        cmocka_unit_test(what_is_asked_on_the_page_is_told_in_the_chat),
        cmocka_unit_test(what_happens_in_a_group_is_shown_on_nobodys_page),
        cmocka_unit_test(one_reader_per_token),
        cmocka_unit_test(without_memory_a_message_is_offered_again),
        cmocka_unit_test(a_group_that_moves_takes_its_conversation_along),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
