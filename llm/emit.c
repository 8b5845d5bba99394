#include "llm/emit.h"

#include "codec/json.h"
#include "llm/failure.h"

#include <stdio.h>
#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

void nf_llm_emit_init(struct nf_llm_emit *e, nf_llm_event_fn fn, void *arg, uint64_t id_seed)
{
    *e = (struct nf_llm_emit){ .fn = fn, .arg = arg, .id_seed = id_seed };
}

void nf_llm_emit_done(struct nf_llm_emit *e)
{
    nf_str_done(&e->detail);
}

/* A receiver that failed gets nothing more. */
static NF_RC tell(struct nf_llm_emit *e, const struct nf_completion_event *ev, struct nf_err *err)
{
    enum nf_code rc = e->fn(e->arg, ev, err);
    if (rc != NF_OK)
        e->ended = true;
    return rc;
}

static NF_RC begin(struct nf_llm_emit *e, struct nf_err *err)
{
    if (e->started)
        return NF_OK;
    e->started = true;
    return tell(e, &(struct nf_completion_event){ .type = NF_EVENT_START }, err);
}

enum nf_code nf_llm_emit_start(struct nf_llm_emit *e, const char *id, const char *model,
                               struct nf_err *err)
{
    if (e->ended || e->started)
        return NF_OK;
    e->started = true;
    return tell(
        e, &(struct nf_completion_event){ .type = NF_EVENT_START, .id = id, .model = model }, err);
}

static NF_RC tell_text(struct nf_llm_emit *e, enum nf_event_type type, const char *p, size_t n,
                       struct nf_err *err)
{
    if (n == 0)
        return NF_OK;
    NF_TRY(begin(e, err));
    e->thinking = type == NF_EVENT_THINKING;
    return tell(e, &(struct nf_completion_event){ .type = type, .text = { p, n } }, err);
}

/* The other half of the character will not come. */
static NF_RC settle(struct nf_llm_emit *e, struct nf_err *err)
{
    if (e->high == 0 || e->ended)
        return NF_OK;
    e->high = 0;
    return tell_text(e, e->high_type, REPLACEMENT, sizeof(REPLACEMENT) - 1, err);
}

static NF_RC join(struct nf_llm_emit *e, enum nf_event_type type, int low, struct nf_err *err)
{
    int code = 0x10000 + ((e->high - 0xd800) << 10) + (low - 0xdc00);
    const char text[4] = { (char)(0xf0 | code >> 18), (char)(0x80 | (code >> 12 & 0x3f)),
                           (char)(0x80 | (code >> 6 & 0x3f)), (char)(0x80 | (code & 0x3f)) };
    e->high = 0;
    return tell_text(e, type, text, sizeof(text), err);
}

enum nf_code nf_llm_emit_text(struct nf_llm_emit *e, enum nf_event_type type,
                              const struct nf_json *v, struct nf_err *err)
{
    const size_t half = sizeof(REPLACEMENT) - 1; /* what stands in the text for one */
    const char *text = nf_json_str(v);
    if (e->ended || !text || text[0] == '\0')
        return NF_OK;
    size_t n = strlen(text);
    int first = nf_json_first_half(v), last = nf_json_last_half(v);
    if (e->high != 0 && e->high_type == type && first >= 0xdc00) {
        NF_TRY(join(e, type, first, err));
        text += half;
        n -= half;
    }
    NF_TRY(settle(e, err));
    bool cut = n >= half && last >= 0xd800 && last < 0xdc00;
    NF_TRY(tell_text(e, type, text, cut ? n - half : n, err));
    if (cut) {
        e->high = last;
        e->high_type = type;
    }
    return NF_OK;
}

enum nf_code nf_llm_emit_plain(struct nf_llm_emit *e, enum nf_event_type type, struct nf_slice text,
                               struct nf_err *err)
{
    if (e->ended || text.n == 0)
        return NF_OK;
    NF_TRY(settle(e, err));
    return tell_text(e, type, text.p, text.n, err);
}

enum nf_code nf_llm_emit_opaque(struct nf_llm_emit *e, enum nf_event_type type, const char *text,
                                struct nf_err *err)
{
    if (e->ended || !text || text[0] == '\0')
        return NF_OK;
    NF_TRY(settle(e, err));
    NF_TRY(begin(e, err));
    if (type == NF_EVENT_SIGNATURE && !e->thinking)
        NF_TRY(tell(
            e, &(struct nf_completion_event){ .type = NF_EVENT_THINKING, .text = NF_SLICE("") },
            err));
    e->thinking = false;
    return tell(e, &(struct nf_completion_event){ .type = type, .text = nf_slice_of(text) }, err);
}

