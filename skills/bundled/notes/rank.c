/* Ranking after BM25 (Robertson and Zaragoza, 2009): rare words count more, repeated ones less and
 * less. Words are compared without case and accents; a word also finds those that begin with it. */
#include "skills/bundled/notes/rank.h"

#include "skills/bundled/common/sort.h"
#include "skills/bundled/common/utf8.h"

#include <math.h>
#include <string.h>

#define TERMS_MAX 16
#define TERM_BYTES 64
#define K1 1.2 /* how fast repeats saturate */
#define TITLE_WEIGHT 3.0
#define TAG_WEIGHT 3.0
#define PREFIX_WEIGHT 0.4
#define PREFIX_MIN 3 /* bytes of a word that finds longer ones */

struct term {
    char text[TERM_BYTES];
    size_t n;
    size_t notes; /* that have it */
};

struct terms {
    struct term at[TERMS_MAX];
    size_t n;
};

/* The next word of p[*i..n) in lower case without accents, cut to TERM_BYTES - 1; 0: none. */
static size_t next_word(const char *p, size_t n, size_t *i, char *to, size_t *from)
{
    size_t len = 0;
    bool in_word = false;

    while (*i < n) {
        size_t at = *i;
        uint32_t rune = nf_rune_next(p, n, i);
        const char *plain = nf_rune_plain(rune);
        char bytes[NF_RUNE_BYTES];
        size_t used;

        if (!nf_rune_is_word(rune)) {
            if (in_word)
                break;
            continue;
        }
        if (!in_word)
            *from = at;
        in_word = true;
        used = plain ? strlen(plain) : nf_rune_encode(nf_rune_lower(rune), bytes);
        if (len + used < TERM_BYTES)
            memcpy(to + len, plain ? plain : bytes, used);
        len += len + used < TERM_BYTES ? used : 0;
    }
    return len;
}

static void read_terms(const char *query, struct terms *ret)
{
    size_t i = 0, n = strlen(query), from;

    ret->n = 0;
    while (ret->n < TERMS_MAX) {
        struct term *t = &ret->at[ret->n];
        bool known = false;

        t->notes = 0;
        t->n = next_word(query, n, &i, t->text, &from);
        if (t->n == 0)
            return;
        for (size_t k = 0; k < ret->n; k++)
            known |= ret->at[k].n == t->n && memcmp(ret->at[k].text, t->text, t->n) == 0;
        ret->n += !known;
    }
}

/* Add to weights[term] what the words of the text are worth; the first hit. */
static size_t weigh(const char *text, const struct terms *terms, double worth, double *weights)
{
    size_t i = 0, n = strlen(text), first = SIZE_MAX, from = 0, len;
    char word[TERM_BYTES];

    while ((len = next_word(text, n, &i, word, &from)) > 0)
        for (size_t k = 0; k < terms->n; k++) {
            const struct term *t = &terms->at[k];

            if (len < t->n || memcmp(word, t->text, t->n) != 0 || (len > t->n && t->n < PREFIX_MIN))
                continue;
            weights[k] += len == t->n ? worth : worth * PREFIX_WEIGHT;
            first = from < first ? from : first;
        }
    return first;
}

static int better(const void *a, const void *b)
{
    const struct nf_ranked *x = a, *y = b;

    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return x->note->updated_ms > y->note->updated_ms ? -1
                                                     : x->note->updated_ms < y->note->updated_ms;
}

size_t nf_rank(struct nf_args *a, const struct nf_note *notes, size_t n, const char *query,
               struct nf_ranked *ret)
{
    struct terms terms;
    double *weights = nf_args_alloc(a, (n + 1) * TERMS_MAX, sizeof(*weights));
    struct nf_ranked *unsorted = nf_args_alloc(a, n + 1, sizeof(*unsorted));
    const void **order = nf_args_alloc(a, 2 * n + 2, sizeof(*order));
    size_t fit = 0;

    if (a->rc != NF_SKILL_OK)
        return 0;
    read_terms(query, &terms);
    for (size_t i = 0; i < n; i++) {
        double *w = weights + i * TERMS_MAX;

        unsorted[i] = (struct nf_ranked){ .note = &notes[i] };
        (void)weigh(notes[i].title, &terms, TITLE_WEIGHT, w);
        for (size_t k = 0; k < notes[i].tags_n; k++)
            (void)weigh(notes[i].tags[k], &terms, TAG_WEIGHT, w);
        unsorted[i].hit = weigh(notes[i].text, &terms, 1, w);
        for (size_t k = 0; k < terms.n; k++)
            terms.at[k].notes += w[k] > 0;
    }
    for (size_t i = 0; i < n; i++) {
        size_t found = 0;

        for (size_t k = 0; k < terms.n; k++) {
            double w = weights[i * TERMS_MAX + k], with = (double)terms.at[k].notes;

            found += w > 0;
            unsorted[i].score +=
                log(1 + ((double)n - with + 0.5) / (with + 0.5)) * w * (K1 + 1) / (w + K1);
        }
        /* A note with all the words comes before one with many of one. */
        if (terms.n > 0)
            unsorted[i].score *= (double)found / (double)terms.n;
        order[i] = &unsorted[i];
        fit += found > 0;
    }
    nf_sort(order, order + n + 1, n, better);
    for (size_t i = 0; i < n; i++)
        ret[i] = *(const struct nf_ranked *)order[i];
    return fit;
}
