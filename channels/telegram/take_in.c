/* From updates to the use cases. */
#include "base/own.h"
#include "base/utf8.h"
#include "channels/telegram/lane.h"
#include "observe/log.h"
#include "observe/metrics.h"

#include <stdlib.h>
#include <string.h>

#define FETCH_TRIES 3 /* of a file: then its message goes without it, for it holds up others */

/* --- files ------------------------------------------------------------------------------------ */

/* The files of one message, while it is taken in. */
struct fetching {
    struct nf_telegram *t;
    const struct nf_telegram_file *file[NF_TELEGRAM_FILES_MAX];
    size_t n;
    int tries;
    struct nf_str bytes; /* of one */
    struct nf_str words[NF_TELEGRAM_FILES_MAX];
};

static void fetching_done(struct fetching *f)
{
    nf_str_done(&f->bytes);
    for (size_t i = 0; i < NF_TELEGRAM_FILES_MAX; i++)
        nf_str_done(&f->words[i]);
}

static NF_RC ask_path(struct nf_telegram *t, const char *file_id, struct nf_telegram_answer *a,
                      const char **path, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };
    struct nf_json_out o;

    nf_json_begin_doc(&o, &body);
    nf_json_out_object(&o);
    nf_json_put_str(&o, "file_id", file_id);
    nf_json_out_end(&o);
    NF_TRY(nf_json_end_doc(&o, err));
    const struct nf_telegram_call c = { .method = "getFile",
                                        .body = nf_str_c(&body),
                                        .body_n = body.len };
    NF_TRY(nf_telegram_call(t->api, &c, a, err));
    *path = nf_json_str(nf_json_get(a->result, "file_path"));
    return *path ? NF_OK : nf_err_set(err, NF_E_INVALID, "getFile: no file_path");
}

/* It may work later, and there is a later. */
static bool may_wait(const struct fetching *f, enum nf_code rc)
{
    if (rc == NF_E_CANCELED || rc == NF_E_NOMEM)
        return true;
    return (rc == NF_E_UNAVAILABLE || rc == NF_E_TIMEOUT) && f->tries < FETCH_TRIES;
}

/* The bytes of one file, or words why there are none. */
static enum nf_code fetch(void *arg, size_t i, struct nf_chat_file *to, size_t room,
                          struct nf_err *err)
{
    struct fetching *f = arg;
    NF_CLEANUP(nf_telegram_answer_done) struct nf_telegram_answer a = { 0 };
    const char *path;
    struct nf_err why;

    nf_str_done(&f->bytes);
    f->bytes.max = room + 1;
    enum nf_code rc = ask_path(f->t, f->file[i]->id, &a, &path, &why);
    if (rc == NF_OK)
        rc = nf_telegram_download(f->t->api, path, &f->bytes, &why);
    if (may_wait(f, rc))
        return nf_err_set(err, rc, "%s", why.msg);  /* the whole message is tried again */
    to->cut = rc == NF_E_LIMIT && f->bytes.len > 0; /* its beginning is there */
    if (rc != NF_OK && !to->cut) {
        f->words[i].max = 512;
        nf_str_reset(&f->words[i]);
        NF_TRY(nf_str_addf(&f->words[i], err, "could not be fetched: %s", why.msg));
        to->problem = nf_str_c(&f->words[i]);
        return NF_OK;
    }
    to->data = (const unsigned char *)nf_str_c(&f->bytes);
    to->n = f->bytes.len;
    return NF_OK;
}

static NF_RC name_problem(struct fetching *f, size_t i, struct nf_chat_file *to, struct nf_err *err)
{
    const struct nf_telegram_file *file = f->file[i];

    if (file->unusable) {
        to->problem = "of a kind that a bot like me cannot read";
    } else if (file->size > (int64_t)NF_TELEGRAM_DOWNLOAD_MAX) {
        NF_TRY(nf_str_addf(&f->words[i], err,
                           "%lld MB: more than the 20 MB that Telegram lets a bot fetch",
                           (long long)(file->size >> 20)));
        to->problem = nf_str_c(&f->words[i]);
    }
    return NF_OK;
}

