#include "skills/bundled.h"

#include "base/own.h"
#include "observe/log.h"
#include "skills/bundled_seen.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SKILLS_MAX 64 /* directories looked at */
#define PASSES_MAX 3  /* when somebody else installs meanwhile */

struct work {
    const struct nf_bundled *b;
    char *dirs[SKILLS_MAX]; /* names of directories */
    size_t dirs_n;
    struct nf_seen seen;
    struct nf_skills installed; /* by name */
    struct nf_skill fresh[SKILLS_MAX];
    size_t fresh_n;
};

static void work_free(struct work **w)
{
    for (size_t i = 0; *w && i < (*w)->dirs_n; i++)
        free((*w)->dirs[i]);
    if (*w)
        nf_skills_done(&(*w)->installed);
    free(*w);
}

/* --- on a thread ------------------------------------------------------------------------------ */

static NF_RC read_dirs(struct work *w, struct nf_err *err)
{
    const struct dirent *e;
    enum nf_code rc = NF_OK;
    DIR *d = opendir(w->b->dir);

    if (!d)
        return errno == ENOENT ? NF_OK
                               : nf_err_set(err, NF_E_IO, "open directory '%.150s': %s", w->b->dir,
                                            strerror(errno));
    while (rc == NF_OK && w->dirs_n < SKILLS_MAX && (e = readdir(d)) != NULL) {
        if (e->d_name[0] == '.')
            continue;
        rc = nf_strdup(e->d_name, &w->dirs[w->dirs_n], err);
        w->dirs_n += rc == NF_OK;
    }
    (void)closedir(d);
    return rc;
}

static enum nf_code read_job(void *arg, struct nf_err *err)
{
    struct work *w = arg;

    NF_TRY(nf_seen_read(&w->seen, w->b->seen, err));
    return read_dirs(w, err);
}

static enum nf_code write_job(void *arg, struct nf_err *err)
{
    const struct work *w = arg;

    return nf_seen_write(&w->seen, w->b->seen, err);
}

static NF_RC write_seen(struct work *w, struct nf_err *err)
{
    return nf_executor_call(w->b->executor, write_job, w, err);
}

/* --- one skill -------------------------------------------------------------------------------- */

static struct nf_skill_files *files_of(const struct work *w)
{
    return nf_catalogue_port(w->b->catalogue);
}

static const struct nf_skill *installed(const struct work *w, const char *name)
{
    for (size_t i = 0; i < w->installed.n; i++)
        if (strcmp(w->installed.v[i].name, name) == 0)
            return &w->installed.v[i];
    return NULL;
}

/* Whether it is enabled without anybody being asked. */
static bool is_harmless(const struct nf_skill_manifest *m)
{
    return m->http_n == 0 && m->kind == NF_SKILL_PLUGIN;
}

/* Its files, and what is to be stored with that of all others. */
static NF_RC prepare(struct work *w, const char *path, const struct nf_skill_package *p,
                     struct nf_err *err)
{
    NF_CLEANUP(nf_skill_package_done) struct nf_skill_package kept = { 0 };
    const struct nf_bundled *b = w->b;
    const struct nf_skill_manifest *m = &p->manifest;
    int64_t now = nf_clock_now_ms(b->clock);
    struct nf_skill s;

    NF_TRY(nf_catalogue_import_unsettled(b->catalogue, path, p->hash, &kept, err));
    NF_TRY(nf_skill_init(&s, nf_id_next(b->ids, now), m->name, m->version, p->hash, now, err));
    if (is_harmless(m)) {
        NF_TRY(nf_skill_grant(&s, p->hash, b->owner_id, now, err));
        NF_TRY(nf_skill_become(&s, NF_SKILL_ENABLED, now, err));
    }
    for (size_t i = 0; i < w->fresh_n; i++)
        if (strcmp(w->fresh[i].name, s.name) == 0)
            return nf_err_set(err, NF_E_CONFLICT, "another directory holds skill %s, too", s.name);
    w->fresh[w->fresh_n++] = s;
    return NF_OK;
}

