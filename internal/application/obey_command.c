/* What commands do, and what they answer: in the person's language, without a model. */
#include "application/manage_pairing.h"
#include "application/manage_schedules.h"
#include "application/manage_sessions.h"
#include "application/manage_users.h"
#include "application/quote.h"
#include "application/turn.h"
#include "base/utf8.h"

#include <string.h>

#define TASKS_SHOWN 10
#define MODELS_SHOWN 30
#define TOOLS_SHOWN 60
#define DESCRIPTION_SHOWN 100 /* bytes */

/* A command while it is obeyed. */
struct order {
    struct nf_turn *t;
    struct nf_user user;
    struct nf_session session;
    enum nf_lang lang;
    const char *arg;
    struct nf_str *to;
};

enum nf_command nf_turn_command(const struct nf_turn *t)
{
    const struct nf_message *m = nf_turn_asked(t);

    if (!t->channel || t->channel->pulled || !m || m->role != NF_ROLE_USER)
        return NF_COMMAND_NONE;
    return nf_command_of(m->content, NULL);
}

/* One of two texts. */
#define IN(o, en, ru) ((o)->lang == NF_LANG_RU ? (ru) : (en))

static NF_RC say(struct order *o, const char *text, struct nf_err *err)
{
    return nf_str_adds(o->to, text, err);
}

static NF_RC say_code(struct order *o, const char *text, struct nf_err *err)
{
    return nf_quote_code(o->to, nf_slice_of(text), err);
}

/* --- /start, /help -----------------------------------------------------------------------------
 */

static NF_RC help(struct order *o, struct nf_err *err)
{
    for (enum nf_command c = NF_COMMAND_START; c < NF_COMMAND_COUNT; c++) {
        const struct nf_command_info *i = nf_command_info(c);
        if (!i->menu && (c != NF_COMMAND_PAIR || o->user.role == NF_USER_USER))
            continue;
        NF_TRY(nf_str_addf(o->to, err, "/%s%s%s%s \xE2\x80\x94 %s\n", i->name, i->arg ? " [" : "",
                           i->arg ? i->arg : "", i->arg ? "]" : "",
                           nf_command_description(c, o->lang)));
    }
    return NF_OK;
}

static NF_RC start(struct order *o, struct nf_err *err)
{
    NF_TRY(say(o,
               IN(o, "Hello! Write to me, or send pictures and files.\n\n",
                  "Здравствуйте! Пишите мне, присылайте картинки и файлы.\n\n"),
               err));
    return help(o, err);
}

/* --- /new --------------------------------------------------------------------------------------
 */

/* It began when the message was taken in: what came behind it is in the new one already. */
static NF_RC begin_anew(struct order *o, struct nf_err *err)
{
    return say(o,
               IN(o, "Your next message begins a new conversation. This one stays on the page.",
                  "Следующее сообщение начнёт новый разговор. Этот останется на странице."),
               err);
}

/* --- /model ------------------------------------------------------------------------------------
 */

static NF_RC say_models(struct order *o, struct nf_err *err)
{
    struct nf_model *m = o->t->app->model;
    const char *name = NULL;
    size_t i = 0;

    if (!m || !m->ops->name_at)
        return NF_OK;
    NF_TRY(say(o, IN(o, "\n\nThere are: ", "\n\nЕсть: "), err));
    for (; i < MODELS_SHOWN && (name = m->ops->name_at(m, i)); i++) {
        NF_TRY(say(o, i ? ", " : "", err));
        NF_TRY(say_code(o, name, err));
    }
    return i == MODELS_SHOWN && m->ops->name_at(m, i) ? say(o, ", \xE2\x80\xA6", err) : NF_OK;
}

static NF_RC show_model(struct order *o, struct nf_err *err)
{
    NF_TRY(say(o, IN(o, "The model here: ", "Модель здесь: "), err));
    NF_TRY(say_code(o, o->session.model[0] ? o->session.model : "default", err));
    NF_TRY(say(o, IN(o, ". To choose another: ", ". Выбрать другую: "), err));
    NF_TRY(say_code(o, IN(o, "/model NAME", "/model ИМЯ"), err));
    return say_models(o, err);
}

