/* The frames of the web socket. */
#include "channels/web/frames.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SESSION INT64_C(1234567890123)
#define RUN INT64_C(1234567890124)

static struct nf_err err;

static enum nf_code decode(const char *json, struct nf_frame *f)
{
    return nf_frame_decode(json, strlen(json), f, &err);
}

/* Refused with `code`, by a message that names `field`. */
static void refuse(const char *json, enum nf_code code, const char *field)
{
    struct nf_frame f;
    assert_code(decode(json, &f), code);
    if (!strstr(err.msg, field))
        fail_msg("%s does not name %s: %s", json, field, err.msg);
    nf_frame_done(&f);
}

static void a_message_is_read(void **state)
{
    struct nf_frame f;
    char json[256];
    (void)state;
    assert_ok(
        decode("{\"type\":\"user_message\",\"message_id\":\"m-1\",\"content\":\"h\\u00e9\"}", &f),
        &err);
    assert_int_equal(f.type, NF_FRAME_USER_MESSAGE);
    assert_string_equal(f.message_id, "m-1");
    assert_string_equal(f.content, "h\xc3\xa9");
    assert_true(f.session_id == 0);
    nf_frame_done(&f);

    (void)snprintf(json, sizeof(json),
                   "{\"type\":\"user_message\",\"session_id\":\"%s\",\"message_id\":\"m\","
                   "\"content\":\"x\",\"later\":[1]}",
                   nf_id_to_text(SESSION).s);
    assert_ok(decode(json, &f), &err); /* what a later page sends besides is no error */
    assert_true(f.session_id == SESSION);
    nf_frame_done(&f);
    assert_ok(decode("{\"type\":\"user_message\",\"session_id\":null,\"message_id\":\"m\","
                     "\"content\":\"x\"}",
                     &f),
              &err);
    assert_true(f.session_id == 0);
    nf_frame_done(&f);
}

static void resume_and_stop_are_read(void **state)
{
    struct nf_frame f;
    char json[256];
    (void)state;
    (void)snprintf(json, sizeof(json),
                   "{\"type\":\"resume\",\"session_id\":\"%s\",\"after\":9007199254740991}",
                   nf_id_to_text(SESSION).s);
    assert_ok(decode(json, &f), &err);
    assert_int_equal(f.type, NF_FRAME_RESUME);
    assert_true(f.after == (INT64_C(1) << 53) - 1);
    nf_frame_done(&f);
    (void)snprintf(json, sizeof(json),
                   "{\"type\":\"stop\",\"session_id\":\"%s\",\"run_id\":\"%s\"}",
                   nf_id_to_text(SESSION).s, nf_id_to_text(RUN).s);
    assert_ok(decode(json, &f), &err);
    assert_int_equal(f.type, NF_FRAME_STOP);
    assert_true(f.session_id == SESSION && f.run_id == RUN);
    nf_frame_done(&f);
    (void)snprintf(json, sizeof(json), "{\"type\":\"stop\",\"session_id\":\"%s\",\"run_id\":null}",
                   nf_id_to_text(SESSION).s);
    assert_ok(decode(json, &f), &err);
    assert_true(f.run_id == 0);
    nf_frame_done(&f);
}

static void a_decision_is_read(void **state)
{
    struct nf_frame f;
    char json[256];
    (void)state;
    (void)snprintf(json, sizeof(json),
                   "{\"type\":\"decide\",\"approval_id\":\"%s\",\"decision\":\"deny\","
                   "\"reason\":\"no\"}",
                   nf_id_to_text(RUN).s);
    assert_ok(decode(json, &f), &err);
    assert_int_equal(f.type, NF_FRAME_DECIDE);
    assert_true(f.approval_id == RUN);
    assert_false(f.allow);
    assert_string_equal(f.reason, "no");
    nf_frame_done(&f);
    refuse("{\"type\":\"decide\",\"decision\":\"allow\"}", NF_E_INVALID, "approval_id");
    (void)snprintf(json, sizeof(json), "{\"type\":\"decide\",\"approval_id\":\"%s\"}",
                   nf_id_to_text(RUN).s);
    refuse(json, NF_E_INVALID, "decision");
}

