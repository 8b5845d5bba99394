/* What Discord does not let us do in a channel, until it does: shown in health, kept over restarts,
 * and told to the owners once per channel, with what to grant. */
#include "base/own.h"
#include "channels/discord/discord_internal.h"
#include "domain/said_bots.h"
#include "observe/log.h"
#include "runtime/fiber.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEPT_MS (INT64_C(30) * 24 * 3600 * 1000) /* nobody mended it: they hear again */

/* "Permissions" of the documentation, as Discord's settings of a role name them. */
static const struct {
    const char *what, *grant, *russian;
} kinds[] = {
    [NF_DISCORD_MAY_WRITE] = { "write",
                               "View Channel, Send Messages, Send Messages in Threads and "
                               "Attach Files",
                               "боту нельзя писать" },
    [NF_DISCORD_MAY_READ] = { "see what it answers", "Read Message History",
                              "боту не видно, на что он отвечает," },
    [NF_DISCORD_MAY_OPEN_THREADS] = { "open threads",
                                      "Create Public Threads and Send Messages in Threads",
                                      "боту нельзя открывать ветки" },
};

static void source_of(const struct nf_discord *d, char ret[NF_CURSOR_SOURCE_MAX + 1])
{
    (void)snprintf(ret, NF_CURSOR_SOURCE_MAX + 1, "%.100s/forbidden", d->source);
}

/* --- what is known ---------------------------------------------------------------------------- */

static struct nf_discord_trouble *find(struct nf_discord *d, const char *channel,
                                       enum nf_discord_may kind)
{
    for (size_t i = 0; i < d->troubles_n; i++)
        if (d->troubles[i].kind == kind && strcmp(d->troubles[i].channel, channel) == 0)
            return &d->troubles[i];
    return NULL;
}

/* The oldest goes if there are too many. */
static struct nf_discord_trouble *add(struct nf_discord *d, const char *channel,
                                      enum nf_discord_may kind)
{
    if (d->troubles_n == NF_DISCORD_TROUBLES_MAX)
        memmove(d->troubles, d->troubles + 1, --d->troubles_n * sizeof(d->troubles[0]));
    struct nf_discord_trouble *t = &d->troubles[d->troubles_n++];
    *t = (struct nf_discord_trouble){ .kind = kind };
    (void)snprintf(t->channel, sizeof(t->channel), "%.20s", channel);
    return t;
}

/* Kinds are in the order of what they spoil. */
static const struct nf_discord_trouble *worst(const struct nf_discord *d)
{
    const struct nf_discord_trouble *t = &d->troubles[d->troubles_n - 1];
    for (size_t i = 0; i < d->troubles_n; i++)
        if (d->troubles[i].kind < t->kind)
            t = &d->troubles[i];
    return t;
}

static void write_problem(const struct nf_discord_trouble *t, const char *others, char *to,
                          size_t n)
{
    switch (t->kind) {
    case NF_DISCORD_MAY_WRITE:
        (void)snprintf(to, n, NF_BOT_MAY_NOT_WRITE, t->channel, others);
        break;
    case NF_DISCORD_MAY_READ:
        (void)snprintf(to, n, NF_BOT_MAY_NOT_READ, t->channel, others);
        break;
    case NF_DISCORD_MAY_OPEN_THREADS:
        (void)snprintf(to, n, NF_BOT_MAY_NOT_OPEN, t->channel, others);
        break;
    }
}

void nf_discord_show_trouble(const struct nf_discord *d, struct nf_chat_health *h)
{
    if (h->state != NF_CHAT_CONNECTED || d->troubles_n == 0 || h->problem[0])
        return;
    const struct nf_discord_trouble *t = worst(d);
    char others[48] = "";
    if (d->troubles_n > 1)
        (void)snprintf(others, sizeof(others), NF_BOT_AND_MORE, d->troubles_n - 1);
    write_problem(t, others, h->problem, sizeof(h->problem));
    (void)snprintf(h->todo, sizeof(h->todo), NF_BOT_DO_GRANT, kinds[t->kind].grant);
}

/* --- over restarts ---------------------------------------------------------------------------- */

static enum nf_code read_one(void *arg, const struct nf_note *n, struct nf_err *err)
{
    struct nf_discord *d = arg;
    char channel[NF_DISCORD_ID_MAX + 1];
    (void)err;
    (void)snprintf(channel, sizeof(channel), "%.*s", (int)strcspn(n->name, "."), n->name);
    for (size_t k = 0; k < NF_COUNT(kinds); k++)
        if (strcmp(kinds[k].what, n->value) == 0 && !find(d, channel, (enum nf_discord_may)k))
            (void)add(d, channel, (enum nf_discord_may)k);
    return NF_OK;
}

void nf_discord_load_troubles(struct nf_discord *d)
{
    char source[NF_CURSOR_SOURCE_MAX + 1];
    struct nf_err err;
    source_of(d, source);
    if (nf_chat_notes(d->channel, source, read_one, d, &err) != NF_OK)
        nf_log_warn("discord.trouble.unread", "channel", d->chat.name, "err", err.msg, NULL);
}

