/*
 * Builds the request for a turn so that it always fits the model's window. Pure: no port
 * is called here; who wants a summary of what was dropped makes it and hands it in.
 *
 * Steps, each only if it still does not fit: shorten old tool results; drop the oldest messages,
 * tool calls together with their results; shorten the newest message last. The system prompt and
 * the newest user message stay, tool-call pairs stay whole, and the first message is the user's.
 */
#pragma once

#include "domain/completion.h"

struct nf_context_input {
    const char *system;                /* "" for none */
    const char *summary;               /* of what was dropped earlier; "" for none */
    const struct nf_messages *history; /* oldest first; notices are left out */
    int64_t window_tokens;             /* the model's */
    int64_t reply_tokens;              /* kept free for the answer */
    int64_t tools_tokens;              /* what the tools' descriptions take */
};

struct nf_context_report {
    int64_t tokens;   /* estimated */
    size_t dropped;   /* messages left out, oldest first */
    size_t shortened; /* parts cut */
};

/* Estimated tokens of a text: never below what common tokenisers make of it for prose, code, CJK
 * and emoji; bytes / 3, rounded up, and at least one per 4-byte character. */
int64_t nf_tokens_of(const char *text, size_t n);

/* Fill r->system and r->messages. Fits in at most 3 steps whatever the history; NF_E_LIMIT only if
 * the system prompt, the reserve and the tools leave no room for the newest message at all. *ret
 * may be NULL. On failure r is to be thrown away. */
NF_RC nf_context_build(const struct nf_context_input *in, struct nf_completion_request *r,
                       struct nf_context_report *ret, struct nf_err *err);
