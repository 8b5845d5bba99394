#include "skills/bundled.h"

#include "base/own.h"
#include "observe/log.h"
#include "runtime/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SKILLS_MAX 64 /* directories looked at */

/* --- what was seen: "name hash" a line ---------------------------------------------------------
 */

struct seen {
    char name[NF_NAME_MAX + 1];
    char hash[NF_SKILL_HASH + 1];
};
struct work {
    const struct nf_bundled *b;
    char *dirs[SKILLS_MAX]; /* names of directories */
    size_t dirs_n;
    struct seen seen[NF_BUNDLED_SEEN_MAX];
    size_t seen_n;
};

static void work_free(struct work **w)
{
    for (size_t i = 0; *w && i < (*w)->dirs_n; i++)
        free((*w)->dirs[i]);
    free(*w);
}

static bool was_seen(const struct work *w, const char *name, const char *hash)
{
    for (size_t i = 0; i < w->seen_n; i++)
        if (strcmp(w->seen[i].name, name) == 0 && (!hash || strcmp(w->seen[i].hash, hash) == 0))
            return true;
    return false;
}

/* Forget the oldest version of `name` but one: the newest is about to be installed, and the one
 * before is, until it was. */
static void forget_oldest(struct work *w, const char *name)
{
    size_t first = w->seen_n, n = 0;

    for (size_t i = w->seen_n; i-- > 0;)
        if (strcmp(w->seen[i].name, name) == 0) {
            first = i;
            n++;
        }
    if (n < 2)
        return;
    memmove(&w->seen[first], &w->seen[first + 1], (w->seen_n - first - 1) * sizeof(w->seen[0]));
    w->seen_n--;
}

static void parse_seen(struct work *w, const char *text)
{
    while (*text && w->seen_n < NF_BUNDLED_SEEN_MAX) {
        size_t line = strcspn(text, "\n"), name = strcspn(text, " \n");
        struct seen *s = &w->seen[w->seen_n];
        if (name <= NF_NAME_MAX && line == name + 1 + NF_SKILL_HASH) {
            *s = (struct seen){ .name = "" };
            memcpy(s->name, text, name);
            memcpy(s->hash, text + name + 1, NF_SKILL_HASH);
            w->seen_n++;
        }
        text += line + (text[line] == '\n');
    }
}

/* --- on a thread ------------------------------------------------------------------------------ */

static NF_RC read_seen(struct work *w, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { 0 };
    char part[4096];
    ssize_t n = 0;
    int fd = open(w->b->seen, O_RDONLY | O_CLOEXEC);

    if (fd < 0 && errno == ENOENT)
        return NF_OK;
    enum nf_code rc = NF_OK;
    while (fd >= 0 && rc == NF_OK && (n = read(fd, part, sizeof(part))) > 0)
        rc = nf_str_add(&text, part, (size_t)n, err);
    if (fd < 0 || n < 0)
        rc = nf_err_set(err, NF_E_IO, "read '%.150s': %s", w->b->seen, strerror(errno));
    if (fd >= 0)
        (void)close(fd);
    if (rc == NF_OK)
        parse_seen(w, nf_str_c(&text));
    return rc;
}

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
    NF_TRY(read_seen(arg, err));
    return read_dirs(arg, err);
}

static enum nf_code write_job(void *arg, struct nf_err *err)
{
    const struct work *w = arg;
    NF_CLEANUP(nf_str_done) struct nf_str text = { 0 };

    for (size_t i = 0; i < w->seen_n; i++)
        NF_TRY(nf_str_addf(&text, err, "%s %s\n", w->seen[i].name, w->seen[i].hash));
    return nf_file_replace(w->b->seen, nf_str_c(&text), text.len, err);
}

/* Before it is upgraded, so that who is interrupted in between finds its own work again. */
static NF_RC note_seen(struct work *w, const struct nf_skill_package *p, struct nf_err *err)
{
    forget_oldest(w, p->manifest.name);
    if (w->seen_n == NF_BUNDLED_SEEN_MAX)
        return nf_err_set(err, NF_E_LIMIT,
                          "'%.150s' has %d lines: no more skills can come with "
                          "the program",
                          w->b->seen, NF_BUNDLED_SEEN_MAX);
    struct seen *s = &w->seen[w->seen_n++];
    *s = (struct seen){ .name = "" };
    memcpy(s->name, p->manifest.name, strlen(p->manifest.name) + 1);
    memcpy(s->hash, p->hash, sizeof(s->hash));
    return nf_executor_call(w->b->executor, write_job, w, err);
}

/* --- one skill -------------------------------------------------------------------------------- */

/* Whether it is enabled without anybody being asked. */
static bool is_harmless(const struct nf_skill_manifest *m)
{
    return m->http_n == 0 && m->kind == NF_SKILL_PLUGIN;
}

static NF_RC install(const struct nf_bundled *b, const char *path, const struct nf_skill_package *p,
                     struct nf_err *err)
{
    NF_CLEANUP(nf_skill_package_done) struct nf_skill_package kept = { 0 };
    const struct nf_skill_manifest *m = &p->manifest;
    int64_t now = nf_clock_now_ms(b->clock);
    struct nf_skill s;

