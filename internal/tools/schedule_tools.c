#include "tools/schedule_tools.h"

#include "application/manage_schedules.h"
#include "base/own.h"
#include "base/utf8.h"
#include "codec/json.h"

#include <string.h>

#define TIMEOUT_MS 10000
#define LISTED 50
#define TEXT_LISTED 200 /* bytes of a text in the list */
#define VERSION "1"     /* of what they do: an approval would be bound to it */

static const struct nf_tools_ops tools_ops;

struct call {
    struct nf_schedule_tools *t;
    const struct nf_tool_call *c;
    struct nf_user user;
    const struct nf_zone *zone; /* of the person */
    const struct nf_json *args;
    struct nf_str *to;
};

struct tool {
    const char *name, *tool, *description, *schema;
    enum nf_code (*run)(struct call *c, struct nf_err *err);
};

/* --- what they say ---------------------------------------------------------------------------- */

static NF_RC say_now(struct call *c, struct nf_err *err)
{
    return nf_str_addf(c->to, err, "It is %s now (%s).\n",
                       nf_zone_show(c->zone, nf_app_now(c->t->app), NF_LANG_EN).s, c->zone->name);
}

static NF_RC say_schedule(struct call *c, const struct nf_schedule *s, struct nf_err *err)
{
    int64_t next[NF_SCHEDULE_NEXT_SHOWN];
    const struct nf_zone *zone = c->zone;
    size_t n = 0;

    NF_TRY(nf_str_addf(c->to, err, "%s: %s, %s, ", nf_id_to_text(s->id).s,
                       nf_schedule_kind_name(s->kind), nf_schedule_status_name(s->status)));
    NF_TRY(nf_schedule_say(c->t->app, s, NF_LANG_EN, c->to, err));
    NF_TRY(nf_schedule_next(c->t->app, s, &zone, next, &n, err));
    for (size_t i = 0; i < n; i++)
        NF_TRY(nf_str_addf(c->to, err, "%s%s",
                           i ? "; " : ". Next: ", nf_zone_show(zone, next[i], NF_LANG_EN).s));
    NF_TRY(nf_str_addf(c->to, err, " (%s).%s%s\n", zone->name, s->reason[0] ? " Paused: " : "",
                       s->reason));
    return NF_OK;
}

/* --- what they do ----------------------------------------------------------------------------- */

static const char *string(const struct call *c, const char *key)
{
    const char *s = nf_json_str(nf_json_get(c->args, key));
    return s && s[0] ? s : NULL;
}

static enum nf_code create(struct call *c, struct nf_err *err)
{
    const char *action = string(c, "action"), *missed = string(c, "missed");
    bool asks = action && strcmp(action, "ask_me") == 0;
    struct nf_schedule_wish wish = { .kind = asks ? NF_SCHEDULE_PROMPT : NF_SCHEDULE_REMINDER,
                                     .text = string(c, "text"),
                                     .when = string(c, "when"),
                                     .cron = string(c, "cron"),
                                     .zone = string(c, "time_zone"),
                                     .session_id = c->c->session_id,
                                     .by_model = true,
                                     .call_id = c->c->task_id };
    struct nf_schedule s;

    if (missed && !nf_missed_from_name(missed, &wish.missed))
        return nf_err_set(err, NF_E_INVALID, "missed: not skip, once or all");
    NF_TRY(nf_schedule_create(c->t->app, &c->user, &wish, &s, err));
    NF_TRY(say_now(c, err));
    NF_TRY(nf_str_adds(c->to, "Made ", err));
    NF_TRY(say_schedule(c, &s, err));
    if (s.status == NF_SCHEDULE_PAUSED)
        NF_TRY(
            nf_str_adds(c->to,
                        "It does not run yet: tell the person to switch it on, on the page under "
                        "Schedules, with /schedules in a chat, or with `nexflow schedule "
                        "resume`.\n",
                        err));
    return NF_OK;
}

/* What is done stands in no one's way, however much of it there is. */
static NF_RC list_those(struct call *c, enum nf_schedule_status status, size_t *shown,
                        struct nf_err *err)
{
    NF_CLEANUP(nf_schedules_done) struct nf_schedules found = { 0 };
    struct nf_schedule_filter f = { .user_id = c->user.id, .status = status, .limit = LISTED };

