/* Reading points in time: words, numbers and separators are taken one by one, each number by what
 * stands around it. */
#include "skills/bundled/clock/when.h"

#include "skills/bundled/common/text.h"

#include <string.h>

#define UNIX_MAX INT64_C(253402300799) /* 9999-12-31T23:59:59Z */
#define UNIX_MIN (-INT64_C(62135596800))

struct reader {
    struct nf_args *a;
    const char *key, *text, *p;
    const struct nf_place *place;
    struct nf_when w;
    int64_t days; /* the day */
    int seconds;  /* of the day */
    bool has_date;
};

static void wrong(struct reader *r, const char *why)
{
    nf_args_fail(r->a, NF_SKILL_E_INVALID,
                 "argument \"%s\": \"%.60s\" is no time that is understood%s%s. Write "
                 "2026-11-28, 2026-11-28T15:30, 2026-11-28T15:30:00+01:00, @1764329744 or now",
                 r->key, r->text, *why ? ": " : "", why);
}

static bool is_letter(char c)
{
    return nf_text_lower(c) >= 'a' && nf_text_lower(c) <= 'z';
}

static void blanks(struct reader *r)
{
    while (*r->p == ' ' || *r->p == '\t' || *r->p == ',')
        r->p++;
}

/* The number at p and how many digits it has, at most 9. */
static int64_t number(const char **p, int *digits)
{
    int64_t v = 0;

    for (*digits = 0; nf_text_is_digit(**p) && *digits < 9; ++*p, ++*digits)
        v = v * 10 + (**p - '0');
    return v;
}

static void set_date(struct reader *r, int64_t year, int64_t month, int64_t day)
{
    if (r->has_date)
        wrong(r, "it has two dates");
    else if (!nf_date_ok(year, month, day))
        wrong(r, "there is no such day");
    if (r->a->rc != NF_SKILL_OK)
        return;
    r->days = nf_days_of(year, (int)month, (int)day);
    r->has_date = true;
}

/* The word at r->p, if `names` has it (in full, or its first three letters): its index, else -1. */
static int word_index(struct reader *r, const char *const *names, int from, int to)
{
    size_t n = 0;

    while (is_letter(r->p[n]))
        n++;
    for (int i = from; i <= to; i++)
        if ((n == strlen(names[i]) || n == 3 || (n == 4 && nf_text_ieq("sept", r->p, 4))) &&
            nf_text_ieq(names[i], r->p,
                        n < 4                            ? n
                        : n == 4 && strlen(names[i]) > 4 ? 3
                                                         : n)) {
            r->p += n;
            return i;
        }
    return -1;
}

static bool take_word(struct reader *r, const char *word)
{
    size_t n = strlen(word);

    if (!nf_text_ieq(word, r->p, n) || is_letter(r->p[n]))
        return false;
    r->p += n;
    return true;
}

/* --- the clock -------------------------------------------------------------------------------- */

static void set_time(struct reader *r, int64_t h, int64_t m, int64_t s)
{
    const char *p = r->p;
    bool am, pm;

    while (*p == ' ')
        p++;
    am = nf_text_ieq(p, "am", 2) && !is_letter(p[2]);
    pm = nf_text_ieq(p, "pm", 2) && !is_letter(p[2]);
    if (!am && !pm) {
        am = nf_text_ieq(p, "a.m.", 4);
        pm = nf_text_ieq(p, "p.m.", 4);
        p += am || pm ? 2 : 0;
    }
    if (am || pm) {
        r->p = p + 2;
        if (h < 1 || h > 12)
            wrong(r, "with am or pm the hour is 1 to 12");
        h = h % 12 + (pm ? 12 : 0);
    }
    if (r->w.has_time)
        wrong(r, "it has two times of day");
    /* ISO 8601 has 24:00, and a leap second may be written. */
    if (h > 24 || m > 59 || s > 60 || (h == 24 && (m > 0 || s > 0)))
        wrong(r, "there is no such time of day");
    r->w.has_time = true;
    r->seconds = (int)((h * 60 + m) * 60 + (s == 60 ? 59 : s));
}

