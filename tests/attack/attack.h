/*
 * The attacks: what code in a plugin would try. One table, attacks.def, and one function for each,
 * built twice: into a control program without a sandbox, which shows that the attack works, and
 * into a plugin, which must not get anywhere with it.
 *
 * They are harmless where they work: at most 40 processes and 600 MB, files in a directory made for
 * the test, signal 0, and arguments that no kernel accepts where the call would change the machine.
 */
#pragma once

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

/* What an attack is told. The plugin gets no environment and no files, and its constructors run
 * before anyone can talk to it: so the test writes this into a copy of the shared object, where
 * ATTACK_MAGIC is. */
#define ATTACK_MAGIC "nf-attack-orders"
struct attack_orders {
    char magic[24];
    char name[40];  /* which */
    char phase[8];  /* when: run, ctor, init, ifunc, fake */
    int64_t daemon; /* process that started the sandbox */
    int64_t port;   /* on 127.0.0.1, something listens */
    int64_t secret; /* descriptor of an open file, carelessly left to be inherited */
    int64_t needle; /* address in the daemon of the text ATTACK_NEEDLE */
    char dir[160];  /* a directory; in it the files "victim" and "secret" */
};
#define ATTACK_KEY(o) (0x6e660000 ^ (int)(o)->port) /* of System V objects of the test */
#define ATTACK_NEEDLE "needle-in-the-daemon"
#define ATTACK_ENV "NF_ATTACK_SECRET" /* set in the daemon's environment */
#define ATTACK_BUSY_MS 1500           /* an attack that never ends is ended after it */

/* What an attack returns. */
#define ATTACK_NOTHING 0    /* it went through and had no effect */
#define ATTACK_WORKED 1     /* or more; less than 0: -errno, why it was refused */
#define ATTACK_UNTOLD 77777 /* what a plugin says that has not carried out any */

typedef long attack_fn(const struct attack_orders *o);

/* A is a row of the table, ATTACK the head of its function. */
#define ATTACK(name) long attack_##name(__attribute__((unused)) const struct attack_orders *o)
#define A(name, ...) long attack_##name(const struct attack_orders *o);
#include "tests/attack/attacks.def"
#undef A

/* The result of a system call: 0 or more is what the attack wanted. */
static inline long attack_result(long r)
{
    return r < 0 ? -(long)(errno ? errno : EIO) : ATTACK_WORKED;
}

/* The result of a call that may not succeed, on anybody's machine: the kernel got as far as judging
 * the arguments. */
static inline long attack_judged(long r, int judgement)
{
    return r < 0 && errno == judgement ? ATTACK_WORKED : attack_result(r);
}

/* Where a local socket listens that has no path. */
static inline socklen_t attack_abstract_name(const struct attack_orders *o, struct sockaddr_un *a)
{
    int n = snprintf(a->sun_path + 1, sizeof a->sun_path - 1, "nf-attack-%d", (int)o->port);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
}

/* By name; -ENOENT: there is none. */
long attack_run(const struct attack_orders *o);
