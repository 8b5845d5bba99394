/* Between program.c, program_root.c and program_init.c only. */
#pragma once

#include "sandbox/impl.h"
#include "sandbox/program.h"

/* A program on its way: nf_setup comes first, so that steps find it. */
struct nf_program_setup {
    struct nf_setup base;
    const struct nf_program_options *o;
    const char *env[NF_PROGRAM_ENV_MAX + 3]; /* as it gets it */
    char home[PATH_MAX + 8], tmp[PATH_MAX + 8];
    int work; /* O_PATH, opened before anything is hidden */
    int read_only[NF_PROGRAM_READ_ONLY_MAX];
    size_t read_only_n;
    int ruleset;  /* of Landlock, begun; -1: not yet */
    bool entered; /* a spare that is in its root already, and is handed what it is to show */
    struct nf_program_options own; /* of a spare: *o, once it has an order */
    int order;                     /* where runs are asked for; -1: there is one, at once */
    int children;                  /* of the first process, where it has to end them one by one */
};

static inline struct nf_program_setup *nf_program_of(struct nf_setup *s)
{
    return (struct nf_program_setup *)s;
}

/* program.c */
NF_RC nf_program_check(const struct nf_sandbox *sb, const struct nf_program_options *o,
                       struct nf_err *err);

/* program_root.c */
int nf_program_open_sources(struct nf_setup *s);
int nf_program_mount_root(struct nf_setup *s);
/* The same in two: what does not depend on the program, and the rest. Namespaces only. */
int nf_program_begin_root(struct nf_setup *s);
int nf_program_finish_root(struct nf_setup *s);
/* Of a spare that is in its root: the rules that all programs have alike. */
int nf_program_begin_landlock(struct nf_setup *s);
int nf_program_landlock(struct nf_setup *s);
/* Give the tree below `path` to that user. */
NF_RC nf_program_adopt(const char *path, uid_t uid, gid_t gid, struct nf_err *err);

/* program_spare.c: whether a spare is handed mounts; else it finds files by their paths. */
bool nf_program_hands_trees(const struct nf_sandbox *sb);
/* Wait for the order, and fill in what it says of a program. False: there is none
 * to come, or the jail does not see the same files as the warden. */
bool nf_program_take_order(struct nf_program_setup *p);

/* program_init.c: the first process of the jail, which starts the program and outlives it until
 * everything has ended. */
int nf_program_init(struct nf_setup *s);
