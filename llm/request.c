#include "llm/request.h"

#include "base/own.h"

#include <string.h>

/* About what stands around the messages of a request, and around a part. */
#define HEAD_BYTES 512
#define PART_BYTES 64

static NF_RC check_range(const char *field, double v, double max, const char *who,
                         struct nf_err *err)
{
    if (v == NF_NOT_SET || (v >= 0 && v <= max))
        return NF_OK;
    return nf_err_set(err, NF_E_INVALID, "%s: %g is not within 0 to %g, which %s takes", field, v,
                      max, who);
}

static NF_RC check_numbers(const struct nf_completion_request *r, const struct nf_llm_bounds *b,
                           struct nf_err *err)
{
    NF_TRY(check_range("temperature", r->temperature, b->temperature_max, b->who, err));
    NF_TRY(check_range("top_p", r->top_p, 1.0, b->who, err));
    if (r->max_tokens < 0)
        return nf_err_set(err, NF_E_INVALID, "max_tokens: must be at least 1");
    if (r->top_k < 0)
        return nf_err_set(err, NF_E_INVALID, "top_k: must be at least 1");
    if (r->thinking_budget < 0)
        return nf_err_set(err, NF_E_INVALID, "thinking_budget: must be at least 1");
    if (r->stop_n > b->stop_max)
        return nf_err_set(err, NF_E_INVALID, "stop: %zu sequences; %s takes at most %zu", r->stop_n,
                          b->who, b->stop_max);
    for (size_t i = 0; i < r->stop_n; i++)
        if (!r->stop[i] || r->stop[i][0] == '\0')
            return nf_err_set(err, NF_E_INVALID, "stop[%zu]: must not be empty", i);
    return NF_OK;
}

static bool is_json_object(const char *text)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    return nf_json_parse(text, strlen(text), 0, &doc, NULL) == NF_OK &&
           nf_json_type(nf_json_root(doc)) == NF_JSON_OBJECT;
}

static bool is_tool_name(const char *s)
{
    size_t n = s ? strlen(s) : 0;
    if (n == 0 || n > NF_LLM_TOOL_NAME_MAX)
        return false;
    return strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == n;
}

enum nf_code nf_llm_check_tools(const struct nf_toolset *tools, struct nf_err *err)
{
    for (size_t i = 0; i < nf_toolset_n(tools); i++) {
        const struct nf_tool *t = &tools->v[i];
        if (!is_tool_name(t->name))
            return nf_err_set(err, NF_E_INVALID,
                              "tools[%zu].name: must be 1 to %d letters, digits, underscores and "
                              "dashes",
                              i, NF_LLM_TOOL_NAME_MAX);
        if (t->schema && t->schema[0] && !is_json_object(t->schema))
            return nf_err_set(err, NF_E_INVALID, "tools[%zu].schema: %s: must be a JSON object", i,
                              t->name);
    }
    return NF_OK;
}

static bool has_tool(const struct nf_toolset *tools, const char *name)
{
    for (size_t i = 0; name && i < nf_toolset_n(tools); i++)
        if (strcmp(tools->v[i].name, name) == 0)
            return true;
    return false;
}

static NF_RC check_tool_choice(const struct nf_completion_request *r, struct nf_err *err)
{
    if (r->tool_choice == NF_TOOL_CHOICE_NAMED && !has_tool(r->tools, r->tool_choice_name))
        return nf_err_set(err, NF_E_INVALID, "tool_choice: there is no tool of that name");
    if (r->tool_choice == NF_TOOL_CHOICE_REQUIRED && nf_toolset_n(r->tools) == 0)
        return nf_err_set(err, NF_E_INVALID, "tool_choice: a tool is required but none is given");
    return NF_OK;
}

static NF_RC check_part(const struct nf_part *p, size_t at, const char *who, struct nf_err *err)
{
    if (p->type == NF_PART_AUDIO)
        return nf_err_set(err, NF_E_INVALID, "messages[%zu]: %s is not given audio: send text", at,
                          who);
    bool media = p->type == NF_PART_IMAGE || p->type == NF_PART_DOCUMENT;
    if (media && !p->data && !p->url && !nf_llm_has_text(p))
        return nf_err_set(err, NF_E_INVALID, "messages[%zu]: an attachment without content", at);
    if (media && p->data && !p->media_type)
        return nf_err_set(err, NF_E_INVALID, "messages[%zu]: an attachment without media_type", at);
    return NF_OK;
}

