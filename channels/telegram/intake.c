#include "channels/telegram/intake.h"

#include "application/commands.h"
#include "base/own.h"
#include "channels/telegram/lane.h"
#include "observe/log.h"
#include "observe/metrics.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define LANES_PAGE 100 /* lanes that are gone on with at once */
#define KEY_MAX 24     /* "u" and an id */

static struct nf_telegram_item *find(const struct nf_telegram_intake *in, int64_t id)
{
    struct nf_telegram_item *i;
    DL_FOREACH(in->first, i)
    {
        if (i->id == id)
            return i;
    }
    return NULL;
}

static void forget(struct nf_telegram_intake *in, struct nf_telegram_item *i)
{
    DL_DELETE(in->first, i);
    free(i);
}

/* Where nobody asks on from an offset, nothing is to be known about it any more. */
void nf_telegram_accept(struct nf_telegram_intake *in, struct nf_telegram_item *i)
{
    i->done = true;
    in->n--;
    if (i->waiter)
        nf_wait_wake(i->waiter, NF_OK);
    if (in->n == 0 && in->idle)
        nf_wait_wake(in->idle, NF_OK);
    if (!in->by_offset)
        forget(in, i);
}

/* --- holding ---------------------------------------------------------------------------------- */

/* Updates that are offered, and those of them that are to be held. */
struct offering {
    struct nf_telegram *t;
    struct nf_telegram_batch *batch;
    struct nf_scope *scope;
    size_t fresh, n;
    struct nf_hold hold[NF_HOLDS_MAX];
    struct {
        struct nf_telegram_item *item;
        char lane[NF_CHAT_LANE_MAX + 1]; /* which a cancel may end meanwhile */
        struct nf_str body;
        char key[KEY_MAX];
    } v[NF_HOLDS_MAX];
};

static void write_key(char to[KEY_MAX], int64_t id)
{
    NF_CLEANUP(nf_str_done) struct nf_str key = { .max = KEY_MAX };
    struct nf_err ignored;
    to[0] = '\0';
    if (nf_str_addf(&key, &ignored, "u%lld", (long long)id) == NF_OK)
        memcpy(to, key.p, key.len + 1);
}

/* What is not held is offered again, with all that is behind it. */
static void let_go(struct offering *o, size_t i)
{
    struct nf_telegram_intake *in = &o->t->intake;
    struct nf_telegram_item *item = o->v[i].item;
    if (!item)
        return;
    if (item->id < in->next)
        in->next = item->id;
    if (item->waiter)
        nf_wait_wake(item->waiter, NF_E_UNAVAILABLE);
    in->n--;
    forget(in, item);
}

static void note_held(struct nf_telegram_lane *l, bool held)
{
    if (!l || l->holding == 0)
        return;
    l->first_held = l->first_held && held;
    l->waiting += held;
    l->news = l->news || held;
    if (--l->holding == 0 && l->held)
        nf_wait_wake(l->held, NF_OK);
}

static NF_RC hold_all(struct offering *o, struct nf_err *err)
{
    struct nf_telegram *t = o->t;
    size_t held;

    if (o->n == 0)
        return NF_OK;
    enum nf_code rc = nf_chat_hold(t->channel, t->source, o->hold, o->n, &held, err);
    for (size_t i = 0; i < o->n; i++) {
        if (rc != NF_OK)
            let_go(o, i);
        else if (o->v[i].item)
            nf_telegram_accept(&t->intake, o->v[i].item);
        note_held(nf_telegram_lane_find(&t->intake, o->v[i].lane), rc == NF_OK);
        nf_str_done(&o->v[i].body);
    }
    o->n = 0;
    return rc;
}

/* --- offering --------------------------------------------------------------------------------- */

/* What nothing can be made of concerns nobody: kept, it would hold up all that is behind it. */
static NF_RC read_update(const struct nf_telegram *t, const struct nf_json *v, int64_t id,
                         struct nf_telegram_update *ret, struct nf_err *err)
{
    struct nf_err why;
    enum nf_code rc = nf_telegram_update_read(v, &t->self, ret, &why);

    if (rc == NF_E_INVALID || rc == NF_E_LIMIT) {
        nf_log_error("telegram.update.given_up", "channel", t->chat.name, "err", why.msg, NULL);
        *ret = (struct nf_telegram_update){ .id = id, .kind = NF_TELEGRAM_OTHER };
        return NF_OK;
    }
    return rc == NF_OK ? NF_OK : nf_err_set(err, rc, "%s", why.msg);
}

/* Buttons and /stop do not wait for messages that came before. */
static void name_lane(const struct nf_telegram_update *u, char ret[NF_CHAT_LANE_MAX + 1])
{
    bool stop = u->kind == NF_TELEGRAM_MESSAGE && !u->edited &&
                nf_command_of(nf_str_c(&u->text), NULL) == NF_COMMAND_STOP;
    size_t n = strlen(u->chat);
    memcpy(ret, u->chat, n + 1);
    if (stop || u->kind == NF_TELEGRAM_PRESSED || u->kind == NF_TELEGRAM_STOPPED)
        memcpy(ret + n, "!", 2);
}

