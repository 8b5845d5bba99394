#include "channels/web/web_internal.h"

#include "base/time.h"
#include "observe/log.h"
#include "observe/metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT_DEFAULT 50

#define UPGRADE_BODY 1024

const struct nf_http_route nf_web_routes[] = {
    { "GET", "/health", nf_web_health, 0, 0 },
    { "GET", "/ready", nf_web_ready, 0, 0 },
    { "GET", "/metrics", nf_web_metrics, 0, 0 },
    { "GET", "/ws", nf_web_socket, UPGRADE_BODY, NF_ROUTE_UPGRADE },
    { "GET", "/api/v1/auth", nf_web_who_asks, 0, 0 },
    { "POST", "/api/v1/auth/exchange", nf_web_exchange_link, 4096, 0 },
    { "POST", "/api/v1/auth/logout", nf_web_logout, 4096, 0 },
    { "GET", "/api/v1/models", nf_web_models, 0, 0 },
    { "GET", "/api/v1/config", nf_web_config, 0, 0 },
    { "PATCH", "/api/v1/config", nf_web_config_change, 65536, 0 },
    { "GET", "/api/v1/providers", nf_web_providers, 0, 0 },
    { "POST", "/api/v1/providers", nf_web_provider_add, 65536, 0 },
    { "POST", "/api/v1/providers/test", nf_web_provider_try, 65536, 0 },
    { "DELETE", "/api/v1/providers/{name}", nf_web_provider_remove, 0, 0 },
    { "GET", "/api/v1/status", nf_web_status, 0, 0 },
    { "POST", "/api/v1/models", nf_web_model_put, 4096, 0 },
    { "POST", "/api/v1/aliases", nf_web_alias_put, 65536, 0 },
    { "DELETE", "/api/v1/aliases/{name}", nf_web_alias_remove, 0, 0 },
    { "GET", "/api/v1/users/me", nf_web_me, 0, 0 },
    { "GET", "/api/v1/users", nf_web_users, 0, 0 },
    { "POST", "/api/v1/users", nf_web_user_create, 4096, 0 },
    { "PATCH", "/api/v1/users/{id}", nf_web_user_patch, 4096, 0 },
    { "POST", "/api/v1/users/{id}/links", nf_web_user_link, 4096, 0 },
    { "POST", "/api/v1/users/{id}/invites", nf_web_invite, 4096, 0 },
    { "GET", "/api/v1/users/{id}/identities", nf_web_identities, 0, 0 },
    { "POST", "/api/v1/users/{id}/identities", nf_web_identity_link, 4096, 0 },
    { "DELETE", "/api/v1/users/{id}/identities/{network}/{account}", nf_web_identity_unlink, 0, 0 },
    { "GET", "/api/v1/pairings", nf_web_pairings, 0, 0 },
    { "POST", "/api/v1/pairings/{code}", nf_web_pairing_decide, 4096, 0 },
    { "GET", "/api/v1/channels", nf_web_bots, 0, 0 },
    { "POST", "/api/v1/channels", nf_web_channel_add, 4096, 0 },
    { "DELETE", "/api/v1/channels/{name}", nf_web_channel_remove, 0, 0 },
    { "POST", "/api/v1/channels/{name}/token", nf_web_channel_token, 4096, 0 },
    { "GET", "/api/v1/channels/{name}/qr.svg", nf_web_bot_qr, 0, 0 },
    { "POST", "/api/v1/channels/{name}/test", nf_web_bot_test, 4096, 0 },
    { "POST", "/api/v1/messages", nf_web_post_message, NF_WEB_MESSAGE_BODY, 0 },
    { "GET", "/api/v1/sessions", nf_web_sessions, 0, 0 },
    { "POST", "/api/v1/sessions", nf_web_session_create, 4096, 0 },
    { "GET", "/api/v1/sessions/{id}", nf_web_session_get, 0, 0 },
    { "PATCH", "/api/v1/sessions/{id}", nf_web_session_patch, 4096, 0 },
    { "DELETE", "/api/v1/sessions/{id}", nf_web_session_delete, 0, 0 },
    { "GET", "/api/v1/sessions/{id}/messages", nf_web_messages, 0, 0 },
    { "GET", "/api/v1/sessions/{id}/export", nf_web_export, 0, 0 },
    { "GET", "/api/v1/sessions/{id}/runs/{run}/files/{n}", nf_web_file, 0, 0 },
    { "GET", "/api/v1/search", nf_web_search, 0, 0 },
    { "POST", "/api/v1/sessions/{id}/stop", nf_web_stop_session, 4096, 0 },
    { "GET", "/api/v1/tasks", nf_web_tasks, 0, 0 },
    { "GET", "/api/v1/tasks/{id}", nf_web_task_get, 0, 0 },
    { "POST", "/api/v1/tasks/{id}/cancel", nf_web_task_cancel, 4096, 0 },
    { "GET", "/api/v1/usage", nf_web_usage, 0, 0 },
    { "GET", "/api/v1/schedules", nf_web_schedules, 0, 0 },
    { "POST", "/api/v1/schedules", nf_web_schedule_create, 16384, 0 },
    { "POST", "/api/v1/schedules/preview", nf_web_schedule_preview, 16384, 0 },
    { "GET", "/api/v1/schedules/{id}", nf_web_schedule_get, 0, 0 },
    { "PATCH", "/api/v1/schedules/{id}", nf_web_schedule_patch, 16384, 0 },
    { "DELETE", "/api/v1/schedules/{id}", nf_web_schedule_delete, 0, 0 },
    { "POST", "/api/v1/schedules/{id}/pause", nf_web_schedule_pause, 4096, 0 },
    { "POST", "/api/v1/schedules/{id}/resume", nf_web_schedule_resume, 4096, 0 },
    { "POST", "/api/v1/schedules/{id}/run", nf_web_schedule_run, 4096, 0 },
    { "GET", "/api/v1/schedules/{id}/runs", nf_web_schedule_runs, 0, 0 },
    { "GET", "/api/v1/approvals", nf_web_approvals, 0, 0 },
    { "POST", "/api/v1/approvals/{id}", nf_web_approval_decide, 4096, 0 },
    { "GET", "/api/v1/skills", nf_web_skills, 0, 0 },
    { "POST", "/api/v1/skills", nf_web_skill_install, 8192, 0 },
    { "GET", "/api/v1/skills/{name}", nf_web_skill_get, 0, 0 },
    { "DELETE", "/api/v1/skills/{name}", nf_web_skill_delete, 0, 0 },
    { "POST", "/api/v1/skills/{name}/enable", nf_web_skill_enable, 4096, 0 },
    { "POST", "/api/v1/skills/{name}/disable", nf_web_skill_disable, 4096, 0 },
    { "GET", "/api/v1/skills/{name}/logs", nf_web_skill_logs, 0, 0 },
    { "POST", "/api/v1/skills/{name}/tools/{tool}/run", nf_web_skill_run, 0, 0 },
    { "GET", "/", nf_web_page, 0, 0 },
    { "GET", "/{file...}", nf_web_page, 0, 0 },
};
const size_t nf_web_routes_n = NF_COUNT(nf_web_routes);

