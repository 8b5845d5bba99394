#include "llm/anthropic_messages.h"

#include "base/own.h"
#include "codec/json.h"
#include "llm/anthropic_encode.h"
#include "llm/sse_decoder.h"

#include <stdlib.h>
#include <string.h>

#define TOOL_BLOCKS_MAX NF_TOOL_CALLS_MAX

/* A block of type tool_use that is open. Other blocks need no state: their deltas name their type.
 */
struct tool_block {
    int64_t block; /* the provider's index */
    int index;     /* ours */
};

struct decoder {
    struct nf_llm_sse_decoder in;
    struct nf_tokens tokens;
    struct tool_block tools[TOOL_BLOCKS_MAX];
    size_t tools_n;
    struct nf_str signature; /* of the thinking block that is open */
};

static struct decoder *of(struct nf_llm_decoder *d)
{
    assert(d->codec == &nf_anthropic_messages);
    return nf_container_of(d, struct decoder, in.base);
}

/* --- usage and ends --------------------------------------------------------------------------- */

static void take_count(const struct nf_json *usage, const char *key, int64_t *to)
{
    int64_t v = nf_json_i64(nf_json_get(usage, key), -1);
    if (v >= 0)
        *to = v;
}

/* Counts are cumulative: what is there replaces what was, what is not there stays. */
static NF_RC on_usage(struct decoder *d, const struct nf_json *u, struct nf_err *err)
{
    if (nf_json_type(u) != NF_JSON_OBJECT)
        return NF_OK;
    take_count(u, "input_tokens", &d->tokens.input);
    take_count(u, "output_tokens", &d->tokens.output);
    take_count(u, "cache_read_input_tokens", &d->tokens.cache_read);
    take_count(u, "cache_creation_input_tokens", &d->tokens.cache_write);
    return nf_llm_emit_usage(&d->in.out, d->tokens, err);
}

static enum nf_stop_reason stop_of(const char *reason)
{
    static const struct {
        const char *name;
        enum nf_stop_reason stop;
    } reasons[] = {
        { "end_turn", NF_STOP_END },
        { "max_tokens", NF_STOP_MAX_TOKENS },
        { "stop_sequence", NF_STOP_SEQUENCE },
        { "tool_use", NF_STOP_TOOL_CALLS },
        { "pause_turn", NF_STOP_PAUSE },
        { "refusal", NF_STOP_REFUSAL },
        { "model_context_window_exceeded", NF_STOP_CONTEXT },
    };
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
        if (strcmp(reasons[i].name, reason) == 0)
            return reasons[i].stop;
    return NF_STOP_END;
}

static NF_RC on_message_start(struct decoder *d, const struct nf_json *v, struct nf_err *err)
{
    const struct nf_json *m = nf_json_get(v, "message");
    NF_TRY(nf_llm_emit_start(&d->in.out, nf_json_str(nf_json_get(m, "id")),
                             nf_json_str(nf_json_get(m, "model")), err));
    return on_usage(d, nf_json_get(m, "usage"), err);
}

static NF_RC on_message_delta(struct decoder *d, const struct nf_json *v, struct nf_err *err)
{
    const struct nf_json *delta = nf_json_get(v, "delta");
    const char *reason = nf_json_str(nf_json_get(delta, "stop_reason"));
    const char *sequence = nf_json_str(nf_json_get(delta, "stop_sequence"));
    const char *why = nf_json_str(nf_json_get(nf_json_get(delta, "stop_details"), "explanation"));
    if (reason)
        NF_TRY(nf_llm_emit_stop(&d->in.out, stop_of(reason),
                                stop_of(reason) == NF_STOP_REFUSAL ? why : sequence, err));
    return on_usage(d, nf_json_get(v, "usage"), err);
}

/* --- blocks ----------------------------------------------------------------------------------- */

static NF_RC flush_signature(struct decoder *d, struct nf_err *err)
{
    enum nf_code rc =
        nf_llm_emit_opaque(&d->in.out, NF_EVENT_SIGNATURE, nf_str_c(&d->signature), err);
    nf_str_reset(&d->signature);
    return rc;
}

