#include "llm/attempt.h"

#include "base/own.h"
#include "domain/reason.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define RETRY_UNTOLD_MS 60000 /* to wait where a provider does not say how long */
#define NAME_KEPT_MAX 512     /* bytes of an answer's id and model */
#define SLACK_MS 20           /* by how much a wait may end early and still have been ours */
#define DRAIN_MS 20           /* waited for the end of the body after the end of the answer */
#define TEXT_HELD_MAX 16384   /* bytes of text passed on at once, unless a piece is longer */
#define TEXT_KEPT_MAX 256     /* bytes: a bigger buffer is freed when it is empty */

struct attempt {
    struct nf_llm_attempt *out;
    struct nf_llm_wire *w;
    const struct nf_llm_route *t;
    struct nf_model_sink *sink;
    struct nf_str id, model; /* of START */
    struct nf_str text;      /* of the read at hand, not passed on yet */
    bool has_tokens, ended;
    int64_t begun_ms;
};

static void attempt_done(struct attempt *a)
{
    nf_str_done(&a->id);
    nf_str_done(&a->model);
    nf_str_done(&a->text);
}

/* --- messages for a person -------------------------------------------------------------------- */

static NF_RC explain_denied(const struct nf_llm_route *t, const struct nf_llm_failure *f,
                            struct nf_err *err)
{
    if (f->status == 401 || (f->status == 403 && f->detail[0] == '\0'))
        return nf_err_set(err, NF_E_DENIED, NF_REASON_KEY_REFUSED, t->name, f->status, t->provider);
    if (f->status == 403)
        return nf_err_set(err, NF_E_DENIED, NF_REASON_NOT_ALLOWED, t->name, f->detail);
    return nf_err_set(err, NF_E_DENIED, NF_REASON_NO_CREDIT, t->name, t->provider, f->status);
}

static NF_RC explain_unavailable(const struct nf_llm_route *t, const struct nf_llm_failure *f,
                                 struct nf_err *err)
{
    const char *colon = f->detail[0] ? ": " : "";
    int64_t wait_ms = f->retry_after_ms > 0 ? f->retry_after_ms : RETRY_UNTOLD_MS;
    if (f->status == 429)
        return nf_err_set(err, NF_E_UNAVAILABLE, NF_REASON_RATE_LIMITED, t->name,
                          (long long)(wait_ms + 999) / 1000);
    if (f->status >= 400)
        return nf_err_set(err, NF_E_UNAVAILABLE, NF_REASON_MODEL_DOWN, t->name, f->status, colon,
                          f->detail);
    if (f->status > 0)
        return nf_err_set(err, NF_E_UNAVAILABLE, NF_REASON_NOT_A_STREAM, t->name, f->status, colon,
                          f->detail, t->provider);
    if (strcmp(f->kind, "truncated") == 0)
        return nf_err_set(err, NF_E_UNAVAILABLE, NF_REASON_BROKE_OFF, t->name);
    if (strcmp(f->kind, "bad_stream") == 0)
        return nf_err_set(err, NF_E_UNAVAILABLE, NF_REASON_BAD_ANSWER, t->name, f->detail,
                          t->provider);
    if (strcmp(f->kind, "unreachable") == 0)
        return nf_err_set(err, NF_E_UNAVAILABLE, NF_REASON_UNREACHABLE, t->name, f->detail,
                          t->provider);
    return nf_err_set(err, NF_E_UNAVAILABLE, NF_REASON_FAILED, t->name,
                      f->detail[0] ? f->detail : "it did not say why");
}

enum nf_code nf_llm_explain(const struct nf_llm_route *t, const struct nf_llm_failure *f,
                            struct nf_err *err)
{
    const char *colon = f->detail[0] ? ": " : "";
    switch (f->code) {
    case NF_E_DENIED:
        return explain_denied(t, f, err);
    case NF_E_NOT_FOUND:
        return nf_err_set(err, f->code, NF_REASON_NO_SUCH_MODEL, t->name, t->provider, 404, colon,
                          f->detail);
    case NF_E_LIMIT:
        return nf_err_set(err, f->code, NF_REASON_TOO_LONG, t->name, f->status, colon, f->detail);
    case NF_E_INVALID:
        return nf_err_set(err, f->code, NF_REASON_BAD_REQUEST, t->name, f->status, colon,
                          f->detail);
    case NF_E_TIMEOUT:
        return nf_err_set(err, f->code, NF_REASON_SILENT, t->name, f->detail);
    default:
        return explain_unavailable(t, f, err);
    }
}

