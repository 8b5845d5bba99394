/*
 * The sandbox of skills: what this machine can enforce (found by doing it), and a process in it.
 *
 * Three parties. The *warden* is small, has one thread and no secret; it owns a struct nf_sandbox
 * and starts templates. A *template* is jailed by nf_jail_spawn before any code of ours runs in it
 * and never runs the plugin's. A *worker* is a fork of its template that calls nf_worker_enter
 * before dlopen and nf_worker_lock after it. The first instruction of a plugin is the boundary: a
 * constructor shares the address space with whatever would lock down later, so what
 * nf_worker_enter leaves must already hold against hostile code; nf_worker_lock only hardens.
 *
 * Nothing here is silently weaker: nf_sandbox_new finds out which layers work, the level says it,
 * and from then on a layer that was found and then fails is an error of that spawn.
 *
 * Nothing here logs, keeps global state or suspends. Calls block for at most the time they name.
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* --- what the machine gives ------------------------------------------------------------------- */

enum nf_layer {
    NF_LAYER_SECCOMP,    /* system calls by an allow list */
    NF_LAYER_LANDLOCK,   /* files, TCP, abstract sockets, signals */
    NF_LAYER_NAMESPACES, /* mount (an empty root), pid, net, ipc, uts, cgroup, user */
    NF_LAYER_CGROUP,     /* memory and number of processes of the whole tree */
    /* The level does not depend on those below. */
    NF_LAYER_NOTIFY, /* a violation becomes a record; without it just a killed process */
    NF_LAYER_MDWE,   /* memory that was writable never becomes executable */
    NF_LAYER_UID,    /* a user of its own; given only to a warden that runs as root */
    NF_LAYER_PLAIN,  /* false in a build with sanitizers: wider filter, no limit of address space */
    NF_LAYERS,
};

/* In the order of what they promise. */
enum nf_level {
    NF_LEVEL_NONE, /* "none": not even seccomp. Plugins are refused. */
    NF_LEVEL_L0_5, /* "L0.5": seccomp (and rlimits, as from here on always) */
    NF_LEVEL_L1,   /* "L1": seccomp, Landlock */
    NF_LEVEL_L2,   /* "L2": seccomp, Landlock, namespaces */
    NF_LEVEL_L3,   /* "L3": seccomp, Landlock, namespaces, cgroup */
};

const char *nf_level_name(enum nf_level l);
/* False: no level is called so. */
bool nf_level_parse(const char *name, enum nf_level *ret);
/* "seccomp", "landlock", "namespaces", "cgroup", "notify", "mdwe", "uid", "plain". */
const char *nf_layer_name(enum nf_layer l);

struct nf_gap {
    enum nf_layer layer;
    int error;     /* errno, 0 if there was none */
    char why[112]; /* "unshare: Operation not permitted" */
    char fix[144]; /* one command or setting, or that there is none */
};

struct nf_sandbox_report {
    enum nf_level level;
    bool have[NF_LAYERS];
    int landlock_abi;   /* 0: none */
    int cgroup_version; /* 2, 1, 0: none */
    bool user_ns;       /* false: the namespaces were made by root, without one for users */
    struct nf_gap gaps[NF_LAYERS]; /* of the layers that are missing */
    size_t gaps_n;
};

/* All gaps as one line, "cgroup: why (fix); ...", cut at n; "" if there are none. */
void nf_sandbox_gaps_text(const struct nf_sandbox_report *r, char *ret, size_t n);

struct nf_sandbox;

/* Probe in throw-away children, compile the policies, make a directory for cgroups. The caller has
 * one thread. Takes some 20 ms, at most NF_PROBE_MS. NF_E_UNAVAILABLE: no process could be started
 * at all; a machine without any layer is no failure but level none. */
#define NF_PROBE_MS 5000
NF_RC nf_sandbox_new(struct nf_sandbox **ret, struct nf_err *err);
/* Removes the directory for cgroups; what was spawned should have ended. NULL is allowed. */
void nf_sandbox_free(struct nf_sandbox *s);
const struct nf_sandbox_report *nf_sandbox_report(const struct nf_sandbox *s);