static NF_RC add_signature(struct decoder *d, const char *text, struct nf_err *err)
{
    enum nf_code rc = text ? nf_str_adds(&d->signature, text, err) : NF_OK;
    if (rc == NF_E_LIMIT)
        return nf_llm_emit_broken(&d->in.out, "bad_stream", "a signature over 1 MiB", err);
    return rc;
}

static struct tool_block *find_tool(struct decoder *d, int64_t block)
{
    for (size_t i = 0; i < d->tools_n; i++)
        if (d->tools[i].block == block)
            return &d->tools[i];
    return NULL;
}

/* "input" is {} in a stream; a server that puts all of it here is understood too. */
static NF_RC on_input(struct decoder *d, int index, const struct nf_json *input, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { .max = NF_SSE_EVENT_MAX };
    struct nf_json_out o;
    if (nf_json_count(input) == 0)
        return NF_OK;
    nf_json_begin_doc(&o, &text);
    nf_json_out_value(&o, input);
    NF_TRY(nf_json_end_doc(&o, err));
    return nf_llm_emit_args(&d->in.out, index, text.p, text.len, err);
}

static NF_RC on_tool_start(struct decoder *d, int64_t block, const struct nf_json *v,
                           struct nf_err *err)
{
    const char *name = nf_json_str(nf_json_get(v, "name"));
    int index = -1;
    if (!name || name[0] == '\0')
        return nf_llm_emit_broken(&d->in.out, "bad_stream", "a tool call without a name", err);
    NF_TRY(nf_llm_emit_tool(&d->in.out, nf_json_str(nf_json_get(v, "id")), name, &index, err));
    if (index < 0)
        return NF_OK;
    assert(d->tools_n < TOOL_BLOCKS_MAX);
    d->tools[d->tools_n++] = (struct tool_block){ .block = block, .index = index };
    return on_input(d, index, nf_json_get(v, "input"), err);
}

/* Blocks of other types are tools that the provider runs itself, and things to come. */
static NF_RC on_block_start(struct decoder *d, const struct nf_json *v, struct nf_err *err)
{
    const struct nf_json *b = nf_json_get(v, "content_block");
    const char *type = nf_json_str(nf_json_get(b, "type"));
    if (!type)
        return NF_OK;
    if (strcmp(type, "text") == 0)
        return nf_llm_emit_text(&d->in.out, NF_EVENT_TEXT, nf_json_get(b, "text"), err);
    if (strcmp(type, "thinking") == 0) {
        NF_TRY(nf_llm_emit_text(&d->in.out, NF_EVENT_THINKING, nf_json_get(b, "thinking"), err));
        return add_signature(d, nf_json_str(nf_json_get(b, "signature")), err);
    }
    if (strcmp(type, "redacted_thinking") == 0)
        return nf_llm_emit_opaque(&d->in.out, NF_EVENT_REDACTED,
                                  nf_json_str(nf_json_get(b, "data")), err);
    if (strcmp(type, "tool_use") == 0)
        return on_tool_start(d, nf_json_i64(nf_json_get(v, "index"), -1), b, err);
    return NF_OK;
}

static NF_RC on_block_delta(struct decoder *d, const struct nf_json *v, struct nf_err *err)
{
    const struct nf_json *delta = nf_json_get(v, "delta");
    const char *type = nf_json_str(nf_json_get(delta, "type"));
    if (!type)
        return NF_OK;
    if (strcmp(type, "text_delta") == 0)
        return nf_llm_emit_text(&d->in.out, NF_EVENT_TEXT, nf_json_get(delta, "text"), err);
    if (strcmp(type, "thinking_delta") == 0)
        return nf_llm_emit_text(&d->in.out, NF_EVENT_THINKING, nf_json_get(delta, "thinking"), err);
    if (strcmp(type, "signature_delta") == 0)
        return add_signature(d, nf_json_str(nf_json_get(delta, "signature")), err);
    if (strcmp(type, "input_json_delta") == 0) {
        struct tool_block *t = find_tool(d, nf_json_i64(nf_json_get(v, "index"), -1));
        const char *json = nf_json_str(nf_json_get(delta, "partial_json"));
        if (t && json)
            return nf_llm_emit_args(&d->in.out, t->index, json, strlen(json), err);
    }
    return NF_OK;
}

