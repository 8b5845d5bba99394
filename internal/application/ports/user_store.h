/* Port: people and their accounts. All may suspend. */
#pragma once

#include "domain/user.h"

#include <stddef.h>

struct nf_users {
    struct nf_user *v;
    size_t n;
};
void nf_users_done(struct nf_users *u);

struct nf_identities {
    struct nf_identity *v;
    size_t n;
};
void nf_identities_done(struct nf_identities *i);

struct nf_user_store {
    const struct nf_user_store_ops *ops;
};

struct nf_user_store_ops {
    enum nf_code (*get)(struct nf_user_store *s, int64_t id, struct nf_user *ret,
                        struct nf_err *err); /* NF_E_NOT_FOUND */
    enum nf_code (*find)(struct nf_user_store *s, const char *channel, const char *account,
                         struct nf_user *ret, struct nf_err *err); /* NF_E_NOT_FOUND */
    /* By id, after `after_id`. */
    enum nf_code (*list)(struct nf_user_store *s, int64_t after_id, size_t limit,
                         struct nf_users *ret, struct nf_err *err);
    /* Create a user with one account. NF_E_CONFLICT: the id or the account is taken. */
    enum nf_code (*create)(struct nf_user_store *s, const struct nf_user *u,
                           const struct nf_identity *i, struct nf_err *err);
    /* Store name, role and status. NF_E_NOT_FOUND. NF_E_CONFLICT: it would leave no active
     * owner. */
    enum nf_code (*update)(struct nf_user_store *s, const struct nf_user *u, struct nf_err *err);
    enum nf_code (*identities)(struct nf_user_store *s, int64_t user_id, struct nf_identities *ret,
                               struct nf_err *err);
    /* NF_E_CONFLICT: the account is taken. */
    enum nf_code (*link)(struct nf_user_store *s, const struct nf_identity *i, struct nf_err *err);
    enum nf_code (*unlink)(struct nf_user_store *s, const struct nf_identity *i,
                           struct nf_err *err); /* NF_E_NOT_FOUND */
};
