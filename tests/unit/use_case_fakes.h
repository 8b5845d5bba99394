/* What stands in for models, tools, networks and runners in the tests of the use cases. */
#pragma once

#include "application/answer_turn.h"
#include "application/decide_approval.h"
#include "application/execute_skill.h"
#include "application/receive_message.h"
#include "application/run_log.h"
#include "base/own.h"
#include "persistence/memory/memory.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNUSED __attribute__((unused))
#define LEASE INT64_C(60000)
#define START (NF_ID_EPOCH_MS + 1000)
#define USER INT64_C(7)

struct world;

/* --- the model: what it replies depends on how many replies the turn has had ----------------- */

struct fake_call {
    const char *id, *name, *args;
};

struct fake_reply {
    const char *thinking, *text;
    struct fake_call calls[NF_TOOL_CALLS_MAX + 1];
    bool refusal, silent; /* silent: the provider counts no tokens */
    enum nf_stop_reason stop;
    enum nf_code fail; /* after all of the above */
    const char *why;
};

struct fake_model {
    struct nf_model port;
    struct world *w;
    const struct fake_reply *replies;
    size_t n;
    bool endless;  /* the last reply comes again and again */
    int asked;     /* how often, summaries left out */
    int overflows; /* so many requests are too long */
    const char *summary;
    int summaries;
    int64_t context_tokens;
    size_t offered;        /* tools in the newest request */
    char context[8192];    /* the newest request: "user:hello|assistant:hi|" */
    char summarised[8192]; /* the newest request for a summary */
    void (*meanwhile)(struct world *w);
};

/* --- tools, channel, runner, clock ------------------------------------------------------------ */

struct fake_tools {
    struct nf_tools port;
    const char *wordy; /* the description of a further tool; NULL: there is none */
    int calls;
    bool idempotent;
    enum nf_code fail;         /* what "fails" returns */
    size_t result_bytes;       /* of "long" */
    enum nf_approval approval; /* 0: never asked */
    const char *version;       /* "1" */
    bool named_by_skill;       /* "fake_clock" for "clock" */
    bool refuse_version;       /* a call of another version than `version` fails */
    const char *binary;        /* what "clock" answers instead, with its NUL */
    struct world *w;
    void (*meanwhile)(struct world *w); /* while a call runs */
};

/* Who waits for a bell is told something meanwhile, or waits in vain. */
struct fake_bell {
    struct nf_bell port;
    struct world *w;
    uint64_t rung;
    int waits;
    void (*meanwhile)(struct world *w);
    enum nf_code fail; /* what waiting returns at once */
};

struct fake_event {
    struct nf_run_event e;
    size_t at; /* of its text */
};

/* Events as a reader sees them: the pieces of a text joined. No heap: it must not fail. */
struct fake_seen {
    struct fake_event v[256];
    size_t n;
    char text[1 << 19];
    size_t used;
};

struct fake_channel {
    struct nf_channel port;
    struct fake_seen seen;
    int delivered;
    enum nf_code fail;
    char last[512]; /* the message delivered last */
    enum nf_run_event_type last_event;
    int64_t last_event_seq;
    int asked; /* questions and what became of them, shown to anybody */
    int64_t asked_id, asked_user;
    enum nf_approval_status asked_status;
    bool asked_yours;
    int progressed, statuses; /* passing events */
};

struct fake_runner {
    struct nf_turn_runner port;
    struct nf_claim claim;
    int started, woken, stopped;
    int64_t woken_session;
    bool runs; /* what stop says */
};

/* Stands before the store: counts the writes of turns, and lets something happen at one of them. */
struct fake_turns {
    struct nf_turn_store port;
    struct nf_turn_store *real;
    struct world *w;
    int writes;
    int crash_at;  /* from this write on all fail; 0: none */
    int rival_at;  /* before this write somebody else claims the session; 0: never */
    bool applied;  /* the write at which we crash is committed all the same */
    bool rival_in; /* it happened */
    size_t billed; /* model calls that the newest end of a turn counts */
};

struct world {
    struct nf_stores s;
    struct nf_app app;
    struct nf_idgen ids;
    struct nf_clock clock;
    int64_t now;
    struct fake_model model;
    struct fake_tools tools;
    struct fake_bell bell;
    struct nf_codec codec;
    struct fake_channel web;
    struct fake_runner runner;
    struct fake_turns turns;
    struct nf_channels channels;
    struct nf_user user;
    struct nf_turn_control control;
    int64_t session; /* of the newest message */
    struct nf_err err;
};

