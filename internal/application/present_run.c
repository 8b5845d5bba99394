#include "application/present_run.h"

#include "application/deliver_reply.h"
#include "application/present_ref.h"
#include "application/run_schedules.h"
#include "application/words.h"
#include "base/own.h"
#include "base/utf8.h"
#include "domain/reason.h"

#include <string.h>

void nf_presenting_init(struct nf_presenting *p, struct nf_app *a, struct nf_chat *c,
                        int64_t run_id, const char *address, enum nf_lang lang)
{
    *p = (struct nf_presenting){ .app = a,
                                 .chat = c,
                                 .run_id = run_id,
                                 .lang = lang,
                                 .began_ms = nf_app_now(a),
                                 .text.max = NF_REPLY_BYTES_MAX + 1 };
    memcpy(p->address, address, strnlen(address, NF_ADDRESS_MAX));
}

void nf_presenting_done(struct nf_presenting *p)
{
    nf_str_done(&p->text);
    nf_chat_refs_done(&p->refs);
    *p = (struct nf_presenting){ 0 };
}

/* --- what there is to show -------------------------------------------------------------------- */

static void copy_line(char *to, size_t size, struct nf_slice from)
{
    size_t n = nf_utf8_cut(from.p, from.n, from.n < size ? from.n : size - 1);
    for (size_t i = 0; i < n; i++)
        to[i] = (char)((unsigned char)from.p[i] < ' ' ? ' ' : from.p[i]);
    to[n] = '\0';
}

static struct nf_shown_tool *tool_of(struct nf_presenting *p, const char *call_id)
{
    for (size_t i = p->tools_n; i > 0; i--)
        if (strcmp(p->tools[i - 1].call_id, call_id) == 0)
            return &p->tools[i - 1];
    return NULL;
}

static void add_tool(struct nf_presenting *p, const struct nf_run_event *e)
{
    if (p->tools_n == NF_PRESENT_TOOLS_MAX) {
        p->tools_n--;
        memmove(p->tools, p->tools + 1, p->tools_n * sizeof(p->tools[0]));
    }
    struct nf_shown_tool *t = &p->tools[p->tools_n++];
    *t = (struct nf_shown_tool){ .percent = -1, .state = NF_SHOWN_RUNS };
    copy_line(t->call_id, sizeof(t->call_id), nf_slice_of(e->call_id));
    copy_line(t->name, sizeof(t->name), nf_slice_of(e->name));
}

static void take_tool(struct nf_presenting *p, const struct nf_run_event *e)
{
    struct nf_shown_tool *t = tool_of(p, e->call_id);
    if (!t)
        return;
    if (e->type == NF_RUN_TOOL_PROGRESS) {
        t->percent = e->percent;
        copy_line(t->note, sizeof(t->note), e->text);
    } else if (e->type == NF_RUN_TOOL_STATUS) {
        t->state = e->status == NF_TASK_WAITING_APPROVAL ? NF_SHOWN_WAITS : NF_SHOWN_RUNS;
    } else {
        t->state = e->is_error ? NF_SHOWN_FAILED : NF_SHOWN_DONE;
        t->note[0] = '\0';
    }
}

void nf_presenting_take(struct nf_presenting *p, const struct nf_run_event *e)
{
    struct nf_err ignored;

    switch (e->type) {
    case NF_RUN_TEXT_START: /* the newest message takes the place of what was said before */
        nf_str_reset(&p->text);
        p->at = 0;
        p->edited = 0;
        break;
    case NF_RUN_TEXT:
        if (nf_str_add(&p->text, e->text.p, e->text.n, &ignored) != NF_OK)
            return;
        break;
    case NF_RUN_TOOL_START:
        add_tool(p, e);
        break;
    case NF_RUN_TOOL_PROGRESS:
    case NF_RUN_TOOL_STATUS:
    case NF_RUN_TOOL_RESULT:
        take_tool(p, e);
        break;
    default: /* how it ended comes with the reply */
        return;
    }
    p->version++;
}

