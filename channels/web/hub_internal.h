/*
 * What the parts of the hub share: hub.c has the runs under way and the channel port, hub_sockets.c
 * who listens, hub_resume.c how a socket catches up, hub_peers.c what other instances tell. All of
 * it is the loop's thread; only nf_hub_resume suspends.
 */
#pragma once

#include "channels/web/frames.h"
#include "channels/web/hub.h"
#include "channels/web/live_run.h"
#include "channels/web/peer_lines.h"

#include <stdlib.h>
#include <string.h>

static inline unsigned nf_hub_hash(const void *id)
{
    uint64_t n;
    memcpy(&n, id, sizeof(n));
    return (unsigned)(n * UINT64_C(0x9e3779b97f4a7c15) >> 32);
}

#define uthash_fatal(msg) abort() /* replaced by HASH_NONFATAL_OOM: never called */
#define HASH_NONFATAL_OOM 1
/* All keys are ids of our own making: 64 bits that nobody else chooses. */
#define HASH_FUNCTION(key, n, hash) ((hash) = nf_hub_hash(key))
#include <uthash.h>
#include <utlist.h>

#define NF_HUB_FRAME_MAX ((size_t)8 << 20)
#define NF_HUB_COOKIE_PART 16 /* hexadecimal digits: 64 bits tell cookies of one user apart */

/* How far a socket is in a session. */
struct nf_hub_cursor {
    int64_t session_id, seq;
    bool catching_up; /* live events wait until it has */
    bool ended;       /* a run ended meanwhile: the database has more than was read */
};

struct nf_hub_socket {
    struct nf_hub *hub;
    struct nf_hub_user *user;
    struct nf_websocket *ws;
    uint64_t joined;                 /* on the hub's count */
    char cookie[NF_HUB_COOKIE_PART]; /* the beginning of its cookie's hash; zeros: there is none */
    struct nf_hub_cursor *cursors;
    size_t cursors_n;
    struct nf_hub_socket *prev, *next;
};

struct nf_hub_user {
    int64_t id;
    struct nf_hub_socket *sockets;
    size_t sockets_n;
    UT_hash_handle hh;
};

struct nf_hub_run {
    int64_t session_id;
    uint64_t begun; /* on the hub's count */
    struct nf_live_run live;
    bool elsewhere; /* another instance runs it */
    bool gap;       /* and something it told was missed */
    int64_t seq;    /* position of its last event */
    struct nf_frame_head head;
    UT_hash_handle hh;
};

struct nf_hub {
    struct nf_channel channel;
    struct nf_app *app;
    struct nf_hub_user *users;
    struct nf_hub_run *runs; /* by session: one turn of a session runs at a time */
    size_t sockets;
    uint64_t count;      /* of sockets that joined and runs that began: tells which was first */
    struct nf_str frame; /* for the event at hand */
    void (*tell)(void *arg, const struct nf_str *line); /* NULL: there are no other instances */
    void *tell_arg;
    struct nf_str line;
};

/* --- hub_sockets.c ---------------------------------------------------------------------------- */

/* Where the socket is in the session; NULL: nowhere. Valid until a cursor is set. */
struct nf_hub_cursor *nf_hub_cursor(const struct nf_hub_socket *s, int64_t session_id);
/* Where the socket shall be in the session, made or moved there. NF_E_NOMEM. */
NF_RC nf_hub_set_cursor(struct nf_hub_socket *s, int64_t session_id, int64_t seq,
                        struct nf_err *err);

/* Those of a user; NULL: there are none. */
struct nf_hub_user *nf_hub_user(const struct nf_hub *h, int64_t id);

/* Send an event of a run that began at `begun`, encoded in `frame`, if the socket has not had it
 * and is not catching up. */
void nf_hub_send_event(struct nf_hub_socket *s, const struct nf_run_event *e, uint64_t begun,
                       const struct nf_str *frame);
/* Close those of a user's sockets that have more waiting than their share while all
 * together have too much. */
void nf_hub_drop_slow(const struct nf_hub_user *u);
/* What the functions of hub.h do, without telling other instances. */
void nf_hub_broadcast_here(struct nf_hub *h, int64_t user_id, const struct nf_str *frame,
                           const struct nf_hub_socket *except);
void nf_hub_drop_user_here(struct nf_hub *h, int64_t user_id);
void nf_hub_drop_cookie_here(struct nf_hub *h, int64_t user_id, const char *cookie_hash);
/* Close all sockets of a user, with a code of RFC 6455, section 7.4.1. */
void nf_hub_close_all(struct nf_hub *h, int64_t user_id, int code, const char *why);

/* --- hub.c ------------------------------------------------------------------------------------ */

/* The run under way in a session; NULL: there is none. */
struct nf_hub_run *nf_hub_run(const struct nf_hub *h, int64_t session_id);
/* Keep an event for those who resume. Its run; NULL: it is not kept, for want of memory or of its
 * beginning. */
struct nf_hub_run *nf_hub_remember(struct nf_hub *h, const struct nf_run_event *e);
/* Encode an event of run `r` once, NULL: of one that is not kept, and send it to every socket of
 * the user. */
void nf_hub_fan_out(struct nf_hub *h, const struct nf_run_event *e, struct nf_hub_run *r);
/* The database has it all now: whoever resumes reads it there. */
void nf_hub_end_run(struct nf_hub *h, int64_t session_id, int64_t run_id,
                    const struct nf_run_event *last);

/* --- hub_peers.c ------------------------------------------------------------------------------ */

/* Tell the hubs of other instances, if there are any. What cannot be encoded is logged. */
void nf_hub_tell(struct nf_hub *h, const struct nf_peer_line *l);
