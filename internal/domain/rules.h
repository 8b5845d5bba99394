/* Checks of single values that several entities have. For the sources of this directory only. */
#pragma once

#include "base/error.h"
#include "domain/limits.h"

#include <stddef.h>

/* One line of text: at most `max` bytes of UTF-8 without control characters (C0, DEL, C1). "" is
 * allowed. NF_E_LIMIT, NF_E_INVALID; the message names `field` and the bound. */
NF_RC nf_check_line(const char *field, const char *text, size_t max, struct nf_err *err);

/* The same, and not empty or only blanks. */
NF_RC nf_check_name(const char *field, const char *text, size_t max, struct nf_err *err);

/* 1 to NF_CHANNEL_MAX of [a-z0-9-]. */
NF_RC nf_check_channel(const char *channel, struct nf_err *err);

/* 1 to NF_ADDRESS_MAX printable ASCII characters, the blank not among them. */
NF_RC nf_check_address(const char *field, const char *address, struct nf_err *err);
