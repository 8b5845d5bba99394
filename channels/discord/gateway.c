#include "channels/discord/gateway_send.h"

#include "base/own.h"
#include "domain/said_bots.h"
#include "observe/log.h"

#include <stdio.h>
#include <string.h>

#define QUERY "?v=10&encoding=json&compress=zlib-stream"
#define FULL_MS 50      /* until an event is offered again */
#define KEEP_SENDS 10   /* of a minute's sends, for heartbeats of our own */
#define INTERVAL_MIN 50 /* of heartbeats; less is none */
#define INTERVAL_MAX 3600000
#define CLOSE_ZOMBIE 4000 /* any code but 1000 and 1001 keeps the session */

static int64_t now(const struct nf_gateway *g)
{
    return g->world->ops->now_ms(g->world);
}

/* `why` NULL: it is what it was. */
static void become(struct nf_gateway *g, enum nf_gateway_state state, const char *why)
{
    g->state = state;
    if (why)
        (void)snprintf(g->why, sizeof(g->why), "%.*s", (int)sizeof(g->why) - 1, why);
    g->world->ops->tell(g->world);
}

static void forget_session(struct nf_gateway *g)
{
    g->session[0] = '\0';
    g->seq = -1;
    g->resume_failures = 0;
}

void nf_gateway_init(struct nf_gateway *g, struct nf_gateway_world *w, struct nf_gateway_gate *gate,
                     const struct nf_secret *token, unsigned intents, int shard, int shards)
{
    *g = (struct nf_gateway){ .world = w,
                              .gate = gate,
                              .token = token,
                              .intents = intents,
                              .shard = shard,
                              .shards = shards,
                              .seq = -1,
                              .identified_ms = -NF_GATEWAY_IDENTIFY_MS };
}

void nf_gateway_restore(struct nf_gateway *g, const char *session, const char *url, int64_t seq,
                        int64_t age_ms)
{
    g->identified_ms = now(g) - age_ms;
    if (!session[0] || !url[0] || seq < 0 || strlen(session) >= sizeof(g->session) ||
        strlen(url) >= sizeof(g->resume_url))
        return;
    memcpy(g->session, session, strlen(session) + 1);
    memcpy(g->resume_url, url, strlen(url) + 1);
    g->seq = seq;
}

void nf_gateway_done(struct nf_gateway *g)
{
    nf_zlib_stream_free(g->inflate);
    g->inflate = NULL;
}

/* --- receiving -------------------------------------------------------------------------------- */

/* One payload, or NF_OK with *ret NULL when the time is up. */
static NF_RC next_payload(struct nf_gateway *g, int64_t until_ms, struct nf_json_doc **ret,
                          struct nf_err *err)
{
    const char *p, *text = NULL;
    size_t n, text_n = 0;

    *ret = NULL;
    while (!text) {
        int64_t left = until_ms - now(g);
        enum nf_code rc = g->world->ops->recv(g->world, left > 0 ? left : 0, &p, &n, err);
        if (rc == NF_E_TIMEOUT)
            return NF_OK;
        NF_TRY(rc);
        NF_TRY(nf_zlib_stream_feed(g->inflate, p, n, &text, &text_n, err));
    }
    /* What cannot be read would come again with every resumed session: it is passed by. */
    struct nf_err why;
    enum nf_code rc = nf_json_parse_piece(text, text_n, ret, &why);
    if (rc != NF_E_INVALID && rc != NF_E_LIMIT)
        return rc == NF_OK ? NF_OK : nf_err_set(err, rc, "%s", why.msg);
    nf_log_warn("discord.payload.unread", "err", why.msg, NULL);
    return ++g->unread < NF_GATEWAY_UNREAD_MAX
               ? NF_OK
               : nf_err_set(err, NF_E_INVALID, "the gateway says nothing that can be read");
}

static void copy_text(char *to, size_t size, const struct nf_json *v)
{
    const char *text = nf_json_str(v);
    if (text && strlen(text) < size)
        memcpy(to, text, strlen(text) + 1);
}

/* The session works: what failed before is forgotten. */
static void settle(struct nf_gateway *g)
{
    g->resume_failures = 0;
    g->alive_ms = now(g);
    become(g, NF_GATEWAY_READY, "");
}

