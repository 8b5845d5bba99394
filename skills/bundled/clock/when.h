/* A point in time as people write it. */
#pragma once

#include "skills/bundled/clock/zones.h"
#include "skills/bundled/common/calendar.h"

#define NF_WHEN_TEXT_MAX 100

struct nf_when {
    bool has_time;  /* else a day */
    int64_t local;  /* wall clock, seconds */
    bool has_place; /* the text said where */
    struct nf_place place;
    bool absolute; /* `utc` is it: the text was a count of seconds, or "now" */
    int64_t utc;
};

/*
 * Read the argument `key`. Understood are ISO 8601 (2026-11-28, 2026-11-28T15:30:00Z,
 * 2026-11-28 15:30+02:00, 20261128T153000, 2026-W48-6, 2026-332, with [Europe/Berlin] behind),
 * RFC 5322 (Sat, 28 Nov 2026 15:30:00 +0000), 28 November 2026, November 28, 2026 3:30 pm,
 * 28.11.2026, 13/25/2026 where it is clear which is the month, 15:30 (today), @1764329744, and the
 * words now, today, tomorrow, yesterday, noon, midnight. Words mean days at `place`.
 */
struct nf_when nf_when_parse(struct nf_args *a, const char *key, const char *text,
                             const struct nf_place *place);

/* The instant, at `place` unless the text said where else. `later`: of two the second. What was
 * done about a reading that does not exist or stands for two is appended to *note. */
int64_t nf_when_utc(const struct nf_when *w, const struct nf_place *place, bool later,
                    struct nf_buf *note);

/* "2026-11-28T15:30:00+01:00" */
void nf_when_iso(int64_t utc, int32_t offset, struct nf_buf *to);
/* "2026-11-28" of days since 1970-01-01. */
void nf_date_text(int64_t days, struct nf_buf *to);
/* Whether the clock can show it: the years 1 to 9999. Fails the call. */
bool nf_when_in_range(struct nf_args *a, int64_t utc);
