#include "persistence/postgres/pool.h"

#include "persistence/postgres/postgres.h"

#include <string.h>

struct nf_pg_ticket {
    struct nf_wait wait;
    i64 session;
    struct nf_pg_slot *slot; /* what it was given */
    struct nf_pg_ticket *next;
};

static bool names_session(const struct nf_query_info *q, const struct nf_field *f)
{
    if (f->type != NF_FIELD_I64)
        return false;
    return strcmp(f->name, "session") == 0 ||
           (strcmp(f->name, "id") == 0 && strncmp(q->name, "session_", 8) == 0);
}

bool nf_pg_route(const struct nf_query_info *queries, const struct nf_cmd *cmds, size_t n, i64 *ret)
{
    for (size_t i = 0; i < n; i++) {
        const struct nf_query_info *q = &queries[cmds[i].q];
        for (size_t k = 0; k < q->in_n; k++)
            if (names_session(q, &q->in[k])) {
                *ret = *(const i64 *)(const void *)((const char *)cmds[i].in + q->in[k].offset);
                return *ret != 0;
            }
    }
    return false;
}

void nf_pg_pool_init(struct nf_pg_pool *p)
{
    p->tail = &p->head;
}

static bool session_is_busy(const struct nf_pg_pool *p, i64 session)
{
    for (size_t i = 0; session != 0 && i < p->n; i++)
        if (p->v[i].busy && p->v[i].session == session)
            return true;
    return false;
}

/* A free one that is connected, else a free one, else NULL. */
static struct nf_pg_slot *free_slot(struct nf_pg_pool *p)
{
    struct nf_pg_slot *best = NULL;
    assert(p->n > 0);
    for (size_t i = 0; i < p->n; i++) {
        struct nf_pg_slot *s = &p->v[(p->next + i) % p->n];
        if (s->busy)
            continue;
        best = s;
        if (nf_pg_conn_alive(&s->conn))
            break;
    }
    p->next = (p->next + 1) % p->n;
    return best;
}

static struct nf_pg_slot *occupy(struct nf_pg_slot *s, i64 session)
{
    s->busy = true;
    s->session = session;
    return s;
}

static struct nf_pg_slot *wait_for_one(struct nf_pg_pool *p, i64 session)
{
    struct nf_pg_ticket t = { .session = session };
    /* cppcheck-suppress autoVariables ; it is out of the queue when this returns */
    *p->tail = &t;
    p->tail = &t.next;
    p->waiting++;
    (void)nf_wait_uninterruptible(&t.wait);
    return t.slot;
}

enum nf_code nf_pg_pool_acquire(struct nf_pg_pool *p, const struct nf_query_info *queries,
                                const struct nf_cmd *cmds, size_t n, bool write,
                                struct nf_pg_slot **ret, struct nf_err *err)
{
    i64 session = 0;
    if (write && !nf_pg_route(queries, cmds, n, &session))
        session = 0;
    struct nf_pg_slot *s = session_is_busy(p, session) ? NULL : free_slot(p);
    if (s) {
        *ret = occupy(s, session);
        return NF_OK;
    }
    if (p->waiting >= NF_POSTGRES_WAITING_MAX)
        return nf_err_set(err, NF_E_UNAVAILABLE,
                          "the database cannot keep up: %d transactions wait for it",
                          NF_POSTGRES_WAITING_MAX);
    assert(p->v[0].conn.loop); /* without a loop nobody else can have it */
    *ret = wait_for_one(p, session);
    return NF_OK;
}

/* The first that may go on, out of the queue; NULL: nobody. */
static struct nf_pg_ticket *next_ticket(struct nf_pg_pool *p)
{
    for (struct nf_pg_ticket **at = &p->head; *at; at = &(*at)->next) {
        struct nf_pg_ticket *t = *at;
        if (session_is_busy(p, t->session))
            continue;
        *at = t->next;
        if (p->tail == &t->next)
            p->tail = at;
        p->waiting--;
        return t;
    }
    return NULL;
}

/* One that is free now may let two go on: who waited for it, and who waited for its session. */
void nf_pg_pool_release(struct nf_pg_pool *p, struct nf_pg_slot *s)
{
    s->busy = false;
    while (p->waiting > 0 && (s = free_slot(p))) {
        struct nf_pg_ticket *t = next_ticket(p);
        if (!t)
            return;
        t->slot = occupy(s, t->session);
        nf_wait_wake(&t->wait, NF_OK);
    }
}
