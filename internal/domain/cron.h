/*
 * Cron expressions: "minute hour day month weekday", as crontab(5) has them. Pure.
 *
 * A field is a list of `*`, a value or a range, the latter and `*` with an optional step: "0,30",
 * "9-17", "*" with "/15" behind it. Minutes 0-59, hours 0-23, days 1-31, months 1-12 or JAN-DEC,
 * weekdays 0-7 or SUN-SAT, where 0 and 7 are Sunday. If neither day nor weekday begins with `*`, a
 * date matches that fits either; else it has to fit both.
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

#define NF_CRON_MAX 128             /* bytes of an expression */
#define NF_UTC_OFFSET_MAX (14 * 60) /* minutes, either way */

/* Bit n: the value n. */
struct nf_cron {
    uint64_t minutes;
    uint32_t hours, days, months, weekdays;
    bool either; /* the day or the weekday, one of them is enough */
};

/* NF_E_INVALID names the field and what it allows, also for a date that never comes (30 February);
 * NF_E_LIMIT. */
NF_RC nf_cron_parse(const char *text, struct nf_cron *ret, struct nf_err *err);

/* The first time after `after_ms` (epoch milliseconds, years 1970 to 9990) that matches where the
 * clock shows UTC plus `offset_min` minutes. Which offset holds at that time is the caller's
 * business: he knows the rules of the time zone. */
int64_t nf_cron_next(const struct nf_cron *c, int64_t after_ms, int offset_min);
