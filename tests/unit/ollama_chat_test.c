#include "llm/ollama_chat.h"

#include "tests/unit/llm_transcript.h"

static const struct nf_llm_target qwen = { .model = "qwen3:8b",
                                           .context_tokens = 8192,
                                           .output_tokens = 2048 };
static const struct nf_llm_target oss = { .model = "gpt-oss:20b", .context_tokens = 4096 };

#define CODEC (&nf_ollama_chat)
#define LINE(message)                                                                              \
    "{\"model\":\"q\",\"message\":{\"role\":\"assistant\"," message "},\"done\":false}\n"
#define DONE(reason)                                                                               \
    "{\"model\":\"q\",\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done_reason\":"      \
    "\"" reason "\",\"done\":true,\"prompt_eval_count\":26,\"eval_count\":9}\n"
#define DONE_MARK 2 /* the last line needs no end, but all of its object */

static void a_request_says_how_big_the_window_is(void **state)
{
    struct nf_completion_request *r = *state;
    struct nf_err err;
    assert_ok(nf_completion_add_system(r, "Be brief.", &err), &err);
    say(r, NF_ROLE_USER, "hi");
    r->temperature = 0;
    r->stop[r->stop_n++] = strdup("END");

    assert_body(CODEC, r, &qwen,
                "{\"model\":\"qwen3:8b\",\"stream\":true,\"options\":{\"num_ctx\":8192,"
                "\"num_predict\":2048,\"temperature\":0,\"stop\":[\"END\"]},\"messages\":["
                "{\"role\":\"system\",\"content\":\"Be brief.\"},"
                "{\"role\":\"user\",\"content\":\"hi\"}]}");
    r->max_tokens = 2049;
    assert_body_has(CODEC, r, &qwen, "\"num_predict\":2048,");
    r->max_tokens = 2047;
    assert_body_has(CODEC, r, &qwen, "\"num_predict\":2047,");
}

static void calls_are_objects_and_results_name_their_tool(void **state)
{
    struct nf_completion_request *r = *state;
    add_tool(r, "look", "{\"type\":\"object\"}");
    say(r, NF_ROLE_USER, "go");
    struct nf_chat_message *m = add_message(r, NF_ROLE_ASSISTANT);
    add_part(m, NF_PART_THINKING, "hm");
    add_call(m, "a", "look", "{\"q\":1}");
    add_call(m, "b", "look", "");
    m = add_message(r, NF_ROLE_TOOL);
    add_result(m, "a", "found");
    add_result(m, "b", "no")->is_error = true;
    add_result(m, "c", "orphan");

    assert_body_has(CODEC, r, &qwen,
                    "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"look\","
                    "\"description\":\"does things\",\"parameters\":{\"type\":\"object\"}}}]");
    assert_body_has(CODEC, r, &qwen,
                    "{\"role\":\"assistant\",\"content\":\"\",\"thinking\":\"hm\",\"tool_calls\":["
                    "{\"function\":{\"name\":\"look\",\"arguments\":{\"q\":1}}},"
                    "{\"function\":{\"name\":\"look\",\"arguments\":{}}}]},"
                    "{\"role\":\"tool\",\"tool_name\":\"look\",\"content\":\"found\"},"
                    "{\"role\":\"tool\",\"tool_name\":\"look\",\"content\":\"Error: no\"},"
                    "{\"role\":\"tool\",\"content\":\"orphan\"}");
}

static void thinking_is_a_switch_or_for_gpt_oss_a_level(void **state)
{
    struct nf_completion_request *r = *state;
    say(r, NF_ROLE_USER, "hi");
    assert_body_lacks(CODEC, r, &qwen, "think");
    r->effort = NF_EFFORT_HIGH;
    assert_body_has(CODEC, r, &qwen, "\"think\":true");
    assert_body_has(CODEC, r, &oss, "\"think\":\"high\"");
    r->effort = NF_EFFORT_NONE;
    assert_body_has(CODEC, r, &qwen, "\"think\":false");
}

static void images_are_sent_bare_and_documents_as_text(void **state)
{
    struct nf_completion_request *r = *state;
    struct nf_chat_message *m = add_message(r, NF_ROLE_USER);
    add_part(m, NF_PART_TEXT, "see");
    add_part(m, NF_PART_DOCUMENT, "plain");
    add_media(m, NF_PART_IMAGE, "image/png", "QUJD", NULL);
    assert_body_has(CODEC, r, &qwen, "\"content\":\"plain\\n\\nsee\",\"images\":[\"QUJD\"]");

    add_media(m, NF_PART_IMAGE, NULL, NULL, "https://x.example/a.png");
    assert_refused(CODEC, r, &qwen, "messages[0]: Ollama takes no images by URL");
    nf_part_done(&m->parts.v[--m->parts.n]);
    add_media(m, NF_PART_DOCUMENT, "application/pdf", "REVG", NULL);
    assert_refused(CODEC, r, &qwen, "messages[0]: Ollama takes no documents");
}