/* "501.0": once for each thing that a channel forbids. */
static void name_of(const struct nf_discord_trouble *t, char ret[NF_NOTE_NAME_MAX + 1])
{
    (void)snprintf(ret, NF_NOTE_NAME_MAX + 1, "%s.%d", t->channel, (int)t->kind);
}

struct telling {
    struct nf_discord *d;
    struct nf_discord_trouble t;
    bool over;
};

/* A link that Discord opens, where the server is known. */
static NF_RC write_place(const struct telling *j, struct nf_str *to, struct nf_err *err)
{
    const struct nf_place *p = nf_places_find(j->d->places, j->t.channel);
    if (p && p->guild[0])
        return nf_str_addf(to, err, "https://discord.com/channels/%s/%s", p->guild, j->t.channel);
    return nf_str_addf(to, err, "channel %s", j->t.channel);
}

static NF_RC write_words(const struct telling *j, struct nf_str *to, struct nf_err *err)
{
    NF_TRY(nf_str_addf(to, err, "\xE2\x9A\xA0 `%s`: the bot may not %s in ", j->d->chat.name,
                       kinds[j->t.kind].what));
    NF_TRY(write_place(j, to, err));
    return nf_str_addf(to, err,
                       " . In Discord, open the settings of that channel, *Permissions*, and give "
                       "the bot's role **%s**.",
                       kinds[j->t.kind].grant);
}

static NF_RC write_russian(const struct telling *j, struct nf_str *to, struct nf_err *err)
{
    NF_TRY(nf_str_addf(to, err, "\xE2\x9A\xA0 `%s`: %s в канале ", j->d->chat.name,
                       kinds[j->t.kind].russian));
    NF_TRY(write_place(j, to, err));
    return nf_str_addf(to, err,
                       " . Откройте в Discord настройки этого канала, *Permissions* (права "
                       "доступа), и дайте роли бота **%s**.",
                       kinds[j->t.kind].grant);
}

static NF_RC tell(const struct telling *j, const char *source, const char *name, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str words = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str russian = { 0 };
    struct nf_chat_channel *c = j->d->channel;

    NF_TRY(write_words(j, &words, err));
    NF_TRY(write_russian(j, &russian, err));
    NF_TRY(nf_chat_tell_owners_once(
        c, &(struct nf_notice){ .markdown = nf_str_c(&words), .russian = nf_str_c(&russian) },
        &(struct nf_chat_note_of){
            .source = source, .name = name, .value = kinds[j->t.kind].what, .ttl_ms = KEPT_MS },
        err));
    /* It may have been mended while they were told. */
    return find(j->d, j->t.channel, j->t.kind) ? NF_OK : nf_chat_note_drop(c, source, name, err);
}

static enum nf_code tell_fiber(void *arg, struct nf_err *err)
{
    NF_CLEANUP(nf_freep) struct telling *j = arg;
    char source[NF_CURSOR_SOURCE_MAX + 1], name[NF_NOTE_NAME_MAX + 1];
    struct nf_err why;
    (void)err;
    source_of(j->d, source);
    name_of(&j->t, name);
    enum nf_code rc = j->over ? nf_chat_note_drop(j->d->channel, source, name, &why)
                              : tell(j, source, name, &why);
    if (rc != NF_OK && rc != NF_E_CANCELED)
        nf_log_warn("discord.trouble.untold", "channel", j->d->chat.name, "err", why.msg, NULL);
    return NF_OK;
}

/* Best effort: it is in health and in the log. */
static void start(struct nf_discord *d, const struct nf_discord_trouble *t, bool over)
{
    struct nf_err err = { .msg = "out of memory" };
    struct telling *j = d->jobs_scope && d->source[0] ? malloc(sizeof(*j)) : NULL;
    if (j) {
        *j = (struct telling){ .d = d, .t = *t, .over = over };
        if (nf_scope_spawn(d->jobs_scope, tell_fiber, j, NULL, &err) == NF_OK)
            return;
    }
    nf_log_warn("discord.trouble.untold", "channel", d->chat.name, "err", err.msg, NULL);
    free(j);
}

/* --- as it comes ------------------------------------------------------------------------------ */

void nf_discord_may_not(struct nf_discord *d, const char *channel, enum nf_discord_may kind)
{
    struct nf_discord_trouble *t = find(d, channel, kind);
    if (t && t->told_ms && nf_discord_mono() - t->told_ms < NF_DISCORD_TROUBLE_MS)
        return;
    if (!t)
        t = add(d, channel, kind);
    t->told_ms = nf_discord_mono();
    nf_log_warn("discord.forbidden", "channel", d->chat.name, "chat", channel, "problem",
                kinds[kind].what, "todo", kinds[kind].grant, NULL);
    start(d, t, false);
}

void nf_discord_may(struct nf_discord *d, const char *channel, enum nf_discord_may kind)
{
    struct nf_discord_trouble *t = find(d, channel, kind);
    if (!t)
        return;
    struct nf_discord_trouble was = *t;
    size_t behind = d->troubles_n - (size_t)(t - d->troubles) - 1;
    memmove(t, t + 1, behind * sizeof(*t));
    d->troubles_n--;
    start(d, &was, true);
}
