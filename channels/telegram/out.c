/* Where a message goes, when, and what Telegram's refusals mean. */
#include "channels/telegram/out.h"

#include "base/own.h"
#include "observe/log.h"
#include "observe/metrics.h"

#include <string.h>

#define TRIES_MAX 4
#define PATIENCE_MS 60000 /* who wants us to wait longer is asked again later */
#define BACKOFF_MS 500
#define PART_MIN 500
#define SHARED_SECOND_MS 1150 /* as Telegram may see a second: on their way calls bunch up */

/* --- addresses -------------------------------------------------------------------------------- */

/* "-100123:45" as ids. False if it is no such thing. */
static bool read_address(const char *address, int64_t *chat, int64_t *topic)
{
    bool group = address[0] == '-';
    const char *p = address + group, *colon = strchr(p, ':');
    struct nf_slice id = { p, colon ? (size_t)(colon - p) : strlen(p) };

    *topic = 0;
    if (!nf_slice_u63(id, chat) || *chat == 0)
        return false;
    if (group)
        *chat = -*chat;
    return !colon || (nf_slice_u63(nf_slice_of(colon + 1), topic) && *topic > 0);
}

void nf_telegram_note_move(struct nf_telegram *t, const char *from, const char *to)
{
    struct nf_telegram_move m;
    int64_t none;
    if (read_address(from, &m.from, &none) && read_address(to, &m.to, &none))
        t->moves[t->moves_n++ % NF_TELEGRAM_MOVES_MAX] = m;
}

static int64_t where_is(const struct nf_telegram *t, int64_t chat)
{
    for (size_t i = 0; i < t->moves_n && i < NF_TELEGRAM_MOVES_MAX; i++)
        if (t->moves[i].from == chat)
            return t->moves[i].to;
    return chat;
}

/* --- one call with patience ------------------------------------------------------------------- */

void nf_telegram_out_done(struct nf_telegram_out *o)
{
    nf_styled_done(&o->text);
    nf_str_done(&o->body);
    nf_str_done(&o->type);
    nf_telegram_answer_done(&o->answer);
}

enum nf_code nf_telegram_out_init(struct nf_telegram_out *o, struct nf_telegram *t,
                                  const struct nf_chat_post *p, struct nf_err *err)
{
    *o = (struct nf_telegram_out){ .t = t, .post = p };
    if (!read_address(p->address, &o->chat, &o->topic))
        return nf_err_set(err, NF_E_NOT_FOUND, "'%s' is no address of Telegram", p->address);
    o->chat = where_is(t, o->chat);
    return NF_OK;
}

/* Our share of what all instances may send with this token. */
static NF_RC wait_for_all(struct nf_telegram_out *o, struct nf_err *err)
{
    struct nf_telegram *t = o->t;
    int64_t wait;

    while ((wait = nf_shared_rates_pass(t->shared, t->source, t->settings->messages_per_second,
                                        SHARED_SECOND_MS)) > 0) {
        if (o->post->interim)
            return nf_err_set(err, NF_E_LIMIT, "all chats have had enough for now");
        NF_TRY(nf_sleep(wait, err));
    }
    return NF_OK;
}

static NF_RC wait_turn(struct nf_telegram_out *o, struct nf_err *err)
{
    struct nf_telegram *t = o->t;
    int64_t wait;

    if (o->uncounted)
        return NF_OK;
    NF_TRY(nf_telegram_budget_take(&t->budget, o->chat, o->post->interim, nf_telegram_mono(t),
                                   &wait, err));
    if (o->post->interim)
        return wait_for_all(o, err);
    t->health.queue++;
    enum nf_code rc = wait > 0 ? nf_sleep(wait, err) : NF_OK;
    if (rc == NF_OK) {
        wait = nf_telegram_budget_take_all(&t->budget, nf_telegram_mono(t));
        rc = wait > 0 ? nf_sleep(wait, err) : NF_OK;
    }
    if (rc == NF_OK)
        rc = wait_for_all(o, err);
    t->health.queue--;
    return rc;
}

/* 429: nothing was sent. */
static NF_RC refused(struct nf_telegram_out *o, struct nf_err *err)
{
    int64_t ms = o->answer.retry_after_ms;
    nf_metric_add(o->t->metrics.refused, 1);
    nf_telegram_budget_refused(&o->t->budget, o->chat, nf_telegram_mono(o->t), ms);
    nf_log_info("telegram.refused", "channel", o->t->chat.name, "method", o->method, "err",
                o->answer.description, NULL);
    if (o->post->interim)
        return nf_err_set(err, NF_E_LIMIT, "Telegram wants a pause");
    if (ms > PATIENCE_MS)
        return nf_err_set(err, NF_E_UNAVAILABLE, "Telegram wants a pause of %lld s",
                          (long long)(ms / 1000));
    return NF_OK;
}

static NF_RC call_patiently(struct nf_telegram_out *o, struct nf_err *err)
{
    const struct nf_telegram_call c = {
        .method = o->method,
        .body = nf_str_c(&o->body),
        .body_n = o->body.len,
        .content_type = o->type.len ? nf_str_c(&o->type) : NULL,
        .once = o->once,
        .timeout_ms = o->timeout_ms,
    };
    for (int tries = 1;; tries++) {
        NF_TRY(wait_turn(o, err));
        nf_metric_add(o->t->metrics.calls, 1);
        enum nf_code rc = nf_telegram_call(o->t->api, &c, &o->answer, err);
        if (rc == NF_E_LIMIT)
            NF_TRY(refused(o, err));
        else if (rc != NF_E_UNAVAILABLE || o->post->interim)
            return rc;
        else if (tries < TRIES_MAX)
            NF_TRY(nf_sleep(BACKOFF_MS << tries, err));
        if (tries >= TRIES_MAX)
            return nf_err_set(err, NF_E_UNAVAILABLE, "%s: Telegram did not take it: %s", o->method,
                              o->answer.description[0] ? o->answer.description : "no answer");
    }
}

