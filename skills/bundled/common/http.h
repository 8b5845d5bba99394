/* Asking the web through the host. */
#pragma once

#include "skills/bundled/common/args.h"

/* Append `text` with percent encoding of all but the unreserved characters of RFC 3986, 2.3. */
void nf_url_escape(const char *text, size_t n, struct nf_buf *to);

/* GET with the header "Accept: accept". False: there is no answer, and the call fails with the
 * host's words. Whatever the status, true. */
bool nf_http_get(struct nf_args *a, const char *url, const char *accept,
                 struct nf_skill_http_response *ret);
/* The answer as JSON, after a status of 200. Fails the call otherwise: `who` asked for it, and the
 * text of `reason_key` in the answer says why, if it is there. */
const struct nf_skill_json *nf_http_json(struct nf_args *a, const struct nf_skill_http_response *r,
                                         const char *who, const char *reason_key);
