/*
 * Our HTTP/1.1 and WebSocket server: thin and strict (RFC 9112, RFC 6455).
 *
 * A handler runs in a fiber and may suspend; meanwhile no other runs in that fiber. A connection
 * without a request has none. Requests of one connection are answered in order, one at a time;
 * bytes behind the current request wait in a bounded buffer. Request bodies are read whole, up to
 * the limit, before the handler starts.
 *
 * Refused with 400 and a closed connection: Content-Length twice or beside Transfer-Encoding, any
 * transfer coding but a single "chunked", bare CR or LF, obs-fold, blanks before a colon, bytes
 * outside the grammar in a name or target, Host missing (1.1) or twice, HTTP versions but 1.0, 1.1,
 * and targets with a second spelling: empty and dot segments, encoded slashes, NULs and other
 * control characters, bad escapes, bad UTF-8, an authority that is not the Host.
 *
 * A peer that only stops writing gets its answer. One that leaves ends a stream's handler with
 * NF_E_CANCELED; other handlers and messages run to their end, since what they do is worth doing.
 */
#pragma once

#include "base/string.h"
#include "runtime/fiber.h"

struct nf_http_server;
struct nf_http_exchange;
struct nf_websocket;

/* Every limit has a number; 0 takes the default in parentheses. */
struct nf_http_limits {
    size_t connections_max;     /* (12,000) over it new ones are closed at once */
    size_t per_ip_max;          /* (unlimited) */
    size_t head_max;            /* (16 KiB) request line and headers: 431 */
    size_t headers_max;         /* (64) count: 431 */
    size_t target_max;          /* (4 KiB): 414 */
    size_t body_max;            /* (1 MiB) unless the route says otherwise: 413 */
    size_t receiving_max;       /* (256 MiB) buffers of all requests that are underway: 503 */
    int64_t head_timeout_ms;    /* (10 s) from the first byte of a request to the end of its head */
    int64_t body_timeout_ms;    /* (30 s) for the whole body */
    int64_t idle_timeout_ms;    /* (75 s) between requests */
    int64_t write_timeout_ms;   /* (30 s) without progress on queued output: the peer is dropped */
    int64_t handler_timeout_ms; /* (60 s) deadline of a handler's fiber, streams excepted */
    size_t ws_message_max;      /* (1 MiB): close 1009 */
    size_t ws_queue_max;        /* (4 MiB) output queued for a slow peer: close 1008 */
    int64_t ws_ping_ms; /* (30 s) idle time after which we ping; no answer for as long: dropped */
};

typedef enum nf_code (*nf_http_handler)(void *arg, struct nf_http_exchange *x, struct nf_err *err);

enum { NF_ROUTE_UPGRADE = 1 /* a WebSocket handshake */ };

/* `pattern`: literal segments and "{name}" for one segment, "{name...}" for the rest (at most 8).
 * Of several that match, the more literal one counts, wherever it stands in the table. */
struct nf_http_route {
    const char *method; /* "GET"; GET answers HEAD too */
    const char *pattern;
    nf_http_handler fn;
    size_t body_max; /* 0: the limits' */
    unsigned flags;
};

struct nf_http_server_options {
    struct nf_http_limits limits;
    const struct nf_http_route *routes; /* kept by reference */
    size_t routes_n;
    /* Called before any handler, with the whole request and its pattern, also if no route matches:
     * authentication, Host and Origin checks, rate limits. NF_OK lets the request pass; else it has
     * been answered, or its error is. NULL: nothing is checked. */
    nf_http_handler before;
    void *arg; /* for `before` and all handlers */
    /* Turn an error that a handler returned, or a refusal of the server's own (`status` != 0), into
     * a response. May run outside of fibers, so it never suspends; of a request that could not be
     * read, method, path and headers may be empty. NULL, or if it does not answer: text/plain. */
    void (*on_error)(void *arg, struct nf_http_exchange *x, int status, const struct nf_err *e);
};

/* The status that says `code` to a client: 400, 403, 404, 409, 413, 503, 504, else 500. */
int nf_http_status_of(enum nf_code code);

/* `l` must outlive it. */
NF_RC nf_http_server_new(struct nf_loop *l, const struct nf_http_server_options *o,
                         struct nf_http_server **ret, struct nf_err *err);

/* Listen on "127.0.0.1:7777", "[::1]:0" or "unix:/path" (created 0600, a stale one is replaced).
 * *port gets the real port (0 for unix; NULL allowed). NF_E_CONFLICT: the address is in use;
 * NF_E_INVALID; NF_E_IO. */
NF_RC nf_http_server_listen(struct nf_http_server *s, const char *address, int *port,
                            struct nf_err *err);

/* Stop accepting; idle connections close, running handlers get `grace_ms` to finish and are then
 * cancelled; web sockets get close 1001. Suspends until all are closed. */
void nf_http_server_stop(struct nf_http_server *s, int64_t grace_ms);
/* After stop. NULL is allowed. */
void nf_http_server_free(struct nf_http_server *s);

struct nf_http_server_stats {
    size_t connections, websockets, requests, refused;
};
struct nf_http_server_stats nf_http_server_stats(const struct nf_http_server *s);

