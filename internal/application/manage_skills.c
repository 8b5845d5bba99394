#include "application/manage_skills.h"

#include "base/own.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

void nf_skill_view_done(struct nf_skill_view *v)
{
    nf_skill_package_done(&v->package);
}

void nf_skill_views_done(struct nf_skill_views *v)
{
    for (size_t i = 0; i < v->n; i++)
        nf_skill_view_done(&v->v[i]);
    free(v->v);
    *v = (struct nf_skill_views){ 0 };
}

static NF_RC may_manage(const struct nf_app *a, const struct nf_user *user, struct nf_err *err)
{
    if (user->status != NF_USER_ACTIVE)
        return nf_err_set(err, NF_E_DENIED, "this account is blocked");
    if (user->role != NF_USER_OWNER)
        return nf_err_set(err, NF_E_DENIED, "only an owner manages skills");
    if (!a->skill_files)
        return nf_err_set(err, NF_E_UNAVAILABLE, "this daemon keeps no skills");
    return NF_OK;
}

/* Later than every change so far: a change is known by its time. */
static int64_t change_time(const struct nf_app *a, const struct nf_skill *s)
{
    int64_t now = nf_app_now(a);

    return now > s->updated_ms ? now : s->updated_ms + 1;
}

/* --- one after the other --------------------------------------------------------------------- */

#define BELL 0 /* no id */
#define LOOK_AGAIN_MS 1000

enum nf_code nf_skills_lock(struct nf_app *a, struct nf_err *err)
{
    const int64_t until = nf_app_now(a) + NF_SKILLS_LOCK_MS;

    while (a->skills_locked) {
        uint64_t heard_so_far = a->bell->ops->count(a->bell);
        if (nf_app_now(a) >= until)
            return nf_err_set(err, NF_E_UNAVAILABLE,
                              "another skill is being changed: try again later");
        enum nf_code rc = a->bell->ops->wait(a->bell, BELL, heard_so_far, LOOK_AGAIN_MS, err);
        if (rc != NF_OK && rc != NF_E_TIMEOUT)
            return rc;
    }
    a->skills_locked = true;
    return NF_OK;
}

void nf_skills_unlock(struct nf_app *a)
{
    a->skills_locked = false;
    a->bell->ops->ring(a->bell, BELL);
}

static void unlock(struct nf_app **a)
{
    if (*a)
        nf_skills_unlock(*a);
}

/* Until *held goes out of scope. */
static NF_RC lock(struct nf_app *a, struct nf_app **held, struct nf_err *err)
{
    NF_TRY(nf_skills_lock(a, err));
    *held = a;
    return NF_OK;
}

/* --- what a directory holds ------------------------------------------------------------------- */

/* What the files' own checks cannot see: names as a model sees them, and schemas. */
static NF_RC check_tools(const struct nf_app *a, const struct nf_skill_manifest *m,
                         struct nf_err *err)
{
    char name[NF_CALL_NAME_MAX + 1];

    for (size_t i = 0; i < m->tools_n; i++) {
        enum nf_code rc = nf_skill_tool_name(m->name, m->tools[i].name, name, err);
        if (rc == NF_OK)
            rc = a->codec->check_schema(m->tools[i].schema, err);
        if (rc != NF_OK)
            return nf_err_wrap(err, rc, "tools[%zu]", i);
    }
    return NF_OK;
}

static NF_RC look_at(struct nf_app *a, const char *path, struct nf_skill_view *v,
                     struct nf_err *err)
{
    const struct nf_skill_manifest *m = &v->package.manifest;

    NF_TRY(a->skill_files->ops->inspect(a->skill_files, path, &v->package, err));
    NF_TRY(check_tools(a, m, err));
    return nf_skill_init(&v->skill, 0, m->name, m->version, v->package.hash, nf_app_now(a), err);
}

enum nf_code nf_skill_inspect(struct nf_app *a, const struct nf_user *user, const char *path,
                              struct nf_skill_view *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_skill_view_done) struct nf_skill_view v = { .problem = "" };

    NF_TRY(may_manage(a, user, err));
    NF_TRY(look_at(a, path, &v, err));
    *ret = nf_take(v);
    return NF_OK;
}

