#include "llm/ollama_encode.h"

#include "base/own.h"
#include "llm/ollama_chat.h"
#include "llm/request.h"

#include <string.h>

static void put_tool(struct nf_json_out *o, const struct nf_tool *t)
{
    nf_json_out_object(o);
    nf_json_put_str(o, "type", "function");
    nf_json_out_key(o, "function");
    nf_json_out_object(o);
    nf_json_put_str(o, "name", t->name);
    nf_json_put_str(o, "description", t->description ? t->description : "");
    nf_llm_put_schema(o, "parameters", t->schema);
    nf_json_out_end(o);
    nf_json_out_end(o);
}

static void put_options(struct nf_json_out *o, const struct nf_completion_request *r,
                        const struct nf_llm_target *t)
{
    nf_json_out_key(o, "options");
    nf_json_out_object(o);
    if (t->context_tokens > 0)
        nf_json_put_i64(o, "num_ctx", t->context_tokens);
    if (nf_llm_max_tokens(r, t) > 0)
        nf_json_put_i64(o, "num_predict", nf_llm_max_tokens(r, t));
    if (r->temperature != NF_NOT_SET) {
        nf_json_out_key(o, "temperature");
        nf_json_out_f64(o, r->temperature);
    }
    if (r->top_p != NF_NOT_SET) {
        nf_json_out_key(o, "top_p");
        nf_json_out_f64(o, r->top_p);
    }
    if (r->top_k > 0)
        nf_json_put_i64(o, "top_k", r->top_k);
    if (r->stop_n > 0) {
        nf_json_out_key(o, "stop");
        nf_json_out_array(o);
        for (size_t i = 0; i < r->stop_n; i++)
            nf_json_out_str(o, r->stop[i]);
        nf_json_out_end(o);
    }
    nf_json_out_end(o);
}

/* Only gpt-oss knows levels; others are switched on or off. */
static void put_think(struct nf_json_out *o, const struct nf_completion_request *r,
                      const struct nf_llm_target *t)
{
    const char *effort = nf_llm_effort(r);
    if (!effort)
        return;
    bool think = strcmp(effort, "none") != 0;
    if (think && strncmp(t->model, "gpt-oss", 7) == 0)
        nf_json_put_str(o, "think", effort);
    else
        nf_json_put_bool(o, "think", think);
}

static void put_format(struct nf_json_out *o, const struct nf_completion_request *r)
{
    if (r->format == NF_FORMAT_JSON)
        nf_json_put_str(o, "format", "json");
    else if (r->format == NF_FORMAT_JSON_SCHEMA)
        nf_llm_put_raw(o, "format", r->format_schema);
}

/* --- messages --------------------------------------------------------------------------------- */

static NF_RC check_media(const struct nf_completion_request *r, struct nf_err *err)
{
    for (size_t i = 0; i < r->messages_n; i++)
        for (size_t k = 0; k < r->messages[i].parts.n; k++) {
            const struct nf_part *p = &r->messages[i].parts.v[k];
            if (p->type == NF_PART_IMAGE && !p->data)
                return nf_err_set(err, NF_E_INVALID,
                                  "messages[%zu]: Ollama takes no images by URL: send the image",
                                  i);
            if (p->type == NF_PART_DOCUMENT && !nf_llm_has_text(p))
                return nf_err_set(err, NF_E_INVALID,
                                  "messages[%zu]: Ollama takes no documents: send their text", i);
        }
    return NF_OK;
}

static void put_images(struct nf_json_out *o, const struct nf_parts *list)
{
    bool any = false;
    for (size_t i = 0; i < list->n; i++) {
        if (list->v[i].type != NF_PART_IMAGE)
            continue;
        if (!any) {
            nf_json_out_key(o, "images");
            nf_json_out_array(o);
        }
        any = true;
        nf_json_out_str(o, list->v[i].data);
    }
    if (any)
        nf_json_out_end(o);
}

static enum nf_code put_user(struct nf_json_out *o, const struct nf_chat_message *m,
                             struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { .max = NF_LLM_REQUEST_MAX };
    bool says = false;

    NF_TRY(nf_llm_join_text(&m->parts, NF_PART_DOCUMENT, "\n\n", &text, err));
    NF_TRY(nf_llm_join_text(&m->parts, NF_PART_TEXT, "\n\n", &text, err));
    for (size_t i = 0; i < m->parts.n; i++)
        says = says || m->parts.v[i].type == NF_PART_IMAGE;
    if (text.len == 0 && !says)
        return NF_OK;
    nf_json_out_object(o);
    nf_json_put_str(o, "role", "user");
    nf_json_put_str(o, "content", nf_str_c(&text));
    put_images(o, &m->parts);
    nf_json_out_end(o);
    return NF_OK;
}

