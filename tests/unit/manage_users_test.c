/* Who may use this installation, and how a browser gets in. */
#include "application/manage_users.h"

#include "application/manage_sessions.h"
#include "tests/unit/use_case_fixture.h"

#define ANY NF_SLICE("")

static struct nf_user added(struct world *w, const char *name, enum nf_user_role role)
{
    struct nf_user u;
    w->now++;
    assert_ok(nf_user_add(&w->app, &w->user, name, role, &u, &w->err), &w->err);
    return u;
}

/* A stand-in for a SHA-256 in hex. */
static const char *hash(char c)
{
    static char text[4][NF_CREDENTIAL_HASH + 1];
    static int next;
    next = (next + 1) % 4;
    memset(text[next], c, NF_CREDENTIAL_HASH);
    return text[next];
}

static void the_owner_is_made_once(void **state)
{
    struct world *w = *state;
    struct nf_user first, again;
    assert_ok(nf_ensure_owner(&w->app, &first, &w->err), &w->err);
    assert_true(first.id == USER); /* it was there */
    nf_stores_done(&w->s);
    assert_ok(nf_memory_store_new(&w->s, &w->err), &w->err);
    w->app.users = w->s.users;
    assert_ok(nf_ensure_owner(&w->app, &first, &w->err), &w->err);
    assert_int_equal(first.role, NF_USER_OWNER);
    assert_ok(nf_ensure_owner(&w->app, &again, &w->err), &w->err);
    assert_true(first.id == again.id);
}

/* Who may make whom: one line per actor, one column per role of the new user. */
static void who_may_add_whom(void **state)
{
    static const bool may[4][4] = { [NF_USER_OWNER] = { 0, 1, 1, 1 },
                                    [NF_USER_ADMIN] = { 0, 0, 0, 1 },
                                    [NF_USER_USER] = { 0, 0, 0, 0 } };
    struct world *w = *state;
    struct nf_user u;
    for (enum nf_user_role actor = NF_USER_OWNER; actor <= NF_USER_USER; actor++) {
        struct nf_user by = added(w, "Actor", actor);
        for (enum nf_user_role role = NF_USER_OWNER; role <= NF_USER_USER; role++)
            assert_code(nf_user_add(&w->app, &by, "New", role, &u, &w->err),
                        may[actor][role] ? NF_OK : NF_E_DENIED);
        by.status = NF_USER_BLOCKED;
        assert_code(nf_user_add(&w->app, &by, "New", NF_USER_USER, &u, &w->err), NF_E_DENIED);
    }
}

static void who_may_change_whom(void **state)
{
    static const bool may[4][4] = { [NF_USER_OWNER] = { 0, 1, 1, 1 },
                                    [NF_USER_ADMIN] = { 0, 0, 0, 1 },
                                    [NF_USER_USER] = { 0, 0, 0, 0 } };
    struct world *w = *state;
    struct nf_user ret;
    for (enum nf_user_role actor = NF_USER_OWNER; actor <= NF_USER_USER; actor++) {
        struct nf_user by = added(w, "Actor", actor);
        for (enum nf_user_role role = NF_USER_OWNER; role <= NF_USER_USER; role++) {
            struct nf_user u = added(w, "Target", role);
            enum nf_code want = may[actor][role] ? NF_OK : NF_E_DENIED;
            assert_code(nf_user_change(&w->app, &by, u.id, "Renamed", 0, 0, &ret, &w->err), want);
            assert_code(nf_user_change(&w->app, &by, u.id, NULL, 0, NF_USER_BLOCKED, &ret, &w->err),
                        want);
            assert_code(nf_user_change(&w->app, &by, u.id, NULL, NF_USER_USER, 0, &ret, &w->err),
                        want);
            assert_code(nf_user_change(&w->app, &by, u.id, NULL, NF_USER_ADMIN, 0, &ret, &w->err),
                        actor == NF_USER_OWNER ? NF_OK : NF_E_DENIED);
        }
    }
    assert_code(nf_user_change(&w->app, &w->user, 4711, "X", 0, 0, &ret, &w->err), NF_E_NOT_FOUND);
}

