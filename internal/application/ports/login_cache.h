/*
 * Port: who is signed in under which cookie, for a moment, for all instances. What it says was true
 * when it was read from the database, and nobody has been signed out, blocked or given another role
 * since; or that happened no longer ago than NF_LOGIN_CACHED_MS, while it could not be told. So who
 * changes anything is looked up in the database itself.
 */
#pragma once

#include "domain/user.h"

#define NF_LOGIN_CACHED_MS 10000

/* The state of all logins when somebody began to read from the database. "": not known. */
struct nf_login_mark {
    char text[44];
};

struct nf_login_cache {
    const struct nf_login_cache_ops *ops;
};

struct nf_login_cache_ops {
    /* NF_E_NOT_FOUND: read it from the database, then put it with *mark. NF_E_UNAVAILABLE: nobody
     * knows now. May suspend, but not for long. */
    enum nf_code (*get)(struct nf_login_cache *c, const char *cookie_hash,
                        struct nf_login_mark *mark, struct nf_user *ret, struct nf_err *err);
    /* Best effort. Never suspends. */
    void (*put)(struct nf_login_cache *c, const char *cookie_hash, const struct nf_login_mark *mark,
                const struct nf_user *u);
    /* Something has changed: nobody may be told what was put before. Best effort, and tried again
     * until it holds by itself. Never suspends. */
    void (*forget)(struct nf_login_cache *c);
};
