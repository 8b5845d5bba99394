#include "llm/ollama_chat.h"

#include "base/own.h"
#include "codec/json.h"
#include "llm/emit.h"
#include "llm/ollama_encode.h"

#include <stdlib.h>
#include <string.h>

struct decoder {
    struct nf_llm_decoder base;
    struct nf_llm_emit out;
    struct nf_str line; /* the one that has not ended yet */
};

static struct decoder *of(struct nf_llm_decoder *d)
{
    assert(d->codec == &nf_ollama_chat);
    return nf_container_of(d, struct decoder, base);
}

/* A call comes whole, its arguments as an object. */
static NF_RC on_call(struct decoder *d, const struct nf_json *v, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str args = { .max = NF_OLLAMA_LINE_MAX };
    struct nf_json_out o;
    const struct nf_json *fn = nf_json_get(v, "function");
    const struct nf_json *given = nf_json_get(fn, "arguments");
    const char *name = nf_json_str(nf_json_get(fn, "name")), *text = nf_json_str(given);
    int index = -1;

    if (!name || name[0] == '\0')
        return nf_llm_emit_broken(&d->out, "bad_stream", "a tool call without a name", err);
    NF_TRY(nf_llm_emit_tool(&d->out, nf_json_str(nf_json_get(v, "id")), name, &index, err));
    if (index < 0)
        return NF_OK;
    if (nf_json_type(given) == NF_JSON_OBJECT) {
        nf_json_begin_doc(&o, &args);
        nf_json_out_value(&o, given);
        NF_TRY(nf_json_end_doc(&o, err));
        text = nf_str_c(&args);
    }
    if (text)
        NF_TRY(nf_llm_emit_args(&d->out, index, text, strlen(text), err));
    return nf_llm_emit_tool_end(&d->out, index, err);
}

static enum nf_stop_reason stop_of(const char *reason)
{
    return reason && strcmp(reason, "length") == 0 ? NF_STOP_MAX_TOKENS : NF_STOP_END;
}

/* prompt_eval_count has what prompt_eval_cached_count says was read from a cache (Ollama, pull
 * requests 16428 and 16916); `input` has not. */
static struct nf_tokens tokens_of(const struct nf_json *v)
{
    struct nf_tokens t = nf_tokens_sane((struct nf_tokens){
        .input = nf_json_i64(nf_json_get(v, "prompt_eval_count"), -1),
        .output = nf_json_i64(nf_json_get(v, "eval_count"), -1),
        .cache_read = nf_json_i64(nf_json_get(v, "prompt_eval_cached_count"), -1),
        .cache_write = -1,
    });
    if (t.input >= 0 && t.cache_read > 0)
        t.input = t.input > t.cache_read ? t.input - t.cache_read : 0;
    return t;
}

static NF_RC on_done(struct decoder *d, const struct nf_json *v, struct nf_err *err)
{
    struct nf_tokens t = tokens_of(v);
    if (t.input >= 0 || t.output >= 0)
        NF_TRY(nf_llm_emit_usage(&d->out, t, err));
    NF_TRY(
        nf_llm_emit_stop(&d->out, stop_of(nf_json_str(nf_json_get(v, "done_reason"))), NULL, err));
    return nf_llm_emit_end(&d->out, err);
}

static NF_RC on_object(struct decoder *d, const struct nf_json *v, struct nf_err *err)
{
    const struct nf_json *m = nf_json_get(v, "message");
    const struct nf_json *calls = nf_json_get(m, "tool_calls");

    if (nf_json_get(v, "error"))
        return nf_llm_emit_failure(&d->out, v, err);
    if (nf_json_type(m) != NF_JSON_OBJECT && nf_json_type(nf_json_get(v, "done")) != NF_JSON_BOOL)
        return nf_llm_emit_broken(&d->out, "bad_stream", "a line that is no part of an answer",
                                  err);
    NF_TRY(nf_llm_emit_start(&d->out, NULL, nf_json_str(nf_json_get(v, "model")), err));
    NF_TRY(nf_llm_emit_text(&d->out, NF_EVENT_THINKING, nf_json_get(m, "thinking"), err));
    NF_TRY(nf_llm_emit_text(&d->out, NF_EVENT_TEXT, nf_json_get(m, "content"), err));
    for (const struct nf_json *c = nf_json_first(calls); c; c = nf_json_next(c))
        NF_TRY(on_call(d, c, err));
    return nf_json_bool(nf_json_get(v, "done"), false) ? on_done(d, v, err) : NF_OK;
}