static NF_RC check_heartbeat(struct nf_gateway *g, struct nf_err *err)
{
    int64_t t = now(g);
    if (t < g->beat_ms)
        return NF_OK;
    if (!g->acked)
        return nf_err_set(err, NF_E_TIMEOUT, "the gateway acknowledged no heartbeat for %lld ms",
                          (long long)g->interval_ms);
    g->acked = false;
    g->beat_ms += g->interval_ms;
    if (g->beat_ms <= t) /* the process was stopped meanwhile */
        g->beat_ms = t + g->interval_ms;
    return nf_gateway_send_heartbeat(g, err);
}

/* Hand an event on; heartbeats go on while there is no room for it. */
static NF_RC hand_on(struct nf_gateway *g, const char *type, const struct nf_json *d,
                     struct nf_err *err)
{
    enum nf_code rc;
    while ((rc = g->world->ops->event(g->world, type, d, err)) == NF_E_LIMIT) {
        NF_TRY(g->world->ops->sleep(g->world, FULL_MS, err));
        g->acked = true; /* we do not read: nobody knows */
        NF_TRY(check_heartbeat(g, err));
    }
    return rc;
}

static NF_RC take_event(struct nf_gateway *g, const struct nf_json *payload, struct nf_err *err)
{
    const char *type = nf_json_str(nf_json_get(payload, "t"));
    const struct nf_json *d = nf_json_get(payload, "d");
    int64_t seq = nf_json_i64(nf_json_get(payload, "s"), -1);

    if (!type || seq < 0)
        return nf_err_set(err, NF_E_INVALID, "an event without its type or number");
    if (strcmp(type, "READY") == 0) {
        forget_session(g);
        copy_text(g->session, sizeof(g->session), nf_json_get(d, "session_id"));
        copy_text(g->resume_url, sizeof(g->resume_url), nf_json_get(d, "resume_gateway_url"));
    } else if (g->seq >= 0 && seq <= g->seq) {
        return NF_OK; /* replayed though we had it */
    }
    NF_TRY(hand_on(g, type, d, err));
    g->seq = seq;
    if (strcmp(type, "READY") == 0 || strcmp(type, "RESUMED") == 0)
        settle(g);
    return NF_OK;
}

/* The first session of all is refused if another of the bot began within 5 s, before a restart,
 * say. Nothing was begun, so it is tried again soon, but once. */
static void allow_second_try(struct nf_gateway *g)
{
    if (g->identifies == 1)
        g->identified_ms = now(g) - NF_GATEWAY_IDENTIFY_MS + NF_GATEWAY_KEY_MS + 1000;
}

/* What one payload asks for. NF_E_CONFLICT: the connection is to be ended, and resumed if there is
 * still a session. */
static NF_RC take_payload(struct nf_gateway *g, const struct nf_json *payload, struct nf_err *err)
{
    switch (nf_json_i64(nf_json_get(payload, "op"), -1)) {
    case NF_OP_DISPATCH:
        return take_event(g, payload, err);
    case NF_OP_HEARTBEAT:
        return nf_gateway_may_send(g, KEEP_SENDS) ? nf_gateway_send_heartbeat(g, err) : NF_OK;
    case NF_OP_ACK:
        g->acked = true;
        if (g->state == NF_GATEWAY_READY) {
            g->alive_ms = now(g);
            g->world->ops->tell(g->world);
        }
        return NF_OK;
    case NF_OP_RECONNECT:
        return nf_err_set(err, NF_E_CONFLICT, "the gateway asked us to connect again");
    case NF_OP_INVALID_SESSION:
        if (!nf_json_bool(nf_json_get(payload, "d"), false))
            forget_session(g);
        if (!g->resuming && g->state != NF_GATEWAY_READY)
            allow_second_try(g);
        return nf_err_set(err, NF_E_CONFLICT, "the gateway does not know the session");
    default: /* what a later version says */
        return NF_OK;
    }
}

/* --- one connection --------------------------------------------------------------------------- */