/* --- deciding --------------------------------------------------------------------------------- */

/* Store it as new, or in place of what is installed. */
static NF_RC store_installed(struct nf_app *a, struct nf_skill_view *v, struct nf_err *err)
{
    struct nf_skill_store *store = a->skills;
    struct nf_skill old;
    enum nf_code rc = store->ops->find(store, v->skill.name, &old, err);

    if (rc == NF_E_NOT_FOUND) {
        v->skill.id = nf_app_id(a);
        return store->ops->create(store, &v->skill, 1, err);
    }
    NF_TRY(rc);
    int64_t read_ms = old.updated_ms;
    NF_TRY(nf_skill_replace(&old, v->skill.version, v->skill.hash, change_time(a, &old), err));
    NF_TRY(store->ops->update(store, &old, read_ms, err));
    v->skill = old;
    return NF_OK;
}

enum nf_code nf_skill_install(struct nf_app *a, const struct nf_user *user, const char *path,
                              const char *hash, struct nf_skill_view *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_skill_view_done) struct nf_skill_view v = { .problem = "" };
    NF_CLEANUP(nf_skill_package_done) struct nf_skill_package kept = { .hash = "" };
    NF_CLEANUP(unlock) struct nf_app *held = NULL;
    struct nf_skill_files *files = a->skill_files;

    NF_TRY(may_manage(a, user, err));
    NF_TRY(lock(a, &held, err));
    NF_TRY(look_at(a, path, &v, err));
    if (hash && strcmp(hash, v.package.hash) != 0)
        return nf_err_set(err, NF_E_CONFLICT,
                          "these files are not those that were shown: look at them again");
    /* Between looking and copying they may change: what is copied must be what was checked. */
    NF_TRY(files->ops->import(files, path, v.package.hash, &kept, err));
    NF_TRY(store_installed(a, &v, err));
    NF_TRY(files->ops->changed(files, v.skill.name, err));
    NF_TRY(files->ops->remove(files, v.skill.name, v.skill.hash, err));
    *ret = nf_take(v);
    return NF_OK;
}

static void load_files(struct nf_app *a, struct nf_skill_view *v)
{
    struct nf_err why;
    struct nf_skill_files *files = a->skill_files;

    if (files->ops->load(files, v->skill.name, v->skill.hash, &v->package, &why) != NF_OK)
        memcpy(v->problem, why.msg, sizeof(v->problem));
}

static NF_RC find(struct nf_app *a, const struct nf_user *user, const char *name,
                  struct nf_skill_view *v, struct nf_err *err)
{
    NF_TRY(may_manage(a, user, err));
    return a->skills->ops->find(a->skills, name, &v->skill, err);
}

/* Store what was decided, and let everybody know. */
static NF_RC store_change(struct nf_app *a, struct nf_skill_view *v, int64_t read_ms,
                          struct nf_err *err)
{
    struct nf_skill_files *files = a->skill_files;

    NF_TRY(a->skills->ops->update(a->skills, &v->skill, read_ms, err));
    return files->ops->changed(files, v->skill.name, err);
}

enum nf_code nf_skill_enable(struct nf_app *a, const struct nf_user *user, const char *name,
                             const char *hash, struct nf_skill_view *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_skill_view_done) struct nf_skill_view v = { .problem = "" };
    NF_CLEANUP(unlock) struct nf_app *held = NULL;
    struct nf_skill_files *files = a->skill_files;

    NF_TRY(lock(a, &held, err));
    NF_TRY(find(a, user, name, &v, err));
    int64_t read_ms = v.skill.updated_ms, now = change_time(a, &v.skill);
    NF_TRY(files->ops->load(files, v.skill.name, v.skill.hash, &v.package, err));
    NF_TRY(nf_skill_grant(&v.skill, hash, user->id, now, err));
    if (v.skill.status != NF_SKILL_ENABLED)
        NF_TRY(nf_skill_become(&v.skill, NF_SKILL_ENABLED, now, err));
    NF_TRY(store_change(a, &v, read_ms, err));
    *ret = nf_take(v);
    return NF_OK;
}

