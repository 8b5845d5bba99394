/* One model call of a turn: context, stream, reply. */
#include "application/context.h"
#include "application/offer_tools.h"
#include "application/turn.h"
#include "base/utf8.h"
#include "domain/reason.h"

#include <stdlib.h>
#include <string.h>

/* Ends a text that was cut at NF_REPLY_BYTES_MAX. */
static const char cut_mark[] = "\n\n[The answer is longer than 1 MiB. It was cut here.]";

#define OUTPUT_RESERVE 4096 /* positions kept for what is not text: see domain/run_event.h */

struct call {
    size_t at; /* its index in parts */
    struct nf_str args;
};

/* Collects a reply from its events. Text is shown as it comes, tool calls when the reply is whole,
 * so that the order is the one in which it is read back. */
struct reply {
    struct nf_model_sink sink;
    struct nf_turn *turn;
    struct nf_completion_request *request; /* until the answer begins: with its tools it is big */
    struct nf_str text;
    struct nf_parts parts;  /* thinking and tool calls */
    struct nf_str thinking; /* the text of the last part while it grows; the part owns it */
    struct call *call;      /* not here: it would lie on the stack for as long as a model talks */
    size_t calls;
    bool text_open;
    bool cut; /* the text is as long as it may be: the stream was ended */
    struct nf_tokens tokens;
    enum nf_stop_reason stop;
};

static void reply_done(struct reply *r)
{
    nf_str_done(&r->text);
    for (size_t i = 0; i < r->calls; i++)
        nf_str_done(&r->call[i].args);
    free(r->call);
    nf_parts_done(&r->parts);
}

static NF_RC add_text(struct reply *r, struct nf_slice text, struct nf_err *err)
{
    struct nf_turn *t = r->turn;
    if (t->cursor.pos + (int64_t)text.n > NF_RUN_POS_MAX - OUTPUT_RESERVE)
        return nf_err_set(err, NF_E_LIMIT, NF_REASON_ANSWER_TOO_LONG);
    NF_TRY(nf_str_add(&r->text, text.p, text.n, err));
    if (!r->text_open)
        nf_turn_show(t, &(struct nf_run_event){ .type = NF_RUN_TEXT_START });
    r->text_open = true;
    nf_turn_show(t, &(struct nf_run_event){ .type = NF_RUN_TEXT, .text = text });
    return NF_OK;
}

/* What fits, and why it ends: then the stream is ended, and what it said is the reply. */
static NF_RC on_text(struct reply *r, struct nf_slice text, struct nf_err *err)
{
    size_t room = NF_REPLY_BYTES_MAX - (sizeof(cut_mark) - 1) - r->text.len;
    if (text.n == 0)
        return NF_OK;
    if (text.n <= room)
        return add_text(r, text, err);
    text.n = nf_utf8_cut(text.p, text.n, room);
    if (text.n > 0)
        NF_TRY(add_text(r, text, err));
    NF_TRY(add_text(r, NF_SLICE(cut_mark), err));
    r->cut = true;
    return nf_err_set(err, NF_E_LIMIT, NF_REASON_ANSWER_CUT, NF_REPLY_BYTES_MAX);
}

/* Why it refused is told to the person, behind what it had said before. */
static NF_RC on_stop(struct reply *r, const struct nf_completion_event *e, struct nf_err *err)
{
    r->stop = e->stop;
    if (e->stop != NF_STOP_REFUSAL || !e->detail || !e->detail[0])
        return NF_OK;
    if (r->text.len > 0)
        NF_TRY(on_text(r, NF_SLICE("\n\n"), err));
    return on_text(r, nf_slice_of(e->detail), err);
}

/* The call, its step and its result must name each other alike: so what is too long is cut here. */
static NF_RC copy_cut(const char *text, size_t max, char **ret, struct nf_err *err)
{
    const char *from = text ? text : "";
    return nf_strndup(from, nf_utf8_cut(from, strlen(from), max), ret, err);
}

