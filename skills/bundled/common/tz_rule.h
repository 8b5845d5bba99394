/* Which offset holds after the last transition that a table lists: the rule in the footer of a TZif
 * file, RFC 9636 section 3.3, written as POSIX's TZ variable. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define NF_TZ_ABBREVIATION 8 /* bytes with the NUL */

struct nf_tz_day {
    char kind; /* 'M': week `week` (5: the last) of `month`; 'J': day 1 to 365 without
                * 29 February; 'D': day 0 to 365 */
    int16_t month, week, day; /* day: weekday from Sunday 0, or the number of the day */
    int32_t time;             /* local seconds after midnight, -167 to 167 hours */
};
struct nf_tz_rule {
    int32_t standard, daylight; /* seconds east of UTC */
    bool has_daylight;
    char standard_name[NF_TZ_ABBREVIATION], daylight_name[NF_TZ_ABBREVIATION];
    struct nf_tz_day from, to; /* when daylight time begins and ends */
};

bool nf_tz_rule_parse(const char *text, struct nf_tz_rule *ret);
/* Whether daylight time holds at `utc`. */
bool nf_tz_rule_is_daylight(const struct nf_tz_rule *r, int64_t utc);
/* The first change after `utc`; only of a rule with daylight time. */
int64_t nf_tz_rule_next(const struct nf_tz_rule *r, int64_t utc);
