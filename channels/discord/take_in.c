/* One message of Discord as what a person wrote. */
#include "application/words.h"
#include "base/own.h"
#include "base/utf8.h"
#include "channels/discord/discord_internal.h"
#include "observe/log.h"
#include "runtime/fiber.h"

#include <stdio.h>
#include <string.h>

#define THREAD_NAME_MAX 100  /* "Start Thread from Message": 1-100 characters */
#define ARCHIVE_MINUTES 4320 /* of a thread nobody writes in */

/* What callbacks of one message share. */
struct intake {
    struct nf_discord *d;
    const struct nf_discord_message *m;
    struct nf_str bytes; /* of one file */
    char problems[NF_DISCORD_FILES_MAX][120];
};

static void intake_done(struct intake *in)
{
    nf_str_done(&in->bytes);
}

NF_RC nf_discord_cursor_source(const struct nf_discord *d, const char *channel,
                               char ret[NF_CURSOR_SOURCE_MAX + 1], struct nf_err *err)
{
    int n = snprintf(ret, NF_CURSOR_SOURCE_MAX + 1, "%s:%s", d->source, channel);
    return n > 0 && n <= NF_CURSOR_SOURCE_MAX
               ? NF_OK
               : nf_err_set(err, NF_E_INVALID, "the id of a channel is too long");
}

/* --- files ------------------------------------------------------------------------------------ */

static enum nf_code fetch(void *arg, size_t i, struct nf_chat_file *f, size_t room,
                          struct nf_err *err)
{
    struct intake *in = arg;
    struct nf_err why;

    nf_str_done(&in->bytes);
    in->bytes.max = room + 1;
    enum nf_code rc = nf_rest_fetch(in->d->rest, in->m->files[i].url, &in->bytes, &why);
    if (rc == NF_E_CANCELED || rc == NF_E_NOMEM)
        return nf_err_set(err, rc, "%s", why.msg);
    f->cut = rc == NF_E_LIMIT; /* its beginning is there */
    if (rc != NF_OK && !f->cut) {
        (void)snprintf(in->problems[i], sizeof(in->problems[i]), "could not be fetched: %.80s",
                       why.msg);
        f->problem = in->problems[i];
        return NF_OK;
    }
    f->data = (const unsigned char *)nf_str_c(&in->bytes);
    f->n = in->bytes.len;
    return NF_OK;
}

/* --- threads ---------------------------------------------------------------------------------- */

/* The task in one line, as far as a name goes. */
static void thread_name(const char *text, char ret[THREAD_NAME_MAX + 1])
{
    size_t n = 0;
    for (const char *p = text; *p && n < THREAD_NAME_MAX; p++) {
        bool blank = (unsigned char)*p <= ' ';
        if (blank && (n == 0 || ret[n - 1] == ' '))
            continue;
        ret[n] = *p;
        if (blank)
            ret[n] = ' ';
        n++;
    }
    n = nf_utf8_cut(ret, n, n);
    while (n > 0 && !nf_utf8_valid(ret, n)) /* cut within a character */
        n--;
    while (n > 0 && ret[n - 1] == ' ')
        n--;
    ret[n] = '\0';
    if (n == 0)
        memcpy(ret, "Nexflow", sizeof("Nexflow"));
}

static NF_RC open_thread(struct intake *in, struct nf_rest_answer *a, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { 0 };
    char path[NF_DISCORD_PATH_MAX], name[THREAD_NAME_MAX + 1];
    struct nf_json_out o;
    /* Twice does no harm: a message has one thread, and the second try says so. */
    struct nf_rest_call c = {
        .route = NF_REST_THREAD, .major = in->m->channel, .path = path, .again = true
    };

    thread_name(nf_str_c(&in->m->text), name);
    (void)snprintf(path, sizeof(path), "/channels/%s/messages/%s/threads", in->m->channel,
                   in->m->id);
    nf_json_begin_doc(&o, &text);
    nf_json_out_object(&o);
    nf_json_put_str(&o, "name", name);
    nf_json_put_i64(&o, "auto_archive_duration", ARCHIVE_MINUTES);
    nf_json_out_end(&o);
    return nf_discord_call(in->d, &c, &o, &text, a, err);
}

/* The id of a thread is that of the message it began from ("Start Thread from Message"). */
static void enter_thread(struct intake *in, char address[NF_ADDRESS_MAX + 1])
{
    struct nf_place *p = nf_places_get(in->d->places, in->m->id);
    memcpy(address, in->m->id, sizeof(in->m->id));
    if (!p)
        return;
    p->kind = NF_PLACE_THREAD;
    p->ours = true;
    p->generation = in->d->generation; /* nothing was said in it yet */
    memcpy(p->parent, in->m->channel, sizeof(p->parent));
    memcpy(p->guild, in->m->guild, sizeof(p->guild));
}

/* Where we may open no thread the answer stays in the channel. */
static enum nf_code place(void *arg, char address[NF_ADDRESS_MAX + 1], struct nf_err *err)
{
    NF_CLEANUP(nf_rest_answer_done) struct nf_rest_answer a = { 0 };
    struct intake *in = arg;
    struct nf_err why;
    enum nf_code rc = open_thread(in, &a, &why);

