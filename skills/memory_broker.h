/*
 * A broker that keeps everything in memory and reaches nothing outside: for trying a skill before
 * it is installed (`nexflow skill test`), and for tests. Keys and files are one store of each, for
 * whoever calls; HTTP answers are those that were put in beforehand. It is no policy: everything is
 * granted.
 */
#pragma once

#include "skills/warden.h"

#define NF_MEMORY_BROKER_ITEMS 1000 /* of each kind */

struct nf_memory_item;
struct nf_memory_broker {
    struct nf_skill_broker base;
    struct nf_memory_item *kv, *files, *http; /* by name */
    /* What was logged and reported; NULL: nobody listens. */
    void (*note)(void *arg, enum nf_skill_op op, int64_t value, struct nf_slice text);
    void *arg;
};

void nf_memory_broker_init(struct nf_memory_broker *b);
void nf_memory_broker_done(struct nf_memory_broker *b);

/* Answer GET of exactly this URL with 200 and `body`; whatever else is asked gets
 * NF_SKILL_E_UNAVAILABLE. */
NF_RC nf_memory_broker_put_http(struct nf_memory_broker *b, const char *url, const char *type,
                                const char *body, size_t n, struct nf_err *err);
NF_RC nf_memory_broker_put_kv(struct nf_memory_broker *b, const char *key, const char *value,
                              size_t n, struct nf_err *err);
NF_RC nf_memory_broker_put_file(struct nf_memory_broker *b, const char *path, const char *bytes,
                                size_t n, struct nf_err *err);
