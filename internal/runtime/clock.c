#include "runtime/loop.h"
#include "runtime/mono.h"

#include <time.h>

static int64_t read_us(clockid_t id)
{
    struct timespec t;
    int rc = clock_gettime(id, &t);
    assert(rc == 0);
    (void)rc;
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int64_t now_ms(struct nf_clock *c)
{
    (void)c;
    return read_us(CLOCK_REALTIME) / 1000;
}

int64_t nf_mono_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

static int64_t mono_us(struct nf_clock *c)
{
    (void)c;
    return nf_mono_us();
}

struct nf_clock *nf_system_clock(void)
{
    static struct nf_clock system = { .now_ms = now_ms, .mono_us = mono_us };
    return &system;
}
