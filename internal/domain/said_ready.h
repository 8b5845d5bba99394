/* Why turns cannot be served now, as /ready has it. nf_ready_sayings (domain/said.h) reads it back.
 */
#pragma once

#include "domain/said.h"

#define NF_UNREADY_ENDING "shutting down"
#define NF_UNREADY_NO_MODEL "no language model is configured: run `nexflow up`"
#define NF_UNREADY_DATABASE "database: %s"
#define NF_UNREADY_LOOP "the event loop is %lld ms late"
#define NF_UNREADY_DEAF "channel %s hears nothing: %s"
#define NF_UNREADY_DEAF_DO "channel %s hears nothing: %s \xE2\x80\x94 %s" /* an em dash */

/* What is wrong with the database; of its own words nothing is known here. */
#define NF_DATABASE_DAMAGED                                                                        \
    "it is damaged, though it was not at the start: stop Nexflow, then `nexflow backup restore "   \
    "FILE`"
#define NF_DATABASE_STUCK                                                                          \
    "it has taken no write for %lld s: another program holds it, or the disk hangs"

extern const struct nf_sayings nf_database_sayings;
