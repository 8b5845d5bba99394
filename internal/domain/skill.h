/*
 * A skill as installed: what it is called, whether it may run, and what the owner agreed to. Pure.
 *
 *     installed -> enabled <-> disabled;   installed | enabled | disabled -> removed. Final.
 *
 * A grant is the owner's consent to what a skill may do. It is bound to the SHA-256 of the skill's
 * files: whatever has another hash was not what the owner looked at and has no grant.
 */
#pragma once

#include "base/error.h"
#include "domain/limits.h"

#include <stdbool.h>
#include <stdint.h>

#define NF_SKILL_NAME_MAX 31 /* bytes; with a tool's and '_' between at most NF_NAME_MAX */

#define NF_SKILL_VERSION_MAX 64 /* bytes */
#define NF_SKILL_HASH 64        /* lower-case hex digits */

/* Stored by number: append, never renumber. */
enum nf_skill_status {
    NF_SKILL_INSTALLED = 1,
    NF_SKILL_ENABLED = 2,
    NF_SKILL_DISABLED = 3,
    NF_SKILL_REMOVED = 4,
};

/* Whether a person is asked before a tool runs. Stored by number: append, never renumber. */
enum nf_approval {
    NF_APPROVAL_NEVER = 1,  /* it runs */
    NF_APPROVAL_ASK = 2,    /* asked when a model calls it; who runs it by hand has said yes */
    NF_APPROVAL_ALWAYS = 3, /* asked every time */
};

struct nf_skill {
    int64_t id;
    char name[NF_NAME_MAX + 1];
    char version[NF_SKILL_VERSION_MAX + 1];
    char hash[NF_SKILL_HASH + 1]; /* of its files, all of them with their names */
    enum nf_skill_status status;
    char granted_hash[NF_SKILL_HASH + 1]; /* what the grant is for; "" without one */
    int64_t granted_by, granted_ms;       /* 0 without one */
    int64_t created_ms, updated_ms;
};

/* A name is 1 to NF_NAME_MAX of [a-z0-9-], begins with a letter and does not end with '-'. A
 * version is one of Semantic Versioning 2.0.0, at most NF_SKILL_VERSION_MAX bytes. A hash is
 * NF_SKILL_HASH lower-case hex digits. NF_E_INVALID names the field. */
NF_RC nf_skill_check_name(const char *name, struct nf_err *err);
NF_RC nf_skill_check_version(const char *version, struct nf_err *err);
NF_RC nf_skill_init(struct nf_skill *s, int64_t id, const char *name, const char *version,
                    const char *hash, int64_t now_ms, struct nf_err *err);

/* The owner `user_id` agrees to what the files with `hash` may do. NF_E_CONFLICT: they are not
 * those of the skill any more, or it is removed. */
NF_RC nf_skill_grant(struct nf_skill *s, const char *hash, int64_t user_id, int64_t now_ms,
                     struct nf_err *err);
bool nf_skill_is_granted(const struct nf_skill *s);

/* Move along an arrow; NF_E_CONFLICT for one that is not drawn. NF_E_DENIED: enabling needs a
 * grant. Removing takes the grant away. */
NF_RC nf_skill_become(struct nf_skill *s, enum nf_skill_status to, int64_t now_ms,
                      struct nf_err *err);

/* Its files were replaced. With another hash the grant is gone, and an enabled skill is disabled.
 */
NF_RC nf_skill_replace(struct nf_skill *s, const char *version, const char *hash, int64_t now_ms,
                       struct nf_err *err);

/* Whether it may run now that its files have `hash`. NF_E_DENIED says why and what to do. */
NF_RC nf_skill_may_run(const struct nf_skill *s, const char *hash, struct nf_err *err);

/* The name under which a model calls `tool` of `skill`: "SKILL_TOOL". A skill's name has no '_', so
 * the first one parts the two. NF_E_LIMIT: it would be longer than NF_CALL_NAME_MAX. */
NF_RC nf_skill_tool_name(const char *skill, const char *tool, char ret[NF_CALL_NAME_MAX + 1],
                         struct nf_err *err);

const char *nf_skill_status_name(enum nf_skill_status status); /* "enabled" */
