#include "channels/discord/message.h"

#include "base/own.h"
#include "base/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUOTE_MAX 4096
#define TYPE_DEFAULT 0 /* "Message Types" */
#define TYPE_REPLY 19
#define NAMES_MAX 32           /* mentions of a message whose names are looked up */
#define EPOCH_MS 1420070400000 /* "Snowflakes": the first second of 2015 */

/* --- ids -------------------------------------------------------------------------------------- */

bool nf_discord_id(const struct nf_json *v, char ret[NF_DISCORD_ID_MAX + 1])
{
    const char *text = nf_json_str(v);
    size_t n = text ? strspn(text, "0123456789") : 0;
    if (n == 0 || n > NF_DISCORD_ID_MAX || text[n] != '\0')
        return false;
    memcpy(ret, text, n + 1);
    return true;
}

bool nf_discord_id_before(const char *a, const char *b)
{
    size_t n = strlen(a), k = strlen(b);
    return n != k ? n < k : strcmp(a, b) < 0;
}

void nf_discord_id_of_time(int64_t epoch_ms, char ret[NF_DISCORD_ID_MAX + 1])
{
    uint64_t ms = epoch_ms > EPOCH_MS ? (uint64_t)(epoch_ms - EPOCH_MS) : 0;
    (void)snprintf(ret, NF_DISCORD_ID_MAX + 1, "%llu", (unsigned long long)(ms << 22));
}

static void copy_cut(char *to, size_t size, const char *from)
{
    nf_utf8_copy(to, size, from ? from : "");
}

/* The name that others see: of the server, of the account, or the account's own. */
static const char *shown_name(const struct nf_json *user, const struct nf_json *member)
{
    const char *nick = nf_json_str(nf_json_get(member, "nick"));
    const char *global = nf_json_str(nf_json_get(user, "global_name"));
    const char *name = nf_json_str(nf_json_get(user, "username"));
    return nick ? nick : global ? global : name ? name : "";
}

/* --- text ------------------------------------------------------------------------------------- */

/* "<@123>" or "<@!123>" at p: its length and id; 0: it is none. */
static size_t mention_at(const char *p, char id[NF_DISCORD_ID_MAX + 1])
{
    size_t at = 2, n;
    if (p[0] != '<' || p[1] != '@')
        return 0;
    at += p[2] == '!';
    n = strspn(p + at, "0123456789");
    if (n == 0 || n > NF_DISCORD_ID_MAX || p[at + n] != '>')
        return 0;
    memcpy(id, p + at, n);
    id[n] = '\0';
    return at + n + 1;
}

static const char *name_of(const struct nf_json *mentions, const char *id)
{
    size_t i = 0;
    for (const struct nf_json *u = nf_json_first(mentions); u && i < NAMES_MAX;
         u = nf_json_next(u), i++) {
        const char *other = nf_json_str(nf_json_get(u, "id"));
        if (other && strcmp(other, id) == 0)
            return shown_name(u, nf_json_get(u, "member"));
    }
    return NULL;
}

/* The text as a person reads it: names for ids; what calls us is not part of it. */
static NF_RC write_text(const char *p, const struct nf_json *mentions, const char *self,
                        struct nf_str *to, struct nf_err *err)
{
    char id[NF_DISCORD_ID_MAX + 1];
    while (*p) {
        size_t n = mention_at(p, id);
        const char *name = n > 0 && strcmp(id, self) != 0 ? name_of(mentions, id) : NULL;
        if (n > 0 && strcmp(id, self) == 0) {
            p += n;
            while (to->len == 0 && (*p == ' ' || *p == ',' || *p == ':'))
                p++;
        } else if (name) {
            NF_TRY(nf_str_addf(to, err, "@%s", name));
            p += n;
        } else {
            size_t run = 1 + strcspn(p + 1, "<");
            NF_TRY(nf_str_add(to, p, run, err));
            p += run;
        }
    }
    while (to->len > 0 && strchr(" \n\t", to->p[to->len - 1]))
        to->p[--to->len] = '\0';
    return NF_OK;
}

