/* What the gateway tells, sorted: channels are learned, messages go to the lane of their channel,
 * interactions are dealt with at once. */
#include "base/own.h"
#include "channels/discord/discord_internal.h"
#include "channels/discord/lane.h"
#include "observe/log.h"
#include "runtime/fiber.h"

#include <stdlib.h>
#include <string.h>

/* --- lanes ------------------------------------------------------------------------------------ */

static struct nf_discord_lane *lane_of(struct nf_discord *d, const char *channel)
{
    unsigned h = 5381;
    for (; *channel; channel++)
        h = h * 33 + (unsigned char)*channel;
    return &d->lanes[h % NF_DISCORD_LANES];
}

void nf_discord_work_free(struct nf_discord_work *w)
{
    if (!w)
        return;
    nf_discord_message_freep(&w->message);
    free(w);
}

static void work_freep(struct nf_discord_work **w)
{
    nf_discord_work_free(*w);
}

static NF_RC enqueue(struct nf_discord *d, const char *channel, struct nf_discord_work **w,
                     struct nf_err *err)
{
    NF_TRY(nf_chan_try_send(lane_of(d, channel)->queue, *w, err));
    *w = NULL;
    d->works++;
    return NF_OK;
}

static NF_RC new_work(const char *channel, bool message, struct nf_discord_work **ret,
                      struct nf_err *err)
{
    struct nf_discord_work *w = calloc(1, sizeof(*w));
    if (w && message)
        w->message = calloc(1, sizeof(*w->message));
    if (!w || (message && !w->message)) {
        free(w);
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    }
    memcpy(w->channel, channel, strnlen(channel, NF_DISCORD_ID_MAX));
    *ret = w;
    return NF_OK;
}

NF_RC nf_discord_want_catch_up(struct nf_discord *d, const char *channel, struct nf_err *err)
{
    NF_CLEANUP(work_freep) struct nf_discord_work *w = NULL;
    NF_TRY(new_work(channel, false, &w, err));
    return enqueue(d, channel, &w, err);
}

static NF_RC take_message(struct nf_discord *d, const struct nf_json *v, bool edited,
                          struct nf_err *err)
{
    NF_CLEANUP(work_freep) struct nf_discord_work *w = NULL;
    struct nf_err why;

    NF_TRY(new_work("", true, &w, err));
    assert(w && w->message);
    /* NOLINTBEGIN(clang-analyzer-unix.Malloc): `w` is freed by its cleanup */
    struct nf_discord_message *m = w->message;
    enum nf_code rc = nf_discord_message_read(v, &d->self, m, &why);
    if (rc == NF_E_INVALID || rc == NF_E_LIMIT) {
        nf_log_warn("discord.message.unread", "channel", d->chat.name, "err", why.msg, NULL);
        return NF_OK;
    }
    if (rc != NF_OK)
        return nf_err_set(err, rc, "%s", why.msg);
    /* Discord also tells that a link got its preview: nobody wrote anything. */
    if (edited && (!m->edited[0] || !m->usable || m->hidden))
        return NF_OK;
    if (!m->guild[0]) { /* which events always tell */
        struct nf_place *p = nf_places_get(d->places, m->channel);
        if (p)
            p->kind = NF_PLACE_DM;
    }
    w->edited = edited;
    memcpy(w->channel, m->channel, sizeof(w->channel));
    return enqueue(d, m->channel, &w, err);
    /* NOLINTEND(clang-analyzer-unix.Malloc) */
}

/* --- channels --------------------------------------------------------------------------------- */

static void learn_all(struct nf_discord *d, const struct nf_json *list, const char *guild)
{
    for (const struct nf_json *v = nf_json_first(list); v; v = nf_json_next(v))
        nf_places_learn(d->places, v, guild, d->self.id);
}

static void learn_guild(struct nf_discord *d, const struct nf_json *v)
{
    char id[NF_DISCORD_ID_MAX + 1];
    if (!nf_discord_id(nf_json_get(v, "id"), id))
        return;
    learn_all(d, nf_json_get(v, "channels"), id);
    learn_all(d, nf_json_get(v, "threads"), id);
    nf_discord_wake_walker(d);
}

static void forget_channel(struct nf_discord *d, const struct nf_json *v)
{
    char id[NF_DISCORD_ID_MAX + 1];
    if (nf_discord_id(nf_json_get(v, "id"), id))
        nf_places_forget(d->places, id);
}

/* A new session may have missed anything; after a resumed one it is only checked. */
static void begin_session(struct nf_discord *d, const struct nf_json *v)
{
    (void)nf_discord_id(nf_json_get(nf_json_get(v, "application"), "id"), d->self.app);
    d->generation++;
    d->all_wanted = true;
    nf_discord_wake_walker(d);
    if (d->keeper)
        nf_wait_wake(d->keeper, NF_OK);
}

static bool starts_with(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

NF_RC nf_discord_dispatch(struct nf_discord *d, const char *type, const struct nf_json *v,
                          struct nf_err *err)
{
    if (strcmp(type, "MESSAGE_CREATE") == 0)
        return take_message(d, v, false, err);
    if (strcmp(type, "MESSAGE_UPDATE") == 0)
        return take_message(d, v, true, err);
    if (strcmp(type, "INTERACTION_CREATE") == 0)
        return nf_discord_interact(d, v, err);
    if (strcmp(type, "READY") == 0) {
        begin_session(d, v);
    } else if (strcmp(type, "RESUMED") == 0) {
        d->generation++;
        d->all_wanted = d->all_wanted || nf_take(d->restored);
        nf_discord_wake_walker(d);
    } else if (strcmp(type, "GUILD_CREATE") == 0) {
        learn_guild(d, v);
    } else if (strcmp(type, "THREAD_LIST_SYNC") == 0) {
        char guild[NF_DISCORD_ID_MAX + 1] = "";
        (void)nf_discord_id(nf_json_get(v, "guild_id"), guild);
        learn_all(d, nf_json_get(v, "threads"), guild);
    } else if (strcmp(type, "CHANNEL_DELETE") == 0 || strcmp(type, "THREAD_DELETE") == 0) {
        forget_channel(d, v);
    } else if (starts_with(type, "CHANNEL_") || starts_with(type, "THREAD_")) {
        if (strcmp(type, "CHANNEL_CREATE") == 0 || strcmp(type, "CHANNEL_UPDATE") == 0 ||
            strcmp(type, "THREAD_CREATE") == 0 || strcmp(type, "THREAD_UPDATE") == 0)
            nf_places_learn(d->places, v, NULL, d->self.id);
    }
    return NF_OK;
}
