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

static NF_RC write_words(const struct nf_telegram_out *o, struct nf_str *to, struct nf_err *err)
{
    NF_TRY(nf_str_addf(to, err, "\xE2\x9A\xA0 `%s`: nothing can be said any more in the topic ",
                       o->t->chat.name));
    NF_TRY(write_place(o, to, err));
    return nf_str_adds(to,
                       " : it was deleted or closed. Open it again, or delete what is to be said "
                       "there: /schedules shows your schedules.",
                       err);
}

static NF_RC tell(const struct nf_telegram_out *o, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str source = { .max = NF_CURSOR_SOURCE_MAX + 1 };
    NF_CLEANUP(nf_str_done) struct nf_str words = { 0 };

    NF_TRY(nf_str_addf(&source, err, "%s/gone", o->t->source));
    NF_TRY(write_words(o, &words, err));
    return nf_chat_tell_owners_once(o->t->channel, nf_str_c(&words),
                                    &(struct nf_chat_note_of){ .source = nf_str_c(&source),
                                                               .name = o->post->address,
                                                               .value = o->answer.description,
                                                               .ttl_ms = KEPT_MS },
                                    err);
}

void nf_telegram_topic_gone(const struct nf_telegram_out *o)
{
    struct nf_err err;
    if (o->t->channel && tell(o, &err) != NF_OK)
        nf_log_warn("telegram.topic.untold", "channel", o->t->chat.name, "err", err.msg, NULL);
}
