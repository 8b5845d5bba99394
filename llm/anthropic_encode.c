#include "llm/anthropic_encode.h"

#include "base/own.h"
#include "llm/anthropic_messages.h"
#include "llm/request.h"

#include <string.h>

/* An encoding under way. */
struct enc {
    struct nf_json_out o;
    const struct nf_completion_request *r;
    const struct nf_llm_target *t;
    size_t cache_skip; /* breakpoints to leave out before the last NF_ANTHROPIC_CACHE_MAX */
};

/* --- cache breakpoints ------------------------------------------------------------------------ */

static size_t count_marks(const struct nf_parts *list)
{
    size_t n = 0;
    for (size_t i = 0; i < list->n; i++)
        n += list->v[i].cache;
    return n;
}

static size_t count_all_marks(const struct nf_completion_request *r)
{
    size_t n = count_marks(&r->system);
    for (size_t i = 0; i < r->tools_n; i++)
        n += r->tools[i].cache;
    for (size_t i = 0; i < r->messages_n; i++)
        n += count_marks(&r->messages[i].parts);
    return n;
}

static void put_cache(struct enc *e, bool marked)
{
    if (!marked)
        return;
    if (e->cache_skip > 0) {
        e->cache_skip--;
        return;
    }
    nf_json_out_key(&e->o, "cache_control");
    nf_json_out_object(&e->o);
    nf_json_put_str(&e->o, "type", "ephemeral");
    nf_json_out_end(&e->o);
}

/* --- thinking --------------------------------------------------------------------------------- */

enum nf_anthropic_thinking nf_anthropic_thinking_of(const char *model)
{
    long major = -1, minor = 0;
    /* The first one or two numbers of at most two digits: a longer one is a date. */
    for (const char *p = model; *p && major < 0; p++) {
        size_t n = strspn(p, "0123456789");
        if (n == 0)
            continue;
        if (n <= 2) {
            major = p[0] - '0';
            const char *q = p + n;
            size_t m = *q == '-' || *q == '.' ? strspn(q + 1, "0123456789") : 0;
            minor = m == 1 || m == 2 ? q[1] - '0' : 0;
            if (n == 2)
                major = major * 10 + (p[1] - '0');
            if (m == 2)
                minor = minor * 10 + (q[2] - '0');
        }
        p += n - 1;
    }
    if (major < 0 || major >= 5 || (major == 4 && minor >= 6))
        return NF_ANTHROPIC_ADAPTIVE;
    return major == 4 || (major == 3 && minor >= 7) ? NF_ANTHROPIC_BUDGET
                                                    : NF_ANTHROPIC_NO_THINKING;
}

/* Thinking tokens for models that want a number, 0: none. */
static int64_t budget_of(const struct enc *e, int64_t max_tokens)
{
    const char *effort = nf_llm_effort(e->r);
    int64_t budget = e->r->thinking_budget;
    if (budget == 0)
        budget = strcmp(effort, "low") == 0 ? 2048 : strcmp(effort, "medium") == 0 ? 8192 : 16384;
    if (budget < NF_ANTHROPIC_BUDGET_MIN)
        budget = NF_ANTHROPIC_BUDGET_MIN;
    if (budget >= max_tokens)
        budget = max_tokens - 1;
    return budget >= NF_ANTHROPIC_BUDGET_MIN ? budget : 0;
}

/* A forced tool and thinking exclude each other: the tool wins. */
static bool forces_tool(const struct nf_completion_request *r)
{
    return r->tools_n > 0 &&
           (r->tool_choice == NF_TOOL_CHOICE_REQUIRED || r->tool_choice == NF_TOOL_CHOICE_NAMED);
}

static void put_thinking_type(struct enc *e, const char *type, int64_t budget)
{
    nf_json_out_key(&e->o, "thinking");
    nf_json_out_object(&e->o);
    nf_json_put_str(&e->o, "type", type);
    if (budget > 0)
        nf_json_put_i64(&e->o, "budget_tokens", budget);
    nf_json_out_end(&e->o);
}

/* *ret_effort: for output_config, NULL for none. Returns true if the model will think. */
static bool put_thinking(struct enc *e, int64_t max_tokens, const char **ret_effort)
{
    const char *effort = nf_llm_effort(e->r);
    enum nf_anthropic_thinking kind = nf_anthropic_thinking_of(e->t->model);
    *ret_effort = NULL;
    if (!effort || kind == NF_ANTHROPIC_NO_THINKING || forces_tool(e->r))
        return false;
    if (strcmp(effort, "none") == 0) {
        put_thinking_type(e, "disabled", 0);
        return false;
    }
    if (kind == NF_ANTHROPIC_ADAPTIVE) {
        put_thinking_type(e, "adaptive", 0);
        *ret_effort = effort;
        return true;
    }
    int64_t budget = budget_of(e, max_tokens);
    if (budget > 0)
        put_thinking_type(e, "enabled", budget);
    return budget > 0;
}

