/* What the encoders share: checks of a request and pieces of JSON. Pure. */
#pragma once

#include "codec/json.h"
#include "llm/codec.h"

#define NF_LLM_TOOL_NAME_MAX 64 /* bytes: the least that any of the protocols allows */

/* Bounds in which protocols differ. */
struct nf_llm_bounds {
    const char *who; /* "OpenAI": for error messages */
    double temperature_max;
    size_t stop_max;
};

/* NF_E_INVALID if no provider of this protocol could take `r`: no messages, numbers out of range, a
 * tool_choice that names no tool, audio, a format's schema that is no JSON object. */
NF_RC nf_llm_check_request(const struct nf_completion_request *r, const struct nf_llm_bounds *b,
                           struct nf_err *err);

/* min(max_tokens, output_tokens) where both are set, else the one that is, else 0. */
int64_t nf_llm_max_tokens(const struct nf_completion_request *r, const struct nf_llm_target *t);

/* True if the part has text that is not empty. */
bool nf_llm_has_text(const struct nf_part *p);
/* The text of a list that is one part of text and nothing else, as most messages are; NULL: it is
 * not. */
const char *nf_llm_only_text(const struct nf_parts *list);
/* A message that is one text; `role` is what stands before that. */
#define NF_LLM_USER "{\"role\":\"user\",\"content\":\""
#define NF_LLM_ASSISTANT "{\"role\":\"assistant\",\"content\":\""
void nf_llm_put_message(struct nf_json_out *o, const char *role, const char *text);
/* Append the text of the list's parts of `type`, joined by `glue`. */
NF_RC nf_llm_join_text(const struct nf_parts *list, enum nf_part_type type, const char *glue,
                       struct nf_str *to, struct nf_err *err);
/* The request's system text as the first of its messages, where a protocol wants it there; nothing
 * if it has none. */
NF_RC nf_llm_put_system(struct nf_json_out *o, const struct nf_completion_request *r,
                        struct nf_err *err);

/* How a protocol with a role for results writes what is not text alone. Each adds no, one or more
 * messages. */
struct nf_llm_forms {
    enum nf_code (*assistant)(struct nf_json_out *o, const struct nf_chat_message *m,
                              struct nf_err *err);
    /* The results, and then the rest, of the user's message `at`. */
    enum nf_code (*results)(struct nf_json_out *o, const struct nf_completion_request *r, size_t at,
                            struct nf_err *err);
    enum nf_code (*user)(struct nf_json_out *o, const struct nf_chat_message *m,
                         struct nf_err *err);
};
/* The system text and all messages, as items of an array. */
NF_RC nf_llm_put_messages(struct nf_json_out *o, const struct nf_completion_request *r,
                          const struct nf_llm_forms *f, struct nf_err *err);

/* A call's arguments as a JSON object. Empty ones are {}, and what a model once wrote that is no
 * object is kept as {"invalid_arguments": "..."}: a conversation must not become unanswerable. */
void nf_llm_out_args(struct nf_json_out *o, const char *args);
/* The same as a JSON string that holds the object's text. */
NF_RC nf_llm_put_args_text(struct nf_json_out *o, const char *key, const char *args,
                           struct nf_err *err);

/* A tool's schema, an object with "type" at least. NULL or "": one without properties. */
void nf_llm_put_schema(struct nf_json_out *o, const char *key, const char *schema);
/* Begin to write an empty body, with room for what the request holds: a text that grows is copied
 * again and again. NF_E_NOMEM. */
NF_RC nf_llm_begin_body(const struct nf_completion_request *r, struct nf_json_out *o,
                        struct nf_llm_body *b, struct nf_err *err);

/* How a protocol writes one tool. */
typedef void (*nf_llm_tool_fn)(struct nf_json_out *o, const struct nf_tool *t);
/* Let *ret be the tools as an array, which is kept with their list under `key`, so that `put` is
 * called once for each. Empty without tools. NF_E_INVALID: names or schemas that no provider takes.
 * Also NF_E_LIMIT, NF_E_NOMEM. */
NF_RC nf_llm_tools(struct nf_toolset *tools, const void *key, nf_llm_tool_fn put,
                   struct nf_slice *ret, struct nf_err *err);
/* NF_E_INVALID, as of nf_llm_tools. */
NF_RC nf_llm_check_tools(const struct nf_toolset *tools, struct nf_err *err);
/* The member "tools": its value will be b->tools. `o` writes b->text. */
void nf_llm_put_tools(struct nf_json_out *o, struct nf_llm_body *b);

/* JSON text that was checked before. */
void nf_llm_put_raw(struct nf_json_out *o, const char *key, const char *json);

/* The call that the result with `call_id` in message `at` answers: in the nearest assistant message
 * before it, or those directly before that. NULL: none, and providers refuse such a result. */
const struct nf_part *nf_llm_call_of(const struct nf_completion_request *r, size_t at,
                                     const char *call_id);

/* "none", "low", "medium", "high", or NULL if neither effort nor thinking_budget is set. */
const char *nf_llm_effort(const struct nf_completion_request *r);
