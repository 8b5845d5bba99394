/* Times are epoch milliseconds; durations are milliseconds. Pure: no clock is read here. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define NF_DAY_S INT64_C(86400)

/* "2026-01-31T23:59:59.123Z" (RFC 3339). Years 0 to 9999; others are clamped. */
struct nf_time_text {
    char s[25];
};
struct nf_time_text nf_time_to_text(int64_t epoch_ms);

/* Days since 1970-01-01 of a date of the proleptic Gregorian calendar; month 1 to 12. */
int64_t nf_days_from_date(int64_t year, int month, int day);
bool nf_is_leap(int64_t year);
/* 28 to 31 */
int nf_month_days(int64_t year, int month);
/* Of days since 1970-01-01; Sunday is 0. */
int nf_weekday(int64_t days);

struct nf_date {
    int64_t year;
    int month, day;
};
struct nf_date nf_date_from_days(int64_t days);
