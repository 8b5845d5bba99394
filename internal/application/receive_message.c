#include "application/receive_message.h"

#include "application/commands.h"
#include "application/histories.h"
#include "application/manage_sessions.h"
#include "base/own.h"

#include <string.h>

enum nf_code nf_check_media(const struct nf_parts *parts, struct nf_err *err)
{
    size_t bytes = 0, files = 0;

    for (size_t i = 0; i < parts->n; i++) {
        const struct nf_part *p = &parts->v[i];
        files += p->type == NF_PART_IMAGE || p->type == NF_PART_DOCUMENT;
        bytes += p->data ? strlen(p->data) / 4 * 3 : 0;
    }
    if (files > NF_MEDIA_FILES_MAX)
        return nf_err_set(err, NF_E_LIMIT, "%zu files are attached: %d at most", files,
                          NF_MEDIA_FILES_MAX);
    if (bytes > NF_MEDIA_BYTES_MAX)
        return nf_err_set(err, NF_E_LIMIT, "the files have %zu KiB: send %d KiB at most at once",
                          bytes / 1024, NF_MEDIA_BYTES_MAX / 1024);
    return NF_OK;
}

static NF_RC may_write(const struct nf_app *a, const struct nf_user *user, struct nf_err *err)
{
    if (a->intake_closed)
        return nf_err_set(err, NF_E_UNAVAILABLE, "Nexflow is shutting down: send it again later");
    if (user->status != NF_USER_ACTIVE)
        return nf_err_set(err, NF_E_DENIED, "this account is blocked");
    return NF_OK;
}

/* A chat that began with a command is named by the first message that is none. Best effort. */
static void name_session(struct nf_app *a, const struct nf_incoming *in, struct nf_session *s)
{
    struct nf_err ignored;

    if (s->title[0] != '/' || nf_command_of(in->content, NULL) != NF_COMMAND_NONE)
        return;
    nf_session_title_from(in->title ? in->title : in->content, s->title);
    (void)!a->sessions->ops->rename(a->sessions, s, nf_app_now(a), &ignored);
}

/* What answers in a session that is made for the message. */
static NF_RC choose_model(struct nf_app *a, const struct nf_incoming *in, struct nf_session *fresh,
                          struct nf_err *err)
{
    return in->model ? nf_session_take_model(a, in->model, fresh->model, err) : NF_OK;
}

/* The session the message belongs to: the one it names, that of its chat, or a new one in *fresh.
 */
static NF_RC choose_session(struct nf_app *a, const struct nf_incoming *in,
                            struct nf_session *fresh, struct nf_accept *acc, struct nf_err *err)
{
    struct nf_session found;
    acc->session_id = in->session_id;
    if (in->session_id != 0)
        return NF_OK;
    if (in->address[0] != '\0') {
        enum nf_code rc = a->sessions->ops->find(a->sessions, in->shared ? 0 : in->user->id,
                                                 in->channel, in->address, &found, err);
        acc->session_id = rc == NF_OK ? found.id : 0;
        if (rc == NF_OK)
            name_session(a, in, &found);
        if (rc != NF_E_NOT_FOUND)
            return rc;
    }
    NF_TRY(nf_session_init(fresh, nf_app_id(a), in->user->id, in->channel, in->address, acc->now_ms,
                           err));
    NF_TRY(choose_model(a, in, fresh, err));
    fresh->shared = in->shared;
    nf_session_title_from(in->title ? in->title : in->content, fresh->title);
    acc->session_id = fresh->id;
    acc->create = fresh;
    return NF_OK;
}

/* What it goes on from is a question of this session, or its beginning. */
static NF_RC check_branch(struct nf_app *a, const struct nf_incoming *in, struct nf_err *err)
{
    NF_CLEANUP(nf_messages_done) struct nf_messages found = { 0 };
    struct nf_session s;
    if (in->branch == 0)
        return NF_OK;
    if (in->session_id == 0)
        return nf_err_set(err, NF_E_INVALID, "parent_seq: only with a session_id");
    NF_TRY(a->sessions->ops->get(a->sessions, in->session_id, in->user->id, &s, err));
    if (in->branch == 1)
        return NF_OK;
    NF_TRY(a->sessions->ops->messages(a->sessions, s.id, in->branch, 1, &found, err));
    if (found.n == 0 || found.v[0].role != NF_ROLE_USER || found.v[0].seq != in->branch - 1)
        return nf_err_set(err, NF_E_INVALID,
                          "parent_seq: %lld is not the seq of a person's message here",
                          (long long)(in->branch - 1));
    return NF_OK;
}

/* Where there is no room it is not claimed at once: who wrote most would get every place that is
 * free for a moment. */
static void make_it_wait(const struct nf_app *a, struct nf_accept *acc)
{
    const struct nf_app_settings *s = &a->settings;
    if (a->runner->ops->has_room(a->runner))
        return;
    acc->lease_ms = 0;
    acc->user_waiting_max = s->user_waiting_max;
    acc->full_at = s->waiting_max > 0 && a->waiting >= s->waiting_max ? s->waiting_max : 0;
}

enum nf_code nf_receive_message(struct nf_app *a, const struct nf_incoming *in,
                                struct nf_accepted *ret, struct nf_err *err)
{
    struct nf_session fresh;
    struct nf_accept acc = { .source = in->source,
                             .client_id = in->client_id,
                             .user_id = in->user->id,
                             .content = in->content,
                             .parts = in->parts,
                             .ref = in->ref,
                             .cursor_source = in->cursor_source,
                             .cursor = in->cursor,
                             .branch = in->branch,
                             .now_ms = nf_app_now(a),
                             .owner = a->owner,
                             .lease_ms = a->settings.lease_ms };

    NF_TRY(may_write(a, in->user, err));
    NF_TRY(nf_message_check_client_id(in->client_id, strlen(in->client_id), err));
    NF_TRY(nf_message_check_content(in->content, in->content_n, err));
    if (in->parts)
        NF_TRY(nf_check_media(in->parts, err));
    NF_TRY(check_branch(a, in, err));
    NF_TRY(choose_session(a, in, &fresh, &acc, err));
    make_it_wait(a, &acc);
    acc.retires = in->address[0] != '\0' && nf_command_of(in->content, NULL) == NF_COMMAND_NEW;
    acc.run_id = nf_app_id(a);
    bool answered_by_us =
        nf_is_run_command(in->content) ||
        (in->address[0] != '\0' && nf_command_of(in->content, NULL) != NF_COMMAND_NONE);
    acc.step_id = answered_by_us ? 0 : nf_app_id(a);

    enum nf_code rc = a->turns->ops->accept(a->turns, &acc, ret, err);
    if (rc == NF_E_CONFLICT && acc.create) { /* the chat got a session meanwhile: that one, then */
        acc.create = NULL;
        NF_TRY(choose_session(a, in, &fresh, &acc, err));
        rc = a->turns->ops->accept(a->turns, &acc, ret, err);
    }
    a->refused += rc == NF_E_LIMIT;
    NF_TRY(rc);

    nf_histories_ask(a->histories, &acc, ret);
    if (ret->claimed)
        a->runner->ops->start(a->runner, &ret->claim);
    if (ret->claimed || ret->duplicate)
        return NF_OK;
    a->waiting++;
    a->runner->ops->wake(a->runner, ret->session_id);
    return NF_OK;
}
