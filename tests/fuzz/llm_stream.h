/* Fuzzing a codec's stream: the input is fed whole and in pieces whose sizes its first bytes
 * choose, and whole with each event parsed, also those that only repeat. All must tell the same
 * events in the promised order. A violation aborts. */
#pragma once

#include "base/own.h"
#include "llm/codec.h"
#include "llm/sse_decoder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEMAND(cond)                                                                               \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            (void)fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #cond);               \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* What has been told: a checksum, and what the order of events depends on. */
struct witness {
    uint64_t sum;
    bool started, stopped, ended;
    int tools;
    bool open[NF_TOOL_CALLS_MAX];
};

static inline void mix(struct witness *w, const void *p, size_t n)
{
    const unsigned char *b = p;
    for (size_t i = 0; i < n; i++)
        w->sum = (w->sum ^ b[i]) * UINT64_C(1099511628211);
}

static inline enum nf_code witness_event(void *arg, const struct nf_completion_event *e,
                                         struct nf_err *err)
{
    struct witness *w = arg;
    (void)err;
    DEMAND(!w->ended);
    DEMAND(w->started == (e->type != NF_EVENT_START));
    DEMAND(!w->stopped || e->type == NF_EVENT_END);
    switch (e->type) {
    case NF_EVENT_START:
        w->started = true;
        break;
    case NF_EVENT_TOOL_START:
        DEMAND(e->index == w->tools && w->tools < NF_TOOL_CALLS_MAX);
        DEMAND(e->id && e->id[0] && e->name && e->name[0]);
        w->open[w->tools++] = true;
        break;
    case NF_EVENT_TOOL_ARGS:
    case NF_EVENT_TOOL_END:
        DEMAND(e->index >= 0 && e->index < w->tools && w->open[e->index]);
        w->open[e->index] = e->type == NF_EVENT_TOOL_ARGS;
        break;
    case NF_EVENT_STOP:
        for (int i = 0; i < w->tools; i++)
            DEMAND(!w->open[i]);
        DEMAND(e->stop != NF_STOP_NONE);
        w->stopped = true;
        break;
    case NF_EVENT_END:
        DEMAND(w->stopped);
        w->ended = true;
        break;
    case NF_EVENT_ERROR:
        DEMAND(e->code != NF_OK && e->kind);
        w->ended = true;
        break;
    default:
        break;
    }
    mix(w, &e->type, sizeof(e->type));
    mix(w, &e->index, sizeof(e->index));
    if (e->text.n > 0)
        mix(w, e->text.p, e->text.n);
    return NF_OK;
}

static inline struct witness watch(const struct nf_llm_codec *codec, const uint8_t *data, size_t n,
                                   const uint8_t *sizes, size_t sizes_n, bool parse_all)
{
    struct witness w = { .sum = 1 };
    NF_CLEANUP(nf_llm_decoder_freep) struct nf_llm_decoder *d = NULL;
    DEMAND(codec->decoder_new(witness_event, &w, 7, &d, NULL) == NF_OK);
    if (parse_all)
        nf_container_of(d, struct nf_llm_sse_decoder, base)->repeat.misses = NF_LLM_REPEAT_MISSES;
    for (size_t at = 0, i = 0, take; at < n; at += take, i++) {
        take = sizes_n ? (size_t)1 + sizes[i % sizes_n] % 32 : n;
        if (take > n - at)
            take = n - at;
        char *copy = malloc(take);
        DEMAND(copy);
        memcpy(copy, data + at, take);
        DEMAND(nf_llm_feed(d, copy, take, NULL) == NF_OK);
        free(copy);
    }
    DEMAND(nf_llm_finish(d, NULL) == NF_OK);
    DEMAND(w.ended && nf_llm_ended(d));
    return w;
}

static inline int fuzz_stream(const struct nf_llm_codec *codec, const uint8_t *data, size_t n)
{
    size_t sizes_n = n < 4 ? n : 4;
    struct witness whole = watch(codec, data, n, NULL, 0, false);
    struct witness pieces = watch(codec, data, n, data, sizes_n, false);
    DEMAND(whole.sum == pieces.sum);
    if (codec->is_sse)
        DEMAND(whole.sum == watch(codec, data, n, NULL, 0, true).sum);
    return 0;
}
