#include "tests/contract/fixture.h"

#define QUOTA INT64_C(1000000)

static struct nf_kv_key key_of(const char *skill, int64_t user, const char *key)
{
    return (struct nf_kv_key){ .skill = skill, .user_id = user, .key = key };
}

static enum nf_code put(struct fixture *f, const struct nf_kv_key *k, const char *value,
                        int64_t quota)
{
    return f->s.kv->ops->put(f->s.kv, k, value, strlen(value), quota, 5, &f->err);
}

static const char *get(struct fixture *f, const struct nf_kv_key *k)
{
    static char text[256];
    struct nf_str s = { 0 };
    assert_ok(f->s.kv->ops->get(f->s.kv, k, &s, &f->err), &f->err);
    (void)snprintf(text, sizeof(text), "%s", nf_str_c(&s));
    nf_str_done(&s);
    return text;
}

static void a_value_is_kept_per_skill_and_person(void **state)
{
    struct fixture *f = *state;
    struct nf_str s = { 0 };
    struct nf_kv_key mine = key_of("notes", 1, "a"), theirs = key_of("notes", 2, "a");
    struct nf_kv_key other = key_of("web", 1, "a");
    assert_ok(put(f, &mine, "one", QUOTA), &f->err);
    assert_ok(put(f, &theirs, "two", QUOTA), &f->err);
    assert_string_equal(get(f, &mine), "one");
    assert_string_equal(get(f, &theirs), "two");
    assert_code(f->s.kv->ops->get(f->s.kv, &other, &s, &f->err), NF_E_NOT_FOUND);
    assert_ok(put(f, &mine, "three", QUOTA), &f->err);
    assert_string_equal(get(f, &mine), "three");
}

static void a_value_holds_any_bytes_and_a_get_appends(void **state)
{
    static const char bytes[] = "a\0b\xff\xfe'";
    struct fixture *f = *state;
    struct nf_str s = { 0 };
    struct nf_kv_key k = key_of("notes", 1, "bin"), empty = key_of("notes", 1, "empty");
    assert_ok(f->s.kv->ops->put(f->s.kv, &k, bytes, sizeof(bytes), QUOTA, 5, &f->err), &f->err);
    assert_ok(put(f, &empty, "", QUOTA), &f->err);
    assert_ok(nf_str_adds(&s, "x", &f->err), &f->err);
    assert_ok(f->s.kv->ops->get(f->s.kv, &k, &s, &f->err), &f->err);
    assert_ok(f->s.kv->ops->get(f->s.kv, &empty, &s, &f->err), &f->err);
    assert_int_equal(s.len, 1 + sizeof(bytes));
    assert_memory_equal(s.p + 1, bytes, sizeof(bytes));
    nf_str_done(&s);
}

static void the_quota_counts_keys_and_values_of_one_person(void **state)
{
    struct fixture *f = *state;
    struct nf_kv_key a = key_of("notes", 1, "a"), b = key_of("notes", 1, "b");
    struct nf_kv_key theirs = key_of("notes", 2, "a");
    assert_code(put(f, &a, "1234567890", 10), NF_E_LIMIT);
    assert_ok(put(f, &a, "1234567890", 11), &f->err);
    assert_code(put(f, &b, "1", 12), NF_E_LIMIT);
    assert_string_equal(get(f, &a), "1234567890");
    assert_ok(put(f, &theirs, "1", 12), &f->err);
    assert_ok(put(f, &a, "12345678", 12), &f->err); /* what it replaces does not count */
    assert_ok(put(f, &b, "1", 12), &f->err);
}

static void a_key_or_value_over_its_limit_is_refused(void **state)
{
    struct fixture *f = *state;
    char longest[NF_KV_KEY_MAX + 2];
    memset(longest, 'k', sizeof(longest));
    longest[NF_KV_KEY_MAX + 1] = '\0';
    struct nf_kv_key bad[] = { key_of("s", 1, ""), key_of("s", 1, "a b"), key_of("s", 1, "\x7f"),
                               key_of("s", 1, "\xc3\xa4"), key_of("s", 1, longest) };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_code(put(f, &bad[i], "1", QUOTA), NF_E_INVALID);
    longest[NF_KV_KEY_MAX] = '\0';
    struct nf_kv_key good = key_of("s", 1, longest);
    char *value = calloc(1, NF_KV_VALUE_MAX + 1);
    assert_non_null(value);
    enum nf_code most =
        f->s.kv->ops->put(f->s.kv, &good, value, NF_KV_VALUE_MAX, QUOTA, 5, &f->err);
    enum nf_code more =
        f->s.kv->ops->put(f->s.kv, &good, value, NF_KV_VALUE_MAX + 1, QUOTA, 5, &f->err);
    free(value);
    assert_ok(most, &f->err);
    assert_code(more, NF_E_LIMIT);
}

