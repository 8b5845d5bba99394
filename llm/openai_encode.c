#include "llm/openai_encode.h"

#include "base/own.h"
#include "llm/openai_chat.h"
#include "llm/request.h"

#include <string.h>

static void put_tool(struct nf_json_out *o, const struct nf_tool *t)
{
    nf_json_out_object(o);
    nf_json_put_str(o, "type", "function");
    nf_json_out_key(o, "function");
    nf_json_out_object(o);
    nf_json_put_str(o, "name", t->name);
    nf_json_put_str(o, "description", t->description);
    nf_llm_put_schema(o, "parameters", t->schema);
    nf_json_out_end(o);
    nf_json_out_end(o);
}

static void put_tool_choice(struct nf_json_out *o, const struct nf_completion_request *r)
{
    switch (r->tool_choice) {
    case NF_TOOL_CHOICE_AUTO:
        return;
    case NF_TOOL_CHOICE_NONE:
        nf_json_put_str(o, "tool_choice", "none");
        return;
    case NF_TOOL_CHOICE_REQUIRED:
        nf_json_put_str(o, "tool_choice", "required");
        return;
    case NF_TOOL_CHOICE_NAMED:
        nf_json_out_key(o, "tool_choice");
        nf_json_out_object(o);
        nf_json_put_str(o, "type", "function");
        nf_json_out_key(o, "function");
        nf_json_out_object(o);
        nf_json_put_str(o, "name", r->tool_choice_name);
        nf_json_out_end(o);
        nf_json_out_end(o);
        return;
    }
}

static void put_format(struct nf_json_out *o, const struct nf_completion_request *r)
{
    if (r->format == NF_FORMAT_TEXT)
        return;
    nf_json_out_key(o, "response_format");
    nf_json_out_object(o);
    if (r->format == NF_FORMAT_JSON) {
        nf_json_put_str(o, "type", "json_object");
    } else {
        nf_json_put_str(o, "type", "json_schema");
        nf_json_out_key(o, "json_schema");
        nf_json_out_object(o);
        nf_json_put_str(o, "name", r->format_name ? r->format_name : "answer");
        nf_llm_put_raw(o, "schema", r->format_schema);
        if (r->format_strict)
            nf_json_put_bool(o, "strict", true);
        nf_json_out_end(o);
    }
    nf_json_out_end(o);
}

static void put_settings(struct nf_json_out *o, const struct nf_completion_request *r,
                         const struct nf_llm_target *t, struct nf_llm_body *to)
{
    /* The provider's own default is the most it can: only cut what was asked for. */
    if (r->max_tokens > 0)
        nf_json_put_i64(o, t->compatible ? "max_tokens" : "max_completion_tokens",
                        nf_llm_max_tokens(r, t));
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
    nf_json_put_str(o, "reasoning_effort", nf_llm_effort(r));
    nf_json_put_str(o, "user", r->user);
    put_format(o, r);
    if (to->tools.n == 0)
        return;
    nf_llm_put_tools(o, to);
    put_tool_choice(o, r);
    if (r->no_parallel_tools)
        nf_json_put_bool(o, "parallel_tool_calls", false);
}

/* --- messages --------------------------------------------------------------------------------- */

static NF_RC data_uri(const struct nf_part *p, struct nf_str *to, struct nf_err *err)
{
    to->max = NF_LLM_REQUEST_MAX;
    NF_TRY(nf_str_addf(to, err, "data:%s;base64,", p->media_type));
    return nf_str_adds(to, p->data, err);
}

static NF_RC put_image(struct nf_json_out *o, const struct nf_part *p, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str uri = { 0 };
    if (p->data)
        NF_TRY(data_uri(p, &uri, err));
    nf_json_out_object(o);
    nf_json_put_str(o, "type", "image_url");
    nf_json_out_key(o, "image_url");
    nf_json_out_object(o);
    nf_json_put_str(o, "url", p->data ? nf_str_c(&uri) : p->url);
    nf_json_out_end(o);
    nf_json_out_end(o);
    return NF_OK;
}

