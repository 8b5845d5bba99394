/*
 * What a message of a conversation with a model is made of. Pure.
 *
 * All pointers are owned by the part, unless it is lent, and NULL when absent; strings are UTF-8.
 */
#pragma once

#include "base/error.h"
#include "domain/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Stored by number: append, never renumber. */
enum nf_part_type {
    NF_PART_TEXT = 1,
    NF_PART_THINKING, /* text and signature; opaque data instead of text when redacted */
    NF_PART_IMAGE,
    NF_PART_DOCUMENT,
    NF_PART_AUDIO,
    NF_PART_TOOL_CALL,   /* call_id, name, args */
    NF_PART_TOOL_RESULT, /* call_id, text, is_error, wall_us */
    NF_PART_REFUSAL,     /* text */
};

struct nf_part {
    enum nf_part_type type;
    char *text;
    char *call_id;
    char *name;      /* tool call, tool result where known; a document's title */
    char *args;      /* tool call: a JSON object as text, "{}" if none were given */
    char *signature; /* thinking: returned unchanged to the provider it came from */
    char *data;      /* image, document: base64; redacted thinking: opaque */
    char *url;       /* image, document: instead of data */
    char *media_type;
    int64_t wall_us; /* tool result: how long the tool took; 0: not known, or it did not run */
    bool is_error;
    bool cache; /* the caller marked a cache breakpoint behind this part */
    bool lent;  /* its strings belong to somebody who keeps them for longer */
};

/* The zero value is an empty list. */
struct nf_parts {
    struct nf_part *v;
    size_t n;
};

void nf_part_done(struct nf_part *p);
void nf_parts_done(struct nf_parts *list);

/* A zeroed part of `type` at the end of *list, for the caller to fill in with nf_strdup. *ret is
 * valid until the next part is added. NF_E_NOMEM; then *list is as before. */
NF_RC nf_parts_add(struct nf_parts *list, enum nf_part_type type, struct nf_part **ret,
                   struct nf_err *err);
/* A text part with a copy of `text`. */
NF_RC nf_parts_add_text(struct nf_parts *list, const char *text, struct nf_err *err);

/* Append *part as it is, with strings that are still their owner's. */
NF_RC nf_parts_lend(struct nf_parts *list, const struct nf_part *part, struct nf_err *err);

/* Append deep copies of all of `from`; on failure *list is as before. */
NF_RC nf_parts_append(struct nf_parts *list, const struct nf_parts *from, struct nf_err *err);

/* How many tool calls are among them. */
size_t nf_parts_tool_calls(const struct nf_parts *list);