static void what_is_no_frame_is_refused_by_the_name_of_the_field(void **state)
{
    (void)state;
    refuse("", NF_E_INVALID, "");
    refuse("[]", NF_E_INVALID, "");
    refuse("{", NF_E_INVALID, "");
    refuse("{}", NF_E_INVALID, "type");
    refuse("{\"type\":7}", NF_E_INVALID, "type");
    refuse("{\"type\":\"shout\"}", NF_E_INVALID, "type");
    refuse("{\"type\":\"user_message\",\"content\":\"x\"}", NF_E_INVALID, "message_id");
    refuse("{\"type\":\"user_message\",\"message_id\":\"m\"}", NF_E_INVALID, "content");
    refuse("{\"type\":\"user_message\",\"message_id\":\"m\",\"content\":7}", NF_E_INVALID,
           "content");
    refuse("{\"type\":\"resume\"}", NF_E_INVALID, "session_id");
    refuse("{\"type\":\"stop\",\"session_id\":\"\"}", NF_E_INVALID, "session_id");
    refuse("{\"type\":\"stop\",\"session_id\":\"x\"}", NF_E_INVALID, "session_id");
    refuse("{\"type\":\"stop\",\"session_id\":7}", NF_E_INVALID, "session_id");
}

static void a_position_is_0_to_2_to_the_53(void **state)
{
    (void)state;
    char json[256];
    const char *const bad[] = { "-1", "9007199254740992", "1.5", "\"1\"" };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct nf_frame f;
        (void)snprintf(json, sizeof(json),
                       "{\"type\":\"resume\",\"session_id\":\"%s\",\"after\":%s}",
                       nf_id_to_text(SESSION).s, bad[i]);
        enum nf_code rc = decode(json, &f);
        assert_true(rc == NF_E_INVALID || rc == NF_E_LIMIT);
        assert_non_null(strstr(err.msg, "after"));
        nf_frame_done(&f);
    }
}

static void limits_hold_at_their_edge(void **state)
{
    struct nf_frame f;
    struct nf_str json = { .max = 2 << 20 };
    (void)state;
    for (size_t more = 0; more < 2; more++) {
        size_t id = NF_CLIENT_ID_MAX + more;
        nf_str_reset(&json);
        assert_ok(nf_str_adds(&json, "{\"type\":\"user_message\",\"content\":\"x\",", &err), &err);
        assert_ok(nf_str_addf(&json, &err, "\"message_id\":\"%0*d\"}", (int)id, 0), &err);
        enum nf_code rc = nf_frame_decode(json.p, json.len, &f, &err);
        assert_true(more ? rc == NF_E_LIMIT || rc == NF_E_INVALID : rc == NF_OK);
        nf_frame_done(&f);
    }
    for (size_t more = 0; more < 2; more++) {
        nf_str_reset(&json);
        assert_ok(nf_str_adds(&json,
                              "{\"type\":\"user_message\",\"message_id\":\"m\",\"content\":\"",
                              &err),
                  &err);
        for (size_t i = 0; i < NF_MESSAGE_BYTES_MAX + more; i++)
            assert_ok(nf_str_add(&json, "x", 1, &err), &err);
        assert_ok(nf_str_adds(&json, "\"}", &err), &err);
        enum nf_code rc = nf_frame_decode(json.p, json.len, &f, &err);
        assert_true(more ? rc == NF_E_LIMIT : rc == NF_OK);
        if (more) /* the answer can name the message */
            assert_string_equal(f.message_id, "m");
        nf_frame_done(&f);
    }
    nf_str_done(&json);
}

static void a_refused_message_keeps_its_name(void **state)
{
    struct nf_frame f;
    (void)state;
    assert_code(decode("{\"type\":\"user_message\",\"message_id\":\"m\",\"session_id\":\"?\"}", &f),
                NF_E_INVALID);
    assert_string_equal(f.message_id, "m");
    nf_frame_done(&f);
}

/* --- what we send ----------------------------------------------------------------------------- */

static void expect(const struct nf_run_event *e, const char *want)
{
    struct nf_str got = { 0 };
    struct nf_run_event full = *e;
    full.session_id = SESSION;
    full.run_id = RUN;
    full.seq = nf_run_seq(3, 4);
    assert_ok(nf_frame_event(&full, &got, &err), &err);
    char head[256];
    int n = snprintf(head, sizeof(head), "%s\"session_id\":\"%s\",\"run_id\":\"%s\"",
                     nf_run_event_passes(e->type) ? "" : "\"seq\":50331652,",
                     nf_id_to_text(SESSION).s, nf_id_to_text(RUN).s);
    char *at = strstr(nf_str_c(&got), head);
    assert_non_null(at);
    memmove(at, at + n, strlen(at + n) + 1); /* the same in all */
    assert_string_equal(nf_str_c(&got), want);
    nf_str_done(&got);
}

