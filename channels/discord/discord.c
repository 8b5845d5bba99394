/* The adapter: its life, and how it is. */
#include "channels/discord/discord.h"

#include "base/own.h"
#include "base/utf8.h"
#include "channels/discord/discord_internal.h"
#include "domain/said_bots.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "runtime/fiber.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AGAIN_MIN_MS 1000
#define AGAIN_MAX_MS 30000
#define LEASE_EVERY_MS 10000
#define REFUSED_MS 300000 /* a refused token is looked at again: somebody may have erred */
#define COMPLAIN_MS 600000

/* View Channel, Send Messages, Attach Files, Read Message History, Create Public Threads, Send
 * Messages in Threads ("Bitwise Permission Flags") */
#define PERMISSIONS "309237746688"

static const struct nf_chat_adapter_ops ops;

static struct nf_discord *of(struct nf_chat_adapter *a)
{
    assert(a->ops == &ops);
    return nf_container_of(a, struct nf_discord, adapter);
}

int64_t nf_discord_now(void)
{
    return nf_clock_now_ms(nf_system_clock());
}

int64_t nf_discord_mono(void)
{
    return nf_clock_mono_us(nf_system_clock()) / 1000;
}

/* --- how it is -------------------------------------------------------------------------------- */

void nf_discord_set_health(struct nf_discord *d, enum nf_chat_state state, int64_t code,
                           const char *problem, const char *todo)
{
    static const char *const names[] = { "starting", "connected", "retrying", "refused",
                                         "standby" };
    struct nf_chat_health *h = &d->health;
    bool same = h->state == state && (strcmp(h->problem, problem) == 0 || !problem[0]);

    if (!same && state == NF_CHAT_CONNECTED)
        nf_log_info("discord.connected", "channel", d->chat.name, "bot", h->bot_name, NULL);
    else if (!same)
        nf_log_warn("discord.state", "channel", d->chat.name, "state", names[state], "problem",
                    problem, "todo", todo, NULL);
    h->state = state;
    h->code = code;
    if (state == NF_CHAT_CONNECTED && nf_discord_mono() < d->complaint_ms)
        return; /* what a channel forbids is told on */
    nf_utf8_copy(h->problem, sizeof(h->problem), problem);
    nf_utf8_copy(h->todo, sizeof(h->todo), todo);
}

void nf_discord_token_refused(struct nf_discord *d)
{
    nf_discord_set_health(d, NF_CHAT_REFUSED, 401, NF_BOT_DISCORD_TOKEN, NF_BOT_DO_DISCORD_TOKEN);
}

void nf_discord_complain(struct nf_discord *d, const char *problem, const char *todo)
{
    if (strcmp(d->health.problem, problem) != 0)
        nf_log_warn("discord.forbidden", "channel", d->chat.name, "problem", problem, "todo", todo,
                    NULL);
    d->complaint_ms = nf_discord_mono() + COMPLAIN_MS;
    nf_utf8_copy(d->health.problem, sizeof(d->health.problem), problem);
    nf_utf8_copy(d->health.todo, sizeof(d->health.todo), todo);
}

/* --- who we are ------------------------------------------------------------------------------- */

static NF_RC get(struct nf_discord *d, enum nf_rest_route route, const char *path,
                 struct nf_rest_answer *a, struct nf_err *err)
{
    const struct nf_rest_call c = { .route = route, .major = "", .path = path, .again = true };
    enum nf_code rc = nf_rest_do(d->rest, &c, a, err);
    if (rc == NF_OK || rc == NF_E_CANCELED)
        return rc;
    if (a->status == 401)
        nf_discord_token_refused(d);
    else
        nf_discord_set_health(d, NF_CHAT_RETRYING, a->status, err->msg, NF_BOT_DO_NETWORK);
    return rc;
}

