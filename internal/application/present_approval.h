/*
 * Use case: a person is asked in a chat network whether a call may run, and sees what became of it:
 * one message with the exact call in their private chat, which is edited when it was decided.
 */
#pragma once

#include "application/deps.h"
#include "application/ports/chat.h"

#define NF_PRESENT_CALL_MAX                                                                        \
    2500 /* bytes of a call that are shown; of a longer one, which nobody                          \
            could look at here, only the refusal is offered */

/*
 * Ask user `to` at their account, unless they were asked or it is no affair of theirs; or bring the
 * message that asked them up to date. May be called again at any time. As nf_chat_ops.send, but a
 * question of which nobody knows whether it arrived is NF_E_UNAVAILABLE: twice does no harm, it is
 * decided once. Suspends.
 */
NF_RC nf_present_approval(struct nf_app *a, struct nf_chat *c, const char *account, int64_t id,
                          int64_t to, struct nf_err *err);

/* Under which number a message to a user in a channel is kept among those of one id. */
int64_t nf_present_part(const char *channel, int64_t user_id);

/* What a button of such a message says. False: it is none of them. */
bool nf_approval_button_read(const char *data, int64_t *id, bool *allow);

/* Show all open questions again: who was not reached before a restart is asked now. Suspends. */
NF_RC nf_approvals_ask_again(struct nf_app *a, struct nf_err *err);
