/* Telegram calls us ("setWebhook"): a small server of its own, behind a proxy with TLS. */
#include "base/own.h"
#include "channels/telegram/telegram_internal.h"
#include "domain/said_bots.h"
#include "http/server.h"
#include "observe/log.h"
#include "observe/metrics.h"

#include <stdlib.h>
#include <string.h>

#define UPDATE_MAX ((size_t)4 << 20) /* bytes of one update */
#define CONNECTIONS_MAX 200
#define CALLS_MAX 40 /* "setWebhook", max_connections */
#define STOP_GRACE_MS 2000
#define SECRET_HEADER "X-Telegram-Bot-Api-Secret-Token"

/* --- a call ----------------------------------------------------------------------------------- */

static bool is_telegram(const struct nf_telegram *t, struct nf_http_exchange *x)
{
    struct nf_slice given = nf_http_request_header(x, SECRET_HEADER);
    return nf_http_request_header_count(x, SECRET_HEADER) == 1 &&
           given.n == NF_TELEGRAM_HOOK_SECRET &&
           nf_equal_const_time(given.p, t->hook_secret, NF_TELEGRAM_HOOK_SECRET);
}

/* It is accepted when this returns. NF_E_INVALID: it is no update. */
static NF_RC take(struct nf_telegram *t, struct nf_json_doc *doc, struct nf_err *err)
{
    const struct nf_json *update = nf_json_root(doc);
    int64_t id = nf_json_i64(nf_json_get(update, "update_id"), -1);
    size_t fresh;

    if (id < 0 || id == INT64_MAX) { /* nothing but an object has it */
        nf_json_free(doc);
        return nf_err_set(err, NF_E_INVALID, "the body is no object with an update_id");
    }
    NF_TRY(nf_telegram_offer(t, doc, update, &t->reading, &fresh, err));
    return nf_telegram_wait_done(&t->intake, id, t->settings->webhook_timeout_ms, err);
}

/* 200 only when it is committed; else Telegram brings it again. So an object that our reader of
 * JSON refuses, which would come again for a day and hold up its chat, is passed over. */
static int status_of(struct nf_telegram *t, struct nf_slice body, struct nf_err *why)
{
    struct nf_json_doc *doc = NULL;
    size_t blank = 0;

    while (blank < body.n && strchr(" \t\r\n", body.p[blank]) && body.p[blank])
        blank++;
    if (blank == body.n || body.p[blank] != '{') {
        (void)!nf_err_set(why, NF_E_INVALID, "the body is no object");
        return 400;
    }
    enum nf_code rc = nf_json_parse_piece(body.p, body.n, &doc, why);
    if (rc == NF_E_INVALID || rc == NF_E_LIMIT)
        return 200;
    if (rc == NF_OK)
        rc = take(t, doc, why);
    return rc == NF_OK ? 200 : rc == NF_E_INVALID ? 400 : 503;
}

static enum nf_code on_update(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_telegram *t = arg;
    struct nf_err why = { 0 };

    if (!is_telegram(t, x))
        return nf_http_respond(x, 403, NULL, "", 0, err);
    int status = status_of(t, nf_http_body(x), &why);
    if (why.msg[0])
        nf_log_warn("telegram.webhook.not_taken", "channel", t->chat.name, "err", why.msg, NULL);
    return nf_http_respond(x, status, NULL, "", 0, err);
}

static const struct nf_http_route routes[] = {
    { .method = "POST", .pattern = "/{path...}", .fn = on_update, .body_max = UPDATE_MAX },
};

static NF_RC listen(struct nf_telegram *t, struct nf_err *err)
{
    const struct nf_http_server_options o = {
        .limits = { .connections_max = CONNECTIONS_MAX, .body_max = UPDATE_MAX },
        .routes = routes,
        .routes_n = sizeof(routes) / sizeof(routes[0]),
        .arg = t,
    };
    int port = 0;

    if (t->hook)
        return NF_OK;
    nf_telegram_hook_secret(t->api, t->hook_secret);
    NF_TRY(nf_http_server_new(t->loop, &o, &t->hook, err));
    enum nf_code rc = nf_http_server_listen(t->hook, t->settings->webhook_listen, &port, err);
    if (rc != NF_OK)
        nf_telegram_stop_hook(t);
    return rc;
}

