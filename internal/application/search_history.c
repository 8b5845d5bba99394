#include "application/search_history.h"

#include "application/manage_sessions.h"

enum nf_code nf_search_history(struct nf_app *a, const struct nf_user *user,
                               const struct nf_search_ask *ask, struct nf_search_hits *ret,
                               bool *complete, struct nf_err *err)
{
    struct nf_search_words words;
    bool more = false;
    NF_TRY(nf_search_words_of(ask->text, ask->text_n, &words, err));
    if (ask->limit < 1 || ask->limit > NF_PAGE_MAX)
        return nf_err_set(err, NF_E_INVALID, "limit: %zu is not 1 to %d", ask->limit, NF_PAGE_MAX);
    const struct nf_search q = { .user_id = user->id,
                                 .session_id = ask->session_id,
                                 .words = &words,
                                 .before_ms = ask->before_ms,
                                 .before_session = ask->before_session,
                                 .before_seq = ask->before_seq,
                                 .limit = ask->limit };
    NF_TRY(a->search->ops->index(a->search, user->id, NF_SEARCH_INDEX_MAX, &more, err));
    NF_TRY(a->search->ops->find(a->search, &q, ret, err));
    *complete = !more;
    return NF_OK;
}
