/* A Discord in memory, with a clock that a test moves: a gateway that drops, lies and falls silent
 * as its documentation says it may, and a history that REST would give. */
#pragma once

#include "channels/discord/gateway.h"

#include <zlib.h>

#define NF_WORLD_CHANNELS 8
#define NF_WORLD_MESSAGES 20000

/* What goes wrong next. */
enum nf_world_fault {
    NF_FAULT_NONE = 0,
    NF_FAULT_CLOSE,      /* a close frame with close_with */
    NF_FAULT_CUT,        /* no close frame */
    NF_FAULT_SILENCE,    /* neither events nor acknowledgements: a zombie */
    NF_FAULT_RECONNECT,  /* opcode 7 */
    NF_FAULT_INVALID,    /* opcode 9, d false */
    NF_FAULT_RESUMABLE,  /* opcode 9, d true */
    NF_FAULT_GARBAGE,    /* bytes that are no stream */
    NF_FAULT_HEARTBEAT,  /* opcode 1 */
    NF_FAULT_UNREADABLE, /* a payload that our JSON refuses */
};

struct nf_world {
    struct nf_gateway_world port;
    struct nf_gateway *gateway;
    unsigned long long seed;
    int64_t now, end_ms;

    /* What people write. */
    struct {
        int64_t id, at;
        int channel;
    } log[NF_WORLD_MESSAGES];
    size_t log_n;
    int64_t next_message_ms, message_every_ms;

    /* The session on the other side. */
    char session[32];
    int sessions;
    int64_t seq, gone_ms; /* gone_ms: when the connection was lost; 0: it is there */
    size_t sent_n;        /* of the log, so many are in this session's events */
    int64_t first_seq;    /* the number of the event of log[sent_n at its start] */
    size_t first_n;
    int64_t forget_ms; /* how long a lost session is kept */

    /* The connection. */
    bool connected, greeted, identified, silent, hello_due;
    size_t to_send; /* next of the log on this connection */
    int64_t ack_due, beat_seen_ms;
    int answers; /* READY, RESUMED or invalid that is due */
    z_stream deflate;
    unsigned char out[65536];
    size_t out_n;
    int close_code, close_with;
    enum nf_world_fault fault;
    int64_t fault_ms, fault_every_ms;
    int64_t down_until_ms; /* nobody can connect, */
    int64_t down_for_ms;   /* so long after a cut */
    bool outages;          /* that happens, for up to 20 minutes */

    /* What was granted and used. */
    int64_t day_ms, remaining;
    int64_t reset_said_ms; /* instead of what is true; 0: the truth */
    int64_t identifies[4096];
    size_t identifies_n, resumes, connects, sends_n, restarts;
    int64_t sends[NF_GATEWAY_SENDS_MAX + 1];
    int interval_ms;

    /* What the bot made of it: the newest id per channel, and what went wrong. */
    int64_t handled[NF_WORLD_CHANNELS];
    size_t handled_n, caught_up_n;
    int full; /* so many events are refused with NF_E_LIMIT */
    char wrong[256];
};

void nf_world_init(struct nf_world *w, unsigned long long seed);
void nf_world_done(struct nf_world *w);
