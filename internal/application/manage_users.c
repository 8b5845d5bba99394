#include "application/manage_users.h"

#include "application/manage_sessions.h"
#include "base/own.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

#define OWNER_CHANNEL "local"
#define OWNER_ACCOUNT "owner"

enum nf_code nf_ensure_owner(struct nf_app *a, struct nf_user *ret, struct nf_err *err)
{
    struct nf_user u;
    struct nf_identity i;
    enum nf_code rc = a->users->ops->find(a->users, OWNER_CHANNEL, OWNER_ACCOUNT, ret, err);
    if (rc != NF_E_NOT_FOUND)
        return rc;
    int64_t now = nf_app_now(a);
    NF_TRY(nf_user_init(&u, nf_app_id(a), "Owner", NF_USER_OWNER, now, err));
    NF_TRY(nf_identity_init(&i, u.id, OWNER_CHANNEL, OWNER_ACCOUNT, now, err));
    NF_TRY(a->users->ops->create(a->users, &u, &i, err));
    *ret = u;
    return NF_OK;
}

static NF_RC must_manage(const struct nf_user *actor, struct nf_err *err)
{
    if (actor->status == NF_USER_ACTIVE && actor->role != NF_USER_USER)
        return NF_OK;
    return nf_err_set(err, NF_E_DENIED, "only an owner or admin may manage users");
}

enum nf_code nf_user_add(struct nf_app *a, const struct nf_user *actor, const char *name,
                         enum nf_user_role role, struct nf_user *ret, struct nf_err *err)
{
    struct nf_user u;
    struct nf_identity i;
    int64_t now = nf_app_now(a);

    NF_TRY(must_manage(actor, err));
    NF_TRY(nf_user_init(&u, nf_app_id(a), name, NF_USER_USER, now, err));
    if (role != NF_USER_USER)
        NF_TRY(nf_user_set_role(actor, &u, role, err));
    struct nf_id_text account = nf_id_to_text(u.id);
    NF_TRY(nf_identity_init(&i, u.id, OWNER_CHANNEL, account.s, now, err));
    NF_TRY(a->users->ops->create(a->users, &u, &i, err));
    *ret = u;
    return NF_OK;
}

/* No engine knows all alphabets: names are looked at here, a page at a time. */
static NF_RC list_named(struct nf_app *a, struct nf_user_filter f, struct nf_slice part,
                        struct nf_users *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_users_done) struct nf_users found = { 0 };
    size_t wanted = f.limit;
    found.v = calloc(wanted, sizeof(*found.v));
    if (!found.v)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    f.limit = NF_PAGE_MAX;
    for (bool more = true; more && found.n < wanted;) {
        NF_CLEANUP(nf_users_done) struct nf_users page = { 0 };
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it does not see that `found` is cleaned up */
        NF_TRY(a->users->ops->list(a->users, &f, &page, err));
        for (size_t i = 0; i < page.n && found.n < wanted; i++)
            if (nf_utf8_has(page.v[i].name, strlen(page.v[i].name), part.p, part.n))
                found.v[found.n++] = page.v[i];
        more = page.n == f.limit;
        f.after_id = more ? page.v[page.n - 1].id : 0;
    }
    *ret = nf_take(found);
    return NF_OK;
}

enum nf_code nf_user_list(struct nf_app *a, const struct nf_user *actor,
                          const struct nf_user_filter *f, struct nf_slice part,
                          struct nf_users *ret, struct nf_err *err)
{
    NF_TRY(must_manage(actor, err));
    if (f->limit < 1 || f->limit > NF_PAGE_MAX)
        return nf_err_set(err, NF_E_INVALID, "limit: %zu is not 1 to %d", f->limit, NF_PAGE_MAX);
    if (part.n > NF_NAME_MAX || !nf_utf8_valid(part.p, part.n))
        return nf_err_set(err, NF_E_INVALID, "q: not UTF-8 of at most %d bytes", NF_NAME_MAX);
    if (part.n > 0)
        return list_named(a, *f, part, ret, err);
    return a->users->ops->list(a->users, f, ret, err);
}

/* Behind the change: what is read from then on is new. */
static void forget_logins(struct nf_app *a)
{
    if (a->logins)
        a->logins->ops->forget(a->logins);
}

enum nf_code nf_user_change(struct nf_app *a, const struct nf_user *actor, int64_t id,
                            const char *name, enum nf_user_role role, enum nf_user_status status,
                            struct nf_user *ret, struct nf_err *err)
{
    struct nf_user u;
    NF_TRY(must_manage(actor, err));
    NF_TRY(a->users->ops->get(a->users, id, &u, err));
    if (name) {
        if (u.id != actor->id)
            NF_TRY(nf_user_may_manage(actor, &u, err));
        NF_TRY(nf_user_rename(&u, name, err));
    }
    if (role != 0)
        NF_TRY(nf_user_set_role(actor, &u, role, err));
    if (status != 0)
        NF_TRY(nf_user_set_status(actor, &u, status, err));
    NF_TRY(a->users->ops->update(a->users, &u, err));
    forget_logins(a);
    *ret = u;
    return NF_OK;
}