static NF_RC choose_model(struct order *o, struct nf_err *err)
{
    struct nf_app *a = o->t->app;
    struct nf_err why;
    enum nf_code rc = nf_session_choose_model(a, o->session.id, o->arg, &why);

    if (rc == NF_OK) {
        NF_TRY(say(o, IN(o, "From now on here: ", "Теперь здесь: "), err));
        return say_code(o, o->arg, err);
    }
    if (rc != NF_E_NOT_FOUND && rc != NF_E_LIMIT)
        return nf_err_set(err, rc, "%s", why.msg);
    NF_TRY(say(o, IN(o, "There is no such model.", "Такой модели нет."), err));
    return say_models(o, err);
}

/* --- /tasks ------------------------------------------------------------------------------------
 */

static const char *mark_of(enum nf_task_status s)
{
    switch (s) {
    case NF_TASK_PENDING:
        return "\xE2\x80\xA6"; /* dots */
    case NF_TASK_RUNNING:
        return "\xE2\x8F\xB3"; /* an hourglass */
    case NF_TASK_WAITING_APPROVAL:
        return "\xE2\x8F\xB8"; /* a pause */
    case NF_TASK_COMPLETED:
        return "\xE2\x9C\x93"; /* a tick */
    case NF_TASK_FAILED:
    case NF_TASK_UNKNOWN:
        return "\xE2\x9C\x97"; /* a cross */
    case NF_TASK_CANCELLED:
        return "\xE2\x88\x92"; /* a minus */
    }
    return "?";
}

static NF_RC say_task(struct order *o, const struct nf_task_title *task, struct nf_err *err)
{
    char title[NF_TITLE_MAX + 1];

    nf_session_title_from(task->asked, title);
    NF_TRY(nf_str_addf(o->to, err, "%s ", mark_of(task->status)));
    NF_TRY(say_code(o, title[0] ? title : nf_task_status_name(task->status), err));
    return say(o, "\n", err);
}

static NF_RC tasks(struct order *o, struct nf_err *err)
{
    NF_CLEANUP(nf_task_titles_done) struct nf_task_titles list = { 0 };
    struct nf_task_store *store = o->t->app->tasks;
    size_t shown = 0;

    NF_TRY(store->ops->titles(store, o->session.id, TASKS_SHOWN + 1, &list, err));
    for (size_t i = 0; i < list.n && shown < TASKS_SHOWN; i++) {
        if (list.v[i].id == o->t->claim->run_id)
            continue;
        NF_TRY(say_task(o, &list.v[i], err));
        shown++;
    }
    return shown ? NF_OK
                 : say(o, IN(o, "Nothing was done here yet.", "Здесь пока ничего нет."), err);
}

/* --- /status, /skills --------------------------------------------------------------------------
 */

static NF_RC status(struct order *o, struct nf_err *err)
{
    const struct nf_session *s = &o->session;

    NF_TRY(say(o, IN(o, "Conversation: ", "Разговор: "), err));
    NF_TRY(say_code(o, s->title[0] ? s->title : nf_id_to_text(s->id).s, err));
    NF_TRY(say(o, IN(o, "\nModel: ", "\nМодель: "), err));
    NF_TRY(say_code(o, s->model[0] ? s->model : "default", err));
    NF_TRY(nf_str_addf(o->to, err, "\n%s %lld", IN(o, "Messages:", "Сообщений:"),
                       (long long)s->last_seq));
    /* This command is one of those that have not ended. */
    NF_TRY(nf_str_addf(o->to, err, "\n%s %lld", IN(o, "Waiting:", "Ждут ответа:"),
                       (long long)(s->pending > 0 ? s->pending - 1 : 0)));
    return o->t->app->model
               ? NF_OK
               : say(o,
                     IN(o, "\nNo language model is configured.", "\nЯзыковая модель не настроена."),
                     err);
}

