/*
 * One attack in a jail of chosen layers, by the sandbox library alone: template, worker, dlopen,
 * lock-down, call, as the host of plugins does it, but without its frames.
 */
#pragma once

#include "sandbox/sandbox.h"

#include <stdbool.h>

#define JAIL_OUTCOME 64

/* Carry out the orders in the plugin at `path` and say what came of it:
 *
 *   worked, nothing     as in attack.h; worked also if it became another program
 *   EACCES, ...         it was refused
 *   kill ptrace, ...    the filter caught this call and the process was killed
 *   SIGSYS, ...         a signal ended it
 *   deadline            it had to be ended
 *   exit N              it ended without a result
 *   load: ...           the loader refused it
 *   jail: ...           the jail could not be built
 *
 * by_spare: the template is made as a spare, and then used. */
void attack_in_jail(struct nf_sandbox *s, const char *path, bool endless, bool by_spare,
                    char ret[JAIL_OUTCOME]);
