/*
 * What still has to reach a channel. One item per part of a reply; the text itself stays in the
 * message it points to.
 *
 *     pending -> sending -> sent | pending (try again later) | failed | ambiguous
 *     ambiguous: it may have arrived; what to do is the channel's rule. Final here.
 */
#pragma once

#include "base/error.h"
#include "domain/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Stored by number: append, never renumber. */
enum nf_outbox_status {
    NF_OUTBOX_PENDING = 1,
    NF_OUTBOX_SENDING = 2,
    NF_OUTBOX_SENT = 3,
    NF_OUTBOX_FAILED = 4,
    NF_OUTBOX_AMBIGUOUS = 5,
};

#define NF_OUTBOX_ATTEMPTS_MAX 10

struct nf_outbox_item {
    int64_t owner;                                /* who sends it; 0: nobody has */
    int64_t id, session_id, user_id, run_id, seq; /* seq: the message to deliver */
    char channel[NF_CHANNEL_MAX + 1];
    char address[NF_ADDRESS_MAX + 1];
    enum nf_outbox_status status;
    int64_t attempt; /* how often it was tried */
    int64_t next_ms; /* not before this time */
    int64_t created_ms;
};

/* When to try again after `attempt` tries: 1 s doubling to 5 min, spread by +-20 % with `random`
 * (any number); never before now + retry_after_ms. */
int64_t nf_outbox_next_ms(int64_t attempt, int64_t now_ms, int64_t retry_after_ms, uint64_t random);

bool nf_outbox_is_final(enum nf_outbox_status status);
const char *nf_outbox_status_name(enum nf_outbox_status status);

struct nf_outbox_items {
    struct nf_outbox_item *v;
    size_t n;
};
void nf_outbox_items_done(struct nf_outbox_items *o);