/* --- what handlers share ---------------------------------------------------------------------- */

enum nf_code nf_web_json(struct nf_http_exchange *x, int status, const struct nf_str *body,
                         struct nf_err *err)
{
    return nf_http_respond(x, status, "application/json", nf_str_c(body), body->len, err);
}

enum nf_code nf_web_read_body(const struct nf_http_exchange *x, const struct nf_json_table *t,
                              void *to, struct nf_err *err)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    struct nf_slice text = nf_http_body(x);

    NF_TRY(nf_json_parse(text.p, text.n, 0, &doc, err));
    return nf_json_decode(nf_json_root(doc), t, to, err);
}

enum nf_code nf_web_path_id(const struct nf_http_exchange *x, int64_t *ret, struct nf_err *err)
{
    struct nf_slice id = nf_http_param(x, "id");
    if (!nf_id_from_text(id.p, id.n, ret))
        return nf_err_set(err, NF_E_NOT_FOUND, "there is nothing with this id");
    return NF_OK;
}

enum nf_code nf_web_path_user(const struct nf_http_exchange *x, int64_t *ret, struct nf_err *err)
{
    if (!nf_slice_eq(nf_http_param(x, "id"), "me"))
        return nf_web_path_id(x, ret, err);
    *ret = nf_web_who(x)->user.id;
    return NF_OK;
}