static void one_may_rename_oneself_but_not_promote_or_block(void **state)
{
    struct world *w = *state;
    struct nf_user u;
    assert_ok(nf_user_change(&w->app, &w->user, USER, "Ada L.", 0, 0, &u, &w->err), &w->err);
    assert_string_equal(u.name, "Ada L.");
    assert_code(nf_user_change(&w->app, &w->user, USER, NULL, NF_USER_USER, 0, &u, &w->err),
                NF_E_DENIED);
    assert_code(nf_user_change(&w->app, &w->user, USER, NULL, 0, NF_USER_BLOCKED, &u, &w->err),
                NF_E_DENIED);
    assert_code(nf_user_change(&w->app, &w->user, USER, " ", 0, 0, &u, &w->err), NF_E_INVALID);
}

static void the_last_owner_stays(void **state)
{
    struct world *w = *state;
    struct nf_user u;
    struct nf_user second = added(w, "Second", NF_USER_OWNER);
    assert_ok(nf_user_change(&w->app, &second, USER, NULL, NF_USER_USER, 0, &u, &w->err), &w->err);
    /* The one who lost the role still holds the old copy of it. */
    assert_code(nf_user_change(&w->app, &w->user, second.id, NULL, 0, NF_USER_BLOCKED, &u, &w->err),
                NF_E_CONFLICT);
}

static void users_are_listed_to_those_who_manage_them(void **state)
{
    struct world *w = *state;
    struct nf_users list = { 0 };
    struct nf_user user = added(w, "Bob", NF_USER_USER);
    struct nf_user_filter f = { .limit = 10 };
    assert_code(nf_user_list(&w->app, &user, &f, ANY, &list, &w->err), NF_E_DENIED);
    f.limit = 0;
    assert_code(nf_user_list(&w->app, &w->user, &f, ANY, &list, &w->err), NF_E_INVALID);
    f.limit = 201;
    assert_code(nf_user_list(&w->app, &w->user, &f, ANY, &list, &w->err), NF_E_INVALID);
    f.limit = 200;
    assert_ok(nf_user_list(&w->app, &w->user, &f, ANY, &list, &w->err), &w->err);
    assert_int_equal(list.n, 2);
    nf_users_done(&list);
    f = (struct nf_user_filter){ .after_id = USER, .limit = 1 };
    assert_ok(nf_user_list(&w->app, &w->user, &f, ANY, &list, &w->err), &w->err);
    assert_int_equal(list.n, 1);
    assert_true(list.v[0].id == user.id);
    nf_users_done(&list);
}

/* The names of those that are listed. */
static const char *named(struct world *w, const struct nf_user_filter *f, const char *part)
{
    static char all[512];
    struct nf_users list = { 0 };
    size_t n = 0;
    assert_ok(nf_user_list(&w->app, &w->user, f, nf_slice_of(part), &list, &w->err), &w->err);
    all[0] = '\0';
    for (size_t i = 0; i < list.n; i++)
        n += (size_t)snprintf(all + n, sizeof(all) - n, "%s,", list.v[i].name);
    nf_users_done(&list);
    return all;
}

static void users_are_found_by_a_part_of_their_name(void **state)
{
    struct world *w = *state;
    struct nf_user_filter f = { .limit = 10 };
    struct nf_users list = { 0 };
    char name[NF_NAME_MAX + 2];
    struct nf_user vera = added(w, "Вера Павлова", NF_USER_USER);
    (void)added(w, "Bob", NF_USER_USER);
    (void)added(w, "ПАВЕЛ", NF_USER_ADMIN);

    assert_string_equal(named(w, &f, "пав"), "Вера Павлова,ПАВЕЛ,");
    f.role = NF_USER_ADMIN;
    assert_string_equal(named(w, &f, "пав"), "ПАВЕЛ,");
    f = (struct nf_user_filter){ .limit = 1 };
    assert_string_equal(named(w, &f, "пав"), "Вера Павлова,");
    f.after_id = vera.id;
    assert_string_equal(named(w, &f, "пав"), "ПАВЕЛ,");
    assert_string_equal(named(w, &f, "nobody"), "");

    memset(name, 'x', sizeof(name));
    struct nf_slice part = { name, NF_NAME_MAX };
    assert_ok(nf_user_list(&w->app, &w->user, &f, part, &list, &w->err), &w->err);
    nf_users_done(&list);
    part.n++;
    assert_code(nf_user_list(&w->app, &w->user, &f, part, &list, &w->err), NF_E_INVALID);
    assert_code(nf_user_list(&w->app, &w->user, &f, NF_SLICE("\xd0"), &list, &w->err),
                NF_E_INVALID);
}

