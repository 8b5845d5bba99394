/* Metrics that are read when they are asked for. */
#pragma once

struct nf_wiring;

/* Once, when all parts are there. */
void nf_daemon_gauges(struct nf_wiring *w);
