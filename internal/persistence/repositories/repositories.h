/* The application's stores over any SQL driver. */
#pragma once

#include "persistence/sql.h"
#include "persistence/stores.h"

/* `db` is borrowed and outlives them. */
NF_RC nf_repositories_new(struct nf_db *db, struct nf_stores *ret, struct nf_err *err);
