#include "llm/anthropic_impl.h"

#include "base/own.h"

#include <string.h>

/* --- blocks ----------------------------------------------------------------------------------- */

static void put_literal(struct nf_anthropic_enc *e, const char *text)
{
    nf_json_out_object(&e->o);
    nf_json_put_str(&e->o, "type", "text");
    nf_json_put_str(&e->o, "text", text);
    nf_json_out_end(&e->o);
}

static void put_text(struct nf_anthropic_enc *e, const struct nf_part *p)
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
    nf_anthropic_put_cache(e, p->cache);
    nf_json_out_end(&e->o);
}

static void put_media(struct nf_anthropic_enc *e, const struct nf_part *p)
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
    nf_anthropic_put_cache(e, p->cache);
    nf_json_out_end(&e->o);
}

/* Other providers' ids may have characters that this one refuses: [a-zA-Z0-9_-] only. Call and
 * result are changed alike. */
static void put_id(struct nf_anthropic_enc *e, const char *key, const char *id)
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

static void put_call(struct nf_anthropic_enc *e, const struct nf_part *p)
{
    nf_json_out_object(&e->o);
    nf_json_put_str(&e->o, "type", "tool_use");
    put_id(e, "id", p->call_id);
    nf_json_put_str(&e->o, "name", p->name ? p->name : "");
    nf_json_out_key(&e->o, "input");
    nf_llm_out_args(&e->o, p->args);
    nf_anthropic_put_cache(e, p->cache);
    nf_json_out_end(&e->o);
}

static void put_result(struct nf_anthropic_enc *e, const struct nf_part *p)
{
    nf_json_out_object(&e->o);
    nf_json_put_str(&e->o, "type", "tool_result");
    put_id(e, "tool_use_id", p->call_id);
    if (nf_llm_has_text(p))
        nf_json_put_str(&e->o, "content", p->text);
    if (p->is_error)
        nf_json_put_bool(&e->o, "is_error", true);
    nf_anthropic_put_cache(e, p->cache);
    nf_json_out_end(&e->o);
}

/* Thinking goes back as it came or not at all: without its signature it is refused. */
static void put_thought(struct nf_anthropic_enc *e, const struct nf_part *p)
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

static bool is_answer(const struct nf_anthropic_enc *e, size_t at, const struct nf_part *p)
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

static void put_part(struct nf_anthropic_enc *e, size_t at, const struct nf_part *p)
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
static bool comes_first(const struct nf_anthropic_enc *e, size_t at, const struct nf_part *p)
{
    return p->type == NF_PART_THINKING || is_answer(e, at, p);
}

/* Messages `from` to `end`, all of one side, as one. */
static void put_run(struct nf_anthropic_enc *e, size_t from, size_t end)
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
static void put_opening(struct nf_anthropic_enc *e)
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

static void put_system(struct nf_anthropic_enc *e)
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
                                 const struct nf_llm_target *t, struct nf_llm_body *to,
                                 struct nf_err *err)
{
    static const struct nf_llm_bounds bounds = { "Anthropic", NF_ANTHROPIC_TEMPERATURE_MAX,
                                                 NF_STOP_SEQUENCES_MAX };
    struct nf_anthropic_enc e = { .r = r, .t = t, .to = to };
    size_t marks = nf_anthropic_marks(r), n = r->messages_n;
    int64_t max_tokens = nf_llm_max_tokens(r, t);

    NF_TRY(nf_llm_check_request(r, &bounds, err));
    if (max_tokens <= 0)
        return nf_err_set(err, NF_E_INVALID,
                          "max_tokens: Anthropic needs it: set the model's output_tokens");
    if (r->format == NF_FORMAT_JSON)
        return nf_err_set(err, NF_E_INVALID,
                          "format: Anthropic has no JSON mode without a schema: give one");
    e.cache_skip = marks > NF_ANTHROPIC_CACHE_MAX ? marks - NF_ANTHROPIC_CACHE_MAX : 0;

    NF_TRY(nf_anthropic_make_tools(&e, err));
    NF_TRY(nf_llm_begin_body(r, &e.o, to, err));
    nf_json_out_object(&e.o);
    nf_json_put_str(&e.o, "model", t->model);
    nf_json_put_i64(&e.o, "max_tokens", max_tokens);
    nf_json_put_bool(&e.o, "stream", true);
    nf_anthropic_put_settings(&e, max_tokens);
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
