#include "channels/telegram/update.h"

#include "base/own.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

#define PHOTO_MAX ((int64_t)4 << 20) /* the largest size of a photo that is worth fetching */
#define ACCOUNT_NAME_MAX 128
#define MENTION_MAX 66

void nf_telegram_update_done(struct nf_telegram_update *u)
{
    nf_str_done(&u->account_name);
    nf_str_done(&u->text);
    *u = (struct nf_telegram_update){ 0 };
}

/* An id as text; "" if it is none. Ids have up to 52 significant bits ("Chat"). */
static void put_id(const struct nf_json *v, char *to, size_t size)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { .max = size };
    struct nf_err ignored;
    int64_t id = nf_json_i64(v, 0);

    to[0] = '\0';
    if (id != 0 && nf_str_addf(&text, &ignored, "%lld", (long long)id) == NF_OK)
        memcpy(to, text.p, text.len + 1);
}

static const char *str_of(const struct nf_json *v, const char *key)
{
    const char *s = nf_json_str(nf_json_get(v, key));
    return s ? s : "";
}

/* --- chats and people ------------------------------------------------------------------------- */

static NF_RC read_chat(const struct nf_json *m, struct nf_telegram_update *u, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str address = { .max = sizeof(u->address) };
    const struct nf_json *chat = nf_json_get(m, "chat");
    int64_t topic = nf_json_i64(nf_json_get(m, "message_thread_id"), 0);

    put_id(nf_json_get(chat, "id"), u->chat, sizeof(u->chat));
    u->direct = strcmp(str_of(chat, "type"), "private") == 0;
    NF_TRY(nf_str_adds(&address, u->chat, err));
    /* Threads of replies in other groups have ids too, but are no topics. A forum's General topic
     * is the group itself: with its id nothing can be sent (tdlib/telegram-bot-api, issue 798). */
    if (topic > (u->direct ? 0 : NF_TELEGRAM_GENERAL) &&
        nf_json_bool(nf_json_get(m, "is_topic_message"), false))
        NF_TRY(nf_str_addf(&address, err, ":%lld", (long long)topic));
    memcpy(u->address, nf_str_c(&address), address.len + 1);
    return NF_OK;
}

static NF_RC read_person(const struct nf_json *from, struct nf_telegram_update *u,
                         struct nf_err *err)
{
    const char *first = str_of(from, "first_name"), *last = str_of(from, "last_name");
    put_id(nf_json_get(from, "id"), u->account, sizeof(u->account));
    u->lang = str_of(from, "language_code");
    NF_TRY(nf_str_add(&u->account_name, first, nf_utf8_cut(first, strlen(first), ACCOUNT_NAME_MAX),
                      err));
    if (last[0] && strlen(first) + strlen(last) < ACCOUNT_NAME_MAX)
        return nf_str_addf(&u->account_name, err, " %s", last);
    return NF_OK;
}

/* --- what is meant for us --------------------------------------------------------------------- */

/* The byte at which UTF-16 unit `at` begins. */
static size_t byte_of(const char *p, size_t n, int64_t at)
{
    size_t i = 0;
    for (int64_t units = 0; i < n && units < at;) {
        units += (uint8_t)p[i] >= 0xF0 ? 2 : 1;
        i++;
        while (i < n && ((uint8_t)p[i] & 0xC0) == 0x80)
            i++;
    }
    return i;
}

static bool is_us(const struct nf_telegram_self *self, const char *name, size_t n)
{
    return n > 0 && nf_slice_ieq((struct nf_slice){ name, n }, self->name);
}

/* Bytes of one entity; false if it lies outside of the text. */
static bool place_of(const struct nf_json *e, const char *text, size_t n, size_t *at, size_t *end)
{
    int64_t offset = nf_json_i64(nf_json_get(e, "offset"), -1);
    int64_t length = nf_json_i64(nf_json_get(e, "length"), -1);
    if (offset < 0 || length <= 0 || offset > INT32_MAX || length > INT32_MAX)
        return false;
    *at = byte_of(text, n, offset);
    *end = byte_of(text, n, offset + length);
    return *at < *end;
}