/* `cut`: the body ended without the line's end, so that what is no object is one that broke off. */
static NF_RC on_line(struct decoder *d, bool cut, struct nf_err *err)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    const char *line = nf_str_c(&d->line);

    if (d->out.ended || line[strspn(line, " \t\r\n")] == '\0')
        return NF_OK;
    enum nf_code rc = nf_json_parse_piece(line, d->line.len, &doc, err);
    if (rc == NF_E_NOMEM || (rc != NF_OK && cut))
        return rc == NF_E_NOMEM ? rc : NF_OK;
    if (rc != NF_OK || nf_json_type(nf_json_root(doc)) != NF_JSON_OBJECT)
        return nf_llm_emit_broken(&d->out, "bad_stream", "a line that is no JSON object", err);
    return on_object(d, nf_json_root(doc), err);
}

/* --- the codec -------------------------------------------------------------------------------- */

static enum nf_code decoder_new(nf_llm_event_fn fn, void *arg, uint64_t id_seed,
                                struct nf_llm_decoder **ret, struct nf_err *err)
{
    struct decoder *d = calloc(1, sizeof(*d));
    if (!d)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    d->base.codec = &nf_ollama_chat;
    d->line.max = NF_OLLAMA_LINE_MAX + 1;
    nf_llm_emit_init(&d->out, fn, arg, id_seed);
    *ret = &d->base;
    return NF_OK;
}

static enum nf_code feed(struct nf_llm_decoder *base, const char *p, size_t n, struct nf_err *err)
{
    struct decoder *d = of(base);
    while (n > 0 && !d->out.ended) {
        const char *end = memchr(p, '\n', n);
        size_t take = end ? (size_t)(end - p) : n;
        enum nf_code rc = nf_str_add(&d->line, p, take, err);
        if (rc == NF_E_LIMIT)
            return nf_llm_emit_broken(&d->out, "bad_stream", "a line over 8 MiB", err);
        NF_TRY(rc);
        if (!end)
            return NF_OK;
        rc = on_line(d, false, err);
        nf_str_reset(&d->line);
        NF_TRY(rc);
        p += take + 1;
        n -= take + 1;
    }
    return NF_OK;
}

static enum nf_code finish(struct nf_llm_decoder *base, struct nf_err *err)
{
    struct decoder *d = of(base);
    /* The last line needs no end of line, if it is a whole object. */
    enum nf_code rc = on_line(d, true, err);
    nf_str_reset(&d->line);
    NF_TRY(rc);
    return nf_llm_emit_broken(&d->out, "truncated", "the stream broke off before its end", err);
}

static bool ended(const struct nf_llm_decoder *base)
{
    return nf_container_of(base, const struct decoder, base)->out.ended;
}

static void decoder_free(struct nf_llm_decoder *base)
{
    struct decoder *d = of(base);
    nf_str_done(&d->line);
    nf_llm_emit_done(&d->out);
    free(d);
}

const struct nf_llm_codec nf_ollama_chat = {
    .name = "ollama",
    .http = { .chat_path = "/api/chat",
              .models_path = "/api/tags",
              .auth_header = "Authorization",
              .auth_prefix = "Bearer " },
    .is_sse = false,
    .encode = nf_ollama_encode,
    .decoder_new = decoder_new,
    .feed = feed,
    .finish = finish,
    .ended = ended,
    .decoder_free = decoder_free,
};
