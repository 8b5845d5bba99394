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

bool nf_bus_out_next(struct nf_bus_out *o, int64_t sender, size_t max, struct nf_str *piece)
{
    const char *p = nf_str_c(&o->lines);
    size_t room = max - HEAD_MAX, n = o->lines.len < room ? o->lines.len : room;
    char how = '.';
    if (o->lines.len == 0)
        return false;
    const char *first = memchr(p, '\n', o->lines.len), *last = memrchr(p, '\n', n);
    size_t line = (size_t)(first - p) + 1;
    if (o->within || line > n) { /* it begins or goes on with a line that does not fit */
        n = line <= n ? line : nf_utf8_cut(p, o->lines.len, n);
        how = n == line ? '-' : o->within ? '+' : '<';
    } else {
        n = (size_t)(last - p) + 1;
    }
    nf_str_reset(piece);
    if (nf_str_addf(piece, NULL, "%lld %c ", (long long)sender, how) != NF_OK ||
        nf_str_add(piece, p, n, NULL) != NF_OK)
        return false;
    o->within = how == '<' || how == '+';
    nf_str_drop(&o->lines, n);
    return true;
}

uint64_t nf_bus_out_forget(struct nf_bus_out *o)
{
    uint64_t n = 0;
    for (size_t i = 0; i < o->lines.len; i++)
        n += o->lines.p[i] == '\n';
    nf_str_reset(&o->lines);
    o->within = false;
    return n;
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

static struct nf_bus_part *find(struct nf_bus_in *in, int64_t sender)
{
    for (size_t i = 0; i < in->n; i++)
        if (in->v[i].sender == sender)
            return &in->v[i];
    return NULL;
}

static void forget(struct nf_bus_in *in, struct nf_bus_part *part)
{
    nf_str_done(&part->text);
    *part = in->v[--in->n];
}

static struct nf_bus_part *begin(struct nf_bus_in *in, int64_t sender, nf_bus_fn fn, void *arg)
{
    struct nf_bus_part *part = find(in, sender);
    if (part)
        forget(in, part); /* he broke off */
    if (in->n == NF_BUS_SENDERS_MAX) {
        nf_bus_in_reset(in);
        fn(arg, NULL, 0);
    }
    part = &in->v[in->n++];
    *part = (struct nf_bus_part){ .sender = sender, .text.max = NF_BUS_LINE_MAX + 1 };
    return part;
}

static void put_together(struct nf_bus_in *in, int64_t sender, char how, const char *p, size_t n,
                         nf_bus_fn fn, void *arg)
{
    struct nf_bus_part *part = how == '<' ? begin(in, sender, fn, arg) : find(in, sender);
    if (!part)
        return;
    bool whole = nf_str_add(&part->text, p, n, NULL) == NF_OK;
    if (whole && how == '-')
        hand_out(in, nf_str_c(&part->text), part->text.len, fn, arg);
    if (!whole)
        fn(arg, NULL, 0);
    if (!whole || how == '-')
        forget(in, part);
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
        put_together(in, sender, space[1], p, left, fn, arg);
    return true;
}

void nf_bus_in_reset(struct nf_bus_in *in)
{
    for (size_t i = 0; i < in->n; i++)
        nf_str_done(&in->v[i].text);
    in->n = 0;
}
