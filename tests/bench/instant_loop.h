/*
 * The sockets of the programs here that answer at once: a bare epoll loop on loopback without any
 * of our code, so that it costs little beside what is measured. One thread, one listener.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define INSTANT_CONNS_MAX 20000 /* more are closed at once */

/* What a program keeps of a connection begins with this. */
struct instant_conn {
    int fd;
};

struct instant_ops {
    size_t conn_bytes; /* of what a program keeps, zeroed when it is accepted */
    /* There is something to read. Not 0: drop it. */
    int (*readable)(struct instant_conn *c);
    void (*dropped)(struct instant_conn *c); /* about to be freed; NULL: nothing is to be done */
    void (*between)(void);                   /* behind all that were readable; NULL: nothing */
    int wait_ms; /* until `between` at the latest; -1: as long as it takes */
};

extern struct instant_conn *instant_conns[INSTANT_CONNS_MAX]; /* by descriptor; NULL: none */
extern int instant_conns_end; /* behind the last that ever was one */
extern int instant_port;

/* Listen on `port` of loopback (0: any), print "listening PORT", serve until the process is ended.
 */
_Noreturn void instant_serve(int port, const struct instant_ops *o);
void instant_drop(struct instant_conn *c);

int64_t instant_now_us(void);
_Noreturn void instant_die(const char *why);
