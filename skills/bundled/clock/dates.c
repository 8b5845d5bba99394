/* Arithmetic on dates: by the calendar first, by the clock then. */
#include "skills/bundled/clock/tools.h"

#include "skills/bundled/common/text.h"

#include <string.h>

#define AMOUNT_MAX 4000000 /* of a unit to add: more days than the calendar has */
#define BUSINESS_MAX 100000
#define HOLIDAYS_MAX 400
#define OCCURRENCES_MAX 50
/* 29 February on a certain weekday may be 40 years away. */
#define DAYS_SEARCHED (INT64_C(41) * 366)

/* --- business days ---------------------------------------------------------------------------- */

struct holidays {
    int64_t days[HOLIDAYS_MAX];
    size_t n;
};

static struct holidays *read_holidays(struct nf_args *a)
{
    const struct nf_skill_json *v = nf_args_list(a, "holidays", 0, HOLIDAYS_MAX);
    struct holidays *ret = nf_args_alloc(a, 1, sizeof(*ret));
    struct nf_place utc = { 0 };

    for (v = a->h->json_first(a->h, v); v && a->rc == NF_SKILL_OK; v = a->h->json_next(a->h, v)) {
        const char *text = nf_args_item(a, "holidays", v, ret->n, NF_WHEN_TEXT_MAX);
        struct nf_when w = nf_when_parse(a, "holidays", text, &utc);

        if (w.has_time || w.absolute)
            nf_args_fail(a, NF_SKILL_E_INVALID, "argument \"holidays\": item %zu must be a day",
                         ret->n + 1);
        ret->days[ret->n++] = nf_floor_div(w.local, NF_DAY_S);
    }
    return ret;
}

static bool is_business(const struct holidays *holidays, int64_t day)
{
    if (nf_weekday(day) > 5)
        return false;
    for (size_t i = 0; i < holidays->n; i++)
        if (holidays->days[i] == day)
            return false;
    return true;
}

static int64_t add_business(const struct holidays *holidays, int64_t day, int64_t n)
{
    int64_t step = n < 0 ? -1 : 1;

    while (n != 0) {
        day += step;
        if (is_business(holidays, day))
            n -= step;
    }
    return day;
}

/* Business days from `from` up to but without `to`, from <= to. */
static int64_t count_business(const struct holidays *holidays, int64_t from, int64_t to)
{
    int64_t weeks = (to - from) / 7, n = weeks * 5;

    for (int64_t day = from + weeks * 7; day < to; day++)
        n += nf_weekday(day) <= 5;
    for (size_t i = 0; i < holidays->n; i++) {
        int64_t day = holidays->days[i];
        bool again = false;

        for (size_t k = 0; k < i; k++)
            again |= holidays->days[k] == day;
        n -= day >= from && day < to && nf_weekday(day) <= 5 && !again;
    }
    return n;
}

/* --- add -------------------------------------------------------------------------------------- */

/* The same day `months` later, or the last of that month. */
static int64_t add_months(struct nf_args *a, int64_t day, int64_t months)
{
    struct nf_date d = nf_date_of(day);
    int64_t all = d.year * INT64_C(12) + d.month - 1 + months, year = nf_floor_div(all, 12);
    int month = (int)nf_floor_mod(all, 12) + 1, last;

    if (year < NF_YEAR_MIN || year > NF_YEAR_MAX) {
        nf_args_fail(a, NF_SKILL_E_LIMIT, "the result is outside of the years 1 to 9999");
        return day;
    }
    last = nf_month_days(year, month);
    return nf_days_of(year, month, d.day < last ? d.day : last);
}

static int64_t amount(struct nf_args *a, const char *key, int64_t max)
{
    return nf_args_int_or(a, key, -max, max, 0);
}

/* The wall clock's reading of what was given, at its own place. */
static int64_t local_of(const struct nf_when *w, const struct nf_place *place)
{
    return w->absolute ? w->utc + nf_place_at(place, w->utc).offset : w->local;
}