/* Act as on a machine that lacks what is not in `keep`: for tests and measurements, which need
 * every level. Layers can only be taken away. The report follows, with "switched off" as why. */
void nf_sandbox_restrict(struct nf_sandbox *s, const bool keep[NF_LAYERS]);

/* NF_E_DENIED below `min`: the message has the level, the gaps and their fixes. */
NF_RC nf_sandbox_require(const struct nf_sandbox *s, enum nf_level min, struct nf_err *err);

/* --- a template ------------------------------------------------------------------------------- */

enum nf_jail_profile {
    NF_JAIL_PLAIN,
    NF_JAIL_THREADS, /* pthread_create works; fork still does not */
};

/* Users that exist nowhere else: the range is assigned to nobody by systemd's UIDS-GIDS table. */
#define NF_JAIL_UID_FIRST 0x70000000u
#define NF_JAIL_SLOTS 65536u
#define NF_JAIL_UID_OTHER 65534u /* in a container that does not map the range */
#define NF_JAIL_FDS_MAX 8        /* descriptors handed in, besides 0 to 2 */
#define NF_JAIL_NOFILE 32        /* RLIMIT_NOFILE inside */
/* Where the plugin's bytes are in templates and in workers until they are loaded, if the jail has
 * no root directory of its own. A worker that closes descriptors leaves this one open. */
#define NF_JAIL_CODE_FD (NF_JAIL_NOFILE - 1)
#define NF_JAIL_STACK_BYTES (8 << 20)
#define NF_JAIL_CODE_MAX ((int64_t)64 << 20) /* bytes of a plugin's file */
#define NF_JAIL_MEMORY_MIN ((int64_t)16 << 20)

/* Inside: what the functions of a worker need, and where the plugin is. Lives as long as the
 * process. */
struct nf_jail {
    enum nf_jail_profile profile;
    enum nf_level level;
    const char *plugin; /* for dlopen, RTLD_NOW | RTLD_LOCAL */
    bool seccomp;
    const struct nf_policy *policy;
    int64_t memory_bytes;
};

struct nf_jail_options {
    enum nf_jail_profile profile;
    /* The plugin's bytes, from nf_code_seal; borrowed. They become the only file there is. */
    int code_fd;
    /* Become 3, 4, ... inside, in this order; every other descriptor is closed. 0 is /dev/null,
     * 1 and 2 are out_fd (-1: /dev/null). Pipes or sockets, no files: NF_E_INVALID. */
    const int *fds;
    size_t fds_n;
    int out_fd;
    unsigned slot;              /* below NF_JAIL_SLOTS: which user, where there is a choice */
    int64_t memory_bytes;       /* of one worker (RLIMIT_AS, on top of what is mapped already) */
    int64_t group_memory_bytes; /* of template and workers together (cgroup); 0: no limit */
    int64_t group_processes;    /* the same for processes and threads; 0: no limit */
    /* What the template does; its result is the exit code. Runs jailed, the environment is empty,
     * signals are as at start. It may fork, recvmsg and sendmsg, and do little else. */
    int (*run)(const struct nf_jail *j, void *arg);
    void *arg;
    size_t arg_n; /* bytes at arg, at most NF_JAIL_ARG_MAX: what a spare is told, as a copy */
};
#define NF_JAIL_ARG_MAX ((size_t)256)

/* A process tree in a jail, seen from outside. Zero value: none. */
struct nf_jail_process {
    pid_t pid;
    int pidfd;    /* readable once it has ended; reap with waitpid */
    int ready_fd; /* readable once nf_jail_wait need not wait */
    int listener; /* of violations, of a program's proxy; -1: none, or not waited for yet */
    struct nf_cgroup *cgroup; /* NULL: none */
    bool ends_itself;
    bool spare;   /* nobody's template yet */
    int order_fd; /* where a spare that is ready is told whose; else -1 */
};
#define NF_JAIL_PROCESS_NONE                                                                       \
    ((struct nf_jail_process){ .pidfd = -1, .ready_fd = -1, .listener = -1, .order_fd = -1 })