/* --- what a refusal means --------------------------------------------------------------------- */

static NF_RC unreachable(struct nf_telegram_out *o, struct nf_err *err)
{
    struct nf_err ignored;
    if (o->answer.status == 401) { /* of us, not of the chat: with another token it will go */
        nf_telegram_failed(o->t, &o->answer, err);
        return nf_err_set(err, NF_E_UNAVAILABLE, "Telegram refuses the token");
    }
    nf_log_info("telegram.unreachable", "channel", o->t->chat.name, "address", o->post->address,
                "err", o->answer.description, NULL);
    if (o->t->channel && nf_chat_reachable(o->t->channel, o->post->address, false,
                                           o->answer.description, &ignored) != NF_OK)
        nf_log_warn("telegram.unreachable.not_noted", "err", ignored.msg, NULL);
    return nf_err_set(err, NF_E_DENIED, "%s", o->answer.description);
}

static bool says_any(const struct nf_telegram_out *o, const char *const *words)
{
    for (; *words; words++)
        if (nf_telegram_says(&o->answer, *words))
            return true;
    return false;
}

static const char *const markup_words[] = { "can't parse", "entity",    "entities",
                                            "ENTITY_",     "ENTITIES_", NULL };
static const char *const gone_words[] = { "message to edit not found", "message can't be edited",
                                          "MESSAGE_ID_INVALID", "message to delete not found",
                                          NULL };
static const char *const topic_words[] = { "message thread not found", "TOPIC_", NULL };
static const char *const chat_words[] = { "chat not found", "PEER_ID_INVALID",
                                          "group is deactivated", NULL };
static const char *const right_words[] = { "not enough rights", "have no rights",
                                           "CHAT_WRITE_FORBIDDEN", "need administrator rights",
                                           NULL };
static const char *const long_words[] = { "too long", "TOO_LONG", NULL };

/* What to do about a 400. *again: the call was changed and may be made anew. */
static NF_RC mend(struct nf_telegram_out *o, bool *again, struct nf_err *err)
{
    struct nf_telegram *t = o->t;
    *again = false;
    if (o->answer.migrate_to[0]) {
        NF_CLEANUP(nf_str_done) struct nf_str from = { 0 };
        int64_t none;
        NF_TRY(nf_str_addf(&from, err, "%lld", (long long)o->chat));
        nf_telegram_note_move(t, nf_str_c(&from), o->answer.migrate_to);
        if (t->channel)
            NF_TRY(nf_chat_moved(t->channel, nf_str_c(&from), o->answer.migrate_to, err));
        *again = !o->ref && read_address(o->answer.migrate_to, &o->chat, &none);
        return *again ? NF_OK : nf_err_set(err, NF_E_NOT_FOUND, "the group has moved");
    }
    if (nf_telegram_says(&o->answer, "message is not modified"))
        return NF_OK;
    if (!o->plain && says_any(o, markup_words)) {
        nf_metric_add(t->metrics.plain, 1);
        nf_log_warn("telegram.markup.refused", "channel", t->chat.name, "err",
                    o->answer.description, NULL);
        o->plain = *again = true;
        return NF_OK;
    }
    if (says_any(o, topic_words) && o->topic > 0 && o->chat > 0) {
        o->topic = 0;
        *again = true;
        return NF_OK;
    }
    if (says_any(o, long_words) && t->part_max > PART_MIN) {
        t->part_max = t->part_max / 2 > PART_MIN ? t->part_max / 2 : PART_MIN;
        nf_telegram_rendered_done(&t->rendered);
        return nf_err_set(err, NF_E_UNAVAILABLE, "from now on messages have %zu units at most",
                          t->part_max);
    }
    if (says_any(o, topic_words) && o->topic > 0)
        nf_telegram_topic_gone(o);
    if (says_any(o, gone_words) || says_any(o, topic_words) || says_any(o, chat_words))
        return nf_err_set(err, NF_E_NOT_FOUND, "%s", o->answer.description);
    if (says_any(o, right_words))
        return unreachable(o, err);
    return nf_err_set(err, NF_E_INVALID, "%s", o->answer.description);
}

/* Build the call anew until it goes or cannot. `build` writes o->body. */
enum nf_code nf_telegram_deliver(struct nf_telegram_out *o,
                                 enum nf_code (*build)(struct nf_telegram_out *o,
                                                       struct nf_err *err),
                                 struct nf_err *err)
{
    for (int tries = 0; tries < TRIES_MAX; tries++) {
        bool again;
        nf_str_reset(&o->body);
        NF_TRY(build(o, err));
        enum nf_code rc = call_patiently(o, err);
        if (rc == NF_E_DENIED)
            return unreachable(o, err);
        if (rc == NF_E_NOT_FOUND) { /* the method: the address of the server is wrong */
            nf_telegram_failed(o->t, &o->answer, err);
            return nf_err_set(err, NF_E_UNAVAILABLE, "the Bot API server does not know %s",
                              o->method);
        }
        if (rc != NF_E_INVALID)
            return rc;
        NF_TRY(mend(o, &again, err));
        if (!again)
            return NF_OK;
    }
    return nf_err_set(err, NF_E_INVALID, "%s", o->answer.description);
}
