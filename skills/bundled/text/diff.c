/* Myers, "An O(ND) Difference Algorithm and Its Variations" (1986), figure 2, with the furthest
 * points of every round kept to walk back; written as GNU's unified format. */
#include "skills/bundled/text/diff.h"

#include "skills/bundled/text/tools.h"

#include <string.h>

struct differ {
    const struct nf_line *x, *y;
    size_t xn, yn;
    bool ignore_space;
    bool *removed, *added; /* per line of x and y */
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static bool same_but_space(const struct nf_line *a, const struct nf_line *b)
{
    size_t i = 0, k = 0;

    for (;;) {
        while (i < a->n && is_blank(a->p[i]))
            i++;
        while (k < b->n && is_blank(b->p[k]))
            k++;
        if (i == a->n || k == b->n)
            return i == a->n && k == b->n;
        if (a->p[i++] != b->p[k++])
            return false;
    }
}

static bool same(const struct differ *d, size_t i, size_t k)
{
    const struct nf_line *a = &d->x[i], *b = &d->y[k];

    if (d->ignore_space)
        return same_but_space(a, b);
    return a->n == b->n && a->last == b->last && memcmp(a->p, b->p, a->n) == 0;
}

struct nf_line *nf_lines_of(struct nf_args *a, const char *key, const char *p, size_t n,
                            size_t *ret_n)
{
    size_t count = 0;
    struct nf_line *lines;

    for (size_t i = 0; i < n; i++)
        count += p[i] == '\n' || i + 1 == n;
    if (count > NF_DIFF_LINES_MAX)
        nf_args_fail(a, NF_SKILL_E_LIMIT, "argument \"%s\" has over %d lines", key,
                     NF_DIFF_LINES_MAX);
    lines = a->rc == NF_SKILL_OK ? nf_args_alloc(a, count + 1, sizeof(*lines)) : NULL;
    if (!lines)
        return NULL;
    *ret_n = count;
    for (size_t i = 0, k = 0; k < count; k++) {
        const char *end = memchr(p + i, '\n', n - i);
        size_t len = end ? (size_t)(end - (p + i)) : n - i;

        lines[k] = (struct nf_line){ p + i, len, !end };
        i += len + 1;
    }
    return lines;
}

/* The rounds of the search: round r has the furthest x on the diagonals -r, -r + 2, ... r. */
struct rounds {
    int32_t *at[NF_DIFF_EDITS_MAX + 1];
};

static int32_t furthest(const struct rounds *r, int32_t round, int32_t diagonal)
{
    return r->at[round][(diagonal + round) / 2];
}

/* Where a path arrives on a diagonal by one more edit: down from above or right from the left. */
static int32_t start_of(const struct rounds *r, int32_t round, int32_t diagonal, bool *down)
{
    *down = diagonal == -round || (diagonal != round && furthest(r, round - 1, diagonal - 1) <
                                                            furthest(r, round - 1, diagonal + 1));
    return *down ? furthest(r, round - 1, diagonal + 1) : furthest(r, round - 1, diagonal - 1) + 1;
}

/* Mark the edits of the path that ends at (xn, yn) after `round` edits; lines begin at `skip`. */
static void walk_back(struct differ *d, const struct rounds *r, int32_t round, size_t skip,
                      int32_t xn, int32_t yn)
{
    int32_t x = xn, y = yn;

    for (; round > 0; round--) {
        bool down;
        int32_t from = start_of(r, round, x - y, &down);

        if (down) {
            y = from - (x - y) - 1;
            d->added[skip + (size_t)y] = true;
            x = from;
        } else {
            y = from - (x - y);
            x = from - 1;
            d->removed[skip + (size_t)x] = true;
        }
    }
}

/* True: the edits are marked. False: there are too many, or the call has failed. */
static bool search(struct nf_args *a, struct differ *d, size_t skip, int32_t xn, int32_t yn)
{
    struct rounds *r = nf_args_alloc(a, 1, sizeof(*r));

    if (!r)
        return false;
    for (int32_t round = 0; round <= NF_DIFF_EDITS_MAX; round++) {
        r->at[round] = nf_args_alloc(a, (size_t)round + 1, sizeof(int32_t));
        if (!r->at[round])
            return false;
        for (int32_t k = -round; k <= round; k += 2) {
            bool down;
            int32_t x = round == 0 ? 0 : start_of(r, round, k, &down);

            while (x < xn && x - k < yn && x - k >= 0 &&
                   same(d, skip + (size_t)x, skip + (size_t)(x - k)))
                x++;
            r->at[round][(k + round) / 2] = x;
            if (x >= xn && x - k >= yn && x - k == yn && x == xn) {
                walk_back(d, r, round, skip, xn, yn);
                return true;
            }
        }
    }
    return false;
}

static void put_line(struct nf_buf *out, char sign, const struct nf_line *l)
{
    nf_buf_addc(out, sign);
    nf_buf_add(out, l->p, l->n);
    nf_buf_addc(out, '\n');
    if (l->last)
        nf_buf_adds(out, "\\ No newline at end of file\n");
}

/* "12,3", "12" for one line, the line before for none. */
static void put_range(struct nf_buf *out, char sign, size_t from, size_t n)
{
    nf_buf_addf(out, "%c%zu", sign, n > 0 ? from + 1 : from);
    if (n != 1)
        nf_buf_addf(out, ",%zu", n);
}

/* From the first change at or behind (i, k) to where `context` lines on both sides of the next gap
 * no longer meet. */
static void put_hunk(const struct differ *d, size_t *i, size_t *k, size_t context,
                     struct nf_buf *out)
{
    size_t before = *i < context ? *i : context, from_x = *i - before, from_y = *k - before;
    size_t x = *i, y = *k, end_x = x, end_y = y, quiet = 0;

