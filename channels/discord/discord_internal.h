/* What the files of the Discord adapter share. */
#pragma once

#include "channels/discord/discord.h"
#include "channels/discord/gateway.h"
#include "channels/discord/interactions.h"
#include "channels/discord/markup.h"
#include "channels/discord/message.h"
#include "channels/discord/places.h"
#include "channels/discord/rest.h"

#define NF_DISCORD_LANES 32       /* channels are read beside each other in so many fibers */
#define NF_DISCORD_LANE_QUEUE 64  /* events that wait in one */
#define NF_DISCORD_SHARDS_MAX 16  /* of one bot in one process: 40,000 servers */
#define NF_DISCORD_PATH_MAX 600   /* bytes: a path with an interaction's token */
#define NF_DISCORD_FLUSH_MS 30000 /* between two notes of how far everything was read */
#define NF_DISCORD_DELETED_MAX 64
#define NF_DISCORD_TROUBLES_MAX 32   /* channels in which something is forbidden */
#define NF_DISCORD_TROUBLE_MS 600000 /* until the same is looked at anew */
#define NF_DISCORD_MARGIN_MS 10000   /* the clock of ids is Discord's */

struct nf_metric;
struct nf_discord;

/* A shard: its gateway and the world it lives in. */
struct nf_discord_shard {
    struct nf_gateway_world world;
    struct nf_gateway gateway;
    struct nf_discord *d;
    struct nf_ws_client *ws;
    int64_t alive_ms; /* wall clock, as began_ms: */
    int64_t began_ms; /* when its session was begun */
};

/* A session of the gateway as it is written down. */
struct nf_discord_session {
    char id[NF_GATEWAY_SESSION_MAX + 1], url[NF_GATEWAY_URL_MAX + 1];
    int64_t seq; /* until then everything was dealt with */
    int64_t intents, began_ms;
    int shards;
    bool dirty;
};

/* The text that was cut last: a run shows the same one again and again. */
struct nf_discord_rendered {
    struct nf_str markdown;
    struct nf_discord_parts parts;
    bool valid;
};

/* What a role has to be allowed. */
enum nf_discord_may {
    NF_DISCORD_MAY_WRITE = 0,
    NF_DISCORD_MAY_READ,
    NF_DISCORD_MAY_OPEN_THREADS,
};

/* A channel in which we may not do what we should. */
struct nf_discord_trouble {
    char channel[NF_DISCORD_ID_MAX + 1];
    enum nf_discord_may kind;
    int64_t told_ms; /* 0: before a restart */
};

struct nf_discord_lane {
    struct nf_discord *d;
    struct nf_chan *queue; /* of struct nf_discord_work, owned */
};

struct nf_discord {
    struct nf_chat_adapter adapter;
    struct nf_chat chat;
    struct nf_loop *loop;
    struct nf_http_client *http;
    const struct nf_discord_settings *settings;
    struct nf_rest *rest;
    struct nf_chat_channel *channel; /* since start */
    struct nf_discord_self self;     /* since the first answer to who we are */
    char source[NF_CURSOR_SOURCE_MAX + 1];
    struct nf_places *places;
    struct nf_interactions *interactions;
    struct nf_scope reading;     /* the fiber that keeps us reading */
    struct nf_scope *jobs_scope; /* of interactions, while it reads */
    bool started, leased;
    size_t jobs, works;    /* interactions, and messages, that are being dealt with */
    uint64_t generation;   /* of the session: what was looked at in another may have missed some */
    bool all_wanted, walk; /* channels are to be looked at */
    struct nf_gateway_gate gate;
    struct nf_discord_shard shards[NF_DISCORD_SHARDS_MAX];
    int shards_n;
    struct nf_discord_session sessions[NF_DISCORD_SHARDS_MAX];
    bool restored;          /* a session is from before a restart */
    struct nf_wait *keeper; /* of the fiber that writes sessions down, while it waits */
    struct nf_discord_lane lanes[NF_DISCORD_LANES];
    char watermark[NF_DISCORD_ID_MAX + 1]; /* until then everything was read when we stopped */
    struct nf_discord_trouble troubles[NF_DISCORD_TROUBLES_MAX]; /* the newest last */
    size_t troubles_n;
    struct nf_discord_rendered rendered;
    struct nf_chat_health health;
    struct {
        char address[NF_DISCORD_ID_MAX + 1];
        unsigned n;
    } deleted[NF_DISCORD_DELETED_MAX]; /* a ring: where people deleted messages of ours, how often
                                        */
    size_t deleted_at;
    int64_t complaint_ms; /* until then health tells what a channel does not let us do */
    struct nf_metric *events, *plain, *caught_up;
};

