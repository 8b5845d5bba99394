/*
 * Control groups: limits of memory and number of processes of a whole tree, and its end. Version 2
 * where it has both controllers, else version 1, else none.
 */
#pragma once

#include "base/error.h"

#include <stdint.h>
#include <sys/types.h>

/* A directory of ours, "nexflow-PID", below which each tree gets one. */
struct nf_cgroup_base;
struct nf_cgroup;

/* NF_E_UNAVAILABLE: there is no place for it; *error is the errno of the last that was tried, and
 * the message says what was. Removes what a predecessor left that has ended. */
NF_RC nf_cgroup_base_new(struct nf_cgroup_base **ret, int *error, struct nf_err *err);
void nf_cgroup_base_free(struct nf_cgroup_base *b);
/* 1 or 2. */
int nf_cgroup_base_version(const struct nf_cgroup_base *b);

/* A group with its limits set; 0: no limit. *error is errno. */
NF_RC nf_cgroup_new(struct nf_cgroup_base *b, int64_t memory_bytes, int64_t processes,
                    struct nf_cgroup **ret, int *error, struct nf_err *err);
/* Its limits from now on; what they are already costs nothing. 0 or -errno. */
int nf_cgroup_limit(struct nf_cgroup *g, int64_t memory_bytes, int64_t processes);
/* For CLONE_INTO_CGROUP; -1: version 1, which has no such thing. */
int nf_cgroup_fd(const struct nf_cgroup *g);
/* Join it, with one thread. Version 2: some milliseconds, in which the kernel stops every fork of
 * the machine; version 1 has a way without (cgroup_procs_write_start in kernel/cgroup/cgroup.c: a
 * thread that moves itself takes no lock). 0 or -errno. */
int nf_cgroup_join(const struct nf_cgroup *g);
/* Kill every process in it; they may fork meanwhile. */
void nf_cgroup_kill(const struct nf_cgroup *g);
/* The last limit that was hit: "memory", "processes", or "" if none was. */
const char *nf_cgroup_hit(const struct nf_cgroup *g);
/* Remove it, which needs all its processes to have been reaped: waits a moment for that. */
void nf_cgroup_free(struct nf_cgroup *g);
