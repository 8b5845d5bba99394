/* What is due, and what comes next. */
#include "domain/schedule.h"

#include <string.h>

#define TO(status) (1u << (status))

static const unsigned arrows[] = {
    [NF_SCHEDULE_ACTIVE] = TO(NF_SCHEDULE_PAUSED) | TO(NF_SCHEDULE_DONE),
    [NF_SCHEDULE_PAUSED] = TO(NF_SCHEDULE_ACTIVE) | TO(NF_SCHEDULE_DONE),
    [NF_SCHEDULE_DONE] = 0,
};

static bool is_status(enum nf_schedule_status status)
{
    return status >= NF_SCHEDULE_ACTIVE && status <= NF_SCHEDULE_DONE;
}

static bool is_cron(const struct nf_schedule *s)
{
    return s->expression[0] != '\0';
}

static enum nf_code check_missed(enum nf_missed missed, int64_t max, struct nf_err *err)
{
    if (missed < NF_MISSED_SKIP || missed > NF_MISSED_ALL)
        return nf_err_set(err, NF_E_INVALID, "missed must be one of skip, once and all");
    if (missed == NF_MISSED_ALL && (max < 1 || max > NF_SCHEDULE_MISSED_MAX))
        return nf_err_set(err, NF_E_LIMIT, "missed_max must be 1 to %d", NF_SCHEDULE_MISSED_MAX);
    return NF_OK;
}

enum nf_code nf_schedule_init(struct nf_schedule *s, int64_t id, int64_t user_id,
                              const char *expression, enum nf_missed missed, int64_t missed_max,
                              int offset_min, int64_t now_ms, struct nf_err *err)
{
    struct nf_cron cron;

    NF_TRY(nf_cron_parse(expression, &cron, err));
    NF_TRY(check_missed(missed, missed_max, err));
    *s = (struct nf_schedule){
        .id = id,
        .user_id = user_id,
        .status = NF_SCHEDULE_ACTIVE,
        .cron = cron,
        .missed = missed,
        .missed_max = missed == NF_MISSED_ALL ? missed_max : 0,
        .next_ms = nf_cron_next(&cron, now_ms, offset_min),
        .created_ms = now_ms,
    };
    memcpy(s->expression, expression, strlen(expression));
    return NF_OK;
}

static enum nf_code check_ahead(int64_t at_ms, int64_t now_ms, struct nf_err *err)
{
    if (at_ms <= now_ms)
        return nf_err_set(err, NF_E_INVALID,
                          "the time of the schedule has passed: set a later one");
    return NF_OK;
}

enum nf_code nf_schedule_init_once(struct nf_schedule *s, int64_t id, int64_t user_id,
                                   int64_t at_ms, enum nf_missed missed, int64_t now_ms,
                                   struct nf_err *err)
{
    NF_TRY(check_ahead(at_ms, now_ms, err));
    NF_TRY(check_missed(missed, 1, err));
    *s = (struct nf_schedule){
        .id = id,
        .user_id = user_id,
        .status = NF_SCHEDULE_ACTIVE,
        .at_ms = at_ms,
        .missed = missed,
        .missed_max = missed == NF_MISSED_ALL ? 1 : 0,
        .next_ms = at_ms,
        .created_ms = now_ms,
    };
    return NF_OK;
}

enum nf_code nf_schedule_become(struct nf_schedule *s, enum nf_schedule_status to, int offset_min,
                                int64_t now_ms, struct nf_err *err)
{
    if (!is_status(s->status) || !is_status(to) || !(arrows[s->status] & TO(to)))
        return nf_err_set(err, NF_E_CONFLICT, "schedule is %s: it cannot become %s",
                          nf_schedule_status_name(s->status), nf_schedule_status_name(to));
    if (to != NF_SCHEDULE_ACTIVE) {
        s->next_ms = 0;
    } else if (is_cron(s)) {
        s->next_ms = nf_cron_next(&s->cron, now_ms, offset_min);
    } else {
        NF_TRY(check_ahead(s->at_ms, now_ms, err));
        s->next_ms = s->at_ms;
    }
    s->status = to;
    return NF_OK;
}

/* The newest time that is due and not yet missed, 0 if there is none. */
static int64_t just_due(const struct nf_schedule *s, int offset_min, int64_t now_ms)
{
    int64_t earliest = now_ms - NF_SCHEDULE_LATE_MS, t = s->next_ms;

    if (t < earliest && is_cron(s))
        t = nf_cron_next(&s->cron, earliest > 0 ? earliest - 1 : 0, offset_min);
    return t >= earliest && t <= now_ms ? t : 0;
}

int64_t nf_schedule_take_due(struct nf_schedule *s, int offset_min, int64_t now_ms)
{
    int64_t runs = 0, max = 1;

    if (s->status != NF_SCHEDULE_ACTIVE || s->next_ms > now_ms)
        return 0;
    if (s->missed == NF_MISSED_ALL && is_cron(s))
        max = s->missed_max;
    if (s->missed == NF_MISSED_SKIP)
        runs = just_due(s, offset_min, now_ms) != 0;
    else
        for (int64_t t = s->next_ms; t <= now_ms && runs < max; runs++)
            t = is_cron(s) ? nf_cron_next(&s->cron, t, offset_min) : INT64_MAX;

    s->last_ms = now_ms;
    s->next_ms = is_cron(s) ? nf_cron_next(&s->cron, now_ms, offset_min) : 0;
    if (!is_cron(s))
        s->status = NF_SCHEDULE_DONE;
    return runs;
}

enum nf_code nf_schedule_check(struct nf_schedule *s, struct nf_err *err)
{
    if (!is_status(s->status))
        return nf_err_set(err, NF_E_INVALID, "schedule has no such status: %d", (int)s->status);
    if ((s->status == NF_SCHEDULE_ACTIVE) != (s->next_ms > 0))
        return nf_err_set(err, NF_E_INVALID, "schedule is %s and its next run is %s",
                          nf_schedule_status_name(s->status), s->next_ms > 0 ? "set" : "not set");
    if (is_cron(s) == (s->at_ms > 0))
        return nf_err_set(err, NF_E_INVALID,
                          "schedule needs either an expression or a time, and not both");
    NF_TRY(check_missed(s->missed, s->missed_max, err));
    return is_cron(s) ? nf_cron_parse(s->expression, &s->cron, err) : NF_OK;
}

bool nf_schedule_is_final(enum nf_schedule_status status)
{
    return is_status(status) && arrows[status] == 0;
}

const char *nf_schedule_status_name(enum nf_schedule_status status)
{
    switch (status) {
    case NF_SCHEDULE_ACTIVE:
        return "active";
    case NF_SCHEDULE_PAUSED:
        return "paused";
    case NF_SCHEDULE_DONE:
        return "done";
    }
    return "?";
}

const char *nf_missed_name(enum nf_missed missed)
{
    switch (missed) {
    case NF_MISSED_SKIP:
        return "skip";
    case NF_MISSED_ONCE:
        return "once";
    case NF_MISSED_ALL:
        return "all";
    }
    return "?";
}

bool nf_missed_from_name(const char *name, enum nf_missed *ret)
{
    for (enum nf_missed m = NF_MISSED_SKIP; m <= NF_MISSED_ALL; m++)
        if (strcmp(name, nf_missed_name(m)) == 0) {
            *ret = m;
            return true;
        }
    return false;
}
