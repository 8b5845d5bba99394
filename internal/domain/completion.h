/*
 * The canonical language-model request and its stream of events. Every wire protocol in llm/ is
 * converted to and from this; nothing here belongs to one provider. Pure.
 *
 * All pointers are owned by the struct they are in and NULL when absent; strings are UTF-8.
 */
#pragma once

#include "base/error.h"
#include "base/string.h"
#include "domain/limits.h"
#include "domain/message.h"
#include "domain/toolset.h"
#include "domain/usage.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* role: NF_ROLE_USER, NF_ROLE_ASSISTANT or NF_ROLE_TOOL (tool results only). */
struct nf_chat_message {
    enum nf_role role;
    struct nf_parts parts;
};

enum nf_tool_choice {
    NF_TOOL_CHOICE_AUTO = 0,
    NF_TOOL_CHOICE_NONE,
    NF_TOOL_CHOICE_REQUIRED,
    NF_TOOL_CHOICE_NAMED,
};
enum nf_effort {
    NF_EFFORT_DEFAULT = 0,
    NF_EFFORT_NONE,
    NF_EFFORT_LOW,
    NF_EFFORT_MEDIUM,
    NF_EFFORT_HIGH
};
enum nf_response_format { NF_FORMAT_TEXT = 0, NF_FORMAT_JSON, NF_FORMAT_JSON_SCHEMA };

#define NF_STOP_SEQUENCES_MAX 8
#define NF_REQUEST_MESSAGES_MAX 16384
#define NF_NOT_SET (-1.0)

struct nf_completion_request {
    char *model;            /* an alias, "provider/model", or a provider's own name */
    struct nf_parts system; /* text parts */
    struct nf_chat_message *messages;
    size_t messages_n, messages_cap;
    struct nf_toolset *tools; /* a reference; NULL: none */
    enum nf_tool_choice tool_choice;
    char *tool_choice_name;
    bool no_parallel_tools;
    int64_t max_tokens;        /* 0: not set */
    double temperature, top_p; /* NF_NOT_SET: not set */
    int64_t top_k;             /* 0: not set */
    char *stop[NF_STOP_SEQUENCES_MAX];
    size_t stop_n;
    enum nf_effort effort;
    int64_t thinking_budget; /* tokens; 0: not set */
    enum nf_response_format format;
    char *format_name, *format_schema; /* NF_FORMAT_JSON_SCHEMA */
    bool format_strict;
    char *user; /* an opaque id of the end user */
};

/* *r = an empty request with nothing set. */
void nf_completion_request_init(struct nf_completion_request *r);
void nf_completion_request_done(struct nf_completion_request *r);
void nf_chat_message_done(struct nf_chat_message *m);

/* Append. They copy what they are given; on failure *r is as before. NF_E_NOMEM, NF_E_LIMIT.
 * add_message appends an empty message; fill it with nf_parts_add. *ret is valid until the next
 * message is added. */
NF_RC nf_completion_add_message(struct nf_completion_request *r, enum nf_role role,
                                struct nf_chat_message **ret, struct nf_err *err);
NF_RC nf_completion_add_system(struct nf_completion_request *r, const char *text,
                               struct nf_err *err);

enum nf_stop_reason {
    NF_STOP_NONE = 0, /* not said yet */
    NF_STOP_END,      /* the model finished */
    NF_STOP_MAX_TOKENS,
    NF_STOP_SEQUENCE,
    NF_STOP_TOOL_CALLS,
    NF_STOP_REFUSAL, /* refusal, content filter */
    NF_STOP_PAUSE,   /* the provider paused a long turn: send it back to go on */
    NF_STOP_CONTEXT, /* the window is full */
};

enum nf_event_type {
    NF_EVENT_START = 1,  /* id, model */
    NF_EVENT_TEXT,       /* text */
    NF_EVENT_THINKING,   /* text */
    NF_EVENT_SIGNATURE,  /* text: ends the thinking before it */
    NF_EVENT_REDACTED,   /* text: opaque thinking */
    NF_EVENT_REFUSAL,    /* text */
    NF_EVENT_TOOL_START, /* index, id, name */
    NF_EVENT_TOOL_ARGS,  /* index, text: a fragment of JSON */
    NF_EVENT_TOOL_END,   /* index */
    NF_EVENT_USAGE,      /* tokens: cumulative, replaces what came before */
    NF_EVENT_STOP,       /* stop, detail: the stop sequence, or why it refused */
    NF_EVENT_ERROR,      /* code, status, kind, text; the last event */
    NF_EVENT_END,        /* the stream's own terminal mark arrived; the last event */
};

/* One event. Pointers are borrowed for the call. A decoder emits START first, every tool's START
 * before its ARGS before its END, STOP and USAGE before END, and ends with END or ERROR. */
struct nf_completion_event {
    enum nf_event_type type;
    int index; /* tools: 0 for the first call of the reply, then 1, whatever the provider numbers */
    const char *id, *name, *model, *detail;
    struct nf_slice text;
    struct nf_tokens tokens;
    enum nf_stop_reason stop;
    enum nf_code code;      /* of an ERROR */
    int status;             /* of an ERROR: the HTTP status it stands for, 0 if unknown */
    const char *kind;       /* of an ERROR: the provider's own type, "overloaded_error" */
    int64_t retry_after_ms; /* of an ERROR; 0: not said */
};