static void the_whole_list_is_looked_through_for_a_name(void **state)
{
    struct world *w = *state;
    const struct nf_user_filter f = { .limit = 1 };
    for (int i = 0; i < 2 * NF_PAGE_MAX; i++)
        (void)added(w, "Somebody", NF_USER_USER);
    (void)added(w, "Last of all", NF_USER_USER);
    assert_string_equal(named(w, &f, "LAST"), "Last of all,");
}

/* --- links and cookies ------------------------------------------------------------------------ */

static void a_link_lets_one_browser_in(void **state)
{
    struct world *w = *state;
    struct nf_user u;
    assert_ok(nf_link_create(&w->app, &w->user, USER, hash('a'), &w->err), &w->err);
    assert_code(nf_cookie_user(&w->app, hash('c'), &u, &w->err), NF_E_DENIED);
    assert_ok(nf_link_exchange(&w->app, hash('a'), hash('c'), &u, &w->err), &w->err);
    assert_true(u.id == USER);
    assert_ok(nf_cookie_user(&w->app, hash('c'), &u, &w->err), &w->err);
    assert_true(u.id == USER);
    assert_code(nf_link_exchange(&w->app, hash('a'), hash('d'), &u, &w->err), NF_E_DENIED);
    assert_code(nf_cookie_user(&w->app, hash('d'), &u, &w->err), NF_E_DENIED);
    assert_code(nf_cookie_user(&w->app, hash('a'), &u, &w->err), NF_E_DENIED); /* no cookie */
    assert_code(nf_link_exchange(&w->app, hash('c'), hash('e'), &u, &w->err),
                NF_E_DENIED); /* no link */
    assert_ok(nf_cookie_revoke(&w->app, hash('c'), &w->err), &w->err);
    assert_code(nf_cookie_user(&w->app, hash('c'), &u, &w->err), NF_E_DENIED);
}

static void links_and_cookies_expire(void **state)
{
    struct world *w = *state;
    struct nf_user u;
    int64_t begin = w->now;
    assert_ok(nf_link_create(&w->app, &w->user, USER, hash('a'), &w->err), &w->err);
    assert_ok(nf_link_create(&w->app, &w->user, USER, hash('b'), &w->err), &w->err);
    w->now = begin + NF_LINK_TTL_MS - 1;
    assert_ok(nf_link_exchange(&w->app, hash('a'), hash('c'), &u, &w->err), &w->err);
    w->now = begin + NF_LINK_TTL_MS;
    assert_code(nf_link_exchange(&w->app, hash('b'), hash('d'), &u, &w->err), NF_E_DENIED);
    begin = begin + NF_LINK_TTL_MS - 1;
    w->now = begin + NF_COOKIE_TTL_MS - 1;
    assert_ok(nf_cookie_user(&w->app, hash('c'), &u, &w->err), &w->err);
    w->now++;
    assert_code(nf_cookie_user(&w->app, hash('c'), &u, &w->err), NF_E_DENIED);
}

