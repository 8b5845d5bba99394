#include "application/turn.h"

#include "application/histories.h"
#include "domain/branch.h"
#include "domain/reason.h"

#include <stdlib.h>
#include <string.h>

void nf_turn_done(struct nf_turn *t)
{
    nf_messages_done(&t->history);
    nf_messages_done(&t->said);
    nf_task_done(&t->step);
    nf_turn_calls_free(t->calls);
    free(t->usage);
    *t = (struct nf_turn){ 0 };
}

const struct nf_message *nf_turn_asked(const struct nf_turn *t)
{
    for (size_t i = t->history.n; i > 0; i--)
        if (t->history.v[i - 1].seq == t->claim->seq)
            return &t->history.v[i - 1];
    return NULL;
}

void nf_turn_show(struct nf_turn *t, struct nf_run_event *e)
{
    e->user_id = t->claim->user_id;
    e->session_id = t->claim->session_id;
    e->run_id = t->claim->run_id;
    nf_run_stamp(&t->cursor, e);
    if (t->channel)
        nf_channel_show(t->channel, e);
    if (t->page)
        nf_channel_show(t->page, e);
}

void nf_turn_show_text(struct nf_turn *t, const char *text)
{
    if (text[0] == '\0')
        return;
    nf_turn_show(t, &(struct nf_run_event){ .type = NF_RUN_TEXT_START });
    nf_turn_show(t, &(struct nf_run_event){ .type = NF_RUN_TEXT, .text = nf_slice_of(text) });
    nf_turn_show(t, &(struct nf_run_event){ .type = NF_RUN_TEXT_END });
}

void nf_turn_show_calls(struct nf_turn *t, const struct nf_parts *parts)
{
    for (size_t i = 0; i < parts->n; i++) {
        const struct nf_part *p = &parts->v[i];
        if (p->type != NF_PART_TOOL_CALL)
            continue;
        nf_turn_show(t, &(struct nf_run_event){
                            .type = NF_RUN_TOOL_START, .call_id = p->call_id, .name = p->name });
        nf_turn_show(t, &(struct nf_run_event){ .type = NF_RUN_TOOL_ARGS,
                                                .call_id = p->call_id,
                                                .text = nf_slice_of(p->args) });
        nf_turn_show(t, &(struct nf_run_event){ .type = NF_RUN_TOOL_END, .call_id = p->call_id });
    }
}

enum nf_code nf_turn_step(struct nf_turn *t, enum nf_task_kind kind, const char *name, int64_t id,
                          struct nf_err *err)
{
    int64_t now = nf_app_now(t->app);
    if (t->steps >= NF_TURN_STEPS_MAX)
        return nf_err_set(err, NF_E_LIMIT, NF_REASON_TOO_MANY_STEPS, NF_TURN_STEPS_MAX);
    nf_task_done(&t->step);
    t->step_written = false;
    t->step = (struct nf_task){ .id = id ? id : nf_app_id(t->app),
                                .turn_id = t->claim->run_id,
                                .n = ++t->steps,
                                .session_id = t->claim->session_id,
                                .user_id = t->claim->user_id,
                                .kind = kind,
                                .status = NF_TASK_RUNNING,
                                .attempt = 1,
                                .created_ms = now,
                                .started_ms = now };
    size_t n = strnlen(name, sizeof(t->step.name) - 1);
    memcpy(t->step.name, name, n);
    return NF_OK;
}

enum nf_code nf_turn_write_begin(struct nf_turn *t, const struct nf_task *step, struct nf_err *err)
{
    enum nf_code rc = t->app->turns->ops->step_begin(t->app->turns, t->claim, step, err);
    t->lost = t->lost || rc == NF_E_CONFLICT;
    /* What never began in the database cannot end there. An earlier attempt's step is there. */
    t->step_written = t->step_written || (rc != NF_OK && step == &t->step && step->attempt == 1);
    return rc;
}

enum nf_code nf_turn_write_end(struct nf_turn *t, const struct nf_task *step, struct nf_err *err)
{
    enum nf_code rc = t->app->turns->ops->step_end(t->app->turns, t->claim, step, err);
    t->lost = t->lost || rc == NF_E_CONFLICT;
    t->step_written = t->step_written || (rc == NF_OK && step == &t->step);
    return rc;
}

enum nf_code nf_turn_say(struct nf_turn *t, enum nf_role role, const char *text,
                         struct nf_parts *parts, struct nf_err *err)
{
    NF_CLEANUP(nf_message_done)
    struct nf_message m = { .session_id = t->claim->session_id,
                            .run_id = t->claim->run_id,
                            .role = role,
                            .created_ms = nf_app_now(t->app) };
    if (role == NF_ROLE_ASSISTANT)
        memcpy(m.model, t->model, sizeof(m.model));
    NF_TRY(nf_strdup(text, &m.content, err));
    if (parts)
        m.parts = nf_take(*parts);
    return nf_messages_push(&t->said, &m, err);
}

