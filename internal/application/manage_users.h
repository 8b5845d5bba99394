/* Use case: who may use this installation. All may suspend. */
#pragma once

#include "application/deps.h"

#define NF_LINK_TTL_MS (INT64_C(10) * 60 * 1000)
#define NF_COOKIE_TTL_MS (INT64_C(30) * 24 * 3600 * 1000)

/* The owner, created on first start as identity ("local", "owner"). */
NF_RC nf_ensure_owner(struct nf_app *a, struct nf_user *ret, struct nf_err *err);

/* Owner or admin only: NF_E_DENIED. */
NF_RC nf_user_add(struct nf_app *a, const struct nf_user *actor, const char *name,
                  enum nf_user_role role, struct nf_user *ret, struct nf_err *err);
/* `part`, unless it is empty: only those whose name has it, in any case of letters. NF_E_INVALID:
 * it is no UTF-8, or longer than a name. */
NF_RC nf_user_list(struct nf_app *a, const struct nf_user *actor, const struct nf_user_filter *f,
                   struct nf_slice part, struct nf_users *ret, struct nf_err *err);
/* name NULL, role 0, status 0: unchanged. */
NF_RC nf_user_change(struct nf_app *a, const struct nf_user *actor, int64_t id, const char *name,
                     enum nf_user_role role, enum nf_user_status status, struct nf_user *ret,
                     struct nf_err *err);
/* What a person says of themselves: the language that they are spoken to in, and the zone of their
 * clock; "": that of the settings. NF_E_INVALID: there is no zone of that name. */
NF_RC nf_person_set_lang(struct nf_app *a, const struct nf_user *user, enum nf_lang lang,
                         struct nf_err *err);
NF_RC nf_person_set_zone(struct nf_app *a, const struct nf_user *user, const char *zone,
                         struct nf_err *err);

/* --- letting a browser in. A token leaves only through *ret; the database has its hash. ------- */

/* A single-use link token for `user_id`, valid NF_LINK_TTL_MS: for oneself, or by who may manage
 * that user. `hash` is the SHA-256 of the token in hex, made by the caller. */
NF_RC nf_link_create(struct nf_app *a, const struct nf_user *actor, int64_t user_id,
                     const char *hash, struct nf_err *err);
/* Exchange a link for a browser session valid NF_COOKIE_TTL_MS. NF_E_DENIED: unknown, used or
 * expired link, or the user is blocked. */
NF_RC nf_link_exchange(struct nf_app *a, const char *link_hash, const char *cookie_hash,
                       struct nf_user *ret, struct nf_err *err);
/* Who a browser session belongs to. NF_E_DENIED. */
NF_RC nf_cookie_user(struct nf_app *a, const char *cookie_hash, struct nf_user *ret,
                     struct nf_err *err);
/* The same for who only reads: it may be a moment old (ports/login_cache.h). */
NF_RC nf_cookie_reader(struct nf_app *a, const char *cookie_hash, struct nf_user *ret,
                       struct nf_err *err);
NF_RC nf_cookie_revoke(struct nf_app *a, const char *cookie_hash, struct nf_err *err);
