/*
 * An approval: the question to a person whether one exact call may run, and what became of it.
 * Pure.
 *
 *     pending -> allowed -> used;   pending -> denied;   pending | allowed -> expired | cancelled.
 *
 * It is bound to everything that makes the call what it is: the tool, the version of its files, the
 * arguments, what it works on and who asked for it. Their hash is kept with it and made again from
 * what is there when somebody decides and when the call runs: whatever has another hash was not
 * what the person looked at. An approval is used once, and not after it has expired.
 */
#pragma once

#include "base/string.h"
#include "domain/limits.h"
#include "domain/skill.h"
#include "domain/user.h"

#include <stddef.h>

#define NF_APPROVAL_HASH 64           /* lower-case hex digits */
#define NF_APPROVAL_REASON_MAX 400    /* bytes of what a person says about a decision */
#define NF_APPROVAL_WORKSPACE_MAX 256 /* bytes of what a call works on; longer is cut */
#define NF_APPROVALS_OPEN_MAX 64      /* questions of one person that wait at once */

/* Stored by number: append, never renumber. */
enum nf_approval_status {
    NF_APPROVAL_PENDING = 1,
    NF_APPROVAL_ALLOWED = 2,
    NF_APPROVAL_DENIED = 3,
    NF_APPROVAL_EXPIRED = 4,
    NF_APPROVAL_CANCELLED = 5, /* its turn ended first */
    NF_APPROVAL_USED = 6,
};

struct nf_approval_request {
    int64_t id;
    int64_t task_id, turn_id, session_id; /* session_id 0: a call by hand */
    int64_t user_id;                      /* who asked for the call */
    char tool[NF_CALL_NAME_MAX + 1];      /* "calc_evaluate" */
    char version[NF_SKILL_HASH + 1];      /* of the skill's files */
    char *args;                           /* owned JSON */
    char workspace[NF_APPROVAL_WORKSPACE_MAX + 1];
    char hash[NF_APPROVAL_HASH + 1];
    enum nf_approval_status status;
    int64_t created_ms, expires_ms;
    int64_t decided_by, decided_ms, used_ms; /* 0: not */
    char reason[NF_APPROVAL_REASON_MAX + 1]; /* what who decided said; "" for nothing */
};
void nf_approval_done(struct nf_approval_request *r);

struct nf_approval_requests {
    struct nf_approval_request *v;
    size_t n;
};
void nf_approval_requests_done(struct nf_approval_requests *r);
/* Append by moving *r, which is zeroed on success. NF_E_NOMEM; then *r is still the caller's. */
NF_RC nf_approval_requests_push(struct nf_approval_requests *list, struct nf_approval_request *r,
                                struct nf_err *err);

/* Append what the hash is made of: each field with its name and length, so that no two calls read
 * alike. */
NF_RC nf_approval_bind(const struct nf_approval_request *r, struct nf_str *to, struct nf_err *err);

/* Whether `decider` may allow the call of `requester`: an owner may allow every call; an admin
 * their own and those of plain users; a plain user only their own, and only if `self` says that
 * they may. Nobody who is blocked. NF_E_DENIED says who may. */
NF_RC nf_approval_may_allow(const struct nf_user *decider, const struct nf_user *requester,
                            bool self, struct nf_err *err);
/* The same for denying it, which who asked for the call always may. */
NF_RC nf_approval_may_deny(const struct nf_user *decider, const struct nf_user *requester,
                           bool self, struct nf_err *err);

/* Decide at now_ms. NF_E_CONFLICT: it was decided already, or has expired; NF_E_LIMIT: the reason
 * is longer than NF_APPROVAL_REASON_MAX; NF_E_INVALID: it is not one line of text. `reason` may be
 * NULL. */
NF_RC nf_approval_decide(struct nf_approval_request *r, bool allow, int64_t by, const char *reason,
                         int64_t now_ms, struct nf_err *err);

bool nf_approval_is_open(const struct nf_approval_request *r, int64_t now_ms); /* may be decided */
const char *nf_approval_status_name(enum nf_approval_status status);           /* "pending" */