/* "/command@name": whose it is. *cut: the bytes of "@name" that are left out. */
static bool command_is_ours(const struct nf_telegram_self *self, const char *p, size_t n,
                            size_t *cut)
{
    const char *at = memchr(p, '@', n);
    *cut = 0;
    if (!at)
        return true; /* groups give us only those meant for us ("Privacy mode") */
    *cut = n - (size_t)(at - p);
    return is_us(self, at + 1, *cut - 1);
}

/* Go through the entities: is it addressed to us? What only says so is cut out of the text. */
static NF_RC read_text(const struct nf_json *m, const char *key, const char *entities_key,
                       const struct nf_telegram_self *self, struct nf_telegram_update *u,
                       struct nf_err *err)
{
    const char *text = str_of(m, key);
    size_t n = strlen(text), done = 0;

    u->text_units = (int64_t)nf_utf16_units(text, n);
    for (const struct nf_json *e = nf_json_first(nf_json_get(m, entities_key)); e;
         e = nf_json_next(e)) {
        const char *type = str_of(e, "type");
        size_t at, end, cut = 0;
        if (!place_of(e, text, n, &at, &end) || at < done)
            continue;
        if (strcmp(type, "mention") == 0 && is_us(self, text + at + 1, end - at - 1)) {
            u->addressed = true;
            cut = end - at;
        } else if (strcmp(type, "text_mention") == 0) {
            bool us = nf_json_i64(nf_json_get(nf_json_get(e, "user"), "id"), 0) == self->id;
            u->addressed = u->addressed || us;
        } else if (strcmp(type, "bot_command") == 0 && at == 0) {
            bool ours = command_is_ours(self, text, end, &cut);
            u->addressed = u->addressed || ours;
            if (!ours)
                cut = 0;
        }
        if (cut == 0)
            continue;
        NF_TRY(nf_str_add(&u->text, text + done, end - cut - done, err));
        done = end;
        if (at == 0 && text[0] == '@') /* "@us, do it" */
            done += strspn(text + done, " ,:\n");
    }
    NF_TRY(nf_str_adds(&u->text, text + done, err));
    if (strncmp(nf_str_c(&u->text), "/start", 6) == 0) {
        const char *p = nf_str_c(&u->text) + 6;
        if (*p == '\0' || *p == ' ')
            u->start = p + strspn(p, " ");
    }
    return NF_OK;
}

/* --- files ------------------------------------------------------------------------------------ */

static void set_file(struct nf_telegram_update *u, const struct nf_json *f,
                     enum nf_telegram_file_kind kind, const char *name, const char *media_type)
{
    const char *own_name = str_of(f, "file_name"), *own_type = str_of(f, "mime_type");
    u->file = (struct nf_telegram_file){ .kind = kind,
                                         .id = str_of(f, "file_id"),
                                         .name = own_name[0] ? own_name : name,
                                         .media_type = own_type[0] ? own_type : media_type,
                                         .size = nf_json_i64(nf_json_get(f, "file_size"), -1) };
}

/* The largest size that is not too large; photos are always JPEG. */
static void read_photo(const struct nf_json *sizes, struct nf_telegram_update *u)
{
    const struct nf_json *best = NULL;
    int64_t best_area = -1;
    for (const struct nf_json *s = nf_json_first(sizes); s; s = nf_json_next(s)) {
        int64_t w = nf_json_i64(nf_json_get(s, "width"), 0);
        int64_t h = nf_json_i64(nf_json_get(s, "height"), 0);
        bool small = nf_json_i64(nf_json_get(s, "file_size"), 0) <= PHOTO_MAX;
        if (w < 0 || h < 0 || w > 100000 || h > 100000 || (!small && best))
            continue;
        if (w * h > best_area) {
            best = s;
            best_area = w * h;
        }
    }
    if (best)
        set_file(u, best, NF_TELEGRAM_PHOTO, "photo.jpg", "image/jpeg");
}

