/*
 * Which message of a chat network shows a part of a run, of a question or of a notice. At most one
 * does: an instance that stood still may find, when it goes on, that another has taken its place.
 */
#pragma once

#include "application/deps.h"
#include "application/ports/chat.h"

/* The message that shows it; "" if there is none. Suspends. */
NF_RC nf_present_find(struct nf_app *a, int64_t id, int64_t part, char ret[NF_CHAT_REF_MAX + 1],
                      struct nf_err *err);

/* Write down that message `ref` at `address` shows it. *kept false: another message does already,
 * and this one was removed again, as far as the network let us. Suspends. */
NF_RC nf_present_keep(struct nf_app *a, struct nf_chat *c, const char *address, int64_t id,
                      int64_t part, const char *ref, bool *kept, struct nf_err *err);