    NF_TRY(b->files->ops->import(b->files, path, p->hash, &kept, err));
    NF_TRY(nf_skill_init(&s, nf_id_next(b->ids, now), m->name, m->version, p->hash, now, err));
    if (is_harmless(m)) {
        NF_TRY(nf_skill_grant(&s, p->hash, b->owner_id, now, err));
        NF_TRY(nf_skill_become(&s, NF_SKILL_ENABLED, now, err));
    }
    NF_TRY(b->store->ops->create(b->store, &s, err));
    nf_log_info("skill.bundled.installed", "skill", m->name, "version", m->version, "status",
                nf_skill_status_name(s.status), NULL);
    return b->files->ops->changed(b->files, m->name, err);
}

/* The version before, as far as it is there: what it was allowed. */
static bool may_keep_grant(const struct nf_bundled *b, const struct nf_skill *s,
                           const struct nf_skill_package *fresh)
{
    NF_CLEANUP(nf_skill_package_done) struct nf_skill_package old = { 0 };
    struct nf_err ignored;

    return nf_skill_is_granted(s) &&
           b->files->ops->load(b->files, s->name, s->hash, &old, &ignored) == NF_OK &&
           !nf_skill_manifest_grows(&old.manifest, &fresh->manifest);
}

static NF_RC upgrade(const struct nf_bundled *b, const char *path, struct nf_skill *s,
                     const struct nf_skill_package *p, struct nf_err *err)
{
    NF_CLEANUP(nf_skill_package_done) struct nf_skill_package kept = { 0 };
    int64_t read_ms = s->updated_ms, now = nf_clock_now_ms(b->clock), by = s->granted_by;
    bool enabled = s->status == NF_SKILL_ENABLED, keep = may_keep_grant(b, s, p);

    NF_TRY(b->files->ops->import(b->files, path, p->hash, &kept, err));
    NF_TRY(nf_skill_replace(s, p->manifest.version, p->hash, now, err));
    if (keep)
        NF_TRY(nf_skill_grant(s, p->hash, by, now, err));
    if (keep && enabled)
        NF_TRY(nf_skill_become(s, NF_SKILL_ENABLED, now, err));
    if (s->updated_ms <= read_ms)
        s->updated_ms = read_ms + 1; /* it is what says that somebody else changed it */
    NF_TRY(b->store->ops->update(b->store, s, read_ms, err));
    nf_log_info("skill.bundled.upgraded", "skill", s->name, "version", s->version, "status",
                nf_skill_status_name(s->status), NULL);
    NF_TRY(b->files->ops->changed(b->files, s->name, err));
    return b->files->ops->remove(b->files, s->name, p->hash, err);
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
    const struct nf_bundled *b = w->b;
    NF_CLEANUP(nf_str_done) struct nf_str path = { 0 };
    NF_CLEANUP(nf_skill_package_done) struct nf_skill_package p = { 0 };
    struct nf_skill s;

    NF_TRY(nf_str_addf(&path, err, "%s/%s", b->dir, dir));
    NF_TRY(b->files->ops->inspect(b->files, nf_str_c(&path), &p, err));
    if (!is_wanted(b->names, p.manifest.name))
        return NF_OK;
    enum nf_code rc = b->store->ops->find(b->store, p.manifest.name, &s, err);
    if (rc == NF_E_NOT_FOUND && !was_seen(w, p.manifest.name, NULL)) {
        NF_TRY(install(b, nf_str_c(&path), &p, err));
        return note_seen(w, &p, err);
    }
    if (rc == NF_OK && strcmp(s.hash, p.hash) == 0 && !was_seen(w, s.name, s.hash))
        return note_seen(w, &p, err); /* installed by one of us who was interrupted */
    if (rc == NF_OK && strcmp(s.hash, p.hash) != 0 && was_seen(w, s.name, s.hash)) {
        NF_TRY(note_seen(w, &p, err));
        return upgrade(b, nf_str_c(&path), &s, &p, err);
    }
    /* As it should be, a person's own, or removed by one. */
    return rc == NF_E_NOT_FOUND ? NF_OK : rc;
}

static NF_RC see_to_all(struct work *w, struct nf_err *err)
{
    for (size_t i = 0; i < w->dirs_n; i++) {
        struct nf_err why = { .msg = "" };
        enum nf_code rc = see_to(w, w->dirs[i], &why);
        if (rc == NF_E_CANCELED)
            return nf_err_set(err, rc, "%s", why.msg);
        if (rc != NF_OK)
            nf_log_warn("skill.bundled.failed", "directory", w->dirs[i], "err", why.msg, NULL);
    }
    return NF_OK;
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
    for (size_t i = 0; w && i < w->dirs_n; i++)
        found = found || (is_wanted(b->names, w->dirs[i]) && !was_seen(w, w->dirs[i], NULL));
    *ret = found;
    return NF_OK;
}

enum nf_code nf_bundled_install(const struct nf_bundled *b, struct nf_err *err)
{
    NF_CLEANUP(work_free) struct work *w = NULL;

    NF_TRY(look(b, &w, err));
    return w ? see_to_all(w, err) : NF_OK;
}
