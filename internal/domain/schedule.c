/* What is due, and what comes next. */
#include "domain/schedule.h"

#include "base/utf8.h"
#include "domain/message.h"

#include <string.h>

#define TO(status) (1u << (status))
#define NAMES(list) (sizeof(list) / sizeof((list)[0]))

static const unsigned arrows[] = {
    [NF_SCHEDULE_ACTIVE] = TO(NF_SCHEDULE_PAUSED) | TO(NF_SCHEDULE_DONE),
    [NF_SCHEDULE_PAUSED] = TO(NF_SCHEDULE_ACTIVE) | TO(NF_SCHEDULE_DONE),
    [NF_SCHEDULE_DONE] = 0,
};

static const char *const status_names[] = { NULL, "active", "paused", "done" };
static const char *const kind_names[] = { NULL, "reminder", "prompt" };
static const char *const missed_names[] = { NULL, "skip", "once", "all" };
static const char *const outcome_names[] = {
    NULL, "started", "ended", "failed", "missed", "skipped"
};

static bool is_status(enum nf_schedule_status status)
{
    return status >= NF_SCHEDULE_ACTIVE && status <= NF_SCHEDULE_DONE;
}

static bool is_cron(const struct nf_schedule *s)
{
    return s->expression[0] != '\0';
}

/* Of a clock that shows a year no search reaches, or one before 1970. */
static int64_t sane(int64_t ms)
{
    return ms < 0 ? 0 : ms > NF_CRON_LATEST_MS ? NF_CRON_LATEST_MS : ms;
}

static int64_t after(const struct nf_schedule *s, const struct nf_zone *zone, int64_t ms)
{
    return nf_cron_next(&s->cron, sane(ms), zone);
}

static enum nf_code check_missed(enum nf_missed missed, int64_t max, struct nf_err *err)
{
    if (missed < NF_MISSED_SKIP || missed > NF_MISSED_ALL)
        return nf_err_set(err, NF_E_INVALID, "missed must be one of skip, once and all");
    if (missed == NF_MISSED_ALL && (max < 1 || max > NF_SCHEDULE_MISSED_MAX))
        return nf_err_set(err, NF_E_LIMIT, "missed_max must be 1 to %d", NF_SCHEDULE_MISSED_MAX);
    return NF_OK;
}

static enum nf_code check_kind(enum nf_schedule_kind kind, struct nf_err *err)
{
    return kind == NF_SCHEDULE_REMINDER || kind == NF_SCHEDULE_PROMPT
               ? NF_OK
               : nf_err_set(err, NF_E_INVALID, "kind must be one of reminder and prompt");
}

static enum nf_code check_text(const char *text, struct nf_err *err)
{
    size_t n = strnlen(text, NF_SCHEDULE_TEXT_MAX + 1);

    if (n > NF_SCHEDULE_TEXT_MAX)
        return nf_err_set(err, NF_E_LIMIT, "text is longer than %d bytes: shorten it",
                          NF_SCHEDULE_TEXT_MAX);
    if (nf_message_check_content(text, n, NULL) != NF_OK)
        return nf_err_set(err, NF_E_INVALID, "text must be UTF-8 and not empty");
    return NF_OK;
}

static enum nf_code check_ahead(int64_t at_ms, int64_t now_ms, struct nf_err *err)
{
    if (at_ms <= now_ms)
        return nf_err_set(err, NF_E_INVALID,
                          "the time of the schedule has passed: set a later one");
    return NF_OK;
}

enum nf_code nf_schedule_init(struct nf_schedule *s, const struct nf_schedule_spec *spec,
                              const struct nf_zone *zone, int64_t now_ms, struct nf_err *err)
{
    bool again = spec->expression && spec->expression[0];
    int64_t max = again ? spec->missed_max : 1;
    struct nf_cron cron = { 0 };

    NF_TRY(check_kind(spec->kind, err));
    NF_TRY(check_text(spec->text, err));
    NF_TRY(check_missed(spec->missed, max, err));
    if (again && spec->at_ms != 0)
        return nf_err_set(err, NF_E_INVALID,
                          "schedule needs either an expression or a time, and not both");
    NF_TRY(again ? nf_cron_parse(spec->expression, &cron, err)
                 : check_ahead(spec->at_ms, now_ms, err));
    *s = (struct nf_schedule){
        .id = spec->id,
        .user_id = spec->user_id,
        .kind = spec->kind,
        .status = NF_SCHEDULE_ACTIVE,
        .cron = cron,
        .at_ms = spec->at_ms,
        .missed = spec->missed,
        .missed_max = spec->missed == NF_MISSED_ALL ? max : 0,
        .created_ms = now_ms,
        .version = 1,
    };
    memcpy(s->text, spec->text, strlen(spec->text));
    memcpy(s->zone, zone->name, sizeof(s->zone));
    if (again)
        memcpy(s->expression, spec->expression, strlen(spec->expression));
    s->next_ms = again ? after(s, zone, now_ms) : s->at_ms;
    return NF_OK;
}

