/* The updates of one chat in their order, in a fiber of their own. Private to this directory. */
#pragma once

#include "channels/telegram/telegram_internal.h"

#include <uthash.h>

/* A parsed answer, which lives as long as something borrows from it. */
struct nf_telegram_batch {
    struct nf_json_doc *doc;
    size_t users;
};
void nf_telegram_batch_unref(struct nf_telegram_batch *b);

/* An update that Telegram may give again: until it is accepted, and behind a poll's offset. */
struct nf_telegram_item {
    int64_t id;
    bool done;              /* accepted */
    struct nf_wait *waiter; /* of a webhook's call */
    struct nf_telegram_item *prev, *next;
};

struct nf_telegram_lane {
    char name[NF_CHAT_LANE_MAX + 1]; /* the chat; with "!" what does not wait for its messages */
    struct nf_telegram *t;
    /* The one that began it, which is not held: it is taken in at once. */
    struct nf_telegram_item *item; /* NULL: accepted, or there is none */
    struct nf_telegram_update u;
    const struct nf_json *raw;
    struct nf_telegram_batch *batch; /* of `u` and `raw`; NULL: there is none */
    bool first_held;                 /* or is being: something came behind it */
    size_t waiting;                  /* are held */
    size_t holding;                  /* are being written down */
    bool news;                       /* something was held since it was looked */
    bool crowded;                    /* what comes is left out until it has caught up */
    struct nf_wait *held;            /* woken when nothing is being written down */
    UT_hash_handle hh;
};

/* Updates that are one message, while they are taken in. */
struct nf_telegram_taking {
    struct nf_telegram *t;
    struct nf_telegram_lane *lane;
    const struct nf_telegram_update *const *u;
    size_t n;
    int tries;    /* this one included */
    bool held;    /* a later life would go on with it */
    bool crowded; /* it is one too many */
};

/* intake.c: Telegram may forget it. */
void nf_telegram_accept(struct nf_telegram_intake *in, struct nf_telegram_item *i);

/* The lane of that name, made and begun in `scope` unless it is there. */
NF_RC nf_telegram_lane_of(struct nf_telegram *t, const char *name, struct nf_scope *scope,
                          struct nf_telegram_lane **ret, struct nf_err *err);
struct nf_telegram_lane *nf_telegram_lane_find(const struct nf_telegram_intake *in,
                                               const char *name);

/* As it is held. NF_E_LIMIT: longer than NF_TELEGRAM_HELD_BYTES_MAX. */
NF_RC nf_telegram_write_held(const struct nf_json *update, bool crowded, struct nf_str *ret,
                             struct nf_err *err);

/* take_in.c: give them to the use cases. As nf_chat_receive. */
NF_RC nf_telegram_take_in(struct nf_telegram_taking *k, struct nf_err *err);
