/*
 * Builds the request for a turn so that it always fits the model's window. Pure: no port
 * is called here; who wants a summary of what was dropped makes it and hands it in.
 *
 * Steps, each only as far as it still does not fit:
 *
 *     1. shorten old tool results, the oldest first;
 *     2. drop the oldest turns, then the oldest tool rounds of the current one;
 *     3. shorten the results of the newest round and, last of all, the newest user message.
 *
 * The system prompt and the newest user message stay, a tool call stays with its result, and the
 * first message is the user's. What was shortened says so where it was cut. A call whose result was
 * never written down gets one that says that; a result without its call is left out, and so is
 * thinking of earlier turns, which no provider wants back.
 */
#pragma once

#include "domain/completion.h"

struct nf_context_input {
    const char *system;                /* "" for none */
    const char *summary;               /* of what was dropped earlier; "" for none */
    const struct nf_messages *history; /* oldest first; notices are left out */
    int64_t window_tokens;             /* the model's */
    int64_t reply_tokens;              /* kept free for the answer, at most half of the window */
    int64_t tools_tokens;              /* what the tools' descriptions take */
    bool no_media; /* the model takes no pictures and documents: it is told that they were there */
};

struct nf_context_report {
    int64_t tokens;   /* estimated, of the whole request with its tools */
    size_t dropped;   /* how many of the oldest messages of the history were left out */
    size_t rounds;    /* tool rounds of the current turn that were left out */
    size_t shortened; /* parts cut */
    int steps;        /* how far it had to go: 0 to 3 */
};

/* Estimated tokens of a text, not below what common tokenisers make of prose, code and emoji: bytes
 * / 3, where a character of 4 bytes counts as 9, rounded up. */
int64_t nf_tokens_of(const char *text, size_t n);

/* Fill r->system and r->messages, which borrow their texts from in->history where nothing was cut;
 * r->max_tokens too if the reserve had to be cut to half of the window. Fits in at most 3 steps
 * whatever the history. NF_E_LIMIT only if the system prompt, the reserve and the tools leave no
 * room for the newest message at all; NF_E_INVALID if no user wrote anything; NF_E_NOMEM. *ret may
 * be NULL. On failure r is to be thrown away. */
NF_RC nf_context_build(const struct nf_context_input *in, struct nf_completion_request *r,
                       struct nf_context_report *ret, struct nf_err *err);
