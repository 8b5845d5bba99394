/* Interactions as notes, so that a restart answers what was asked before it. Private to
 * channels/discord. All suspend. */
#pragma once

#include "channels/discord/discord_internal.h"

/* Write down a command that is about to be dealt with. */
NF_RC nf_discord_keep(struct nf_discord *d, const struct nf_discord_interaction *i,
                      struct nf_err *err);
/* It has its answer: only what goes on from it still needs the token. Best effort. */
void nf_discord_keep_answered(struct nf_discord *d, const struct nf_waiting_interaction *w);
/* Nothing will be said to it any more. Best effort. */
void nf_discord_unkeep(struct nf_discord *d, const char *id);

/* What waits from before a restart, or in another instance, into d->interactions; NULL: nothing is
 * known of it. NF_E_UNAVAILABLE: nor can be, yet. */
NF_RC nf_discord_recall(struct nf_discord *d, const char *id, struct nf_waiting_interaction **ret,
                        struct nf_err *err);

/* Call fn for each command that was kept and has no answer; it may take *i. An error ends it. */
typedef enum nf_code (*nf_discord_kept_fn)(struct nf_discord *d, struct nf_discord_interaction *i,
                                           struct nf_err *err);
NF_RC nf_discord_each_kept(struct nf_discord *d, nf_discord_kept_fn fn, struct nf_err *err);
