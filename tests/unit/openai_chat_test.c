/* Chat Completions: what is asked. */
#include "llm/openai_chat.h"

#include "tests/unit/llm_transcript.h"

static const struct nf_llm_target gpt = { .model = "gpt-x", .output_tokens = 4096 };
static const struct nf_llm_target local = { .model = "qwen", .compatible = true };

#define CODEC (&nf_openai_chat)

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

    name[64] = 'a';
    name[65] = '\0';
    only_tool(r, name, "");
    assert_refused(CODEC, r, &gpt, "tools[0].name:");
    only_tool(r, "a.b", "");
    assert_refused(CODEC, r, &gpt, "tools[0].name:");
    only_tool(r, "ok", "[]");
    assert_refused(CODEC, r, &gpt, "tools[0].schema: ok:");
    only_tool(r, "ok", "{\"anyOf\":[]}");
    assert_body_has(CODEC, r, &gpt, "\"parameters\":{\"type\":\"object\",\"anyOf\":[]}");
}

static void tools_are_written_once_for_all_requests(void **state)
{
    struct nf_completion_request *r = *state;
    NF_CLEANUP(nf_llm_body_done) struct nf_llm_body first = { 0 }, second = { 0 };
    struct nf_err err;
    say(r, NF_ROLE_USER, "hi");
    add_tool(r, "look", "{}");

    assert_ok(CODEC->encode(r, &gpt, &first, &err), &err);
    assert_ok(CODEC->encode(r, &gpt, &second, &err), &err);

    assert_true(first.tools.n > 0);
    assert_ptr_equal(first.tools.p, second.tools.p);
    only_tool(r, "hear", "{}");
    assert_body_lacks(CODEC, r, &gpt, "look");
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
        struct nf_llm_body body = { 0 };
        nf_fail_alloc_at(at);
        enum nf_code rc = CODEC->encode(r, &gpt, &body, &err);
        nf_fail_alloc_at(0);
        nf_llm_body_done(&body);
        if (rc == NF_OK && at > 100)
            break;
        assert_true(rc != NF_OK || at > 1);
    }
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
        request_test(tools_are_written_once_for_all_requests),
        request_test(a_choice_of_tools_is_told),
        request_test(formats_effort_and_user_are_told),
        request_test(encoding_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
