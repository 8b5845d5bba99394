/* Who people are, and what they may do to one another. */
#include "domain/user.h"

#include "domain/rules.h"

#include <string.h>

static bool is_role(enum nf_user_role role)
{
    return role >= NF_USER_OWNER && role <= NF_USER_USER;
}

static bool is_status(enum nf_user_status status)
{
    return status == NF_USER_ACTIVE || status == NF_USER_BLOCKED;
}

static enum nf_code check_role(enum nf_user_role role, struct nf_err *err)
{
    return is_role(role)
               ? NF_OK
               : nf_err_set(err, NF_E_INVALID, "role must be one of owner, admin and user");
}

static void put_name(struct nf_user *u, const char *name)
{
    memset(u->name, 0, sizeof(u->name));
    memcpy(u->name, name, strlen(name));
}

enum nf_code nf_user_init(struct nf_user *u, int64_t id, const char *name, enum nf_user_role role,
                          int64_t now_ms, struct nf_err *err)
{
    NF_TRY(nf_check_name("name", name, NF_NAME_MAX, err));
    NF_TRY(check_role(role, err));
    *u = (struct nf_user){
        .id = id,
        .role = role,
        .status = NF_USER_ACTIVE,
        .created_ms = now_ms,
    };
    put_name(u, name);
    return NF_OK;
}

enum nf_code nf_user_rename(struct nf_user *u, const char *name, struct nf_err *err)
{
    NF_TRY(nf_check_name("name", name, NF_NAME_MAX, err));
    put_name(u, name);
    return NF_OK;
}

enum nf_code nf_identity_init(struct nf_identity *i, int64_t user_id, const char *channel,
                              const char *account, int64_t now_ms, struct nf_err *err)
{
    NF_TRY(nf_check_channel(channel, err));
    NF_TRY(nf_check_address("account", account, err));
    *i = (struct nf_identity){ .user_id = user_id, .created_ms = now_ms };
    memcpy(i->channel, channel, strlen(channel));
    memcpy(i->account, account, strlen(account));
    return NF_OK;
}

enum nf_code nf_user_may_manage(const struct nf_user *actor, const struct nf_user *target,
                                struct nf_err *err)
{
    if (actor->status != NF_USER_ACTIVE)
        return nf_err_set(err, NF_E_DENIED, "your account is blocked");
    if (actor->role != NF_USER_OWNER && actor->role != NF_USER_ADMIN)
        return nf_err_set(err, NF_E_DENIED, "only an owner or an admin may manage users");
    if (actor->id == target->id)
        return nf_err_set(err, NF_E_DENIED,
                          "nobody changes their own role or status: ask another owner");
    if (actor->role == NF_USER_ADMIN && target->role != NF_USER_USER)
        return nf_err_set(err, NF_E_DENIED, "only an owner may manage owners and admins");
    return NF_OK;
}

enum nf_code nf_user_set_role(const struct nf_user *actor, struct nf_user *target,
                              enum nf_user_role role, struct nf_err *err)
{
    NF_TRY(check_role(role, err));
    NF_TRY(nf_user_may_manage(actor, target, err));
    if (actor->role == NF_USER_ADMIN && role != NF_USER_USER)
        return nf_err_set(err, NF_E_DENIED, "only an owner may make somebody owner or admin");
    target->role = role;
    return NF_OK;
}

enum nf_code nf_user_set_status(const struct nf_user *actor, struct nf_user *target,
                                enum nf_user_status status, struct nf_err *err)
{
    if (!is_status(status))
        return nf_err_set(err, NF_E_INVALID, "status must be active or blocked");
    NF_TRY(nf_user_may_manage(actor, target, err));
    target->status = status;
    return NF_OK;
}

const char *nf_user_role_name(enum nf_user_role role)
{
    switch (role) {
    case NF_USER_OWNER:
        return "owner";
    case NF_USER_ADMIN:
        return "admin";
    case NF_USER_USER:
        return "user";
    }
    return "?";
}

bool nf_user_role_from_name(const char *name, enum nf_user_role *ret)
{
    for (enum nf_user_role r = NF_USER_OWNER; r <= NF_USER_USER; r++)
        if (strcmp(name, nf_user_role_name(r)) == 0) {
            *ret = r;
            return true;
        }
    return false;
}

const char *nf_user_status_name(enum nf_user_status status)
{
    switch (status) {
    case NF_USER_ACTIVE:
        return "active";
    case NF_USER_BLOCKED:
        return "blocked";
    }
    return "?";
}