int nf_clock_add(struct nf_args *a, struct nf_buf *out)
{
    struct nf_place place = nf_clock_place(a, "zone");
    struct nf_when w = nf_clock_when(a, "time", &place);
    struct holidays *holidays = read_holidays(a);
    int64_t months = amount(a, "years", 9999) * 12 + amount(a, "months", 120000);
    int64_t days = amount(a, "weeks", AMOUNT_MAX / 7) * 7 + amount(a, "days", AMOUNT_MAX);
    int64_t business = amount(a, "business_days", BUSINESS_MAX);
    int64_t seconds = amount(a, "hours", AMOUNT_MAX * INT64_C(24)) * 3600 +
                      amount(a, "minutes", AMOUNT_MAX * INT64_C(1440)) * 60 +
                      amount(a, "seconds", AMOUNT_MAX * NF_DAY_S);
    bool exact = nf_args_has(a, "hours") || nf_args_has(a, "minutes") || nf_args_has(a, "seconds");
    bool later = nf_clock_later(a);
    struct nf_buf note = nf_buf_of(a->h, 400), date = nf_buf_of(a->h, 100);
    int64_t local, day, utc;

    if (a->rc != NF_SKILL_OK)
        return a->rc;
    if (w.has_place)
        place = w.place;
    local = local_of(&w, &place);
    day = add_months(a, nf_floor_div(local, NF_DAY_S), months) + days;
    if (a->rc != NF_SKILL_OK || !nf_when_in_range(a, day * NF_DAY_S))
        return a->rc;
    day = add_business(holidays, day, business);
    if (!nf_when_in_range(a, day * NF_DAY_S))
        return a->rc;
    nf_out_open(out, '{');
    if (!w.has_time && !w.absolute && !exact) {
        nf_date_text(day, &date);
        nf_put_buf(out, "date", &date);
        nf_put_str(out, "weekday", nf_weekday_names[nf_weekday(day)]);
        nf_out_close(out, '}');
        return NF_SKILL_OK;
    }
    if (w.absolute && months == 0 && days == 0 && business == 0) {
        utc = w.utc;
    } else {
        w.absolute = false;
        w.has_time = true;
        w.local = day * NF_DAY_S + nf_floor_mod(local, NF_DAY_S);
        utc = nf_when_utc(&w, &place, later, &note);
    }
    utc += seconds;
    if (!nf_when_in_range(a, utc))
        return a->rc;
    nf_clock_put(out, &place, utc);
    nf_put_i64(out, "unix", utc);
    nf_clock_put_note(out, &note);
    nf_out_close(out, '}');
    return NF_SKILL_OK;
}

/* --- difference ------------------------------------------------------------------------------- */

static void add_unit(struct nf_buf *to, int64_t n, const char *unit)
{
    if (n != 0)
        nf_buf_addf(to, "%s%lld %s%s", to->len > 0 ? ", " : "", (long long)n, unit,
                    n == 1 ? "" : "s");
}

/* "1 year, 2 months, 3 days, 4 hours" from one wall clock's reading to a later one. */
static void put_units(struct nf_args *a, struct nf_buf *out, int64_t from, int64_t to)
{
    struct nf_buf text = nf_buf_of(a->h, 300);
    int64_t from_day = nf_floor_div(from, NF_DAY_S), to_day = nf_floor_div(to, NF_DAY_S);
    int64_t rest = nf_floor_mod(to, NF_DAY_S) - nf_floor_mod(from, NF_DAY_S), months, day;
    struct nf_date d, e;

    if (rest < 0) {
        rest += NF_DAY_S;
        to_day--;
    }
    d = nf_date_of(from_day);
    e = nf_date_of(to_day);
    months = (e.year - d.year) * INT64_C(12) + e.month - d.month;
    if (months > 0 && add_months(a, from_day, months) > to_day)
        months--;
    day = to_day - (months > 0 ? add_months(a, from_day, months) : from_day);
    nf_put_i64(out, "years", months / 12);
    nf_put_i64(out, "months", months % 12);
    nf_put_i64(out, "days", day);
    nf_put_i64(out, "hours", rest / 3600);
    nf_put_i64(out, "minutes", rest / 60 % 60);
    nf_put_i64(out, "seconds", rest % 60);
    add_unit(&text, months / 12, "year");
    add_unit(&text, months % 12, "month");
    add_unit(&text, day, "day");
    add_unit(&text, rest / 3600, "hour");
    add_unit(&text, rest / 60 % 60, "minute");
    add_unit(&text, rest % 60, "second");
    if (text.len == 0)
        nf_buf_adds(&text, "no time");
    nf_put_buf(out, "text", &text);
}

