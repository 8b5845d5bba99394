/* Use case: who lets accounts of chat networks in, and whose they are. All may suspend. */
#pragma once

#include "application/deps.h"

/* --- requests of unknown accounts: for owners and admins, else NF_E_DENIED ---------------------
 */

NF_RC nf_pairing_list(struct nf_app *a, const struct nf_user *actor,
                      const struct nf_pairing_filter *f, struct nf_pairings *ret,
                      struct nf_err *err);

struct nf_approve {
    const char *code;       /* as typed: either case, with or without '-' */
    int64_t user_id;        /* it becomes an account of theirs; 0: of a new user, */
    const char *name;       /* with this name; NULL or "": the one the network shows */
    enum nf_user_role role; /* 0: user */
};
/* Let the account in and tell the person, if their channel can. NF_E_NOT_FOUND: no such code, or it
 * has expired; NF_E_CONFLICT: the account is somebody's meanwhile. */
NF_RC nf_pairing_approve(struct nf_app *a, const struct nf_user *actor, const struct nf_approve *in,
                         struct nf_user *ret, struct nf_err *err);
/* Not to be heard for NF_PAIRING_DENIED_MS; until then it can still be approved. */
NF_RC nf_pairing_deny(struct nf_app *a, const struct nf_user *actor, const char *code,
                      struct nf_err *err);

/* --- invitations ------------------------------------------------------------------------------ */

/* A single-use code, valid NF_INVITE_TTL_MS: the account that sends it becomes one of `user_id`:
 * oneself, or whom one may manage. It leaves only through `ret`; the database has its hash.
 * NF_E_LIMIT: NF_INVITES_MAX of that user are open. */
NF_RC nf_invite_create(struct nf_app *a, const struct nf_user *actor, int64_t user_id,
                       char ret[NF_INVITE_CODE + 1], struct nf_err *err);
/* Make the account that of who is invited. NF_E_NOT_FOUND: `text` is no code, or used, or expired;
 * NF_E_CONFLICT: the account is somebody's; NF_E_DENIED: who is invited is blocked. */
NF_RC nf_invite_accept(struct nf_app *a, const char *text, const char *network, const char *account,
                       struct nf_user *ret, struct nf_err *err);

/* --- accounts of a user: for oneself, or by who may manage them ---------------------------------
 */

NF_RC nf_account_list(struct nf_app *a, const struct nf_user *actor, int64_t user_id,
                      struct nf_identities *ret, struct nf_err *err);
/* Owner or admin only. It may be another user's until now, if one may manage that one too; what was
 * said there stays theirs. */
NF_RC nf_account_link(struct nf_app *a, const struct nf_user *actor, int64_t user_id,
                      const char *network, const char *account, struct nf_err *err);
/* The account is unknown then. NF_E_DENIED: "local" accounts stay. */
NF_RC nf_account_unlink(struct nf_app *a, const struct nf_user *actor, int64_t user_id,
                        const char *network, const char *account, struct nf_err *err);
