/* What the files about bots share. */
#pragma once

#include "channels/chat/chat_channel.h"
#include "cmd/nexflowd/bots.h"
#include "runtime/fiber.h"

/* A network: where its bots stand in the configuration, and how one is built. */
struct nf_bot_network {
    const char *name;
    const struct nf_setting_group *items;
    size_t list;   /* offset in struct nf_bots */
    size_t people; /* offset of the struct nf_chat_settings in an item */
    const char *(*name_of)(const void *item);
    enum nf_code (*build)(const struct nf_bot_wiring *w, const void *item,
                          struct nf_chat_adapter **ret, struct nf_err *err);
};

struct nf_bot {
    const struct nf_bot_network *network;
    const void *item; /* its settings, in a list that outlives it */
    struct nf_chat_adapter *adapter;
    struct nf_chat_channel *channel;
    struct nf_scope scope; /* of what reads and shows */
    bool reads;
    struct nf_bot *prev, *next;
};

static inline const char *nf_bot_name(const struct nf_bot *b)
{
    return b->network->name_of(b->item);
}

/* bots_state.c: how they are. */
struct nf_bot *nf_bot_find(const struct nf_bot_wiring *w, const char *name);
/* Metrics are registered for good, by name; at most NF_BOT_NAMES_MAX names. */
bool nf_bot_has_gauges(const struct nf_bot_wiring *w, const char *name);
NF_RC nf_bot_add_gauges(struct nf_bot_wiring *w, const char *name, struct nf_err *err);
