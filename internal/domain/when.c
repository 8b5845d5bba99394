/* Reading moments: words become a day and a time by the clock, and those a moment. */
#include "domain/when.h"

#include "base/time.h"

#include <string.h>

/* What is still to be read, in lower case, and the clock as it stands. */
struct reader {
    const char *p;
    const struct nf_zone *zone;
    int64_t now, today; /* seconds; days of the clock */
    int64_t time;       /* seconds of the clock since midnight */
};

static void skip_blanks(struct reader *r)
{
    while (*r->p == ' ')
        r->p++;
}

static bool is_letter(char c)
{
    return c >= 'a' && c <= 'z';
}

/* A word, of which what is left out begins at least `least` letters in. */
static bool word(struct reader *r, const char *name, size_t least)
{
    size_t n = 0;

    while (is_letter(r->p[n]) && r->p[n] == name[n])
        n++;
    if (n < least || is_letter(r->p[n]))
        return false;
    r->p += n;
    skip_blanks(r);
    return true;
}

/* A number of at most `digits` digits. */
static bool number(struct reader *r, int digits, int *ret)
{
    int n = 0, v = 0;

    for (; *r->p >= '0' && *r->p <= '9' && n < digits; r->p++, n++)
        v = v * 10 + (*r->p - '0');
    *ret = v;
    return n > 0 && !(*r->p >= '0' && *r->p <= '9');
}

static bool mark(struct reader *r, char c)
{
    if (*r->p != c)
        return false;
    r->p++;
    return true;
}

/* "9", "9:30", "09:30:15", "9am", "9:30 pm", as seconds since midnight. */
static bool clock_time(struct reader *r, int64_t *ret)
{
    int hour, minute = 0, second = 0;
    bool parts;

    if (!number(r, 2, &hour))
        return false;
    parts = mark(r, ':');
    if (parts && !number(r, 2, &minute))
        return false;
    if (parts && mark(r, ':') && !number(r, 2, &second))
        return false;
    skip_blanks(r);
    if (is_letter(*r->p) && *r->p != 'z') {
        bool pm = word(r, "pm", 2);

        if ((!pm && !word(r, "am", 2)) || hour < 1 || hour > 12)
            return false;
        hour = hour % 12 + (pm ? 12 : 0);
    }
    *ret = (hour * 60 + minute) * 60 + second;
    return hour < 24 && minute < 60 && second < 60;
}

/* Nothing, "z" or an offset: the moment of local second `local`. */
static bool place(struct reader *r, int64_t local, int64_t *ret)
{
    int hours, minutes = 0, sign = *r->p == '-' ? -1 : 1;

    *ret = nf_zone_utc_of(r->zone, local);
    if (!*r->p)
        return true;
    *ret = local;
    if (mark(r, 'z'))
        return !*r->p;
    if (!mark(r, '+') && !mark(r, '-'))
        return false;
    if (!number(r, 2, &hours) || (mark(r, ':') && !number(r, 2, &minutes)))
        return false;
    *ret = local - sign * (INT64_C(60) * hours + minutes) * 60;
    return hours < 24 && minutes < 60 && !*r->p;
}

/* 2026-11-29T09:00 */
static bool date(struct reader *r, int64_t *ret)
{
    int year, month, day;
    int64_t time;

    if (!number(r, 4, &year) || !mark(r, '-') || !number(r, 2, &month) || !mark(r, '-') ||
        !number(r, 2, &day) || month < 1 || month > 12 || day < 1 ||
        day > nf_month_days(year, month) || !(mark(r, 't') || mark(r, ' ')))
        return false;
    skip_blanks(r);
    return clock_time(r, &time) &&
           place(r, nf_days_from_date(year, month, day) * NF_DAY_S + time, ret);
}

