#include "base/own.h"
#include "base/string.h"
#include "persistence/repositories/impl.h"
#include "persistence/repositories/row.h"

#include <string.h>

static struct nf_db *db_of(struct nf_search_store *s)
{
    assert(s->ops == &nf_repository_search);
    return nf_container_of(s, struct nf_repositories, search)->db;
}

/* --- bringing the index up to date ------------------------------------------------------------ */

struct behind {
    i64 id, from, to;
};

static enum nf_code on_behind(void *to, const void *row, struct nf_err *err)
{
    const struct search_behind_row *r = row;
    (void)err;
    *(struct behind *)to =
        (struct behind){ .id = r->id, .from = r->indexed_seq, .to = r->last_seq };
    return NF_OK;
}

static NF_RC index_session(struct nf_db *db, const struct behind *b, struct nf_err *err)
{
    /* The session first: if somebody else brought it up to date meanwhile, nothing happens. */
    struct nf_cmd cmds[] = {
        NF_CMD(search_indexed, 1, .session = b->id, .from = b->from, .to = b->to),
        NF_CMD(search_put_docs, NF_ROWS_ANY, .session = b->id, .from = b->from, .to = b->to),
        NF_CMD(search_put_words, NF_ROWS_ANY, .session = b->id, .from = b->from, .to = b->to),
    };
    enum nf_code rc = nf_db_tx(db, cmds, sizeof(cmds) / sizeof(cmds[0]), NULL, err);
    return rc == NF_E_CONFLICT ? NF_OK : rc;
}

static enum nf_code index_new(struct nf_search_store *s, int64_t user_id, size_t limit, bool *more,
                              struct nf_err *err)
{
    struct nf_db *db = db_of(s);
    size_t rows = 1;
    for (i64 left = (i64)limit; left > 0 && rows > 0;) {
        struct behind b = { 0 };
        struct nf_cmd find = NF_CMD_ROW(search_behind, NF_ROWS_ANY, on_behind, &b, .user = user_id);
        NF_TRY(nf_db_read(db, &find, &rows, err));
        if (rows == 0)
            break;
        if (b.to > b.from + left)
            b.to = b.from + left;
        NF_TRY(index_session(db, &b, err));
        left -= b.to - b.from;
    }
    *more = rows > 0;
    return NF_OK;
}

/* --- finding ---------------------------------------------------------------------------------- */

/* `c` twice where it stands in the word. */
static NF_RC add_quoted(struct nf_str *to, struct nf_slice word, const char *quoted,
                        struct nf_err *err)
{
    for (size_t i = 0; i < word.n; i++) {
        if (strchr(quoted, word.p[i]))
            NF_TRY(nf_str_add(to, &word.p[i], 1, err));
        NF_TRY(nf_str_add(to, &word.p[i], 1, err));
    }
    return NF_OK;
}

/* "plan" "holi"*: sqlite.org/fts5.html, section 3, Full-text Query Syntax. */
static NF_RC for_lite(const struct nf_search_words *w, struct nf_str *to, struct nf_err *err)
{
    for (size_t i = 0; i < w->n; i++) {
        NF_TRY(nf_str_adds(to, i ? " \"" : "\"", err));
        NF_TRY(add_quoted(to, w->v[i], "\"", err));
        NF_TRY(nf_str_adds(to, i + 1 == w->n && w->open ? "\"*" : "\"", err));
    }
    return NF_OK;
}

/* 'plan' & 'holi':*: PostgreSQL manual, section 8.11.2, tsquery. */
static NF_RC for_pg(const struct nf_search_words *w, struct nf_str *to, struct nf_err *err)
{
    for (size_t i = 0; i < w->n; i++) {
        NF_TRY(nf_str_adds(to, i ? " & '" : "'", err));
        NF_TRY(add_quoted(to, w->v[i], "'\\", err));
        NF_TRY(nf_str_adds(to, i + 1 == w->n && w->open ? "':*" : "'", err));
    }
    return NF_OK;
}

static enum nf_code on_hit(void *to, const void *row, struct nf_err *err)
{
    const struct search_find_row *r = row;
    struct nf_search_hits *list = to;
    struct nf_search_hit hit = {
        .session_id = r->session_id, .seq = r->seq, .run_id = r->run_id, .at_ms = r->created_at
    };
    NF_TRY(nf_row_enum(r->role, NF_ROLE_USER, NF_ROLE_NOTICE, "role", err));
    hit.role = (enum nf_role)r->role;
    NF_TRY(nf_row_copy(hit.title, sizeof(hit.title), r->title, "a title", err));
    NF_TRY(NF_ROW_ROOM(list, err));
    NF_TRY(nf_strndup(r->snippet.p ? r->snippet.p : "", r->snippet.n, &hit.snippet, err));
    list->v[list->n++] = hit;
    return NF_OK;
}

static NF_RC look(struct nf_db *db, const struct nf_search *q, const struct nf_search_words *words,
                  struct nf_search_hits *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_search_hits_done) struct nf_search_hits found = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str lite = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str pg = { 0 };
    NF_TRY(for_lite(words, &lite, err));
    NF_TRY(for_pg(words, &pg, err));
    struct nf_cmd cmd = NF_CMD_ROW(
        search_find, NF_ROWS_ANY, on_hit, &found, .user = q->user_id, .session = q->session_id,
        .lite = nf_slice_of(nf_str_c(&lite)), .pg = nf_slice_of(nf_str_c(&pg)),
        .before_at = q->before_ms ? q->before_ms : INT64_MAX, .before_session = q->before_session,
        .before_seq = q->before_seq, .limit = (i64)q->limit);
    NF_TRY(nf_db_read(db, &cmd, NULL, err));
    *ret = nf_take(found);
    return NF_OK;
}

/* A word that is only begun costs as much as all that begin so have been said: first it is taken
 * for whole, and what is frequent then fills the page at once. */
static enum nf_code find(struct nf_search_store *s, const struct nf_search *q,
                         struct nf_search_hits *ret, struct nf_err *err)
{
    struct nf_search_words whole = *q->words;
    struct nf_search_hits found = { 0 };
    whole.open = false;
    NF_TRY(look(db_of(s), q, &whole, &found, err));
    if (found.n == q->limit || !q->words->open) {
        *ret = found;
        return NF_OK;
    }
    nf_search_hits_done(&found);
    return look(db_of(s), q, q->words, ret, err);
}

const struct nf_search_store_ops nf_repository_search = { .index = index_new, .find = find };
