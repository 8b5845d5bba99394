/* The head of a request: breakpoints of the cache, thinking, tools, limits. */
#include "llm/anthropic_impl.h"

#include <string.h>

/* --- cache breakpoints ------------------------------------------------------------------------ */

static size_t count_marks(const struct nf_parts *list)
{
    size_t n = 0;
    for (size_t i = 0; i < list->n; i++)
        n += list->v[i].cache;
    return n;
}

static size_t count_tool_marks(const struct nf_toolset *tools)
{
    size_t n = 0;
    for (size_t i = 0; i < nf_toolset_n(tools); i++)
        n += tools->v[i].cache;
    return n;
}

size_t nf_anthropic_marks(const struct nf_completion_request *r)
{
    size_t n = count_marks(&r->system) + count_tool_marks(r->tools);
    for (size_t i = 0; i < r->messages_n; i++)
        n += count_marks(&r->messages[i].parts);
    return n;
}

void nf_anthropic_put_cache(struct nf_anthropic_enc *e, bool marked)
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

struct version {
    long major, minor; /* major -1: the name has none */
};

static struct version version_of(const char *model)
{
    struct version v = { .major = -1 };
    /* The first one or two numbers of at most two digits: a longer one is a date. */
    for (const char *p = model; *p && v.major < 0; p++) {
        size_t n = strspn(p, "0123456789");
        if (n == 0)
            continue;
        if (n <= 2) {
            v.major = p[0] - '0';
            const char *q = p + n;
            size_t m = *q == '-' || *q == '.' ? strspn(q + 1, "0123456789") : 0;
            v.minor = m == 1 || m == 2 ? q[1] - '0' : 0;
            if (n == 2)
                v.major = v.major * 10 + (p[1] - '0');
            if (m == 2)
                v.minor = v.minor * 10 + (q[2] - '0');
        }
        p += n - 1;
    }
    return v;
}

enum nf_anthropic_thinking nf_anthropic_thinking_of(const char *model)
{
    struct version v = version_of(model);
    if (v.major < 0 || v.major >= 5 || (v.major == 4 && v.minor >= 6))
        return NF_ANTHROPIC_ADAPTIVE;
    return v.major == 4 || (v.major == 3 && v.minor >= 7) ? NF_ANTHROPIC_BUDGET
                                                          : NF_ANTHROPIC_NO_THINKING;
}

bool nf_anthropic_takes_sampling(const char *model)
{
    struct version v = version_of(model);
    return v.major >= 0 && (v.major < 4 || (v.major == 4 && v.minor <= 6));
}

/* Thinking tokens for models that want a number, 0: none. */
static int64_t budget_of(const struct nf_anthropic_enc *e, int64_t max_tokens)
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
    return nf_toolset_n(r->tools) > 0 &&
           (r->tool_choice == NF_TOOL_CHOICE_REQUIRED || r->tool_choice == NF_TOOL_CHOICE_NAMED);
}

static void put_thinking_type(struct nf_anthropic_enc *e, const char *type, int64_t budget)
{
    nf_json_out_key(&e->o, "thinking");
    nf_json_out_object(&e->o);
    nf_json_put_str(&e->o, "type", type);
    if (budget > 0)
        nf_json_put_i64(&e->o, "budget_tokens", budget);
    nf_json_out_end(&e->o);
}

/* *ret_effort: for output_config, NULL for none. Returns true if the model will think. */
static bool put_thinking(struct nf_anthropic_enc *e, int64_t max_tokens, const char **ret_effort)
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

static void put_output_config(struct nf_anthropic_enc *e, const char *effort)
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

static void put_tool_members(struct nf_json_out *o, const struct nf_tool *t)
{
    nf_json_put_str(o, "name", t->name);
    nf_json_put_str(o, "description", t->description);
    nf_llm_put_schema(o, "input_schema", t->schema);
}

static void put_tool(struct nf_json_out *o, const struct nf_tool *t)
{
    nf_json_out_object(o);
    put_tool_members(o, t);
    nf_json_out_end(o);
}

/* Which breakpoints are left out depends on the request. */
static void put_marked_tools(struct nf_anthropic_enc *e)
{
    nf_json_out_key(&e->o, "tools");
    nf_json_out_array(&e->o);
    for (size_t i = 0; i < e->r->tools->n; i++) {
        nf_json_out_object(&e->o);
        put_tool_members(&e->o, &e->r->tools->v[i]);
        nf_anthropic_put_cache(e, e->r->tools->v[i].cache);
        nf_json_out_end(&e->o);
    }
    nf_json_out_end(&e->o);
}

enum nf_code nf_anthropic_make_tools(struct nf_anthropic_enc *e, struct nf_err *err)
{
    if (count_tool_marks(e->r->tools) > 0)
        return nf_llm_check_tools(e->r->tools, err);
    return nf_llm_tools(e->r->tools, &nf_anthropic_messages, put_tool, &e->to->tools, err);
}

static void put_tools(struct nf_anthropic_enc *e)
{
    static const char *const choices[] = { [NF_TOOL_CHOICE_AUTO] = "auto",
                                           [NF_TOOL_CHOICE_NONE] = "none",
                                           [NF_TOOL_CHOICE_REQUIRED] = "any",
                                           [NF_TOOL_CHOICE_NAMED] = "tool" };
    const struct nf_completion_request *r = e->r;
    if (nf_toolset_n(r->tools) == 0)
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
    if (e->to->tools.n > 0)
        nf_llm_put_tools(&e->o, e->to);
    else
        put_marked_tools(e);
}

void nf_anthropic_put_settings(struct nf_anthropic_enc *e, int64_t max_tokens)
{
    const struct nf_completion_request *r = e->r;
    const char *effort;
    bool thinks = put_thinking(e, max_tokens, &effort);

    put_output_config(e, effort);
    /* With thinking the API takes no other temperature than its default. */
    bool samples = !thinks && (e->t->compatible || nf_anthropic_takes_sampling(e->t->model));
    if (r->temperature != NF_NOT_SET && samples) {
        nf_json_out_key(&e->o, "temperature");
        nf_json_out_f64(&e->o, r->temperature);
    }
    if (r->top_p != NF_NOT_SET && samples) {
        nf_json_out_key(&e->o, "top_p");
        nf_json_out_f64(&e->o, r->top_p);
    }
    if (r->top_k > 0 && samples)
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
