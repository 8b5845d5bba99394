/* What the files of the Telegram adapter share. */
#pragma once

#include "channels/telegram/api.h"
#include "channels/telegram/budget.h"
#include "channels/telegram/intake.h"
#include "channels/telegram/render.h"
#include "channels/telegram/telegram.h"
#include "channels/telegram/update.h"

struct nf_http_server;
struct nf_metric;

/* The text that was cut last: a run shows the same one again and again. */
struct nf_telegram_rendered {
    struct nf_str markdown;
    struct nf_styled styled;
    struct nf_styled_ranges parts;
    bool valid;
};

#define NF_TELEGRAM_MOVES_MAX 64

/* A group that got another id while answers to it were on their way. */
struct nf_telegram_move {
    int64_t from, to;
};

struct nf_telegram_metrics {
    struct nf_metric *updates, *polls, *calls, *refused, *plain;
};

struct nf_telegram {
    struct nf_chat_adapter adapter;
    struct nf_chat chat;
    struct nf_loop *loop;
    const struct nf_telegram_settings *settings;
    struct nf_telegram_api *api;
    struct nf_chat_channel *channel;       /* since start: what is sent before tells it nothing */
    struct nf_telegram_self self;          /* since the first getMe */
    char source[NF_CURSOR_SOURCE_MAX + 1]; /* keys of updates, and who reads them */
    char held_source[NF_CURSOR_SOURCE_MAX + 1]; /* of what was held, when it is taken in */
    struct nf_scope reading;                    /* the fibers that read */
    bool started, leased;
    bool caught_up; /* nothing that is held is without its lane: what is new cannot overtake it */
    bool menu;      /* Telegram has our commands */
    struct nf_telegram_intake intake;
    struct nf_http_server *hook;
    char hook_secret[NF_TELEGRAM_HOOK_SECRET + 1];
    struct nf_telegram_budget budget;
    struct nf_shared_rates *shared;
    struct nf_telegram_move moves[NF_TELEGRAM_MOVES_MAX]; /* the newest ones */
    size_t moves_n;                                       /* that there were */
    size_t part_max; /* units of a message; less if the server once said it is too long */
    struct nf_telegram_rendered rendered;
    struct nf_chat_health health;
    struct nf_telegram_metrics metrics;
};

int64_t nf_telegram_now(const struct nf_telegram *t);  /* wall clock */
int64_t nf_telegram_mono(const struct nf_telegram *t); /* monotonic */

/* What is wrong, and what to do; both "" with CONNECTED. */
void nf_telegram_set_health(struct nf_telegram *t, enum nf_chat_state state, int64_t code,
                            const char *problem, const char *todo);
/* The same by what a call came to. */
void nf_telegram_failed(struct nf_telegram *t, const struct nf_telegram_answer *a,
                        const struct nf_err *why);

/* post.c */
extern const struct nf_chat_ops nf_telegram_chat_ops;
void nf_telegram_rendered_done(struct nf_telegram_rendered *r);

/* out.c: from now on what goes to `from` goes to `to`. */
void nf_telegram_note_move(struct nf_telegram *t, const char *from, const char *to);

/* lease.c: one reader per token, who also goes on with what a former life has left: until
 * nf_telegram_lease_end, in fibers of *keeping. t->leased says whether we are it. */
NF_RC nf_telegram_lease_begin(struct nf_telegram *t, struct nf_scope *keeping, struct nf_err *err);
void nf_telegram_lease_end(struct nf_telegram *t, struct nf_scope *keeping);

/* poll.c: read updates by long polling until cancelled. */
NF_RC nf_telegram_poll(struct nf_telegram *t, struct nf_err *err);

/* webhook.c: serve Telegram's calls until cancelled. */
NF_RC nf_telegram_serve_hook(struct nf_telegram *t, struct nf_err *err);
void nf_telegram_stop_hook(struct nf_telegram *t);

/* menu.c: tell Telegram our commands. What goes wrong is logged; NF_E_CANCELED. */
NF_RC nf_telegram_put_menu(struct nf_telegram *t, struct nf_err *err);

/* The kinds of updates that we ask for, as JSON. */
extern const char nf_telegram_allowed[];