    while (x < d->xn || y < d->yn) {
        if ((x < d->xn && d->removed[x]) || (y < d->yn && d->added[y])) {
            while (x < d->xn && d->removed[x])
                x++;
            while (y < d->yn && d->added[y])
                y++;
            quiet = 0;
            end_x = x;
            end_y = y;
        } else {
            if (++quiet > 2 * context)
                break;
            x++;
            y++;
        }
    }
    for (size_t n = 0;
         n < context && end_x < d->xn && !d->removed[end_x] && end_y < d->yn && !d->added[end_y];
         n++) {
        end_x++;
        end_y++;
    }
    nf_buf_adds(out, "@@ ");
    put_range(out, '-', from_x, end_x - from_x);
    nf_buf_addc(out, ' ');
    put_range(out, '+', from_y, end_y - from_y);
    nf_buf_adds(out, " @@\n");
    for (x = from_x, y = from_y; x < end_x || y < end_y;) {
        if (x < end_x && d->removed[x])
            put_line(out, '-', &d->x[x++]);
        else if (y < end_y && d->added[y])
            put_line(out, '+', &d->y[y++]);
        else {
            put_line(out, ' ', &d->x[x++]);
            y++;
        }
    }
    *i = end_x;
    *k = end_y;
}

struct nf_diff_counts nf_diff(struct nf_args *a, const struct nf_line *x, size_t xn,
                              const struct nf_line *y, size_t yn, size_t context, bool ignore_space,
                              struct nf_buf *out)
{
    struct differ d = { .x = x, .y = y, .xn = xn, .yn = yn, .ignore_space = ignore_space };
    struct nf_diff_counts counts = { 0 };
    size_t head = 0, tail = 0, i = 0, k = 0;

    d.removed = nf_args_alloc(a, xn + 1, sizeof(bool));
    d.added = nf_args_alloc(a, yn + 1, sizeof(bool));
    if (a->rc != NF_SKILL_OK)
        return counts;
    while (head < xn && head < yn && same(&d, head, head))
        head++;
    while (tail < xn - head && tail < yn - head && same(&d, xn - 1 - tail, yn - 1 - tail))
        tail++;
    if (!search(a, &d, head, (int32_t)(xn - head - tail), (int32_t)(yn - head - tail))) {
        counts.coarse = true;
        memset(d.removed + head, 1, xn - head - tail);
        memset(d.added + head, 1, yn - head - tail);
    }
    while ((i < xn || k < yn) && a->rc == NF_SKILL_OK) {
        if ((i < xn && d.removed[i]) || (k < yn && d.added[k]))
            put_hunk(&d, &i, &k, context, out);
        else {
            i++;
            k++;
        }
    }
    for (i = 0; i < xn; i++)
        counts.removed += d.removed[i];
    for (k = 0; k < yn; k++)
        counts.added += d.added[k];
    return counts;
}

int nf_text_diff(struct nf_args *a, struct nf_buf *out)
{
    const char *old = nf_args_text(a, "old", NF_TEXT_MAX);
    const char *new = nf_args_text(a, "new", NF_TEXT_MAX);
    const char *name = nf_args_text_or(a, "name", 200, "text");
    int64_t context = nf_args_int_or(a, "context", 0, 100, 3);
    bool ignore_space = nf_args_bool_or(a, "ignore_space", false);
    struct nf_buf hunks = nf_buf_of(a->h, NF_BUF_MAX);
    size_t xn = 0, yn = 0;
    struct nf_line *x = nf_lines_of(a, "old", old, strlen(old), &xn);
    struct nf_line *y = nf_lines_of(a, "new", new, strlen(new), &yn);
    struct nf_diff_counts counts;

    if (a->rc != NF_SKILL_OK)
        return a->rc;
    counts = nf_diff(a, x, xn, y, yn, (size_t)context, ignore_space, &hunks);
    if (a->rc != NF_SKILL_OK || hunks.rc != NF_SKILL_OK)
        return a->rc != NF_SKILL_OK ? a->rc : hunks.rc;
    if (hunks.len == 0) {
        nf_buf_adds(out, "The texts are the same.");
        return NF_SKILL_OK;
    }
    nf_buf_addf(out, "%zu lines added, %zu removed%s\n--- %s (old)\n+++ %s (new)\n", counts.added,
                counts.removed,
                counts.coarse ? " (too many differences to tell single ones apart)" : "", name,
                name);
    nf_buf_add(out, nf_buf_c(&hunks), hunks.len);
    return NF_SKILL_OK;
}
