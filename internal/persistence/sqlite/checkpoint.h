/*
 * Copying the write-ahead log into the file beside the writer, so that commits wait less.
 *
 * A thread of its own copies while the writer goes on. It never catches up with a busy writer, and
 * the log starts over only when all of it is copied and nobody writes: so, when little is left, the
 * writer copies the rest itself between two batches. All of it is PASSIVE, which waits for nobody,
 * and never TRUNCATE: overwriting a log that exists is two to three times faster than growing one.
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>

#define NF_LITE_WAL_DUE 4000  /* pages in the log, 16 MiB, from which it is copied */
#define NF_LITE_WAL_REST 250  /* pages, 1 MiB, that the writer copies itself */
#define NF_LITE_WAL_MAX 15000 /* pages, below 64 MiB, at which the writer waits for nobody */

struct nf_lite_checkpointer;

/* `path` is borrowed. */
NF_RC nf_lite_checkpointer_new(const char *path, int busy_ms, struct nf_lite_checkpointer **ret,
                               struct nf_err *err);
/* Joins the thread. NULL is allowed. */
void nf_lite_checkpointer_free(struct nf_lite_checkpointer *c);

/* By the writer, after a batch; `frames`: pages in the log. True: copy the rest now. */
bool nf_lite_checkpointer_tell(struct nf_lite_checkpointer *c, int frames);
