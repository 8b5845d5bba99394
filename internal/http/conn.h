/*
 * Inside of the server: connections, exchanges, and who may do what with them. Not for others.
 *
 * A connection is READING a request, RUNNING its handler in a fiber, a WEBSOCKET, or DRAINING: it
 * writes what is queued, says FIN, and drops what still arrives, so that no reset overtakes the
 * answer. Its memory is freed when its handle is closed and no fiber works for it. What an idle
 * one does not need it does not hold: exchange, buffers and WebSocket reader are lent.
 */
#pragma once

#include "codec/ws.h"
#include "http/input.h"
#include "http/route.h"
#include "http/server.h"

#include <netinet/in.h>
#include <uv.h>

#define NF_HTTPD_READ_BUFFER 65536 /* one per server */
#define NF_HTTPD_CORK_MAX                                                                          \
    65536 /* bytes: queued output is flushed at the end of the round or here */
#define NF_HTTPD_LOW_WATER 32768  /* a stream's writer goes on when so little is queued */
#define NF_HTTPD_BEHIND_MAX 16384 /* bytes behind a running request, then reading stops */
#define NF_HTTPD_LINGER_MS 2000
#define NF_HTTPD_WS_CLOSE_MS 5000         /* for the peer to answer our close frame */
#define NF_HTTPD_POOL_MAX 64              /* exchanges kept for the next requests */
#define NF_HTTPD_POOL_BUFFER 8192         /* bytes of buffer kept in each */
#define NF_HTTPD_SPARES 64                /* output buffers kept for the next round */
#define NF_HTTPD_SPARE_MAX ((size_t)1024) /* bytes of each but one */

enum nf_httpd_state {
    NF_HTTPD_READING,
    NF_HTTPD_RUNNING,
    NF_HTTPD_WEBSOCKET,
    NF_HTTPD_DRAINING,
};

struct nf_httpd_conn {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } u;
    struct nf_http_server *server;
    struct nf_httpd_conn *prev, *next;
    struct nf_httpd_conn *ready_next;              /* in the queue for a fiber */
    struct nf_httpd_conn *dirty_prev, *dirty_next; /* with output to flush this round */
    struct nf_http_exchange *x;                    /* from a request's first byte to its end */
    struct nf_websocket *ws;
    struct nf_fiber *fiber;
    struct nf_wait *writer; /* a fiber that waits for the queue to shrink */
    char *in;               /* arrived while a fiber worked */
    char *out;              /* to write at the end of the round */
    size_t in_len, in_cap, out_len, out_cap;
    int64_t deadline_ms; /* of the state; 0: none */
    int64_t write_deadline_ms;
    size_t write_seen; /* queue size at the last sweep */
    uint8_t ip[16];    /* v4-mapped; zeros for a Unix socket */
    uint16_t writes;   /* requests that libuv has */
    uint8_t state;
    bool is_unix : 1, closing : 1, closed : 1, dirty : 1, eof : 1, paused : 1;
    bool running : 1; /* a fiber works for it */
    bool fin_sent : 1, counted : 1;
};

struct nf_http_exchange {
    struct nf_httpd_conn *c;
    struct nf_httpd_input in;
    struct nf_httpd_target target;
    struct nf_httpd_match match;
    struct nf_str headers; /* of the response to come */
    void *user;
    void (*free_user)(void *user);
    struct nf_http_exchange *next;                         /* in the pool */
    bool responded, streaming, ended, upgraded, keep, raw; /* raw: an unchunked stream (1.0) */
    char peer[INET6_ADDRSTRLEN];
};

struct nf_websocket {
    struct nf_httpd_conn *c;
    const struct nf_websocket_ops *ops;
    void *user;
    struct nf_ws_reader *reader; /* only within a message */
    int64_t heard_ms, ping_ms;   /* ping_ms 0: none is under way */
    int64_t message_deadline_ms; /* of a running handler */
    uint16_t code;               /* how it ended; 0: it did not */
    bool waits;                  /* the last message's handler waited */
    bool close_sent, done;       /* done: nothing more is read from it */
};

struct nf_httpd_listener {
    uv_poll_t poll;
    struct nf_http_server *server;
    struct nf_httpd_listener *next;
    char *path; /* of a Unix socket */
    dev_t dev;
    ino_t ino;
    int fd;
    bool paused;
};

struct nf_httpd_worker;
struct nf_httpd_peer; /* an address and how many connections it has */

struct nf_http_server {
    struct nf_loop *loop;
    uv_loop_t *uv;
    struct nf_http_server_options o; /* limits without zeros */
    struct nf_httpd_input_limits input_limits;
    struct nf_scope fibers;
    struct nf_httpd_conn *conns, *dirty;
    struct nf_httpd_conn *ready, **ready_end; /* that wait for a fiber */
    struct nf_httpd_worker *parked;
    size_t parked_n;
    struct nf_httpd_spare { /* output buffers; the first may be a big one */
        char *p;
        size_t cap;
    } spares[NF_HTTPD_SPARES];
    size_t spares_n;
    size_t receiving;  /* bytes of buffers that exchanges have borrowed */
    uint64_t messages; /* to handlers that did not wait */
    uint64_t round;    /* of the loop */
    bool *route_waits; /* by route: its handler waited the last time */
    struct nf_http_exchange *pool;
    size_t pool_n;
    struct nf_httpd_listener *listeners;
    struct nf_httpd_peer *peers;
    struct nf_http_server_stats stats;
    uv_prepare_t prepare; /* flushes */
    uv_idle_t idle;       /* active while something is dirty: the loop may not sleep on it */
    uv_timer_t timer;     /* sweeps */
    uint64_t sweep_ms;
    size_t handles; /* that are not closed yet */
    struct nf_wait *stopper;
    int64_t date_until_ms;
    char date[40]; /* "Date: ...\r\n" */
    bool stopping;
    bool worker_due; /* a fiber for `ready` is about to run */
    char read_buffer[NF_HTTPD_READ_BUFFER];
};

