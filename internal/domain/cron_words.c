/* Cron expressions in words, in the languages that we speak. */
#include "domain/cron.h"

#include <string.h>

#define ALL_MINUTES ((UINT64_C(1) << 60) - 1)
#define ALL_HOURS UINT32_C(0xffffff)
#define ALL_DAYS UINT32_C(0xfffffffe)
#define ALL_MONTHS UINT32_C(0x1ffe)
#define ALL_WEEKDAYS UINT32_C(0x7f)
#define MON_FRI UINT32_C(0x3e)
#define SAT_SUN UINT32_C(0x41)
#define TIMES_LISTED 6 /* times of day that are listed one by one */

/* What is being said, and in which language. */
struct words {
    struct nf_str *to;
    bool ru;
    struct nf_err *err;
};
#define IN(w, en, ru_) ((w)->ru ? (ru_) : (en))

static NF_RC say(struct words *w, const char *text)
{
    return nf_str_adds(w->to, text, w->err);
}

static int count(uint64_t bits)
{
    int n = 0;

    for (; bits; bits &= bits - 1)
        n++;
    return n;
}

static int lowest(uint64_t bits)
{
    return __builtin_ctzll(bits);
}

/* The step with which they go from 0 through all of `size`; 0: they do not, or there are two at
 * most. */
static int step_of(uint64_t bits, int size)
{
    int n = count(bits), step = n > 1 ? size / n : 0;

    if (n < 2 || size % n != 0 || (size == 24 && n < 3))
        return 0;
    for (int i = 0; i < size; i++)
        if ((bits >> i & 1) != (i % step == 0))
            return 0;
    return step;
}

/* Between the entries of a list, of which `left` are still to come. */
static NF_RC comma(struct words *w, int left)
{
    return say(w, left > 1 ? ", " : IN(w, " and ", " и "));
}

/* "1, 3-5 and 9" */
static NF_RC numbers(struct words *w, uint64_t bits)
{
    int runs = count(bits & ~(bits << 1));

    for (int at = lowest(bits); runs > 0; runs--) {
        int end = at;

        while (end < 63 && bits >> (end + 1) & 1)
            end++;
        NF_TRY(nf_str_addf(w->to, w->err, "%d", at));
        if (end > at)
            NF_TRY(nf_str_addf(w->to, w->err, "-%d", end));
        bits &= ~((UINT64_C(2) << end) - 1);
        if (runs > 1) {
            NF_TRY(comma(w, runs - 1));
            at = lowest(bits);
        }
    }
    return NF_OK;
}

/* --- the time of day -------------------------------------------------------------------------- */

static NF_RC list_times(struct words *w, const struct nf_cron *c)
{
    int left = count(c->minutes) * count(c->hours);

    NF_TRY(say(w, IN(w, "at ", "в ")));
    for (int h = 0; h < 24; h++)
        for (int m = 0; m < 60; m++) {
            if (!(c->hours >> h & 1) || !(c->minutes >> m & 1))
                continue;
            NF_TRY(nf_str_addf(w->to, w->err, "%02d:%02d", h, m));
            if (--left > 0)
                NF_TRY(comma(w, left));
        }
    return NF_OK;
}

static NF_RC say_minutes(struct words *w, const struct nf_cron *c)
{
    int step = step_of(c->minutes, 60);

    if (c->minutes == ALL_MINUTES)
        return say(w, IN(w, "every minute", "каждую минуту"));
    if (step)
        return nf_str_addf(
            w->to, w->err,
            w->ru ? step < 5 ? "каждые %d минуты" : "каждые %d минут" : "every %d minutes", step);
    NF_TRY(say(w, count(c->minutes) == 1 ? IN(w, "at minute ", "на минуте ")
                                         : IN(w, "at minutes ", "на минутах ")));
    return numbers(w, c->minutes);
}

static NF_RC say_hours(struct words *w, const struct nf_cron *c)
{
    int step = step_of(c->hours, 24);
    bool on_the_hour = c->minutes == 1;

    if (c->hours == ALL_HOURS && on_the_hour)
        return say(w, IN(w, "every hour", "каждый час"));
    if (!on_the_hour) {
        NF_TRY(say_minutes(w, c));
        if (c->hours == ALL_HOURS)
            return count(c->minutes) < 60 && !step_of(c->minutes, 60)
                       ? say(w, IN(w, " of every hour", " каждого часа"))
                       : NF_OK;
        if (step)
            NF_TRY(say(w, ", "));
    }
    if (step)
        return nf_str_addf(
            w->to, w->err,
            w->ru ? step < 5 ? "каждые %d часа" : "каждые %d часов" : "every %d hours", step);
    NF_TRY(say(w, on_the_hour ? IN(w, "every hour of ", "каждый час из ")
                              : IN(w, " in hours ", " в часы ")));
    return numbers(w, c->hours);
}

/* --- days ------------------------------------------------------------------------------------- */

static NF_RC say_days(struct words *w, const struct nf_cron *c)
{
    if (c->days) {
        NF_TRY(say(w, w->ru ? "" : count(c->days) == 1 ? "on day " : "on days "));
        NF_TRY(numbers(w, c->days));
        NF_TRY(say(w, IN(w, " of the month", " числа")));
    }
    if (!c->last_day)
        return NF_OK;
    NF_TRY(say(w, c->days ? IN(w, " and ", " и ") : ""));
    return say(w, IN(w, "on the last day of the month", "в последний день месяца"));
}

