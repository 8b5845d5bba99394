/* The world of a use case under test: what stands in for models, tools, networks and runners, and
 * the stores in memory. What these do is beside it, a file a port. */
#pragma once

#include "application/answer_turn.h"
#include "application/decide_approval.h"
#include "application/deliver_reply.h"
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
#define APPROVAL_TTL_MS (INT64_C(30) * 60000)

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
    const char *detail; /* of the stop */
    enum nf_code fail;  /* after all of the above */
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
    char name[64];         /* the model that the newest request asked for */
    int refuses_media;     /* so many requests with files in them */
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
    const char *words;         /* and says at length; NULL: no more than the error holds */
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
    int delivered, dropped;
    enum nf_code fail;
    char last[512]; /* the message delivered last */
    enum nf_run_event_type last_event;
    int64_t last_event_seq;
    int asked; /* questions and what became of them, shown to anybody */
    int64_t asked_id, asked_user;
    enum nf_approval_status asked_status;
    bool asked_yours;
    int progressed, statuses; /* passing events */
    char told[256], told_to[64];
};

struct fake_runner {
    struct nf_turn_runner port;
    struct nf_claim claim;
    int started, woken, stopped, pulled;
    bool is_full;
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
