/* The model of the use cases' tests: it tells what the test scripted, in pieces. */
#pragma once

#include "tests/unit/use_case_world.h"

UNUSED static size_t replies_so_far(const struct nf_completion_request *r)
{
    size_t n = 0;
    for (size_t i = 0; i < r->messages_n; i++)
        n = r->messages[i].role == NF_ROLE_USER        ? 0
            : r->messages[i].role == NF_ROLE_ASSISTANT ? n + 1
                                                       : n;
    return n;
}

static void note_context(struct fake_model *m, const struct nf_completion_request *r)
{
    size_t n = 0;
    m->context[0] = '\0';
    for (size_t i = 0; i < r->system.n && n < sizeof(m->context) / 2; i++)
        n += (size_t)snprintf(m->context + n, sizeof(m->context) - n, "system:%.200s|",
                              r->system.v[i].text);
    for (size_t i = 0; i < r->messages_n; i++) {
        const struct nf_chat_message *c = &r->messages[i];
        for (size_t k = 0; k < c->parts.n; k++) {
            const struct nf_part *p = &c->parts.v[k];
            const char *kind = p->type == NF_PART_TOOL_CALL  ? "call"
                               : p->type == NF_PART_THINKING ? "thinking"
                                                             : nf_role_name(c->role);
            int w = snprintf(m->context + n, sizeof(m->context) - n, "%s:%.80s|", kind,
                             p->type == NF_PART_TOOL_CALL ? p->name
                             : p->text                    ? p->text
                             : p->data                    ? "<file>"
                                                          : "");
            n += w > 0 ? (size_t)w : 0;
            if (n >= sizeof(m->context))
                return;
        }
    }
}

static enum nf_code tell(struct nf_model_sink *sink, const struct nf_completion_event *e,
                         struct nf_err *err)
{
    return sink->event(sink, e, err);
}

#define TELL(...) NF_TRY(tell(sink, &(struct nf_completion_event){ __VA_ARGS__ }, err))

/* In two pieces, as they come from a network. */
static enum nf_code tell_text(struct nf_model_sink *sink, enum nf_event_type type, const char *text,
                              struct nf_err *err)
{
    size_t n = strlen(text), half = n / 2;
    TELL(.type = type, .text = { text, half });
    TELL(.type = type, .text = { text + half, n - half });
    return NF_OK;
}

static enum nf_code tell_calls(struct nf_model_sink *sink, const struct fake_call *calls,
                               struct nf_err *err)
{
    for (int i = 0; i <= NF_TOOL_CALLS_MAX && calls[i].id; i++) {
        TELL(.type = NF_EVENT_TOOL_START, .index = i, .id = calls[i].id, .name = calls[i].name);
        if (calls[i].args)
            NF_TRY(tell(sink,
                        &(struct nf_completion_event){ .type = NF_EVENT_TOOL_ARGS,
                                                       .index = i,
                                                       .text = nf_slice_of(calls[i].args) },
                        err));
        TELL(.type = NF_EVENT_TOOL_END, .index = i);
    }
    return NF_OK;
}

static enum nf_code tell_reply(struct nf_model_sink *sink, const struct fake_reply *s,
                               struct nf_err *err)
{
    TELL(.type = NF_EVENT_START, .model = "fake");
    if (s->thinking) {
        NF_TRY(tell_text(sink, NF_EVENT_THINKING, s->thinking, err));
        TELL(.type = NF_EVENT_SIGNATURE, .text = NF_SLICE("signed"));
    }
    if (s->text)
        NF_TRY(tell_text(sink, s->refusal ? NF_EVENT_REFUSAL : NF_EVENT_TEXT, s->text, err));
    NF_TRY(tell_calls(sink, s->calls, err));
    if (!s->silent)
        TELL(.type = NF_EVENT_USAGE, .tokens = { 10, 5, -1, -1 });
    if (s->fail)
        return nf_err_set(err, s->fail, "%s", s->why ? s->why : "the model is broken");
    TELL(.type = NF_EVENT_STOP, .stop = s->stop ? s->stop : NF_STOP_END, .detail = s->detail);
    TELL(.type = NF_EVENT_END);
    return NF_OK;
}

static enum nf_code fake_complete(struct nf_model *port, const struct nf_completion_request *r,
                                  struct nf_model_sink *sink, struct nf_model_outcome *ret,
                                  struct nf_err *err)
{
    struct fake_model *m = nf_container_of(port, struct fake_model, port);
    *ret = (struct nf_model_outcome){ .model = "fake/one", .attempts = 1 };
    if (r->model && strcmp(r->model, "small") == 0) {
        m->summaries++;
        note_context(m, r);
        memcpy(m->summarised, m->context, sizeof(m->summarised));
        if (!m->summary)
            return nf_err_set(err, NF_E_UNAVAILABLE, "no summary today");
        return tell_reply(sink, &(struct fake_reply){ .text = m->summary }, err);
    }
    m->asked++;
    m->offered = nf_toolset_n(r->tools);
    note_context(m, r);
    (void)snprintf(m->name, sizeof(m->name), "%s", r->model ? r->model : "");
    if (m->refuses_media > 0 && strstr(m->context, "<file>")) {
        m->refuses_media--;
        return nf_err_set(err, NF_E_INVALID, "no pictures, please");
    }
    if (m->overflows > 0) {
        m->overflows--;
        return nf_err_set(err, NF_E_LIMIT, "the context is too long");
    }
    size_t i = replies_so_far(r);
    if (m->endless && i >= m->n)
        i = m->n - 1;
    assert_true(i < m->n);
    enum nf_code rc = tell_reply(sink, &m->replies[i], err);
    if (m->meanwhile)
        m->meanwhile(m->w);
    return rc;
}

static enum nf_code fake_info(struct nf_model *port, const char *name, struct nf_model_info *ret,
                              struct nf_err *err)
{
    struct fake_model *m = nf_container_of(port, struct fake_model, port);
    if (name && strcmp(name, "fast") != 0 && strcmp(name, "small") != 0)
        return nf_err_set(err, NF_E_NOT_FOUND, "there is no model '%s'", name);
    *ret = (struct nf_model_info){ .context_tokens = m->context_tokens, .output_tokens = 1000 };
    return NF_OK;
}

static const char *fake_name_at(struct nf_model *port, size_t i)
{
    static const char *const names[] = { "fast", "small" };
    (void)port;
    return i < 2 ? names[i] : NULL;
}