UNUSED static size_t replies_so_far(const struct nf_completion_request *r)
{
    size_t n = 0;
    for (size_t i = 0; i < r->messages_n; i++)
        n = r->messages[i].role == NF_ROLE_USER        ? 0
            : r->messages[i].role == NF_ROLE_ASSISTANT ? n + 1
                                                       : n;
    return n;
}

static void note_context(struct fake_model *m, const struct nf_completion_request *r)
{
    size_t n = 0;
    m->context[0] = '\0';
    for (size_t i = 0; i < r->system.n && n < sizeof(m->context) / 2; i++)
        n += (size_t)snprintf(m->context + n, sizeof(m->context) - n, "system:%.200s|",
                              r->system.v[i].text);
    for (size_t i = 0; i < r->messages_n; i++) {
        const struct nf_chat_message *c = &r->messages[i];
        for (size_t k = 0; k < c->parts.n; k++) {
            const struct nf_part *p = &c->parts.v[k];
            const char *kind = p->type == NF_PART_TOOL_CALL  ? "call"
                               : p->type == NF_PART_THINKING ? "thinking"
                                                             : nf_role_name(c->role);
            int w = snprintf(m->context + n, sizeof(m->context) - n, "%s:%.80s|", kind,
                             p->type == NF_PART_TOOL_CALL ? p->name
                             : p->text                    ? p->text
                                                          : "");
            n += w > 0 ? (size_t)w : 0;
            if (n >= sizeof(m->context))
                return;
        }
    }
}

static enum nf_code tell(struct nf_model_sink *sink, const struct nf_completion_event *e,
                         struct nf_err *err)
{
    return sink->event(sink, e, err);
}

#define TELL(...) NF_TRY(tell(sink, &(struct nf_completion_event){ __VA_ARGS__ }, err))

/* In two pieces, as they come from a network. */
static enum nf_code tell_text(struct nf_model_sink *sink, enum nf_event_type type, const char *text,
                              struct nf_err *err)
{
    size_t n = strlen(text), half = n / 2;
    TELL(.type = type, .text = { text, half });
    TELL(.type = type, .text = { text + half, n - half });
    return NF_OK;
}

static enum nf_code tell_calls(struct nf_model_sink *sink, const struct fake_call *calls,
                               struct nf_err *err)
{
    for (int i = 0; i <= NF_TOOL_CALLS_MAX && calls[i].id; i++) {
        TELL(.type = NF_EVENT_TOOL_START, .index = i, .id = calls[i].id, .name = calls[i].name);
        if (calls[i].args)
            NF_TRY(tell(sink,
                        &(struct nf_completion_event){ .type = NF_EVENT_TOOL_ARGS,
                                                       .index = i,
                                                       .text = nf_slice_of(calls[i].args) },
                        err));
        TELL(.type = NF_EVENT_TOOL_END, .index = i);
    }
    return NF_OK;
}

static enum nf_code tell_reply(struct nf_model_sink *sink, const struct fake_reply *s,
                               struct nf_err *err)
{
    TELL(.type = NF_EVENT_START, .model = "fake");
    if (s->thinking) {
        NF_TRY(tell_text(sink, NF_EVENT_THINKING, s->thinking, err));
        TELL(.type = NF_EVENT_SIGNATURE, .text = NF_SLICE("signed"));
    }
    if (s->text)
        NF_TRY(tell_text(sink, s->refusal ? NF_EVENT_REFUSAL : NF_EVENT_TEXT, s->text, err));
    NF_TRY(tell_calls(sink, s->calls, err));
    if (!s->silent)
        TELL(.type = NF_EVENT_USAGE, .tokens = { 10, 5, -1, -1 });
    if (s->fail)
        return nf_err_set(err, s->fail, "%s", s->why ? s->why : "the model is broken");
    TELL(.type = NF_EVENT_STOP, .stop = s->stop ? s->stop : NF_STOP_END);
    TELL(.type = NF_EVENT_END);
    return NF_OK;
}