/* --- the rest of the head --------------------------------------------------------------------- */

static void put_output_config(struct enc *e, const char *effort)
{
    bool schema = e->r->format == NF_FORMAT_JSON_SCHEMA;
    if (!effort && !schema)
        return;
    nf_json_out_key(&e->o, "output_config");
    nf_json_out_object(&e->o);
    nf_json_put_str(&e->o, "effort", effort);
    if (schema) {
        nf_json_out_key(&e->o, "format");
        nf_json_out_object(&e->o);
        nf_json_put_str(&e->o, "type", "json_schema");
        nf_llm_put_raw(&e->o, "schema", e->r->format_schema);
        nf_json_out_end(&e->o);
    }
    nf_json_out_end(&e->o);
}

static void put_tools(struct enc *e)
{
    static const char *const choices[] = { [NF_TOOL_CHOICE_AUTO] = "auto",
                                           [NF_TOOL_CHOICE_NONE] = "none",
                                           [NF_TOOL_CHOICE_REQUIRED] = "any",
                                           [NF_TOOL_CHOICE_NAMED] = "tool" };
    const struct nf_completion_request *r = e->r;
    if (r->tools_n == 0)
        return;
    if (r->tool_choice != NF_TOOL_CHOICE_AUTO || r->no_parallel_tools) {
        nf_json_out_key(&e->o, "tool_choice");
        nf_json_out_object(&e->o);
        nf_json_put_str(&e->o, "type", choices[r->tool_choice]);
        if (r->tool_choice == NF_TOOL_CHOICE_NAMED)
            nf_json_put_str(&e->o, "name", r->tool_choice_name);
        if (r->no_parallel_tools && r->tool_choice != NF_TOOL_CHOICE_NONE)
            nf_json_put_bool(&e->o, "disable_parallel_tool_use", true);
        nf_json_out_end(&e->o);
    }
    nf_json_out_key(&e->o, "tools");
    nf_json_out_array(&e->o);
    for (size_t i = 0; i < r->tools_n; i++) {
        nf_json_out_object(&e->o);
        nf_json_put_str(&e->o, "name", r->tools[i].name);
        nf_json_put_str(&e->o, "description", r->tools[i].description);
        nf_llm_put_schema(&e->o, "input_schema", r->tools[i].schema);
        put_cache(e, r->tools[i].cache);
        nf_json_out_end(&e->o);
    }
    nf_json_out_end(&e->o);
}

static void put_settings(struct enc *e, int64_t max_tokens)
{
    const struct nf_completion_request *r = e->r;
    const char *effort;
    bool thinks = put_thinking(e, max_tokens, &effort);

    put_output_config(e, effort);
    /* With thinking the API takes no other temperature than its default. */
    if (r->temperature != NF_NOT_SET && !thinks) {
        nf_json_out_key(&e->o, "temperature");
        nf_json_out_f64(&e->o, r->temperature);
    }
    if (r->top_p != NF_NOT_SET && !thinks) {
        nf_json_out_key(&e->o, "top_p");
        nf_json_out_f64(&e->o, r->top_p);
    }
    if (r->top_k > 0 && !thinks)
        nf_json_put_i64(&e->o, "top_k", r->top_k);
    if (r->stop_n > 0) {
        nf_json_out_key(&e->o, "stop_sequences");
        nf_json_out_array(&e->o);
        for (size_t i = 0; i < r->stop_n; i++)
            nf_json_out_str(&e->o, r->stop[i]);
        nf_json_out_end(&e->o);
    }
    if (r->user && r->user[0]) {
        nf_json_out_key(&e->o, "metadata");
        nf_json_out_object(&e->o);
        nf_json_put_str(&e->o, "user_id", r->user);
        nf_json_out_end(&e->o);
    }
    put_tools(e);
}

/* --- blocks ----------------------------------------------------------------------------------- */

static void put_literal(struct enc *e, const char *text)
{
    nf_json_out_object(&e->o);
    nf_json_put_str(&e->o, "type", "text");
    nf_json_put_str(&e->o, "text", text);
    nf_json_out_end(&e->o);
}