static void put_text(struct nf_json_out *o, const char *text)
{
    nf_json_out_object(o);
    nf_json_put_str(o, "type", "text");
    nf_json_put_str(o, "text", text);
    nf_json_out_end(o);
}

static NF_RC put_document(struct nf_json_out *o, const struct nf_part *p, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str uri = { 0 };
    if (nf_llm_has_text(p)) {
        put_text(o, p->text);
        return NF_OK;
    }
    if (!p->data)
        return nf_err_set(err, NF_E_INVALID,
                          "document: OpenAI takes no documents by URL: send its content");
    NF_TRY(data_uri(p, &uri, err));
    nf_json_out_object(o);
    nf_json_put_str(o, "type", "file");
    nf_json_out_key(o, "file");
    nf_json_out_object(o);
    nf_json_put_str(o, "filename", p->name && p->name[0] ? p->name : "document.pdf");
    nf_json_put_str(o, "file_data", nf_str_c(&uri));
    nf_json_out_end(o);
    nf_json_out_end(o);
    return NF_OK;
}

static NF_RC put_user_part(struct nf_json_out *o, const struct nf_part *p, struct nf_err *err)
{
    switch (p->type) {
    case NF_PART_TEXT:
        if (nf_llm_has_text(p))
            put_text(o, p->text);
        return NF_OK;
    case NF_PART_IMAGE:
        return put_image(o, p, err);
    case NF_PART_DOCUMENT:
        return put_document(o, p, err);
    default:
        return NF_OK;
    }
}

/* True if the message says anything as a user; *plain: text and nothing else. */
static bool user_says(const struct nf_chat_message *m, bool *plain)
{
    bool says = false;
    *plain = true;
    for (size_t i = 0; i < m->parts.n; i++) {
        const struct nf_part *p = &m->parts.v[i];
        if (p->type == NF_PART_IMAGE || p->type == NF_PART_DOCUMENT)
            *plain = false, says = true;
        says = says || (p->type == NF_PART_TEXT && nf_llm_has_text(p));
    }
    return says;
}

static enum nf_code put_user(struct nf_json_out *o, const struct nf_chat_message *m,
                             struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { .max = NF_LLM_REQUEST_MAX };
    bool plain;
    if (!user_says(m, &plain))
        return NF_OK;
    nf_json_out_object(o);
    nf_json_put_str(o, "role", "user");
    if (plain) {
        NF_TRY(nf_llm_join_text(&m->parts, NF_PART_TEXT, "\n\n", &text, err));
        nf_json_put_str(o, "content", nf_str_c(&text));
    } else {
        nf_json_out_key(o, "content");
        nf_json_out_array(o);
        for (size_t i = 0; i < m->parts.n; i++)
            NF_TRY(put_user_part(o, &m->parts.v[i], err));
        nf_json_out_end(o);
    }
    nf_json_out_end(o);
    return NF_OK;
}

/* Results of calls; one whose call is not there would be refused, so it becomes a user's text. */
static enum nf_code put_results(struct nf_json_out *o, const struct nf_completion_request *r,
                                size_t at, struct nf_err *err)
{
    for (size_t i = 0; i < r->messages[at].parts.n; i++) {
        NF_CLEANUP(nf_str_done) struct nf_str text = { .max = NF_LLM_REQUEST_MAX };
        const struct nf_part *p = &r->messages[at].parts.v[i];
        if (p->type != NF_PART_TOOL_RESULT)
            continue;
        bool answers = nf_llm_call_of(r, at, p->call_id) != NULL;
        NF_TRY(nf_str_addf(&text, err, "%s%s", answers ? "" : "Result of an earlier tool call: ",
                           p->is_error ? "Error: " : ""));
        NF_TRY(nf_str_adds(&text, p->text ? p->text : "", err));
        nf_json_out_object(o);
        nf_json_put_str(o, "role", answers ? "tool" : "user");
        if (answers)
            nf_json_put_str(o, "tool_call_id", p->call_id);
        nf_json_put_str(o, "content", nf_str_c(&text));
        nf_json_out_end(o);
    }
    return NF_OK;
}

