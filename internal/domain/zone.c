/* Reading compiled zones, and looking offsets up in them. */
#include "domain/zone.h"

#include "base/time.h"

#include <stdlib.h>
#include <string.h>

#define HEAD 44    /* bytes of a TZif header */
#define TYPE 6     /* bytes of a local time type */
#define LEAP2 12   /* bytes of a leap second in version 2 */
#define LEAP1 8    /* and in version 1 */
#define CHANGED 50 /* changes that are looked at for one that moves the clock */

const struct nf_zone nf_zone_utc = { .name = "UTC" };

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '-' || c == '_';
}

enum nf_code nf_zone_check_name(const char *name, struct nf_err *err)
{
    size_t n = strnlen(name, NF_ZONE_NAME_MAX + 1);
    bool ok = n > 0 && n <= NF_ZONE_NAME_MAX;

    for (size_t i = 0; ok && i < n; i++)
        if (name[i] == '/')
            ok = i > 0 && i + 1 < n && name[i - 1] != '/';
        else
            ok = is_name_char(name[i]);
    return ok ? NF_OK
              : nf_err_set(err, NF_E_INVALID,
                           "time zone: write a name of the IANA database, such as Europe/Berlin "
                           "or UTC, of %d bytes at most",
                           NF_ZONE_NAME_MAX);
}

/* --- the rule in a file's footer -------------------------------------------------------------- */

/* A number up to `max`; -1: there is none. */
static int number(const char **p, int max)
{
    int n = 0;

    if (**p < '0' || **p > '9')
        return -1;
    for (; **p >= '0' && **p <= '9' && n <= max; ++*p)
        n = n * 10 + (**p - '0');
    return n <= max ? n : -1;
}

static bool skip_name(const char **p)
{
    bool quoted = **p == '<';
    const char *begin = *p;

    if (quoted) {
        while (**p && **p != '>')
            ++*p;
        return *(*p)++ == '>';
    }
    while ((**p >= 'a' && **p <= 'z') || (**p >= 'A' && **p <= 'Z'))
        ++*p;
    return *p - begin >= 3;
}

/* [+-]h[:m[:s]] in seconds. */
static bool clock_time(const char **p, int32_t *ret)
{
    int32_t sum = 0;
    bool negative = **p == '-';

    *p += **p == '-' || **p == '+';
    for (int unit = 3600; unit > 0; unit /= 60) {
        int n = number(p, unit == 3600 ? 167 : 59);

        if (n < 0)
            return false;
        sum += n * unit;
        if (**p != ':')
            break;
        ++*p;
    }
    *ret = negative ? -sum : sum;
    return true;
}

static bool change_day(const char **p, struct nf_zone_day *ret)
{
    if (*(*p)++ != ',')
        return false;
    *ret = (struct nf_zone_day){ .kind = 'D', .time = 7200 };
    if (**p == 'M' || **p == 'J')
        ret->kind = *(*p)++;
    if (ret->kind == 'M') {
        ret->month = number(p, 12);
        if (ret->month < 1 || *(*p)++ != '.')
            return false;
        ret->week = number(p, 5);
        if (ret->week < 1 || *(*p)++ != '.')
            return false;
    }
    ret->day = number(p, ret->kind == 'M' ? 6 : 365);
    if (ret->day < (ret->kind == 'J'))
        return false;
    if (**p != '/')
        return true;
    ++*p;
    return clock_time(p, &ret->time);
}

/* stdoffset[dst[offset],start[/time],end[/time]] */
static bool parse_rule(const char *p, struct nf_zone_rule *ret)
{
    *ret = (struct nf_zone_rule){ 0 };
    if (!skip_name(&p) || !clock_time(&p, &ret->standard))
        return false;
    ret->standard = -ret->standard; /* POSIX counts west */
    if (!*p)
        return true;
    ret->has_daylight = true;
    if (!skip_name(&p))
        return false;
    ret->daylight = ret->standard + 3600;
    if (*p != ',') {
        if (!clock_time(&p, &ret->daylight))
            return false;
        ret->daylight = -ret->daylight;
    }
    return change_day(&p, &ret->from) && change_day(&p, &ret->to) && !*p;
}

/* --- the file --------------------------------------------------------------------------------- */

struct counts {
    uint32_t is_ut, is_std, leap, times, types, chars;
};

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t be64(const uint8_t *p)
{
    return (int64_t)((uint64_t)be32(p) << 32 | be32(p + 4));
}