static NF_RC on_tool_start(struct reply *r, const struct nf_completion_event *e, struct nf_err *err)
{
    struct nf_part *p;
    if (r->calls == NF_TOOL_CALLS_MAX)
        return nf_err_set(err, NF_E_LIMIT, NF_REASON_TOO_MANY_CALLS, NF_TOOL_CALLS_MAX);
    struct call *grown = realloc(r->call, (r->calls + 1) * sizeof(*grown));
    if (!grown)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    r->call = grown;
    NF_TRY(nf_parts_add(&r->parts, NF_PART_TOOL_CALL, &p, err));
    r->call[r->calls++] = (struct call){ .at = r->parts.n - 1 };
    NF_TRY(copy_cut(e->id, NF_CALL_ID_MAX, &p->call_id, err));
    return copy_cut(e->name, NF_MODEL_NAME_MAX, &p->name, err);
}

static NF_RC on_thinking(struct reply *r, const struct nf_completion_event *e, struct nf_err *err)
{
    struct nf_part *last = r->parts.n ? &r->parts.v[r->parts.n - 1] : NULL;
    bool open = last && last->type == NF_PART_THINKING && !last->signature && !last->data;
    if (e->type == NF_EVENT_SIGNATURE)
        return open ? nf_strndup(e->text.p, e->text.n, &last->signature, err) : NF_OK;
    if (e->type == NF_EVENT_REDACTED || !open)
        NF_TRY(nf_parts_add(&r->parts, NF_PART_THINKING, &last, err));
    if (e->type == NF_EVENT_REDACTED)
        return nf_strndup(e->text.p, e->text.n, &last->data, err);

    if (!open)
        r->thinking = (struct nf_str){ 0 };
    enum nf_code rc = nf_str_add(&r->thinking, e->text.p, e->text.n, err);
    last->text = r->thinking.p;
    return rc;
}

static void drop_request(struct reply *r)
{
    if (!r->request)
        return;
    nf_completion_request_done(r->request);
    nf_completion_request_init(r->request);
    r->request = NULL;
}

static enum nf_code on_event(struct nf_model_sink *sink, const struct nf_completion_event *e,
                             struct nf_err *err)
{
    struct reply *r = nf_container_of(sink, struct reply, sink);
    switch (e->type) {
    case NF_EVENT_TEXT:
    case NF_EVENT_REFUSAL:
        return on_text(r, e->text, err);
    case NF_EVENT_THINKING:
    case NF_EVENT_SIGNATURE:
    case NF_EVENT_REDACTED:
        return on_thinking(r, e, err);
    case NF_EVENT_TOOL_START:
        return on_tool_start(r, e, err);
    case NF_EVENT_TOOL_ARGS:
        assert(e->index >= 0 && (size_t)e->index < r->calls);
        return nf_str_add(&r->call[e->index].args, e->text.p, e->text.n, err);
    case NF_EVENT_USAGE:
        r->tokens = e->tokens;
        return NF_OK;
    case NF_EVENT_STOP:
        return on_stop(r, e, err);
    case NF_EVENT_START:
        drop_request(r);
        return NF_OK;
    case NF_EVENT_TOOL_END:
    case NF_EVENT_ERROR:
    case NF_EVENT_END:
        return NF_OK;
    }
    return NF_OK;
}

/* The history and what this turn has said so far, as one borrowed list, whose memory is *own. */
static NF_RC conversation(const struct nf_turn *t, struct nf_messages *ret, struct nf_messages *own,
                          struct nf_err *err)
{
    size_t n = t->history.n + t->said.n;
    if (t->said.n == 0) {
        *ret = t->history;
        return NF_OK;
    }
    struct nf_message *v = malloc(n * sizeof(*v));
    if (!v)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    if (t->history.n)
        memcpy(v, t->history.v, t->history.n * sizeof(*v));
    if (t->said.n)
        memcpy(v + t->history.n, t->said.v, t->said.n * sizeof(*v));
    *ret = *own = (struct nf_messages){ .v = v, .n = n };
    return NF_OK;
}

static void free_list(struct nf_messages *m)
{
    free(m->v);
}

/* The session's model, or the default. */
static NF_RC find_model(const struct nf_turn *t, struct nf_model_info *ret, struct nf_err *err)
{
    const char *name = t->claim->model[0] ? t->claim->model : NULL;
    enum nf_code rc = nf_model_info(t->app->model, name, ret, err);
    if (rc == NF_E_NOT_FOUND && name)
        return nf_err_wrap(err, rc, "choose another model for this conversation");
    return rc;
}

