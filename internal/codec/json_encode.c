#include "base/utf8.h"
#include "codec/json_tree.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void nf_json_begin_doc(struct nf_json_out *o, struct nf_str *to)
{
    /* The error's text is not cleared: there is none yet. */
    o->to = to;
    o->rc = NF_OK;
    o->start = to->len;
    o->has_item = o->is_array = 0;
    o->depth = 0;
    o->after_key = o->complete = false;
}

enum nf_code nf_json_end_doc(struct nf_json_out *o, struct nf_err *err)
{
    if (o->rc == NF_OK) {
        assert(o->depth == 0 && o->complete);
        return NF_OK;
    }
    if (o->to->p) {
        o->to->len = o->start;
        o->to->p[o->start] = '\0';
    }
    return nf_err_set(err, o->rc, "%s", o->err.msg);
}

static void add(struct nf_json_out *o, const char *p, size_t n)
{
    if (o->rc == NF_OK)
        o->rc = nf_str_add(o->to, p, n, &o->err);
}

static uint64_t bit(const struct nf_json_out *o)
{
    return UINT64_C(1) << (o->depth - 1);
}

/* Whether a comma comes before what comes next, which is an item of this container. */
static bool comma_due(struct nf_json_out *o)
{
    if (o->depth == 0) {
        assert(!o->complete); /* one value to a document */
        o->complete = true;
        return false;
    }
    bool due = o->has_item & bit(o);
    o->has_item |= bit(o);
    return due;
}

static bool begin_value(struct nf_json_out *o)
{
    if (o->rc != NF_OK)
        return false;
    if (o->after_key) {
        o->after_key = false;
        return true;
    }
    assert(o->depth == 0 || (o->is_array & bit(o))); /* a member needs a key */
    if (comma_due(o))
        add(o, ",", 1);
    return o->rc == NF_OK;
}

static void open_container(struct nf_json_out *o, bool array)
{
    if (!begin_value(o))
        return;
    if (o->depth == NF_JSON_DEPTH_MAX) {
        o->rc = nf_err_set(&o->err, NF_E_LIMIT, "JSON nested deeper than %d", NF_JSON_DEPTH_MAX);
        return;
    }
    add(o, array ? "[" : "{", 1);
    o->depth++;
    o->has_item &= ~bit(o);
    o->is_array = array ? o->is_array | bit(o) : o->is_array & ~bit(o);
}

void nf_json_out_object(struct nf_json_out *o)
{
    open_container(o, false);
}

void nf_json_out_array(struct nf_json_out *o)
{
    open_container(o, true);
}

void nf_json_out_end(struct nf_json_out *o)
{
    if (o->rc != NF_OK)
        return;
    assert(o->depth > 0 && !o->after_key);
    add(o, o->is_array & bit(o) ? "]" : "}", 1);
    o->depth--;
}

static void add_escape(struct nf_json_out *o, unsigned char c)
{
    static const char names[] = { ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f',
                                  ['\r'] = 'r', ['"'] = '"',  ['\\'] = '\\' };
    char text[8];
    if (c < sizeof(names) && names[c])
        (void)snprintf(text, sizeof(text), "\\%c", names[c]);
    else
        (void)snprintf(text, sizeof(text), "\\u%04x", c);
    add(o, text, strlen(text));
}

/* `p` is valid UTF-8. */
static void add_escaped(struct nf_json_out *o, const char *p, size_t n)
{
    for (size_t i = 0; i < n;) {
        size_t k = nf_json_run(p + i, n - i, false);
        add(o, p + i, k);
        i += k;
        if (i < n)
            add_escape(o, (unsigned char)p[i++]);
    }
}

/* Bytes of the character at p, 0 if it is none. */
static size_t character(const char *p, size_t n)
{
    struct nf_utf8 u = { 0 };
    for (size_t i = 0; i < n && nf_utf8_feed(&u, p + i, 1); i++)
        if (nf_utf8_complete(&u))
            return i + 1;
    return 0;
}

static void add_repaired(struct nf_json_out *o, const char *p, size_t n)
{
    for (size_t i = 0; i < n;) {
        size_t k = character(p + i, n - i);
        if (k > 0)
            add_escaped(o, p + i, k);
        else
            add(o, "\xef\xbf\xbd", 3);
        i += k > 0 ? k : 1;
    }
}

/* What stands around a string. */
struct around {
    const char *begin, *end;
    size_t begin_n, end_n;
};

/* Mostly one or two bytes, for which memcpy would be called. */
static char *put(char *to, const char *p, size_t n)
{
    if (n > 2) {
        memcpy(to, p, n);
        return to + n;
    }
    for (size_t i = 0; i < n; i++)
        *to++ = p[i];
    return to;
}

