/* What the owner decides about skills. */
#include "application/manage_skills.h"
#include "tests/unit/use_case_fixture.h"

#define HASH_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HASH_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

/* One directory, "/src", whose files may change; what was imported. */
static struct fake_files {
    struct nf_skill_files port;
    const char *hash, *schema;
    char kept[2][NF_SKILL_HASH + 1];
    size_t kept_n;
    int changed;
    bool broken; /* what is kept was changed */
    bool gone;
} files;

static enum nf_code fill(struct nf_skill_package *p, struct nf_err *err)
{
    NF_CLEANUP(nf_skill_package_done) struct nf_skill_package made = { .hash = "" };
    struct nf_skill_manifest *m = &made.manifest;
    (void)snprintf(made.hash, sizeof(made.hash), "%s", files.hash);
    m->kind = NF_SKILL_PLUGIN;
    m->mode = NF_SKILL_POOLED;
    NF_TRY(nf_strdup("calc", &m->name, err));
    NF_TRY(nf_strdup("1.0.0", &m->version, err));
    NF_TRY(nf_strdup("Calculates.", &m->description, err));
    m->tools = calloc(1, sizeof(*m->tools));
    if (!m->tools)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    m->tools_n = 1;
    NF_TRY(nf_strdup("evaluate", &m->tools[0].name, err));
    NF_TRY(nf_strdup("Evaluates.", &m->tools[0].description, err));
    NF_TRY(nf_strdup(files.schema, &m->tools[0].schema, err));
    *p = nf_take(made);
    return NF_OK;
}

static enum nf_code inspect(struct nf_skill_files *f, const char *path,
                            struct nf_skill_package *ret, struct nf_err *err)
{
    (void)f;
    if (strcmp(path, "/src") != 0)
        return nf_err_set(err, NF_E_NOT_FOUND, "there is no directory '%s'", path);
    return fill(ret, err);
}

static enum nf_code import(struct nf_skill_files *f, const char *path, const char *hash,
                           struct nf_skill_package *ret, struct nf_err *err)
{
    NF_TRY(inspect(f, path, ret, err));
    if (hash && strcmp(hash, files.hash) != 0)
        return nf_err_set(err, NF_E_CONFLICT, "changed");
    (void)snprintf(files.kept[files.kept_n++], NF_SKILL_HASH + 1, "%s", files.hash);
    assert_true(files.kept_n <= 2);
    return NF_OK;
}

static enum nf_code load(struct nf_skill_files *f, const char *name, const char *hash,
                         struct nf_skill_package *ret, struct nf_err *err)
{
    (void)f;
    assert_string_equal(name, "calc");
    if (files.broken)
        return nf_err_set(err, NF_E_CONFLICT, "its files were changed");
    NF_TRY(fill(ret, err));
    (void)snprintf(ret->hash, sizeof(ret->hash), "%s", hash);
    return NF_OK;
}

static enum nf_code remove_files(struct nf_skill_files *f, const char *name, const char *hash,
                                 struct nf_err *err)
{
    (void)f, (void)name, (void)err;
    files.gone = hash == NULL;
    files.kept_n = hash != NULL;
    if (hash)
        (void)snprintf(files.kept[0], NF_SKILL_HASH + 1, "%s", hash);
    return NF_OK;
}

static enum nf_code read_log(struct nf_skill_files *f, const char *name, size_t max,
                             struct nf_str *ret, struct nf_err *err)
{
    (void)f, (void)name, (void)max;
    return nf_str_adds(ret, "a line\n", err);
}

static enum nf_code changed(struct nf_skill_files *f, const char *name, struct nf_err *err)
{
    (void)f, (void)name, (void)err;
    files.changed++;
    return NF_OK;
}

static struct world *skill_world(void)
{
    static const struct nf_skill_files_ops ops = { inspect,      import,   load,
                                                   remove_files, read_log, changed };
    struct world *w = world_new();
    files = (struct fake_files){ .port.ops = &ops, .hash = HASH_A, .schema = "{}" };
    w->app.skill_files = &files.port;
    return w;
}

static int with_files(void **state)
{
    *state = skill_world();
    return 0;
}

static enum nf_code install(struct world *w, const char *hash)
{
    struct nf_skill_view v = { .problem = "" };
    enum nf_code rc = nf_skill_install(&w->app, &w->user, "/src", hash, &v, &w->err);
    nf_skill_view_done(&v);
    return rc;
}

static enum nf_code enable(struct world *w, const char *hash)
{
    struct nf_skill_view v = { .problem = "" };
    enum nf_code rc = nf_skill_enable(&w->app, &w->user, "calc", hash, &v, &w->err);
    nf_skill_view_done(&v);
    return rc;
}

static enum nf_code disable(struct world *w)
{
    struct nf_skill_view v = { .problem = "" };
    enum nf_code rc = nf_skill_disable(&w->app, &w->user, "calc", &v, &w->err);
    nf_skill_view_done(&v);
    return rc;
}

