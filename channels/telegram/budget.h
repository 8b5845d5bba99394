/*
 * What a bot may send, so that Telegram need not refuse it: one allowance per chat for messages and
 * edits alike, and one for all chats. Pure: times are given.
 *
 * Bots FAQ, "My bot is hitting limits": about one message a second in a chat, with short bursts; 20
 * a minute in a group; about 30 a second to all. Each allowance is a bucket that refills steadily.
 * Interim edits take only what has just refilled. In a group they leave the burst to what must go
 * out; a private chat that is edited gets no burst at all, but its last edit a second after.
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NF_TELEGRAM_CHAT_EVERY_MS 1000  /* a private chat: one a second, */
#define NF_TELEGRAM_CHAT_BURST 3        /* and so many at once after a silence */
#define NF_TELEGRAM_GROUP_EVERY_MS 4200 /* 5 + 60,000 / 4,200 are 19 in any minute */
#define NF_TELEGRAM_GROUP_BURST 5
#define NF_TELEGRAM_FLOOD_MS 10000  /* two chats refused within it: all chats wait */
#define NF_TELEGRAM_CHATS_MAX 20000 /* chats that are remembered at once */

struct nf_telegram_chat_budget;
struct nf_telegram_budget {
    int64_t all_every_us, all_burst;       /* of all chats */
    int64_t all_at_us;                     /* when what was taken will have refilled */
    int64_t all_blocked_ms;                /* nothing before that */
    int64_t refused_ms;                    /* when the last chat was refused, */
    int64_t refused_chat;                  /* and which */
    struct nf_telegram_chat_budget *chats; /* by id */
    size_t sweep_at;
};

void nf_telegram_budget_init(struct nf_telegram_budget *b, int64_t per_second);
void nf_telegram_budget_done(struct nf_telegram_budget *b);

/* Take one message to `chat` (negative: a group) at `now_ms`. *wait_ms: how long to wait before it
 * may go as far as the chat is concerned; then ask nf_telegram_budget_take_all. With `interim`
 * nothing is taken that would have to wait, and what is taken may go at once: NF_E_LIMIT.
 * NF_E_NOMEM; NF_E_LIMIT over NF_TELEGRAM_CHATS_MAX. */
NF_RC nf_telegram_budget_take(struct nf_telegram_budget *b, int64_t chat, bool interim,
                              int64_t now_ms, int64_t *wait_ms, struct nf_err *err);

/* Take one message of the allowance of all chats: how long to wait before it goes out. */
int64_t nf_telegram_budget_take_all(struct nf_telegram_budget *b, int64_t now_ms);

/* Telegram wants `chat` to be left alone for so long. Never fails. */
void nf_telegram_budget_refused(struct nf_telegram_budget *b, int64_t chat, int64_t now_ms,
                                int64_t retry_after_ms);

/* When the last message to the chat was taken; 0: unknown, long ago. */
int64_t nf_telegram_budget_last(const struct nf_telegram_budget *b, int64_t chat);