static NF_RC list_files(struct fetching *f, const struct nf_telegram_taking *k,
                        struct nf_chat_file to[NF_TELEGRAM_FILES_MAX], struct nf_err *err)
{
    for (size_t i = 0; i < k->n; i++) {
        const struct nf_telegram_file *file = &k->u[i]->file;
        if (file->kind == NF_TELEGRAM_NO_FILE)
            continue;
        size_t at = f->n++;
        f->file[at] = file;
        to[at] = (struct nf_chat_file){ .name = file->name,
                                        .media_type = file->media_type,
                                        .announced = file->size > 0 ? file->size : 0 };
        NF_TRY(name_problem(f, at, &to[at], err));
    }
    return NF_OK;
}

/* --- messages --------------------------------------------------------------------------------- */

/* The texts of all, which were one before the app cut them. */
static NF_RC join_texts(const struct nf_telegram_update *const *u, size_t n, struct nf_str *ret,
                        struct nf_err *err)
{
    for (size_t i = 0; i < n; i++) {
        bool torn = i > 0 && u[i - 1]->text_units >= NF_TELEGRAM_TEXT_MAX;
        if (u[i]->text.len > 0 && ret->len > 0 && !torn)
            NF_TRY(nf_str_adds(ret, "\n", err));
        NF_TRY(nf_str_adds(ret, nf_str_c(&u[i]->text), err));
    }
    return NF_OK;
}

/* --- durable before it is taken in ------------------------------------------------------------ */

static const char *source_of(const struct nf_telegram_taking *k)
{
    return k->held ? k->t->held_source : k->t->source;
}

static NF_RC write_event(const struct nf_telegram_taking *k, struct nf_str *ret, struct nf_err *err)
{
    return nf_str_addf(ret, err, "u%lld", (long long)k->u[0]->id);
}

/* It is held now, and accepted. What is too long for that goes on as it is. */
static enum nf_code keep(void *arg, const char **source, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 }, event = { 0 };
    struct nf_telegram_taking *k = arg;
    struct nf_telegram_lane *l = k->lane;
    size_t held;

    if (!k->held) {
        enum nf_code rc = nf_telegram_write_held(l->raw, false, &body, err);
        if (rc == NF_E_LIMIT)
            return NF_OK;
        NF_TRY(rc);
        NF_TRY(write_event(k, &event, err));
        const struct nf_hold hold = { .event_id = nf_str_c(&event),
                                      .lane = l->name,
                                      .id = k->u[0]->id,
                                      .body = nf_str_c(&body) };
        NF_TRY(nf_chat_hold(k->t->channel, k->t->source, &hold, 1, &held, err));
        if (held == 0)
            return nf_err_set(err, NF_E_CONFLICT, "this update was taken before");
        k->held = true;
        l->waiting++;
        nf_telegram_accept(&k->t->intake, l->item);
        l->item = NULL;
    }
    *source = source_of(k);
    return NF_OK;
}

/* --- what was said ---------------------------------------------------------------------------- */

static NF_RC take_message(struct nf_telegram_taking *k, struct nf_err *err)
{
    NF_CLEANUP(fetching_done) struct fetching f = { .t = k->t, .tries = k->tries };
    NF_CLEANUP(nf_str_done) struct nf_str text = { 0 }, event = { 0 };
    struct nf_chat_file files[NF_TELEGRAM_FILES_MAX];
    const struct nf_telegram_update *first = k->u[0];
    bool addressed = false;

    NF_TRY(join_texts(k->u, k->n, &text, err));
    NF_TRY(write_event(k, &event, err));
    NF_TRY(list_files(&f, k, files, err));
    for (size_t i = 0; i < k->n; i++) /* the caption of an album is at any of its pictures */
        addressed = addressed || k->u[i]->addressed;
    const struct nf_chat_said said = {
        .source = source_of(k),
        .event_id = nf_str_c(&event),
        .account = first->account,
        .account_name = nf_str_c(&first->account_name),
        .lang = first->lang,
        .address = first->address,
        .chat = first->chat,
        .direct = first->direct,
        .addressed = addressed,
        .ref = first->ref,
        .quote = first->quote,
        .text = nf_str_c(&text),
        .edited = first->edited,
        .start = k->n == 1 ? first->start : NULL,
        .files = files,
        .files_n = f.n,
        .fetch = fetch,
        .fetch_arg = &f,
        .keep = keep,
        .keep_arg = k,
        .crowded = k->crowded,
    };
    return nf_chat_receive(k->t->channel, &said, err);
}