/* Installed by one of us who was interrupted: what it left of the files is whole or made so. */
static NF_RC mend(struct work *w, const char *path, const struct nf_skill_package *p,
                  struct nf_err *err)
{
    NF_CLEANUP(nf_skill_package_done) struct nf_skill_package kept = { 0 };
    const char *name = p->manifest.name;
    struct nf_seen_line *line = nf_seen_find(&w->seen, name, p->hash);

    NF_TRY(files_of(w)->ops->import(files_of(w), path, p->hash, &kept, err));
    NF_TRY(nf_catalogue_settle(w->b->catalogue, name, err));
    if (line)
        line->settled = true;
    else
        NF_TRY(nf_seen_add(&w->seen, name, p->hash, true, err));
    NF_TRY(write_seen(w, err));
    return files_of(w)->ops->changed(files_of(w), name, err);
}

/* The version before, as far as it is there: what it was allowed. */
static bool may_keep_grant(const struct work *w, const struct nf_skill *s,
                           const struct nf_skill_package *fresh)
{
    NF_CLEANUP(nf_skill_package_done) struct nf_skill_package old = { 0 };
    struct nf_err ignored;

    return nf_skill_is_granted(s) &&
           files_of(w)->ops->load(files_of(w), s->name, s->hash, &old, &ignored) == NF_OK &&
           !nf_skill_manifest_grows(&old.manifest, &fresh->manifest);
}

static NF_RC upgrade(struct work *w, const char *path, struct nf_skill *s,
                     const struct nf_skill_package *p, struct nf_err *err)
{
    NF_CLEANUP(nf_skill_package_done) struct nf_skill_package kept = { 0 };
    struct nf_skill_files *files = files_of(w);
    int64_t read_ms = s->updated_ms, now = nf_clock_now_ms(w->b->clock), by = s->granted_by;
    bool enabled = s->status == NF_SKILL_ENABLED, keep = may_keep_grant(w, s, p);

    /* Noted before, so that who is interrupted in between finds its own work again. */
    NF_TRY(nf_seen_add(&w->seen, s->name, p->hash, true, err));
    NF_TRY(write_seen(w, err));
    NF_TRY(files->ops->import(files, path, p->hash, &kept, err));
    NF_TRY(nf_skill_replace(s, p->manifest.version, p->hash, now, err));
    if (keep)
        NF_TRY(nf_skill_grant(s, p->hash, by, now, err));
    if (keep && enabled)
        NF_TRY(nf_skill_become(s, NF_SKILL_ENABLED, now, err));
    if (s->updated_ms <= read_ms)
        s->updated_ms = read_ms + 1; /* it is what says that somebody else changed it */
    NF_TRY(w->b->store->ops->update(w->b->store, s, read_ms, err));
    nf_log_info("skill.bundled.upgraded", "skill", s->name, "version", s->version, "status",
                nf_skill_status_name(s->status), NULL);
    NF_TRY(files->ops->changed(files, s->name, err));
    return files->ops->remove(files, s->name, p->hash, err);
}

static bool is_wanted(const struct nf_setting_strs *names, const char *name)
{
    for (size_t i = 0; i < names->n; i++)
        if (strcmp(names->v[i], name) == 0)
            return true;
    return names->n == 0;
}

static NF_RC see_to(struct work *w, const char *dir, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str path = { 0 };
    NF_CLEANUP(nf_skill_package_done) struct nf_skill_package p = { 0 };

    NF_TRY(nf_str_addf(&path, err, "%s/%s", w->b->dir, dir));
    NF_TRY(files_of(w)->ops->inspect(files_of(w), nf_str_c(&path), &p, err));
    if (!is_wanted(w->b->names, p.manifest.name))
        return NF_OK;
    const struct nf_skill *is = installed(w, p.manifest.name);
    struct nf_seen_line *line = nf_seen_find(&w->seen, p.manifest.name, is ? is->hash : NULL);
    if (!is && !line)
        return prepare(w, nf_str_c(&path), &p, err);
    if (is && strcmp(is->hash, p.hash) == 0 && (!line || !line->settled))
        return mend(w, nf_str_c(&path), &p, err);
    if (is && strcmp(is->hash, p.hash) != 0 && line) {
        struct nf_skill s = *is;
        return upgrade(w, nf_str_c(&path), &s, &p, err);
    }
    return NF_OK; /* as it should be, a person's own, or removed by one */
}

/* --- all of them ------------------------------------------------------------------------------ */

