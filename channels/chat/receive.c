/* The way in: who may write, what is answered at once, what becomes a turn. */
#include "application/commands.h"
#include "application/receive_message.h"
#include "application/stop_turn.h"
#include "application/words.h"
#include "base/own.h"
#include "base/utf8.h"
#include "channels/chat/chat_internal.h"
#include "codec/hash.h"
#include "domain/said.h"
#include "observe/log.h"

#include <string.h>

/* A message while it is taken in. */
struct intake {
    struct nf_chat_channel *c;
    const struct nf_chat_said *s; /* &said */
    struct nf_chat_said said;     /* as it came, then where its session is and under which key */
    char address[NF_ADDRESS_MAX + 1];
    struct nf_user user;
    bool kept, before; /* before: it was taken in another time */
    bool unsure;       /* nobody knows whether what was said has arrived */
};

/* It may come again, and then may be taken: nothing is decided. */
static bool may_pass(enum nf_code rc)
{
    return rc != NF_E_INVALID && rc != NF_E_NOT_FOUND && rc != NF_E_DENIED && rc != NF_E_LIMIT;
}

/* Deal with the event here and now. NF_E_CONFLICT: that was done before. */
static NF_RC once(struct intake *in, struct nf_err *err)
{
    const struct nf_chat_said *s = in->s;
    struct nf_chat_store *store = in->c->app->chats;
    const struct nf_chat_event e = { .source = s->source,
                                     .event_id = s->event_id,
                                     .cursor_source = s->cursor_source,
                                     .cursor = s->cursor };
    return store->ops->once(store, &e, nf_app_now(in->c->app), err);
}

/* Before what may take long. NF_E_CONFLICT: it was taken before. */
static NF_RC keep(struct intake *in, struct nf_err *err)
{
    if (!in->said.keep || in->kept)
        return NF_OK;
    enum nf_code rc = in->said.keep(in->said.keep_arg, &in->said.source, err);
    in->kept = rc == NF_OK;
    in->before = rc == NF_E_CONFLICT;
    return rc;
}

static NF_RC only_cursor(struct intake *in, struct nf_err *err)
{
    return nf_chat_skip(in->c, in->s->cursor_source, in->s->cursor, err);
}

/* A network that knows messages by a key gets the event's: told twice is told once there. */
static NF_RC say(struct intake *in, const char *markdown, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str event = { 0 };
    char digest[NF_SHA256_HEX + 1], ref[NF_CHAT_REF_MAX + 1];
    struct nf_chat *chat = &in->c->chat.port;
    NF_TRY(nf_str_addf(&event, err, "%s %s", in->s->source, in->s->event_id));
    nf_sha256_hex(nf_str_c(&event), event.len, digest);
    digest[24] = '\0';
    const struct nf_chat_post post = { .address = in->s->address,
                                       .markdown = markdown,
                                       .reply_to = in->s->direct ? "" : in->s->ref,
                                       .key = digest };
    return chat->ops->send(chat, &post, ref, err);
}

/* Say it and be done with the event. What was not said because the network is away is not done. */
static NF_RC answer(struct intake *in, const char *markdown, struct nf_err *err)
{
    struct nf_err why;
    if (markdown[0]) {
        NF_TRY(keep(in, err));
        enum nf_code rc = say(in, markdown, &why);
        if (rc == NF_E_UNAVAILABLE || rc == NF_E_TIMEOUT || rc == NF_E_CANCELED || rc == NF_E_NOMEM)
            return nf_err_set(err, rc, "%s", why.msg);
        in->unsure = rc == NF_E_CONFLICT;
        if (rc != NF_OK)
            nf_log_warn("chat.answer.failed", "channel", in->c->name, "chat", in->s->address, "err",
                        why.msg, NULL);
    }
    enum nf_code rc = once(in, &why);
    return rc == NF_OK || rc == NF_E_CONFLICT ? NF_OK : nf_err_set(err, rc, "%s", why.msg);
}

/* --- what becomes a turn -----------------------------------------------------------------------
 */

