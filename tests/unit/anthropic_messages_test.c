#include "llm/anthropic_messages.h"

#include "llm/anthropic_encode.h"
#include "tests/unit/llm_transcript.h"

static const struct nf_llm_target claude = { .model = "claude-sonnet-4-5", .output_tokens = 8192 };
static const struct nf_llm_target newer = { .model = "claude-opus-5", .output_tokens = 8192 };

#define CODEC (&nf_anthropic_messages)
#define EVENT(json) "event: x\ndata: " json "\n\n"
#define START                                                                                      \
    EVENT("{\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"model\":\"m\",\"usage\":{"  \
          "\"input_tokens\":5,\"cache_creation_input_tokens\":20,"                                 \
          "\"cache_read_input_tokens\":100,\"output_tokens\":1}}}")
#define BLOCK(i, block)                                                                            \
    EVENT("{\"type\":\"content_block_start\",\"index\":" #i ",\"content_block\":" block "}")
#define DELTA(i, delta)                                                                            \
    EVENT("{\"type\":\"content_block_delta\",\"index\":" #i ",\"delta\":" delta "}")
#define BLOCK_END(i) EVENT("{\"type\":\"content_block_stop\",\"index\":" #i "}")
#define TEXT(i, text) DELTA(i, "{\"type\":\"text_delta\",\"text\":\"" text "\"}")
#define ARGS(i, json) DELTA(i, "{\"type\":\"input_json_delta\",\"partial_json\":\"" json "\"}")
#define STOPPED(reason, n)                                                                         \
    EVENT("{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"" reason                       \
          "\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":" #n "}}")
#define STOP "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"
#define STOP_MARK 1 /* without the last line end the mark has not arrived */
#define USAGE_START "USAGE 5 1 100 20\n"

/* --- requests --------------------------------------------------------------------------------- */

static void a_request_has_its_system_apart_and_always_max_tokens(void **state)
{
    struct nf_completion_request *r = *state;
    struct nf_err err;
    assert_ok(nf_completion_add_system(r, "Be brief.", &err), &err);
    assert_ok(nf_completion_add_system(r, "", &err), &err);
    say(r, NF_ROLE_USER, "hi");
    r->user = strdup("u1");
    r->temperature = 1.0;
    r->top_k = 4;
    r->stop[r->stop_n++] = strdup("END");

    assert_body(CODEC, r, &claude,
                "{\"model\":\"claude-sonnet-4-5\",\"max_tokens\":8192,\"stream\":true,"
                "\"temperature\":1,\"top_k\":4,\"stop_sequences\":[\"END\"],"
                "\"metadata\":{\"user_id\":\"u1\"},"
                "\"system\":[{\"type\":\"text\",\"text\":\"Be brief.\"}],"
                "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"hi\"}"
                "]}]}");
}

static void max_tokens_is_within_the_models_bound(void **state)
{
    struct nf_completion_request *r = *state;
    const struct nf_llm_target unknown = { .model = "m" };
    say(r, NF_ROLE_USER, "hi");

    assert_refused(CODEC, r, &unknown, "max_tokens:");
    r->max_tokens = 8193;
    assert_body_has(CODEC, r, &claude, "\"max_tokens\":8192");
    assert_body_has(CODEC, r, &unknown, "\"max_tokens\":8193");
    r->max_tokens = 10;
    assert_body_has(CODEC, r, &claude, "\"max_tokens\":10,");
}

static void results_of_several_messages_come_first_in_one_user_message(void **state)
{
    struct nf_completion_request *r = *state;
    say(r, NF_ROLE_USER, "go");
    struct nf_chat_message *m = add_message(r, NF_ROLE_ASSISTANT);
    add_part(m, NF_PART_TEXT, "looking");
    add_call(m, "a", "look", "{\"q\":1}");
    add_call(m, "call:2", "rest", NULL);
    add_result(add_message(r, NF_ROLE_TOOL), "a", "found");
    say(r, NF_ROLE_USER, "hurry");
    struct nf_part *p = add_result(add_message(r, NF_ROLE_TOOL), "call:2", "");
    p->is_error = true;

    assert_body_has(CODEC, r, &claude,
                    "{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"looking\"},"
                    "{\"type\":\"tool_use\",\"id\":\"a\",\"name\":\"look\",\"input\":{\"q\":1}},"
                    "{\"type\":\"tool_use\",\"id\":\"call_2\",\"name\":\"rest\",\"input\":{}}]},"
                    "{\"role\":\"user\",\"content\":["
                    "{\"type\":\"tool_result\",\"tool_use_id\":\"a\",\"content\":\"found\"},"
                    "{\"type\":\"tool_result\",\"tool_use_id\":\"call_2\",\"is_error\":true},"
                    "{\"type\":\"text\",\"text\":\"hurry\"}]}");
}

static void a_result_without_its_call_becomes_text(void **state)
{
    struct nf_completion_request *r = *state;
    add_result(add_message(r, NF_ROLE_TOOL), "gone", "42");

    assert_body_has(CODEC, r, &claude,
                    "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":"
                    "\"Result of an earlier tool call:\"},{\"type\":\"text\",\"text\":\"42\"}]}");
}

static void arguments_that_are_no_object_do_not_wedge_the_conversation(void **state)
{
    struct nf_completion_request *r = *state;
    say(r, NF_ROLE_USER, "go");
    add_call(add_message(r, NF_ROLE_ASSISTANT), "c", "look", "[1]");

    assert_body_has(CODEC, r, &claude, "\"input\":{\"invalid_arguments\":\"[1]\"}");
}

static void thinking_goes_back_first_and_only_with_its_signature(void **state)
{
    struct nf_completion_request *r = *state;
    say(r, NF_ROLE_USER, "go");
    struct nf_chat_message *m = add_message(r, NF_ROLE_ASSISTANT);
    add_part(m, NF_PART_TEXT, "so");
    add_part(m, NF_PART_THINKING, "unsigned");
    add_part(m, NF_PART_THINKING, "hm")->signature = strdup("sig");
    add_part(m, NF_PART_THINKING, NULL)->signature = strdup("sig2");
    add_part(m, NF_PART_THINKING, NULL)->data = strdup("opaque");

    assert_body_has(
        CODEC, r, &claude,
        "\"content\":[{\"type\":\"thinking\",\"thinking\":\"hm\",\"signature\":\"sig\"},"
        "{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"sig2\"},"
        "{\"type\":\"redacted_thinking\",\"data\":\"opaque\"},"
        "{\"type\":\"text\",\"text\":\"so\"}]");
}

static void messages_that_say_nothing_are_left_out(void **state)
{
    struct nf_completion_request *r = *state;
    say(r, NF_ROLE_USER, "");
    add_part(add_message(r, NF_ROLE_ASSISTANT), NF_PART_THINKING, "unsigned");
    say(r, NF_ROLE_USER, "hi");

    assert_body_has(CODEC, r, &claude,
                    "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":"
                    "\"hi\"}]}]");
}

static void a_conversation_begins_with_the_user(void **state)
{
    struct nf_completion_request *r = *state;
    say(r, NF_ROLE_ASSISTANT, "as I said");

    assert_body_has(CODEC, r, &claude,
                    "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":"
                    "\"(The beginning of the conversation is not shown.)\"}]},"
                    "{\"role\":\"assistant\"");
}

static void attachments_are_blocks(void **state)
{
    struct nf_completion_request *r = *state;
    struct nf_chat_message *m = add_message(r, NF_ROLE_USER);
    add_media(m, NF_PART_IMAGE, "image/png", "QUJD", NULL);
    add_media(m, NF_PART_IMAGE, NULL, NULL, "https://x.example/a.png");
    add_media(m, NF_PART_DOCUMENT, "application/pdf", "REVG", NULL)->name = strdup("a.pdf");
    add_part(m, NF_PART_DOCUMENT, "plain");

    assert_body_has(CODEC, r, &claude,
                    "[{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":"
                    "\"image/png\",\"data\":\"QUJD\"}},"
                    "{\"type\":\"image\",\"source\":{\"type\":\"url\",\"url\":"
                    "\"https://x.example/a.png\"}},"
                    "{\"type\":\"document\",\"source\":{\"type\":\"base64\",\"media_type\":"
                    "\"application/pdf\",\"data\":\"REVG\"},\"title\":\"a.pdf\"},"
                    "{\"type\":\"document\",\"source\":{\"type\":\"text\",\"media_type\":"
                    "\"text/plain\",\"data\":\"plain\"}}]");
    add_media(m, NF_PART_IMAGE, NULL, NULL, NULL);
    assert_refused(CODEC, r, &claude, "messages[0]: an attachment without content");
    add_media(m, NF_PART_AUDIO, "audio/wav", "QUJD", NULL);
}

static void tools_and_choices_are_told(void **state)
{
    struct nf_completion_request *r = *state;
    say(r, NF_ROLE_USER, "hi");
    r->no_parallel_tools = true;
    assert_body_lacks(CODEC, r, &claude, "tool_choice");

    add_tool(r, "look", "{\"properties\":{\"q\":{\"type\":\"string\"}}}");
    assert_body_has(CODEC, r, &claude,
                    "\"tool_choice\":{\"type\":\"auto\",\"disable_parallel_tool_use\":true},"
                    "\"tools\":[{\"name\":\"look\",\"description\":\"does things\","
                    "\"input_schema\":{\"type\":\"object\",\"properties\":{\"q\":{\"type\":"
                    "\"string\"}}}}]");
    r->tool_choice = NF_TOOL_CHOICE_NONE;
    assert_body_has(CODEC, r, &claude, "\"tool_choice\":{\"type\":\"none\"}");
    r->no_parallel_tools = false;
    r->tool_choice = NF_TOOL_CHOICE_REQUIRED;
    assert_body_has(CODEC, r, &claude, "\"tool_choice\":{\"type\":\"any\"}");
    r->tool_choice = NF_TOOL_CHOICE_NAMED;
    r->tool_choice_name = strdup("look");
    assert_body_has(CODEC, r, &claude, "\"tool_choice\":{\"type\":\"tool\",\"name\":\"look\"}");
}

static void only_the_last_four_cache_marks_are_sent(void **state)
{
    struct nf_completion_request *r = *state;
    struct nf_err err;
    assert_ok(nf_completion_add_system(r, "s", &err), &err);
    r->system.v[0].cache = true;
    add_tool(r, "look", NULL);
    r->tools->v[0].cache = true;
    for (int i = 0; i < 3; i++)
        say(r, i % 2 ? NF_ROLE_ASSISTANT : NF_ROLE_USER, "m")->cache = true;

    char *body = encoded(CODEC, r, &claude);
    int marks = 0;
    for (char *p = body; (p = strstr(p, "cache_control")) != NULL; p++)
        marks++;
    free(body);
    assert_int_equal(marks, 4);
    assert_body_lacks(CODEC, r, &claude, "\"properties\":{}},\"cache_control\"");
    assert_body_has(CODEC, r, &claude, "\"text\":\"s\",\"cache_control\":{\"type\":\"ephemeral\"}");
}

static void effort_depends_on_the_models_version(void **state)
{
    struct nf_completion_request *r = *state;
    struct nf_llm_target old = { .model = "claude-3-5-haiku-20241022", .output_tokens = 4096 };
    say(r, NF_ROLE_USER, "hi");
    r->temperature = 0.5;
    r->effort = NF_EFFORT_LOW;
    assert_body_has(CODEC, r, &claude,
                    "\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":2048}");
    assert_body_lacks(CODEC, r, &claude, "temperature");
    assert_body_has(CODEC, r, &newer,
                    "\"thinking\":{\"type\":\"adaptive\"},\"output_config\":{\"effort\":\"low\"}");
    assert_body_lacks(CODEC, r, &old, "thinking");
    assert_body_has(CODEC, r, &old, "\"temperature\":0.5");

    r->effort = NF_EFFORT_NONE;
    assert_body_has(CODEC, r, &newer, "\"thinking\":{\"type\":\"disabled\"}");
    r->effort = NF_EFFORT_DEFAULT;
    assert_body_lacks(CODEC, r, &newer, "thinking");

    /* A budget is at least 1,024 and below max_tokens. */
    r->thinking_budget = 1;
    r->max_tokens = 1025;
    assert_body_has(CODEC, r, &claude, "\"budget_tokens\":1024}");
    r->max_tokens = 1024;
    assert_body_lacks(CODEC, r, &claude, "thinking");
    r->max_tokens = 8000;
    r->thinking_budget = 9000;
    assert_body_has(CODEC, r, &claude, "\"budget_tokens\":7999}");

    /* A forced tool goes before thinking. */
    add_tool(r, "look", NULL);
    r->tool_choice = NF_TOOL_CHOICE_REQUIRED;
    assert_body_lacks(CODEC, r, &claude, "thinking");
}

static void versions_are_read_from_names(void **state)
{
    (void)state;
    static const struct {
        const char *model;
        enum nf_anthropic_thinking want;
    } cases[] = {
        { "claude-3-5-sonnet-20241022", NF_ANTHROPIC_NO_THINKING },
        { "claude-3-haiku-20240307", NF_ANTHROPIC_NO_THINKING },
        { "claude-3-7-sonnet-latest", NF_ANTHROPIC_BUDGET },
        { "claude-sonnet-4-20250514", NF_ANTHROPIC_BUDGET },
        { "claude-haiku-4-5-20251001", NF_ANTHROPIC_BUDGET },
        { "claude-opus-4-6", NF_ANTHROPIC_ADAPTIVE },
        { "claude-opus-4.7", NF_ANTHROPIC_ADAPTIVE },
        { "claude-sonnet-5", NF_ANTHROPIC_ADAPTIVE },
        { "claude-opus-10-1", NF_ANTHROPIC_ADAPTIVE },
        { "claude-next", NF_ANTHROPIC_ADAPTIVE },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (nf_anthropic_thinking_of(cases[i].model) != cases[i].want)
            fail_msg("%s", cases[i].model);
}

static void newer_models_are_sent_no_sampling(void **state)
{
    struct nf_completion_request *r = *state;
    static const struct {
        const char *model;
        bool takes;
    } cases[] = {
        { "claude-3-haiku-20240307", true }, { "claude-haiku-4-5", true },
        { "claude-opus-4-6", true },         { "claude-opus-4-7", false },
        { "claude-opus-5-5", false },        { "claude-mythos-preview", false },
    };
    say(r, NF_ROLE_USER, "hi");
    r->temperature = 0.5;
    r->top_p = 0.9;
    r->top_k = 4;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct nf_llm_target to = { .model = cases[i].model, .output_tokens = 100 };
        if (cases[i].takes)
            assert_body_has(CODEC, r, &to, "\"temperature\":0.5,\"top_p\":0.9,\"top_k\":4");
        else
            assert_body_lacks(CODEC, r, &to, "top_");
    }
}

static void formats_and_numbers_are_checked(void **state)
{
    struct nf_completion_request *r = *state;
    say(r, NF_ROLE_USER, "hi");
    r->temperature = 1.01;
    assert_refused(CODEC, r, &claude, "temperature: 1.01 is not within 0 to 1");
    r->temperature = NF_NOT_SET;
    r->format = NF_FORMAT_JSON;
    assert_refused(CODEC, r, &claude, "format:");
    r->format = NF_FORMAT_JSON_SCHEMA;
    r->format_schema = strdup("{\"type\":\"object\"}");
    assert_body_has(CODEC, r, &claude,
                    "\"output_config\":{\"format\":{\"type\":\"json_schema\",\"schema\":{\"type\":"
                    "\"object\"}}}");
}

static void encoding_survives_every_failed_allocation(void **state)
{
    struct nf_completion_request *r = *state;
    struct nf_err err;
    add_tool(r, "look", "{\"a\":1}");
    say(r, NF_ROLE_USER, "hi");
    add_call(add_message(r, NF_ROLE_ASSISTANT), "c", "look", "{}");
    add_result(add_message(r, NF_ROLE_TOOL), "c", "x");
    for (size_t at = 1; at <= 100; at++) {
        struct nf_llm_body body = { 0 };
        nf_fail_alloc_at(at);
        enum nf_code rc = CODEC->encode(r, &claude, &body, &err);
        nf_fail_alloc_at(0);
        nf_llm_body_done(&body);
        assert_true(rc == NF_OK || rc == NF_E_NOMEM || rc == NF_E_INVALID);
    }
}

/* --- streams ---------------------------------------------------------------------------------- */

static void a_stream_is_the_same_wherever_it_is_cut(void **state)
{
    (void)state;
    assert_stream(CODEC,
                  START "event: ping\ndata: {\"type\": \"ping\"}\n\n" BLOCK(
                      0, "{\"type\":\"text\",\"text\":\"\"}") TEXT(0, "Gr\xc3\xbc\xc3\x9f ")
                      TEXT(0, "\xf0\x9f\x98\x80") BLOCK_END(0) STOPPED("end_turn", 15) STOP,
                  STOP_MARK,
                  "START msg_1 m\n" USAGE_START
                  "TEXT |Gr\xc3\xbc\xc3\x9f \nTEXT |\xf0\x9f\x98\x80\nUSAGE 5 15 100 20\nSTOP 1 -\n"
                  "END\n");
}

static void thinking_keeps_its_signature_also_in_pieces(void **state)
{
    (void)state;
    assert_stream(
        CODEC,
        START BLOCK(0, "{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}")
            DELTA(0, "{\"type\":\"thinking_delta\",\"thinking\":\"hm\"}")
                DELTA(0, "{\"type\":\"signature_delta\",\"signature\":\"si\"}") DELTA(
                    0, "{\"type\":\"signature_delta\",\"signature\":\"g\"}") BLOCK_END(0)
                    BLOCK(1, "{\"type\":\"redacted_thinking\",\"data\":\"opaque\"}") BLOCK_END(1)
                        BLOCK(2, "{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"only\"}")
                            BLOCK_END(2) BLOCK(3, "{\"type\":\"text\",\"text\":\"so\"}")
                                BLOCK_END(3) STOPPED("end_turn", 1) STOP,
        STOP_MARK,
        "START msg_1 m\n" USAGE_START
        "THINKING |hm\nSIGNATURE |sig\nREDACTED |opaque\nTHINKING\nSIGNATURE |only\nTEXT |so\n"
        "STOP 1 -\nEND\n");
}

static void calls_are_counted_by_tools_and_not_by_blocks(void **state)
{
    (void)state;
    assert_stream(
        CODEC,
        START BLOCK(0, "{\"type\":\"text\",\"text\":\"\"}") TEXT(0, "I look.") BLOCK_END(0)
            BLOCK(1, "{\"type\":\"tool_use\",\"id\":\"t1\",\"name\":\"look\",\"input\":{}}")
                ARGS(1, "") ARGS(1, "{\\\"q\\\"") ARGS(1, ":1}") BLOCK_END(1)
                    BLOCK(2, "{\"type\":\"tool_use\",\"id\":\"t2\",\"name\":\"rest\",\"input\":{}}")
                        ARGS(2, "") BLOCK_END(2) STOPPED("tool_use", 9) STOP,
        STOP_MARK,
        "START msg_1 m\n" USAGE_START
        "TEXT |I look.\nTOOL_START 0 t1 look\nTOOL_ARGS 0 |{\"q\"\nTOOL_ARGS 0 |:1}\nTOOL_END 0\n"
        "TOOL_START 1 t2 rest\nTOOL_ARGS 1 |{}\nTOOL_END 1\nUSAGE 5 9 100 20\nSTOP 4 -\nEND\n");
}

static void a_call_may_come_whole(void **state)
{
    (void)state;
    assert_events(CODEC,
                  START BLOCK(0, "{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\",\"input\":"
                                 "{\"a\":[1]}}") STOPPED("end_turn", 1) STOP,
                  "START msg_1 m\n" USAGE_START
                  "TOOL_START 0 t f\nTOOL_ARGS 0 |{\"a\":[1]}\nTOOL_END 0\nSTOP 4 -\nEND\n");
}

static void what_the_provider_does_itself_is_passed_over(void **state)
{
    (void)state;
    assert_events(
        CODEC,
        START BLOCK(0, "{\"type\":\"server_tool_use\",\"id\":\"s\",\"name\":\"web_search\","
                       "\"input\":{}}") ARGS(0, "{}") BLOCK_END(0)
            BLOCK(1, "{\"type\":\"web_search_tool_result\",\"content\":[]}") BLOCK_END(1)
                BLOCK(2, "{\"type\":\"text\",\"text\":\"\"}")
                    DELTA(2, "{\"type\":\"citations_delta\",\"citation\":{}}") TEXT(2, "found")
                        BLOCK_END(2) EVENT("{\"type\":\"tomorrow\",\"x\":1}")
                            STOPPED("pause_turn", 1) STOP,
        "START msg_1 m\n" USAGE_START "TEXT |found\nSTOP 6 -\nEND\n");
}

/* What the API's types had beside the above in November 2026. */
static void what_came_lately_does_no_harm(void **state)
{
    (void)state;
    assert_events(
        CODEC,
        START BLOCK(0, "{\"type\":\"compaction\",\"content\":null}")
            DELTA(0, "{\"type\":\"compaction_delta\",\"content\":\"short\"}") BLOCK_END(0) BLOCK(
                1, "{\"type\":\"tool_search_tool_result\",\"tool_use_id\":\"s\",\"content\":{}}")
                BLOCK_END(1) BLOCK(2, "{\"type\":\"container_upload\",\"file_id\":\"f\"}")
                    BLOCK_END(2) BLOCK(3, "{\"type\":\"text\",\"text\":\"\",\"citations\":null}")
                        TEXT(3, "yes") BLOCK_END(3)
                            EVENT("{\"type\":\"message_delta\",\"delta\":{\"container\":null,"
                                  "\"stop_details\":null,\"stop_reason\":\"end_turn\"},"
                                  "\"context_management\":{\"applied_edits\":[]}}") STOP,
        "START msg_1 m\n" USAGE_START "TEXT |yes\nSTOP 1 -\nEND\n");
}

static void every_stop_reason_is_known(void **state)
{
    (void)state;
    static const struct {
        const char *delta;
        const char *want;
    } cases[] = {
        { "\"stop_reason\":\"max_tokens\"", "STOP 2 -\n" },
        { "\"stop_reason\":\"stop_sequence\",\"stop_sequence\":\"END\"", "STOP 3 END\n" },
        { "\"stop_reason\":\"refusal\"", "STOP 5 -\n" },
        { "\"stop_reason\":\"refusal\",\"stop_sequence\":null,\"stop_details\":{\"type\":"
          "\"refusal\",\"category\":\"bio\",\"explanation\":\"Not this.\"}",
          "STOP 5 Not this.\n" },
        { "\"stop_reason\":\"refusal\",\"stop_details\":{\"explanation\":null}", "STOP 5 -\n" },
        { "\"stop_reason\":\"end_turn\",\"stop_details\":{\"explanation\":\"no\"}", "STOP 1 -\n" },
        { "\"stop_reason\":\"model_context_window_exceeded\"", "STOP 7 -\n" },
        { "\"stop_reason\":\"brand_new\"", "STOP 1 -\n" },
        { "\"stop_reason\":null", "STOP 1 -\n" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct nf_err err;
        struct nf_str s = { 0 };
        struct transcript t = { 0 };
        assert_ok(nf_str_addf(&s, &err,
                              START "data: {\"type\":\"message_delta\",\"delta\":{%s}}\n\n" STOP,
                              cases[i].delta),
                  &err);
        assert_ok(transcript_run(CODEC, &t, s.p, s.len, s.len, 1, &err), &err);
        if (!strstr(nf_str_c(&t.text), cases[i].want))
            fail_msg("%s: %s", cases[i].delta, nf_str_c(&t.text));
        nf_str_done(&t.text);
        nf_str_done(&s);
    }
}

static void counts_are_cumulative_and_not_added_up(void **state)
{
    (void)state;
    assert_events(CODEC,
                  START EVENT("{\"type\":\"message_delta\",\"delta\":{},\"usage\":{\"input_tokens\""
                              ":6,\"cache_creation_input_tokens\":20,\"cache_read_input_tokens\":"
                              "100,\"output_tokens\":9}}")
                      EVENT("{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"}}")
                          STOP,
                  "START msg_1 m\n" USAGE_START "USAGE 6 9 100 20\nSTOP 1 -\nEND\n");
}

static void an_error_in_the_stream_is_its_last_event(void **state)
{
    (void)state;
    assert_stream(CODEC,
                  START TEXT(0, "a") "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":"
                                     "\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n" STOP,
                  0,
                  "START msg_1 m\n" USAGE_START "TEXT |a\n"
                  "ERROR unavailable 529 overloaded_error |Overloaded\n");
    assert_events(CODEC,
                  EVENT("{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":"
                        "\"slow\"}}"),
                  "START - -\nERROR unavailable 429 rate_limit_error |slow\n");
    assert_events(CODEC,
                  EVENT("{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\","
                        "\"message\":\"prompt is too long\"}}"),
                  "START - -\nERROR limit 400 invalid_request_error |prompt is too long\n");
}

static void nonsense_is_an_error_and_no_success(void **state)
{
    (void)state;
    assert_events(CODEC, STOP,
                  "START - -\nERROR unavailable 0 bad_stream |the stream ended before it began\n");
    assert_events(CODEC, START "data: [1]\n\n" STOP,
                  "START msg_1 m\n" USAGE_START
                  "ERROR unavailable 0 bad_stream |an event that is no JSON object\n");
    assert_events(CODEC, START BLOCK(0, "{\"type\":\"tool_use\",\"id\":\"t\"}") STOP,
                  "START msg_1 m\n" USAGE_START
                  "ERROR unavailable 0 bad_stream |a tool call without a name\n");
    assert_events(CODEC, START TEXT(0, "a") STOPPED("end_turn", 2),
                  "START msg_1 m\n" USAGE_START "TEXT |a\nUSAGE 5 2 100 20\n"
                  "ERROR unavailable 0 truncated |the stream broke off before its end\n");
    /* Twice the same start is one start. */
    assert_events(CODEC, START START STOP, "START msg_1 m\n" USAGE_START "STOP 1 -\nEND\n");
}

static void decoding_survives_failed_allocations_and_receivers(void **state)
{
    (void)state;
    assert_survives_failures(
        CODEC,
        START BLOCK(0, "{\"type\":\"thinking\",\"signature\":\"x\"}") BLOCK_END(0)
            BLOCK(1, "{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\",\"input\":{\"a\":1}}")
                BLOCK_END(1) TEXT(2, "a") EVENT(
                    "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"stop_sequence\","
                    "\"stop_sequence\":\"END\"}}") STOP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        request_test(a_request_has_its_system_apart_and_always_max_tokens),
        request_test(max_tokens_is_within_the_models_bound),
        request_test(results_of_several_messages_come_first_in_one_user_message),
        request_test(a_result_without_its_call_becomes_text),
        request_test(arguments_that_are_no_object_do_not_wedge_the_conversation),
        request_test(thinking_goes_back_first_and_only_with_its_signature),
        request_test(messages_that_say_nothing_are_left_out),
        request_test(a_conversation_begins_with_the_user),
        request_test(attachments_are_blocks),
        request_test(tools_and_choices_are_told),
        request_test(only_the_last_four_cache_marks_are_sent),
        request_test(effort_depends_on_the_models_version),
        cmocka_unit_test(versions_are_read_from_names),
        request_test(newer_models_are_sent_no_sampling),
        request_test(formats_and_numbers_are_checked),
        request_test(encoding_survives_every_failed_allocation),
        cmocka_unit_test(a_stream_is_the_same_wherever_it_is_cut),
        cmocka_unit_test(thinking_keeps_its_signature_also_in_pieces),
        cmocka_unit_test(calls_are_counted_by_tools_and_not_by_blocks),
        cmocka_unit_test(a_call_may_come_whole),
        cmocka_unit_test(what_the_provider_does_itself_is_passed_over),
        cmocka_unit_test(what_came_lately_does_no_harm),
        cmocka_unit_test(every_stop_reason_is_known),
        cmocka_unit_test(counts_are_cumulative_and_not_added_up),
        cmocka_unit_test(an_error_in_the_stream_is_its_last_event),
        cmocka_unit_test(nonsense_is_an_error_and_no_success),
        cmocka_unit_test(decoding_survives_failed_allocations_and_receivers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