static NF_RC write_tool(const struct nf_presenting *p, const struct nf_shown_tool *t,
                        struct nf_str *to, struct nf_err *err)
{
    static const char *const marks[] = { [NF_SHOWN_RUNS] = "\xE2\x8F\xB3",  /* an hourglass */
                                         [NF_SHOWN_WAITS] = "\xE2\x8F\xB8", /* a pause */
                                         [NF_SHOWN_DONE] = "\xE2\x9C\x93",  /* a tick */
                                         [NF_SHOWN_FAILED] = "\xE2\x9C\x97" /* a cross */ };
    NF_TRY(nf_str_addf(to, err, "%s%s `%s`", to->len ? "\n" : "", marks[t->state], t->name));
    if (t->state == NF_SHOWN_WAITS)
        return nf_str_addf(to, err, " %s", nf_word(p->lang, NF_WORD_ASKS));
    if (t->percent >= 0 && t->state == NF_SHOWN_RUNS)
        NF_TRY(nf_str_addf(to, err, " %d %%", t->percent));
    /* What a tool says is shown as it is, without becoming markup. */
    return t->note[0] && !strchr(t->note, '`') ? nf_str_addf(to, err, " `%s`", t->note) : NF_OK;
}

/* The text, and the tools below it. */
static NF_RC write_markdown(const struct nf_presenting *p, struct nf_str *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str tools = { 0 };

    ret->max = p->text.max + 8192;
    NF_TRY(nf_str_adds(ret, nf_str_c(&p->text), err));
    for (size_t i = 0; i < p->tools_n; i++)
        NF_TRY(write_tool(p, &p->tools[i], &tools, err));
    if (tools.len == 0)
        return NF_OK;
    return nf_str_addf(ret, err, "%s%s", ret->len ? "\n\n" : "", nf_str_c(&tools));
}

/* --- messages --------------------------------------------------------------------------------- */

static const char *ref_of(const struct nf_chat_refs *refs, int64_t part)
{
    for (size_t i = 0; i < refs->n; i++)
        if (refs->v[i].part == part)
            return refs->v[i].ref;
    return NULL;
}

/* Send a new message and keep its id. Where a key makes a repeated send harmless it is what it
 * shall be, and *whole says so; else it is a placeholder, or of somebody else who was faster. */
static NF_RC open_message(struct nf_app *a, struct nf_chat *c, int64_t run_id, int64_t part,
                          const struct nf_chat_post *post, const char *placeholder, bool *whole,
                          struct nf_err *err)
{
    char ref[NF_CHAT_REF_MAX + 1];
    struct nf_chat_caps caps;
    struct nf_chat_post p = *post;
    NF_CLEANUP(nf_str_done) struct nf_str key = { 0 };

    c->ops->caps(c, p.address, &caps);
    NF_TRY(nf_str_addf(&key, err, "%s.%lld", nf_id_to_text(run_id).s, (long long)part));
    p.key = nf_str_c(&key);
    *whole = caps.once;
    if (!caps.once) {
        p.markdown = placeholder;
        p.part = 0;
    }
    enum nf_code rc = c->ops->send(c, &p, ref, err);
    /* A placeholder twice, or what has the same key, does no harm: it is tried again. */
    if (rc == NF_E_CONFLICT)
        return nf_err_wrap(err, NF_E_UNAVAILABLE, "its placeholder");
    NF_TRY(rc);
    bool kept;
    NF_TRY(nf_present_keep(a, c, p.address, run_id, part, ref, &kept, err));
    *whole = *whole && kept;
    return NF_OK;
}

/* --- while it runs ---------------------------------------------------------------------------- */

static bool is_worth_it(const struct nf_presenting *p, int64_t now)
{
    if (p->refs.n > 0)
        return true;
    if (p->text.len == 0 && p->tools_n == 0)
        return false;
    return p->text.len >= NF_PRESENT_FIRST_CHARS || now - p->began_ms >= NF_PRESENT_FIRST_MS;
}

