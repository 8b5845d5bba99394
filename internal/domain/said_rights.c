#include "domain/said_rights.h"

static const struct nf_saying rows[] = {
    { "may-program", NF_MAY_PROGRAM, .russian = NULL },
    { "may-program-of", NF_MAY_PROGRAM_OF, .russian = NULL },
    { "may-reach-all", NF_MAY_REACH_ALL, .russian = NULL },
    { "may-reach", NF_MAY_REACH, .russian = NULL },
    { "may-secret", NF_MAY_SECRET, .russian = NULL },
    { "may-keep", NF_MAY_KEEP, .russian = NULL },
    { "may-files", NF_MAY_FILES, .russian = NULL },
    { "may-threads", NF_MAY_THREADS, .russian = NULL },
};
const struct nf_sayings nf_right_sayings = { rows, sizeof(rows) / sizeof(rows[0]) };