/* "Get Current User", "Get Current Application" */
static NF_RC introduce(struct nf_discord *d, struct nf_err *err)
{
    NF_CLEANUP(nf_rest_answer_done) struct nf_rest_answer me = { 0 };
    NF_CLEANUP(nf_rest_answer_done) struct nf_rest_answer app = { 0 };

    NF_TRY(get(d, NF_REST_ME, "/users/@me", &me, err));
    NF_TRY(get(d, NF_REST_APPLICATION, "/applications/@me", &app, err));
    const char *name = nf_json_str(nf_json_get(me.body, "username"));
    if (!nf_discord_id(nf_json_get(me.body, "id"), d->self.id) || !name)
        return nf_err_set(err, NF_E_UNAVAILABLE, "/users/@me: the answer has no id and username");
    if (!nf_discord_id(nf_json_get(app.body, "id"), d->self.app))
        memcpy(d->self.app, d->self.id, sizeof(d->self.app));
    nf_utf8_copy(d->self.name, sizeof(d->self.name), name);
    nf_utf8_copy(d->health.bot_name, sizeof(d->health.bot_name), name);
    (void)snprintf(d->source, sizeof(d->source), "discord:%s", d->self.id);
    (void)snprintf(d->health.link, sizeof(d->health.link),
                   "https://discord.com/oauth2/authorize?client_id=%s&scope=bot+applications."
                   "commands&permissions=" PERMISSIONS,
                   d->self.app);
    return NF_OK;
}

/* --- one session of reading ------------------------------------------------------------------- */

static enum nf_code run_shard(void *arg, struct nf_err *err)
{
    struct nf_discord_shard *s = arg;
    for (;;) {
        struct nf_err why = { 0 };
        enum nf_code rc = nf_gateway_run(&s->gateway, &why);
        if (rc == NF_E_DENIED) { /* until a person has done something */
            nf_log_error("discord.fatal", "channel", s->d->chat.name, "err", why.msg, NULL);
            return NF_OK;
        }
        NF_TRY(nf_fiber_check("the gateway", err));
        nf_log_error("discord.gateway.broke", "channel", s->d->chat.name, "err", why.msg, NULL);
        NF_TRY(nf_sleep(AGAIN_MAX_MS, err));
    }
}

static enum nf_code put_menu(void *arg, struct nf_err *err)
{
    struct nf_discord *d = arg;
    int64_t ms = AGAIN_MIN_MS;
    for (;;) {
        struct nf_err why = { 0 };
        if (nf_discord_put_menu(d, &why) == NF_OK)
            return NF_OK;
        NF_TRY(nf_fiber_check("the menu", err));
        nf_log_warn("discord.menu.waits", "channel", d->chat.name, "err", why.msg, NULL);
        NF_TRY(nf_sleep(ms, err));
        ms = 2 * ms < REFUSED_MS ? 2 * ms : REFUSED_MS;
    }
}

/* What we write may be refused while the gateway still reads: nobody else would notice. Who we are
 * is asked anew: Discord may have erred, or says it again and is left alone then. */
static NF_RC check_token(const struct nf_discord *d, struct nf_err *err)
{
    if (!nf_rest_is_refused(d->rest))
        return NF_OK;
    nf_rest_try_again(d->rest);
    return nf_err_set(err, NF_E_UNAVAILABLE, "Discord refused the token, which it had taken");
}

/* Stay the only reader. Returns when we are not any more, or are to introduce ourselves anew. */
static NF_RC hold_lease(struct nf_discord *d, struct nf_err *err)
{
    int64_t held_ms = nf_discord_mono();
    for (;;) {
        struct nf_err why = { 0 };
        NF_TRY(nf_sleep(LEASE_EVERY_MS, err));
        enum nf_code rc = nf_chat_lease(d->channel, d->source, &why);
        if (rc == NF_OK)
            held_ms = nf_discord_mono();
        else if (rc == NF_E_CONFLICT || nf_discord_mono() - held_ms > NF_CHAT_LEASE_MS - 5000)
            return NF_OK;
        NF_TRY(nf_fiber_check("the lease", err));
        NF_TRY(check_token(d, err));
    }
}

static NF_RC count_shards(struct nf_discord *d, struct nf_err *err)
{
    NF_CLEANUP(nf_rest_answer_done) struct nf_rest_answer a = { 0 };
    int64_t n = d->settings->shards;

    if (n == 0) {
        NF_TRY(get(d, NF_REST_GATEWAY, "/gateway/bot", &a, err));
        n = nf_json_i64(nf_json_get(a.body, "shards"), 1);
    }
    d->shards_n = (int)(n < 1 ? 1 : n > NF_DISCORD_SHARDS_MAX ? NF_DISCORD_SHARDS_MAX : n);
    for (int i = 0; i < d->shards_n; i++)
        nf_discord_shard_init(&d->shards[i], d, i, d->shards_n);
    return NF_OK;
}

