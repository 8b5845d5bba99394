/* The adapter: its life, and how it is. */
#include "channels/telegram/telegram.h"

#include "base/own.h"
#include "base/utf8.h"
#include "channels/telegram/telegram_internal.h"
#include "domain/said_bots.h"
#include "observe/log.h"
#include "observe/metrics.h"

#include <stdlib.h>
#include <string.h>

#define AGAIN_MIN_MS 1000
#define AGAIN_MAX_MS 30000
#define REFUSED_MS 300000 /* a refused token is tried again: the server may have erred */

static const struct nf_chat_adapter_ops ops;

static struct nf_telegram *of(struct nf_chat_adapter *a)
{
    assert(a->ops == &ops);
    return nf_container_of(a, struct nf_telegram, adapter);
}

int64_t nf_telegram_now(const struct nf_telegram *t)
{
    (void)t;
    return nf_clock_now_ms(nf_system_clock());
}

int64_t nf_telegram_mono(const struct nf_telegram *t)
{
    (void)t;
    return nf_clock_mono_us(nf_system_clock()) / 1000;
}

/* --- how it is -------------------------------------------------------------------------------- */

void nf_telegram_set_health(struct nf_telegram *t, enum nf_chat_state state, int64_t code,
                            const char *problem, const char *todo)
{
    static const char *const names[] = { "starting", "connected", "retrying", "refused",
                                         "standby" };
    struct nf_chat_health *h = &t->health;
    bool same = h->state == state && strcmp(h->problem, problem) == 0;

    if (!same && state == NF_CHAT_CONNECTED)
        nf_log_info("telegram.connected", "channel", t->chat.name, "bot", h->bot_name, NULL);
    else if (!same)
        nf_log_warn("telegram.state", "channel", t->chat.name, "state", names[state], "problem",
                    problem, "todo", todo, NULL);
    h->state = state;
    h->code = code;
    nf_utf8_copy(h->problem, sizeof(h->problem), problem);
    nf_utf8_copy(h->todo, sizeof(h->todo), todo);
}

void nf_telegram_failed(struct nf_telegram *t, const struct nf_telegram_answer *a,
                        const struct nf_err *why)
{
    if (a->status == 401)
        nf_telegram_set_health(t, NF_CHAT_REFUSED, 401, NF_BOT_TELEGRAM_TOKEN,
                               NF_BOT_DO_TELEGRAM_TOKEN);
    else if (a->status == 404)
        nf_telegram_set_health(t, NF_CHAT_REFUSED, 404, NF_BOT_TELEGRAM_UNKNOWN,
                               NF_BOT_DO_CHECK_BASE);
    else
        nf_telegram_set_health(t, NF_CHAT_RETRYING, a->status, why->msg,
                               a->status == 429 ? NF_BOT_DO_NOTHING : NF_BOT_DO_NETWORK);
}

/* --- its life --------------------------------------------------------------------------------- */

static NF_RC get_me(struct nf_telegram *t, struct nf_telegram_answer *a, struct nf_err *err)
{
    const struct nf_telegram_call c = { .method = "getMe" };
    NF_CLEANUP(nf_str_done) struct nf_str link = { .max = sizeof(t->health.link) };

    NF_TRY(nf_telegram_call(t->api, &c, a, err));
    const char *name = nf_json_str(nf_json_get(a->result, "username"));
    t->self.id = nf_json_i64(nf_json_get(a->result, "id"), 0);
    if (t->self.id <= 0)
        return nf_err_set(err, NF_E_UNAVAILABLE, "getMe: the answer has no id");
    if (!name || !name[0] || strlen(name) >= sizeof(t->self.name) - 1)
        return NF_OK; /* it has one always, and groups need it */
    nf_utf8_copy(t->self.name, sizeof(t->self.name), name);
    t->health.bot_name[0] = '@';
    nf_utf8_copy(t->health.bot_name + 1, sizeof(t->health.bot_name) - 1, name);
    NF_TRY(nf_str_addf(&link, err, "https://t.me/%s", name));
    nf_utf8_copy(t->health.link, sizeof(t->health.link), nf_str_c(&link));
    return NF_OK;
}

static NF_RC read_updates(struct nf_telegram *t, struct nf_err *err)
{
    NF_CLEANUP(nf_telegram_answer_done) struct nf_telegram_answer a = { 0 };
    struct nf_err why;
    enum nf_code rc = get_me(t, &a, &why);

    if (rc != NF_OK) {
        if (rc != NF_E_CANCELED)
            nf_telegram_failed(t, &a, &why);
        return nf_err_set(err, rc, "%s", why.msg);
    }
    t->health.alive_ms = nf_telegram_now(t);
    if (!t->menu)
        NF_TRY(nf_telegram_put_menu(t, err));
    if (t->settings->mode == NF_TELEGRAM_WEBHOOK)
        return nf_telegram_serve_hook(t, err);
    return nf_telegram_poll(t, err);
}

