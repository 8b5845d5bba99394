/*
 * Discord as a chat network: one bot. It translates between Discord's gateway and REST API and
 * channels/chat and decides nothing: who may write, what is answered and how it is shown is not its
 * business.
 *
 * How far each channel was read is committed with what was read; after every new session, and after
 * a start, REST tells what came since. A channel is read in order; channels do not wait for each
 * other.
 */
#pragma once

#include "application/ports/shared_rates.h"
#include "channels/chat/chat_channel.h"
#include "channels/discord/settings.h"
#include "runtime/http_client.h"

/* All borrowed; must outlive it. */
struct nf_discord_options {
    struct nf_loop *loop;
    struct nf_http_client *http;
    const struct nf_discord_settings *settings;
    struct nf_shared_rates
        *shared; /* of all instances; NULL: there is only this one, or no Redis */
};

/* Neither suspends nor connects. NF_E_INVALID: the token is none. */
NF_RC nf_discord_new(const struct nf_discord_options *o, struct nf_chat_adapter **ret,
                     struct nf_err *err);
