/* A pattern becomes a tree, the tree a program. */
#include "skills/bundled/common/regex_program.h"
#include "skills/bundled/common/text.h"
#include "skills/bundled/common/utf8.h"

#include <string.h>

enum kind { CHAR, ANY, CLASS, GROUP, REPEAT, ALTERNATIVE, ASSERT };

/* Nodes in a row are linked by `next`; ALTERNATIVE has one row in `child`, the other in `other`. */
struct node {
    struct node *next, *child, *other;
    enum kind kind;
    uint32_t x, y; /* CHAR, CLASS, ASSERT (op), GROUP (number, 0: none), REPEAT (from, to) */
    bool negate, lazy;
};

#define ENDLESS UINT32_MAX

struct compiler {
    struct nf_regex *r;
    const char *key, *pattern, *p;
    int depth;
    int64_t work; /* empty loops within empty loops cost too */
};

/* NOLINTBEGIN(misc-no-recursion): NF_REGEX_DEPTH_MAX bounds it */

static struct node *alternatives(struct compiler *c);

static void wrong(struct compiler *c, const char *what)
{
    nf_args_fail(c->r->a, NF_SKILL_E_INVALID, "argument \"%s\": %s at character %zu of the pattern",
                 c->key, what, (size_t)(c->p - c->pattern) + 1);
}

static bool failed(const struct compiler *c)
{
    return c->r->a->rc != NF_SKILL_OK;
}

static struct node *node(struct compiler *c, enum kind kind)
{
    struct node *n = nf_args_alloc(c->r->a, 1, sizeof(*n));

    /* After a failure nobody looks at it. */
    static struct node nothing;
    if (!n)
        return &nothing;
    n->kind = kind;
    return n;
}

static uint32_t next_rune(struct compiler *c)
{
    size_t i = 0;
    uint32_t rune = nf_rune_next(c->p, strlen(c->p), &i);

    c->p += i;
    return rune;
}

static void add_range(struct compiler *c, uint32_t lo, uint32_t hi)
{
    /* A range takes a character of the pattern at least. */
    if (c->r->ranges_n < NF_REGEX_PATTERN_MAX)
        c->r->ranges[c->r->ranges_n++] = (struct nf_regex_range){ lo, hi };
}

/* --- escapes ---------------------------------------------------------------------------------- */

static int hex(char ch)
{
    if (nf_text_is_digit(ch))
        return ch - '0';
    ch = nf_text_lower(ch);
    return ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}

static uint32_t hex_digits(struct compiler *c, int least, int most)
{
    uint32_t v = 0;
    int n = 0;

    for (; n < most && hex(*c->p) >= 0; n++)
        v = v * 16 + (uint32_t)hex(*c->p++);
    if (n < least)
        wrong(c, "a hexadecimal digit is missing");
    return v;
}

/* The character that an escape stands for; c->p is behind the backslash. False: it is no character
 * but a kind or an assertion. */
static bool escaped_rune(struct compiler *c, uint32_t *ret)
{
    static const char letters[] = "tnrfv", meant[] = "\t\n\r\f\v";
    const char *known = *c->p ? strchr(letters, *c->p) : NULL;

    if (known) {
        *ret = (uint32_t)meant[known - letters];
        c->p++;
    } else if (*c->p == 'x' || *c->p == 'u') {
        bool braces = c->p[1] == '{';
        int most = braces ? 6 : *c->p == 'x' ? 2 : 4;

        c->p += braces ? 2 : 1;
        *ret = hex_digits(c, braces ? 1 : most, most);
        if (braces && *c->p++ != '}') {
            c->p--;
            wrong(c, "a } is missing");
        }
    } else if (nf_text_is_digit(*c->p) && *c->p != '0') {
        wrong(c, "a reference back to a group is not supported");
    } else if ((nf_text_lower(*c->p) >= 'a' && nf_text_lower(*c->p) <= 'z') || *c->p == '0') {
        return false;
    } else if (!*c->p) {
        wrong(c, "nothing follows the backslash");
    } else {
        *ret = next_rune(c);
    }
    return true;
}

