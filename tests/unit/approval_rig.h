/* What the tests of approvals share: a tool that asks, and who answers. */
#pragma once

#include "tests/unit/use_case_fixture.h"

UNUSED static int with_asking(void **state)
{
    struct world *w = world_new();
    w->app.tools = &w->tools.port;
    w->app.turns = &w->turns.port;
    w->tools.approval = NF_APPROVAL_ASK;
    *state = w;
    return 0;
}

#define CALL_AND_ANSWER                                                                            \
    { .calls = { { "c1", "clock", "{\"a\":1}" } } },                                               \
    {                                                                                              \
        .text = "So be it."                                                                        \
    }

UNUSED static struct nf_user user_of(struct world *w, int64_t id, const char *name,
                                     enum nf_user_role role)
{
    struct nf_user u;
    struct nf_identity i;
    assert_ok(nf_user_init(&u, id, name, role, START, &w->err), &w->err);
    assert_ok(nf_identity_init(&i, id, "web", name, START, &w->err), &w->err);
    assert_ok(w->s.users->ops->create(w->s.users, &u, &i, &w->err), &w->err);
    return u;
}

UNUSED static struct nf_approval_request newest(struct world *w)
{
    struct nf_approval_request r = { 0 };
    assert_ok(w->s.approvals->ops->get(w->s.approvals, w->web.asked_id, &r, &w->err), &w->err);
    return r;
}

UNUSED static enum nf_approval_status newest_status(struct world *w)
{
    struct nf_approval_request r = newest(w);
    enum nf_approval_status s = r.status;
    nf_approval_done(&r);
    return s;
}

UNUSED static enum nf_code decide_as(struct world *w, const struct nf_user *who, bool allow,
                                     const char *reason)
{
    struct nf_approval_view v = { .yours = false };
    struct nf_err err = { .msg = "" };
    enum nf_code rc = nf_approval_answer(&w->app, who, w->web.asked_id, allow, reason, &v, &err);
    nf_approval_view_done(&v);
    return rc;
}

UNUSED static void allow(struct world *w)
{
    assert_code(decide_as(w, &w->user, true, NULL), NF_OK);
}

UNUSED static void deny(struct world *w)
{
    assert_code(decide_as(w, &w->user, false, "too dear"), NF_OK);
}
