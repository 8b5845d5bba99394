#include "llm/openai_chat.h"

#include "tests/unit/llm_transcript.h"

static const struct nf_llm_target gpt = { .model = "gpt-x", .output_tokens = 4096 };
static const struct nf_llm_target local = { .model = "qwen", .compatible = true };

#define CODEC (&nf_openai_chat)
#define CHUNK(delta)                                                                               \
    "data: {\"id\":\"c1\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":" delta "}]}\n\n"
#define FINISH(reason)                                                                             \
    "data: {\"id\":\"c1\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{},"                 \
    "\"finish_reason\":\"" reason "\"}]}\n\n"
#define DONE "data: [DONE]\n\n"
#define DONE_MARK 2 /* without the last two line ends the mark has not arrived */

/* --- requests --------------------------------------------------------------------------------- */

static void a_request_has_system_messages_and_asks_for_usage(void **state)
{
    struct nf_completion_request *r = *state;
    struct nf_err err;
    assert_ok(nf_completion_add_system(r, "Be brief.", &err), &err);
    assert_ok(nf_completion_add_system(r, "", &err), &err);
    assert_ok(nf_completion_add_system(r, "Be kind.", &err), &err);
    say(r, NF_ROLE_USER, "Hi \"you\"");
    r->max_tokens = 100;
    r->temperature = 0.5;

    assert_body(CODEC, r, &gpt,
                "{\"model\":\"gpt-x\",\"stream\":true,\"stream_options\":{\"include_usage\":true},"
                "\"max_completion_tokens\":100,\"temperature\":0.5,\"messages\":["
                "{\"role\":\"system\",\"content\":\"Be brief.\\n\\nBe kind.\"},"
                "{\"role\":\"user\",\"content\":\"Hi \\\"you\\\"\"}]}");
}

static void a_compatible_server_gets_the_older_max_tokens(void **state)
{
    struct nf_completion_request *r = *state;
    say(r, NF_ROLE_USER, "hi");
    r->max_tokens = 7;

    assert_body_has(CODEC, r, &local, "\"max_tokens\":7");
    assert_body_lacks(CODEC, r, &local, "max_completion_tokens");
}

static void max_tokens_is_cut_to_what_the_model_can(void **state)
{
    struct nf_completion_request *r = *state;
    say(r, NF_ROLE_USER, "hi");

    assert_body_lacks(CODEC, r, &gpt, "max_completion_tokens");
    r->max_tokens = 4096;
    assert_body_has(CODEC, r, &gpt, "\"max_completion_tokens\":4096,");
    r->max_tokens = 4097;
    assert_body_has(CODEC, r, &gpt, "\"max_completion_tokens\":4096,");
}

