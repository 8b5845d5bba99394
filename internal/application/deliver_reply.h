/* Use case: bring what is in the outbox to its channel. */
#pragma once

#include "application/deps.h"

/* Deliver one item and write down how it went: sent, again later, failed, or ambiguous. NF_OK if
 * the outcome is written, whatever it is. NF_E_CONFLICT: another fiber has it. Any other error: the
 * outcome is left to nf_settle_deliveries. May suspend. */
NF_RC nf_deliver_reply(struct nf_app *a, const struct nf_outbox_item *item, struct nf_err *err);

/* The same with everything at hand: `m` is the item's message, `last` the event that ends its run.
 * NF_E_LIMIT: it was not begun, since too many outcomes are not written down yet; it is due again.
 */
NF_RC nf_deliver_to(struct nf_app *a, struct nf_channel *ch, const struct nf_outbox_item *item,
                    const struct nf_message *m, const struct nf_run_event *last,
                    struct nf_err *err);

/* Write down what could not be written down before: what may be sent twice is sent again, the rest
 * is ambiguous. Until then nothing later of its session goes out. What is being sent is left alone.
 * Then as nf_bring_owed. May suspend. */
NF_RC nf_settle_deliveries(struct nf_app *a, struct nf_err *err);

/* The reply of this run must be brought once more: what was shown may have been written over it.
 * NF_OK also if that could not be written down now: then nf_bring_owed does. May suspend. */
NF_RC nf_owe_reply(struct nf_app *a, int64_t run_id, struct nf_err *err);
NF_RC nf_bring_owed(struct nf_app *a, struct nf_err *err);
