/* REST: accounts that ask to be let in, invitations, and the accounts of people. */
#include "application/manage_pairing.h"
#include "channels/web/web_internal.h"
#include "codec/qr.h"

#include <string.h>

#define CODE_MAX ((size_t)32)      /* bytes of a code as somebody types it */
#define BODY_MAX ((size_t)8 << 20) /* of the answers: accounts, a few pictures */

/* A piece of the path as a string. */
static NF_RC path_text(const struct nf_http_exchange *x, const char *name, size_t max,
                       struct nf_str *ret, struct nf_err *err)
{
    struct nf_slice s = nf_http_param(x, name);
    if (s.n > max || memchr(s.p, '\0', s.n))
        return nf_err_set(err, NF_E_NOT_FOUND, "there is nothing of this name");
    return nf_str_add(ret, s.p, s.n, err);
}

/* --- requests --------------------------------------------------------------------------------- */

static void put_pairing(struct nf_json_out *o, const void *list, size_t i)
{
    const struct nf_pairing *p = &((const struct nf_pairings *)list)->v[i];
    struct nf_code_text code = nf_code_show(p->code);
    nf_json_out_object(o);
    nf_json_put_str(o, "code", code.s);
    nf_json_put_str(o, "network", p->network);
    nf_json_put_str(o, "channel", p->channel);
    nf_json_put_str(o, "account", p->account);
    nf_json_put_str(o, "name", p->name);
    nf_json_put_str(o, "status", nf_pairing_status_name(p->status));
    nf_web_put_time(o, "created_at", p->created_ms);
    nf_web_put_time(o, "expires_at", p->expires_ms);
    nf_json_out_end(o);
}

static NF_RC read_filter(const struct nf_http_exchange *x, struct nf_pairing_filter *f,
                         struct nf_err *err)
{
    struct nf_slice status = nf_http_query(x, "status", NULL);
    NF_TRY(nf_web_read_page(x, &f->after_id, &f->limit, err));
    for (int s = NF_PAIRING_OPEN; status.n > 0 && s <= NF_PAIRING_DENIED; s++)
        if (nf_slice_eq(status, nf_pairing_status_name((enum nf_pairing_status)s)))
            f->status = (enum nf_pairing_status)s;
    if (status.n > 0 && f->status == 0)
        return nf_err_set(err, NF_E_INVALID, "status: not open or denied");
    return NF_OK;
}

enum nf_code nf_web_pairings(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_web *w = arg;
    NF_CLEANUP(nf_pairings_done) struct nf_pairings list = { 0 };
    struct nf_pairing_filter f = { 0 };

    NF_TRY(read_filter(x, &f, err));
    NF_TRY(nf_pairing_list(w->o.app, &nf_web_who(x)->user, &f, &list, err));
    const struct nf_web_rows rows = { .key = "pairings",
                                      .list = &list,
                                      .n = list.n,
                                      .limit = f.limit,
                                      .last = list.n > 0 ? list.v[list.n - 1].id : 0,
                                      .put = put_pairing };
    return nf_web_answer_rows(x, &rows, err);
}

struct decision_body {
    char *decision, *user, *name, *role;
};
static const struct nf_json_field decision_fields[] = {
    NF_JSON_FIELD(struct decision_body, "decision", NF_JSON_F_STR, decision, NF_JSON_REQUIRED, 1,
                  16),
    NF_JSON_FIELD(struct decision_body, "user", NF_JSON_F_STR, user, 0, 1, NF_ID_TEXT),
    NF_JSON_FIELD(struct decision_body, "name", NF_JSON_F_STR, name, 0, 1, NF_NAME_MAX),
    NF_JSON_FIELD(struct decision_body, "role", NF_JSON_F_STR, role, 0, 1, 16),
};
static const struct nf_json_table decision_table = { decision_fields, NF_COUNT(decision_fields),
                                                     false };

static void decision_done(struct decision_body *b)
{
    nf_json_table_done(&decision_table, b);
}

static NF_RC approve(struct nf_web *w, struct nf_http_exchange *x, const char *code,
                     const struct decision_body *b, struct nf_err *err)
{
    struct nf_approve in = { .code = code, .name = b->name };
    struct nf_user u;
    if (b->user && strcmp(b->user, "me") == 0)
        in.user_id = nf_web_who(x)->user.id;
    else if (b->user && !nf_id_from_text(b->user, strlen(b->user), &in.user_id))
        return nf_err_set(err, NF_E_INVALID, "user: not the id of a user, or me");
    if (b->role && !nf_user_role_from_name(b->role, &in.role))
        return nf_err_set(err, NF_E_INVALID, "role: not owner, admin or user");
    NF_TRY(nf_pairing_approve(w->o.app, &nf_web_who(x)->user, &in, &u, err));
    return nf_web_answer_user(x, 200, &u, err);
}

enum nf_code nf_web_pairing_decide(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_web *w = arg;
    NF_CLEANUP(decision_done) struct decision_body b = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str code = { 0 };

    NF_TRY(path_text(x, "code", CODE_MAX, &code, err));
    NF_TRY(nf_web_read_body(x, &decision_table, &b, err));
    if (strcmp(b.decision, "approve") == 0)
        return approve(w, x, nf_str_c(&code), &b, err);
    if (strcmp(b.decision, "deny") != 0)
        return nf_err_set(err, NF_E_INVALID, "decision: not approve or deny");
    if (b.user || b.name || b.role)
        return nf_err_set(err, NF_E_INVALID, "user, name and role do not go with deny");
    NF_TRY(nf_pairing_deny(w->o.app, &nf_web_who(x)->user, nf_str_c(&code), err));
    return nf_http_respond(x, 204, NULL, "", 0, err);
}

