/* A PostgreSQL database as one end of a copy. */
#pragma once

#include "persistence/copy.h"
#include "persistence/postgres/postgres.h"

/* The schema is the newest. NF_E_CONFLICT: an instance runs on it. */
NF_RC nf_postgres_copy_end(const struct nf_postgres_options *o, struct nf_copy_end **ret,
                           struct nf_err *err);
