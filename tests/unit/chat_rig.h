/* A chat channel over a network in memory, with the use cases behind it and fibers that run them:
 * on the stores in memory or on SQLite. */
#pragma once

#include "application/deliver_reply.h"
#include "channels/chat/chat_channel.h"
#include "observe/metrics.h"
#include "persistence/repositories/repositories.h"
#include "persistence/sqlite/sqlite.h"
#include "runtime/fiber.h"
#include "tests/unit/use_case_fixture.h"

#include <time.h>
#include <unistd.h>

#define POSTS 256
#define JOBS 64

struct post {
    bool there, silent;
    char address[32], reply_to[16], key[32];
    char text[2048];
    struct nf_chat_button buttons[NF_CHAT_BUTTONS_MAX];
    size_t buttons_n;
};

struct rig_job {
    struct rig *rig;
    struct nf_claim claim;
    struct nf_turn_control control;
    struct nf_fiber *fiber;
};

struct rig {
    struct world *w;
    struct nf_loop *loop;
    struct nf_scope scope;
    struct nf_chat chat;
    struct nf_chat_channel *channel;
    struct nf_turn_runner runner;
    struct nf_clock clock;
    struct nf_bell bell;
    int64_t ahead; /* of the real clock */
    struct rig_job jobs[JOBS];
    size_t jobs_n;
    struct post v[POSTS];
    size_t n;
    int edits, typings;
    enum nf_code fail; /* what the next send does instead, */
    bool after;        /* or does and says, */
    bool fail_asks;    /* and only one with buttons counts */
    int64_t slow_ms;   /* what each send takes */
    struct nf_db *db;  /* NULL: in memory */
    char dir[64];
    int64_t event;
    void (*body)(struct rig *r);
};

static struct rig *rig_of(struct nf_chat *c)
{
    return nf_container_of(c, struct rig, chat);
}

/* --- the network -------------------------------------------------------------------------------
 */

static void rig_caps(struct nf_chat *c, const char *address, struct nf_chat_caps *ret)
{
    (void)c, (void)address;
    *ret = (struct nf_chat_caps){ .edit_every_ms = 20, .typing_every_ms = 4000, .parts_max = 3 };
}

static enum nf_code rig_parts(struct nf_chat *c, const char *markdown, size_t *ret,
                              struct nf_err *err)
{
    (void)c, (void)markdown, (void)err;
    *ret = 1;
    return NF_OK;
}

static void rig_write(struct post *m, const struct nf_chat_post *p)
{
    (void)snprintf(m->text, sizeof(m->text), "%s", p->markdown);
    m->buttons_n = p->buttons_n;
    for (size_t i = 0; i < p->buttons_n; i++)
        m->buttons[i] = p->buttons[i];
}

static enum nf_code rig_send(struct nf_chat *c, const struct nf_chat_post *p,
                             char ref[NF_CHAT_REF_MAX + 1], struct nf_err *err)
{
    struct rig *r = rig_of(c);
    bool counts = !r->fail_asks || p->buttons_n > 0;
    enum nf_code rc = counts ? r->fail : NF_OK;
    if (counts)
        r->fail = NF_OK;
    if (r->slow_ms)
        NF_TRY(nf_sleep(r->slow_ms, err));
    if (rc != NF_OK && !r->after)
        return nf_err_set(err, rc, "the network says no");
    assert_true(r->n < POSTS);
    struct post *m = &r->v[r->n++];
    *m = (struct post){ .there = true, .silent = p->silent };
    (void)snprintf(m->address, sizeof(m->address), "%s", p->address);
    (void)snprintf(m->reply_to, sizeof(m->reply_to), "%s", p->reply_to);
    (void)snprintf(m->key, sizeof(m->key), "%s", p->key ? p->key : "");
    rig_write(m, p);
    (void)snprintf(ref, NF_CHAT_REF_MAX + 1, "%zu", r->n - 1);
    return rc == NF_OK ? NF_OK : nf_err_set(err, rc, "the answer got lost");
}

static enum nf_code rig_edit(struct nf_chat *c, const struct nf_chat_post *p, const char *ref,
                             struct nf_err *err)
{
    struct rig *r = rig_of(c);
    struct post *m = &r->v[strtoul(ref, NULL, 10)];
    if (!m->there)
        return nf_err_set(err, NF_E_NOT_FOUND, "message to edit not found");
    r->edits++;
    rig_write(m, p);
    return NF_OK;
}

static enum nf_code rig_remove(struct nf_chat *c, const char *address, const char *ref,
                               struct nf_err *err)
{
    (void)address, (void)err;
    rig_of(c)->v[strtoul(ref, NULL, 10)].there = false;
    return NF_OK;
}

static enum nf_code rig_typing(struct nf_chat *c, const char *address, struct nf_err *err)
{
    (void)address, (void)err;
    rig_of(c)->typings++;
    return NF_OK;
}

