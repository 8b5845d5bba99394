/*
 * Discord's limits on requests, kept before they are hit ("Rate Limits" of its documentation): a
 * budget per bucket and top-level resource as the headers of responses tell it, 50 requests a
 * second in all, and a pause long before the 10,000 refused requests in 10 minutes that ban an
 * address. Pure: times come from the caller, a clock that never steps.
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NF_LIMITS_GLOBAL 50 /* a second, unless Discord granted more, */
#define NF_LIMITS_GLOBAL_MAX 10000
#define NF_LIMITS_SECOND_MS 1050 /* after the end of a request, by a clock that is not theirs */
/* 401, 403 and 429 in 10 minutes; at 10,000 comes the ban of the address. Each process counts for
 * itself: nine restarts, or other instances, still stay below. */
#define NF_LIMITS_REFUSED_MAX 1000
#define NF_LIMITS_REFUSED_MS 600000
#define NF_LIMITS_BUCKETS_MAX 16384 /* kept; the longest unused goes */
#define NF_LIMITS_HASH_MAX 63       /* bytes of a bucket's name */
#define NF_LIMITS_ROUTES 64

struct nf_limits;
struct nf_limits_bucket;
/* `per_second`: 1 to NF_LIMITS_GLOBAL_MAX. */
NF_RC nf_limits_new(int64_t per_second, struct nf_limits **ret, struct nf_err *err);
void nf_limits_free(struct nf_limits *l); /* NULL is allowed */

/* What a request is about. `route`: a number of its own per method and path without ids, below
 * NF_LIMITS_ROUTES; `major`: the id of its channel, guild or webhook, "" for none. */
struct nf_limits_key {
    int route;
    const char *major;
    bool free; /* of an interaction: the limit of all requests does not count */
    struct nf_limits_bucket
        *taken; /* between take and done: its route may have another one by then */
};

/* Take a place: 0, and the request is to be sent now and then told to nf_limits_done with the same
 * key; else how many milliseconds until asking again makes sense. */
int64_t nf_limits_take(struct nf_limits *l, struct nf_limits_key *k, int64_t now_ms);

/* It is not sent after all. */
void nf_limits_give_back(struct nf_limits *l, struct nf_limits_key *k);

/* The limits a response told of. */
struct nf_limits_told {
    int status;         /* 0: there was no response */
    const char *bucket; /* X-RateLimit-Bucket; NULL: none */
    int64_t limit, remaining;
    int64_t reset_after_ms; /* -1: not said */
    int64_t retry_after_ms; /* of a 429 */
    bool global, shared;    /* X-RateLimit-Scope */
};
void nf_limits_done(struct nf_limits *l, struct nf_limits_key *k, const struct nf_limits_told *t,
                    int64_t now_ms);

size_t nf_limits_buckets(const struct nf_limits *l);
/* "1.25" seconds as milliseconds, rounded up; -1 if it is no such number. */
int64_t nf_limits_seconds(const char *text);