enum nf_code nf_skill_disable(struct nf_app *a, const struct nf_user *user, const char *name,
                              struct nf_skill_view *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_skill_view_done) struct nf_skill_view v = { .problem = "" };
    NF_CLEANUP(unlock) struct nf_app *held = NULL;

    NF_TRY(lock(a, &held, err));
    NF_TRY(find(a, user, name, &v, err));
    int64_t read_ms = v.skill.updated_ms;
    NF_TRY(nf_skill_become(&v.skill, NF_SKILL_DISABLED, change_time(a, &v.skill), err));
    NF_TRY(store_change(a, &v, read_ms, err));
    load_files(a, &v);
    *ret = nf_take(v);
    return NF_OK;
}

enum nf_code nf_skill_uninstall(struct nf_app *a, const struct nf_user *user, const char *name,
                                bool data, struct nf_err *err)
{
    NF_CLEANUP(nf_skill_view_done) struct nf_skill_view v = { .problem = "" };
    NF_CLEANUP(unlock) struct nf_app *held = NULL;
    struct nf_skill_files *files = a->skill_files;

    NF_TRY(lock(a, &held, err));
    NF_TRY(find(a, user, name, &v, err));
    int64_t read_ms = v.skill.updated_ms;
    NF_TRY(nf_skill_become(&v.skill, NF_SKILL_REMOVED, change_time(a, &v.skill), err));
    NF_TRY(store_change(a, &v, read_ms, err));
    if (data)
        NF_TRY(a->kv->ops->clear(a->kv, v.skill.name, err));
    return files->ops->remove(files, v.skill.name, NULL, err);
}

/* --- looking ---------------------------------------------------------------------------------- */

enum nf_code nf_skill_show(struct nf_app *a, const struct nf_user *user, const char *name,
                           struct nf_skill_view *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_skill_view_done) struct nf_skill_view v = { .problem = "" };

    NF_TRY(find(a, user, name, &v, err));
    load_files(a, &v);
    *ret = nf_take(v);
    return NF_OK;
}

/* Names are ASCII, and the store sorts them by their bytes. */
static bool is_behind(const char *name, struct nf_slice after)
{
    size_t n = strlen(name);
    int order = memcmp(name, after.n > 0 ? after.p : "", n < after.n ? n : after.n);

    return order > 0 || (order == 0 && n > after.n);
}

static bool is_asked(const struct nf_skill *s, const struct nf_skill_filter *f)
{
    return (f->status == 0 || s->status == f->status) && is_behind(s->name, f->after) &&
           nf_utf8_has(s->name, strlen(s->name), f->part.p, f->part.n);
}

enum nf_code nf_skill_list(struct nf_app *a, const struct nf_user *user,
                           const struct nf_skill_filter *f, struct nf_skill_views *ret,
                           struct nf_err *err)
{
    NF_CLEANUP(nf_skills_done) struct nf_skills all = { 0 };
    NF_CLEANUP(nf_skill_views_done) struct nf_skill_views views = { 0 };

    NF_TRY(may_manage(a, user, err));
    NF_TRY(a->skills->ops->list(a->skills, &all, err));
    views.v = calloc(all.n ? all.n : 1, sizeof(*views.v));
    if (!views.v)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    for (size_t i = 0; i < all.n && !views.more; i++) {
        if (!is_asked(&all.v[i], f))
            continue;
        views.more = f->limit > 0 && views.n == f->limit;
        if (views.more)
            continue;
        views.v[views.n].skill = all.v[i];
        load_files(a, &views.v[views.n++]);
    }
    *ret = nf_take(views);
    return NF_OK;
}

enum nf_code nf_skill_read_log(struct nf_app *a, const struct nf_user *user, const char *name,
                               size_t max, struct nf_str *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_skill_view_done) struct nf_skill_view v = { .problem = "" };

    if (max < 1 || max > NF_SKILL_LOG_MAX)
        return nf_err_set(err, NF_E_INVALID, "bytes: %zu is not 1 to %zu", max, NF_SKILL_LOG_MAX);
    NF_TRY(find(a, user, name, &v, err));
    return a->skill_files->ops->read_log(a->skill_files, v.skill.name, max, ret, err);
}
