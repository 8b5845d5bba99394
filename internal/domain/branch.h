/*
 * A conversation as a tree. A question goes on from the question before it, unless it says from
 * which one (nf_message.branch): that is how one is put otherwise, or its answer asked for again,
 * while what was said stays. Pure.
 */
#pragma once

#include "domain/message.h"

/* Keep of `m`, the newest messages of a session by seq, those on the way to the question at `seq`:
 * its own turn, the one it goes on from, and so on. Without branches all of them stay. NF_E_NOMEM;
 * then *m is as before. */
NF_RC nf_branch_keep(struct nf_messages *m, int64_t seq, struct nf_err *err);
