/*
 * Asking JSON: a JSON Pointer (RFC 6901) or a part of JSONPath (RFC 9535): $ .name ['name'] [0]
 * [-1] [1:3] [*] .* ..name ..* and filters [?@.name], [?@.name == 5] with == != < <= > >=.
 */
#include "skills/bundled/text/query.h"

#include "skills/bundled/common/text.h"

#include <stdlib.h>
#include <string.h>

#define MATCHES_MAX 1000
#define VISITS_MAX 200000 /* values looked at, over all steps */
#define NAME_MAX_BYTES 256

typedef const struct nf_skill_json *value;

struct match {
    value v;
    const struct match *parent;
    const char *key; /* of an object's member */
    int64_t index;
};

struct matches {
    struct match *at;
    size_t n;
};

/* --- pointer ---------------------------------------------------------------------------------- */

static value child_at(const struct nf_skill_host *h, value v, int64_t index)
{
    int64_t n = (int64_t)h->json_count(h, v), i = index < 0 ? index + n : index;

    if (i < 0 || i >= n || h->json_type(h, v) != NF_SKILL_JSON_ARRAY)
        return NULL;
    for (v = h->json_first(h, v); i > 0; i--)
        v = h->json_next(h, v);
    return v;
}

/* One reference token of RFC 6901, section 4, at *p, unescaped. */
static bool take_token(const char **p, char *to)
{
    size_t n = 0;

    for (; **p && **p != '/'; ++*p) {
        char c = **p;

        if (c == '~') {
            ++*p;
            if (**p != '0' && **p != '1')
                return false;
            c = **p == '0' ? '~' : '/';
        }
        if (n + 1 == NAME_MAX_BYTES)
            return false;
        to[n++] = c;
    }
    to[n] = '\0';
    return true;
}

static int by_pointer(struct nf_args *a, value v, const char *pointer, struct nf_buf *out)
{
    const struct nf_skill_host *h = a->h;
    char token[NAME_MAX_BYTES];
    const char *p = pointer;
    struct nf_skill_bytes text;

    while (*p) {
        p++;
        if (!take_token(&p, token)) {
            nf_args_fail(a, NF_SKILL_E_INVALID,
                         "argument \"path\": behind ~ only 0 (a ~) or 1 (a /) may stand, and a "
                         "name has at most %d bytes",
                         NAME_MAX_BYTES - 1);
            return a->rc;
        }
        if (h->json_type(h, v) == NF_SKILL_JSON_ARRAY && nf_text_is_digit(token[0]) &&
            strspn(token, "0123456789") == strlen(token) && strlen(token) < 10)
            v = child_at(h, v, strtol(token, NULL, 10));
        else
            v = h->json_get(h, v, token);
        if (!v) {
            nf_args_fail(a, NF_SKILL_E_NOT_FOUND, "there is nothing at \"%.*s\"",
                         (int)(p - pointer < 200 ? p - pointer : 200), pointer);
            return a->rc;
        }
    }
    text = h->json_text(h, v);
    nf_buf_add(out, text.p, text.n);
    return NF_SKILL_OK;
}

/* --- following it ----------------------------------------------------------------------------- */

static bool visit(struct nf_query *q)
{
    if (++q->visits > VISITS_MAX)
        nf_args_fail(q->a, NF_SKILL_E_LIMIT,
                     "the path looks at over %d values: make it more precise", VISITS_MAX);
    return q->a->rc == NF_SKILL_OK;
}

static void add(struct nf_query *q, struct matches *to, const struct match *parent, value v,
                int64_t index)
{
    const char *key = q->a->h->json_key(q->a->h, v);

    if (to->n == MATCHES_MAX) {
        nf_args_fail(q->a, NF_SKILL_E_LIMIT, "over %d values match: make the path more precise",
                     MATCHES_MAX);
        return;
    }
    to->at[to->n++] = (struct match){ v, parent, key, index };
}

static int compare_numbers(double a, double b)
{
    return a < b ? -1 : a > b;
}