/* A piece of the head; empty if there is none yet. */
static inline struct nf_slice nf_httpd_part(const struct nf_http_exchange *x,
                                            struct nf_httpd_span s)
{
    return x->in.buf ? nf_httpd_slice(x->in.buf, s) : (struct nf_slice){ "", 0 };
}

static inline int64_t nf_httpd_now(const struct nf_http_server *s)
{
    return (int64_t)uv_now(s->uv);
}

/* --- conn.c ---------------------------------------------------------------------------------- */
/* Takes `fd` over, also on failure. */
void nf_httpd_conn_new(struct nf_http_server *s, int fd, bool is_unix, const uint8_t ip[16]);
/* At once; what is queued is lost. */
void nf_httpd_conn_close(struct nf_httpd_conn *c);
/* Flush, FIN, linger. */
void nf_httpd_conn_finish(struct nf_httpd_conn *c);
void nf_httpd_conn_sweep(struct nf_httpd_conn *c, int64_t now);
/* Have a fiber work for it, unless one does. False: there is none to be had. */
bool nf_httpd_conn_spawn(struct nf_httpd_conn *c);
/* In that fiber. */
void nf_httpd_conn_work(struct nf_httpd_conn *c);
/* True unless its handler did not wait the last time. */
bool nf_httpd_conn_waits(const struct nf_httpd_conn *c);
/* Keep bytes for later. On failure the connection is closed. */
void nf_httpd_conn_stash(struct nf_httpd_conn *c, const char *p, size_t n);

/* --- exchange.c ------------------------------------------------------------------------------ */
/* Bytes of requests arrived. */
void nf_httpd_exchange_input(struct nf_httpd_conn *c, const char *p, size_t n);
/* In a fiber: run handlers until no whole request is left. */
void nf_httpd_exchange_run(struct nf_httpd_conn *c);
/* Answer for the server and finish the connection; outside of handlers. */
void nf_httpd_exchange_refuse(struct nf_httpd_conn *c, int status, const char *why);
void nf_httpd_exchange_release(struct nf_httpd_conn *c);
void nf_httpd_exchange_free(struct nf_http_exchange *x);

/* --- respond.c ------------------------------------------------------------------------------- */
void nf_httpd_respond_error(struct nf_http_exchange *x, int status, const struct nf_err *e);
/* 101 with the exchange's headers. */
NF_RC nf_httpd_respond_upgrade(struct nf_http_exchange *x, const char *accept, struct nf_err *err);

/* --- worker.c -------------------------------------------------------------------------------- */
/* Queue `c` for a fiber. False: there is none to be had. */
bool nf_httpd_worker_give(struct nf_http_server *s, struct nf_httpd_conn *c);
/* See to it that a fiber looks at the queue. */
bool nf_httpd_worker_call(struct nf_http_server *s);

/* --- out.c: output --------------------------------------------------------------------------- */
/* Queue the pieces, or with `now` write what the kernel takes at once. On failure the connection is
 * closed: NF_E_CANCELED, NF_E_NOMEM. */
NF_RC nf_httpd_send(struct nf_httpd_conn *c, const uv_buf_t *b, unsigned n, bool now,
                    struct nf_err *err);
/* The same for bytes that live as long as the process. */
NF_RC nf_httpd_send_static(struct nf_httpd_conn *c, const char *p, size_t n, struct nf_err *err);
void nf_httpd_flush(struct nf_httpd_conn *c);
void nf_httpd_flush_all(struct nf_http_server *s);
size_t nf_httpd_queued(const struct nf_httpd_conn *c);
void nf_httpd_out_drop(struct nf_httpd_conn *c);

/* --- websocket.c ----------------------------------------------------------------------------- */
/* Status to refuse the handshake with (RFC 6455 section 4.2.1), 0 if it is right. */
int nf_httpd_ws_check(const struct nf_http_exchange *x, const char **why);
void nf_httpd_ws_run(struct nf_httpd_conn *c);
void nf_httpd_ws_sweep(struct nf_httpd_conn *c, int64_t now);
/* The connection's memory is about to go: tell the application. */
void nf_httpd_ws_done(struct nf_httpd_conn *c);

/* --- server.c, listen.c, peers.c -------------------------------------------------------------- */
/* False: some still cannot accept. */
bool nf_httpd_listeners_resume(struct nf_http_server *s);
void nf_httpd_listeners_close(struct nf_http_server *s);
/* See to it that the loop does not sleep before nf_httpd_flush_all was called. */
void nf_httpd_flush_soon(struct nf_http_server *s);
void nf_httpd_sweep_start(struct nf_http_server *s);
/* A handle of the server was closed. */
void nf_httpd_handle_closed(struct nf_http_server *s);

/* False: that address has as many connections as it may. */
bool nf_httpd_peer_enter(struct nf_http_server *s, const uint8_t ip[16]);
void nf_httpd_peer_leave(struct nf_http_server *s, const uint8_t ip[16]);