/* Copy the file at `path` (at most `max` bytes) into a sealed memfd: nobody can change it any more,
 * so what was hashed is what runs. NF_E_NOT_FOUND, NF_E_LIMIT, NF_E_IO. The caller closes it. */
NF_RC nf_code_seal(const char *path, int64_t max, int *ret, struct nf_err *err);

/* Start a template. The caller has one thread. Returns as soon as the process exists; it is jailed
 * when nf_jail_wait says so. NF_E_UNAVAILABLE: level none, or out of processes or descriptors. */
NF_RC nf_jail_spawn(struct nf_sandbox *s, const struct nf_jail_options *o,
                    struct nf_jail_process *ret, struct nf_err *err);

/* Start a *spare*: a template made ahead of need, for whichever plugin without threads is next. It
 * is jailed like any other, with an empty file in place of its plugin, and waits; no code of a
 * plugin has been near it, and it becomes the template of one, once. Of *o it takes profile, slot,
 * run and, until they are known, the limits of the group. What it has beyond a template's rights is
 * that it can fill its one file. Errors as nf_jail_spawn; then nf_jail_wait. */
NF_RC nf_jail_spare(struct nf_sandbox *s, const struct nf_jail_options *o,
                    struct nf_jail_process *ret, struct nf_err *err);
/* Whether a spare can become that template. */
bool nf_jail_spare_fits(const struct nf_jail_options *o);
/* Make the spare *p, which is ready and fits, the template that *o asks for (but for its slot: it
 * keeps its own); then nf_jail_wait once more. NF_E_UNAVAILABLE: it has ended; call nf_jail_end. */
NF_RC nf_jail_use(const struct nf_jail_options *o, struct nf_jail_process *p, struct nf_err *err);

/* Wait until it is in its jail, at most `ms`. NF_E_TIMEOUT; NF_E_UNAVAILABLE: a step failed, and
 * the message has its name and errno. Then the process has ended or is about to: call _end. */
NF_RC nf_jail_wait(struct nf_jail_process *p, int ms, struct nf_err *err);

/* Kill the whole tree, wait for it, release everything. The zero value and NF_JAIL_PROCESS_NONE are
 * allowed. `*status` (may be NULL) is that of waitpid, -1 if there was none. */
void nf_jail_end(struct nf_jail_process *p, int *status);
/* The same for a process that somebody else has reaped: kills what is left of its tree. */
void nf_jail_end_reaped(struct nf_jail_process *p);

/* --- a worker: a fork of a template, inside ----------------------------------------------------
 */

/* Before dlopen: processor time, no children, dies with its template, and everything that only a
 * template may do is gone. cpu_seconds 0: no limit. NF_E_INTERNAL: do not go on, _exit. */
NF_RC nf_worker_enter(const struct nf_jail *j, int64_t cpu_seconds, struct nf_err *err);
/* After dlopen and dlsym: no file is opened and nothing becomes executable any more. Closes
 * NF_JAIL_CODE_FD. */
NF_RC nf_worker_lock(const struct nf_jail *j, struct nf_err *err);

/* --- violations ------------------------------------------------------------------------------- */

/* A system call that no row of the policy names, caught before it was done. */
struct nf_violation {
    pid_t pid; /* in the pid namespace of the caller; 0 if it has ended since */
    int number;
    char name[32]; /* "ptrace"; "syscall 999" if it has no name here */
    uint64_t args[6];
    uint64_t ip;
};

/* Take one from a listener, and kill its process: the call is never done. Does not wait.
 * NF_E_NOT_FOUND: there is none (any more: the process was killed meanwhile). NF_E_CANCELED: nobody
 * is left who could violate, close the listener. */
NF_RC nf_violation_take(int listener, struct nf_violation *ret, struct nf_err *err);
