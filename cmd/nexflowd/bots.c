#include "cmd/nexflowd/bots_internal.h"

#include "channels/discord/discord.h"
#include "channels/telegram/telegram.h"
#include "observe/log.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

/* --- the networks ----------------------------------------------------------------------------- */

static const char *telegram_name(const void *item)
{
    return ((const struct nf_telegram_settings *)item)->name;
}

static enum nf_code build_telegram(const struct nf_bot_wiring *w, const void *item,
                                   struct nf_chat_adapter **ret, struct nf_err *err)
{
    const struct nf_telegram_options o = {
        .loop = w->loop, .http = w->http, .settings = item, .shared = w->app->shared_rates
    };
    return nf_telegram_new(&o, ret, err);
}

static const char *discord_name(const void *item)
{
    return ((const struct nf_discord_settings *)item)->name;
}

static enum nf_code build_discord(const struct nf_bot_wiring *w, const void *item,
                                  struct nf_chat_adapter **ret, struct nf_err *err)
{
    const struct nf_discord_options o = {
        .loop = w->loop, .http = w->http, .settings = item, .shared = w->app->shared_rates
    };
    return nf_discord_new(&o, ret, err);
}

static const struct nf_bot_network networks[] = {
    { "discord", &nf_discord_setting_group, offsetof(struct nf_bots, discord),
      offsetof(struct nf_discord_settings, people), discord_name, build_discord },
    { "telegram", &nf_telegram_setting_group, offsetof(struct nf_bots, telegram),
      offsetof(struct nf_telegram_settings, people), telegram_name, build_telegram },
};

static const struct nf_setting_list *list_of(const struct nf_bot_network *n,
                                             const struct nf_bots *b)
{
    return (const struct nf_setting_list *)((const char *)b + n->list);
}

/* Who may write; borrowed from the item. */
static struct nf_chat_rules rules_of(const struct nf_bot_network *n, const void *item)
{
    return nf_chat_rules_of((const struct nf_chat_settings *)((const char *)item + n->people));
}

static const void *item_at(const struct nf_bot_network *n, const struct nf_setting_list *l,
                           size_t i)
{
    return (const char *)l->v + i * n->items->size;
}

/* --- one bot ---------------------------------------------------------------------------------- */

/* Read no more. */
static void bot_close(struct nf_bot *b)
{
    if (nf_take(b->reads))
        b->adapter->ops->close(b->adapter);
}

/* And show no runs. */
static void bot_stop(struct nf_bot *b)
{
    struct nf_err ignored;
    bot_close(b);
    nf_scope_cancel(&b->scope);
    if (nf_scope_join(&b->scope, &ignored) != NF_OK)
        nf_log_debug("channel.scope", "channel", nf_bot_name(b), "err", ignored.msg, NULL);
}

static void bot_free(struct nf_bot *b)
{
    if (!b)
        return;
    bot_stop(b);
    nf_scope_done(&b->scope);
    nf_chat_channel_free(b->channel);
    if (b->adapter)
        b->adapter->ops->free(b->adapter);
    free(b);
}

static void bot_freep(struct nf_bot **b)
{
    bot_free(*b);
}

static NF_RC bot_new(struct nf_bot_wiring *w, const struct nf_bot_network *n, const void *item,
                     struct nf_bot **ret, struct nf_err *err)
{
    NF_CLEANUP(bot_freep) struct nf_bot *b = calloc(1, sizeof(*b));
    if (!b)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    b->network = n;
    b->item = item;
    nf_scope_init(&b->scope, w->loop);
    struct nf_chat_rules rules = rules_of(n, item);
    NF_TRY(nf_err_wrap(err, n->build(w, item, &b->adapter, err), "channel %s", nf_bot_name(b)));
    const struct nf_chat_channel_options o = { .scope = &b->scope,
                                               .app = w->app,
                                               .chat = b->adapter->chat,
                                               .name = nf_bot_name(b),
                                               .network = n->name,
                                               .rules = &rules };
    NF_TRY(nf_chat_channel_new(&o, &b->channel, err));
    *ret = nf_take(b);
    return NF_OK;
}