static enum nf_code run(void *arg, struct nf_err *err)
{
    struct nf_telegram *t = arg;
    int64_t wait_ms = AGAIN_MIN_MS;
    struct nf_err why;

    for (;;) {
        int64_t began = nf_telegram_mono(t);
        if (read_updates(t, &why) == NF_E_CANCELED || nf_fiber_cancelled() != NF_OK)
            return NF_OK;
        if (nf_telegram_mono(t) - began > AGAIN_MAX_MS)
            wait_ms = AGAIN_MIN_MS;
        if (nf_sleep(t->health.state == NF_CHAT_REFUSED ? REFUSED_MS : wait_ms, err) != NF_OK)
            return NF_OK;
        wait_ms = 2 * wait_ms < AGAIN_MAX_MS ? 2 * wait_ms : AGAIN_MAX_MS;
    }
}

static NF_RC register_metrics(struct nf_telegram *t, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str labels = { 0 };
    struct nf_telegram_metrics *m = &t->metrics;

    NF_TRY(nf_metric_label(&labels, "channel", t->chat.name, err));
    const char *l = nf_str_c(&labels);
    m->updates = nf_counter("nexflow_telegram_updates_total", "Updates that came", l);
    m->polls = nf_counter("nexflow_telegram_polls_total", "Polls that were answered", l);
    m->calls = nf_counter("nexflow_telegram_calls_total", "Messages and edits that went out", l);
    m->refused = nf_counter("nexflow_telegram_refused_total",
                            "Calls that Telegram refused because there were too many", l);
    m->plain = nf_counter("nexflow_telegram_plain_total",
                          "Texts that went without entities because Telegram refused these", l);
    return NF_OK;
}

static enum nf_code start(struct nf_chat_adapter *a, struct nf_chat_channel *c,
                          struct nf_scope *scope, struct nf_err *err)
{
    struct nf_telegram *t = of(a);

    (void)scope; /* what reads is closed by itself */
    t->channel = c;
    t->health.started_ms = nf_telegram_now(t);
    t->health.deaf_ms = t->settings->deaf_after_ms;
    nf_scope_init(&t->reading, t->loop);
    t->started = true;
    return nf_scope_spawn(&t->reading, run, t, NULL, err);
}

static void close_adapter(struct nf_chat_adapter *a)
{
    struct nf_telegram *t = of(a);
    if (!t->started)
        return;
    t->started = false;
    nf_scope_cancel(&t->reading); /* calls of the webhook that wait get their 503 */
    nf_telegram_stop_hook(t);
    nf_scope_done(&t->reading);
}

static void free_adapter(struct nf_chat_adapter *a)
{
    if (!a)
        return;
    struct nf_telegram *t = of(a);
    assert(!t->started);
    nf_telegram_intake_done(&t->intake);
    nf_telegram_rendered_done(&t->rendered);
    nf_telegram_budget_done(&t->budget);
    nf_telegram_api_free(t->api);
    free(t);
}

static const struct nf_chat_adapter_ops ops = {
    .start = start,
    .close = close_adapter,
    .free = free_adapter,
};

enum nf_code nf_telegram_new(const struct nf_telegram_options *o, struct nf_chat_adapter **ret,
                             struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str source = { .max = NF_CURSOR_SOURCE_MAX + 1 };
    NF_CLEANUP(nf_str_done) struct nf_str held = { .max = NF_CURSOR_SOURCE_MAX + 1 };
    struct nf_telegram *t = calloc(1, sizeof(*t));

    if (!t)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    t->chat = (struct nf_chat){ .ops = &nf_telegram_chat_ops, .name = o->settings->name };
    t->adapter = (struct nf_chat_adapter){ .ops = &ops, .chat = &t->chat, .network = "telegram" };
    t->loop = o->loop;
    t->settings = o->settings;
    t->shared = o->shared;
    t->part_max = NF_TELEGRAM_PART_MAX;
    t->intake.by_offset = o->settings->mode == NF_TELEGRAM_POLL;
    nf_telegram_budget_init(&t->budget, o->settings->messages_per_second);
    enum nf_code rc =
        nf_telegram_api_new(o->http, o->settings->api_base, &o->settings->token, &t->api, err);
    if (rc == NF_OK)
        rc = register_metrics(t, err); /* answers may go out before anything is read */
    if (rc == NF_OK)
        rc = nf_str_addf(&source, err, "telegram:%s", nf_telegram_bot_id(t->api));
    if (rc == NF_OK)
        rc = nf_str_addf(&held, err, "held:telegram:%s", nf_telegram_bot_id(t->api));
    if (rc != NF_OK) {
        free_adapter(&t->adapter);
        return rc;
    }
    memcpy(t->source, source.p, source.len + 1);
    memcpy(t->held_source, held.p, held.len + 1);
    *ret = &t->adapter;
    return NF_OK;
}
