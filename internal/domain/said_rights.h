/* What a skill may do, a line each, as people are asked about it. nf_right_sayings (domain/said.h)
 * reads it back. */
#pragma once

#include "domain/said.h"

#define NF_MAY_PROGRAM "runs as a program, which sees the system's files"
#define NF_MAY_PROGRAM_OF "runs as a program of %s, which sees the system's files"
#define NF_MAY_REACH_ALL "reaches any public https address"
#define NF_MAY_REACH "reaches %s"
#define NF_MAY_SECRET "has the secret %s sent along, without seeing it"
#define NF_MAY_KEEP "keeps up to %lld KiB for each person"
#define NF_MAY_FILES "reads and writes the files of the conversation"
#define NF_MAY_THREADS "starts threads"
