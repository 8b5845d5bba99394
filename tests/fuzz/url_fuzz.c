/* A URL that is taken has one spelling, which is taken again and stays; and a redirect from it
 * leads to a URL that is absolute or is refused. The input: a URL, a line break, a reference. */
#include "base/own.h"
#include "skills/url.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
    if (!good)
        abort();
}

static void check_url(const struct nf_url *u)
{
    check(!strpbrk(u->host, "@/%\\?# ") && u->host[0] && u->port > 0);
    check(u->path.n == 0 || u->path.p[0] == '/');
    check(nf_url_within(u, u) || u->path.n > 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str one = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str two = { 0 };
    struct nf_url u, again, prefix;
    struct nf_err err;

    if (size > (size_t)2 * NF_URL_MAX || nf_str_add(&text, (const char *)data, size, &err) != NF_OK)
        return 0;
    char *url = text.p, *reference = url ? strchr(url, '\n') : NULL;
    if (!url)
        return 0;
    if (reference)
        *reference++ = '\0';
    if (nf_url_check_prefix(url, &err) == NF_OK)
        check(nf_url_parse(url, &prefix, &err) == NF_OK && nf_url_within(&prefix, &prefix));
    if (nf_url_parse(url, &u, &err) != NF_OK)
        return 0;
    check_url(&u);
    check(nf_url_write(&u, &one, &err) == NF_OK);
    check(nf_url_parse(nf_str_c(&one), &again, &err) == NF_OK);
    check(nf_url_same_origin(&u, &again));
    check(nf_url_write(&again, &two, &err) == NF_OK);
    check(strcmp(nf_str_c(&one), nf_str_c(&two)) == 0);
    if (reference && nf_url_join(&u, reference, &one, &err) == NF_OK &&
        nf_url_parse(nf_str_c(&one), &again, &err) == NF_OK)
        check_url(&again);
    return 0;
}
