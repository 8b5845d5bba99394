#include "channels/telegram/lane.h"

#include "base/own.h"
#include "observe/log.h"

#include <stdlib.h>
#include <string.h>

#define FAR_MS (INT64_C(365) * 24 * 3600 * 1000)
#define ROWS_MAX (NF_TELEGRAM_FILES_MAX + 1) /* a message, and whether something is behind it */
#define OVERTAKE_MS 500                      /* so long /stop waits for what was said before it, */
#define OVERTAKE_LOOK_MS 25                  /* and looks so often */

void nf_telegram_batch_unref(struct nf_telegram_batch *b)
{
    if (!b || --b->users > 0)
        return;
    nf_json_free(b->doc);
    free(b);
}

static void drop_first(struct nf_telegram_lane *l)
{
    nf_telegram_update_done(&l->u);
    nf_telegram_batch_unref(l->batch);
    l->batch = NULL;
    l->raw = NULL;
}

/* --- taking in, until it is done -------------------------------------------------------------- */

/* Not for want of anything that may be there later. */
static bool is_hopeless(enum nf_code rc)
{
    return rc == NF_E_INVALID || rc == NF_E_LIMIT || rc == NF_E_DENIED || rc == NF_E_NOT_FOUND;
}

static void note_released(struct nf_telegram_lane *l, size_t n)
{
    l->waiting -= n < l->waiting ? n : l->waiting;
    if (l->waiting <= NF_TELEGRAM_WAITING_MAX / 2)
        l->crowded = false;
}

/* It is taken in, or given up. */
static NF_RC settle(struct nf_telegram_taking *k, struct nf_err *err)
{
    struct nf_telegram_lane *l = k->lane;
    if (k->held) {
        NF_TRY(nf_chat_release(k->t->channel, k->t->source, l->name, k->u[0]->id, err));
        note_released(l, k->n);
    } else if (l->item) {
        nf_telegram_accept(&k->t->intake, l->item);
        l->item = NULL;
    }
    return NF_OK;
}

static NF_RC back_off(int64_t *wait_ms, struct nf_err *err)
{
    int64_t ms = *wait_ms;
    *wait_ms = 2 * ms < NF_TELEGRAM_RETRY_MAX_MS ? 2 * ms : NF_TELEGRAM_RETRY_MAX_MS;
    return nf_sleep(ms, err);
}

/* What was not taken is tried again and again: it must not get lost. But what can never be taken
 * would hold up its chat for ever. */
static NF_RC take_until_done(struct nf_telegram_taking *k, struct nf_err *err)
{
    int64_t wait_ms = NF_TELEGRAM_RETRY_MIN_MS;
    struct nf_err why;

    for (k->tries = 1;; k->tries++) {
        enum nf_code rc = nf_telegram_take_in(k, &why);
        if (is_hopeless(rc) && k->tries >= NF_TELEGRAM_TRIES_MAX) {
            nf_log_error("telegram.update.given_up", "channel", k->t->chat.name, "err", why.msg,
                         NULL);
            rc = NF_OK;
        }
        if (rc == NF_OK)
            rc = settle(k, &why);
        if (rc == NF_OK)
            return NF_OK;
        if (rc == NF_E_CANCELED)
            return nf_err_set(err, rc, "%s", why.msg);
        nf_log_warn("telegram.update.not_taken", "channel", k->t->chat.name, "code",
                    nf_code_name(rc), "err", why.msg, NULL);
        NF_TRY(back_off(&wait_ms, err));
    }
}

/* --- what is held ----------------------------------------------------------------------------- */

enum nf_code nf_telegram_write_held(const struct nf_json *update, bool crowded, struct nf_str *ret,
                                    struct nf_err *err)
{
    struct nf_json_out o;

    ret->max = NF_TELEGRAM_HELD_BYTES_MAX;
    nf_json_begin_doc(&o, ret);
    nf_json_out_object(&o);
    if (crowded)
        nf_json_put_bool(&o, "crowded", true);
    nf_json_out_key(&o, "update");
    nf_json_out_value(&o, update);
    nf_json_out_end(&o);
    return nf_json_end_doc(&o, err);
}

struct row {
    struct nf_json_doc *doc;
    struct nf_telegram_update u;
};

/* The first of a lane, read anew. */
struct rows {
    struct nf_helds held;
    struct row v[ROWS_MAX];
    const struct nf_telegram_update *u[ROWS_MAX];
};