/* After "hh:": minutes, seconds, a fraction, which is dropped. */
static void read_clock(struct reader *r, int64_t hours)
{
    int digits;
    int64_t m = number(&r->p, &digits), s = 0;

    if (digits != 2)
        wrong(r, "minutes have two digits");
    if (*r->p == ':') {
        r->p++;
        s = number(&r->p, &digits);
        if (digits != 2)
            wrong(r, "seconds have two digits");
        if (*r->p == '.' || *r->p == ',') {
            r->p++;
            while (nf_text_is_digit(*r->p))
                r->p++;
        }
    }
    set_time(r, hours, m, s);
}

/* Z, +01:00, a name in brackets or as a word. */
static void read_place(struct reader *r)
{
    char name[NF_ZONE_NAME_MAX + 1];
    size_t n = 0;
    bool bracket = *r->p == '[';

    r->p += bracket;
    while (r->p[n] && n < NF_ZONE_NAME_MAX && r->p[n] != ']' && r->p[n] != ' ' && r->p[n] != '[')
        n++;
    memcpy(name, r->p, n);
    name[n] = '\0';
    r->p += n;
    if (bracket && *r->p == ']')
        r->p++;
    if (nf_place_find(r->a, r->key, name, &r->w.place))
        r->w.has_place = true;
}

/* --- the date --------------------------------------------------------------------------------- */

/* 2026-W48, 2026-W48-6 after the year and its '-'. */
static void read_week(struct reader *r, int64_t year)
{
    int digits, day = 1;
    int64_t week;

    r->p++;
    week = number(&r->p, &digits);
    if (*r->p == '-') {
        r->p++;
        day = *r->p >= '1' && *r->p <= '7' ? *r->p++ - '0' : 0;
    }
    if (digits != 2 || day == 0 || year < NF_YEAR_MIN || year > NF_YEAR_MAX || week < 1 ||
        week > nf_iso_weeks((int)year)) {
        wrong(r, "there is no such week");
        return;
    }
    r->days = nf_iso_week_start((int)year, (int)week) + day - 1;
    r->has_date = true;
}

static void read_ordinal(struct reader *r, int64_t year, int64_t day)
{
    if (year < NF_YEAR_MIN || year > NF_YEAR_MAX || day < 1 || day > 365 + nf_year_is_leap(year)) {
        wrong(r, "there is no such day of the year");
        return;
    }
    r->days = nf_days_of(year, 1, 1) + day - 1;
    r->has_date = true;
}

/* After four digits and '-'. */
static void read_iso(struct reader *r, int64_t year)
{
    int digits;
    int64_t month, day = 1;

    if (*r->p == 'W' || *r->p == 'w') {
        read_week(r, year);
        return;
    }
    month = number(&r->p, &digits);
    if (digits == 3) {
        read_ordinal(r, year, month);
        return;
    }
    if (*r->p == '-' || *r->p == '/') {
        r->p++;
        day = number(&r->p, &digits);
    }
    set_date(r, year, month, day);
    if ((*r->p == 'T' || *r->p == 't') && nf_text_is_digit(r->p[1]))
        r->p++;
}

/* dd.mm.yyyy; a/b/yyyy with one over 12. */
static void read_short(struct reader *r, int64_t first, char separator)
{
    int digits;
    int64_t second, year;

    second = number(&r->p, &digits);
    if (*r->p != separator) {
        wrong(r, "");
        return;
    }
    r->p++;
    year = number(&r->p, &digits);
    if (digits != 4)
        wrong(r, "the year has four digits");
    else if (separator == '.' || first > 12)
        set_date(r, year, second, first);
    else if (second > 12 || first == second)
        set_date(r, year, first, second);
    else
        wrong(r, "it is not clear which number is the month");
}

