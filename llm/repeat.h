/*
 * A stream of text says nearly the same again and again: an event of it differs from the one before
 * in the text alone. What stands around that text is remembered, and an event with the same around
 * a plain text is known without being parsed: nothing else of it can mean anything new. A codec
 * says which events are such, since only it knows what an event does besides.
 */
#pragma once

#include "codec/json.h"
#include "domain/completion.h"

#define NF_LLM_REPEAT_MAX ((size_t)4096)       /* bytes that are remembered */
#define NF_LLM_REPEAT_TEXT_MAX ((size_t)65536) /* bytes of a text that is looked at like that */

#define NF_LLM_REPEAT_MISSES 8 /* events in a row that are learned and do not come again */

struct nf_llm_repeat {
    struct nf_str around; /* what stands before the text, and behind it what stands behind */
    size_t before;        /* bytes */
    enum nf_event_type type;
    int misses; /* in a row: over NF_LLM_REPEAT_MISSES nothing more is learned */
};

void nf_llm_repeat_done(struct nf_llm_repeat *r);

/* An event does nothing but to say the text `v`, of its document `d`. Best effort. */
void nf_llm_repeat_learn(struct nf_llm_repeat *r, const struct nf_json_doc *d,
                         const struct nf_json *v, enum nf_event_type type, const char *data,
                         size_t n);

/* Of a stream of server-sent events, at the beginning of a line: the bytes of an event as the one
 * that was learned, with the empty line that ends it; *text is what it says. 0: it is another one,
 * or not here as a whole, or written in another way than all do ("data: " and the data). */
size_t nf_llm_repeat_match(struct nf_llm_repeat *r, const char *p, size_t n, struct nf_slice *text);
