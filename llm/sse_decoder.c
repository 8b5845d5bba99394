#include "llm/sse_decoder.h"

static struct nf_llm_sse_decoder *downcast(struct nf_llm_decoder *base)
{
    assert(base->codec->is_sse);
    return nf_container_of(base, struct nf_llm_sse_decoder, base);
}

/* An event like the one that was learned. */
static size_t repeated(void *arg, const char *p, size_t n, enum nf_code *rc, struct nf_err *err)
{
    struct nf_llm_sse_decoder *d = arg;
    struct nf_slice text;
    size_t taken = nf_llm_repeat_match(&d->repeat, p, n, &text);
    if (taken > 0)
        *rc = nf_llm_emit_plain(&d->out, d->repeat.type, text, err);
    return taken;
}

void nf_llm_sse_decoder_init(struct nf_llm_sse_decoder *d, const struct nf_llm_codec *codec,
                             nf_sse_fn on_event, void *of, nf_llm_event_fn fn, void *arg,
                             uint64_t id_seed)
{
    assert(of == d);
    d->base.codec = codec;
    nf_llm_emit_init(&d->out, fn, arg, id_seed);
    nf_sse_init(&d->sse, on_event, of);
    d->sse.known = repeated;
}

void nf_llm_sse_decoder_done(struct nf_llm_sse_decoder *d)
{
    nf_sse_done(&d->sse);
    nf_llm_repeat_done(&d->repeat);
    nf_llm_emit_done(&d->out);
}

enum nf_code nf_llm_sse_object(struct nf_llm_sse_decoder *d, const char *data, size_t n,
                               struct nf_json_doc **ret, struct nf_err *err)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    enum nf_code rc = nf_json_parse_piece(data, n, &doc, err);
    if (rc == NF_E_NOMEM)
        return rc;
    if (rc != NF_OK || nf_json_type(nf_json_root(doc)) != NF_JSON_OBJECT)
        return nf_llm_emit_broken(&d->out, "bad_stream", "an event that is no JSON object", err);
    *ret = nf_take(doc);
    return NF_OK;
}

enum nf_code nf_llm_sse_decoder_feed(struct nf_llm_decoder *base, const char *p, size_t n,
                                     struct nf_err *err)
{
    struct nf_llm_sse_decoder *d = downcast(base);
    if (d->out.ended)
        return NF_OK;
    enum nf_code rc = nf_sse_feed(&d->sse, p, n, err);
    if (rc == NF_E_LIMIT && !d->out.ended)
        return nf_llm_emit_broken(&d->out, "bad_stream", "an event over 8 MiB", err);
    return rc;
}

enum nf_code nf_llm_sse_decoder_finish(struct nf_llm_decoder *base, struct nf_err *err)
{
    return nf_llm_emit_broken(&downcast(base)->out, "truncated",
                              "the stream broke off before its end", err);
}

bool nf_llm_sse_decoder_ended(const struct nf_llm_decoder *base)
{
    return nf_container_of(base, const struct nf_llm_sse_decoder, base)->out.ended;
}
