/* A moment ahead, as people and models write it. Pure. */
#pragma once

#include "base/error.h"
#include "domain/zone.h"

#include <stdint.h>

#define NF_WHEN_MAX 64                                  /* bytes of the text */
#define NF_WHEN_AHEAD_MS (INT64_C(10) * 366 * 86400000) /* how far ahead it may lie */

/*
 * Understood are, by the clock of `zone`: "2026-11-29T09:00" (also with a blank for the T, seconds,
 * or behind it Z or an offset such as +02:00), "09:00" and "9am" (the next time the clock shows
 * that), "today", "tomorrow" or a weekday with a time behind it ("tomorrow at 9:00", "fri 18:30":
 * the next such day, today only if the time is still to come), and "in 20 minutes", "in 2 h",
 * "in 3 days", "in 1 week". Days and weeks go by the clock. NF_E_INVALID names the field "when" and
 * what it may be; NF_E_LIMIT: over ten years ahead. *ret lies behind now_ms.
 */
NF_RC nf_when_parse(const char *text, const struct nf_zone *zone, int64_t now_ms, int64_t *ret,
                    struct nf_err *err);
