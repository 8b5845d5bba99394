/*
 * The real path, for tests: the daemon's side of the plugin processes (skills/warden.h) with the
 * host program as it is installed, and what became of a call in one line.
 */
#pragma once

#include "skills/warden.h"
#include "tests/attack/world.h"

#include <stdbool.h>
#include <stdint.h>

#define HOST_SAID 400

struct host {
    struct nf_loop *loop;
    struct nf_warden *warden;
    struct attack_world world;
    char said[HOST_SAID];    /* the last report of a violation or crash */
    char printed[HOST_SAID]; /* the last line that a plugin printed */
    int64_t reports, lines;  /* how many of each */
    int64_t last_worker;     /* generation of the last process that answered */
    size_t checks, failures;
    struct nf_skill_broker *broker; /* of the next calls; NULL: one that refuses everything */
};

struct host_call {
    const char *path; /* of the shared object */
    const char *name; /* of the skill, as the plugin says it; NULL: "attack" */
    const char *tool, *args;
    int64_t timeout_ms; /* 0: HOST_PATIENCE_MS */
    bool oneshot, threads;
    const char *min_level;
    int64_t output_bytes; /* 0: HOST_OUTPUT */
};
#define HOST_PATIENCE_MS 20000
#define HOST_OUTPUT 65536
#define HOST_MEMORY ((int64_t)256 << 20)

struct host_result {
    enum nf_code code;
    char outcome[HOST_SAID]; /* of an attack: "EACCES", "kill ptrace", "deadline", ... */
    char text[HOST_SAID];    /* the result, or the error's words */
    struct nf_skill_ran ran; /* without its result */
};

/* Run `body` in a fiber with a host; the exit code for main. */
int host_main(void (*body)(struct host *h));

/* Suspends. */
void host_call(struct host *h, const struct host_call *c, struct host_result *ret);

/* Count a check; a failed one is printed. Returns `good`. */
bool host_check(struct host *h, bool good, const char *format, ...) NF_PRINTF(3, 4);
