/* One daemon per database: a lock beside the file, held by the kernel as long as we live. */
#pragma once

#include "base/error.h"

/* *ret: a descriptor to close for giving it up. NF_E_CONFLICT names the process that holds it. */
NF_RC nf_lite_lock(const char *path, int *ret, struct nf_err *err);