static NF_RC say_tool(struct order *o, const struct nf_tool *tool, struct nf_err *err)
{
    const char *words = tool->description ? tool->description : "";
    const char *end = strchr(words, '\n');
    size_t all = end ? (size_t)(end - words) : strlen(words);
    size_t n = nf_utf8_cut(words, all, DESCRIPTION_SHOWN);

    NF_TRY(say_code(o, tool->name, err));
    if (n > 0)
        NF_TRY(nf_str_addf(o->to, err, " \xE2\x80\x94 %.*s%s", (int)n, words,
                           n < all ? "\xE2\x80\xA6" : ""));
    return say(o, "\n", err);
}

static NF_RC skills(struct order *o, struct nf_err *err)
{
    NF_CLEANUP(nf_toolset_unrefp) struct nf_toolset *set = NULL;
    struct nf_app *a = o->t->app;

    if (a->tools)
        NF_TRY(nf_tools_offer(a->tools, o->user.id, o->session.id, &set, err));
    if (nf_toolset_n(set) == 0)
        return say(o, IN(o, "There are no tools.", "Инструментов нет."), err);
    for (size_t i = 0; i < set->n && i < TOOLS_SHOWN; i++)
        NF_TRY(say_tool(o, &set->v[i], err));
    return set->n > TOOLS_SHOWN ? say(o, "\xE2\x80\xA6", err) : NF_OK;
}

/* --- /settings ---------------------------------------------------------------------------------
 */

static NF_RC show_settings(struct order *o, struct nf_err *err)
{
    NF_TRY(say(o, IN(o, "Language: English. To change it: ", "Язык: русский. Изменить: "), err));
    NF_TRY(say_code(o, IN(o, "/settings lang ru", "/settings lang en"), err));
    NF_TRY(say(o, IN(o, "\nTime zone: ", "\nЧасовой пояс: "), err));
    NF_TRY(say_code(o, o->user.zone[0] ? o->user.zone : "?", err));
    NF_TRY(say(o, IN(o, ". To change it: ", ". Изменить: "), err));
    NF_TRY(say_code(o, "/settings zone Europe/Berlin", err));
    NF_TRY(say(o, IN(o, "\nModel here: ", "\nМодель здесь: "), err));
    NF_TRY(say_code(o, o->session.model[0] ? o->session.model : "default", err));
    return say(o,
               o->t->app->settings.steer
                   ? IN(o, "\nA message sent while I work joins what I am doing.",
                        "\nСообщение во время работы учитывается сразу.")
                   : IN(o, "\nA message sent while I work waits for its turn.",
                        "\nСообщение во время работы ждёт своей очереди."),
               err);
}

/* Their clock: for reminders. */
static NF_RC set_zone(struct order *o, const char *zone, struct nf_err *err)
{
    struct nf_err why;
    enum nf_code rc = nf_person_set_zone(o->t->app, &o->user, zone, &why);

    if (rc != NF_OK && rc != NF_E_INVALID)
        return nf_err_set(err, rc, "%s", why.msg);
    if (rc != NF_OK)
        return say(
            o, IN(o, why.msg, "Такого часового пояса нет. Его называют, например, Europe/Berlin."),
            err);
    NF_TRY(say(o, IN(o, "Your time zone is now ", "Ваш часовой пояс теперь "), err));
    return say_code(o, zone, err);
}

static NF_RC settings(struct order *o, struct nf_err *err)
{
    static const char zone_key[] = "zone ";
    static const char key[] = "lang ";
    enum nf_lang lang;

    if (strncmp(o->arg, zone_key, sizeof(zone_key) - 1) == 0)
        return set_zone(o, o->arg + sizeof(zone_key) - 1, err);
    if (strncmp(o->arg, key, sizeof(key) - 1) != 0 ||
        !nf_lang_from_name(o->arg + sizeof(key) - 1, &lang))
        return show_settings(o, err);
    o->lang = lang;
    NF_TRY(nf_person_set_lang(o->t->app, &o->user, lang, err));
    return say(o, IN(o, "I speak English with you now.", "Теперь я говорю с вами по-русски."), err);
}

