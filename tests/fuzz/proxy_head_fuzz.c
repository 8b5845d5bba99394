/* Heads from a hostile program: what is taken is written so that it reads the same again, to the
 * same place, with as many bytes behind it, and has no line that was not there. */
#include "base/own.h"
#include "skills/proxy_head.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t lines(const char *p, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += p[i] == '\n';
    return count;
}

/* The request line with a whole URL, as it would come to a proxy. */
static void read_again(const struct nf_proxy_request *r)
{
    NF_CLEANUP(nf_proxy_request_done) struct nf_proxy_request again = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str text = { 0 };
    const char *space = strchr(nf_str_c(&r->head), ' ');
    struct nf_err err;
    size_t method = (size_t)(space - r->head.p) + 1, target = strcspn(space + 1, " ");
    if (nf_str_add(&text, r->head.p, method, &err) != NF_OK ||
        nf_str_adds(&text, nf_str_c(&r->url), &err) != NF_OK ||
        nf_str_adds(&text, space + 1 + target, &err) != NF_OK)
        return;
    if (nf_proxy_head_end(text.p, text.len) != text.len ||
        nf_proxy_head_read(text.p, text.len, &again, &err) != NF_OK ||
        strcmp(nf_str_c(&again.url), nf_str_c(&r->url)) != 0 || again.body_n != r->body_n ||
        strcmp(nf_str_c(&again.head), nf_str_c(&r->head)) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    NF_CLEANUP(nf_proxy_request_done) struct nf_proxy_request r = { 0 };
    const char *p = (const char *)data;
    struct nf_err err = { .msg = "" };
    size_t n = nf_proxy_head_end(p, size);
    if (n == 0)
        return 0;
    if (nf_proxy_head_read(p, n, &r, &err) != NF_OK) {
        if (err.msg[0] == '\0')
            abort();
        return 0;
    }
    if (r.tunnel && (r.head.len > 0 || !r.to.https || r.to.path.n > 1))
        abort();
    if (r.tunnel)
        return 0;
    if (r.to.https || lines(r.head.p, r.head.len) > lines(p, n) + 2)
        abort();
    read_again(&r);
    return 0;
}
