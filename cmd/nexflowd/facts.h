/* What the web channel asks of the daemon: models, whether it can serve turns, how it is. */
#pragma once

#include "channels/web/web.h"

struct nf_wiring;

/* A fiber that looks at the database once a second, so that the log tells when it fails and when it
 * is back also if nobody asks. */
enum nf_code nf_daemon_watch_database(void *arg, struct nf_err *err);

/* Borrows *w. */
struct nf_web_facts nf_daemon_facts(struct nf_wiring *w);
