/* Use case: a person is asked whether a call may run, and decides. */
#pragma once

#include "application/deps.h"

/* Show the question, or what became of it, to all who may decide and to who asked for the call.
 * Best effort. May suspend. */
void nf_approval_tell(struct nf_app *a, const struct nf_approval_request *r);

/* The hash of what the request is bound to. */
NF_RC nf_approval_digest(struct nf_app *a, const struct nf_approval_request *r,
                         char ret[NF_APPROVAL_HASH + 1], struct nf_err *err);

/* One as a person sees it. */
struct nf_approval_view {
    struct nf_approval_request request;
    struct nf_user requester;
    bool yours; /* they may allow it */
};
struct nf_approval_views {
    struct nf_approval_view *v;
    size_t n;
};
void nf_approval_view_done(struct nf_approval_view *v);
void nf_approval_views_done(struct nf_approval_views *v);

/* Open ones that the person may decide about, and their own; oldest first, at most NF_PAGE_MAX. May
 * suspend. */
NF_RC nf_approval_list(struct nf_app *a, const struct nf_user *user, struct nf_approval_views *ret,
                       struct nf_err *err);

/* Decide. NF_E_NOT_FOUND: there is none that concerns them; NF_E_DENIED: it is not theirs to
 * decide; NF_E_CONFLICT: somebody else was first, it has expired, or the call that is stored is not
 * the one that was asked about. May suspend. */
NF_RC nf_approval_answer(struct nf_app *a, const struct nf_user *user, int64_t id, bool allow,
                         const char *reason, struct nf_approval_view *ret, struct nf_err *err);
