/* Reading a path. */
#include "skills/bundled/text/query.h"

#include "skills/bundled/common/text.h"

#include <stdlib.h>
#include <string.h>

#define NAME_MAX_BYTES 256

static void wrong(struct nf_query *q, const char *what)
{
    nf_args_fail(q->a, NF_SKILL_E_INVALID,
                 "argument \"path\": %s at character %zu; a path is like /items/0/name or "
                 "$.items[0].name, $..name, $.items[?@.price < 10]",
                 what, (size_t)(q->p - q->text) + 1);
}

static void blanks(struct nf_query *q)
{
    while (*q->p == ' ')
        q->p++;
}

bool nf_query_is_name(char c)
{
    return nf_text_is_digit(c) || (nf_text_lower(c) >= 'a' && nf_text_lower(c) <= 'z') ||
           c == '_' || c == '-' || (unsigned char)c >= 0x80;
}

static char *copy(struct nf_query *q, const char *p, size_t n)
{
    char *to = nf_args_alloc(q->a, n + 1, 1);

    if (to)
        memcpy(to, p, n);
    return to;
}

static char *bare_name(struct nf_query *q)
{
    size_t n = 0;

    while (nf_query_is_name(q->p[n]))
        n++;
    if (n == 0)
        wrong(q, "a name expected");
    q->p += n;
    return copy(q, q->p - n, n);
}

/* 'text' or "text", with \ before a quote or itself. */
static char *quoted(struct nf_query *q)
{
    char quote = *q->p++, *to = copy(q, q->p, strlen(q->p));
    size_t n = 0;

    if (!to)
        return NULL;
    for (; *q->p && *q->p != quote; q->p++) {
        if (*q->p == '\\' && q->p[1])
            q->p++;
        to[n++] = *q->p;
    }
    to[n] = '\0';
    if (*q->p != quote)
        wrong(q, "the closing quote is missing");
    else
        q->p++;
    return to;
}

static bool take_int(struct nf_query *q, int64_t *ret)
{
    bool negative = *q->p == '-';
    const char *p = q->p + negative;
    int64_t v = 0;

    if (!nf_text_is_digit(*p))
        return false;
    for (; nf_text_is_digit(*p) && v < 1000000000; p++)
        v = v * 10 + (*p - '0');
    q->p = p;
    *ret = negative ? -v : v;
    return true;
}

/* Behind "[?": @.name, optionally an operator and a literal. */
static void read_filter(struct nf_query *q, struct nf_step *s)
{
    static const char *const ops[] = { "==", "!=", "<=", ">=", "<", ">" };
    bool brackets;
    size_t n = 0;

    s->kind = NF_STEP_FILTER;
    blanks(q);
    brackets = *q->p == '(';
    q->p += brackets;
    blanks(q);
    if (q->p[0] != '@') {
        wrong(q, "@.name expected");
        return;
    }
    q->p++;
    if (*q->p == '.') {
        q->p++;
        s->name = bare_name(q);
    }
    blanks(q);
    for (size_t i = 0; i < 6 && !s->op; i++)
        if (strncmp(q->p, ops[i], strlen(ops[i])) == 0) {
            s->op = ops[i];
            q->p += strlen(ops[i]);
        }
    blanks(q);
    if (s->op && (*q->p == '\'' || *q->p == '"')) {
        const char *text = quoted(q);
        struct nf_skill_bytes json =
            q->a->h->json_quote(q->a->h, text ? text : "", text ? strlen(text) : 0);

        s->literal = q->a->h->json_parse(q->a->h, json.p, json.n);
    } else if (s->op) {
        n = strcspn(q->p, " )]");
        s->literal = q->a->h->json_parse(q->a->h, q->p, n);
        if (!s->literal)
            wrong(q, "a number, 'text', true, false or null expected");
        q->p += n;
    }
    blanks(q);
    if (brackets && *q->p++ != ')') {
        q->p--;
        wrong(q, ") expected");
    }
}

/* Behind '['. */
static void read_bracket(struct nf_query *q, struct nf_step *s)
{
    blanks(q);
    if (*q->p == '*') {
        q->p++;
        s->kind = NF_STEP_ALL;
    } else if (*q->p == '\'' || *q->p == '"') {
        s->kind = NF_STEP_NAME;
        s->name = quoted(q);
    } else if (*q->p == '?') {
        q->p++;
        read_filter(q, s);
    } else {
        bool from = take_int(q, &s->from);

        s->kind = *q->p == ':' ? NF_STEP_SLICE : NF_STEP_INDEX;
        s->to = INT64_MAX;
        if (s->kind == NF_STEP_SLICE) {
            q->p++;
            (void)take_int(q, &s->to);
        } else if (!from) {
            wrong(q, "an index, 'name', * or ? expected");
        }
    }
    blanks(q);
    if (*q->p == ']')
        q->p++;
    else
        wrong(q, "] expected");
}

void nf_query_read(struct nf_query *q)
{
    q->p++; /* $ */
    while (*q->p && q->a->rc == NF_SKILL_OK) {
        struct nf_step *s = &q->steps[q->steps_n];

        if (q->steps_n++ == NF_STEPS_MAX) {
            wrong(q, "too many steps");
            return;
        }
        if (q->p[0] == '.') {
            s->deep = q->p[1] == '.';
            q->p += s->deep ? 2 : 1;
            if (*q->p == '*') {
                q->p++;
                s->kind = NF_STEP_ALL;
                continue;
            }
            if (*q->p != '[' || !s->deep) {
                s->kind = NF_STEP_NAME;
                s->name = bare_name(q);
                continue;
            }
        }
        if (*q->p != '[') {
            wrong(q, ". or [ expected");
            return;
        }
        q->p++;
        read_bracket(q, s);
    }
}
