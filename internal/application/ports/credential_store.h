/* Port: what lets somebody in: links and browser sessions, by the SHA-256 of their token, never by
 * the token. All may suspend. */
#pragma once

#include "base/error.h"

#include <stdint.h>

/* Stored by number: append, never renumber. */
enum nf_credential_kind { NF_CREDENTIAL_LINK = 1, NF_CREDENTIAL_COOKIE = 2, NF_CREDENTIAL_API = 3 };

#define NF_CREDENTIAL_HASH 64 /* lower-case hex digits */

struct nf_credential {
    char hash[NF_CREDENTIAL_HASH + 1];
    enum nf_credential_kind kind;
    int64_t user_id, created_ms, expires_ms, used_ms; /* used_ms 0: not yet */
};

struct nf_credential_store {
    const struct nf_credential_store_ops *ops;
};

struct nf_credential_store_ops {
    enum nf_code (*put)(struct nf_credential_store *s, const struct nf_credential *c,
                        struct nf_err *err); /* NF_E_CONFLICT: the hash is there */
    /* NF_E_NOT_FOUND: none, or expired at now_ms. */
    enum nf_code (*get)(struct nf_credential_store *s, const char *hash, int64_t now_ms,
                        struct nf_credential *ret, struct nf_err *err);
    /* Mark a link used and store the cookie it is exchanged for, in one transaction. Of two at
     * once one gets NF_E_NOT_FOUND. */
    enum nf_code (*exchange)(struct nf_credential_store *s, const char *link_hash, int64_t now_ms,
                             const struct nf_credential *cookie, struct nf_err *err);
    /* NF_OK also if there is none. */
    enum nf_code (*remove)(struct nf_credential_store *s, const char *hash, struct nf_err *err);
    /* All whose expires_ms is not after now_ms. */
    enum nf_code (*remove_expired)(struct nf_credential_store *s, int64_t now_ms,
                                   struct nf_err *err);
};
