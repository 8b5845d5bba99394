/* REST: people. */
#include "application/manage_users.h"
#include "channels/web/web_internal.h"

#include <string.h>

static void put_user(struct nf_json_out *o, const struct nf_user *u)
{
    nf_json_out_object(o);
    nf_web_put_id(o, "id", u->id);
    nf_json_put_str(o, "name", u->name);
    nf_json_put_str(o, "role", nf_user_role_name(u->role));
    nf_json_put_str(o, "status", nf_user_status_name(u->status));
    nf_web_put_time(o, "created_at", u->created_ms);
    nf_json_out_end(o);
}

static NF_RC answer_user(struct nf_http_exchange *x, int status, const struct nf_user *u,
                         struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };
    struct nf_json_out o;
    nf_json_begin_doc(&o, &body);
    put_user(&o, u);
    NF_TRY(nf_json_end_doc(&o, err));
    return nf_web_json(x, status, &body, err);
}

enum nf_code nf_web_me(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    (void)arg;
    return answer_user(x, 200, &nf_web_who(x)->user, err);
}

enum nf_code nf_web_users(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_web *w = arg;
    NF_CLEANUP(nf_users_done) struct nf_users list = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };
    struct nf_slice cursor = nf_http_query(x, "cursor", NULL);
    struct nf_json_out o;
    int64_t after = 0;
    size_t limit;

    NF_TRY(nf_web_limit(x, &limit, err));
    if (cursor.n > 0 && !nf_id_from_text(cursor.p, cursor.n, &after))
        return nf_err_set(err, NF_E_INVALID, "cursor: not one of ours");
    NF_TRY(nf_user_list(w->o.app, &nf_web_who(x)->user, after, limit, &list, err));
    nf_json_begin_doc(&o, &body);
    nf_json_out_object(&o);
    nf_json_out_key(&o, "users");
    nf_json_out_array(&o);
    for (size_t i = 0; i < list.n; i++)
        put_user(&o, &list.v[i]);
    nf_json_out_end(&o);
    nf_web_put_next(&o, list.n == limit, list.n > 0 ? list.v[list.n - 1].id : 0);
    nf_json_out_end(&o);
    NF_TRY(nf_json_end_doc(&o, err));
    return nf_web_json(x, 200, &body, err);
}

struct user_body {
    char *name, *role, *status;
};
static const struct nf_json_field user_fields[] = {
    NF_JSON_FIELD(struct user_body, "name", NF_JSON_F_STR, name, 0, 1, NF_NAME_MAX),
    NF_JSON_FIELD(struct user_body, "role", NF_JSON_F_STR, role, 0, 1, 16),
    NF_JSON_FIELD(struct user_body, "status", NF_JSON_F_STR, status, 0, 1, 16),
};
static const struct nf_json_table user_table = { user_fields, NF_COUNT(user_fields), false };

static void user_body_done(struct user_body *b)
{
    nf_json_table_done(&user_table, b);
}

static NF_RC read_user(const struct nf_http_exchange *x, struct user_body *b,
                       enum nf_user_role *role, enum nf_user_status *status, struct nf_err *err)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    struct nf_slice text = nf_http_body(x);
    NF_TRY(nf_json_parse(text.p, text.n, 0, &doc, err));
    NF_TRY(nf_json_decode(nf_json_root(doc), &user_table, b, err));
    *role = 0;
    *status = 0;
    if (b->role && !nf_user_role_from_name(b->role, role))
        return nf_err_set(err, NF_E_INVALID, "role: not owner, admin or user");
    for (int s = NF_USER_ACTIVE; b->status && s <= NF_USER_BLOCKED; s++)
        if (strcmp(b->status, nf_user_status_name((enum nf_user_status)s)) == 0)
            *status = (enum nf_user_status)s;
    if (b->status && *status == 0)
        return nf_err_set(err, NF_E_INVALID, "status: not active or blocked");
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
    return answer_user(x, 201, &u, err);
}

enum nf_code nf_web_user_patch(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_web *w = arg;
    NF_CLEANUP(user_body_done) struct user_body b = { 0 };
    enum nf_user_role role;
    enum nf_user_status status;
    struct nf_user u;
    int64_t id;

    NF_TRY(nf_web_path_id(x, &id, err));
    NF_TRY(read_user(x, &b, &role, &status, err));
    NF_TRY(nf_user_change(w->o.app, &nf_web_who(x)->user, id, b.name, role, status, &u, err));
    if (u.status == NF_USER_BLOCKED)
        nf_hub_drop_user(w->hub, u.id);
    return answer_user(x, 200, &u, err);
}

enum nf_code nf_web_user_link(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_web *w = arg;
    NF_CLEANUP(nf_str_done) struct nf_str url = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };
    const struct nf_user *actor = &nf_web_who(x)->user;
    struct nf_json_out o;
    int64_t id = actor->id;

    if (!nf_slice_eq(nf_http_param(x, "id"), "me"))
        NF_TRY(nf_web_path_id(x, &id, err));
    NF_TRY(nf_web_make_link(w, actor, id, &url, err));
    nf_json_begin_doc(&o, &body);
    nf_json_out_object(&o);
    nf_json_put_str(&o, "url", nf_str_c(&url));
    nf_web_put_time(&o, "expires_at", nf_app_now(w->o.app) + NF_LINK_TTL_MS);
    nf_json_out_end(&o);
    NF_TRY(nf_json_end_doc(&o, err));
    return nf_web_json(x, 201, &body, err);
}
