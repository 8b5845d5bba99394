#include "tests/contract/fixture.h"

#define CREDENTIALS(f) ((f)->s.credentials)

static struct nf_credential credential(char digit, enum nf_credential_kind kind, int64_t expires_ms)
{
    struct nf_credential c = {
        .kind = kind, .user_id = 1, .created_ms = 5, .expires_ms = expires_ms
    };
    memset(c.hash, digit, NF_CREDENTIAL_HASH);
    return c;
}

static void given(struct fixture *f, const struct nf_credential *c)
{
    assert_ok(CREDENTIALS(f)->ops->put(CREDENTIALS(f), c, &f->err), &f->err);
}

static void a_credential_is_there_until_it_expires(void **state)
{
    struct fixture *f = *state;
    struct nf_credential c = credential('a', NF_CREDENTIAL_API, 100), got;
    given(f, &c);
    assert_ok(CREDENTIALS(f)->ops->get(CREDENTIALS(f), c.hash, 99, &got, &f->err), &f->err);
    assert_string_equal(got.hash, c.hash);
    assert_int_equal(got.kind, NF_CREDENTIAL_API);
    assert_int_equal(got.user_id, 1);
    assert_int_equal(got.expires_ms, 100);
    assert_code(CREDENTIALS(f)->ops->get(CREDENTIALS(f), c.hash, 100, &got, &f->err),
                NF_E_NOT_FOUND);
    assert_code(CREDENTIALS(f)->ops->put(CREDENTIALS(f), &c, &f->err), NF_E_CONFLICT);
}

static void a_link_is_exchanged_once(void **state)
{
    struct fixture *f = *state;
    struct nf_credential link = credential('a', NF_CREDENTIAL_LINK, 100);
    struct nf_credential cookie = credential('b', NF_CREDENTIAL_COOKIE, 900), got;
    given(f, &link);

    assert_ok(CREDENTIALS(f)->ops->exchange(CREDENTIALS(f), link.hash, 50, &cookie, &f->err),
              &f->err);
    assert_ok(CREDENTIALS(f)->ops->get(CREDENTIALS(f), cookie.hash, 50, &got, &f->err), &f->err);
    assert_int_equal(got.kind, NF_CREDENTIAL_COOKIE);
    assert_ok(CREDENTIALS(f)->ops->get(CREDENTIALS(f), link.hash, 50, &got, &f->err), &f->err);
    assert_int_equal(got.used_ms, 50);
    cookie = credential('c', NF_CREDENTIAL_COOKIE, 900);
    assert_code(CREDENTIALS(f)->ops->exchange(CREDENTIALS(f), link.hash, 51, &cookie, &f->err),
                NF_E_NOT_FOUND);
    assert_code(CREDENTIALS(f)->ops->get(CREDENTIALS(f), cookie.hash, 51, &got, &f->err),
                NF_E_NOT_FOUND);
}

static void what_is_no_fresh_link_is_not_exchanged(void **state)
{
    struct fixture *f = *state;
    struct nf_credential link = credential('a', NF_CREDENTIAL_LINK, 100);
    struct nf_credential api = credential('b', NF_CREDENTIAL_API, 100);
    struct nf_credential cookie = credential('c', NF_CREDENTIAL_COOKIE, 900);
    given(f, &link);
    given(f, &api);
    assert_code(CREDENTIALS(f)->ops->exchange(CREDENTIALS(f), link.hash, 100, &cookie, &f->err),
                NF_E_NOT_FOUND);
    assert_code(CREDENTIALS(f)->ops->exchange(CREDENTIALS(f), api.hash, 50, &cookie, &f->err),
                NF_E_NOT_FOUND);
    assert_code(CREDENTIALS(f)->ops->exchange(CREDENTIALS(f), cookie.hash, 50, &cookie, &f->err),
                NF_E_NOT_FOUND);
    /* A cookie that exists: the link stays unused. */
    assert_code(CREDENTIALS(f)->ops->exchange(CREDENTIALS(f), link.hash, 50, &api, &f->err),
                NF_E_CONFLICT);
    assert_ok(CREDENTIALS(f)->ops->exchange(CREDENTIALS(f), link.hash, 50, &cookie, &f->err),
              &f->err);
}

static void removing_is_final_and_may_be_repeated(void **state)
{
    struct fixture *f = *state;
    struct nf_credential c = credential('a', NF_CREDENTIAL_COOKIE, 100), got;
    given(f, &c);
    assert_ok(CREDENTIALS(f)->ops->remove(CREDENTIALS(f), c.hash, &f->err), &f->err);
    assert_ok(CREDENTIALS(f)->ops->remove(CREDENTIALS(f), c.hash, &f->err), &f->err);
    assert_code(CREDENTIALS(f)->ops->get(CREDENTIALS(f), c.hash, 1, &got, &f->err), NF_E_NOT_FOUND);
}

static void only_what_has_expired_is_swept(void **state)
{
    struct fixture *f = *state;
    struct nf_credential a = credential('a', NF_CREDENTIAL_COOKIE, 100), got;
    struct nf_credential b = credential('b', NF_CREDENTIAL_COOKIE, 101);
    given(f, &a);
    given(f, &b);
    assert_ok(CREDENTIALS(f)->ops->remove_expired(CREDENTIALS(f), 100, &f->err), &f->err);
    assert_code(CREDENTIALS(f)->ops->get(CREDENTIALS(f), a.hash, 1, &got, &f->err), NF_E_NOT_FOUND);
    assert_ok(CREDENTIALS(f)->ops->get(CREDENTIALS(f), b.hash, 1, &got, &f->err), &f->err);
}

static void out_of_memory_leaves_the_link_unused(void **state)
{
    struct fixture *f = *state;
    struct nf_credential link = credential('a', NF_CREDENTIAL_LINK, 100), got;
    struct nf_credential cookie = credential('b', NF_CREDENTIAL_COOKIE, 900);
    TORTURE(CREDENTIALS(f)->ops->put(CREDENTIALS(f), &link, &f->err), (void)0);
    TORTURE(CREDENTIALS(f)->ops->exchange(CREDENTIALS(f), link.hash, 50, &cookie, &f->err),
            assert_code(CREDENTIALS(f)->ops->get(CREDENTIALS(f), cookie.hash, 1, &got, &f->err),
                        NF_E_NOT_FOUND));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_credential_is_there_until_it_expires),
        cmocka_unit_test(a_link_is_exchanged_once),
        cmocka_unit_test(what_is_no_fresh_link_is_not_exchanged),
        cmocka_unit_test(removing_is_final_and_may_be_repeated),
        cmocka_unit_test(only_what_has_expired_is_swept),
        cmocka_unit_test(out_of_memory_leaves_the_link_unused),
    };
    return RUN_SUITE("credential_store", tests);
}