static void put_text(struct enc *e, const struct nf_part *p)
{
    if (!nf_llm_has_text(p)) {
        /* Its breakpoint goes with it. */
        if (p->cache && e->cache_skip > 0)
            e->cache_skip--;
        return;
    }
    nf_json_out_object(&e->o);
    nf_json_put_str(&e->o, "type", "text");
    nf_json_put_str(&e->o, "text", p->text);
    put_cache(e, p->cache);
    nf_json_out_end(&e->o);
}

static void put_media(struct enc *e, const struct nf_part *p)
{
    bool plain = p->type == NF_PART_DOCUMENT && nf_llm_has_text(p);
    nf_json_out_object(&e->o);
    nf_json_put_str(&e->o, "type", p->type == NF_PART_IMAGE ? "image" : "document");
    nf_json_out_key(&e->o, "source");
    nf_json_out_object(&e->o);
    nf_json_put_str(&e->o, "type", plain ? "text" : p->data ? "base64" : "url");
    if (plain) {
        nf_json_put_str(&e->o, "media_type", "text/plain");
        nf_json_put_str(&e->o, "data", p->text);
    } else if (p->data) {
        nf_json_put_str(&e->o, "media_type", p->media_type);
        nf_json_put_str(&e->o, "data", p->data);
    } else {
        nf_json_put_str(&e->o, "url", p->url);
    }
    nf_json_out_end(&e->o);
    if (p->type == NF_PART_DOCUMENT)
        nf_json_put_str(&e->o, "title", p->name);
    put_cache(e, p->cache);
    nf_json_out_end(&e->o);
}

/* Other providers' ids may have characters that this one refuses: [a-zA-Z0-9_-] only. Call and
 * result are changed alike. */
static void put_id(struct enc *e, const char *key, const char *id)
{
    char text[NF_CALL_ID_MAX + 1] = "call";
    size_t n = id ? strnlen(id, NF_CALL_ID_MAX) : 0;
    for (size_t i = 0; i < n; i++) {
        char c = id[i];
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        text[i] = '_';
        if (ok || c == '-')
            text[i] = c;
        text[i + 1] = '\0';
    }
    nf_json_put_str(&e->o, key, text);
}

static void put_call(struct enc *e, const struct nf_part *p)
{
    nf_json_out_object(&e->o);
    nf_json_put_str(&e->o, "type", "tool_use");
    put_id(e, "id", p->call_id);
    nf_json_put_str(&e->o, "name", p->name ? p->name : "");
    nf_json_out_key(&e->o, "input");
    nf_llm_out_args(&e->o, p->args);
    put_cache(e, p->cache);
    nf_json_out_end(&e->o);
}

static void put_result(struct enc *e, const struct nf_part *p)
{
    nf_json_out_object(&e->o);
    nf_json_put_str(&e->o, "type", "tool_result");
    put_id(e, "tool_use_id", p->call_id);
    if (nf_llm_has_text(p))
        nf_json_put_str(&e->o, "content", p->text);
    if (p->is_error)
        nf_json_put_bool(&e->o, "is_error", true);
    put_cache(e, p->cache);
    nf_json_out_end(&e->o);
}

/* Thinking goes back as it came or not at all: without its signature it is refused. */
static void put_thought(struct enc *e, const struct nf_part *p)
{
    if (!p->signature && !p->data)
        return;
    nf_json_out_object(&e->o);
    nf_json_put_str(&e->o, "type", p->data ? "redacted_thinking" : "thinking");
    if (p->data) {
        nf_json_put_str(&e->o, "data", p->data);
    } else {
        nf_json_put_str(&e->o, "thinking", p->text ? p->text : "");
        nf_json_put_str(&e->o, "signature", p->signature);
    }
    nf_json_out_end(&e->o);
}

/* --- messages --------------------------------------------------------------------------------- */

static bool is_assistant(const struct nf_chat_message *m)
{
    return m->role == NF_ROLE_ASSISTANT;
}

static bool is_answer(const struct enc *e, size_t at, const struct nf_part *p)
{
    return p->type == NF_PART_TOOL_RESULT && nf_llm_call_of(e->r, at, p->call_id) != NULL;
}

/* True if the part becomes a block. */
static bool says(const struct nf_part *p)
{
    switch (p->type) {
    case NF_PART_TEXT:
    case NF_PART_REFUSAL:
        return nf_llm_has_text(p);
    case NF_PART_THINKING:
        return p->signature || p->data;
    default:
        return true;
    }
}