    NF_TRY(nf_schedule_list(c->t->app, &c->user, &f, &found, err));
    for (size_t i = 0; i < found.n; i++) {
        const char *text = found.v[i].text;
        size_t n = nf_utf8_cut(text, strlen(text), TEXT_LISTED);

        NF_TRY(say_schedule(c, &found.v[i], err));
        NF_TRY(nf_str_addf(c->to, err, "  %.*s%s\n", (int)n, text, text[n] ? "..." : ""));
    }
    *shown += found.n;
    return NF_OK;
}

static enum nf_code list(struct call *c, struct nf_err *err)
{
    size_t shown = 0;

    NF_TRY(say_now(c, err));
    NF_TRY(list_those(c, NF_SCHEDULE_ACTIVE, &shown, err));
    NF_TRY(list_those(c, NF_SCHEDULE_PAUSED, &shown, err));
    return shown ? NF_OK : nf_str_adds(c->to, "There are no schedules.\n", err);
}

/* Also an owner's model cancels what is the owner's only. */
static enum nf_code cancel(struct call *c, struct nf_err *err)
{
    const char *text = string(c, "id");
    struct nf_schedule s;
    int64_t id;

    if (!text || !nf_id_from_text(text, strlen(text), &id))
        return nf_err_set(err, NF_E_INVALID, "id: not that of a schedule; list them first");
    NF_TRY(nf_schedule_show(c->t->app, &c->user, id, &s, err));
    if (s.user_id != c->user.id)
        return nf_err_set(err, NF_E_NOT_FOUND, "no such schedule");
    NF_TRY(nf_schedule_remove(c->t->app, &c->user, id, err));
    return nf_str_addf(c->to, err, "Cancelled: %.*s\n",
                       (int)nf_utf8_cut(s.text, strlen(s.text), TEXT_LISTED), s.text);
}

static const struct tool ours[] = {
    { "schedule_create", "create",
      "Remind the person at a time, once or again and again (\"remind me tomorrow at nine\"), or "
      "be asked a question yourself then (action ask_me, for work such as a morning summary; it "
      "starts only after the person has switched it on). Give either `when` or `cron`. Times are "
      "by the person's own clock; the answer says what time it is there and when it will run: tell "
      "the person that.",
      "{\"type\":\"object\",\"properties\":{"
      "\"text\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":2000,\"description\":\"What is "
      "said then, in the person's language; with ask_me: what you are asked.\"},"
      "\"when\":{\"type\":\"string\",\"maxLength\":64,\"description\":\"Once: tomorrow at 9:00, "
      "fri 18:30, 9am, in 20 minutes, 2026-11-29T09:00\"},"
      "\"cron\":{\"type\":\"string\",\"maxLength\":128,\"description\":\"Again and again: minute "
      "hour day month weekday, such as 0 9 * * 1-5, or @daily\"},"
      "\"action\":{\"type\":\"string\",\"enum\":[\"remind\",\"ask_me\"]},"
      "\"time_zone\":{\"type\":\"string\",\"maxLength\":64,\"description\":\"Only where the person "
      "names another one: Europe/Berlin\"},"
      "\"missed\":{\"type\":\"string\",\"enum\":[\"skip\",\"once\",\"all\"],\"description\":\"What "
      "happens with runs that were missed; once if absent\"}},"
      "\"required\":[\"text\"],\"additionalProperties\":false}",
      create },
    { "schedule_list", "list",
      "List the person's schedules with their ids and next runs, and say what time it is there.",
      "{\"type\":\"object\",\"properties\":{},\"additionalProperties\":false}", list },
    { "schedule_cancel", "cancel", "Cancel one of the person's schedules by its id.",
      "{\"type\":\"object\",\"properties\":{\"id\":{\"type\":\"string\",\"maxLength\":32}},"
      "\"required\":[\"id\"],\"additionalProperties\":false}",
      cancel },
};
#define OURS (sizeof(ours) / sizeof(ours[0]))

static const struct tool *find_ours(const char *name)
{
    for (size_t i = 0; i < OURS; i++)
        if (strcmp(ours[i].name, name) == 0)
            return &ours[i];
    return NULL;
}

/* --- the port --------------------------------------------------------------------------------- */

static struct nf_schedule_tools *self(struct nf_tools *port)
{
    assert(port->ops == &tools_ops);
    return nf_container_of(port, struct nf_schedule_tools, port);
}

static bool is_on(const struct nf_schedule_tools *t)
{
    return t->app->settings.schedules.enabled;
}