/* --- messages --------------------------------------------------------------------------------- */

static void file_done(struct nf_discord_file *f)
{
    free(f->name);
    free(f->media_type);
    free(f->url);
}

void nf_discord_message_done(struct nf_discord_message *m)
{
    for (size_t i = 0; i < m->files_n; i++)
        file_done(&m->files[i]);
    nf_str_done(&m->text);
    nf_str_done(&m->quote);
    *m = (struct nf_discord_message){ 0 };
}

void nf_discord_message_freep(struct nf_discord_message **m)
{
    if (*m)
        nf_discord_message_done(*m);
    free(*m);
}

static NF_RC copy_text(const struct nf_json *v, const char *key, char **ret, struct nf_err *err)
{
    const char *text = nf_json_str(nf_json_get(v, key));
    return nf_strdup(text ? text : "", ret, err);
}

static NF_RC read_files(const struct nf_json *list, struct nf_discord_message *m,
                        struct nf_err *err)
{
    for (const struct nf_json *v = nf_json_first(list); v && m->files_n < NF_DISCORD_FILES_MAX;
         v = nf_json_next(v)) {
        struct nf_discord_file *f = &m->files[m->files_n++];
        *f = (struct nf_discord_file){ .size = nf_json_i64(nf_json_get(v, "size"), -1) };
        NF_TRY(copy_text(v, "filename", &f->name, err));
        NF_TRY(copy_text(v, "content_type", &f->media_type, err));
        NF_TRY(copy_text(v, "url", &f->url, err));
    }
    return NF_OK;
}

static bool has_user(const struct nf_json *users, const char *id)
{
    for (const struct nf_json *u = nf_json_first(users); u; u = nf_json_next(u)) {
        const char *other = nf_json_str(nf_json_get(u, "id"));
        if (other && strcmp(other, id) == 0)
            return true;
    }
    return false;
}

static bool is_from(const struct nf_json *message, const char *id)
{
    const char *author = nf_json_str(nf_json_get(nf_json_get(message, "author"), "id"));
    return author && strcmp(author, id) == 0;
}

static void read_edited(const struct nf_json *v, struct nf_discord_message *m)
{
    const char *text = nf_json_str(nf_json_get(v, "edited_timestamp"));
    size_t n = 0;
    for (; text && *text && n < sizeof(m->edited) - 1; text++)
        if (*text >= '0' && *text <= '9')
            m->edited[n++] = *text;
}

static bool is_usable(const struct nf_json *v, const struct nf_json *author)
{
    int64_t type = nf_json_i64(nf_json_get(v, "type"), TYPE_DEFAULT);
    return (type == TYPE_DEFAULT || type == TYPE_REPLY) &&
           !nf_json_str(nf_json_get(v, "webhook_id")) &&
           !nf_json_bool(nf_json_get(author, "bot"), false);
}

enum nf_code nf_discord_message_read(const struct nf_json *v, const struct nf_discord_self *self,
                                     struct nf_discord_message *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_discord_message_done)
    struct nf_discord_message m = { .text.max = NF_MESSAGE_BYTES_MAX + 1, .quote.max = QUOTE_MAX };
    const struct nf_json *author = nf_json_get(v, "author");
    const struct nf_json *answered = nf_json_get(v, "referenced_message");
    const struct nf_json *mentions = nf_json_get(v, "mentions");
    const char *content = nf_json_str(nf_json_get(v, "content"));

    if (!nf_discord_id(nf_json_get(v, "id"), m.id) ||
        !nf_discord_id(nf_json_get(v, "channel_id"), m.channel))
        return nf_err_set(err, NF_E_INVALID, "a message without its ids");
    (void)nf_discord_id(nf_json_get(v, "guild_id"), m.guild);
    m.usable = nf_discord_id(nf_json_get(author, "id"), m.author) && is_usable(v, author) &&
               strcmp(m.author, self->id) != 0;
    copy_cut(m.author_name, sizeof(m.author_name), shown_name(author, nf_json_get(v, "member")));
    m.mentions = has_user(mentions, self->id) || is_from(answered, self->id);
    read_edited(v, &m);
    NF_TRY(write_text(content ? content : "", mentions, self->id, &m.text, err));
    NF_TRY(read_files(nf_json_get(v, "attachments"), &m, err));
    m.hidden = (!content || !content[0]) && m.files_n == 0;
    const char *quote = nf_json_str(nf_json_get(answered, "content"));
    if (quote) {
        size_t n = nf_utf8_cut(quote, strlen(quote), QUOTE_MAX - 1);
        NF_TRY(nf_str_add(&m.quote, quote, n, err));
    }
    *ret = nf_take(m);
    return NF_OK;
}

