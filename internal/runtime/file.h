/*
 * Small files that must be there whole or as before: a token, the configuration. Blocks the thread:
 * for the start of a program and for the command line, not for a loop that serves.
 */
#pragma once

#include "base/string.h"

/* Let `path` hold the n bytes at `p`, readable and writable by its owner alone. They are written to
 * "PATH.new", synced and renamed, so that nobody ever reads half a file, also not after a power
 * cut; a link at "PATH.new" is refused. NF_E_IO names the path and the cause; the file is then as
 * before. */
NF_RC nf_file_replace(const char *path, const char *p, size_t n, struct nf_err *err);
