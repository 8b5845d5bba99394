/* The tools of the skill clock, and what they share. */
#pragma once

#include "skills/bundled/clock/when.h"

int nf_clock_now(struct nf_args *a, struct nf_buf *out);
int nf_clock_convert(struct nf_args *a, struct nf_buf *out);
int nf_clock_zones(struct nf_args *a, struct nf_buf *out);
int nf_clock_add(struct nf_args *a, struct nf_buf *out);
int nf_clock_difference(struct nf_args *a, struct nf_buf *out);
int nf_clock_date_info(struct nf_args *a, struct nf_buf *out);
int nf_clock_next(struct nf_args *a, struct nf_buf *out);

/* The argument `key`, absent: UTC. */
struct nf_place nf_clock_place(struct nf_args *a, const char *key);
/* The argument `key`, absent: now. */
struct nf_when nf_clock_when(struct nf_args *a, const char *key, const struct nf_place *place);
/* Whether of two instants the later is wanted: the argument "fold". */
bool nf_clock_later(struct nf_args *a);
/* Members time, zone, abbreviation, utc_offset, dst, weekday. */
void nf_clock_put(struct nf_buf *out, const struct nf_place *place, int64_t utc);
void nf_clock_put_note(struct nf_buf *out, const struct nf_buf *note);
