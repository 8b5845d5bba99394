/* The gateway's sessions as notes, so that a restart resumes them: Discord then tells what came
 * meanwhile, and no new session is used up. What is written down is how far everything was dealt
 * with, so what a crash has cut off comes again. */
#include "base/own.h"
#include "channels/discord/discord_internal.h"
#include "observe/log.h"
#include "runtime/fiber.h"

#include <stdio.h>
#include <string.h>

#define LOOK_MS 1000
#define WRITE_MS 5000                          /* between two notes at least */
#define KEPT_MS (INT64_C(24) * 3600 * 1000)    /* starts are counted by the day */
#define RESUMABLE_MS (INT64_C(15) * 60 * 1000) /* older ones Discord does not know any more */

static void source_of(const struct nf_discord *d, char ret[NF_CURSOR_SOURCE_MAX + 1])
{
    (void)snprintf(ret, NF_CURSOR_SOURCE_MAX + 1, "%.100s/session", d->source);
}

/* --- reading ---------------------------------------------------------------------------------- */

static const char *text_of(const struct nf_json *v, const char *key)
{
    const char *s = nf_json_str(nf_json_get(v, key));
    return s ? s : "";
}

static void restore(struct nf_discord *d, struct nf_discord_shard *s, const struct nf_json *v)
{
    int64_t now = nf_discord_now(), at = nf_json_i64(nf_json_get(v, "at"), 0);
    int64_t began = nf_json_i64(nf_json_get(v, "began"), 0), age = now > began ? now - began : 0;
    bool same = nf_json_i64(nf_json_get(v, "shards"), 0) == d->shards_n &&
                nf_json_i64(nf_json_get(v, "intents"), -1) == (int64_t)s->gateway.intents &&
                now - at < RESUMABLE_MS;

    nf_gateway_restore(&s->gateway, same ? text_of(v, "session") : "", text_of(v, "url"),
                       nf_json_i64(nf_json_get(v, "seq"), -1), age);
    s->began_ms = now - age;
    d->restored = d->restored || s->gateway.session[0];
}

static enum nf_code read_one(void *arg, const struct nf_note *n, struct nf_err *err)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    struct nf_discord *d = arg;
    struct nf_err why;
    char name[16];
    (void)err;

    if (nf_json_parse(n->value, strlen(n->value), 0, &doc, &why) != NF_OK) {
        nf_log_warn("discord.session.unread", "channel", d->chat.name, "err", why.msg, NULL);
        return NF_OK;
    }
    for (int i = 0; i < d->shards_n; i++) {
        (void)snprintf(name, sizeof(name), "%d", i);
        if (strcmp(name, n->name) == 0)
            restore(d, &d->shards[i], nf_json_root(doc));
    }
    return NF_OK;
}

void nf_discord_load_sessions(struct nf_discord *d)
{
    char source[NF_CURSOR_SOURCE_MAX + 1];
    struct nf_err err;
    source_of(d, source);
    d->restored = false;
    if (nf_chat_notes(d->channel, source, read_one, d, &err) != NF_OK)
        nf_log_warn("discord.session.unread", "channel", d->chat.name, "err", err.msg, NULL);
}

/* --- writing ---------------------------------------------------------------------------------- */

void nf_discord_mark_sessions(struct nf_discord *d)
{
    if (d->works > 0 || d->jobs > 0)
        return;
    for (int i = 0; i < d->shards_n; i++) {
        const struct nf_gateway *g = &d->shards[i].gateway;
        struct nf_discord_session *s = &d->sessions[i];
        if (g->seq == s->seq && strcmp(g->session, s->id) == 0)
            continue;
        if (strcmp(g->session, s->id) != 0 && g->identifies > 0)
            d->shards[i].began_ms = nf_discord_now() - (nf_discord_mono() - g->identified_ms);
        memcpy(s->id, g->session, sizeof(s->id));
        memcpy(s->url, g->resume_url, sizeof(s->url));
        s->seq = g->seq;
        s->intents = g->intents;
        s->shards = d->shards_n;
        s->began_ms = d->shards[i].began_ms;
        s->dirty = true;
    }
}

static NF_RC write_one(struct nf_discord *d, int shard, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { .max = NF_NOTE_VALUE_MAX };
    const struct nf_discord_session *s = &d->sessions[shard];
    char source[NF_CURSOR_SOURCE_MAX + 1], name[16];
    struct nf_json_out o;

    source_of(d, source);
    (void)snprintf(name, sizeof(name), "%d", shard);
    nf_json_begin_doc(&o, &text);
    nf_json_out_object(&o);
    nf_json_put_str(&o, "session", s->id);
    nf_json_put_str(&o, "url", s->url);
    nf_json_put_i64(&o, "seq", s->seq);
    nf_json_put_i64(&o, "intents", s->intents);
    nf_json_put_i64(&o, "shards", s->shards);
    nf_json_put_i64(&o, "began", s->began_ms);
    nf_json_put_i64(&o, "at", nf_discord_now());
    nf_json_out_end(&o);
    NF_TRY(nf_json_end_doc(&o, err));
    return nf_chat_note(d->channel, source, name, nf_str_c(&text), KEPT_MS, err);
}

NF_RC nf_discord_save_sessions(struct nf_discord *d, struct nf_err *err)
{
    for (int i = 0; i < NF_DISCORD_SHARDS_MAX; i++) {
        if (!d->sessions[i].dirty)
            continue;
        d->sessions[i].dirty = false;
        enum nf_code rc = write_one(d, i, err);
        if (rc != NF_OK) {
            d->sessions[i].dirty = true;
            return rc;
        }
    }
    return NF_OK;
}

/* A new session is written down at once, and how far it was read every few seconds. */
static bool has_begun(const struct nf_discord *d, const struct nf_discord_session *before)
{
    for (int i = 0; i < d->shards_n; i++)
        if (strcmp(before[i].id, d->sessions[i].id) != 0)
            return true;
    return false;
}

/* For a while, or until a session begins. */
static NF_RC wait_for_news(struct nf_discord *d, struct nf_err *err)
{
    struct nf_wait w = { 0 };
    d->keeper = &w;
    enum nf_code rc = nf_wait(&w, LOOK_MS, "a session", err);
    d->keeper = NULL;
    return rc == NF_E_TIMEOUT ? NF_OK : rc;
}

enum nf_code nf_discord_keep_sessions(void *arg, struct nf_err *err)
{
    struct nf_discord *d = arg;
    int64_t written_ms = 0;
    for (;;) {
        struct nf_err why;
        struct nf_discord_session before[NF_DISCORD_SHARDS_MAX];
        memcpy(before, d->sessions, sizeof(before));
        nf_discord_mark_sessions(d);
        if (has_begun(d, before) || nf_discord_mono() - written_ms >= WRITE_MS) {
            written_ms = nf_discord_mono();
            if (nf_discord_save_sessions(d, &why) != NF_OK)
                nf_log_warn("discord.session.unwritten", "channel", d->chat.name, "err", why.msg,
                            NULL);
        }
        NF_TRY(wait_for_news(d, err));
    }
}
