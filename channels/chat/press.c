/* Questions whether a call may run, and the buttons below them. */
#include "application/decide_approval.h"
#include "application/manage_pairing.h"
#include "application/present_approval.h"
#include "application/present_pairing.h"
#include "application/rate_people.h"
#include "application/words.h"
#include "base/own.h"
#include "base/utf8.h"
#include "channels/chat/chat_internal.h"
#include "codec/hash.h"
#include "observe/log.h"

#include <stdlib.h>
#include <string.h>

#define TRIES 6          /* until a question is given up: the page has it all the same */
#define TRY_AGAIN_MS 500 /* doubled each time: half a minute together */

struct asking {
    struct nf_chat_channel *channel;
    int64_t id, to;
};

static NF_RC ask_at(const struct asking *q, const char *account, struct nf_err *err)
{
    struct nf_chat_channel *c = q->channel;
    int64_t pause = TRY_AGAIN_MS;
    enum nf_code rc = NF_OK;
    for (int i = 0; i < TRIES; i++, pause *= 2) {
        rc = nf_present_approval(c->app, &c->chat.port, account, q->id, q->to, err);
        if (rc != NF_E_UNAVAILABLE && rc != NF_E_TIMEOUT)
            return rc;
        NF_TRY(nf_sleep(pause, err));
    }
    return rc;
}

/* At the first account of the person in this network at which it arrives. *err: why not at the last
 * that was tried. */
static NF_RC ask(const struct asking *q, struct nf_err *err)
{
    NF_CLEANUP(nf_identities_done) struct nf_identities accounts = { 0 };
    struct nf_user_store *users = q->channel->app->users;
    enum nf_code rc = NF_OK;
    NF_TRY(users->ops->identities(users, q->to, &accounts, err));
    for (size_t i = 0; i < accounts.n; i++) {
        if (strcmp(accounts.v[i].channel, q->channel->network) != 0)
            continue;
        rc = ask_at(q, accounts.v[i].account, err);
        if (rc == NF_OK || rc == NF_E_CANCELED)
            return rc;
    }
    return rc;
}

/* Their private chat is closed to us. Where the call was asked for, if others are there too, they
 * read how to open it; who is alone with us hears nothing anyway. */
static NF_RC say_closed(const struct asking *q, struct nf_err *err)
{
    NF_CLEANUP(nf_approval_view_done) struct nf_approval_view v = { .yours = false };
    NF_CLEANUP(nf_str_done) struct nf_str key = { 0 };
    struct nf_app *a = q->channel->app;
    struct nf_chat *chat = &q->channel->chat.port;
    char ref[NF_CHAT_REF_MAX + 1];
    struct nf_session s;

    NF_TRY(a->approvals->ops->get(a->approvals, q->id, &v.request, err));
    if (v.request.session_id == 0 || !nf_approval_is_open(&v.request, nf_app_now(a)))
        return NF_OK;
    NF_TRY(a->sessions->ops->get(a->sessions, v.request.session_id, 0, &s, err));
    if (!s.shared || strcmp(s.channel, q->channel->name) != 0)
        return NF_OK;
    NF_TRY(nf_str_addf(&key, err, "%s.closed", nf_id_to_text(q->id).s));
    const struct nf_chat_post post = { .address = s.address,
                                       .markdown = nf_word(nf_chat_lang(q->channel, q->to),
                                                           NF_WORD_PRIVATE_CLOSED),
                                       .reply_to = "",
                                       .key = nf_str_c(&key) };
    return chat->ops->send(chat, &post, ref, err);
}

static enum nf_code ask_fiber(void *arg, struct nf_err *err)
{
    NF_CLEANUP(nf_freep) struct asking *q = arg;
    struct nf_err why;
    (void)err;
    /* Begun by a turn whose deadline is none of ours. */
    nf_fiber_move_deadline(nf_fiber_current(), NF_CHAT_FAR_MS);
    enum nf_code rc = ask(q, &why);
    if (rc == NF_E_DENIED)
        rc = say_closed(q, &why);
    if (rc != NF_OK && rc != NF_E_CANCELED)
        nf_log_warn("chat.approval.failed", "channel", q->channel->name, "err", why.msg, NULL);
    q->channel->asking--;
    return NF_OK;
}