static enum nf_code rig_home(struct nf_chat *c, const char *account,
                             char address[NF_ADDRESS_MAX + 1], struct nf_err *err)
{
    (void)c, (void)err;
    (void)snprintf(address, NF_ADDRESS_MAX + 1, "home-%s", account);
    return NF_OK;
}

/* --- turns, in fibers --------------------------------------------------------------------------
 */

static enum nf_code rig_turns(void *arg, struct nf_err *err)
{
    struct rig_job *j = arg;
    struct world *w = j->rig->w;
    (void)err;
    for (bool more = true; more;) {
        struct nf_err why;
        j->control = (struct nf_turn_control){ 0 };
        if (nf_answer_turn(&w->app, &j->claim, &j->control, &why) != NF_OK)
            break;
        nf_fiber_uncancel();
        int64_t session = j->claim.session_id;
        j->claim.run_id = 0;
        more = nf_claim_turn(&w->app, session, 0, &j->claim, &why) == NF_OK;
    }
    j->claim = (struct nf_claim){ 0 };
    j->fiber = NULL;
    return NF_OK;
}

static void rig_start(struct nf_turn_runner *port, const struct nf_claim *c)
{
    struct rig *r = nf_container_of(port, struct rig, runner);
    nf_fail_alloc_at(0); /* the message is taken by now */
    assert_true(r->jobs_n < JOBS);
    struct rig_job *j = &r->jobs[r->jobs_n++];
    *j = (struct rig_job){ .rig = r, .claim = *c };
    assert_ok(nf_scope_spawn(&r->scope, rig_turns, j, &j->fiber, &r->w->err), &r->w->err);
}

static void rig_wake(struct nf_turn_runner *port, int64_t session_id)
{
    (void)port, (void)session_id; /* who runs it looks for more */
}

static void rig_pull(struct nf_turn_runner *port)
{
    (void)port;
}

static bool rig_has_room(const struct nf_turn_runner *port)
{
    (void)port;
    return true;
}

static bool rig_stop(struct nf_turn_runner *port, int64_t session_id, int64_t run_id)
{
    struct rig *r = nf_container_of(port, struct rig, runner);
    for (size_t i = 0; i < r->jobs_n; i++) {
        struct rig_job *j = &r->jobs[i];
        if (!j->fiber || j->claim.session_id != session_id || (run_id && j->claim.run_id != run_id))
            continue;
        j->control.end = NF_TURN_STOPPED;
        nf_fiber_cancel(j->fiber, NF_E_CANCELED);
        return true;
    }
    return false;
}

static uint64_t rig_bell_count(struct nf_bell *b)
{
    (void)b;
    return 0;
}

/* Nobody rings: whoever waits looks again soon. */
static enum nf_code rig_bell_wait(struct nf_bell *b, int64_t id, uint64_t count, int64_t ms,
                                  struct nf_err *err)
{
    (void)b, (void)id, (void)count;
    NF_TRY(nf_sleep(ms < 10 ? ms : 10, err));
    return nf_err_set(err, NF_E_TIMEOUT, "nobody rang");
}

static void rig_bell_ring(struct nf_bell *b, int64_t id)
{
    (void)b, (void)id;
}

static int64_t rig_now(struct nf_clock *c)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000 +
           nf_container_of(c, struct rig, clock)->ahead;
}

/* --- running a test ----------------------------------------------------------------------------
 */

static void rig_use_sqlite(struct rig *r)
{
    struct world *w = r->w;
    char path[96];
    (void)snprintf(r->dir, sizeof(r->dir), "/tmp/nf-chat-XXXXXX");
    assert_non_null(mkdtemp(r->dir));
    (void)snprintf(path, sizeof(path), "%s/db", r->dir);
    nf_stores_done(&w->s);
    assert_ok(nf_sqlite_open(r->loop, path, &r->db, &w->err), &w->err);
    assert_ok(nf_repositories_new(r->db, &w->s, &w->err), &w->err);
}

static void rig_open(struct rig *r, bool sqlite)
{
    static const struct nf_chat_ops ops = { .caps = rig_caps,
                                            .parts = rig_parts,
                                            .send = rig_send,
                                            .edit = rig_edit,
                                            .remove = rig_remove,
                                            .document = rig_send,
                                            .typing = rig_typing,
                                            .home = rig_home };
    static const struct nf_turn_runner_ops runner = { .start = rig_start,
                                                      .wake = rig_wake,
                                                      .pull = rig_pull,
                                                      .has_room = rig_has_room,
                                                      .stop = rig_stop };
    static const struct nf_bell_ops bell = { rig_bell_count, rig_bell_wait, rig_bell_ring };
    struct world *w = r->w;
    const struct nf_chat_channel_options o = {
        .scope = &r->scope, .app = &w->app, .chat = &r->chat, .name = "tg", .network = "telegram"
    };
    struct nf_identity anna = { .user_id = USER, .channel = "telegram", .account = "100" };
    nf_scope_init(&r->scope, r->loop);
    if (sqlite) {
        struct nf_summaries *summaries = w->app.summaries;
        struct nf_histories *histories = w->app.histories;
        rig_use_sqlite(r);
        connect_app(w);
        w->app.summaries = summaries;
        w->app.histories = histories;
        add_user(w);
    }
    r->chat = (struct nf_chat){ .ops = &ops, .name = "tg" };
    r->runner.ops = &runner;
    r->clock.now_ms = rig_now;
    w->app.clock = &r->clock;
    w->app.runner = &r->runner;
    r->bell.ops = &bell;
    w->app.bell = &r->bell;
    w->app.chats = w->s.chats;
    assert_ok(nf_chat_channel_new(&o, &r->channel, &w->err), &w->err);
    w->channels.v[w->channels.n++] = nf_chat_channel_port(r->channel);
    assert_ok(w->s.users->ops->link(w->s.users, &anna, &w->err), &w->err);
}

