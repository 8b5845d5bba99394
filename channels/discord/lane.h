/* What waits in the lanes. Private to channels/discord. */
#pragma once

#include "channels/discord/message.h"

struct nf_discord;

/* A message, or without one: see what REST knows of the channel. */
struct nf_discord_work {
    char channel[NF_DISCORD_ID_MAX + 1];
    struct nf_discord_message *message; /* owned */
    bool edited;
};
void nf_discord_work_free(struct nf_discord_work *w); /* NULL is allowed */

/* Somebody shall look which channels are to be caught up with. */
void nf_discord_wake_walker(struct nf_discord *d);