/* in 20 minutes */
static bool from_now(struct reader *r, int64_t *ret)
{
    int n;

    if (!number(r, 6, &n) || n < 1)
        return false;
    skip_blanks(r);
    if (word(r, "seconds", 1))
        *ret = r->now + n;
    else if (word(r, "minutes", 1))
        *ret = r->now + n * INT64_C(60);
    else if (word(r, "hours", 1))
        *ret = r->now + n * INT64_C(3600);
    else if (word(r, "days", 1))
        *ret = nf_zone_utc_of(r->zone, (r->today + n) * NF_DAY_S + r->time);
    else if (word(r, "weeks", 1))
        *ret = nf_zone_utc_of(r->zone, (r->today + INT64_C(7) * n) * NF_DAY_S + r->time);
    else
        return false;
    return !*r->p;
}

/* How many days ahead the named weekday is, 0 to 6; -1: none is named. */
static int weekday(struct reader *r)
{
    static const char *const names[] = { "sunday",   "monday", "tuesday", "wednesday",
                                         "thursday", "friday", "saturday" };

    for (int i = 0; i < 7; i++)
        if (word(r, names[i], 3))
            return (i - nf_weekday(r->today) + 7) % 7;
    return -1;
}

/* A time of a day that is named, or of the next one that has it ahead. */
static bool of_day(struct reader *r, int64_t *ret)
{
    bool today = word(r, "today", 5), tomorrow = !today && word(r, "tomorrow", 3);
    int ahead = today || tomorrow ? -1 : weekday(r), again = ahead >= 0 ? 7 : 1;
    int64_t time, day = r->today + (tomorrow ? 1 : ahead > 0 ? ahead : 0);

    (void)word(r, "at", 2);
    if (word(r, "noon", 4))
        time = NF_DAY_S / 2;
    else if (word(r, "midnight", 8))
        time = 0;
    else if (!clock_time(r, &time))
        return false;
    const char *where = r->p;
    if (!place(r, day * NF_DAY_S + time, ret))
        return false;
    if (*ret > r->now || today || tomorrow)
        return true;
    r->p = where;
    return place(r, (day + again) * NF_DAY_S + time, ret);
}

static bool read(struct reader *r, int64_t *ret)
{
    size_t digits = 0;

    while (r->p[digits] >= '0' && r->p[digits] <= '9')
        digits++;
    if (word(r, "in", 2))
        return from_now(r, ret);
    return digits == 4 ? date(r, ret) : of_day(r, ret);
}

enum nf_code nf_when_parse(const char *text, const struct nf_zone *zone, int64_t now_ms,
                           int64_t *ret, struct nf_err *err)
{
    char low[NF_WHEN_MAX + 1] = "";
    size_t n = strnlen(text, NF_WHEN_MAX + 1);
    struct reader r = { .p = low, .zone = zone, .now = now_ms / 1000 };
    int64_t local = r.now + nf_zone_offset(zone, r.now), at;

    if (n > NF_WHEN_MAX)
        return nf_err_set(err, NF_E_LIMIT, "when: at most %d bytes", NF_WHEN_MAX);
    for (size_t i = 0; i <= n; i++)
        low[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] - 'A' + 'a' : text[i]);
    while (n > 0 && low[n - 1] == ' ')
        low[--n] = '\0';
    r.today = local / NF_DAY_S;
    r.time = local % NF_DAY_S;
    skip_blanks(&r);
    if (!read(&r, &at))
        return nf_err_set(err, NF_E_INVALID,
                          "when: not a time such as 2026-11-29T09:00, tomorrow at 9:00, fri 18:30, "
                          "9am or in 20 minutes");
    if (at * 1000 <= now_ms)
        return nf_err_set(err, NF_E_INVALID, "when: %s has passed, it is %s there",
                          nf_zone_show(zone, at * 1000, NF_LANG_EN).s,
                          nf_zone_show(zone, now_ms, NF_LANG_EN).s);
    if (at * 1000 > now_ms + NF_WHEN_AHEAD_MS)
        return nf_err_set(err, NF_E_LIMIT, "when: over ten years ahead");
    *ret = at * 1000;
    return NF_OK;
}