static NF_RC name_model(const struct nf_turn *t, struct nf_completion_request *r,
                        struct nf_err *err)
{
    return t->claim->model[0] ? nf_strdup(t->claim->model, &r->model, err) : NF_OK;
}

static bool has_media(const struct nf_completion_request *r)
{
    for (size_t i = 0; i < r->messages_n; i++)
        for (size_t k = 0; k < r->messages[i].parts.n; k++)
            if (r->messages[i].parts.v[k].type == NF_PART_IMAGE ||
                r->messages[i].parts.v[k].type == NF_PART_DOCUMENT)
                return true;
    return false;
}

/* The request for the conversation so far, in `window` tokens. */
static NF_RC build_request(struct nf_turn *t, int64_t window, struct nf_completion_request *r,
                           struct nf_err *err)
{
    struct nf_app *a = t->app;
    struct nf_model_info info;
    struct nf_context_report report;
    NF_CLEANUP(free_list) struct nf_messages own = { 0 };
    struct nf_messages all;
    NF_CLEANUP(nf_str_done) struct nf_str summary = { 0 };

    NF_TRY(conversation(t, &all, &own, err));
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): free_list frees it */
    NF_TRY(find_model(t, &info, err));
    struct nf_context_input in = {
        .system = a->settings.system_prompt,
        .summary = "",
        .history = &all,
        .window_tokens = window ? window : info.context_tokens,
        .reply_tokens = a->settings.reply_tokens ? a->settings.reply_tokens : info.output_tokens,
        .no_media = t->media_refused,
    };
    NF_TRY(nf_offer_tools(a, t->claim, in.window_tokens, &r->tools, &in.tools_tokens, err));
    NF_TRY(nf_context_build(&in, r, &report, err));
    if (report.dropped == 0 || a->settings.summary_model[0] == '\0')
        return NF_OK;

    /* What fell out is told in brief. If that fails the context has shrunk all the same. */
    if (nf_turn_summarise(t, &all, report.dropped, &summary, err) != NF_OK)
        return NF_OK;
    in.summary = nf_str_c(&summary);
    nf_completion_request_done(r);
    nf_completion_request_init(r);
    NF_TRY(nf_offer_tools(a, t->claim, in.window_tokens, &r->tools, &in.tools_tokens, err));
    return nf_context_build(&in, r, NULL, err);
}

/* Whether it is worth to ask again, for less. */
static bool ask_less(struct nf_turn *t, enum nf_code rc, bool media, int *shrunk)
{
    if (rc == NF_E_INVALID && media && !t->media_refused) {
        t->media_refused = true;
        return true;
    }
    return rc == NF_E_LIMIT && (*shrunk)++ == 0;
}

/* Ask. If the provider finds the context too long although it should fit, shrink it and ask once
 * more: our count of tokens is an estimate. If it refuses a request that has files in it, it may
 * take it without them. */
static NF_RC stream(struct nf_turn *t, struct reply *reply, struct nf_model_outcome *out,
                    struct nf_err *err)
{
    struct nf_model_info info;

    NF_TRY(find_model(t, &info, err));
    for (int shrunk = 0;;) {
        NF_CLEANUP(nf_completion_request_done) struct nf_completion_request r;
        nf_completion_request_init(&r);
        NF_TRY(build_request(t, shrunk ? info.context_tokens / 2 : 0, &r, err));
        NF_TRY(name_model(t, &r, err));
        bool media = has_media(&r);
        reply->request = &r;
        enum nf_code rc = nf_model_complete(t->app->model, &r, &reply->sink, out, err);
        reply->request = NULL;
        if (reply->cut)
            return NF_OK;
        if (reply->text.len > 0 || reply->calls > 0 || !ask_less(t, rc, media, &shrunk))
            return rc;
    }
}

/* Give every call its arguments: "{}" where the model sent none. Of a reply that was cut nobody
 * knows whether they are whole. */
static NF_RC close_calls(struct reply *r, struct nf_err *err)
{
    if (r->cut) {
        for (size_t i = 0; i < r->calls; i++)
            nf_str_done(&r->call[i].args);
        r->calls = 0;
        nf_parts_done(&r->parts);
    }
    for (size_t i = 0; i < r->calls; i++) {
        const struct call *c = &r->call[i];
        const char *args = c->args.len ? nf_str_c(&c->args) : "{}";
        NF_TRY(nf_strdup(args, &r->parts.v[c->at].args, err));
    }
    return NF_OK;
}

