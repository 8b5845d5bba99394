/* Pages in other character sets than UTF-8. */
#pragma once

#include "skills/bundled/common/buf.h"

/* Append the bytes as UTF-8, by the byte order mark, the charset of the Content-Type, or in HTML
 * that of its <meta>. A note if the set is not known, else NULL. */
const char *nf_charset_decode(const char *content_type, const char *p, size_t n, bool html,
                              struct nf_buf *out);