enum nf_code nf_llm_check_request(const struct nf_completion_request *r,
                                  const struct nf_llm_bounds *b, struct nf_err *err)
{
    if (r->messages_n == 0)
        return nf_err_set(err, NF_E_INVALID, "messages: must have at least one");
    NF_TRY(check_numbers(r, b, err));
    NF_TRY(check_tool_choice(r, err));
    if (r->format == NF_FORMAT_JSON_SCHEMA &&
        (!r->format_schema || !is_json_object(r->format_schema)))
        return nf_err_set(err, NF_E_INVALID, "format_schema: must be a JSON object");
    for (size_t i = 0; i < r->messages_n; i++)
        for (size_t k = 0; k < r->messages[i].parts.n; k++)
            NF_TRY(check_part(&r->messages[i].parts.v[k], i, b->who, err));
    return NF_OK;
}

int64_t nf_llm_max_tokens(const struct nf_completion_request *r, const struct nf_llm_target *t)
{
    if (r->max_tokens > 0 && t->output_tokens > 0 && r->max_tokens > t->output_tokens)
        return t->output_tokens;
    return r->max_tokens > 0 ? r->max_tokens : t->output_tokens;
}

bool nf_llm_has_text(const struct nf_part *p)
{
    return p->text && p->text[0];
}

const char *nf_llm_only_text(const struct nf_parts *list)
{
    bool only = list->n == 1 && list->v[0].type == NF_PART_TEXT && nf_llm_has_text(&list->v[0]);
    return only ? list->v[0].text : NULL;
}

void nf_llm_put_message(struct nf_json_out *o, const char *role, const char *text)
{
    nf_json_out_around(o, nf_slice_of(role), nf_slice_of(text), NF_SLICE("\"}"));
}

enum nf_code nf_llm_put_messages(struct nf_json_out *o, const struct nf_completion_request *r,
                                 const struct nf_llm_forms *f, struct nf_err *err)
{
    NF_TRY(nf_llm_put_system(o, r, err));
    for (size_t i = 0; i < r->messages_n; i++) {
        bool assistant = r->messages[i].role == NF_ROLE_ASSISTANT;
        const char *text = nf_llm_only_text(&r->messages[i].parts);
        if (text) {
            nf_llm_put_message(o, assistant ? NF_LLM_ASSISTANT : NF_LLM_USER, text);
            continue;
        }
        if (assistant) {
            NF_TRY(f->assistant(o, &r->messages[i], err));
            continue;
        }
        NF_TRY(f->results(o, r, i, err));
        NF_TRY(f->user(o, &r->messages[i], err));
    }
    return NF_OK;
}

static size_t text_of(const struct nf_parts *list)
{
    size_t n = 0;
    for (size_t i = 0; i < list->n; i++)
        n += PART_BYTES + (list->v[i].text ? strlen(list->v[i].text) : 0);
    return n;
}

enum nf_code nf_llm_begin_body(const struct nf_completion_request *r, struct nf_json_out *o,
                               struct nf_llm_body *b, struct nf_err *err)
{
    size_t n = HEAD_BYTES + text_of(&r->system);
    for (size_t i = 0; i < r->messages_n; i++)
        n += text_of(&r->messages[i].parts);
    b->text.max = NF_LLM_REQUEST_MAX;
    if (n < NF_LLM_REQUEST_MAX)
        NF_TRY(nf_str_reserve(&b->text, n + n / 16, err));
    nf_json_begin_doc(o, &b->text);
    return NF_OK;
}

enum nf_code nf_llm_join_text(const struct nf_parts *list, enum nf_part_type type, const char *glue,
                              struct nf_str *to, struct nf_err *err)
{
    for (size_t i = 0; i < list->n; i++) {
        const struct nf_part *p = &list->v[i];
        if (p->type != type || !nf_llm_has_text(p))
            continue;
        if (to->len > 0)
            NF_TRY(nf_str_adds(to, glue, err));
        NF_TRY(nf_str_adds(to, p->text, err));
    }
    return NF_OK;
}

static bool is_blank(const char *s)
{
    return !s || s[strspn(s, " \t\r\n")] == '\0';
}

void nf_llm_out_args(struct nf_json_out *o, const char *args)
{
    if (is_blank(args)) {
        nf_json_out_object(o);
        nf_json_out_end(o);
    } else if (is_json_object(args)) {
        nf_json_out_raw(o, args, strlen(args));
    } else {
        nf_json_out_object(o);
        nf_json_put_str(o, "invalid_arguments", args);
        nf_json_out_end(o);
    }
}

