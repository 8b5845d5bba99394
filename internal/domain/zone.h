/*
 * A time zone of the IANA database: which offset its clocks have when. Pure: who reads the file is
 * somebody else.
 */
#pragma once

#include "base/error.h"
#include "domain/lang.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NF_ZONE_NAME_MAX 64            /* bytes of a name: "America/Argentina/ComodRivadavia" */
#define NF_ZONE_BYTES_MAX 65536        /* of a compiled file */
#define NF_ZONE_CHANGES_MAX 2000       /* changes of offset that a file lists */
#define NF_ZONE_OFFSET_MAX (26 * 3600) /* seconds, either way: RFC 9636, section 3.2 */

/* A day of change in a rule: RFC 9636, section 3.3.1; POSIX.1-2017, Base Definitions, 8.3. */
struct nf_zone_day {
    char kind; /* 'M': week `week` (5: the last) of `month`; 'J': day 1 to 365 without
                * 29 February; 'D': day 0 to 365 */
    int month, week, day;
    int32_t time; /* seconds after midnight by the clock until then */
};

/* What holds behind the last change that is listed. */
struct nf_zone_rule {
    int32_t standard, daylight; /* seconds east of UTC */
    bool has_daylight;
    struct nf_zone_day from, to; /* daylight time */
};

struct nf_zone_change {
    int64_t at; /* seconds since 1970 */
    int32_t offset;
};

struct nf_zone {
    char name[NF_ZONE_NAME_MAX + 1];
    int32_t first; /* the offset before all changes */
    struct nf_zone_change *changes;
    size_t n;
    struct nf_zone_rule rule;
};

/* The zone without any change. */
extern const struct nf_zone nf_zone_utc;

/* A name that may be one: letters, digits and "+-_" in pieces between '/', none of them empty.
 * NF_E_INVALID says what names look like. */
NF_RC nf_zone_check_name(const char *name, struct nf_err *err);

/* Read a compiled file (TZif, RFC 9636) of version 2 or later. NF_E_INVALID: it is none. */
NF_RC nf_zone_parse(const char *name, const uint8_t *bytes, size_t n, struct nf_zone *ret,
                    struct nf_err *err);
void nf_zone_done(struct nf_zone *z);

/* Seconds that its clocks are ahead of UTC at `utc`, in seconds. */
int32_t nf_zone_offset(const struct nf_zone *z, int64_t utc);
/* The first change of offset after `utc`; false: none is known. */
bool nf_zone_next_change(const struct nf_zone *z, int64_t utc, int64_t *ret);

/* When the clock shows `local`, which is counted as if it showed UTC. The first of two where clocks
 * are set back; where they are set forward over it, the moment in which that happens. */
int64_t nf_zone_utc_of(const struct nf_zone *z, int64_t local);

/* "Sat 28 Nov 2026 09:00", "сб 28 ноя 2026 09:00" of a time in epoch milliseconds. */
#define NF_ZONE_TEXT 48
struct nf_zone_text {
    char s[NF_ZONE_TEXT];
};
struct nf_zone_text nf_zone_show(const struct nf_zone *z, int64_t epoch_ms, enum nf_lang lang);
