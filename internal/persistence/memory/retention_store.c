#include "base/own.h"
#include "persistence/memory/impl.h"

#include <stdlib.h>
#include <string.h>

static struct nf_memory *memory_of(struct nf_retention_store *s)
{
    assert(s->ops == &nf_memory_retention);
    return nf_container_of(s, struct nf_memory, retention);
}

/* Remove the rows that go, oldest first, NF_RETENTION_BATCH at most; `done` frees what one has. */
#define SWEEP(vec, row, goes, done, removed)                                                       \
    do {                                                                                           \
        size_t kept_ = 0;                                                                          \
        for (size_t i_ = 0; i_ < (vec)->n; i_++) {                                                 \
            (row) = &(vec)->v[i_];                                                                 \
            if ((removed) < NF_RETENTION_BATCH && (goes)) {                                        \
                (done);                                                                            \
                (removed)++;                                                                       \
            } else {                                                                               \
                (vec)->v[kept_++] = *(row);                                                        \
            }                                                                                      \
        }                                                                                          \
        (vec)->n = kept_;                                                                          \
    } while (0)

static enum nf_code prune(struct nf_retention_store *s, const struct nf_retention *r, bool *more,
                          struct nf_err *err)
{
    struct nf_memory *m = memory_of(s);
    struct nf_memory_inbox *in;
    struct nf_approval_request *a;
    struct nf_usage *u;
    struct nf_skill *k;
    struct nf_memory_held *h;
    int inbox = 0, approvals = 0, usage = 0, skills = 0, held = 0, cursors = 0;
    (void)err;
    SWEEP(&m->inbox, in, in->at_ms < r->inbox_before_ms, free(in->source), inbox);
    SWEEP(&m->approval, a, a->created_ms < r->approvals_before_ms, nf_approval_done(a), approvals);
    SWEEP(&m->usage, u, u->at_ms < r->usage_before_ms, (void)u, usage);
    SWEEP(&m->skill, k, k->status == NF_SKILL_REMOVED && k->updated_ms < r->skills_before_ms,
          (void)k, skills);
    SWEEP(&m->held, h, h->h.at_ms < r->inbox_before_ms, nf_memory_held_done(h), held);
    for (size_t i = 0; i < m->source.n && cursors < NF_RETENTION_BATCH; i++) {
        struct nf_memory_source *c = &m->source.v[i];
        if (!c->cursor[0] || c->at_ms >= r->cursors_before_ms)
            continue;
        memset(c->cursor, 0, sizeof(c->cursor)); /* who reads it is told by the same row */
        cursors++;
    }
    *more = inbox == NF_RETENTION_BATCH || approvals == NF_RETENTION_BATCH ||
            usage == NF_RETENTION_BATCH || skills == NF_RETENTION_BATCH ||
            held == NF_RETENTION_BATCH || cursors == NF_RETENTION_BATCH;
    return NF_OK;
}

const struct nf_retention_store_ops nf_memory_retention = { .prune = prune };
