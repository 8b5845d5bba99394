#include "llm/openai_chat.h"

#include "base/own.h"
#include "codec/json.h"
#include "llm/openai_encode.h"
#include "llm/sse_decoder.h"

#include <stdlib.h>
#include <string.h>

/* A call being put together. It is told as soon as its name is known. */
struct call {
    bool used;
    int64_t key;            /* the provider's index */
    int index;              /* ours, -1 until told */
    struct nf_str id, args; /* args: what came before the name */
};

struct decoder {
    struct nf_llm_sse_decoder in;
    struct call *calls; /* NF_TOOL_CALLS_MAX of them; NULL until there is one */
    int last;           /* the call that was added to last, -1: none */
};

static struct decoder *of(struct nf_llm_decoder *d)
{
    assert(d->codec == &nf_openai_chat);
    return nf_container_of(d, struct decoder, in.base);
}

/* --- tool calls ------------------------------------------------------------------------------- */

static int find_call(const struct decoder *d, int64_t key)
{
    /* The newest of that index: some servers give the same one to every call. */
    for (int i = d->calls ? NF_TOOL_CALLS_MAX : 0; i-- > 0;)
        if (d->calls[i].used && d->calls[i].key == key)
            return i;
    return -1;
}

/* The call that a fragment belongs to, a new one if need be; -1: there are too many. */
static NF_RC call_for(struct decoder *d, const struct nf_json *v, int *ret, struct nf_err *err)
{
    const char *id = nf_json_str(nf_json_get(v, "id"));
    const char *name = nf_json_str(nf_json_get(nf_json_get(v, "function"), "name"));
    int64_t key = nf_json_i64(nf_json_get(v, "index"), -1);
    int at = key >= 0 ? find_call(d, key) : d->last;
    bool has_id = id && id[0];
    bool other = at >= 0 && has_id && name && name[0] &&
                 strcmp(nf_str_c(&d->calls[at].id), id) != 0 && d->calls[at].id.len > 0;

    if (!d->calls && !(d->calls = calloc(NF_TOOL_CALLS_MAX, sizeof(*d->calls))))
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    if (at < 0 || other || (key < 0 && name && name[0] && !has_id)) {
        for (at = 0; at < NF_TOOL_CALLS_MAX && d->calls[at].used;)
            at++;
        if (at == NF_TOOL_CALLS_MAX) {
            *ret = -1;
            return nf_llm_emit_broken(&d->in.out, "bad_stream", "too many tool calls in one answer",
                                      err);
        }
        d->calls[at].used = true;
        d->calls[at].key = key;
        d->calls[at].index = -1;
    }
    if (has_id && d->calls[at].id.len == 0)
        NF_TRY(nf_str_adds(&d->calls[at].id, id, err));
    d->last = at;
    *ret = at;
    return NF_OK;
}

static NF_RC add_args(struct decoder *d, struct call *c, const char *p, size_t n,
                      struct nf_err *err)
{
    if (c->index >= 0)
        return nf_llm_emit_args(&d->in.out, c->index, p, n, err);
    enum nf_code rc = nf_str_add(&c->args, p, n, err);
    if (rc == NF_E_LIMIT)
        return nf_llm_emit_broken(&d->in.out, "bad_stream", "a tool call without a name", err);
    return rc;
}

static NF_RC on_args(struct decoder *d, struct call *c, const struct nf_json *v, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { .max = NF_SSE_EVENT_MAX };
    struct nf_json_out o;
    const char *s = nf_json_str(v);
    if (s)
        return s[0] ? add_args(d, c, s, strlen(s), err) : NF_OK;
    if (nf_json_type(v) != NF_JSON_OBJECT)
        return NF_OK;
    nf_json_begin_doc(&o, &text);
    nf_json_out_value(&o, v);
    NF_TRY(nf_json_end_doc(&o, err));
    return add_args(d, c, text.p, text.len, err);
}

/* Not inlined: the stack of a turn is to be short where text comes by. */
__attribute__((noinline)) static NF_RC on_call(struct decoder *d, const struct nf_json *v,
                                               struct nf_err *err)
{
    int at = -1;
    const struct nf_json *fn = nf_json_get(v, "function");
    const char *name = nf_json_str(nf_json_get(fn, "name"));

    NF_TRY(call_for(d, v, &at, err));
    if (at < 0)
        return NF_OK;
    struct call *c = &d->calls[at];
    if (c->index < 0 && name && name[0]) {
        NF_TRY(nf_llm_emit_tool(&d->in.out, nf_str_c(&c->id), name, &c->index, err));
        if (c->index >= 0 && c->args.len > 0)
            NF_TRY(nf_llm_emit_args(&d->in.out, c->index, c->args.p, c->args.len, err));
    }
    return on_args(d, c, nf_json_get(fn, "arguments"), err);
}

