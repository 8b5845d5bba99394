/* The machine: all threads stand at the same character, in order of priority. */
#include "skills/bundled/common/regex.h"

#include "skills/bundled/common/regex_program.h"
#include "skills/bundled/common/utf8.h"

#include <string.h>

#define SLOTS_MAX (2 * (NF_REGEX_GROUPS_MAX + 1))
#define UNSET SIZE_MAX

/* What is still to be followed: an instruction, or if `restore`, a slot to set back. */
struct todo {
    uint32_t ins, slot;
    bool restore;
    size_t old;
};

struct list {
    uint32_t *ins; /* of each thread */
    size_t *slots; /* `slots_n` of each */
    uint32_t n;
};

struct nf_regex_threads {
    struct list now, next;
    uint32_t *mark; /* generation in which an instruction was added */
    uint32_t generation;
    struct todo *stack;
    uint32_t slots_n;
};

/* Where a thread looks. */
struct scene {
    const char *p;
    size_t n, at;
    uint32_t before, after; /* characters around `at`; 0 at the ends */
};

static bool prepare(struct nf_regex *r)
{
    uint32_t n = r->program_n, slots = 2 * (r->groups + 1);
    struct nf_regex_threads *t;

    if (r->lists)
        return true;
    t = nf_args_alloc(r->a, 1, sizeof(*t));
    if (!t)
        return false;
    t->slots_n = slots;
    t->now.ins = nf_args_alloc(r->a, n, sizeof(uint32_t));
    t->next.ins = nf_args_alloc(r->a, n, sizeof(uint32_t));
    t->now.slots = nf_args_alloc(r->a, (size_t)n * slots, sizeof(size_t));
    t->next.slots = nf_args_alloc(r->a, (size_t)n * slots, sizeof(size_t));
    t->mark = nf_args_alloc(r->a, n, sizeof(uint32_t));
    /* An instruction is followed once per step, and leaves two entries at most. */
    t->stack = nf_args_alloc(r->a, 2 * (size_t)n + 2, sizeof(*t->stack));
    if (r->a->rc != NF_SKILL_OK)
        return false;
    r->lists = t;
    return true;
}

static bool is_edge(const struct scene *s)
{
    return (s->before && nf_rune_is_word(s->before)) != (s->after && nf_rune_is_word(s->after));
}

static bool holds(uint8_t op, const struct scene *s)
{
    switch (op) {
    case NF_RE_BEGIN:
        return s->at == 0;
    case NF_RE_END:
        return s->at == s->n;
    case NF_RE_LINE_BEGIN:
        return s->at == 0 || s->before == '\n';
    case NF_RE_LINE_END:
        return s->at == s->n || s->after == '\n';
    case NF_RE_WORD_EDGE:
        return is_edge(s);
    default: /* NF_RE_NO_WORD_EDGE */
        return !is_edge(s);
    }
}

/* Add the thread at `ins` and all that it leads to without taking a character. `slots` is used and
 * left as it was. */
static void follow(struct nf_regex *r, struct list *to, uint32_t ins, size_t *slots,
                   const struct scene *s)
{
    struct nf_regex_threads *t = r->lists;
    size_t n = 0;

    t->stack[n++] = (struct todo){ .ins = ins };
    while (n > 0) {
        struct todo d = t->stack[--n];
        const struct nf_regex_ins *i;

        if (d.restore) {
            slots[d.slot] = d.old;
            continue;
        }
        if (t->mark[d.ins] == t->generation)
            continue;
        t->mark[d.ins] = t->generation;
        r->steps++;
        i = &r->program[d.ins];
        if (i->op == NF_RE_JUMP) {
            t->stack[n++] = (struct todo){ .ins = i->x };
        } else if (i->op == NF_RE_SPLIT) {
            t->stack[n++] = (struct todo){ .ins = i->y };
            t->stack[n++] = (struct todo){ .ins = i->x };
        } else if (i->op == NF_RE_SAVE) {
            t->stack[n++] = (struct todo){ .restore = true, .slot = i->x, .old = slots[i->x] };
            slots[i->x] = s->at;
            t->stack[n++] = (struct todo){ .ins = d.ins + 1 };
        } else if (i->op >= NF_RE_BEGIN && i->op <= NF_RE_NO_WORD_EDGE) {
            if (holds(i->op, s))
                t->stack[n++] = (struct todo){ .ins = d.ins + 1 };
        } else {
            memcpy(to->slots + (size_t)to->n * t->slots_n, slots, t->slots_n * sizeof(*slots));
            to->ins[to->n++] = d.ins;
        }
    }
}

