/* Use case: bring what is in the outbox to its channel. */
#pragma once

#include "application/deps.h"

/* Deliver one item and write down how it went: sent, again later, failed, or ambiguous. NF_OK if
 * the outcome is written, whatever it is. NF_E_CONFLICT: another fiber has it. Any other error: the
 * outcome is left to nf_settle_deliveries. May suspend. */
NF_RC nf_deliver_reply(struct nf_app *a, const struct nf_outbox_item *item, struct nf_err *err);

/* The same with everything at hand: `m` is the item's message, `last` the event that ends its run.
 */
NF_RC nf_deliver_to(struct nf_app *a, struct nf_channel *ch, const struct nf_outbox_item *item,
                    const struct nf_message *m, const struct nf_run_event *last,
                    struct nf_err *err);

/* Write down what could not be written down before: what may be sent twice is sent again, the rest
 * is ambiguous. Until then nothing later of its session goes out. May suspend. */
NF_RC nf_settle_deliveries(struct nf_app *a, struct nf_err *err);
