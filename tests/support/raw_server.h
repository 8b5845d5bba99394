/*
 * A server of plain sockets for one test: a thread per connection runs the test's own function,
 * which reads and sends whatever bytes it likes. For servers that misbehave.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#define RAW_CONNS 64 /* a server serves so many in its life; more are closed at once */
#define RAW_REQUEST 65536
#define RAW_WAIT_MS 30000 /* for what comes soon, unless something is wrong */

struct raw_server;

struct raw_conn {
    struct raw_server *server;
    void *arg; /* the server's */
    int fd;
    int nth;                   /* 0: the server's first */
    char request[RAW_REQUEST]; /* the last one read, NUL-terminated */
    size_t request_n, head_n;
};

typedef void (*raw_serve_fn)(struct raw_conn *c);

/* Listen on 127.0.0.1 at a free port, or at `unix_path` if it is not NULL. Exits on failure:
 * without it no test can run. */
struct raw_server *raw_server_new(raw_serve_fn fn, void *arg, const char *unix_path);
/* Ends all connections, joins all threads. NULL is allowed. */
void raw_server_free(struct raw_server *s);

int raw_server_port(const struct raw_server *s);
int raw_server_conns(struct raw_server *s); /* accepted so far */
long raw_server_sent(struct raw_server *s); /* bytes, by all connections */
/* Wait until `n` connections have seen their client go (raw_peer_gone). False after RAW_WAIT_MS. */
bool raw_server_wait_gone(struct raw_server *s, int n);

/* For the functions of a test, in a connection's thread. False: the client has gone, or the server
 * is about to end. */
bool raw_request(struct raw_conn *c); /* a head, and a body if it has a Content-Length */
bool raw_head(struct raw_conn *c);    /* only a head */
bool raw_send(struct raw_conn *c, const char *text);
bool raw_sendn(struct raw_conn *c, const void *p, size_t n);
bool raw_drip(struct raw_conn *c, const void *p, size_t n, int ms); /* byte by byte */
bool raw_flood(struct raw_conn *c, size_t n);                       /* byte i is 'a' + i % 26 */
bool raw_sleep(struct raw_conn *c, int ms);
bool raw_read_exact(struct raw_conn *c, void *p, size_t n);
/* Wait until the client closes; what it sends meanwhile is thrown away. */
bool raw_peer_gone(struct raw_conn *c);
/* The same, but no longer than that. */
bool raw_peer_gone_in(struct raw_conn *c, int ms);
/* Close so that the client gets a reset. */
void raw_reset(struct raw_conn *c);