static NF_RC add_item(struct offering *o, int64_t id, struct nf_telegram_item **ret,
                      struct nf_err *err)
{
    struct nf_telegram_intake *in = &o->t->intake;
    struct nf_telegram_item *i, *at;

    if (in->n >= NF_TELEGRAM_INTAKE_MAX)
        return nf_err_set(err, NF_E_LIMIT, "%d updates are under way", NF_TELEGRAM_INTAKE_MAX);
    i = calloc(1, sizeof(*i));
    if (!i)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    i->id = id;
    for (at = in->first; at && at->id < id; at = at->next)
        ;
    if (at)
        DL_PREPEND_ELEM(in->first, at, i);
    else
        DL_APPEND(in->first, i);
    in->n++;
    o->fresh++;
    *ret = i;
    return NF_OK;
}

/* It begins a lane, and is taken in at once. Takes *u over. */
static void begin_with(struct offering *o, struct nf_telegram_lane *l, struct nf_telegram_item *i,
                       const struct nf_json *raw, struct nf_telegram_update *u)
{
    l->item = i;
    l->raw = raw;
    l->u = nf_take(*u);
    l->batch = o->batch;
    o->batch->users++;
}

/* Room for it is made by `enter`, since that suspends and lanes end meanwhile. `item` NULL: it is
 * not accepted by being held. */
static NF_RC add_hold(struct offering *o, struct nf_telegram_lane *l, struct nf_telegram_item *item,
                      int64_t id, const struct nf_json *raw, bool crowded, struct nf_err *err)
{
    struct nf_str *body = &o->v[o->n].body;

    assert(o->n < NF_HOLDS_MAX);
    enum nf_code rc = nf_telegram_write_held(raw, crowded, body, err);
    if (rc != NF_OK) {
        nf_str_done(body);
        return rc;
    }
    l->holding++;
    o->v[o->n].item = item;
    memcpy(o->v[o->n].lane, l->name, sizeof(l->name));
    write_key(o->v[o->n].key, id);
    o->hold[o->n] = (struct nf_hold){
        .event_id = o->v[o->n].key, .lane = o->v[o->n].lane, .id = id, .body = nf_str_c(body)
    };
    o->n++;
    return NF_OK;
}

/* What is held behind the first of a lane must not outlive it: a later life would go on with what
 * is held before Telegram gives it the first again. Whichever of the two commits is later finds the
 * other's key and does nothing. */
static NF_RC hold_first(struct offering *o, struct nf_telegram_lane *l, struct nf_err *err)
{
    bool keyed = l->u.kind == NF_TELEGRAM_MESSAGE || l->u.kind == NF_TELEGRAM_STOPPED;

    if (!l->item || !l->raw || !keyed || l->first_held)
        return NF_OK;
    enum nf_code rc = add_hold(o, l, NULL, l->item->id, l->raw, false, err);
    l->first_held = rc == NF_OK;
    return rc == NF_E_LIMIT ? NF_OK : rc;
}

static NF_RC want_held(struct offering *o, struct nf_telegram_lane *l, struct nf_telegram_item *i,
                       const struct nf_json *raw, struct nf_err *err)
{
    bool full = l->waiting + l->holding >= NF_TELEGRAM_WAITING_MAX;
    struct nf_err why;

    if (l->crowded) {
        nf_log_debug("telegram.update.left_out", "channel", o->t->chat.name, "lane", l->name, NULL);
        nf_telegram_accept(&o->t->intake, i);
        return NF_OK;
    }
    NF_TRY(hold_first(o, l, err));
    enum nf_code rc = add_hold(o, l, i, i->id, raw, full, &why);
    if (rc == NF_E_LIMIT) {
        nf_log_error("telegram.update.given_up", "channel", o->t->chat.name, "err", why.msg, NULL);
        nf_telegram_accept(&o->t->intake, i);
        return NF_OK;
    }
    if (rc != NF_OK)
        return nf_err_set(err, rc, "%s", why.msg);
    l->crowded = full;
    return NF_OK;
}

/* Into its chat's lane. Takes *u over if it begins it. */
static NF_RC enter(struct offering *o, struct nf_telegram_item *i, const struct nf_json *raw,
                   struct nf_telegram_update *u, struct nf_err *err)
{
    char name[NF_CHAT_LANE_MAX + 1];
    struct nf_telegram_lane *l;

    if (o->n + 2 > NF_HOLDS_MAX)
        NF_TRY(hold_all(o, err));
    name_lane(u, name);
    bool first = !nf_telegram_lane_find(&o->t->intake, name);
    NF_TRY(nf_telegram_lane_of(o->t, name, o->scope, &l, err));
    if (!first || !o->t->caught_up || nf_telegram_may_go_on(u))
        return want_held(o, l, i, raw, err);
    begin_with(o, l, i, raw, u);
    return NF_OK;
}

