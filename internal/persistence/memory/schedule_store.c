#include "application/ports/schedule_store.h"

#include "base/own.h"
#include "persistence/memory/schedule_runs.h"

#include <stdlib.h>
#include <string.h>

static struct nf_memory *memory_of(struct nf_schedule_store *s)
{
    assert(s->ops == &nf_memory_schedules);
    return nf_container_of(s, struct nf_memory, schedules);
}

struct nf_schedule *nf_memory_schedule(struct nf_memory *m, int64_t id, int64_t user_id)
{
    for (size_t i = 0; i < m->schedule.n; i++)
        if (m->schedule.v[i].id == id && (user_id == 0 || m->schedule.v[i].user_id == user_id))
            return &m->schedule.v[i];
    return NULL;
}

static NF_RC give(const struct nf_schedule *found, struct nf_schedule *ret, struct nf_err *err)
{
    if (!found)
        return nf_err_set(err, NF_E_NOT_FOUND, "no such schedule");
    *ret = *found;
    return NF_OK;
}

static enum nf_code get(struct nf_schedule_store *s, int64_t id, int64_t user_id,
                        struct nf_schedule *ret, struct nf_err *err)
{
    return give(nf_memory_schedule(memory_of(s), id, user_id), ret, err);
}

static const struct nf_schedule *by_call(struct nf_memory *m, int64_t call_id)
{
    for (size_t i = 0; i < m->schedule.n; i++)
        if (call_id != 0 && m->schedule.v[i].call_id == call_id)
            return &m->schedule.v[i];
    return NULL;
}

static enum nf_code of_call(struct nf_schedule_store *s, int64_t call_id, struct nf_schedule *ret,
                            struct nf_err *err)
{
    return give(by_call(memory_of(s), call_id), ret, err);
}

/* What does not make sense is left out, as where it is read from rows. */
static void sort_out(struct nf_schedules *to, struct nf_schedule s)
{
    struct nf_schedule_damage *bad = &to->damaged[to->damaged_n];
    struct nf_err why;

    to->last = (struct nf_schedule_place){ s.next_ms, s.id };
    if (nf_schedule_check(&s, &why) == NF_OK) {
        to->v[to->n++] = s;
        return;
    }
    *bad = (struct nf_schedule_damage){ .id = s.id };
    memcpy(bad->why, why.msg, strlen(why.msg));
    to->damaged_n++;
}

/* The first in that order of those that fit. */
typedef bool (*fits_fn)(const struct nf_schedule *s, const void *arg);
typedef int (*order_fn)(const void *a, const void *b);

static NF_RC collect(struct nf_memory *m, fits_fn fits, const void *arg, order_fn order,
                     size_t limit, struct nf_schedules *to, struct nf_err *err)
{
    size_t n = 0, room = m->schedule.n + 1;

    to->v = malloc(room * sizeof(*to->v));
    to->damaged = malloc(room * sizeof(*to->damaged));
    if (!to->v || !to->damaged)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    for (size_t i = 0; i < m->schedule.n; i++)
        if (fits(&m->schedule.v[i], arg))
            to->v[n++] = m->schedule.v[i];
    qsort(to->v, n, sizeof(*to->v), order);
    for (size_t i = 0; i < n && i < limit; i++)
        sort_out(to, to->v[i]);
    return NF_OK;
}

static int compare(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int newest_first(const void *a, const void *b)
{
    return compare(((const struct nf_schedule *)b)->id, ((const struct nf_schedule *)a)->id);
}

static bool is_listed(const struct nf_schedule *s, const void *arg)
{
    const struct nf_schedule_filter *f = arg;

    return (f->user_id == 0 || s->user_id == f->user_id) &&
           (f->status == 0 || s->status == f->status) &&
           (f->before_id == 0 || s->id < f->before_id);
}

static enum nf_code list(struct nf_schedule_store *s, const struct nf_schedule_filter *f,
                         struct nf_schedules *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_schedules_done) struct nf_schedules found = { 0 };

    NF_TRY(collect(memory_of(s), is_listed, f, newest_first, f->limit, &found, err));
    *ret = nf_take(found);
    return NF_OK;
}

static enum nf_code create(struct nf_schedule_store *s, const struct nf_schedule *in, int64_t max,
                           struct nf_err *err)
{
    struct nf_memory *m = memory_of(s);
    int64_t n = 0;

    if (by_call(m, in->call_id))
        return nf_err_set(err, NF_E_CONFLICT, "this call has made a schedule before");
    for (size_t i = 0; i < m->schedule.n; i++)
        n += m->schedule.v[i].user_id == in->user_id && m->schedule.v[i].status != NF_SCHEDULE_DONE;
    if (n >= max)
        return nf_err_set(err, NF_E_LIMIT, "there are %lld schedules already", (long long)max);
    NF_TRY(NF_MEMORY_ROOM(&m->schedule, 1, err));
    m->schedule.v[m->schedule.n] = *in;
    m->schedule.v[m->schedule.n++].version = 1;
    return NF_OK;
}

void nf_memory_schedule_write(struct nf_schedule *to, const struct nf_schedule *in)
{
    struct nf_schedule kept = *to;

    *to = *in;
    to->version = kept.version + 1;
    to->user_id = kept.user_id;
    to->kind = kept.kind;
}