enum nf_code nf_schedule_become(struct nf_schedule *s, enum nf_schedule_status to,
                                const struct nf_zone *zone, int64_t now_ms, struct nf_err *err)
{
    if (!is_status(s->status) || !is_status(to) || !(arrows[s->status] & TO(to)))
        return nf_err_set(err, NF_E_CONFLICT, "schedule is %s: it cannot become %s",
                          nf_schedule_status_name(s->status), nf_schedule_status_name(to));
    if (to != NF_SCHEDULE_ACTIVE) {
        s->next_ms = 0;
    } else if (is_cron(s)) {
        s->next_ms = after(s, zone, now_ms);
    } else {
        NF_TRY(check_ahead(s->at_ms, now_ms, err));
        s->next_ms = s->at_ms;
    }
    s->status = to;
    s->made_up = 0;
    s->reason[0] = '\0';
    return NF_OK;
}

void nf_schedule_halt(struct nf_schedule *s, const char *reason)
{
    s->status = NF_SCHEDULE_PAUSED;
    s->next_ms = 0;
    memset(s->reason, 0, sizeof(s->reason));
    memcpy(s->reason, reason, nf_utf8_cut(reason, strlen(reason), NF_REASON_MAX));
}

/* Where it goes on after the run at s->next_ms, which is taken at `now_ms` or missed. */
static int64_t onwards(struct nf_schedule *s, const struct nf_zone *zone, int64_t now_ms,
                       const struct nf_due *due)
{
    if (!is_cron(s))
        return 0;
    if (due->late && s->missed == NF_MISSED_SKIP) /* one may be due just now */
        return after(s, zone, now_ms - NF_SCHEDULE_LATE_MS - 1);
    if (due->late && (s->missed == NF_MISSED_ONCE || !due->run))
        return after(s, zone, now_ms);
    return after(s, zone, due->due_ms);
}

bool nf_schedule_take(struct nf_schedule *s, const struct nf_zone *zone, int64_t now_ms,
                      struct nf_due *ret)
{
    struct nf_due due = { .run = true, .due_ms = s->next_ms };

    now_ms = sane(now_ms); /* else what comes behind the latest year would be due for ever */
    if (s->status != NF_SCHEDULE_ACTIVE || s->next_ms > now_ms)
        return false;
    due.late = now_ms - s->next_ms > NF_SCHEDULE_LATE_MS;
    if (due.late && s->missed == NF_MISSED_SKIP)
        due.run = false;
    if (due.late && s->missed == NF_MISSED_ALL)
        due.run = s->made_up < s->missed_max;
    s->made_up = due.late && due.run ? s->made_up + 1 : 0;
    s->next_ms = onwards(s, zone, now_ms, &due);
    s->last_ms = now_ms;
    if (!is_cron(s))
        s->status = NF_SCHEDULE_DONE;
    *ret = due;
    return true;
}

bool nf_schedule_rewind(struct nf_schedule *s, const struct nf_zone *zone, int64_t now_ms)
{
    now_ms = sane(now_ms);
    if (s->status != NF_SCHEDULE_ACTIVE || !is_cron(s) ||
        s->last_ms <= now_ms + NF_SCHEDULE_BACK_MS)
        return false;
    s->next_ms = after(s, zone, now_ms);
    s->last_ms = now_ms;
    return true;
}

size_t nf_schedule_ahead(const struct nf_schedule *s, const struct nf_zone *zone, size_t max,
                         int64_t *ret)
{
    size_t n = 0;

    if (s->status != NF_SCHEDULE_ACTIVE || max == 0)
        return 0;
    ret[n++] = s->next_ms;
    while (is_cron(s) && n < max) {
        ret[n] = after(s, zone, ret[n - 1]);
        n++;
    }
    return n;
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
    NF_TRY(check_kind(s->kind, err));
    NF_TRY(check_text(s->text, err));
    NF_TRY(nf_zone_check_name(s->zone, err));
    NF_TRY(check_missed(s->missed, s->missed_max, err));
    return is_cron(s) ? nf_cron_parse(s->expression, &s->cron, err) : NF_OK;
}

/* --- names ------------------------------------------------------------------------------------ */

bool nf_schedule_is_final(enum nf_schedule_status status)
{
    return is_status(status) && arrows[status] == 0;
}

static const char *name_of(const char *const *names, size_t n, int v)
{
    return v >= 1 && (size_t)v < n ? names[v] : "?";
}

/* 0: none has that name. */
static int number_of(const char *const *names, size_t n, const char *name)
{
    for (size_t i = 1; i < n; i++)
        if (strcmp(name, names[i]) == 0)
            return (int)i;
    return 0;
}

const char *nf_schedule_status_name(enum nf_schedule_status status)
{
    return name_of(status_names, NAMES(status_names), (int)status);
}

const char *nf_schedule_kind_name(enum nf_schedule_kind kind)
{
    return name_of(kind_names, NAMES(kind_names), (int)kind);
}

const char *nf_missed_name(enum nf_missed missed)
{
    return name_of(missed_names, NAMES(missed_names), (int)missed);
}

const char *nf_schedule_outcome_name(enum nf_schedule_outcome outcome)
{
    return name_of(outcome_names, NAMES(outcome_names), (int)outcome);
}

bool nf_schedule_kind_from_name(const char *name, enum nf_schedule_kind *ret)
{
    int v = number_of(kind_names, NAMES(kind_names), name);

    if (v)
        *ret = (enum nf_schedule_kind)v;
    return v != 0;
}

bool nf_missed_from_name(const char *name, enum nf_missed *ret)
{
    int v = number_of(missed_names, NAMES(missed_names), name);

    if (v)
        *ret = (enum nf_missed)v;
    return v != 0;
}
