/*
 * What was said in a session whose turn has just ended, kept in memory for its next turn: it need
 * not be read and decoded anew. Of no other use, and everything here may be forgotten at any time.
 *
 * A history is good for one claim only. The claim says, out of the transaction that made it, with
 * which fence and behind which message: each claim of a session, by whomever, moves the fence, and
 * each message its last seq. So where the fence is the one behind that of the turn that left the
 * history, and the question stands right behind what that turn said last, nothing came between; and
 * what stands before a claimed question is never changed. Anything else is read from the database.
 */
#pragma once

#include "application/ports/turn_store.h"

#define NF_HISTORIES_MAX 256                     /* sessions */
#define NF_HISTORIES_BYTES_MAX ((size_t)4 << 20) /* of all together; the oldest go first */
#define NF_HISTORY_BYTES_MAX ((size_t)256 << 10) /* of one session; a longer one is not kept */

struct nf_histories;
NF_RC nf_histories_new(struct nf_histories **ret, struct nf_err *err);
void nf_histories_free(struct nf_histories *h); /* NULL is allowed */

/* `h` may be NULL below: nothing is kept then. */

/* The turn of *c has ended, and *m is all of its session up to `seq`, its newest message. Takes *m
 * over. */
void nf_histories_keep(struct nf_histories *h, const struct nf_claim *c, int64_t seq,
                       struct nf_messages *m);

/* A message was accepted, and its session claimed with it. */
void nf_histories_ask(struct nf_histories *h, const struct nf_accept *in,
                      const struct nf_accepted *got);

/* What is to be answered for *c with what was said before it, as nf_session_store's history() would
 * read it. False: it is not here. The caller's either way: it is kept for one who asks. */
bool nf_histories_take(struct nf_histories *h, const struct nf_claim *c, int64_t media,
                       size_t limit, struct nf_messages *ret);

/* The session was deleted. */
void nf_histories_forget(struct nf_histories *h, int64_t session_id);

/* For tests. */
size_t nf_histories_count(const struct nf_histories *h);
size_t nf_histories_bytes(const struct nf_histories *h);
