/* Looking for words by looking at all of them. */
#include "base/own.h"
#include "base/string.h"
#include "base/utf8.h"
#include "persistence/memory/impl.h"

#include <stdlib.h>
#include <string.h>

#define BEFORE 40 /* bytes of a snippet before the first word, and behind it */
#define BEHIND 120

static struct nf_memory *memory_of(struct nf_search_store *s)
{
    assert(s->ops == &nf_memory_search);
    return nf_container_of(s, struct nf_memory, search);
}

static int lower(char c)
{
    return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

static bool letter(char c)
{
    return (unsigned char)c >= 0x80 || (lower(c) >= 'a' && lower(c) <= 'z') ||
           (c >= '0' && c <= '9');
}

/* Where the word stands in the text: whole, or only begun if it is `open`. NULL: nowhere. */
static const char *where(const char *text, struct nf_slice word, bool open)
{
    for (const char *p = text; *p; p++) {
        size_t i = 0;
        if (p > text && letter(p[-1]))
            continue;
        while (i < word.n && p[i] && lower(p[i]) == lower(word.p[i]))
            i++;
        if (i == word.n && (open || !letter(p[i])))
            return p;
    }
    return NULL;
}

static bool has_all(const char *text, const struct nf_search_words *w)
{
    for (size_t i = 0; i < w->n; i++)
        if (!where(text, w->v[i], w->open && i + 1 == w->n))
            return false;
    return true;
}

static NF_RC snippet_of(const char *text, const struct nf_search_words *w, char **ret,
                        struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str s = { 0 };
    const char *at = where(text, w->v[0], w->open && w->n == 1);
    size_t before = (size_t)(at - text), skip = before > BEFORE ? before - BEFORE : 0;
    size_t word = w->v[0].n, n = strlen(at + word);
    skip = skip ? nf_utf8_cut(text, strlen(text), skip) : 0;
    NF_TRY(nf_str_add(&s, text + skip, before - skip, err));
    NF_TRY(nf_str_addf(&s, err, "%c%.*s%c", NF_SNIPPET_BEGIN, (int)word, at, NF_SNIPPET_END));
    NF_TRY(nf_str_add(&s, at + word, nf_utf8_cut(at + word, n, BEHIND), err));
    return nf_strdup(nf_str_c(&s), ret, err);
}

static enum nf_code index_new(struct nf_search_store *s, int64_t user_id, size_t limit, bool *more,
                              struct nf_err *err)
{
    (void)memory_of(s);
    (void)user_id;
    (void)limit;
    (void)err;
    *more = false;
    return NF_OK;
}

static int newest_first(const void *a, const void *b)
{
    const struct nf_search_hit *x = a, *y = b;
    if (x->at_ms != y->at_ms)
        return x->at_ms > y->at_ms ? -1 : 1;
    if (x->session_id != y->session_id)
        return x->session_id > y->session_id ? -1 : 1;
    return x->seq > y->seq ? -1 : x->seq < y->seq;
}

static bool is_before(const struct nf_search *q, const struct nf_search_hit *h)
{
    const struct nf_search_hit last = { .at_ms = q->before_ms,
                                        .session_id = q->before_session,
                                        .seq = q->before_seq };
    return q->before_ms == 0 || newest_first(&last, h) < 0;
}

static enum nf_code find(struct nf_search_store *st, const struct nf_search *q,
                         struct nf_search_hits *ret, struct nf_err *err)
{
    struct nf_memory *m = memory_of(st);
    NF_CLEANUP(nf_search_hits_done)
    struct nf_search_hits found = { .v = calloc(m->message.n + 1, sizeof(*found.v)) };
    if (!found.v)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    for (size_t i = 0; i < m->message.n; i++) {
        const struct nf_message *x = &m->message.v[i];
        const struct nf_memory_session *s = nf_memory_session(m, x->session_id);
        struct nf_search_hit *hit = &found.v[found.n];
        *hit = (struct nf_search_hit){ .session_id = x->session_id,
                                       .seq = x->seq,
                                       .run_id = x->run_id,
                                       .at_ms = x->created_ms,
                                       .role = x->role };
        if (!s || s->s.user_id != q->user_id || s->s.pending > 0 || x->role > NF_ROLE_ASSISTANT ||
            (q->session_id != 0 && q->session_id != x->session_id) || !is_before(q, hit) ||
            !x->content || !has_all(x->content, q->words))
            continue;
        memcpy(hit->title, s->s.title, sizeof(hit->title));
        found.n++;
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): what was found is freed by its cleanup */
        NF_TRY(snippet_of(x->content, q->words, &hit->snippet, err));
    }
    qsort(found.v, found.n, sizeof(*found.v), newest_first);
    while (found.n > q->limit)
        free(found.v[--found.n].snippet);
    *ret = nf_take(found);
    return NF_OK;
}

const struct nf_search_store_ops nf_memory_search = { .index = index_new, .find = find };
