#include "persistence/memory/schedule_runs.h"

#include "base/own.h"
#include "domain/said_schedules.h"

#include <stdlib.h>
#include <string.h>

static struct nf_memory *memory_of(struct nf_schedule_store *s)
{
    assert(s->ops == &nf_memory_schedules);
    return nf_container_of(s, struct nf_memory, schedules);
}

static struct nf_schedule_run *find_run(struct nf_memory *m, int64_t schedule_id, int64_t due_ms)
{
    for (size_t i = 0; i < m->schedule_run.n; i++)
        if (m->schedule_run.v[i].schedule_id == schedule_id &&
            m->schedule_run.v[i].due_ms == due_ms)
            return &m->schedule_run.v[i];
    return NULL;
}

static int64_t *day_of(struct nf_memory *m, int64_t user_id, int64_t day)
{
    for (size_t i = 0; i < m->schedule_day.n; i++)
        if (m->schedule_day.v[i].user_id == user_id && m->schedule_day.v[i].day == day)
            return &m->schedule_day.v[i].tokens;
    return NULL;
}

static bool too_much(struct nf_memory *m, const struct nf_fire *f, int64_t user_id, int64_t max)
{
    const int64_t *used = day_of(m, user_id, f->day);

    return f->run->reserved > 0 && (used ? *used : 0) + f->run->reserved > max;
}

static enum nf_fire_refusal refusal(struct nf_memory *m, const struct nf_fire *f)
{
    const struct nf_schedule *s = nf_memory_schedule(m, f->schedule->id, 0);

    if (!s || s->version != f->schedule->version)
        return NF_FIRE_MOVED;
    const struct nf_schedule_run *before = find_run(m, f->run->schedule_id, f->run->due_ms);
    if (before && before->outcome != NF_SCHEDULE_MISSED)
        return NF_FIRE_RUN_BEFORE;
    if (too_much(m, f, f->run->user_id, f->user_max))
        return NF_FIRE_BUDGET;
    return too_much(m, f, 0, f->all_max) ? NF_FIRE_BUDGET_ALL : NF_FIRE_NOT_REFUSED;
}

enum nf_code nf_memory_may_fire(struct nf_memory *m, struct nf_fire *f, struct nf_err *err)
{
    NF_TRY(NF_MEMORY_ROOM(&m->schedule_run, 1, err));
    NF_TRY(NF_MEMORY_ROOM(&m->schedule_day, 2, err));
    f->refused = refusal(m, f);
    return f->refused ? nf_err_set(err, NF_E_CONFLICT, "this run of the schedule was refused")
                      : NF_OK;
}

static void take_tokens(struct nf_memory *m, int64_t user_id, int64_t day, int64_t n)
{
    int64_t *used = day_of(m, user_id, day);

    if (used)
        *used += n;
    else
        m->schedule_day.v[m->schedule_day.n++] = (struct nf_memory_day){ user_id, day, n };
}

void nf_memory_fire(struct nf_memory *m, const struct nf_fire *f)
{
    nf_memory_schedule_write(nf_memory_schedule(m, f->schedule->id, 0), f->schedule);
    struct nf_schedule_run *missed = find_run(m, f->run->schedule_id, f->run->due_ms);
    if (missed)
        *missed = *f->run;
    else
        m->schedule_run.v[m->schedule_run.n++] = *f->run;
    if (f->run->reserved == 0)
        return;
    take_tokens(m, f->run->user_id, f->day, f->run->reserved);
    take_tokens(m, 0, f->day, f->run->reserved);
}

enum nf_code nf_memory_schedule_note(struct nf_schedule_store *s, struct nf_fire *fire,
                                     struct nf_err *err)
{
    NF_TRY(nf_memory_may_fire(memory_of(s), fire, err));
    nf_memory_fire(memory_of(s), fire);
    return NF_OK;
}

static int newest_run_first(const void *a, const void *b)
{
    const struct nf_schedule_run *x = a, *y = b;

    return (y->due_ms > x->due_ms) - (y->due_ms < x->due_ms);
}

static struct nf_schedule_run *copy_runs(struct nf_memory *m, struct nf_err *err)
{
    struct nf_schedule_run *v = malloc((m->schedule_run.n + 1) * sizeof(*v));

    if (!v)
        (void)nf_err_set(err, NF_E_NOMEM, "out of memory");
    return v;
}

enum nf_code nf_memory_schedule_runs(struct nf_schedule_store *s, int64_t schedule_id,
                                     int64_t before, size_t limit, struct nf_schedule_runs *ret,
                                     struct nf_err *err)
{
    struct nf_memory *m = memory_of(s);
    struct nf_schedule_run *v = copy_runs(m, err);
    size_t n = 0;

    if (!v)
        return NF_E_NOMEM;
    for (size_t i = 0; i < m->schedule_run.n; i++)
        if (m->schedule_run.v[i].schedule_id == schedule_id &&
            (before == 0 || m->schedule_run.v[i].due_ms < before))
            v[n++] = m->schedule_run.v[i];
    qsort(v, n, sizeof(*v), newest_run_first);
    *ret = (struct nf_schedule_runs){ v, n < limit ? n : limit };
    return NF_OK;
}

enum nf_code nf_memory_schedule_of_turn(struct nf_schedule_store *s, int64_t run_id,
                                        struct nf_schedule_run *ret, struct nf_err *err)
{
    struct nf_memory *m = memory_of(s);