static void complain(const char *what, const char *of, const struct nf_err *why)
{
    nf_log_warn("skill.bundled.failed", what, of, "err", why->msg, NULL);
}

/* One transaction, then one note. Who is killed between the two is mended by the next start. */
static NF_RC install_fresh(struct work *w, struct nf_err *err)
{
    const struct nf_skill *v = w->fresh;

    if (w->fresh_n == 0)
        return NF_OK;
    NF_TRY(w->b->store->ops->create(w->b->store, v, w->fresh_n, err));
    for (size_t i = 0; i < w->fresh_n; i++)
        NF_TRY(nf_seen_add(&w->seen, v[i].name, v[i].hash, false, err));
    NF_TRY(write_seen(w, err));
    for (size_t i = 0; i < w->fresh_n; i++) {
        struct nf_err why = { .msg = "" };
        nf_log_info("skill.bundled.installed", "skill", v[i].name, "version", v[i].version,
                    "status", nf_skill_status_name(v[i].status), NULL);
        enum nf_code rc = files_of(w)->ops->changed(files_of(w), v[i].name, &why);
        if (rc == NF_E_CANCELED)
            return nf_err_set(err, rc, "%s", why.msg);
        if (rc != NF_OK)
            complain("skill", v[i].name, &why);
    }
    return NF_OK;
}

static NF_RC see_to_all(struct work *w, struct nf_err *err)
{
    w->fresh_n = 0;
    nf_skills_done(&w->installed);
    NF_TRY(w->b->store->ops->list(w->b->store, &w->installed, err));
    for (size_t i = 0; i < w->dirs_n; i++) {
        struct nf_err why = { .msg = "" };
        enum nf_code rc = see_to(w, w->dirs[i], &why);
        if (rc == NF_E_CANCELED)
            return nf_err_set(err, rc, "%s", why.msg);
        if (rc != NF_OK)
            complain("directory", w->dirs[i], &why);
    }
    return install_fresh(w, err);
}

/* *ret is NULL if none is wanted. */
static NF_RC look(const struct nf_bundled *b, struct work **ret, struct nf_err *err)
{
    if (b->names->n == 1 && strcmp(b->names->v[0], "none") == 0)
        return NF_OK;
    NF_CLEANUP(work_free) struct work *w = calloc(1, sizeof(*w));
    if (!w)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    w->b = b;
    NF_TRY(nf_executor_call(b->executor, read_job, w, err));
    *ret = nf_take(w);
    return NF_OK;
}

enum nf_code nf_bundled_has_new(const struct nf_bundled *b, bool *ret, struct nf_err *err)
{
    NF_CLEANUP(work_free) struct work *w = NULL;
    bool found = false;

    NF_TRY(look(b, &w, err));
    for (size_t i = 0; w && i < w->dirs_n; i++) {
        const struct nf_seen_line *line = nf_seen_find(&w->seen, w->dirs[i], NULL);
        found = found || (is_wanted(b->names, w->dirs[i]) && (!line || !line->settled));
    }
    *ret = found;
    return NF_OK;
}

enum nf_code nf_bundled_install(const struct nf_bundled *b, struct nf_err *err)
{
    NF_CLEANUP(work_free) struct work *w = NULL;
    enum nf_code rc = NF_OK;

    NF_TRY(look(b, &w, err));
    for (int i = 0; w && i < PASSES_MAX; i++) {
        rc = see_to_all(w, err);
        if (rc != NF_E_CONFLICT)
            break;
    }
    return rc;
}

/* What was removed meanwhile is as settled as can be. */
enum nf_code nf_bundled_settle(const struct nf_bundled *b, struct nf_err *err)
{
    NF_CLEANUP(work_free) struct work *w = NULL;
    bool any = false;

    NF_TRY(look(b, &w, err));
    for (size_t i = 0; w && i < w->seen.n; i++) {
        struct nf_seen_line *line = &w->seen.v[i];
        if (line->settled)
            continue;
        enum nf_code rc = nf_catalogue_settle(b->catalogue, line->name, err);
        if (rc != NF_OK && rc != NF_E_NOT_FOUND)
            return rc;
        line->settled = any = true;
    }
    return any ? write_seen(w, err) : NF_OK;
}
