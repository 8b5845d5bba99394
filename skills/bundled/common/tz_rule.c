/* POSIX.1-2017, Base Definitions, 8.3: stdoffset[dst[offset][,start[/time],end[/time]]]. */
#include "skills/bundled/common/tz_rule.h"

#include "skills/bundled/common/calendar.h"

#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* A number up to `max`; -1: there is none. */
static int32_t number(const char **p, int32_t max)
{
    int32_t n = 0;

    if (!is_digit(**p))
        return -1;
    for (; is_digit(**p) && n <= max; ++*p)
        n = n * 10 + (**p - '0');
    return n <= max ? n : -1;
}

static bool name(const char **p, char *ret)
{
    bool quoted = **p == '<';
    size_t n = 0;

    *p += quoted;
    while (quoted ? **p && **p != '>' : is_letter(**p)) {
        if (n + 1 == NF_TZ_ABBREVIATION)
            return false;
        ret[n++] = *(*p)++;
    }
    ret[n] = '\0';
    *p += quoted && **p == '>';
    return n >= 3;
}

/* [+-]h[:m[:s]] in seconds. */
static bool clock_time(const char **p, int32_t *ret)
{
    bool negative = **p == '-';
    int32_t parts[3] = { 0, 0, 0 };

    *p += **p == '-' || **p == '+';
    for (int i = 0; i < 3; i++) {
        parts[i] = number(p, i == 0 ? 167 : 59);
        if (parts[i] < 0)
            return false;
        if (**p != ':')
            break;
        ++*p;
    }
    *ret = (parts[0] * 60 + parts[1]) * 60 + parts[2];
    if (negative)
        *ret = -*ret;
    return true;
}

static bool change_day(const char **p, struct nf_tz_day *ret)
{
    int32_t month = 0, week = 0, day;

    if (*(*p)++ != ',')
        return false;
    ret->kind = 'D';
    if (**p == 'M' || **p == 'J')
        ret->kind = *(*p)++;
    if (ret->kind == 'M') {
        month = number(p, 12);
        if (month < 1 || *(*p)++ != '.')
            return false;
        week = number(p, 5);
        if (week < 1 || *(*p)++ != '.')
            return false;
    }
    day = number(p, ret->kind == 'M' ? 6 : 365);
    if (day < (ret->kind == 'J'))
        return false;
    ret->month = (int16_t)month;
    ret->week = (int16_t)week;
    ret->day = (int16_t)day;
    ret->time = 7200;
    if (**p != '/')
        return true;
    ++*p;
    return clock_time(p, &ret->time);
}

bool nf_tz_rule_parse(const char *text, struct nf_tz_rule *ret)
{
    const char *p = text;

    *ret = (struct nf_tz_rule){ 0 };
    if (!name(&p, ret->standard_name) || !clock_time(&p, &ret->standard))
        return false;
    ret->standard = -ret->standard; /* POSIX counts west */
    if (!*p)
        return true;
    ret->has_daylight = true;
    if (!name(&p, ret->daylight_name))
        return false;
    ret->daylight = ret->standard + 3600;
    if (*p != ',') {
        if (!clock_time(&p, &ret->daylight))
            return false;
        ret->daylight = -ret->daylight;
    }
    return change_day(&p, &ret->from) && change_day(&p, &ret->to) && !*p;
}

/* Local seconds of the change in that year. */
static int64_t change_at(const struct nf_tz_day *d, int year)
{
    int64_t day;

    if (d->kind == 'M') {
        int first = nf_weekday(nf_days_of(year, d->month, 1)) % 7; /* Sunday 0 */
        int in_month = 1 + (d->day - first + 7) % 7 + (d->week - 1) * 7;

        if (in_month > nf_month_days(year, d->month))
            in_month -= 7;
        day = nf_days_of(year, d->month, in_month);
    } else {
        day = nf_days_of(year, 1, 1) + d->day;
        if (d->kind == 'J')
            day -= !(nf_year_is_leap(year) && d->day >= 60);
    }
    return day * NF_DAY_S + d->time;
}

bool nf_tz_rule_is_daylight(const struct nf_tz_rule *r, int64_t utc)
{
    int year;
    int64_t from, to;

    if (!r->has_daylight)
        return false;
    year = nf_date_of(nf_floor_div(utc + r->standard, NF_DAY_S)).year;
    from = change_at(&r->from, year) - r->standard;
    to = change_at(&r->to, year) - r->daylight;
    return from < to ? utc >= from && utc < to : utc < to || utc >= from;
}

int64_t nf_tz_rule_next(const struct nf_tz_rule *r, int64_t utc)
{
    int year = nf_date_of(nf_floor_div(utc + r->standard, NF_DAY_S)).year;
    int64_t best = INT64_MAX;

    for (int y = year; y <= year + 1; y++) {
        int64_t from = change_at(&r->from, y) - r->standard;
        int64_t to = change_at(&r->to, y) - r->daylight;

        best = from > utc && from < best ? from : best;
        best = to > utc && to < best ? to : best;
    }
    return best;
}