    for (size_t i = 0; run_id != 0 && i < m->schedule_run.n; i++)
        if (m->schedule_run.v[i].run_id == run_id) {
            *ret = m->schedule_run.v[i];
            return NF_OK;
        }
    return nf_err_set(err, NF_E_NOT_FOUND, "no such run of a schedule");
}

static int64_t known(int64_t n)
{
    return n > 0 ? n : 0;
}

/* How the turn of a started run ended. False: it has not. */
static bool end_of(struct nf_memory *m, struct nf_schedule_run *r)
{
    const struct nf_memory_task *t = nf_memory_task(m, r->run_id);

    if (r->outcome != NF_SCHEDULE_STARTED || (t && !nf_task_is_final(t->t.status)))
        return false;
    r->outcome = t && t->t.status == NF_TASK_COMPLETED ? NF_SCHEDULE_ENDED : NF_SCHEDULE_FAILED;
    memset(r->reason, 0, sizeof(r->reason));
    if (t)
        memcpy(r->reason, t->t.reason, sizeof(r->reason));
    else
        memcpy(r->reason, NF_SKIPPED_DELETED, sizeof(NF_SKIPPED_DELETED));
    for (size_t i = 0; i < m->usage.n; i++) {
        const struct nf_tokens *k = &m->usage.v[i].tokens;

        if (m->usage.v[i].turn_id == r->run_id)
            r->tokens +=
                known(k->input) + known(k->output) + known(k->cache_read) + known(k->cache_write);
    }
    return true;
}

enum nf_code nf_memory_schedule_ended(struct nf_schedule_store *s, size_t limit,
                                      struct nf_schedule_runs *ret, struct nf_err *err)
{
    struct nf_memory *m = memory_of(s);
    struct nf_schedule_run *v = copy_runs(m, err);
    size_t n = 0;

    if (!v)
        return NF_E_NOMEM;
    for (size_t i = 0; i < m->schedule_run.n && n < limit; i++) {
        v[n] = m->schedule_run.v[i];
        n += end_of(m, &v[n]);
    }
    *ret = (struct nf_schedule_runs){ v, n };
    return NF_OK;
}

enum nf_code nf_memory_schedule_settle(struct nf_schedule_store *s, const struct nf_schedule_run *r,
                                       int64_t day, struct nf_err *err)
{
    struct nf_memory *m = memory_of(s);
    struct nf_schedule_run *found = find_run(m, r->schedule_id, r->due_ms);
    const int64_t users[] = { r->user_id, 0 };

    if (!found || found->outcome != NF_SCHEDULE_STARTED)
        return nf_err_set(err, NF_E_CONFLICT, "this run was settled before");
    *found = *r;
    found->reserved = 0;
    for (size_t i = 0; r->reserved > 0 && i < 2; i++) {
        int64_t *used = day_of(m, users[i], day);

        if (used)
            *used = known(*used + r->tokens - r->reserved);
    }
    return NF_OK;
}

enum nf_code nf_memory_schedule_tokens(struct nf_schedule_store *s, int64_t user_id, int64_t day,
                                       int64_t *ret, struct nf_err *err)
{
    const int64_t *used = day_of(memory_of(s), user_id, day);

    (void)err;
    *ret = used ? *used : 0;
    return NF_OK;
}

static bool has_runs(const struct nf_memory *m, int64_t schedule_id)
{
    for (size_t i = 0; i < m->schedule_run.n; i++)
        if (m->schedule_run.v[i].schedule_id == schedule_id)
            return true;
    return false;
}

/* How many days of the same person are newer. */
static size_t newer_days(const struct nf_memory *m, const struct nf_memory_day *d)
{
    size_t n = 0;

    for (size_t i = 0; i < m->schedule_day.n; i++)
        n += m->schedule_day.v[i].user_id == d->user_id && m->schedule_day.v[i].day > d->day;
    return n;
}

static void tidy_days(struct nf_memory *m, int64_t day)
{
    for (size_t i = m->schedule_day.n; i-- > 0;) {
        struct nf_memory_day *d = &m->schedule_day.v[i];

        if (d->day < day && newer_days(m, d) >= NF_SCHEDULE_DAYS_KEPT)
            *d = m->schedule_day.v[--m->schedule_day.n];
    }
}

enum nf_code nf_memory_schedule_tidy(struct nf_schedule_store *s, int64_t before_ms, int64_t day,
                                     struct nf_err *err)
{
    struct nf_memory *m = memory_of(s);
    size_t runs_kept = 0, kept = 0;

    (void)err;
    for (size_t i = 0; i < m->schedule_run.n; i++)
        if (m->schedule_run.v[i].fired_ms >= before_ms ||
            m->schedule_run.v[i].outcome == NF_SCHEDULE_STARTED)
            m->schedule_run.v[runs_kept++] = m->schedule_run.v[i];
    m->schedule_run.n = runs_kept;
    for (size_t i = 0; i < m->schedule.n; i++) {
        const struct nf_schedule *c = &m->schedule.v[i];

        if (c->status != NF_SCHEDULE_DONE || c->last_ms >= before_ms ||
            c->created_ms >= before_ms || has_runs(m, c->id))
            m->schedule.v[kept++] = *c;
    }
    m->schedule.n = kept;
    tidy_days(m, day);
    return NF_OK;
}
