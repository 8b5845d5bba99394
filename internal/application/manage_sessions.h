/* Use case: a person looks at and tidies up conversations. Only their own. All may suspend. */
#pragma once

#include "application/deps.h"

#define NF_PAGE_MAX 200  /* rows of one page */
#define NF_PINNED_MAX 50 /* sessions that a person has pinned */

NF_RC nf_session_open(struct nf_app *a, const struct nf_user *user, const char *title,
                      struct nf_session *ret, struct nf_err *err);
/* Write the name by which a session keeps its model into `ret`: of a name or alias that is known,
 * or of "default". NF_E_NOT_FOUND: there is no such model. */
NF_RC nf_session_take_model(struct nf_app *a, const char *name, char ret[NF_MODEL_NAME_MAX + 1],
                            struct nf_err *err);
/* Who answers in the session from now on: a name or alias, "default" for the default.
 * NF_E_NOT_FOUND: no such model, or session; who may do that is the caller's to know. */
NF_RC nf_session_choose_model(struct nf_app *a, int64_t id, const char *name, struct nf_err *err);
/* Newest activity first; (before_ms, before_id) 0,0 for the first page. NF_E_INVALID: limit outside
 * 1 to NF_PAGE_MAX. */
NF_RC nf_session_list(struct nf_app *a, const struct nf_user *user, int64_t before_ms,
                      int64_t before_id, size_t limit, struct nf_sessions *ret, struct nf_err *err);
NF_RC nf_session_show(struct nf_app *a, const struct nf_user *user, int64_t id,
                      struct nf_session *ret, struct nf_err *err);
NF_RC nf_session_set_title(struct nf_app *a, const struct nf_user *user, int64_t id,
                           const char *title, struct nf_session *ret, struct nf_err *err);
/* Those that are pinned, the newest first. */
NF_RC nf_session_list_pinned(struct nf_app *a, const struct nf_user *user, struct nf_sessions *ret,
                             struct nf_err *err);
/* NF_E_LIMIT: NF_PINNED_MAX are. */
NF_RC nf_session_set_pinned(struct nf_app *a, const struct nf_user *user, int64_t id, bool pinned,
                            struct nf_session *ret, struct nf_err *err);
/* Who answers, as above, of one's own session; `ret` is the session then. */
NF_RC nf_session_set_model(struct nf_app *a, const struct nf_user *user, int64_t id,
                           const char *name, struct nf_session *ret, struct nf_err *err);
/* NF_E_CONFLICT while a turn runs or waits: stop it first. */
NF_RC nf_session_delete(struct nf_app *a, const struct nf_user *user, int64_t id,
                        struct nf_err *err);
NF_RC nf_session_messages(struct nf_app *a, const struct nf_user *user, int64_t id, int64_t before,
                          size_t limit, struct nf_messages *ret, struct nf_err *err);
