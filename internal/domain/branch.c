#include "domain/branch.h"

#include <stdlib.h>

static bool has_branches(const struct nf_messages *m)
{
    for (size_t i = 0; i < m->n; i++)
        if (m->v[i].branch != 0)
            return true;
    return false;
}

/* The question at `seq`; m->n: it is not among them. */
static size_t question_at(const struct nf_messages *m, int64_t seq)
{
    size_t i = 0;
    while (i < m->n && (m->v[i].role != NF_ROLE_USER || m->v[i].seq != seq))
        i++;
    return i;
}

/* The last question before `i`; m->n: there is none. */
static size_t question_before(const struct nf_messages *m, size_t i)
{
    while (i-- > 0)
        if (m->v[i].role == NF_ROLE_USER)
            return i;
    return m->n;
}

/* Mark the questions on the way. True if it leads on to what is before the first message. */
static bool mark_way(const struct nf_messages *m, int64_t seq, bool *on_way)
{
    size_t i = question_at(m, seq);
    while (i < m->n) {
        int64_t branch = m->v[i].branch;
        on_way[i] = true;
        /* It goes on from something earlier, or the way would not end. */
        if (branch > m->v[i].seq)
            return false;
        i = branch ? question_at(m, branch - 1) : question_before(m, i);
        if (i == m->n)
            return branch == 0;
    }
    return false;
}

/* Whether the run has a question on the way; `before` if none of its questions is here. */
static bool is_kept(const struct nf_messages *m, const bool *on_way, int64_t run_id, bool before)
{
    bool asked = false;
    for (size_t i = 0; i < m->n; i++) {
        if (m->v[i].run_id != run_id || m->v[i].role != NF_ROLE_USER)
            continue;
        if (on_way[i])
            return true;
        asked = true;
    }
    return !asked && before;
}

enum nf_code nf_branch_keep(struct nf_messages *m, int64_t seq, struct nf_err *err)
{
    size_t kept = 0;
    if (!has_branches(m))
        return NF_OK;
    bool *flags = calloc(m->n, 2 * sizeof(*flags));
    if (!flags)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    bool *keep = flags + m->n;
    bool before = mark_way(m, seq, flags);
    for (size_t i = 0; i < m->n; i++)
        keep[i] = is_kept(m, flags, m->v[i].run_id, before);
    for (size_t i = 0; i < m->n; i++) {
        if (keep[i])
            m->v[kept++] = m->v[i];
        else
            nf_message_done(&m->v[i]);
    }
    m->n = kept;
    free(flags);
    return NF_OK;
}
