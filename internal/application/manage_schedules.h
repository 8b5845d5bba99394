/*
 * Use case: people, and models for them, look after schedules. An owner sees everybody's, others
 * their own. All may suspend.
 *
 * A schedule that asks a model spends money with nobody there: it is made paused, and only its own
 * person switches it on.
 */
#pragma once

#include "application/deps.h"

/* What somebody wants. Borrowed; NULL: not said. */
struct nf_schedule_wish {
    enum nf_schedule_kind kind;
    const char *text;
    const char *when;      /* once: see domain/when.h */
    const char *cron;      /* again and again */
    const char *zone;      /* NULL: the person's */
    enum nf_missed missed; /* 0: once */
    int64_t missed_max;    /* 0: NF_SCHEDULE_MISSED_MAX */
    /* Where: the conversation, or a chat; nothing: a new conversation on the page. */
    int64_t session_id;
    bool by_model;
    int64_t call_id; /* the tool call that makes it: again it makes no other one; 0: none */
};

/* NF_E_DENIED: schedules are switched off. */
NF_RC nf_schedules_check_on(const struct nf_app *a, struct nf_err *err);

/* The zone of the person, else that of the settings. */
NF_RC nf_person_zone(struct nf_app *a, const struct nf_user *user, const struct nf_zone **ret,
                     struct nf_err *err);

/* NF_E_INVALID, NF_E_LIMIT name the field; NF_E_DENIED: schedules are switched off; NF_E_NOT_FOUND:
 * no such conversation of theirs. */
NF_RC nf_schedule_create(struct nf_app *a, const struct nf_user *user,
                         const struct nf_schedule_wish *w, struct nf_schedule *ret,
                         struct nf_err *err);
/* What it would become, without keeping it: the same errors. */
NF_RC nf_schedule_preview(struct nf_app *a, const struct nf_user *user,
                          const struct nf_schedule_wish *w, struct nf_schedule *ret,
                          struct nf_err *err);
/* `user_id` of the filter is overwritten unless they see everybody's. NF_E_INVALID: limit outside 1
 * to NF_PAGE_MAX. */
NF_RC nf_schedule_list(struct nf_app *a, const struct nf_user *user, struct nf_schedule_filter *f,
                       struct nf_schedules *ret, struct nf_err *err);
NF_RC nf_schedule_show(struct nf_app *a, const struct nf_user *user, int64_t id,
                       struct nf_schedule *ret, struct nf_err *err);
/* What is said of `w` changes: text, when or cron, zone, missed, missed_max. */
NF_RC nf_schedule_change(struct nf_app *a, const struct nf_user *user, int64_t id,
                         const struct nf_schedule_wish *w, struct nf_schedule *ret,
                         struct nf_err *err);
/* Pause it, or let it go on. NF_E_DENIED: it asks a model and is somebody else's, or that is
 * switched off. */
NF_RC nf_schedule_pause(struct nf_app *a, const struct nf_user *user, int64_t id,
                        struct nf_schedule *ret, struct nf_err *err);
NF_RC nf_schedule_resume(struct nf_app *a, const struct nf_user *user, int64_t id,
                         struct nf_schedule *ret, struct nf_err *err);
NF_RC nf_schedule_remove(struct nf_app *a, const struct nf_user *user, int64_t id,
                         struct nf_err *err);
/* Its runs, newest first; `before`: due_ms of the last one of the page before, 0: the first. */
NF_RC nf_schedule_history(struct nf_app *a, const struct nf_user *user, int64_t id, int64_t before,
                          size_t limit, struct nf_schedule_runs *ret, struct nf_err *err);

/* Append when it runs: "every day at 09:00", "once, Sun 29 Nov 2026 09:00". */
NF_RC nf_schedule_say(struct nf_app *a, const struct nf_schedule *s, enum nf_lang lang,
                      struct nf_str *to, struct nf_err *err);
/* Its next runs, at most NF_SCHEDULE_NEXT_SHOWN; *zone: its own, borrowed. */
NF_RC nf_schedule_next(struct nf_app *a, const struct nf_schedule *s, const struct nf_zone **zone,
                       int64_t ret[NF_SCHEDULE_NEXT_SHOWN], size_t *n, struct nf_err *err);
