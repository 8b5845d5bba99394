#include "application/receive_message.h"

#include <string.h>

static NF_RC may_write(const struct nf_app *a, const struct nf_user *user, struct nf_err *err)
{
    if (a->intake_closed)
        return nf_err_set(err, NF_E_UNAVAILABLE, "Nexflow is shutting down: send it again later");
    if (user->status != NF_USER_ACTIVE)
        return nf_err_set(err, NF_E_DENIED, "this account is blocked");
    return NF_OK;
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
        enum nf_code rc = a->sessions->ops->find(a->sessions, in->user->id, in->channel,
                                                 in->address, &found, err);
        acc->session_id = rc == NF_OK ? found.id : 0;
        if (rc != NF_E_NOT_FOUND)
            return rc;
    }
    NF_TRY(nf_session_init(fresh, nf_app_id(a), in->user->id, in->channel, in->address, acc->now_ms,
                           err));
    nf_session_title_from(in->content, fresh->title);
    acc->session_id = fresh->id;
    acc->create = fresh;
    return NF_OK;
}

enum nf_code nf_receive_message(struct nf_app *a, const struct nf_incoming *in,
                                struct nf_accepted *ret, struct nf_err *err)
{
    struct nf_session fresh;
    struct nf_accept acc = { .source = in->source,
                             .client_id = in->client_id,
                             .user_id = in->user->id,
                             .content = in->content,
                             .now_ms = nf_app_now(a),
                             .owner = a->owner,
                             .lease_ms = a->settings.lease_ms };

    NF_TRY(may_write(a, in->user, err));
    NF_TRY(nf_message_check_client_id(in->client_id, strlen(in->client_id), err));
    NF_TRY(nf_message_check_content(in->content, in->content_n, err));
    NF_TRY(choose_session(a, in, &fresh, &acc, err));
    acc.run_id = nf_app_id(a);
    acc.step_id = nf_is_run_command(in->content) ? 0 : nf_app_id(a);

    enum nf_code rc = a->turns->ops->accept(a->turns, &acc, ret, err);
    if (rc == NF_E_CONFLICT && acc.create) { /* the chat got a session meanwhile: that one, then */
        acc.create = NULL;
        NF_TRY(choose_session(a, in, &fresh, &acc, err));
        rc = a->turns->ops->accept(a->turns, &acc, ret, err);
    }
    NF_TRY(rc);

    if (ret->claimed)
        a->runner->ops->start(a->runner, &ret->claim);
    else if (!ret->duplicate)
        a->runner->ops->wake(a->runner, ret->session_id);
    return NF_OK;
}
