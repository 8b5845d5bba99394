/*
 * What a person sees of a turn while it runs, in order and with a position that survives a crash.
 *
 * The position (`seq` on the wire) of an event is fence << NF_RUN_POS_BITS | pos, where `fence` is
 * that of the attempt and `pos` counts through the attempt's events: an event with text advances it
 * by the text's bytes, any other by 1. So positions depend on what was said and not on how it was
 * cut: the same turn read back from the database has the same positions, and a client that stopped
 * in the middle of a text gets exactly the rest. A later attempt has a greater fence, hence greater
 * positions than all before. Below 2^53 for 2^29 claims of one session.
 *
 * Some events only tell how it goes: they take no position, are not kept and never come again.
 */
#pragma once

#include "base/string.h"
#include "domain/limits.h"
#include "domain/task.h"
#include "domain/usage.h"

#include <stdbool.h>
#include <stdint.h>

#define NF_RUN_POS_BITS 24
#define NF_RUN_POS_MAX ((INT64_C(1) << NF_RUN_POS_BITS) - 1)

/* In the order in which an attempt emits them; messages and tool calls repeat. */
enum nf_run_event_type {
    NF_RUN_STARTED = 1,
    NF_RUN_TEXT_START,  /* message */
    NF_RUN_TEXT,        /* message, text */
    NF_RUN_TEXT_END,    /* message */
    NF_RUN_TOOL_START,  /* call_id, name */
    NF_RUN_TOOL_ARGS,   /* call_id, text */
    NF_RUN_TOOL_END,    /* call_id */
    NF_RUN_TOOL_RESULT, /* call_id, text */
    NF_RUN_FINISHED,    /* model, tokens; or stopped */
    NF_RUN_ERROR,       /* text: what happened and what to do */
    /* Passing, at any place. */
    NF_RUN_TOOL_PROGRESS, /* call_id, percent, text */
    NF_RUN_TOOL_STATUS,   /* call_id, status */
};

/* Pointers are borrowed for the call. */
struct nf_run_event {
    enum nf_run_event_type type;
    int64_t user_id, session_id, run_id;
    int64_t seq;       /* position of the event's end */
    int64_t input_seq; /* NF_RUN_STARTED: the message it answers */
    int message;       /* which text of the attempt, from 0 */
    const char *call_id, *name, *model;
    struct nf_slice text;
    struct nf_tokens tokens;
    bool stopped;               /* NF_RUN_FINISHED: the person stopped it */
    bool is_error;              /* NF_RUN_TOOL_RESULT */
    int64_t wall_us;            /* the same: how long the tool took, 0: not known */
    int percent;                /* NF_RUN_TOOL_PROGRESS: 0 to 100; -1: not known */
    enum nf_task_status status; /* NF_RUN_TOOL_STATUS: waiting for an approval, or running */
};

static inline int64_t nf_run_seq(int64_t fence, int64_t pos)
{
    return fence << NF_RUN_POS_BITS | pos;
}

/* It tells how it goes, and is over when it was told. */
static inline bool nf_run_event_passes(enum nf_run_event_type type)
{
    return type == NF_RUN_TOOL_PROGRESS || type == NF_RUN_TOOL_STATUS;
}

/* By how much an event advances the position. */
static inline int64_t nf_run_event_width(enum nf_run_event_type type, size_t text_bytes)
{
    if (nf_run_event_passes(type))
        return 0;
    return type == NF_RUN_TEXT || type == NF_RUN_TOOL_ARGS ? (int64_t)text_bytes : 1;
}
