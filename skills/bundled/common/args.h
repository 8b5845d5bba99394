/*
 * The arguments of a tool, and which tool it is. A wrong argument fails the call with words that
 * name it and what is allowed; the first failure sticks in `rc`, and what is read after it is empty
 * but safe. So a tool reads all it needs and then looks at `rc` once.
 */
#pragma once

#include "skills/bundled/common/buf.h"

struct nf_args {
    const struct nf_skill_host *h;
    const struct nf_skill_json *v;
    int rc;
};

/* Fail the call unless it has failed already. */
void nf_args_fail(struct nf_args *a, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Whether the argument is there; null counts as absent. */
bool nf_args_has(struct nf_args *a, const char *key);
/* A string of at most `max` bytes; "" after a failure. nf_args_text_or: absent is `otherwise`. */
const char *nf_args_text(struct nf_args *a, const char *key, size_t max);
const char *nf_args_text_or(struct nf_args *a, const char *key, size_t max, const char *otherwise);
/* A whole number from min to max. */
int64_t nf_args_int(struct nf_args *a, const char *key, int64_t min, int64_t max);
int64_t nf_args_int_or(struct nf_args *a, const char *key, int64_t min, int64_t max,
                       int64_t otherwise);
bool nf_args_bool_or(struct nf_args *a, const char *key, bool otherwise);
/* Which of the NULL-terminated names it is. nf_args_choice_or: absent is `otherwise`. */
size_t nf_args_choice(struct nf_args *a, const char *key, const char *const *names);
size_t nf_args_choice_or(struct nf_args *a, const char *key, const char *const *names,
                         size_t otherwise);
/* An array of min to max items, NULL if it is absent (min 0) or after a failure. */
const struct nf_skill_json *nf_args_list(struct nf_args *a, const char *key, size_t min,
                                         size_t max);
/* Item number `i` of the array `key`, which must be a string of at most `max` bytes. */
const char *nf_args_item(struct nf_args *a, const char *key, const struct nf_skill_json *item,
                         size_t i, size_t max);

/* Memory of the call; NULL after a failure, which it then is. */
void *nf_args_alloc(struct nf_args *a, size_t n, size_t size);

/* A tool writes its result and returns NF_SKILL_OK, or another code after failing. */
struct nf_tool {
    const char *name;
    int (*run)(struct nf_args *a, struct nf_buf *out);
};

/* Run the tool that is asked for. What an argument or the result failed with comes before what the
 * tool returned. */
int nf_tools_run(const struct nf_skill_host *h, const struct nf_skill_request *r,
                 const struct nf_tool *tools, size_t n);
