/*
 * What Nexflow itself says to people: which of the texts that it knows one is, and the values that
 * it names. The words are written down once, in English, as they were said; so another language can
 * say the same, of what was written long ago too. What others said (a provider, a network, the
 * kernel) is in no table and stays in their words. Pure.
 */
#pragma once

#include "base/string.h"
#include "domain/lang.h"

#include <stdbool.h>

#define NF_SAID_VALUES_MAX 6

struct nf_sayings;

/* One text. What is put into the format must not be empty; conversions side by side are one value.
 */
struct nf_saying {
    const char *code;                /* "rate-limited": of all tables, no other has it */
    const char *format;              /* in English, as it is written down */
    const char *russian;             /* {0} is the first value. NULL: only the page says it */
    const struct nf_sayings *values; /* where a value may be such a text itself; NULL */
};

/* The first row that fits is taken. */
struct nf_sayings {
    const struct nf_saying *v;
    size_t n;
};

extern const struct nf_sayings nf_turn_sayings;     /* reason.c: how a turn or a call ended */
extern const struct nf_sayings nf_schedule_sayings; /* why a run was skipped, or all of them */
extern const struct nf_sayings nf_bot_sayings;      /* what a bot lacks, and what to do */
extern const struct nf_sayings nf_sandbox_sayings;  /* a layer that is missing, and why */
extern const struct nf_sayings nf_ready_sayings;    /* why turns cannot be served */
extern const struct nf_sayings nf_right_sayings;    /* what a skill may do */
extern const struct nf_sayings
    nf_refusal_sayings; /* why something that was asked for is not done */

struct nf_said {
    const char *code;
    const struct nf_sayings *inner; /* what the values may be; NULL: nothing */
    struct nf_slice values[NF_SAID_VALUES_MAX];
    size_t n;
};

/* Which of `of` the text is, and its values as they stand in it. False: none of these. */
bool nf_said_of(const struct nf_sayings *of, struct nf_slice text, struct nf_said *ret);

/* The same for the message of an error, which may have context in front of it ("token: ..."):
 * `*ret` is then of what stands behind `*where` bytes of context and ": ". */
bool nf_said_of_error(struct nf_slice text, size_t *where, struct nf_said *ret);

/* Append what `text` says, in `lang`: text that is none of these as it is. The error is of `to`. */
NF_RC nf_said_say(const struct nf_sayings *of, struct nf_slice text, enum nf_lang lang,
                  struct nf_str *to, struct nf_err *err);