static struct nf_skill stored(struct world *w)
{
    struct nf_skill s = { 0 };
    assert_ok(w->s.skills->ops->find(w->s.skills, "calc", &s, &w->err), &w->err);
    return s;
}

static void looking_keeps_nothing(void **state)
{
    struct world *w = *state;
    struct nf_skill_view v = { .problem = "" };
    struct nf_skill s;
    assert_ok(nf_skill_inspect(&w->app, &w->user, "/src", &v, &w->err), &w->err);
    assert_string_equal(v.skill.name, "calc");
    assert_string_equal(v.package.manifest.tools[0].name, "evaluate");
    nf_skill_view_done(&v);
    assert_int_equal(files.kept_n, 0);
    assert_code(w->s.skills->ops->find(w->s.skills, "calc", &s, &w->err), NF_E_NOT_FOUND);
    assert_code(nf_skill_inspect(&w->app, &w->user, "/nowhere", &v, &w->err), NF_E_NOT_FOUND);
}

static void the_other_is_done(struct world *w)
{
    assert_int_equal(files.kept_n, 0);
    nf_skills_unlock(&w->app);
}

static void skills_are_changed_one_after_the_other(void **state)
{
    struct world *w = *state;
    assert_ok(nf_skills_lock(&w->app, &w->err), &w->err);

    int64_t before = w->now;
    assert_code(install(w, NULL), NF_E_UNAVAILABLE);
    assert_int_equal(w->now - before, NF_SKILLS_LOCK_MS);
    assert_int_equal(files.kept_n, 0);

    w->bell.meanwhile = the_other_is_done;
    assert_ok(install(w, NULL), &w->err);
    assert_false(w->app.skills_locked);
}

static void installed_enabled_disabled_removed(void **state)
{
    struct world *w = *state;
    struct nf_kv_key k = { "calc", USER, "a" };
    struct nf_skill s;
    assert_ok(install(w, NULL), &w->err);
    assert_int_equal(stored(w).status, NF_SKILL_INSTALLED);
    assert_code(enable(w, HASH_B), NF_E_CONFLICT); /* that was not shown */
    assert_int_equal(stored(w).status, NF_SKILL_INSTALLED);
    assert_ok(enable(w, HASH_A), &w->err);
    s = stored(w);
    assert_int_equal(s.status, NF_SKILL_ENABLED);
    assert_true(nf_skill_is_granted(&s));
    assert_int_equal(s.granted_by, USER);
    assert_ok(enable(w, HASH_A), &w->err); /* twice does no harm */
    assert_ok(disable(w), &w->err);
    assert_int_equal(stored(w).status, NF_SKILL_DISABLED);
    assert_code(disable(w), NF_E_CONFLICT);
    assert_int_equal(files.changed, 4);

    assert_ok(w->s.kv->ops->put(w->s.kv, &k, "x", 1, 100, 1, &w->err), &w->err);
    assert_ok(nf_skill_uninstall(&w->app, &w->user, "calc", false, &w->err), &w->err);
    assert_true(files.gone);
    struct nf_str kept = { 0 };
    assert_ok(w->s.kv->ops->get(w->s.kv, &k, &kept, &w->err), &w->err);
    nf_str_done(&kept);
    assert_code(nf_skill_uninstall(&w->app, &w->user, "calc", true, &w->err), NF_E_NOT_FOUND);
    assert_ok(install(w, NULL), &w->err);
    assert_ok(nf_skill_uninstall(&w->app, &w->user, "calc", true, &w->err), &w->err);
    assert_code(w->s.kv->ops->get(w->s.kv, &k, &kept, &w->err), NF_E_NOT_FOUND);
}

static void other_files_need_another_consent(void **state)
{
    struct world *w = *state;
    struct nf_skill s;
    assert_ok(install(w, HASH_A), &w->err);
    assert_ok(enable(w, HASH_A), &w->err);
    assert_ok(install(w, HASH_A), &w->err); /* the same again: nothing changes */
    assert_int_equal(stored(w).status, NF_SKILL_ENABLED);
    files.hash = HASH_B;
    assert_code(install(w, HASH_A), NF_E_CONFLICT);
    assert_ok(install(w, HASH_B), &w->err);
    s = stored(w);
    assert_int_equal(s.status, NF_SKILL_DISABLED);
    assert_false(nf_skill_is_granted(&s));
    assert_string_equal(files.kept[0], HASH_B); /* the old ones are gone */
    assert_int_equal(files.kept_n, 1);
}

static const struct nf_skill_filter all = { .limit = 0 };

static void files_changed_behind_our_back_are_not_enabled_but_shown(void **state)
{
    struct world *w = *state;
    struct nf_skill_views list = { 0 };
    assert_ok(install(w, NULL), &w->err);
    files.broken = true;
    assert_code(enable(w, HASH_A), NF_E_CONFLICT);
    assert_ok(nf_skill_list(&w->app, &w->user, &all, &list, &w->err), &w->err);
    assert_int_equal(list.n, 1);
    assert_string_equal(list.v[0].problem, "its files were changed");
    nf_skill_views_done(&list);
}