/* --- chunks ----------------------------------------------------------------------------------- */

/* Text as a string or as a list of parts, of which some are thinking. */
static NF_RC on_content(struct decoder *d, const struct nf_json *v, enum nf_event_type type,
                        struct nf_err *err)
{
    if (nf_json_type(v) != NF_JSON_ARRAY)
        return nf_llm_emit_text(&d->in.out, type, v, err);
    for (const struct nf_json *p = nf_json_first(v); p; p = nf_json_next(p)) {
        const struct nf_json *thinking = nf_json_get(p, "thinking");
        NF_TRY(nf_llm_emit_text(&d->in.out, type, nf_json_get(p, "text"), err));
        for (const struct nf_json *t = nf_json_first(thinking); t; t = nf_json_next(t))
            NF_TRY(nf_llm_emit_text(&d->in.out, NF_EVENT_THINKING, nf_json_get(t, "text"), err));
    }
    return NF_OK;
}

/* Thinking before text before calls, since a chunk may hold all of them. */
static NF_RC on_delta(struct decoder *d, const struct nf_json *v, struct nf_err *err)
{
    const struct nf_json *thought = nf_json_get(v, "reasoning_content");
    const char *text = nf_json_str(thought);
    if (!text || text[0] == '\0')
        thought = nf_json_get(v, "reasoning");
    NF_TRY(nf_llm_emit_text(&d->in.out, NF_EVENT_THINKING, thought, err));
    NF_TRY(on_content(d, nf_json_get(v, "content"), NF_EVENT_TEXT, err));
    NF_TRY(nf_llm_emit_text(&d->in.out, NF_EVENT_REFUSAL, nf_json_get(v, "refusal"), err));
    const struct nf_json *calls = nf_json_get(v, "tool_calls");
    for (const struct nf_json *c = nf_json_first(calls); c; c = nf_json_next(c))
        NF_TRY(on_call(d, c, err));
    return NF_OK;
}

static enum nf_stop_reason stop_of(const char *reason)
{
    if (strcmp(reason, "length") == 0)
        return NF_STOP_MAX_TOKENS;
    if (strcmp(reason, "content_filter") == 0)
        return NF_STOP_REFUSAL;
    if (strcmp(reason, "tool_calls") == 0 || strcmp(reason, "function_call") == 0)
        return NF_STOP_TOOL_CALLS;
    return NF_STOP_END;
}

/* prompt_tokens counts what came from or went to a cache too; `input` does not. */
static struct nf_tokens tokens_of(const struct nf_json *u)
{
    const struct nf_json *d = nf_json_get(u, "prompt_tokens_details");
    struct nf_tokens t = {
        .input = nf_json_i64(nf_json_get(u, "prompt_tokens"), -1),
        .output = nf_json_i64(nf_json_get(u, "completion_tokens"), -1),
        .cache_read = nf_json_i64(nf_json_get(d, "cached_tokens"), -1),
        .cache_write = nf_json_i64(nf_json_get(d, "cache_creation_tokens"), -1),
    };
    if (t.cache_read < 0)
        t.cache_read = nf_json_i64(nf_json_get(u, "prompt_cache_hit_tokens"), -1);
    if (t.cache_write < 0)
        t.cache_write = nf_json_i64(nf_json_get(d, "cache_write_tokens"), -1);
    t = nf_tokens_sane(t);
    if (t.input >= 0) {
        t.input -= t.cache_read > 0 ? t.cache_read : 0;
        t.input -= t.cache_write > 0 ? t.cache_write : 0;
        t.input = t.input < 0 ? 0 : t.input;
    }
    return t;
}