static enum nf_code fake_complete(struct nf_model *port, const struct nf_completion_request *r,
                                  struct nf_model_sink *sink, struct nf_model_outcome *ret,
                                  struct nf_err *err)
{
    struct fake_model *m = nf_container_of(port, struct fake_model, port);
    *ret = (struct nf_model_outcome){ .model = "fake/one", .attempts = 1 };
    if (r->model && strcmp(r->model, "small") == 0) {
        m->summaries++;
        note_context(m, r);
        memcpy(m->summarised, m->context, sizeof(m->summarised));
        if (!m->summary)
            return nf_err_set(err, NF_E_UNAVAILABLE, "no summary today");
        return tell_reply(sink, &(struct fake_reply){ .text = m->summary }, err);
    }
    m->asked++;
    m->offered = r->tools_n;
    note_context(m, r);
    if (m->overflows > 0) {
        m->overflows--;
        return nf_err_set(err, NF_E_LIMIT, "the context is too long");
    }
    size_t i = replies_so_far(r);
    if (m->endless && i >= m->n)
        i = m->n - 1;
    assert_true(i < m->n);
    enum nf_code rc = tell_reply(sink, &m->replies[i], err);
    if (m->meanwhile)
        m->meanwhile(m->w);
    return rc;
}

static enum nf_code fake_info(struct nf_model *port, const char *name, struct nf_model_info *ret,
                              struct nf_err *err)
{
    struct fake_model *m = nf_container_of(port, struct fake_model, port);
    (void)name, (void)err;
    *ret = (struct nf_model_info){ .context_tokens = m->context_tokens, .output_tokens = 1000 };
    return NF_OK;
}

static enum nf_code fake_offer(struct nf_tools *t, int64_t user_id, int64_t session_id,
                               struct nf_completion_request *r, struct nf_err *err)
{
    const struct fake_tools *tools = nf_container_of(t, struct fake_tools, port);
    (void)user_id, (void)session_id;
    if (tools->wordy)
        NF_TRY(nf_completion_add_tool(r, "brief", tools->wordy, "{}", err));
    return nf_completion_add_tool(r, "clock", "Tells the time.", "{}", err);
}

static enum nf_code fake_find(struct nf_tools *port, int64_t user_id, const char *name,
                              struct nf_tool_info *ret, struct nf_err *err)
{
    const struct fake_tools *t = nf_container_of(port, struct fake_tools, port);
    const char *asked = name;
    (void)user_id;
    if (t->named_by_skill && strncmp(name, "fake_", 5) == 0)
        name += 5;
    if (strcmp(name, "clock") != 0 && strcmp(name, "fails") != 0 && strcmp(name, "long") != 0)
        return nf_err_set(err, NF_E_NOT_FOUND, "there is no tool '%s'", name);
    *ret = (struct nf_tool_info){ .name = asked,
                                  .skill = "fake",
                                  .tool = name,
                                  .version = t->version ? t->version : "1",
                                  .schema = "{}",
                                  .workspace = "",
                                  .approval = t->approval ? t->approval : NF_APPROVAL_NEVER,
                                  .idempotent = t->idempotent,
                                  .timeout_ms = 1000 };
    return NF_OK;
}

static enum nf_code fake_call(struct nf_tools *port, const struct nf_tool_call *c,
                              struct nf_tool_outcome *ret, struct nf_err *err)
{
    struct fake_tools *t = nf_container_of(port, struct fake_tools, port);
    const char *name = c->name + (t->named_by_skill ? strlen("fake_") : 0);
    t->calls++;
    if (t->refuse_version && strcmp(c->version, t->version) != 0)
        return nf_err_set(err, NF_E_CONFLICT, "the skill was changed");
    assert_string_equal(c->version, t->version ? t->version : "1");
    if (c->progress)
        c->progress(c->progress_arg, 50, "half");
    if (t->meanwhile)
        t->meanwhile(t->w);
    ret->worker = 4;
    ret->wall_us = 1500;
    ret->bytes = 64;
    (void)snprintf(ret->level, sizeof(ret->level), "L3");
    if (t->binary)
        return nf_str_add(&ret->text, t->binary, strlen(t->binary) + 1, err);
    if (strcmp(name, "clock") == 0)
        return nf_str_addf(&ret->text, err, "noon %s", c->args);
    if (strcmp(name, "fails") == 0)
        return nf_err_set(err, t->fail, "the tool broke");
    for (size_t i = 0; i < t->result_bytes; i += 4) /* "long": a clock of four bytes */
        NF_TRY(nf_str_add(&ret->text, "\xf0\x9f\x95\x90", 4, err));
    return NF_OK;
}

