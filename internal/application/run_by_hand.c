/* "/run SKILL TOOL JSON" in a chat: a turn that a tool answers, without a model. */
#include "application/receive_message.h"
#include "application/turn.h"
#include "base/utf8.h"

#include <string.h>

#define COMMAND "/run"
#define CALL_ID "run" /* the only call of its turn */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool nf_is_run_command(const char *text)
{
    size_t n = sizeof(COMMAND) - 1;

    return strncmp(text, COMMAND, n) == 0 && (text[n] == '\0' || is_blank(text[n]));
}

bool nf_turn_is_run(const struct nf_turn *t)
{
    const struct nf_message *m = nf_turn_asked(t);

    return m && m->role == NF_ROLE_USER && nf_is_run_command(m->content);
}

static void skip_blanks(const char **p)
{
    while (is_blank(**p))
        (*p)++;
}

static struct nf_slice next_word(const char **p)
{
    skip_blanks(p);
    struct nf_slice word = { *p, 0 };
    while (**p && !is_blank(**p))
        (*p)++;
    word.n = (size_t)(*p - word.p);
    return word;
}

/* The call that the message stands for, as a model would make it. */
static NF_RC read_call(const char *text, struct nf_part *p, struct nf_err *err)
{
    const char *at = text + sizeof(COMMAND) - 1;
    struct nf_slice skill = next_word(&at), tool = next_word(&at);
    NF_CLEANUP(nf_freep) char *skill_name = NULL;
    NF_CLEANUP(nf_freep) char *tool_name = NULL;
    char name[NF_CALL_NAME_MAX + 1];

    if (tool.n == 0)
        return nf_err_set(err, NF_E_INVALID,
                          "how to run a tool: /run SKILL TOOL {\"argument\": ...}");
    NF_TRY(nf_strndup(skill.p, skill.n, &skill_name, err));
    NF_TRY(nf_strndup(tool.p, tool.n, &tool_name, err));
    NF_TRY(nf_skill_tool_name(skill_name, tool_name, name, err));
    skip_blanks(&at);
    NF_TRY(nf_strdup(CALL_ID, &p->call_id, err));
    NF_TRY(nf_strdup(name, &p->name, err));
    return nf_strdup(*at ? at : "{}", &p->args, err);
}

/* Say the call, as if a model had made it. */
static NF_RC say_call(struct nf_turn *t, struct nf_err *err)
{
    NF_CLEANUP(nf_parts_done) struct nf_parts parts = { 0 };
    struct nf_part *p;

    NF_TRY(nf_parts_add(&parts, NF_PART_TOOL_CALL, &p, err));
    NF_TRY(read_call(nf_turn_asked(t)->content, p, err));
    nf_turn_show_calls(t, &parts);
    return nf_turn_say(t, NF_ROLE_ASSISTANT, "", &parts, err);
}

enum nf_code nf_turn_run(struct nf_turn *t, struct nf_err *err)
{
    NF_CLEANUP(nf_tasks_done) struct nf_tasks steps = { 0 };
    NF_CLEANUP(nf_freep) char *reply = NULL;

    NF_TRY(say_call(t, err));
    if (t->claim->attempt > 1)
        NF_TRY(t->app->turns->ops->steps(t->app->turns, t->claim->run_id, &steps, err));
    NF_TRY(nf_turn_call_tools(t, steps.v, steps.n, err));
    const struct nf_parts *result = &t->said.v[t->said.n - 1].parts;
    NF_TRY(nf_strdup(result->v[0].text[0] ? result->v[0].text : "(no result)", &reply, err));
    nf_turn_show_text(t, reply);
    t->over = true;
    return nf_turn_say(t, NF_ROLE_ASSISTANT, reply, NULL, err);
}
