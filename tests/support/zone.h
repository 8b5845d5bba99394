/* Time zones as this machine has them. */
#pragma once

#include "domain/zone.h"

#include "tests/support/test.h"

#include <stdio.h>

static inline void nf_test_zone(const char *name, struct nf_zone *ret)
{
    static uint8_t bytes[NF_ZONE_BYTES_MAX];
    char path[200];
    struct nf_err err;

    (void)snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", name);
    FILE *f = fopen(path, "rb");
    if (!f)
        fail_msg("%s: not there; install tzdata", path);
    size_t n = fread(bytes, 1, sizeof(bytes), f);
    (void)fclose(f);
    assert_ok(nf_zone_parse(name, bytes, n, ret, &err), &err);
}
