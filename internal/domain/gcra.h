/* The generic cell rate algorithm: a rate limit whose whole state is one time. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define NF_MINUTE_MS INT64_C(60000)

/*
 * Take one of `per_minute` (at least 1) from a bucket that holds at most a minute's worth.
 * *full_at_ms is when it would be full again if nobody took any more; 0 for a new one. False if it
 * is empty: *wait_ms, at least 1, then says when there is one again, and the bucket is as before.
 */
static inline bool nf_gcra_take(int64_t *full_at_ms, int64_t per_minute, int64_t now_ms,
                                int64_t *wait_ms)
{
    int64_t cost = NF_MINUTE_MS / per_minute;
    int64_t full_at = (*full_at_ms > now_ms ? *full_at_ms : now_ms) + cost;
    if (full_at - now_ms > NF_MINUTE_MS) {
        *wait_ms = full_at - now_ms - NF_MINUTE_MS;
        return false;
    }
    *full_at_ms = full_at;
    return true;
}