static bool read_counts(const uint8_t *p, struct counts *c)
{
    *c = (struct counts){ be32(p + 20), be32(p + 24), be32(p + 28),
                          be32(p + 32), be32(p + 36), be32(p + 40) };
    return memcmp(p, "TZif", 4) == 0 && p[4] >= '2' && c->is_ut <= 256 && c->is_std <= 256 &&
           c->leap <= 1000 && c->times <= NF_ZONE_CHANGES_MAX && c->types >= 1 && c->types <= 256 &&
           c->chars <= 4096;
}

static size_t block_size(const struct counts *c, size_t time, size_t leap)
{
    return c->times * (time + 1) + (size_t)c->types * TYPE + c->chars + c->leap * leap + c->is_std +
           c->is_ut;
}

/* The footer: a rule between two newlines. */
static bool read_footer(const uint8_t *p, size_t n, struct nf_zone_rule *ret)
{
    char text[80];
    size_t len = 0;

    if (n < 2 || p[0] != '\n')
        return false;
    while (1 + len < n && p[1 + len] != '\n')
        len++;
    if (1 + len == n || len == 0 || len >= sizeof(text) || memchr(p + 1, '\0', len))
        return false;
    memcpy(text, p + 1, len);
    text[len] = '\0';
    return parse_rule(text, ret);
}

static bool sane(int32_t offset)
{
    return offset >= -NF_ZONE_OFFSET_MAX && offset <= NF_ZONE_OFFSET_MAX;
}

/* The second block: times of 64 bits, which type each begins, and the types. */
static bool read_block(const uint8_t *p, const struct counts *c, struct nf_zone *z)
{
    const uint8_t *kinds = p + (size_t)c->times * 8, *types = kinds + c->times;

    z->first = (int32_t)be32(types);
    if (!sane(z->first))
        return false;
    for (size_t i = 0; i < c->times; i++) {
        struct nf_zone_change change = { .at = be64(p + 8 * i) };

        if (kinds[i] >= c->types || (i > 0 && change.at <= be64(p + 8 * (i - 1))))
            return false;
        change.offset = (int32_t)be32(types + (size_t)kinds[i] * TYPE);
        if (!sane(change.offset))
            return false;
        z->changes[z->n++] = change;
    }
    return true;
}

static enum nf_code is_none(const char *name, struct nf_err *err)
{
    return nf_err_set(err, NF_E_INVALID, "time zone %s: its file is no compiled zone (TZif)", name);
}

enum nf_code nf_zone_parse(const char *name, const uint8_t *bytes, size_t n, struct nf_zone *ret,
                           struct nf_err *err)
{
    struct nf_zone z = { 0 };
    struct counts c;
    size_t at = HEAD, size;

    NF_TRY(nf_zone_check_name(name, err));
    if (n < HEAD || n > NF_ZONE_BYTES_MAX || !read_counts(bytes, &c))
        return is_none(name, err);
    at += block_size(&c, 4, LEAP1);
    if (at + HEAD > n || !read_counts(bytes + at, &c))
        return is_none(name, err);
    at += HEAD;
    size = block_size(&c, 8, LEAP2);
    if (at + size > n || !read_footer(bytes + at + size, n - at - size, &z.rule))
        return is_none(name, err);

    z.changes = calloc(c.times ? c.times : 1, sizeof(*z.changes));
    if (!z.changes)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    if (!read_block(bytes + at, &c, &z)) {
        nf_zone_done(&z);
        return is_none(name, err);
    }
    memcpy(z.name, name, strlen(name) + 1);
    *ret = z;
    return NF_OK;
}

void nf_zone_done(struct nf_zone *z)
{
    free(z->changes);
    *z = (struct nf_zone){ 0 };
}

/* --- offsets ---------------------------------------------------------------------------------- */

static int64_t floor_days(int64_t s)
{
    return s / NF_DAY_S - (s % NF_DAY_S < 0);
}

/* Local seconds of the change in that year. */
static int64_t change_at(const struct nf_zone_day *d, int64_t year)
{
    int64_t day;

    if (d->kind == 'M') {
        int64_t first = nf_days_from_date(year, d->month, 1);
        int in_month = 1 + (d->day - nf_weekday(first) + 7) % 7 + (d->week - 1) * 7;

        if (in_month > nf_month_days(year, d->month))
            in_month -= 7;
        day = first + in_month - 1;
    } else {
        day = nf_days_from_date(year, 1, 1) + d->day;
        if (d->kind == 'J')
            day -= !(nf_is_leap(year) && d->day >= 60);
    }
    return day * NF_DAY_S + d->time;
}

