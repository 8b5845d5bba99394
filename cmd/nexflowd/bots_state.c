/* How the bots are: for /ready, /health, metrics, the page and doctor. */
#include "cmd/nexflowd/bots_internal.h"
#include "domain/said_bots.h"
#include "domain/said_ready.h"
#include "observe/metrics.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

struct nf_bot *nf_bot_find(const struct nf_bot_wiring *w, const char *name)
{
    struct nf_bot *b;
    DL_FOREACH(w->running, b)
    {
        if (strcmp(nf_bot_name(b), name) == 0)
            return b;
    }
    return NULL;
}

static void bot_health(const struct nf_bot *b, struct nf_chat_health *ret)
{
    *ret = (struct nf_chat_health){ 0 };
    if (b->adapter->chat->ops->health)
        b->adapter->chat->ops->health(b->adapter->chat, ret);
}

static bool is_deaf(const struct nf_bot_wiring *w, const struct nf_bot *b)
{
    struct nf_chat_health h;
    bot_health(b, &h);
    return nf_chat_is_deaf(&h, nf_app_now(w->app));
}

/* --- metrics ---------------------------------------------------------------------------------- */

/* Of whichever bot has the name now: metrics are registered for good. */
struct nf_bot_gauge {
    struct nf_bot_wiring *w;
    char name[NF_CHANNEL_MAX + 1];
};

static double gauge_hears(void *arg)
{
    const struct nf_bot_gauge *g = arg;
    const struct nf_bot *b = nf_bot_find(g->w, g->name);
    return b && !is_deaf(g->w, b);
}

static double gauge_age(void *arg)
{
    const struct nf_bot_gauge *g = arg;
    const struct nf_bot *b = nf_bot_find(g->w, g->name);
    struct nf_chat_health h = { 0 };
    if (b)
        bot_health(b, &h);
    return h.alive_ms > 0 ? (double)(nf_app_now(g->w->app) - h.alive_ms) / 1000 : -1;
}

static double gauge_queue(void *arg)
{
    const struct nf_bot_gauge *g = arg;
    const struct nf_bot *b = nf_bot_find(g->w, g->name);
    struct nf_chat_health h = { 0 };
    if (b)
        bot_health(b, &h);
    return (double)h.queue;
}

bool nf_bot_has_gauges(const struct nf_bot_wiring *w, const char *name)
{
    for (size_t i = 0; i < w->gauges_n; i++)
        if (strcmp(w->gauges[i]->name, name) == 0)
            return true;
    return false;
}

enum nf_code nf_bot_add_gauges(struct nf_bot_wiring *w, const char *name, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str labels = { 0 };
    if (nf_bot_has_gauges(w, name))
        return NF_OK;
    NF_TRY(nf_metric_label(&labels, "channel", name, err));
    struct nf_bot_gauge *g = calloc(1, sizeof(*g));
    if (!g)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    g->w = w;
    memcpy(g->name, name, strnlen(name, NF_CHANNEL_MAX));
    w->gauges[w->gauges_n++] = g;
    nf_gauge_fn("nexflow_channel_hears", "1 while what people write there reaches us",
                nf_str_c(&labels), gauge_hears, g);
    nf_gauge_fn("nexflow_channel_alive_age_seconds",
                "Since the last sign of life of the network; -1: none yet", nf_str_c(&labels),
                gauge_age, g);
    nf_gauge_fn("nexflow_channel_queue", "Messages that wait for the network's limits",
                nf_str_c(&labels), gauge_queue, g);
    return NF_OK;
}

/* --- how they are ----------------------------------------------------------------------------- */

bool nf_bot_wiring_at(const struct nf_bot_wiring *w, size_t i, struct nf_web_bot *ret)
{
    const struct nf_bot *b = w->running;
    while (b && i-- > 0)
        b = b->next;
    if (!b)
        return false;
    *ret = (struct nf_web_bot){ 0 };
    memcpy(ret->name, nf_bot_name(b), strlen(nf_bot_name(b)));
    memcpy(ret->network, b->network->name, strlen(b->network->name));
    bot_health(b, &ret->health);
    return true;
}

enum nf_code nf_bot_wiring_say(const struct nf_bot_wiring *w, const char *channel,
                               const char *account, const char *markdown, struct nf_err *err)
{
    const struct nf_bot *b = nf_bot_find(w, channel);
    char home[NF_ADDRESS_MAX + 1];
    if (!b)
        return nf_err_set(err, NF_E_NOT_FOUND, "there is no such channel");
    struct nf_chat *chat = b->adapter->chat;
    if (!chat->ops->home)
        return nf_channel_tell(nf_chat_channel_port(b->channel), account, markdown, err);
    NF_TRY(chat->ops->home(chat, account, home, err));
    return nf_channel_tell(nf_chat_channel_port(b->channel), home, markdown, err);
}

enum nf_code nf_bot_wiring_not_ready(const struct nf_bot_wiring *w, struct nf_str *reasons,
                                     struct nf_err *err)
{
    const struct nf_bot *b;
    DL_FOREACH(w->running, b)
    {
        struct nf_chat_health h;
        bot_health(b, &h);
        if (!nf_chat_is_deaf(&h, nf_app_now(w->app)))
            continue;
        const char *problem = h.problem[0] ? h.problem : NF_BOT_NO_SIGN;
        if (h.todo[0])
            NF_TRY(nf_str_addf(reasons, err, NF_UNREADY_DEAF_DO "\n", nf_bot_name(b), problem,
                               h.todo));
        else
            NF_TRY(nf_str_addf(reasons, err, NF_UNREADY_DEAF "\n", nf_bot_name(b), problem));
    }
    return NF_OK;
}

void nf_bot_wiring_health(const struct nf_bot_wiring *w, struct nf_json_out *o)
{
    int64_t now = nf_app_now(w->app);
    struct nf_web_bot b;
    nf_json_out_key(o, "channels");
    nf_json_out_array(o);
    for (size_t i = 0; nf_bot_wiring_at(w, i, &b); i++) {
        nf_json_out_object(o);
        nf_json_put_str(o, "name", b.name);
        nf_json_put_str(o, "network", b.network);
        nf_json_put_str(o, "state", nf_web_bot_state(&b));
        nf_json_put_bool(o, "deaf", nf_chat_is_deaf(&b.health, now));
        nf_json_put_i64(o, "alive_ms", b.health.alive_ms > 0 ? now - b.health.alive_ms : -1);
        nf_json_put_i64(o, "event_ms", b.health.event_ms > 0 ? now - b.health.event_ms : -1);
        nf_json_put_i64(o, "code", b.health.code);
        nf_json_put_i64(o, "queue", b.health.queue);
        nf_json_out_end(o);
    }
    nf_json_out_end(o);
}
