/* From text to tree in one pass, without recursion, with one copy of the text. */
#include "base/own.h"
#include "base/utf8.h"
#include "codec/json_tree.h"

#include <stdlib.h>
#include <string.h>

enum expect { VALUE, VALUE_OR_END, KEY, KEY_OR_END, COMMA_OR_END, NOTHING };

static int depth_max = NF_JSON_DEPTH_MAX;

void nf_json_set_depth(int depth)
{
    assert(depth >= 1 && depth <= NF_JSON_DEPTH_MAX);
    depth_max = depth;
}

/* A container that is not closed yet. */
struct open {
    uint32_t at, last; /* where it stands, and its newest child, 0: none */
    bool array;
};

/* Of the string at hand. */
struct halves {
    uint16_t first, last;
    const char *last_end; /* where the newest one ends */
};

struct parser {
    struct nf_json_doc *doc;
    char *p;
    size_t n, at;
    enum expect expect;
    const char *key; /* of the value to come */
    bool piece;      /* halves of surrogate pairs are let through */
    struct halves halves;
    struct open *open; /* room for NF_JSON_DEPTH_MAX */
    int depth;
    struct nf_err *err;
};

static enum nf_code bad(const struct parser *s, const char *what)
{
    return nf_err_set(s->err, NF_E_INVALID, "not JSON at byte %zu: %s", s->at, what);
}

/* The next byte, 0 at the end: the text has one behind it, and no rule below accepts it. */
static char here(const struct parser *s)
{
    return s->p[s->at];
}

