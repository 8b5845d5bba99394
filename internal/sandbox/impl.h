/* Within internal/sandbox only: what its files share. */
#pragma once

#include "sandbox/cgroup.h"
#include "sandbox/policy.h"
#include "sandbox/sandbox.h"

#include <limits.h>

enum { NF_OFFLINE, NF_ONLINE, NF_BARE, NF_PROGRAMS };

struct nf_sandbox {
    struct nf_sandbox_report report;
    uid_t uid; /* of a warden that is not root, and of nobody else */
    gid_t gid;
    bool root;
    bool other_uid; /* the range of users of our own is not mapped here */
    struct nf_cgroup_base *cgroups;
    struct nf_policy *plugin[2][2]; /* [threads][notify] */
    struct nf_policy *program[NF_PROGRAMS];
    int empty_net; /* a network namespace that programs share; -1: none yet */
};

/* What a step of a jail could not do. */
struct nf_failure {
    char step[32];
    int error; /* errno */
};

/* A process on its way into a jail. Lives in the frame of the new process. */
struct nf_setup {
    const struct nf_sandbox *sandbox;
    bool have[NF_LAYERS];
    bool user_ns;
    bool drop_uid; /* uid, gid differ from those of the warden */
    uid_t uid;
    gid_t gid;
    int net_ns;          /* to join; -1: a new one */
    bool bounded;        /* its bounding set of capabilities is empty */
    bool ends_itself;    /* on SIGTERM it first ends what it has started */
    bool spare;          /* it waits in its jail until there is use for it */
    int plugin_fd;       /* of a spare: the file that its plugin goes to; -1: none */
    size_t mapped_bytes; /* address space that a process has from the start */
    int64_t group_memory_bytes, group_processes; /* 0: no limit */
    int ready;                                   /* to the warden: first its go, then our message */
    int code; /* where the plugin's bytes are, once descriptors are in place */
    int listener;
    const struct nf_jail_options *jail;
    const struct nf_policy *policy;
    char plugin[32];
};

/* A step: 0 or -errno. Runs in the new process, which is a copy of a process with one thread. */
typedef int (*nf_step_fn)(struct nf_setup *s);
struct nf_step {
    const char *name;
    nf_step_fn fn;
};

/* --- clone.c: processes ------------------------------------------------------------------------
 */

/* Start a process in namespaces and cgroup as `s` has them; it then runs steps[0..n) until one
 * fails, tells the warden, and goes on with `then`, whose result is its exit code. *failed says
 * what could not be done already here. */
NF_RC nf_clone(struct nf_setup *s, const struct nf_step *steps, size_t n,
               int (*then)(struct nf_setup *s), struct nf_jail_process *ret,
               struct nf_failure *failed, struct nf_err *err);
/* Inside: how it went. error 0: well; `step` then does not matter. */
void nf_clone_tell(const struct nf_setup *s, const char *step, int error);
/* nf_jail_wait that also says which step it was. */
NF_RC nf_clone_wait(struct nf_jail_process *p, int ms, struct nf_failure *failed,
                    struct nf_err *err);

/* --- beside.c: descriptors beside a message ------------------------------------------------------
 */

#define NF_BESIDE_MAX 20 /* of one message */
/* One message of n bytes with fds[0..fds_n), which stay the caller's. False: errno. */
bool nf_beside_send(int to, const void *p, size_t n, const int *fds, size_t fds_n);
/* recvmsg(2): what it returns. fds[0..*fds_n) are the caller's; what came beyond fds_max is closed.
 * A signal ends the wait. */
ssize_t nf_beside_recv(int from, void *p, size_t n, int *fds, size_t fds_max, size_t *fds_n,
                       int flags);

/* --- steps.c: what all jails do ----------------------------------------------------------------
 */

