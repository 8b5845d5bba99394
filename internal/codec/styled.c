#include "codec/styled.h"

#include "base/own.h"

#include <stdlib.h>
#include <string.h>

void nf_styled_done(struct nf_styled *s)
{
    for (size_t i = 0; i < s->n; i++)
        free(s->v[i].extra);
    free(s->v);
    nf_str_done(&s->text);
    *s = (struct nf_styled){ 0 };
}

enum nf_code nf_styled_add(struct nf_styled *s, enum nf_style style, size_t at, size_t end,
                           const char *extra, struct nf_err *err)
{
    struct nf_styled_span span = { .style = style, .at = at, .end = end };

    if (at >= end || s->n >= NF_STYLED_SPANS_MAX)
        return NF_OK;
    if ((s->n & (s->n - 1)) == 0) { /* the room is the next power of two */
        struct nf_styled_span *v = realloc(s->v, (s->n ? 2 * s->n : 1) * sizeof(*v));
        if (!v)
            return nf_err_set(err, NF_E_NOMEM, "out of memory");
        s->v = v;
    }
    if (extra)
        NF_TRY(nf_strdup(extra, &span.extra, err));
    s->v[s->n++] = span;
    return NF_OK;
}

static int by_place(const void *a, const void *b)
{
    const struct nf_styled_span *x = a, *y = b;
    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    if (x->end != y->end)
        return x->end > y->end ? -1 : 1;
    return (int)y->style - (int)x->style; /* the quote without, the code within */
}

void nf_styled_sort(struct nf_styled *s)
{
    if (s->n > 1)
        qsort(s->v, s->n, sizeof(*s->v), by_place);
}

enum nf_code nf_styled_slice(const struct nf_styled *s, size_t at, size_t end,
                             struct nf_styled *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_styled_done) struct nf_styled cut = { 0 };

    assert(at <= end && end <= s->text.len && ret->text.len == 0 && ret->n == 0);
    NF_TRY(nf_str_add(&cut.text, nf_str_c(&s->text) + at, end - at, err));
    for (size_t i = 0; i < s->n && s->v[i].at < end; i++) {
        const struct nf_styled_span *v = &s->v[i];
        size_t from = v->at > at ? v->at : at, to = v->end < end ? v->end : end;
        if (from < to) /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): `cut` is cleaned up */
            NF_TRY(nf_styled_add(&cut, v->style, from - at, to - at, v->extra, err));
    }
    nf_styled_sort(&cut); /* spans that began before `at` now begin together */
    *ret = nf_take(cut);
    return NF_OK;
}
