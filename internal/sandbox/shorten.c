/*
 * Filters as libseccomp exports them, without what says nothing. The kernel translates a filter
 * each time it is installed, and runs it once for every number of a call then: a worker pays for
 * each instruction while somebody waits for it.
 */
#include "sandbox/policy.h"

#include <linux/filter.h>
#include <linux/seccomp.h>

#define X32_BIT 0x40000000u
#define LOAD (BPF_LD | BPF_W | BPF_ABS)
#define IF_EQUAL (BPF_JMP | BPF_JEQ | BPF_K)

static bool is(const struct sock_filter *i, uint16_t code, uint32_t k)
{
    return i->code == code && i->k == k;
}

/* "The upper half of an argument, of it no bit, is it zero?", with what is then asked behind it. */
static bool asks_nothing(const struct sock_filter *i, size_t left)
{
    return left > 3 && i[0].code == LOAD && is(&i[1], BPF_ALU | BPF_AND | BPF_K, 0) &&
           is(&i[2], IF_EQUAL, 0) && i[2].jt == 0 && i[3].code == LOAD;
}

/* Which machine and which of its two numberings is asked by the first filter of a process, whose
 * answer is to kill it: the others need not. */
static size_t ask_again(const struct sock_filter *i, size_t n, bool ret[])
{
    size_t at = 3;
    if (n < 6 || !is(&i[0], LOAD, offsetof(struct seccomp_data, arch)) || i[1].code != IF_EQUAL ||
        i[1].jt != 0 || !is(&i[2], LOAD, offsetof(struct seccomp_data, nr)))
        return 0;
    ret[0] = ret[1] = true;
    if (is(&i[3], BPF_JMP | BPF_JGE | BPF_K, X32_BIT) && is(&i[4], IF_EQUAL, UINT32_MAX) &&
        i[3].jt == 0 && i[3].jf == 1 && i[4].jt == 0) {
        ret[3] = ret[4] = true;
        at = 5;
    }
    return at;
}

static bool is_jump(const struct sock_filter *i)
{
    return BPF_CLASS(i->code) == BPF_JMP && BPF_OP(i->code) != BPF_JA;
}

/* Jumps lead forward only. */
static void mark_unreachable(const struct sock_filter *i, size_t n, bool ret[], bool reached[])
{
    reached[0] = true;
    for (size_t at = 0; at < n; at++) {
        if (!reached[at])
            ret[at] = true;
        else if (BPF_CLASS(i[at].code) == BPF_RET)
            continue;
        else if (i[at].code == (BPF_JMP | BPF_JA))
            reached[at + 1 + i[at].k] = true;
        else if (is_jump(&i[at]) && !ret[at])
            reached[at + 1 + i[at].jt] = reached[at + 1 + i[at].jf] = true;
        else
            reached[at + 1] = true;
    }
}

static size_t take_out(struct sock_filter *i, size_t n, const bool gone[], uint16_t to[])
{
    size_t kept = 0;
    for (size_t at = 0; at < n; at++) {
        to[at] = (uint16_t)kept;
        kept += !gone[at];
    }
    for (size_t at = 0; at < n; at++) {
        struct sock_filter f = i[at];
        if (gone[at])
            continue;
        if (is_jump(&f)) {
            f.jt = (uint8_t)(to[at + 1 + f.jt] - to[at] - 1);
            f.jf = (uint8_t)(to[at + 1 + f.jf] - to[at] - 1);
        } else if (f.code == (BPF_JMP | BPF_JA)) {
            f.k = (uint32_t)(to[at + 1 + f.k] - to[at] - 1);
        }
        i[to[at]] = f;
    }
    return kept;
}

size_t nf_filter_shorten(struct sock_filter *code, size_t n, bool later)
{
    bool gone[NF_FILTER_MAX] = { false }, reached[NF_FILTER_MAX + 1] = { false };
    uint16_t to[NF_FILTER_MAX];
    assert(n > 0 && n <= NF_FILTER_MAX);
    for (size_t at = later ? ask_again(code, n, gone) : 0; at < n; at++) {
        if (asks_nothing(code + at, n - at))
            gone[at] = gone[at + 1] = gone[at + 2] = true;
    }
    mark_unreachable(code, n, gone, reached);
    return take_out(code, n, gone, to);
}
