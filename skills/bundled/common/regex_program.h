/* What a pattern becomes: shared by the compiler and the machine, nobody else's business. */
#pragma once

#include "skills/bundled/common/regex.h"

enum nf_regex_op {
    NF_RE_CHAR,
    NF_RE_ANY,    /* but a line break */
    NF_RE_ANY_NL, /* also that */
    NF_RE_CLASS,
    NF_RE_SPLIT, /* go to x, and with less priority to y */
    NF_RE_JUMP,  /* to x */
    NF_RE_SAVE,  /* the position in x */
    NF_RE_BEGIN, /* of the text */
    NF_RE_END,
    NF_RE_LINE_BEGIN,
    NF_RE_LINE_END,
    NF_RE_WORD_EDGE,
    NF_RE_NO_WORD_EDGE,
    NF_RE_MATCH,
};

struct nf_regex_ins {
    uint8_t op;
    uint32_t x, y; /* CHAR: the character in x. CLASS: ranges x to y of the regex */
    bool negate;   /* CLASS */
};

/* From lo to hi; or if hi is 0, a kind: 'd', 'w', 's' and the capitals that are all others. */
struct nf_regex_range {
    uint32_t lo, hi;
};

struct nf_regex {
    struct nf_args *a;
    struct nf_regex_ins *program;
    uint32_t program_n;
    struct nf_regex_range *ranges;
    uint32_t ranges_n;
    char *names[NF_REGEX_GROUPS_MAX + 1];
    uint32_t groups;
    bool any_case, multi_line, dot_all;
    int64_t steps, steps_max; /* executed, and the most that may be */
    int first;                /* every match begins with this byte; -1: not known */
    /* The machine's: two lists of threads, a mark per instruction, a stack. */
    struct nf_regex_threads *lists;
};
