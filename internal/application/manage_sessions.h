/* Use case: a person looks at and tidies up conversations. Only their own. All may suspend. */
#pragma once

#include "application/deps.h"

#define NF_PAGE_MAX 200 /* rows of one page */

NF_RC nf_session_open(struct nf_app *a, const struct nf_user *user, const char *title,
                      struct nf_session *ret, struct nf_err *err);
/* Newest activity first; (before_ms, before_id) 0,0 for the first page. NF_E_INVALID: limit outside
 * 1 to NF_PAGE_MAX. */
NF_RC nf_session_list(struct nf_app *a, const struct nf_user *user, int64_t before_ms,
                      int64_t before_id, size_t limit, struct nf_sessions *ret, struct nf_err *err);
NF_RC nf_session_show(struct nf_app *a, const struct nf_user *user, int64_t id,
                      struct nf_session *ret, struct nf_err *err);
NF_RC nf_session_set_title(struct nf_app *a, const struct nf_user *user, int64_t id,
                           const char *title, struct nf_session *ret, struct nf_err *err);
/* NF_E_CONFLICT while a turn runs or waits: stop it first. */
NF_RC nf_session_delete(struct nf_app *a, const struct nf_user *user, int64_t id,
                        struct nf_err *err);
NF_RC nf_session_messages(struct nf_app *a, const struct nf_user *user, int64_t id, int64_t before,
                          size_t limit, struct nf_messages *ret, struct nf_err *err);