static enum nf_code put_results(struct nf_json_out *o, const struct nf_completion_request *r,
                                size_t at, struct nf_err *err)
{
    for (size_t i = 0; i < r->messages[at].parts.n; i++) {
        NF_CLEANUP(nf_str_done) struct nf_str text = { .max = NF_LLM_REQUEST_MAX };
        const struct nf_part *p = &r->messages[at].parts.v[i];
        if (p->type != NF_PART_TOOL_RESULT)
            continue;
        const struct nf_part *call = nf_llm_call_of(r, at, p->call_id);
        NF_TRY(nf_str_adds(&text, p->is_error ? "Error: " : "", err));
        NF_TRY(nf_str_adds(&text, p->text ? p->text : "", err));
        nf_json_out_object(o);
        nf_json_put_str(o, "role", "tool");
        nf_json_put_str(o, "tool_name", p->name && p->name[0] ? p->name : call ? call->name : NULL);
        nf_json_put_str(o, "content", nf_str_c(&text));
        nf_json_out_end(o);
    }
    return NF_OK;
}

static void put_calls(struct nf_json_out *o, const struct nf_parts *list)
{
    nf_json_out_key(o, "tool_calls");
    nf_json_out_array(o);
    for (size_t i = 0; i < list->n; i++) {
        const struct nf_part *p = &list->v[i];
        if (p->type != NF_PART_TOOL_CALL)
            continue;
        nf_json_out_object(o);
        nf_json_out_key(o, "function");
        nf_json_out_object(o);
        nf_json_put_str(o, "name", p->name ? p->name : "");
        nf_json_out_key(o, "arguments");
        nf_llm_out_args(o, p->args);
        nf_json_out_end(o);
        nf_json_out_end(o);
    }
    nf_json_out_end(o);
}

static enum nf_code put_assistant(struct nf_json_out *o, const struct nf_chat_message *m,
                                  struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { .max = NF_LLM_REQUEST_MAX };
    NF_CLEANUP(nf_str_done) struct nf_str thinking = { .max = NF_LLM_REQUEST_MAX };
    size_t calls = nf_parts_tool_calls(&m->parts);

    NF_TRY(nf_llm_join_text(&m->parts, NF_PART_TEXT, "\n\n", &text, err));
    NF_TRY(nf_llm_join_text(&m->parts, NF_PART_REFUSAL, "\n\n", &text, err));
    if (text.len == 0 && calls == 0)
        return NF_OK;
    nf_json_out_object(o);
    nf_json_put_str(o, "role", "assistant");
    nf_json_put_str(o, "content", nf_str_c(&text));
    if (calls > 0) {
        /* A model that thinks goes on from what it thought when it called. */
        NF_TRY(nf_llm_join_text(&m->parts, NF_PART_THINKING, "\n\n", &thinking, err));
        if (thinking.len > 0)
            nf_json_put_str(o, "thinking", nf_str_c(&thinking));
        put_calls(o, &m->parts);
    }
    nf_json_out_end(o);
    return NF_OK;
}

static const struct nf_llm_forms forms = { .assistant = put_assistant,
                                           .results = put_results,
                                           .user = put_user };

enum nf_code nf_ollama_encode(const struct nf_completion_request *r, const struct nf_llm_target *t,
                              struct nf_llm_body *to, struct nf_err *err)
{
    static const struct nf_llm_bounds bounds = { "Ollama", NF_OLLAMA_TEMPERATURE_MAX,
                                                 NF_STOP_SEQUENCES_MAX };
    struct nf_json_out o;

    NF_TRY(nf_llm_check_request(r, &bounds, err));
    NF_TRY(check_media(r, err));
    if (r->tool_choice == NF_TOOL_CHOICE_REQUIRED || r->tool_choice == NF_TOOL_CHOICE_NAMED)
        return nf_err_set(err, NF_E_INVALID,
                          "tool_choice: Ollama cannot be made to call a tool: "
                          "use auto or none");
    /* There is no tool_choice: "none" is to offer none. */
    if (r->tool_choice != NF_TOOL_CHOICE_NONE)
        NF_TRY(nf_llm_tools(r->tools, &nf_ollama_chat, put_tool, &to->tools, err));
    NF_TRY(nf_llm_begin_body(r, &o, to, err));
    nf_json_out_object(&o);
    nf_json_put_str(&o, "model", t->model);
    nf_json_put_bool(&o, "stream", true);
    put_think(&o, r, t);
    put_format(&o, r);
    put_options(&o, r, t);
    if (to->tools.n > 0)
        nf_llm_put_tools(&o, to);
    nf_json_out_key(&o, "messages");
    nf_json_out_array(&o);
    NF_TRY(nf_llm_put_messages(&o, r, &forms, err));
    nf_json_out_end(&o);
    nf_json_out_end(&o);
    return nf_json_end_doc(&o, err);
}
