#include "application/manage_pairing.h"

#include "application/manage_sessions.h"
#include "application/words.h"
#include "base/own.h"

#include <string.h>

#define OWN_CHANNEL "local" /* identities that are ours: how users without a network exist */

static NF_RC must_decide(const struct nf_user *actor, struct nf_err *err)
{
    if (actor->status == NF_USER_ACTIVE && actor->role != NF_USER_USER)
        return NF_OK;
    return nf_err_set(err, NF_E_DENIED, "only an owner or admin may let people in");
}

/* --- requests ----------------------------------------------------------------------------------
 */

enum nf_code nf_pairing_list(struct nf_app *a, const struct nf_user *actor,
                             const struct nf_pairing_filter *f, struct nf_pairings *ret,
                             struct nf_err *err)
{
    NF_TRY(must_decide(actor, err));
    if (f->limit < 1 || f->limit > NF_PAGE_MAX)
        return nf_err_set(err, NF_E_INVALID, "limit: %zu is not 1 to %d", f->limit, NF_PAGE_MAX);
    return a->pairings->ops->list(a->pairings, nf_app_now(a), f, ret, err);
}

static NF_RC find_request(struct nf_app *a, const char *typed, struct nf_pairing *ret,
                          struct nf_err *err)
{
    char code[NF_PAIRING_CODE + 1];
    if (!nf_code_read(typed, NF_PAIRING_CODE, code))
        return nf_err_set(err, NF_E_NOT_FOUND,
                          "code: %d letters and digits are expected, such as ABCD-2345",
                          NF_PAIRING_CODE);
    enum nf_code rc = a->pairings->ops->get(a->pairings, code, nf_app_now(a), ret, err);
    if (rc == NF_E_NOT_FOUND)
        return nf_err_set(err, rc,
                          "code: nobody waits with it. Codes end after an hour: they write to the "
                          "bot again and get a new one");
    return rc;
}

/* Best effort: they are in, told or not. */
static void tell_admitted(struct nf_app *a, const struct nf_pairing *p)
{
    struct nf_channel *c = nf_channels_find(a->channels, p->channel);
    struct nf_err ignored;
    if (c && nf_channel_tell(c, p->address, nf_word(p->lang, NF_WORD_ADMITTED), &ignored) != NF_OK)
        return;
}

static NF_RC admit_as(struct nf_app *a, const struct nf_user *actor, const struct nf_approve *in,
                      const struct nf_pairing *p, struct nf_user *ret, struct nf_err *err)
{
    struct nf_user u = { 0 };
    struct nf_identity i = { 0 };
    int64_t now = nf_app_now(a);
    bool fresh = in->user_id == 0;

    if (fresh) {
        const char *name = in->name && in->name[0] ? in->name : p->name;
        NF_TRY(nf_user_init(&u, nf_app_id(a), name, NF_USER_USER, now, err));
        if (in->role != 0 && in->role != NF_USER_USER)
            NF_TRY(nf_user_set_role(actor, &u, in->role, err));
    } else {
        NF_TRY(a->users->ops->get(a->users, in->user_id, &u, err));
        if (u.id != actor->id)
            NF_TRY(nf_user_may_manage(actor, &u, err));
    }
    NF_TRY(nf_identity_init(&i, u.id, p->network, p->account, now, err));
    NF_TRY(a->pairings->ops->admit(a->pairings, p->id, fresh ? &u : NULL, &i, now, err));
    *ret = u;
    return NF_OK;
}

enum nf_code nf_pairing_approve(struct nf_app *a, const struct nf_user *actor,
                                const struct nf_approve *in, struct nf_user *ret,
                                struct nf_err *err)
{
    struct nf_pairing p = { 0 };
    NF_TRY(must_decide(actor, err));
    if (in->user_id != 0 && ((in->name && in->name[0]) || in->role != 0))
        return nf_err_set(err, NF_E_INVALID,
                          "name and role are of a new user: leave them out, or leave out user");
    NF_TRY(find_request(a, in->code, &p, err));
    NF_TRY(admit_as(a, actor, in, &p, ret, err));
    tell_admitted(a, &p);
    return NF_OK;
}

enum nf_code nf_pairing_deny(struct nf_app *a, const struct nf_user *actor, const char *code,
                             struct nf_err *err)
{
    struct nf_pairing p = { 0 };
    int64_t now = nf_app_now(a);
    NF_TRY(must_decide(actor, err));
    NF_TRY(find_request(a, code, &p, err));
    return a->pairings->ops->deny(a->pairings, p.id, now, now + NF_PAIRING_DENIED_MS, err);
}

/* --- invitations -------------------------------------------------------------------------------
 */

