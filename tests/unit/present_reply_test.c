/* What becomes of a reply, whatever was shown before it and whatever fails. */
#include "tests/unit/present_rig.h"

static void the_reply_takes_the_place_of_what_was_shown(void **state)
{
    struct world *w = *state;
    begin_text(w);
    say(w, "a text of two messages, nearly");
    pass(w, 5000);
    assert_string_equal(seen(w), "a text of two messag|es, nearly");
    assert_ok(reply(w, "short"), &w->err);
    assert_string_equal(seen(w), "short");
    assert_int_equal(w->sends, 2);
}

static void a_reply_that_nobody_watched_is_sent_whole(void **state)
{
    struct world *w = *state;
    assert_ok(w->s.chats->ops->put(w->s.chats, w->run_id, NF_CHAT_ASKED, "q7", 1, &w->err),
              &w->err);
    assert_ok(reply(w, "twenty characters ..and ten"), &w->err);
    assert_string_equal(seen(w), "twenty characters ..|and ten");
    assert_string_equal(w->v[0].reply_to, "q7");
    assert_string_equal(w->v[1].reply_to, "");
}

/* Each of us may send the placeholder that the other has sent before: who comes later takes the own
 * one away and goes on with the other's. */
static void an_instance_that_stood_still_does_not_double_the_reply(void **state)
{
    struct world *w = *state;
    w->other_at = 1;
    assert_ok(reply(w, "from the other"), &w->err);
    assert_string_equal(seen(w), "from the other");
    assert_int_equal(w->sends, 2);
}

static void nor_does_it_send_a_second_file(void **state)
{
    struct world *w = *state;
    char longer[6 * PART + 1];
    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    w->file_of_other = true;
    assert_ok(reply(w, longer), &w->err);
    assert_int_equal(w->documents, 1);
    assert_int_equal(w->removed_files, 1);
}

static void a_reply_that_took_long_rings(void **state)
{
    struct world *w = *state;
    begin_text(w);
    say(w, "what was said first");
    pass(w, NF_PRESENT_LATE_MS + 1);
    assert_ok(reply(w, "at last"), &w->err);
    assert_string_equal(seen(w), "at last");
    assert_false(w->v[0].there);
    assert_true(w->v[w->n - 1].rings);
}

static void a_long_reply_comes_as_a_file(void **state)
{
    struct world *w = *state;
    char text[PART * 3 + 2];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_ok(reply(w, text), &w->err);
    assert_int_equal(w->documents, 1);
    assert_ok(reply(w, text), &w->err);
    assert_int_equal(w->documents, 1);
    text[(size_t)PART * 3] = '\0';
    assert_ok(reply(w, text), &w->err);
    assert_string_equal(seen(w), "xxxxxxxxxxxxxxxxxxxx|xxxxxxxxxxxxxxxxxxxx|xxxxxxxxxxxxxxxxxxxx");
}

static void a_deleted_message_is_sent_anew(void **state)
{
    struct world *w = *state;
    begin_text(w);
    say(w, "shown");
    pass(w, 2000);
    w->v[0].there = false;
    assert_ok(reply(w, "reply"), &w->err);
    assert_string_equal(seen(w), "reply");
}

static bool is_placeholder(const char *text)
{
    return strcmp(text, "\xE2\x80\xA6") == 0;
}

/* Whatever call fails, before or after the network did it, and whatever was shown before: tried
 * again the reply is there once, and at most placeholders are left over. */
static void no_failure_loses_or_doubles_a_reply(void **state)
{
    static const enum nf_code codes[] = { NF_E_UNAVAILABLE, NF_E_CONFLICT, NF_E_CANCELED };
    int cases = 0;
    for (int shown = 0; shown < 2; shown++)
        for (int after = 0; after < 2; after++)
            for (size_t c = 0; c < sizeof(codes) / sizeof(*codes); c++)
                for (int call = 1; call < 12; call++) {
                    teardown(state);
                    setup(state);
                    struct world *w = *state;
                    if (shown) {
                        begin_text(w);
                        say(w, "this was said before, at length");
                        pass(w, 4000);
                    }
                    w->fail_at = w->calls + call;
                    w->after = after;
                    w->fail = codes[c];
                    enum nf_code rc = reply(w, "twenty characters ..and ten");
                    if (rc != NF_OK) {
                        /* That nobody knows about a placeholder is no reason to give up. */
                        if (codes[c] != NF_E_CONFLICT || rc != NF_E_UNAVAILABLE)
                            assert_code(rc, codes[c]);
                        assert_ok(reply(w, "twenty characters ..and ten"), &w->err);
                    }
                    int firsts = 0, seconds = 0;
                    for (size_t i = 0; i < w->n; i++) {
                        if (!w->v[i].there)
                            continue;
                        bool first = strcmp(w->v[i].text, "twenty characters ..") == 0;
                        bool second = strcmp(w->v[i].text, "and ten") == 0;
                        assert_true(first || second || is_placeholder(w->v[i].text));
                        firsts += first;
                        seconds += second;
                    }
                    assert_int_equal(firsts, 1);
                    assert_int_equal(seconds, 1);
                    cases++;
                }
    assert_int_equal(cases, 132);
}

static void out_of_memory_loses_nothing(void **state)
{
    for (size_t n = 1;; n++) {
        teardown(state);
        setup(state);
        struct world *w = *state;
        nf_fail_alloc_at(n);
        enum nf_code rc = reply(w, "twenty characters ..and ten");
        nf_fail_alloc_at(0);
        assert_true(n < 100);
        if (rc == NF_OK)
            return;
        assert_code(rc, NF_E_NOMEM);
        assert_ok(reply(w, "twenty characters ..and ten"), &w->err);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_reply_takes_the_place_of_what_was_shown),
        TEST(a_reply_that_nobody_watched_is_sent_whole),
        TEST(an_instance_that_stood_still_does_not_double_the_reply),
        TEST(nor_does_it_send_a_second_file),
        TEST(a_reply_that_took_long_rings),
        TEST(a_long_reply_comes_as_a_file),
        TEST(a_deleted_message_is_sent_anew),
        TEST(no_failure_loses_or_doubles_a_reply),
        TEST(out_of_memory_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