/* --- interactions ----------------------------------------------------------------------------- */

void nf_discord_interaction_done(struct nf_discord_interaction *i)
{
    nf_str_done(&i->text);
    explicit_bzero(i, sizeof(*i));
}

/* "/name value" */
static NF_RC write_command(const struct nf_json *data, struct nf_str *to, struct nf_err *err)
{
    const char *name = nf_json_str(nf_json_get(data, "name"));
    NF_TRY(nf_str_addf(to, err, "/%s", name ? name : ""));
    for (const struct nf_json *o = nf_json_first(nf_json_get(data, "options")); o;
         o = nf_json_next(o)) {
        const char *value = nf_json_str(nf_json_get(o, "value"));
        if (value && value[0])
            NF_TRY(nf_str_addf(to, err, " %s", value));
    }
    return NF_OK;
}

static NF_RC read_data(const struct nf_json *v, struct nf_discord_interaction *i,
                       struct nf_err *err)
{
    const struct nf_json *data = nf_json_get(v, "data");
    const char *custom;

    switch (nf_json_i64(nf_json_get(v, "type"), 0)) {
    case 2: /* APPLICATION_COMMAND; of the kinds CHAT_INPUT is ours */
        if (nf_json_i64(nf_json_get(data, "type"), 1) != 1)
            return NF_OK;
        i->kind = NF_DISCORD_COMMAND;
        return write_command(data, &i->text, err);
    case 3: /* MESSAGE_COMPONENT */
        custom = nf_json_str(nf_json_get(data, "custom_id"));
        if (!custom || strlen(custom) >= sizeof(i->data) ||
            !nf_discord_id(nf_json_get(nf_json_get(v, "message"), "id"), i->message))
            return NF_OK;
        memcpy(i->data, custom, strlen(custom) + 1);
        i->kind = NF_DISCORD_PRESSED;
        return NF_OK;
    default:
        return NF_OK;
    }
}

enum nf_code nf_discord_interaction_read(const struct nf_json *v,
                                         struct nf_discord_interaction *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_discord_interaction_done)
    struct nf_discord_interaction i = { .text.max = NF_MESSAGE_BYTES_MAX + 1 };
    const struct nf_json *member = nf_json_get(v, "member");
    const struct nf_json *user = member ? nf_json_get(member, "user") : nf_json_get(v, "user");
    const char *token = nf_json_str(nf_json_get(v, "token"));
    const struct nf_json *channel = nf_json_get(v, "channel_id");

    if (!nf_discord_id(nf_json_get(v, "id"), i.id) || !token || !token[0] ||
        strlen(token) > NF_DISCORD_TOKEN_MAX ||
        token[strspn(token, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")] ||
        !nf_discord_id(nf_json_get(user, "id"), i.user) || !nf_discord_id(channel, i.channel))
        return nf_err_set(err, NF_E_INVALID, "an interaction without its ids and token");
    memcpy(i.token, token, strlen(token) + 1);
    (void)nf_discord_id(nf_json_get(v, "guild_id"), i.guild);
    copy_cut(i.user_name, sizeof(i.user_name), shown_name(user, member));
    copy_cut(i.lang, sizeof(i.lang), nf_json_str(nf_json_get(v, "locale")));
    NF_TRY(read_data(v, &i, err));
    *ret = nf_take(i);
    return NF_OK;
}
