#include "tests/contract/fixture.h"

#define NOTES(f) ((f)->s.notes)

static enum nf_code put(struct fixture *f, const char *source, const char *name, const char *value,
                        int64_t expires)
{
    return NOTES(f)->ops->put(NOTES(f), source, name, value, expires, &f->err);
}

/* "name=value@expires " of a source, by name. */
static const char *listed(struct fixture *f, const char *source, const char *after, int64_t now,
                          size_t limit)
{
    static char text[512];
    struct nf_notes list = { 0 };
    size_t at = 0;
    assert_ok(NOTES(f)->ops->list(NOTES(f), source, after, now, limit, &list, &f->err), &f->err);
    text[0] = '\0';
    for (size_t i = 0; i < list.n; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%s=%s@%lld ", list.v[i].name,
                               list.v[i].value, (long long)list.v[i].expires_ms);
    nf_notes_done(&list);
    return text;
}

static void a_note_is_there_until_it_expires(void **state)
{
    struct fixture *f = *state;
    assert_ok(put(f, "discord:1", "b", "two", 100), &f->err);
    assert_ok(put(f, "discord:1", "a", "", 50), &f->err);
    assert_ok(put(f, "discord:2", "a", "other", 100), &f->err);
    assert_string_equal(listed(f, "discord:1", "", 10, 9), "a=@50 b=two@100 ");
    assert_string_equal(listed(f, "discord:1", "", 50, 9), "b=two@100 ");
    assert_string_equal(listed(f, "discord:1", "", 10, 1), "a=@50 ");
    assert_string_equal(listed(f, "discord:1", "a", 10, 9), "b=two@100 ");
    assert_string_equal(listed(f, "discord:1", "", 100, 9), "");
}

static void one_note_is_read_by_its_name(void **state)
{
    struct fixture *f = *state;
    struct nf_note_store *s = NOTES(f);
    struct nf_note n = { .expires_ms = 0 };
    assert_ok(put(f, "s", "a", "one", 50), &f->err);
    assert_code(s->ops->get(s, "s", "b", 10, &n, &f->err), NF_E_NOT_FOUND);
    assert_code(s->ops->get(s, "t", "a", 10, &n, &f->err), NF_E_NOT_FOUND);
    assert_code(s->ops->get(s, "s", "a", 50, &n, &f->err), NF_E_NOT_FOUND);
    TORTURE(s->ops->get(s, "s", "a", 49, &n, &f->err), assert_null(n.value));
    bool right = strcmp(n.name, "a") == 0 && strcmp(n.value, "one") == 0 && n.expires_ms == 50;
    nf_note_done(&n);
    assert_true(right);
}

static void a_later_note_takes_the_place_of_an_earlier_one(void **state)
{
    struct fixture *f = *state;
    assert_ok(put(f, "s", "a", "one", 50), &f->err);
    assert_ok(put(f, "s", "a", "two", 70), &f->err);
    assert_string_equal(listed(f, "s", "", 10, 9), "a=two@70 ");
}

static void only_the_first_may_add_one(void **state)
{
    struct fixture *f = *state;
    struct nf_note_store *s = NOTES(f);
    assert_ok(s->ops->add(s, "s", "a", "one", 10, 50, &f->err), &f->err);
    assert_code(s->ops->add(s, "s", "a", "two", 49, 90, &f->err), NF_E_CONFLICT);
    assert_string_equal(listed(f, "s", "", 10, 9), "a=one@50 ");
    assert_ok(s->ops->add(s, "s", "a", "three", 50, 90, &f->err), &f->err);
    assert_string_equal(listed(f, "s", "", 50, 9), "a=three@90 ");
}

static void what_is_dropped_or_tidied_is_gone(void **state)
{
    struct fixture *f = *state;
    struct nf_note_store *s = NOTES(f);
    assert_ok(put(f, "s", "a", "one", 50), &f->err);
    assert_ok(put(f, "s", "b", "two", 60), &f->err);
    assert_ok(put(f, "s", "c", "three", 70), &f->err);
    assert_ok(s->ops->drop(s, "s", "b", &f->err), &f->err);
    assert_ok(s->ops->drop(s, "s", "none", &f->err), &f->err);
    assert_ok(s->ops->tidy(s, 50, &f->err), &f->err);
    assert_string_equal(listed(f, "s", "", 0, 9), "c=three@70 ");
}

static void names_and_values_have_limits(void **state)
{
    struct fixture *f = *state;
    char name[NF_NOTE_NAME_MAX + 2], source[NF_CURSOR_SOURCE_MAX + 2];
    char *value = calloc(1, NF_NOTE_VALUE_MAX + 2);
    assert_non_null(value);
    memset(name, 'n', sizeof(name));
    memset(source, 's', sizeof(source));
    memset(value, 'v', NF_NOTE_VALUE_MAX + 1);
    name[NF_NOTE_NAME_MAX + 1] = source[NF_CURSOR_SOURCE_MAX + 1] = '\0';
    enum nf_code long_name = put(f, "s", name, "", 9), long_source = put(f, source, "a", "", 9);
    enum nf_code long_value = put(f, "s", "a", value, 9);
    name[NF_NOTE_NAME_MAX] = source[NF_CURSOR_SOURCE_MAX] = value[NF_NOTE_VALUE_MAX] = '\0';
    enum nf_code fits = put(f, source, name, value, 9);
    free(value);
    assert_code(long_name, NF_E_LIMIT);
    assert_code(long_source, NF_E_LIMIT);
    assert_code(long_value, NF_E_LIMIT);
    assert_ok(fits, &f->err);
}

static void what_fails_for_lack_of_memory_can_be_done_again(void **state)
{
    struct fixture *f = *state;
    struct nf_note_store *s = NOTES(f);
    struct nf_notes list = { 0 };
    TORTURE(s->ops->put(s, "s", "a", "one", 50, &f->err), (void)0);
    TORTURE(s->ops->add(s, "s", "b", "two", 10, 50, &f->err), (void)0);
    TORTURE(s->ops->list(s, "s", "", 10, 9, &list, &f->err), assert_int_equal(list.n, 0));
    assert_int_equal(list.n, 2);
    nf_notes_done(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_note_is_there_until_it_expires),
        cmocka_unit_test(one_note_is_read_by_its_name),
        cmocka_unit_test(a_later_note_takes_the_place_of_an_earlier_one),
        cmocka_unit_test(only_the_first_may_add_one),
        cmocka_unit_test(what_is_dropped_or_tidied_is_gone),
        cmocka_unit_test(names_and_values_have_limits),
        cmocka_unit_test(what_fails_for_lack_of_memory_can_be_done_again),
    };
    return RUN_SUITE("note_store", tests);
}