/* Arguments with "bad" in them fit no schema. */
static enum nf_code fake_check(const char *schema, const char *args, struct nf_err *err)
{
    (void)schema;
    if (strstr(args, "bad"))
        return nf_err_set(err, NF_E_INVALID, "arguments.x: must be good");
    return NF_OK;
}

static enum nf_code fake_schema(const char *schema, struct nf_err *err)
{
    if (strstr(schema, "bad"))
        return nf_err_set(err, NF_E_INVALID, "schema.x: must be good");
    return NF_OK;
}

/* Not SHA-256, but another text has another one. */
static enum nf_code fake_digest(const char *p, size_t n, char ret[NF_DIGEST_HEX + 1],
                                struct nf_err *err)
{
    uint64_t h = 14695981039346656037u;
    (void)err;
    for (size_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)p[i]) * 1099511628211u;
    for (size_t i = 0; i < NF_DIGEST_HEX; i += 16)
        (void)snprintf(ret + i, 17, "%016llx", (unsigned long long)h);
    return NF_OK;
}

static uint64_t fake_count(struct nf_bell *b)
{
    return nf_container_of(b, struct fake_bell, port)->rung;
}

static enum nf_code fake_bell_wait(struct nf_bell *port, int64_t id, uint64_t count, int64_t ms,
                                   struct nf_err *err);

static void fake_ring(struct nf_bell *b, int64_t id)
{
    (void)id;
    nf_container_of(b, struct fake_bell, port)->rung++;
}

static void see(struct fake_seen *s, const struct nf_run_event *e)
{
    struct fake_event *last = s->n ? &s->v[s->n - 1] : NULL;
    if (last && e->type == NF_RUN_TEXT && last->e.type == NF_RUN_TEXT) {
        last->e.seq = e->seq;
        last->e.text.n += e->text.n;
    } else {
        assert_true(s->n < sizeof(s->v) / sizeof(s->v[0]));
        s->v[s->n++] = (struct fake_event){ .e = *e, .at = s->used };
    }
    assert_true(s->used + e->text.n < sizeof(s->text));
    if (e->text.n)
        memcpy(s->text + s->used, e->text.p, e->text.n);
    s->used += e->text.n;
}

static void fake_show(struct nf_channel *port, const struct nf_run_event *e)
{
    struct fake_channel *c = nf_container_of(port, struct fake_channel, port);
    c->progressed += e->type == NF_RUN_TOOL_PROGRESS;
    c->statuses += e->type == NF_RUN_TOOL_STATUS;
    if (nf_run_event_passes(e->type))
        return;
    if (e->type == NF_RUN_STARTED) /* another attempt, or another turn */
        c->seen.n = c->seen.used = 0;
    see(&c->seen, e);
}

static void fake_approval(struct nf_channel *port, int64_t to, const struct nf_approval_request *r,
                          const struct nf_user *requester, bool yours)
{
    struct fake_channel *c = nf_container_of(port, struct fake_channel, port);
    (void)requester;
    c->asked++;
    c->asked_id = r->id;
    c->asked_user = to;
    c->asked_status = r->status;
    c->asked_yours = yours;
}

static enum nf_code fake_deliver(struct nf_channel *port, const struct nf_outbox_item *item,
                                 const struct nf_message *m, const struct nf_run_event *last,
                                 struct nf_err *err)
{
    struct fake_channel *c = nf_container_of(port, struct fake_channel, port);
    (void)item;
    if (c->fail)
        return nf_err_set(err, c->fail, "the network is down");
    c->delivered++;
    (void)snprintf(c->last, sizeof(c->last), "%s", m->content ? m->content : "");
    c->last_event = last->type;
    c->last_event_seq = last->seq;
    if (c->seen.n > 0)
        see(&c->seen, last);
    return NF_OK;
}

static void fake_start(struct nf_turn_runner *port, const struct nf_claim *c)
{
    struct fake_runner *r = nf_container_of(port, struct fake_runner, port);
    r->started++;
    r->claim = *c;
}

static void fake_wake(struct nf_turn_runner *port, int64_t session_id)
{
    struct fake_runner *r = nf_container_of(port, struct fake_runner, port);
    r->woken++;
    r->woken_session = session_id;
}

