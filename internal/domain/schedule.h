/*
 * When something shall happen again, or once: a cron expression or a time, and what: a text that is
 * said, or a question that a model answers. Pure.
 *
 *     active <-> paused;   active | paused -> done. Final.
 *
 * Always: an active schedule has a next run, another has none; it has either an expression or a
 * time. Every function keeps that, and nf_schedule_check refuses a row that does not.
 *
 * Times are epoch milliseconds.
 */
#pragma once

#include "base/error.h"
#include "domain/cron.h"
#include "domain/limits.h"
#include "domain/zone.h"

#include <stdbool.h>
#include <stdint.h>

#define NF_SCHEDULE_TEXT_MAX 2000  /* bytes of what is said or asked */
#define NF_SCHEDULE_LATE_MS 60000  /* a run that is later than that was missed */
#define NF_SCHEDULE_BACK_MS 60000  /* a clock set back by more than that is noticed */
#define NF_SCHEDULE_MISSED_MAX 100 /* runs that are made up for, one after the other */
#define NF_SCHEDULE_NEXT_SHOWN 3   /* runs ahead that people are told */

/* Stored by number: append, never renumber. */
enum nf_schedule_status {
    NF_SCHEDULE_ACTIVE = 1,
    NF_SCHEDULE_PAUSED = 2,
    NF_SCHEDULE_DONE = 3,
};

enum nf_schedule_kind {
    NF_SCHEDULE_REMINDER = 1, /* its text is said: no model, no money */
    NF_SCHEDULE_PROMPT = 2,   /* a model answers its text */
};

/* What happens with runs whose time passed while nobody was there. */
enum nf_missed {
    NF_MISSED_SKIP = 1, /* nothing */
    NF_MISSED_ONCE = 2, /* one run for all of them */
    NF_MISSED_ALL = 3,  /* each, up to missed_max */
};

struct nf_schedule {
    int64_t id, user_id;
    enum nf_schedule_kind kind;
    enum nf_schedule_status status;
    char text[NF_SCHEDULE_TEXT_MAX + 1];
    /* Where: the chat, and the conversation it was made in, 0: none. */
    int64_t session_id;
    char channel[NF_CHANNEL_MAX + 1];
    char address[NF_ADDRESS_MAX + 1];
    bool shared;
    char expression[NF_CRON_MAX + 1]; /* "" if it runs once */
    struct nf_cron cron;              /* the expression, parsed; not stored */
    int64_t at_ms;                    /* when it runs once; 0 with an expression */
    char zone[NF_ZONE_NAME_MAX + 1];
    enum nf_missed missed;
    int64_t missed_max;  /* with NF_MISSED_ALL: 1 to NF_SCHEDULE_MISSED_MAX */
    int64_t made_up;     /* missed runs that were made up for since the last one in time */
    int64_t next_ms;     /* the next run; 0: none */
    int64_t last_ms;     /* when a run was last taken; 0: never yet */
    int64_t last_run_id; /* of its newest turn; 0: none */
    int64_t created_ms;
    bool by_model;                  /* a model made it */
    int64_t call_id;                /* the tool call that made it; 0: none did */
    int64_t version;                /* grows with every change: who writes names the one it read */
    char reason[NF_REASON_MAX + 1]; /* why it is paused, if nobody asked for that */
};

/* What becomes a schedule. Borrowed. */
struct nf_schedule_spec {
    int64_t id, user_id;
    enum nf_schedule_kind kind;
    const char *text;
    const char *expression; /* NULL or "": once */
    int64_t at_ms;          /* with an expression 0 */
    enum nf_missed missed;
    int64_t missed_max; /* ignored without NF_MISSED_ALL */
};

/* Make *s an active schedule, without a place. NF_E_INVALID, NF_E_LIMIT name the field. */
NF_RC nf_schedule_init(struct nf_schedule *s, const struct nf_schedule_spec *spec,
                       const struct nf_zone *zone, int64_t now_ms, struct nf_err *err);

/* Move along an arrow; NF_E_CONFLICT for one that is not drawn. What passes while it is paused is
 * not missed: it goes on with the next time. NF_E_INVALID: its only time has passed. */
NF_RC nf_schedule_become(struct nf_schedule *s, enum nf_schedule_status to,
                         const struct nf_zone *zone, int64_t now_ms, struct nf_err *err);

/* What is to be done about a schedule whose time has come. */
struct nf_due {
    bool run;       /* else its runs up to now were missed, and that is all */
    int64_t due_ms; /* the time it was for */
    bool late;      /* by more than NF_SCHEDULE_LATE_MS */
};

/* Take the oldest run that is due, by the rule for missed ones; the schedule moves on to its next
 * time, which may be due as well, or is done. False: nothing is due. Whoever stores it together
 * with what it starts loses no run and starts none twice. */
bool nf_schedule_take(struct nf_schedule *s, const struct nf_zone *zone, int64_t now_ms,
                      struct nf_due *ret);

/* The clock was set back to before its last run: the next one is looked for anew. False: it was
 * not. A time that had its run already may be due again; whoever keeps runs by their time knows. */
bool nf_schedule_rewind(struct nf_schedule *s, const struct nf_zone *zone, int64_t now_ms);

/* The next runs, at most `max`; returns how many. */
size_t nf_schedule_ahead(const struct nf_schedule *s, const struct nf_zone *zone, size_t max,
                         int64_t *ret);

/* Pause it, which nobody asked for: `reason` says why, cut to NF_REASON_MAX bytes. */
void nf_schedule_halt(struct nf_schedule *s, const char *reason);

/* Check what was read from a database, and parse its expression. NF_E_INVALID. */
NF_RC nf_schedule_check(struct nf_schedule *s, struct nf_err *err);

bool nf_schedule_is_final(enum nf_schedule_status status);
const char *nf_schedule_status_name(enum nf_schedule_status status); /* "active" */
const char *nf_schedule_kind_name(enum nf_schedule_kind kind);       /* "reminder" */
const char *nf_missed_name(enum nf_missed missed);                   /* "skip" */
bool nf_schedule_kind_from_name(const char *name, enum nf_schedule_kind *ret);
bool nf_missed_from_name(const char *name, enum nf_missed *ret);

/* --- its runs --------------------------------------------------------------------------------- */

/* Stored by number: append, never renumber. */
enum nf_schedule_outcome {
    NF_SCHEDULE_STARTED = 1, /* its turn is under way */
    NF_SCHEDULE_ENDED = 2,   /* its turn has been answered */
    NF_SCHEDULE_FAILED = 3,  /* or has not: see the reason */
    NF_SCHEDULE_MISSED = 4,  /* nobody was there in time */
    NF_SCHEDULE_SKIPPED = 5, /* it might not run: see the reason */
};

struct nf_schedule_run {
    int64_t schedule_id, due_ms; /* together unique */
    int64_t user_id, fired_ms;
    enum nf_schedule_outcome outcome;
    int64_t run_id;   /* the turn; 0: none */
    int64_t reserved; /* tokens that were set aside for it, until it has ended */
    int64_t tokens;   /* that it used */
    bool by_hand;
    char reason[NF_REASON_MAX + 1];
};
const char *nf_schedule_outcome_name(enum nf_schedule_outcome outcome); /* "started" */
