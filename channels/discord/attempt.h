/* A message that is written to Discord, or edited. Private to channels/discord. */
#pragma once

#include "channels/discord/discord_internal.h"

/* Make a call whose body depends on whether markup is used: once more without it if Discord does
 * not take the form, once more if the thread is archived. */
struct nf_discord_attempt {
    struct nf_discord *d;
    const struct nf_chat_post *post;
    struct nf_rest_call call;
    bool edit, v2, follow_up;
    bool unanswered; /* without the reference to what it answers */
    bool stale;      /* Discord knew the nonce: the message is there, with another text */
    struct nf_rest_answer answer;
};

/* Errors as nf_rest_do; what a person must do about it is told. Release t->answer whatever it comes
 * to. Suspends. */
NF_RC nf_discord_attempt(struct nf_discord_attempt *t, struct nf_err *err);

/* A message of ours was deleted there. Discord would answer the same nonce with that message, so
 * the next that is sent has another one. */
void nf_discord_deleted(struct nf_discord *d, const char *address);

/* The text into d->rendered. */
NF_RC nf_discord_render(struct nf_discord *d, const char *markdown, struct nf_err *err);
/* Tell what a person must do about a refusal. */
void nf_discord_note_refusal(struct nf_discord *d, const struct nf_rest_answer *a,
                             const char *address);
/* The id of the message that Discord answered with. */
NF_RC nf_discord_take_ref(const struct nf_rest_answer *a, bool v2, char ref[NF_CHAT_REF_MAX + 1],
                          struct nf_err *err);