static NF_RC put_call(struct nf_json_out *o, const struct nf_part *p, struct nf_err *err)
{
    nf_json_out_object(o);
    nf_json_put_str(o, "id", p->call_id ? p->call_id : "");
    nf_json_put_str(o, "type", "function");
    nf_json_out_key(o, "function");
    nf_json_out_object(o);
    nf_json_put_str(o, "name", p->name ? p->name : "");
    NF_TRY(nf_llm_put_args_text(o, "arguments", p->args, err));
    nf_json_out_end(o);
    nf_json_out_end(o);
    return NF_OK;
}

static enum nf_code put_assistant(struct nf_json_out *o, const struct nf_chat_message *m,
                                  struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { .max = NF_LLM_REQUEST_MAX };
    NF_CLEANUP(nf_str_done) struct nf_str refusal = { .max = NF_LLM_REQUEST_MAX };
    size_t calls = nf_parts_tool_calls(&m->parts);

    NF_TRY(nf_llm_join_text(&m->parts, NF_PART_TEXT, "\n\n", &text, err));
    NF_TRY(nf_llm_join_text(&m->parts, NF_PART_REFUSAL, "\n\n", &refusal, err));
    if (text.len == 0 && refusal.len == 0 && calls == 0)
        return NF_OK;

    nf_json_out_object(o);
    nf_json_put_str(o, "role", "assistant");
    nf_json_out_key(o, "content");
    nf_json_out_str(o, text.len > 0 ? nf_str_c(&text) : NULL);
    if (refusal.len > 0)
        nf_json_put_str(o, "refusal", nf_str_c(&refusal));
    if (calls > 0) {
        nf_json_out_key(o, "tool_calls");
        nf_json_out_array(o);
        for (size_t i = 0; i < m->parts.n; i++)
            if (m->parts.v[i].type == NF_PART_TOOL_CALL)
                NF_TRY(put_call(o, &m->parts.v[i], err));
        nf_json_out_end(o);
    }
    nf_json_out_end(o);
    return NF_OK;
}

static const struct nf_llm_forms forms = { .assistant = put_assistant,
                                           .results = put_results,
                                           .user = put_user };

enum nf_code nf_openai_encode(const struct nf_completion_request *r, const struct nf_llm_target *t,
                              struct nf_llm_body *to, struct nf_err *err)
{
    static const struct nf_llm_bounds bounds = { "OpenAI", NF_OPENAI_TEMPERATURE_MAX,
                                                 NF_OPENAI_STOP_MAX };
    struct nf_json_out o;

    NF_TRY(nf_llm_check_request(r, &bounds, err));
    if (r->top_k > 0 && !t->compatible)
        return nf_err_set(err, NF_E_INVALID, "top_k: OpenAI has no such parameter: leave it out");
    NF_TRY(nf_llm_tools(r->tools, &nf_openai_chat, put_tool, &to->tools, err));
    NF_TRY(nf_llm_begin_body(r, &o, to, err));
    nf_json_out_object(&o);
    nf_json_put_str(&o, "model", t->model);
    nf_json_put_bool(&o, "stream", true);
    nf_json_out_key(&o, "stream_options");
    nf_json_out_object(&o);
    nf_json_put_bool(&o, "include_usage", true);
    nf_json_out_end(&o);
    put_settings(&o, r, t, to);
    nf_json_out_key(&o, "messages");
    nf_json_out_array(&o);
    NF_TRY(nf_llm_put_messages(&o, r, &forms, err));
    nf_json_out_end(&o);
    nf_json_out_end(&o);
    return nf_json_end_doc(&o, err);
}
