/* A call to a chat that is made with patience: within what may be sent, again after a pause that
 * Telegram asks for, and anew if what it refuses can be mended. Private to this directory. */
#pragma once

#include "channels/telegram/telegram_internal.h"

/* A message on its way out. */
struct nf_telegram_out {
    struct nf_telegram *t;
    const struct nf_chat_post *post;
    const char *method, *ref; /* ref: of an edit */
    bool once, uncounted;     /* uncounted: takes nothing of what may be sent */
    int64_t chat, topic, timeout_ms;
    struct nf_styled text;
    bool plain; /* without entities */
    struct nf_str body, type;
    struct nf_telegram_answer answer;
};
void nf_telegram_out_done(struct nf_telegram_out *o);

/* *o becomes that of `p`. NF_E_NOT_FOUND: its address is none. */
NF_RC nf_telegram_out_init(struct nf_telegram_out *o, struct nf_telegram *t,
                           const struct nf_chat_post *p, struct nf_err *err);

/* Make the call. `build` writes o->body from the rest of *o, and is asked again after *o was
 * mended. Errors as nf_chat_ops.send. Suspends. */
NF_RC nf_telegram_deliver(struct nf_telegram_out *o,
                          enum nf_code (*build)(struct nf_telegram_out *o, struct nf_err *err),
                          struct nf_err *err);

/* gone.c: there is no such topic in that group any more. The owners hear of it once; what fails is
 * logged. Suspends. */
void nf_telegram_topic_gone(const struct nf_telegram_out *o);
