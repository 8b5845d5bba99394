#include "application/manage_sessions.h"

static NF_RC check_limit(size_t limit, struct nf_err *err)
{
    if (limit < 1 || limit > NF_PAGE_MAX)
        return nf_err_set(err, NF_E_INVALID, "limit: %zu is not 1 to %d", limit, NF_PAGE_MAX);
    return NF_OK;
}

enum nf_code nf_session_open(struct nf_app *a, const struct nf_user *user, const char *title,
                             struct nf_session *ret, struct nf_err *err)
{
    struct nf_session s;
    NF_TRY(nf_session_init(&s, nf_app_id(a), user->id, "web", "", nf_app_now(a), err));
    NF_TRY(nf_session_rename(&s, title, err));
    NF_TRY(a->sessions->ops->create(a->sessions, &s, err));
    *ret = s;
    return NF_OK;
}

enum nf_code nf_session_list(struct nf_app *a, const struct nf_user *user, int64_t before_ms,
                             int64_t before_id, size_t limit, struct nf_sessions *ret,
                             struct nf_err *err)
{
    NF_TRY(check_limit(limit, err));
    return a->sessions->ops->list(a->sessions, user->id, before_ms, before_id, limit, ret, err);
}

enum nf_code nf_session_show(struct nf_app *a, const struct nf_user *user, int64_t id,
                             struct nf_session *ret, struct nf_err *err)
{
    return a->sessions->ops->get(a->sessions, id, user->id, ret, err);
}

enum nf_code nf_session_set_title(struct nf_app *a, const struct nf_user *user, int64_t id,
                                  const char *title, struct nf_session *ret, struct nf_err *err)
{
    struct nf_session s;
    NF_TRY(a->sessions->ops->get(a->sessions, id, user->id, &s, err));
    NF_TRY(nf_session_rename(&s, title, err));
    NF_TRY(a->sessions->ops->rename(a->sessions, &s, nf_app_now(a), err));
    *ret = s;
    return NF_OK;
}

enum nf_code nf_session_delete(struct nf_app *a, const struct nf_user *user, int64_t id,
                               struct nf_err *err)
{
    return a->sessions->ops->remove(a->sessions, id, user->id, err);
}

enum nf_code nf_session_messages(struct nf_app *a, const struct nf_user *user, int64_t id,
                                 int64_t before, size_t limit, struct nf_messages *ret,
                                 struct nf_err *err)
{
    struct nf_session s;
    NF_TRY(check_limit(limit, err));
    NF_TRY(a->sessions->ops->get(a->sessions, id, user->id, &s, err));
    return a->sessions->ops->messages(a->sessions, id, before, limit, ret, err);
}