enum nf_code nf_web_limit(const struct nf_http_exchange *x, size_t *ret, struct nf_err *err)
{
    bool given;
    struct nf_slice text = nf_http_query(x, "limit", &given);
    int64_t limit = LIMIT_DEFAULT;
    if (given && !nf_slice_u63(text, &limit))
        return nf_err_set(err, NF_E_INVALID, "limit: not a number");
    *ret = (size_t)limit;
    return NF_OK;
}

void nf_web_put_id(struct nf_json_out *o, const char *key, int64_t id)
{
    struct nf_id_text text = nf_id_to_text(id);
    nf_json_put_str(o, key, text.s);
}

void nf_web_put_time(struct nf_json_out *o, const char *key, int64_t ms)
{
    nf_json_out_key(o, key);
    if (ms == 0) {
        nf_json_out_null(o);
        return;
    }
    struct nf_time_text text = nf_time_to_text(ms);
    nf_json_out_str(o, text.s);
}

void nf_web_put_next(struct nf_json_out *o, bool more, int64_t last)
{
    if (more) {
        nf_web_put_id(o, "next_cursor", last);
        return;
    }
    nf_json_out_key(o, "next_cursor");
    nf_json_out_null(o);
}

/* --- errors ----------------------------------------------------------------------------------- */

static int status_of(const struct nf_http_exchange *x, enum nf_code code)
{
    const struct nf_principal *p = nf_http_user(x);
    /* 401 if whoever asks could sign in and ask again */
    if (code == NF_E_DENIED && p && p->user.id == 0)
        return 401;
    return nf_http_status_of(code);
}

void nf_web_answer_error(struct nf_http_exchange *x, int status, const struct nf_err *e)
{
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };
    struct nf_err ignored;
    struct nf_json_out o;

    if (nf_http_responded(x))
        return;
    nf_json_begin_doc(&o, &body);
    nf_json_out_object(&o);
    nf_json_out_key(&o, "error");
    nf_json_out_object(&o);
    nf_json_put_str(&o, "code", nf_code_name(e->code));
    nf_json_put_str(&o, "message", e->msg);
    nf_web_put_refusal(&o, e->msg);
    nf_json_out_end(&o);
    nf_json_out_end(&o);
    /* A request that could not be read came by no check that adds its headers. */
    if (nf_web_add_security_headers(x, true, &ignored) != NF_OK)
        nf_log_warn("web.error.bare", "err", ignored.msg, NULL);
    /* What fails here leaves the exchange unanswered, and the server closes the connection. */
    if (nf_json_end_doc(&o, &ignored) != NF_OK ||
        nf_web_json(x, status ? status : status_of(x, e->code), &body, &ignored) != NF_OK)
        nf_log_warn("web.error.unanswered", "err", e->msg, NULL);
}

static bool is_broken(const struct nf_err *e)
{
    return e->code == NF_E_INTERNAL || e->code == NF_E_IO || e->code == NF_E_NOMEM;
}

bool nf_web_conceal(const char *route, const struct nf_err *e, struct nf_err *plain)
{
    struct nf_said ours;
    size_t where;
    if (!is_broken(e) && e->code != NF_E_UNAVAILABLE)
        return false;
    if (nf_said_of_error(nf_slice_of(e->msg), &where, &ours) && where == 0)
        return false;
    nf_log_error("web.request.failed", "route", route, "err", e->msg, NULL);
    (void)nf_err_set(plain, e->code,
                     "this does not work now: try again later; the cause is in nexflowd's log");
    return true;
}

void nf_web_on_error(void *arg, struct nf_http_exchange *x, int status, const struct nf_err *e)
{
    struct nf_err plain;
    (void)arg;
    if (!nf_web_manages(x) && nf_web_conceal(nf_http_pattern(x), e, &plain))
        e = &plain;
    else if (is_broken(e))
        nf_log_error("web.request.failed", "route", nf_http_pattern(x), "err", e->msg, NULL);
    nf_web_answer_error(x, status, e);
}

/* --- life ------------------------------------------------------------------------------------- */