static NF_RC load_refs(struct nf_presenting *p, struct nf_err *err)
{
    nf_chat_refs_done(&p->refs);
    NF_TRY(p->app->chats->ops->refs(p->app->chats, p->run_id, &p->refs, err));
    p->loaded = true;
    return NF_OK;
}

/* Bring the message that is being written up to date, or begin the next one. *more: it goes on with
 * that at once. */
static NF_RC show(struct nf_presenting *p, bool *more, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str markdown = { 0 };
    struct nf_chat_caps caps;
    const char *asked = ref_of(&p->refs, NF_CHAT_ASKED);
    uint64_t version = p->version;
    size_t parts;

    p->chat->ops->caps(p->chat, p->address, &caps);
    NF_TRY(write_markdown(p, &markdown, err));
    NF_TRY(p->chat->ops->parts(p->chat, nf_str_c(&markdown), &parts, err));
    if (parts > caps.parts_max) /* it will come as a document: its beginning is enough */
        parts = caps.parts_max;
    if (p->at >= parts)
        p->at = parts - 1;
    struct nf_chat_post post = { .address = p->address,
                                 .markdown = nf_str_c(&markdown),
                                 .part = p->at,
                                 .reply_to = p->at == 0 && asked ? asked : "",
                                 /* What shows nothing of this text yet is not left out. */
                                 .interim = p->edited != 0 };
    const char *ref = ref_of(&p->refs, (int64_t)p->at);
    *more = true;
    if (!ref) {
        bool whole;
        post.interim = p->at > 0;
        NF_TRY(open_message(p->app, p->chat, p->run_id, (int64_t)p->at, &post,
                            nf_word(p->lang, NF_WORD_WAIT), &whole, err));
        p->edited = whole ? version : 0;
        return load_refs(p, err);
    }
    if (p->edited != version)
        NF_TRY(p->chat->ops->edit(p->chat, &post, ref, err));
    p->edited = version;
    *more = p->at + 1 < parts;
    if (*more) {
        p->at++;
        p->edited = 0;
    } else {
        p->shown = version;
    }
    return NF_OK;
}

/* Whether an earlier reply must come first: nothing of this run is to be seen yet, and that one
 * would stand below it. Or others may have the run by now. */
static NF_RC must_wait(struct nf_presenting *p, bool *ret, struct nf_err *err)
{
    *ret = false;
    if (p->at == 0 && !ref_of(&p->refs, 0))
        NF_TRY(p->app->outbox->ops->ahead(p->app->outbox, p->run_id, ret, err));
    *ret = *ret || !nf_app_holds(p->app);
    return NF_OK;
}

/* A network that refuses is left alone: the reply will be tried on its own. */
static NF_RC forgive(struct nf_presenting *p, enum nf_code rc, const struct nf_err *why,
                     struct nf_err *err)
{
    if (rc == NF_OK)
        return NF_OK;
    if (rc == NF_E_CANCELED || rc == NF_E_TIMEOUT)
        return nf_err_set(err, rc, "%s", why->msg);
    if (rc != NF_E_LIMIT) /* no room for an interim message now: later there may be */
        p->quiet = true;
    return NF_OK;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < 0 || (b >= 0 && b < a) ? b : a;
}

static NF_RC keep_typing(struct nf_presenting *p, const struct nf_chat_caps *caps, int64_t now,
                         struct nf_err *err)
{
    struct nf_err why;

    if (caps->typing_every_ms == 0 || now < p->typing_ms)
        return NF_OK;
    enum nf_code rc = p->chat->ops->typing(p->chat, p->address, &why);
    p->typing_ms = rc == NF_OK ? now + caps->typing_every_ms : INT64_MAX;
    return rc == NF_E_CANCELED ? nf_err_set(err, rc, "%s", why.msg) : NF_OK;
}

enum nf_code nf_presenting_step(struct nf_presenting *p, int64_t *wait_ms, struct nf_err *err)
{
    struct nf_chat_caps caps;
    struct nf_err why;
    int64_t now = nf_app_now(p->app), wait = -1;
    bool more = false, waits = false;