/* Oneself, or whom one may manage. */
static NF_RC may_act_for(struct nf_app *a, const struct nf_user *actor, int64_t user_id,
                         struct nf_user *ret, struct nf_err *err)
{
    struct nf_user u;
    NF_TRY(a->users->ops->get(a->users, user_id, &u, err));
    if (u.id != actor->id)
        NF_TRY(nf_user_may_manage(actor, &u, err));
    *ret = u;
    return NF_OK;
}

enum nf_code nf_invite_create(struct nf_app *a, const struct nf_user *actor, int64_t user_id,
                              char ret[NF_INVITE_CODE + 1], struct nf_err *err)
{
    unsigned char random[NF_INVITE_CODE];
    char code[NF_INVITE_CODE + 1];
    struct nf_user u;
    struct nf_invite v = { .user_id = user_id, .created_ms = nf_app_now(a) };

    _Static_assert(NF_INVITE_HASH == NF_DIGEST_HEX, "an invitation is kept as its digest");
    NF_TRY(may_act_for(a, actor, user_id, &u, err));
    NF_TRY(a->codec->random(random, sizeof(random), err));
    nf_code_make(random, NF_INVITE_CODE, code);
    NF_TRY(a->codec->digest(code, NF_INVITE_CODE, v.hash, err));
    v.expires_ms = v.created_ms + NF_INVITE_TTL_MS;
    NF_TRY(a->pairings->ops->invite(a->pairings, &v, NF_INVITES_MAX, err));
    memcpy(ret, code, sizeof(code));
    return NF_OK;
}

enum nf_code nf_invite_accept(struct nf_app *a, const char *text, const char *network,
                              const char *account, struct nf_user *ret, struct nf_err *err)
{
    char code[NF_INVITE_CODE + 1], hash[NF_DIGEST_HEX + 1];
    struct nf_invite v;
    struct nf_identity i;
    struct nf_user u;
    int64_t now = nf_app_now(a);

    if (!nf_code_read(text, NF_INVITE_CODE, code))
        return nf_err_set(err, NF_E_NOT_FOUND, "no such invitation");
    NF_TRY(a->codec->digest(code, NF_INVITE_CODE, hash, err));
    NF_TRY(a->pairings->ops->invited(a->pairings, hash, now, &v, err));
    NF_TRY(a->users->ops->get(a->users, v.user_id, &u, err));
    if (u.status != NF_USER_ACTIVE)
        return nf_err_set(err, NF_E_DENIED, "this account is blocked");
    NF_TRY(nf_identity_init(&i, u.id, network, account, now, err));
    NF_TRY(a->pairings->ops->join(a->pairings, hash, &i, now, err));
    *ret = u;
    return NF_OK;
}

/* --- accounts ----------------------------------------------------------------------------------
 */

enum nf_code nf_account_list(struct nf_app *a, const struct nf_user *actor, int64_t user_id,
                             struct nf_identities *ret, struct nf_err *err)
{
    struct nf_user u;
    NF_TRY(may_act_for(a, actor, user_id, &u, err));
    return a->users->ops->identities(a->users, user_id, ret, err);
}

static NF_RC not_local(const char *network, struct nf_err *err)
{
    if (strcmp(network, OWN_CHANNEL) != 0)
        return NF_OK;
    return nf_err_set(err, NF_E_DENIED, "accounts of '%s' are Nexflow's own and stay", network);
}

enum nf_code nf_account_link(struct nf_app *a, const struct nf_user *actor, int64_t user_id,
                             const char *network, const char *account, struct nf_err *err)
{
    struct nf_user u, before;
    struct nf_identity i;

    NF_TRY(must_decide(actor, err));
    NF_TRY(not_local(network, err));
    NF_TRY(may_act_for(a, actor, user_id, &u, err));
    NF_TRY(nf_identity_init(&i, user_id, network, account, nf_app_now(a), err));
    enum nf_code rc = a->users->ops->find(a->users, network, account, &before, err);
    if (rc == NF_E_NOT_FOUND)
        return a->users->ops->link(a->users, &i, err);
    NF_TRY(rc);
    if (before.id == user_id)
        return NF_OK;
    if (before.id != actor->id)
        NF_TRY(nf_user_may_manage(actor, &before, err));
    return a->users->ops->move(a->users, &i, before.id, err);
}

enum nf_code nf_account_unlink(struct nf_app *a, const struct nf_user *actor, int64_t user_id,
                               const char *network, const char *account, struct nf_err *err)
{
    struct nf_user u;
    struct nf_identity i;
    NF_TRY(not_local(network, err));
    NF_TRY(may_act_for(a, actor, user_id, &u, err));
    NF_TRY(nf_identity_init(&i, user_id, network, account, nf_app_now(a), err));
    return a->users->ops->unlink(a->users, &i, err);
}