static void put_part(struct enc *e, size_t at, const struct nf_part *p)
{
    switch (p->type) {
    case NF_PART_TEXT:
    case NF_PART_REFUSAL:
        put_text(e, p);
        return;
    case NF_PART_THINKING:
        put_thought(e, p);
        return;
    case NF_PART_IMAGE:
    case NF_PART_DOCUMENT:
        put_media(e, p);
        return;
    case NF_PART_TOOL_CALL:
        put_call(e, p);
        return;
    case NF_PART_TOOL_RESULT:
        if (is_answer(e, at, p)) {
            put_result(e, p);
            return;
        }
        /* A result whose call is not there would be refused. */
        put_literal(e, "Result of an earlier tool call:");
        put_text(e, p);
        return;
    case NF_PART_AUDIO:
        return;
    }
}

/* What must come first in a message: an assistant's thinking, the results of tools. */
static bool comes_first(const struct enc *e, size_t at, const struct nf_part *p)
{
    return p->type == NF_PART_THINKING || is_answer(e, at, p);
}

/* Messages `from` to `end`, all of one side, as one. */
static void put_run(struct enc *e, size_t from, size_t end)
{
    bool any = false;
    for (size_t i = from; i < end; i++)
        for (size_t k = 0; k < e->r->messages[i].parts.n; k++)
            any = any || says(&e->r->messages[i].parts.v[k]);
    if (!any)
        return;
    nf_json_out_object(&e->o);
    nf_json_put_str(&e->o, "role", is_assistant(&e->r->messages[from]) ? "assistant" : "user");
    nf_json_out_key(&e->o, "content");
    nf_json_out_array(&e->o);
    for (int first = 1; first >= 0; first--)
        for (size_t i = from; i < end; i++)
            for (size_t k = 0; k < e->r->messages[i].parts.n; k++) {
                const struct nf_part *p = &e->r->messages[i].parts.v[k];
                if (comes_first(e, i, p) == (first == 1))
                    put_part(e, i, p);
            }
    nf_json_out_end(&e->o);
    nf_json_out_end(&e->o);
}

/* A conversation must begin with the user, also one whose beginning was dropped. */
static void put_opening(struct enc *e)
{
    if (!is_assistant(&e->r->messages[0]))
        return;
    nf_json_out_object(&e->o);
    nf_json_put_str(&e->o, "role", "user");
    nf_json_out_key(&e->o, "content");
    nf_json_out_array(&e->o);
    put_literal(e, "(The beginning of the conversation is not shown.)");
    nf_json_out_end(&e->o);
    nf_json_out_end(&e->o);
}

static void put_system(struct enc *e)
{
    bool any = false;
    for (size_t i = 0; i < e->r->system.n; i++)
        any = any || nf_llm_has_text(&e->r->system.v[i]);
    if (!any)
        return;
    nf_json_out_key(&e->o, "system");
    nf_json_out_array(&e->o);
    for (size_t i = 0; i < e->r->system.n; i++)
        put_text(e, &e->r->system.v[i]);
    nf_json_out_end(&e->o);
}

enum nf_code nf_anthropic_encode(const struct nf_completion_request *r,
                                 const struct nf_llm_target *t, struct nf_str *to,
                                 struct nf_err *err)
{
    static const struct nf_llm_bounds bounds = { "Anthropic", NF_ANTHROPIC_TEMPERATURE_MAX,
                                                 NF_STOP_SEQUENCES_MAX };
    struct enc e = { .r = r, .t = t };
    size_t marks = count_all_marks(r), n = r->messages_n;
    int64_t max_tokens = nf_llm_max_tokens(r, t);

    NF_TRY(nf_llm_check_request(r, &bounds, err));
    if (max_tokens <= 0)
        return nf_err_set(err, NF_E_INVALID,
                          "max_tokens: Anthropic needs it: set the model's output_tokens");
    if (r->format == NF_FORMAT_JSON)
        return nf_err_set(err, NF_E_INVALID,
                          "format: Anthropic has no JSON mode without a schema: give one");
    e.cache_skip = marks > NF_ANTHROPIC_CACHE_MAX ? marks - NF_ANTHROPIC_CACHE_MAX : 0;

    nf_json_begin_doc(&e.o, to);
    nf_json_out_object(&e.o);
    nf_json_put_str(&e.o, "model", t->model);
    nf_json_put_i64(&e.o, "max_tokens", max_tokens);
    nf_json_put_bool(&e.o, "stream", true);
    put_settings(&e, max_tokens);
    put_system(&e);
    nf_json_out_key(&e.o, "messages");
    nf_json_out_array(&e.o);
    put_opening(&e);
    for (size_t from = 0, end; from < n; from = end) {
        for (end = from + 1;
             end < n && is_assistant(&r->messages[end]) == is_assistant(&r->messages[from]);)
            end++;
        put_run(&e, from, end);
    }
    nf_json_out_end(&e.o);
    nf_json_out_end(&e.o);
    return nf_json_end_doc(&e.o, err);
}