static bool fake_stop(struct nf_turn_runner *port, int64_t session_id, int64_t run_id)
{
    struct fake_runner *r = nf_container_of(port, struct fake_runner, port);
    (void)session_id, (void)run_id;
    r->stopped++;
    return r->runs;
}

static int64_t fake_now(struct nf_clock *c)
{
    return nf_container_of(c, struct world, clock)->now;
}

static enum nf_code fake_bell_wait(struct nf_bell *port, int64_t id, uint64_t count, int64_t ms,
                                   struct nf_err *err)
{
    struct fake_bell *b = nf_container_of(port, struct fake_bell, port);
    (void)id;
    assert_true(++b->waits < 500);
    if (b->fail)
        return nf_err_set(err, b->fail, "told to stop");
    if (b->rung != count)
        return NF_OK;
    if (b->meanwhile)
        b->meanwhile(b->w);
    if (b->rung != count)
        return NF_OK;
    b->w->now += ms;
    return nf_err_set(err, NF_E_TIMEOUT, "nobody rang");
}

/* --- the writes of a turn --------------------------------------------------------------------- */

/* True if the write shall not reach the database. */
static bool before_write(struct fake_turns *t)
{
    t->writes++;
    if (t->rival_at == t->writes) {
        struct nf_claim theirs;
        struct nf_err err;
        t->w->now += LEASE + 1;
        assert_ok(t->real->ops->claim(t->real, t->w->session, 99, LEASE, t->w->now, &theirs, &err),
                  &err);
        t->rival_in = true;
    }
    return t->crash_at > 0 &&
           (t->writes > t->crash_at || (t->writes == t->crash_at && !t->applied));
}

/* What the caller hears of a write: of the one at which we crash nothing, whatever became of it. */
static enum nf_code after_write(struct fake_turns *t, enum nf_code rc, struct nf_err *err)
{
    if (t->crash_at > 0 && t->writes >= t->crash_at)
        return nf_err_set(err, NF_E_IO, "we are dead");
    return rc;
}

#define FAKE_WRITE(store, call)                                                                    \
    struct fake_turns *t = nf_container_of(store, struct fake_turns, port);                        \
    enum nf_code rc = before_write(t) ? NF_E_IO : t->real->ops->call;                              \
    return after_write(t, rc, err)

static enum nf_code fake_step_begin(struct nf_turn_store *s, const struct nf_claim *c,
                                    const struct nf_task *step, struct nf_err *err)
{
    FAKE_WRITE(s, step_begin(t->real, c, step, err));
}

static enum nf_code fake_step_end(struct nf_turn_store *s, const struct nf_claim *c,
                                  const struct nf_task *step, struct nf_err *err)
{
    FAKE_WRITE(s, step_end(t->real, c, step, err));
}

static enum nf_code fake_finish(struct nf_turn_store *s, const struct nf_finish *f, int64_t item,
                                struct nf_finished *ret, struct nf_err *err)
{
    nf_container_of(s, struct fake_turns, port)->billed = f->usage_n;
    FAKE_WRITE(s, finish(t->real, f, item, ret, err));
}

static enum nf_code fake_park(struct nf_turn_store *s, const struct nf_claim *c, int64_t now_ms,
                              struct nf_err *err)
{
    FAKE_WRITE(s, park(t->real, c, now_ms, err));
}

static enum nf_code fake_steps(struct nf_turn_store *s, int64_t run_id, struct nf_tasks *ret,
                               struct nf_err *err)
{
    struct fake_turns *t = nf_container_of(s, struct fake_turns, port);
    return t->real->ops->steps(t->real, run_id, ret, err);
}

static enum nf_code fake_claim(struct nf_turn_store *s, int64_t session_id, int64_t owner,
                               int64_t lease_ms, int64_t now_ms, struct nf_claim *ret,
                               struct nf_err *err)
{
    struct fake_turns *t = nf_container_of(s, struct fake_turns, port);
    return t->real->ops->claim(t->real, session_id, owner, lease_ms, now_ms, ret, err);
}

static enum nf_code fake_accept(struct nf_turn_store *s, const struct nf_accept *in,
                                struct nf_accepted *ret, struct nf_err *err)
{
    struct fake_turns *t = nf_container_of(s, struct fake_turns, port);
    return t->real->ops->accept(t->real, in, ret, err);
}