static void read_file(const struct nf_json *m, struct nf_telegram_update *u)
{
    static const struct {
        const char *key, *words;
    } others[] = {
        { "voice", "a voice message" },
        { "audio", "an audio file" },
        { "video_note", "a video message" },
        { "video", "a video" },
        { "sticker", "a sticker" },
        { "location", "a location" },
        { "contact", "a contact" },
        { "poll", "a poll" },
        { "dice", "a dice" },
        { "story", "a story" },
        { "checklist", "a checklist" },
        { "paid_media", "paid media" },
    };
    if (nf_json_get(m, "photo")) {
        read_photo(nf_json_get(m, "photo"), u);
        return;
    }
    /* An animation has a document too, for older programs. */
    if (nf_json_get(m, "document") && !nf_json_get(m, "animation")) {
        set_file(u, nf_json_get(m, "document"), NF_TELEGRAM_DOCUMENT, "file", "");
        return;
    }
    if (nf_json_get(m, "animation"))
        u->file = (struct nf_telegram_file){ .unusable = "an animation" };
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]) && !u->file.unusable; i++)
        if (nf_json_get(m, others[i].key))
            u->file = (struct nf_telegram_file){ .unusable = others[i].words };
    if (u->file.unusable) {
        u->file.kind = NF_TELEGRAM_DOCUMENT;
        u->file.id = u->file.media_type = "";
        u->file.name = u->file.unusable;
        u->file.size = -1;
    }
}

/* --- kinds of updates ------------------------------------------------------------------------- */

static NF_RC read_message(const struct nf_json *m, bool edited, const struct nf_telegram_self *self,
                          struct nf_telegram_update *u, struct nf_err *err)
{
    const struct nf_json *from = nf_json_get(m, "from"), *reply;

    NF_TRY(read_chat(m, u, err));
    put_id(nf_json_get(m, "migrate_to_chat_id"), u->moved_to, sizeof(u->moved_to));
    if (u->moved_to[0]) {
        u->kind = u->chat[0] ? NF_TELEGRAM_MOVED : NF_TELEGRAM_OTHER;
        return NF_OK;
    }
    /* Without an author it is a channel's post; bots are not answered. */
    if (nf_json_i64(nf_json_get(from, "id"), 0) <= 0 || !u->chat[0] ||
        nf_json_bool(nf_json_get(from, "is_bot"), false))
        return NF_OK;
    NF_TRY(read_person(from, u, err));
    put_id(nf_json_get(m, "message_id"), u->ref, sizeof(u->ref));
    u->edited = edited;
    u->addressed = u->direct;
    bool captioned = !nf_json_get(m, "text");
    NF_TRY(read_text(m, captioned ? "caption" : "text", captioned ? "caption_entities" : "entities",
                     self, u, err));
    reply = nf_json_get(m, "reply_to_message");
    if (nf_json_i64(nf_json_get(nf_json_get(reply, "from"), "id"), 0) == self->id)
        u->addressed = true;
    u->quote = str_of(nf_json_get(m, "quote"), "text");
    if (!u->quote[0])
        u->quote = str_of(reply, nf_json_get(reply, "text") ? "text" : "caption");
    u->group = str_of(m, "media_group_id");
    read_file(m, u);
    /* Somebody came, a title changed: nothing was said. */
    if (u->ref[0] && (u->text.len > 0 || u->file.kind != NF_TELEGRAM_NO_FILE))
        u->kind = NF_TELEGRAM_MESSAGE;
    return NF_OK;
}

static NF_RC read_press(const struct nf_json *q, struct nf_telegram_update *u, struct nf_err *err)
{
    NF_TRY(read_person(nf_json_get(q, "from"), u, err));
    NF_TRY(read_chat(nf_json_get(q, "message"), u, err));
    u->query = str_of(q, "id");
    u->data = str_of(q, "data");
    if (u->query[0] && u->account[0])
        u->kind = NF_TELEGRAM_PRESSED;
    return NF_OK;
}

