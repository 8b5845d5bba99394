#include "channels/discord/kept.h"

#include "base/own.h"
#include "observe/log.h"

#include <stdio.h>
#include <string.h>

static void source_of(const struct nf_discord *d, char ret[NF_CURSOR_SOURCE_MAX + 1])
{
    (void)snprintf(ret, NF_CURSOR_SOURCE_MAX + 1, "%.100s/asked", d->source);
}

/* --- writing ---------------------------------------------------------------------------------- */

/* A token is of use for 15 minutes and only to answer this one question. */
static NF_RC put(struct nf_discord *d, const char *id, struct nf_json_out *o, struct nf_str *text,
                 int64_t ttl_ms, struct nf_err *err)
{
    char source[NF_CURSOR_SOURCE_MAX + 1];
    source_of(d, source);
    nf_json_put_i64(o, "at", nf_discord_now() + ttl_ms - NF_INTERACTION_MS);
    nf_json_out_end(o);
    enum nf_code rc = nf_json_end_doc(o, err);
    if (rc == NF_OK)
        rc = nf_chat_note(d->channel, source, id, nf_str_c(text), ttl_ms, err);
    if (text->p)
        explicit_bzero(text->p, text->cap);
    return rc;
}

NF_RC nf_discord_keep(struct nf_discord *d, const struct nf_discord_interaction *i,
                      struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { .max = NF_NOTE_VALUE_MAX };
    struct nf_json_out o;

    nf_json_begin_doc(&o, &text);
    nf_json_out_object(&o);
    nf_json_put_str(&o, "channel", i->channel);
    nf_json_put_str(&o, "guild", i->guild);
    nf_json_put_str(&o, "user", i->user);
    nf_json_put_str(&o, "name", i->user_name);
    nf_json_put_str(&o, "lang", i->lang);
    nf_json_put_str(&o, "token", i->token);
    nf_json_put_str(&o, "text", nf_str_c(&i->text));
    return put(d, i->id, &o, &text, NF_INTERACTION_MS, err);
}

void nf_discord_keep_answered(struct nf_discord *d, const struct nf_waiting_interaction *w)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { .max = NF_NOTE_VALUE_MAX };
    int64_t left = w->since_ms + NF_INTERACTION_MS - nf_discord_mono();
    struct nf_json_out o;
    struct nf_err err;

    if (!w->kept || left <= 0)
        return;
    nf_json_begin_doc(&o, &text);
    nf_json_out_object(&o);
    nf_json_put_str(&o, "channel", w->channel);
    nf_json_put_str(&o, "guild", w->private_answer ? "1" : "");
    nf_json_put_str(&o, "token", w->token);
    nf_json_put_str(&o, "run", w->run);
    if (put(d, w->id, &o, &text, left, &err) != NF_OK)
        nf_log_warn("discord.interaction.unkept", "channel", d->chat.name, "err", err.msg, NULL);
}

void nf_discord_unkeep(struct nf_discord *d, const char *id)
{
    char source[NF_CURSOR_SOURCE_MAX + 1];
    struct nf_err err;
    source_of(d, source);
    if (nf_chat_note_drop(d->channel, source, id, &err) != NF_OK)
        nf_log_warn("discord.interaction.kept", "channel", d->chat.name, "err", err.msg, NULL);
}

/* --- reading ---------------------------------------------------------------------------------- */

static void copy(char *to, size_t size, const struct nf_json *v, const char *key)
{
    const char *text = nf_json_str(nf_json_get(v, key));
    if (text && strlen(text) < size)
        memcpy(to, text, strlen(text) + 1);
}

/* *run: of the answer that it has; NULL: it has none. */
static NF_RC read_note(const struct nf_note *n, struct nf_json_doc **doc,
                       struct nf_discord_interaction *ret, const char **run, int64_t *at,
                       struct nf_err *err)
{
    NF_TRY(nf_json_parse(n->value, strlen(n->value), 0, doc, err));
    const struct nf_json *v = nf_json_root(*doc);
    const char *text = nf_json_str(nf_json_get(v, "text"));

