#include "base/time.h"

#include <stdio.h>

/* Howard Hinnant, "chrono-compatible low-level date algorithms": eras of 400 years, years that
 * begin in March so that the leap day comes last. */
int64_t nf_days_from_date(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t of_era = year - era * 400;
    int64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

bool nf_is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

int nf_month_days(int64_t year, int month)
{
    static const int days[] = { 0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    return days[month] + (month == 2 && nf_is_leap(year));
}

int nf_weekday(int64_t days)
{
    return (int)(((days + 4) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */
}

struct nf_date nf_date_from_days(int64_t days)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t of_era = days - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153;
    struct nf_date d = { .year = year + era * 400,
                         .month = (int)(month < 10 ? month + 3 : month - 9),
                         .day = (int)(of_year - (153 * month + 2) / 5 + 1) };
    d.year += d.month <= 2;
    return d;
}

struct nf_time_text nf_time_to_text(int64_t epoch_ms)
{
    const int64_t first = INT64_C(-62167219200000), last = INT64_C(253402300799999);
    epoch_ms = epoch_ms < first ? first : epoch_ms > last ? last : epoch_ms;
    int64_t days = epoch_ms / 86400000, ms = epoch_ms % 86400000;
    if (ms < 0) {
        ms += 86400000;
        days--;
    }
    struct nf_date d = nf_date_from_days(days);
    struct nf_time_text t;
    char wide[96];
    (void)snprintf(wide, sizeof(wide), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", (int)d.year, d.month,
                   d.day, (int)(ms / 3600000), (int)(ms / 60000 % 60), (int)(ms / 1000 % 60),
                   (int)(ms % 1000));
    for (unsigned i = 0; i < sizeof(t.s); i++)
        t.s[i] = wide[i];
    return t;
}