static NF_RC read_member(const struct nf_json *m, struct nf_telegram_update *u, struct nf_err *err)
{
    const struct nf_json *now = nf_json_get(m, "new_chat_member");
    const char *status = str_of(now, "status");

    NF_TRY(read_chat(m, u, err));
    /* "ChatMember": creator, administrator, member, restricted, left, kicked. */
    u->joined = strcmp(status, "left") != 0 && strcmp(status, "kicked") != 0 &&
                !(strcmp(status, "restricted") == 0 &&
                  !nf_json_bool(nf_json_get(now, "can_send_messages"), true));
    if (u->chat[0] && status[0])
        u->kind = NF_TELEGRAM_MEMBER;
    return NF_OK;
}

static NF_RC read_reaction(const struct nf_json *r, struct nf_telegram_update *u,
                           struct nf_err *err)
{
    NF_TRY(read_chat(r, u, err));
    u->emoji = str_of(nf_json_first(nf_json_get(r, "new_reaction")), "emoji");
    u->kind = NF_TELEGRAM_REACTION;
    return NF_OK;
}

static NF_RC read_stopped(const struct nf_json *s, struct nf_telegram_update *u, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str address = { .max = sizeof(u->address) };
    int64_t topic = nf_json_i64(nf_json_get(s, "message_thread_id"), 0);

    NF_TRY(read_chat(s, u, err));
    if (topic > 0) { /* without saying that it is one */
        NF_TRY(nf_str_addf(&address, err, "%s:%lld", u->chat, (long long)topic));
        memcpy(u->address, address.p, address.len + 1);
    }
    NF_TRY(nf_str_adds(&u->text, "/stop", err));
    /* Drafts are in private chats only, which have the id of their account. */
    memcpy(u->account, u->chat, sizeof(u->account));
    u->lang = "";
    u->direct = u->addressed = true;
    if (u->chat[0] && u->chat[0] != '-')
        u->kind = NF_TELEGRAM_STOPPED;
    return NF_OK;
}

static NF_RC read_kind(const struct nf_json *v, const struct nf_telegram_self *self,
                       struct nf_telegram_update *u, struct nf_err *err)
{
    const struct nf_json *p;

    if ((p = nf_json_get(v, "message")))
        return read_message(p, false, self, u, err);
    if ((p = nf_json_get(v, "edited_message")))
        return read_message(p, true, self, u, err);
    if ((p = nf_json_get(v, "callback_query")))
        return read_press(p, u, err);
    if ((p = nf_json_get(v, "my_chat_member")))
        return read_member(p, u, err);
    if ((p = nf_json_get(v, "message_reaction")))
        return read_reaction(p, u, err);
    if ((p = nf_json_get(v, "stopped_message_generation")))
        return read_stopped(p, u, err);
    return NF_OK;
}

enum nf_code nf_telegram_update_read(const struct nf_json *v, const struct nf_telegram_self *self,
                                     struct nf_telegram_update *ret, struct nf_err *err)
{
    struct nf_telegram_update u = {
        .lang = "", .quote = "", .group = "", .query = "", .data = "", .emoji = ""
    };

    u.id = nf_json_i64(nf_json_get(v, "update_id"), -1);
    if (u.id < 0)
        return nf_err_set(err, NF_E_INVALID, "an update without update_id");
    enum nf_code rc = read_kind(v, self, &u, err);
    if (rc != NF_OK) {
        nf_telegram_update_done(&u);
        return rc;
    }
    *ret = u;
    return NF_OK;
}

bool nf_telegram_may_go_on(const struct nf_telegram_update *u)
{
    return u->kind == NF_TELEGRAM_MESSAGE && !u->edited &&
           (u->group[0] || u->text_units >= NF_TELEGRAM_PASTE_UNITS);
}

bool nf_telegram_belongs(const struct nf_telegram_update *a, const struct nf_telegram_update *b)
{
    if (a->kind != NF_TELEGRAM_MESSAGE || b->kind != NF_TELEGRAM_MESSAGE || a->edited ||
        b->edited || strcmp(a->address, b->address) != 0 || strcmp(a->account, b->account) != 0)
        return false;
    if (a->group[0])
        return strcmp(a->group, b->group) == 0;
    return a->text_units >= NF_TELEGRAM_PASTE_UNITS && !b->group[0] && !b->file.kind &&
           b->text.len > 0 && nf_str_c(&b->text)[0] != '/';
}
