/* REST: people. */
#include "application/manage_schedules.h"
#include "application/manage_users.h"
#include "channels/web/web_internal.h"

#include <string.h>

void nf_web_put_user(struct nf_json_out *o, const struct nf_user *u)
{
    nf_json_out_object(o);
    nf_web_put_id(o, "id", u->id);
    nf_json_put_str(o, "name", u->name);
    nf_json_put_str(o, "role", nf_user_role_name(u->role));
    nf_json_put_str(o, "status", nf_user_status_name(u->status));
    nf_web_put_time(o, "created_at", u->created_ms);
    nf_json_out_key(o, "time_zone");
    nf_json_out_str(o, u->zone[0] ? u->zone : NULL);
    nf_json_out_end(o);
}

enum nf_code nf_web_answer_user(struct nf_http_exchange *x, int status, const struct nf_user *u,
                                struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };
    struct nf_json_out o;
    nf_json_begin_doc(&o, &body);
    nf_web_put_user(&o, u);
    NF_TRY(nf_json_end_doc(&o, err));
    return nf_web_json(x, status, &body, err);
}

/* A page that is opened without a cookie learns it here without an error in the browser's log. */
enum nf_code nf_web_who_asks(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };
    const struct nf_user *u = &nf_web_who(x)->user;
    struct nf_json_out o;

    (void)arg;
    nf_json_begin_doc(&o, &body);
    nf_json_out_object(&o);
    nf_json_out_key(&o, "user");
    if (u->id != 0)
        nf_web_put_user(&o, u);
    else
        nf_json_out_str(&o, NULL);
    nf_json_out_end(&o);
    NF_TRY(nf_json_end_doc(&o, err));
    return nf_web_json(x, 200, &body, err);
}

enum nf_code nf_web_me(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    (void)arg;
    return nf_web_answer_user(x, 200, &nf_web_who(x)->user, err);
}

static void put_row(struct nf_json_out *o, const void *list, size_t i)
{
    nf_web_put_user(o, &((const struct nf_users *)list)->v[i]);
}

#define ROLES "role: not owner, admin or user"
#define STATES "status: not active or blocked"

static enum nf_user_status status_of(struct nf_slice name)
{
    for (int s = NF_USER_ACTIVE; s <= NF_USER_BLOCKED; s++)
        if (nf_slice_eq(name, nf_user_status_name((enum nf_user_status)s)))
            return (enum nf_user_status)s;
    return 0;
}

static enum nf_user_role role_of(struct nf_slice name)
{
    for (int r = NF_USER_OWNER; r <= NF_USER_USER; r++)
        if (nf_slice_eq(name, nf_user_role_name((enum nf_user_role)r)))
            return (enum nf_user_role)r;
    return 0;
}

static NF_RC read_filter(const struct nf_http_exchange *x, struct nf_user_filter *f,
                         struct nf_err *err)
{
    struct nf_slice role = nf_http_query(x, "role", NULL);
    struct nf_slice status = nf_http_query(x, "status", NULL);
    NF_TRY(nf_web_read_page(x, &f->after_id, &f->limit, err));
    f->role = role_of(role);
    f->status = status_of(status);
    if (role.n > 0 && f->role == 0)
        return nf_err_set(err, NF_E_INVALID, ROLES);
    if (status.n > 0 && f->status == 0)
        return nf_err_set(err, NF_E_INVALID, STATES);
    return NF_OK;
}

enum nf_code nf_web_users(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_web *w = arg;
    NF_CLEANUP(nf_users_done) struct nf_users list = { 0 };
    struct nf_user_filter f = { 0 };

    NF_TRY(read_filter(x, &f, err));
    NF_TRY(
        nf_user_list(w->o.app, &nf_web_who(x)->user, &f, nf_http_query(x, "q", NULL), &list, err));
    const struct nf_web_rows rows = { .key = "users",
                                      .list = &list,
                                      .n = list.n,
                                      .limit = f.limit,
                                      .last = list.n > 0 ? list.v[list.n - 1].id : 0,
                                      .put = put_row };
    return nf_web_answer_rows(x, &rows, err);
}

