#include "skills/warden_impl.h"

#include "base/utf8.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <utlist.h>

int64_t nf_warden_now_us(void)
{
    return nf_clock_mono_us(nf_system_clock());
}

void nf_skill_ran_done(struct nf_skill_ran *r)
{
    nf_str_done(&r->result);
    nf_str_done(&r->words);
    *r = (struct nf_skill_ran){ 0 };
}

enum nf_code nf_skill_ran_failed(struct nf_skill_ran *r, enum nf_code code, struct nf_slice words,
                                 struct nf_err *err)
{
    size_t all = nf_utf8_cut(words.p, words.n, NF_SKILL_WORDS_MAX);
    size_t some = nf_utf8_cut(words.p, words.n, sizeof(err->msg) - 1);

    r->words.max = NF_SKILL_WORDS_MAX + 1;
    nf_str_reset(&r->words);
    if (some < all && nf_str_add(&r->words, words.p, all, NULL) != NF_OK)
        nf_str_reset(&r->words); /* no memory for them: the error has their beginning */
    return nf_err_set(err, code, "%.*s", (int)some, words.p);
}

void nf_warden_report(struct nf_warden *w, const struct nf_pool *p, const char *what)
{
    if (w->o.report)
        w->o.report(w->o.arg, p ? p->name : "", what);
}

/* --- the keeper ------------------------------------------------------------------------------- */

void nf_warden_due(struct nf_warden *w, int64_t at_us)
{
    if (at_us < w->keeper_due_us && w->keeper)
        nf_wait_wake(w->keeper, NF_OK);
}

static int64_t look_after(struct nf_warden *w)
{
    struct nf_pool *p, *after;
    int64_t now = nf_warden_now_us();
    int64_t next = nf_link_tick(w, now);
    DL_FOREACH_SAFE(w->pools, p, after)
    {
        int64_t due = nf_pool_tick(p, now);
        if (!nf_pool_free_if_empty(p))
            next = due < next ? due : next;
    }
    return next;
}

/* Sees to what is due: what is idle too long, does not start, does not end. */
static enum nf_code keep(void *arg, struct nf_err *err)
{
    struct nf_warden *w = arg;
    while (!w->ending) {
        struct nf_wait wait = { 0 };
        w->keeper_due_us = NF_NEVER;
        w->keeper = &wait; /* what becomes due while we look wakes us as well */
        int64_t next = look_after(w);
        int64_t now = nf_warden_now_us();
        w->keeper_due_us = next;
        int64_t ms = next == NF_NEVER ? -1 : next > now ? (next - now) / 1000 + 1 : 0;
        enum nf_code rc = nf_wait(&wait, ms, "what is due", err);
        w->keeper = NULL;
        if (rc != NF_OK && rc != NF_E_TIMEOUT)
            break;
    }
    return NF_OK;
}

/* --- calls ------------------------------------------------------------------------------------ */

/* The clock is read as rarely as can be: it is a good part of what a short one costs. */
static enum nf_code run(struct nf_pool *p, const struct nf_skill_run *r, int64_t now_us,
                        struct nf_skill_ran *ret, struct nf_err *err)
{
    int64_t deadline_us = now_us + r->timeout_ms * 1000;
    struct nf_worker *k;
    bool crashed = false;
    enum nf_code rc = nf_pool_take(p, r->owner, now_us, &k, err);
    if (rc == NF_E_TIMEOUT)
        return nf_err_set(err, rc, "no process of '%s' was free within %lld ms", p->name,
                          (long long)r->timeout_ms);
    if (rc != NF_OK)
        return rc;
    if (k->since_us > now_us) /* it was waited for */
        now_us = nf_warden_now_us();
    rc = nf_worker_call(k, r, now_us, deadline_us, ret, &crashed, err);
    nf_pool_give(p, k, crashed, now_us + ret->wall_us);
    return rc;
}

NF_RC nf_warden_call(struct nf_warden *w, const struct nf_skill_run *r, struct nf_skill_ran *ret,
                     struct nf_err *err)
{
    *ret = (struct nf_skill_ran){ 0 };
    if (w->ending)
        return nf_err_set(err, NF_E_UNAVAILABLE, "skills are being shut down");
    struct nf_pool *p = nf_pool_find(w, r->unit, err);
    if (!p)
        return err->code;
    struct nf_deadline d;
    int64_t now_us = nf_warden_now_us();
    w->stats.calls++;
    p->users++;
    nf_deadline_push_at(&d, now_us + r->timeout_ms * 1000);
    enum nf_code rc = run(p, r, now_us, ret, err);
    nf_deadline_pop(&d);
    p->users--;
    w->stats.failures += rc != NF_OK;
    if (p->retired)
        nf_warden_due(w, 0);
    return rc;
}