    *wait_ms = -1;
    if (p->quiet)
        return NF_OK;
    if (!p->loaded)
        NF_TRY(load_refs(p, err));
    p->chat->ops->caps(p->chat, p->address, &caps);
    NF_TRY(keep_typing(p, &caps, now, err));
    bool due = p->version != p->shown && is_worth_it(p, now) && now >= p->edit_ms;
    if (due)
        NF_TRY(must_wait(p, &waits, err));
    if (p->quiet) /* meanwhile */
        return NF_OK;
    if (waits) {
        p->edit_ms = now + NF_PRESENT_BEHIND_MS;
    } else if (due) {
        enum nf_code rc = show(p, &more, &why);
        p->owed = p->owed || !nf_app_holds(p->app);
        NF_TRY(forgive(p, rc, &why, err));
        more = more && rc == NF_OK;
        now = nf_app_now(p->app);
        p->edit_ms = more ? now : now + caps.edit_every_ms; /* a message is not left empty */
    }
    if (p->typing_ms != INT64_MAX && caps.typing_every_ms > 0)
        wait = p->typing_ms - now;
    if (p->version != p->shown && (p->text.len > 0 || p->tools_n > 0))
        wait = earlier(wait, is_worth_it(p, now) ? p->edit_ms - now
                                                 : p->began_ms + NF_PRESENT_FIRST_MS - now);
    *wait_ms = p->quiet ? -1 : wait < 0 && wait != -1 ? 0 : wait;
    return NF_OK;
}

enum nf_code nf_presenting_settle(struct nf_presenting *p, struct nf_err *err)
{
    if (!p->owed)
        return NF_OK;
    NF_TRY(nf_owe_reply(p->app, p->run_id, err));
    p->owed = false;
    return NF_OK;
}

/* --- the reply -------------------------------------------------------------------------------- */

/* What all steps of bringing a reply need. */
struct reply {
    struct nf_app *app;
    struct nf_chat *chat;
    const struct nf_outbox_item *item;
    enum nf_lang lang;
    const char *markdown;
    bool late;     /* in new messages, so that they ring */
    int64_t first; /* number of its first message */
    struct nf_chat_refs refs;
};

static void reply_done(struct reply *r)
{
    nf_chat_refs_done(&r->refs);
}

static NF_RC reload(struct reply *r, struct nf_err *err)
{
    nf_chat_refs_done(&r->refs);
    return r->app->chats->ops->refs(r->app->chats, r->item->run_id, &r->refs, err);
}

/* One message of the reply: opened unless it is there, and edited into what it shall be. */
static NF_RC put_part(struct reply *r, size_t part, struct nf_err *err)
{
    int64_t number = r->first + (int64_t)part;
    struct nf_chat_post post = {
        .address = r->item->address, .markdown = r->markdown, .part = part, .silent = part > 0
    };
    struct nf_err why;
    bool whole;

    for (int tries = 0; tries < 2; tries++) {
        const char *ref = ref_of(&r->refs, number), *asked = ref_of(&r->refs, NF_CHAT_ASKED);
        post.reply_to = part == 0 && asked ? asked : "";
        if (!ref) {
            NF_TRY(open_message(r->app, r->chat, r->item->run_id, number, &post,
                                nf_word(r->lang, r->late ? NF_WORD_READY : NF_WORD_WAIT), &whole,
                                err));
            NF_TRY(reload(r, err));
            if (whole)
                return NF_OK;
            ref = ref_of(&r->refs, number);
            post.reply_to = ""; /* of a message that is there already */
        }
        enum nf_code rc = r->chat->ops->edit(r->chat, &post, ref, &why);
        if (rc != NF_E_NOT_FOUND)
            return rc == NF_OK ? NF_OK : nf_err_set(err, rc, "%s", why.msg);
        /* Somebody deleted it: the next goes into a new one. */
        NF_TRY(r->app->chats->ops->forget(r->app->chats, r->item->run_id, number, ref, err));
        NF_TRY(reload(r, err));
    }
    return nf_err_set(err, NF_E_NOT_FOUND, "the message was deleted as soon as it was sent");
}