static NF_RC bot_start(struct nf_bot *b, struct nf_err *err)
{
    NF_TRY(b->adapter->ops->start(b->adapter, b->channel, &b->scope, err));
    b->reads = true;
    return NF_OK;
}

/* --- all of them ------------------------------------------------------------------------------ */

/* Settings that were replaced while bots use them. */
struct nf_bot_lists {
    struct nf_bots b;
    struct nf_bot_lists *prev, *next;
};

/* In the place of a former bot of that name: turns and replies must find their channel at any time.
 */
static void add_port(struct nf_bot_wiring *w, struct nf_bot *b)
{
    struct nf_channels *c = w->app->channels;
    for (size_t i = 0; i < c->n; i++)
        if (strcmp(c->v[i]->name, nf_bot_name(b)) == 0) {
            c->v[i] = nf_chat_channel_port(b->channel);
            return;
        }
    assert(c->n < NF_CHANNELS_MAX);
    c->v[c->n++] = nf_chat_channel_port(b->channel);
}

static void remove_port(struct nf_bot_wiring *w, const struct nf_bot *b)
{
    struct nf_channels *c = w->app->channels;
    for (size_t i = 0; i < c->n; i++)
        if (c->v[i] == nf_chat_channel_port(b->channel)) {
            c->v[i] = c->v[--c->n];
            return;
        }
}

static NF_RC add_bot(struct nf_bot_wiring *w, const struct nf_bot_network *n, const void *item,
                     struct nf_err *err)
{
    struct nf_bot *b = NULL;
    NF_TRY(bot_new(w, n, item, &b, err));
    assert(b);
    DL_APPEND(w->running, b);
    add_port(w, b);
    NF_TRY(nf_bot_add_gauges(w, nf_bot_name(b), err));
    return w->started ? bot_start(b, err) : NF_OK;
}

enum nf_code nf_bot_wiring_build(struct nf_bot_wiring *w, const struct nf_bots *settings,
                                 struct nf_err *err)
{
    for (size_t k = 0; k < NF_COUNT(networks); k++) {
        const struct nf_setting_list *l = list_of(&networks[k], settings);
        for (size_t i = 0; i < l->n; i++)
            NF_TRY(add_bot(w, &networks[k], item_at(&networks[k], l, i), err));
    }
    return NF_OK;
}

enum nf_code nf_bot_wiring_start(struct nf_bot_wiring *w, struct nf_err *err)
{
    struct nf_bot *b;
    w->started = true;
    DL_FOREACH(w->running, b)
    {
        NF_TRY(bot_start(b, err));
    }
    return NF_OK;
}

/* --- another configuration -------------------------------------------------------------------- */

/* The item of the bot in *live, if nothing but who may write to it has changed. */
static const void *same_item(const struct nf_bot *b, const struct nf_bots *live)
{
    const struct nf_setting_list *l = list_of(b->network, live);
    for (size_t i = 0; i < l->n; i++) {
        const void *item = item_at(b->network, l, i);
        if (nf_config_same(b->network->items, item, b->item, b->network->people,
                           sizeof(struct nf_chat_settings)))
            return item;
    }
    return NULL;
}

/* Somebody may be in the middle of writing to it, so that it is kept to the end. */
static void replace(struct nf_bot_wiring *w, struct nf_bot *b)
{
    nf_log_info("channel.closed", "channel", nf_bot_name(b), NULL);
    DL_DELETE(w->running, b);
    DL_APPEND(w->replaced, b);
    w->replaced_n++;
}