static NF_RC list_weekdays(struct words *w, uint32_t bits)
{
    static const char *const names[2][7] = {
        { "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday" },
        { "воскресеньям", "понедельникам", "вторникам", "средам", "четвергам", "пятницам",
          "субботам" },
    };
    int left = count(bits);

    if (bits == MON_FRI)
        return say(w, IN(w, "on weekdays", "по будням"));
    if (bits == SAT_SUN)
        return say(w, IN(w, "on weekends", "по выходным"));
    NF_TRY(say(w, IN(w, "on ", "по ")));
    for (int i = 1; i <= 7; i++) { /* a week begins on Monday */
        if (!(bits >> i % 7 & 1))
            continue;
        NF_TRY(say(w, names[w->ru][i % 7]));
        if (--left > 0)
            NF_TRY(comma(w, left));
    }
    return NF_OK;
}

/* "on the second Tuesday", "во второй вторник"; `n` 6: the last. */
static NF_RC say_which(struct words *w, int n, int day)
{
    static const char *const nth[] = { "", "first", "second", "third", "fourth", "fifth", "last" };
    static const char *const names[] = { "Sunday",   "Monday", "Tuesday", "Wednesday",
                                         "Thursday", "Friday", "Saturday" };
    static const char *const ru_days[] = { "воскресенье", "понедельник", "вторник", "среду",
                                           "четверг",     "пятницу",     "субботу" };
    /* Neuter, masculine, feminine: as the days are. */
    static const int gender[] = { 0, 1, 1, 2, 1, 2, 2 };
    static const char *const ru_nth[][3] = {
        { "", "", "" },
        { "в первое", "в первый", "в первую" },
        { "во второе", "во второй", "во вторую" },
        { "в третье", "в третий", "в третью" },
        { "в четвёртое", "в четвёртый", "в четвёртую" },
        { "в пятое", "в пятый", "в пятую" },
        { "в последнее", "в последний", "в последнюю" },
    };

    if (w->ru)
        return nf_str_addf(w->to, w->err, "%s %s месяца", ru_nth[n][gender[day]], ru_days[day]);
    return nf_str_addf(w->to, w->err, "on the %s %s of the month", nth[n], names[day]);
}

static NF_RC say_weekdays(struct words *w, const struct nf_cron *c)
{
    uint64_t which = c->nth_weekdays | (uint64_t)c->last_weekdays << 35;
    uint32_t plain = c->weekdays & ALL_WEEKDAYS;
    int left = count(which);

    if (plain)
        NF_TRY(list_weekdays(w, plain));
    if (plain && left)
        NF_TRY(say(w, IN(w, " and ", " и ")));
    for (int i = 0; i < 42; i++) {
        if (!(which >> i & 1))
            continue;
        NF_TRY(say_which(w, i / 7 + 1, i % 7));
        if (--left > 0)
            NF_TRY(comma(w, left));
    }
    return NF_OK;
}

static NF_RC say_months(struct words *w, const struct nf_cron *c)
{
    static const char *const names[2][13] = {
        { "", "January", "February", "March", "April", "May", "June", "July", "August", "September",
          "October", "November", "December" },
        { "", "январе", "феврале", "марте", "апреле", "мае", "июне", "июле", "августе", "сентябре",
          "октябре", "ноябре", "декабре" },
    };
    int left = count(c->months);

    if ((c->months & ALL_MONTHS) == ALL_MONTHS)
        return NF_OK;
    NF_TRY(say(w, IN(w, " in ", " в ")));
    for (int m = 1; m <= 12; m++) {
        if (!(c->months >> m & 1))
            continue;
        NF_TRY(say(w, names[w->ru][m]));
        if (--left > 0)
            NF_TRY(comma(w, left));
    }
    return NF_OK;
}

enum nf_code nf_cron_describe(const struct nf_cron *c, enum nf_lang lang, struct nf_str *to,
                              struct nf_err *err)
{
    struct words w = { .to = to, .ru = lang == NF_LANG_RU, .err = err };
    bool days = (c->days & ALL_DAYS) != ALL_DAYS || c->last_day;
    bool weekdays = (c->weekdays & ALL_WEEKDAYS) != ALL_WEEKDAYS;
    bool listed = count(c->minutes) * count(c->hours) <= TIMES_LISTED &&
                  !(c->minutes == 1 && step_of(c->hours, 24));

    if (listed && !days && !weekdays)
        NF_TRY(say(&w, IN(&w, "every day ", "каждый день ")));
    NF_TRY(listed ? list_times(&w, c) : say_hours(&w, c));
    if (days) {
        NF_TRY(say(&w, " "));
        NF_TRY(say_days(&w, c));
    }
    if (weekdays) {
        NF_TRY(say(&w, !days       ? " "
                       : c->either ? IN(&w, " or ", " или ")
                                   : IN(&w, ", but only ", ", но только ")));
        NF_TRY(say_weekdays(&w, c));
    }
    return say_months(&w, c);
}
