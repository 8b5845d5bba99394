/* The events of a run under way, joined where they are text. */
#pragma once

#include "application/run_log.h"
#include "base/string.h"

struct nf_live_event {
    struct nf_run_event e; /* its pointers lead into the fields below */
    struct nf_str text;
    char *call_id, *name;
};

struct nf_live_run {
    int64_t session_id, run_id;
    struct nf_live_event *v;
    size_t n, cap;
};

/* Keep *e. NF_E_NOMEM: then the run is incomplete, and nf_live_run_done is the thing to do: who
 * comes later gets it from the database. */
NF_RC nf_live_run_add(struct nf_live_run *r, const struct nf_run_event *e, struct nf_err *err);
void nf_live_run_done(struct nf_live_run *r);

/* Emit what lies behind `after`; a text in whose middle it lies, from there. */
void nf_live_run_replay(const struct nf_live_run *r, int64_t after, nf_run_event_fn fn, void *arg);
