/*
 * Messages in the order of their channel, each once. A channel that was not looked at since the
 * session began is caught up with before anything else of it: so a message that came in between is
 * neither lost nor overtaken.
 */
#include "base/own.h"
#include "channels/discord/discord_internal.h"
#include "channels/discord/lane.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "runtime/fiber.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 100     /* "Get Channel Messages": 1-100 */
#define AGAIN_MS 200 /* doubles */
#define AGAIN_MAX_MS 5000
#define GIVE_UP 8    /* tries of what can never be taken */
#define WALK_MS 1000 /* between two looks at all channels */
#define WALK_BATCH 64
#define HOMES_MAX 20      /* accounts of the configuration whose private chats are looked at */
#define RECENT_MS 3600000 /* channels younger than that are checked after a resumed session */

/* --- one message ------------------------------------------------------------------------------ */

/* Let the use cases have it, however long that takes. */
static NF_RC insist(struct nf_discord *d, const struct nf_discord_message *m, bool edited,
                    struct nf_err *err)
{
    int64_t ms = AGAIN_MS;
    for (int tries = 1;; tries++) {
        struct nf_err why = { 0 };
        enum nf_code rc = nf_discord_take_in(d, m, edited, &why);
        if (rc == NF_OK)
            return NF_OK;
        NF_TRY(nf_fiber_check("taking in a message", err));
        bool never = rc == NF_E_INVALID || rc == NF_E_LIMIT || rc == NF_E_DENIED ||
                     rc == NF_E_NOT_FOUND || rc == NF_E_CONFLICT;
        nf_log_warn("discord.message.waits", "channel", d->chat.name, "message", m->id, "err",
                    why.msg, NULL);
        if (never && tries >= GIVE_UP) {
            nf_log_error("discord.message.given_up", "channel", d->chat.name, "message", m->id,
                         "err", why.msg, NULL);
            return NF_OK;
        }
        NF_TRY(nf_sleep(ms, err));
        ms = 2 * ms < AGAIN_MAX_MS ? 2 * ms : AGAIN_MAX_MS;
    }
}

static const char *newer(const char *a, const char *b)
{
    return nf_discord_id_before(a, b) ? b : a;
}

/* How far a channel was read; "": nothing is known, and nothing before now concerns us. */
static NF_RC load(struct nf_discord *d, const char *channel, char ret[NF_DISCORD_ID_MAX + 1],
                  struct nf_err *err)
{
    char source[NF_CURSOR_SOURCE_MAX + 1], cursor[NF_CURSOR_MAX + 1] = "";
    struct nf_place *p = nf_places_get(d->places, channel);

    if (p && p->loaded) {
        memcpy(ret, p->read, sizeof(p->read));
        return NF_OK;
    }
    NF_TRY(nf_discord_cursor_source(d, channel, source, err));
    NF_TRY(nf_chat_cursor(d->channel, source, cursor, err));
    if (strlen(cursor) > NF_DISCORD_ID_MAX || cursor[strspn(cursor, "0123456789")])
        cursor[0] = '\0';
    const char *read = newer(cursor, d->watermark);
    memcpy(ret, read, strlen(read) + 1);
    p = nf_places_get(d->places, channel);
    if (p) {
        memcpy(p->read, ret, sizeof(p->read));
        p->loaded = true;
    }
    return NF_OK;
}

static void mark_read(struct nf_discord *d, const char *channel, const char *id)
{
    struct nf_place *p = nf_places_get(d->places, channel);
    if (p && nf_discord_id_before(p->read, id)) {
        memcpy(p->read, id, strlen(id) + 1);
        p->loaded = true;
    }
}

static NF_RC take_new(struct nf_discord *d, const struct nf_discord_message *m, struct nf_err *err)
{
    char read[NF_DISCORD_ID_MAX + 1];
    NF_TRY(load(d, m->channel, read, err));
    if (!nf_discord_id_before(read, m->id))
        return NF_OK; /* it came by REST before */
    NF_TRY(insist(d, m, false, err));
    mark_read(d, m->channel, m->id);
    return NF_OK;
}

