/* Why a turn failed: read back from the words that were told. */
#include "domain/reason.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

/* The code and values of a text, as "code|value|value"; "" if it is none of ours. */
static const char *read_back(const char *text)
{
    static char all[512];
    struct nf_said r;
    if (!nf_said_of(&nf_turn_sayings, nf_slice_of(text), &r))
        return "";
    size_t n = (size_t)snprintf(all, sizeof(all), "%s", r.code);
    for (size_t i = 0; i < r.n; i++)
        n += (size_t)snprintf(all + n, sizeof(all) - n, "|%.*s", (int)r.values[i].n, r.values[i].p);
    return all;
}

static char said[512];
#define SAID(...) ((void)snprintf(said, sizeof(said), __VA_ARGS__), read_back(said))

static void every_reason_is_read_back_with_its_values(void **state)
{
    (void)state;
    assert_string_equal(read_back(NF_REASON_NO_MODEL), "no-model");
    assert_string_equal(SAID(NF_REASON_OUTPUT_LIMIT, "a/b"), "output-limit|a/b");
    assert_string_equal(SAID(NF_REASON_REFUSED, "a/b"), "refused|a/b");
    assert_string_equal(SAID(NF_REASON_NO_ROOM, "a/b"), "no-room|a/b");
    assert_string_equal(SAID(NF_REASON_NO_ANSWER, "a/b"), "no-answer|a/b");
    assert_string_equal(SAID(NF_REASON_ANSWER_CUT, 7), "answer-cut|7");
    assert_string_equal(SAID(NF_REASON_GAVE_UP, 3), "gave-up|3");
    assert_string_equal(SAID(NF_REASON_TOO_MANY_STEPS, 50), "too-many-steps|50");
    assert_string_equal(SAID(NF_REASON_SAME_CALL, "calc_evaluate", 3), "same-call|calc_evaluate|3");
    assert_string_equal(SAID(NF_REASON_WINDOW, 4096LL), "window|4096");
    assert_string_equal(SAID(NF_REASON_KEY_REFUSED, "a/b", 401, "a"), "key-refused|a/b|401|a");
    assert_string_equal(SAID(NF_REASON_NOT_ALLOWED, "a/b", "no (403): really"),
                        "not-allowed|a/b|no (403): really");
    assert_string_equal(SAID(NF_REASON_NO_CREDIT, "a/b", "a", 402), "no-credit|a/b|a|402");
    assert_string_equal(SAID(NF_REASON_RATE_LIMITED, "a/b", 30LL), "rate-limited|a/b|30");
    assert_string_equal(SAID(NF_REASON_MODEL_DOWN, "a/b", 503, ": ", "too (very) busy"),
                        "model-down|a/b|503: too (very) busy");
    assert_string_equal(SAID(NF_REASON_MODEL_DOWN, "a/b", 503, "", ""), "model-down|a/b|503");
    assert_string_equal(SAID(NF_REASON_NOT_A_STREAM, "a/b", 200, "", "", "a"),
                        "not-a-stream|a/b|200|a");
    assert_string_equal(SAID(NF_REASON_BROKE_OFF, "a/b"), "broke-off|a/b");
    assert_string_equal(SAID(NF_REASON_BAD_ANSWER, "a/b", "x", "a"), "bad-answer|a/b|x|a");
    assert_string_equal(SAID(NF_REASON_UNREACHABLE, "a/b", "refused", "a"),
                        "unreachable|a/b|refused|a");
    assert_string_equal(SAID(NF_REASON_LEFT_ALONE, "a/b", 30LL), "left-alone|a/b|30");
    assert_string_equal(SAID(NF_REASON_SILENT, "a/b", "60 s"), "silent|a/b|60 s");
    assert_string_equal(SAID(NF_REASON_FAILED, "a/b", "odd"), "failed|a/b|odd");
    assert_string_equal(SAID(NF_REASON_NO_SUCH_MODEL, "a/b", "a", 404, "", ""),
                        "no-such-model|a/b|a|404");
    assert_string_equal(SAID(NF_REASON_TOO_LONG, "a/b", 400, ": ", "over 8192"),
                        "too-long|a/b|400: over 8192");
    assert_string_equal(SAID(NF_REASON_BAD_REQUEST, "a/b", 400, ": ", "x"),
                        "bad-request|a/b|400: x");
    assert_string_equal(read_back(NF_REASON_STOPPED), "stopped");
}

static void what_is_not_whole_is_none_of_them(void **state)
{
    (void)state;
    assert_string_equal(read_back(""), "");
    assert_string_equal(read_back("Stopped"), "");
    assert_string_equal(read_back("Stopped. Really."), "");
    assert_string_equal(read_back(": the answer broke off before its end: try again"), "");
    assert_string_equal(read_back("x: the answer broke off before its end: try"), "");
    assert_string_equal(SAID("in front: " NF_REASON_TOO_MANY_STEPS, 50), "");
    assert_string_equal(read_back("something else"), "");
    /* It is cut like every error: shown as it is. */
    assert_string_equal(read_back("a/b cannot be reached (x): is 'a' running, and"), "");
}

/* What is said of a text in a language. */
static const char *say(const char *text, enum nf_lang lang)
{
    static char all[512];
    struct nf_str to = { 0 };
    struct nf_err err;
    assert_ok(nf_said_say(&nf_turn_sayings, nf_slice_of(text), lang, &to, &err), &err);
    (void)snprintf(all, sizeof(all), "%s", nf_str_c(&to));
    nf_str_done(&to);
    return all;
}

static void a_reason_is_said_in_another_language_with_its_values(void **state)
{
    (void)state;
    (void)SAID(NF_REASON_NO_CREDIT, "a/b", "{1}", 402);
    assert_string_equal(say(said, NF_LANG_EN), said);
    assert_string_equal(say(said, NF_LANG_RU),
                        "a/b: на счёте у «{1}» кончились деньги (402). Пополните его или выберите "
                        "другую модель");
    assert_string_equal(say(NF_REASON_STOPPED, NF_LANG_RU), "Остановлено.");
    assert_string_equal(say("none {0} of these", NF_LANG_RU), "none {0} of these");
    assert_string_equal(say("", NF_LANG_RU), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_reason_is_read_back_with_its_values),
        cmocka_unit_test(what_is_not_whole_is_none_of_them),
        cmocka_unit_test(a_reason_is_said_in_another_language_with_its_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
