#include "llm/codec.h"

#include <string.h>

enum nf_code nf_llm_url(const char *base, const char *path, struct nf_str *to, struct nf_err *err)
{
    size_t n = strlen(base);
    while (n > 0 && base[n - 1] == '/')
        n--;

    /* The path's first segment, "/v1" of "/v1/messages": once is enough. */
    const char *rest = strchr(path + 1, '/');
    size_t first = rest ? (size_t)(rest - path) : 0;
    if (first > 0 && n > first && memcmp(base + n - first, path, first) == 0)
        path = rest;
    NF_TRY(nf_str_add(to, base, n, err));
    return nf_str_adds(to, path, err);
}