/* --- catching up ------------------------------------------------------------------------------ */

/* One page after `read`, oldest first: the answer has the newest first. *n: how many it had. */
static NF_RC take_page(struct nf_discord *d, const char *channel, const char *read, size_t *n,
                       struct nf_err *err)
{
    NF_CLEANUP(nf_rest_answer_done) struct nf_rest_answer a = { 0 };
    const struct nf_json *page[PAGE];
    char path[NF_DISCORD_PATH_MAX];
    const struct nf_rest_call c = {
        .route = NF_REST_MESSAGES, .major = channel, .path = path, .again = true
    };

    *n = 0;
    (void)snprintf(path, sizeof(path), "/channels/%s/messages?limit=%d&after=%s", channel, PAGE,
                   read);
    enum nf_code rc = nf_rest_do(d->rest, &c, &a, err);
    if (rc == NF_E_UNAVAILABLE && a.status == 200)
        rc = NF_E_IO; /* no JSON that we take, now or later */
    NF_TRY(rc);
    for (const struct nf_json *v = nf_json_first(a.body); v && *n < PAGE; v = nf_json_next(v))
        page[(*n)++] = v;
    for (size_t i = *n; i-- > 0;) {
        NF_CLEANUP(nf_discord_message_done) struct nf_discord_message m = { 0 };
        struct nf_place *p = nf_places_find(d->places, channel);
        struct nf_err ignored;
        if (nf_discord_message_read(page[i], &d->self, &m, &ignored) != NF_OK)
            continue;
        if (p && !m.guild[0]) /* which REST does not tell */
            memcpy(m.guild, p->guild, sizeof(m.guild));
        nf_metric_add(d->caught_up, m.usable);
        NF_TRY(take_new(d, &m, err));
    }
    return NF_OK;
}

/* To its end, however long that is: what is left out would be passed by for good. */
static NF_RC read_history(struct nf_discord *d, const char *channel, struct nf_err *err)
{
    for (;;) {
        char read[NF_DISCORD_ID_MAX + 1], after[NF_DISCORD_ID_MAX + 1];
        size_t n;
        NF_TRY(load(d, channel, read, err));
        if (!read[0])
            return NF_OK;
        NF_TRY(take_page(d, channel, read, &n, err));
        NF_TRY(load(d, channel, after, err));
        /* A full page without news would come again and again. */
        if (n < PAGE || strcmp(read, after) == 0)
            return NF_OK;
    }
}

/* A channel whose kind nobody told us: is it a thread, and of which channel? */
static NF_RC look_up(struct nf_discord *d, const char *channel, struct nf_err *err)
{
    NF_CLEANUP(nf_rest_answer_done) struct nf_rest_answer a = { 0 };
    char path[NF_DISCORD_PATH_MAX];
    const struct nf_place *p = nf_places_find(d->places, channel);
    const struct nf_rest_call c = {
        .route = NF_REST_CHANNEL, .major = channel, .path = path, .again = true
    };

    if (p && p->kind != NF_PLACE_UNKNOWN)
        return NF_OK;
    (void)snprintf(path, sizeof(path), "/channels/%s", channel);
    NF_TRY(nf_rest_do(d->rest, &c, &a, err));
    nf_places_learn(d->places, a.body, NULL, d->self.id);
    return NF_OK;
}

/* See what came to the channel since it was read, once per session. What Discord does not let us
 * see does not concern us. */
