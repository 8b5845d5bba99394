/* The same events come of a stream whether it is fed at once, byte by byte, or in pieces whose size
 * the first byte of the input says. */
#include "base/own.h"
#include "codec/sse.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum nf_code on_event(void *arg, const char *event, const char *data, size_t n,
                             struct nf_err *err)
{
    struct nf_str *seen = arg;
    seen->max = (size_t)16 << 20;
    NF_TRY(nf_str_addf(seen, err, "%zu %s\n", n, event));
    NF_TRY(nf_str_add(seen, data, n, err));
    return nf_str_add(seen, "\n", 1, err);
}

static enum nf_code feed(const char *p, size_t n, size_t piece, struct nf_str *seen)
{
    NF_CLEANUP(nf_sse_done) struct nf_sse s;
    struct nf_err err;
    nf_sse_init(&s, on_event, seen);
    for (size_t at = 0; at < n; at += piece)
        NF_TRY(nf_sse_feed(&s, p + at, n - at < piece ? n - at : piece, &err));
    return NF_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const size_t pieces[] = { size, 1, (size_t)data[0] + 1 };
    const char *p = (const char *)data + 1;
    struct nf_str seen[3] = { { 0 } };
    enum nf_code rc[3];
    for (int i = 0; i < 3; i++)
        rc[i] = feed(p, size - 1, pieces[i], &seen[i]);
    for (int i = 1; i < 3; i++)
        if (rc[i] != rc[0] || seen[i].len != seen[0].len ||
            memcmp(nf_str_c(&seen[i]), nf_str_c(&seen[0]), seen[0].len) != 0)
            abort();
    for (int i = 0; i < 3; i++)
        nf_str_done(&seen[i]);
    return 0;
}
