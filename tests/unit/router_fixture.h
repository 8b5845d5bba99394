/* The router of the tests, over a wire that plays a script. */
#pragma once

#include "llm/router.h"

#include "base/own.h"
#include "llm/attempt.h"
#include "llm/routes.h"
#include "llm/wire.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY "sk-planted-0123456789abcdef"

/* --- a wire that plays a script --------------------------------------------------------------- */

/* What the provider does with one call. */
struct step {
    enum nf_code send; /* other than NF_OK: the call fails so */
    int status;        /* 0: 200 */
    const char *type, *retry_after;
    const char *pieces[6];     /* of the body; NULL ends it */
    enum nf_code end;          /* after the pieces: NF_OK the body's end, else how reading fails */
    int64_t head_ms, piece_ms; /* passed before the head and before each piece */
};

struct answer {
    const struct step *step;
    int piece;
};

struct fake {
    struct nf_llm_wire base;
    const struct step *steps;
    size_t steps_n, at;
    int64_t now_ms, slept_ms;
    int open, sleeps;
    char urls[16][64];
    char header[64];
    enum nf_code cancelled;
    int cancel_at_sleep; /* the sleep that is cancelled, from 1 */
};

static inline struct fake *of(struct nf_llm_wire *w)
{
    return nf_container_of(w, struct fake, base);
}

static inline enum nf_code fake_send(struct nf_llm_wire *w, const struct nf_llm_call *c,
                                     struct nf_llm_answer **ret, struct nf_err *err)
{
    struct fake *f = of(w);
    if (f->at >= f->steps_n)
        fail_msg("an unexpected call to %s", c->url);
    const struct step *s = &f->steps[f->at];
    (void)snprintf(f->urls[f->at++], sizeof(f->urls[0]), "%s", c->url);
    (void)snprintf(f->header, sizeof(f->header), "%s: %s%s", c->http->auth_header,
                   c->http->auth_prefix, c->key ? nf_secret_reveal(c->key) : "");
    f->now_ms += s->head_ms;
    if (s->send != NF_OK)
        return nf_err_set(err, s->send, "connection refused");
    struct answer *a = calloc(1, sizeof(*a));
    if (!a)
        return NF_E_NOMEM;
    a->step = s;
    f->open++;
    *ret = (struct nf_llm_answer *)a;
    return NF_OK;
}

static inline int fake_status(const struct nf_llm_answer *a)
{
    int status = ((const struct answer *)a)->step->status;
    return status ? status : 200;
}

static const char *fake_header(const struct nf_llm_answer *a, const char *name)
{
    const struct step *s = ((const struct answer *)a)->step;
    if (strcmp(name, "retry-after") == 0)
        return s->retry_after;
    return strcmp(name, "content-type") == 0 ? s->type : NULL;
}

static inline enum nf_code fake_read(struct nf_llm_wire *w, struct nf_llm_answer *ans,
                                     int64_t timeout_ms, const char **p, size_t *n,
                                     struct nf_err *err)
{
    struct answer *a = (struct answer *)ans;
    const char *piece = a->step->pieces[a->piece];
    if (piece && a->step->piece_ms > timeout_ms) {
        of(w)->now_ms += timeout_ms;
        return nf_err_set(err, NF_E_TIMEOUT, "nothing came");
    }
    if (!piece && a->step->end == NF_E_TIMEOUT)
        of(w)->now_ms += timeout_ms;
    if (!piece && a->step->end == NF_E_CANCELED)
        of(w)->cancelled = NF_E_CANCELED;
    if (!piece && a->step->end != NF_OK)
        return nf_err_set(err, a->step->end, "connection reset");
    of(w)->now_ms += a->step->piece_ms;
    *p = piece ? piece : "";
    *n = strlen(*p);
    a->piece += piece != NULL;
    return NF_OK;
}

static struct fake *the_fake; /* close has no other way to it */

static inline void fake_close(struct nf_llm_answer *a)
{
    the_fake->open--;
    free(a);
}

static inline enum nf_code fake_sleep(struct nf_llm_wire *w, int64_t ms, struct nf_err *err)
{
    struct fake *f = of(w);
    if (++f->sleeps == f->cancel_at_sleep)
        return nf_err_set(err, NF_E_CANCELED, "cancelled");
    f->slept_ms += ms;
    f->now_ms += ms;
    return NF_OK;
}

static inline enum nf_code fake_cancelled(struct nf_llm_wire *w)
{
    return of(w)->cancelled;
}

static inline int64_t fake_ms(struct nf_llm_wire *w)
{
    return of(w)->now_ms;
}

static inline uint64_t fake_random(struct nf_llm_wire *w)
{
    (void)w;
    return 0;
}

static const struct nf_llm_wire_ops fake_ops = {
    .send = fake_send,
    .status = fake_status,
    .header = fake_header,
    .read = fake_read,
    .close = fake_close,
    .sleep = fake_sleep,
    .cancelled = fake_cancelled,
    .mono_ms = fake_ms,
    .now_ms = fake_ms,
    .random = fake_random,
};

/* --- settings --------------------------------------------------------------------------------- */

static char *claude_models[] = { "opus", "same" }, *local_models[] = { "qwen", "same" };
static char *smart_models[] = { "claude/opus", "local/qwen" };

struct fix {
    struct nf_llm_provider providers[3];
    struct nf_llm_model models[2];
    struct nf_llm_alias aliases[2];
    struct nf_llm_settings s;
    struct fake wire;
    struct nf_llm_router *router;
    struct nf_completion_request request;
    struct nf_model_sink sink;
    struct nf_str seen;
    enum nf_code sink_fails;
    bool reload_in_text;
    struct nf_model_outcome outcome;
    struct nf_err err;
};