/* --- the request; everything is borrowed until the handler returns --------------------------- */
struct nf_slice nf_http_method(const struct nf_http_exchange *x);
struct nf_slice nf_http_path(const struct nf_http_exchange *x); /* decoded, normalised, no query */
/* The route's pattern, for metrics and logs; "" before routing. */
const char *nf_http_pattern(const struct nf_http_exchange *x);
/* A "{name}" of the pattern, percent-decoded; empty if there is none. */
struct nf_slice nf_http_param(const struct nf_http_exchange *x, const char *name);
/* Percent-decoded value of a query parameter; *found tells "" from absent (NULL allowed). */
struct nf_slice nf_http_query(const struct nf_http_exchange *x, const char *name, bool *found);
/* The first header of that name in any case; empty if there is none. */
struct nf_slice nf_http_request_header(const struct nf_http_exchange *x, const char *name);
size_t nf_http_request_header_count(const struct nf_http_exchange *x, const char *name);
struct nf_slice nf_http_cookie(const struct nf_http_exchange *x, const char *name);
struct nf_slice nf_http_body(const struct nf_http_exchange *x);
/* The peer: "127.0.0.1", or "unix". */
const char *nf_http_peer(const struct nf_http_exchange *x);
/* SO_PEERCRED of a unix socket's peer; false on TCP. */
bool nf_http_peer_uid(const struct nf_http_exchange *x, unsigned *uid);
/* A place for the application to hang its own data, such as who asks. */
void nf_http_set_user(struct nf_http_exchange *x, void *user, void (*free_user)(void *user));
void *nf_http_user(const struct nf_http_exchange *x);

/* --- the response ---------------------------------------------------------------------------- */
/* Add a header to the response to come; before respond or begin. CR, LF, NUL are NF_E_INVALID, and
 * so are Content-Length, Transfer-Encoding, Connection and Date, which are ours. */
NF_RC nf_http_add_header(struct nf_http_exchange *x, const char *name, const char *value,
                         struct nf_err *err);
/* Whether one of that name was added. */
bool nf_http_has_header(const struct nf_http_exchange *x, const char *name);
/* Answer with a body in memory, which is copied. Never suspends. Once per exchange, then
 * NF_E_CONFLICT. NF_E_INVALID: a status we do not know; NF_E_CANCELED: the peer left. */
NF_RC nf_http_respond(struct nf_http_exchange *x, int status, const char *content_type,
                      const char *body, size_t n, struct nf_err *err);
/* The same without copying: `body` lives as long as the process (embedded assets). */
NF_RC nf_http_respond_static(struct nf_http_exchange *x, int status, const char *content_type,
                             const char *body, size_t n, struct nf_err *err);
/* Stream a chunked body. write suspends while more than 64 KiB wait for a slow peer; NF_E_CANCELED
 * when it left. A handler that returns before nf_http_end cuts the connection. */
NF_RC nf_http_begin(struct nf_http_exchange *x, int status, const char *content_type,
                    struct nf_err *err);
NF_RC nf_http_write(struct nf_http_exchange *x, const char *p, size_t n, struct nf_err *err);
NF_RC nf_http_end(struct nf_http_exchange *x, struct nf_err *err);
/* Whether an answer has begun: there will be no other. */
bool nf_http_responded(const struct nf_http_exchange *x);

/* --- WebSocket ------------------------------------------------------------------------------- */
struct nf_websocket_ops {
    /* A whole message. Runs in a fiber, one at a time per socket and in order, and may suspend;
     * meanwhile nothing more is read from that peer. An error closes the socket with 1011, or with
     * 1008 for NF_E_DENIED and NF_E_LIMIT, 1007 for NF_E_INVALID. */
    enum nf_code (*message)(void *user, struct nf_websocket *ws, bool text, const char *p, size_t n,
                            struct nf_err *err);
    /* The socket is gone, whoever closed it; `ws` is invalid when it returns. Must not suspend.
     * Called exactly once, and not while `message` runs. */
    void (*closed)(void *user, struct nf_websocket *ws, int code);
};

/* In the handler of a NF_ROUTE_UPGRADE route: accept the handshake. `user` is given to the ops. */
NF_RC nf_websocket_accept(struct nf_http_exchange *x, const struct nf_websocket_ops *ops,
                          void *user, struct nf_websocket **ret, struct nf_err *err);
/* Queue a message; never suspends, may be called from anywhere on the loop's thread until `closed`.
 * NF_E_LIMIT: the peer reads too slowly and is being closed; NF_E_CANCELED: it is closing. */
NF_RC nf_websocket_send(struct nf_websocket *ws, bool text, const char *p, size_t n,
                        struct nf_err *err);
/* Send a close frame with a code of RFC 6455, section 7.4.1; what is queued goes out before it. Of
 * `reason` (NULL: none) the first 123 bytes are told. Only the first call counts. Never suspends.
 */
void nf_websocket_close(struct nf_websocket *ws, int code, const char *reason);
/* Bytes that wait for the peer to read. */
size_t nf_websocket_queued(const struct nf_websocket *ws);