enum nf_code nf_turn_use(struct nf_turn *t, const struct nf_task *step, struct nf_err *err)
{
    struct nf_usage *grown = realloc(t->usage, (t->usage_n + 1) * sizeof(*grown));
    if (!grown)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    t->usage = grown;
    struct nf_usage *u = &t->usage[t->usage_n++];
    *u = (struct nf_usage){ .turn_id = t->claim->run_id,
                            .n = step->n,
                            .session_id = t->claim->session_id,
                            .user_id = t->claim->user_id,
                            .at_ms = nf_app_now(t->app),
                            .tokens = nf_tokens_sane(step->tokens) };
    memcpy(u->model, step->name, sizeof(u->model));
    return NF_OK;
}

/* Where message `i` belongs: the place of the question it answers or is. */
static int64_t place_of(const struct nf_messages *m, size_t i)
{
    for (size_t k = 0; k < m->n; k++)
        if (m->v[k].role == NF_ROLE_USER && m->v[k].run_id == m->v[i].run_id)
            return m->v[k].seq;
    return m->v[i].seq;
}

static bool grouped(const struct nf_messages *m)
{
    for (size_t i = 1; i < m->n; i++)
        if (m->v[i].run_id < m->v[i - 1].run_id)
            return false;
    return true;
}

/* A question that was asked while an earlier one was being answered stands before that answer.
 * Bring each answer behind its question. Insertion sort: almost sorted, and short. */
static NF_RC group_by_turn(struct nf_messages *m, struct nf_err *err)
{
    if (grouped(m))
        return NF_OK;
    int64_t *place = calloc(m->n + 1, sizeof(*place));
    if (!place)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    for (size_t i = 0; i < m->n; i++)
        place[i] = place_of(m, i);
    for (size_t i = 1; i < m->n; i++) {
        struct nf_message moved = m->v[i];
        int64_t at = place[i];
        size_t k = i;
        for (; k > 0 && place[k - 1] > at; k--) {
            m->v[k] = m->v[k - 1];
            place[k] = place[k - 1];
        }
        m->v[k] = moved;
        place[k] = at;
    }
    free(place);
    return NF_OK;
}

/* Questions that wait behind this one are not part of its history, unless it took them in. */
static bool is_later(const struct nf_message *m, const struct nf_claim *c)
{
    return m->role == NF_ROLE_USER && m->seq > c->seq && m->run_id != c->run_id;
}

static void mark_run(const struct nf_messages *m, int64_t run_id, bool *drop)
{
    for (size_t i = 0; i < m->n; i++)
        drop[i] = drop[i] || m->v[i].run_id == run_id;
}

/* Nor is what commands were answered: a person asked us, not the model. */
static NF_RC drop_unread(struct nf_messages *m, const struct nf_claim *c, bool commands,
                         struct nf_err *err)
{
    bool *drop = calloc(m->n + 1, sizeof(*drop));
    size_t kept = 0;
    if (!drop)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    for (size_t i = 0; i < m->n; i++) {
        const struct nf_message *x = &m->v[i];
        drop[i] = drop[i] || is_later(x, c);
        if (commands && x->role == NF_ROLE_USER && x->run_id != c->run_id &&
            nf_command_of(x->content, NULL) != NF_COMMAND_NONE)
            mark_run(m, x->run_id, drop);
    }
    for (size_t i = 0; i < m->n; i++) {
        if (drop[i])
            nf_message_done(&m->v[i]);
        else
            m->v[kept++] = m->v[i];
    }
    m->n = kept;
    free(drop);
    return NF_OK;
}

static NF_RC read_history(struct nf_turn *t, struct nf_err *err)
{
    struct nf_session_store *store = t->app->sessions;
    const struct nf_claim *c = t->claim;
    int64_t media = c->seq - NF_MEDIA_RECENT;
    size_t limit = (size_t)t->app->settings.history_max;
    if (nf_histories_take(t->app->histories, c, media, limit, &t->history))
        return NF_OK;
    return store->ops->history(store, c->session_id, media, limit, &t->history, err);
}

enum nf_code nf_turn_load(struct nf_turn *t, struct nf_err *err)
{
    NF_TRY(read_history(t, err));
    size_t n = t->history.n;
    NF_TRY(drop_unread(&t->history, t->claim, t->channel && !t->channel->pulled, err));
    NF_TRY(nf_branch_keep(&t->history, t->claim->seq, err));
    t->history_whole = t->history.n == n && grouped(&t->history);
    return group_by_turn(&t->history, err);
}

void nf_turn_leave(struct nf_turn *t)
{
    int64_t seq = t->claim->seq;
    size_t n = t->history.n;
    struct nf_err ignored;
    /* Unless somebody wrote meanwhile, or this is not all there is. */
    if (!t->history_whole || t->last_seq != seq + (int64_t)t->said.n || n == 0 ||
        t->history.v[n - 1].seq != seq)
        return;
    for (size_t i = 0; i < t->said.n; i++) {
        struct nf_message *m = &t->said.v[i];
        m->seq = ++seq;
        if (nf_messages_push(&t->history, m, &ignored) != NF_OK)
            return;
    }
    nf_histories_keep(t->app->histories, t->claim, seq, &t->history);
}