struct user_body {
    char *name, *role, *status, *time_zone;
};
static const struct nf_json_field user_fields[] = {
    NF_JSON_FIELD(struct user_body, "name", NF_JSON_F_STR, name, 0, 1, NF_NAME_MAX),
    NF_JSON_FIELD(struct user_body, "role", NF_JSON_F_STR, role, 0, 1, 16),
    NF_JSON_FIELD(struct user_body, "status", NF_JSON_F_STR, status, 0, 1, 16),
    NF_JSON_FIELD(struct user_body, "time_zone", NF_JSON_F_STR, time_zone, 0, 0, NF_ZONE_NAME_MAX),
};
static const struct nf_json_table user_table = { user_fields, NF_COUNT(user_fields), false };

static void user_body_done(struct user_body *b)
{
    nf_json_table_done(&user_table, b);
}

static NF_RC read_user(const struct nf_http_exchange *x, struct user_body *b,
                       enum nf_user_role *role, enum nf_user_status *status, struct nf_err *err)
{
    NF_TRY(nf_web_read_body(x, &user_table, b, err));
    *role = 0;
    *status = 0;
    if (b->role && !nf_user_role_from_name(b->role, role))
        return nf_err_set(err, NF_E_INVALID, ROLES);
    if (b->status)
        *status = status_of(nf_slice_of(b->status));
    if (b->status && *status == 0)
        return nf_err_set(err, NF_E_INVALID, STATES);
    return NF_OK;
}

enum nf_code nf_web_user_create(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_web *w = arg;
    NF_CLEANUP(user_body_done) struct user_body b = { 0 };
    enum nf_user_role role;
    enum nf_user_status status;
    struct nf_user u;

    NF_TRY(read_user(x, &b, &role, &status, err));
    if (!b.name)
        return nf_err_set(err, NF_E_INVALID, "name: missing");
    NF_TRY(
        nf_user_add(w->o.app, &nf_web_who(x)->user, b.name, role ? role : NF_USER_USER, &u, err));
    return nf_web_answer_user(x, 201, &u, err);
}

/* Of oneself only the clock. */
static NF_RC change_oneself(struct nf_web *w, struct nf_http_exchange *x, const struct user_body *b,
                            struct nf_err *err)
{
    const struct nf_user *me = &nf_web_who(x)->user;
    struct nf_user u;

    if (!b->time_zone || b->name || b->role || b->status)
        return nf_err_set(err, NF_E_INVALID, "of yourself you may change time_zone, and no more");
    NF_TRY(nf_person_set_zone(w->o.app, me, b->time_zone, err));
    NF_TRY(w->o.app->users->ops->get(w->o.app->users, me->id, &u, err));
    return nf_web_answer_user(x, 200, &u, err);
}

enum nf_code nf_web_user_patch(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_web *w = arg;
    NF_CLEANUP(user_body_done) struct user_body b = { 0 };
    enum nf_user_role role;
    enum nf_user_status status;
    struct nf_user u;
    int64_t id;

    NF_TRY(read_user(x, &b, &role, &status, err));
    if (nf_slice_eq(nf_http_param(x, "id"), "me"))
        return change_oneself(w, x, &b, err);
    NF_TRY(nf_web_path_id(x, &id, err));
    if (b.time_zone)
        return nf_err_set(err, NF_E_INVALID, "time_zone: everybody sets their own, as user me");
    NF_TRY(nf_user_change(w->o.app, &nf_web_who(x)->user, id, b.name, role, status, &u, err));
    if (u.status == NF_USER_BLOCKED)
        nf_hub_drop_user(w->hub, u.id);
    return nf_web_answer_user(x, 200, &u, err);
}

enum nf_code nf_web_user_link(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_web *w = arg;
    NF_CLEANUP(nf_str_done) struct nf_str url = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };
    const struct nf_user *actor = &nf_web_who(x)->user;
    struct nf_json_out o;
    int64_t id;

    NF_TRY(nf_web_path_user(x, &id, err));
    NF_TRY(nf_web_make_link(w, actor, id, &url, err));
    nf_json_begin_doc(&o, &body);
    nf_json_out_object(&o);
    nf_json_put_str(&o, "url", nf_str_c(&url));
    nf_web_put_time(&o, "expires_at", nf_app_now(w->o.app) + NF_LINK_TTL_MS);
    nf_json_out_end(&o);
    NF_TRY(nf_json_end_doc(&o, err));
    return nf_web_json(x, 201, &body, err);
}