static NF_RC catch_up(struct nf_discord *d, const char *channel, struct nf_err *err)
{
    struct nf_place *p = nf_places_get(d->places, channel);
    uint64_t generation = d->generation;
    int64_t ms = AGAIN_MS;

    if (!p || p->generation == generation)
        return NF_OK;
    for (int tries = 1;; tries++) {
        struct nf_err why = { 0 };
        enum nf_code rc = look_up(d, channel, &why);
        if (rc == NF_OK)
            rc = read_history(d, channel, &why);
        if (rc == NF_OK || rc == NF_E_DENIED || rc == NF_E_NOT_FOUND || rc == NF_E_INVALID)
            break;
        NF_TRY(nf_fiber_check("catching up", err));
        nf_log_warn("discord.history.waits", "channel", d->chat.name, "chat", channel, "err",
                    why.msg, NULL);
        if (rc == NF_E_IO && tries >= GIVE_UP)
            break;
        NF_TRY(nf_sleep(ms, err));
        ms = 2 * ms < AGAIN_MAX_MS ? 2 * ms : AGAIN_MAX_MS;
    }
    p = nf_places_get(d->places, channel);
    if (p)
        p->generation = generation;
    return NF_OK;
}

/* --- lanes ------------------------------------------------------------------------------------ */

static NF_RC do_work(struct nf_discord *d, const struct nf_discord_work *w, struct nf_err *err)
{
    const struct nf_discord_message *m = w->message;
    NF_TRY(catch_up(d, w->channel, err));
    if (!m)
        return NF_OK;
    if (w->edited)
        return insist(d, m, true, err);
    return take_new(d, m, err);
}

enum nf_code nf_discord_run_lane(void *arg, struct nf_err *err)
{
    struct nf_discord_lane *lane = arg;
    void *item = NULL;

    for (;;) {
        NF_TRY(nf_chan_recv(lane->queue, &item, err));
        enum nf_code rc = do_work(lane->d, item, err);
        nf_discord_work_free(item);
        lane->d->works--;
        NF_TRY(rc);
        nf_fiber_trim();
    }
}

NF_RC nf_discord_open_lanes(struct nf_discord *d, struct nf_err *err)
{
    for (size_t i = 0; i < NF_DISCORD_LANES; i++) {
        d->lanes[i].d = d;
        if (!d->lanes[i].queue)
            NF_TRY(nf_chan_new(NF_DISCORD_LANE_QUEUE, &d->lanes[i].queue, err));
    }
    return NF_OK;
}

void nf_discord_close_lanes(struct nf_discord *d)
{
    for (size_t i = 0; i < NF_DISCORD_LANES; i++) {
        struct nf_chan *queue = d->lanes[i].queue;
        void *item = NULL;
        struct nf_err ignored;
        if (!queue)
            continue;
        nf_chan_close(queue);
        while (nf_chan_recv(queue, &item, &ignored) == NF_OK) /* it comes again, by REST */
            nf_discord_work_free(item);
        nf_chan_free(queue);
        d->lanes[i].queue = NULL;
    }
    d->works = 0;
}

/* --- which channels are to be caught up with -------------------------------------------------- */

void nf_discord_wake_walker(struct nf_discord *d)
{
    d->walk = true;
}

struct batch {
    struct nf_discord *d;
    char ids[WALK_BATCH][NF_DISCORD_ID_MAX + 1];
    size_t n;
    char recent[NF_DISCORD_ID_MAX + 1];
};

/* Those that Discord told of something newer than was read; and after a resumed session, which may
 * have missed something all the same, those that are in use. */
static bool collect(void *arg, struct nf_place *p)
{
    struct batch *b = arg;
    const char *read = p->loaded ? p->read : b->d->watermark;
    bool news = read[0] && nf_discord_id_before(read, p->last);
    bool used = p->loaded && nf_discord_id_before(b->recent, p->read);
    if (p->generation == b->d->generation || p->queued == b->d->generation || (!news && !used))
        return true;
    p->queued = b->d->generation;
    memcpy(b->ids[b->n++], p->id, sizeof(p->id));
    return b->n < WALK_BATCH;
}

static NF_RC want(struct nf_discord *d, const char *channel, struct nf_err *err)
{
    for (;;) {
        enum nf_code rc = nf_discord_want_catch_up(d, channel, err);
        if (rc != NF_E_LIMIT)
            return rc;
        NF_TRY(nf_sleep(20, err));
    }
}

