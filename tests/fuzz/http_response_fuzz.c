/* A response says the same whether it comes at once, byte by byte, or in pieces whose size the
 * first byte of the input says. */
#include "base/own.h"
#include "codec/http1.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    enum nf_code rc;
    int status;
    bool keep, ended;
    struct nf_str body;
};

static void body(const char *p, size_t n, size_t piece, const struct nf_http1_head *h,
                 struct seen *ret)
{
    struct nf_http1_body b;
    struct nf_err err;
    nf_http1_body_begin(&b, h);
    ret->body.max = n + 2;
    for (size_t at = 0; at < n && !b.ended && ret->rc == NF_OK;) {
        size_t k = n - at < piece ? n - at : piece, used, out;
        NF_CLEANUP(nf_freep) char *copy = malloc(k);
        if (!copy)
            abort();
        memcpy(copy, p + at, k);
        ret->rc = nf_http1_body_decode(&b, copy, k, &used, &out, &err);
        if (out > used || used > k || (used == 0 && !b.ended && ret->rc == NF_OK))
            abort();
        if (out > 0 && nf_str_add(&ret->body, copy, out, &err) != NF_OK)
            abort();
        at += used;
    }
    ret->ended = nf_http1_body_end(&b);
}

static struct seen take(const char *p, size_t n, size_t piece)
{
    struct seen ret = { 0 };
    struct nf_http1_head h = { 0 };
    struct nf_err err;
    size_t end = 0, scanned = 0;
    for (size_t got = 0; end == 0 && got < n;) {
        got = n - got < piece ? n : got + piece;
        end = nf_http1_head_end(p, got, &scanned);
    }
    ret.rc = end > 0 ? nf_http1_head_parse(p, end, false, &h, &err) : NF_E_NOT_FOUND;
    if (ret.rc == NF_OK)
        body(p + end, n - end, piece, &h, &ret);
    ret.status = h.status;
    ret.keep = h.keep_alive;
    nf_http1_head_done(&h);
    return ret;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    const size_t pieces[] = { size, 1, (size_t)data[0] + 1 };
    struct seen s[3];
    for (int i = 0; i < 3; i++)
        s[i] = take((const char *)data + 1, size - 1, pieces[i]);
    for (int i = 1; i < 3; i++)
        if (s[i].rc != s[0].rc || s[i].status != s[0].status || s[i].keep != s[0].keep ||
            (s[0].rc == NF_OK &&
             (s[i].ended != s[0].ended || s[i].body.len != s[0].body.len ||
              memcmp(nf_str_c(&s[i].body), nf_str_c(&s[0].body), s[0].body.len) != 0)))
            abort();
    for (int i = 0; i < 3; i++)
        nf_str_done(&s[i].body);
    return 0;
}