static NF_RC fail(struct attempt *a, struct nf_err *err)
{
    a->out->failed = true;
    return nf_llm_explain(a->t, &a->out->failure, err);
}

static NF_RC fail_with(struct attempt *a, enum nf_code code, const char *kind, const char *detail,
                       bool retry, struct nf_err *err)
{
    struct nf_llm_failure *f = &a->out->failure;
    *f = (struct nf_llm_failure){ .code = code, .retry = retry, .next = true };
    (void)snprintf(f->kind, sizeof(f->kind), "%s", kind);
    (void)snprintf(f->detail, sizeof(f->detail), "%s", detail);
    return fail(a, err);
}

/* --- events ----------------------------------------------------------------------------------- */

/* Names that are no names are left out: nothing depends on them. */
static NF_RC keep_text(struct nf_str *to, const char *text, struct nf_err *err)
{
    return text && strlen(text) <= NAME_KEPT_MAX ? nf_str_set(to, text, err) : NF_OK;
}

/* The first thing to show: what was held back comes before it. */
static NF_RC show_first(struct attempt *a, struct nf_err *err)
{
    a->out->shown = true;
    a->out->first_token_ms = a->w->ops->mono_ms(a->w) - a->begun_ms;
    struct nf_completion_event start = { .type = NF_EVENT_START,
                                         .id = a->id.p,
                                         .model = a->model.p };
    NF_TRY(a->sink->event(a->sink, &start, err));
    struct nf_completion_event usage = { .type = NF_EVENT_USAGE, .tokens = a->out->tokens };
    return a->has_tokens ? a->sink->event(a->sink, &usage, err) : NF_OK;
}

static NF_RC show(struct attempt *a, struct nf_err *err)
{
    return a->out->shown ? NF_OK : show_first(a, err);
}

static void note_error(struct attempt *a, const struct nf_completion_event *e)
{
    struct nf_llm_failure *f = &a->out->failure;
    *f = (struct nf_llm_failure){ .status = e->status, .retry_after_ms = e->retry_after_ms };
    (void)snprintf(f->kind, sizeof(f->kind), "%s", e->kind ? e->kind : "");
    (void)snprintf(f->detail, sizeof(f->detail), "%.*s", (int)e->text.n, e->text.p);
    nf_llm_failure_classify(f);
    nf_llm_failure_censor(f, nf_secret_reveal(&a->t->key));
    a->out->failed = true;
}

/* Pass on the text that has come. */
static NF_RC flush(struct attempt *a, struct nf_err *err)
{
    struct nf_completion_event e = { .type = NF_EVENT_TEXT, .text = { a->text.p, a->text.len } };
    if (a->text.len == 0)
        return NF_OK;
    enum nf_code rc = a->sink->event(a->sink, &e, err);
    if (a->text.cap > TEXT_KEPT_MAX)
        nf_str_done(&a->text);
    else
        nf_str_reset(&a->text);
    return rc;
}

/* What came in one read is passed on as one text, however many pieces the model made of it: each
 * piece costs a frame, and positions in a text count bytes. */
static NF_RC hold(struct attempt *a, const struct nf_completion_event *e, struct nf_err *err)
{
    if (a->text.len + e->text.n > TEXT_HELD_MAX)
        NF_TRY(flush(a, err));
    if (e->text.n > TEXT_HELD_MAX)
        return a->sink->event(a->sink, e, err);
    return nf_str_add(&a->text, e->text.p, e->text.n, err);
}

static enum nf_code on_event(void *arg, const struct nf_completion_event *e, struct nf_err *err)
{
    struct attempt *a = arg;
    if (e->type == NF_EVENT_TEXT) {
        NF_TRY(show(a, err));
        return hold(a, e, err);
    }
    NF_TRY(flush(a, err));
    switch (e->type) {
    case NF_EVENT_START:
        NF_TRY(keep_text(&a->id, e->id, err));
        return keep_text(&a->model, e->model, err);
    case NF_EVENT_USAGE:
        a->out->tokens = e->tokens;
        a->has_tokens = true;
        return a->out->shown ? a->sink->event(a->sink, e, err) : NF_OK;
    case NF_EVENT_ERROR:
        note_error(a, e);
        return NF_OK;
    default:
        NF_TRY(show(a, err));
        a->ended = a->ended || e->type == NF_EVENT_END;
        return a->sink->event(a->sink, e, err);
    }
}