/* Refused for good: the person hears why. */
static NF_RC refuse(struct intake *in, const struct nf_err *why, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { 0 };
    NF_TRY(nf_str_addf(&text, err, "%s ", nf_word(in->user.lang, NF_WORD_NOT_TAKEN)));
    NF_TRY(nf_said_say(&nf_refusal_sayings, nf_slice_of(why->msg), in->user.lang, &text, err));
    return answer(in, nf_str_c(&text), err);
}

/* The message is taken without those files. Best effort: the model was told too. */
static void tell_unread(struct intake *in, const char *files)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { 0 };
    struct nf_err err;
    enum nf_code rc =
        nf_str_addf(&text, &err, "%s\n%s", nf_word(in->user.lang, NF_WORD_FILES_UNREAD), files);
    if (rc == NF_OK)
        rc = say(in, nf_str_c(&text), &err);
    if (rc != NF_OK)
        nf_log_warn("chat.answer.failed", "channel", in->c->name, "err", err.msg, NULL);
}

static NF_RC receive(struct intake *in, const struct nf_chat_content *content, struct nf_err *err)
{
    const struct nf_chat_said *s = in->s;
    struct nf_accepted got;
    const struct nf_incoming message = { .user = &in->user,
                                         .channel = in->c->name,
                                         .address = s->address,
                                         .source = s->source,
                                         .client_id = s->event_id,
                                         .content = nf_str_c(&content->text),
                                         .content_n = content->text.len,
                                         .shared = !s->direct,
                                         .title = s->text[0] ? s->text : NULL,
                                         .parts = content->parts.n ? &content->parts : NULL,
                                         .ref = s->ref && s->ref[0] ? s->ref : NULL,
                                         .cursor_source = s->cursor_source,
                                         .cursor = s->cursor };
    NF_TRY(nf_receive_message(in->c->app, &message, &got, err));
    if (got.duplicate)
        return only_cursor(in, err);
    if (content->unread.len > 0)
        tell_unread(in, nf_str_c(&content->unread));
    return NF_OK;
}

/* Files need memory: so many messages with some at once, whoever writes them. */
static NF_RC begin_content(struct intake *in, struct nf_err *err)
{
    return in->s->files_n > 0 ? nf_chat_gate_enter(&in->c->files, err) : NF_OK;
}

static void end_content(struct intake *in, struct nf_chat_content *content)
{
    nf_chat_content_done(content);
    if (in->s->files_n > 0)
        nf_chat_gate_leave(&in->c->files);
}

static NF_RC take_in(struct intake *in, bool correction, struct nf_err *err)
{
    struct nf_chat_content content = { 0 };
    const char *author = in->s->direct ? NULL : in->user.name;
    struct nf_err why;
    NF_TRY(begin_content(in, err));
    enum nf_code rc = nf_chat_write_content(in->s, author, correction, &content, &why);
    if (rc == NF_OK)
        rc = receive(in, &content, &why);
    end_content(in, &content);
    if (rc == NF_OK)
        return NF_OK;
    if (may_pass(rc))
        return nf_err_set(err, rc, "%s", why.msg);
    return refuse(in, &why, err);
}

/* --- edits -------------------------------------------------------------------------------------
 */

/* What the message said until now, and its run. NF_E_NOT_FOUND: it was none of ours. */
static NF_RC find_original(struct intake *in, int64_t *session_id, int64_t *run_id,
                           struct nf_messages *ret, struct nf_err *err)
{
    struct nf_app *a = in->c->app;
    struct nf_session session;
    NF_TRY(a->sessions->ops->find(a->sessions, in->s->direct ? in->user.id : 0, in->c->name,
                                  in->s->address, &session, err));
    NF_TRY(a->chats->ops->asked(a->chats, session.id, in->s->ref, run_id, err));
    *session_id = session.id;
    return a->sessions->ops->run_messages(a->sessions, session.id, *run_id, ret, err);
}