static void every_event_has_its_frame(void **state)
{
    char want[256];
    struct nf_id_text id = nf_id_to_text(RUN);
    (void)state;
    expect(&(struct nf_run_event){ .type = NF_RUN_STARTED, .input_seq = 7 },
           "{\"type\":\"RUN_STARTED\",,\"input_seq\":7}");
    (void)snprintf(want, sizeof(want),
                   "{\"type\":\"TEXT_MESSAGE_START\",,\"messageId\":\"%s-3-1\",\"role\":"
                   "\"assistant\"}",
                   id.s);
    expect(&(struct nf_run_event){ .type = NF_RUN_TEXT_START, .message = 1 }, want);
    (void)snprintf(want, sizeof(want),
                   "{\"type\":\"TEXT_MESSAGE_CONTENT\",,\"messageId\":\"%s-3-0\",\"delta\":"
                   "\"a\\\"b\"}",
                   id.s);
    expect(&(struct nf_run_event){ .type = NF_RUN_TEXT, .text = NF_SLICE("a\"b") }, want);
    (void)snprintf(want, sizeof(want), "{\"type\":\"TEXT_MESSAGE_END\",,\"messageId\":\"%s-3-0\"}",
                   id.s);
    expect(&(struct nf_run_event){ .type = NF_RUN_TEXT_END }, want);
    expect(&(struct nf_run_event){ .type = NF_RUN_TOOL_START, .call_id = "c", .name = "clock" },
           "{\"type\":\"TOOL_CALL_START\",,\"toolCallId\":\"c\",\"toolCallName\":\"clock\"}");
    expect(
        &(struct nf_run_event){ .type = NF_RUN_TOOL_ARGS, .call_id = "c", .text = NF_SLICE("{}") },
        "{\"type\":\"TOOL_CALL_ARGS\",,\"toolCallId\":\"c\",\"delta\":\"{}\"}");
    expect(&(struct nf_run_event){ .type = NF_RUN_TOOL_END, .call_id = "c" },
           "{\"type\":\"TOOL_CALL_END\",,\"toolCallId\":\"c\"}");
    expect(&(struct nf_run_event){ .type = NF_RUN_TOOL_RESULT, .call_id = "c" },
           "{\"type\":\"TOOL_CALL_RESULT\",,\"toolCallId\":\"c\",\"content\":\"\"}");
    expect(
        &(struct nf_run_event){
            .type = NF_RUN_TOOL_RESULT, .call_id = "c", .text = NF_SLICE("x"), .is_error = true },
        "{\"type\":\"TOOL_CALL_RESULT\",,\"toolCallId\":\"c\",\"content\":\"x\",\"is_error\":"
        "true}");
    expect(&(struct nf_run_event){ .type = NF_RUN_ERROR, .text = NF_SLICE("sorry") },
           "{\"type\":\"RUN_ERROR\",,\"message\":\"sorry\"}");
    expect(
        &(struct nf_run_event){ .type = NF_RUN_ERROR,
                                .text = NF_SLICE("a/\"b\": too many requests (429): try again "
                                                 "in 30 s") },
        "{\"type\":\"RUN_ERROR\",,\"message\":\"a/\\\"b\\\": too many requests (429): try again in "
        "30 s\",\"code\":\"rate-limited\",\"values\":[\"a/\\\"b\\\"\",\"30\"]}");
}

static void an_approval_is_told_whole(void **state)
{
    static char args[] = "{\"a\":\"\\\"\"}";
    const struct nf_user user = { .id = SESSION, .name = "Ada" };
    struct nf_approval_request r = { .id = RUN,
                                     .task_id = RUN,
                                     .turn_id = RUN,
                                     .user_id = SESSION,
                                     .tool = "calc_evaluate",
                                     .version = "v",
                                     .args = args,
                                     .workspace = "files",
                                     .status = NF_APPROVAL_DENIED,
                                     .created_ms = NF_ID_EPOCH_MS,
                                     .expires_ms = NF_ID_EPOCH_MS + 1,
                                     .decided_by = SESSION,
                                     .decided_ms = NF_ID_EPOCH_MS,
                                     .reason = "no" };
    struct nf_str text = { 0 };
    (void)state;
    assert_ok(nf_frame_approval(&r, &user, true, &text, &err), &err);
    static const char *const parts[] = {
        "{\"type\":\"approval\",\"approval\":{\"id\":\"",
        "\"session_id\":null",
        "\"name\":\"Ada\"",
        "\"tool\":\"calc_evaluate\"",
        "\"arguments\":\"{\\\"a\\\":\\\"\\\\\\\"\\\"}\"",
        "\"workspace\":\"files\"",
        "\"status\":\"denied\"",
        "\"yours\":true",
        "\"reason\":\"no\"",
    };
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (!strstr(nf_str_c(&text), parts[i]))
            fail_msg("%s is not in %s", parts[i], nf_str_c(&text));
    nf_str_done(&text);
}