static enum nf_code update(struct nf_schedule_store *s, const struct nf_schedule *in,
                           struct nf_err *err)
{
    struct nf_schedule *found = nf_memory_schedule(memory_of(s), in->id, 0);

    if (!found || found->version != in->version)
        return nf_err_set(err, NF_E_CONFLICT, "the schedule was changed meanwhile");
    nf_memory_schedule_write(found, in);
    return NF_OK;
}

static enum nf_code remove_one(struct nf_schedule_store *s, int64_t id, int64_t user_id,
                               struct nf_err *err)
{
    struct nf_memory *m = memory_of(s);
    struct nf_schedule *found = nf_memory_schedule(m, id, user_id);
    size_t kept = 0;

    if (!found)
        return nf_err_set(err, NF_E_NOT_FOUND, "no such schedule");
    *found = m->schedule.v[--m->schedule.n];
    for (size_t i = 0; i < m->schedule_run.n; i++)
        if (m->schedule_run.v[i].schedule_id != id ||
            m->schedule_run.v[i].outcome == NF_SCHEDULE_STARTED)
            m->schedule_run.v[kept++] = m->schedule_run.v[i];
    m->schedule_run.n = kept;
    return NF_OK;
}

struct due_filter {
    int64_t now_ms;
    const struct nf_schedule_place *after;
};

static bool is_due(const struct nf_schedule *s, const void *arg)
{
    const struct due_filter *f = arg;

    return s->status == NF_SCHEDULE_ACTIVE && s->next_ms <= f->now_ms &&
           (s->next_ms > f->after->next_ms ||
            (s->next_ms == f->after->next_ms && s->id > f->after->id));
}

static bool is_ahead(const struct nf_schedule *s, const void *now)
{
    return s->status == NF_SCHEDULE_ACTIVE &&
           s->last_ms > *(const int64_t *)now + NF_SCHEDULE_BACK_MS;
}

static int longest_waiting_first(const void *a, const void *b)
{
    const struct nf_schedule *x = a, *y = b;
    int order = compare(x->next_ms, y->next_ms);

    return order ? order : compare(x->id, y->id);
}

static enum nf_code due(struct nf_schedule_store *s, int64_t now_ms,
                        const struct nf_schedule_place *after, size_t limit,
                        struct nf_schedules *ret, struct nf_err *err)
{
    struct due_filter come = { now_ms, after };
    NF_CLEANUP(nf_schedules_done) struct nf_schedules found = { 0 };

    NF_TRY(collect(memory_of(s), is_due, &come, longest_waiting_first, limit, &found, err));
    if (nf_schedules_rows(&found) < limit)
        found.last = (struct nf_schedule_place){ 0 };
    *ret = nf_take(found);
    return NF_OK;
}

static enum nf_code ahead(struct nf_schedule_store *s, int64_t now_ms, size_t limit,
                          struct nf_schedules *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_schedules_done) struct nf_schedules found = { 0 };

    NF_TRY(collect(memory_of(s), is_ahead, &now_ms, longest_waiting_first, limit, &found, err));
    *ret = nf_take(found);
    return NF_OK;
}

static enum nf_code outlook(struct nf_schedule_store *s, struct nf_schedule_outlook *ret,
                            struct nf_err *err)
{
    struct nf_memory *m = memory_of(s);
    struct nf_schedule_outlook o = { 0 };

    (void)err;
    for (size_t i = 0; i < m->schedule.n; i++) {
        const struct nf_schedule *one = &m->schedule.v[i];

        if (one->status != NF_SCHEDULE_ACTIVE)
            continue;
        if (o.next_ms == 0 || one->next_ms < o.next_ms)
            o.next_ms = one->next_ms;
        if (one->last_ms > o.last_ms)
            o.last_ms = one->last_ms;
    }
    for (size_t i = 0; i < m->schedule_run.n; i++)
        o.under_way |= m->schedule_run.v[i].outcome == NF_SCHEDULE_STARTED;
    *ret = o;
    return NF_OK;
}

static enum nf_code set_aside(struct nf_schedule_store *s, int64_t id, const char *reason,
                              struct nf_err *err)
{
    struct nf_schedule *found = nf_memory_schedule(memory_of(s), id, 0);

    if (!found || found->status != NF_SCHEDULE_ACTIVE)
        return nf_err_set(err, NF_E_CONFLICT, "schedule is not active any more");
    nf_schedule_halt(found, reason);
    found->version++;
    return NF_OK;
}

const struct nf_schedule_store_ops nf_memory_schedules = {
    .get = get,
    .list = list,
    .create = create,
    .of_call = of_call,
    .update = update,
    .remove = remove_one,
    .outlook = outlook,
    .due = due,
    .ahead = ahead,
    .set_aside = set_aside,
    .note = nf_memory_schedule_note,
    .runs = nf_memory_schedule_runs,
    .of_turn = nf_memory_schedule_of_turn,
    .ended = nf_memory_schedule_ended,
    .settle = nf_memory_schedule_settle,
    .tokens = nf_memory_schedule_tokens,
    .tidy = nf_memory_schedule_tidy,
};