/* --- /pair -------------------------------------------------------------------------------------
 */

static const char *not_paired_in_russian(enum nf_code rc)
{
    switch (rc) {
    case NF_E_DENIED:
        return "Впускать людей могут только владелец и администраторы.";
    case NF_E_NOT_FOUND:
        return "С этим кодом никто не ждёт. В коде 8 букв и цифр, например ABCD-2345, и действует "
               "он час: пусть напишут боту ещё раз и получат новый.";
    case NF_E_CONFLICT:
        return "С этим кодом уже кого-то впустили.";
    default:
        return "Впустить не удалось. Подробности: `nexflow pair` на сервере.";
    }
}

static NF_RC pair(struct order *o, struct nf_err *err)
{
    struct nf_user let_in;
    struct nf_err why;
    const struct nf_approve approve = { .code = o->arg };
    enum nf_code rc;

    if (o->arg[0] == '\0')
        return say(o, IN(o, "Which code? /pair CODE", "Какой код? /pair КОД"), err);
    rc = nf_pairing_approve(o->t->app, &o->user, &approve, &let_in, &why);
    if (rc == NF_OK) {
        NF_TRY(say(o, IN(o, "Let in: ", "Доступ открыт: "), err));
        return say_code(o, let_in.name, err);
    }
    if (rc == NF_E_NOMEM || rc == NF_E_UNAVAILABLE || rc == NF_E_IO || rc == NF_E_CANCELED)
        return nf_err_set(err, rc, "%s", why.msg);
    return say(o, IN(o, why.msg, not_paired_in_russian(rc)), err);
}

/* --- the whole ---------------------------------------------------------------------------------
 */

static NF_RC obey(struct order *o, enum nf_command c, struct nf_err *err)
{
    switch (c) {
    case NF_COMMAND_START:
        return start(o, err);
    case NF_COMMAND_HELP:
        return help(o, err);
    case NF_COMMAND_NEW:
        return begin_anew(o, err);
    case NF_COMMAND_STOP: /* what runs is stopped before a turn of it could begin */
        return say(o, IN(o, "Nothing is running here.", "Здесь ничего не выполняется."), err);
    case NF_COMMAND_MODEL:
        return o->arg[0] ? choose_model(o, err) : show_model(o, err);
    case NF_COMMAND_TASKS:
        return tasks(o, err);
    case NF_COMMAND_STATUS:
        return status(o, err);
    case NF_COMMAND_SKILLS:
        return skills(o, err);
    case NF_COMMAND_SCHEDULES:
        return nf_say_schedules(o->t->app, &o->user, o->lang, o->arg, o->to, err);
    case NF_COMMAND_SETTINGS:
        return settings(o, err);
    case NF_COMMAND_PAIR:
        return pair(o, err);
    case NF_COMMAND_NONE:
    case NF_COMMAND_COUNT:
        break;
    }
    return NF_OK;
}

enum nf_code nf_turn_obey(struct nf_turn *t, enum nf_command c, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { 0 };
    struct nf_app *a = t->app;
    struct order o = { .t = t, .to = &text };

    (void)nf_command_of(nf_turn_asked(t)->content, &o.arg);
    NF_TRY(a->users->ops->get(a->users, t->claim->user_id, &o.user, err));
    NF_TRY(a->sessions->ops->get(a->sessions, t->claim->session_id, 0, &o.session, err));
    o.lang = o.user.lang ? o.user.lang : NF_LANG_EN;
    NF_TRY(obey(&o, c, err));
    nf_turn_show_text(t, nf_str_c(&text));
    t->over = true;
    return nf_turn_say(t, NF_ROLE_ASSISTANT, nf_str_c(&text), NULL, err);
}
