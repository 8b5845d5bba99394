/* Chat Completions: what is answered, piece by piece, also by servers that are nearly alike. */
#include "llm/openai_chat.h"

#include "tests/unit/llm_transcript.h"

#define CODEC (&nf_openai_chat)
#define CHUNK_BEGIN "data: {\"id\":\"c1\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":"
#define CHUNK(delta) CHUNK_BEGIN delta "}]}\n\n"
#define FINISH(reason)                                                                             \
    "data: {\"id\":\"c1\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{},"                 \
    "\"finish_reason\":\"" reason "\"}]}\n\n"
#define DONE "data: [DONE]\n\n"
#define DONE_MARK 2 /* without the last two line ends the mark has not arrived */

static void a_stream_is_the_same_wherever_it_is_cut(void **state)
{
    (void)state;
    assert_stream(
        CODEC,
        ": keep-alive\r\n\r\n" CHUNK("{\"role\":\"assistant\",\"content\":\"\"}") CHUNK(
            "{\"content\":\"Gr\\u00fc\xc3\x9f \xf0\x9f\x98\x80\"}")
            CHUNK("{\"content\":\" dich\"},\"finish_reason\":null") FINISH(
                "stop") "data: {\"id\":\"c1\",\"choices\":[],\"usage\":{\"prompt_tokens\":120,"
                        "\"completion_tokens\":7,\"prompt_tokens_details\":{\"cached_tokens\":30,"
                        "\"cache_creation_tokens\":20}}}\n\n" DONE,
        DONE_MARK,
        "START c1 m\nTEXT |Gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80\nTEXT | dich\n"
        "USAGE 70 7 30 20\nSTOP 1 -\nEND\n");
}

static void parallel_calls_may_interleave(void **state)
{
    (void)state;
    assert_stream(
        CODEC,
        CHUNK("{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"type\":\"function\",\"function\":"
              "{\"name\":\"one\",\"arguments\":\"{\\\"x\\\"\"}}]}")
            CHUNK("{\"tool_calls\":[{\"index\":1,\"id\":\"b\",\"function\":{\"name\":\"two\","
                  "\"arguments\":\"\"}}]}")
                CHUNK("{\"tool_calls\":[{\"index\":1,\"function\":{\"arguments\":\"{}\"}},"
                      "{\"index\":0,\"function\":{\"arguments\":\":1}\"}}]}") FINISH("tool_calls")
                    DONE,
        DONE_MARK,
        "START c1 m\nTOOL_START 0 a one\nTOOL_ARGS 0 |{\"x\"\nTOOL_START 1 b two\n"
        "TOOL_ARGS 1 |{}\nTOOL_ARGS 0 |:1}\nTOOL_END 0\nTOOL_END 1\nSTOP 4 -\nEND\n");
}

