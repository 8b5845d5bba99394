/* Keeps the daemon small: what the allocator holds, and what libraries do on being loaded. */
#pragma once

#include "runtime/fiber.h"

struct nf_memory_upkeep {
    size_t spawned; /* fibers, when it was looked at last */
    bool busy;      /* there was work since memory was given back */
};

/* Before threads are started. */
void nf_memory_setup(void);

/* Each second: give back what a burst of work left behind, once it is over. */
void nf_memory_upkeep(struct nf_memory_upkeep *u, size_t turns_running);
