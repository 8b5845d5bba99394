#include "channels/web/live_run.h"

#include <stdlib.h>

static bool is_text(enum nf_run_event_type type)
{
    return type == NF_RUN_TEXT || type == NF_RUN_TOOL_ARGS || type == NF_RUN_TOOL_RESULT;
}

static struct nf_live_event *joinable(struct nf_live_run *r, const struct nf_run_event *e)
{
    struct nf_live_event *last = r->n ? &r->v[r->n - 1] : NULL;
    return last && e->type == NF_RUN_TEXT && last->e.type == NF_RUN_TEXT &&
                   last->e.message == e->message
               ? last
               : NULL;
}

static NF_RC grow(struct nf_live_run *r, struct nf_err *err)
{
    size_t cap = r->cap ? r->cap * 2 : 4;
    if (r->n < r->cap)
        return NF_OK;
    struct nf_live_event *v = realloc(r->v, cap * sizeof(*v));
    if (!v)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    r->v = v;
    r->cap = cap;
    return NF_OK;
}

static void live_event_done(struct nf_live_event *l)
{
    nf_str_done(&l->text);
    free(l->call_id);
    free(l->name);
}

enum nf_code nf_live_run_add(struct nf_live_run *r, const struct nf_run_event *e,
                             struct nf_err *err)
{
    struct nf_live_event *last = joinable(r, e);
    if (last) {
        NF_TRY(nf_str_add(&last->text, e->text.p, e->text.n, err));
        last->e.seq = e->seq;
        return NF_OK;
    }
    NF_TRY(grow(r, err));
    struct nf_live_event fresh = { .e = *e };
    enum nf_code rc = NF_OK;
    if (is_text(e->type) && e->text.n > 0)
        rc = nf_str_add(&fresh.text, e->text.p, e->text.n, err);
    if (rc == NF_OK && e->call_id)
        rc = nf_strdup(e->call_id, &fresh.call_id, err);
    if (rc == NF_OK && e->name)
        rc = nf_strdup(e->name, &fresh.name, err);
    if (rc != NF_OK) {
        live_event_done(&fresh);
        return rc;
    }
    r->v[r->n++] = fresh;
    return NF_OK;
}

void nf_live_run_done(struct nf_live_run *r)
{
    for (size_t i = 0; i < r->n; i++)
        live_event_done(&r->v[i]);
    free(r->v);
    *r = (struct nf_live_run){ 0 };
}

void nf_live_run_replay(const struct nf_live_run *r, int64_t after, nf_run_event_fn fn, void *arg)
{
    for (size_t i = 0; i < r->n; i++) {
        const struct nf_live_event *l = &r->v[i];
        struct nf_run_event e = l->e;
        if (e.seq <= after)
            continue;
        e.text = (struct nf_slice){ nf_str_c(&l->text), l->text.len };
        e.call_id = l->call_id;
        e.name = l->name;
        int64_t begins = e.seq - nf_run_event_width(e.type, e.text.n);
        if (after > begins) {
            size_t skip = (size_t)(after - begins);
            /* In the middle of a character nothing can begin. */
            while (skip < e.text.n && ((unsigned char)e.text.p[skip] & 0xc0) == 0x80)
                skip++;
            e.text.p += skip;
            e.text.n -= skip;
            if (e.text.n == 0)
                continue;
        }
        if (!fn(arg, &e))
            return;
    }
}
