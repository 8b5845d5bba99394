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

void nf_llm_body_done(struct nf_llm_body *b)
{
    nf_str_done(&b->text);
    *b = (struct nf_llm_body){ 0 };
}

void nf_llm_body_pieces(const struct nf_llm_body *b, struct nf_slice ret[NF_LLM_BODY_PIECES])
{
    const char *text = nf_str_c(&b->text);
    ret[0] = (struct nf_slice){ text, b->tools_at };
    ret[1] = b->tools;
    ret[2] = (struct nf_slice){ text + b->tools_at, b->text.len - b->tools_at };
}
