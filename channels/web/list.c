/* REST: lists that are read a page at a time, by the id or name of the last row that was read. */
#include "application/manage_sessions.h"
#include "base/utf8.h"
#include "channels/web/web_internal.h"

#define BODY_MAX ((size_t)8 << 20) /* of the answer: a page of the largest rows */

enum nf_code nf_web_read_page(const struct nf_http_exchange *x, int64_t *after, size_t *limit,
                              struct nf_err *err)
{
    struct nf_slice cursor = nf_http_query(x, "cursor", NULL);
    int64_t id = 0;

    NF_TRY(nf_web_limit(x, limit, err));
    if (cursor.n > 0 && !nf_id_from_text(cursor.p, cursor.n, &id))
        return nf_err_set(err, NF_E_INVALID, "cursor: not one of ours");
    *after = id;
    return NF_OK;
}

enum nf_code nf_web_read_names(const struct nf_http_exchange *x, struct nf_web_names_ask *ask,
                               struct nf_err *err)
{
    bool paged;
    (void)nf_http_query(x, "limit", &paged);
    ask->part = nf_http_query(x, "q", NULL);
    ask->after = nf_http_query(x, "cursor", NULL);
    if (paged)
        NF_TRY(nf_web_limit(x, &ask->limit, err));
    if (paged && (ask->limit < 1 || ask->limit > NF_PAGE_MAX))
        return nf_err_set(err, NF_E_INVALID, "limit: %zu is not 1 to %d", ask->limit, NF_PAGE_MAX);
    if (ask->part.n > NF_WEB_PART_MAX || !nf_utf8_valid(ask->part.p, ask->part.n))
        return nf_err_set(err, NF_E_INVALID, "q: not UTF-8 of at most %d bytes", NF_WEB_PART_MAX);
    return NF_OK;
}

enum nf_code nf_web_answer_rows(struct nf_http_exchange *x, const struct nf_web_rows *r,
                                struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str body = { .max = BODY_MAX };
    struct nf_json_out o;

    nf_json_begin_doc(&o, &body);
    nf_json_out_object(&o);
    nf_json_out_key(&o, r->key);
    nf_json_out_array(&o);
    for (size_t i = 0; i < r->n; i++)
        r->put(&o, r->list, i);
    nf_json_out_end(&o);
    nf_web_put_next(&o, r->n == r->limit, r->last);
    nf_json_out_end(&o);
    NF_TRY(nf_json_end_doc(&o, err));
    return nf_web_json(x, 200, &body, err);
}