static double count_sockets(void *arg)
{
    const struct nf_web *w = arg;
    return (double)nf_hub_sockets(w->hub);
}

static double count_connections(void *arg)
{
    const struct nf_web *w = arg;
    return w->server ? (double)nf_http_server_stats(w->server).connections : 0;
}

static void half_built(struct nf_web **w)
{
    nf_web_free(*w);
}

enum nf_code nf_web_new(const struct nf_web_options *o, struct nf_web **ret, struct nf_err *err)
{
    NF_CLEANUP(half_built) struct nf_web *w = calloc(1, sizeof(*w));
    if (!w)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    w->o = *o;
    nf_json_set_depth((int)o->limits->json_depth);
    w->started_ms = nf_app_now(o->app);
    NF_TRY(nf_hub_new(o->app, &w->hub, err));
    NF_TRY(nf_rate_new(&w->rate, err));
    NF_TRY(nf_web_load_owner_token(w, err));
    nf_gauge_fn("nexflow_web_sockets", "Web sockets open", NULL, count_sockets, w);
    nf_gauge_fn("nexflow_web_connections", "Connections open", NULL, count_connections, w);
    *ret = nf_take(w);
    return NF_OK;
}

struct nf_channel *nf_web_channel(struct nf_web *w)
{
    return nf_hub_channel(w->hub);
}

/* "127.0.0.1:0" -> "127.0.0.1:43210": the port may have been chosen for us. */
static void set_address(struct nf_web *w, int port)
{
    const char *listen = w->o.server->listen;
    size_t host = (size_t)(strrchr(listen, ':') - listen);
    (void)snprintf(w->address, sizeof(w->address), "%.*s:%d", (int)host, listen, port);
}

enum nf_code nf_web_start(struct nf_web *w, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str unix_address = { 0 };
    const struct nf_http_server_options options = {
        .limits = nf_web_http_limits(w->o.limits),
        .routes = nf_web_routes,
        .routes_n = nf_web_routes_n,
        .before = nf_web_before,
        .arg = w,
        .on_error = nf_web_on_error,
    };
    struct nf_user owner;
    int port;

    NF_TRY(nf_ensure_owner(w->o.app, &owner, err));
    w->owner_id = owner.id;
    NF_TRY(nf_http_server_new(w->o.loop, &options, &w->server, err));
    NF_TRY(nf_http_server_listen(w->server, w->o.server->listen, &port, err));
    set_address(w, port);
    NF_TRY(nf_web_set_hosts(w, err));
    if (w->o.server->socket[0])
        NF_TRY(nf_str_set(&w->socket_path, w->o.server->socket, err));
    else
        NF_TRY(nf_str_addf(&w->socket_path, err, "%s/nexflow.sock", w->o.data_dir));
    NF_TRY(nf_str_addf(&unix_address, err, "unix:%s", nf_str_c(&w->socket_path)));
    return nf_http_server_listen(w->server, nf_str_c(&unix_address), NULL, err);
}

const char *nf_web_address(const struct nf_web *w)
{
    return w->address;
}

enum nf_code nf_web_owner_link(struct nf_web *w, struct nf_str *ret, struct nf_err *err)
{
    struct nf_user owner;
    NF_TRY(w->o.app->users->ops->get(w->o.app->users, w->owner_id, &owner, err));
    return nf_web_make_link(w, &owner, owner.id, ret, err);
}

void nf_web_stop(struct nf_web *w, int64_t grace_ms)
{
    if (w->server)
        nf_http_server_stop(w->server, grace_ms);
}

void nf_web_free(struct nf_web *w)
{
    if (!w)
        return;
    nf_http_server_free(w->server);
    nf_hub_free(w->hub);
    nf_rate_free(w->rate);
    nf_str_done(&w->socket_path);
    for (size_t i = 0; i < w->hosts_n; i++)
        nf_str_done(&w->hosts[i]);
    free(w);
}

void nf_web_tell_peers(struct nf_web *w, void (*fn)(void *arg, const struct nf_str *line),
                       void *arg)
{
    nf_hub_tell_peers(w->hub, fn, arg);
}

void nf_web_hear(struct nf_web *w, const struct nf_json *line)
{
    nf_hub_hear(w->hub, line);
}
