/*
 * What the files of the warden's port share. A *pool* has the processes of one skill with one hash:
 * a template and its workers, and the calls that wait for one. Nothing outside includes this.
 *
 *     warden.c       the port; the fiber that sees to what is due
 *     warden_link.c  the process of the warden, and what it says
 *     pool.c         who gets which worker; starting and ending them
 *     template.c     a pool's template, and what its processes print
 *     worker.c       one process: its pipes, its state, how it ended
 *     worker_call.c  one call to it
 */
#pragma once

#include "base/own.h"
#include "runtime/watch.h"
#include "skills/control.h"
#include "skills/warden.h"

#include <sys/types.h>

#define NF_POOL_QUEUE_MAX 256 /* calls that wait for a worker of one skill */
#define NF_POOL_OWNER_MAX 64  /* of these for one owner */
#define NF_BREAKER_CRASHES 5  /* in a row, after which nothing is started for a while */
#define NF_BREAKER_FIRST_MS 1000
#define NF_BREAKER_MAX_MS 60000
#define NF_WORKER_FORK_MS 15000 /* to be forked: a template is started for it, perhaps */
#define NF_WORKER_START_MS 5000 /* from fork to ready: constructors and init */
#define NF_WORKER_LEAVE_MS 1000 /* for done(), before it is killed */
#define NF_WORKER_GONE_MS 3000  /* after which a template that does not tell is ended */
#define NF_WORKER_CALLS_MAX 100000
#define NF_WARDEN_ARGS 16                 /* with the NULL: libraries to preload, and two more */
#define NF_WARDEN_IDS 64                  /* fetched at a time */
#define NF_WORKER_VIOLATION_MS 500        /* for the warden to tell what a process was killed for */
#define NF_WORKER_NOTES_PER_S 60          /* log lines and progress; the host sends at most 51 */
#define NF_WORKER_NOTE_MAX ((size_t)2048) /* bytes of one */
#define NF_TEMPLATE_GONE_MS 2000          /* for the warden to say why a template hung up */
#define NF_OUTPUT_PER_S ((size_t)64 * 1024) /* bytes that are read of what a skill prints */
#define NF_OUTPUT_LINE ((size_t)1024)
#define NF_LINK_HELLO_MS 15000
#define NF_LINK_LEAVE_MS 2000 /* to end what it started and clear away, before it is killed */
#define NF_LINK_BACKOFF_FIRST_MS 100
#define NF_LINK_BACKOFF_MAX_MS 30000
#define NF_NEVER INT64_MAX

enum nf_worker_state {
    NF_WORKER_BLANK, /* jailed ahead of need; no plugin is loaded */
    NF_WORKER_STARTING,
    NF_WORKER_IDLE,
    NF_WORKER_BUSY, /* a call's */
    NF_WORKER_USED, /* will not be used again: the keeper lets it go */
    NF_WORKER_LEAVING,
};

struct nf_worker {
    struct nf_worker *prev, *next; /* of the pool */
    struct nf_pool *pool;
    uint64_t number; /* its generation: no two processes ever have the same */
    enum nf_worker_state state;
    int64_t since_us;            /* in this state */
    int to, from, memory, pidfd; /* -1: closed, not there yet */
    pid_t pid;
    struct nf_watch *watch;
    bool paused, asking, closed; /* closed: the other end of the pipe */
    bool killed, exited;
    bool recycle, bulk_used;
    int status; /* of waitpid, once exited */
    struct nf_wire_reader reader;
    struct nf_wait *waiter; /* the call's fiber */
    int64_t owner;
    uint64_t id, calls;
    int64_t busy_us;
    struct nf_err why; /* why it is of no use; NF_OK: it is */
};

struct nf_queued {
    struct nf_queued *prev, *next;
    struct nf_wait wait;
    int64_t owner;
    struct nf_worker *got;
    struct nf_err why; /* if woken without one */
};

/* An owner of calls that wait or run. */
struct nf_owner {
    struct nf_owner *prev, *next;
    int64_t id;
    size_t waiting, running;
    uint64_t served; /* when last: a count of calls */
};

enum nf_template_state { NF_TEMPLATE_NONE, NF_TEMPLATE_STARTING, NF_TEMPLATE_READY };

struct nf_pool {
    struct nf_pool *prev, *next;
    struct nf_warden *warden;
    char *name, *version, *hash, *path;
    int code; /* 0: none */
    char min_level[8];
    bool oneshot, threads, retired;
    int64_t memory_bytes, cpu_ms, output_bytes;

    enum nf_template_state template;
    uint64_t template_number;
    int64_t hung_up_us; /* NF_NEVER: it did not */
    int control, output;
    struct nf_watch *control_watch, *output_watch;
    char line[NF_OUTPUT_LINE];
    size_t line_n, output_n; /* of this second */
    int64_t output_second;
    bool output_paused;
    char violation[256]; /* of a worker whose pid is not known yet; "": none */

    struct nf_worker *workers;
    struct nf_worker *blank; /* the one of them that is; NULL: none */
    struct nf_queued *queue;
    struct nf_owner *owners;
    size_t queued, users; /* calls under way, waiting ones included */
    uint64_t served;
    int64_t used_us;
    int crashes; /* in a row */
    int64_t closed_until_us, backoff_ms;
    struct nf_err last_crash;
};

enum nf_link_state { NF_LINK_DOWN, NF_LINK_STARTING, NF_LINK_UP };

struct nf_warden {
    struct nf_warden_options o;
    char *program, *min_level;
    char *args[NF_WARDEN_ARGS]; /* of its process; ends with NULL */
    struct nf_scope scope;
    struct nf_wait *keeper;
    int64_t keeper_due_us;
    bool ending;

