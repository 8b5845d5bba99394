/* /schedules in a chat: what a person has, and what is done about it. */
#include "application/manage_schedules.h"
#include "application/quote.h"
#include "application/run_schedules.h"
#include "application/turn.h"
#include "base/utf8.h"

#include <string.h>

#define SHOWN 15
#define TEXT_SHOWN 80 /* bytes */

struct list {
    struct nf_app *app;
    const struct nf_user *user;
    enum nf_lang lang;
    struct nf_str *to;
};
#define IN(l, en, ru) ((l)->lang == NF_LANG_RU ? (ru) : (en))

static NF_RC say_one(struct list *l, const struct nf_schedule *s, struct nf_err *err)
{
    const struct nf_zone *zone = &nf_zone_utc;
    int64_t next[NF_SCHEDULE_NEXT_SHOWN];
    size_t n = 0, cut = nf_utf8_cut(s->text, strlen(s->text), TEXT_SHOWN);

    NF_TRY(nf_str_adds(l->to, s->status == NF_SCHEDULE_ACTIVE ? "\xE2\x8F\xB0 " : "\xE2\x8F\xB8 ",
                       err));
    NF_TRY(nf_quote_code(l->to, (struct nf_slice){ s->text, cut }, err));
    NF_TRY(nf_str_addf(l->to, err, "%s\n   ", s->text[cut] ? "\xE2\x80\xA6" : ""));
    NF_TRY(nf_schedule_say(l->app, s, l->lang, l->to, err));
    NF_TRY(nf_schedule_next(l->app, s, &zone, next, &n, err));
    if (n > 0 && s->expression[0])
        NF_TRY(nf_str_addf(l->to, err, IN(l, "; next %s", "; следующий раз %s"),
                           nf_zone_show(zone, next[0], l->lang).s));
    NF_TRY(nf_str_adds(l->to, "\n   ", err));
    NF_TRY(nf_quote_code(l->to, nf_slice_of(nf_id_to_text(s->id).s), err));
    return nf_str_adds(l->to, "\n", err);
}

static NF_RC say_those(struct list *l, enum nf_schedule_status status, size_t *shown,
                       struct nf_err *err)
{
    NF_CLEANUP(nf_schedules_done) struct nf_schedules found = { 0 };
    struct nf_schedule_filter f = { .user_id = l->user->id, .status = status, .limit = SHOWN };

    NF_TRY(nf_schedule_list(l->app, l->user, &f, &found, err));
    for (size_t i = 0; i < found.n && *shown < SHOWN; i++, (*shown)++)
        NF_TRY(say_one(l, &found.v[i], err));
    return NF_OK;
}

static NF_RC say_all(struct list *l, struct nf_err *err)
{
    size_t shown = 0;

    NF_TRY(say_those(l, NF_SCHEDULE_ACTIVE, &shown, err));
    NF_TRY(say_those(l, NF_SCHEDULE_PAUSED, &shown, err));
    if (!shown)
        return nf_str_adds(l->to,
                           IN(l, "You have no schedules. Ask me to remind you of something.",
                              "У вас нет расписаний. Попросите меня о чём-нибудь напомнить."),
                           err);
    return nf_str_adds(l->to,
                       IN(l, "\n`/schedules pause ID`, `resume ID`, `run ID`, `delete ID`",
                          "\n`/schedules pause ID` — приостановить, `resume ID` — продолжить, "
                          "`run ID` — сейчас, `delete ID` — удалить"),
                       err);
}

static NF_RC act(struct list *l, const char *verb, size_t n, int64_t id, bool *known,
                 struct nf_err *err)
{
    struct nf_schedule_run run;
    struct nf_schedule s;

    *known = true;
    NF_TRY(nf_schedule_show(l->app, l->user, id, &s, err));
    if (s.user_id != l->user->id)
        return nf_err_set(err, NF_E_NOT_FOUND, "no such schedule");
    if (n == 5 && memcmp(verb, "pause", n) == 0)
        return nf_schedule_pause(l->app, l->user, id, &s, err);
    if (n == 6 && memcmp(verb, "resume", n) == 0)
        return nf_schedule_resume(l->app, l->user, id, &s, err);
    if (n == 6 && memcmp(verb, "delete", n) == 0)
        return nf_schedule_remove(l->app, l->user, id, err);
    if (n == 3 && memcmp(verb, "run", n) == 0)
        return nf_schedule_run_now(l->app, l->user, id, &run, err);
    *known = false;
    return NF_OK;
}

static const char *refusal_in_russian(enum nf_code rc)
{
    switch (rc) {
    case NF_E_NOT_FOUND:
        return "Такого расписания нет.";
    case NF_E_CONFLICT:
        return "Так не получится: расписание уже завершено или уже в этом состоянии. Посмотрите "
               "`/schedules`.";
    case NF_E_DENIED:
        return "Это не разрешено настройками: спросите владельца.";
    case NF_E_LIMIT:
        return "Сейчас ждёт слишком много сообщений: попробуйте позже.";
    default:
        return "Не получилось. Посмотрите `/schedules`.";
    }
}

/* What is wrong is said, not failed. */
enum nf_code nf_say_schedules(struct nf_app *a, const struct nf_user *user, enum nf_lang lang,
                              const char *arg, struct nf_str *to, struct nf_err *err)
{
    struct list l = { .app = a, .user = user, .lang = lang, .to = to };
    const char *space = strchr(arg, ' '), *word = space;
    size_t n;
    struct nf_err why;
    bool known = false;
    int64_t id;

    while (word && *word == ' ')
        word++;
    n = word ? strlen(word) : 0;
    while (n > 0 && (word[n - 1] == ' ' || word[n - 1] == '\n'))
        n--;
    if (!word || !nf_id_from_text(word, n, &id))
        return say_all(&l, err);
    enum nf_code rc = act(&l, arg, (size_t)(space - arg), id, &known, &why);
    if (rc == NF_E_NOMEM || rc == NF_E_UNAVAILABLE || rc == NF_E_IO || rc == NF_E_CANCELED)
        return nf_err_set(err, rc, "%s", why.msg);
    if (rc != NF_OK)
        return nf_str_adds(to, IN(&l, why.msg, refusal_in_russian(rc)), err);
    return known ? nf_str_adds(to, IN(&l, "Done.", "Готово."), err) : say_all(&l, err);
}