void nf_chat_ask(struct nf_chat_channel *c, int64_t id, int64_t to)
{
    struct nf_err err = { .msg = "too many questions at once, or no memory" };
    struct asking *q = c->asking < NF_CHAT_ASKING_MAX ? malloc(sizeof(*q)) : NULL;
    if (q) {
        *q = (struct asking){ .channel = c, .id = id, .to = to };
        if (nf_scope_spawn(c->scope, ask_fiber, q, NULL, &err) == NF_OK) {
            c->asking++;
            return;
        }
    }
    nf_log_warn("chat.approval.failed", "channel", c->name, "err", err.msg, NULL);
    free(q);
}

/* --- buttons -----------------------------------------------------------------------------------
 */

static void say(char answer[NF_CHAT_ANSWER_MAX + 1], const char *text)
{
    nf_utf8_copy(answer, NF_CHAT_ANSWER_MAX + 1, text);
}

/* Who presses, as a number: nobody is looked up for it. */
static int64_t presser(const struct nf_chat_channel *c, const char *account)
{
    uint8_t digest[32];
    uint64_t network, key;
    nf_sha256(c->network, strlen(c->network), digest);
    memcpy(&network, digest, sizeof(network));
    nf_sha256(account, strlen(account), digest);
    memcpy(&key, digest, sizeof(key));
    return (int64_t)((key ^ network) >> 1 | 1);
}

/* Counted before anything is looked up, for strangers too. False: too fast, and who is known hears
 * so once. */
static bool may_press(struct nf_chat_channel *c, const char *account,
                      char answer[NF_CHAT_ANSWER_MAX + 1])
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { 0 };
    struct nf_user user = { 0 };
    struct nf_err ignored;
    int64_t wait_ms = 0;
    bool tell = false;
    if (!c->app->presses ||
        nf_rates_take(c->app->presses, presser(c, account), NF_CHAT_PRESSES_PER_MINUTE,
                      nf_app_now(c->app), &wait_ms, &tell))
        return true;
    if (!tell)
        return false;
    enum nf_lang lang = NF_LANG_EN;
    if (nf_admit_known(c->app, &c->rules, c->network, account, &user, &ignored) == NF_OK &&
        user.lang)
        lang = user.lang;
    if (nf_str_addf(&text, &ignored, "%s%lld%s", nf_word(lang, NF_WORD_PRESSED_TOO_FAST),
                    (long long)((wait_ms + 999) / 1000),
                    nf_word(lang, NF_WORD_TOO_FAST_END)) == NF_OK)
        say(answer, nf_str_c(&text));
    return false;
}

/* --- who waits to be let in --------------------------------------------------------------------
 */

struct waiting {
    struct nf_chat_channel *channel;
    int64_t to, first;
};

static enum nf_code show_waiting(void *arg, struct nf_err *err)
{
    NF_CLEANUP(nf_freep) struct waiting *q = arg;
    struct nf_err why;
    (void)err;
    enum nf_code rc = nf_pairing_present(q->channel->app, &q->channel->port, q->to, q->first, &why);
    if (rc != NF_OK && rc != NF_E_CANCELED)
        nf_log_warn("chat.pairing.unshown", "channel", q->channel->name, "err", why.msg, NULL);
    return NF_OK;
}

/* The message with the buttons, as things are now. Best effort. */
static void renew_waiting(struct nf_chat_channel *c, int64_t to, int64_t first)
{
    struct nf_err err;
    struct waiting *q = malloc(sizeof(*q));
    if (!q)
        return;
    *q = (struct waiting){ .channel = c, .to = to, .first = first };
    if (nf_scope_spawn(c->scope, show_waiting, q, NULL, &err) == NF_OK)
        return;
    nf_log_warn("chat.pairing.unshown", "channel", c->name, "err", err.msg, NULL);
    free(q);
}

