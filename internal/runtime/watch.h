/*
 * Descriptors that are not sockets of ours: pipes, pidfds, whatever epoll takes. Whoever reads them
 * is told when there is something to read; fibers wait until they can be written.
 */
#pragma once

#include "runtime/fiber.h"

struct nf_watch;

/* fn(arg) is called on the loop's thread, outside of fibers, as long as `fd` can be read or its
 * other end is closed: again in every round until it was read or paused. It moves bytes and wakes
 * fibers; it must not suspend. `fd` is made non-blocking and stays the caller's, who closes it
 * after nf_watch_free. NF_E_INVALID: nothing that can be waited for. */
NF_RC nf_watch_new(struct nf_loop *l, int fd, void (*fn)(void *arg), void *arg,
                   struct nf_watch **ret, struct nf_err *err);
/* fn is not called any more, also not later in this round. NULL is allowed. */
void nf_watch_free(struct nf_watch *w);

/* fn is not called until it is resumed; what has come meanwhile is told then. Twice is once. */
void nf_watch_pause(struct nf_watch *w);
void nf_watch_resume(struct nf_watch *w);

/* Suspend until `fd`, which is non-blocking, can be written or its other end is closed.
 * NF_E_CANCELED, NF_E_TIMEOUT: the fiber's own; NF_E_INVALID: nothing that can be waited for. */
NF_RC nf_wait_writable(struct nf_loop *l, int fd, const char *what, struct nf_err *err);