static void rig_close(struct rig *r)
{
    static const char *const names[] = { "db", "db-wal", "db-shm", "db.lock" };
    nf_scope_done(&r->scope);
    nf_chat_channel_free(r->channel);
    if (!r->db)
        return;
    nf_stores_done(&r->w->s);
    nf_db_free(r->db);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char path[96];
        (void)snprintf(path, sizeof(path), "%s/%s", r->dir, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(r->dir);
}

struct rig_run {
    struct rig *r;
    bool sqlite;
};

static enum nf_code rig_main(void *arg, struct nf_err *err)
{
    struct rig_run *run = arg;
    (void)err;
    rig_open(run->r, run->sqlite);
    run->r->body(run->r);
    rig_close(run->r);
    return NF_OK;
}

static void rig_run(void (*body)(struct rig *r), bool sqlite)
{
    struct rig *r = calloc(1, sizeof(*r));
    struct rig_run run = { r, sqlite };
    struct nf_err err;
    assert_non_null(r);
    r->w = world_new();
    r->body = body;
    assert_ok(nf_loop_new(&r->loop, &err), &err);
    assert_ok(nf_loop_run(r->loop, rig_main, &run, &err), &err);
    nf_loop_free(r->loop);
    world_free(r->w);
    free(r);
}

/* The test `name` on both. */
#define RIG_TEST(name)                                                                             \
    static void name##_(struct rig *r);                                                            \
    static void name(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        rig_run(name##_, false);                                                                   \
        rig_run(name##_, true);                                                                    \
    }                                                                                              \
    static void name##_(struct rig *r)

/* --- shorthands --------------------------------------------------------------------------------
 */

/* Account 100 says something in its private chat, which is 100 too. */
UNUSED static struct nf_chat_said rig_said(struct rig *r, const char *text)
{
    static char ids[POSTS][3][16];
    size_t i = (size_t)(r->event++ % POSTS);
    (void)snprintf(ids[i][0], sizeof(ids[i][0]), "u%d", (int)r->event);
    (void)snprintf(ids[i][1], sizeof(ids[i][1]), "%d", (int)r->event);
    (void)snprintf(ids[i][2], sizeof(ids[i][2]), "%d", (int)(1000 + r->event));
    return (struct nf_chat_said){ .source = "telegram:1",
                                  .event_id = ids[i][0],
                                  .cursor_source = "telegram:1",
                                  .cursor = ids[i][1],
                                  .account = "100",
                                  .account_name = "Anna",
                                  .lang = "en",
                                  .address = "100",
                                  .chat = "100",
                                  .direct = true,
                                  .addressed = true,
                                  .ref = ids[i][2],
                                  .quote = "",
                                  .text = text };
}

UNUSED static void rig_receive(struct rig *r, const struct nf_chat_said *s)
{
    assert_ok(nf_chat_receive(r->channel, s, &r->w->err), &r->w->err);
}

UNUSED static void rig_say(struct rig *r, const char *text)
{
    struct nf_chat_said s = rig_said(r, text);
    rig_receive(r, &s);
}

/* Until no turn runs any more. */
UNUSED static void rig_settle(struct rig *r)
{
    for (int i = 0; i < 4000; i++) {
        bool busy = false;
        for (size_t k = 0; k < r->jobs_n; k++)
            busy = busy || r->jobs[k].fiber;
        if (!busy)
            return;
        assert_ok(nf_sleep(5, &r->w->err), &r->w->err);
    }
    fail_msg("turns still run");
}

/* What is to be seen of a chat, "|" between messages. */
UNUSED static const char *rig_seen(struct rig *r, const char *address)
{
    static char text[POSTS * 64];
    size_t n = 0;
    text[0] = '\0';
    for (size_t i = 0; i < r->n; i++)
        if (r->v[i].there && strcmp(r->v[i].address, address) == 0)
            n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%.200s", n ? "|" : "",
                                  r->v[i].text);
    return text;
}

UNUSED static const char *rig_cursor(struct rig *r)
{
    static char place[NF_CURSOR_MAX + 1];
    assert_ok(nf_chat_cursor(r->channel, "telegram:1", place, &r->w->err), &r->w->err);
    return place;
}