/* Which user, and whether it has to become one. */
void nf_setup_user(struct nf_setup *s, unsigned slot);
int nf_step_user(struct nf_setup *s);         /* inside a namespace for users */
int nf_step_name(struct nf_setup *s);         /* of the host */
int nf_step_session(struct nf_setup *s);      /* its own, and the name */
int nf_step_user_late(struct nf_setup *s);    /* without such a namespace: mounting came first */
int nf_step_bounding_set(struct nf_setup *s); /* only what nf_step_capabilities does first */
int nf_step_capabilities(struct nf_setup *s);
int nf_step_no_new_privs(struct nf_setup *s);
int nf_step_environment(struct nf_setup *s);
int nf_step_signals(struct nf_setup *s);
int nf_step_with_parent(struct nf_setup *s); /* ends when the warden does */
/* Hide the old root: `dir` is a mount that becomes "/". */
int nf_enter_root(const char *dir);
/* A tmpfs with these options at `place`, or if that is NULL on some directory that exists: its
 * name, or NULL with errno. */
const char *nf_mount_tmpfs(const char *place, const char *options);
/* Put fds[i] at number i, close everything else; -1 stays closed. 0 or -errno. */
int nf_place_descriptors(const int *fds, size_t n);
int nf_limit(int resource, uint64_t value);

/* --- landlock.c --------------------------------------------------------------------------------
 */

struct nf_land_rule {
    const char *path;
    int fd;        /* if path is NULL */
    uint16_t port; /* of NF_LAND_CONNECT, which has neither: TCP, before version 4 to any */
    enum nf_land {
        NF_LAND_READ,
        NF_LAND_RUN,
        NF_LAND_WRITE,
        NF_LAND_DEVICE,
        NF_LAND_CONNECT,
    } may;
};
/* What the kernel calls its version, 0: there is none. */
int nf_landlock_abi(void);
/* Nothing but the rules from now on; a path that does not exist is no error. 0 or -errno. */
int nf_landlock_restrict(const struct nf_land_rule *rules, size_t n);
/* The same in pieces: a descriptor (close-on-exec) of no rules or -errno, more of them, the end. */
int nf_landlock_begin(void);
int nf_landlock_add(int ruleset, const struct nf_land_rule *rules, size_t n);
int nf_landlock_enforce(int ruleset); /* and close it */

/* --- spare.c -----------------------------------------------------------------------------------
 */

/* Inside, above what comes with the order. */
#define NF_SPARE_ORDER_FD (NF_JAIL_NOFILE - 2)
#define NF_SPARE_PLUGIN_FD (NF_JAIL_NOFILE - 3)
/* A root like that of a template, in which plugin.so is empty and s->plugin_fd open for writing. */
int nf_spare_mount_root(struct nf_setup *s);
/* Give *fd that number. 0 or -errno. */
int nf_spare_put_aside(int *fd, int to);
/* Wait for the order, and become the template that it asks for. */
int nf_spare_wait(struct nf_setup *s);

/* --- jail.c, probe.c ----------------------------------------------------------------------------
 */

NF_RC nf_jail_check_descriptors(const struct nf_jail_options *o, struct nf_err *err);
/* What a template does once it is in its jail. */
int nf_template_run(struct nf_setup *s, int64_t memory_bytes, void *arg);
/* Bytes of address space that one of its workers may have. */
int nf_limit_memory(const struct nf_setup *s, int64_t memory_bytes);
NF_RC nf_jail_spawn_failing(struct nf_sandbox *sb, const struct nf_jail_options *o,
                            struct nf_jail_process *ret, struct nf_failure *failed,
                            struct nf_err *err);
/* Fill in the report. */
NF_RC nf_probe(struct nf_sandbox *sb, struct nf_err *err);
/* The level that follows from `have`. */
void nf_report_level(struct nf_sandbox_report *r);
void nf_report_gap(struct nf_sandbox_report *r, enum nf_layer layer, int error, const char *why,
                   const char *fix);
/* One command or setting for what is missing. */
const char *nf_fix_for(enum nf_layer layer, int error);
