/*
 * Summaries of what fell out of a context. Kept in memory only, a few per process: after a restart
 * one is made anew. A summary grows from the one before it, so no text is summarised twice.
 */
#include "application/context.h"
#include "application/turn.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS 256                       /* sessions whose summary is remembered */
#define SUMMARY_MAX ((size_t)16 * 1024) /* bytes */

struct slot {
    int64_t session_id;
    int64_t upto_seq; /* of the newest message it covers */
    struct nf_str text;
};

struct nf_summaries {
    struct slot slots[SLOTS];
};

enum nf_code nf_summaries_new(struct nf_summaries **ret, struct nf_err *err)
{
    struct nf_summaries *s = calloc(1, sizeof(*s));
    if (!s)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    *ret = s;
    return NF_OK;
}

void nf_summaries_free(struct nf_summaries *s)
{
    for (size_t i = 0; s && i < SLOTS; i++)
        nf_str_done(&s->slots[i].text);
    free(s);
}

static struct slot *slot_of(struct nf_summaries *s, int64_t session_id)
{
    /* Ids differ in their low bits least: mix before taking a remainder. */
    uint64_t h = (uint64_t)session_id * UINT64_C(0x9e3779b97f4a7c15);
    return &s->slots[h >> 56];
}

struct collector {
    struct nf_model_sink sink;
    struct nf_str *to;
};

static enum nf_code collect(struct nf_model_sink *sink, const struct nf_completion_event *e,
                            struct nf_err *err)
{
    struct collector *c = nf_container_of(sink, struct collector, sink);
    return e->type == NF_EVENT_TEXT ? nf_str_add(c->to, e->text.p, e->text.n, err) : NF_OK;
}

/* What was said, as far as there is room; of a long message its beginning, so that one does not
 * take the place of all others. */
static NF_RC transcript(const struct nf_messages *all, size_t dropped, int64_t after_seq,
                        size_t room, struct nf_str *to, struct nf_err *err)
{
    for (size_t i = 0; i < dropped && i < all->n; i++) {
        const struct nf_message *m = &all->v[i];
        if (m->seq <= after_seq || !m->content || m->role == NF_ROLE_NOTICE)
            continue;
        size_t n = nf_utf8_cut(m->content, strlen(m->content), room / 4);
        enum nf_code rc =
            nf_str_addf(to, err, "%s: %.*s\n\n", nf_role_name(m->role), (int)n, m->content);
        if (rc == NF_E_LIMIT) /* enough to tell what it was about */
            return NF_OK;
        NF_TRY(rc);
    }
    return NF_OK;
}

static NF_RC ask(struct nf_turn *t, const char *text, struct nf_str *ret, struct nf_err *err)
{
    static const char task[] =
        "Summarise the following part of a conversation for the assistant that continues it. Keep "
        "facts, names, numbers, decisions and open questions. At most 300 words.";
    NF_CLEANUP(nf_completion_request_done) struct nf_completion_request r;
    struct nf_model_outcome out = { 0 };
    struct collector c = { .sink.event = collect, .to = ret };
    struct nf_chat_message *m;

    nf_completion_request_init(&r);
    NF_TRY(nf_strdup(t->app->settings.summary_model, &r.model, err));
    NF_TRY(nf_completion_add_system(&r, task, err));
    NF_TRY(nf_completion_add_message(&r, NF_ROLE_USER, &m, err));
    NF_TRY(nf_parts_add_text(&m->parts, text, err));
    NF_TRY(nf_model_complete(t->app->model, &r, &c.sink, &out, err));
    if (ret->len == 0)
        return nf_err_set(err, NF_E_UNAVAILABLE, "the summary is empty");
    return NF_OK;
}

enum nf_code nf_turn_summarise(struct nf_turn *t, const struct nf_messages *all, size_t dropped,
                               struct nf_str *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str summary = { .max = SUMMARY_MAX };
    struct nf_model_info info;
    int64_t upto = 0, known = 0;

    assert(dropped > 0 && dropped <= all->n);
    for (size_t i = 0; i < dropped; i++)
        upto = all->v[i].seq > upto ? all->v[i].seq : upto;
    struct slot *slot = slot_of(t->app->summaries, t->claim->session_id);
    if (slot->session_id == t->claim->session_id) {
        known = slot->upto_seq;
        NF_TRY(nf_str_adds(&text, nf_str_c(&slot->text), err));
        if (known >= upto)
            return nf_str_adds(ret, nf_str_c(&text), err);
    }
    NF_TRY(nf_model_info(t->app->model, t->app->settings.summary_model, &info, err));
    /* A third of its window, at the fewest bytes that a token stands for. */
    size_t room = (size_t)(info.context_tokens > 2000 ? info.context_tokens : 2000);
    room = room < NF_STR_MAX / 2 ? room : NF_STR_MAX / 2;
    if (text.len > 0)
        NF_TRY(nf_str_adds(&text, "\n\n", err));
    text.max = text.len + room;
    NF_TRY(transcript(all, dropped, known, room, &text, err));
    NF_TRY(ask(t, nf_str_c(&text), &summary, err));
    NF_TRY(nf_str_adds(ret, nf_str_c(&summary), err));

    /* Others may have used the slot while we waited: the newest summary stays. */
    slot = slot_of(t->app->summaries, t->claim->session_id);
    nf_str_done(&slot->text);
    slot->text = nf_take(summary);
    slot->session_id = t->claim->session_id;
    slot->upto_seq = upto;
    return NF_OK;
}
