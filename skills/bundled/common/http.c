/* Requests of the skills that know the web. */
#include "skills/bundled/common/http.h"

#include "skills/bundled/common/text.h"

#include <stdio.h>
#include <string.h>

void nf_url_escape(const char *text, size_t n, struct nf_buf *to)
{
    for (size_t i = 0; i < n; i++) {
        char c = text[i];

        if (nf_text_is_digit(c) || (nf_text_lower(c) >= 'a' && nf_text_lower(c) <= 'z') ||
            (c && strchr("-._~", c)))
            nf_buf_addc(to, c);
        else
            nf_buf_addf(to, "%%%02X", (unsigned char)c);
    }
}

bool nf_http_get(struct nf_args *a, const char *url, const char *accept,
                 struct nf_skill_http_response *ret)
{
    char header[200], why[300];
    const char *headers[] = { header, NULL };
    struct nf_skill_http_request r = {
        .abi_major = NF_SKILL_ABI_MAJOR, .struct_size = sizeof(r), .url = url, .headers = headers
    };
    int rc;

    if (a->rc != NF_SKILL_OK)
        return false;
    (void)snprintf(header, sizeof(header), "Accept: %s", accept);
    rc = a->h->http_fetch(a->h, &r, ret);
    if (rc == NF_SKILL_OK)
        return true;
    (void)snprintf(why, sizeof(why), "%s", a->h->error(a->h));
    nf_args_fail(a, rc, "%.150s cannot be fetched: %s", url, why);
    return false;
}

const struct nf_skill_json *nf_http_json(struct nf_args *a, const struct nf_skill_http_response *r,
                                         const char *who, const char *reason_key)
{
    const struct nf_skill_json *v = a->h->json_parse(a->h, r->body.p, r->body.n);
    const char *reason = a->h->json_str(a->h, a->h->json_get(a->h, v, reason_key));

    if (r->status == 200 && v)
        return v;
    if (r->status == 429)
        nf_args_fail(a, NF_SKILL_E_UNAVAILABLE, "%s is asked too often: try again in a minute",
                     who);
    else if (r->status != 200)
        nf_args_fail(a, r->status >= 500 ? NF_SKILL_E_UNAVAILABLE : NF_SKILL_E_INVALID,
                     "%s answers with status %d%s%.200s", who, r->status, reason ? ": " : "",
                     reason ? reason : "");
    else
        nf_args_fail(a, NF_SKILL_E_UNAVAILABLE, "%s does not answer with JSON", who);
    return NULL;
}
