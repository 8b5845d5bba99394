/* Events that differ in their text alone are known without being parsed, and no others. */
#include "llm/repeat.h"

#include "base/own.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BEFORE "{\"id\":1,\"delta\":{\"text\":\""
#define AFTER "\"},\"end\":null}"

static struct nf_llm_repeat repeat;

static int setup(void **state)
{
    (void)state;
    repeat = (struct nf_llm_repeat){ 0 };
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    nf_llm_repeat_done(&repeat);
    return 0;
}

static void learn(const char *data)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *d = NULL;
    struct nf_err err;
    assert_ok(nf_json_parse_piece(data, strlen(data), &d, &err), &err);
    const struct nf_json *v = nf_json_get(nf_json_get(nf_json_root(d), "delta"), "text");
    nf_llm_repeat_learn(&repeat, d, v, NF_EVENT_TEXT, data, strlen(data));
}

/* In memory of its own, so that a read past its end is seen. Bytes that matched. */
static size_t match_stream(const char *stream, size_t n, struct nf_slice *text)
{
    char *copy = malloc(n + (n == 0));
    assert_non_null(copy);
    memcpy(copy, stream, n);
    size_t taken = nf_llm_repeat_match(&repeat, copy, n, text);
    if (taken > 0)
        *text = (struct nf_slice){ stream + (text->p - copy), text->n };
    free(copy);
    return taken;
}

/* As an event of a stream. */
static bool match(const char *data, struct nf_slice *text)
{
    static const char field[] = "data: ", end[] = "\n\n";
    size_t n = strlen(data), head = sizeof(field) - 1, all = head + n + sizeof(end) - 1;
    char *stream = malloc(all + 1);
    assert_non_null(stream);
    (void)snprintf(stream, all + 1, "%s%s%s", field, data, end);
    size_t taken = match_stream(stream, all, text);
    assert_true(taken == 0 || taken == all);
    if (taken > 0)
        *text = (struct nf_slice){ data + ((size_t)(text->p - stream) - head), text->n };
    free(stream);
    return taken > 0;
}

static bool matches(const char *data)
{
    struct nf_slice text;
    return match(data, &text);
}

static void another_text_between_the_same_is_found(void **state)
{
    static const char *const texts[] = { "", "a", "two words", "\xd0\xb6", "}]{[:,", "'" };
    (void)state;
    assert_false(matches(BEFORE "one" AFTER));
    learn(BEFORE "one" AFTER);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char data[128];
        struct nf_slice text;
        (void)snprintf(data, sizeof(data), BEFORE "%s" AFTER, texts[i]);
        assert_true(match(data, &text));
        assert_true(nf_slice_eq(text, texts[i]));
    }
}

static void what_is_not_plain_is_left_to_the_parser(void **state)
{
    static const char *const texts[] = { "a\\n", "\\u0041", "a\",\"b\":\"c", "\x01",
                                         "a\tb", "\xff",    "\xd0",          "a\\" };
    (void)state;
    learn(BEFORE "one" AFTER);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char data[128];
        (void)snprintf(data, sizeof(data), BEFORE "%s" AFTER, texts[i]);
        assert_false(matches(data));
    }
}

static void anything_else_is_another_event(void **state)
{
    (void)state;
    learn(BEFORE "one" AFTER);
    assert_false(matches("{\"id\":2,\"delta\":{\"text\":\"one" AFTER));
    assert_false(matches(BEFORE "one\"},\"end\":true}"));
    assert_false(matches(BEFORE "one" AFTER " "));
    assert_false(matches(BEFORE));
    assert_false(matches(AFTER));
    /* What stands before and behind may not share a byte. */
    assert_false(matches("{\"id\":1,\"delta\":{\"text\":\"},\"end\":null}"));
    assert_false(matches(""));
}

static void an_event_is_taken_with_the_line_that_ends_it(void **state)
{
    static const char first[] = "data: " BEFORE "one" AFTER "\n\n",
                      crlf[] = "data: " BEFORE "two" AFTER "\r\n\r\n",
                      both[] =
                          "data: " BEFORE "three" AFTER "\n\ndata: " BEFORE "four" AFTER "\n\n";
    struct nf_slice text;
    (void)state;
    learn(BEFORE "one" AFTER);
    assert_int_equal(match_stream(crlf, sizeof(crlf) - 1, &text), sizeof(crlf) - 1);
    assert_true(nf_slice_eq(text, "two"));
    size_t taken = match_stream(both, sizeof(both) - 1, &text);
    assert_int_equal(taken, sizeof("data: " BEFORE "three" AFTER "\n\n") - 1);
    assert_true(nf_slice_eq(text, "three"));
    assert_int_equal(match_stream(both + taken, sizeof(both) - 1 - taken, &text),
                     sizeof(both) - 1 - taken);
    assert_true(nf_slice_eq(text, "four"));
    for (size_t n = 0; n < sizeof(first) - 1; n++) /* not here as a whole */
        assert_int_equal(match_stream(first, n, &text), 0);
    for (size_t n = 0; n < sizeof(crlf) - 1; n++)
        assert_int_equal(match_stream(crlf, n, &text), 0);
}

