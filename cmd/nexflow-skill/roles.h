/*
 * One program, three roles. The daemon starts the *warden*; it has one thread, no secret and no
 * environment, and forks *templates*, one for each skill, which are jailed before they do anything.
 * A *worker* is a fork of its template, in which the plugin is loaded.
 */
#pragma once

#include "sandbox/sandbox.h"
#include "skills/control.h"

#include <stdint.h>

/* Until the daemon is gone; the exit code. `preload` (NULL-terminated) are libraries that plugins
 * will need: they are loaded once, here. */
int warden_run(const char *const *preload);

/* Start the program of an order; see NF_CONTROL_PROGRAM. Errors as nf_program_spawn. */
NF_RC program_spawn(struct nf_sandbox *sandbox, const struct nf_control *c,
                    const int fds[NF_CONTROL_FDS], struct nf_jail_process *ret, struct nf_err *err);

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
    const char *name, *version; /* as in the manifest */
    int fds[NF_CONTROL_FDS];    /* requests, replies, shared memory */
};
/* In the template: what all its workers need. */
void worker_prepare(void);
/* In the fork; the exit code. */
int worker_run(const struct nf_jail *j, const struct worker_order *o);
