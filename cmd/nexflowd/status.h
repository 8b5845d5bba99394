/* What `nexflow status` shows: instances, leases and queues. */
#pragma once

#include "cmd/nexflowd/wiring.h"

/* Append the members of the object of GET /api/v1/status. May suspend. */
NF_RC nf_daemon_status(struct nf_wiring *w, struct nf_json_out *o, struct nf_err *err);