static bool is_kind(char ch)
{
    return ch && strchr("dwsDWS", ch);
}

static struct node *escape(struct compiler *c)
{
    static const char letters[] = "bBAzZ";
    static const uint8_t ops[] = { NF_RE_WORD_EDGE, NF_RE_NO_WORD_EDGE, NF_RE_BEGIN, NF_RE_END,
                                   NF_RE_END };
    struct node *n;
    uint32_t rune = 0;

    if (is_kind(*c->p)) {
        n = node(c, CLASS);
        n->x = c->r->ranges_n;
        add_range(c, (uint32_t)*c->p++, 0);
        n->y = c->r->ranges_n;
        return n;
    }
    if (*c->p && strchr(letters, *c->p)) {
        n = node(c, ASSERT);
        n->x = ops[strchr(letters, *c->p++) - letters];
        return n;
    }
    if (!escaped_rune(c, &rune))
        wrong(c, "this letter has no meaning behind a backslash here");
    n = node(c, CHAR);
    n->x = rune;
    return n;
}

/* --- classes ---------------------------------------------------------------------------------- */

/* One character of a class; false: a kind was added. */
static bool class_rune(struct compiler *c, uint32_t *ret)
{
    if (*c->p != '\\') {
        *ret = next_rune(c);
        return true;
    }
    c->p++;
    if (is_kind(*c->p)) {
        add_range(c, (uint32_t)*c->p++, 0);
        return false;
    }
    if (*c->p == 'b') {
        *ret = '\b';
        c->p++;
        return true;
    }
    if (!escaped_rune(c, ret))
        wrong(c, "this letter has no meaning behind a backslash here");
    return true;
}

static struct node *class(struct compiler *c)
{
    struct node *n = node(c, CLASS);
    const char *first;

    n->x = c->r->ranges_n;
    n->negate = *c->p == '^';
    c->p += n->negate;
    first = c->p;
    while (*c->p && (*c->p != ']' || c->p == first) && !failed(c)) {
        uint32_t lo = 0, hi;

        if (!class_rune(c, &lo))
            continue;
        hi = lo;
        if (c->p[0] == '-' && c->p[1] && c->p[1] != ']') {
            c->p++;
            if (!class_rune(c, &hi) || hi < lo)
                wrong(c, "a range of characters ends before it begins");
        }
        add_range(c, lo, hi > 0 ? hi : 1);
    }
    if (*c->p == ']')
        c->p++;
    else
        wrong(c, "a ] is missing");
    n->y = c->r->ranges_n;
    return n;
}

/* --- groups and repeats ----------------------------------------------------------------------- */

static void group_name(struct compiler *c, uint32_t group)
{
    size_t n = 0;
    char *name;

    while (nf_rune_is_word((unsigned char)c->p[n]) && (unsigned char)c->p[n] < 0x80)
        n++;
    if (n == 0 || n > 32 || c->p[n] != '>') {
        wrong(c, "a group's name must be 1 to 32 letters and digits and end with >");
        return;
    }
    name = nf_args_alloc(c->r->a, n + 1, 1);
    if (!name)
        return;
    memcpy(name, c->p, n);
    c->r->names[group] = name;
    c->p += n + 1;
}

/* (?i) and the like, at the beginning of the pattern: for all of it. */
static bool flags_group(struct compiler *c)
{
    const char *p = c->p + 1;

    if (c->p - 1 != c->pattern)
        return false;
    while (*p && strchr("ims", *p))
        p++;
    if (p == c->p + 1 || *p != ')')
        return false;
    for (c->p++; *c->p != ')'; c->p++) {
        c->r->any_case |= *c->p == 'i';
        c->r->multi_line |= *c->p == 'm';
        c->r->dot_all |= *c->p == 's';
    }
    c->p++;
    return true;
}

