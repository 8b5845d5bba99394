/* What GET /api/v1/models tells: models and aliases, with bounds, prices and tools. */
#pragma once

#include "cmd/nexflowd/wiring.h"

/* See struct nf_web_facts. `arg`: the struct nf_wiring. May suspend. */
NF_RC nf_daemon_models(void *arg, const struct nf_web_names_ask *ask, struct nf_str *to,
                       struct nf_err *err);
