#include "application/rate_people.h"

#include "domain/gcra.h"

#include <stdlib.h>

#define WAYS 8 /* places for those that share a set */
#define SETS (NF_RATES_MAX / WAYS)

struct place {
    int64_t user_id; /* 0: empty */
    int64_t full_at_ms;
    int64_t quiet_until_ms; /* who is refused by others was told until then */
    bool told;
};

struct nf_rates {
    struct place set[SETS][WAYS];
};

enum nf_code nf_rates_new(struct nf_rates **ret, struct nf_err *err)
{
    struct nf_rates *r = calloc(1, sizeof(*r));
    if (!r)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    *ret = r;
    return NF_OK;
}

void nf_rates_free(struct nf_rates *r)
{
    free(r);
}

/* Ids grow with time; their low bits alone would fill few sets. */
static size_t set_of(int64_t user_id)
{
    uint64_t h = (uint64_t)user_id * UINT64_C(0x9E3779B97F4A7C15); /* 2^64 by the golden ratio */
    return (size_t)(h >> 32) % SETS;
}

/* The person's place, or an empty one, or that of who will be full soonest. */
static struct place *place_of(struct nf_rates *r, int64_t user_id)
{
    struct place *set = r->set[set_of(user_id)], *best = set;
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].user_id == user_id)
            return &set[i];
        if (set[i].full_at_ms < best->full_at_ms)
            best = &set[i];
    }
    *best = (struct place){ .user_id = user_id };
    return best;
}

bool nf_rates_take(struct nf_rates *r, int64_t user_id, int64_t per_minute, int64_t now_ms,
                   int64_t *wait_ms, bool *tell)
{
    struct place *p = place_of(r, user_id);
    bool taken = nf_gcra_take(&p->full_at_ms, per_minute, now_ms, wait_ms);
    *tell = !taken && !p->told;
    p->told = !taken;
    return taken;
}

bool nf_rates_refuse(struct nf_rates *r, int64_t user_id, int64_t now_ms, int64_t wait_ms)
{
    struct place *p = place_of(r, user_id);
    bool tell = now_ms >= p->quiet_until_ms;
    p->quiet_until_ms = now_ms + wait_ms;
    return tell;
}
