/* Character references of HTML: &amp; &#233; &eacute; */
#pragma once

#include "skills/bundled/common/buf.h"

/* If p, which begins with '&', begins with a reference (a ';' may be missing behind numbers and
 * the oldest names, as in pages), append its text to *to; bytes used, 0: it is none. Of the names
 * those of HTML 4 are known, and some that pages use beyond them. */
size_t nf_html_reference(const char *p, size_t n, struct nf_buf *to);
/* Append `p` with & < > " ' as references. */
void nf_html_escape(const char *p, size_t n, struct nf_buf *to);
