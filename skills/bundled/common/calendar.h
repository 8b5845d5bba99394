/* The Gregorian calendar, extended backwards, for the years 1 to 9999. Seconds are those of Unix
 * time; "local" seconds count the same way, as if the wall clock showed UTC. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define NF_YEAR_MIN 1
#define NF_YEAR_MAX 9999
#define NF_DAY_S INT64_C(86400)

struct nf_date {
    int year, month, day;
};

bool nf_year_is_leap(int64_t year);
int nf_month_days(int64_t year, int month);
bool nf_date_ok(int64_t year, int64_t month, int64_t day);
/* Days since 1970-01-01 and back. */
int64_t nf_days_of(int64_t year, int month, int day);
struct nf_date nf_date_of(int64_t days);
/* Monday 1 to Sunday 7. */
int nf_weekday(int64_t days);
/* ISO 8601: the week of the day, and the year it belongs to. */
int nf_iso_week(int64_t days, int *year);
int nf_day_of_year(int64_t days);
/* The first day of week `week` of that ISO year. */
int64_t nf_iso_week_start(int year, int week);
int nf_iso_weeks(int year); /* 52 or 53 */

/* Floor division, as remainders of times before 1970 need it. */
static inline int64_t nf_floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}
static inline int64_t nf_floor_mod(int64_t a, int64_t b)
{
    return a - b * nf_floor_div(a, b);
}

extern const char *const nf_weekday_names[8]; /* [1] "Monday" */
extern const char *const nf_month_names[13];  /* [1] "January" */