    if (rc == NF_OK || a.code == 160004) { /* it is there already */
        nf_discord_may(in->d, in->m->channel, NF_DISCORD_MAY_OPEN_THREADS);
        enter_thread(in, address);
        return NF_OK;
    }
    if (rc != NF_E_DENIED && rc != NF_E_INVALID && rc != NF_E_NOT_FOUND)
        return nf_err_set(err, rc, "%s", why.msg);
    nf_log_info("discord.thread.refused", "channel", in->d->chat.name, "chat", in->m->channel,
                "err", why.msg, NULL);
    if (a.code == 50001 || a.code == 50013)
        nf_discord_may_not(in->d, in->m->channel, NF_DISCORD_MAY_OPEN_THREADS);
    return NF_OK;
}

/* --- what it means ---------------------------------------------------------------------------- */

static bool has_string(const struct nf_setting_strs *list, const char *text)
{
    for (size_t i = 0; i < list->n; i++)
        if (strcmp(list->v[i], text) == 0)
            return true;
    return false;
}

/* "/start CODE" */
static const char *start_of(const char *text)
{
    if (strncmp(text, "/start", 6) != 0 || (text[6] != '\0' && text[6] != ' '))
        return NULL;
    text += 6;
    return text + strspn(text, " ");
}

/* In a channel a task gets a thread, but a command needs none. */
static bool wants_thread(const struct nf_discord *d, const struct nf_discord_message *m,
                         const struct nf_place *p)
{
    return d->settings->threads && m->guild[0] && p &&
           (p->kind == NF_PLACE_TEXT || p->kind == NF_PLACE_NEWS);
}

/* In a thread of ours somebody wrote without mentioning us, and Discord hides it: once per thread
 * they are told, in both languages, since nobody knows theirs. */
static NF_RC hint(struct nf_discord *d, const struct nf_discord_message *m, struct nf_err *err)
{
    struct nf_place *p = nf_places_find(d->places, m->channel);
    char text[600], key[26], ref[NF_CHAT_REF_MAX + 1];
    struct nf_err why;

    if (!p || p->hinted)
        return NF_OK;
    p->hinted = true;
    (void)snprintf(key, sizeof(key), "h%s", m->channel);
    (void)snprintf(text, sizeof(text), "%s\n\n%s", nf_word(NF_LANG_EN, NF_WORD_MENTION_ME),
                   nf_word(NF_LANG_RU, NF_WORD_MENTION_ME));
    const struct nf_chat_post post = {
        .address = m->channel, .markdown = text, .reply_to = m->id, .key = key, .silent = true
    };
    enum nf_code rc = d->chat.ops->send(&d->chat, &post, ref, &why);
    return rc == NF_E_CANCELED ? nf_err_set(err, rc, "%s", why.msg) : NF_OK;
}

NF_RC nf_discord_take_in(struct nf_discord *d, const struct nf_discord_message *m, bool edited,
                         struct nf_err *err)
{
    NF_CLEANUP(intake_done) struct intake in = { .d = d, .m = m };
    struct nf_chat_file files[NF_DISCORD_FILES_MAX];
    char source[NF_CURSOR_SOURCE_MAX + 1], event[NF_CHAT_EVENT_MAX + 1];
    char chat[NF_DISCORD_ID_MAX + 1];
    const struct nf_place *p = nf_places_find(d->places, m->channel);
    bool direct = !m->guild[0], thread = p && nf_place_is_thread(p);

    memcpy(chat, thread && p->parent[0] ? p->parent : m->channel, sizeof(chat));
    bool heard =
        direct || m->mentions || (thread && p->ours) || has_string(&d->settings->listen, chat);
    if (m->usable && thread && p->ours && m->hidden && !m->mentions && !edited)
        return hint(d, m, err);
    if (!m->usable || !heard || (m->hidden && !m->mentions))
        return NF_OK; /* the watermark passes it by */
    NF_TRY(nf_discord_cursor_source(d, m->channel, source, err));
    (void)snprintf(event, sizeof(event), edited ? "m%s.e%s" : "m%s", m->id, m->edited);
    for (size_t i = 0; i < m->files_n; i++)
        files[i] = (struct nf_chat_file){ .name = m->files[i].name,
                                          .media_type = m->files[i].media_type,
                                          .announced = m->files[i].size };
    const struct nf_chat_said said = {
        .source = d->source,
        .event_id = event,
        .cursor_source = edited ? NULL : source,
        .cursor = edited ? NULL : m->id,
        .account = m->author,
        .account_name = m->author_name,
        .lang = "",
        .address = m->channel,
        .chat = chat,
        .direct = direct,
        .addressed = true,
        .ref = m->id,
        .quote = nf_str_c(&m->quote),
        .text = nf_str_c(&m->text),
        .edited = edited,
        .start = start_of(nf_str_c(&m->text)),
        .files = m->files_n ? files : NULL,
        .files_n = m->files_n,
        .fetch = fetch,
        .fetch_arg = &in,
        .place = wants_thread(d, m, p) ? place : NULL,
        .place_arg = &in,
    };
    return nf_chat_receive(d->channel, &said, err);
}
