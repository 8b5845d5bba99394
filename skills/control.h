/*
 * Orders between the daemon, the warden and the templates, over sockets that keep message
 * boundaries (SOCK_SEQPACKET), with descriptors beside them. All three are ours and run no code of
 * a plugin; what comes is checked for its form all the same. Numbers are in the machine's order:
 * both ends are of one build on one machine.
 */
#pragma once

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

#define NF_CONTROL_FD 3         /* the socket inside the warden and the templates */
#define NF_CONTROL_FDS 3        /* descriptors with one message */
#define NF_CONTROL_TEXT 4096    /* bytes with the NUL: a path */
#define NF_CONTROL_TEMPLATES 64 /* that live at once */
#define NF_CONTROL_PROXY 1      /* a program is to have one, where there can be one */
#define NF_CONTROL_BLANK 1      /* nobody waits for this worker yet */

enum nf_control_type {
    /* From the warden. `number` is that of a template. */
    NF_CONTROL_HELLO = 1, /* the probe is done: level; text: what is missing */
    NF_CONTROL_READY,     /* the template is in its jail: spared */
    NF_CONTROL_REFUSED,   /* it is not: code (enum nf_code), text */
    NF_CONTROL_ENDED,     /* it has ended: status of waitpid */
    NF_CONTROL_VIOLATION, /* of its worker with this pid, which was killed; text */
    /* To the warden. */
    NF_CONTROL_START, /* a template: what follows below; text: path; fds: its socket, its log, the
                         plugin's bytes, sealed (without them the file at path is opened) */
    NF_CONTROL_END,   /* kill it and its workers */
    /* To a template. `number` is that of a worker. */
    NF_CONTROL_FORK, /* fds: requests, replies, shared memory; code: NF_CONTROL_BLANK or 0 */
    /* From it. */
    NF_CONTROL_FORKED, /* fds: its pidfd */
    NF_CONTROL_EXITED, /* status of waitpid; -1: it could not be forked, text */
    /* To the warden. The answers are those about a template. */
    NF_CONTROL_PROGRAM, /* text: directory, entry, interpreter, work directory, a line each; fds:
                           its standard input, output and error; code: NF_CONTROL_PROXY or 0. One
                           that has a proxy is said to be READY, with the socket on which that
                           listens; of the others only the end is told, with `spared` */
    NF_CONTROL_TYPES,
};

struct nf_control {
    uint32_t type;
    int32_t code; /* or status */
    uint64_t number;
    int64_t pid;
    /* Of a template. */
    int64_t memory_bytes, cpu_ms;
    int64_t keep_ms; /* for how long to have a spare for the next */
    uint32_t workers_max;
    uint32_t slot;             /* of a program: its user */
    uint32_t threads, oneshot; /* 0 or 1 */
    uint32_t spared;           /* 0 or 1: this jail was made before there was need of it */
    char level[8]; /* the lowest that will do, "" for any; of a hello the level there is */
    char name[64], version[68];
    char text[NF_CONTROL_TEXT]; /* sent up to its NUL */
};

/* A message of `type` without more. */
struct nf_control nf_control_make(enum nf_control_type type, uint64_t number);
void nf_control_text(struct nf_control *c, const char *text);

/* Send with `fds_n` descriptors, which stay the caller's. NF_E_UNAVAILABLE: the other end is gone,
 * or so slow that nothing fits any more on a non-blocking socket. NF_E_LIMIT: more descriptors of
 * our user are on their way, unread, than a process of it may have open (unix(7), ETOOMANYREFS). */
NF_RC nf_control_send(int fd, const struct nf_control *c, const int *fds, size_t fds_n,
                      struct nf_err *err);

/* The next message; `fds` gets its descriptors, which are the caller's, the rest -1.
 * NF_E_NOT_FOUND: nothing is there yet, on a non-blocking socket. NF_E_UNAVAILABLE: the other end
 * is gone. NF_E_INVALID: not one of the messages above. */
NF_RC nf_control_recv(int fd, struct nf_control *ret, int fds[NF_CONTROL_FDS], struct nf_err *err);
