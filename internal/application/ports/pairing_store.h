/* Port: accounts that ask to be let in, and invitations. Each operation is one durable transaction.
 * All may suspend. */
#pragma once

#include "domain/pairing.h"
#include "domain/user.h"

#define NF_INVITE_HASH 64 /* lower-case hex digits: the SHA-256 of its code */

struct nf_pairings {
    struct nf_pairing *v;
    size_t n;
};
void nf_pairings_done(struct nf_pairings *p);

/* Which requests of a list: denied ones too, but none that is expired at now_ms. */
struct nf_pairing_filter {
    int64_t after_id; /* those behind it, by id */
    size_t limit;
    enum nf_pairing_status status; /* 0: any */
};

struct nf_invite {
    char hash[NF_INVITE_HASH + 1];
    int64_t user_id; /* whose account becomes that of who opens it */
    int64_t created_ms, expires_ms;
};

/* What `invite` fails with: NF_E_LIMIT. */
enum nf_code nf_invites_full(int64_t max, struct nf_err *err);

struct nf_pairing_store {
    const struct nf_pairing_store_ops *ops;
};

struct nf_pairing_store_ops {
    /* Keep the request. If its network has `max` open ones, the oldest of them makes room, unless
     * even that one is younger than `shown_ms`: NF_E_LIMIT. NF_E_CONFLICT: one of this account is
     * there and has not expired at p->created_ms. */
    enum nf_code (*ask)(struct nf_pairing_store *s, const struct nf_pairing *p, int64_t max,
                        int64_t shown_ms, struct nf_err *err);
    /* What is expired at now_ms is not there: NF_E_NOT_FOUND. */
    enum nf_code (*of_account)(struct nf_pairing_store *s, const char *network, const char *account,
                               int64_t now_ms, struct nf_pairing *ret, struct nf_err *err);
    /* Another message is the one that got the code: "" for none. NF_OK also if there is none. */
    enum nf_code (*set_event)(struct nf_pairing_store *s, const char *network, const char *account,
                              const char *event, struct nf_err *err);
    /* NF_E_NOT_FOUND: none has this code, or it has expired at now_ms; NF_E_CONFLICT: several have
     * it. */
    enum nf_code (*get)(struct nf_pairing_store *s, const char *code, int64_t now_ms,
                        struct nf_pairing *ret, struct nf_err *err);
    /* By id. */
    enum nf_code (*list)(struct nf_pairing_store *s, int64_t now_ms,
                         const struct nf_pairing_filter *f, struct nf_pairings *ret,
                         struct nf_err *err);
    /* It stays until `until_ms`, as denied. */
    enum nf_code (*deny)(struct nf_pairing_store *s, int64_t id, int64_t now_ms, int64_t until_ms,
                         struct nf_err *err); /* NF_E_NOT_FOUND */
    /* The request becomes the account *i of the user `fresh`, or, if that is NULL, of i->user_id.
     * NF_E_NOT_FOUND: it is gone; NF_E_CONFLICT: the account is somebody's, or there is no such
     * user. */
    enum nf_code (*admit)(struct nf_pairing_store *s, int64_t id, const struct nf_user *fresh,
                          const struct nf_identity *i, int64_t now_ms, struct nf_err *err);
    /* NF_E_LIMIT: `max` of this user are open, or the hash is there. */
    enum nf_code (*invite)(struct nf_pairing_store *s, const struct nf_invite *v, int64_t max,
                           struct nf_err *err);
    enum nf_code (*invited)(struct nf_pairing_store *s, const char *hash, int64_t now_ms,
                            struct nf_invite *ret, struct nf_err *err); /* NF_E_NOT_FOUND */
    /* Use up the invitation of i->user_id: *i becomes an account of theirs, and what it asked for
     * is gone. NF_E_NOT_FOUND: used or expired; NF_E_CONFLICT: the account is somebody's. */
    enum nf_code (*join)(struct nf_pairing_store *s, const char *hash, const struct nf_identity *i,
                         int64_t now_ms, struct nf_err *err);
    /* All that has expired. */
    enum nf_code (*tidy)(struct nf_pairing_store *s, int64_t now_ms, struct nf_err *err);
};
