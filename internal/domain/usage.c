/* Adding up what was used. */
#include "domain/usage.h"

#define TOKENS_MAX (INT64_C(1) << 40) /* more in one call is a mistake of the provider's */
#define UNKNOWN (-1)

static int64_t add(int64_t a, int64_t b)
{
    if (a < 0 && b < 0)
        return UNKNOWN;
    a = a < 0 ? 0 : a;
    b = b < 0 ? 0 : b;
    return a > INT64_MAX - b ? INT64_MAX : a + b;
}

struct nf_tokens nf_tokens_add(struct nf_tokens a, struct nf_tokens b)
{
    return (struct nf_tokens){
        .input = add(a.input, b.input),
        .output = add(a.output, b.output),
        .cache_read = add(a.cache_read, b.cache_read),
        .cache_write = add(a.cache_write, b.cache_write),
    };
}

static int64_t sane(int64_t n)
{
    return n < 0 ? UNKNOWN : n > TOKENS_MAX ? TOKENS_MAX : n;
}

struct nf_tokens nf_tokens_sane(struct nf_tokens t)
{
    return (struct nf_tokens){ sane(t.input), sane(t.output), sane(t.cache_read),
                               sane(t.cache_write) };
}
