/* The canonical request: building it up and taking it down. */
#include "domain/completion.h"

#include "base/own.h"
#include "domain/list.h"

#include <stdlib.h>
#include <string.h>

void nf_completion_request_init(struct nf_completion_request *r)
{
    *r = (struct nf_completion_request){ .temperature = NF_NOT_SET, .top_p = NF_NOT_SET };
}

void nf_chat_message_done(struct nf_chat_message *m)
{
    nf_parts_done(&m->parts);
    *m = (struct nf_chat_message){ 0 };
}

static void tool_done(struct nf_tool *t)
{
    free(t->name);
    free(t->description);
    free(t->schema);
    *t = (struct nf_tool){ 0 };
}

void nf_completion_request_done(struct nf_completion_request *r)
{
    free(r->model);
    nf_parts_done(&r->system);
    for (size_t i = 0; i < r->messages_n; i++)
        nf_chat_message_done(&r->messages[i]);
    free(r->messages);
    for (size_t i = 0; i < r->tools_n; i++)
        tool_done(&r->tools[i]);
    free(r->tools);
    free(r->tool_choice_name);
    for (size_t i = 0; i < r->stop_n; i++)
        free(r->stop[i]);
    free(r->format_name);
    free(r->format_schema);
    free(r->user);
    *r = (struct nf_completion_request){ 0 };
}

enum nf_code nf_completion_add_message(struct nf_completion_request *r, enum nf_role role,
                                       struct nf_chat_message **ret, struct nf_err *err)
{
    struct nf_chat_message *v;

    if (r->messages_n >= NF_REQUEST_MESSAGES_MAX)
        return nf_err_set(err, NF_E_LIMIT,
                          "messages has more than %d entries: leave out the oldest",
                          NF_REQUEST_MESSAGES_MAX);
    v = nf_list_grow(r->messages, r->messages_n + 1, sizeof(*v));
    if (!v)
        return nf_list_nomem(err);
    r->messages = v;
    v[r->messages_n] = (struct nf_chat_message){ .role = role };
    *ret = &v[r->messages_n++];
    return NF_OK;
}

enum nf_code nf_completion_add_system(struct nf_completion_request *r, const char *text,
                                      struct nf_err *err)
{
    return nf_parts_add_text(&r->system, text, err);
}

enum nf_code nf_completion_add_tool(struct nf_completion_request *r, const char *name,
                                    const char *description, const char *schema, struct nf_err *err)
{
    NF_CLEANUP(tool_done) struct nf_tool t = { 0 };
    struct nf_tool *v;

    if (r->tools_n >= NF_REQUEST_TOOLS_MAX)
        return nf_err_set(err, NF_E_LIMIT, "tools has more than %d entries: offer fewer",
                          NF_REQUEST_TOOLS_MAX);
    NF_TRY(nf_strdup(name, &t.name, err));
    if (description)
        NF_TRY(nf_strdup(description, &t.description, err));
    if (schema)
        NF_TRY(nf_strdup(schema, &t.schema, err));
    v = nf_list_grow(r->tools, r->tools_n + 1, sizeof(*v));
    if (!v)
        return nf_list_nomem(err);
    r->tools = v;
    v[r->tools_n++] = nf_take(t);
    return NF_OK;
}

void nf_completion_drop_tool(struct nf_completion_request *r, size_t i)
{
    assert(i < r->tools_n);
    tool_done(&r->tools[i]);
    r->tools_n--;
    memmove(&r->tools[i], &r->tools[i + 1], (r->tools_n - i) * sizeof(*r->tools));
}

const char *nf_stop_reason_name(enum nf_stop_reason r)
{
    switch (r) {
    case NF_STOP_NONE:
        return "none";
    case NF_STOP_END:
        return "end";
    case NF_STOP_MAX_TOKENS:
        return "max_tokens";
    case NF_STOP_SEQUENCE:
        return "stop_sequence";
    case NF_STOP_TOOL_CALLS:
        return "tool_calls";
    case NF_STOP_REFUSAL:
        return "refusal";
    case NF_STOP_PAUSE:
        return "pause";
    case NF_STOP_CONTEXT:
        return "context";
    }
    return "?";
}
