/* Use case: owners hear, unasked, of what they can mend or decide. */
#pragma once

#include "application/deps.h"

/* Each owner in the first channel that reaches them; the one called `but` (NULL: none) is left out.
 * NF_E_NOT_FOUND: nobody was reached. Suspends. */
NF_RC nf_tell_owners(struct nf_app *a, const struct nf_notice *n, const char *but,
                     struct nf_err *err);
