/* Whether a call may run. */
#include "domain/approval.h"

#include "base/own.h"
#include "domain/list.h"
#include "domain/rules.h"

#include <stdlib.h>
#include <string.h>

void nf_approval_done(struct nf_approval_request *r)
{
    free(r->args);
    *r = (struct nf_approval_request){ 0 };
}

void nf_approval_requests_done(struct nf_approval_requests *r)
{
    for (size_t i = 0; i < r->n; i++)
        nf_approval_done(&r->v[i]);
    free(r->v);
    *r = (struct nf_approval_requests){ 0 };
}

enum nf_code nf_approval_requests_push(struct nf_approval_requests *list,
                                       struct nf_approval_request *r, struct nf_err *err)
{
    struct nf_approval_request *v = nf_list_grow(list->v, list->n + 1, sizeof(*v));

    if (!v)
        return nf_list_nomem(err);
    list->v = v;
    v[list->n++] = nf_take(*r);
    return NF_OK;
}

static enum nf_code bind_text(struct nf_str *to, const char *name, const char *text,
                              struct nf_err *err)
{
    NF_TRY(nf_str_addf(to, err, "%s %zu ", name, strlen(text)));
    NF_TRY(nf_str_adds(to, text, err));
    return nf_str_adds(to, "\n", err);
}

enum nf_code nf_approval_bind(const struct nf_approval_request *r, struct nf_str *to,
                              struct nf_err *err)
{
    NF_TRY(nf_str_addf(to, err, "nexflow approval 1\nuser %lld\nsession %lld\n",
                       (long long)r->user_id, (long long)r->session_id));
    NF_TRY(bind_text(to, "tool", r->tool, err));
    NF_TRY(bind_text(to, "version", r->version, err));
    NF_TRY(bind_text(to, "workspace", r->workspace, err));
    return bind_text(to, "arguments", r->args ? r->args : "", err);
}

static enum nf_code check_active(const struct nf_user *decider, struct nf_err *err)
{
    if (decider->status != NF_USER_ACTIVE)
        return nf_err_set(err, NF_E_DENIED, "this account is blocked");
    return NF_OK;
}

enum nf_code nf_approval_may_allow(const struct nf_user *decider, const struct nf_user *requester,
                                   bool self, struct nf_err *err)
{
    bool own = decider->id == requester->id;

    NF_TRY(check_active(decider, err));
    switch (decider->role) {
    case NF_USER_OWNER:
        return NF_OK;
    case NF_USER_ADMIN:
        if (own || requester->role == NF_USER_USER)
            return NF_OK;
        return nf_err_set(err, NF_E_DENIED,
                          "only they themselves or an owner decide about the calls of %s",
                          requester->name);
    case NF_USER_USER:
        if (own && self)
            return NF_OK;
        if (own)
            return nf_err_set(err, NF_E_DENIED, "an owner or an admin decides about this call");
        break;
    }
    return nf_err_set(err, NF_E_DENIED, "this call is not yours to decide about");
}

enum nf_code nf_approval_may_deny(const struct nf_user *decider, const struct nf_user *requester,
                                  bool self, struct nf_err *err)
{
    if (decider->id == requester->id)
        return check_active(decider, err);
    return nf_approval_may_allow(decider, requester, self, err);
}

bool nf_approval_is_open(const struct nf_approval_request *r, int64_t now_ms)
{
    return r->status == NF_APPROVAL_PENDING && now_ms < r->expires_ms;
}

enum nf_code nf_approval_decide(struct nf_approval_request *r, bool allow, int64_t by,
                                const char *reason, int64_t now_ms, struct nf_err *err)
{
    const char *why = reason ? reason : "";

    NF_TRY(nf_check_line("reason", why, NF_APPROVAL_REASON_MAX, err));
    if (r->status != NF_APPROVAL_PENDING)
        return nf_err_set(err, NF_E_CONFLICT, "this approval is %s already",
                          nf_approval_status_name(r->status));
    if (now_ms >= r->expires_ms)
        return nf_err_set(err, NF_E_CONFLICT, "this approval has expired: let it be asked again");
    r->status = allow ? NF_APPROVAL_ALLOWED : NF_APPROVAL_DENIED;
    r->decided_by = by;
    r->decided_ms = now_ms;
    memset(r->reason, 0, sizeof(r->reason));
    memcpy(r->reason, why, strlen(why));
    return NF_OK;
}

const char *nf_approval_status_name(enum nf_approval_status status)
{
    switch (status) {
    case NF_APPROVAL_PENDING:
        return "pending";
    case NF_APPROVAL_ALLOWED:
        return "allowed";
    case NF_APPROVAL_DENIED:
        return "denied";
    case NF_APPROVAL_EXPIRED:
        return "expired";
    case NF_APPROVAL_CANCELLED:
        return "cancelled";
    case NF_APPROVAL_USED:
        return "used";
    }
    return "?";
}