/* In one piece: the usual case. */
static void add_quoted(struct nf_json_out *o, const char *p, size_t n, const struct around *a)
{
    if (o->rc != NF_OK)
        return;
    o->rc = nf_str_reserve(o->to, a->begin_n + n + a->end_n, &o->err);
    if (o->rc != NF_OK)
        return;
    char *to = o->to->p + o->to->len;
    to = put(to, a->begin, a->begin_n);
    memcpy(to, p, n);
    to = put(to + n, a->end, a->end_n);
    *to = '\0';
    o->to->len += a->begin_n + n + a->end_n;
}

static void add_string(struct nf_json_out *o, const char *p, size_t n, const struct around *a)
{
    bool ascii = nf_json_run(p, n, true) == n;
    bool valid = ascii || nf_utf8_valid(p, n);
    if (ascii || (valid && nf_json_run(p, n, false) == n)) {
        add_quoted(o, p, n, a);
        return;
    }
    add(o, a->begin, a->begin_n);
    if (valid)
        add_escaped(o, p, n);
    else
        add_repaired(o, p, n);
    add(o, a->end, a->end_n);
}

void nf_json_out_key(struct nf_json_out *o, const char *key)
{
    static const struct around first = { "\"", "\":", 1, 2 }, next = { ",\"", "\":", 2, 2 };
    if (o->rc != NF_OK)
        return;
    assert(o->depth > 0 && !(o->is_array & bit(o)) && !o->after_key);
    bool due = comma_due(o);
    add_string(o, key, strlen(key), due ? &next : &first);
    o->after_key = true;
}

void nf_json_out_members(struct nf_json_out *o, const char *members, size_t n)
{
    if (o->rc != NF_OK)
        return;
    assert(o->depth > 0 && !(o->is_array & bit(o)) && !o->after_key);
    if (comma_due(o))
        add(o, ",", 1);
    add(o, members, n);
}

void nf_json_out_raw(struct nf_json_out *o, const char *json, size_t n)
{
    if (begin_value(o))
        add(o, json, n);
}

static void out_word(struct nf_json_out *o, const char *word)
{
    nf_json_out_raw(o, word, strlen(word));
}

void nf_json_out_str(struct nf_json_out *o, const char *s)
{
    if (s)
        nf_json_out_strn(o, s, strlen(s));
    else
        nf_json_out_null(o);
}

void nf_json_out_strn(struct nf_json_out *o, const char *s, size_t n)
{
    static const struct around quotes = { "\"", "\"", 1, 1 };
    if (begin_value(o))
        add_string(o, s, n, &quotes);
}

void nf_json_out_around(struct nf_json_out *o, struct nf_slice begin, struct nf_slice s,
                        struct nf_slice end)
{
    const struct around a = { begin.p, end.p, begin.n, end.n };
    if (begin_value(o))
        add_string(o, s.p, s.n, &a);
}

enum nf_code nf_json_add_around(struct nf_str *to, struct nf_slice begin, struct nf_slice s,
                                struct nf_slice end, struct nf_err *err)
{
    struct nf_json_out o;
    if (!nf_json_is_plain(s.p, s.n)) {
        nf_json_begin_doc(&o, to);
        nf_json_out_around(&o, begin, s, end);
        return nf_json_end_doc(&o, err);
    }
    NF_TRY(nf_str_reserve(to, begin.n + s.n + end.n, err));
    char *p = to->p + to->len;
    memcpy(p, begin.p, begin.n);
    memcpy(p + begin.n, s.p, s.n);
    memcpy(p + begin.n + s.n, end.p, end.n);
    to->len += begin.n + s.n + end.n;
    to->p[to->len] = '\0';
    return NF_OK;
}

void nf_json_out_i64(struct nf_json_out *o, int64_t v)
{
    char text[24], *p = text + sizeof(text);
    uint64_t left = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    do
        *--p = (char)('0' + left % 10);
    while ((left /= 10) > 0);
    if (v < 0)
        *--p = '-';
    nf_json_out_raw(o, p, (size_t)(text + sizeof(text) - p));
}

void nf_json_out_f64(struct nf_json_out *o, double v)
{
    char text[40] = "null";
    if (isfinite(v))
        for (int digits = 15; digits <= 17; digits++) {
            (void)snprintf(text, sizeof(text), "%.*g", digits, v);
            if (strtod(text, NULL) == v)
                break;
        }
    out_word(o, text);
}

void nf_json_out_bool(struct nf_json_out *o, bool v)
{
    out_word(o, v ? "true" : "false");
}

void nf_json_out_null(struct nf_json_out *o)
{
    out_word(o, "null");
}

void nf_json_put_str(struct nf_json_out *o, const char *key, const char *s)
{
    if (!s)
        return;
    nf_json_out_key(o, key);
    nf_json_out_str(o, s);
}

void nf_json_put_i64(struct nf_json_out *o, const char *key, int64_t v)
{
    nf_json_out_key(o, key);
    nf_json_out_i64(o, v);
}

void nf_json_put_bool(struct nf_json_out *o, const char *key, bool v)
{
    nf_json_out_key(o, key);
    nf_json_out_bool(o, v);
}
