/*
 * Use case: which skills are installed, and what the owner agrees to. Owner only, else NF_E_DENIED.
 * All may suspend. Nothing of a skill runs before it is enabled, and enabling names the hash of the
 * files that were shown.
 */
#pragma once

#include "application/deps.h"

#define NF_SKILL_LOG_MAX ((size_t)64 * 1024) /* bytes of a log that are shown */

/* A skill as decided and as its files say. */
struct nf_skill_view {
    struct nf_skill skill;           /* of one that was only looked at: id 0 */
    struct nf_skill_package package; /* if `problem` is empty */
    char problem[240];               /* why its files cannot be read; "" if they can */
};
void nf_skill_view_done(struct nf_skill_view *v);

struct nf_skill_views {
    struct nf_skill_view *v;
    size_t n;
    bool more; /* behind the last one */
};
void nf_skill_views_done(struct nf_skill_views *v);

/* Skills are changed one after the other: who installs one copies, stores and clears away, and
 * somebody else in between would lose what they copied. All that change one do it themselves.
 * NF_E_UNAVAILABLE: it was not our turn within NF_SKILLS_LOCK_MS. Suspends. */
#define NF_SKILLS_LOCK_MS 30000
NF_RC nf_skills_lock(struct nf_app *a, struct nf_err *err);
void nf_skills_unlock(struct nf_app *a);

/* What the directory `path` of this machine holds; nothing is kept. NF_E_INVALID names the field of
 * the manifest, or the place in a tool's schema. */
NF_RC nf_skill_inspect(struct nf_app *a, const struct nf_user *user, const char *path,
                       struct nf_skill_view *ret, struct nf_err *err);
/* Keep it. One of that name is replaced, and with other files loses its grant. NF_E_CONFLICT: the
 * files do not have `hash` (NULL: any). */
NF_RC nf_skill_install(struct nf_app *a, const struct nf_user *user, const char *path,
                       const char *hash, struct nf_skill_view *ret, struct nf_err *err);
struct nf_skill_filter {
    struct nf_slice part;        /* that the name has, in any case of letters; empty: all */
    struct nf_slice after;       /* names behind this one; empty: from the first */
    enum nf_skill_status status; /* 0: any */
    size_t limit;                /* 0: none */
};
/* By name. */
NF_RC nf_skill_list(struct nf_app *a, const struct nf_user *user, const struct nf_skill_filter *f,
                    struct nf_skill_views *ret, struct nf_err *err);
NF_RC nf_skill_show(struct nf_app *a, const struct nf_user *user, const char *name,
                    struct nf_skill_view *ret, struct nf_err *err);
/* Agree to what the files with `hash` may do, and let it run. */
NF_RC nf_skill_enable(struct nf_app *a, const struct nf_user *user, const char *name,
                      const char *hash, struct nf_skill_view *ret, struct nf_err *err);
NF_RC nf_skill_disable(struct nf_app *a, const struct nf_user *user, const char *name,
                       struct nf_skill_view *ret, struct nf_err *err);
/* With its files and its log; `data`: with what it keeps for people, too. */
NF_RC nf_skill_uninstall(struct nf_app *a, const struct nf_user *user, const char *name, bool data,
                         struct nf_err *err);
/* Append the newest lines of its log, at most `max` bytes of them. NF_E_INVALID: `max` is not 1 to
 * NF_SKILL_LOG_MAX. */
NF_RC nf_skill_read_log(struct nf_app *a, const struct nf_user *user, const char *name, size_t max,
                        struct nf_str *ret, struct nf_err *err);
