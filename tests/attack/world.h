/*
 * What attacks aim at, made by a test for itself: a directory with a victim and a secret, a
 * listening port, a descriptor that was left open, an environment variable, a text in memory.
 */
#pragma once

#include "tests/attack/attack.h"

#include <stdbool.h>
#include <stddef.h>

struct attack_world {
    struct attack_orders orders; /* without name and phase */
    int listener, abstract;      /* sockets */
    int shm, sem, msg;           /* of ATTACK_KEY */
    size_t made;                 /* copies of plugins, for their names */
};

/* False: said on stderr why. */
bool attack_world_new(struct attack_world *w);
void attack_world_free(struct attack_world *w);

/* Make "victim" and "secret" anew, as the last attack may have changed them. */
void attack_world_restore(const struct attack_world *w);

/* Write a copy of the plugin at `from` with these orders; its path goes to ret. */
bool attack_world_plugin(struct attack_world *w, const char *from, const char *name,
                         const char *phase, char ret[256]);

/* "EACCES", "worked", "nothing" for what an attack returned. */
const char *attack_outcome(long r);