static char ahead(const struct parser *s, size_t n)
{
    if (n >= s->n - s->at)
        return '\0';
    return s->p[s->at + n];
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* --- values ----------------------------------------------------------------------------------- */

static enum nf_code grow(struct parser *s)
{
    struct nf_json_doc *d = s->doc;
    if (d->n == NF_JSON_VALUES_MAX)
        return nf_err_set(s->err, NF_E_LIMIT, "JSON of more than %d values", NF_JSON_VALUES_MAX);
    size_t cap = d->cap * 2;
    if (cap > NF_JSON_VALUES_MAX)
        cap = NF_JSON_VALUES_MAX;
    bool moves = d->v == d->first;
    struct nf_json *v = realloc(moves ? NULL : d->v, cap * sizeof(*v));
    if (!v)
        return nf_err_set(s->err, NF_E_NOMEM, "out of memory for JSON of %zu values", cap);
    if (moves)
        memcpy(v, d->first, sizeof(d->first));
    d->v = v;
    d->cap = cap;
    return NF_OK;
}

static inline enum nf_code add(struct parser *s, enum nf_json_type type, const char *text, size_t n)
{
    struct nf_json_doc *d = s->doc;
    if (d->n == d->cap)
        NF_TRY(grow(s));
    d->v[d->n] = (struct nf_json){
        .key = s->key, .text = text, .n = (uint32_t)n, .size = 1, .type = (uint8_t)type
    };
    s->key = NULL;
    if (s->depth > 0)
        s->open[s->depth - 1].last = (uint32_t)d->n;
    d->n++;
    s->expect = s->depth > 0 ? COMMA_OR_END : NOTHING;
    return NF_OK;
}

static enum nf_code open_container(struct parser *s, bool array)
{
    if (s->depth == depth_max)
        return nf_err_set(s->err, NF_E_LIMIT, "JSON nested deeper than %d", depth_max);
    NF_TRY(add(s, array ? NF_JSON_ARRAY : NF_JSON_OBJECT, NULL, 0));
    s->open[s->depth++] = (struct open){ .at = (uint32_t)s->doc->n - 1, .array = array };
    s->at++;
    s->expect = array ? VALUE_OR_END : KEY_OR_END;
    return NF_OK;
}

static void close_container(struct parser *s)
{
    struct open o = s->open[--s->depth];
    struct nf_json *v = s->doc->v;
    v[o.at].size = (uint32_t)s->doc->n - o.at;
    if (o.last > 0)
        v[o.last].is_last = true;
    s->at++;
    s->expect = s->depth > 0 ? COMMA_OR_END : NOTHING;
}

/* --- strings ---------------------------------------------------------------------------------- */

static int hex(char c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The number of a \uXXXX that begins at s->at, -1 if there is none. */
static int unicode_escape(const struct parser *s)
{
    int code = 0;
    if (here(s) != '\\' || ahead(s, 1) != 'u')
        return -1;
    for (size_t i = 2; i < 6; i++) {
        int digit = hex(ahead(s, i));
        if (digit < 0)
            return -1;
        code = code * 16 + digit;
    }
    return code;
}

/* Write a character as UTF-8; where it ends. */
static char *put_character(char *to, int code)
{
    if (code < 0x80) {
        *to++ = (char)code;
        return to;
    }
    if (code < 0x800) {
        *to++ = (char)(0xc0 | code >> 6);
    } else {
        if (code < 0x10000) {
            *to++ = (char)(0xe0 | code >> 12);
        } else {
            *to++ = (char)(0xf0 | code >> 18);
            *to++ = (char)(0x80 | (code >> 12 & 0x3f));
        }
        *to++ = (char)(0x80 | (code >> 6 & 0x3f));
    }
    *to++ = (char)(0x80 | (code & 0x3f));
    return to;
}

/* Half a pair, of which U+FFFD takes the place. */
static void take_half(struct parser *s, const char *begin, char **to, int code)
{
    if (*to == begin)
        s->halves.first = (uint16_t)code;
    *to = put_character(*to, 0xfffd);
    s->halves.last = (uint16_t)code;
    s->halves.last_end = *to;
}

static enum nf_code take_unicode(struct parser *s, const char *begin, char **to)
{
    int code = unicode_escape(s);
    if (code < 0)
        return bad(s, "\\u needs four hexadecimal digits");
    if (code == 0)
        return bad(s, "\\u0000 is not supported");
    s->at += 6;
    if (code >= 0xd800 && code <= 0xdfff) {
        int low = code <= 0xdbff ? unicode_escape(s) : -1;
        if (low < 0xdc00 || low > 0xdfff) {
            if (!s->piece)
                return bad(s, "half a surrogate pair");
            take_half(s, begin, to, code);
            return NF_OK;
        }
        s->at += 6;
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    *to = put_character(*to, code);
    return NF_OK;
}

static enum nf_code take_escape(struct parser *s, const char *begin, char **to)
{
    static const char means[] = { ['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
                                  ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t' };
    unsigned char c = (unsigned char)ahead(s, 1);
    if (c == 'u')
        return take_unicode(s, begin, to);
    if (c >= sizeof(means) || !means[c])
        return bad(s, "unknown escape");
    *(*to)++ = means[c];
    s->at += 2;
    return NF_OK;
}

/* The string that begins at s->at, decoded in its place. */
static enum nf_code decode_string(struct parser *s, char **ret, size_t *n)
{
    char *begin = s->p + s->at + 1, *to = begin;
    bool ascii = true;
    s->at++;
    while (s->at < s->n) {
        char *from = s->p + s->at;
        size_t k = nf_json_run(from, s->n - s->at, ascii);
        if (to != from && k > 0)
            memmove(to, from, k);
        to += k;
        s->at += k;
        char c = here(s);
        if (c == '"') {
            if (!ascii && !nf_utf8_valid(begin, (size_t)(to - begin)))
                return bad(s, "invalid UTF-8");
            if (s->halves.last_end != to)
                s->halves.last = 0;
            s->at++;
            *to = '\0';
            *ret = begin;
            *n = (size_t)(to - begin);
            return NF_OK;
        }
        if (c == '\\')
            NF_TRY(take_escape(s, begin, &to));
        else if (c & 0x80)
            ascii = false; /* looked at as a whole, when it is */
        else if (s->at < s->n)
            return bad(s, "control character in a string");
    }
    return bad(s, "string without an end");
}

/* Most strings stand for themselves. */
static inline enum nf_code take_string(struct parser *s, char **ret, size_t *n)
{
    char *begin = s->p + s->at + 1;
    size_t k = nf_json_run(begin, s->n - s->at - 1, true);
    s->halves = (struct halves){ 0 };
    if (begin[k] != '"')
        return decode_string(s, ret, n);
    begin[k] = '\0';
    s->at += k + 2;
    *ret = begin;
    *n = k;
    return NF_OK;
}

/* --- other scalars ---------------------------------------------------------------------------- */

static size_t skip_digits(struct parser *s)
{
    size_t from = s->at;
    while (is_digit(here(s)))
        s->at++;
    return s->at - from;
}

static enum nf_code take_number(struct parser *s)
{
    size_t from = s->at;
    if (here(s) == '-')
        s->at++;
    bool zero = here(s) == '0';
    size_t digits = skip_digits(s);
    if (digits == 0 || (zero && digits > 1))
        return bad(s, zero ? "number with a leading zero" : "unexpected character");
    if (here(s) == '.') {
        s->at++;
        if (skip_digits(s) == 0)
            return bad(s, "digit expected");
    }
    if (here(s) == 'e' || here(s) == 'E') {
        s->at++;
        if (here(s) == '+' || here(s) == '-')
            s->at++;
        if (skip_digits(s) == 0)
            return bad(s, "digit expected");
    }
    if (s->at - from > NF_JSON_NUMBER_MAX)
        return nf_err_set(s->err, NF_E_LIMIT, "JSON number at byte %zu over %d characters", from,
                          NF_JSON_NUMBER_MAX);
    return add(s, NF_JSON_NUMBER, s->p + from, s->at - from);
}

static enum nf_code take_word(struct parser *s, const char *word, enum nf_json_type type)
{
    size_t n = strlen(word);
    if (s->n - s->at < n || memcmp(s->p + s->at, word, n) != 0)
        return bad(s, "unexpected character");
    NF_TRY(add(s, type, NULL, 0));
    s->doc->v[s->doc->n - 1].truth = word[0] == 't';
    s->at += n;
    return NF_OK;
}

/* --- the text --------------------------------------------------------------------------------- */

static enum nf_code take_value(struct parser *s)
{
    char *text = NULL;
    size_t n = 0;
    switch (here(s)) {
    case '{':
        return open_container(s, false);
    case '[':
        return open_container(s, true);
    case '"':
        NF_TRY(take_string(s, &text, &n));
        NF_TRY(add(s, NF_JSON_STRING, text, n));
        s->doc->v[s->doc->n - 1].first_half = s->halves.first;
        s->doc->v[s->doc->n - 1].last_half = s->halves.last;
        return NF_OK;
    case 't':
        return take_word(s, "true", NF_JSON_BOOL);
    case 'f':
        return take_word(s, "false", NF_JSON_BOOL);
    case 'n':
        return take_word(s, "null", NF_JSON_NULL);
    default:
        return take_number(s);
    }
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* False at the end of the text. */
static inline bool skip_blanks(struct parser *s)
{
    while (is_blank(here(s)))
        s->at++;
    return s->at < s->n;
}

/* A member's name, and its value if that is there. */
static inline enum nf_code take_member(struct parser *s)
{
    char *text = NULL;
    size_t n = 0;
    if (here(s) != '"')
        return bad(s, "a member's name expected");
    NF_TRY(take_string(s, &text, &n));
    (void)skip_blanks(s);
    if (here(s) != ':')
        return bad(s, "':' expected");
    s->at++;
    s->key = text;
    s->expect = VALUE;
    return skip_blanks(s) ? take_value(s) : NF_OK;
}

static enum nf_code take_item(struct parser *s, bool array)
{
    return array ? take_value(s) : take_member(s);
}

static enum nf_code take_comma_or_end(struct parser *s)
{
    bool array = s->open[s->depth - 1].array;
    char c = here(s);
    if (c == (array ? ']' : '}')) {
        close_container(s);
        return NF_OK;
    }
    if (c != ',')
        return bad(s, array ? "',' or ']' expected" : "',' or '}' expected");
    s->at++;
    s->expect = array ? VALUE : KEY;
    return skip_blanks(s) ? take_item(s, array) : NF_OK;
}

static enum nf_code step(struct parser *s)
{
    char c = here(s);
    switch (s->expect) {
    case COMMA_OR_END:
        return take_comma_or_end(s);
    case VALUE_OR_END:
    case KEY_OR_END:
        if (c != (s->expect == VALUE_OR_END ? ']' : '}'))
            return take_item(s, s->expect == VALUE_OR_END);
        close_container(s);
        return NF_OK;
    case VALUE:
        return take_value(s);
    case KEY:
        return take_member(s);
    default:
        return bad(s, "more after the value");
    }
}

/* The text is in the document already. */
static enum nf_code parse(struct nf_json_doc *d, size_t n, bool piece, struct nf_err *err)
{
    struct open open[NF_JSON_DEPTH_MAX];
    struct parser s = {
        .doc = d, .p = d->text, .n = n, .expect = VALUE, .piece = piece, .open = open, .err = err
    };
    while (skip_blanks(&s))
        NF_TRY(step(&s));
    if (s.expect != NOTHING)
        return bad(&s, "it ends too early");
    d->v[0].is_last = true;
    return NF_OK;
}

static NF_RC parse_copy(const char *p, size_t n, size_t max, bool piece, struct nf_json_doc **ret,
                        struct nf_err *err)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *d = NULL;
    if (max == 0)
        max = NF_JSON_BYTES_MAX;
    assert(max < UINT32_MAX);
    if (n > max)
        return nf_err_set(err, NF_E_LIMIT, "JSON over %zu bytes", max);
    d = malloc(sizeof(*d) + n + 1);
    if (!d)
        return nf_err_set(err, NF_E_NOMEM, "out of memory for JSON of %zu bytes", n);
    d->v = d->first;
    d->n = 0;
    d->cap = NF_JSON_FIRST;
    if (n > 0)
        memcpy(d->text, p, n);
    d->text[n] = '\0';
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): nf_json_freep frees it */
    NF_TRY(parse(d, n, piece, err));
    *ret = nf_take(d);
    return NF_OK;
}

enum nf_code nf_json_parse(const char *p, size_t n, size_t max, struct nf_json_doc **ret,
                           struct nf_err *err)
{
    return parse_copy(p, n, max, false, ret, err);
}

enum nf_code nf_json_parse_piece(const char *p, size_t n, struct nf_json_doc **ret,
                                 struct nf_err *err)
{
    return parse_copy(p, n, 0, true, ret, err);
}

bool nf_json_plain(const struct nf_json_doc *d, const struct nf_json *v, const char *text, size_t n,
                   struct nf_slice *ret)
{
    if (!v || v->type != NF_JSON_STRING)
        return false;
    size_t at = (size_t)(v->text - d->text);
    if (at >= n || v->n >= n - at || text[at + v->n] != '"' ||
        memcmp(text + at, v->text, v->n) != 0)
        return false;
    *ret = (struct nf_slice){ text + at, v->n };
    return true;
}

bool nf_json_plain_run(const char *p, size_t n, size_t *ret)
{
    size_t k = nf_json_run(p, n, true);
    *ret = k;
    if (k == n || (p[k] & 0x80) == 0)
        return true;
    size_t more = nf_json_run(p + k, n - k, false);
    *ret = k + more;
    return nf_utf8_valid(p + k, more);
}

bool nf_json_is_plain(const char *p, size_t n)
{
    size_t k;
    return nf_json_plain_run(p, n, &k) && k == n;
}

void nf_json_free(struct nf_json_doc *d)
{
    if (d && d->v != d->first)
        free(d->v);
    free(d);
}
