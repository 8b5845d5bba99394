/* What the web channel asks of the daemon: models, whether it can serve turns, how it is. */
#pragma once

#include "channels/web/web.h"

struct nf_wiring;

/* Borrows *w. */
struct nf_web_facts nf_daemon_facts(struct nf_wiring *w);
