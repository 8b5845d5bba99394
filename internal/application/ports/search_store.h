/* Port: looking for words in what people and models said. All may suspend. */
#pragma once

#include "domain/message.h"
#include "domain/search.h"

#include <stdbool.h>

#define NF_SNIPPET_BEGIN '\x02' /* around each word that was found, in a snippet */
#define NF_SNIPPET_END '\x03'

struct nf_search {
    int64_t user_id;
    int64_t session_id;                  /* 0: in all of them */
    const struct nf_search_words *words; /* borrowed */
    int64_t before_ms, before_session,
        before_seq; /* the last one of the page before; 0: the first */
    size_t limit;
};

struct nf_search_hit {
    int64_t session_id, seq, run_id, at_ms;
    enum nf_role role; /* user or assistant */
    char title[NF_TITLE_MAX + 1];
    char *snippet; /* owned */
};

struct nf_search_hits {
    struct nf_search_hit *v;
    size_t n;
};
void nf_search_hits_done(struct nf_search_hits *h);

struct nf_search_store {
    const struct nf_search_store_ops *ops;
};

struct nf_search_store_ops {
    /* Take what the user's sessions said since into the index, at most about `limit` messages, of
     * sessions in which no turn runs or waits. *more: there is more to take in. */
    enum nf_code (*index)(struct nf_search_store *s, int64_t user_id, size_t limit, bool *more,
                          struct nf_err *err);
    /* What is in the index and has all words, in whatever case; newest first. */
    enum nf_code (*find)(struct nf_search_store *s, const struct nf_search *q,
                         struct nf_search_hits *ret, struct nf_err *err);
};
