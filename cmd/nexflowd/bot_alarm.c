#include "cmd/nexflowd/bot_alarm.h"

#include "application/present_pairing.h"
#include "application/tell_owners.h"
#include "base/own.h"
#include "domain/said.h"
#include "observe/log.h"
#include "runtime/fiber.h"

#include <string.h>

static size_t find(const struct nf_bot_alarm *a, const char *name)
{
    size_t i = 0;
    while (i < a->told_n && strcmp(a->told[i], name) != 0)
        i++;
    return i;
}

static NF_RC write(const struct nf_web_bot *b, enum nf_lang lang, struct nf_str *to,
                   struct nf_err *err)
{
    NF_TRY(nf_str_addf(to, err, "\xE2\x9A\xA0 `%s`: ", b->name));
    NF_TRY(nf_said_say(&nf_bot_sayings, nf_slice_of(b->health.problem), lang, to, err));
    NF_TRY(nf_str_adds(to, ". ", err));
    NF_TRY(nf_said_say(&nf_bot_sayings, nf_slice_of(b->health.todo), lang, to, err));
    return nf_str_adds(to, ".", err);
}

static NF_RC tell(struct nf_bot_alarm *a, const struct nf_web_bot *b, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str words = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str russian = { 0 };
    NF_TRY(write(b, NF_LANG_EN, &words, err));
    NF_TRY(write(b, NF_LANG_RU, &russian, err));
    const struct nf_notice n = { .markdown = nf_str_c(&words), .russian = nf_str_c(&russian) };
    return nf_tell_owners(a->app, &n, b->name, err);
}

static void look(struct nf_bot_alarm *a, const struct nf_web_bot *b)
{
    size_t at = find(a, b->name);
    bool sick = b->health.state == NF_CHAT_REFUSED;
    struct nf_err why;

    if (!sick && at < a->told_n) {
        a->told_n--;
        memmove(a->told[at], a->told[at + 1], (a->told_n - at) * sizeof(a->told[0]));
    }
    if (!sick || at < a->told_n || a->told_n == NF_BOT_NAMES_MAX)
        return;
    enum nf_code rc = tell(a, b, &why);
    if (rc != NF_OK && rc != NF_E_NOT_FOUND)
        nf_log_warn("channel.alarm.failed", "channel", b->name, "err", why.msg, NULL);
    if (rc == NF_OK)
        memcpy(a->told[a->told_n++], b->name, sizeof(a->told[0]));
}

static void look_who_waits(struct nf_bot_alarm *a)
{
    struct nf_err why;
    enum nf_code rc = nf_pairing_news(a->app, &a->seen, &why);
    if (rc == NF_E_NOT_FOUND) /* who has no account in a chat sees it on the page */
        nf_log_info("pairing.untold", "err", why.msg, NULL);
    else if (rc != NF_OK)
        nf_log_warn("pairing.untold", "err", why.msg, NULL);
}

enum nf_code nf_bot_alarm_run(void *arg, struct nf_err *err)
{
    struct nf_bot_alarm *a = arg;
    struct nf_web_bot b;

    for (;;) {
        NF_TRY(nf_sleep(NF_BOT_ALARM_MS, err));
        for (size_t i = 0; nf_bot_wiring_at(a->bots, i, &b); i++)
            look(a, &b);
        look_who_waits(a);
    }
}
