/*
 * Codecs: one per wire protocol, between it and the canonical request and events of
 * domain/completion.h. A codec does no I/O, reads no clock and keeps nothing between calls; a
 * decoder is fed bytes cut anywhere and tells events.
 *
 * A codec has two directions. As a client of a provider it encodes a request and decodes a stream:
 * these are the operations below. As a server for programs that speak the provider's protocol it
 * decodes a request and encodes a stream; the gateway that needs it will add beside them
 *
 *     decode_request(body, ret, err)           a client's body -> nf_completion_request
 *     encoder_new(request, ret, err)           state of one answer: ids, open blocks
 *     encode_event(encoder, event, to, err)    one canonical event -> bytes of the stream
 *     encode_answer(encoder, to, err)          the same events -> one JSON answer, not streamed
 *     encode_failure(failure, to, status)      a failure -> the protocol's error body and status
 *
 * and converts any protocol to any other by joining two codecs at the canonical events.
 */
#pragma once

#include "domain/completion.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How the protocol's requests look apart from their body. */
struct nf_llm_http {
    const char *chat_path, *models_path;    /* appended to the base URL, see nf_llm_url */
    const char *auth_header, *auth_prefix;  /* before the key: "Authorization", "Bearer " */
    const char *extra_header, *extra_value; /* always sent; NULL: none */
};

/* The model that a request is encoded for. */
struct nf_llm_target {
    const char *model;                     /* the provider's own name for it */
    int64_t context_tokens, output_tokens; /* 0: not known */
    bool compatible; /* not the protocol's inventor: keep to what everybody understands */
};

#define NF_LLM_REQUEST_MAX ((size_t)32 << 20) /* bytes of an encoded request without its tools */
#define NF_LLM_BODY_PIECES 3

/* An encoded request. What is made of the tools is made once per list and not copied: it belongs at
 * `tools_at` of the text. The zero value is empty. */
struct nf_llm_body {
    struct nf_str text;
    struct nf_slice tools; /* as long as the request holds its list */
    size_t tools_at;
};
void nf_llm_body_done(struct nf_llm_body *b);
/* The body in pieces, some of which may be empty. */
void nf_llm_body_pieces(const struct nf_llm_body *b, struct nf_slice ret[NF_LLM_BODY_PIECES]);

/* Gets every event of a decoder, in the order that domain/completion.h promises. An error it
 * returns is what feed or finish returns; then the decoder says nothing more. */
typedef enum nf_code (*nf_llm_event_fn)(void *arg, const struct nf_completion_event *e,
                                        struct nf_err *err);

struct nf_llm_codec;
struct nf_llm_decoder {
    const struct nf_llm_codec *codec;
};

struct nf_llm_codec {
    const char *name; /* "openai" */
    struct nf_llm_http http;
    bool is_sse; /* streams are server-sent events; else a JSON object per line */

    /* Make the JSON body of a streamed request in an empty *to. Text that a provider would refuse
     * although it means nothing (empty text blocks, thinking without its signature) is left out;
     * what cannot be expressed is NF_E_INVALID and names field and bound. max_tokens is cut to the
     * target's output_tokens. Also NF_E_LIMIT (over NF_LLM_REQUEST_MAX), NF_E_NOMEM. */
    enum nf_code (*encode)(const struct nf_completion_request *r, const struct nf_llm_target *t,
                           struct nf_llm_body *to, struct nf_err *err);

    /* `id_seed` makes up ids of tool calls where the provider gives none: unique ids need a seed
     * that differs from one answer to the next. */
    enum nf_code (*decoder_new)(nf_llm_event_fn fn, void *arg, uint64_t id_seed,
                                struct nf_llm_decoder **ret, struct nf_err *err);
    /* Take the next bytes. What is wrong with them is told as an ERROR event (NF_E_UNAVAILABLE,
     * kind "bad_stream") and is no failure of feed: that is only what `fn` returned, or
     * NF_E_NOMEM. Bytes after END or ERROR are ignored. */
    enum nf_code (*feed)(struct nf_llm_decoder *d, const char *p, size_t n, struct nf_err *err);
    /* The body ended. Without the stream's own terminal mark before it that is an ERROR event
     * (NF_E_UNAVAILABLE, kind "truncated"). */
    enum nf_code (*finish)(struct nf_llm_decoder *d, struct nf_err *err);
    bool (*ended)(const struct nf_llm_decoder *d); /* END or ERROR was told */
    void (*decoder_free)(struct nf_llm_decoder *d);
};

static inline NF_RC nf_llm_feed(struct nf_llm_decoder *d, const char *p, size_t n,
                                struct nf_err *err)
{
    return d->codec->feed(d, p, n, err);
}

static inline NF_RC nf_llm_finish(struct nf_llm_decoder *d, struct nf_err *err)
{
    return d->codec->finish(d, err);
}

static inline bool nf_llm_ended(const struct nf_llm_decoder *d)
{
    return d->codec->ended(d);
}

/* NULL is allowed. */
static inline void nf_llm_decoder_freep(struct nf_llm_decoder **d)
{
    if (*d)
        (*d)->codec->decoder_free(*d);
}

/* Append `base`/`path`. A base that ends with how the path begins ("https://host/v1" and
 * "/v1/messages") is taken to mean the same thing, since people write both. */
NF_RC nf_llm_url(const char *base, const char *path, struct nf_str *to, struct nf_err *err);