/* Behind '('. */
static struct node *group(struct compiler *c)
{
    struct node *n = node(c, GROUP);
    bool plain = *c->p != '?';

    if (!plain && flags_group(c))
        return n;
    if (++c->depth > NF_REGEX_DEPTH_MAX) {
        nf_args_fail(c->r->a, NF_SKILL_E_LIMIT, "argument \"%s\": groups nested over %d deep",
                     c->key, NF_REGEX_DEPTH_MAX);
        return n;
    }
    if (!plain && c->p[1] == ':') {
        c->p += 2;
    } else {
        if (c->r->groups == NF_REGEX_GROUPS_MAX)
            nf_args_fail(c->r->a, NF_SKILL_E_LIMIT,
                         "argument \"%s\": over %d groups; write (?:...) for those whose text is "
                         "not needed",
                         c->key, NF_REGEX_GROUPS_MAX);
        else
            n->x = ++c->r->groups;
        if (!plain && c->p[1] == '<' && c->p[2] != '=' && c->p[2] != '!') {
            c->p += 2;
            group_name(c, n->x);
        } else if (!plain && c->p[1] == 'P' && c->p[2] == '<') {
            c->p += 3;
            group_name(c, n->x);
        } else if (!plain) {
            wrong(c, "only (?:...), (?<name>...) and (?ims) at the beginning are supported, no "
                     "lookahead or lookbehind,");
        }
    }
    if (!failed(c))
        n->child = alternatives(c);
    c->depth--;
    if (*c->p == ')')
        c->p++;
    else
        wrong(c, "a ) is missing");
    return n;
}

/* {n}, {n,}, {n,m}: false, and nothing taken, if it is none of them and so stands for itself. */
static bool counts(struct compiler *c, uint32_t *from, uint32_t *to)
{
    const char *p = c->p + 1;
    uint32_t v[2] = { 0, ENDLESS };
    int i = 0;

    if (!nf_text_is_digit(*p))
        return false;
    for (; i < 2; i++) {
        if (nf_text_is_digit(*p))
            for (v[i] = 0; nf_text_is_digit(*p); p++)
                v[i] = v[i] > NF_REGEX_REPEAT_MAX ? v[i] : v[i] * 10 + (uint32_t)(*p - '0');
        if (*p != ',' || i == 1)
            break;
        p++;
    }
    if (*p != '}')
        return false;
    c->p = p + 1;
    *from = v[0];
    *to = i == 0 ? v[0] : v[1];
    if (*from > NF_REGEX_REPEAT_MAX || (*to != ENDLESS && *to > NF_REGEX_REPEAT_MAX))
        nf_args_fail(c->r->a, NF_SKILL_E_LIMIT, "argument \"%s\": a repeat is over %d", c->key,
                     NF_REGEX_REPEAT_MAX);
    else if (*to < *from)
        wrong(c, "a repeat's end is below its beginning");
    return true;
}

static struct node *repeated(struct compiler *c, struct node *what)
{
    while (*c->p && !failed(c)) {
        uint32_t from = 0, to = ENDLESS;
        struct node *n;

        if (*c->p == '*' || *c->p == '+' || *c->p == '?') {
            from = *c->p == '+';
            to = *c->p == '?' ? 1 : ENDLESS;
            c->p++;
        } else if (*c->p != '{' || !counts(c, &from, &to)) {
            break;
        }
        if (*c->p == '+')
            wrong(c, "possessive repeats are not supported");
        /* a** means a*, a{9}{9} what it says: as deep as groups. */
        if (++c->depth > NF_REGEX_DEPTH_MAX)
            nf_args_fail(c->r->a, NF_SKILL_E_LIMIT, "argument \"%s\": repeats nested over %d deep",
                         c->key, NF_REGEX_DEPTH_MAX);
        n = node(c, REPEAT);
        n->child = what;
        n->x = from;
        n->y = to;
        n->lazy = *c->p == '?';
        c->p += n->lazy;
        what = n;
    }
    return what;
}