/* Messages of the run that are no part of the reply. */
static NF_RC remove_others(struct reply *r, size_t parts, struct nf_err *err)
{
    struct nf_err ignored;

    for (size_t i = 0; i < r->refs.n; i++) {
        const struct nf_chat_ref *ref = &r->refs.v[i];
        bool ours = ref->part >= r->first && ref->part < r->first + (int64_t)parts;
        if (ref->part < 0 || ours || ref->part >= NF_CHAT_DOCUMENT)
            continue;
        enum nf_code rc = r->chat->ops->remove(r->chat, r->item->address, ref->ref, &ignored);
        if (rc == NF_E_CANCELED)
            return nf_err_set(err, rc, "%s", ignored.msg);
        NF_TRY(
            r->app->chats->ops->forget(r->app->chats, r->item->run_id, ref->part, ref->ref, err));
    }
    return NF_OK;
}

/* A file cannot be a placeholder, which twice does no harm. So where a key does not make it so
 * either, that it is being sent is written down before. Who finds that and no file does not know
 * whether it arrived: NF_E_CONFLICT, as of a send whose answer was lost. */
static NF_RC begin_upload(struct reply *r, const char *mark, struct nf_err *err)
{
    struct nf_chat_store *store = r->app->chats;
    enum nf_code rc =
        store->ops->put(store, r->item->run_id, NF_CHAT_UPLOAD, mark, nf_app_now(r->app), err);
    return rc == NF_E_CONFLICT ? nf_err_set(err, rc, "whether the file arrived is unknown") : rc;
}

/* It surely did not arrive, and may be sent again. */
static NF_RC end_upload(struct reply *r, const char *mark, enum nf_code rc, struct nf_err *err)
{
    struct nf_chat_store *store = r->app->chats;
    struct nf_err why = *err;
    if (rc != NF_E_CONFLICT && rc != NF_E_CANCELED)
        NF_TRY(store->ops->forget(store, r->item->run_id, NF_CHAT_UPLOAD, mark, err));
    *err = why;
    return rc;
}

static NF_RC put_document(struct reply *r, const char *all, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str key = { 0 };
    struct nf_id_text mark = nf_id_to_text(nf_app_id(r->app));
    char ref[NF_CHAT_REF_MAX + 1];
    struct nf_chat_caps caps;
    bool kept;

    r->chat->ops->caps(r->chat, r->item->address, &caps);
    NF_TRY(nf_str_addf(&key, err, "%s.%d", nf_id_to_text(r->item->run_id).s, NF_CHAT_DOCUMENT));
    const struct nf_chat_post post = { .address = r->item->address,
                                       .markdown = all,
                                       .reply_to = "",
                                       .key = nf_str_c(&key),
                                       .silent = true };
    if (!caps.once)
        NF_TRY(begin_upload(r, mark.s, err));
    enum nf_code rc = r->chat->ops->document(r->chat, &post, ref, err);
    if (rc != NF_OK)
        return caps.once ? rc : end_upload(r, mark.s, rc, err);
    return nf_present_keep(r->app, r->chat, post.address, r->item->run_id, NF_CHAT_DOCUMENT, ref,
                           &kept, err);
}

/* The beginning of a reply of more messages than a chat should get, and what became of the rest. */
static NF_RC put_words(struct reply *r, const char *all, enum nf_word word, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str beginning = { 0 };
    size_t n = nf_utf8_cut(all, strlen(all), NF_PRESENT_BEGINNING);

    NF_TRY(nf_str_add(&beginning, all, n, err));
    NF_TRY(nf_str_addf(&beginning, err, "\xE2\x80\xA6\n\n*%s*", nf_word(r->lang, word)));
    r->markdown = nf_str_c(&beginning);
    NF_TRY(put_part(r, 0, err));
    return remove_others(r, 1, err);
}

