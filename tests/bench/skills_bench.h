/* What the parts of skills_bench share: samples, what is compared with, the skills that are called.
 */
#pragma once

#include "skills/memory_broker.h"
#include "skills/warden_impl.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* --- skills_samples.c ------------------------------------------------------------------------- */

enum skills_what {
    PING,
    LOOP_PING,
    PLAIN_FRAMES,
    JAILED_FRAMES,
    POOLED,
    EACH,
    ASK,
    ONESHOT,
    RESTED,
    ONESHOT_RESTED,
    READY,
    COLD,
    COLD_ALONE,
    SPAWN,
    JAIL,
    FIRST,
    PROGRAM,
    BWRAP,
    BWRAP_RESTED,
    WHATS
};

/* In microseconds. */
double now(void);
__attribute__((noreturn)) void die(const char *what);
void add(enum skills_what w, double us);
double quantile(enum skills_what w, double q);
void print_json(void); /* without the brackets, each figure with a comma behind it */
void print_table(void);

/* --- skills_peers.c --------------------------------------------------------------------------- */

#define PEER_REPLY ((size_t)160) /* bytes */
extern const char peer_args[];   /* of about 200 bytes */

struct peer {
    int to, from;
    pid_t pid;
};

struct peer start_peer(void (*run)(int in, int out));
void end_peer(struct peer *p);
/* For a peer: as many bytes back for each message. */
void echo(int in, int out);
/* For a peer: the same host and plugin as in the jail. */
void serve_plain(int in, int out);
extern const char *peer_plugin;

void spawn_and_wait(const char *const *argv);
void measure_bwrap(enum skills_what w);
/* There and back, without a loop. */
void exchange(int to, int from, const char *p, size_t n);
void call_frames(int to, int from, uint64_t id);

/* --- skills_bench.c: calls through the loop --------------------------------------------------- */

extern struct nf_warden *warden;
extern struct nf_memory_broker broker;
struct nf_skill_unit unit_of(const char *hash, bool oneshot);
/* How long it took. */
double call(const struct nf_skill_unit *u, const char *tool, const char *args);
void nap(int64_t ms);
struct nf_pool *pool_of(const struct nf_skill_unit *u);

/* --- skills_programs.c ------------------------------------------------------------------------ */

/* As a skill, by the warden; how long it took. */
double run_program(const char *work);
/* In a directory in which nothing ran yet, and once more; beside bwrap, which has rested as well:
 * whoever is waked up on an idle processor is late. */
void measure_program(void);
/* The jail alone, without a loop, as the warden starts it. */
void measure_jail(int rounds);

/* --- skills_memory.c -------------------------------------------------------------------------- */

#define IDLE_WORKERS 50

/* In KiB. */
struct memory {
    double idle_pss, idle_tables, spare_rss, spare_pss;
};
void measure_memory(struct memory *ret);