/* Stopping suspends, and who runs is anybody's to look at meanwhile: first they are all moved. */
static void replace_changed(struct nf_bot_wiring *w, const struct nf_bots *live)
{
    struct nf_bot *b, *next, *changed = NULL;
    DL_FOREACH_SAFE(w->running, b, next)
    {
        const void *item = same_item(b, live);
        if (!item) {
            replace(w, b);
            changed = changed ? changed : b;
            continue;
        }
        struct nf_chat_rules rules = rules_of(b->network, item);
        nf_chat_channel_set_rules(b->channel, &rules);
    }
    for (b = changed; b; b = b->next) /* to the end of those replaced, which nobody leaves */
        bot_stop(b);
}

static bool may_add(const struct nf_bot_wiring *w, const char *name)
{
    return w->replaced_n < NF_BOTS_REPLACED_MAX &&
           (w->gauges_n < NF_BOT_NAMES_MAX || nf_bot_has_gauges(w, name));
}

static NF_RC add_missing(struct nf_bot_wiring *w, const struct nf_bot_network *n,
                         const struct nf_bots *live, struct nf_str *ignored, struct nf_err *err)
{
    const struct nf_setting_list *l = list_of(n, live);
    for (size_t i = 0; i < l->n; i++) {
        const void *item = item_at(n, l, i);
        const char *name = n->name_of(item);
        if (nf_bot_find(w, name))
            continue;
        if (!may_add(w, name)) {
            NF_TRY(nf_str_addf(ignored, err, "channels.%s[%zu]\n", n->name, i));
            continue;
        }
        NF_TRY(add_bot(w, n, item, err));
        nf_log_info("channel.opened", "channel", name, NULL);
    }
    return NF_OK;
}

static bool is_in(const struct nf_bot *b, const struct nf_setting_list *l)
{
    const char *item = b->item, *v = l->v;
    return l->n > 0 && item >= v && item < v + l->n * b->network->items->size;
}

static bool is_used(struct nf_bot *bots, const struct nf_bots *old)
{
    struct nf_bot *b;
    DL_FOREACH(bots, b)
    {
        if (is_in(b, list_of(b->network, old)))
            return true;
    }
    return false;
}

static NF_RC keep_used(struct nf_bot_wiring *w, struct nf_bots *old, struct nf_err *err)
{
    if (!is_used(w->running, old) && !is_used(w->replaced, old))
        return NF_OK;
    struct nf_bot_lists *l = calloc(1, sizeof(*l));
    if (!l) {
        *old = (struct nf_bots){ 0 }; /* lost, which is better than freed under who reads it */
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    }
    l->b = nf_take(*old);
    DL_APPEND(w->old, l);
    return NF_OK;
}

enum nf_code nf_bot_wiring_reload(struct nf_bot_wiring *w, const struct nf_bots *live,
                                  struct nf_bots *old, struct nf_str *ignored, struct nf_err *err)
{
    NF_TRY(keep_used(w, old, err));
    replace_changed(w, live);
    for (size_t k = 0; k < NF_COUNT(networks); k++)
        NF_TRY(add_missing(w, &networks[k], live, ignored, err));
    struct nf_bot *b;
    DL_FOREACH(w->replaced, b)
    {
        remove_port(w, b); /* whose name nobody has taken */
    }
    return NF_OK;
}

/* --- the end ---------------------------------------------------------------------------------- */

void nf_bot_wiring_close(struct nf_bot_wiring *w)
{
    struct nf_bot *b;
    DL_FOREACH(w->running, b)
    {
        bot_close(b);
    }
}

static void free_all(struct nf_bot *bots)
{
    struct nf_bot *b, *next;
    DL_FOREACH_SAFE(bots, b, next)
    {
        bot_free(b);
    }
}

void nf_bot_wiring_done(struct nf_bot_wiring *w)
{
    struct nf_bot_lists *l, *next;
    free_all(nf_take(w->running));
    free_all(nf_take(w->replaced));
    DL_FOREACH_SAFE(w->old, l, next)
    {
        nf_bots_done(&l->b);
        free(l);
    }
    for (size_t i = 0; i < w->gauges_n; i++)
        free(w->gauges[i]);
    w->gauges_n = 0;
}
