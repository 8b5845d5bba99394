/*
 * How a parsed text lies in memory. For json_parse.c, which makes it, and json.c, which reads it.
 *
 * Values stand in the order of the text, each behind the container it is in: the first child of a
 * container follows it, and what follows a value is `size` further on. So a tree is one block, is
 * walked without recursion, and may move while it grows. Texts are decoded where they stand, in the
 * document's own copy, since no escape is shorter than what it means.
 */
#pragma once

#include "codec/json.h"

struct nf_json {
    const char *key;  /* in an object; NULL in an array */
    const char *text; /* of a string, with a NUL behind; of a number, with something else behind */
    uint32_t n;       /* bytes of `text` */
    uint32_t size;    /* values of the subtree: itself and all within */
    uint8_t type;     /* enum nf_json_type */
    bool truth;       /* of a boolean */
    bool is_last;     /* no sibling follows */
    uint16_t first_half, last_half; /* of surrogate pairs, see nf_json_parse_piece */
};

struct nf_json_doc {
    struct nf_json *v;
    size_t n, cap;
    char text[]; /* the copy, and a NUL */
};

/* Bytes at the start of p that stand for themselves in a JSON string: neither quote nor backslash
 * nor control character; with `ascii`, none over 0x7f either. */
size_t nf_json_run(const char *p, size_t n, bool ascii);