static void who_is_blocked_is_out_at_once(void **state)
{
    struct world *w = *state;
    struct nf_user u, bob = added(w, "Bob", NF_USER_USER);
    assert_ok(nf_link_create(&w->app, &w->user, bob.id, hash('a'), &w->err), &w->err);
    assert_ok(nf_link_create(&w->app, &w->user, bob.id, hash('b'), &w->err), &w->err);
    assert_ok(nf_link_exchange(&w->app, hash('a'), hash('c'), &u, &w->err), &w->err);
    assert_ok(nf_user_change(&w->app, &w->user, bob.id, NULL, 0, NF_USER_BLOCKED, &u, &w->err),
              &w->err);
    assert_code(nf_cookie_user(&w->app, hash('c'), &u, &w->err), NF_E_DENIED);
    assert_code(nf_link_exchange(&w->app, hash('b'), hash('d'), &u, &w->err), NF_E_DENIED);
}

/* A cache of one login, with a mark that moves. */
static struct {
    struct nf_login_cache port;
    struct nf_user user;
    char hash[NF_CREDENTIAL_HASH + 1];
    int mark, put_at, forgotten, asked;
    bool gone;
} cache;

static enum nf_code cache_get(struct nf_login_cache *c, const char *h, struct nf_login_mark *mark,
                              struct nf_user *ret, struct nf_err *err)
{
    (void)c;
    cache.asked++;
    if (cache.gone)
        return nf_err_set(err, NF_E_UNAVAILABLE, "gone");
    (void)snprintf(mark->text, sizeof(mark->text), "%d", cache.mark);
    if (strcmp(cache.hash, h) != 0 || cache.put_at != cache.mark)
        return nf_err_set(err, NF_E_NOT_FOUND, "not here");
    *ret = cache.user;
    return NF_OK;
}

static void cache_put(struct nf_login_cache *c, const char *h, const struct nf_login_mark *mark,
                      const struct nf_user *u)
{
    (void)c;
    assert_false(cache.gone);
    (void)snprintf(cache.hash, sizeof(cache.hash), "%s", h);
    cache.put_at = atoi(mark->text);
    cache.user = *u;
}

static void cache_forget(struct nf_login_cache *c)
{
    (void)c;
    cache.forgotten++;
    cache.mark++;
}

static void use_cache(struct world *w)
{
    static const struct nf_login_cache_ops ops = { .get = cache_get,
                                                   .put = cache_put,
                                                   .forget = cache_forget };
    memset(&cache, 0, sizeof(cache));
    cache.port.ops = &ops;
    cache.put_at = -1;
    w->app.logins = &cache.port;
}

static void who_only_reads_may_be_known_from_the_cache(void **state)
{
    struct world *w = *state;
    struct nf_user u, bob = added(w, "Bob", NF_USER_USER);
    use_cache(w);
    assert_ok(nf_link_create(&w->app, &w->user, bob.id, hash('a'), &w->err), &w->err);
    assert_ok(nf_link_exchange(&w->app, hash('a'), hash('c'), &u, &w->err), &w->err);
    assert_ok(nf_cookie_reader(&w->app, hash('c'), &u, &w->err), &w->err);
    memcpy(cache.user.name, "cached", 7);
    assert_ok(nf_cookie_reader(&w->app, hash('c'), &u, &w->err), &w->err);
    assert_string_equal(u.name, "cached");
    assert_ok(nf_cookie_user(&w->app, hash('c'), &u, &w->err), &w->err);
    assert_string_equal(u.name, "Bob"); /* who changes something is looked up */
    assert_code(nf_cookie_reader(&w->app, hash('d'), &u, &w->err), NF_E_DENIED);

    cache.gone = true;
    assert_ok(nf_cookie_reader(&w->app, hash('c'), &u, &w->err), &w->err);
    assert_string_equal(u.name, "Bob");
}

