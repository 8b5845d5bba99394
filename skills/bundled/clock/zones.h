/*
 * Time zones of the IANA database, as tables that were written when this was built
 * (cmd/pack-zones): a plugin opens no files.
 */
#pragma once

#include "skills/bundled/common/args.h"
#include "skills/bundled/common/tz_rule.h"

#define NF_ZONE_NAME_MAX 64 /* bytes of a zone's name in an argument */

struct nf_zone_kind {
    int32_t offset; /* seconds east of UTC */
    bool daylight;
    char abbreviation[NF_TZ_ABBREVIATION];
};
struct nf_zone_history {
    uint32_t first, n; /* transitions, in nf_zone_times and nf_zone_kind_of */
    uint32_t kinds;    /* where its kinds begin in nf_zone_kinds */
    struct nf_tz_rule rule;
};
struct nf_zone {
    char name[40], target[40]; /* target: what it is another name for, "": nothing */
    uint32_t history;
};

extern const char nf_zones_version[];
extern const int64_t nf_zone_times[];
extern const uint8_t nf_zone_kind_of[];
extern const struct nf_zone_kind nf_zone_kinds[];
extern const struct nf_zone_history nf_zone_histories[];
extern const struct nf_zone nf_zones[]; /* by name */
extern const size_t nf_zones_n;

/* A zone, or a fixed distance from UTC. */
struct nf_place {
    const struct nf_zone *zone; /* NULL: fixed */
    int32_t offset;             /* of a fixed one */
};

/* "Europe/Berlin" in either case, "Berlin", "New York", "UTC", "Z", "+05:30", "UTC-3". Fails the
 * call with what the argument `key` may be and what is close. */
bool nf_place_find(struct nf_args *a, const char *key, const char *text, struct nf_place *ret);
/* "Europe/Berlin", "UTC", "+05:30" */
void nf_place_name(const struct nf_place *p, struct nf_buf *to);

/* What holds there at `utc`. */
struct nf_zone_kind nf_place_at(const struct nf_place *p, int64_t utc);
/* The first change of offset or name after `utc`; false: none is known. */
bool nf_place_next_change(const struct nf_place *p, int64_t utc, int64_t *ret);

/* What a wall clock's reading stands for. Usually one instant; two where clocks were set back, none
 * where they were set forward. */
struct nf_local {
    int n;           /* 0, 1 or 2 */
    int64_t utc[2];  /* in order */
    int64_t shifted; /* n is 0: the reading as far behind the gap's end as it is behind its begin */
};
struct nf_local nf_place_local(const struct nf_place *p, int64_t local);

/* "+05:30", "Z" is not used. */
void nf_offset_text(int32_t offset, struct nf_buf *to);