static int32_t by_rule(const struct nf_zone_rule *r, int64_t utc)
{
    int64_t year, from, to;
    bool daylight;

    if (!r->has_daylight)
        return r->standard;
    year = nf_date_from_days(floor_days(utc + r->standard)).year;
    from = change_at(&r->from, year) - r->standard;
    to = change_at(&r->to, year) - r->daylight;
    daylight = from < to ? utc >= from && utc < to : utc < to || utc >= from;
    return daylight ? r->daylight : r->standard;
}

/* How many of the changes are not after `utc`. */
static size_t passed(const struct nf_zone *z, int64_t utc)
{
    size_t low = 0, high = z->n;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (z->changes[mid].at <= utc)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

int32_t nf_zone_offset(const struct nf_zone *z, int64_t utc)
{
    size_t n = passed(z, utc);

    if (n == z->n)
        return by_rule(&z->rule, utc);
    return n == 0 ? z->first : z->changes[n - 1].offset;
}

static bool next_by_rule(const struct nf_zone_rule *r, int64_t utc, int64_t *ret)
{
    int64_t year = nf_date_from_days(floor_days(utc + r->standard)).year, best = INT64_MAX;

    if (!r->has_daylight)
        return false;
    for (int64_t y = year - 1; y <= year + 1; y++) {
        int64_t from = change_at(&r->from, y) - r->standard;
        int64_t to = change_at(&r->to, y) - r->daylight;

        best = from > utc && from < best ? from : best;
        best = to > utc && to < best ? to : best;
    }
    *ret = best;
    return true;
}

/* A change may be one of the name only. */
bool nf_zone_next_change(const struct nf_zone *z, int64_t utc, int64_t *ret)
{
    int32_t before = nf_zone_offset(z, utc);
    int64_t at = utc;

    for (int i = 0; i < CHANGED; i++) {
        size_t n = passed(z, at);

        if (n < z->n)
            at = z->changes[n].at;
        else if (!next_by_rule(&z->rule, at, &at))
            return false;
        if (nf_zone_offset(z, at) != before) {
            *ret = at;
            return true;
        }
    }
    return false;
}

int64_t nf_zone_utc_of(const struct nf_zone *z, int64_t local)
{
    /* No change moves a clock by more than a day, and none is followed by another within two. */
    int64_t from = local - 2 * NF_DAY_S, change;
    int32_t before = nf_zone_offset(z, from), after;

    if (!nf_zone_next_change(z, from, &change) || local < change + before)
        return local - before;
    after = nf_zone_offset(z, change);
    return local < change + after ? change : local - after;
}

/* --- as text ---------------------------------------------------------------------------------- */

static void put(struct nf_zone_text *t, size_t *n, const char *s)
{
    for (; *s && *n + 1 < sizeof(t->s); s++)
        t->s[(*n)++] = *s;
}

static void put_number(struct nf_zone_text *t, size_t *n, int64_t v, int digits)
{
    char text[8] = { 0 };

    for (int i = digits - 1; i >= 0; i--, v /= 10)
        text[i] = (char)('0' + v % 10);
    put(t, n, text);
}

struct nf_zone_text nf_zone_show(const struct nf_zone *z, int64_t epoch_ms, enum nf_lang lang)
{
    static const char *const days[2][7] = { { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" },
                                            { "вс", "пн", "вт", "ср", "чт", "пт", "сб" } };
    static const char *const months[2][13] = {
        { "", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" },
        { "", "янв", "фев", "мар", "апр", "мая", "июн", "июл", "авг", "сен", "окт", "ноя", "дек" },
    };
    int64_t utc = epoch_ms / 1000, local = utc + nf_zone_offset(z, utc), day = floor_days(local);
    int64_t minute = (local - day * NF_DAY_S) / 60;
    struct nf_date d = nf_date_from_days(day);
    struct nf_zone_text t = { 0 };
    size_t n = 0;
    int l = lang == NF_LANG_RU;

    put(&t, &n, days[l][nf_weekday(day)]);
    put(&t, &n, " ");
    put_number(&t, &n, d.day, d.day < 10 ? 1 : 2);
    put(&t, &n, " ");
    put(&t, &n, months[l][d.month]);
    put(&t, &n, " ");
    put_number(&t, &n, d.year < 0 || d.year > 9999 ? 0 : d.year, 4);
    put(&t, &n, " ");
    put_number(&t, &n, minute / 60, 2);
    put(&t, &n, ":");
    put_number(&t, &n, minute % 60, 2);
    return t;
}
