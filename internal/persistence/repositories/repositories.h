/* The application's stores over any SQL driver. */
#pragma once

#include "persistence/sql.h"
#include "persistence/stores.h"

/* `db` is borrowed and outlives them. */
NF_RC nf_repositories_new(struct nf_db *db, struct nf_stores *ret, struct nf_err *err);

/* The newest of all ids that were ever given and are still kept; 0: none. May suspend. */
NF_RC nf_newest_id(struct nf_db *db, int64_t *ret, struct nf_err *err);

struct nf_queues {
    int64_t turns;  /* accepted, and nobody works on them */
    int64_t outbox; /* answers to be delivered */
};
/* May suspend. */
NF_RC nf_queue_depths(struct nf_db *db, struct nf_queues *ret, struct nf_err *err);