static void what_it_cannot_do_is_refused(void **state)
{
    struct nf_completion_request *r = *state;
    say(r, NF_ROLE_USER, "hi");
    add_tool(r, "look", NULL);
    r->tool_choice = NF_TOOL_CHOICE_REQUIRED;
    assert_refused(CODEC, r, &qwen, "tool_choice:");
    r->tool_choice = NF_TOOL_CHOICE_NONE;
    assert_body_lacks(CODEC, r, &qwen, "tools");
    r->temperature = 2.5;
    assert_refused(CODEC, r, &qwen, "temperature: 2.5 is not within 0 to 2, which Ollama takes");
}

static void formats_are_told(void **state)
{
    struct nf_completion_request *r = *state;
    say(r, NF_ROLE_USER, "hi");
    r->format = NF_FORMAT_JSON;
    assert_body_has(CODEC, r, &qwen, "\"format\":\"json\"");
    r->format = NF_FORMAT_JSON_SCHEMA;
    r->format_schema = strdup("{\"type\":\"object\"}");
    assert_body_has(CODEC, r, &qwen, "\"format\":{\"type\":\"object\"}");
}

/* --- streams ---------------------------------------------------------------------------------- */

static void a_stream_is_the_same_wherever_it_is_cut(void **state)
{
    (void)state;
    assert_stream(CODEC,
                  LINE("\"content\":\"\",\"thinking\":\"hm\"")
                      LINE("\"content\":\"Gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80\"") "\r\n" LINE(
                          "\"content\":\" dich\",\"images\":null") DONE("stop"),
                  DONE_MARK,
                  "START - q\nTHINKING |hm\nTEXT |Gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80\n"
                  "TEXT | dich\nUSAGE 26 9 -1 -1\nSTOP 1 -\nEND\n");
}

static void calls_come_whole_and_get_ids(void **state)
{
    (void)state;
    assert_stream(
        CODEC,
        LINE("\"content\":\"\",\"tool_calls\":[{\"function\":{\"name\":\"look\",\"arguments\":"
             "{\"q\":1}}},{\"id\":\"mine\",\"function\":{\"name\":\"rest\",\"arguments\":{}}}]")
            LINE("\"content\":\"\",\"tool_calls\":[{\"function\":{\"name\":\"last\"}}]")
                DONE("stop"),
        DONE_MARK,
        "START - q\nTOOL_START 0 call_0000000000001234_0 look\nTOOL_ARGS 0 |{\"q\":1}\nTOOL_END 0\n"
        "TOOL_START 1 mine rest\nTOOL_ARGS 1 |{}\nTOOL_END 1\n"
        "TOOL_START 2 call_0000000000001234_2 last\nTOOL_ARGS 2 |{}\nTOOL_END 2\n"
        "USAGE 26 9 -1 -1\nSTOP 4 -\nEND\n");
}

static void the_output_limit_is_told(void **state)
{
    (void)state;
    assert_events(CODEC, LINE("\"content\":\"a\"") DONE("length"),
                  "START - q\nTEXT |a\nUSAGE 26 9 -1 -1\nSTOP 2 -\nEND\n");
    assert_events(CODEC, "{\"model\":\"q\",\"done\":true}", "START - q\nSTOP 1 -\nEND\n");
}