/* The pieces of texts in a row, by one head: as each by itself. */
static void pieces_of_texts_have_the_frames_of_events(void **state)
{
    static const struct {
        int64_t run, fence, pos;
        int message;
        const char *text;
    } pieces[] = {
        { RUN, 3, 4, 0, "one" },       { RUN, 3, 7, 0, "a \"quote\"" },
        { RUN, 3, 7, 0, "" },          { RUN, 3, 99, 0, "\xd0\xb6" },
        { RUN, 3, 1000000, 0, "far" }, { RUN, 3, 1000001, 1, "another text" },
        { RUN, 4, 2, 1, "again" },     { RUN + 1, 4, 3, 1, "another run" },
        { RUN + 1, 4, 1, 1, "back" },  { RUN + 1, 5, 49664346, 0, "nine digits" },
        { RUN, 0, 9, 0, "one digit" }, { RUN, 0, 10, 0, "\xff" },
        { RUN, 0, 999999, 0, "six" },  { RUN, 0, 1000000, 0, "seven" },
    };
    struct nf_frame_head head = { 0 };
    struct nf_str got = { 0 }, want = { 0 };
    (void)state;
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        const struct nf_run_event e = { .type = NF_RUN_TEXT,
                                        .session_id = SESSION,
                                        .run_id = pieces[i].run,
                                        .seq = nf_run_seq(pieces[i].fence, pieces[i].pos),
                                        .message = pieces[i].message,
                                        .text = nf_slice_of(pieces[i].text) };
        nf_str_reset(&got);
        nf_str_reset(&want);
        assert_ok(nf_frame_piece(&head, &e, &got, &err), &err);
        assert_ok(nf_frame_event(&e, &want, &err), &err);
        assert_string_equal(nf_str_c(&got), nf_str_c(&want));
        char seq[40];
        (void)snprintf(seq, sizeof(seq), "\"seq\":%lld,", (long long)e.seq);
        assert_non_null(strstr(nf_str_c(&got), seq));
    }
    nf_str_done(&got);
    nf_str_done(&want);
}

static void what_passes_has_no_position(void **state)
{
    (void)state;
    expect(
        &(struct nf_run_event){
            .type = NF_RUN_TOOL_PROGRESS, .call_id = "c", .percent = -1, .text = NF_SLICE("half") },
        "{\"type\":\"CUSTOM\",,\"name\":\"tool_progress\",\"value\":{\"toolCallId\":\"c\","
        "\"percent\":null,\"text\":\"half\"}}");
    expect(&(struct nf_run_event){ .type = NF_RUN_TOOL_STATUS,
                                   .call_id = "c",
                                   .status = NF_TASK_WAITING_APPROVAL },
           "{\"type\":\"CUSTOM\",,\"name\":\"tool_status\",\"value\":{\"toolCallId\":\"c\","
           "\"status\":\"waiting_approval\"}}");
}

static void only_known_tokens_are_told(void **state)
{
    (void)state;
    expect(&(struct nf_run_event){ .type = NF_RUN_FINISHED,
                                   .model = "p/m",
                                   .tokens = { 1, 0, -1, 4 } },
           "{\"type\":\"RUN_FINISHED\",,\"model\":\"p/m\",\"usage\":{\"input_tokens\":1,"
           "\"output_tokens\":0,\"cache_write_tokens\":4}}");
    struct nf_str got = { 0 };
    assert_ok(nf_frame_event(&(struct nf_run_event){ .type = NF_RUN_FINISHED,
                                                     .session_id = SESSION,
                                                     .run_id = RUN,
                                                     .tokens = { -1, -1, -1, -1 },
                                                     .stopped = true },
                             &got, &err),
              &err);
    assert_non_null(strstr(nf_str_c(&got), "\"usage\":{}"));
    assert_non_null(strstr(nf_str_c(&got), "\"stopped\":true"));
    nf_str_done(&got);
}