static void calls_are_told_apart_in_spite_of_sloppy_servers(void **state)
{
    (void)state;
    /* One index for all. */
    assert_events(
        CODEC,
        CHUNK("{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\","
              "\"arguments\":\"{}\"}}]}")
            CHUNK("{\"tool_calls\":[{\"index\":0,\"id\":\"b\",\"function\":{\"name\":\"f\","
                  "\"arguments\":\"{}\"}}]}") DONE,
        "START c1 m\nTOOL_START 0 a f\nTOOL_ARGS 0 |{}\nTOOL_START 1 b f\n"
        "TOOL_ARGS 1 |{}\nTOOL_END 0\nTOOL_END 1\nSTOP 4 -\nEND\n");
    /* No index and no id; arguments as an object; none at all. */
    assert_events(CODEC,
                  CHUNK("{\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":{\"a\":1}}},"
                        "{\"function\":{\"name\":\"g\"}}]}") FINISH("stop") DONE,
                  "START c1 m\nTOOL_START 0 call_0000000000001234_0 f\nTOOL_ARGS 0 |{\"a\":1}\n"
                  "TOOL_START 1 call_0000000000001234_1 g\nTOOL_END 0\n"
                  "TOOL_ARGS 1 |{}\nTOOL_END 1\nSTOP 4 -\nEND\n");
    /* The name after the id and the first arguments, and repeated. */
    assert_events(
        CODEC,
        CHUNK("{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":"
              "{\"arguments\":\"{\"}}]}")
            CHUNK("{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\","
                  "\"arguments\":\"}\"}}]}")
                CHUNK("{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\","
                      "\"arguments\":\" \"}}]}") DONE,
        "START c1 m\nTOOL_START 0 a f\nTOOL_ARGS 0 |{\nTOOL_ARGS 0 |}\nTOOL_ARGS 0 | \n"
        "TOOL_END 0\nSTOP 4 -\nEND\n");
    /* Never a name. */
    assert_events(CODEC, CHUNK("{\"tool_calls\":[{\"index\":0,\"id\":\"a\"}]}") DONE,
                  "START c1 m\nERROR unavailable 0 bad_stream |a tool call without a name\n");
}

static void the_number_of_calls_is_bounded(void **state)
{
    (void)state;
    for (int calls = NF_TOOL_CALLS_MAX; calls <= NF_TOOL_CALLS_MAX + 1; calls++) {
        struct nf_err err;
        struct nf_str s = { 0 };
        struct transcript t = { 0 };
        for (int i = 0; i < calls; i++)
            assert_ok(nf_str_addf(&s, &err,
                                  "data: {\"id\":\"x\",\"choices\":[{\"delta\":{\"tool_calls\":[{"
                                  "\"index\":%d,\"id\":\"i%d\",\"function\":{\"name\":\"f\"}}]}}]}"
                                  "\n\n",
                                  i, i),
                      &err);
        assert_ok(nf_str_adds(&s, DONE, &err), &err);
        assert_ok(transcript_run(CODEC, &t, s.p, s.len, s.len, 1, &err), &err);
        assert_int_equal(t.ended, calls == NF_TOOL_CALLS_MAX);
        nf_str_done(&t.text);
        nf_str_done(&s);
    }
}

static void one_chunk_may_hold_everything(void **state)
{
    (void)state;
    assert_stream(CODEC,
                  "data:{\"id\":\"c1\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":"
                  "{\"content\":\"so\",\"reasoning_content\":\"hm\",\"tool_calls\":[]},"
                  "\"finish_reason\":\"length\"}],\"usage\":{\"prompt_tokens\":3,"
                  "\"completion_tokens\":2}}\n\n" DONE,
                  DONE_MARK,
                  "START c1 m\nTHINKING |hm\nTEXT |so\nUSAGE 3 2 -1 -1\nSTOP 2 -\nEND\n");
}

static void a_character_that_was_cut_in_two_is_put_together(void **state)
{
    (void)state;
    assert_stream(CODEC,
                  CHUNK("{\"content\":\"a\\ud83d\"}") CHUNK("{\"content\":\"\\ude00b\"}")
                      CHUNK("{\"content\":\"\\uD83D\"}") CHUNK("{\"content\":\"\\uDE00\"}")
                          FINISH("stop") DONE,
                  DONE_MARK,
                  "START c1 m\nTEXT |a\nTEXT |\xf0\x9f\x98\x80\nTEXT |b\n"
                  "TEXT |\xf0\x9f\x98\x80\nSTOP 1 -\nEND\n");
    /* Halves that belong to nothing: one at the end, two of a kind, one of another text. */
    assert_events(CODEC, CHUNK("{\"content\":\"a\\ud83d\"}") DONE,
                  "START c1 m\nTEXT |a\nTEXT |\xef\xbf\xbd\nSTOP 1 -\nEND\n");
    assert_events(CODEC,
                  CHUNK("{\"content\":\"\\ude00a\"}") CHUNK("{\"content\":\"\\ud83d\"}")
                      CHUNK("{\"content\":\"x\\ud83dy\"}") DONE,
                  "START c1 m\nTEXT |\xef\xbf\xbd"
                  "a\nTEXT |\xef\xbf\xbd\nTEXT |x\xef\xbf\xbdy\nSTOP 1 -\nEND\n");
    assert_events(CODEC,
                  CHUNK("{\"reasoning\":\"\\ud83d\"}") CHUNK("{\"content\":\"\\ude00\"}") DONE,
                  "START c1 m\nTHINKING |\xef\xbf\xbd\nTEXT |\xef\xbf\xbd\nSTOP 1 -\nEND\n");
}

static void thinking_comes_in_several_forms(void **state)
{
    (void)state;
    assert_events(CODEC, CHUNK("{\"reasoning\":\"a\",\"content\":null}") DONE,
                  "START c1 m\nTHINKING |a\nSTOP 1 -\nEND\n");
    assert_events(CODEC,
                  CHUNK("{\"content\":[{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\","
                        "\"text\":\"a\"}]},{\"type\":\"text\",\"text\":\"b\"}]}") DONE,
                  "START c1 m\nTHINKING |a\nTEXT |b\nSTOP 1 -\nEND\n");
}

static void text_after_the_reason_still_counts(void **state)
{
    (void)state;
    assert_events(CODEC,
                  CHUNK("{\"content\":\"a\"}") FINISH("stop") CHUNK("{\"content\":\"b\"}") DONE,
                  "START c1 m\nTEXT |a\nTEXT |b\nSTOP 1 -\nEND\n");
}

static void other_choices_and_other_fields_are_ignored(void **state)
{
    (void)state;
    assert_events(CODEC,
                  "event: thing\ndata: {\"x\":1}\n\n"
                  "data: {\"id\":\"c1\",\"model\":\"m\",\"choices\":[{\"index\":1,\"delta\":"
                  "{\"content\":\"no\"}}]}\n\n" CHUNK("{\"content\":\"yes\",\"annotations\":[]}")
                      FINISH("content_filter") DONE "data: {late\n\n",
                  "START c1 m\nTEXT |yes\nSTOP 5 -\nEND\n");
}

/* What the API's types had beside the above in November 2026. */
static void what_came_lately_does_no_harm(void **state)
{
    (void)state;
    assert_events(
        CODEC,
        "data: {\"id\":\"c1\",\"model\":\"m\",\"service_tier\":\"fast\",\"obfuscation\":\"x9\","
        "\"choices\":[{\"index\":0,\"logprobs\":{\"content\":[]},\"delta\":{\"role\":\"assistant\","
        "\"audio\":{\"id\":\"a\",\"transcript\":\"no\"},\"content\":\"yes\"}}]}\n\n" FINISH("stop")
            CHUNK("{\"audio\":{\"expires_at\":1}}") "data: "
                                                    "{\"id\":\"c1\",\"choices\":[],\"moderation\":{"
                                                    "\"input\":{\"type\":\"error\","
                                                    "\"code\":\"x\",\"message\":\"y\"},\"output\":{"
                                                    "\"type\":\"moderation_results\"}}}\n\n" DONE,
        "START c1 m\nTEXT |yes\nSTOP 1 -\nEND\n");
}

static void an_event_may_be_long(void **state)
{
    (void)state;
    struct nf_err err;
    struct nf_str s = { 0 };
    struct transcript t = { 0 };
    static const char head[] = "data: {\"id\":\"c1\",\"choices\":[{\"delta\":{\"content\":\"";
    assert_ok(nf_str_adds(&s, head, &err), &err);
    for (int i = 0; i < 300000; i++)
        assert_ok(nf_str_add(&s, "x", 1, &err), &err);
    assert_ok(nf_str_adds(&s, "\"}}]}\n\n" DONE, &err), &err);

    assert_ok(transcript_run(CODEC, &t, s.p, s.len, 1000, 1000, &err), &err);

    assert_true(t.ended);
    assert_true(t.text.len > 300000);
    nf_str_done(&t.text);
    nf_str_done(&s);
}

static void refusals_are_told(void **state)
{
    (void)state;
    assert_events(CODEC, CHUNK("{\"refusal\":\"I will not.\"}") FINISH("stop") DONE,
                  "START c1 m\nREFUSAL |I will not.\nSTOP 1 -\nEND\n");
}

static void usage_is_normalised_and_sane(void **state)
{
    (void)state;
    static const struct {
        const char *usage, *want;
    } cases[] = {
        { "{\"prompt_tokens\":10,\"completion_tokens\":2,\"prompt_cache_hit_tokens\":4}",
          "USAGE 6 2 4 -1" },
        { "{\"prompt_tokens\":10,\"completion_tokens\":2,\"prompt_tokens_details\":"
          "{\"cached_tokens\":50}}",
          "USAGE 0 2 50 -1" },
        { "{\"prompt_tokens\":-5,\"completion_tokens\":9223372036854775807}",
          "USAGE -1 1099511627776 -1 -1" },
        { "{}", "USAGE -1 -1 -1 -1" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct nf_err err;
        struct nf_str s = { 0 };
        struct transcript t = { 0 };
        assert_ok(
            nf_str_addf(&s, &err, "data: {\"id\":\"c\",\"usage\":%s}\n\n" DONE, cases[i].usage),
            &err);
        assert_ok(transcript_run(CODEC, &t, s.p, s.len, s.len, 1, &err), &err);
        if (!strstr(nf_str_c(&t.text), cases[i].want))
            fail_msg("%s not in %s", cases[i].want, nf_str_c(&t.text));
        nf_str_done(&t.text);
        nf_str_done(&s);
    }
}

static void an_error_in_the_stream_is_its_last_event(void **state)
{
    (void)state;
    assert_stream(CODEC,
                  CHUNK("{\"content\":\"a\"}") "data: {\"error\":{\"message\":\"try "
                                               "later\",\"type\":\"server_error\",\"code\":"
                                               "null}}\n\n" CHUNK("{\"content\":\"b\"}") DONE,
                  0, "START c1 m\nTEXT |a\nERROR unavailable 500 server_error |try later\n");
    assert_events(CODEC, "data: {\"error\":{\"code\":429,\"message\":\"slow\"}}\n\n",
                  "START - -\nERROR unavailable 429  |slow\n");
    assert_events(CODEC, "data: {\"object\":\"error\",\"message\":\"bad\",\"code\":400}\n\n",
                  "START - -\nERROR invalid 400  |bad\n");
    assert_events(CODEC,
                  "data: {\"id\":\"c\",\"choices\":[{\"finish_reason\":\"error\",\"error\":"
                  "{\"code\":502,\"message\":\"gone\"}}]}\n\n",
                  "START c -\nERROR unavailable 502  |gone\n");
}

static void nonsense_is_an_error_and_no_success(void **state)
{
    (void)state;
    assert_events(CODEC, CHUNK("{\"content\":\"a\"}") "data: {\"id\n\n" DONE,
                  "START c1 m\nTEXT |a\n"
                  "ERROR unavailable 0 bad_stream |an event that is no JSON object\n");
    assert_events(
        CODEC, "<html>no</html>",
        "START - -\nERROR unavailable 0 truncated |the stream broke off before its end\n");
    assert_events(CODEC, DONE,
                  "START - -\nERROR unavailable 0 bad_stream |the stream ended before it began\n");
    assert_events(CODEC, CHUNK("{\"content\":\"a\"}") FINISH("stop"),
                  "START c1 m\nTEXT |a\n"
                  "ERROR unavailable 0 truncated |the stream broke off before its end\n");
}

static void decoding_survives_failed_allocations_and_receivers(void **state)
{
    (void)state;
    assert_survives_failures(
        CODEC, CHUNK("{\"content\":\"a\",\"reasoning\":\"b\"}")
                   CHUNK("{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":"
                         "{\"arguments\":\"{\"}}]}")
                       CHUNK("{\"tool_calls\":[{\"index\":0,\"function\":{\"name\":\"f\","
                             "\"arguments\":{\"x\":1}}}]}")
                           FINISH("length") "data: {\"usage\":{\"prompt_tokens\":1}}\n\n" DONE);
}

/* Events that differ in their text alone are not parsed again: what else is in one still counts. */
static void each_event_that_repeats_does_all_it_says(void **state)
{
    (void)state;
#define THREE(begin, end) begin "a" end begin "b" end begin "c" end
    assert_stream(CODEC, THREE(CHUNK_BEGIN "{\"content\":\"", "\"}}]}\n\n") FINISH("stop") DONE,
                  DONE_MARK, "START c1 m\nTEXT |a\nTEXT |b\nTEXT |c\nSTOP 1 -\nEND\n");
    assert_stream(
        CODEC, THREE(CHUNK_BEGIN "{\"reasoning_content\":\"hm\",\"content\":\"", "\"}}]}\n\n") DONE,
        DONE_MARK,
        "START c1 m\nTHINKING |hm\nTEXT |a\nTHINKING |hm\nTEXT |b\nTHINKING |hm\n"
        "TEXT |c\nSTOP 1 -\nEND\n");
    assert_stream(CODEC,
                  THREE(CHUNK_BEGIN "{\"reasoning\":\"hm\",\"content\":\"", "\"}}]}\n\n") DONE,
                  DONE_MARK,
                  "START c1 m\nTHINKING |hm\nTEXT |a\nTHINKING |hm\nTEXT |b\nTHINKING |hm\n"
                  "TEXT |c\nSTOP 1 -\nEND\n");
    assert_stream(CODEC, THREE(CHUNK_BEGIN "{\"refusal\":\"no\",\"content\":\"", "\"}}]}\n\n") DONE,
                  DONE_MARK,
                  "START c1 m\nTEXT |a\nREFUSAL |no\nTEXT |b\nREFUSAL |no\nTEXT |c\nREFUSAL |no\n"
                  "STOP 1 -\nEND\n");
    assert_stream(CODEC,
                  THREE(CHUNK_BEGIN "{\"tool_calls\":[{\"index\":0,\"id\":\"x\",\"function\":{"
                                    "\"name\":\"f\",\"arguments\":\"1\"}}],\"content\":\"",
                        "\"}}]}\n\n") DONE,
                  DONE_MARK,
                  "START c1 m\nTEXT |a\nTOOL_START 0 x f\nTOOL_ARGS 0 |1\nTEXT |b\n"
                  "TOOL_ARGS 0 |1\nTEXT |c\nTOOL_ARGS 0 |1\nTOOL_END 0\nSTOP 4 -\nEND\n");
    /* Of another choice, beside another one's. */
    assert_stream(CODEC,
                  CHUNK("{\"content\":\"a\"}")
                      THREE("data: {\"id\":\"c1\",\"choices\":[{\"index\":1,\"delta\":{"
                            "\"content\":\"",
                            "\"}}]}\n\n") DONE,
                  DONE_MARK, "START c1 m\nTEXT |a\nSTOP 1 -\nEND\n");
    /* A reason between two that has another one. */
    assert_stream(CODEC,
                  CHUNK_BEGIN
                  "{\"content\":\"a\"},\"finish_reason\":\"length\"}]}\n\n" FINISH("stop")
                      CHUNK_BEGIN "{\"content\":\"b\"},\"finish_reason\":\"length\"}]}\n\n" DONE,
                  DONE_MARK, "START c1 m\nTEXT |a\nTEXT |b\nSTOP 2 -\nEND\n");
    assert_stream(CODEC,
                  CHUNK_BEGIN "{\"content\":\"a\"}}],\"usage\":{\"prompt_tokens\":1}}\n\n"
                              "data: {\"usage\":{\"prompt_tokens\":2}}\n\n" CHUNK_BEGIN
                              "{\"content\":\"b\"}}],\"usage\":{\"prompt_tokens\":1}}\n\n" DONE,
                  DONE_MARK,
                  "START c1 m\nTEXT |a\nUSAGE 1 -1 -1 -1\nUSAGE 2 -1 -1 -1\nTEXT |b\n"
                  "USAGE 1 -1 -1 -1\nSTOP 1 -\nEND\n");
#undef THREE
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_is_the_same_wherever_it_is_cut),
        cmocka_unit_test(parallel_calls_may_interleave),
        cmocka_unit_test(calls_are_told_apart_in_spite_of_sloppy_servers),
        cmocka_unit_test(the_number_of_calls_is_bounded),
        cmocka_unit_test(one_chunk_may_hold_everything),
        cmocka_unit_test(a_character_that_was_cut_in_two_is_put_together),
        cmocka_unit_test(thinking_comes_in_several_forms),
        cmocka_unit_test(text_after_the_reason_still_counts),
        cmocka_unit_test(other_choices_and_other_fields_are_ignored),
        cmocka_unit_test(what_came_lately_does_no_harm),
        cmocka_unit_test(an_event_may_be_long),
        cmocka_unit_test(refusals_are_told),
        cmocka_unit_test(usage_is_normalised_and_sane),
        cmocka_unit_test(an_error_in_the_stream_is_its_last_event),
        cmocka_unit_test(nonsense_is_an_error_and_no_success),
        cmocka_unit_test(each_event_that_repeats_does_all_it_says),
        cmocka_unit_test(decoding_survives_failed_allocations_and_receivers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
