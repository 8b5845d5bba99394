/*
 * Plugin processes, seen from the daemon: a call goes to a process that is jailed, and comes back
 * as its result or as a reason why not. What the plugin asks meanwhile goes to a broker. The daemon
 * itself never forks: it starts one warden, which starts templates, which become workers.
 *
 * Everything is called on the loop's thread, in fibers.
 */
#pragma once

#include "base/string.h"
#include "runtime/loop.h"
#include "skills/wire.h"

#include <stdbool.h>
#include <stdint.h>

/* Answers what one call asks: the policy. Called in the call's fiber; may suspend. */
struct nf_skill_broker {
    const struct nf_skill_broker_ops *ops;
};
struct nf_skill_ask {
    enum nf_skill_op op;
    struct nf_slice fields; /* not read yet, from hostile code */
    struct nf_slice raw;    /* bytes that come with it: a body, a value */
};
struct nf_skill_answer {
    int code; /* NF_SKILL_OK or one of NF_SKILL_E_* */
    struct nf_str json, raw;
};
struct nf_skill_broker_ops {
    /* NF_OK with *ret filled in, also for a refusal. An error ends the call: NF_E_CANCELED. */
    enum nf_code (*ask)(struct nf_skill_broker *b, const struct nf_skill_ask *a,
                        struct nf_skill_answer *ret, struct nf_err *err);
};

/* What is run: borrowed for the call. Two units with the same name and hash are the same. */
struct nf_skill_unit {
    const char *name, *version, *hash;
    const char *path; /* of the shared object */
    int code;         /* its bytes, in memory that nobody can change; 0: the file is opened */
    bool oneshot, threads;
    int64_t memory_bytes, cpu_ms, output_bytes;
    const char *min_level; /* "L1"; "": none of its own */
};

struct nf_skill_run {
    const struct nf_skill_unit *unit;
    const char *tool, *args; /* JSON */
    int64_t owner;           /* for whom: when calls wait, different ones take turns */
    int64_t timeout_ms;      /* of waiting for a process and of the call together */
    struct nf_skill_broker *broker;
};

#define NF_SKILL_WORDS_MAX ((size_t)1024) /* of a failure; what is longer is cut */

struct nf_skill_ran {
    struct nf_str result;
    struct nf_str words; /* of a failure, where an error cannot hold them all */
    int64_t worker;      /* number of the process's generation, for the task row */
    char level[8];       /* the sandbox it ran in: "L3" */
    int64_t wall_us;     /* from sending the call to its reply */
    int64_t asks;        /* broker requests */
    int64_t bytes;       /* in and out, asks included */
};
void nf_skill_ran_done(struct nf_skill_ran *r);

/* The call failed with `code` and these words, which are text. They are kept as a whole, up to
 * NF_SKILL_WORDS_MAX: a model has to read on where an error ends. Returns `code`. */
enum nf_code nf_skill_ran_failed(struct nf_skill_ran *r, enum nf_code code, struct nf_slice words,
                                 struct nf_err *err);

struct nf_warden;

struct nf_warden_stats {
    int64_t calls, failures, violations, crashes, timeouts, templates, workers, idle;
    int64_t blank; /* jailed ahead of need, not among workers */
    /* Templates, and runs of programs, whose jail was made ahead of need. */
    int64_t spared, spared_programs;
};

struct nf_warden_options {
    struct nf_loop *loop;
    const char *program;   /* path of nexflow-skill; NULL: beside our own executable */
    const char *min_level; /* of the configuration: below it every skill is refused */
    /* Libraries that plugins need, by their soname, NULL-terminated: a plugin can load no other.
     * NULL: libm.so.6. libc.so.6 is always there. */
    const char *const *preload;
    int64_t workers_max; /* processes alive at once, of all skills, blank ones included */
    int64_t idle_ms;     /* a worker that is idle for as long is retired, a template after twice */
    /* A violation or crash, for the log and metrics; never suspends. */
    void (*report)(void *arg, const char *skill, const char *what);
    /* A line that the plugin or its C library printed. */
    void (*output)(void *arg, const char *skill, const char *line, size_t n);
    void *arg;
};

/* Start the warden and probe what the kernel gives. At level L0.5 this process is made undumpable,
 * so that a skill of the same user cannot read it under /proc. NF_E_UNAVAILABLE: the program cannot
 * be started. Suspends. */
NF_RC nf_warden_new(const struct nf_warden_options *o, struct nf_warden **ret, struct nf_err *err);
/* The same in two: begin, and do something else until it is to be ready. Before nf_warden_wait has
 * succeeded nothing may be asked of it; if it fails, free it. `start` does not suspend. */
NF_RC nf_warden_start(const struct nf_warden_options *o, struct nf_warden **ret,
                      struct nf_err *err);
NF_RC nf_warden_wait(struct nf_warden *w, struct nf_err *err);
/* Kills every process of it. NULL is allowed. Suspends. */
void nf_warden_free(struct nf_warden *w);

/* Run one call. NF_E_INVALID, NF_E_NOT_FOUND, NF_E_DENIED, NF_E_LIMIT, NF_E_TIMEOUT,
 * NF_E_UNAVAILABLE: the plugin said so, or what became of it (crash, violation, deadline, output);
 * the message is fit for the model. NF_E_DENIED also: the sandbox is below the minimum, with reason
 * and fix. NF_E_CANCELED. *ret is filled in as far as known even on failure. Suspends. */
NF_RC nf_warden_call(struct nf_warden *w, const struct nf_skill_run *r, struct nf_skill_ran *ret,
                     struct nf_err *err);

/* End the processes of a skill (all of its hashes): it was disabled, removed or replaced. */
void nf_warden_retire(struct nf_warden *w, const char *name);

/* "L3" and what is missing, as one line with reasons and fixes ("" if nothing is). */
const char *nf_warden_level(const struct nf_warden *w);
const char *nf_warden_missing(const struct nf_warden *w);
void nf_warden_stats(const struct nf_warden *w, struct nf_warden_stats *ret);