static NF_RC wait_for_hello(struct nf_gateway *g, struct nf_err *err)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;

    NF_TRY(next_payload(g, now(g) + NF_GATEWAY_HELLO_MS, &doc, err));
    const struct nf_json *hello = doc ? nf_json_root(doc) : NULL;
    g->interval_ms = nf_json_i64(nf_json_get(nf_json_get(hello, "d"), "heartbeat_interval"), 0);
    if (!hello || nf_json_i64(nf_json_get(hello, "op"), -1) != NF_OP_HELLO ||
        g->interval_ms < INTERVAL_MIN || g->interval_ms > INTERVAL_MAX)
        return nf_err_set(err, NF_E_INVALID, "the gateway did not say hello");
    g->acked = true;
    g->beat_ms = now(g) + (int64_t)((double)g->interval_ms * g->world->ops->random(g->world));
    return NF_OK;
}

static NF_RC converse(struct nf_gateway *g, struct nf_err *err)
{
    NF_TRY(wait_for_hello(g, err));
    g->resuming = g->session[0] != '\0';
    if (g->resuming)
        NF_TRY(nf_gateway_send_resume(g, err));
    else
        NF_TRY(nf_gateway_send_identify(g, err));
    for (;;) {
        NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
        NF_TRY(check_heartbeat(g, err));
        NF_TRY(next_payload(g, g->beat_ms, &doc, err));
        if (doc)
            NF_TRY(take_payload(g, nf_json_root(doc), err));
    }
}

static NF_RC connect_once(struct nf_gateway *g, struct nf_err *err)
{
    char url[NF_GATEWAY_URL_MAX + sizeof(QUERY) + 2];
    const char *base = g->session[0] && g->resume_url[0] ? g->resume_url : g->url;
    size_t n = strlen(base);

    (void)snprintf(url, sizeof(url), "%s%s%s", base, n > 0 && base[n - 1] == '/' ? "" : "/", QUERY);
    nf_gateway_done(g);
    NF_TRY(nf_zlib_stream_new(NF_GATEWAY_MESSAGE_MAX, &g->inflate, err));
    g->window_sends = g->unread = 0;
    g->window_ms = now(g);
    g->connections++;
    become(g, NF_GATEWAY_CONNECTING, NULL);
    return g->world->ops->connect(g->world, url, err);
}

/* --- between two connections ------------------------------------------------------------------ */

/* Section "Gateway Close Event Codes". */
static bool is_fatal(int code)
{
    return code == 4004 || (code >= 4010 && code <= 4013);
}

static bool ends_session(int code)
{
    return code == 1000 || code == 1001 || code == 4003 || code == 4007 || code == 4009;
}

/* What the end of a connection means. NF_E_DENIED: do not try again. */
static NF_RC judge(struct nf_gateway *g, int code, const char *why, struct nf_err *err)
{
    char text[sizeof(g->why)];

    g->close_code = code;
    if (code == 4014 && (g->intents & NF_INTENT_MESSAGE_CONTENT)) {
        g->intents &= ~(unsigned)NF_INTENT_MESSAGE_CONTENT;
        g->content_refused = true;
        g->identified_ms = now(g) - NF_GATEWAY_IDENTIFY_MS; /* once, and nothing was begun */
        forget_session(g);
    } else if (is_fatal(code) || code == 4014) {
        (void)snprintf(text, sizeof(text), NF_BOT_DISCORD_CLOSED, code);
        forget_session(g);
        become(g, NF_GATEWAY_FATAL, text);
        return nf_err_set(err, NF_E_DENIED, "%s", text);
    } else if (ends_session(code)) {
        forget_session(g);
    }
    if (g->resuming && g->state != NF_GATEWAY_READY &&
        ++g->resume_failures >= NF_GATEWAY_RESUMES_MAX)
        forget_session(g);
    bool steady = g->state == NF_GATEWAY_READY && now(g) - g->connected_ms >= NF_GATEWAY_STEADY_MS;
    g->failures = steady ? 0 : g->failures + 1;
    become(g, NF_GATEWAY_WAITING, why);
    return NF_OK;
}

static NF_RC wait_ms(struct nf_gateway *g, int64_t ms, struct nf_err *err)
{
    return ms > 0 ? g->world->ops->sleep(g->world, ms, err) : NF_OK;
}

