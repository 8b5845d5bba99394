/* The daemon: builds all adapters from the configuration, wires them to the use cases, and runs
 * until it is told to stop. The only place that knows every part. */
#pragma once

#include "cmd/common/config.h"

struct nf_daemon_options {
    const char *config_path; /* NULL: the default */
    bool print_link;         /* a one-time link for the owner on standard output, once ready */
};

/* Run it; returns when it has shut down. `config` was loaded from config_path. */
NF_RC nf_daemon_run(const struct nf_daemon_options *o, struct nf_daemon_config *config,
                    struct nf_err *err);
