/* Opening files below a directory, and nowhere else. */
#pragma once

#include <sys/types.h>

/* openat2(2) with RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS and RESOLVE_NO_MAGICLINKS, and O_CLOEXEC: no
 * component of `path` may be a link, and none leads above `dir`. -1 with errno: ELOOP for a link,
 * EXDEV for "..". */
int nf_beneath_open(int dir, const char *path, int flags, mode_t mode);
