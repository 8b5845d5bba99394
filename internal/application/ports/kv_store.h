/* Port: what skills keep for a person. Each operation is one durable transaction. All may suspend.
 */
#pragma once

#include "base/string.h"

#define NF_KV_KEY_MAX 128
#define NF_KV_VALUE_MAX ((size_t)64 * 1024)
#define NF_KV_LIST_MAX 1000

/* Whose and which. Borrowed. */
struct nf_kv_key {
    const char *skill;
    int64_t user_id;
    const char *key; /* 1 to NF_KV_KEY_MAX printable ASCII characters, the blank not among them */
};

struct nf_kv_names {
    char **v;
    size_t n;
};
void nf_kv_names_done(struct nf_kv_names *n);

struct nf_kv_store {
    const struct nf_kv_store_ops *ops;
};

struct nf_kv_store_ops {
    /* All: NF_E_INVALID for a key that is none, or a limit outside 1 to NF_KV_LIST_MAX. */
    /* NF_E_NOT_FOUND. Appends to *ret. */
    enum nf_code (*get)(struct nf_kv_store *s, const struct nf_kv_key *k, struct nf_str *ret,
                        struct nf_err *err);
    /* Set or replace. NF_E_LIMIT: over NF_KV_VALUE_MAX, or keys and values of that skill and user
     * would be over `quota` bytes; nothing was changed. A value may hold any bytes. */
    enum nf_code (*put)(struct nf_kv_store *s, const struct nf_kv_key *k, const char *p, size_t n,
                        int64_t quota, int64_t now_ms, struct nf_err *err);
    enum nf_code (*remove)(struct nf_kv_store *s, const struct nf_kv_key *k,
                           struct nf_err *err); /* NF_E_NOT_FOUND */
    /* Keys that begin with `prefix` and come after `after` ("": from the first) in byte order, at
     * most `limit`; k->key is not used. */
    enum nf_code (*list)(struct nf_kv_store *s, const struct nf_kv_key *k, const char *prefix,
                         const char *after, size_t limit, struct nf_kv_names *ret,
                         struct nf_err *err);
    /* Everything of a skill, of all people. */
    enum nf_code (*clear)(struct nf_kv_store *s, const char *skill, struct nf_err *err);
};

/* For the adapters: what all of them refuse alike. A prefix and `after` may be "". */
NF_RC nf_kv_check_key(const char *key, struct nf_err *err);
NF_RC nf_kv_check_value(size_t n, struct nf_err *err);
NF_RC nf_kv_check_range(const char *prefix, const char *after, size_t limit, struct nf_err *err);
NF_RC nf_kv_over_quota(int64_t quota, struct nf_err *err); /* NF_E_LIMIT */