static inline enum nf_code on_event(struct nf_model_sink *sink, const struct nf_completion_event *e,
                                    struct nf_err *err)
{
    static const char codes[] = "?S.tgxr([)UOXE";
    struct fix *f = nf_container_of(sink, struct fix, sink);
    if (e->type == NF_EVENT_TEXT && f->sink_fails != NF_OK)
        return nf_err_set(err, f->sink_fails, "the reader had enough");
    if (e->type == NF_EVENT_TEXT && f->reload_in_text) {
        f->s.default_model = "local/qwen";
        NF_TRY(nf_llm_router_reload(f->router, &f->s, err));
    }
    if (e->type == NF_EVENT_TEXT)
        return nf_str_add(&f->seen, e->text.p, e->text.n, err);
    return nf_str_addf(&f->seen, err, "<%c>", codes[e->type]);
}

static inline int setup(void **state)
{
    struct fix *f = calloc(1, sizeof(*f));
    struct nf_chat_message *m;
    nf_log_setup(2, NF_LOG_ERROR, NF_LOG_JSON);
    f->providers[0] = (struct nf_llm_provider){ .name = "claude",
                                                .type = NF_LLM_ANTHROPIC,
                                                .base_url = "https://a.example/",
                                                .models = { claude_models, 2 } };
    f->providers[1] = (struct nf_llm_provider){ .name = "local",
                                                .type = NF_LLM_CUSTOM,
                                                .base_url = "http://127.0.0.1:1/v1",
                                                .models = { local_models, 2 } };
    f->aliases[0] = (struct nf_llm_alias){ .name = "smart", .models = { smart_models, 2 } };
    f->s = (struct nf_llm_settings){ .default_model = "smart",
                                     .providers = { f->providers, 2 },
                                     .models = { f->models, 0 },
                                     .aliases = { f->aliases, 1 },
                                     .retries = 2,
                                     .retry_wait_ms = 20000,
                                     .breaker_failures = 3,
                                     .breaker_pause_ms = 30000 };
    if (nf_secret_set(&f->providers[0].api_key, KEY, &f->err) != NF_OK)
        return -1;
    f->wire.base.ops = &fake_ops;
    f->wire.now_ms = 1000000;
    the_fake = &f->wire;
    f->sink.event = on_event;
    nf_completion_request_init(&f->request);
    if (nf_completion_add_message(&f->request, NF_ROLE_USER, &m, &f->err) != NF_OK ||
        nf_parts_add_text(&m->parts, "hi", &f->err) != NF_OK)
        return -1;
    *state = f;
    return 0;
}

static inline int teardown(void **state)
{
    struct fix *f = *state;
    nf_llm_router_free(f->router);
    nf_completion_request_done(&f->request);
    nf_secret_done(&f->providers[0].api_key);
    nf_str_done(&f->seen);
    bool leaked = f->wire.open != 0;
    free(f);
    return leaked ? -1 : 0;
}

static inline void play(struct fix *f, const struct step *steps, size_t n)
{
    if (!f->router)
        assert_ok(nf_llm_router_new_over(&f->s, &f->wire.base, &f->router, &f->err), &f->err);
    f->wire.steps = steps;
    f->wire.steps_n = n;
    f->wire.at = 0;
    nf_str_reset(&f->seen);
}

static inline enum nf_code complete(struct fix *f, const char *model)
{
    free(f->request.model);
    f->request.model = model ? strdup(model) : NULL;
    enum nf_code rc = nf_model_complete(nf_llm_router_model(f->router), &f->request, &f->sink,
                                        &f->outcome, &f->err);
    assert_int_equal(f->wire.open, 0);
    if (rc != NF_OK && strstr(f->err.msg, "planted"))
        fail_msg("the key is in '%s'", f->err.msg);
    return rc;
}

#define PLAY(f, ...)                                                                               \
    static const struct step steps_[] = { __VA_ARGS__ };                                           \
    play((f), steps_, sizeof(steps_) / sizeof(steps_[0]))

static inline void assert_says(const struct fix *f, const char *text)
{
    if (!strstr(f->err.msg, text))
        fail_msg("'%s' does not say '%s'", f->err.msg, text);
}

#define A_START                                                                                    \
    "data: {\"type\":\"message_start\",\"message\":{\"id\":\"m1\",\"model\":\"opus\",\"usage\":"   \
    "{\"input_tokens\":3,\"output_tokens\":1}}}\n\n"
#define A_TEXT(t)                                                                                  \
    "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\","      \
    "\"text\":\"" t "\"}}\n\n"
#define A_STOP "data: {\"type\":\"message_stop\"}\n\n"
#define A_GOOD                                                                                     \
    {                                                                                              \
        .type = "text/event-stream", .pieces = { A_START, A_TEXT("Hello"), A_STOP }                \
    }
#define A_OVERLOADED                                                                               \
    {                                                                                              \
        .status = 529, .pieces = {                                                                 \
            "{\"type\":\"error\",\"error\":{\"type\":"                                             \
            "\"overloaded_error\",\"message\":\"Overloaded\"}}"                                    \
        }                                                                                          \
    }
#define O_GOOD                                                                                     \
    {                                                                                              \
        .pieces = {                                                                                \
            "data: {\"id\":\"c\",\"choices\":[{\"delta\":{\"content\":\"Hey\"}}]}\n\n"             \
            "data: [DONE]\n\n"                                                                     \
        }                                                                                          \
    }
#define O_DOWN                                                                                     \
    {                                                                                              \
        .send = NF_E_UNAVAILABLE                                                                   \
    }

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
