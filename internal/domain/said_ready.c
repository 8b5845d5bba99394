#include "domain/said_ready.h"

static const struct nf_saying database[] = {
    { "database-damaged", NF_DATABASE_DAMAGED, .russian = NULL },
    { "database-stuck", NF_DATABASE_STUCK, .russian = NULL },
};
const struct nf_sayings nf_database_sayings = { database, sizeof(database) / sizeof(database[0]) };

static const struct nf_saying rows[] = {
    { "ending", NF_UNREADY_ENDING, .russian = NULL },
    { "ready-no-model", NF_UNREADY_NO_MODEL, .russian = NULL },
    { "database", NF_UNREADY_DATABASE, .russian = NULL, .values = &nf_database_sayings },
    { "loop-late", NF_UNREADY_LOOP, .russian = NULL },
    { "channel-deaf-do", NF_UNREADY_DEAF_DO, .russian = NULL, .values = &nf_bot_sayings },
    { "channel-deaf", NF_UNREADY_DEAF, .russian = NULL, .values = &nf_bot_sayings },
};
const struct nf_sayings nf_ready_sayings = { rows, sizeof(rows) / sizeof(rows[0]) };