    ret->kind = NF_DISCORD_COMMAND;
    ret->text.max = NF_MESSAGE_BYTES_MAX + 1;
    (void)snprintf(ret->id, sizeof(ret->id), "%.20s", n->name);
    copy(ret->channel, sizeof(ret->channel), v, "channel");
    copy(ret->guild, sizeof(ret->guild), v, "guild");
    copy(ret->user, sizeof(ret->user), v, "user");
    copy(ret->user_name, sizeof(ret->user_name), v, "name");
    copy(ret->lang, sizeof(ret->lang), v, "lang");
    copy(ret->token, sizeof(ret->token), v, "token");
    *run = nf_json_str(nf_json_get(v, "run"));
    *at = nf_json_i64(nf_json_get(v, "at"), 0);
    if (!ret->token[0] || !ret->channel[0] || (!text && !*run))
        return nf_err_set(err, NF_E_IO, "the note of an interaction lacks what it needs");
    return text ? nf_str_adds(&ret->text, text, err) : NF_OK;
}

static struct nf_waiting_interaction *
restore(struct nf_discord *d, const struct nf_discord_interaction *i, const char *run, int64_t at)
{
    int64_t since = nf_discord_mono() - (nf_discord_now() - at);
    struct nf_waiting_interaction *w = nf_interactions_add(d->interactions, i, since);
    if (!w)
        return NULL;
    w->kept = w->restored = true;
    if (run) {
        w->answered = true;
        w->ack = NF_ACK_DONE;
        (void)snprintf(w->run, sizeof(w->run), "%.13s", run);
    }
    return w;
}

NF_RC nf_discord_recall(struct nf_discord *d, const char *id, struct nf_waiting_interaction **ret,
                        struct nf_err *err)
{
    NF_CLEANUP(nf_note_done) struct nf_note n = { .expires_ms = 0 };
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    NF_CLEANUP(nf_discord_interaction_done) struct nf_discord_interaction i = { .kind = 0 };
    char source[NF_CURSOR_SOURCE_MAX + 1];
    struct nf_err why;
    const char *run;
    int64_t at;

    *ret = NULL;
    if (!d->channel || !d->source[0])
        return nf_err_set(err, NF_E_UNAVAILABLE, "Discord has not been reached yet");
    source_of(d, source);
    enum nf_code rc = nf_chat_note_get(d->channel, source, id, &n, &why);
    if (rc == NF_E_NOT_FOUND)
        return NF_OK;
    if (rc != NF_OK)
        return nf_err_set(err, rc, "%s", why.msg);
    NF_TRY(read_note(&n, &doc, &i, &run, &at, err));
    *ret = nf_interactions_find(d->interactions, id, nf_discord_mono());
    if (!*ret)
        *ret = restore(d, &i, run, at);
    return NF_OK;
}

struct each {
    struct nf_discord *d;
    nf_discord_kept_fn fn;
};

static enum nf_code look(void *arg, const struct nf_note *n, struct nf_err *err)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    NF_CLEANUP(nf_discord_interaction_done) struct nf_discord_interaction i = { .kind = 0 };
    struct each *e = arg;
    struct nf_err why;
    const char *run;
    int64_t at;

    if (nf_interactions_find(e->d->interactions, n->name, nf_discord_mono()))
        return NF_OK; /* whose answer was here first */
    enum nf_code rc = read_note(n, &doc, &i, &run, &at, &why);
    if (rc == NF_E_NOMEM)
        return nf_err_set(err, rc, "%s", why.msg);
    if (rc != NF_OK) {
        nf_log_warn("discord.interaction.unread", "channel", e->d->chat.name, "err", why.msg, NULL);
        return NF_OK;
    }
    if (!restore(e->d, &i, run, at) || run)
        return NF_OK;
    return e->fn(e->d, &i, err);
}

NF_RC nf_discord_each_kept(struct nf_discord *d, nf_discord_kept_fn fn, struct nf_err *err)
{
    struct each e = { d, fn };
    char source[NF_CURSOR_SOURCE_MAX + 1];
    source_of(d, source);
    return nf_chat_notes(d->channel, source, look, &e, err);
}