/* "28 Nov 2026", "Nov 28 2026", with the number or the name just read. */
static void read_worded(struct reader *r, int64_t day, int month)
{
    int digits;
    int64_t year;

    if (nf_text_ieq("st", r->p, 2) || nf_text_ieq("nd", r->p, 2) || nf_text_ieq("rd", r->p, 2) ||
        nf_text_ieq("th", r->p, 2))
        r->p += 2;
    if (*r->p == '.')
        r->p++;
    blanks(r);
    if (*r->p == '-')
        r->p++;
    if (month == 0) {
        month = word_index(r, nf_month_names, 1, 12);
        if (month < 0) {
            wrong(r, "");
            return;
        }
        if (*r->p == '-' || *r->p == '.')
            r->p++;
        blanks(r);
    }
    year = number(&r->p, &digits);
    if (digits != 4)
        wrong(r, "the year has four digits");
    set_date(r, year, month, day);
}

/* A number, by what follows it. */
static void read_number(struct reader *r)
{
    const char *from = r->p;
    int digits;
    int64_t v = number(&r->p, &digits);

    if (digits == 4 && (*r->p == '-' || *r->p == '/')) {
        r->p++;
        read_iso(r, v);
    } else if (digits == 8 && !r->has_date) { /* 20261128 */
        set_date(r, v / 10000, v / 100 % 100, v % 100);
        if ((*r->p == 'T' || *r->p == 't') && nf_text_is_digit(r->p[1]))
            r->p++;
    } else if (r->has_date && (digits == 4 || digits == 6) && *r->p != ':') { /* 1530, 153000 */
        set_time(r, digits == 4 ? v / 100 : v / 10000, digits == 4 ? v % 100 : v / 100 % 100,
                 digits == 4 ? 0 : v % 100);
    } else if (digits <= 2 && *r->p == ':') {
        r->p++;
        read_clock(r, v);
    } else if (digits <= 2 && (*r->p == '.' || *r->p == '/') && nf_text_is_digit(r->p[1])) {
        r->p++;
        read_short(r, v, r->p[-1]);
    } else if (digits <= 2 && (nf_text_ieq(r->p, "am", 2) || nf_text_ieq(r->p, "pm", 2) ||
                               nf_text_ieq(r->p, " am", 3) || nf_text_ieq(r->p, " pm", 3))) {
        set_time(r, v, 0, 0);
    } else if (digits <= 2 && digits > 0 && !r->has_date) {
        read_worded(r, v, 0);
    } else {
        r->p = from;
        wrong(r, "");
    }
}

/* The day `ahead` days from today at the place. */
static void set_relative(struct reader *r, int ahead)
{
    int64_t now = nf_floor_div(r->a->h->now_ms(r->a->h), 1000);
    struct nf_date d =
        nf_date_of(nf_floor_div(now + nf_place_at(r->place, now).offset, NF_DAY_S) + ahead);

    set_date(r, d.year, d.month, d.day);
}

static void read_word(struct reader *r)
{
    int64_t day;
    int digits, month;

    if (take_word(r, "now")) {
        r->w.absolute = true;
        r->w.utc = nf_floor_div(r->a->h->now_ms(r->a->h), 1000);
    } else if (take_word(r, "today")) {
        set_relative(r, 0);
    } else if (take_word(r, "tomorrow")) {
        set_relative(r, 1);
    } else if (take_word(r, "yesterday")) {
        set_relative(r, -1);
    } else if (take_word(r, "noon")) {
        set_time(r, 12, 0, 0);
    } else if (take_word(r, "midnight")) {
        set_time(r, 0, 0, 0);
    } else if (take_word(r, "at") || word_index(r, nf_weekday_names, 1, 7) > 0) {
        if (*r->p == '.')
            r->p++;
    } else if ((month = word_index(r, nf_month_names, 1, 12)) > 0) {
        if (*r->p == '.')
            r->p++;
        blanks(r);
        day = number(&r->p, &digits);
        read_worded(r, digits > 0 ? day : 0, month);
    } else {
        read_place(r);
    }
}

