/* Looking zones up, and instants in them. */
#include "skills/bundled/clock/zones.h"

#include "skills/bundled/common/calendar.h"
#include "skills/bundled/common/text.h"

#include <string.h>

#define OFFSET_MAX_H 18 /* hours of a fixed offset, as others allow */

static struct nf_zone_kind by_rule(const struct nf_tz_rule *r, int64_t utc)
{
    struct nf_zone_kind k = { .daylight = nf_tz_rule_is_daylight(r, utc) };

    k.offset = k.daylight ? r->daylight : r->standard;
    memcpy(k.abbreviation, k.daylight ? r->daylight_name : r->standard_name,
           sizeof(k.abbreviation));
    /* Ireland's law calls winter time the exception; to everybody else summer is. */
    if (r->has_daylight)
        k.daylight = k.offset > (k.daylight ? r->standard : r->daylight);
    return k;
}

/* How many of the history's transitions are not after `utc`. */
static uint32_t passed(const struct nf_zone_history *h, int64_t utc)
{
    uint32_t low = 0, high = h->n;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;

        if (nf_zone_times[h->first + mid] <= utc)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

struct nf_zone_kind nf_place_at(const struct nf_place *p, int64_t utc)
{
    const struct nf_zone_history *h;
    uint32_t n;

    if (!p->zone) {
        struct nf_zone_kind fixed = { .offset = p->offset };

        if (p->offset == 0)
            memcpy(fixed.abbreviation, "UTC", 4);
        return fixed;
    }
    h = &nf_zone_histories[p->zone->history];
    n = passed(h, utc);
    if (n == h->n)
        return by_rule(&h->rule, utc);
    return nf_zone_kinds[h->kinds + (n > 0 ? nf_zone_kind_of[h->first + n - 1] : 0)];
}

bool nf_place_next_change(const struct nf_place *p, int64_t utc, int64_t *ret)
{
    const struct nf_zone_history *h;
    uint32_t n;

    if (!p->zone)
        return false;
    h = &nf_zone_histories[p->zone->history];
    n = passed(h, utc);
    if (n < h->n)
        *ret = nf_zone_times[h->first + n];
    else if (h->rule.has_daylight)
        *ret = nf_tz_rule_next(&h->rule, utc);
    return n < h->n || h->rule.has_daylight;
}

struct nf_local nf_place_local(const struct nf_place *p, int64_t local)
{
    struct nf_local ret = { 0 };
    /* No change moves a clock by more than a day: what holds a day before and after is all there
     * can be, and what holds between, where two changes are close. */
    int32_t before = nf_place_at(p, local - 2 * NF_DAY_S).offset;
    int32_t offsets[3] = { before, nf_place_at(p, local - before).offset,
                           nf_place_at(p, local + 2 * NF_DAY_S).offset };

    for (int i = 0; i < 3; i++) {
        int64_t utc = local - offsets[i];
        bool known = false;

        for (int k = 0; k < ret.n; k++)
            known |= ret.utc[k] == utc;
        if (known || ret.n == 2 || nf_place_at(p, utc).offset != offsets[i])
            continue;
        ret.utc[ret.n++] = utc;
    }
    if (ret.n == 2 && ret.utc[0] > ret.utc[1]) {
        int64_t later = ret.utc[0];

        ret.utc[0] = ret.utc[1];
        ret.utc[1] = later;
    }
    ret.shifted = local - before;
    return ret;
}

void nf_offset_text(int32_t offset, struct nf_buf *to)
{
    int32_t v = offset < 0 ? -offset : offset;

    nf_buf_addf(to, "%c%02d:%02d", offset < 0 ? '-' : '+', v / 3600, v / 60 % 60);
    if (v % 60 != 0)
        nf_buf_addf(to, ":%02d", v % 60);
}

void nf_place_name(const struct nf_place *p, struct nf_buf *to)
{
    if (p->zone)
        nf_buf_adds(to, p->zone->name);
    else if (p->offset == 0)
        nf_buf_adds(to, "UTC");
    else
        nf_offset_text(p->offset, to);
}

/* "+05:30", "-3", "+0530" */
static bool fixed_offset(const char *p, int32_t *ret)
{
    bool negative = *p == '-';
    int digits[4] = { 0 }, n = 0, hours, minutes = 0;

    if (*p != '+' && *p != '-')
        return false;
    for (p++; *p && n < 4; p++)
        if (nf_text_is_digit(*p))
            digits[n++] = *p - '0';
        else if (*p != ':' || n < 1 || n > 2)
            return false;
    if (*p || n == 0)
        return false;
    hours = n % 2 == 0 ? digits[0] * 10 + digits[1] : digits[0];
    if (n > 2)
        minutes = n == 4 ? digits[2] * 10 + digits[3] : digits[1] * 10 + digits[2];
    if (hours > OFFSET_MAX_H || minutes > 59)
        return false;
    *ret = (hours * 60 + minutes) * 60 * (negative ? -1 : 1);
    return true;
}

/* Whether `text` is the name, or its part after a '/', with blanks for '_'. */
static bool named(const char *name, const char *text, bool last_part)
{
    const char *part = name;
    size_t n = strlen(text);

    if (last_part && strrchr(name, '/'))
        part = strrchr(name, '/') + 1;
    if (strlen(part) != n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (nf_text_lower(part[i]) != (text[i] == ' ' ? '_' : nf_text_lower(text[i])))
            return false;
    return true;
}

/* Abbreviations that are no names: most stand for several zones. */
static const char *hint_of(const char *text)
{
    static const struct {
        const char *abbreviation, *zone;
    } hints[] = {
        { "EDT", "America/New_York" },
        { "CST", "America/Chicago or Asia/Shanghai" },
        { "CDT", "America/Chicago" },
        { "MDT", "America/Denver" },
        { "PST", "America/Los_Angeles" },
        { "PDT", "America/Los_Angeles" },
        { "ET", "America/New_York" },
        { "CT", "America/Chicago" },
        { "PT", "America/Los_Angeles" },
        { "BST", "Europe/London or Asia/Dhaka" },
        { "CEST", "Europe/Berlin" },
        { "IST", "Asia/Kolkata, Europe/Dublin or Asia/Jerusalem" },
        { "JST", "Asia/Tokyo" },
        { "KST", "Asia/Seoul" },
        { "AEST", "Australia/Sydney" },
        { "AEDT", "Australia/Sydney" },
        { "SGT", "Asia/Singapore" },
        { "MSK", "Europe/Moscow" },
    };

    for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++)
        if (strlen(text) == strlen(hints[i].abbreviation) &&
            nf_text_ieq(text, hints[i].abbreviation, strlen(text)))
            return hints[i].zone;
    return NULL;
}

static void not_found(struct nf_args *a, const char *key, const char *text)
{
    struct nf_buf close = nf_buf_of(a->h, 300);
    size_t n = strlen(text), found = 0;
    const char *hint = hint_of(text);

    if (hint)
        nf_buf_addf(&close, "; did you mean %s?", hint);
    for (size_t i = 0; i < nf_zones_n && n >= 3 && !hint && found < 5; i++)
        for (const char *p = nf_zones[i].name; strlen(p) >= 3; p++)
            if (nf_text_ieq(p, text, 3)) {
                nf_buf_addf(&close, "%s %s", found++ > 0 ? "," : "; close are:", nf_zones[i].name);
                break;
            }
    nf_args_fail(a, NF_SKILL_E_INVALID,
                 "argument \"%s\": there is no time zone \"%.64s\"%s. Use IANA names "
                 "(Europe/Berlin, America/New_York), UTC, or an offset such as +05:30",
                 key, text, nf_buf_c(&close));
}

bool nf_place_find(struct nf_args *a, const char *key, const char *text, struct nf_place *ret)
{
    const char *offset = text;

    *ret = (struct nf_place){ 0 };
    if (a->rc != NF_SKILL_OK)
        return false;
    if (named("UTC", text, false) || named("Z", text, false) || named("GMT", text, false))
        return true;
    if (strlen(text) > 3 && (nf_text_ieq(text, "UTC", 3) || nf_text_ieq(text, "GMT", 3)))
        offset = text + 3;
    if (fixed_offset(offset, &ret->offset))
        return true;
    for (int last_part = 0; last_part < 2; last_part++)
        for (size_t i = 0; i < nf_zones_n; i++)
            if (named(nf_zones[i].name, text, last_part == 1)) {
                ret->zone = &nf_zones[i];
                return true;
            }
    not_found(a, key, text);
    return false;
}
