/*
 * Discord's gateway, version 10, JSON with transport compression zlib-stream: one session of one
 * shard, kept alive as "Gateway" and "Opcodes and Status Codes" of Discord's documentation say. It
 * is straight-line code over a port, so that a test runs days of it without waiting: it has no
 * clock, no socket and no fiber of its own.
 *
 * A session is resumed whenever it can be. A new one is begun at most once a minute per shard, and
 * never beyond the starts that Discord grants per day, which are spread when they run low: over
 * them the token is reset.
 */
#pragma once

#include "base/secret.h"
#include "codec/json.h"
#include "codec/zlib_stream.h"

#define NF_GATEWAY_URL_MAX 512          /* bytes */
#define NF_GATEWAY_SESSION_MAX 128      /* bytes of a session's id */
#define NF_GATEWAY_MESSAGE_MAX 16777216 /* bytes of an event: GUILD_CREATE of a large server */
#define NF_GATEWAY_UNREAD_MAX 16        /* payloads of a connection that cannot be read */
#define NF_GATEWAY_SEND_MAX 4096        /* bytes; section "Sending Events" */
#define NF_GATEWAY_SENDS_MAX 120        /* in 60 s; section "Rate Limiting". We stay below. */
#define NF_GATEWAY_HELLO_MS 20000       /* Hello comes "immediately after connecting" */
#define NF_GATEWAY_IDENTIFY_MS 60000    /* between two new sessions of a shard at least */
#define NF_GATEWAY_KEY_MS 5000          /* between two of one rate limit key, whatever shard */
#define NF_GATEWAY_STARTS_LOW 100       /* so few left are spread over the rest of the day */
#define NF_GATEWAY_RESET_MS 86400000    /* starts are granted anew each day */
#define NF_GATEWAY_RESUMES_MAX 3        /* failures in a row before a new session is begun */
#define NF_GATEWAY_BACKOFF_MS 1000      /* doubles */
#define NF_GATEWAY_BACKOFF_MAX_MS 60000
#define NF_GATEWAY_STEADY_MS 30000 /* a connection that held so long was a good one */
#define NF_GATEWAY_KEYS_MAX 16     /* of identify limits: max_concurrency of the largest bots */

/* Intents, section "List of Intents". */
enum {
    NF_INTENT_GUILDS = 1 << 0,
    NF_INTENT_GUILD_MESSAGES = 1 << 9,
    NF_INTENT_DIRECT_MESSAGES = 1 << 12,
    NF_INTENT_MESSAGE_CONTENT = 1 << 15, /* privileged */
};
#define NF_INTENTS (NF_INTENT_GUILDS | NF_INTENT_GUILD_MESSAGES | NF_INTENT_DIRECT_MESSAGES)

/* What GET /gateway/bot says. */
struct nf_gateway_start {
    char url[NF_GATEWAY_URL_MAX + 1];
    int64_t shards, remaining, reset_after_ms, max_concurrency;
};

/* Port: the world of a gateway. Everything may suspend but now_ms, random, close_code, close and
 * tell. NF_E_CANCELED ends everything. */
struct nf_gateway_world {
    const struct nf_gateway_world_ops *ops;
};
struct nf_gateway_world_ops {
    int64_t (*now_ms)(struct nf_gateway_world *w); /* never steps */
    double (*random)(struct nf_gateway_world *w);  /* in [0, 1) */
    enum nf_code (*sleep)(struct nf_gateway_world *w, int64_t ms, struct nf_err *err);
    /* NF_E_DENIED: the token is refused. */
    enum nf_code (*ask)(struct nf_gateway_world *w, struct nf_gateway_start *ret,
                        struct nf_err *err);
    enum nf_code (*connect)(struct nf_gateway_world *w, const char *url, struct nf_err *err);
    enum nf_code (*send)(struct nf_gateway_world *w, const char *p, size_t n, struct nf_err *err);
    /* The next message of the web socket. NF_E_TIMEOUT: none within `timeout_ms`, go on. Else the
     * connection is over, and close_code says how: 1006 without a close frame. */
    enum nf_code (*recv)(struct nf_gateway_world *w, int64_t timeout_ms, const char **p, size_t *n,
                         struct nf_err *err);
    int (*close_code)(struct nf_gateway_world *w);
    void (*close)(struct nf_gateway_world *w, int code);
    /* An event, in order, each once; `d` is borrowed. NF_E_LIMIT: there is no room now, it is
     * offered again. Anything else but NF_OK ends the gateway. */
    enum nf_code (*event)(struct nf_gateway_world *w, const char *type, const struct nf_json *d,
                          struct nf_err *err);
    /* Something changed in what nf_gateway says about itself. */
    void (*tell)(struct nf_gateway_world *w);
};

/* When shards may identify: shared by those of one bot. The zero value is at its beginning. */
struct nf_gateway_gate {
    int64_t next_ms[NF_GATEWAY_KEYS_MAX];
};

enum nf_gateway_state {
    NF_GATEWAY_CONNECTING = 0,
    NF_GATEWAY_READY,
    NF_GATEWAY_WAITING, /* for the next try */
    NF_GATEWAY_FATAL,   /* a person must do something: `close_code` or `why` says what */
};

struct nf_gateway {
    struct nf_gateway_world *world;
    struct nf_gateway_gate *gate;
    const struct nf_secret *token;
    unsigned intents;
    int shard, shards;

    /* What it says about itself. */
    enum nf_gateway_state state;
    int64_t alive_ms;     /* of the world's clock: the newest heartbeat that was acknowledged */
    int close_code;       /* of the connection that ended last; 0: none has */
    bool content_refused; /* MESSAGE_CONTENT is not switched on for the bot: we go on without */
    char why[160];        /* why it is not ready; "" */
    int64_t identifies, resumes, connections;

    /* The session; id "": there is none. */
    char session[NF_GATEWAY_SESSION_MAX + 1];
    char resume_url[NF_GATEWAY_URL_MAX + 1];
    char url[NF_GATEWAY_URL_MAX + 1];
    int64_t seq; /* of the newest event that was taken; -1: none */
    int failures, resume_failures;
    int64_t identified_ms;

    /* The connection. */
    struct nf_zlib_stream *inflate;
    int64_t connected_ms, beat_ms, interval_ms, window_ms;
    int window_sends, unread;
    bool acked, resuming;
};

/* Everything is borrowed. shard 0 of 1: no sharding. */
void nf_gateway_init(struct nf_gateway *g, struct nf_gateway_world *w, struct nf_gateway_gate *gate,
                     const struct nf_secret *token, unsigned intents, int shard, int shards);
void nf_gateway_done(struct nf_gateway *g);
/* Go on with a session from before a restart: it began `age_ms` ago, `url` is its
 * resume_gateway_url, `seq` its newest event that was dealt with. session "": only its age counts.
 */
void nf_gateway_restore(struct nf_gateway *g, const char *session, const char *url, int64_t seq,
                        int64_t age_ms);

/* Run until it is cancelled (NF_E_CANCELED), or until trying again would be wrong: then state is
 * NF_GATEWAY_FATAL (NF_E_DENIED). Other errors are those of `event`. */
NF_RC nf_gateway_run(struct nf_gateway *g, struct nf_err *err);
