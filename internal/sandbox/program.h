/*
 * The looser jail: any program, in any language, which may start processes and threads and make
 * code as it runs (interpreters do), but sees one directory it may write, the system's libraries
 * to read, and no network. See sandbox.h for levels and for the process that comes out.
 *
 * With namespaces it sees a root of its own: /usr and what belongs to it, a few files of /etc,
 * read_only[], /work, an empty /tmp, its own /proc and some harmless devices. Without them (level
 * L1) paths stay those of the machine, and Landlock leaves the same ones, without /tmp and /proc;
 * and since Landlock does not guard names against chmod and the like, those are refused.
 */
#pragma once

#include "sandbox/sandbox.h"

#define NF_PROGRAM_FDS_MAX 8
#define NF_PROGRAM_READ_ONLY_MAX 16
#define NF_PROGRAM_ENV_MAX 64
#define NF_PROGRAM_NOFILE 256           /* RLIMIT_NOFILE inside */
#define NF_PROGRAM_TMP_BYTES (64 << 20) /* of /tmp, memory of its group */
#define NF_PROGRAM_FILES_MAX 20000      /* in the work directory, if it has to change hands */
#define NF_PROGRAM_DEPTH_MAX 32
#define NF_PROGRAM_PROXY_PORT 3128
#define NF_PROGRAM_NOT_RUN 127 /* exit code: argv[0] cannot be executed; stderr says why */

struct nf_program_options {
    const char *const *argv; /* argv[0] is an absolute path, as the program sees it */
    const char *const *env;  /* all but HOME and TMPDIR, which depend on the level; not our own */
    /* Its current directory and HOME, writable; absolute. With namespaces it is called /work, and
     * TMPDIR is /tmp; without, both are the directory itself. A warden that
     * runs as root first gives the tree to the program's user, without following links. */
    const char *work_dir;
    /* More that it may read and execute: its own directory, an interpreter outside /usr. Absolute,
     * NULL-terminated, seen under the same names. NULL: none. */
    const char *const *read_only;
    /* It has a network of its own, in which there is one address: 127.0.0.1, port
     * NF_PROGRAM_PROXY_PORT. Whoever has the listening socket (`listener` of the process, once
     * nf_jail_wait has succeeded) accepts there. False: no sockets but pairs. Needs namespaces. */
    bool proxy;
    int in_fd, out_fd, err_fd; /* -1: /dev/null */
    const int *fds;            /* become 3, 4, ...; everything else is closed */
    size_t fds_n;
    unsigned slot;        /* below NF_JAIL_SLOTS; the same for all who share work_dir */
    int64_t memory_bytes; /* of the whole tree (cgroup); 0: no limit */
    int64_t processes;    /* the same; where there is no cgroup, of the program's user */
    int64_t cpu_seconds;  /* of each process; 0: no limit */
    int64_t file_bytes;   /* of the largest file it may write */
};

/* Start it. The caller has one thread. nf_jail_wait says when it is jailed and about to run; its
 * exit status is that of the program, 128 + n if signal n ended it. When it has ended, or by
 * nf_jail_end, everything that it started ends too. NF_E_DENIED: the level is below L1, or without
 * namespaces there is a proxy, or nothing that keeps its signals from the daemon. NF_E_INVALID: a
 * path that is not absolute. NF_E_LIMIT: too many files in the work directory. NF_E_UNAVAILABLE. */
NF_RC nf_program_spawn(struct nf_sandbox *s, const struct nf_program_options *o,
                       struct nf_jail_process *ret, struct nf_err *err);

/* A jail that stays, in which the program runs again and again, one run after another: for runs of
 * the same skill, for the same person, in the same work directory. No process outlives its run, and
 * neither does anything else but what is in the work directory: a run that leaves something in
 * /tmp, /dev/shm or System V IPC was the jail's last, which ends behind it. Costs a fork instead of
 * a jail. in_fd, out_fd, err_fd and fds of *o are not used. *order is a socket for the calls below;
 * the caller closes it, and nf_jail_end ends jail and run. Errors as for nf_program_spawn. */
NF_RC nf_program_keep(struct nf_sandbox *s, const struct nf_program_options *o,
                      struct nf_jail_process *ret, int *order, struct nf_err *err);
/* Begin a run with fds[0..n) as its 0, 1, 2, ...; 3 <= n <= 3 + NF_PROGRAM_FDS_MAX, all of them
 * open. The caller may close its own then. Not before the last has ended. NF_E_UNAVAILABLE: the
 * jail has ended. */
NF_RC nf_program_run(int order, const int *fds, size_t n, struct nf_err *err);
/* Before a run but the first: the work directory is its user's again, whoever wrote there since. */
NF_RC nf_program_adopt_again(const struct nf_sandbox *s, const struct nf_program_options *o,
                             struct nf_err *err);
/* Its exit status, as of nf_program_spawn, once `order` is readable; else it waits. Everything that
 * the run started has ended. NF_E_UNAVAILABLE: the jail has ended. */
NF_RC nf_program_ran(int order, int *status, struct nf_err *err);
/* Behind that, in the same way: whether it was the jail's last run. It then ends. */
NF_RC nf_program_was_last(int order, bool *ret, struct nf_err *err);

/* A *spare*: a jail that stays, made before anybody knows for which program. It has its namespaces
 * and a root with what belongs to the system, and waits; no program has been in it. Until it is
 * used it is the warden's own user. Of *o it takes env, which is that of whoever uses it, and,
 * until they are known, the limits of its tree. NF_E_DENIED also: without namespaces, with a proxy,
 * or where a namespace for users would have to know its user. Then nf_jail_wait. */
NF_RC nf_program_spare(struct nf_sandbox *s, const struct nf_program_options *o,
                       struct nf_jail_process *ret, int *order, struct nf_err *err);
/* Make the spare *p, which is ready, the jail that nf_program_keep would have made; then
 * nf_jail_wait once more. NF_E_UNAVAILABLE: it cannot be, since it has ended, or was made before
 * something was mounted and finds other files under these names; call nf_jail_end. Else errors as
 * for nf_program_spawn. Blocks for at most NF_PROGRAM_USE_MS. */
NF_RC nf_program_use(struct nf_sandbox *s, const struct nf_program_options *o,
                     struct nf_jail_process *p, struct nf_err *err);
#define NF_PROGRAM_USE_MS 1000
