/* Cron expressions: bits for what matches, and a search day by day. */
#include "domain/cron.h"

#include "base/time.h"

#include <string.h>

#define DAY_MINUTES 1440
#define Y2000 10957 /* days */
#define NEVER INT64_MAX

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
        "*/%d or %d-%d%s",
        f->name, f->min, f->max, f->names ? " or English three-letter names" : "", f->max / 4,
        f->min, f->min + 4,
        f == &fields[DAY]       ? ", or L for the last"
        : f == &fields[WEEKDAY] ? ", or 5L or 5#2 for the last or second of the month"
                                : "");
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

/* What stands behind a weekday: L, the last of the month, or #n. */
static bool read_which(const char **p, int weekday, struct nf_cron *c)
{
    int n;

    weekday %= 7;
    if (*(*p)++ != '#') {
        c->last_weekdays |= UINT32_C(1) << weekday;
        return true;
    }
    if (!read_number(p, &n) || n < 1 || n > 5)
        return false;
    c->nth_weekdays |= UINT64_C(1) << (7 * (n - 1) + weekday);
    return true;
}

/* One entry of a list: *p moves behind it. */
static bool read_entry(const struct field *f, const char **p, uint64_t *bits, struct nf_cron *c)
{
    int first = f->min, last = f->max, step = 1;
    bool range = true;

    if (f == &fields[DAY] && lower(**p) == 'l') {
        (*p)++;
        c->last_day = true;
        return true;
    }
    if (**p == '*') {
        (*p)++;
    } else {
        if (!read_value(f, p, &first))
            return false;
        if (f == &fields[WEEKDAY] && (lower(**p) == 'l' || **p == '#'))
            return read_which(p, first, c);
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
                               struct nf_cron *c, struct nf_err *err)
{
    uint64_t bits = 0;

    for (;;) {
        if (!read_entry(f, p, &bits, c))
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

static bool day_matches(const struct nf_cron *c, int64_t days)
{
    struct nf_date date = nf_date_from_days(days);
    int weekday = nf_weekday(days);
    int length = nf_month_days(date.year, date.month);
    bool by_date = has(c->days, date.day) || (c->last_day && date.day == length);
    bool by_weekday = has(c->weekdays, weekday) ||
                      (has(c->last_weekdays, weekday) && date.day + 7 > length) ||
                      has(c->nth_weekdays, 7 * ((date.day - 1) / 7) + weekday);

    return has(c->months, date.month) &&
           (c->either ? by_date || by_weekday : by_date && by_weekday);
}

static bool date_exists(const struct nf_cron *c)
{
    for (int i = 0; i <= DAYS_AHEAD; i++)
        if (day_matches(c, Y2000 + i))
            return true;
    return false;
}

/* What a nickname stands for; a text that is none stands for itself. */
static const char *expand(const char *text)
{
    static const char *const names[][2] = {
        { "@hourly", "0 * * * *" },   { "@daily", "0 0 * * *" },   { "@midnight", "0 0 * * *" },
        { "@weekly", "0 0 * * 0" },   { "@monthly", "0 0 1 * *" }, { "@yearly", "0 0 1 1 *" },
        { "@annually", "0 0 1 1 *" },
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(text, names[i][0]) == 0)
            return names[i][1];
    return text;
}

static enum nf_code parse_fields(const char *p, struct nf_cron *c, struct nf_err *err)
{
    uint64_t bits[FIELDS];
    bool star[FIELDS];

    for (int i = 0; i < FIELDS; i++) {
        while (*p == ' ' || *p == '\t')
            p++;
        if (*p == '\0')
            return nf_err_set(err, NF_E_INVALID,
                              "schedule has %d fields and needs 5: minute hour day month weekday",
                              i);
        star[i] = *p == '*';
        NF_TRY(read_field(&fields[i], &p, &bits[i], c, err));
    }
    while (*p == ' ' || *p == '\t')
        p++;
    if (*p != '\0')
        return nf_err_set(err, NF_E_INVALID,
                          "schedule has more than 5 fields: minute hour day month weekday");
    if (has(bits[WEEKDAY], 7))
        bits[WEEKDAY] |= 1;
    c->minutes = bits[MINUTE];
    c->hours = (uint32_t)bits[HOUR];
    c->days = (uint32_t)bits[DAY];
    c->months = (uint32_t)bits[MONTH];
    c->weekdays = (uint32_t)bits[WEEKDAY];
    c->either = !star[DAY] && !star[WEEKDAY];
    return NF_OK;
}

enum nf_code nf_cron_parse(const char *text, struct nf_cron *ret, struct nf_err *err)
{
    struct nf_cron c = { 0 };

    if (strnlen(text, NF_CRON_MAX + 1) > NF_CRON_MAX)
        return nf_err_set(err, NF_E_LIMIT, "schedule is longer than %d bytes", NF_CRON_MAX);
    if (text[0] == '@' && expand(text) == text)
        return nf_err_set(err, NF_E_INVALID,
                          "schedule: a name must be @hourly, @daily, @weekly, @monthly or @yearly");
    NF_TRY(parse_fields(expand(text), &c, err));
    if (!date_exists(&c))
        return nf_err_set(err, NF_E_INVALID, "schedule never comes: no such month has that day");
    *ret = c;
    return NF_OK;
}

/* --- the next time ---------------------------------------------------------------------------- */

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

/* The first match from second `from` on and before `until`, both of the clock, or NEVER. */
static int64_t search(const struct nf_cron *c, int64_t from, int64_t until)
{
    /* Divided two days later, so that west of Greenwich 1970 does not begin with a negative number.
     */
    int64_t minute = (from + 2 * NF_DAY_S + 59) / 60, day = minute / DAY_MINUTES - 2;
    int first = (int)(minute % DAY_MINUTES);

    for (; day * NF_DAY_S < until; day++, first = 0) {
        int found = day_matches(c, day) ? minute_of_day(c, first) : -1;
        int64_t at = day * NF_DAY_S + found * INT64_C(60);

        if (found >= 0)
            return at < until ? at : NEVER;
    }
    return NEVER;
}

/* Between two changes of the clock, from `from` on and before `until`. */
struct stretch {
    int64_t begin; /* 0: it did not begin with a change that we know */
    int32_t before, offset;
};

/* The first match there after `after`, in seconds of UTC, or NEVER. */
static int64_t search_stretch(const struct nf_cron *c, const struct stretch *s, int64_t after,
                              int64_t until)
{
    bool by_clock = c->hours != 0xffffff;
    int32_t moved = s->offset - s->before;
    int64_t from = after + 1, found;

    if (by_clock && s->begin > 0 && moved > 0 && s->begin >= from &&
        search(c, s->begin + s->before, s->begin + s->offset) != NEVER)
        return s->begin;
    if (by_clock && s->begin > 0 && moved < 0 && from < s->begin - moved)
        from = s->begin - moved; /* what it showed before it was set back has been */
    if (from < s->begin)
        from = s->begin;
    found = search(c, from + s->offset, until + s->offset);
    return found == NEVER ? NEVER : found - s->offset;
}

int64_t nf_cron_next(const struct nf_cron *c, int64_t after_ms, const struct nf_zone *zone)
{
    int64_t after, limit, until, found = NEVER;
    struct stretch s = { 0 };

    assert(after_ms >= 0 && after_ms <= NF_CRON_LATEST_MS);
    after = after_ms / 1000;
    limit = after + (int64_t)DAYS_AHEAD * NF_DAY_S;
    /* The change before, as far as it can still matter: no clock is set by more than a day. */
    s.before = nf_zone_offset(zone, after - 2 * NF_DAY_S);
    if (!nf_zone_next_change(zone, after - 2 * NF_DAY_S, &s.begin) || s.begin > after)
        s.begin = 0;
    s.offset = nf_zone_offset(zone, after);
    while (found == NEVER) {
        bool more = nf_zone_next_change(zone, after > s.begin ? after : s.begin, &until);

        found = search_stretch(c, &s, after, more && until < limit ? until : limit);
        if (found != NEVER || !more || until >= limit)
            break;
        s = (struct stretch){ .begin = until,
                              .before = s.offset,
                              .offset = nf_zone_offset(zone, until) };
    }
    assert(found != NEVER); /* what was parsed comes within 40 years */
    return found * 1000;
}

int nf_cron_interval(const struct nf_cron *c)
{
    int first = minute_of_day(c, 0), last = first, least = DAY_MINUTES;

    for (int at = first; (at = minute_of_day(c, at + 1)) >= 0; last = at)
        least = at - last < least ? at - last : least;
    return first + DAY_MINUTES - last < least ? first + DAY_MINUTES - last : least;
}
