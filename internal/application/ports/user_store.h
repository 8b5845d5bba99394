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

/* Which users of a list. */
struct nf_user_filter {
    int64_t after_id; /* those behind it, by id */
    size_t limit;
    enum nf_user_role role;     /* 0: any */
    enum nf_user_status status; /* 0: any */
};

struct nf_user_store {
    const struct nf_user_store_ops *ops;
};

struct nf_user_store_ops {
    enum nf_code (*get)(struct nf_user_store *s, int64_t id, struct nf_user *ret,
                        struct nf_err *err); /* NF_E_NOT_FOUND */
    enum nf_code (*find)(struct nf_user_store *s, const char *channel, const char *account,
                         struct nf_user *ret, struct nf_err *err); /* NF_E_NOT_FOUND */
    /* By id. */
    enum nf_code (*list)(struct nf_user_store *s, const struct nf_user_filter *f,
                         struct nf_users *ret, struct nf_err *err);
    /* Create a user with one account. NF_E_CONFLICT: the id or the account is taken. */
    enum nf_code (*create)(struct nf_user_store *s, const struct nf_user *u,
                           const struct nf_identity *i, struct nf_err *err);
    /* The language that Nexflow speaks to them. NF_E_NOT_FOUND. */
    enum nf_code (*set_lang)(struct nf_user_store *s, int64_t id, enum nf_lang lang,
                             struct nf_err *err);
    /* The name of their time zone; "": not known. NF_E_NOT_FOUND. */
    enum nf_code (*set_zone)(struct nf_user_store *s, int64_t id, const char *zone,
                             struct nf_err *err);
    /* Store name, role and status. NF_E_NOT_FOUND. NF_E_CONFLICT: it would leave no active owner.
     */
    enum nf_code (*update)(struct nf_user_store *s, const struct nf_user *u, struct nf_err *err);
    /* All accounts of a user, by network and account; none of an unknown one. */
    enum nf_code (*identities)(struct nf_user_store *s, int64_t user_id, struct nf_identities *ret,
                               struct nf_err *err);
    /* NF_E_NOT_FOUND: no such user. NF_E_CONFLICT: the account is taken. */
    enum nf_code (*link)(struct nf_user_store *s, const struct nf_identity *i, struct nf_err *err);
    /* *i, an account of user `from_id`, becomes that of i->user_id, in one transaction.
     * NF_E_NOT_FOUND: it is not theirs, or there is no such user. */
    enum nf_code (*move)(struct nf_user_store *s, const struct nf_identity *i, int64_t from_id,
                         struct nf_err *err);
    enum nf_code (*unlink)(struct nf_user_store *s, const struct nf_identity *i,
                           struct nf_err *err); /* NF_E_NOT_FOUND */
};
