/* What a person wrote, as a model reads it: the text with what it answers, who says it in a group,
 * and the files: text within it, pictures and documents beside it, and of others why not. */
#pragma once

#include "channels/chat/chat_channel.h"

#define NF_CHAT_INLINE_MAX ((size_t)64 * 1024) /* bytes of text files within a message */

struct nf_chat_content {
    struct nf_str text;
    struct nf_parts parts; /* empty unless something is beside the text */
    struct nf_str unread;  /* a line for each file that could not be taken: name and reason */
};
void nf_chat_content_done(struct nf_chat_content *c);

/* Fetches the files one by one, no more of them than a message may have; suspends if fetching does.
 * `author` NULL: it is clear who writes. `correction`: it says anew what was said before. A text
 * that is a command stays as it is. NF_E_LIMIT: longer than a message may be; NF_E_INVALID: not
 * text. */
NF_RC nf_chat_write_content(const struct nf_chat_said *s, const char *author, bool correction,
                            struct nf_chat_content *ret, struct nf_err *err);
