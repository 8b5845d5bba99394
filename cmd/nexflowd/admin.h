/* What the owner changes from the page: the configuration file, line by line, and its providers.
 * The file stays the truth: each change is checked as a whole, written at once, and taken over as
 * SIGHUP would. Implements the `admin` of struct nf_web_facts; all may suspend. */
#pragma once

#include "channels/web/web.h"

struct nf_wiring;

extern const struct nf_web_admin_ops nf_admin_ops; /* their `arg` is the struct nf_wiring */
