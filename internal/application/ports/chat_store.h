/* Port: which messages of a chat network show a run, so that they are edited and not sent again.
 * Each operation is one durable transaction. All may suspend. */
#pragma once

#include "application/ports/chat.h"

/* Numbers of messages that are no part of the reply while it is written. */
enum {
    NF_CHAT_ASKED = -1,       /* the person's message */
    NF_CHAT_LATE = 1000,      /* parts of a reply that came late, in new messages */
    NF_CHAT_DOCUMENT = 10000, /* the file */
};

struct nf_chat_ref {
    int64_t part;
    char ref[NF_CHAT_REF_MAX + 1];
};
struct nf_chat_refs {
    struct nf_chat_ref *v;
    size_t n;
};
void nf_chat_refs_done(struct nf_chat_refs *r);

struct nf_chat_store {
    const struct nf_chat_store_ops *ops;
};

struct nf_chat_store_ops {
    /* Replaces what stood for that part. */
    enum nf_code (*put)(struct nf_chat_store *s, int64_t run_id, int64_t part, const char *ref,
                        int64_t now_ms, struct nf_err *err);
    /* By part. */
    enum nf_code (*refs)(struct nf_chat_store *s, int64_t run_id, struct nf_chat_refs *ret,
                         struct nf_err *err);
    enum nf_code (*forget)(struct nf_chat_store *s, int64_t run_id, int64_t part,
                           struct nf_err *err);
    /* All that were put before. */
    enum nf_code (*tidy)(struct nf_chat_store *s, int64_t before_ms, struct nf_err *err);
};