static NF_RC decide_pairing(struct nf_chat_channel *c, const struct nf_user *user, bool allow,
                            const char *code, struct nf_err *err)
{
    const struct nf_approve in = { .code = code };
    struct nf_user let_in;
    if (user->role != NF_USER_OWNER) /* whom the message was for */
        return nf_err_set(err, NF_E_DENIED, "only an owner may decide here");
    return allow ? nf_pairing_approve(c->app, user, &in, &let_in, err)
                 : nf_pairing_deny(c->app, user, code, err);
}

static NF_RC pressed_pairing(struct nf_chat_channel *c, const char *account, bool allow,
                             const char *code, int64_t first, char answer[NF_CHAT_ANSWER_MAX + 1],
                             struct nf_err *err)
{
    struct nf_user user = { 0 };
    struct nf_err why;
    enum nf_code rc = nf_admit_known(c->app, &c->rules, c->network, account, &user, &why);
    if (rc == NF_OK)
        rc = decide_pairing(c, &user, allow, code, &why);
    enum nf_lang lang = user.lang ? user.lang : NF_LANG_EN;
    switch (rc) {
    case NF_OK:
        say(answer, nf_word(lang, allow ? NF_WORD_WAS_LET_IN : NF_WORD_CALL_DENIED));
        break;
    case NF_E_DENIED:
        say(answer, nf_word(lang, NF_WORD_NOT_YOURS));
        return NF_OK;
    case NF_E_NOT_FOUND:
    case NF_E_CONFLICT:
        say(answer, nf_word(lang, NF_WORD_TOO_LATE));
        break;
    default:
        return nf_err_set(err, rc, "%s", why.msg);
    }
    renew_waiting(c, user.id, first);
    return NF_OK;
}

/* --- whichever button ------------------------------------------------------------------------- */

static NF_RC pressed_approval(struct nf_chat_channel *c, const char *account, int64_t id,
                              bool allow, char answer[NF_CHAT_ANSWER_MAX + 1], struct nf_err *err)
{
    NF_CLEANUP(nf_approval_view_done) struct nf_approval_view v = { .yours = false };
    struct nf_user user = { 0 };
    struct nf_err why;
    enum nf_code rc = nf_admit_known(c->app, &c->rules, c->network, account, &user, &why);
    if (rc == NF_OK)
        rc = nf_approval_answer(c->app, &user, id, allow, NULL, &v, &why);
    enum nf_lang lang = user.lang ? user.lang : NF_LANG_EN;
    switch (rc) {
    case NF_OK:
        say(answer, nf_word(lang, allow ? NF_WORD_CALL_ALLOWED : NF_WORD_CALL_DENIED));
        return NF_OK;
    case NF_E_DENIED:
    case NF_E_NOT_FOUND:
        say(answer, nf_word(lang, NF_WORD_NOT_YOURS));
        return NF_OK;
    case NF_E_CONFLICT: /* the message is behind: bring it up to date */
        nf_chat_ask(c, id, user.id);
        say(answer, nf_word(lang, NF_WORD_TOO_LATE));
        return NF_OK;
    default:
        return nf_err_set(err, rc, "%s", why.msg);
    }
}

enum nf_code nf_chat_pressed(struct nf_chat_channel *c, const char *account, const char *address,
                             const char *data, char answer[NF_CHAT_ANSWER_MAX + 1],
                             struct nf_err *err)
{
    char code[NF_PAIRING_CODE + 1];
    int64_t id;
    bool allow;
    (void)address;

    answer[0] = '\0';
    if (!may_press(c, account, answer))
        return NF_OK;
    if (nf_approval_button_read(data, &id, &allow))
        return pressed_approval(c, account, id, allow, answer, err);
    if (nf_pairing_button_read(data, &allow, code, &id))
        return pressed_pairing(c, account, allow, code, id, answer, err);
    return NF_OK;
}
