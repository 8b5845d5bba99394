/*
 * Port: schedules and their runs. Each operation is one durable transaction. All may suspend.
 *
 * A schedule that changes names the version that was read; whoever comes second gets
 * NF_E_CONFLICT. That is what lets several instances look at the same schedule, and one that was
 * frozen write nothing any more: there is no lease that it could outlive.
 */
#pragma once

#include "application/ports/turn_store.h"
#include "domain/schedule.h"

#include <stddef.h>

/* A row that does not make sense, as nobody who writes here leaves it: a disk, or a hand. */
struct nf_schedule_damage {
    int64_t id;
    char why[NF_REASON_MAX + 1];
};

/* Among those that are due: { 0 } is before all. */
struct nf_schedule_place {
    int64_t next_ms, id;
};

/* One damaged row hides no other: it is left out of `v`. */
struct nf_schedules {
    struct nf_schedule *v;
    size_t n;
    struct nf_schedule_damage *damaged;
    size_t damaged_n;
    struct nf_schedule_place last; /* of the last row, damaged or not */
};
void nf_schedules_done(struct nf_schedules *s);

/* n + damaged_n: how many rows a page had. */
size_t nf_schedules_rows(const struct nf_schedules *s);

/* What there is to wait for. */
struct nf_schedule_outlook {
    int64_t next_ms; /* when the first active one is due; 0: none is active */
    int64_t last_ms; /* the latest time that an active one ran; 0: none did */
    bool under_way;  /* a run has started that is not settled */
};

struct nf_schedule_runs {
    struct nf_schedule_run *v;
    size_t n;
};
void nf_schedule_runs_done(struct nf_schedule_runs *r);

/* Why a run was not written. */
enum nf_fire_refusal {
    NF_FIRE_NOT_REFUSED = 0,
    NF_FIRE_MOVED,      /* somebody else has changed the schedule: read it again */
    NF_FIRE_RUN_BEFORE, /* this time had its run; that it was missed does not count */
    NF_FIRE_BUDGET,     /* the person's tokens of the day are used up */
    NF_FIRE_BUDGET_ALL, /* those of all people together */
};

/* A run of a schedule, written together with the turn that it starts (struct nf_accept), or by
 * itself if it starts none. Borrowed. */
struct nf_fire {
    const struct nf_schedule *schedule; /* as it goes on; its version is the one that was read */
    const struct nf_schedule_run *run;  /* reserved: counted against the day, in the same commit */
    int64_t day;                        /* of the budget: days since 1970 */
    int64_t user_max, all_max;          /* tokens of a day */
    enum nf_fire_refusal refused;       /* out, with NF_E_CONFLICT */
};

#define NF_SCHEDULE_DAYS_KEPT 8 /* with a budget that is remembered */

struct nf_schedule_filter {
    int64_t user_id;                /* 0: of all people */
    enum nf_schedule_status status; /* 0: in any */
    int64_t before_id;              /* of the page before; 0: the first */
    size_t limit;
};

struct nf_schedule_store {
    const struct nf_schedule_store_ops *ops;
};

struct nf_schedule_store_ops {
    /* `user_id` 0: anybody's. NF_E_NOT_FOUND. */
    enum nf_code (*get)(struct nf_schedule_store *s, int64_t id, int64_t user_id,
                        struct nf_schedule *ret, struct nf_err *err);
    /* Newest first. */
    enum nf_code (*list)(struct nf_schedule_store *s, const struct nf_schedule_filter *f,
                         struct nf_schedules *ret, struct nf_err *err);
    /* NF_E_LIMIT: the person has `max` that are not done. NF_E_CONFLICT: its call has made one. */
    enum nf_code (*create)(struct nf_schedule_store *s, const struct nf_schedule *in, int64_t max,
                           struct nf_err *err);
    /* What a call made. NF_E_NOT_FOUND. */
    enum nf_code (*of_call)(struct nf_schedule_store *s, int64_t call_id, struct nf_schedule *ret,
                            struct nf_err *err);
    /* Store it; in->version is the one that was read. NF_E_CONFLICT. */
    enum nf_code (*update)(struct nf_schedule_store *s, const struct nf_schedule *in,
                           struct nf_err *err);
    /* With its runs, but for one that is under way. NF_E_NOT_FOUND, also for somebody else's
     * (`user_id` 0: anybody's). */
    enum nf_code (*remove)(struct nf_schedule_store *s, int64_t id, int64_t user_id,
                           struct nf_err *err);
    /* The one read that says whether any other is needed. */
    enum nf_code (*outlook)(struct nf_schedule_store *s, struct nf_schedule_outlook *ret,
                            struct nf_err *err);
    /* Active ones whose time has come, the longest waiting first, of those behind *after. `last`:
     * where to go on, if there may be more; else { 0 }. */
    enum nf_code (*due)(struct nf_schedule_store *s, int64_t now_ms,
                        const struct nf_schedule_place *after, size_t limit,
                        struct nf_schedules *ret, struct nf_err *err);
    /* Active ones whose last run lies more than NF_SCHEDULE_BACK_MS ahead: a clock was set back. */
    enum nf_code (*ahead)(struct nf_schedule_store *s, int64_t now_ms, size_t limit,
                          struct nf_schedules *ret, struct nf_err *err);
    /* Pause an active one without reading it. NF_E_CONFLICT: it is not active any more. */
    enum nf_code (*set_aside)(struct nf_schedule_store *s, int64_t id, const char *reason,
                              struct nf_err *err);
    /* Write a run that starts no turn. NF_E_CONFLICT: see fire->refused. */
    enum nf_code (*note)(struct nf_schedule_store *s, struct nf_fire *fire, struct nf_err *err);
    /* Runs with due_ms < before (0: the newest), newest first. */
    enum nf_code (*runs)(struct nf_schedule_store *s, int64_t schedule_id, int64_t before,
                         size_t limit, struct nf_schedule_runs *ret, struct nf_err *err);
    /* The run whose turn that is. NF_E_NOT_FOUND. */
    enum nf_code (*of_turn)(struct nf_schedule_store *s, int64_t run_id,
                            struct nf_schedule_run *ret, struct nf_err *err);
    /* Started runs whose turn has ended or is gone, with the outcome, reason and tokens of it. */
    enum nf_code (*ended)(struct nf_schedule_store *s, size_t limit, struct nf_schedule_runs *ret,
                          struct nf_err *err);
    /* Write that down: what was set aside on `day` becomes what was used. NF_E_CONFLICT: it was
     * written before. */
    enum nf_code (*settle)(struct nf_schedule_store *s, const struct nf_schedule_run *r,
                           int64_t day, struct nf_err *err);
    /* Tokens of a day, of one person or with 0 of all. */
    enum nf_code (*tokens)(struct nf_schedule_store *s, int64_t user_id, int64_t day, int64_t *ret,
                           struct nf_err *err);
    /* Runs that are older, and days before `day`, go; schedules that are done and whose last run is
     * older, too. Of each person the newest NF_SCHEDULE_DAYS_KEPT days stay whatever the clock
     * says: one that is wrong for a while must not give today's tokens out again. */
    enum nf_code (*tidy)(struct nf_schedule_store *s, int64_t before_ms, int64_t day,
                         struct nf_err *err);
};
