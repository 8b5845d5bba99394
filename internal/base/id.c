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

int64_t nf_id_at(int64_t ms)
{
    return ms <= NF_ID_EPOCH_MS ? 0 : (ms - NF_ID_EPOCH_MS) << TIME_SHIFT;
}

int64_t nf_id_time_ms(int64_t id)
{
    return (id >> TIME_SHIFT) + NF_ID_EPOCH_MS;
}

int64_t nf_id_instance(int64_t id)
{
    return id >> COUNTER_BITS & NF_ID_INSTANCE_MAX;
}

struct nf_id_text nf_id_to_text(int64_t id)
{
    struct nf_id_text t = { .s = "" };
    assert(id >= 0);
    /* Each event of a run has two of them. Laid out, no digit waits for the one before. */
#define DIGIT(i) t.s[i] = alphabet[id >> 5 * (NF_ID_TEXT - 1 - (i)) & 31]
    _Static_assert(NF_ID_TEXT == 13, "one line for each");
    DIGIT(0), DIGIT(1), DIGIT(2), DIGIT(3), DIGIT(4), DIGIT(5), DIGIT(6);
    DIGIT(7), DIGIT(8), DIGIT(9), DIGIT(10), DIGIT(11), DIGIT(12);
#undef DIGIT
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
