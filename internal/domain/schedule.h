/*
 * When something shall happen again, or once: a cron expression or a time. Pure.
 *
 *     active <-> paused;   active | paused -> done. Final.
 *
 * Always: an active schedule has a next run, another has none; it has either an expression or a
 * time. Every function keeps that, and nf_schedule_check refuses a row that does not.
 *
 * Times are epoch milliseconds. `offset_min` is how far the local clock is ahead of UTC, in
 * minutes: the rules of time zones are the caller's business.
 */
#pragma once

#include "base/error.h"
#include "domain/cron.h"
#include "domain/limits.h"

#include <stdbool.h>
#include <stdint.h>

#define NF_SCHEDULE_LATE_MS 60000  /* a run that is later than that was missed */
#define NF_SCHEDULE_MISSED_MAX 100 /* runs that are made up for at once */

/* Stored by number: append, never renumber. */
enum nf_schedule_status {
    NF_SCHEDULE_ACTIVE = 1,
    NF_SCHEDULE_PAUSED = 2,
    NF_SCHEDULE_DONE = 3,
};

/* What happens with runs whose time passed while nobody was there. */
enum nf_missed {
    NF_MISSED_SKIP = 1, /* nothing */
    NF_MISSED_ONCE = 2, /* one run for all of them */
    NF_MISSED_ALL = 3,  /* each, up to missed_max */
};

struct nf_schedule {
    int64_t id, user_id;
    enum nf_schedule_status status;
    char expression[NF_CRON_MAX + 1]; /* "" if it runs once */
    struct nf_cron cron;              /* the expression, parsed; not stored */
    int64_t at_ms;                    /* when it runs once; 0 with an expression */
    enum nf_missed missed;
    int64_t missed_max; /* with NF_MISSED_ALL: 1 to NF_SCHEDULE_MISSED_MAX */
    int64_t next_ms;    /* the next run; 0: none */
    int64_t last_ms;    /* when runs were last taken; 0: never yet */
    int64_t created_ms;
};

/* By `expression`. NF_E_INVALID, NF_E_LIMIT name the field. */
NF_RC nf_schedule_init(struct nf_schedule *s, int64_t id, int64_t user_id, const char *expression,
                       enum nf_missed missed, int64_t missed_max, int offset_min, int64_t now_ms,
                       struct nf_err *err);
/* Once at `at_ms`, which lies ahead. */
NF_RC nf_schedule_init_once(struct nf_schedule *s, int64_t id, int64_t user_id, int64_t at_ms,
                            enum nf_missed missed, int64_t now_ms, struct nf_err *err);

/* Move along an arrow; NF_E_CONFLICT for one that is not drawn. What passes while it is paused is
 * not missed: it goes on with the next time. NF_E_INVALID: its only time has passed. */
NF_RC nf_schedule_become(struct nf_schedule *s, enum nf_schedule_status to, int offset_min,
                         int64_t now_ms, struct nf_err *err);

/* How many runs to start now, by the rule for missed ones; the schedule moves on to its next time,
 * or is done. 0 while it is not due. Whoever stores it together with what it starts loses no run
 * and starts none twice. */
int64_t nf_schedule_take_due(struct nf_schedule *s, int offset_min, int64_t now_ms);

/* Check what was read from a database, and parse its expression. NF_E_INVALID. */
NF_RC nf_schedule_check(struct nf_schedule *s, struct nf_err *err);

bool nf_schedule_is_final(enum nf_schedule_status status);
const char *nf_schedule_status_name(enum nf_schedule_status status); /* "active" */
const char *nf_missed_name(enum nf_missed missed);                   /* "skip" */
bool nf_missed_from_name(const char *name, enum nf_missed *ret);
