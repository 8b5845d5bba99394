#include "channels/telegram/budget.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#define SPREAD_US 1150000

struct nf_telegram_chat_budget {
    int64_t id;
    int64_t at_ms;      /* when what was taken will have refilled */
    int64_t blocked_ms; /* nothing before that */
    int64_t last_ms;
    UT_hash_handle hh;
};

void nf_telegram_budget_init(struct nf_telegram_budget *b, int64_t per_second)
{
    /* A fifth may go at once, the rest steadily: never more than that in any second, also where the
     * way there squeezes a little more than a second into one. */
    int64_t burst = per_second / 5 > 0 ? per_second / 5 : 1;
    int64_t steady = per_second - burst > 0 ? per_second - burst : 1;
    *b = (struct nf_telegram_budget){ .all_every_us = SPREAD_US / steady + 1,
                                      .all_burst = burst,
                                      .sweep_at = 1024 };
}

void nf_telegram_budget_done(struct nf_telegram_budget *b)
{
    struct nf_telegram_chat_budget *c, *next;
    HASH_ITER(hh, b->chats, c, next)
    {
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): the list that uthash keeps is beyond it */
        HASH_DEL(b->chats, c);
        free(c);
    }
    *b = (struct nf_telegram_budget){ 0 };
}

static int64_t every_ms(int64_t chat)
{
    return chat < 0 ? NF_TELEGRAM_GROUP_EVERY_MS : NF_TELEGRAM_CHAT_EVERY_MS;
}

static int64_t burst_of(int64_t chat)
{
    return chat < 0 ? NF_TELEGRAM_GROUP_BURST : NF_TELEGRAM_CHAT_BURST;
}

/* Who has waited out everything needs not be remembered. */
static void sweep(struct nf_telegram_budget *b, int64_t now_ms)
{
    struct nf_telegram_chat_budget *c, *next;
    /* NOLINTBEGIN(clang-analyzer-unix.Malloc): the list that uthash keeps is beyond it */
    HASH_ITER(hh, b->chats, c, next)
    {
        if (c->at_ms <= now_ms && c->blocked_ms <= now_ms) {
            /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): the list that uthash keeps is beyond it
             */
            HASH_DEL(b->chats, c);
            free(c);
        }
    }
    size_t left = HASH_COUNT(b->chats);
    /* NOLINTEND(clang-analyzer-unix.Malloc) */
    b->sweep_at = left < 512 ? 1024 : 2 * left;
}

static struct nf_telegram_chat_budget *find(const struct nf_telegram_budget *b, int64_t id)
{
    struct nf_telegram_chat_budget *c = NULL;
    HASH_FIND(hh, b->chats, &id, sizeof(id), c);
    return c;
}

static NF_RC find_or_add(struct nf_telegram_budget *b, int64_t id, int64_t now_ms,
                         struct nf_telegram_chat_budget **ret, struct nf_err *err)
{
    struct nf_telegram_chat_budget *c = find(b, id);
    if (!c) {
        if (HASH_COUNT(b->chats) >= b->sweep_at)
            sweep(b, now_ms);
        if (HASH_COUNT(b->chats) >= NF_TELEGRAM_CHATS_MAX)
            return nf_err_set(err, NF_E_LIMIT, "%d chats are written to at once",
                              NF_TELEGRAM_CHATS_MAX);
        c = calloc(1, sizeof(*c));
        if (!c)
            return nf_err_set(err, NF_E_NOMEM, "out of memory");
        c->id = id;
        HASH_ADD(hh, b->chats, id, sizeof(id), c);
    }
    *ret = c;
    return NF_OK;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t all_go_ms(const struct nf_telegram_budget *b, int64_t now_ms, int64_t burst)
{
    int64_t go_us = later(b->all_at_us, now_ms * 1000) - (burst - 1) * b->all_every_us;
    return later((go_us + 999) / 1000, b->all_blocked_ms);
}

static void take_all(struct nf_telegram_budget *b, int64_t go_ms)
{
    b->all_at_us = later(b->all_at_us, go_ms * 1000) + b->all_every_us;
}

enum nf_code nf_telegram_budget_take(struct nf_telegram_budget *b, int64_t chat, bool interim,
                                     int64_t now_ms, int64_t *wait_ms, struct nf_err *err)
{
    struct nf_telegram_chat_budget *c;
    int64_t every = every_ms(chat);

    NF_TRY(find_or_add(b, chat, now_ms, &c, err));
    int64_t from = later(c->at_ms, now_ms), burst_ms = burst_of(chat) * every;
    int64_t go = later(from - (burst_ms - every), c->blocked_ms);
    if (interim) {
        go = later(chat < 0 ? from : c->last_ms + every, c->blocked_ms);
        if (go > now_ms || all_go_ms(b, now_ms, 1) > now_ms)
            return nf_err_set(err, NF_E_LIMIT, "the chat has had enough for now");
        take_all(b, now_ms);
    }
    c->at_ms = later(from, go) + every; /* what waits for a refusal to pass does not spend before */
    if (interim && chat > 0)            /* a chat that is edited steadily has no burst left */
        c->at_ms = now_ms + burst_ms;
    c->last_ms = later(go, now_ms);
    *wait_ms = go > now_ms ? go - now_ms : 0;
    return NF_OK;
}

int64_t nf_telegram_budget_take_all(struct nf_telegram_budget *b, int64_t now_ms)
{
    int64_t go = later(all_go_ms(b, now_ms, b->all_burst), now_ms);
    take_all(b, go);
    return go - now_ms;
}

void nf_telegram_budget_refused(struct nf_telegram_budget *b, int64_t chat, int64_t now_ms,
                                int64_t retry_after_ms)
{
    struct nf_telegram_chat_budget *c;
    struct nf_err ignored;
    int64_t until = now_ms + retry_after_ms;

    if (b->refused_ms > 0 && b->refused_chat != chat &&
        now_ms - b->refused_ms < NF_TELEGRAM_FLOOD_MS)
        b->all_blocked_ms = later(b->all_blocked_ms, until);
    b->refused_ms = now_ms;
    b->refused_chat = chat;
    if (find_or_add(b, chat, now_ms, &c, &ignored) == NF_OK)
        c->blocked_ms = later(c->blocked_ms, until);
}

int64_t nf_telegram_budget_last(const struct nf_telegram_budget *b, int64_t chat)
{
    const struct nf_telegram_chat_budget *c = find(b, chat);
    return c ? c->last_ms : 0;
}