int64_t nf_discord_now(void);  /* wall clock */
int64_t nf_discord_mono(void); /* monotonic milliseconds */

/* What is wrong, and what to do; both "" with CONNECTED. */
void nf_discord_set_health(struct nf_discord *d, enum nf_chat_state state, int64_t code,
                           const char *problem, const char *todo);
/* Only a person can help. */
void nf_discord_token_refused(struct nf_discord *d);
/* Something is wrong though we are connected: told for a while beside the state. */
void nf_discord_complain(struct nf_discord *d, const char *problem, const char *todo);

/* trouble.c: what a channel forbids. Never suspend. */
void nf_discord_may_not(struct nf_discord *d, const char *channel, enum nf_discord_may kind);
/* It worked: what was forbidden is not any more. */
void nf_discord_may(struct nf_discord *d, const char *channel, enum nf_discord_may kind);
/* Into the health of a bot that is connected otherwise. */
void nf_discord_show_trouble(const struct nf_discord *d, struct nf_chat_health *h);
/* From before a restart. Suspends. */
void nf_discord_load_troubles(struct nf_discord *d);

/* post.c */
extern const struct nf_chat_ops nf_discord_chat_ops;
void nf_discord_rendered_done(struct nf_discord_rendered *r);
/* *a after nf_rest_do with a JSON body that `o` wrote into `text`. */
NF_RC nf_discord_call(struct nf_discord *d, struct nf_rest_call *c, struct nf_json_out *o,
                      struct nf_str *text, struct nf_rest_answer *a, struct nf_err *err);

/* shard.c: the world of a gateway, and its fibers. */
void nf_discord_shard_init(struct nf_discord_shard *s, struct nf_discord *d, int shard, int shards);
void nf_discord_shard_done(struct nf_discord_shard *s);

/* session.c: sessions over restarts. What was written down into the gateways, before they run.
 * Suspends.
 */
void nf_discord_load_sessions(struct nf_discord *d);
/* If everything that came was dealt with: remember how far that is. */
void nf_discord_mark_sessions(struct nf_discord *d);
/* Write down what was remembered. Suspends. */
NF_RC nf_discord_save_sessions(struct nf_discord *d, struct nf_err *err);
/* A fiber that does both. */
enum nf_code nf_discord_keep_sessions(void *d, struct nf_err *err);

/* dispatch.c: an event of the gateway. NF_E_LIMIT: no room now. Never suspends. */
NF_RC nf_discord_dispatch(struct nf_discord *d, const char *type, const struct nf_json *v,
                          struct nf_err *err);
/* Ask REST for what came to this channel since it was read. As nf_discord_dispatch. */
NF_RC nf_discord_want_catch_up(struct nf_discord *d, const char *channel, struct nf_err *err);

/* intake.c: fibers that read lanes, and the one that looks for what was missed. */
NF_RC nf_discord_open_lanes(struct nf_discord *d, struct nf_err *err);
void nf_discord_close_lanes(struct nf_discord *d);
enum nf_code nf_discord_run_lane(void *lane, struct nf_err *err);
enum nf_code nf_discord_walk(void *d, struct nf_err *err);

/* take_in.c: give one message to the use cases. As nf_chat_receive. */
NF_RC nf_discord_take_in(struct nf_discord *d, const struct nf_discord_message *m, bool edited,
                         struct nf_err *err);
/* The cursor of a channel. */
NF_RC nf_discord_cursor_source(const struct nf_discord *d, const char *channel,
                               char ret[NF_CURSOR_SOURCE_MAX + 1], struct nf_err *err);

/* interact.c: what to do with an interaction, in a fiber of its own. */
NF_RC nf_discord_interact(struct nf_discord *d, const struct nf_json *v, struct nf_err *err);
/* Acknowledge one of d->interactions, unless that was done. *late: its token is of no use.
 * Suspends.
 */
NF_RC nf_discord_acknowledge(struct nf_discord *d, const char *id, bool *late, struct nf_err *err);
/* See to it that it is acknowledged in time, whatever happens meanwhile. */
void nf_discord_watch(struct nf_discord *d, const char *id);
/* A fiber: those from before a restart are dealt with; and before a token expires, what it was for
 * moves to a message. */
enum nf_code nf_discord_sweep(void *d, struct nf_err *err);

/* menu.c: tell Discord our commands, if they changed. */
NF_RC nf_discord_put_menu(struct nf_discord *d, struct nf_err *err);
