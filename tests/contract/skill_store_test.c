#include "tests/contract/fixture.h"

static struct nf_skill skill(int64_t id, const char *name, char digit)
{
    struct nf_skill k;
    struct nf_err err;
    char hash[NF_SKILL_HASH + 1];
    memset(hash, digit, NF_SKILL_HASH);
    hash[NF_SKILL_HASH] = '\0';
    assert_ok(nf_skill_init(&k, id, name, "1.2.3", hash, 100 * id, &err), &err);
    return k;
}

static void given(struct fixture *f, const struct nf_skill *k)
{
    assert_ok(f->s.skills->ops->create(f->s.skills, k, 1, &f->err), &f->err);
}

static void an_installed_skill_is_found_as_it_was_stored(void **state)
{
    struct fixture *f = *state;
    struct nf_skill k = skill(1, "calc", 'a'), got;
    assert_ok(nf_skill_grant(&k, k.hash, 7, 150, &f->err), &f->err);
    assert_ok(nf_skill_become(&k, NF_SKILL_ENABLED, 160, &f->err), &f->err);
    given(f, &k);
    assert_ok(f->s.skills->ops->find(f->s.skills, "calc", &got, &f->err), &f->err);
    assert_memory_equal(&got, &k, sizeof(k));
    assert_code(f->s.skills->ops->find(f->s.skills, "cal", &got, &f->err), NF_E_NOT_FOUND);
}

static void a_name_is_installed_once_until_it_is_removed(void **state)
{
    struct fixture *f = *state;
    struct nf_skill k = skill(1, "calc", 'a'), again = skill(2, "calc", 'b'), got;
    given(f, &k);
    assert_code(f->s.skills->ops->create(f->s.skills, &again, 1, &f->err), NF_E_CONFLICT);
    assert_ok(nf_skill_become(&k, NF_SKILL_REMOVED, 200, &f->err), &f->err);
    assert_ok(f->s.skills->ops->update(f->s.skills, &k, 100, &f->err), &f->err);
    assert_code(f->s.skills->ops->find(f->s.skills, "calc", &got, &f->err), NF_E_NOT_FOUND);
    given(f, &again);
    assert_ok(f->s.skills->ops->find(f->s.skills, "calc", &got, &f->err), &f->err);
    assert_int_equal(got.id, 2);
}

static void several_are_installed_together_or_none(void **state)
{
    struct fixture *f = *state;
    struct nf_skill_store *store = f->s.skills;
    struct nf_skill v[3] = { skill(1, "web", 'a'), skill(2, "calc", 'b'), skill(3, "notes", 'c') };
    struct nf_skill more[2] = { skill(4, "text", 'd'), skill(5, "calc", 'e') }, got;
    struct nf_skills list = { 0 };
    assert_ok(store->ops->create(store, v, 3, &f->err), &f->err);
    assert_code(store->ops->create(store, more, 2, &f->err), NF_E_CONFLICT);
    assert_non_null(strstr(f->err.msg, "calc is installed"));
    assert_code(store->ops->find(store, "text", &got, &f->err), NF_E_NOT_FOUND);
    assert_ok(store->ops->list(store, &list, &f->err), &f->err);
    assert_int_equal(list.n, 3);
    assert_memory_equal(&list.v[0], &v[1], sizeof(v[1]));
    nf_skills_done(&list);
}

static void the_list_is_by_name_and_without_the_removed(void **state)
{
    struct fixture *f = *state;
    struct nf_skill a = skill(1, "web", 'a'), b = skill(2, "calc", 'b'), c = skill(3, "gone", 'c');
    struct nf_skills list = { 0 };
    assert_ok(f->s.skills->ops->list(f->s.skills, &list, &f->err), &f->err);
    assert_int_equal(list.n, 0);
    given(f, &a);
    given(f, &b);
    given(f, &c);
    assert_ok(nf_skill_become(&c, NF_SKILL_REMOVED, 400, &f->err), &f->err);
    assert_ok(f->s.skills->ops->update(f->s.skills, &c, 300, &f->err), &f->err);
    assert_ok(f->s.skills->ops->list(f->s.skills, &list, &f->err), &f->err);
    assert_int_equal(list.n, 2);
    assert_string_equal(list.v[0].name, "calc");
    assert_string_equal(list.v[1].name, "web");
    nf_skills_done(&list);
}

static void of_two_who_change_it_at_once_one_is_told(void **state)
{
    struct fixture *f = *state;
    struct nf_skill k = skill(1, "calc", 'a'), mine, theirs, got;
    given(f, &k);
    mine = theirs = k;
    assert_ok(nf_skill_grant(&theirs, k.hash, 8, 150, &f->err), &f->err);
    assert_ok(f->s.skills->ops->update(f->s.skills, &theirs, k.updated_ms, &f->err), &f->err);
    assert_ok(nf_skill_replace(&mine, "2.0.0", skill(1, "calc", 'b').hash, 151, &f->err), &f->err);
    assert_code(f->s.skills->ops->update(f->s.skills, &mine, k.updated_ms, &f->err), NF_E_CONFLICT);
    assert_ok(f->s.skills->ops->find(f->s.skills, "calc", &got, &f->err), &f->err);
    assert_int_equal(got.granted_by, 8);
    assert_string_equal(got.version, "1.2.3");
    assert_ok(f->s.skills->ops->update(f->s.skills, &mine, 150, &f->err), &f->err);
    assert_ok(f->s.skills->ops->find(f->s.skills, "calc", &got, &f->err), &f->err);
    assert_string_equal(got.granted_hash, "");
    assert_string_equal(got.version, "2.0.0");
}

static void out_of_memory_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct nf_skill k = skill(1, "calc", 'a'), got;
    struct nf_skills list = { 0 };
    TORTURE(
        f->s.skills->ops->create(f->s.skills, &k, 1, &f->err),
        assert_code(f->s.skills->ops->find(f->s.skills, "calc", &got, &f->err), NF_E_NOT_FOUND));
    TORTURE(f->s.skills->ops->list(f->s.skills, &list, &f->err), assert_int_equal(list.n, 0));
    nf_skills_done(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_installed_skill_is_found_as_it_was_stored),
        cmocka_unit_test(a_name_is_installed_once_until_it_is_removed),
        cmocka_unit_test(several_are_installed_together_or_none),
        cmocka_unit_test(the_list_is_by_name_and_without_the_removed),
        cmocka_unit_test(of_two_who_change_it_at_once_one_is_told),
        cmocka_unit_test(out_of_memory_changes_nothing),
    };
    return RUN_SUITE("skill_store", tests);
}
