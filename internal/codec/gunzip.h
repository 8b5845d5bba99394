/* Undoing gzip (RFC 1952), up to a limit. */
#pragma once

#include "base/string.h"

/* Append what the n bytes at `p` decode to; several members in a row are one text. NF_E_INVALID: it
 * is no gzip, or ends in the middle; NF_E_LIMIT: it is more than ret->max lets in. */
NF_RC nf_gunzip(const char *p, size_t n, struct nf_str *ret, struct nf_err *err);
