/*
 * What instant_telegram and instant_discord share: people who write as soon as they are answered,
 * and the calls of a bot that come by HTTP.
 */
#pragma once

#include "tests/bench/instant_loop.h"

#define CHAT_REQUEST_MAX 65536 /* bytes; a longer one ends the connection */

struct chat_conn {
    struct instant_conn base;
    size_t n;
    char in[CHAT_REQUEST_MAX];
};

/* --- people ----------------------------------------------------------------------------------- */

/* Take CHATS AT_ONCE MESSAGES [AFTER] from the command line: so many chats, of which so many have a
 * question open at any time, so many messages in all, the first AFTER of which are not measured. */
void chat_begin(int argc, char **argv);
/* Whether somebody is about to ask. */
int chat_may_ask(void);
/* Somebody asks now: the number of the chat, from 0. */
long chat_ask(void);
/* The chat has the end of the answer. Behind the last one a line of JSON is printed with turns per
 * second and latencies in microseconds. A number that is no chat, or is not asking, counts nothing.
 */
void chat_answered(long chat);

extern long chat_calls; /* that carry text; printed with the rest */

/* --- calls ------------------------------------------------------------------------------------ */

/* Read what there is into c->in, and let `take` remove from its front what is whole. Not 0: drop
 * it, since the peer has gone or `take` says so. */
int chat_read(struct chat_conn *c, int (*take)(struct chat_conn *c));
/* Give the request at the front of c->in to `call`, its body as a string, and remove it. 1: done;
 * 0: there is no whole one yet; -1: it is too long, or `call` returned not 0. */
int chat_take_request(struct chat_conn *c, int (*call)(struct chat_conn *c, const char *body));

/* Write it all, waiting for the peer; not 0: it has gone. */
int chat_write(const struct chat_conn *c, const void *p, size_t n);
/* An answer with a body of JSON. */
int chat_respond(const struct chat_conn *c, int status, const char *body, size_t n);
