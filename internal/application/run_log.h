/*
 * The events of a run from what was written down about it, with the positions they had when they
 * happened (domain/run_event.h): for a client that was away. Pure.
 */
#pragma once

#include "domain/message.h"
#include "domain/run_event.h"
#include "domain/task.h"

#include <stdbool.h>

/* Where in an attempt's events one is, to give each event its position. */
struct nf_run_cursor {
    int64_t fence, pos;
    int message; /* texts begun so far */
};

/* Stamp *e with the position behind it and advance. */
void nf_run_stamp(struct nf_run_cursor *c, struct nf_run_event *e);

/* Called for each event; returns false to stop. */
typedef bool (*nf_run_event_fn)(void *arg, const struct nf_run_event *e);

/* Emit the events of the ended turn `run`, whose messages are `m`, that lie behind position
 * `after`; a text in whose middle `after` lies is emitted from there. What the events point to is
 * in `run` and `m`. */
void nf_run_replay(const struct nf_task *run, const struct nf_messages *m, int64_t after,
                   nf_run_event_fn fn, void *arg);