    enum nf_link_state link;
    pid_t pid;
    int control;
    struct nf_watch *control_watch;
    int64_t link_due_us, link_backoff_ms; /* when to start it or to give up waiting for it */
    struct nf_wait *hello;
    struct nf_err link_why;
    char level[8];
    char *missing;

    struct nf_program *programs; /* program.c */
    size_t programs_n;
    struct nf_pool *pools, *turn; /* turn: who may start a worker next */
    uint64_t numbers;
    uint64_t ids[NF_WARDEN_IDS]; /* of calls to come, of which ids_n are left */
    size_t ids_n;
    size_t alive; /* workers that are starting, idle or busy */
    struct nf_warden_stats stats;
};

static inline int64_t nf_us(int64_t ms)
{
    return ms * 1000;
}

int64_t nf_warden_now_us(void);
/* The keeper is to look at `at_us` at the latest. */
void nf_warden_due(struct nf_warden *w, int64_t at_us);
void nf_warden_report(struct nf_warden *w, const struct nf_pool *p, const char *what);

/* warden_link.c */
NF_RC nf_link_args(struct nf_warden *w, struct nf_err *err);
NF_RC nf_link_start(struct nf_warden *w, struct nf_err *err);
void nf_link_stop(struct nf_warden *w);
/* Hang up, and wait until it is gone. */
void nf_link_leave(struct nf_warden *w);
/* What is due; when to look again. */
int64_t nf_link_tick(struct nf_warden *w, int64_t now_us);
/* True once the process is reaped. */
bool nf_link_reap(struct nf_warden *w);

/* pool.c */
struct nf_pool *nf_pool_find(struct nf_warden *w, const struct nf_skill_unit *u,
                             struct nf_err *err);
/* A worker that is busy for `owner` from now on. Suspends. */
NF_RC nf_pool_take(struct nf_pool *p, int64_t owner, int64_t now_us, struct nf_worker **ret,
                   struct nf_err *err);
/* The call has ended; `crashed`: because the worker did. */
void nf_pool_give(struct nf_pool *p, struct nf_worker *k, bool crashed, int64_t now_us);
/* Start what is wanted, hand out what is idle. */
void nf_pool_balance(struct nf_pool *p);
void nf_pools_balance(struct nf_warden *w);
void nf_pool_ready(struct nf_pool *p, struct nf_worker *k);
/* Whether calls are taken: NF_E_UNAVAILABLE, NF_E_LIMIT say why not. */
NF_RC nf_pool_check_open(const struct nf_pool *p, int64_t now_us, struct nf_err *err);
/* Start a process ahead of need, where the skill is in use and has none. */
void nf_pool_start_blank(struct nf_pool *p, int64_t now_us);
/* If nothing of it is needed any more. */
bool nf_pool_free_if_empty(struct nf_pool *p);
struct nf_worker *nf_pool_worker(struct nf_pool *p, uint64_t number);
size_t nf_pool_count(const struct nf_pool *p, enum nf_worker_state state);

/* pool_end.c */
/* A worker that had no call ended, or a template could not be started, for the reason `why`. */
void nf_pool_failed(struct nf_pool *p, const struct nf_err *why);
/* Fail every call that waits. */
void nf_pool_fail_queue(struct nf_pool *p, const struct nf_err *why);
/* A process ended by `what`; after several in a row the skill rests. */
void nf_pool_crashed(struct nf_pool *p, const char *what);
/* It is disabled, removed or replaced: end all of it. */
void nf_pool_retire(struct nf_pool *p);
/* Do what is due; when to look again. */
int64_t nf_pool_tick(struct nf_pool *p, int64_t now_us);

/* template.c */
NF_RC nf_template_start(struct nf_pool *p, struct nf_err *err);
void nf_template_fork(struct nf_pool *p, uint64_t number, bool blank, const int fds[3]);
/* Its processes end; calls fail with `why`. */
void nf_template_end(struct nf_pool *p, const struct nf_err *why);
int64_t nf_template_tick(struct nf_pool *p, int64_t now_us);

/* worker.c */
/* A process that loads the plugin, or waits to be told to. */
NF_RC nf_worker_start(struct nf_pool *p, bool blank, struct nf_err *err);
/* Tell a blank one: it is starting now. */
void nf_worker_load(struct nf_worker *k);
/* It is of no use any more: kill it. The first reason counts. */
void nf_worker_break(struct nf_worker *k, enum nf_code code, const char *fmt, ...) NF_PRINTF(3, 4);
/* What an idle one is told; then it leaves. */
void nf_worker_leave(struct nf_worker *k);
void nf_worker_forked(struct nf_worker *k, int pidfd);
void nf_worker_exited(struct nf_worker *k, int status, const char *text);
/* It has ended and no call waits for it: tell the pool why, and free it. */
void nf_worker_bury(struct nf_worker *k);
#define NF_WORKER_VIOLATION "the skill used a forbidden system call: %s"
/* One that was killed while it started, by nobody that we know of; NULL: there is none. */
struct nf_worker *nf_pool_unexplained(struct nf_pool *p);
/* Its template is gone, and it with it. */
void nf_worker_lost(struct nf_worker *k, const struct nf_err *why);
void nf_worker_free(struct nf_worker *k);
/* How it ended, in words; to be called once exited. */
void nf_worker_explain(const struct nf_worker *k, struct nf_err *ret);

/* worker_call.c: NF_E_* as in warden.h; `*crashed` if the worker is to blame. The worker is of no
 * use afterwards if its `why` is set. Suspends. */
NF_RC nf_worker_call(struct nf_worker *k, const struct nf_skill_run *r, int64_t now_us,
                     int64_t deadline_us, struct nf_skill_ran *ret, bool *crashed,
                     struct nf_err *err);
