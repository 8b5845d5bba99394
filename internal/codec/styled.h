/*
 * Text with styles, as chat networks show it: what is said, and which stretches of it are bold, a
 * link, a block of code. A network's renderer writes it in its own markup; one splitter cuts it for
 * all of them, so that no style and no character is broken by a network's limit on length.
 */
#pragma once

#include "base/string.h"

#define NF_STYLED_SPANS_MAX 4096 /* what is styled beyond that stays plain */

enum nf_style {
    NF_STYLE_BOLD = 1,
    NF_STYLE_ITALIC,
    NF_STYLE_STRIKE,
    NF_STYLE_CODE,  /* within a line */
    NF_STYLE_PRE,   /* a block of code; extra: its language, NULL if it has none */
    NF_STYLE_LINK,  /* extra: where to */
    NF_STYLE_QUOTE, /* whole lines, never one within another */
};

/* Bytes [at, end) of the text, at character boundaries, never empty. Two spans are apart, or one
 * lies in the other. */
struct nf_styled_span {
    enum nf_style style;
    size_t at, end;
    char *extra; /* owned */
};

/* The zero value is empty. Spans are in the order of `at`, the outer before the inner. */
struct nf_styled {
    struct nf_str text; /* UTF-8 */
    struct nf_styled_span *v;
    size_t n;
};
void nf_styled_done(struct nf_styled *s);

/* Add a span; `extra` is copied and may be NULL. Spans may be added in any order until
 * nf_styled_sort. An empty one, and those over NF_STYLED_SPANS_MAX, are left out. NF_E_NOMEM. */
NF_RC nf_styled_add(struct nf_styled *s, enum nf_style style, size_t at, size_t end,
                    const char *extra, struct nf_err *err);
/* Put them into order. */
void nf_styled_sort(struct nf_styled *s);

/* *ret = a copy of bytes [at, end), cut at character boundaries, with what of the spans is in it.
 * *ret must be empty. NF_E_NOMEM. */
NF_RC nf_styled_slice(const struct nf_styled *s, size_t at, size_t end, struct nf_styled *ret,
                      struct nf_err *err);

/* --- splitting -------------------------------------------------------------------------------- */

struct nf_styled_range {
    size_t at, end;
};
struct nf_styled_ranges {
    struct nf_styled_range *v;
    size_t n;
};
void nf_styled_ranges_done(struct nf_styled_ranges *r);

/* How long bytes [at, end) are for the network, in its own unit. Must not shrink when `end` grows;
 * a character counts 1 at least, and with its markup no more than any `max`. */
struct nf_styled_measure {
    size_t (*size)(const struct nf_styled_measure *m, const struct nf_styled *s, size_t at,
                   size_t end);
};

/* UTF-16 code units of the text alone: Telegram, Bot API "Formatting options". */
extern const struct nf_styled_measure nf_styled_utf16;

/*
 * Cut *s into parts of at most `max` each (at least 8). A part ends, in this order of preference,
 * before a block of code that would be torn, between paragraphs, lines, sentences, words, and else
 * between two characters that make no one symbol together. Only white space lies between two parts
 * and before the first, and none at either end of one, but for the spaces that begin a line of
 * code. *ret must be empty; a text of white space only has no part. NF_E_NOMEM.
 */
NF_RC nf_styled_split(const struct nf_styled *s, const struct nf_styled_measure *m, size_t max,
                      struct nf_styled_ranges *ret, struct nf_err *err);
