/* A group's topic that is gone: the owners are told, once, for only people can do something about
 * what is sent there again and again. */
#include "base/own.h"
#include "channels/telegram/out.h"
#include "observe/log.h"

#define KEPT_MS (INT64_C(30) * 24 * 3600 * 1000) /* nothing changed: they hear again */
#define SUPERGROUP INT64_C(-1000000000000)       /* "t.me/c/1/7" is in the chat of this id less 1 */

static NF_RC write_place(const struct nf_telegram_out *o, struct nf_str *to, struct nf_err *err)
{
    if (o->chat < SUPERGROUP)
        return nf_str_addf(to, err, "https://t.me/c/%lld/%lld", (long long)(SUPERGROUP - o->chat),
                           (long long)o->topic);
    return nf_str_addf(to, err, "%lld of the group %lld", (long long)o->topic, (long long)o->chat);
}

static NF_RC say(const struct nf_telegram_out *o, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str words = { 0 };
    NF_TRY(nf_str_addf(&words, err, "\xE2\x9A\xA0 `%s`: nothing can be said any more in the topic ",
                       o->t->chat.name));
    NF_TRY(write_place(o, &words, err));
    NF_TRY(nf_str_adds(&words,
                       " : it was deleted or closed. Open it again, or delete what is to be said "
                       "there: /schedules shows your schedules.",
                       err));
    return nf_chat_tell_owners(o->t->channel, nf_str_c(&words), err);
}

/* Whoever writes the note tells of it; nobody reached, the next refusal tries again. */
static NF_RC tell(const struct nf_telegram_out *o, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str source = { .max = NF_CURSOR_SOURCE_MAX + 1 };
    struct nf_chat_channel *c = o->t->channel;
    const char *name = o->post->address;
    struct nf_err why;

    NF_TRY(nf_str_addf(&source, err, "%s/gone", o->t->source));
    enum nf_code rc =
        nf_chat_note_once(c, nf_str_c(&source), name, o->answer.description, KEPT_MS, &why);
    if (rc == NF_E_CONFLICT)
        return NF_OK;
    if (rc == NF_OK)
        rc = say(o, &why);
    if (rc == NF_E_NOT_FOUND)
        return nf_chat_note_drop(c, nf_str_c(&source), name, err);
    return rc == NF_OK ? NF_OK : nf_err_set(err, rc, "%s", why.msg);
}

void nf_telegram_topic_gone(const struct nf_telegram_out *o)
{
    struct nf_err err;
    if (o->t->channel && tell(o, &err) != NF_OK)
        nf_log_warn("telegram.topic.untold", "channel", o->t->chat.name, "err", err.msg, NULL);
}
