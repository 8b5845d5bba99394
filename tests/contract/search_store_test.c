#include "tests/contract/fixture.h"

#define SEARCH(f) ((f)->s.search)

/* A question and its answer, which is always "answer". */
static void said(struct fixture *f, int64_t session, int64_t n, const char *text)
{
    char id[16];
    struct answer a;
    struct nf_finished done;
    struct nf_accepted got;
    (void)snprintf(id, sizeof(id), "m%d", (int)n);
    struct nf_accept in = message(session, n, id);
    in.content = text;
    in.now_ms = 1000 * n;
    assert_ok(f->s.turns->ops->accept(f->s.turns, &in, &got, &f->err), &f->err);
    assert_ok(f->s.turns->ops->finish(f->s.turns, answer(&a, &got.claim, 1000 * n + 500), 9000 + n,
                                      &done, &f->err),
              &f->err);
}

static struct nf_search_hits hits;

/* Where the words are, as "session/seq session/seq". */
static const char *found(struct fixture *f, struct nf_search q, const char *text)
{
    static char line[256];
    struct nf_search_words words;
    size_t at = 0;
    bool more;
    line[0] = '\0';
    nf_search_hits_done(&hits);
    assert_ok(nf_search_words_of(text, strlen(text), &words, &f->err), &f->err);
    q.words = &words;
    q.user_id = q.user_id ? q.user_id : 1;
    q.limit = q.limit ? q.limit : 50;
    do
        assert_ok(SEARCH(f)->ops->index(SEARCH(f), q.user_id, 3, &more, &f->err), &f->err);
    while (more);
    assert_ok(SEARCH(f)->ops->find(SEARCH(f), &q, &hits, &f->err), &f->err);
    for (size_t i = 0; i < hits.n; i++)
        at += (size_t)snprintf(line + at, sizeof(line) - at, "%s%d/%d", i ? " " : "",
                               (int)hits.v[i].session_id, (int)hits.v[i].seq);
    return line;
}

static const struct nf_search anywhere = { 0 };

static void what_has_all_words_is_found_newest_first(void **state)
{
    struct fixture *f = *state;
    given_session(f, 7);
    given_session(f, 8);
    said(f, 7, 1, "Plan the summer holiday in Greece");
    said(f, 8, 2, "What does a holiday cost?");
    said(f, 7, 3, "Nothing to do with it");

    assert_string_equal(found(f, anywhere, "holiday"), "8/1 7/1");
    assert_int_equal(hits.v[0].at_ms, 2000);
    assert_int_equal(hits.v[0].role, NF_ROLE_USER);
    assert_string_equal(hits.v[0].title, "Title");
    assert_non_null(strstr(hits.v[0].snippet, "\x02holiday\x03"));
    assert_string_equal(found(f, anywhere, "GREECE holiday"), "7/1");
    assert_string_equal(found(f, anywhere, "greece cost"), "");
    assert_string_equal(found(f, anywhere, "answer"), "7/4 8/2 7/2");
    nf_search_hits_done(&hits);
}

static void the_last_word_may_be_only_begun(void **state)
{
    struct fixture *f = *state;
    given_session(f, 7);
    said(f, 7, 1, "Plan the summer holiday");
    assert_string_equal(found(f, anywhere, "plan holi"), "7/1");
    assert_string_equal(found(f, anywhere, "holi plan"), "");
    assert_string_equal(found(f, anywhere, "holi "), "");
    nf_search_hits_done(&hits);
}

static void people_find_only_what_is_theirs(void **state)
{
    struct fixture *f = *state;
    given_session(f, 7);
    said(f, 7, 1, "a secret");
    assert_string_equal(found(f, (struct nf_search){ .user_id = 2 }, "secret"), "");
    assert_string_equal(found(f, anywhere, "secret"), "7/1");
    nf_search_hits_done(&hits);
}

static void one_session_can_be_asked_for_and_pages_follow_one_another(void **state)
{
    struct fixture *f = *state;
    given_session(f, 7);
    given_session(f, 8);
    for (int64_t n = 1; n <= 4; n++)
        said(f, n % 2 ? 7 : 8, n, "the same word");
    assert_string_equal(found(f, (struct nf_search){ .session_id = 8 }, "same"), "8/3 8/1");
    assert_string_equal(found(f, (struct nf_search){ .limit = 2 }, "same"), "8/3 7/3");
    struct nf_search next = { .before_ms = hits.v[1].at_ms,
                              .before_session = hits.v[1].session_id,
                              .before_seq = hits.v[1].seq };
    assert_string_equal(found(f, next, "same"), "8/1 7/1");
    nf_search_hits_done(&hits);
}

static void what_is_asked_for_is_no_language(void **state)
{
    static const char *const odd[] = {
        "\"",       "holiday\"",          "' OR 1=1 --", "a* NEAR b", "holiday:*",
        "(holiday", "-holiday AND NOT x", "col:holiday", "\\'x"
    };
    struct fixture *f = *state;
    struct nf_search_words words;
    given_session(f, 7);
    said(f, 7, 1, "it's a holiday");
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
        if (nf_search_words_of(odd[i], strlen(odd[i]), &words, &f->err) == NF_OK)
            (void)found(f, anywhere, odd[i]);
    assert_string_equal(found(f, anywhere, "holiday"), "7/1");
    nf_search_hits_done(&hits);
}

static void what_is_under_way_is_found_when_it_ended(void **state)
{
    struct fixture *f = *state;
    struct answer a;
    struct nf_finished done;
    given_session(f, 7);
    struct nf_accepted got = given_message(f, 7, 1, "m1");
    assert_string_equal(found(f, anywhere, "answer"), "");
    assert_ok(
        f->s.turns->ops->finish(f->s.turns, answer(&a, &got.claim, 1500), 9001, &done, &f->err),
        &f->err);
    assert_string_equal(found(f, anywhere, "answer"), "7/2");
    nf_search_hits_done(&hits);
}

static void what_was_deleted_is_not_found(void **state)
{
    struct fixture *f = *state;
    given_session(f, 7);
    given_session(f, 8);
    said(f, 7, 1, "the same word");
    said(f, 8, 2, "the same word");
    assert_string_equal(found(f, anywhere, "same"), "8/1 7/1");
    assert_ok(f->s.sessions->ops->remove(f->s.sessions, 8, 1, &f->err), &f->err);
    assert_string_equal(found(f, anywhere, "same"), "7/1");
    nf_search_hits_done(&hits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_has_all_words_is_found_newest_first),
        cmocka_unit_test(the_last_word_may_be_only_begun),
        cmocka_unit_test(people_find_only_what_is_theirs),
        cmocka_unit_test(one_session_can_be_asked_for_and_pages_follow_one_another),
        cmocka_unit_test(what_is_asked_for_is_no_language),
        cmocka_unit_test(what_is_under_way_is_found_when_it_ended),
        cmocka_unit_test(what_was_deleted_is_not_found),
    };
    return RUN_SUITE("search_store", tests);
}
