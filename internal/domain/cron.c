/* Cron expressions: bits for what matches, and a search day by day. */
#include "domain/cron.h"

#include "base/time.h"

#include <string.h>

#define MINUTE_MS INT64_C(60000)
#define DAY_MINUTES 1440
#define LATEST_MS INT64_C(253086768000000) /* 9990-01-01 */

/* A 29 February that is a certain weekday may be 40 years away, across a year like 2100. */
#define DAYS_AHEAD (40 * 366)

struct field {
    const char *name;
    int min, max;
    const char *names; /* of three letters each, beginning with that of `min`; NULL: numbers only */
};

static const struct field fields[] = {
    { "minute", 0, 59, NULL },
    { "hour", 0, 23, NULL },
    { "day", 1, 31, NULL },
    { "month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec" },
    { "weekday", 0, 7, "sunmontuewedthufrisat" },
};
enum { MINUTE, HOUR, DAY, MONTH, WEEKDAY, FIELDS };

static enum nf_code wrong(const struct field *f, struct nf_err *err)
{
    return nf_err_set(
        err, NF_E_INVALID,
        "schedule: %s must be a list of *, numbers from %d to %d%s and ranges, such as "
        "*/%d or %d-%d",
        f->name, f->min, f->max, f->names ? " or English three-letter names" : "", f->max / 4,
        f->min, f->min + 4);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int lower(char c)
{
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

/* A number of at most three digits. */
static bool read_number(const char **p, int *ret)
{
    int n = 0, digits = 0;

    for (; is_digit(**p) && digits < 3; (*p)++, digits++)
        n = 10 * n + (**p - '0');
    *ret = n;
    return digits > 0 && !is_digit(**p);
}

static bool read_value(const struct field *f, const char **p, int *ret)
{
    if (is_digit(**p))
        return read_number(p, ret) && *ret >= f->min && *ret <= f->max;
    if (!f->names)
        return false;
    for (const char *name = f->names; *name; name += 3) {
        size_t i = 0;

        while (i < 3 && lower((*p)[i]) == name[i])
            i++;
        if (i == 3) {
            *p += 3;
            *ret = f->min + (int)(name - f->names) / 3;
            return true;
        }
    }
    return false;
}

/* One entry of a list: *p moves behind it. */
static bool read_entry(const struct field *f, const char **p, uint64_t *bits)
{
    int first = f->min, last = f->max, step = 1;
    bool range = true;

    if (**p == '*') {
        (*p)++;
    } else {
        if (!read_value(f, p, &first))
            return false;
        last = first;
        range = **p == '-';
        if (range) {
            (*p)++;
            if (!read_value(f, p, &last))
                return false;
            if (f == &fields[WEEKDAY] && last == 0 && first > 0) /* a week may end on Sunday */
                last = 7;
        }
    }
    if (**p == '/') {
        (*p)++;
        if (!range || !read_number(p, &step) || step < 1 || step > f->max)
            return false;
    }
    if (first > last)
        return false;
    for (int i = first; i <= last; i += step)
        *bits |= UINT64_C(1) << i;
    return true;
}

static enum nf_code read_field(const struct field *f, const char **p, uint64_t *ret,
                               struct nf_err *err)
{
    uint64_t bits = 0;

    for (;;) {
        if (!read_entry(f, p, &bits))
            return wrong(f, err);
        if (**p != ',')
            break;
        (*p)++;
    }
    if (**p != ' ' && **p != '\t' && **p != '\0')
        return wrong(f, err);
    *ret = bits;
    return NF_OK;
}

static bool has(uint64_t bits, int n)
{
    return bits >> n & 1;
}

/* Whether some month that is asked for has some day that is. */
static bool date_exists(const struct nf_cron *c)
{
    static const int lengths[] = { 0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

    if (c->either)
        return true;
    for (int month = 1; month <= 12; month++)
        for (int day = 1; day <= lengths[month]; day++)
            if (has(c->months, month) && has(c->days, day))
                return true;
    return false;
}

enum nf_code nf_cron_parse(const char *text, struct nf_cron *ret, struct nf_err *err)
{
    uint64_t bits[FIELDS];
    bool star[FIELDS];
    const char *p = text;
    struct nf_cron c;

    if (strnlen(text, NF_CRON_MAX + 1) > NF_CRON_MAX)
        return nf_err_set(err, NF_E_LIMIT, "schedule is longer than %d bytes", NF_CRON_MAX);
    for (int i = 0; i < FIELDS; i++) {
        while (*p == ' ' || *p == '\t')
            p++;
        if (*p == '\0')
            return nf_err_set(err, NF_E_INVALID,
                              "schedule has %d fields and needs 5: minute hour day month weekday",
                              i);
        star[i] = *p == '*';
        NF_TRY(read_field(&fields[i], &p, &bits[i], err));
    }
    while (*p == ' ' || *p == '\t')
        p++;
    if (*p != '\0')
        return nf_err_set(err, NF_E_INVALID,
                          "schedule has more than 5 fields: minute hour day month weekday");

    if (has(bits[WEEKDAY], 7))
        bits[WEEKDAY] |= 1;
    c = (struct nf_cron){
        .minutes = bits[MINUTE],
        .hours = (uint32_t)bits[HOUR],
        .days = (uint32_t)bits[DAY],
        .months = (uint32_t)bits[MONTH],
        .weekdays = (uint32_t)bits[WEEKDAY],
        .either = !star[DAY] && !star[WEEKDAY],
    };
    if (!date_exists(&c))
        return nf_err_set(err, NF_E_INVALID, "schedule never comes: no such month has that day");
    *ret = c;
    return NF_OK;
}

static bool day_matches(const struct nf_cron *c, int64_t days)
{
    struct nf_date date = nf_date_from_days(days);
    int weekday = (int)((days + 4) % 7); /* 1 January 1970 was a Thursday */
    bool by_date = has(c->days, date.day), by_weekday = has(c->weekdays, weekday);

    return has(c->months, date.month) &&
           (c->either ? by_date || by_weekday : by_date && by_weekday);
}

/* The first matching minute of a day from `from` on, -1 if there is none. */
static int minute_of_day(const struct nf_cron *c, int from)
{
    for (int i = from; i < DAY_MINUTES; i++) {
        if (!has(c->hours, i / 60))
            i += 59 - i % 60;
        else if (has(c->minutes, i % 60))
            return i;
    }
    return -1;
}

int64_t nf_cron_next(const struct nf_cron *c, int64_t after_ms, int offset_min)
{
    int64_t local, day;
    int from, found = -1;

    assert(after_ms >= 0 && after_ms <= LATEST_MS);
    assert(offset_min >= -NF_UTC_OFFSET_MAX && offset_min <= NF_UTC_OFFSET_MAX);
    /* Divided a day later, so that west of Greenwich 1970 does not begin with a negative number. */
    local = after_ms / MINUTE_MS + 1 + offset_min + DAY_MINUTES;
    day = local / DAY_MINUTES - 1;
    from = (int)(local % DAY_MINUTES);
    for (int i = 0; i <= DAYS_AHEAD; i++, day++, from = 0) {
        if (!day_matches(c, day))
            continue;
        found = minute_of_day(c, from);
        if (found >= 0)
            return (day * DAY_MINUTES + found - offset_min) * MINUTE_MS;
    }
    assert(found >= 0); /* what was parsed comes within 40 years */
    return 0;
}
