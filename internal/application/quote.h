/* Foreign texts within Markdown: whatever somebody chose is no markup. */
#pragma once

#include "base/string.h"

/* Append it as code. What code cannot hold (`, control characters) becomes '. */
NF_RC nf_quote_code(struct nf_str *to, struct nf_slice text, struct nf_err *err);
/* Append it with what could be markup, or call somebody (@), escaped. */
NF_RC nf_quote_plain(struct nf_str *to, const char *text, struct nf_err *err);
