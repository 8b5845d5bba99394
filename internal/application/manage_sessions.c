#include "application/manage_sessions.h"

#include "application/histories.h"
#include "base/own.h"

#include <string.h>

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

enum nf_code nf_session_take_model(struct nf_app *a, const char *name,
                                   char ret[NF_MODEL_NAME_MAX + 1], struct nf_err *err)
{
    struct nf_model_info ignored;
    bool standard = strcmp(name, "default") == 0;
    if (strlen(name) > NF_MODEL_NAME_MAX)
        return nf_err_set(err, NF_E_LIMIT, "model: a name has at most %d bytes", NF_MODEL_NAME_MAX);
    if (!a->model)
        return nf_err_set(err, NF_E_NOT_FOUND, "no language model is configured");
    if (!standard)
        NF_TRY(nf_model_info(a->model, name, &ignored, err));
    memset(ret, 0, NF_MODEL_NAME_MAX + 1);
    if (!standard)
        memcpy(ret, name, strlen(name) + 1);
    return NF_OK;
}

enum nf_code nf_session_choose_model(struct nf_app *a, int64_t id, const char *name,
                                     struct nf_err *err)
{
    char model[NF_MODEL_NAME_MAX + 1];
    NF_TRY(nf_session_take_model(a, name, model, err));
    return a->sessions->ops->set_model(a->sessions, id, model, err);
}

enum nf_code nf_session_set_model(struct nf_app *a, const struct nf_user *user, int64_t id,
                                  const char *name, struct nf_session *ret, struct nf_err *err)
{
    struct nf_session s;
    NF_TRY(a->sessions->ops->get(a->sessions, id, user->id, &s, err));
    NF_TRY(nf_session_take_model(a, name, s.model, err));
    NF_TRY(a->sessions->ops->set_model(a->sessions, id, s.model, err));
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

enum nf_code nf_session_list_pinned(struct nf_app *a, const struct nf_user *user,
                                    struct nf_sessions *ret, struct nf_err *err)
{
    return a->sessions->ops->pinned(a->sessions, user->id, NF_PINNED_MAX, ret, err);
}

enum nf_code nf_session_set_pinned(struct nf_app *a, const struct nf_user *user, int64_t id,
                                   bool pinned, struct nf_session *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_sessions_done) struct nf_sessions others = { 0 };
    struct nf_session s;
    NF_TRY(a->sessions->ops->get(a->sessions, id, user->id, &s, err));
    if (pinned && s.pinned_ms == 0) {
        NF_TRY(nf_session_list_pinned(a, user, &others, err));
        if (others.n >= NF_PINNED_MAX)
            return nf_err_set(err, NF_E_LIMIT, "pinned: %d are already: unpin another one first",
                              NF_PINNED_MAX);
    }
    s.pinned_ms = pinned ? nf_app_now(a) : 0;
    NF_TRY(a->sessions->ops->pin(a->sessions, id, user->id, s.pinned_ms, err));
    *ret = s;
    return NF_OK;
}

enum nf_code nf_session_delete(struct nf_app *a, const struct nf_user *user, int64_t id,
                               struct nf_err *err)
{
    NF_TRY(a->sessions->ops->remove(a->sessions, id, user->id, err));
    nf_histories_forget(a->histories, id);
    return NF_OK;
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