static NF_RC spawn_readers(struct nf_discord *d, struct nf_scope *s, struct nf_err *err)
{
    d->jobs_scope = s;
    NF_TRY(nf_scope_spawn(s, put_menu, d, NULL, err));
    NF_TRY(nf_scope_spawn(s, nf_discord_walk, d, NULL, err));
    NF_TRY(nf_scope_spawn(s, nf_discord_sweep, d, NULL, err));
    NF_TRY(nf_scope_spawn(s, nf_discord_keep_sessions, d, NULL, err));
    for (size_t i = 0; i < NF_DISCORD_LANES; i++)
        NF_TRY(nf_scope_spawn(s, nf_discord_run_lane, &d->lanes[i], NULL, err));
    for (int i = 0; i < d->shards_n; i++)
        NF_TRY(nf_scope_spawn(s, run_shard, &d->shards[i], NULL, err));
    return NF_OK;
}

static NF_RC read_until_lost(struct nf_discord *d, struct nf_err *err)
{
    NF_CLEANUP(nf_scope_done) struct nf_scope s;
    nf_scope_init(&s, d->loop);
    NF_TRY(spawn_readers(d, &s, err));
    enum nf_code rc = hold_lease(d, err);
    nf_discord_mark_sessions(d); /* while what is under way still counts as such */
    return rc;
}

static void stop_reading(struct nf_discord *d)
{
    for (int i = 0; i < d->shards_n; i++)
        nf_discord_shard_done(&d->shards[i]);
    d->shards_n = 0;
    d->jobs_scope = NULL;
    d->jobs = 0;
    nf_discord_close_lanes(d);
}

static NF_RC load_watermark(struct nf_discord *d, struct nf_err *err)
{
    char mark[NF_CURSOR_MAX + 1] = "";
    NF_TRY(nf_chat_cursor(d->channel, d->source, mark, err));
    bool ok = mark[0] && strlen(mark) <= NF_DISCORD_ID_MAX && !mark[strspn(mark, "0123456789")];
    if (ok) {
        nf_utf8_copy(d->watermark, sizeof(d->watermark), mark);
        return NF_OK;
    }
    /* The first time: from now on nothing is missed, and nothing before concerns us. */
    nf_discord_id_of_time(nf_discord_now() - NF_DISCORD_MARGIN_MS, d->watermark);
    return nf_chat_skip(d->channel, d->source, d->watermark, err);
}

static NF_RC read_once(struct nf_discord *d, struct nf_err *err)
{
    d->leased = false;
    NF_TRY(introduce(d, err));
    enum nf_code rc = nf_chat_lease(d->channel, d->source, err);
    if (rc == NF_E_CONFLICT)
        nf_discord_set_health(d, NF_CHAT_STANDBY, 0, NF_BOT_STANDBY, NF_BOT_DO_STANDBY);
    NF_TRY(rc);
    d->leased = true;
    NF_TRY(load_watermark(d, err));
    NF_TRY(count_shards(d, err));
    nf_discord_load_sessions(d);
    nf_discord_load_troubles(d);
    rc = nf_discord_open_lanes(d, err);
    if (rc == NF_OK)
        rc = read_until_lost(d, err);
    stop_reading(d);
    return rc;
}

static enum nf_code run(void *arg, struct nf_err *err)
{
    struct nf_discord *d = arg;
    int64_t wait_ms = AGAIN_MIN_MS;

    for (;;) {
        struct nf_err why = { 0 };
        int64_t began = nf_discord_mono();
        enum nf_code rc = read_once(d, &why);
        if (nf_fiber_cancelled() != NF_OK)
            return NF_OK;
        if (rc != NF_OK && rc != NF_E_CONFLICT)
            nf_log_warn("discord.waits", "channel", d->chat.name, "err", why.msg, NULL);
        if (nf_discord_mono() - began > AGAIN_MAX_MS)
            wait_ms = AGAIN_MIN_MS;
        if (nf_sleep(rc == NF_E_CONFLICT           ? LEASE_EVERY_MS
                     : nf_rest_is_refused(d->rest) ? REFUSED_MS
                                                   : wait_ms,
                     err) != NF_OK)
            return NF_OK;
        nf_rest_try_again(d->rest);
        wait_ms = 2 * wait_ms < AGAIN_MAX_MS ? 2 * wait_ms : AGAIN_MAX_MS;
    }
}