static void what_changes_about_people_is_forgotten_by_the_cache(void **state)
{
    struct world *w = *state;
    struct nf_user u, bob = added(w, "Bob", NF_USER_USER);
    use_cache(w);
    assert_ok(nf_link_create(&w->app, &w->user, bob.id, hash('a'), &w->err), &w->err);
    assert_ok(nf_link_exchange(&w->app, hash('a'), hash('c'), &u, &w->err), &w->err);
    assert_ok(nf_cookie_reader(&w->app, hash('c'), &u, &w->err), &w->err);
    assert_ok(nf_user_change(&w->app, &w->user, bob.id, NULL, NF_USER_ADMIN, 0, &u, &w->err),
              &w->err);
    assert_ok(nf_cookie_reader(&w->app, hash('c'), &u, &w->err), &w->err);
    assert_int_equal(u.role, NF_USER_ADMIN);
    assert_ok(nf_user_change(&w->app, &w->user, bob.id, NULL, 0, NF_USER_BLOCKED, &u, &w->err),
              &w->err);
    assert_code(nf_cookie_reader(&w->app, hash('c'), &u, &w->err), NF_E_DENIED);
    assert_ok(nf_user_change(&w->app, &w->user, bob.id, NULL, 0, NF_USER_ACTIVE, &u, &w->err),
              &w->err);
    assert_ok(nf_cookie_reader(&w->app, hash('c'), &u, &w->err), &w->err);
    assert_ok(nf_cookie_revoke(&w->app, hash('c'), &w->err), &w->err);
    assert_code(nf_cookie_reader(&w->app, hash('c'), &u, &w->err), NF_E_DENIED);
    assert_int_equal(cache.forgotten, 4);
}

static void who_may_make_a_link_for_whom(void **state)
{
    struct world *w = *state;
    struct nf_user bob = added(w, "Bob", NF_USER_USER), eve = added(w, "Eve", NF_USER_USER);
    struct nf_user admin = added(w, "Root", NF_USER_ADMIN);
    assert_ok(nf_link_create(&w->app, &bob, bob.id, hash('a'), &w->err), &w->err);
    assert_code(nf_link_create(&w->app, &bob, eve.id, hash('b'), &w->err), NF_E_DENIED);
    assert_code(nf_link_create(&w->app, &admin, USER, hash('b'), &w->err), NF_E_DENIED);
    assert_ok(nf_link_create(&w->app, &admin, bob.id, hash('b'), &w->err), &w->err);
    assert_code(nf_link_create(&w->app, &w->user, 4711, hash('d'), &w->err), NF_E_NOT_FOUND);
}

static void out_of_memory_it_can_be_done_again(void **state)
{
    (void)state;
    struct nf_user u;
    TORTURE((void)0, nf_user_add(&w->app, &w->user, "Bob", NF_USER_USER, &u, &w->err), {
        struct nf_users list = { 0 };
        const struct nf_user_filter all = { .limit = 10 };
        assert_ok(nf_user_list(&w->app, &w->user, &all, ANY, &list, &w->err), &w->err);
        assert_int_equal(list.n, rc == NF_OK ? 2 : 1);
        nf_users_done(&list);
    });
    TORTURE(assert_ok(nf_link_create(&w->app, &w->user, USER, hash('a'), &w->err), &w->err),
            nf_link_exchange(&w->app, hash('a'), hash('c'), &u, &w->err), {
                if (rc != NF_OK)
                    assert_ok(nf_link_exchange(&w->app, hash('a'), hash('c'), &u, &w->err),
                              &w->err);
                assert_ok(nf_cookie_user(&w->app, hash('c'), &u, &w->err), &w->err);
            });
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(the_owner_is_made_once),
        T(who_may_add_whom),
        T(who_may_change_whom),
        T(one_may_rename_oneself_but_not_promote_or_block),
        T(the_last_owner_stays),
        T(users_are_listed_to_those_who_manage_them),
        T(users_are_found_by_a_part_of_their_name),
        T(the_whole_list_is_looked_through_for_a_name),
        T(a_link_lets_one_browser_in),
        T(links_and_cookies_expire),
        T(who_is_blocked_is_out_at_once),
        T(who_only_reads_may_be_known_from_the_cache),
        T(what_changes_about_people_is_forgotten_by_the_cache),
        T(who_may_make_a_link_for_whom),
        cmocka_unit_test(out_of_memory_it_can_be_done_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