static bool in_range(const struct nf_regex_range *range, uint32_t rune)
{
    if (range->hi > 0)
        return rune >= range->lo && rune <= range->hi;
    switch (range->lo) {
    case 'd':
        return rune >= '0' && rune <= '9';
    case 'D':
        return !(rune >= '0' && rune <= '9');
    case 'w':
        return nf_rune_is_word(rune);
    case 'W':
        return !nf_rune_is_word(rune);
    case 's':
        return nf_rune_is_space(rune);
    default:
        return !nf_rune_is_space(rune);
    }
}

static bool in_class(const struct nf_regex *r, const struct nf_regex_ins *i, uint32_t rune)
{
    uint32_t lower = nf_rune_lower(rune), upper = nf_rune_upper(rune);

    for (uint32_t k = i->x; k < i->y; k++)
        if (in_range(&r->ranges[k], rune) ||
            (r->any_case && (in_range(&r->ranges[k], lower) || in_range(&r->ranges[k], upper))))
            return !i->negate;
    return i->negate;
}

static bool takes(const struct nf_regex *r, const struct nf_regex_ins *i, uint32_t rune)
{
    switch (i->op) {
    case NF_RE_CHAR:
        return (r->any_case ? nf_rune_lower(rune) : rune) == i->x;
    case NF_RE_ANY:
        return rune != '\n';
    case NF_RE_ANY_NL:
        return true;
    default:
        return in_class(r, i, rune);
    }
}

/* The last character before `at`. */
static uint32_t rune_before(const char *p, size_t at)
{
    size_t from = at;
    uint32_t rune = 0;

    while (from > 0 && at - from < NF_RUNE_BYTES && ((unsigned char)p[--from] & 0xC0) == 0x80)
        ;
    while (from < at)
        rune = nf_rune_next(p, at, &from);
    return rune;
}

/* Let every thread of `now` take the character. True: there is a match, in `at`. */
static bool step(struct nf_regex *r, uint32_t rune, bool more, const struct scene *behind,
                 size_t *at)
{
    struct nf_regex_threads *t = r->lists;

    t->generation++;
    t->next.n = 0;
    for (uint32_t k = 0; k < t->now.n; k++) {
        const struct nf_regex_ins *i = &r->program[t->now.ins[k]];
        size_t *slots = t->now.slots + (size_t)k * t->slots_n;

        r->steps += i->op == NF_RE_CLASS ? 1 + (i->y - i->x) : 1;
        if (i->op == NF_RE_MATCH) {
            memcpy(at, slots, t->slots_n * sizeof(*at));
            return true; /* the rest has less priority */
        }
        if (more && takes(r, i, rune))
            follow(r, &t->next, t->now.ins[k] + 1, slots, behind);
    }
    return false;
}

static bool spent(struct nf_regex *r)
{
    if (r->steps > r->steps_max)
        nf_args_fail(
            r->a, NF_SKILL_E_LIMIT,
            "the pattern takes too many steps on this text: simplify it or give less text");
    return r->a->rc != NF_SKILL_OK;
}

/* No thread is under way: go to where one can begin. False: nowhere. */
static bool skip_ahead(const struct nf_regex *r, struct scene *s)
{
    const char *hit;

    if (r->first < 0)
        return true;
    hit = s->at < s->n ? memchr(s->p + s->at, r->first, s->n - s->at) : NULL;
    if (hit && hit != s->p + s->at) {
        s->at = (size_t)(hit - s->p);
        s->before = rune_before(s->p, s->at);
    }
    return hit != NULL;
}

/* What stands around the place behind `rune`. */
static void look_around(struct scene *s, uint32_t rune)
{
    size_t ahead = s->at;

    s->before = rune;
    s->after = s->at < s->n ? nf_rune_next(s->p, s->n, &ahead) : 0;
}

bool nf_regex_search(struct nf_regex *r, const char *p, size_t n, size_t from,
                     size_t at[2 * (NF_REGEX_GROUPS_MAX + 1)])
{
    struct scene s = { .p = p, .n = n, .at = from };
    size_t slots[SLOTS_MAX];
    bool found = false;
    struct nf_regex_threads *t;

    if (!prepare(r) || from > n)
        return false;
    t = r->lists;
    t->now.n = 0;
    s.before = rune_before(p, from);
    for (;;) {
        struct scene next = s;
        struct list old;
        bool more;
        uint32_t rune = 0;

        if (t->now.n == 0) {
            if (found)
                return true;
            if (!skip_ahead(r, &s))
                return false;
            t->generation++;
        }
        more = s.at < n;
        next = s;
        if (more)
            s.after = rune = nf_rune_next(p, n, &next.at);
        else
            s.after = 0;
        if (!found) { /* a new thread, of the least priority */
            for (size_t k = 0; k < t->slots_n; k++)
                slots[k] = UNSET;
            follow(r, &t->now, 0, slots, &s);
        }
        look_around(&next, rune);
        found |= step(r, rune, more, &next, at);
        old = t->now;
        t->now = t->next;
        t->next = old;
        if (spent(r))
            return false;
        if (!more)
            return found;
        s = next;
    }
}
