/*
 * What the code that runs now is about: request, session, task, run. A chain of frames on the
 * stack; a log line and an error report walk it. A fiber has its own: runtime/fiber.c swaps it at
 * every switch, and a child begins with its parent's, which outlives it because scopes join.
 *
 *     NF_CLEANUP(nf_context_pop) struct nf_context c;
 *     nf_context_push(&c, "session", id_text);
 */
#pragma once

#define NF_CONTEXT_VALUE_MAX 47 /* bytes without the NUL; longer values are cut */

struct nf_context {
    const struct nf_context *up;
    const char *key; /* a literal */
    char value[NF_CONTEXT_VALUE_MAX + 1];
};

void nf_context_push(struct nf_context *c, const char *key, const char *value);
void nf_context_pop(struct nf_context *c);

/* The innermost frame, NULL if there is none. */
const struct nf_context *nf_context_current(void);

/* For runtime/fiber.c only: make `c` current and return what was. */
const struct nf_context *nf_context_swap(const struct nf_context *c);