static NF_RC offer_one(struct offering *o, const struct nf_json *v, struct nf_err *err)
{
    NF_CLEANUP(nf_telegram_update_done) struct nf_telegram_update u = { 0 };
    struct nf_telegram_intake *in = &o->t->intake;
    int64_t id = nf_json_i64(nf_json_get(v, "update_id"), -1);
    struct nf_telegram_item *i = NULL;

    if (id < 0 || id == INT64_MAX || id < in->floor)
        return NF_OK;
    if (!find(in, id)) {
        NF_TRY(read_update(o->t, v, id, &u, err));
        NF_TRY(add_item(o, id, &i, err));
        assert(i);
        enum nf_code rc = NF_OK;
        if (u.kind == NF_TELEGRAM_OTHER || u.kind == NF_TELEGRAM_REACTION)
            nf_telegram_accept(in, i);
        else
            rc = enter(o, i, v, &u, err);
        if (rc != NF_OK) {
            in->n--;
            forget(in, i);
            return rc;
        }
    }
    if (id >= in->next)
        in->next = id + 1;
    return NF_OK;
}

static NF_RC offer_all(struct offering *o, const struct nf_json *result, struct nf_err *err)
{
    if (nf_json_type(result) != NF_JSON_ARRAY)
        return offer_one(o, result, err);
    for (const struct nf_json *v = nf_json_first(result); v; v = nf_json_next(v))
        NF_TRY(offer_one(o, v, err));
    return NF_OK;
}

enum nf_code nf_telegram_offer(struct nf_telegram *t, struct nf_json_doc *doc,
                               const struct nf_json *result, struct nf_scope *scope, size_t *fresh,
                               struct nf_err *err)
{
    struct nf_telegram_batch *b = calloc(1, sizeof(*b));
    struct offering *o = calloc(1, sizeof(*o));
    struct nf_err why;

    *fresh = 0;
    if (!b || !o) {
        nf_json_free(doc);
        free(b);
        free(o);
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    }
    *b = (struct nf_telegram_batch){ .doc = doc, .users = 1 };
    *o = (struct offering){ .t = t, .batch = b, .scope = scope };
    enum nf_code rc = offer_all(o, result, err), held = hold_all(o, &why);
    if (rc == NF_OK && held != NF_OK)
        rc = nf_err_set(err, held, "%s", why.msg);
    *fresh = o->fresh;
    nf_metric_add(t->metrics.updates, (int64_t)o->fresh);
    nf_telegram_batch_unref(b);
    free(o);
    return rc;
}

/* --- what a former life left ------------------------------------------------------------------ */

enum nf_code nf_telegram_adopt(struct nf_telegram *t, int64_t before_ms, struct nf_scope *scope,
                               bool *all, struct nf_err *err)
{
    char after[NF_CHAT_LANE_MAX + 1] = "";
    size_t begun = 0;

    *all = false;
    for (;;) {
        NF_CLEANUP(nf_held_lanes_done) struct nf_held_lanes page = { 0 };
        NF_TRY(nf_chat_held_lanes(t->channel, t->source, after, before_ms, LANES_PAGE, &page, err));
        for (size_t i = 0; i < page.n && begun < LANES_PAGE; i++) {
            struct nf_telegram_lane *l;
            if (nf_telegram_lane_find(&t->intake, page.v[i].name))
                continue;
            NF_TRY(nf_telegram_lane_of(t, page.v[i].name, scope, &l, err));
            l->waiting = (size_t)page.v[i].n;
            begun++;
        }
        *all = begun < LANES_PAGE;
        if (page.n < LANES_PAGE || !*all)
            return NF_OK;
        memcpy(after, page.v[page.n - 1].name, sizeof(after));
    }
}

/* --- how far it is ---------------------------------------------------------------------------- */

int64_t nf_telegram_confirmed(struct nf_telegram_intake *in)
{
    while (in->first && in->first->done && in->first->id < in->next)
        forget(in, in->first);
    return in->first && in->first->id < in->next ? in->first->id : in->next;
}

enum nf_code nf_telegram_wait_idle(struct nf_telegram_intake *in, int64_t ms, struct nf_err *err)
{
    struct nf_wait w = { 0 };
    if (in->n == 0)
        return NF_OK;
    in->idle = &w;
    enum nf_code rc = nf_wait(&w, ms, "updates to be taken in", err);
    in->idle = NULL;
    return rc == NF_E_TIMEOUT ? NF_OK : rc;
}

enum nf_code nf_telegram_wait_done(struct nf_telegram_intake *in, int64_t id, int64_t ms,
                                   struct nf_err *err)
{
    struct nf_telegram_item *i = find(in, id);
    struct nf_wait w = { 0 };

    if (!i || i->done)
        return NF_OK;
    if (i->waiter)
        return nf_err_set(err, NF_E_CONFLICT, "another call brings the same update");
    i->waiter = &w;
    enum nf_code rc = nf_wait(&w, ms, "the update to be taken in", err);
    i = find(in, id);
    if (i)
        i->waiter = NULL;
    return rc;
}

void nf_telegram_intake_done(struct nf_telegram_intake *in)
{
    while (in->first)
        forget(in, in->first);
    assert(!in->lanes);
}
