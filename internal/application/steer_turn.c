/* Messages that come while a turn runs, where the settings say that they join it. */
#include "application/receive_message.h"
#include "application/run_schedules.h"
#include "application/turn.h"

/* It says something to the model, now. */
static bool may_join(const struct nf_message *m)
{
    return nf_command_of(m->content, NULL) == NF_COMMAND_NONE && !nf_is_run_command(m->content) &&
           !nf_is_from_schedule(m);
}

static NF_RC read_waiting(const struct nf_turn *t, struct nf_messages *ret, struct nf_err *err)
{
    struct nf_session_store *store = t->app->sessions;

    return store->ops->history(store, t->claim->session_id, t->claim->seq + 1, NF_SESSION_QUEUE_MAX,
                               ret, err);
}

/* NF_E_NOT_FOUND: it does not wait, or is somebody else's; nothing behind it joins either. */
static NF_RC join(struct nf_turn *t, struct nf_message *m, struct nf_err *err)
{
    struct nf_turn_store *store = t->app->turns;
    enum nf_code rc = store->ops->join(store, t->claim, m->run_id, nf_app_now(t->app), err);

    t->lost = t->lost || rc == NF_E_CONFLICT;
    NF_TRY(rc);
    m->run_id = t->claim->run_id;
    return nf_messages_push(&t->history, m, err);
}

static bool is_known(const struct nf_turn *t, const struct nf_message *m)
{
    return m->role != NF_ROLE_USER || m->seq <= t->claim->seq || m->run_id == t->claim->run_id;
}

/* They stand behind the message that is answered, as they will when the turn is read back. */
enum nf_code nf_turn_steer(struct nf_turn *t, struct nf_err *err)
{
    NF_CLEANUP(nf_messages_done) struct nf_messages waiting = { 0 };
    enum nf_code rc = NF_OK;

    if (!t->channel || t->channel->pulled)
        return NF_OK;
    NF_TRY(read_waiting(t, &waiting, err));
    for (size_t i = 0; i < waiting.n && rc == NF_OK; i++) {
        if (is_known(t, &waiting.v[i]))
            continue;
        if (!may_join(&waiting.v[i]))
            break;
        rc = join(t, &waiting.v[i], err);
    }
    return rc == NF_E_NOT_FOUND ? NF_OK : rc;
}