static void what_is_removed_is_gone(void **state)
{
    struct fixture *f = *state;
    struct nf_str s = { 0 };
    struct nf_kv_key k = key_of("notes", 1, "a"), other = key_of("web", 3, "a");
    assert_ok(put(f, &k, "one", QUOTA), &f->err);
    assert_ok(f->s.kv->ops->remove(f->s.kv, &k, &f->err), &f->err);
    assert_code(f->s.kv->ops->remove(f->s.kv, &k, &f->err), NF_E_NOT_FOUND);
    assert_ok(put(f, &k, "one", QUOTA), &f->err);
    assert_ok(put(f, &other, "two", QUOTA), &f->err);
    assert_ok(f->s.kv->ops->clear(f->s.kv, "notes", &f->err), &f->err);
    assert_code(f->s.kv->ops->get(f->s.kv, &k, &s, &f->err), NF_E_NOT_FOUND);
    assert_string_equal(get(f, &other), "two");
}

static void expect_list(struct fixture *f, const char *prefix, const char *after, size_t limit,
                        const char *want)
{
    struct nf_kv_key k = key_of("notes", 1, NULL);
    struct nf_kv_names names = { 0 };
    char text[128] = "";
    assert_ok(f->s.kv->ops->list(f->s.kv, &k, prefix, after, limit, &names, &f->err), &f->err);
    for (size_t i = 0; i < names.n; i++) {
        strcat(text, names.v[i]);
        strcat(text, " ");
    }
    nf_kv_names_done(&names);
    assert_string_equal(text, want);
}

static void keys_are_listed_in_byte_order_by_prefix_and_page(void **state)
{
    static const char *const keys[] = { "b", "n/2", "n/10", "N/1", "n/1", "n~", "n" };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        struct nf_kv_key k = key_of("notes", 1, keys[i]), other = key_of("notes", 2, "n/3");
        assert_ok(put(f, &k, "", QUOTA), &f->err);
        assert_ok(put(f, &other, "", QUOTA), &f->err);
    }
    expect_list(f, "", "", 100, "N/1 b n n/1 n/10 n/2 n~ ");
    expect_list(f, "n/", "", 100, "n/1 n/10 n/2 ");
    expect_list(f, "n/", "n/1", 1, "n/10 ");
    expect_list(f, "x", "", 100, "");
    struct nf_kv_key k = key_of("notes", 1, NULL);
    struct nf_kv_names names = { 0 };
    assert_code(f->s.kv->ops->list(f->s.kv, &k, "", "", 0, &names, &f->err), NF_E_INVALID);
    assert_code(f->s.kv->ops->list(f->s.kv, &k, "", "", NF_KV_LIST_MAX + 1, &names, &f->err),
                NF_E_INVALID);
    assert_code(f->s.kv->ops->list(f->s.kv, &k, "a b", "", 1, &names, &f->err), NF_E_INVALID);
}

static void out_of_memory_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct nf_kv_key k = key_of("notes", 1, "a");
    struct nf_kv_names names = { 0 };
    assert_ok(put(f, &k, "one", QUOTA), &f->err);
    TORTURE(put(f, &k, "two", QUOTA), assert_string_equal(get(f, &k), "one"));
    TORTURE(f->s.kv->ops->list(f->s.kv, &k, "", "", 10, &names, &f->err),
            assert_int_equal(names.n, 0));
    nf_kv_names_done(&names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_is_kept_per_skill_and_person),
        cmocka_unit_test(a_value_holds_any_bytes_and_a_get_appends),
        cmocka_unit_test(the_quota_counts_keys_and_values_of_one_person),
        cmocka_unit_test(a_key_or_value_over_its_limit_is_refused),
        cmocka_unit_test(what_is_removed_is_gone),
        cmocka_unit_test(keys_are_listed_in_byte_order_by_prefix_and_page),
        cmocka_unit_test(out_of_memory_changes_nothing),
    };
    return RUN_SUITE("kv_store", tests);
}