static struct node *item(struct compiler *c)
{
    char ch = *c->p;
    struct node *n;

    if (ch == '(') {
        c->p++;
        return group(c);
    }
    if (ch == '[') {
        c->p++;
        return class(c);
    }
    if (ch == '\\') {
        c->p++;
        return escape(c);
    }
    if (ch == '*' || ch == '+' || ch == '?')
        wrong(c, "there is nothing to repeat");
    n = node(c, ch == '.' ? ANY : ch == '^' || ch == '$' ? ASSERT : CHAR);
    if (ch == '^')
        n->x = c->r->multi_line ? NF_RE_LINE_BEGIN : NF_RE_BEGIN;
    if (ch == '$')
        n->x = c->r->multi_line ? NF_RE_LINE_END : NF_RE_END;
    if (n->kind == CHAR)
        n->x = next_rune(c);
    else
        c->p++;
    return n;
}

static struct node *sequence(struct compiler *c)
{
    struct node *first = NULL, **end = &first;

    while (*c->p && *c->p != '|' && *c->p != ')' && !failed(c)) {
        int depth = c->depth;

        *end = repeated(c, item(c));
        end = &(*end)->next;
        c->depth = depth;
    }
    return first;
}

/* a|b|c as a row of alternatives, each with the rest in `other`. */
static struct node *alternatives(struct compiler *c)
{
    struct node *row = sequence(c), *first = NULL, **end = &first;

    while (*c->p == '|' && !failed(c)) {
        struct node *n = node(c, ALTERNATIVE);

        c->p++;
        n->child = row;
        *end = n;
        end = &n->other;
        row = sequence(c);
    }
    *end = row;
    return first;
}

/* --- the program ------------------------------------------------------------------------------ */

static void emit_row(struct compiler *c, const struct node *n);

static uint32_t put(struct compiler *c, enum nf_regex_op op, uint32_t x, uint32_t y)
{
    if (c->r->program_n >= NF_REGEX_PROGRAM_MAX) {
        nf_args_fail(c->r->a, NF_SKILL_E_LIMIT,
                     "argument \"%s\": the pattern is too large once its repeats are written out",
                     c->key);
        return 0;
    }
    c->r->program[c->r->program_n] = (struct nf_regex_ins){ .op = (uint8_t)op, .x = x, .y = y };
    return c->r->program_n++;
}

static uint32_t here(const struct compiler *c)
{
    return c->r->program_n;
}

/* A split whose one way is known and the other follows: into the loop first, unless it is lazy. */
static void set_split(struct compiler *c, uint32_t split, bool lazy, uint32_t in, uint32_t out)
{
    c->r->program[split].x = lazy ? out : in;
    c->r->program[split].y = lazy ? in : out;
}

static void emit_repeat(struct compiler *c, const struct node *n)
{
    uint32_t split;

    for (uint32_t k = 0; k < n->x && !failed(c); k++)
        emit_row(c, n->child);
    if (n->y == ENDLESS) {
        split = put(c, NF_RE_SPLIT, 0, 0);
        emit_row(c, n->child);
        (void)put(c, NF_RE_JUMP, split, 0);
        set_split(c, split, n->lazy, split + 1, here(c));
        return;
    }
    for (uint32_t k = n->x; k < n->y && !failed(c); k++) {
        /* Leaving one optional copy leaves all that follow; each is linked to the next, which is
         * shorter to write and the same. */
        split = put(c, NF_RE_SPLIT, 0, 0);
        emit_row(c, n->child);
        set_split(c, split, n->lazy, split + 1, here(c));
    }
}

