#include "application/decide_approval.h"

#include "application/manage_sessions.h"
#include "base/own.h"

#include <stdlib.h>
#include <string.h>

void nf_approval_view_done(struct nf_approval_view *v)
{
    nf_approval_done(&v->request);
}

void nf_approval_views_done(struct nf_approval_views *v)
{
    for (size_t i = 0; i < v->n; i++)
        nf_approval_view_done(&v->v[i]);
    free(v->v);
    *v = (struct nf_approval_views){ 0 };
}

enum nf_code nf_approval_digest(struct nf_app *a, const struct nf_approval_request *r,
                                char ret[NF_APPROVAL_HASH + 1], struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { .max = 2 * (size_t)NF_REPLY_BYTES_MAX };

    NF_TRY(nf_approval_bind(r, &text, err));
    return a->codec->digest(nf_str_c(&text), text.len, ret, err);
}

static bool may_allow(const struct nf_app *a, const struct nf_user *user,
                      const struct nf_user *requester)
{
    struct nf_err ignored;
    return nf_approval_may_allow(user, requester, a->settings.approval_self, &ignored) == NF_OK;
}

static void tell_one(struct nf_app *a, const struct nf_user *to,
                     const struct nf_approval_request *r, const struct nf_user *requester)
{
    bool yours = may_allow(a, to, requester);

    if (!yours && to->id != requester->id)
        return;
    for (size_t i = 0; i < a->channels->n; i++)
        nf_channel_approval(a->channels->v[i], to->id, r, requester, yours);
}

void nf_approval_tell(struct nf_app *a, const struct nf_approval_request *r)
{
    struct nf_user_store *store = a->users;
    struct nf_user requester;
    struct nf_err ignored;
    struct nf_user_filter all = { .limit = NF_PAGE_MAX };
    bool more = store->ops->get(store, r->user_id, &requester, &ignored) == NF_OK;

    while (more) {
        NF_CLEANUP(nf_users_done) struct nf_users page = { 0 };
        if (store->ops->list(store, &all, &page, &ignored) != NF_OK)
            return;
        for (size_t i = 0; i < page.n; i++)
            tell_one(a, &page.v[i], r, &requester);
        more = page.n == all.limit;
        all.after_id = page.n ? page.v[page.n - 1].id : 0;
    }
}

/* Append it to *ret if it concerns the person. */
static NF_RC look_at(struct nf_app *a, const struct nf_user *user, struct nf_approval_request *r,
                     struct nf_approval_views *ret, struct nf_err *err)
{
    struct nf_approval_view v = { .yours = false };
    enum nf_code rc = a->users->ops->get(a->users, r->user_id, &v.requester, err);

    if (rc == NF_E_NOT_FOUND)
        return NF_OK;
    NF_TRY(rc);
    v.yours = may_allow(a, user, &v.requester);
    if (!v.yours && user->id != r->user_id)
        return NF_OK;
    struct nf_approval_view *grown = realloc(ret->v, (ret->n + 1) * sizeof(*grown));
    if (!grown)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    ret->v = grown;
    v.request = nf_take(*r);
    grown[ret->n++] = v;
    return NF_OK;
}

enum nf_code nf_approval_list(struct nf_app *a, const struct nf_user *user,
                              struct nf_approval_views *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_approval_views_done) struct nf_approval_views views = { 0 };
    /* A plain user sees their own; nobody else's concern them. */
    int64_t whose = user->role == NF_USER_USER ? user->id : 0, after = 0;
    size_t n = NF_PAGE_MAX;

    while (n == NF_PAGE_MAX && views.n < NF_PAGE_MAX) {
        NF_CLEANUP(nf_approval_requests_done) struct nf_approval_requests page = { 0 };
        NF_TRY(a->approvals->ops->open(a->approvals, whose, nf_app_now(a), after, NF_PAGE_MAX,
                                       &page, err));
        n = page.n;
        after = n ? page.v[n - 1].id : 0;
        for (size_t i = 0; i < n && views.n < NF_PAGE_MAX; i++)
            /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): nf_approval_views_done frees it */
            NF_TRY(look_at(a, user, &page.v[i], &views, err));
    }
    *ret = nf_take(views);
    return NF_OK;
}

/* What is stored must be what was asked about: that is what the person was shown. */
static NF_RC check_unchanged(struct nf_app *a, const struct nf_approval_request *r,
                             struct nf_err *err)
{
    char now[NF_APPROVAL_HASH + 1];

    NF_TRY(nf_approval_digest(a, r, now, err));
    if (strcmp(now, r->hash) == 0)
        return NF_OK;
    return nf_err_set(err, NF_E_CONFLICT,
                      "the call that is stored is not the one that was asked about: deny it or let "
                      "it expire");
}

enum nf_code nf_approval_answer(struct nf_app *a, const struct nf_user *user, int64_t id,
                                bool allow, const char *reason, struct nf_approval_view *ret,
                                struct nf_err *err)
{
    NF_CLEANUP(nf_approval_view_done) struct nf_approval_view v = { .yours = false };
    bool self = a->settings.approval_self;

    NF_TRY(a->approvals->ops->get(a->approvals, id, &v.request, err));
    NF_TRY(a->users->ops->get(a->users, v.request.user_id, &v.requester, err));
    v.yours = may_allow(a, user, &v.requester);
    if (!v.yours && user->id != v.requester.id)
        return nf_err_set(err, NF_E_NOT_FOUND, "no such approval");
    NF_TRY(allow ? nf_approval_may_allow(user, &v.requester, self, err)
                 : nf_approval_may_deny(user, &v.requester, self, err));
    NF_TRY(nf_approval_decide(&v.request, allow, user->id, reason, nf_app_now(a), err));
    if (allow)
        NF_TRY(check_unchanged(a, &v.request, err));
    NF_TRY(a->approvals->ops->decide(a->approvals, &v.request, err));
    if (a->bell)
        a->bell->ops->ring(a->bell, id);
    nf_approval_tell(a, &v.request);
    *ret = nf_take(v);
    return NF_OK;
}