/* Keep what was said, also of a reply that broke off: the person has seen it. */
static NF_RC keep_text(struct nf_turn *t, struct reply *r, struct nf_err *err)
{
    if (r->text_open)
        nf_turn_show(t, &(struct nf_run_event){ .type = NF_RUN_TEXT_END });
    if (r->text.len == 0)
        return NF_OK;
    return nf_turn_say(t, NF_ROLE_ASSISTANT, nf_str_c(&r->text), NULL, err);
}

static NF_RC said_nothing(const struct nf_turn *t, enum nf_stop_reason stop, struct nf_err *err)
{
    const char *model = t->model[0] ? t->model : "the model";

    if (stop == NF_STOP_MAX_TOKENS)
        return nf_err_set(err, NF_E_UNAVAILABLE, NF_REASON_OUTPUT_LIMIT, model);
    if (stop == NF_STOP_REFUSAL)
        return nf_err_set(err, NF_E_UNAVAILABLE, NF_REASON_REFUSED, model);
    if (stop == NF_STOP_CONTEXT)
        return nf_err_set(err, NF_E_UNAVAILABLE, NF_REASON_NO_ROOM, model);
    return nf_err_set(err, NF_E_UNAVAILABLE, NF_REASON_NO_ANSWER, model);
}

static NF_RC keep_reply(struct nf_turn *t, struct reply *r, struct nf_err *err)
{
    NF_TRY(close_calls(r, err));
    if (r->text.len > 0)
        NF_TRY(nf_parts_add_text(&t->step.reply, nf_str_c(&r->text), err));
    NF_TRY(nf_parts_append(&t->step.reply, &r->parts, err));
    NF_TRY(nf_turn_use(t, &t->step, err));
    t->over = r->calls == 0;
    if (t->over && r->text.len == 0)
        return said_nothing(t, r->stop, err);
    if (t->over)
        return keep_text(t, r, err);

    NF_CLEANUP(nf_parts_done) struct nf_parts all = { 0 };
    if (r->text_open)
        nf_turn_show(t, &(struct nf_run_event){ .type = NF_RUN_TEXT_END });
    NF_TRY(nf_parts_append(&all, &t->step.reply, err));
    NF_TRY(nf_turn_say(t, NF_ROLE_ASSISTANT, nf_str_c(&r->text), &all, err));
    nf_turn_show_calls(t, &r->parts);
    return NF_OK;
}

enum nf_code nf_turn_ask(struct nf_turn *t, struct nf_err *err)
{
    NF_CLEANUP(reply_done)
    struct reply r = { .sink.event = on_event,
                       .turn = t,
                       .text.max = NF_REPLY_BYTES_MAX + 1,
                       .tokens = { -1, -1, -1, -1 } };
    struct nf_model_outcome out = { 0 };
    struct nf_err ignored;
    int64_t begun = t->steps == 0 ? t->claim->step_id : 0;

    NF_TRY(nf_turn_step(t, NF_TASK_MODEL, "", begun, err));
    if (!begun)
        NF_TRY(nf_turn_write_begin(t, &t->step, err));
    if (!t->app->model)
        return nf_err_set(err, NF_E_UNAVAILABLE, NF_REASON_NO_MODEL);

    enum nf_code rc = stream(t, &r, &out, err);
    memcpy(t->model, out.model, sizeof(t->model));
    memcpy(t->step.name, out.model, sizeof(t->step.name));
    t->step.tokens = r.tokens;
    t->step.attempt = out.attempts > 0 ? out.attempts : 1;
    if (rc == NF_OK)
        rc = keep_reply(t, &r, err);
    else if (keep_text(t, &r, &ignored) != NF_OK && rc != NF_E_CANCELED)
        rc = NF_E_NOMEM; /* who stopped or parked the turn gets that, if need be without the text */
    if (rc == NF_OK)
        rc = nf_task_become(&t->step, NF_TASK_COMPLETED, nf_app_now(t->app), NULL, err);
    /* The last step is written down together with the answer. */
    if (rc == NF_OK && !t->over)
        rc = nf_turn_write_end(t, &t->step, err);
    return rc;
}