static bool passes(const struct nf_skill_host *h, const struct nf_step *s, value v)
{
    value member = s->name ? h->json_get(h, v, s->name) : v;
    int type = h->json_type(h, member), order;

    if (!s->op || !member)
        return member && !s->op;
    if (type != h->json_type(h, s->literal))
        return s->op[0] == '!';
    if (type == NF_SKILL_JSON_NUMBER)
        order = compare_numbers(h->json_f64(h, member, 0), h->json_f64(h, s->literal, 0));
    else if (type == NF_SKILL_JSON_STRING)
        order = strcmp(h->json_str(h, member), h->json_str(h, s->literal));
    else if (type == NF_SKILL_JSON_BOOL)
        order = h->json_bool(h, member, 0) - h->json_bool(h, s->literal, 0);
    else
        order = 0; /* null and null; of others only literals of one token are read */
    switch (s->op[0]) {
    case '=':
        return order == 0;
    case '!':
        return order != 0;
    case '<':
        return s->op[1] ? order <= 0 : order < 0;
    default:
        return s->op[1] ? order >= 0 : order > 0;
    }
}

static void select_from(struct nf_query *q, const struct nf_step *s, const struct match *m,
                        struct matches *to)
{
    const struct nf_skill_host *h = q->a->h;
    int64_t n = (int64_t)h->json_count(h, m->v), i = 0;
    int64_t from = s->from < 0 ? s->from + n : s->from, end = s->to < 0 ? s->to + n : s->to;
    bool array = h->json_type(h, m->v) == NF_SKILL_JSON_ARRAY;

    if (s->kind == NF_STEP_NAME) {
        value v = s->name ? h->json_get(h, m->v, s->name) : NULL;

        if (v)
            add(q, to, m, v, 0);
        return;
    }
    if (!array && s->kind != NF_STEP_ALL && s->kind != NF_STEP_FILTER)
        return;
    for (value v = h->json_first(h, m->v); v && visit(q); v = h->json_next(h, v), i++)
        if (s->kind == NF_STEP_ALL || (s->kind == NF_STEP_INDEX && i == from) ||
            (s->kind == NF_STEP_SLICE && i >= from && i < end) ||
            (s->kind == NF_STEP_FILTER && passes(h, s, v)))
            add(q, to, m, v, i);
}

/* NOLINTBEGIN(misc-no-recursion): JSON is nested 64 deep at most, as the host parses */

/* All values within m and itself, to `to`: nested 64 deep at most, as the host parses. */
static void descend(struct nf_query *q, const struct nf_step *s, const struct match *m,
                    struct matches *to)
{
    const struct nf_skill_host *h = q->a->h;
    int64_t i = 0;

    select_from(q, s, m, to);
    for (value v = h->json_first(h, m->v); v && visit(q); v = h->json_next(h, v), i++) {
        struct match *child;

        if (h->json_type(h, v) != NF_SKILL_JSON_ARRAY && h->json_type(h, v) != NF_SKILL_JSON_OBJECT)
            continue;
        child = nf_args_alloc(q->a, 1, sizeof(*child));
        if (!child)
            return;
        *child = (struct match){ v, m, h->json_key(h, v), i };
        descend(q, s, child, to);
    }
}

static void put_path(const struct match *m, struct nf_buf *to)
{
    if (!m->parent) {
        nf_buf_addc(to, '$');
        return;
    }
    put_path(m->parent, to);
    if (!m->key) {
        nf_buf_addf(to, "[%lld]", (long long)m->index);
        return;
    }
    for (const char *p = m->key;; p++)
        if (!*p && *m->key) {
            nf_buf_addf(to, ".%s", m->key);
            return;
        } else if (!nf_query_is_name(*p)) {
            break;
        }
    nf_buf_adds(to, "['");
    for (const char *p = m->key; *p; p++) {
        if (*p == '\'' || *p == '\\')
            nf_buf_addc(to, '\\');
        nf_buf_addc(to, *p);
    }
    nf_buf_adds(to, "']");
}

/* NOLINTEND(misc-no-recursion) */

