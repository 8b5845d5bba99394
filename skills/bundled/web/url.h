/* Links of pages. */
#pragma once

#include "skills/bundled/common/args.h"

#define NF_URL_MAX 2048

/* `href` seen from the page `base`: RFC 3986, section 5.2. NULL: nothing a reader can follow
 * (javascript:, data:, over NF_URL_MAX), or a failure. */
const char *nf_url_absolute(struct nf_args *a, const char *base, const char *href);
/* The value of a parameter in the URL's query, decoded; NULL: it has none. */
const char *nf_url_parameter(struct nf_args *a, const char *url, const char *name);
/* Whether it begins with http:// or https:// and has a host. */
bool nf_url_is_web(const char *url);