/* "@1764329744", also with milliseconds as 13 digits. */
static void read_unix(struct reader *r)
{
    const char *p = r->text + (r->text[0] == '@');
    bool negative = *p == '-';
    int64_t v = 0;
    int digits = 0;

    for (p += negative; nf_text_is_digit(*p) && digits < 15; p++, digits++)
        v = v * 10 + (*p - '0');
    if (digits >= 13)
        v /= 1000;
    if (*p == '.')
        for (p++; nf_text_is_digit(*p);)
            p++;
    v = negative ? -v : v;
    if (*p || digits == 0 || v > UNIX_MAX || v < UNIX_MIN) {
        wrong(r, "seconds since 1970 lead to the years 1 to 9999");
        return;
    }
    r->w.absolute = true;
    r->w.utc = v;
    r->p = p;
}

struct nf_when nf_when_parse(struct nf_args *a, const char *key, const char *text,
                             const struct nf_place *place)
{
    struct reader r = { .a = a, .key = key, .text = text, .p = text, .place = place };
    size_t digits = strspn(text, "0123456789");

    if (a->rc != NF_SKILL_OK)
        return r.w;
    if (text[0] == '@' || ((digits == 10 || digits == 13) && !text[digits]))
        read_unix(&r);
    blanks(&r);
    while (*r.p && a->rc == NF_SKILL_OK) {
        if (nf_text_is_digit(*r.p))
            read_number(&r);
        else if (is_letter(*r.p))
            read_word(&r);
        else if (*r.p == '[' || (!r.w.has_place && r.w.has_time && (*r.p == '+' || *r.p == '-')))
            read_place(&r);
        else if (*r.p == '(') /* RFC 5322: a comment */
            r.p += strlen(r.p);
        else
            wrong(&r, "");
        blanks(&r);
    }
    if (!r.has_date && !r.w.has_time && !r.w.absolute)
        wrong(&r, "");
    if (!r.has_date && !r.w.absolute && a->rc == NF_SKILL_OK)
        set_relative(&r, 0);
    r.w.local = r.days * NF_DAY_S + r.seconds;
    return r.w;
}

/* --- instants --------------------------------------------------------------------------------- */

void nf_date_text(int64_t days, struct nf_buf *to)
{
    struct nf_date d = nf_date_of(days);

    nf_buf_addf(to, "%04d-%02d-%02d", d.year, d.month, d.day);
}

void nf_when_iso(int64_t utc, int32_t offset, struct nf_buf *to)
{
    int64_t local = utc + offset;
    int s = (int)nf_floor_mod(local, NF_DAY_S);

    nf_date_text(nf_floor_div(local, NF_DAY_S), to);
    nf_buf_addf(to, "T%02d:%02d:%02d", s / 3600, s / 60 % 60, s % 60);
    nf_offset_text(offset, to);
}

int64_t nf_when_utc(const struct nf_when *w, const struct nf_place *place, bool later,
                    struct nf_buf *note)
{
    const struct nf_place *at = w->has_place ? &w->place : place;
    struct nf_local local;

    if (w->absolute)
        return w->utc;
    local = nf_place_local(at, w->local);
    if (local.n == 1 || (local.n == 2 && !w->has_time))
        return local.utc[0];
    if (local.n == 0) {
        if (w->has_time) {
            nf_buf_adds(note, "this time does not exist there: clocks are set forward over it; ");
            nf_when_iso(local.shifted, nf_place_at(at, local.shifted).offset, note);
            nf_buf_adds(note, " is used");
        }
        return local.shifted;
    }
    nf_buf_adds(note, "this time occurs twice there, because clocks are set back: ");
    for (int i = 0; i < 2; i++) {
        nf_when_iso(local.utc[i], nf_place_at(at, local.utc[i]).offset, note);
        nf_buf_adds(note, i == 0 ? " and " : "; the ");
    }
    nf_buf_adds(note, later ? "later is used" : "earlier is used");
    return local.utc[later ? 1 : 0];
}

bool nf_when_in_range(struct nf_args *a, int64_t utc)
{
    /* A day less at either end: every zone can show it. */
    if (utc >= UNIX_MIN + NF_DAY_S && utc <= UNIX_MAX - NF_DAY_S)
        return true;
    nf_args_fail(a, NF_SKILL_E_LIMIT, "the time is outside of the years 1 to 9999");
    return false;
}
