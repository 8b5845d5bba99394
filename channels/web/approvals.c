/* REST: calls that wait for a decision. */
#include "application/decide_approval.h"
#include "channels/web/web_internal.h"

#define BODY_MAX ((size_t)64 << 20)

enum nf_code nf_web_approvals(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_web *w = arg;
    NF_CLEANUP(nf_approval_views_done) struct nf_approval_views list = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str body = { .max = BODY_MAX };
    struct nf_json_out o;

    NF_TRY(nf_approval_list(w->o.app, &nf_web_who(x)->user, &list, err));
    nf_json_begin_doc(&o, &body);
    nf_json_out_object(&o);
    nf_json_out_key(&o, "approvals");
    nf_json_out_array(&o);
    for (size_t i = 0; i < list.n; i++)
        nf_frame_put_approval(&o, &list.v[i].request, &list.v[i].requester, list.v[i].yours);
    nf_json_out_end(&o);
    nf_json_out_end(&o);
    NF_TRY(nf_json_end_doc(&o, err));
    return nf_web_json(x, 200, &body, err);
}

struct decision_body {
    char *decision, *reason;
};
static const struct nf_json_field decision_fields[] = {
    NF_JSON_FIELD(struct decision_body, "decision", NF_JSON_F_STR, decision, NF_JSON_REQUIRED, 1,
                  16),
    NF_JSON_FIELD(struct decision_body, "reason", NF_JSON_F_STR, reason, NF_JSON_NULLABLE, 0,
                  NF_APPROVAL_REASON_MAX),
};
static const struct nf_json_table decision_table = { decision_fields, NF_COUNT(decision_fields),
                                                     false };

static void decision_done(struct decision_body *b)
{
    nf_json_table_done(&decision_table, b);
}

enum nf_code nf_web_approval_decide(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_web *w = arg;
    NF_CLEANUP(decision_done) struct decision_body b = { 0 };
    NF_CLEANUP(nf_approval_view_done) struct nf_approval_view v = { .yours = false };
    NF_CLEANUP(nf_str_done) struct nf_str body = { .max = BODY_MAX };
    struct nf_json_out o;
    int64_t id;
    bool allow;

    NF_TRY(nf_web_path_id(x, &id, err));
    NF_TRY(nf_web_read_body(x, &decision_table, &b, err));
    NF_TRY(nf_frame_decision(b.decision, &allow, err));
    NF_TRY(nf_approval_answer(w->o.app, &nf_web_who(x)->user, id, allow, b.reason, &v, err));
    nf_json_begin_doc(&o, &body);
    nf_frame_put_approval(&o, &v.request, &v.requester, v.yours);
    NF_TRY(nf_json_end_doc(&o, err));
    return nf_web_json(x, 200, &body, err);
}