static NF_RC on_chunk(struct decoder *d, const struct nf_json *v, struct nf_err *err)
{
    const struct nf_json *error = nf_json_get(v, "error");
    const char *object = nf_json_str(nf_json_get(v, "object"));
    if (nf_json_type(error) == NF_JSON_OBJECT || nf_json_str(error) ||
        (object && strcmp(object, "error") == 0))
        return nf_llm_emit_failure(&d->in.out, v, err);

    const struct nf_json *choice = nf_json_first(nf_json_get(v, "choices"));
    if (choice || nf_json_str(nf_json_get(v, "id")))
        NF_TRY(nf_llm_emit_start(&d->in.out, nf_json_str(nf_json_get(v, "id")),
                                 nf_json_str(nf_json_get(v, "model")), err));
    if (nf_json_i64(nf_json_get(choice, "index"), 0) == 0) {
        const char *reason = nf_json_str(nf_json_get(choice, "finish_reason"));
        NF_TRY(on_delta(d, nf_json_get(choice, "delta"), err));
        if (reason && strcmp(reason, "error") == 0)
            return nf_llm_emit_failure(&d->in.out, choice, err);
        if (reason && reason[0])
            NF_TRY(nf_llm_emit_stop(&d->in.out, stop_of(reason), NULL, err));
    }
    const struct nf_json *usage = nf_json_get(v, "usage");
    if (nf_json_type(usage) == NF_JSON_OBJECT)
        NF_TRY(nf_llm_emit_usage(&d->in.out, tokens_of(usage), err));
    return NF_OK;
}

static bool says(const struct nf_json *v)
{
    const char *text = nf_json_str(v);
    return text && text[0] != '\0';
}

/* Of a chunk in which there is nothing but a piece of the answer's text, that text; else NULL. */
static const struct nf_json *only_text(const struct nf_json *v)
{
    static const char *const others[] = { "reasoning_content", "reasoning", "refusal",
                                          "tool_calls" };
    const struct nf_json *choices = nf_json_get(v, "choices"), *choice = nf_json_first(choices);
    const struct nf_json *delta = nf_json_get(choice, "delta");
    if (says(nf_json_get(choice, "finish_reason")) ||
        nf_json_type(nf_json_get(v, "usage")) == NF_JSON_OBJECT ||
        nf_json_i64(nf_json_get(choice, "index"), 0) != 0)
        return NULL;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        const struct nf_json *other = nf_json_get(delta, others[i]);
        if (other && nf_json_type(other) != NF_JSON_NULL)
            return NULL;
    }
    return nf_json_get(delta, "content");
}

static NF_RC on_done(struct decoder *d, struct nf_err *err)
{
    for (int i = 0; d->calls && i < NF_TOOL_CALLS_MAX; i++)
        if (d->calls[i].used && d->calls[i].index < 0)
            return nf_llm_emit_broken(&d->in.out, "bad_stream", "a tool call without a name", err);
    if (!d->in.out.started)
        return nf_llm_emit_broken(&d->in.out, "bad_stream", "the stream ended before it began",
                                  err);
    return nf_llm_emit_end(&d->in.out, err);
}

static enum nf_code on_event(void *arg, const char *event, const char *data, size_t n,
                             struct nf_err *err)
{
    struct decoder *d = arg;
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    (void)event;

    if (d->in.out.ended || n == 0)
        return NF_OK;
    if (nf_slice_eq(nf_slice_trim((struct nf_slice){ data, n }), "[DONE]"))
        return on_done(d, err);
    NF_TRY(nf_llm_sse_object(&d->in, data, n, &doc, err));
    if (!doc)
        return NF_OK;
    nf_llm_repeat_learn(&d->in.repeat, doc, only_text(nf_json_root(doc)), NF_EVENT_TEXT, data, n);
    return on_chunk(d, nf_json_root(doc), err);
}

/* --- the codec -------------------------------------------------------------------------------- */

static enum nf_code decoder_new(nf_llm_event_fn fn, void *arg, uint64_t id_seed,
                                struct nf_llm_decoder **ret, struct nf_err *err)
{
    struct decoder *d = calloc(1, sizeof(*d));
    if (!d)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    d->last = -1;
    nf_llm_sse_decoder_init(&d->in, &nf_openai_chat, on_event, d, fn, arg, id_seed);
    *ret = &d->in.base;
    return NF_OK;
}

static void decoder_free(struct nf_llm_decoder *base)
{
    struct decoder *d = of(base);
    for (int i = 0; d->calls && i < NF_TOOL_CALLS_MAX; i++) {
        nf_str_done(&d->calls[i].id);
        nf_str_done(&d->calls[i].args);
    }
    free(d->calls);
    nf_llm_sse_decoder_done(&d->in);
    free(d);
}

const struct nf_llm_codec nf_openai_chat = {
    .name = "openai",
    .http = { .chat_path = "/chat/completions",
              .models_path = "/models",
              .auth_header = "Authorization",
              .auth_prefix = "Bearer " },
    .is_sse = true,
    .encode = nf_openai_encode,
    .decoder_new = decoder_new,
    .feed = nf_llm_sse_decoder_feed,
    .finish = nf_llm_sse_decoder_finish,
    .ended = nf_llm_sse_decoder_ended,
    .decoder_free = decoder_free,
};
