/* Port: the skills that are installed and what the owner agreed to. Each operation is one durable
 * transaction. All may suspend. */
#pragma once

#include "domain/skill.h"

#include <stddef.h>

struct nf_skills {
    struct nf_skill *v;
    size_t n;
};
void nf_skills_done(struct nf_skills *s);

#define NF_SKILLS_CREATE_MAX 64

struct nf_skill_store {
    const struct nf_skill_store_ops *ops;
};

struct nf_skill_store_ops {
    /* Removed ones are not found. NF_E_NOT_FOUND. */
    enum nf_code (*find)(struct nf_skill_store *s, const char *name, struct nf_skill *ret,
                         struct nf_err *err);
    /* All that are not removed, by name. */
    enum nf_code (*list)(struct nf_skill_store *s, struct nf_skills *ret, struct nf_err *err);
    /* All n, 1 to NF_SKILLS_CREATE_MAX, or none. NF_E_CONFLICT: one of such a name is installed. */
    enum nf_code (*create)(struct nf_skill_store *s, const struct nf_skill *in, size_t n,
                           struct nf_err *err);
    /* Store version, hash, status and grant. NF_E_CONFLICT: it changed since it was read (its
     * updated_ms is not `read_ms`). */
    enum nf_code (*update)(struct nf_skill_store *s, const struct nf_skill *in, int64_t read_ms,
                           struct nf_err *err);
};