static void cached_tokens_are_counted_apart(void **state)
{
    (void)state;
    static const struct {
        const char *counts, *want;
    } cases[] = {
        { "\"prompt_eval_count\":900,\"prompt_eval_cached_count\":850,\"eval_count\":3",
          "USAGE 50 3 850 -1\n" },
        { "\"prompt_eval_count\":9,\"prompt_eval_cached_count\":0,\"eval_count\":3",
          "USAGE 9 3 0 -1\n" },
        { "\"prompt_eval_count\":9,\"prompt_eval_cached_count\":10,\"eval_count\":3",
          "USAGE 0 3 10 -1\n" },
        { "\"prompt_eval_cached_count\":-7,\"eval_count\":3", "USAGE -1 3 -1 -1\n" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct nf_err err;
        NF_CLEANUP(nf_str_done) struct nf_str line = { 0 };
        NF_CLEANUP(nf_str_done) struct nf_str want = { 0 };
        assert_ok(nf_str_addf(&line, &err, "{\"model\":\"q\",\"done\":true,%s}", cases[i].counts),
                  &err);
        assert_ok(nf_str_addf(&want, &err, "START - q\n%sSTOP 1 -\nEND\n", cases[i].want), &err);
        assert_events(CODEC, nf_str_c(&line), nf_str_c(&want));
    }
}

/* What the API's types had beside the above in November 2026. */
static void what_came_lately_does_no_harm(void **state)
{
    (void)state;
    assert_events(
        CODEC,
        "{\"model\":\"q\",\"remote_model\":\"r\",\"remote_host\":\"h\",\"message\":{\"role\":"
        "\"assistant\",\"content\":\"a\",\"tool_name\":\"\"},\"logprobs\":[{\"token\":\"a\","
        "\"logprob\":-1,\"bytes\":[97]}],\"done\":false}\n"
        "{\"model\":\"q\",\"message\":{\"content\":\"\"},\"done\":true,\"done_reason\":\"load\"}",
        "START - q\nTEXT |a\nSTOP 1 -\nEND\n");
}

static void an_error_in_the_stream_is_its_last_event(void **state)
{
    (void)state;
    assert_stream(CODEC,
                  LINE("\"content\":\"a\"") "{\"error\":\"llama runner died\"}\n" DONE("stop"), 0,
                  "START - q\nTEXT |a\nERROR unavailable 0  |llama runner died\n");
}

static void nonsense_is_an_error_and_no_success(void **state)
{
    (void)state;
    assert_events(CODEC, "<html>\n" DONE("stop"),
                  "START - -\nERROR unavailable 0 bad_stream |a line that is no JSON object\n");
    assert_events(CODEC, "{\"object\":\"list\"}\n",
                  "START - -\n"
                  "ERROR unavailable 0 bad_stream |a line that is no part of an answer\n");
    assert_events(CODEC, LINE("\"tool_calls\":[{\"function\":{}}]"),
                  "START - q\nERROR unavailable 0 bad_stream |a tool call without a name\n");
    assert_events(
        CODEC, "",
        "START - -\nERROR unavailable 0 truncated |the stream broke off before its end\n");
}

static void a_line_has_a_limit(void **state)
{
    (void)state;
    for (int over = 0; over <= 1; over++) {
        struct nf_err err;
        struct transcript t = { 0 };
        static const char head[] = "{\"model\":\"q\",\"message\":{\"content\":\"a\"},\"done\":true,"
                                   "\"x\":\"";
        size_t n = NF_OLLAMA_LINE_MAX + (size_t)over;
        char *line = malloc(n + 1);
        assert_non_null(line);
        memset(line, 'x', n);
        memcpy(line, head, sizeof(head) - 1);
        memcpy(line + n - 2, "\"}\n", 3);
        assert_ok(transcript_run(CODEC, &t, line, n + 1, n + 1, 1, &err), &err);
        assert_int_equal(t.ended, !over);
        if (over)
            assert_non_null(strstr(nf_str_c(&t.text), "a line over 8 MiB"));
        nf_str_done(&t.text);
        free(line);
    }
}

static void decoding_survives_failed_allocations_and_receivers(void **state)
{
    (void)state;
    assert_survives_failures(
        CODEC, LINE("\"content\":\"a\",\"thinking\":\"b\",\"tool_calls\":[{\"function\":{\"name\":"
                    "\"look\",\"arguments\":{\"q\":1}}}]") DONE("stop"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        request_test(a_request_says_how_big_the_window_is),
        request_test(calls_are_objects_and_results_name_their_tool),
        request_test(thinking_is_a_switch_or_for_gpt_oss_a_level),
        request_test(images_are_sent_bare_and_documents_as_text),
        request_test(what_it_cannot_do_is_refused),
        request_test(formats_are_told),
        cmocka_unit_test(a_stream_is_the_same_wherever_it_is_cut),
        cmocka_unit_test(calls_come_whole_and_get_ids),
        cmocka_unit_test(the_output_limit_is_told),
        cmocka_unit_test(cached_tokens_are_counted_apart),
        cmocka_unit_test(what_came_lately_does_no_harm),
        cmocka_unit_test(an_error_in_the_stream_is_its_last_event),
        cmocka_unit_test(nonsense_is_an_error_and_no_success),
        cmocka_unit_test(a_line_has_a_limit),
        cmocka_unit_test(decoding_survives_failed_allocations_and_receivers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
