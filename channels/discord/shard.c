/* The world of a gateway: clock, REST, web socket. And what it says about itself, for people. */
#include "channels/discord/discord_internal.h"
#include "codec/hash.h"
#include "domain/said_bots.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "runtime/fiber.h"
#include "runtime/ws_client.h"

#include <stdio.h>
#include <string.h>

#define CONNECT_MS 15000

static struct nf_discord_shard *of(struct nf_gateway_world *w)
{
    return nf_container_of(w, struct nf_discord_shard, world);
}

static int64_t now_ms(struct nf_gateway_world *w)
{
    (void)w;
    return nf_discord_mono();
}

static double random01(struct nf_gateway_world *w)
{
    (void)w;
    return (double)(nf_random_u64() >> 11) / 9007199254740992.0; /* 53 bits */
}

static enum nf_code sleep_ms(struct nf_gateway_world *w, int64_t ms, struct nf_err *err)
{
    (void)w;
    return nf_sleep(ms, err);
}

/* A token goes to the gateway: never in the clear, but to this machine, where settings allow it. */
static bool may_connect(const struct nf_discord *d, const char *url)
{
    if (strncmp(url, "wss://", 6) == 0)
        return true;
    return strncmp(url, "ws://", 5) == 0 && strncmp(d->settings->api_base, "http://", 7) == 0;
}

static enum nf_code ask(struct nf_gateway_world *w, struct nf_gateway_start *ret,
                        struct nf_err *err)
{
    NF_CLEANUP(nf_rest_answer_done) struct nf_rest_answer a = { 0 };
    struct nf_discord *d = of(w)->d;
    const struct nf_rest_call c = {
        .route = NF_REST_GATEWAY, .major = "", .path = "/gateway/bot", .again = true
    };

    enum nf_code rc = nf_rest_do(d->rest, &c, &a, err);
    if (rc != NF_OK)
        return nf_rest_is_refused(d->rest) ? nf_err_wrap(err, NF_E_DENIED, "/gateway/bot") : rc;
    const char *url = nf_json_str(nf_json_get(a.body, "url"));
    const struct nf_json *limit = nf_json_get(a.body, "session_start_limit");
    if (!url || strlen(url) > NF_GATEWAY_URL_MAX || !may_connect(d, url))
        return nf_err_set(err, NF_E_UNAVAILABLE, "/gateway/bot: the answer has no usable url");
    *ret = (struct nf_gateway_start){
        .shards = nf_json_i64(nf_json_get(a.body, "shards"), 1),
        .remaining = nf_json_i64(nf_json_get(limit, "remaining"), 1),
        .reset_after_ms = nf_json_i64(nf_json_get(limit, "reset_after"), 0),
        .max_concurrency = nf_json_i64(nf_json_get(limit, "max_concurrency"), 1),
    };
    memcpy(ret->url, url, strlen(url) + 1);
    return NF_OK;
}

static enum nf_code connect_to(struct nf_gateway_world *w, const char *url, struct nf_err *err)
{
    struct nf_discord_shard *s = of(w);
    const struct nf_ws_client_options o = { .url = url,
                                            .message_max = NF_GATEWAY_MESSAGE_MAX,
                                            .handshake_timeout_ms = CONNECT_MS };
    if (!may_connect(s->d, url))
        return nf_err_set(err, NF_E_UNAVAILABLE, "the gateway's address is not wss://");
    return nf_ws_client_open(s->d->http, &o, &s->ws, err);
}

static enum nf_code send_text(struct nf_gateway_world *w, const char *p, size_t n,
                              struct nf_err *err)
{
    return nf_ws_client_send(of(w)->ws, p, n, true, err);
}

static enum nf_code recv_message(struct nf_gateway_world *w, int64_t timeout_ms, const char **p,
                                 size_t *n, struct nf_err *err)
{
    bool text;
    return nf_ws_client_recv(of(w)->ws, timeout_ms, p, n, &text, err);
}

static int close_code(struct nf_gateway_world *w)
{
    return of(w)->ws ? nf_ws_client_close_code(of(w)->ws) : 1006;
}

static void close_it(struct nf_gateway_world *w, int code)
{
    struct nf_discord_shard *s = of(w);
    nf_ws_client_close(s->ws, code);
    s->ws = NULL;
}

static enum nf_code event(struct nf_gateway_world *w, const char *type, const struct nf_json *d,
                          struct nf_err *err)
{
    struct nf_discord_shard *s = of(w);
    NF_TRY(nf_discord_dispatch(s->d, type, d, err));
    s->d->health.event_ms = nf_discord_now();
    nf_metric_add(s->d->events, 1);
    return NF_OK;
}

/* --- for people ------------------------------------------------------------------------------- */

/* What to do about a close code that no new connection mends. */
static const char *remedy(int code)
{
    switch (code) {
    case 4004:
        return NF_BOT_DO_DISCORD_TOKEN;
    case 4010:
    case 4011:
        return NF_BOT_DO_SHARDS;
    case 4013:
    case 4014:
        return NF_BOT_DO_INTENT;
    default:
        return NF_BOT_DO_NEWER;
    }
}

static void tell_fatal(struct nf_discord *d, const struct nf_gateway *g)
{
    nf_discord_set_health(d, NF_CHAT_REFUSED, g->close_code, g->why, remedy(g->close_code));
}

static void tell(struct nf_gateway_world *w)
{
    struct nf_discord_shard *s = of(w);
    struct nf_discord *d = s->d;
    int64_t oldest = INT64_MAX;
    const struct nf_gateway *bad = NULL;

    if (s->gateway.state == NF_GATEWAY_READY)
        s->alive_ms = nf_discord_now() - (nf_discord_mono() - s->gateway.alive_ms);
    for (int i = 0; i < d->shards_n; i++) {
        const struct nf_gateway *g = &d->shards[i].gateway;
        oldest = d->shards[i].alive_ms < oldest ? d->shards[i].alive_ms : oldest;
        if (g->state == NF_GATEWAY_FATAL) {
            tell_fatal(d, g);
            return;
        }
        if (g->state != NF_GATEWAY_READY)
            bad = g;
    }
    d->health.alive_ms = oldest;
    if (!bad)
        nf_discord_set_health(d, NF_CHAT_CONNECTED, 0, "", "");
    else if (bad->why[0])
        nf_discord_set_health(d, NF_CHAT_RETRYING, bad->close_code, bad->why, NF_BOT_DO_NOTHING);
    if (s->gateway.content_refused)
        nf_discord_complain(d, NF_BOT_DISCORD_CONTENT, remedy(4014));
}

static const struct nf_gateway_world_ops ops = { .now_ms = now_ms,
                                                 .random = random01,
                                                 .sleep = sleep_ms,
                                                 .ask = ask,
                                                 .connect = connect_to,
                                                 .send = send_text,
                                                 .recv = recv_message,
                                                 .close_code = close_code,
                                                 .close = close_it,
                                                 .event = event,
                                                 .tell = tell };

void nf_discord_shard_init(struct nf_discord_shard *s, struct nf_discord *d, int shard, int shards)
{
    unsigned intents = NF_INTENTS | (d->settings->listen.n > 0 ? NF_INTENT_MESSAGE_CONTENT : 0);
    *s = (struct nf_discord_shard){ .world.ops = &ops, .d = d };
    nf_gateway_init(&s->gateway, &s->world, &d->gate, &d->settings->token, intents, shard, shards);
}

void nf_discord_shard_done(struct nf_discord_shard *s)
{
    nf_ws_client_close(s->ws, 4000); /* 1000 would end the session */
    s->ws = NULL;
    nf_gateway_done(&s->gateway);
}
