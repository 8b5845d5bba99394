/* A group's topic that is gone: the owners are told, once, for only people can do something about
 * what is sent there again and again. */
#include "base/own.h"
#include "channels/telegram/out.h"
#include "observe/log.h"

#define KEPT_MS (INT64_C(30) * 24 * 3600 * 1000) /* nothing changed: they hear again */
#define SUPERGROUP INT64_C(-1000000000000)       /* "t.me/c/1/7" is in the chat of this id less 1 */

static const struct {
    const char *before, *group, *after;
} words_in[] = {
    [NF_LANG_EN] = { "nothing can be said any more in the topic", "of the group",
                     "it was deleted or closed. Open it again, or delete what is to be said there: "
                     "/schedules shows your schedules." },
    [NF_LANG_RU] = { "больше ничего нельзя сказать в теме", "группы",
                     "она удалена или закрыта. Откройте её снова или удалите то, что должно "
                     "говориться там: ваши расписания показывает /schedules." },
};

static NF_RC write_place(const struct nf_telegram_out *o, enum nf_lang lang, struct nf_str *to,
                         struct nf_err *err)
{
    if (o->chat < SUPERGROUP)
        return nf_str_addf(to, err, "https://t.me/c/%lld/%lld", (long long)(SUPERGROUP - o->chat),
                           (long long)o->topic);
    return nf_str_addf(to, err, "%lld %s %lld", (long long)o->topic, words_in[lang].group,
                       (long long)o->chat);
}

static NF_RC write_words(const struct nf_telegram_out *o, enum nf_lang lang, struct nf_str *to,
                         struct nf_err *err)
{
    NF_TRY(nf_str_addf(to, err, "\xE2\x9A\xA0 `%s`: %s ", o->t->chat.name, words_in[lang].before));
    NF_TRY(write_place(o, lang, to, err));
    return nf_str_addf(to, err, " : %s", words_in[lang].after);
}

static NF_RC tell(const struct nf_telegram_out *o, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str source = { .max = NF_CURSOR_SOURCE_MAX + 1 };
    NF_CLEANUP(nf_str_done) struct nf_str words = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str russian = { 0 };

    NF_TRY(nf_str_addf(&source, err, "%s/gone", o->t->source));
    NF_TRY(write_words(o, NF_LANG_EN, &words, err));
    NF_TRY(write_words(o, NF_LANG_RU, &russian, err));
    const struct nf_notice notice = { .markdown = nf_str_c(&words), .russian = nf_str_c(&russian) };
    return nf_chat_tell_owners_once(o->t->channel, &notice,
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