static NF_RC back_off(struct nf_gateway *g, struct nf_err *err)
{
    int64_t ms = 0;
    if (g->failures > 0) {
        int shift = g->failures < 8 ? g->failures - 1 : 7;
        ms = (int64_t)NF_GATEWAY_BACKOFF_MS << shift;
        ms = ms > NF_GATEWAY_BACKOFF_MAX_MS ? NF_GATEWAY_BACKOFF_MAX_MS : ms;
        ms = (int64_t)((double)ms * (0.5 + g->world->ops->random(g->world) / 2));
    }
    return wait_ms(g, ms, err);
}

/* Ask until there is an answer: without one there is no address. */
static NF_RC ask(struct nf_gateway *g, struct nf_gateway_start *start, struct nf_err *err)
{
    for (;;) {
        struct nf_err why = { 0 };
        enum nf_code rc = g->world->ops->ask(g->world, start, &why);
        if (rc == NF_OK) {
            memcpy(g->url, start->url, sizeof(g->url));
            if (start->reset_after_ms > NF_GATEWAY_RESET_MS)
                start->reset_after_ms = NF_GATEWAY_RESET_MS;
            return NF_OK;
        }
        if (rc == NF_E_CANCELED)
            return nf_err_set(err, rc, "%s", why.msg);
        if (rc == NF_E_DENIED) {
            become(g, NF_GATEWAY_FATAL, why.msg);
            return nf_err_set(err, rc, "%s", why.msg);
        }
        g->failures++;
        become(g, NF_GATEWAY_WAITING, why.msg);
        NF_TRY(back_off(g, err));
    }
}

/* How long between two new sessions: what is left of the day's starts must last. The first after a
 * restart is to be soon, but not refused. */
static int64_t spacing_ms(const struct nf_gateway *g, const struct nf_gateway_start *s)
{
    int64_t ms = g->identifies == 0 ? NF_GATEWAY_KEY_MS + 1000 : NF_GATEWAY_IDENTIFY_MS;
    if (s->remaining < NF_GATEWAY_STARTS_LOW && s->remaining > 0 &&
        s->reset_after_ms / s->remaining > ms)
        ms = s->reset_after_ms / s->remaining;
    return ms;
}

/* Wait until a new session may be begun: within what Discord grants per day, in our turn among the
 * shards, and not twice in a minute. */
static NF_RC wait_for_turn(struct nf_gateway *g, struct nf_err *err)
{
    struct nf_gateway_start start = { 0 };
    for (;;) {
        NF_TRY(ask(g, &start, err));
        if (start.remaining > 0)
            break;
        become(g, NF_GATEWAY_WAITING, "Discord grants no more new sessions for now");
        NF_TRY(wait_ms(g, start.reset_after_ms > 1000 ? start.reset_after_ms : 1000, err));
    }
    NF_TRY(wait_ms(g, g->identified_ms + spacing_ms(g, &start) - now(g), err));
    int64_t keys = start.max_concurrency > 0 ? start.max_concurrency : 1;
    int64_t *next = &g->gate->next_ms[g->shard % keys % NF_GATEWAY_KEYS_MAX];
    int64_t mine = *next > now(g) ? *next : now(g);
    *next = mine + NF_GATEWAY_KEY_MS;
    return wait_ms(g, mine - now(g), err);
}

static NF_RC run_connection(struct nf_gateway *g, struct nf_err *err)
{
    struct nf_err why = { 0 };
    int code = 0;

    if (!g->session[0])
        NF_TRY(wait_for_turn(g, err));
    g->resuming = g->session[0] != '\0';
    enum nf_code rc = connect_once(g, &why);
    g->connected_ms = now(g);
    if (rc == NF_OK) {
        rc = converse(g, &why);
        code = rc == NF_E_NOT_FOUND || rc == NF_E_UNAVAILABLE ? g->world->ops->close_code(g->world)
                                                              : CLOSE_ZOMBIE;
        /* Whoever starts again resumes the session. */
        g->world->ops->close(g->world, CLOSE_ZOMBIE);
    }
    if (rc == NF_E_CANCELED || rc == NF_E_NOMEM || rc == NF_E_INTERNAL)
        return nf_err_set(err, rc, "%s", why.msg);
    return judge(g, code, why.msg, err);
}

enum nf_code nf_gateway_run(struct nf_gateway *g, struct nf_err *err)
{
    for (;;) {
        NF_TRY(run_connection(g, err));
        NF_TRY(back_off(g, err));
    }
}
