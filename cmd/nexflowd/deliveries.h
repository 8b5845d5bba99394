/*
 * Replies that did not reach their chat at once: brought there when they are due, each by a fiber
 * of its own, so that a network that asks for patience in one chat keeps no other one waiting.
 */
#pragma once

#include "application/deps.h"
#include "runtime/fiber.h"

#define NF_DELIVERIES_MAX 256 /* at once; more wait in the database */

/* Zero value and `app`, `scope`, which are borrowed. */
struct nf_deliveries {
    struct nf_app *app;
    struct nf_scope *scope;
    size_t running;
    struct nf_wait *idle; /* of who waits for them to end */
};

/* A fiber's main, whose argument is struct nf_deliveries: looks every second, until cancelled. */
enum nf_code nf_deliveries_run(void *arg, struct nf_err *err);

/* Begin what is due now. Suspends. */
NF_RC nf_deliveries_begin(struct nf_deliveries *d, struct nf_err *err);

/* Begin what is due and wait for all, at most `ms`. What is not done by then is done after the next
 * start. Suspends. */
void nf_deliveries_flush(struct nf_deliveries *d, int64_t ms);
