/*
 * Cron expressions: "minute hour day month weekday", as crontab(5) has them. Pure.
 *
 * A field is a list of `*`, a value or a range, the latter and `*` with an optional step: "0,30",
 * "9-17", "*" with "/15" behind it. Minutes 0-59, hours 0-23, days 1-31, months 1-12 or JAN-DEC,
 * weekdays 0-7 or SUN-SAT, where 0 and 7 are Sunday. A day may be L, the last of its month; a
 * weekday may be the last of the month (5L, FRIL) or the n-th (TUE#2). If neither day nor weekday
 * begins with `*`, a date matches that fits either; else it has to fit both. Or one of @hourly,
 * @daily, @midnight, @weekly, @monthly, @yearly and @annually.
 *
 * Where clocks change: an expression for every hour of the day goes by the time that passes. It
 * runs in both of two hours that look alike, and not in one that there is not. All others go by
 * what the clock shows: once, the first time, where it shows that twice; and where it is set
 * forward over that, in the moment in which it is, once however many runs would have been in
 * between.
 */
#pragma once

#include "base/error.h"
#include "base/string.h"
#include "domain/lang.h"
#include "domain/zone.h"

#include <stdbool.h>
#include <stdint.h>

#define NF_CRON_MAX 128 /* bytes of an expression */
#define NF_CRON_LATEST_MS                                                                          \
    INT64_C(253086768000000) /* 9990-01-01: later times are not looked for                         \
                              */

/* Bit n: the value n. */
struct nf_cron {
    uint64_t minutes;
    uint32_t hours, days, months, weekdays;
    bool last_day;          /* L */
    uint32_t last_weekdays; /* 5L: the last such day of the month */
    uint64_t nth_weekdays;  /* bit 7 * (n - 1) + weekday: the n-th such day */
    bool either;            /* the day or the weekday, one of them is enough */
};

/* NF_E_INVALID names the field and what it allows, also for a date that never comes (30 February);
 * NF_E_LIMIT. */
NF_RC nf_cron_parse(const char *text, struct nf_cron *ret, struct nf_err *err);

/* The first time after `after_ms` (epoch milliseconds, years 1970 to 9990) that matches in `zone`.
 */
int64_t nf_cron_next(const struct nf_cron *c, int64_t after_ms, const struct nf_zone *zone);

/* Minutes between two runs of a day, or of one and the next, where they are closest: 1 to 1440. */
int nf_cron_interval(const struct nf_cron *c);

/* Append it in words: "at 09:00 on weekdays", "в 09:00 по будням". NF_E_NOMEM, NF_E_LIMIT. */
NF_RC nf_cron_describe(const struct nf_cron *c, enum nf_lang lang, struct nf_str *to,
                       struct nf_err *err);