/* --- its life --------------------------------------------------------------------------------- */

static NF_RC register_metrics(struct nf_discord *d, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str labels = { 0 };

    NF_TRY(nf_metric_label(&labels, "channel", d->chat.name, err));
    const char *l = nf_str_c(&labels);
    d->events = nf_counter("nexflow_discord_events_total", "Events of the gateway", l);
    d->plain = nf_counter("nexflow_discord_plain_total",
                          "Texts that went without markup because Discord refused its form", l);
    d->caught_up = nf_counter("nexflow_discord_caught_up_total",
                              "Messages of people that REST told of and the gateway had not", l);
    nf_rest_measure(
        d->rest,
        nf_counter("nexflow_discord_limited_total", "Requests that Discord refused as too many", l),
        nf_gauge("nexflow_discord_waiting", "Requests that wait for a place", l));
    return NF_OK;
}

static enum nf_code start(struct nf_chat_adapter *a, struct nf_chat_channel *c,
                          struct nf_scope *scope, struct nf_err *err)
{
    struct nf_discord *d = of(a);

    (void)scope; /* what reads is closed by itself */
    d->channel = c;
    d->health.started_ms = nf_discord_now();
    d->health.deaf_ms = d->settings->deaf_after_ms;
    nf_scope_init(&d->reading, d->loop);
    d->started = true;
    return nf_scope_spawn(&d->reading, run, d, NULL, err);
}

static void close_adapter(struct nf_chat_adapter *a)
{
    struct nf_discord *d = of(a);
    struct nf_err ignored;
    if (!d->started)
        return;
    d->started = false;
    nf_scope_cancel(&d->reading);
    nf_scope_done(&d->reading);
    if (d->leased && nf_discord_save_sessions(d, &ignored) != NF_OK)
        nf_log_warn("discord.session.unwritten", "channel", d->chat.name, "err", ignored.msg, NULL);
    if (d->leased && nf_chat_unlease(d->channel, d->source, &ignored) != NF_OK)
        nf_log_debug("discord.lease.left", "channel", d->chat.name, NULL);
    d->leased = false;
}

static void free_adapter(struct nf_chat_adapter *a)
{
    if (!a)
        return;
    struct nf_discord *d = of(a);
    assert(!d->started);
    nf_discord_rendered_done(&d->rendered);
    nf_interactions_free(d->interactions);
    nf_places_free(d->places);
    nf_rest_free(d->rest);
    free(d);
}

static const struct nf_chat_adapter_ops ops = {
    .start = start,
    .close = close_adapter,
    .free = free_adapter,
};

enum nf_code nf_discord_new(const struct nf_discord_options *o, struct nf_chat_adapter **ret,
                            struct nf_err *err)
{
    NF_TRY(nf_err_wrap(err, nf_discord_token_check(nf_secret_reveal(&o->settings->token), err),
                       "token"));
    struct nf_discord *d = calloc(1, sizeof(*d));
    if (!d)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    d->chat = (struct nf_chat){ .ops = &nf_discord_chat_ops, .name = o->settings->name };
    d->adapter = (struct nf_chat_adapter){ .ops = &ops, .chat = &d->chat, .network = "discord" };
    d->loop = o->loop;
    d->http = o->http;
    d->settings = o->settings;
    d->generation = 1; /* a resumed session tells what was missed before it says so */
    const struct nf_rest_options rest = { .http = o->http,
                                          .clock = nf_system_clock(),
                                          .base = o->settings->api_base,
                                          .user_agent = NF_DISCORD_USER_AGENT,
                                          .token = &o->settings->token,
                                          .per_second = o->settings->requests_per_second,
                                          .shared = o->shared };
    enum nf_code rc = nf_rest_new(&rest, &d->rest, err);
    if (rc == NF_OK)
        rc = register_metrics(d, err); /* answers may go out before anything is read */
    if (rc == NF_OK)
        rc = nf_places_new(&d->places, err);
    if (rc == NF_OK)
        rc = nf_interactions_new(&d->interactions, err);
    if (rc != NF_OK) {
        free_adapter(&d->adapter);
        return rc;
    }
    *ret = &d->adapter;
    return NF_OK;
}
