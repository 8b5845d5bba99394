/* Messages as Discord's JSON. Private to channels/discord. */
#pragma once

#include "application/ports/chat.h"
#include "codec/json.h"

#define NF_DISCORD_BOUNDARY "nexflow-0f3a9c5e7b1d4826" /* between the parts of a form */

bool nf_discord_is_id(const char *text); /* a snowflake */

/* Nobody is mentioned, whatever the text says: "Allowed Mentions Object". */
void nf_discord_out_mentions(struct nf_json_out *o);

/* "Create Message" and "Edit Message". With buttons a message is made of components; what once was
 * stays so (`v2`). */
void nf_discord_out_new(struct nf_json_out *o, const struct nf_chat_post *p, const char *nonce,
                        const char *text);
/* "Create Followup Message", which one person sees. */
void nf_discord_out_follow_up(struct nf_json_out *o, const char *text);
void nf_discord_out_edit(struct nf_json_out *o, const struct nf_chat_post *p, const char *text,
                         bool v2);

/* "Uploading Files": a form of the message and p->markdown as its file. */
NF_RC nf_discord_write_form(const struct nf_chat_post *p, struct nf_str *to, struct nf_err *err);