int nf_clock_difference(struct nf_args *a, struct nf_buf *out)
{
    struct nf_place place = nf_clock_place(a, "zone");
    struct nf_when start =
        nf_when_parse(a, "start", nf_args_text(a, "start", NF_WHEN_TEXT_MAX), &place);
    struct nf_when end = nf_clock_when(a, "end", &place);
    struct holidays *holidays = read_holidays(a);
    struct nf_buf note = nf_buf_of(a->h, 800);
    int64_t from, to, low, high;

    if (a->rc != NF_SKILL_OK)
        return a->rc;
    from = nf_when_utc(&start, &place, false, &note);
    to = nf_when_utc(&end, &place, false, &note);
    if (!nf_when_in_range(a, from) || !nf_when_in_range(a, to))
        return a->rc;
    low = from < to ? from : to;
    high = from < to ? to : from;
    nf_out_open(out, '{');
    nf_put_bool(out, "end_is_before_start", to < from);
    low += nf_place_at(&place, low).offset;
    high += nf_place_at(&place, high).offset;
    /* Clocks that were set back may read less later. */
    put_units(a, out, low, high < low ? low : high);
    nf_put_i64(out, "calendar_days", nf_floor_div(high, NF_DAY_S) - nf_floor_div(low, NF_DAY_S));
    nf_put_i64(out, "business_days",
               count_business(holidays, nf_floor_div(low, NF_DAY_S), nf_floor_div(high, NF_DAY_S)));
    nf_put_i64(out, "total_seconds", to < from ? from - to : to - from);
    nf_clock_put_note(out, &note);
    nf_out_close(out, '}');
    return a->rc;
}

/* --- one date --------------------------------------------------------------------------------- */

int nf_clock_date_info(struct nf_args *a, struct nf_buf *out)
{
    struct nf_place place = nf_clock_place(a, "zone");
    struct nf_when w =
        nf_when_parse(a, "date", nf_args_text_or(a, "date", NF_WHEN_TEXT_MAX, "today"), &place);
    struct nf_buf date = nf_buf_of(a->h, 100), week = nf_buf_of(a->h, 100);
    int64_t days = nf_floor_div(local_of(&w, w.has_place ? &w.place : &place), NF_DAY_S);
    struct nf_date d = nf_date_of(days);
    int year, number;

    if (a->rc != NF_SKILL_OK)
        return a->rc;
    number = nf_iso_week(days, &year);
    nf_date_text(days, &date);
    nf_buf_addf(&week, "%04d-W%02d-%d", year, number, nf_weekday(days));
    nf_out_open(out, '{');
    nf_put_buf(out, "date", &date);
    nf_put_str(out, "weekday", nf_weekday_names[nf_weekday(days)]);
    nf_put_str(out, "month", nf_month_names[d.month]);
    nf_put_buf(out, "iso_week_date", &week);
    nf_put_i64(out, "day_of_year", nf_day_of_year(days));
    nf_put_i64(out, "days_in_month", nf_month_days(d.year, d.month));
    nf_put_i64(out, "days_in_year", 365 + nf_year_is_leap(d.year));
    nf_put_i64(out, "weeks_in_iso_year", nf_iso_weeks(year));
    nf_put_bool(out, "leap_year", nf_year_is_leap(d.year));
    nf_put_i64(out, "quarter", (d.month + 2) / 3);
    nf_put_bool(out, "weekend", nf_weekday(days) > 5);
    nf_out_close(out, '}');
    return NF_SKILL_OK;
}

/* --- next ------------------------------------------------------------------------------------- */

