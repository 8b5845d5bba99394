/* One process per thing: a lock beside a file, held by the kernel as long as we live. */
#pragma once

#include "base/error.h"

/* Lock `path`.lock. `what` it is, for messages: "database". *ret: a descriptor to close for giving
 * it up. NF_E_CONFLICT names the process that holds it. */
NF_RC nf_lock_take(const char *what, const char *path, int *ret, struct nf_err *err);