static void emit(struct compiler *c, const struct node *n)
{
    uint32_t at, jump;

    switch (n->kind) {
    case CHAR:
        (void)put(c, NF_RE_CHAR, c->r->any_case ? nf_rune_lower(n->x) : n->x, 0);
        break;
    case ANY:
        (void)put(c, c->r->dot_all ? NF_RE_ANY_NL : NF_RE_ANY, 0, 0);
        break;
    case CLASS:
        at = put(c, NF_RE_CLASS, n->x, n->y);
        c->r->program[at].negate = n->negate;
        break;
    case ASSERT:
        (void)put(c, (enum nf_regex_op)n->x, 0, 0);
        break;
    case GROUP:
        if (n->x > 0)
            (void)put(c, NF_RE_SAVE, 2 * n->x, 0);
        emit_row(c, n->child);
        if (n->x > 0)
            (void)put(c, NF_RE_SAVE, 2 * n->x + 1, 0);
        break;
    case REPEAT:
        emit_repeat(c, n);
        break;
    case ALTERNATIVE:
        at = put(c, NF_RE_SPLIT, 0, 0);
        emit_row(c, n->child);
        jump = put(c, NF_RE_JUMP, 0, 0);
        set_split(c, at, false, at + 1, here(c));
        emit_row(c, n->other);
        c->r->program[jump].x = here(c);
        break;
    }
}

static void emit_row(struct compiler *c, const struct node *n)
{
    if (++c->work > NF_REGEX_PROGRAM_MAX * INT64_C(4))
        nf_args_fail(c->r->a, NF_SKILL_E_LIMIT,
                     "argument \"%s\": the pattern is too large once its repeats are written out",
                     c->key);
    for (; n && !failed(c); n = n->next)
        emit(c, n);
}

/* The byte that every match begins with: what follows the first SAVEs. */
static int first_byte(const struct nf_regex *r)
{
    uint32_t at = 0;

    while (r->program[at].op == NF_RE_SAVE)
        at++;
    return r->program[at].op == NF_RE_CHAR && !r->any_case && r->program[at].x < 0x80
               ? (int)r->program[at].x
               : -1;
}

struct nf_regex *nf_regex_new(struct nf_args *a, const char *key, const char *pattern,
                              const char *flags)
{
    struct nf_regex *r = nf_args_alloc(a, 1, sizeof(*r));
    struct compiler c = { .r = r, .key = key, .pattern = pattern, .p = pattern };
    struct node *tree;

    if (!r || a->rc != NF_SKILL_OK)
        return NULL;
    r->a = a;
    r->steps_max = NF_REGEX_STEPS_MAX;
    r->any_case = strchr(flags, 'i') != NULL;
    r->multi_line = strchr(flags, 'm') != NULL;
    r->dot_all = strchr(flags, 's') != NULL;
    if (strlen(pattern) > NF_REGEX_PATTERN_MAX)
        nf_args_fail(a, NF_SKILL_E_LIMIT, "argument \"%s\" is over %d bytes", key,
                     NF_REGEX_PATTERN_MAX);
    r->program = nf_args_alloc(a, NF_REGEX_PROGRAM_MAX, sizeof(*r->program));
    r->ranges = nf_args_alloc(a, NF_REGEX_PATTERN_MAX, sizeof(*r->ranges));
    if (a->rc != NF_SKILL_OK)
        return NULL;
    tree = alternatives(&c);
    if (*c.p == ')')
        wrong(&c, "a ( is missing before");
    if (a->rc != NF_SKILL_OK)
        return NULL;
    (void)put(&c, NF_RE_SAVE, 0, 0);
    emit_row(&c, tree);
    (void)put(&c, NF_RE_SAVE, 1, 0);
    (void)put(&c, NF_RE_MATCH, 0, 0);
    r->first = a->rc == NF_SKILL_OK ? first_byte(r) : -1;
    return a->rc == NF_SKILL_OK ? r : NULL;
}

void nf_regex_set_steps(struct nf_regex *r, int64_t steps)
{
    r->steps_max = steps;
}

size_t nf_regex_groups(const struct nf_regex *r)
{
    return r->groups;
}

const char *nf_regex_group_name(const struct nf_regex *r, size_t group)
{
    return r->names[group];
}

/* NOLINTEND(misc-no-recursion) */
