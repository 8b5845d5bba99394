/*
 * One program, three roles. The daemon starts the *warden*; it has one thread, no secret and no
 * environment, and forks *templates*, one for each skill, which are jailed before they do anything.
 * A *worker* is a fork of its template, first blank (jailed, waiting), then with the plugin loaded.
 */
#pragma once

#include "sandbox/program.h"
#include "sandbox/sandbox.h"
#include "skills/control.h"
#include "skills/program.h"

#include <poll.h>
#include <stdint.h>

/* Until the daemon is gone; the exit code. `preload` (NULL-terminated) are libraries that plugins
 * will need: they are loaded once, here. */
int warden_run(const char *const *preload);

/* To the daemon; gone with it. */
void warden_tell(const struct nf_control *c);
void warden_tell_fd(const struct nf_control *c, int fd); /* fd -1: none */
void warden_refuse(uint64_t number, const struct nf_err *why);

/* A number for the user of a template that no other template has. */
uint32_t warden_slot(void);

/* spare.c: jails ahead of need. */
#define SPARES 2          /* a template's and a program's */
#define SPARE_AFTER_MS 20 /* behind the start of a skill of that kind */
/* One like this was started: have a spare for the next, and keep it for so long. */
void spare_want_template(const struct nf_jail_options *o, int64_t keep_ms);
void spare_want_program(const struct nf_program_options *o, int64_t keep_ms);
/* If there is a spare that fits, it becomes what *o asks for, and *ret has to be waited for. */
bool spare_take_template(const struct nf_jail_options *o, struct nf_jail_process *ret,
                         uint32_t *slot);
bool spare_take_program(struct nf_sandbox *s, const struct nf_program_options *o,
                        struct nf_jail_process *ret, int *order);
bool spare_has_slot(uint32_t slot);
void spares_finish(void);
/* As for programs, below, but the descriptor may be -1; `idle`: nothing else happened. */
size_t spares_poll(struct pollfd v[SPARES]);
int spares_serve(struct nf_sandbox *s, const struct pollfd v[SPARES], bool idle);

/* Run the program of an order; see NF_CONTROL_PROGRAM. What becomes of it is told. Errors as
 * nf_program_spawn: it is to be refused. */
NF_RC programs_start(struct nf_sandbox *s, const struct nf_control *c,
                     const int fds[NF_CONTROL_FDS], struct nf_err *err);
/* The run with this number, if it is one of a program. */
void programs_kill(uint64_t number);
/* All of them, jails that are idle included. */
void programs_finish(void);
/* What to wait for; how many. */
#define PROGRAMS_POLLED ((size_t)2 * NF_PROGRAMS_MAX)
size_t programs_poll(struct pollfd v[PROGRAMS_POLLED]);
/* See to what happened, and to what is due: when to come again, in ms; -1: there is nothing. */
int programs_serve(const struct pollfd *v, size_t n);

/* What a template needs to know; lives in the warden's frame when it is forked. */
struct template_order {
    int64_t cpu_ms;
    bool oneshot;
    char name[sizeof(((struct nf_control *)0)->name)];
    char version[sizeof(((struct nf_control *)0)->version)];
};
/* nf_jail_options.run: serves NF_CONTROL_FD. */
int template_run(const struct nf_jail *j, void *order);

struct worker_order {
    uint64_t number;
    int64_t cpu_ms;
    bool oneshot;               /* it will serve one call: be ready for that */
    bool blank;                 /* nobody waits for it yet */
    const char *name, *version; /* as in the manifest */
    int fds[NF_CONTROL_FDS];    /* requests, replies, shared memory */
};
/* In the template: what all its workers need. */
void worker_prepare(void);
/* In the fork; the exit code. */
int worker_run(const struct nf_jail *j, const struct worker_order *o);