/* Every channel that has a cursor: private chats are told of by nobody else. */
static enum nf_code want_cursor(void *arg, const char *source, const char *cursor,
                                struct nf_err *err)
{
    struct nf_discord *d = arg;
    const char *channel = source + strlen(d->source) + 1;
    (void)cursor;
    if (strlen(channel) > NF_DISCORD_ID_MAX || channel[strspn(channel, "0123456789")] ||
        !channel[0])
        return NF_OK;
    return want(d, channel, err);
}

/* The private chats of those who are named in the configuration, who may have written first while
 * nobody was here to hear it. */
static NF_RC want_homes(struct nf_discord *d, struct nf_err *err)
{
    const struct nf_setting_strs *accounts = &d->settings->people.accounts;
    for (size_t i = 0; i < accounts->n && i < HOMES_MAX; i++) {
        char address[NF_ADDRESS_MAX + 1];
        struct nf_err why;
        enum nf_code rc = d->chat.ops->home(&d->chat, accounts->v[i], address, &why);
        NF_TRY(nf_fiber_check("opening a private chat", err));
        if (rc == NF_OK)
            NF_TRY(want(d, address, err));
        else
            nf_log_debug("discord.home.unknown", "channel", d->chat.name, "err", why.msg, NULL);
    }
    return NF_OK;
}

static NF_RC walk(struct nf_discord *d, struct nf_err *err)
{
    struct batch b = { .d = d };
    nf_discord_id_of_time(nf_discord_now() - RECENT_MS, b.recent);
    do {
        b.n = 0;
        nf_places_each(d->places, collect, &b);
        for (size_t i = 0; i < b.n; i++)
            NF_TRY(want(d, b.ids[i], err));
    } while (b.n == WALK_BATCH);
    return NF_OK;
}

/* Until then everything was taken in, in whatever channel. */
static NF_RC write_watermark(struct nf_discord *d, struct nf_err *err)
{
    char mark[NF_DISCORD_ID_MAX + 1];
    if (d->works > 0 || d->walk || d->health.state != NF_CHAT_CONNECTED)
        return NF_OK;
    nf_discord_id_of_time(d->health.alive_ms - NF_DISCORD_MARGIN_MS, mark);
    if (!nf_discord_id_before(d->watermark, mark))
        return NF_OK;
    NF_TRY(nf_chat_skip(d->channel, d->source, mark, err));
    memcpy(d->watermark, mark, sizeof(mark));
    return NF_OK;
}

enum nf_code nf_discord_walk(void *arg, struct nf_err *err)
{
    struct nf_discord *d = arg;
    int64_t mark_ms = nf_discord_mono() + NF_DISCORD_FLUSH_MS;
    NF_CLEANUP(nf_str_done) struct nf_str prefix = { 0 };

    NF_TRY(nf_str_addf(&prefix, err, "%s:", d->source));
    for (;;) {
        struct nf_err why = { 0 };
        enum nf_code rc = NF_OK;
        if (d->all_wanted) {
            d->all_wanted = false;
            rc = nf_chat_cursors(d->channel, nf_str_c(&prefix), want_cursor, d, &why);
            d->all_wanted = rc != NF_OK;
            if (rc == NF_OK)
                rc = want_homes(d, &why);
        }
        if (rc == NF_OK && d->walk) {
            d->walk = false;
            rc = walk(d, &why);
        }
        if (rc == NF_OK && nf_discord_mono() >= mark_ms) {
            mark_ms = nf_discord_mono() + NF_DISCORD_FLUSH_MS;
            rc = write_watermark(d, &why);
        }
        NF_TRY(nf_fiber_check("reading", err));
        if (rc != NF_OK)
            nf_log_warn("discord.walk.waits", "channel", d->chat.name, "err", why.msg, NULL);
        NF_TRY(nf_sleep(WALK_MS, err));
    }
}