/* --- time ------------------------------------------------------------------------------------- */

static int64_t least(int64_t x, int64_t y)
{
    return x < y ? x : y;
}

struct patience {
    int64_t ms; /* how long the next wait may be */
    const char *setting;
    int64_t setting_ms; /* what has run out when it has */
};

static struct patience patience(const struct attempt *a, int64_t elapsed)
{
    const struct nf_llm_route *t = a->t;
    int64_t total = t->total_timeout_ms - elapsed;
    int64_t next = a->out->shown ? t->idle_timeout_ms : t->first_token_timeout_ms - elapsed;
    if (total <= next)
        return (struct patience){ total, "total_timeout", t->total_timeout_ms };
    if (!a->out->shown)
        return (struct patience){ next, "first_token_timeout", t->first_token_timeout_ms };
    return (struct patience){ next, "idle_timeout", t->idle_timeout_ms };
}

__attribute__((noinline)) static NF_RC out_of_patience(struct attempt *a, const struct patience *p,
                                                       struct nf_err *err)
{
    char what[64];
    (void)snprintf(what, sizeof(what), "%s %lld s", p->setting, (long long)p->setting_ms / 1000);
    return fail_with(a, NF_E_TIMEOUT, "timeout", what, false, err);
}

/* A wait of ours failed: is that this model's fault? Not inlined, as its neighbours: their
 * frames would lie on the stack for as long as the model talks. */
__attribute__((noinline)) static NF_RC wait_failed(struct attempt *a, enum nf_code rc,
                                                   int64_t waited, const struct patience *limit,
                                                   struct nf_err *err)
{
    if (a->w->ops->cancelled(a->w) != NF_OK)
        return rc;
    if (rc == NF_E_TIMEOUT && waited + SLACK_MS >= limit->ms)
        return out_of_patience(a, limit, err);
    if (rc != NF_E_UNAVAILABLE && rc != NF_E_IO)
        return rc;
    char detail[NF_LLM_DETAIL_MAX + 1];
    (void)snprintf(detail, sizeof(detail), "%.*s", NF_LLM_DETAIL_MAX, err ? err->msg : "");
    return fail_with(a, NF_E_UNAVAILABLE, a->out->shown ? "truncated" : "unreachable", detail, true,
                     err);
}

/* --- the call --------------------------------------------------------------------------------- */

/* Read what a provider said instead of an answer. What cannot be read is left out. */
static NF_RC read_refusal(struct attempt *a, struct nf_llm_answer *ans, struct nf_str *body)
{
    const char *p;
    size_t n = 1;
    while (n > 0 && body->len < NF_LLM_ERROR_BODY_MAX) {
        enum nf_code rc = a->w->ops->read(a->w, ans, NF_LLM_CONNECT_TIMEOUT_MS, &p, &n, NULL);
        if (rc == NF_E_CANCELED)
            return rc;
        if (rc != NF_OK || nf_str_add(body, p, n, NULL) != NF_OK)
            return NF_OK;
    }
    return NF_OK;
}

__attribute__((noinline)) static NF_RC refused(struct attempt *a, struct nf_llm_answer *ans,
                                               struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };
    struct nf_llm_failure *f = &a->out->failure;
    int64_t now = a->w->ops->now_ms(a->w), ms;
    int status = a->w->ops->status(ans);
    const char *exact = a->w->ops->header(ans, "retry-after-ms");
    int64_t after = nf_llm_retry_after(a->w->ops->header(ans, "retry-after"), now);

    if (exact && nf_slice_u63(nf_slice_trim(nf_slice_of(exact)), &ms) &&
        ms <= NF_LLM_RETRY_AFTER_MAX_MS)
        after = ms;
    if (read_refusal(a, ans, &body) != NF_OK)
        return nf_err_set(err, NF_E_CANCELED, "cancelled");
    nf_llm_failure_of_answer(status, nf_str_c(&body), body.len, nf_secret_reveal(&a->t->key), f);
    f->retry_after_ms = after;
    if (f->status == 0)
        f->status = status;
    return fail(a, err);
}