static void rows_done(struct rows *r)
{
    for (size_t i = 0; i < ROWS_MAX; i++) {
        nf_telegram_update_done(&r->v[i].u);
        nf_json_free(r->v[i].doc);
    }
    nf_helds_done(&r->held);
}

static NF_RC read_row(const struct nf_telegram *t, const struct nf_held *h, struct row *ret,
                      struct nf_err *err)
{
    NF_TRY(nf_json_parse_piece(h->body, strlen(h->body), &ret->doc, err));
    const struct nf_json *update = nf_json_get(nf_json_root(ret->doc), "update");
    return nf_telegram_update_read(update, &t->self, &ret->u, err);
}

static NF_RC read_rows(struct nf_telegram_lane *l, struct rows *r, struct nf_err *err)
{
    NF_TRY(nf_chat_held(l->t->channel, l->t->source, l->name, ROWS_MAX, &r->held, err));
    for (size_t i = 0; i < r->held.n; i++) {
        const struct nf_held *h = &r->held.v[i];
        struct nf_err why;
        enum nf_code rc = read_row(l->t, h, &r->v[i], &why);
        if (rc == NF_E_NOMEM)
            return nf_err_set(err, rc, "%s", why.msg);
        if (rc != NF_OK) { /* it could be read when it came */
            nf_log_error("telegram.held.unreadable", "channel", l->t->chat.name, "err", why.msg,
                         NULL);
            r->v[i].u = (struct nf_telegram_update){ .id = h->id, .kind = NF_TELEGRAM_OTHER };
        }
        r->u[i] = &r->v[i].u;
    }
    return NF_OK;
}

static bool is_crowded(const struct row *r)
{
    return nf_json_bool(nf_json_get(nf_json_root(r->doc), "crowded"), false);
}

/* How many of the first make one message. */
static size_t gather(const struct rows *r)
{
    const struct nf_held *h = r->held.v;
    size_t n = 1;
    if (h[0].lot != 0) {
        while (n < r->held.n && n < NF_TELEGRAM_FILES_MAX && h[n].lot == h[0].lot)
            n++;
        return n;
    }
    while (n < r->held.n && n < NF_TELEGRAM_FILES_MAX && h[n].lot == 0 && !is_crowded(&r->v[n]) &&
           nf_telegram_belongs(r->u[n - 1], r->u[n]))
        n++;
    return n;
}

/* How long to wait for a further part of what begins with those n. */
static int64_t part_wait_ms(const struct nf_telegram *t, const struct rows *r, size_t n)
{
    if (r->held.v[0].lot != 0 || n == NF_TELEGRAM_FILES_MAX || n < r->held.n ||
        is_crowded(&r->v[0]) || !nf_telegram_may_go_on(r->u[n - 1]))
        return 0;
    int64_t ms = r->held.v[n - 1].at_ms + NF_TELEGRAM_ALBUM_MS - nf_telegram_now(t);
    return ms < 0 ? 0 : ms > NF_TELEGRAM_ALBUM_MS ? NF_TELEGRAM_ALBUM_MS : ms;
}

/* Which updates make one message is decided once: a later life finds the same. NF_E_CONFLICT:
 * another came in between. */
static NF_RC seal(struct nf_telegram_lane *l, const struct rows *r, size_t n, struct nf_err *err)
{
    if (r->held.v[0].lot != 0 || (n == 1 && !nf_telegram_may_go_on(r->u[0])))
        return NF_OK;
    return nf_chat_seal(l->t->channel, l->t->source, l->name, r->u[0]->id, r->u[n - 1]->id, n, err);
}

/* Take in the next message that is held. *empty: there is none. */
static NF_RC take_next(struct nf_telegram_lane *l, bool *empty, struct nf_err *err)
{
    NF_CLEANUP(rows_done) struct rows r = { .held = { 0 } };
    struct nf_err why;

    l->news = false;
    NF_TRY(read_rows(l, &r, err));
    *empty = r.held.n == 0;
    if (*empty)
        return NF_OK;
    size_t n = gather(&r);
    int64_t wait_ms = part_wait_ms(l->t, &r, n);
    if (wait_ms > 0)
        return nf_sleep(wait_ms, err);
    enum nf_code rc = seal(l, &r, n, &why);
    if (rc == NF_E_CONFLICT)
        return NF_OK;
    if (rc != NF_OK)
        return nf_err_set(err, rc, "%s", why.msg);
    struct nf_telegram_taking k = {
        .t = l->t, .lane = l, .u = r.u, .n = n, .held = true, .crowded = is_crowded(&r.v[0])
    };
    return take_until_done(&k, err);
}