static void calls_and_results_become_tool_messages(void **state)
{
    struct nf_completion_request *r = *state;
    add_tool(r, "look",
             "{\"type\":\"object\",\"properties\":{\"q\":{\"$ref\":\"#/$defs/q\"}},"
             "\"$defs\":{\"q\":{\"type\":\"string\"}}}");
    add_tool(r, "rest", NULL);
    say(r, NF_ROLE_USER, "go");
    struct nf_chat_message *m = add_message(r, NF_ROLE_ASSISTANT);
    add_call(m, "call_1", "look", "{\"q\":1}");
    add_call(m, "call_2", "rest", "");
    m = add_message(r, NF_ROLE_TOOL);
    add_result(m, "call_1", "found");
    add_result(m, "call_2", NULL)->is_error = true;

    assert_body_has(CODEC, r, &gpt,
                    "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"look\","
                    "\"description\":\"does things\",\"parameters\":{\"type\":\"object\","
                    "\"properties\":{\"q\":{\"$ref\":\"#/$defs/q\"}},\"$defs\":{\"q\":"
                    "{\"type\":\"string\"}}}}},{\"type\":\"function\",\"function\":{\"name\":"
                    "\"rest\",\"description\":\"does things\",\"parameters\":{\"type\":\"object\","
                    "\"properties\":{}}}}]");
    assert_body_has(CODEC, r, &gpt,
                    "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":["
                    "{\"id\":\"call_1\",\"type\":\"function\",\"function\":{\"name\":\"look\","
                    "\"arguments\":\"{\\\"q\\\":1}\"}},"
                    "{\"id\":\"call_2\",\"type\":\"function\",\"function\":{\"name\":\"rest\","
                    "\"arguments\":\"{}\"}}]},"
                    "{\"role\":\"tool\",\"tool_call_id\":\"call_1\",\"content\":\"found\"},"
                    "{\"role\":\"tool\",\"tool_call_id\":\"call_2\",\"content\":\"Error: \"}");
}

static void arguments_that_are_no_object_do_not_wedge_the_conversation(void **state)
{
    struct nf_completion_request *r = *state;
    say(r, NF_ROLE_USER, "go");
    add_call(add_message(r, NF_ROLE_ASSISTANT), "c", "look", "{\"q\":");

    assert_body_has(CODEC, r, &gpt,
                    "\"arguments\":\"{\\\"invalid_arguments\\\":\\\"{\\\\\\\"q\\\\\\\":\\\"}\"");
}

static void a_result_without_its_call_becomes_text(void **state)
{
    struct nf_completion_request *r = *state;
    add_result(add_message(r, NF_ROLE_TOOL), "gone", "42");
    say(r, NF_ROLE_USER, "and?");

    assert_body_has(CODEC, r, &gpt,
                    "{\"role\":\"user\",\"content\":\"Result of an earlier tool call: 42\"}");
    assert_body_lacks(CODEC, r, &gpt, "\"tool\"");
}

static void messages_that_say_nothing_are_left_out(void **state)
{
    struct nf_completion_request *r = *state;
    say(r, NF_ROLE_USER, "");
    add_part(add_message(r, NF_ROLE_ASSISTANT), NF_PART_THINKING, "hm");
    say(r, NF_ROLE_USER, "hi");

    assert_body_has(CODEC, r, &gpt, "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]");
}

static void a_refusal_goes_back_as_one(void **state)
{
    struct nf_completion_request *r = *state;
    say(r, NF_ROLE_USER, "hi");
    add_part(add_message(r, NF_ROLE_ASSISTANT), NF_PART_REFUSAL, "no");

    assert_body_has(CODEC, r, &gpt, "{\"role\":\"assistant\",\"content\":null,\"refusal\":\"no\"}");
}

static void images_and_documents_are_parts(void **state)
{
    struct nf_completion_request *r = *state;
    struct nf_chat_message *m = add_message(r, NF_ROLE_USER);
    add_part(m, NF_PART_TEXT, "see");
    add_media(m, NF_PART_IMAGE, "image/png", "QUJD", NULL);
    add_media(m, NF_PART_IMAGE, NULL, NULL, "https://x.example/a.png");
    add_media(m, NF_PART_DOCUMENT, "application/pdf", "REVG", NULL)->name = strdup("a.pdf");

    assert_body_has(
        CODEC, r, &gpt,
        "\"content\":[{\"type\":\"text\",\"text\":\"see\"},"
        "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,QUJD\"}},"
        "{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://x.example/a.png\"}},"
        "{\"type\":\"file\",\"file\":{\"filename\":\"a.pdf\","
        "\"file_data\":\"data:application/pdf;base64,REVG\"}}]");
}

static void audio_and_documents_by_url_are_refused(void **state)
{
    struct nf_completion_request *r = *state;
    struct nf_chat_message *m = add_message(r, NF_ROLE_USER);
    add_media(m, NF_PART_DOCUMENT, NULL, NULL, "https://x.example/a.pdf");
    assert_refused(CODEC, r, &gpt, "document: OpenAI takes no documents by URL");

    add_media(m, NF_PART_AUDIO, "audio/wav", "QUJD", NULL);
    assert_refused(CODEC, r, &gpt, "messages[0]: OpenAI is not given audio");
}

static void numbers_out_of_range_are_refused_by_name(void **state)
{
    struct nf_completion_request *r = *state;
    say(r, NF_ROLE_USER, "hi");

    r->temperature = 2.0;
    assert_body_has(CODEC, r, &gpt, "\"temperature\":2");
    r->temperature = 2.01;
    assert_refused(CODEC, r, &gpt, "temperature: 2.01 is not within 0 to 2");
    r->temperature = -0.1;
    assert_refused(CODEC, r, &gpt, "temperature:");
    r->temperature = NF_NOT_SET;
    r->top_p = 1.1;
    assert_refused(CODEC, r, &gpt, "top_p:");
    r->top_p = 1.0;
    r->top_k = 5;
    assert_refused(CODEC, r, &gpt, "top_k:");
    assert_body_has(CODEC, r, &local, "\"top_k\":5");
    r->top_k = 0;
    for (r->stop_n = 0; r->stop_n < 4; r->stop_n++)
        r->stop[r->stop_n] = strdup("x");
    assert_body_has(CODEC, r, &gpt, "\"stop\":[\"x\",\"x\",\"x\",\"x\"]");
    r->stop[r->stop_n++] = strdup("x");
    assert_refused(CODEC, r, &gpt, "stop: 5 sequences; OpenAI takes at most 4");
}

static void a_request_without_messages_is_refused(void **state)
{
    assert_refused(CODEC, *state, &gpt, "messages:");
}

static void tool_names_and_schemas_are_checked(void **state)
{
    struct nf_completion_request *r = *state;
    char name[66];
    memset(name, 'a', sizeof(name));
    say(r, NF_ROLE_USER, "hi");
    name[64] = '\0';
    add_tool(r, name, "");
    assert_body_has(CODEC, r, &gpt, name);

    free(r->tools[0].name);
    name[64] = 'a';
    name[65] = '\0';
    r->tools[0].name = strdup(name);
    assert_refused(CODEC, r, &gpt, "tools[0].name:");
    free(r->tools[0].name);
    r->tools[0].name = strdup("a.b");
    assert_refused(CODEC, r, &gpt, "tools[0].name:");
    free(r->tools[0].name);
    r->tools[0].name = strdup("ok");
    free(r->tools[0].schema);
    r->tools[0].schema = strdup("[]");
    assert_refused(CODEC, r, &gpt, "tools[0].schema: ok:");
    free(r->tools[0].schema);
    r->tools[0].schema = strdup("{\"anyOf\":[]}");
    assert_body_has(CODEC, r, &gpt, "\"parameters\":{\"type\":\"object\",\"anyOf\":[]}");
}

static void a_choice_of_tools_is_told(void **state)
{
    struct nf_completion_request *r = *state;
    say(r, NF_ROLE_USER, "hi");
    r->tool_choice = NF_TOOL_CHOICE_REQUIRED;
    assert_refused(CODEC, r, &gpt, "tool_choice:");

    add_tool(r, "look", NULL);
    r->no_parallel_tools = true;
    assert_body_has(CODEC, r, &gpt, "\"tool_choice\":\"required\",\"parallel_tool_calls\":false");
    r->tool_choice = NF_TOOL_CHOICE_NONE;
    assert_body_has(CODEC, r, &gpt, "\"tool_choice\":\"none\"");
    r->tool_choice = NF_TOOL_CHOICE_NAMED;
    r->tool_choice_name = strdup("look");
    assert_body_has(CODEC, r, &gpt,
                    "\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"look\"}}");
    free(r->tool_choice_name);
    r->tool_choice_name = strdup("other");
    assert_refused(CODEC, r, &gpt, "tool_choice:");
}

static void formats_effort_and_user_are_told(void **state)
{
    struct nf_completion_request *r = *state;
    say(r, NF_ROLE_USER, "hi");
    r->user = strdup("u1");
    r->thinking_budget = 8192;
    r->format = NF_FORMAT_JSON;
    assert_body_has(CODEC, r, &gpt,
                    "\"reasoning_effort\":\"medium\",\"user\":\"u1\","
                    "\"response_format\":{\"type\":\"json_object\"}");

    r->effort = NF_EFFORT_NONE;
    r->format = NF_FORMAT_JSON_SCHEMA;
    assert_refused(CODEC, r, &gpt, "format_schema:");
    r->format_schema = strdup("{\"type\":\"object\"}");
    r->format_strict = true;
    assert_body_has(CODEC, r, &gpt,
                    "\"reasoning_effort\":\"none\",\"user\":\"u1\",\"response_format\":{"
                    "\"type\":\"json_schema\",\"json_schema\":{\"name\":\"answer\","
                    "\"schema\":{\"type\":\"object\"},\"strict\":true}}");
}

static void encoding_survives_every_failed_allocation(void **state)
{
    struct nf_completion_request *r = *state;
    struct nf_err err;
    add_tool(r, "look", "{\"a\":1}");
    struct nf_chat_message *m = add_message(r, NF_ROLE_USER);
    add_media(m, NF_PART_IMAGE, "image/png", "QUJD", NULL);
    add_call(add_message(r, NF_ROLE_ASSISTANT), "c", "look", "{}");
    add_result(add_message(r, NF_ROLE_TOOL), "c", "x");
    for (size_t at = 1;; at++) {
        struct nf_str body = { 0 };
        nf_fail_alloc_at(at);
        enum nf_code rc = CODEC->encode(r, &gpt, &body, &err);
        nf_fail_alloc_at(0);
        nf_str_done(&body);
        if (rc == NF_OK && at > 100)
            break;
        assert_true(rc != NF_OK || at > 1);
    }
}

/* --- streams ---------------------------------------------------------------------------------- */

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        request_test(a_request_has_system_messages_and_asks_for_usage),
        request_test(a_compatible_server_gets_the_older_max_tokens),
        request_test(max_tokens_is_cut_to_what_the_model_can),
        request_test(calls_and_results_become_tool_messages),
        request_test(arguments_that_are_no_object_do_not_wedge_the_conversation),
        request_test(a_result_without_its_call_becomes_text),
        request_test(messages_that_say_nothing_are_left_out),
        request_test(a_refusal_goes_back_as_one),
        request_test(images_and_documents_are_parts),
        request_test(audio_and_documents_by_url_are_refused),
        request_test(numbers_out_of_range_are_refused_by_name),
        request_test(a_request_without_messages_is_refused),
        request_test(tool_names_and_schemas_are_checked),
        request_test(a_choice_of_tools_is_told),
        request_test(formats_effort_and_user_are_told),
        request_test(encoding_survives_every_failed_allocation),
        cmocka_unit_test(a_stream_is_the_same_wherever_it_is_cut),
        cmocka_unit_test(parallel_calls_may_interleave),
        cmocka_unit_test(calls_are_told_apart_in_spite_of_sloppy_servers),
        cmocka_unit_test(the_number_of_calls_is_bounded),
        cmocka_unit_test(one_chunk_may_hold_everything),
        cmocka_unit_test(a_character_that_was_cut_in_two_is_put_together),
        cmocka_unit_test(thinking_comes_in_several_forms),
        cmocka_unit_test(text_after_the_reason_still_counts),
        cmocka_unit_test(other_choices_and_other_fields_are_ignored),
        cmocka_unit_test(an_event_may_be_long),
        cmocka_unit_test(refusals_are_told),
        cmocka_unit_test(usage_is_normalised_and_sane),
        cmocka_unit_test(an_error_in_the_stream_is_its_last_event),
        cmocka_unit_test(nonsense_is_an_error_and_no_success),
        cmocka_unit_test(decoding_survives_failed_allocations_and_receivers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