/* --- others ----------------------------------------------------------------------------------- */

/* Answers are best effort: what the button did is done, and after a while nobody waits for one. */
static NF_RC answer_press(struct nf_telegram *t, const char *query, const char *text,
                          struct nf_err *err)
{
    NF_CLEANUP(nf_telegram_answer_done) struct nf_telegram_answer a = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };
    struct nf_json_out o;
    struct nf_err why;

    nf_json_begin_doc(&o, &body);
    nf_json_out_object(&o);
    nf_json_put_str(&o, "callback_query_id", query);
    nf_json_put_str(&o, "text", text[0] ? text : NULL);
    nf_json_out_end(&o);
    NF_TRY(nf_json_end_doc(&o, err));
    const struct nf_telegram_call c = { .method = "answerCallbackQuery",
                                        .body = nf_str_c(&body),
                                        .body_n = body.len };
    enum nf_code rc = nf_telegram_call(t->api, &c, &a, &why);
    if (rc == NF_E_CANCELED)
        return nf_err_set(err, rc, "%s", why.msg);
    if (rc != NF_OK)
        nf_log_debug("telegram.press.unanswered", "channel", t->chat.name, "err", why.msg, NULL);
    return NF_OK;
}

/* What the button did is done: nobody waits until the network was told. */
static NF_RC take_press(struct nf_telegram_taking *k, struct nf_err *err)
{
    const struct nf_telegram_update *u = k->u[0];
    struct nf_telegram_lane *l = k->lane;
    char answer[NF_CHAT_ANSWER_MAX + 1] = "";

    if (u->data[0])
        NF_TRY(nf_chat_pressed(k->t->channel, u->account, u->address, u->data, answer, err));
    if (l->item) {
        nf_telegram_accept(&k->t->intake, l->item);
        l->item = NULL;
    }
    return answer_press(k->t, u->query, answer, err);
}

/* The stop button of a draft says what /stop says. */
static NF_RC take_stopped(struct nf_telegram_taking *k, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str event = { 0 };
    const struct nf_telegram_update *u = k->u[0];

    NF_TRY(write_event(k, &event, err));
    const struct nf_chat_said said = { .source = source_of(k),
                                       .event_id = nf_str_c(&event),
                                       .account = u->account,
                                       .account_name = "",
                                       .lang = "",
                                       .address = u->address,
                                       .chat = u->chat,
                                       .direct = true,
                                       .addressed = true,
                                       .ref = "",
                                       .quote = "",
                                       .text = nf_str_c(&u->text),
                                       .keep = keep,
                                       .keep_arg = k };
    return nf_chat_receive(k->t->channel, &said, err);
}

enum nf_code nf_telegram_take_in(struct nf_telegram_taking *k, struct nf_err *err)
{
    const struct nf_telegram_update *u = k->u[0];
    struct nf_telegram *t = k->t;

    t->health.event_ms = nf_telegram_now(t);
    if (k->crowded && u->kind != NF_TELEGRAM_MESSAGE)
        return NF_OK;
    switch (u->kind) {
    case NF_TELEGRAM_MESSAGE:
        return take_message(k, err);
    case NF_TELEGRAM_PRESSED:
        return take_press(k, err);
    case NF_TELEGRAM_STOPPED:
        return take_stopped(k, err);
    case NF_TELEGRAM_MEMBER:
        return nf_chat_reachable(t->channel, u->chat, u->joined,
                                 u->joined   ? ""
                                 : u->direct ? "the person blocked the bot"
                                             : "the bot was removed from the group",
                                 err);
    case NF_TELEGRAM_MOVED:
        nf_telegram_note_move(t, u->chat, u->moved_to);
        return nf_chat_moved(t->channel, u->chat, u->moved_to, err);
    case NF_TELEGRAM_REACTION:
    case NF_TELEGRAM_OTHER:
        break;
    }
    return NF_OK;
}
