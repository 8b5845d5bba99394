/* Days and dates, counted in years that begin in March so that the leap day is the last. */
#include "skills/bundled/common/calendar.h"

const char *const nf_weekday_names[8] = { "",         "Monday", "Tuesday",  "Wednesday",
                                          "Thursday", "Friday", "Saturday", "Sunday" };
const char *const nf_month_names[13] = { "",        "January",  "February", "March",  "April",
                                         "May",     "June",     "July",     "August", "September",
                                         "October", "November", "December" };

bool nf_year_is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int nf_month_days(int64_t year, int month)
{
    static const int days[] = { 0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

    return month == 2 && nf_year_is_leap(year) ? 29 : days[month];
}

bool nf_date_ok(int64_t year, int64_t month, int64_t day)
{
    return year >= NF_YEAR_MIN && year <= NF_YEAR_MAX && month >= 1 && month <= 12 && day >= 1 &&
           day <= nf_month_days(year, (int)month);
}

int64_t nf_days_of(int64_t year, int month, int day)
{
    int64_t y = month > 2 ? year : year - 1;
    int64_t m = month > 2 ? month - 3 : month + 9;

    /* 719,468 days lie between 0000-03-01 and 1970-01-01. */
    return 365 * y + nf_floor_div(y, 4) - nf_floor_div(y, 100) + nf_floor_div(y, 400) +
           (153 * m + 2) / 5 + day - 1 - 719468;
}

struct nf_date nf_date_of(int64_t days)
{
    int64_t d = days + 719468;
    int64_t cycle = nf_floor_div(d, 146097), in_cycle = nf_floor_mod(d, 146097);
    int64_t year = (in_cycle - in_cycle / 1460 + in_cycle / 36524 - in_cycle / 146096) / 365;
    int64_t in_year = in_cycle - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * in_year + 2) / 153;
    struct nf_date ret = { .day = (int)(in_year - (153 * month + 2) / 5 + 1),
                           .month = (int)(month < 10 ? month + 3 : month - 9) };

    ret.year = (int)(year + cycle * 400 + (ret.month <= 2));
    return ret;
}

int nf_weekday(int64_t days)
{
    return (int)nf_floor_mod(days + 3, 7) + 1; /* 1970-01-01 was a Thursday */
}

int64_t nf_iso_week_start(int year, int week)
{
    int64_t fourth = nf_days_of(year, 1, 4); /* always in week 1 */

    return fourth - (nf_weekday(fourth) - 1) + (week - 1) * INT64_C(7);
}

int nf_iso_weeks(int year)
{
    return (int)((nf_iso_week_start(year + 1, 1) - nf_iso_week_start(year, 1)) / 7);
}

int nf_iso_week(int64_t days, int *year)
{
    /* The week's Thursday decides which year it belongs to. */
    *year = nf_date_of(days - nf_weekday(days) + 4).year;
    return (int)((days - nf_iso_week_start(*year, 1)) / 7) + 1;
}

int nf_day_of_year(int64_t days)
{
    return (int)(days - nf_days_of(nf_date_of(days).year, 1, 1)) + 1;
}