struct pattern {
    unsigned weekdays;  /* bits 1 to 7; 0: any */
    int64_t day, month; /* 0: any */
    int64_t seconds;
    bool has_time;
};

static void read_pattern(struct nf_args *a, struct pattern *ret)
{
    static const char *const names[] = { "monday",   "tuesday", "wednesday", "thursday", "friday",
                                         "saturday", "sunday",  "weekday",   "weekend",  NULL };
    const char *text = nf_args_text_or(a, "time", NF_WHEN_TEXT_MAX, "");
    struct nf_place utc = { 0 };

    if (nf_args_has(a, "weekday")) {
        size_t i = nf_args_choice(a, "weekday", names);

        ret->weekdays = i == 7 ? 0x3E : i == 8 ? 0xC0 : 2u << i;
    }
    ret->day = nf_args_int_or(a, "day", 1, 31, 0);
    ret->month = nf_args_int_or(a, "month", 1, 12, 0);
    if (*text) {
        struct nf_when w = nf_when_parse(a, "time", text, &utc);

        if (!w.has_time || w.has_place || !strchr(text, ':'))
            nf_args_fail(a, NF_SKILL_E_INVALID,
                         "argument \"time\" must be a time of day such as 15:30");
        ret->has_time = true;
        ret->seconds = nf_floor_mod(w.local, NF_DAY_S);
    }
    if (!ret->weekdays && !ret->day && !ret->month && !ret->has_time)
        nf_args_fail(
            a, NF_SKILL_E_INVALID,
            "give at least one of the arguments \"weekday\", \"day\", \"month\", \"time\"");
}

static bool fits(const struct pattern *p, int64_t day)
{
    struct nf_date d = nf_date_of(day);

    return (!p->weekdays || p->weekdays >> nf_weekday(day) & 1) && (!p->day || p->day == d.day) &&
           (!p->month || p->month == d.month);
}

int nf_clock_next(struct nf_args *a, struct nf_buf *out)
{
    struct nf_place place = nf_clock_place(a, "zone");
    struct nf_when after = nf_clock_when(a, "after", &place);
    int64_t wanted = nf_args_int_or(a, "count", 1, OCCURRENCES_MAX, 1), found = 0;
    struct nf_buf ignored = nf_buf_of(a->h, 400);
    struct pattern p = { 0 };
    int64_t from, first;

    read_pattern(a, &p);
    if (a->rc != NF_SKILL_OK)
        return a->rc;
    from = nf_when_utc(&after, &place, false, &ignored);
    if (!nf_when_in_range(a, from) || !nf_when_in_range(a, from + DAYS_SEARCHED * NF_DAY_S))
        return a->rc;
    first = nf_floor_div(from + nf_place_at(&place, from).offset, NF_DAY_S);
    nf_out_open(out, '{');
    nf_out_key(out, "occurrences");
    nf_out_open(out, '[');
    for (int64_t day = first; day < first + DAYS_SEARCHED && found < wanted; day++) {
        struct nf_buf note = nf_buf_of(a->h, 400), date = nf_buf_of(a->h, 100);
        struct nf_when w = { .has_time = true, .local = day * NF_DAY_S + p.seconds };
        int64_t utc;

        if (!fits(&p, day))
            continue;
        utc = nf_when_utc(&w, &place, false, &note);
        /* A day as a whole: not the one that is asked from. */
        if (p.has_time ? utc <= from : day == first)
            continue;
        found++;
        nf_out_open(out, '{');
        if (p.has_time) {
            nf_clock_put(out, &place, utc);
        } else {
            nf_date_text(day, &date);
            nf_put_buf(out, "date", &date);
            nf_put_str(out, "weekday", nf_weekday_names[nf_weekday(day)]);
        }
        nf_put_i64(out, "days_ahead", day - first);
        nf_clock_put_note(out, &note);
        nf_out_close(out, '}');
    }
    nf_out_close(out, ']');
    nf_out_close(out, '}');
    if (found == 0)
        nf_args_fail(a, NF_SKILL_E_NOT_FOUND, "there is no such day in the next 40 years");
    return a->rc;
}
