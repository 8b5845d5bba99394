/*
 * Port: a chat network as a place where messages are shown and replaced: Telegram, Discord. What is
 * shown, when and in how many messages is the presenter's (application/present_run.h); an adapter
 * of this port translates, and keeps to the network's limits: a call waits until it may go out, and
 * a network that asks for patience gets it within the call.
 */
#pragma once

#include "base/error.h"
#include "domain/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NF_CHAT_REF_MAX 64     /* bytes of a network's id of a message */
#define NF_CHAT_BUTTONS_MAX 4  /* in one row */
#define NF_BUTTON_LABEL_MAX 40 /* bytes */
#define NF_BUTTON_DATA_MAX 64  /* bytes: Telegram's callback_data */
#define NF_CHAT_DEAF_MS 60000  /* so long without a sign of life from the network, at most */

struct nf_chat {
    const struct nf_chat_ops *ops;
    const char *name; /* of its channel */
};

/* What can be done in one chat. */
struct nf_chat_caps {
    int64_t edit_every_ms;   /* between two interim edits at least */
    int64_t typing_every_ms; /* how long "is typing" lasts, less a margin; 0: there is none */
    size_t parts_max;        /* an answer of more messages goes as a document */
    bool once;               /* a send with the same `key` twice is one message (Discord) */
};

enum nf_button_look { NF_BUTTON_PLAIN = 0, NF_BUTTON_YES, NF_BUTTON_NO };
struct nf_chat_button {
    enum nf_button_look look;
    char label[NF_BUTTON_LABEL_MAX + 1];
    char data[NF_BUTTON_DATA_MAX + 1]; /* comes back with the press */
};

/* Borrowed. */
struct nf_chat_post {
    const char *address;  /* of the session: the chat as the adapter wrote it */
    const char *markdown; /* the whole text; */
    size_t part;          /* its part of this number is shown, from 0 */
    const char *reply_to; /* ref of the message that is answered; "": none */
    const char *key;      /* with `once`: 1 to 25 characters */
    bool silent;          /* without a sound */
    bool interim;         /* may be left out: NF_E_LIMIT at once instead of waiting */
    const struct nf_chat_button *buttons;
    size_t buttons_n; /* 0 in an edit takes them away */
};

/* How the network is: for /ready, /health, doctor, page and metrics. */
enum nf_chat_state {
    NF_CHAT_STARTING = 0,
    NF_CHAT_CONNECTED,
    NF_CHAT_RETRYING, /* out of reach; it is tried again */
    NF_CHAT_REFUSED,  /* only a person can help: the token is refused, say */
    NF_CHAT_STANDBY,  /* another instance reads it */
};
struct nf_chat_health {
    enum nf_chat_state state;
    char bot_name[65];  /* "@nexflow_bot"; "" while unknown */
    char link[129];     /* where a person finds it, or invites it; "" while unknown */
    int64_t started_ms; /* when we began to try */
    int64_t alive_ms;   /* the newest sign of life: a completed poll, an acknowledged heartbeat */
    int64_t event_ms;   /* the newest event; 0: none yet */
    int64_t code;       /* of the last failure: a status of HTTP, a close code; 0: none */
    int64_t queue;      /* messages that wait for the network's limits */
    int64_t deaf_ms;    /* without a sign of life for longer it is deaf; 0: NF_CHAT_DEAF_MS */
    char problem[200], todo[200]; /* what is wrong, and what to do; "" */
};

/* What people write does not reach us. Who stands by is not deaf: another hears. */
static inline bool nf_chat_is_deaf(const struct nf_chat_health *h, int64_t now_ms)
{
    int64_t since = h->alive_ms > h->started_ms ? h->alive_ms : h->started_ms;
    return h->state == NF_CHAT_REFUSED ||
           (h->state != NF_CHAT_STANDBY &&
            now_ms - since > (h->deaf_ms > 0 ? h->deaf_ms : NF_CHAT_DEAF_MS));
}

struct nf_chat_ops {
    /* What can be done in that chat. Never suspends. */
    void (*caps)(struct nf_chat *c, const char *address, struct nf_chat_caps *ret);
    /* Into how many messages the text is cut: 1 at least; the same text always into the same. Never
     * suspends. NF_E_LIMIT: it is too long to be shown; NF_E_NOMEM. */
    enum nf_code (*parts)(struct nf_chat *c, const char *markdown, size_t *ret, struct nf_err *err);
    /* *ref: the network's id of the new message. NF_E_CONFLICT: it may have arrived, and nobody
     * knows; NF_E_UNAVAILABLE, NF_E_TIMEOUT: it surely did not; NF_E_DENIED: this chat cannot be
     * written to; NF_E_NOT_FOUND: it is gone; NF_E_INVALID, NF_E_LIMIT: the network refuses the
     * message. Suspends. */
    enum nf_code (*send)(struct nf_chat *c, const struct nf_chat_post *p,
                         char ref[NF_CHAT_REF_MAX + 1], struct nf_err *err);
    /* Twice is once; a text that is shown already is NF_OK. NF_E_NOT_FOUND: the message is gone, or
     * cannot be edited any more. Else as send, but never NF_E_CONFLICT. Suspends. */
    enum nf_code (*edit)(struct nf_chat *c, const struct nf_chat_post *p, const char *ref,
                         struct nf_err *err);
    /* NF_OK also for one that is gone. Suspends. */
    enum nf_code (*remove)(struct nf_chat *c, const char *address, const char *ref,
                           struct nf_err *err);
    /* The whole text as a file. As send. */
    enum nf_code (*document)(struct nf_chat *c, const struct nf_chat_post *p,
                             char ref[NF_CHAT_REF_MAX + 1], struct nf_err *err);
    /* Show that an answer is being written, for as long as caps says. It is left out where it would
     * have to wait. As send, but nothing arrives that could be a double. Suspends. */
    enum nf_code (*typing)(struct nf_chat *c, const char *address, struct nf_err *err);
    /* Never suspends. NULL: nothing is known about it. */
    void (*health)(struct nf_chat *c, struct nf_chat_health *ret);
    /* The address of the private chat with an account of this network. NF_E_DENIED: there cannot be
     * one. Suspends. NULL: it is the account itself. */
    enum nf_code (*home)(struct nf_chat *c, const char *account, char address[NF_ADDRESS_MAX + 1],
                         struct nf_err *err);
    /* Name the topic or thread. Suspends. NULL: it has no name. */
    enum nf_code (*title)(struct nf_chat *c, const char *address, const char *title,
                          struct nf_err *err);
};
