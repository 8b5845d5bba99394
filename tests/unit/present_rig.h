/* For tests of the presenter: a chat network in memory that refuses, loses its answers, and is
 * watched by somebody who counts what a person sees. */
#pragma once

#include "application/present_run.h"

#include "application/deliver_reply.h"
#include "base/own.h"
#include "persistence/memory/memory.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RUN_MS INT64_C(5000)
#define PART 20 /* bytes of a message of this network */
#define MESSAGES 64
#define LEASE_MS INT64_C(8000)

struct message {
    bool there;
    char text[PART + 1];
    char reply_to[8];
    bool rings;
};

struct world {
    struct nf_chat chat;
    struct nf_clock clock;
    struct nf_app app;
    struct nf_stores s;
    struct nf_outbox_store outbox;
    bool ahead; /* an earlier reply is on its way */
    bool hush;  /* nothing more is to be shown, from the next look on */
    int looks;  /* whether one is */
    struct nf_presenting p;
    struct nf_idgen ids;
    struct nf_chat_caps caps;
    int64_t now, run_id;
    struct message v[MESSAGES];
    size_t n;
    int sends, edits, typings, documents;
    int calls;          /* of any kind */
    int fail_at;        /* the call of this number fails, from 1; 0: none */
    bool after;         /* ... after the network has done it */
    bool file_of_other; /* another instance has sent the file meanwhile */
    int removed_files;
    int frozen_at; /* the edit of this number is made when our lease is over, from 1 */
    int agains;
    bool away; /* the database */
    struct nf_instance_store instances;
    int other_at; /* while the send of this number is under way another instance does all, from 1 */
    enum nf_code fail;
    struct nf_err err;
};

static struct world *world_of(struct nf_chat *c)
{
    return nf_container_of(c, struct world, chat);
}

static int64_t fake_now(struct nf_clock *c)
{
    return nf_container_of(c, struct world, clock)->now;
}

static int64_t fake_mono(struct nf_clock *c)
{
    return nf_container_of(c, struct world, clock)->now * 1000;
}

static void caps(struct nf_chat *c, const char *address, struct nf_chat_caps *ret)
{
    assert_string_equal(address, "42");
    *ret = world_of(c)->caps;
}

static enum nf_code parts(struct nf_chat *c, const char *markdown, size_t *ret, struct nf_err *err)
{
    size_t n = strlen(markdown);
    (void)c;
    (void)err;
    *ret = n ? (n + PART - 1) / PART : 1;
    return NF_OK;
}

/* Whether this call shall fail now: before or after it was done. */
static bool fails(struct world *w, bool after)
{
    if (!after)
        w->calls++;
    return w->fail_at == w->calls && w->after == after;
}

static enum nf_code refuse(struct world *w, struct nf_err *err)
{
    return nf_err_set(err, w->fail, "the network says no");
}

static void write_text(struct message *m, const struct nf_chat_post *p)
{
    size_t at = p->part * PART;
    assert_true(at <= strlen(p->markdown));
    (void)snprintf(m->text, sizeof(m->text), "%.*s", PART, p->markdown + at);
}

static inline enum nf_code reply(struct world *w, const char *text);

static enum nf_code send_post(struct nf_chat *c, const struct nf_chat_post *p,
                              char ref[NF_CHAT_REF_MAX + 1], struct nf_err *err)
{
    struct world *w = world_of(c);
    if (fails(w, false))
        return refuse(w, err);
    if (++w->sends == w->other_at) /* we stand still, are taken for dead, and go on */
        assert_ok(reply(w, "from the other"), err);
    struct message *m = &w->v[w->n++];
    assert_true(w->n < MESSAGES);
    *m = (struct message){ .there = true, .rings = !p->silent };
    (void)snprintf(m->reply_to, sizeof(m->reply_to), "%s", p->reply_to);
    write_text(m, p);
    (void)snprintf(ref, NF_CHAT_REF_MAX + 1, "%zu", w->n - 1);
    return fails(w, true) ? refuse(w, err) : NF_OK;
}

static struct message *at(struct world *w, const char *ref)
{
    return &w->v[strtoul(ref, NULL, 10)];
}

static enum nf_code edit(struct nf_chat *c, const struct nf_chat_post *p, const char *ref,
                         struct nf_err *err)
{
    struct world *w = world_of(c);
    if (fails(w, false))
        return refuse(w, err);
    if (++w->edits == w->frozen_at) { /* and meanwhile another instance has brought the reply */
        w->now += LEASE_MS;
        w->frozen_at = 0;
        assert_ok(reply(w, "from the other"), err);
    }
    if (!at(w, ref)->there)
        return nf_err_set(err, NF_E_NOT_FOUND, "message to edit not found");
    write_text(at(w, ref), p);
    return fails(w, true) ? refuse(w, err) : NF_OK;
}

static enum nf_code remove_post(struct nf_chat *c, const char *address, const char *ref,
                                struct nf_err *err)
{
    struct world *w = world_of(c);
    (void)address;
    if (fails(w, false))
        return refuse(w, err);
    if (strcmp(ref, "file") == 0)
        w->removed_files++;
    else
        at(w, ref)->there = false;
    return fails(w, true) ? refuse(w, err) : NF_OK;
}

