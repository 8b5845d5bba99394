/* REST: looking for words in all conversations. */
#include "application/search_history.h"
#include "channels/web/web_internal.h"

#include <stdio.h>
#include <string.h>

/* A page ends at "<ms>-<session>-<seq>". */
static NF_RC read_cursor(struct nf_slice c, struct nf_search_ask *ask, struct nf_err *err)
{
    if (c.n == 0)
        return NF_OK;
    const char *first = memchr(c.p, '-', c.n);
    const char *second = first ? memchr(first + 1, '-', (size_t)(c.p + c.n - first - 1)) : NULL;
    if (second && nf_slice_u63((struct nf_slice){ c.p, (size_t)(first - c.p) }, &ask->before_ms) &&
        nf_id_from_text(first + 1, (size_t)(second - first - 1), &ask->before_session) &&
        nf_slice_u63((struct nf_slice){ second + 1, (size_t)(c.p + c.n - second - 1) },
                     &ask->before_seq))
        return NF_OK;
    return nf_err_set(err, NF_E_INVALID, "cursor: not one of ours");
}

static void put_hit(struct nf_json_out *o, const struct nf_search_hit *h)
{
    nf_json_out_object(o);
    nf_web_put_id(o, "session_id", h->session_id);
    nf_json_put_str(o, "title", h->title);
    nf_json_put_i64(o, "seq", h->seq);
    nf_web_put_id(o, "run_id", h->run_id);
    nf_json_put_str(o, "role", nf_role_name(h->role));
    nf_web_put_time(o, "at", h->at_ms);
    nf_json_put_str(o, "snippet", h->snippet);
    nf_json_out_end(o);
}

static void put_cursor(struct nf_json_out *o, const struct nf_search_hits *hits, size_t limit)
{
    nf_json_out_key(o, "next_cursor");
    if (hits->n < limit) {
        nf_json_out_null(o);
        return;
    }
    char cursor[80];
    const struct nf_search_hit *last = &hits->v[hits->n - 1];
    struct nf_id_text id = nf_id_to_text(last->session_id);
    (void)snprintf(cursor, sizeof(cursor), "%lld-%s-%lld", (long long)last->at_ms, id.s,
                   (long long)last->seq);
    nf_json_out_str(o, cursor);
}

enum nf_code nf_web_search(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_web *w = arg;
    NF_CLEANUP(nf_search_hits_done) struct nf_search_hits hits = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };
    struct nf_slice q = nf_http_query(x, "q", NULL);
    struct nf_slice session = nf_http_query(x, "session_id", NULL);
    struct nf_search_ask ask = { .text = q.p, .text_n = q.n };
    struct nf_json_out o;
    bool complete;

    NF_TRY(nf_web_limit(x, &ask.limit, err));
    NF_TRY(read_cursor(nf_http_query(x, "cursor", NULL), &ask, err));
    if (session.n > 0 && !nf_id_from_text(session.p, session.n, &ask.session_id))
        return nf_err_set(err, NF_E_INVALID, "session_id: not an id");
    NF_TRY(nf_search_history(w->o.app, &nf_web_who(x)->user, &ask, &hits, &complete, err));
    nf_json_begin_doc(&o, &body);
    nf_json_out_object(&o);
    nf_json_out_key(&o, "hits");
    nf_json_out_array(&o);
    for (size_t i = 0; i < hits.n; i++)
        put_hit(&o, &hits.v[i]);
    nf_json_out_end(&o);
    nf_json_put_bool(&o, "complete", complete);
    put_cursor(&o, &hits, ask.limit);
    nf_json_out_end(&o);
    NF_TRY(nf_json_end_doc(&o, err));
    return nf_web_json(x, 200, &body, err);
}
