/*
 * Runs while they are shown: a fiber for each, which edits a message of the network as the run goes
 * on. Events are folded into what there is to show, so a slow network costs no memory. Who brings
 * the reply ends the fiber first.
 */
#include "base/own.h"
#include "channels/chat/chat_internal.h"
#include "observe/log.h"

#include <stdlib.h>
#include <string.h>

#define uthash_fatal(msg) abort() /* replaced by HASH_NONFATAL_OOM: never called */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define SHOW_AFTER_MS 250 /* what is answered within it is not shown on its way */
#define END_MS 5000       /* how long a message that is under way may take before it is cut off */

struct nf_shown_run {
    UT_hash_handle hh;
    struct nf_chat_channel *channel;
    int64_t id, session_id, user_id;
    struct nf_presenting p;
    struct nf_fiber *fiber; /* NULL: it has ended, or never began */
    struct nf_wait *waits;  /* of the fiber, for an event */
    struct nf_wait *ender;  /* of who waits for the fiber to end */
    bool ending;
    bool dropped; /* nobody brings its reply: the fiber frees it */
};

static struct nf_shown_run *find(struct nf_chat_channel *c, int64_t run_id)
{
    struct nf_shown_run *r;
    HASH_FIND(hh, c->runs, &run_id, sizeof(run_id), r);
    return r;
}

static void free_run(struct nf_shown_run *r)
{
    HASH_DEL(r->channel->runs, r);
    nf_presenting_done(&r->p);
    free(r);
}

static void wake(struct nf_shown_run *r)
{
    if (r->waits)
        nf_wait_wake(r->waits, NF_OK);
}

/* Until an event comes, or for `ms`; -1: as long as it takes. */
static NF_RC wait_for_event(struct nf_shown_run *r, int64_t ms, struct nf_err *err)
{
    struct nf_wait w = { 0 };
    if (r->ending)
        return NF_OK;
    r->waits = &w;
    enum nf_code rc = nf_wait(&w, ms, "an event of the run", err);
    r->waits = NULL;
    return rc == NF_E_TIMEOUT && ms >= 0 ? NF_OK : rc;
}

/* A topic in somebody's private chat is named by what it is about; those of groups have names.
 * Best effort. */
static void name_topic(struct nf_shown_run *r, const struct nf_session *s)
{
    struct nf_chat *chat = &r->channel->chat.port;
    struct nf_err err;
    if (s->shared || s->last_seq > 1 || s->title[0] == '\0' || s->title[0] == '/')
        return;
    if (chat->ops->title(chat, s->address, s->title, &err) != NF_OK)
        nf_log_debug("chat.title.failed", "channel", r->channel->name, "err", err.msg, NULL);
}

/* Where it is shown, and how it is spoken there. */
static NF_RC find_place(struct nf_shown_run *r, struct nf_err *err)
{
    struct nf_session_store *store = r->channel->app->sessions;
    struct nf_session s;
    NF_TRY(store->ops->get(store, r->session_id, 0, &s, err));
    memcpy(r->p.address, s.address, sizeof(r->p.address));
    r->p.lang = nf_chat_lang(r->channel, r->user_id);
    name_topic(r, &s);
    return NF_OK;
}

static NF_RC show_all(struct nf_shown_run *r, struct nf_err *err)
{
    int64_t until = nf_app_now(r->channel->app) + SHOW_AFTER_MS, left = SHOW_AFTER_MS;
    for (; !r->ending && left > 0; left = until - nf_app_now(r->channel->app))
        NF_TRY(wait_for_event(r, left, err));
    if (!r->ending)
        NF_TRY(find_place(r, err));
    while (!r->ending) {
        int64_t ms;
        NF_TRY(nf_presenting_step(&r->p, &ms, err));
        if (!r->ending && ms != 0)
            NF_TRY(wait_for_event(r, ms, err));
    }
    return NF_OK;
}

/* Nobody else knows that it is needed: so also when we are told to end. */
static void settle(struct nf_shown_run *r)
{
    struct nf_err why;
    if (!r->p.owed)
        return;
    nf_fiber_uncancel();
    if (nf_presenting_settle(&r->p, &why) != NF_OK)
        nf_log_warn("chat.show.unsettled", "channel", r->channel->name, "err", why.msg, NULL);
}

static enum nf_code run_fiber(void *arg, struct nf_err *err)
{
    struct nf_shown_run *r = arg;
    (void)err;
    struct nf_err why;
    /* It was begun by the turn, but is not under its deadline, which can stand still. */
    nf_fiber_move_deadline(nf_fiber_current(), NF_CHAT_FAR_MS);
    enum nf_code rc = show_all(r, &why);
    if (rc != NF_OK && rc != NF_E_CANCELED)
        nf_log_debug("chat.show.ended", "channel", r->channel->name, "err", why.msg, NULL);
    settle(r);
    r->fiber = NULL;
    if (r->ender)
        nf_wait_wake(r->ender, NF_OK);
    else if (r->dropped)
        free_run(r);
    return NF_OK;
}

/* Without memory it is not shown; the reply comes all the same. */
static struct nf_shown_run *begin(struct nf_chat_channel *c, const struct nf_run_event *e)
{
    struct nf_err err;
    struct nf_shown_run *r = calloc(1, sizeof(*r));
    if (!r)
        return NULL;
    r->channel = c;
    r->id = e->run_id;
    r->session_id = e->session_id;
    r->user_id = e->user_id;
    HASH_ADD(hh, c->runs, id, sizeof(r->id), r);
    if (!r->hh.tbl) {
        free(r);
        return NULL;
    }
    nf_presenting_init(&r->p, c->app, &c->chat.port, r->id, "", NF_LANG_EN);
    if (nf_scope_spawn(c->scope, run_fiber, r, &r->fiber, &err) != NF_OK) {
        nf_log_warn("chat.show.failed", "channel", c->name, "err", err.msg, NULL);
        r->fiber = NULL;
    }
    return r;
}

void nf_chat_show(struct nf_chat_channel *c, const struct nf_run_event *e)
{
    struct nf_shown_run *r = find(c, e->run_id);
    if (e->type == NF_RUN_STARTED && !r)
        r = begin(c, e);
    if (!r || r->ending)
        return;
    nf_presenting_take(&r->p, e);
    wake(r);
}

void nf_chat_end_run(struct nf_chat_channel *c, int64_t run_id)
{
    struct nf_shown_run *r = find(c, run_id);
    struct nf_wait w = { 0 };
    struct nf_err ignored;
    if (!r || r->ender)
        return;
    r->ending = true;
    wake(r);
    if (r->fiber) {
        r->ender = &w;
        /* What is under way shall end by itself: cut off, nobody would know whether it arrived. */
        if (nf_wait(&w, END_MS, "a message under way", &ignored) != NF_OK) {
            w = (struct nf_wait){ 0 };
            if (r->fiber) {
                nf_fiber_cancel(r->fiber, NF_E_CANCELED);
                (void)nf_wait_uninterruptible(&w);
            }
        }
    }
    free_run(r);
}

void nf_chat_drop_run(struct nf_chat_channel *c, int64_t run_id)
{
    struct nf_shown_run *r = find(c, run_id);
    if (!r || r->ender)
        return;
    if (!r->fiber) {
        free_run(r);
        return;
    }
    r->ending = r->dropped = r->p.quiet = true;
    wake(r);
}

void nf_chat_free_runs(struct nf_chat_channel *c)
{
    struct nf_shown_run *r, *next;
    HASH_ITER(hh, c->runs, r, next)
    {
        assert(!r->fiber);
        free_run(r);
    }
}