enum nf_code nf_llm_emit_tool(struct nf_llm_emit *e, const char *id, const char *name, int *index,
                              struct nf_err *err)
{
    char made_up[48];
    if (e->ended)
        return NF_OK;
    NF_TRY(settle(e, err));
    NF_TRY(begin(e, err));
    if (e->tools_n == NF_TOOL_CALLS_MAX) {
        (void)snprintf(made_up, sizeof(made_up), "over %d tool calls in one answer",
                       NF_TOOL_CALLS_MAX);
        return nf_llm_emit_broken(e, "bad_stream", made_up, err);
    }
    if (!id || id[0] == '\0') {
        (void)snprintf(made_up, sizeof(made_up), "call_%016llx_%d", (unsigned long long)e->id_seed,
                       e->tools_n);
        id = made_up;
    }
    *index = e->tools_n++;
    e->tools[*index] = (struct nf_llm_tool_state){ .open = true };
    e->thinking = false;
    return tell(e,
                &(struct nf_completion_event){
                    .type = NF_EVENT_TOOL_START, .index = *index, .id = id, .name = name },
                err);
}

enum nf_code nf_llm_emit_args(struct nf_llm_emit *e, int index, const char *text, size_t n,
                              struct nf_err *err)
{
    if (e->ended || n == 0)
        return NF_OK;
    NF_TRY(settle(e, err));
    assert(index >= 0 && index < e->tools_n);
    if (!e->tools[index].open)
        return NF_OK;
    e->tools[index].has_args = true;
    return tell(e,
                &(struct nf_completion_event){
                    .type = NF_EVENT_TOOL_ARGS, .index = index, .text = { text, n } },
                err);
}

enum nf_code nf_llm_emit_tool_end(struct nf_llm_emit *e, int index, struct nf_err *err)
{
    if (e->ended)
        return NF_OK;
    assert(index >= 0 && index < e->tools_n);
    if (!e->tools[index].open)
        return NF_OK;
    if (!e->tools[index].has_args)
        NF_TRY(nf_llm_emit_args(e, index, "{}", 2, err));
    e->tools[index].open = false;
    return tell(e, &(struct nf_completion_event){ .type = NF_EVENT_TOOL_END, .index = index }, err);
}

enum nf_code nf_llm_emit_usage(struct nf_llm_emit *e, struct nf_tokens t, struct nf_err *err)
{
    t = nf_tokens_sane(t);
    if (e->ended || (e->has_tokens && memcmp(&t, &e->tokens, sizeof(t)) == 0))
        return NF_OK;
    NF_TRY(begin(e, err));
    e->tokens = t;
    e->has_tokens = true;
    return tell(e, &(struct nf_completion_event){ .type = NF_EVENT_USAGE, .tokens = t }, err);
}

enum nf_code nf_llm_emit_stop(struct nf_llm_emit *e, enum nf_stop_reason stop, const char *detail,
                              struct nf_err *err)
{
    e->stop = stop;
    nf_str_reset(&e->detail);
    return detail ? nf_str_adds(&e->detail, detail, err) : NF_OK;
}

enum nf_code nf_llm_emit_end(struct nf_llm_emit *e, struct nf_err *err)
{
    if (e->ended)
        return NF_OK;
    NF_TRY(settle(e, err));
    NF_TRY(begin(e, err));
    for (int i = 0; i < e->tools_n; i++)
        NF_TRY(nf_llm_emit_tool_end(e, i, err));

    enum nf_stop_reason stop = e->stop == NF_STOP_NONE ? NF_STOP_END : e->stop;
    if (stop == NF_STOP_END && e->tools_n > 0)
        stop = NF_STOP_TOOL_CALLS;
    const char *detail = e->detail.len > 0 ? nf_str_c(&e->detail) : NULL;
    NF_TRY(tell(
        e, &(struct nf_completion_event){ .type = NF_EVENT_STOP, .stop = stop, .detail = detail },
        err));
    enum nf_code rc = tell(e, &(struct nf_completion_event){ .type = NF_EVENT_END }, err);
    e->ended = true;
    return rc;
}

static NF_RC tell_failure(struct nf_llm_emit *e, const struct nf_llm_failure *f, struct nf_err *err)
{
    if (e->ended)
        return NF_OK;
    NF_TRY(settle(e, err));
    NF_TRY(begin(e, err));
    enum nf_code rc = tell(e,
                           &(struct nf_completion_event){ .type = NF_EVENT_ERROR,
                                                          .code = f->code,
                                                          .status = f->status,
                                                          .kind = f->kind,
                                                          .text = nf_slice_of(f->detail),
                                                          .retry_after_ms = f->retry_after_ms },
                           err);
    e->ended = true;
    return rc;
}

enum nf_code nf_llm_emit_failure(struct nf_llm_emit *e, const struct nf_json *v, struct nf_err *err)
{
    struct nf_llm_failure f;
    nf_llm_failure_of_json(v, 0, &f);
    return tell_failure(e, &f, err);
}

enum nf_code nf_llm_emit_broken(struct nf_llm_emit *e, const char *kind, const char *text,
                                struct nf_err *err)
{
    struct nf_llm_failure f = { .code = NF_E_UNAVAILABLE };
    (void)snprintf(f.kind, sizeof(f.kind), "%s", kind);
    (void)snprintf(f.detail, sizeof(f.detail), "%s", text);
    return tell_failure(e, &f, err);
}