/* --- invitations ------------------------------------------------------------------------------ */

/* Telegram opens a chat with a bot by a link that brings along what /start will say ("deep
 * linking", core.telegram.org/bots/features#deep-linking); elsewhere the code is sent by hand. */
static NF_RC put_way(struct nf_json_out *o, const struct nf_web_bot *b, const char *code,
                     struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str url = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str svg = { 0 };
    bool starts = strcmp(b->network, "telegram") == 0 && b->health.link[0];

    NF_TRY(nf_str_set(&url, b->health.link, err));
    if (starts)
        NF_TRY(nf_str_addf(&url, err, "?start=%s", code));
    if (url.len > 0)
        NF_TRY(nf_qr_svg(nf_str_c(&url), &svg, err));
    nf_json_out_object(o);
    nf_json_put_str(o, "channel", b->name);
    nf_json_put_str(o, "network", b->network);
    nf_json_put_str(o, "bot_name", b->health.bot_name);
    nf_json_out_key(o, "url");
    nf_json_out_str(o, url.len > 0 ? nf_str_c(&url) : NULL);
    nf_json_put_bool(o, "brings_code", starts);
    nf_json_out_key(o, "qr_svg");
    nf_json_out_str(o, svg.len > 0 ? nf_str_c(&svg) : NULL);
    nf_json_out_end(o);
    return NF_OK;
}

enum nf_code nf_web_invite(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_web *w = arg;
    NF_CLEANUP(nf_str_done) struct nf_str body = { .max = BODY_MAX };
    char code[NF_INVITE_CODE + 1];
    struct nf_web_bot bot;
    struct nf_json_out o;
    int64_t id;

    NF_TRY(nf_web_path_user(x, &id, err));
    NF_TRY(nf_invite_create(w->o.app, &nf_web_who(x)->user, id, code, err));
    struct nf_code_text shown = nf_code_show(code);
    nf_json_begin_doc(&o, &body);
    nf_json_out_object(&o);
    nf_json_put_str(&o, "code", shown.s);
    nf_web_put_time(&o, "expires_at", nf_app_now(w->o.app) + NF_INVITE_TTL_MS);
    nf_json_out_key(&o, "ways");
    nf_json_out_array(&o);
    for (size_t i = 0; nf_web_bot_at(w, i, &bot); i++)
        NF_TRY(put_way(&o, &bot, code, err));
    nf_json_out_end(&o);
    nf_json_out_end(&o);
    NF_TRY(nf_json_end_doc(&o, err));
    return nf_web_json(x, 201, &body, err);
}

/* --- accounts --------------------------------------------------------------------------------- */

static void put_identity(struct nf_json_out *o, const struct nf_identity *i)
{
    nf_json_out_object(o);
    nf_json_put_str(o, "network", i->channel);
    nf_json_put_str(o, "account", i->account);
    nf_web_put_time(o, "created_at", i->created_ms);
    nf_json_out_end(o);
}

static NF_RC answer_identities(struct nf_web *w, struct nf_http_exchange *x, int64_t id,
                               struct nf_err *err)
{
    NF_CLEANUP(nf_identities_done) struct nf_identities list = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str body = { .max = BODY_MAX };
    struct nf_json_out o;
    NF_TRY(nf_account_list(w->o.app, &nf_web_who(x)->user, id, &list, err));
    nf_json_begin_doc(&o, &body);
    nf_json_out_object(&o);
    nf_json_out_key(&o, "identities");
    nf_json_out_array(&o);
    for (size_t i = 0; i < list.n; i++)
        put_identity(&o, &list.v[i]);
    nf_json_out_end(&o);
    nf_json_out_end(&o);
    NF_TRY(nf_json_end_doc(&o, err));
    return nf_web_json(x, 200, &body, err);
}

enum nf_code nf_web_identities(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    int64_t id;
    NF_TRY(nf_web_path_user(x, &id, err));
    return answer_identities(arg, x, id, err);
}

struct identity_body {
    char *network, *account;
};
static const struct nf_json_field identity_fields[] = {
    NF_JSON_FIELD(struct identity_body, "network", NF_JSON_F_STR, network, NF_JSON_REQUIRED, 1,
                  NF_CHANNEL_MAX),
    NF_JSON_FIELD(struct identity_body, "account", NF_JSON_F_STR, account, NF_JSON_REQUIRED, 1,
                  NF_ADDRESS_MAX),
};
static const struct nf_json_table identity_table = { identity_fields, NF_COUNT(identity_fields),
                                                     false };

static void identity_done(struct identity_body *b)
{
    nf_json_table_done(&identity_table, b);
}

enum nf_code nf_web_identity_link(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_web *w = arg;
    NF_CLEANUP(identity_done) struct identity_body b = { 0 };
    int64_t id;

    NF_TRY(nf_web_path_user(x, &id, err));
    NF_TRY(nf_web_read_body(x, &identity_table, &b, err));
    NF_TRY(nf_account_link(w->o.app, &nf_web_who(x)->user, id, b.network, b.account, err));
    return answer_identities(w, x, id, err);
}

enum nf_code nf_web_identity_unlink(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_web *w = arg;
    NF_CLEANUP(nf_str_done) struct nf_str network = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str account = { 0 };
    int64_t id;

    NF_TRY(nf_web_path_user(x, &id, err));
    NF_TRY(path_text(x, "network", NF_CHANNEL_MAX, &network, err));
    NF_TRY(path_text(x, "account", NF_ADDRESS_MAX, &account, err));
    NF_TRY(nf_account_unlink(w->o.app, &nf_web_who(x)->user, id, nf_str_c(&network),
                             nf_str_c(&account), err));
    return answer_identities(w, x, id, err);
}