static void skills_are_listed_by_part_of_their_name_and_in_pages(void **state)
{
    struct world *w = *state;
    struct nf_skill_views list = { 0 };
    assert_ok(install(w, NULL), &w->err);
    const struct {
        struct nf_skill_filter f;
        size_t n;
    } asked[] = {
        { { .limit = 1 }, 1 },
        { { .part = NF_SLICE("AL") }, 1 },
        { { .part = NF_SLICE("notes") }, 0 },
        { { .after = NF_SLICE("cal") }, 1 },
        { { .after = NF_SLICE("calc") }, 0 },
        { { .after = NF_SLICE("calculate") }, 0 },
        { { .status = NF_SKILL_INSTALLED }, 1 },
        { { .status = NF_SKILL_ENABLED }, 0 },
    };
    for (size_t i = 0; i < sizeof(asked) / sizeof(*asked); i++) {
        assert_ok(nf_skill_list(&w->app, &w->user, &asked[i].f, &list, &w->err), &w->err);
        assert_int_equal(list.n, asked[i].n);
        assert_false(list.more);
        nf_skill_views_done(&list);
    }
}

static void a_schema_that_cannot_be_held_is_refused_with_its_place(void **state)
{
    struct world *w = *state;
    files.schema = "{\"bad\":1}";
    assert_code(install(w, NULL), NF_E_INVALID);
    assert_string_equal(w->err.msg, "tools[0]: schema.x: must be good");
    assert_int_equal(files.kept_n, 0);
}

static void nobody_but_an_active_owner_manages(void **state)
{
    struct world *w = *state;
    struct nf_skill_view v = { .problem = "" };
    struct nf_skill_views list = { 0 };
    struct nf_str log = { 0 };
    assert_ok(install(w, NULL), &w->err);
    for (int i = 0; i < 3; i++) {
        w->user.role = i == 0 ? NF_USER_ADMIN : i == 1 ? NF_USER_USER : NF_USER_OWNER;
        w->user.status = i == 2 ? NF_USER_BLOCKED : NF_USER_ACTIVE;
        assert_code(install(w, NULL), NF_E_DENIED);
        assert_code(enable(w, HASH_A), NF_E_DENIED);
        assert_code(disable(w), NF_E_DENIED);
        assert_code(nf_skill_inspect(&w->app, &w->user, "/src", &v, &w->err), NF_E_DENIED);
        assert_code(nf_skill_show(&w->app, &w->user, "calc", &v, &w->err), NF_E_DENIED);
        assert_code(nf_skill_list(&w->app, &w->user, &all, &list, &w->err), NF_E_DENIED);
        assert_code(nf_skill_uninstall(&w->app, &w->user, "calc", false, &w->err), NF_E_DENIED);
        assert_code(nf_skill_read_log(&w->app, &w->user, "calc", 10, &log, &w->err), NF_E_DENIED);
    }
    assert_int_equal(stored(w).status, NF_SKILL_INSTALLED);
}

static void its_log_is_read_within_bounds(void **state)
{
    struct world *w = *state;
    struct nf_str log = { 0 };
    assert_ok(install(w, NULL), &w->err);
    assert_code(nf_skill_read_log(&w->app, &w->user, "calc", 0, &log, &w->err), NF_E_INVALID);
    assert_code(nf_skill_read_log(&w->app, &w->user, "calc", NF_SKILL_LOG_MAX + 1, &log, &w->err),
                NF_E_INVALID);
    assert_ok(nf_skill_read_log(&w->app, &w->user, "calc", NF_SKILL_LOG_MAX, &log, &w->err),
              &w->err);
    assert_string_equal(nf_str_c(&log), "a line\n");
    nf_str_done(&log);
}

static void no_allocation_that_fails_enables_or_loses_it(void **state)
{
    (void)state;
    for (int step = 0; step < 2; step++) {
        bool more = true;
        for (size_t n = 1; more; n++) {
            struct world *w = skill_world();
            if (step == 1)
                assert_ok(install(w, NULL), &w->err);
            nf_fail_alloc_at(n);
            enum nf_code rc = step == 0 ? install(w, NULL) : enable(w, HASH_A);
            more = allocation_failed();
            if (rc != NF_OK)
                assert_code(rc, NF_E_NOMEM);
            if (step == 1)
                assert_int_equal(stored(w).status,
                                 rc == NF_OK ? NF_SKILL_ENABLED : NF_SKILL_INSTALLED);
            world_free(w);
        }
    }
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, with_files, teardown)
    const struct CMUnitTest tests[] = {
        T(looking_keeps_nothing),
        T(skills_are_changed_one_after_the_other),
        T(installed_enabled_disabled_removed),
        T(other_files_need_another_consent),
        T(files_changed_behind_our_back_are_not_enabled_but_shown),
        T(skills_are_listed_by_part_of_their_name_and_in_pages),
        T(a_schema_that_cannot_be_held_is_refused_with_its_place),
        T(nobody_but_an_active_owner_manages),
        T(its_log_is_read_within_bounds),
        cmocka_unit_test(no_allocation_that_fails_enables_or_loses_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
