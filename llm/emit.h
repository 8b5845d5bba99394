/*
 * The end of every decoder: hands events to their receiver in the order that domain/completion.h
 * promises, whatever order the provider has. Tools get numbers from 0, START comes first, STOP and
 * the tools' ends before END, nothing after END or ERROR.
 */
#pragma once

#include "llm/codec.h"

struct nf_json;

struct nf_llm_tool_state {
    bool open, has_args;
};

struct nf_llm_emit {
    nf_llm_event_fn fn;
    void *arg;
    uint64_t id_seed;
    bool started, ended, thinking, has_tokens;
    int tools_n;
    struct nf_llm_tool_state tools[NF_TOOL_CALLS_MAX];
    struct nf_tokens tokens;
    enum nf_stop_reason stop;
    struct nf_str detail; /* the stop sequence */
    int high;             /* the first half of a character whose other has not come; 0: none */
    enum nf_event_type high_type;
};

void nf_llm_emit_init(struct nf_llm_emit *e, nf_llm_event_fn fn, void *arg, uint64_t id_seed);
void nf_llm_emit_done(struct nf_llm_emit *e);

/* All of them do nothing once the stream has ended. */
NF_RC nf_llm_emit_start(struct nf_llm_emit *e, const char *id, const char *model,
                        struct nf_err *err);
/* NF_EVENT_TEXT, THINKING, REFUSAL; what is no string, or empty, is left out. A character that was
 * cut in two with the text is put together again. */
NF_RC nf_llm_emit_text(struct nf_llm_emit *e, enum nf_event_type type, const struct nf_json *text,
                       struct nf_err *err);
/* The same of a text in which nothing was escaped. */
NF_RC nf_llm_emit_plain(struct nf_llm_emit *e, enum nf_event_type type, struct nf_slice text,
                        struct nf_err *err);
/* NF_EVENT_SIGNATURE, REDACTED. A signature has thinking before it, be it empty. */
NF_RC nf_llm_emit_opaque(struct nf_llm_emit *e, enum nf_event_type type, const char *text,
                         struct nf_err *err);
/* *index = its number. An empty id is made up. Over NF_TOOL_CALLS_MAX the stream ends with an
 * ERROR. */
NF_RC nf_llm_emit_tool(struct nf_llm_emit *e, const char *id, const char *name, int *index,
                       struct nf_err *err);
NF_RC nf_llm_emit_args(struct nf_llm_emit *e, int index, const char *text, size_t n,
                       struct nf_err *err);
/* A call without arguments gets "{}" before its end. */
NF_RC nf_llm_emit_tool_end(struct nf_llm_emit *e, int index, struct nf_err *err);
/* Told only if it differs from what was told before. */
NF_RC nf_llm_emit_usage(struct nf_llm_emit *e, struct nf_tokens t, struct nf_err *err);
/* Kept for the end. `detail` may be NULL. */
NF_RC nf_llm_emit_stop(struct nf_llm_emit *e, enum nf_stop_reason stop, const char *detail,
                       struct nf_err *err);
/* The terminal mark arrived: tools' ends, STOP (which is TOOL_CALLS if the model said it ended but
 * called tools), END. */
NF_RC nf_llm_emit_end(struct nf_llm_emit *e, struct nf_err *err);

/* ERROR from the provider's own error value, see llm/failure.h. */
NF_RC nf_llm_emit_failure(struct nf_llm_emit *e, const struct nf_json *v, struct nf_err *err);
/* ERROR about the stream itself: kind "bad_stream" or "truncated". */
NF_RC nf_llm_emit_broken(struct nf_llm_emit *e, const char *kind, const char *text,
                         struct nf_err *err);