enum nf_code nf_llm_put_args_text(struct nf_json_out *o, const char *key, const char *args,
                                  struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { .max = NF_LLM_REQUEST_MAX };
    struct nf_json_out inner;

    nf_json_begin_doc(&inner, &text);
    nf_llm_out_args(&inner, args);
    NF_TRY(nf_json_end_doc(&inner, err));
    nf_json_put_str(o, key, nf_str_c(&text));
    return NF_OK;
}

void nf_llm_put_schema(struct nf_json_out *o, const char *key, const char *schema)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;

    nf_json_out_key(o, key);
    if (is_blank(schema)) {
        nf_json_out_object(o);
        nf_json_put_str(o, "type", "object");
        nf_json_out_key(o, "properties");
        nf_json_out_object(o);
        nf_json_out_end(o);
        nf_json_out_end(o);
        return;
    }
    if (nf_json_parse(schema, strlen(schema), 0, &doc, NULL) != NF_OK ||
        nf_json_get(nf_json_root(doc), "type")) {
        nf_json_out_raw(o, schema, strlen(schema));
        return;
    }
    nf_json_out_object(o);
    nf_json_put_str(o, "type", "object");
    for (const struct nf_json *v = nf_json_first(nf_json_root(doc)); v; v = nf_json_next(v)) {
        nf_json_out_key(o, nf_json_key(v));
        nf_json_out_value(o, v);
    }
    nf_json_out_end(o);
}

enum nf_code nf_llm_tools(struct nf_toolset *tools, const void *key, nf_llm_tool_fn put,
                          struct nf_slice *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { .max = NF_LLM_REQUEST_MAX };
    struct nf_json_out o;

    if (nf_toolset_n(tools) == 0)
        return NF_OK;
    const struct nf_str *kept = nf_toolset_form(tools, key);
    if (!kept) {
        NF_TRY(nf_llm_check_tools(tools, err));
        nf_json_begin_doc(&o, &text);
        nf_json_out_array(&o);
        for (size_t i = 0; i < tools->n; i++)
            put(&o, &tools->v[i]);
        nf_json_out_end(&o);
        NF_TRY(nf_json_end_doc(&o, err));
        kept = nf_toolset_keep(tools, key, &text);
    }
    *ret = (struct nf_slice){ kept->p, kept->len };
    return NF_OK;
}

void nf_llm_put_tools(struct nf_json_out *o, struct nf_llm_body *b)
{
    nf_llm_put_raw(o, "tools", "");
    b->tools_at = b->text.len;
}

void nf_llm_put_raw(struct nf_json_out *o, const char *key, const char *json)
{
    nf_json_out_key(o, key);
    nf_json_out_raw(o, json, strlen(json));
}

static const struct nf_part *call_in(const struct nf_chat_message *m, const char *call_id)
{
    for (size_t i = 0; i < m->parts.n; i++) {
        const struct nf_part *p = &m->parts.v[i];
        if (p->type == NF_PART_TOOL_CALL && p->call_id && strcmp(p->call_id, call_id) == 0)
            return p;
    }
    return NULL;
}

const struct nf_part *nf_llm_call_of(const struct nf_completion_request *r, size_t at,
                                     const char *call_id)
{
    bool seen = false;
    for (size_t i = at; call_id && i-- > 0;) {
        bool assistant = r->messages[i].role == NF_ROLE_ASSISTANT;
        if (seen && !assistant)
            return NULL;
        seen = seen || assistant;
        const struct nf_part *p = assistant ? call_in(&r->messages[i], call_id) : NULL;
        if (p)
            return p;
    }
    return NULL;
}

const char *nf_llm_effort(const struct nf_completion_request *r)
{
    switch (r->effort) {
    case NF_EFFORT_NONE:
        return "none";
    case NF_EFFORT_LOW:
        return "low";
    case NF_EFFORT_MEDIUM:
        return "medium";
    case NF_EFFORT_HIGH:
        return "high";
    case NF_EFFORT_DEFAULT:
        break;
    }
    /* A budget in tokens, for protocols that only know levels. */
    if (r->thinking_budget == 0)
        return NULL;
    return r->thinking_budget <= 2048 ? "low" : r->thinking_budget <= 8192 ? "medium" : "high";
}

enum nf_code nf_llm_put_system(struct nf_json_out *o, const struct nf_completion_request *r,
                               struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str system = { .max = NF_LLM_REQUEST_MAX };
    NF_TRY(nf_llm_join_text(&r->system, NF_PART_TEXT, "\n\n", &system, err));
    if (system.len > 0) {
        nf_json_out_object(o);
        nf_json_put_str(o, "role", "system");
        nf_json_put_str(o, "content", nf_str_c(&system));
        nf_json_out_end(o);
    }
    return NF_OK;
}