static void frames_about_messages_and_sessions(void **state)
{
    struct nf_str got = { 0 };
    const struct nf_accepted a = { .session_id = SESSION, .run_id = RUN, .seq = 5 };
    struct nf_accepted again = a;
    (void)state;
    assert_ok(nf_frame_accepted(&a, "m", "hi", 0, &got, &err), &err);
    assert_non_null(strstr(nf_str_c(&got), "\"type\":\"accepted\""));
    assert_non_null(strstr(nf_str_c(&got), "\"message_id\":\"m\""));
    assert_non_null(strstr(nf_str_c(&got), "\"seq\":5,\"content\":\"hi\"}"));
    nf_str_reset(&got);
    again.duplicate = true;
    assert_ok(nf_frame_accepted(&again, "m", "hi", 3, &got, &err), &err);
    assert_non_null(strstr(nf_str_c(&got), "\"parent_seq\":2"));
    assert_non_null(strstr(nf_str_c(&got), "\"duplicate\":true"));
    nf_str_reset(&got);
    assert_ok(nf_frame_error(NF_E_LIMIT, "too long", NULL, &got, &err), &err);
    assert_string_equal(nf_str_c(&got),
                        "{\"type\":\"error\",\"code\":\"limit\",\"message\":\"too long\"}");
    nf_str_reset(&got);
    assert_ok(nf_frame_session_deleted(SESSION, &got, &err), &err);
    assert_non_null(strstr(nf_str_c(&got), "\"deleted\":true"));
    nf_str_reset(&got);
    const struct nf_session named = { .id = SESSION, .title = "Title", .pinned_ms = 1 };
    assert_ok(nf_frame_session(&named, &got, &err), &err);
    assert_non_null(strstr(nf_str_c(&got), "\"title\":\"Title\",\"pinned\":true,\"model\":null"));
    nf_str_reset(&got);
    const struct nf_session other = { .id = SESSION, .title = "Title", .model = "a/b" };
    assert_ok(nf_frame_session(&other, &got, &err), &err);
    assert_non_null(strstr(nf_str_c(&got), "\"pinned\":false,\"model\":\"a/b\""));
    nf_str_reset(&got);
    assert_ok(nf_frame_cancelled(SESSION, RUN, &got, &err), &err);
    assert_non_null(strstr(nf_str_c(&got), "\"type\":\"cancelled\""));
    nf_str_done(&got);
}

static void out_of_memory_nothing_leaks(void **state)
{
    static const char json[] =
        "{\"type\":\"user_message\",\"message_id\":\"m\",\"content\":\"hello\"}";
    (void)state;
    for (size_t n = 1;; n++) {
        struct nf_frame f;
        nf_fail_alloc_at(n);
        enum nf_code rc = nf_frame_decode(json, sizeof(json) - 1, &f, &err);
        nf_fail_alloc_at(0);
        nf_frame_done(&f);
        if (rc == NF_OK)
            break;
        assert_code(rc, NF_E_NOMEM);
        assert_true(n < 100);
    }
    for (size_t n = 1;; n++) {
        struct nf_str got = { 0 };
        const struct nf_run_event e = { .type = NF_RUN_ERROR, .text = NF_SLICE("x") };
        nf_fail_alloc_at(n);
        enum nf_code rc = nf_frame_event(&e, &got, &err);
        nf_fail_alloc_at(0);
        nf_str_done(&got);
        if (rc == NF_OK)
            break;
        assert_code(rc, NF_E_NOMEM);
        assert_true(n < 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_read),
        cmocka_unit_test(resume_and_stop_are_read),
        cmocka_unit_test(a_decision_is_read),
        cmocka_unit_test(what_is_no_frame_is_refused_by_the_name_of_the_field),
        cmocka_unit_test(a_position_is_0_to_2_to_the_53),
        cmocka_unit_test(limits_hold_at_their_edge),
        cmocka_unit_test(a_refused_message_keeps_its_name),
        cmocka_unit_test(every_event_has_its_frame),
        cmocka_unit_test(pieces_of_texts_have_the_frames_of_events),
        cmocka_unit_test(what_passes_has_no_position),
        cmocka_unit_test(an_approval_is_told_whole),
        cmocka_unit_test(only_known_tokens_are_told),
        cmocka_unit_test(frames_about_messages_and_sessions),
        cmocka_unit_test(out_of_memory_nothing_leaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
