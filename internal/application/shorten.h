/* Cutting a text to a number of tokens so that one sees it. Pure. */
#pragma once

#include "base/error.h"
#include "base/string.h"

#include <stdint.h>

#define NF_SHORTEST_TOKENS 32 /* no text is cut to less, the mark included */

/* A copy of `text`, which has more than `max` tokens (nf_tokens_of), with at most that many: its
 * beginning, a mark "[... N bytes left out ...]" on a line of its own, its end; cut at characters.
 * `max` >= NF_SHORTEST_TOKENS. *ret is the caller's to free(). NF_E_NOMEM. */
NF_RC nf_shorten(const char *text, int64_t max, char **ret, struct nf_err *err);
