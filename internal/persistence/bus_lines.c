#include "persistence/bus_lines.h"

#include "base/utf8.h"

#include <string.h>

#define HEAD_MAX 24 /* of a piece: a number and how it goes on */

/* --- out -------------------------------------------------------------------------------------- */

void nf_bus_out_add(struct nf_bus_out *o, const char *line, size_t n)
{
    o->lines.max = NF_BUS_WAITING_MAX;
    assert(!memchr(line, '\n', n));
    size_t before = o->lines.len;
    if (n > NF_BUS_LINE_MAX || nf_str_reserve(&o->lines, n + 1, NULL) != NF_OK ||
        nf_str_add(&o->lines, line, n, NULL) != NF_OK ||
        nf_str_add(&o->lines, "\n", 1, NULL) != NF_OK) {
        o->lines.len = before;
        o->dropped++;
        return;
    }
    o->added++;
}

static const char *last_line_end(const char *p, size_t n)
{
    return memrchr(p, '\n', n);
}

bool nf_bus_out_next(struct nf_bus_out *o, int64_t sender, size_t max, bool *within,
                     struct nf_str *piece)
{
    const char *p = nf_str_c(&o->lines);
    size_t room = max - HEAD_MAX, n = o->lines.len < room ? o->lines.len : room;
    char how = '.';
    if (o->lines.len == 0)
        return false;
    const char *first = memchr(p, '\n', o->lines.len), *last = last_line_end(p, n);
    size_t line = (size_t)(first - p) + 1;
    if (*within || line > n) { /* it begins or goes on with a line that does not fit */
        n = line <= n ? line : nf_utf8_cut(p, o->lines.len, n);
        how = n == line ? '-' : '+';
    } else {
        n = (size_t)(last - p) + 1;
    }
    nf_str_reset(piece);
    if (nf_str_addf(piece, NULL, "%lld %c ", (long long)sender, how) != NF_OK ||
        nf_str_add(piece, p, n, NULL) != NF_OK)
        return false;
    *within = how == '+';
    nf_str_drop(&o->lines, n);
    return true;
}

void nf_bus_out_done(struct nf_bus_out *o)
{
    nf_str_done(&o->lines);
}

/* --- in --------------------------------------------------------------------------------------- */

static void hand_out(struct nf_bus_in *in, const char *p, size_t n, nf_bus_fn fn, void *arg)
{
    while (n > 0) {
        const char *end = memchr(p, '\n', n);
        size_t line = end ? (size_t)(end - p) : n;
        in->heard++;
        fn(arg, p, line);
        line += end ? 1 : 0;
        p += line;
        n -= line;
    }
}

static struct nf_str *part_of(struct nf_bus_in *in, int64_t sender)
{
    for (size_t i = 0; i < in->n; i++)
        if (in->v[i].sender == sender)
            return &in->v[i].part;
    if (in->n == NF_BUS_SENDERS_MAX)
        nf_bus_in_reset(in);
    in->v[in->n].sender = sender;
    in->v[in->n].part.max = NF_BUS_LINE_MAX + 1;
    return &in->v[in->n++].part;
}

static void put_together(struct nf_bus_in *in, int64_t sender, bool last, const char *p, size_t n,
                         nf_bus_fn fn, void *arg)
{
    struct nf_str *part = part_of(in, sender);
    bool whole = nf_str_add(part, p, n, NULL) == NF_OK;
    if (whole && last)
        hand_out(in, nf_str_c(part), part->len, fn, arg);
    if (!whole)
        fn(arg, NULL, 0);
    if (!whole || last)
        nf_str_done(part);
}

bool nf_bus_in_take(struct nf_bus_in *in, int64_t self, const char *piece, size_t n, nf_bus_fn fn,
                    void *arg)
{
    const char *space = memchr(piece, ' ', n < HEAD_MAX ? n : HEAD_MAX);
    int64_t sender = 0;
    if (!space || !nf_slice_u63((struct nf_slice){ piece, (size_t)(space - piece) }, &sender) ||
        n < (size_t)(space - piece) + 3 || space[2] != ' ')
        return false;
    const char *p = space + 3;
    size_t left = n - (size_t)(p - piece);
    if (sender == self)
        return true;
    if (space[1] == '.')
        hand_out(in, p, left, fn, arg);
    else
        put_together(in, sender, space[1] == '-', p, left, fn, arg);
    return true;
}

void nf_bus_in_reset(struct nf_bus_in *in)
{
    for (size_t i = 0; i < in->n; i++)
        nf_str_done(&in->v[i].part);
    in->n = 0;
}
