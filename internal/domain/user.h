/* People and the accounts they write from. Pure: no I/O, no clock, no globals. */
#pragma once

#include "base/error.h"
#include "domain/lang.h"
#include "domain/limits.h"
#include "domain/zone.h"

#include <stdbool.h>
#include <stdint.h>

/* Stored by number: append, never renumber. */
enum nf_user_role { NF_USER_OWNER = 1, NF_USER_ADMIN = 2, NF_USER_USER = 3 };
enum nf_user_status { NF_USER_ACTIVE = 1, NF_USER_BLOCKED = 2 };

struct nf_user {
    int64_t id;
    char name[NF_NAME_MAX + 1];
    enum nf_user_role role;
    enum nf_user_status status;
    int64_t created_ms;
    enum nf_lang lang;               /* that Nexflow speaks to them; 0: not known */
    char zone[NF_ZONE_NAME_MAX + 1]; /* of their clock; "": not known */
};

/* An account on a channel: belongs to one user, (channel, account) is unique. */
struct nf_identity {
    int64_t user_id;
    char channel[NF_CHANNEL_MAX + 1];
    char account[NF_ADDRESS_MAX + 1];
    int64_t created_ms;
};

/* Names are 1 to NF_NAME_MAX bytes of UTF-8 without control characters, not
 * only blanks. NF_E_INVALID, NF_E_LIMIT. */
NF_RC nf_user_init(struct nf_user *u, int64_t id, const char *name, enum nf_user_role role,
                   int64_t now_ms, struct nf_err *err);
NF_RC nf_user_rename(struct nf_user *u, const char *name, struct nf_err *err);

/* A channel's name is 1 to NF_CHANNEL_MAX of [a-z0-9-]; an account 1 to NF_ADDRESS_MAX printable
 * bytes. */
NF_RC nf_identity_init(struct nf_identity *i, int64_t user_id, const char *channel,
                       const char *account, int64_t now_ms, struct nf_err *err);

/* Whether `actor` may do these to `target`. An owner may do all to everyone else; an admin manages
 * users but no admin and no owner; nobody blocks or demotes himself; a blocked actor may nothing.
 * NF_E_DENIED says why. */
NF_RC nf_user_may_manage(const struct nf_user *actor, const struct nf_user *target,
                         struct nf_err *err);
NF_RC nf_user_set_role(const struct nf_user *actor, struct nf_user *target, enum nf_user_role role,
                       struct nf_err *err);
NF_RC nf_user_set_status(const struct nf_user *actor, struct nf_user *target,
                         enum nf_user_status status, struct nf_err *err);

const char *nf_user_role_name(enum nf_user_role role); /* "owner" */
bool nf_user_role_from_name(const char *name, enum nf_user_role *ret);
const char *nf_user_status_name(enum nf_user_status status);