static void an_event_of_another_form_is_left_to_the_parser(void **state)
{
    static const char *const streams[] = {
        "data:" BEFORE "one" AFTER "\n\n",          "event: " BEFORE "one" AFTER "\n\n",
        "data: " BEFORE "one" AFTER "\r\r",         "data: " BEFORE "one" AFTER "\ndata: more\n\n",
        "data:  " BEFORE "one" AFTER "\n\n",        "data: " BEFORE "one" AFTER "\n \n",
        "data: " BEFORE "o\ndata: ne" AFTER "\n\n",
    };
    struct nf_slice text;
    (void)state;
    learn(BEFORE "one" AFTER);
    for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++)
        assert_int_equal(match_stream(streams[i], strlen(streams[i]), &text), 0);
}

static void only_a_plain_text_is_learned(void **state)
{
    (void)state;
    learn(BEFORE "o\\ne" AFTER);
    learn("{\"delta\":{\"text\":7}}");
    learn("{\"delta\":{}}");
    assert_false(matches(BEFORE "one" AFTER));
    learn(BEFORE "" AFTER);
    assert_true(matches(BEFORE "one" AFTER));
}

static void the_newest_is_remembered(void **state)
{
    (void)state;
    learn(BEFORE "one" AFTER);
    learn("{\"delta\":{\"text\":\"one\"}}");
    assert_false(matches(BEFORE "two" AFTER));
    assert_true(matches("{\"delta\":{\"text\":\"two\"}}"));
}

static void who_is_new_each_time_is_not_learned_for_ever(void **state)
{
    char data[64];
    (void)state;
    for (int i = 0; i < NF_LLM_REPEAT_MISSES; i++) {
        (void)snprintf(data, sizeof(data), "{\"id\":%d,\"delta\":{\"text\":\"a\"}}", i);
        learn(data);
    }
    assert_true(matches(data)); /* and then the count begins anew */
    for (int i = 0; i <= NF_LLM_REPEAT_MISSES; i++) {
        (void)snprintf(data, sizeof(data), "{\"id\":%d,\"delta\":{\"text\":\"a\"}}", i);
        learn(data);
    }
    assert_false(matches(data));
}

/* An event of `around` bytes around a text of `n`, learned and looked for. */
static bool known(size_t around, size_t n)
{
    static const char head[] = "{\"delta\":{\"text\":\"", tail[] = "\"},\"p\":\"", end[] = "\"}";
    size_t pad = around - (sizeof(head) + sizeof(tail) + sizeof(end) - 3), at = 0;
    char *data = calloc(1, around + n + 1);
    assert_non_null(data);
    memcpy(data, head, sizeof(head) - 1);
    at += sizeof(head) - 1;
    memset(data + at, 'a', n);
    at += n;
    memcpy(data + at, tail, sizeof(tail) - 1);
    at += sizeof(tail) - 1;
    memset(data + at, 'b', pad);
    memcpy(data + at + pad, end, sizeof(end));
    learn(data);
    bool found = matches(data);
    free(data);
    return found;
}

static void what_is_remembered_has_a_bound(void **state)
{
    (void)state;
    assert_true(known(NF_LLM_REPEAT_MAX, 3));
    (void)teardown(state);
    (void)setup(state);
    assert_false(known(NF_LLM_REPEAT_MAX + 1, 3));
}

static void long_texts_are_left_to_the_parser(void **state)
{
    (void)state;
    assert_true(known(100, NF_LLM_REPEAT_TEXT_MAX));
    assert_false(known(100, NF_LLM_REPEAT_TEXT_MAX + 1));
}

static void without_memory_nothing_is_learned(void **state)
{
    (void)state;
    static const char data[] = BEFORE "one" AFTER;
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *d = NULL;
    struct nf_err err;
    assert_ok(nf_json_parse_piece(data, strlen(data), &d, &err), &err);
    const struct nf_json *v = nf_json_get(nf_json_get(nf_json_root(d), "delta"), "text");
    nf_fail_alloc_at(1);
    nf_llm_repeat_learn(&repeat, d, v, NF_EVENT_TEXT, data, strlen(data));
    nf_fail_alloc_at(0);
    assert_false(matches(data));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(another_text_between_the_same_is_found),
        T(what_is_not_plain_is_left_to_the_parser),
        T(anything_else_is_another_event),
        T(an_event_is_taken_with_the_line_that_ends_it),
        T(an_event_of_another_form_is_left_to_the_parser),
        T(only_a_plain_text_is_learned),
        T(the_newest_is_remembered),
        T(who_is_new_each_time_is_not_learned_for_ever),
        T(what_is_remembered_has_a_bound),
        T(long_texts_are_left_to_the_parser),
        T(without_memory_nothing_is_learned),
    };
#undef T
    return cmocka_run_group_tests(tests, NULL, NULL);
}
