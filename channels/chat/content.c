#include "channels/chat/content.h"

#include "application/commands.h"
#include "application/receive_message.h"
#include "base/own.h"
#include "base/utf8.h"
#include "codec/hash.h"

#include <string.h>

void nf_chat_content_done(struct nf_chat_content *c)
{
    nf_str_done(&c->text);
    nf_parts_done(&c->parts);
    nf_str_done(&c->unread);
}

/* --- words -------------------------------------------------------------------------------------
 */

/* Each line behind "> ", as mail does it. */
static NF_RC write_quote(struct nf_str *to, const char *quote, struct nf_err *err)
{
    size_t all = strlen(quote);
    if (!nf_utf8_valid(quote, all))
        return NF_OK;
    size_t n = all > NF_CHAT_QUOTE_MAX ? nf_utf8_cut(quote, all, NF_CHAT_QUOTE_MAX) : all;
    NF_TRY(nf_str_adds(to, "> ", err));
    for (size_t i = 0; i < n; i++) {
        NF_TRY(nf_str_add(to, quote + i, 1, err));
        if (quote[i] == '\n' && i + 1 < n)
            NF_TRY(nf_str_adds(to, "> ", err));
    }
    return nf_str_adds(to, n < all ? "\xE2\x80\xA6\n\n" : "\n\n", err);
}

static NF_RC write_words(const struct nf_chat_said *s, const char *author, bool correction,
                         struct nf_str *to, struct nf_err *err)
{
    if (nf_command_of(s->text, NULL) != NF_COMMAND_NONE || nf_is_run_command(s->text))
        return nf_str_adds(to, s->text, err);
    if (s->quote && s->quote[0])
        NF_TRY(write_quote(to, s->quote, err));
    if (correction)
        NF_TRY(nf_str_adds(to, "(This corrects an earlier message.) ", err));
    if (author)
        NF_TRY(nf_str_addf(to, err, "%s: ", author));
    return nf_str_adds(to, s->text, err);
}

/* --- files -------------------------------------------------------------------------------------
 */

#define NAME_SHOWN 100 /* bytes of a file's name */

enum kind { OTHER, TEXT, PICTURE, DOCUMENT };

static bool begins(const struct nf_chat_file *f, const char *with, size_t n)
{
    return f->n >= n && memcmp(f->data, with, n) == 0;
}
#define BEGINS(f, literal) begins((f), (literal), sizeof(literal) - 1)

/* Bytes of it that are text: all of them, or to the last character that was not cut. 0: none. */
static size_t text_of(const struct nf_chat_file *f)
{
    for (size_t n = f->n; n > 0 && (n == f->n || (f->cut && f->n - n < 4)); n--)
        if (nf_utf8_valid((const char *)f->data, n))
            return n;
    return 0;
}

/*
 * What the file is, by its first bytes: what a sender calls it is not to be trusted, and a provider
 * refuses the whole request if the two differ. PNG: section 5.2 of its specification; JPEG: JIF
 * begins with the markers SOI and another; GIF89a section 17; WebP: RIFF container; PDF 32000-1
 * section 7.5.2.
 */
static enum kind kind_of(const struct nf_chat_file *f, const char **media_type)
{
    *media_type = f->media_type && f->media_type[0] ? f->media_type : "application/octet-stream";
    static const struct {
        const char *type, *begin;
        size_t n;
        enum kind kind;
    } known[] = {
        { "image/png", "\x89PNG\r\n\x1A\n", 8, PICTURE },
        { "image/jpeg", "\xFF\xD8\xFF", 3, PICTURE },
        { "image/gif", "GIF87a", 6, PICTURE },
        { "image/gif", "GIF89a", 6, PICTURE },
        { "application/pdf", "%PDF-", 5, DOCUMENT },
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (begins(f, known[i].begin, known[i].n)) {
            *media_type = known[i].type;
            return known[i].kind;
        }
    }
    if (BEGINS(f, "RIFF") && f->n >= 12 && memcmp(f->data + 8, "WEBP", 4) == 0) {
        *media_type = "image/webp";
        return PICTURE;
    }
    return text_of(f) > 0 && !memchr(f->data, '\0', f->n) ? TEXT : OTHER;
}

/* A foreign name within brackets, on one line. */
static NF_RC write_name(struct nf_str *to, const char *name, struct nf_err *err)
{
    name = name ? name : "";
    size_t all = strlen(name);
    if (all == 0 || !nf_utf8_valid(name, all))
        return nf_str_adds(to, "without a name", err);
    size_t n = nf_utf8_cut(name, all, NAME_SHOWN);
    for (size_t i = 0; i < n; i++) {
        bool odd = (unsigned char)name[i] < ' ' || name[i] == ']' || name[i] == '`';
        NF_TRY(nf_str_add(to, odd ? "_" : name + i, 1, err));
    }
    return NF_OK;
}

static NF_RC write_mark(struct nf_str *to, const struct nf_chat_file *f, const char *what,
                        struct nf_err *err)
{
    NF_TRY(nf_str_adds(to, to->len ? "\n\n[file " : "[file ", err));
    NF_TRY(write_name(to, f->name, err));
    return nf_str_addf(to, err, "%s%s]", what[0] ? ": " : "", what);
}