/* A page or a whole JSON object where a stream belongs: the URL is that of something else. */
static bool is_no_stream(const struct attempt *a, const struct nf_llm_answer *ans)
{
    const char *type = a->w->ops->header(ans, "content-type");
    if (!type)
        return false;
    if (strncasecmp(type, "text/html", 9) == 0)
        return true;
    return a->t->codec->is_sse && strncasecmp(type, "application/json", 16) == 0;
}

/* Wait a moment for the end of the body, so that the connection can be used again. */
static void drain(struct attempt *a, struct nf_llm_answer *ans)
{
    const char *p;
    size_t n;
    if (a->w->ops->cancelled(a->w) == NF_OK)
        (void)!a->w->ops->read(a->w, ans, DRAIN_MS, &p, &n, NULL);
}

static NF_RC pump(struct attempt *a, struct nf_llm_answer *ans, struct nf_llm_decoder *d,
                  struct nf_err *err)
{
    const char *p;
    size_t n = 1;
    while (n > 0 && !nf_llm_ended(d)) {
        int64_t from = a->w->ops->mono_ms(a->w);
        struct patience limit = patience(a, from - a->begun_ms);
        if (limit.ms <= 0)
            return out_of_patience(a, &limit, err);
        enum nf_code rc = a->w->ops->read(a->w, ans, limit.ms, &p, &n, err);
        if (rc != NF_OK)
            return wait_failed(a, rc, a->w->ops->mono_ms(a->w) - from, &limit, err);
        NF_TRY(n > 0 ? nf_llm_feed(d, p, n, err) : nf_llm_finish(d, err));
        NF_TRY(flush(a, err));
    }
    if (a->out->failed)
        return fail(a, err);
    assert(a->ended);
    drain(a, ans);
    return NF_OK;
}

/* `body` is not needed any more once it is sent: a model may talk for minutes. */
static NF_RC converse(struct attempt *a, struct nf_llm_body *body, struct nf_err *err)
{
    struct nf_llm_wire *w = a->w;
    NF_CLEANUP(nf_llm_decoder_freep) struct nf_llm_decoder *d = NULL;
    struct nf_llm_answer *ans = NULL;
    struct patience limit = patience(a, 0);
    struct nf_llm_call c = {
        .http = &a->t->codec->http,
        .url = a->t->url,
        .key = &a->t->key,
        .body = body,
        .connect_timeout_ms = least(NF_LLM_CONNECT_TIMEOUT_MS, limit.ms),
        .head_timeout_ms = limit.ms,
    };

    NF_TRY(a->t->codec->decoder_new(on_event, a, w->ops->random(w), &d, err));
    enum nf_code rc = w->ops->send(w, &c, &ans, err);
    nf_llm_body_done(body);
    int64_t waited = w->ops->mono_ms(w) - a->begun_ms;
    if (rc == NF_E_TIMEOUT && waited + SLACK_MS < limit.ms &&
        waited + SLACK_MS >= c.connect_timeout_ms)
        return fail_with(a, NF_E_UNAVAILABLE, "unreachable", "no connection within 10 s", true,
                         err);
    if (rc != NF_OK)
        return wait_failed(a, rc, waited, &limit, err);
    if (w->ops->status(ans) != 200 || is_no_stream(a, ans))
        rc = refused(a, ans, err);
    else
        rc = pump(a, ans, d, err);
    w->ops->close(ans);
    return rc;
}

enum nf_code nf_llm_attempt_run(struct nf_llm_wire *w, const struct nf_llm_route *t,
                                const struct nf_completion_request *r, struct nf_model_sink *sink,
                                struct nf_llm_attempt *out, struct nf_err *err)
{
    NF_CLEANUP(nf_llm_body_done) struct nf_llm_body body = { 0 };
    NF_CLEANUP(attempt_done) struct attempt a = { .out = out, .w = w, .t = t, .sink = sink };

    *out = (struct nf_llm_attempt){ .tokens = { -1, -1, -1, -1 }, .first_token_ms = -1 };
    NF_TRY(t->codec->encode(r, &t->target, &body, err));
    a.begun_ms = w->ops->mono_ms(w);
    enum nf_code rc = converse(&a, &body, err);
    out->took_ms = w->ops->mono_ms(w) - a.begun_ms;
    return rc;
}