static NF_RC merge(const struct nf_toolset *base, struct nf_toolset **ret, struct nf_err *err)
{
    NF_CLEANUP(nf_toolset_unrefp) struct nf_toolset *all = NULL;

    NF_TRY(nf_toolset_new(&all, err));
    for (size_t i = 0; i < nf_toolset_n(base) && all->n + OURS < NF_REQUEST_TOOLS_MAX; i++)
        if (!find_ours(base->v[i].name))
            NF_TRY(nf_toolset_add(all, base->v[i].name, base->v[i].description, base->v[i].schema,
                                  err));
    for (size_t i = 0; i < OURS; i++)
        NF_TRY(nf_toolset_add(all, ours[i].name, ours[i].description, ours[i].schema, err));
    *ret = nf_take(all);
    return NF_OK;
}

/* As long as the next one's list is the same, so is ours: see ports/tools.h. */
static enum nf_code offer(struct nf_tools *port, int64_t user_id, int64_t session_id,
                          struct nf_toolset **ret, struct nf_err *err)
{
    struct nf_schedule_tools *t = self(port);
    NF_CLEANUP(nf_toolset_unrefp) struct nf_toolset *base = NULL;
    struct nf_toolset *all;

    if (t->next)
        NF_TRY(nf_tools_offer(t->next, user_id, session_id, &base, err));
    if (!is_on(t)) {
        *ret = nf_take(base);
        return NF_OK;
    }
    if (!t->all || t->base != base) {
        NF_TRY(merge(base, &all, err));
        nf_toolset_unref(t->all);
        nf_toolset_unref(t->base);
        t->all = all;
        t->base = nf_take(base);
    }
    *ret = nf_toolset_ref(t->all);
    return NF_OK;
}

static enum nf_code find(struct nf_tools *port, int64_t user_id, const char *name,
                         struct nf_tool_info *ret, struct nf_err *err)
{
    struct nf_schedule_tools *t = self(port);
    const struct tool *tool = is_on(t) ? find_ours(name) : NULL;

    if (!tool && t->next)
        return nf_tools_find(t->next, user_id, name, ret, err);
    if (!tool)
        return nf_err_set(err, NF_E_NOT_FOUND, "there is no tool '%.64s'", name);
    *ret = (struct nf_tool_info){ .name = tool->name,
                                  .skill = "schedule",
                                  .tool = tool->tool,
                                  .version = VERSION,
                                  .schema = tool->schema,
                                  .workspace = "",
                                  .approval = NF_APPROVAL_NEVER,
                                  .idempotent = strcmp(tool->tool, "cancel") != 0,
                                  .timeout_ms = TIMEOUT_MS };
    return NF_OK;
}

static NF_RC run(struct nf_schedule_tools *t, const struct tool *tool, const struct nf_tool_call *c,
                 struct nf_str *to, struct nf_err *err)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    struct call call = { .t = t, .c = c, .to = to };

    NF_TRY(nf_json_parse(c->args, strlen(c->args), 0, &doc, err));
    call.args = nf_json_root(doc);
    NF_TRY(t->app->users->ops->get(t->app->users, c->user_id, &call.user, err));
    NF_TRY(nf_person_zone(t->app, &call.user, &call.zone, err));
    return tool->run(&call, err);
}

static enum nf_code call(struct nf_tools *port, const struct nf_tool_call *c,
                         struct nf_tool_outcome *ret, struct nf_err *err)
{
    struct nf_schedule_tools *t = self(port);
    const struct tool *tool = is_on(t) ? find_ours(c->name) : NULL;

    if (!tool && t->next)
        return nf_tools_call(t->next, c, ret, err);
    if (!tool)
        return nf_err_set(err, NF_E_NOT_FOUND, "there is no tool '%.64s'", c->name);
    return run(t, tool, c, &ret->text, err);
}

static const struct nf_tools_ops tools_ops = { .offer = offer, .find = find, .call = call };

void nf_schedule_tools_init(struct nf_schedule_tools *t, struct nf_app *app, struct nf_tools *next)
{
    *t = (struct nf_schedule_tools){ .port.ops = &tools_ops, .next = next, .app = app };
}

void nf_schedule_tools_done(struct nf_schedule_tools *t)
{
    nf_toolset_unref(t->all);
    nf_toolset_unref(t->base);
    *t = (struct nf_schedule_tools){ 0 };
}
