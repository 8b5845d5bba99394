/* What instances tell each other over the bus: the peers port, and what the web channel has to say.
 */
#pragma once

#include "application/deps.h"
#include "channels/web/web.h"
#include "cmd/nexflowd/ports.h"
#include "persistence/bus.h"

/* Everything is borrowed. */
struct nf_daemon_peers {
    struct nf_peers port;
    struct nf_bus *bus; /* NULL: none */
    struct nf_turn_runner *runner;
    struct nf_fiber_bell *bell;
    struct nf_web *web;
};

void nf_daemon_peers_init(struct nf_daemon_peers *p);
/* The bus's nf_bus_fn; `arg` is the nf_daemon_peers. */
void nf_daemon_peers_hear(void *arg, const char *line, size_t n);
/* From now on others are told: bus, runner, bell and web are set. */
void nf_daemon_peers_connect(struct nf_daemon_peers *p);
