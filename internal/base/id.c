#include "base/id.h"

#include <assert.h>
#include <string.h>

#define COUNTER_BITS 12
#define INSTANCE_BITS 10
#define TIME_SHIFT (COUNTER_BITS + INSTANCE_BITS)

static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";

int64_t nf_id_next(struct nf_idgen *g, int64_t now_ms)
{
    assert(g->instance <= NF_ID_INSTANCE_MAX);
    int64_t since = now_ms - NF_ID_EPOCH_MS;
    int64_t last_ms = g->last >> TIME_SHIFT;
    int64_t counter = g->last & ((1 << COUNTER_BITS) - 1);
    if (since > last_ms) {
        counter = 0;
        last_ms = since;
    } else if (++counter == 1 << COUNTER_BITS) {
        counter = 0; /* borrow from the next millisecond rather than wait for it */
        last_ms++;
    }
    g->last = last_ms << TIME_SHIFT | (int64_t)g->instance << COUNTER_BITS | counter;
    if (g->last == 0)
        g->last = 1;
    return g->last;
}

int64_t nf_id_time_ms(int64_t id)
{
    return (id >> TIME_SHIFT) + NF_ID_EPOCH_MS;
}

struct nf_id_text nf_id_to_text(int64_t id)
{
    struct nf_id_text t = { .s = "" };
    assert(id >= 0);
    for (int i = NF_ID_TEXT - 1; i >= 0; i--) {
        t.s[i] = alphabet[id & 31];
        id >>= 5;
    }
    return t;
}

bool nf_id_from_text(const char *text, size_t n, int64_t *ret)
{
    int64_t id = 0;
    if (n != NF_ID_TEXT || text[0] > '7')
        return false;
    for (size_t i = 0; i < n; i++) {
        const char *at = text[i] ? strchr(alphabet, text[i]) : NULL;
        if (!at)
            return false;
        id = id << 5 | (at - alphabet);
    }
    if (id == 0)
        return false;
    *ret = id;
    return true;
}
