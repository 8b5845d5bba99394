/* The events of a run, told again from its messages. */
#include "application/run_log.h"

/*
 * The last position of an attempt belongs to the event that ends it. A run so long that it comes
 * there stands still just before: its positions never reach into the next fence, and a client that
 * read that far still gets the end.
 */
#define LAST_BUT_ONE (NF_RUN_POS_MAX - 1)

static bool ends_run(enum nf_run_event_type type)
{
    return type == NF_RUN_FINISHED || type == NF_RUN_ERROR;
}

void nf_run_stamp(struct nf_run_cursor *c, struct nf_run_event *e)
{
    int64_t max = ends_run(e->type) ? NF_RUN_POS_MAX : LAST_BUT_ONE;
    int64_t width = nf_run_event_width(e->type, e->text.n);

    if (e->type == NF_RUN_TEXT_START)
        e->message = c->message++;
    else if (e->type == NF_RUN_TEXT || e->type == NF_RUN_TEXT_END)
        e->message = c->message - 1;
    c->pos = width > max - c->pos ? max : c->pos + width;
    e->seq = nf_run_seq(c->fence, c->pos);
}

struct replay {
    const struct nf_task *run;
    struct nf_run_cursor cursor;
    int64_t after;
    nf_run_event_fn fn;
    void *arg;
    bool stopped;
    const char *model;  /* who answered last */
    const char *notice; /* what the person was told, NULL if there was an answer */
};

/* What of a text lies behind `after`: cut at a character even if `after` is in the middle of one.
 */
static struct nf_slice rest_of(struct nf_slice text, int64_t begin, int64_t after)
{
    size_t skip = after > begin ? (size_t)(after - begin) : 0;

    if (skip > text.n)
        skip = text.n;
    while (skip > 0 && skip < text.n && ((unsigned char)text.p[skip] & 0xc0) == 0x80)
        skip++;
    return (struct nf_slice){ text.p + skip, text.n - skip };
}

static void emit(struct replay *r, struct nf_run_event e)
{
    int64_t begin = nf_run_seq(r->cursor.fence, r->cursor.pos);

    e.user_id = r->run->user_id;
    e.session_id = r->run->session_id;
    e.run_id = r->run->id;
    nf_run_stamp(&r->cursor, &e);
    if (r->stopped || e.seq <= r->after)
        return;
    if (e.type == NF_RUN_TEXT || e.type == NF_RUN_TOOL_ARGS) {
        e.text = rest_of(e.text, begin, r->after);
        if (e.text.n == 0)
            return;
    }
    r->stopped = !r->fn(r->arg, &e);
}

static void emit_text(struct replay *r, const char *text)
{
    if (!text || text[0] == '\0')
        return;
    emit(r, (struct nf_run_event){ .type = NF_RUN_TEXT_START });
    emit(r, (struct nf_run_event){ .type = NF_RUN_TEXT, .text = nf_slice_of(text) });
    emit(r, (struct nf_run_event){ .type = NF_RUN_TEXT_END });
}

static void emit_call(struct replay *r, const struct nf_part *p)
{
    const char *args = p->args ? p->args : "";

    emit(r, (struct nf_run_event){
                .type = NF_RUN_TOOL_START, .call_id = p->call_id, .name = p->name });
    emit(r, (struct nf_run_event){
                .type = NF_RUN_TOOL_ARGS, .call_id = p->call_id, .text = nf_slice_of(args) });
    emit(r, (struct nf_run_event){ .type = NF_RUN_TOOL_END, .call_id = p->call_id });
}

static void emit_parts(struct replay *r, const struct nf_parts *parts, enum nf_part_type type)
{
    for (size_t i = 0; i < parts->n && !r->stopped; i++) {
        const struct nf_part *p = &parts->v[i];

        if (p->type != type)
            continue;
        if (type == NF_PART_TOOL_CALL)
            emit_call(r, p);
        else
            emit(r, (struct nf_run_event){ .type = NF_RUN_TOOL_RESULT,
                                           .call_id = p->call_id,
                                           .text = nf_slice_of(p->text ? p->text : ""),
                                           .is_error = p->is_error,
                                           .wall_us = p->wall_us });
    }
}

static void emit_message(struct replay *r, const struct nf_message *m)
{
    switch (m->role) {
    case NF_ROLE_USER:
        return;
    case NF_ROLE_ASSISTANT:
        if (m->model[0])
            r->model = m->model;
        emit_text(r, m->content);
        emit_parts(r, &m->parts, NF_PART_TOOL_CALL);
        return;
    case NF_ROLE_TOOL:
        emit_parts(r, &m->parts, NF_PART_TOOL_RESULT);
        return;
    case NF_ROLE_NOTICE:
        r->notice = m->content;
        return;
    }
}

static void emit_end(struct replay *r)
{
    const struct nf_task *run = r->run;
    bool stopped = run->status == NF_TASK_CANCELLED;

    if (run->status == NF_TASK_COMPLETED || stopped)
        emit(r, (struct nf_run_event){ .type = NF_RUN_FINISHED,
                                       .model = run->name[0] ? run->name : r->model,
                                       .tokens = run->tokens,
                                       .stopped = stopped });
    else
        emit(r, (struct nf_run_event){ .type = NF_RUN_ERROR,
                                       .text = nf_slice_of(r->notice ? r->notice : run->reason) });
}

void nf_run_replay(const struct nf_task *run, const struct nf_messages *m, int64_t after,
                   nf_run_event_fn fn, void *arg)
{
    struct replay r = {
        .run = run, .cursor.fence = run->fence, .after = after, .fn = fn, .arg = arg
    };

    assert(nf_task_is_final(run->status));
    if (run->fence == 0) /* cancelled while it waited: nothing ever happened in it */
        return;
    emit(&r, (struct nf_run_event){ .type = NF_RUN_STARTED, .input_seq = run->seq });
    for (size_t i = 0; i < m->n && !r.stopped; i++)
        emit_message(&r, &m->v[i]);
    if (!r.stopped)
        emit_end(&r);
}