void nf_warden_retire(struct nf_warden *w, const char *name)
{
    struct nf_pool *p;
    DL_FOREACH(w->pools, p)
    {
        if (strcmp(p->name, name) == 0 && !p->retired)
            nf_pool_retire(p);
    }
    nf_warden_due(w, 0);
}

/* --- life ------------------------------------------------------------------------------------- */

/* Beside the program that runs. */
static NF_RC find_program(struct nf_warden *w, struct nf_err *err)
{
    static const char name[] = "nexflow-skill";
    char path[PATH_MAX + sizeof name];
    if (w->o.program)
        return nf_strdup(w->o.program, &w->program, err);
    ssize_t n = readlink("/proc/self/exe", path, PATH_MAX);
    char *slash = n > 0 && n < PATH_MAX ? memrchr(path, '/', (size_t)n) : NULL;
    if (!slash)
        return nf_err_set(err, NF_E_UNAVAILABLE, "where this program is: read /proc/self/exe");
    memcpy(slash + 1, name, sizeof name);
    return nf_strdup(path, &w->program, err);
}

static NF_RC begin(struct nf_warden *w, struct nf_err *err)
{
    NF_TRY(find_program(w, err));
    NF_TRY(nf_link_args(w, err));
    NF_TRY(nf_strdup(w->o.min_level ? w->o.min_level : "", &w->min_level, err));
    NF_TRY(nf_scope_spawn(&w->scope, keep, w, NULL, err));
    return nf_link_start(w, err);
}

NF_RC nf_warden_start(const struct nf_warden_options *o, struct nf_warden **ret, struct nf_err *err)
{
    assert(o->workers_max > 0 && o->idle_ms > 0);
    struct nf_warden *w = calloc(1, sizeof *w);
    if (!w)
        return nf_err_set(err, NF_E_NOMEM, "no memory for skills");
    w->o = *o;
    w->control = -1;
    w->link_due_us = w->keeper_due_us = NF_NEVER;
    strcpy(w->level, "none");
    nf_scope_init(&w->scope, o->loop);
    enum nf_code rc = begin(w, err);
    if (rc != NF_OK) {
        nf_warden_free(w);
        return rc;
    }
    *ret = w;
    return NF_OK;
}

NF_RC nf_warden_wait(struct nf_warden *w, struct nf_err *err)
{
    if (w->link == NF_LINK_STARTING) {
        struct nf_wait hello = { 0 };
        w->hello = &hello;
        enum nf_code rc = nf_wait(&hello, -1, "nexflow-skill", err);
        w->hello = NULL;
        NF_TRY(rc);
    }
    return w->link == NF_LINK_UP ? NF_OK : nf_err_set(err, NF_E_UNAVAILABLE, "%s", w->link_why.msg);
}

NF_RC nf_warden_new(const struct nf_warden_options *o, struct nf_warden **ret, struct nf_err *err)
{
    struct nf_warden *w = NULL;
    NF_TRY(nf_warden_start(o, &w, err));
    assert(w);
    enum nf_code rc = nf_warden_wait(w, err);
    if (rc != NF_OK) {
        nf_warden_free(w);
        return rc;
    }
    *ret = w;
    return NF_OK;
}

/* Calls that are under way hear of it and have to be gone before their pools can be. */
static void end_pools(struct nf_warden *w)
{
    struct nf_pool *p, *after;
    DL_FOREACH(w->pools, p)
    {
        if (!p->retired)
            nf_pool_retire(p);
    }
    while (w->pools) {
        DL_FOREACH_SAFE(w->pools, p, after)
        nf_pool_free_if_empty(p);
        if (w->pools && nf_yield(NULL) != NF_OK)
            nf_fiber_uncancel();
    }
}

void nf_warden_free(struct nf_warden *w)
{
    if (!w)
        return;
    w->ending = true;
    nf_warden_due(w, 0);
    nf_scope_done(&w->scope);
    end_pools(w);
    nf_link_leave(w);
    for (size_t i = 0; i < NF_WARDEN_ARGS; i++)
        free(w->args[i]);
    free(w->program);
    free(w->min_level);
    free(w->missing);
    free(w);
}

/* --- what it knows ---------------------------------------------------------------------------- */

const char *nf_warden_level(const struct nf_warden *w)
{
    return w->level;
}

const char *nf_warden_missing(const struct nf_warden *w)
{
    return w->missing ? w->missing : "";
}

void nf_warden_stats(const struct nf_warden *w, struct nf_warden_stats *ret)
{
    const struct nf_pool *p;
    *ret = w->stats;
    ret->workers = (int64_t)w->alive;
    ret->idle = ret->templates = ret->blank = 0;
    DL_FOREACH(w->pools, p)
    {
        ret->idle += (int64_t)nf_pool_count(p, NF_WORKER_IDLE);
        ret->templates += p->template != NF_TEMPLATE_NONE;
        ret->blank += p->blank != NULL;
    }
    ret->workers -= ret->blank;
}
