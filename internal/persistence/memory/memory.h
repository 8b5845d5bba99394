/* All stores in the process's memory: for tests, and as the model that the databases are held
 * against. Never suspends; everything ends with it. */
#pragma once

#include "persistence/stores.h"

NF_RC nf_memory_store_new(struct nf_stores *ret, struct nf_err *err);