static NF_RC revise(struct intake *in, int64_t session_id, int64_t run_id,
                    const struct nf_chat_content *content, struct nf_err *err)
{
    struct nf_turn_store *store = in->c->app->turns;
    const struct nf_revise edit = { .source = in->s->source,
                                    .client_id = in->s->event_id,
                                    .user_id = in->user.id,
                                    .session_id = session_id,
                                    .run_id = run_id,
                                    .content = nf_str_c(&content->text),
                                    .parts = content->parts.n ? &content->parts : NULL,
                                    .cursor_source = in->s->cursor_source,
                                    .cursor = in->s->cursor,
                                    .now_ms = nf_app_now(in->c->app) };
    NF_TRY(nf_message_check_content(edit.content, content->text.len, err));
    return store->ops->revise(store, &edit, err);
}

/* *same: the text is as it was, for networks report changes that nobody made, too. */
static NF_RC write_revision(struct intake *in, int64_t session_id, int64_t run_id,
                            const struct nf_message *was, bool *same, struct nf_err *err)
{
    struct nf_chat_content content = { 0 };
    const char *author = in->s->direct ? NULL : in->user.name;
    NF_TRY(begin_content(in, err));
    enum nf_code rc = nf_chat_write_content(in->s, author, false, &content, err);
    *same = rc == NF_OK && strcmp(nf_str_c(&content.text), was->content) == 0;
    if (rc == NF_OK && !*same)
        rc = revise(in, session_id, run_id, &content, err);
    end_content(in, &content);
    return rc;
}

static NF_RC take_edit(struct intake *in, struct nf_err *err)
{
    NF_CLEANUP(nf_messages_done) struct nf_messages said = { 0 };
    int64_t session_id, run_id;
    struct nf_err why;
    bool same;
    enum nf_code rc = find_original(in, &session_id, &run_id, &said, &why);
    if (rc == NF_E_NOT_FOUND || (rc == NF_OK && said.n == 0))
        return only_cursor(in, err);
    if (rc != NF_OK)
        return nf_err_set(err, rc, "%s", why.msg);
    rc = write_revision(in, session_id, run_id, &said.v[0], &same, &why);
    if (rc == NF_OK && same)
        return only_cursor(in, err);
    if (rc == NF_E_NOT_FOUND) /* it is being answered, or was */
        return take_in(in, true, err);
    if (rc == NF_OK || may_pass(rc))
        return rc == NF_OK ? NF_OK : nf_err_set(err, rc, "%s", why.msg);
    return refuse(in, &why, err);
}

/* --- /stop -------------------------------------------------------------------------------------
 */

/* Not in the queue of what it shall end. */
static NF_RC stop(struct intake *in, struct nf_err *err)
{
    struct nf_app *a = in->c->app;
    struct nf_session session;
    struct nf_stopped stopped = { 0 };
    struct nf_err why;
    enum nf_code rc = keep(in, &why);
    if (rc == NF_OK)
        rc = once(in, &why);
    if (rc == NF_E_CONFLICT)
        return NF_OK;
    if (rc == NF_OK)
        rc = a->sessions->ops->find(a->sessions, in->s->direct ? in->user.id : 0, in->c->name,
                                    in->s->address, &session, &why);
    if (rc == NF_OK)
        rc = nf_stop_all(a, &in->user, session.id, &stopped, &why);
    if (rc != NF_OK && rc != NF_E_NOT_FOUND)
        return nf_err_set(err, rc, "%s", why.msg);
    if (stopped.running && stopped.waiting == 0)
        return NF_OK; /* the turn says so itself */
    if (say(in,
            nf_word(in->user.lang,
                    stopped.running || stopped.waiting ? NF_WORD_STOPPED : NF_WORD_NOTHING_RUNS),
            &why) != NF_OK)
        nf_log_warn("chat.answer.failed", "channel", in->c->name, "err", why.msg, NULL);
    return NF_OK;
}

/* --- who writes --------------------------------------------------------------------------------
 */

/* Whose language is not known speaks that of their network, until they say otherwise. */
static void learn_lang(struct intake *in)
{
    struct nf_user_store *store = in->c->app->users;
    struct nf_err err;
    if (in->user.lang != 0)
        return;
    in->user.lang = nf_lang_of(in->s->lang);
    if (in->s->lang && in->s->lang[0] &&
        store->ops->set_lang(store, in->user.id, in->user.lang, &err) != NF_OK)
        nf_log_warn("chat.unwritten", "channel", in->c->name, "err", err.msg, NULL);
}