static NF_RC take_held(struct nf_telegram_lane *l, struct nf_err *err)
{
    int64_t wait_ms = NF_TELEGRAM_RETRY_MIN_MS;
    bool empty = l->waiting == 0;
    struct nf_err why;

    while (!empty || l->news || l->holding > 0) {
        if (l->holding > 0) {
            struct nf_wait w = { 0 };
            l->held = &w;
            enum nf_code rc = nf_wait(&w, -1, "updates to be written down", err);
            l->held = NULL;
            NF_TRY(rc);
        }
        enum nf_code rc = take_next(l, &empty, &why);
        if (rc == NF_E_CANCELED)
            return nf_err_set(err, rc, "%s", why.msg);
        if (rc == NF_OK) {
            wait_ms = NF_TELEGRAM_RETRY_MIN_MS;
            continue;
        }
        nf_log_warn("telegram.held.not_read", "channel", l->t->chat.name, "err", why.msg, NULL);
        empty = false;
        NF_TRY(back_off(&wait_ms, err));
    }
    return NF_OK;
}

/* --- a lane ----------------------------------------------------------------------------------- */

struct nf_telegram_lane *nf_telegram_lane_find(const struct nf_telegram_intake *in,
                                               const char *name)
{
    struct nf_telegram_lane *l = NULL;
    HASH_FIND_STR(in->lanes, name, l);
    return l;
}

/* What is to stop was said before: it shall be there. But what is slow is not waited for. */
static NF_RC let_pass(struct nf_telegram_lane *l, struct nf_err *err)
{
    if (strcmp(l->name, l->u.chat) == 0 || l->u.kind == NF_TELEGRAM_PRESSED)
        return NF_OK;
    for (int i = 0; i < OVERTAKE_MS / OVERTAKE_LOOK_MS; i++) {
        if (!nf_telegram_lane_find(&l->t->intake, l->u.chat))
            return NF_OK;
        NF_TRY(nf_sleep(OVERTAKE_LOOK_MS, err));
    }
    return NF_OK;
}

static NF_RC take_first(struct nf_telegram_lane *l, struct nf_err *err)
{
    const struct nf_telegram_update *u = &l->u;
    struct nf_telegram_taking k = { .t = l->t, .lane = l, .u = &u, .n = 1 };
    if (!l->batch)
        return NF_OK;
    NF_TRY(let_pass(l, err));
    NF_TRY(take_until_done(&k, err));
    drop_first(l);
    return NF_OK;
}

static enum nf_code run_lane(void *arg, struct nf_err *err)
{
    struct nf_telegram_lane *l = arg;
    nf_fiber_move_deadline(nf_fiber_current(), FAR_MS); /* of the webhook's call that began it */
    /* Only a cancel ends it early: what is left is not confirmed, or held. */
    if (take_first(l, err) == NF_OK)
        (void)!take_held(l, err);
    HASH_DEL(l->t->intake.lanes, l);
    if (l->item && l->item->waiter)
        nf_wait_wake(l->item->waiter, NF_E_UNAVAILABLE);
    drop_first(l);
    free(l);
    return NF_OK;
}

enum nf_code nf_telegram_lane_of(struct nf_telegram *t, const char *name, struct nf_scope *scope,
                                 struct nf_telegram_lane **ret, struct nf_err *err)
{
    struct nf_telegram_lane *l = nf_telegram_lane_find(&t->intake, name);
    if (!l) {
        l = calloc(1, sizeof(*l));
        if (!l)
            return nf_err_set(err, NF_E_NOMEM, "out of memory");
        memcpy(l->name, name, strnlen(name, NF_CHAT_LANE_MAX));
        l->t = t;
        enum nf_code rc = nf_scope_spawn(scope, run_lane, l, NULL, err);
        if (rc != NF_OK) {
            free(l);
            return rc;
        }
        HASH_ADD_STR(t->intake.lanes, name, l);
    }
    *ret = l;
    return NF_OK;
}