static enum nf_code document(struct nf_chat *c, const struct nf_chat_post *p,
                             char ref[NF_CHAT_REF_MAX + 1], struct nf_err *err)
{
    struct world *w = world_of(c);
    (void)p;
    if (fails(w, false))
        return refuse(w, err);
    w->documents++;
    if (w->file_of_other)
        assert_ok(w->s.chats->ops->put(w->s.chats, w->run_id, NF_CHAT_DOCUMENT, "its file", 1, err),
                  err);
    (void)snprintf(ref, NF_CHAT_REF_MAX + 1, "file");
    return fails(w, true) ? refuse(w, err) : NF_OK;
}

static enum nf_code typing(struct nf_chat *c, const char *address, struct nf_err *err)
{
    (void)address;
    (void)err;
    world_of(c)->typings++;
    return NF_OK;
}

static enum nf_code fake_ahead(struct nf_outbox_store *s, int64_t run_id, bool *ret,
                               struct nf_err *err)
{
    struct world *w = nf_container_of(s, struct world, outbox);
    (void)err;
    assert_true(run_id == w->run_id);
    w->looks++;
    *ret = w->ahead;
    w->p.quiet = w->p.quiet || w->hush;
    return NF_OK;
}

static enum nf_code fake_again(struct nf_outbox_store *s, int64_t id, int64_t run_id,
                               int64_t now_ms, struct nf_err *err)
{
    struct world *w = nf_container_of(s, struct world, outbox);
    (void)id, (void)now_ms;
    assert_true(run_id == w->run_id);
    if (w->away)
        return nf_err_set(err, NF_E_UNAVAILABLE, "away");
    w->agains++;
    return NF_OK;
}

static inline int setup(void **state)
{
    static const struct nf_chat_ops ops = { .caps = caps,
                                            .parts = parts,
                                            .send = send_post,
                                            .edit = edit,
                                            .remove = remove_post,
                                            .document = document,
                                            .typing = typing };
    static const struct nf_outbox_store_ops outbox = { .ahead = fake_ahead, .again = fake_again };
    struct world *w = calloc(1, sizeof(*w));
    assert_non_null(w);
    *state = w;
    w->now = NF_ID_EPOCH_MS + 1000000;
    w->chat = (struct nf_chat){ .ops = &ops, .name = "telegram" };
    w->clock.now_ms = fake_now;
    w->clock.mono_us = fake_mono;
    w->caps =
        (struct nf_chat_caps){ .edit_every_ms = 1000, .typing_every_ms = 4000, .parts_max = 3 };
    assert_ok(nf_memory_store_new(&w->s, &w->err), &w->err);
    w->app = (struct nf_app){ .clock = &w->clock,
                              .ids = &w->ids,
                              .chats = w->s.chats,
                              .sessions = w->s.sessions,
                              .outbox = &w->outbox };
    w->outbox.ops = &outbox;
    w->run_id = nf_app_id(&w->app);
    nf_presenting_init(&w->p, &w->app, &w->chat, w->run_id, "42", NF_LANG_EN);
    return 0;
}

static inline int teardown(void **state)
{
    struct world *w = *state;
    nf_fail_alloc_at(0);
    nf_presenting_done(&w->p);
    nf_stores_done(&w->s);
    free(w);
    return 0;
}

static inline void say(struct world *w, const char *text)
{
    nf_presenting_take(&w->p,
                       &(struct nf_run_event){ .type = NF_RUN_TEXT, .text = nf_slice_of(text) });
}

static inline void begin_text(struct world *w)
{
    nf_presenting_take(&w->p, &(struct nf_run_event){ .type = NF_RUN_TEXT_START });
}

/* Let everything happen that is due until `ms` have gone by. Bounded: a presenter that never waits
 * fails the test. */
static inline void pass(struct world *w, int64_t ms)
{
    int64_t until = w->now + ms, wait;
    for (int i = 0; i < 200; i++) {
        assert_ok(nf_presenting_step(&w->p, &wait, &w->err), &w->err);
        if (wait < 0 || w->now + wait > until) {
            w->now = until;
            return;
        }
        w->now += wait;
    }
    fail_msg("it never waits");
}

/* What a person sees, the messages between bars. */
static inline const char *seen(const struct world *w)
{
    static char text[MESSAGES * (PART + 2)];
    size_t n = 0;
    text[0] = '\0';
    for (size_t i = 0; i < w->n; i++)
        if (w->v[i].there)
            n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", n ? "|" : "", w->v[i].text);
    return text;
}

static inline enum nf_code reply(struct world *w, const char *text)
{
    char content[512];
    (void)snprintf(content, sizeof(content), "%s", text);
    struct nf_message m = { .role = NF_ROLE_ASSISTANT, .content = content };
    struct nf_outbox_item item = { .run_id = w->run_id, .created_ms = w->now, .address = "42" };
    return nf_present_reply(&w->app, &w->chat, &item, &m, NF_LANG_EN, &w->err);
}