/* It cannot be taken: the model is told, and so is the person. */
static NF_RC leave_out(struct nf_chat_content *to, const struct nf_chat_file *f, const char *why,
                       struct nf_err *err)
{
    NF_TRY(write_mark(&to->text, f, why, err));
    NF_TRY(write_name(&to->unread, f->name, err));
    return nf_str_addf(&to->unread, err, ": %s\n", why);
}

static NF_RC inline_text(struct nf_str *to, const struct nf_chat_file *f, size_t *room,
                         struct nf_err *err)
{
    const char *text = (const char *)f->data;
    size_t all = text_of(f), n = nf_utf8_cut(text, all, all < *room ? all : *room);
    size_t told = f->cut && f->announced > (int64_t)f->n ? (size_t)f->announced : f->n;
    NF_CLEANUP(nf_str_done) struct nf_str what = { 0 };
    if (f->cut && told == f->n)
        NF_TRY(nf_str_addf(&what, err, "its first %zu bytes", n));
    else if (n < told)
        NF_TRY(nf_str_addf(&what, err, "its first %zu of %zu bytes", n, told));
    NF_TRY(write_mark(to, f, nf_str_c(&what), err));
    NF_TRY(nf_str_adds(to, "\n~~~~~~\n", err));
    NF_TRY(nf_str_add(to, text, n, err));
    *room -= n;
    return nf_str_adds(to, "\n~~~~~~", err);
}

static NF_RC add_part(struct nf_parts *to, enum kind kind, const struct nf_chat_file *f,
                      const char *media_type, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str data = { .max = NF_MEDIA_BYTES_MAX / 3 * 4 + 8 };
    NF_CLEANUP(nf_str_done) struct nf_str name = { 0 };
    struct nf_part *p;
    NF_TRY(nf_base64(f->data, f->n, &data, err));
    NF_TRY(write_name(&name, f->name, err));
    NF_TRY(nf_parts_add(to, kind == PICTURE ? NF_PART_IMAGE : NF_PART_DOCUMENT, &p, err));
    NF_TRY(nf_strdup(media_type, &p->media_type, err));
    NF_TRY(nf_strdup(nf_str_c(&name), &p->name, err));
    p->data = data.p;
    data = (struct nf_str){ 0 };
    return NF_OK;
}

/* How much of files a message may still take. */
struct room {
    size_t text, media;
};

/* How much of it is worth having: of what says that it is text the beginning, of others all. */
static size_t worth(const struct nf_chat_file *f, const struct room *room)
{
    bool text = f->media_type && strncmp(f->media_type, "text/", 5) == 0;
    if (text)
        return NF_CHAT_INLINE_MAX;
    return f->announced > (int64_t)room->media ? 0 : room->media;
}

static NF_RC write_file(const struct nf_chat_said *s, size_t i, struct room *room,
                        struct nf_chat_content *to, struct nf_err *err)
{
    static const char too_large[] = "left out, the files are larger than 6 MiB together";
    struct nf_chat_file *f = &s->files[i];
    const char *media_type;

    if (!f->problem && s->fetch) {
        size_t most = worth(f, room);
        if (most == 0)
            return leave_out(to, f, too_large, err);
        NF_TRY(s->fetch(s->fetch_arg, i, f, most, err));
    }
    if (f->problem)
        return leave_out(to, f, f->problem, err);
    enum kind kind = kind_of(f, &media_type);
    if (kind == TEXT)
        return inline_text(&to->text, f, &room->text, err);
    if (f->cut || (kind != OTHER && f->n > room->media))
        return leave_out(to, f, too_large, err);
    if (kind == OTHER)
        return leave_out(to, f, "nothing that I can read", err);
    room->media -= f->n;
    NF_TRY(write_mark(&to->text, f, kind == PICTURE ? "a picture" : "a document", err));
    return add_part(&to->parts, kind, f, media_type, err);
}

/* The text comes first, and is a part like the others. */
static NF_RC put_text_first(struct nf_chat_content *c, struct nf_err *err)
{
    if (c->parts.n == 0)
        return NF_OK;
    NF_TRY(nf_parts_add_text(&c->parts, nf_str_c(&c->text), err));
    struct nf_part text = c->parts.v[c->parts.n - 1];
    memmove(c->parts.v + 1, c->parts.v, (c->parts.n - 1) * sizeof(text));
    c->parts.v[0] = text;
    return NF_OK;
}

enum nf_code nf_chat_write_content(const struct nf_chat_said *s, const char *author,
                                   bool correction, struct nf_chat_content *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_chat_content_done)
    struct nf_chat_content c = { .text.max = NF_MESSAGE_BYTES_MAX + 1 };
    struct room room = { .text = NF_CHAT_INLINE_MAX, .media = NF_MEDIA_BYTES_MAX };

    NF_TRY(write_words(s, author, correction, &c.text, err));
    for (size_t i = 0; i < s->files_n; i++)
        NF_TRY(i < NF_CHAT_FILES_MAX ? write_file(s, i, &room, &c, err)
                                     : leave_out(&c, &s->files[i], "one file too many", err));
    NF_TRY(put_text_first(&c, err));
    *ret = nf_take(c);
    return NF_OK;
}