/* Its beginning, and all of it as a file. */
static NF_RC put_beginning(struct reply *r, const char *all, struct nf_err *err)
{
    struct nf_err why;
    bool sent = ref_of(&r->refs, NF_CHAT_DOCUMENT), begun = ref_of(&r->refs, NF_CHAT_UPLOAD);

    if (sent || !begun)
        NF_TRY(put_words(r, all, NF_WORD_IN_FILE, err));
    enum nf_code rc = sent ? NF_OK : put_document(r, all, &why);
    if (rc == NF_E_CONFLICT)
        NF_TRY(put_words(r, all, NF_WORD_FILE_UNSURE, err));
    return rc == NF_OK ? NF_OK : nf_err_set(err, rc, "%s", why.msg);
}

static NF_RC put_all(struct reply *r, const char *all, struct nf_err *err)
{
    struct nf_chat_caps caps;
    size_t parts;

    r->markdown = all;
    r->chat->ops->caps(r->chat, r->item->address, &caps);
    NF_TRY(r->chat->ops->parts(r->chat, all, &parts, err));
    if (parts > caps.parts_max)
        return put_beginning(r, all, err);
    for (size_t i = 0; i < parts; i++)
        NF_TRY(put_part(r, i, err));
    return remove_others(r, parts, err);
}

/* A reminder says what it was asked to. */
static bool is_said_again(const struct nf_message *asked, const struct nf_message *m)
{
    return nf_is_from_schedule(asked) && m->content && asked->content &&
           strstr(m->content, asked->content);
}

/* What was asked elsewhere, on the page say, is told first: the chat has not seen it. */
static NF_RC quote_question(struct reply *r, const struct nf_message *m, struct nf_str *to,
                            struct nf_err *err)
{
    NF_CLEANUP(nf_messages_done) struct nf_messages said = { 0 };
    struct nf_session_store *store = r->app->sessions;
    char title[NF_TITLE_MAX + 1];

    if (ref_of(&r->refs, NF_CHAT_ASKED))
        return NF_OK;
    NF_TRY(store->ops->run_messages(store, r->item->session_id, r->item->run_id, &said, err));
    if (said.n == 0 || said.v[0].role != NF_ROLE_USER || is_said_again(&said.v[0], m))
        return NF_OK;
    nf_session_title_from(said.v[0].content, title);
    return nf_str_addf(to, err, "> %s\n\n", title);
}

/* An answer as it is; what Nexflow itself says of a turn in the language of who asked. */
static NF_RC write_said(const struct nf_message *m, enum nf_lang lang, struct nf_str *to,
                        struct nf_err *err)
{
    struct nf_slice said = nf_slice_of(m->content ? m->content : "");
    if (m->role != NF_ROLE_NOTICE)
        return nf_str_add(to, said.p, said.n, err);
    NF_TRY(nf_str_adds(to, "\xE2\x9A\xA0 ", err)); /* a warning sign */
    return nf_said_say(&nf_turn_sayings, said, lang, to, err);
}

enum nf_code nf_present_reply(struct nf_app *a, struct nf_chat *c,
                              const struct nf_outbox_item *item, const struct nf_message *m,
                              enum nf_lang lang, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { .max = NF_REPLY_BYTES_MAX + NF_TITLE_MAX + 16 };
    NF_CLEANUP(reply_done)
    struct reply r = { .app = a, .chat = c, .item = item, .lang = lang };

    /* Of when it was asked and written, so that every try decides alike. */
    r.late = item->created_ms - nf_id_time_ms(item->run_id) > NF_PRESENT_LATE_MS;
    r.first = r.late ? NF_CHAT_LATE : 0;
    NF_TRY(reload(&r, err));
    NF_TRY(quote_question(&r, m, &text, err));
    NF_TRY(write_said(m, lang, &text, err));
    return put_all(&r, nf_str_c(&text), err);
}
