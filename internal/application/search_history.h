/* Use case: a person looks for something in all that was said in their conversations. */
#pragma once

#include "application/deps.h"

#define NF_SEARCH_INDEX_MAX 2000 /* messages that one search takes into the index */

struct nf_search_ask {
    const char *text; /* text_n bytes; see domain/search.h */
    size_t text_n;
    int64_t session_id;                            /* 0: all */
    int64_t before_ms, before_session, before_seq; /* as of struct nf_search */
    size_t limit;
};

/* What has all the words, newest first. *complete is false while the index does not know all
 * messages yet: to ask again finds more. NF_E_INVALID and NF_E_LIMIT name the field. May suspend.
 */
NF_RC nf_search_history(struct nf_app *a, const struct nf_user *user,
                        const struct nf_search_ask *ask, struct nf_search_hits *ret, bool *complete,
                        struct nf_err *err);