static int by_path(struct nf_args *a, value v, const char *path, struct nf_buf *out)
{
    struct nf_query *q = nf_args_alloc(a, 1, sizeof(*q));
    struct matches now = { nf_args_alloc(a, 1, sizeof(struct match)), 1 };

    if (a->rc != NF_SKILL_OK)
        return a->rc;
    q->a = a;
    q->text = q->p = path;
    now.at[0].v = v;
    nf_query_read(q);
    for (size_t i = 0; i < q->steps_n && a->rc == NF_SKILL_OK; i++) {
        struct matches next = { nf_args_alloc(a, MATCHES_MAX, sizeof(struct match)), 0 };

        for (size_t k = 0; k < now.n && a->rc == NF_SKILL_OK; k++)
            if (q->steps[i].deep)
                descend(q, &q->steps[i], &now.at[k], &next);
            else
                select_from(q, &q->steps[i], &now.at[k], &next);
        now = next;
    }
    if (a->rc != NF_SKILL_OK)
        return a->rc;
    nf_out_open(out, '{');
    nf_put_i64(out, "count", (int64_t)now.n);
    nf_out_key(out, "matches");
    nf_out_open(out, '[');
    for (size_t i = 0; i < now.n; i++) {
        struct nf_buf where = nf_buf_of(a->h, NF_BUF_MAX);
        struct nf_skill_bytes text = a->h->json_text(a->h, now.at[i].v);

        put_path(&now.at[i], &where);
        nf_out_open(out, '{');
        nf_put_buf(out, "path", &where);
        nf_out_key(out, "value");
        nf_out_raw(out, text.p, text.n);
        nf_out_close(out, '}');
    }
    nf_out_close(out, ']');
    nf_out_close(out, '}');
    return NF_SKILL_OK;
}

/* --- the tool --------------------------------------------------------------------------------- */

static void line(struct nf_buf *out, int depth, int64_t indent)
{
    nf_buf_addc(out, '\n');
    for (int64_t i = 0; i < depth * indent; i++)
        nf_buf_addc(out, ' ');
}

/* NOLINTBEGIN(misc-no-recursion): JSON is nested 64 deep at most, as the host parses */

/* Nested 64 deep at most, as the host parses. */
static void format(const struct nf_skill_host *h, value v, int depth, int64_t indent,
                   struct nf_buf *out)
{
    bool object = h->json_type(h, v) == NF_SKILL_JSON_OBJECT;
    value child = h->json_first(h, v);

    if (!child) {
        struct nf_skill_bytes text = h->json_text(h, v);

        nf_buf_add(out, text.p, text.n);
        return;
    }
    nf_buf_addc(out, object ? '{' : '[');
    while (child && out->rc == NF_SKILL_OK) {
        line(out, depth + 1, indent);
        if (object) {
            const char *key = h->json_key(h, child);
            struct nf_skill_bytes name = h->json_quote(h, key, strlen(key));

            nf_buf_add(out, name.p, name.n);
            nf_buf_adds(out, ": ");
        }
        format(h, child, depth + 1, indent, out);
        child = h->json_next(h, child);
        if (child)
            nf_buf_addc(out, ',');
    }
    line(out, depth, indent);
    nf_buf_addc(out, object ? '}' : ']');
}

/* NOLINTEND(misc-no-recursion) */

int nf_text_json(struct nf_args *a, struct nf_buf *out)
{
    static const char *const operations[] = { "query", "format", "minify", NULL };
    const char *json = nf_args_text(a, "json", NF_TEXT_MAX);
    size_t operation = nf_args_choice_or(a, "operation", operations, 0);
    const char *path = nf_args_text_or(a, "path", NF_QUERY_MAX, "");
    int64_t indent = nf_args_int_or(a, "indent", 0, 8, 2);
    value v;

    if (a->rc != NF_SKILL_OK)
        return a->rc;
    v = a->h->json_parse(a->h, json, strlen(json));
    if (!v) {
        char why[200];

        strncpy(why, a->h->error(a->h), sizeof(why) - 1)[sizeof(why) - 1] = '\0';
        nf_args_fail(a, NF_SKILL_E_INVALID, "argument \"json\" is no JSON: %s", why);
        return a->rc;
    }
    if (operation == 1) {
        format(a->h, v, 0, indent, out);
        return NF_SKILL_OK;
    }
    if (operation == 2 || !*path || *path == '/')
        return by_pointer(a, v, operation == 2 ? "" : path, out);
    if (*path == '$')
        return by_path(a, v, path, out);
    nf_args_fail(a, NF_SKILL_E_INVALID,
                 "argument \"path\" must begin with / (JSON Pointer) or $ (JSONPath)");
    return a->rc;
}