static NF_RC on_block_stop(struct decoder *d, const struct nf_json *v, struct nf_err *err)
{
    struct tool_block *t = find_tool(d, nf_json_i64(nf_json_get(v, "index"), -1));
    NF_TRY(flush_signature(d, err));
    return t ? nf_llm_emit_tool_end(&d->in.out, t->index, err) : NF_OK;
}

/* --- events ----------------------------------------------------------------------------------- */

static NF_RC on_message_stop(struct decoder *d, struct nf_err *err)
{
    if (!d->in.out.started)
        return nf_llm_emit_broken(&d->in.out, "bad_stream", "the stream ended before it began",
                                  err);
    NF_TRY(flush_signature(d, err));
    return nf_llm_emit_end(&d->in.out, err);
}

static NF_RC on_object(struct decoder *d, const struct nf_json *v, struct nf_err *err)
{
    const char *type = nf_json_str(nf_json_get(v, "type"));
    if (!type)
        return nf_json_get(v, "error") ? nf_llm_emit_failure(&d->in.out, v, err) : NF_OK;
    if (strcmp(type, "content_block_delta") == 0)
        return on_block_delta(d, v, err);
    if (strcmp(type, "content_block_start") == 0)
        return on_block_start(d, v, err);
    if (strcmp(type, "content_block_stop") == 0)
        return on_block_stop(d, v, err);
    if (strcmp(type, "message_start") == 0)
        return on_message_start(d, v, err);
    if (strcmp(type, "message_delta") == 0)
        return on_message_delta(d, v, err);
    if (strcmp(type, "message_stop") == 0)
        return on_message_stop(d, err);
    if (strcmp(type, "error") == 0)
        return nf_llm_emit_failure(&d->in.out, v, err);
    return NF_OK;
}

/* Of an event in which there is nothing but a piece of the answer's text, that text; else NULL. */
static const struct nf_json *only_text(const struct nf_json *v)
{
    const struct nf_json *delta = nf_json_get(v, "delta");
    const char *type = nf_json_str(nf_json_get(v, "type"));
    const char *kind = nf_json_str(nf_json_get(delta, "type"));
    if (!type || strcmp(type, "content_block_delta") != 0 || !kind ||
        strcmp(kind, "text_delta") != 0)
        return NULL;
    return nf_json_get(delta, "text");
}

static enum nf_code on_event(void *arg, const char *event, const char *data, size_t n,
                             struct nf_err *err)
{
    struct decoder *d = arg;
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    (void)event;

    if (d->in.out.ended || n == 0)
        return NF_OK;
    NF_TRY(nf_llm_sse_object(&d->in, data, n, &doc, err));
    if (!doc)
        return NF_OK;
    nf_llm_repeat_learn(&d->in.repeat, doc, only_text(nf_json_root(doc)), NF_EVENT_TEXT, data, n);
    return on_object(d, nf_json_root(doc), err);
}

/* --- the codec -------------------------------------------------------------------------------- */

static enum nf_code decoder_new(nf_llm_event_fn fn, void *arg, uint64_t id_seed,
                                struct nf_llm_decoder **ret, struct nf_err *err)
{
    struct decoder *d = calloc(1, sizeof(*d));
    if (!d)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    d->tokens = (struct nf_tokens){ -1, -1, -1, -1 };
    nf_llm_sse_decoder_init(&d->in, &nf_anthropic_messages, on_event, d, fn, arg, id_seed);
    *ret = &d->in.base;
    return NF_OK;
}

static void decoder_free(struct nf_llm_decoder *base)
{
    struct decoder *d = of(base);
    nf_str_done(&d->signature);
    nf_llm_sse_decoder_done(&d->in);
    free(d);
}

const struct nf_llm_codec nf_anthropic_messages = {
    .name = "anthropic",
    .http = { .chat_path = "/v1/messages",
              .models_path = "/v1/models?limit=1000",
              .auth_header = "x-api-key",
              .auth_prefix = "",
              .extra_header = "anthropic-version",
              .extra_value = NF_ANTHROPIC_VERSION },
    .is_sse = true,
    .encode = nf_anthropic_encode,
    .decoder_new = decoder_new,
    .feed = nf_llm_sse_decoder_feed,
    .finish = nf_llm_sse_decoder_finish,
    .ended = nf_llm_sse_decoder_ended,
    .decoder_free = decoder_free,
};
