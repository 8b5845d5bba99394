/* Port: what time it is. Never suspends. */
#pragma once

#include <stdint.h>

struct nf_clock {
    int64_t (*now_ms)(struct nf_clock *c);  /* wall clock, epoch milliseconds; may step */
    int64_t (*mono_us)(struct nf_clock *c); /* monotonic microseconds, for durations */
};

static inline int64_t nf_clock_now_ms(struct nf_clock *c)
{
    return c->now_ms(c);
}

static inline int64_t nf_clock_mono_us(struct nf_clock *c)
{
    return c->mono_us(c);
}
