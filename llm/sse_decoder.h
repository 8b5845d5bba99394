/*
 * What decoders of server-sent events share: bytes go through the event reader, events leave
 * through the emitter. A codec embeds it first in its own decoder, and its on_event is the reader's
 * function.
 */
#pragma once

#include "base/own.h"
#include "codec/json.h"
#include "codec/sse.h"
#include "llm/emit.h"
#include "llm/repeat.h"

struct nf_llm_sse_decoder {
    struct nf_llm_decoder base;
    struct nf_sse sse;
    struct nf_llm_emit out;
    struct nf_llm_repeat repeat;
};

/* *d is zeroed memory. `on_event` gets `of`, the codec's own decoder, whose first member *d is. */
void nf_llm_sse_decoder_init(struct nf_llm_sse_decoder *d, const struct nf_llm_codec *codec,
                             nf_sse_fn on_event, void *of, nf_llm_event_fn fn, void *arg,
                             uint64_t id_seed);
void nf_llm_sse_decoder_done(struct nf_llm_sse_decoder *d);

/* The JSON object of an event. NF_OK and *ret NULL: it is none, and the emitter has told that the
 * stream is broken. NF_E_NOMEM. */
NF_RC nf_llm_sse_object(struct nf_llm_sse_decoder *d, const char *data, size_t n,
                        struct nf_json_doc **ret, struct nf_err *err);

/* Operations of struct nf_llm_codec, whose contracts hold. */
enum nf_code nf_llm_sse_decoder_feed(struct nf_llm_decoder *base, const char *p, size_t n,
                                     struct nf_err *err);
enum nf_code nf_llm_sse_decoder_finish(struct nf_llm_decoder *base, struct nf_err *err);
bool nf_llm_sse_decoder_ended(const struct nf_llm_decoder *base);
