/* Arguments by name, and the choice of the tool. */
#include "skills/bundled/common/args.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MESSAGE_MAX 512

void nf_args_fail(struct nf_args *a, int code, const char *format, ...)
{
    char text[MESSAGE_MAX];
    va_list ap;

    if (a->rc != NF_SKILL_OK)
        return;
    va_start(ap, format);
    (void)vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    a->rc = a->h->fail(a->h, code, "%s", text);
}

/* The value, or NULL if it is absent or null. */
static const struct nf_skill_json *find(struct nf_args *a, const char *key)
{
    const struct nf_skill_json *v = a->h->json_get(a->h, a->v, key);

    return a->h->json_type(a->h, v) == NF_SKILL_JSON_NULL ? NULL : v;
}

static const struct nf_skill_json *need(struct nf_args *a, const char *key)
{
    const struct nf_skill_json *v = find(a, key);

    if (!v)
        nf_args_fail(a, NF_SKILL_E_INVALID, "argument \"%s\" is missing", key);
    return v;
}

bool nf_args_has(struct nf_args *a, const char *key)
{
    return find(a, key) != NULL;
}

const char *nf_args_text(struct nf_args *a, const char *key, size_t max)
{
    const struct nf_skill_json *v = need(a, key);
    const char *text = a->h->json_str(a->h, v);

    if (v && !text)
        nf_args_fail(a, NF_SKILL_E_INVALID, "argument \"%s\" must be a string", key);
    if (text && strlen(text) > max)
        nf_args_fail(a, NF_SKILL_E_LIMIT, "argument \"%s\" is over %zu bytes", key, max);
    return text && a->rc == NF_SKILL_OK ? text : "";
}

const char *nf_args_text_or(struct nf_args *a, const char *key, size_t max, const char *otherwise)
{
    return find(a, key) ? nf_args_text(a, key, max) : otherwise;
}

int64_t nf_args_int(struct nf_args *a, const char *key, int64_t min, int64_t max)
{
    const struct nf_skill_json *v = need(a, key);
    int64_t n = a->h->json_i64(a->h, v, INT64_MIN);

    if (v && (a->h->json_type(a->h, v) != NF_SKILL_JSON_NUMBER || n < min || n > max))
        nf_args_fail(a, NF_SKILL_E_INVALID,
                     "argument \"%s\" must be a whole number from %lld to %lld", key,
                     (long long)min, (long long)max);
    return a->rc == NF_SKILL_OK ? n : min;
}

int64_t nf_args_int_or(struct nf_args *a, const char *key, int64_t min, int64_t max,
                       int64_t otherwise)
{
    return find(a, key) ? nf_args_int(a, key, min, max) : otherwise;
}

bool nf_args_bool_or(struct nf_args *a, const char *key, bool otherwise)
{
    const struct nf_skill_json *v = find(a, key);

    if (!v)
        return otherwise;
    if (a->h->json_type(a->h, v) != NF_SKILL_JSON_BOOL)
        nf_args_fail(a, NF_SKILL_E_INVALID, "argument \"%s\" must be true or false", key);
    return a->h->json_bool(a->h, v, otherwise);
}

size_t nf_args_choice(struct nf_args *a, const char *key, const char *const *names)
{
    const char *text = nf_args_text(a, key, 64);
    char allowed[MESSAGE_MAX / 2];
    size_t used = 0;

    allowed[0] = '\0';
    for (size_t i = 0; names[i]; i++) {
        int n;

        if (strcmp(text, names[i]) == 0)
            return i;
        n = snprintf(allowed + used, sizeof(allowed) - used, "%s%s", i > 0 ? ", " : "", names[i]);
        used += n > 0 && (size_t)n < sizeof(allowed) - used ? (size_t)n : 0;
    }
    nf_args_fail(a, NF_SKILL_E_INVALID, "argument \"%s\" must be one of: %s", key, allowed);
    return 0;
}

size_t nf_args_choice_or(struct nf_args *a, const char *key, const char *const *names,
                         size_t otherwise)
{
    return find(a, key) ? nf_args_choice(a, key, names) : otherwise;
}

const struct nf_skill_json *nf_args_list(struct nf_args *a, const char *key, size_t min, size_t max)
{
    const struct nf_skill_json *v = min > 0 ? need(a, key) : find(a, key);
    size_t n;

    if (!v)
        return NULL;
    n = a->h->json_count(a->h, v);
    if (a->h->json_type(a->h, v) != NF_SKILL_JSON_ARRAY || n < min || n > max)
        nf_args_fail(a, NF_SKILL_E_INVALID, "argument \"%s\" must be an array of %zu to %zu items",
                     key, min, max);
    return a->rc == NF_SKILL_OK ? v : NULL;
}

const char *nf_args_item(struct nf_args *a, const char *key, const struct nf_skill_json *item,
                         size_t i, size_t max)
{
    const char *text = a->h->json_str(a->h, item);

    if (!text || strlen(text) > max)
        nf_args_fail(a, NF_SKILL_E_INVALID,
                     "argument \"%s\": item %zu must be a string of at most %zu bytes", key, i + 1,
                     max);
    return text && a->rc == NF_SKILL_OK ? text : "";
}

void *nf_args_alloc(struct nf_args *a, size_t n, size_t size)
{
    void *p = n > SIZE_MAX / 2 / size ? NULL : a->h->alloc(a->h, n > 0 ? n * size : 1);

    if (!p)
        nf_args_fail(a, NF_SKILL_E_LIMIT, "no memory left for this call: give it less to do");
    return p;
}

int nf_tools_run(const struct nf_skill_host *h, const struct nf_skill_request *r,
                 const struct nf_tool *tools, size_t n)
{
    struct nf_args a = { .h = h, .v = r->args };
    struct nf_buf out = nf_buf_of(h, NF_BUF_MAX);

    for (size_t i = 0; i < n; i++) {
        int rc;

        if (strcmp(tools[i].name, r->tool) != 0)
            continue;
        rc = tools[i].run(&a, &out);
        if (a.rc != NF_SKILL_OK)
            return a.rc;
        return rc != NF_SKILL_OK ? rc : nf_buf_reply(&out);
    }
    return h->fail(h, NF_SKILL_E_NOT_FOUND, "there is no tool \"%.64s\"", r->tool);
}
