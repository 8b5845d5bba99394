/*
 * A descriptor that somebody else's library reads and writes: one fiber at a time waits until it
 * can be.
 */
#pragma once

#include "runtime/fiber.h"

struct nf_poll;

enum { NF_POLL_READ = 1, NF_POLL_WRITE = 2 };

/* `fd` stays the caller's, whose library may close it at any time. NF_E_INVALID: nothing that can
 * be waited for. */
NF_RC nf_poll_new(struct nf_loop *l, int fd, struct nf_poll **ret, struct nf_err *err);
/* Nobody may wait. NULL is allowed. */
void nf_poll_free(struct nf_poll *p);

/* Suspend until `fd` is ready for one of `events`, has failed, or `timeout_ms` have passed:
 * NF_E_TIMEOUT. Neither a cancel nor a deadline of the fiber ends it: for those who must know how
 * something ended that they have begun. */
NF_RC nf_poll_wait(struct nf_poll *p, int events, int64_t timeout_ms, const char *what,
                   struct nf_err *err);

/* Let time pass, whatever becomes of the fiber meanwhile. Suspends. */
void nf_pause(struct nf_loop *l, int64_t ms);
