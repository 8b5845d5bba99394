/* CLOCK_MONOTONIC, for durations and deadlines that no test has to set. Any thread. */
#pragma once

#include <stdint.h>

int64_t nf_mono_us(void);

static inline int64_t nf_mono_ms(void)
{
    return nf_mono_us() / 1000;
}