void nf_telegram_stop_hook(struct nf_telegram *t)
{
    if (!t->hook)
        return;
    nf_http_server_stop(t->hook, STOP_GRACE_MS);
    nf_http_server_free(t->hook);
    t->hook = NULL;
}

/* --- what Telegram knows about it ------------------------------------------------------------- */

static NF_RC set_webhook(struct nf_telegram *t, struct nf_telegram_answer *a, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };
    struct nf_json_out o;

    nf_json_begin_doc(&o, &body);
    nf_json_out_object(&o);
    nf_json_put_str(&o, "url", t->settings->webhook_url);
    nf_json_put_str(&o, "secret_token", t->hook_secret);
    nf_json_put_i64(&o, "max_connections", CALLS_MAX);
    nf_json_out_key(&o, "allowed_updates");
    nf_json_out_raw(&o, nf_telegram_allowed, strlen(nf_telegram_allowed));
    nf_json_out_end(&o);
    NF_TRY(nf_json_end_doc(&o, err));
    const struct nf_telegram_call c = { .method = "setWebhook",
                                        .body = nf_str_c(&body),
                                        .body_n = body.len };
    return nf_telegram_call(t->api, &c, a, err);
}

/* The sign of life: is it still ours, and does Telegram reach us? */
static NF_RC look(struct nf_telegram *t, struct nf_telegram_answer *a, struct nf_err *err)
{
    const struct nf_telegram_call c = { .method = "getWebhookInfo" };
    NF_TRY(nf_telegram_call(t->api, &c, a, err));
    const char *url = nf_json_str(nf_json_get(a->result, "url"));
    if (!url || strcmp(url, t->settings->webhook_url) != 0) {
        nf_log_warn("telegram.webhook.lost", "channel", t->chat.name, NULL);
        return set_webhook(t, a, err);
    }
    int64_t failed_ms = nf_json_i64(nf_json_get(a->result, "last_error_date"), 0) * 1000;
    const char *why = nf_json_str(nf_json_get(a->result, "last_error_message"));
    if (why && nf_telegram_now(t) - failed_ms < t->settings->deaf_after_ms) {
        nf_telegram_set_health(t, NF_CHAT_RETRYING, 0, why, NF_BOT_DO_WEBHOOK_URL);
        return NF_OK;
    }
    t->health.alive_ms = nf_telegram_now(t);
    nf_telegram_set_health(t, NF_CHAT_CONNECTED, 0, "", "");
    return NF_OK;
}

static NF_RC serve(struct nf_telegram *t, struct nf_err *err)
{
    NF_CLEANUP(nf_telegram_answer_done) struct nf_telegram_answer a = { 0 };
    int64_t every_ms = t->settings->deaf_after_ms / 3;
    struct nf_err why;
    enum nf_code rc = listen(t, &why);

    if (rc != NF_OK) {
        nf_telegram_set_health(t, NF_CHAT_REFUSED, 0, why.msg, NF_BOT_DO_WEBHOOK_LISTEN);
        return nf_err_set(err, rc, "%s", why.msg);
    }
    NF_TRY(set_webhook(t, &a, err));
    for (;;) {
        rc = look(t, &a, &why);
        if (rc == NF_E_CANCELED || rc == NF_E_DENIED)
            return nf_err_set(err, rc, "%s", why.msg);
        if (rc != NF_OK)
            nf_telegram_failed(t, &a, &why);
        NF_TRY(nf_sleep(every_ms, err));
    }
}

enum nf_code nf_telegram_serve_hook(struct nf_telegram *t, struct nf_err *err)
{
    struct nf_scope keeping;
    enum nf_code rc = nf_telegram_lease_begin(t, &keeping, err);
    if (rc == NF_OK)
        rc = serve(t, err);
    nf_telegram_lease_end(t, &keeping);
    if (rc == NF_E_DENIED || rc == NF_E_NOT_FOUND)
        nf_telegram_stop_hook(t);
    return rc;
}