enum nf_code nf_person_set_lang(struct nf_app *a, const struct nf_user *user, enum nf_lang lang,
                                struct nf_err *err)
{
    NF_TRY(a->users->ops->set_lang(a->users, user->id, lang, err));
    forget_logins(a);
    return NF_OK;
}

enum nf_code nf_person_set_zone(struct nf_app *a, const struct nf_user *user, const char *zone,
                                struct nf_err *err)
{
    const struct nf_zone *found;

    if (zone[0])
        NF_TRY(nf_zones_find(a->zones, zone, &found, err));
    NF_TRY(a->users->ops->set_zone(a->users, user->id, zone, err));
    forget_logins(a);
    return NF_OK;
}

static struct nf_credential credential(enum nf_credential_kind kind, const char *hash,
                                       int64_t user_id, int64_t now, int64_t ttl_ms)
{
    struct nf_credential c = {
        .kind = kind, .user_id = user_id, .created_ms = now, .expires_ms = now + ttl_ms
    };
    assert(strlen(hash) == NF_CREDENTIAL_HASH);
    memcpy(c.hash, hash, sizeof(c.hash));
    return c;
}

enum nf_code nf_link_create(struct nf_app *a, const struct nf_user *actor, int64_t user_id,
                            const char *hash, struct nf_err *err)
{
    struct nf_user u;
    NF_TRY(a->users->ops->get(a->users, user_id, &u, err));
    if (u.id != actor->id)
        NF_TRY(nf_user_may_manage(actor, &u, err));
    struct nf_credential c =
        credential(NF_CREDENTIAL_LINK, hash, user_id, nf_app_now(a), NF_LINK_TTL_MS);
    return a->credentials->ops->put(a->credentials, &c, err);
}

/* One answer for whatever is wrong with a credential: a guesser learns nothing from it. */
static NF_RC denied(enum nf_code rc, const char *what, struct nf_err *err)
{
    if (rc != NF_E_NOT_FOUND)
        return rc;
    return nf_err_set(err, NF_E_DENIED, "%s", what);
}

static NF_RC active_user(struct nf_app *a, int64_t id, struct nf_user *ret, struct nf_err *err)
{
    struct nf_user u = { 0 };
    NF_TRY(denied(a->users->ops->get(a->users, id, &u, err), "no such user", err));
    if (u.status != NF_USER_ACTIVE)
        return nf_err_set(err, NF_E_DENIED, "this account is blocked");
    *ret = u;
    return NF_OK;
}

enum nf_code nf_link_exchange(struct nf_app *a, const char *link_hash, const char *cookie_hash,
                              struct nf_user *ret, struct nf_err *err)
{
    static const char gone[] =
        "this link was used or has expired: make a new one with nexflow link";
    int64_t now = nf_app_now(a);
    struct nf_credential link = { 0 };
    struct nf_user u = { 0 };

    NF_TRY(denied(a->credentials->ops->get(a->credentials, link_hash, now, &link, err), gone, err));
    if (link.kind != NF_CREDENTIAL_LINK || link.used_ms != 0)
        return nf_err_set(err, NF_E_DENIED, "%s", gone);
    NF_TRY(active_user(a, link.user_id, &u, err));
    struct nf_credential cookie =
        credential(NF_CREDENTIAL_COOKIE, cookie_hash, u.id, now, NF_COOKIE_TTL_MS);
    NF_TRY(denied(a->credentials->ops->exchange(a->credentials, link_hash, now, &cookie, err), gone,
                  err));
    *ret = u;
    return NF_OK;
}

enum nf_code nf_cookie_user(struct nf_app *a, const char *cookie_hash, struct nf_user *ret,
                            struct nf_err *err)
{
    static const char gone[] = "this browser is not signed in: open a link from nexflow link";
    struct nf_credential c;

    NF_TRY(denied(a->credentials->ops->get(a->credentials, cookie_hash, nf_app_now(a), &c, err),
                  gone, err));
    if (c.kind != NF_CREDENTIAL_COOKIE)
        return nf_err_set(err, NF_E_DENIED, "%s", gone);
    return active_user(a, c.user_id, ret, err);
}

enum nf_code nf_cookie_reader(struct nf_app *a, const char *cookie_hash, struct nf_user *ret,
                              struct nf_err *err)
{
    struct nf_login_cache *cache = a->logins;
    struct nf_login_mark mark;
    struct nf_err ignored;
    enum nf_code known =
        cache ? cache->ops->get(cache, cookie_hash, &mark, ret, &ignored) : NF_E_UNAVAILABLE;
    if (known == NF_OK)
        return NF_OK;
    NF_TRY(nf_cookie_user(a, cookie_hash, ret, err));
    if (known == NF_E_NOT_FOUND)
        cache->ops->put(cache, cookie_hash, &mark, ret);
    return NF_OK;
}

enum nf_code nf_cookie_revoke(struct nf_app *a, const char *cookie_hash, struct nf_err *err)
{
    NF_TRY(a->credentials->ops->remove(a->credentials, cookie_hash, err));
    forget_logins(a);
    return NF_OK;
}
