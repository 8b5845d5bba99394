/*
 * What the router needs from outside: one HTTP call, sleep, and time. A port of this directory's
 * own, so that the router's rules are tested without network and without waiting. Every operation
 * but close, status, header and the clocks may suspend.
 */
#pragma once

#include "base/secret.h"
#include "llm/codec.h"

struct nf_llm_wire {
    const struct nf_llm_wire_ops *ops;
};

struct nf_llm_answer; /* a call under way */

struct nf_llm_call {
    const struct nf_llm_http *http; /* headers */
    const char *url;
    const struct nf_secret *key;
    const struct nf_llm_body *body; /* NULL: a GET; borrowed until send returns, as all of this */
    int64_t connect_timeout_ms, head_timeout_ms;
};

struct nf_llm_wire_ops {
    /* Send and wait for the answer's head. NF_E_UNAVAILABLE, NF_E_TIMEOUT, NF_E_CANCELED,
     * NF_E_INVALID, NF_E_NOMEM; no message holds the key. */
    enum nf_code (*send)(struct nf_llm_wire *w, const struct nf_llm_call *c,
                         struct nf_llm_answer **ret, struct nf_err *err);
    int (*status)(const struct nf_llm_answer *a);
    const char *(*header)(const struct nf_llm_answer *a, const char *name); /* NULL: none */
    /* The next bytes; *n == 0: the body ended as its framing says. Errors as of send. */
    enum nf_code (*read)(struct nf_llm_wire *w, struct nf_llm_answer *a, int64_t timeout_ms,
                         const char **p, size_t *n, struct nf_err *err);
    void (*close)(struct nf_llm_answer *a); /* NULL is allowed */
    /* NF_E_CANCELED, NF_E_TIMEOUT: ended early. */
    enum nf_code (*sleep)(struct nf_llm_wire *w, int64_t ms, struct nf_err *err);
    /* NF_OK, or why the caller shall give up: it was cancelled. */
    enum nf_code (*cancelled)(struct nf_llm_wire *w);
    /* Read for each piece of an answer: may be late by what happens between two waits. */
    int64_t (*mono_ms)(struct nf_llm_wire *w);
    int64_t (*now_ms)(struct nf_llm_wire *w);
    uint64_t (*random)(struct nf_llm_wire *w);
};

struct nf_http_client;

/* The real one. `http` is borrowed. NF_E_NOMEM. */
NF_RC nf_llm_http_wire_new(struct nf_http_client *http, struct nf_llm_wire **ret,
                           struct nf_err *err);
void nf_llm_http_wire_free(struct nf_llm_wire *w); /* NULL is allowed */