static bool is_command(const struct nf_chat_said *s)
{
    return nf_command_of(s->text, NULL) != NF_COMMAND_NONE || nf_is_run_command(s->text);
}

/* The author is welcome: a thread may be opened, and files will be fetched. */
static NF_RC prepare(struct intake *in, struct nf_err *err)
{
    struct nf_chat_said *s = &in->said;
    if (s->place && !is_command(s)) {
        memcpy(in->address, s->address, strlen(s->address) + 1);
        NF_TRY(s->place(s->place_arg, in->address, err));
        s->address = in->address;
    }
    return s->fetch && s->files_n > 0 ? keep(in, err) : NF_OK;
}

static NF_RC take_admitted(struct intake *in, struct nf_err *err)
{
    learn_lang(in);
    nf_chat_found(in->c, in->s->address);
    if (in->s->crowded)
        return answer(in, nf_word(in->user.lang, NF_WORD_CROWDED), err);
    if (nf_command_of(in->s->text, NULL) == NF_COMMAND_STOP)
        return stop(in, err);
    NF_TRY(prepare(in, err));
    return in->s->edited ? take_edit(in, err) : take_in(in, false, err);
}

static NF_RC check(const struct nf_chat_said *s, struct nf_err *err)
{
    NF_TRY(nf_message_check_client_id(s->event_id, strlen(s->event_id), err));
    if (strlen(s->source) > NF_CURSOR_SOURCE_MAX || strlen(s->address) > NF_ADDRESS_MAX ||
        (s->ref && strlen(s->ref) > NF_CHAT_REF_MAX) ||
        (s->cursor &&
         (strlen(s->cursor_source) > NF_CURSOR_SOURCE_MAX || strlen(s->cursor) > NF_CURSOR_MAX)))
        return nf_err_set(err, NF_E_INVALID, "an id of the network's is longer than any should be");
    return NF_OK;
}

static NF_RC take(struct intake *in, struct nf_err *err)
{
    NF_CLEANUP(nf_admission_done) struct nf_admission admitted = { 0 };
    struct nf_chat_channel *c = in->c;
    const struct nf_chat_said *s = in->s;
    struct nf_err why;
    const struct nf_knock knock = { .from = { .network = c->network,
                                              .account = s->account,
                                              .name = s->account_name,
                                              .channel = c->name,
                                              .address = s->address,
                                              .event = s->event_id,
                                              .lang = s->lang },
                                    .chat = s->chat,
                                    .direct = s->direct,
                                    .start = s->start,
                                    .text = s->text };
    NF_TRY(check(s, err));
    if (c->app->intake_closed)
        return nf_err_set(err, NF_E_UNAVAILABLE, "Nexflow is shutting down");
    if (!s->addressed && !s->direct)
        return only_cursor(in, err);
    NF_TRY(nf_admit(c->app, &c->rules, &knock, &admitted, err));
    in->user = admitted.user;
    switch (admitted.kind) {
    case NF_ADMIT_SILENT:
        return only_cursor(in, err);
    case NF_ADMIT_LINKED:
    case NF_ADMIT_TOLD:
        NF_TRY(answer(in, nf_str_c(&admitted.say), err));
        if (in->unsure && admitted.is_code && nf_admit_unsure(c->app, &knock, &why) != NF_OK)
            nf_log_warn("chat.unwritten", "channel", c->name, "err", why.msg, NULL);
        return NF_OK;
    case NF_ADMIT_IN:
        break;
    }
    return take_admitted(in, err);
}

enum nf_code nf_chat_receive(struct nf_chat_channel *c, const struct nf_chat_said *s,
                             struct nf_err *err)
{
    struct intake in = { .c = c, .said = *s };
    in.s = &in.said;
    enum nf_code rc = take(&in, err);
    return in.before ? NF_OK : rc;
}
