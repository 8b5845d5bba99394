/* What becomes of an item, and when it is tried again. */
#include "domain/outbox.h"

#include <stdlib.h>

#define FIRST_MS INT64_C(1000)
#define LONGEST_MS (INT64_C(5) * 60 * 1000)
#define SPREAD 5 /* one part in five up and down: 20 % */

/* a + b for a, b >= 0. */
static int64_t add_saturating(int64_t a, int64_t b)
{
    return a > INT64_MAX - b ? INT64_MAX : a + b;
}

int64_t nf_outbox_next_ms(int64_t attempt, int64_t now_ms, int64_t retry_after_ms, uint64_t random)
{
    int64_t wait = FIRST_MS, spread;

    for (int64_t i = 1; i < attempt && wait < LONGEST_MS; i++)
        wait *= 2;
    if (wait > LONGEST_MS)
        wait = LONGEST_MS;
    spread = wait / SPREAD;
    wait += (int64_t)(random % (uint64_t)(2 * spread + 1)) - spread;
    if (wait < retry_after_ms)
        wait = retry_after_ms;
    return add_saturating(now_ms, wait);
}

bool nf_outbox_is_final(enum nf_outbox_status status)
{
    return status == NF_OUTBOX_SENT || status == NF_OUTBOX_FAILED || status == NF_OUTBOX_AMBIGUOUS;
}

const char *nf_outbox_status_name(enum nf_outbox_status status)
{
    switch (status) {
    case NF_OUTBOX_PENDING:
        return "pending";
    case NF_OUTBOX_SENDING:
        return "sending";
    case NF_OUTBOX_SENT:
        return "sent";
    case NF_OUTBOX_FAILED:
        return "failed";
    case NF_OUTBOX_AMBIGUOUS:
        return "ambiguous";
    }
    return "?";
}

void nf_outbox_items_done(struct nf_outbox_items *o)
{
    free(o->v);
    *o = (struct nf_outbox_items){ 0 };
}
