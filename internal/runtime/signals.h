/* Signals as something a fiber waits for. */
#pragma once

#include "runtime/fiber.h"

#define NF_SIGNALS_MAX 8

struct nf_signals;

/* From now on these signals (at most NF_SIGNALS_MAX) wait here instead of ending the process.
 * NF_E_IO: one of them cannot be caught; NF_E_NOMEM. */
NF_RC nf_signals_new(struct nf_loop *l, const int *signums, size_t n, struct nf_signals **ret,
                     struct nf_err *err);
/* Back to what they did before. NULL is allowed. Nobody may wait. */
void nf_signals_free(struct nf_signals *s);

/* The next one that came, once however often it came meanwhile. One fiber at a time. NF_E_CANCELED,
 * NF_E_TIMEOUT: the fiber's own. Suspends. */
NF_RC nf_signals_wait(struct nf_signals *s, int *signum, struct nf_err *err);
