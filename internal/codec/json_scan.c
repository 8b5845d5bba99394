#include "codec/json_scan.h"

#include "base/utf8.h"
#include "codec/json.h"

#include <stdlib.h>
#include <string.h>

/* Up to 15 significant digits survive the way through a double. */
#define DIGITS_EXACT 15

enum expect { VALUE, VALUE_OR_END, KEY, KEY_OR_END, COMMA_OR_END, NOTHING };

static int depth_max = NF_JSON_DEPTH_MAX;

void nf_json_set_depth(int depth)
{
    assert(depth >= 1 && depth <= NF_JSON_DEPTH_MAX);
    depth_max = depth;
}

struct scan {
    const char *p;
    size_t n, at;
    enum expect expect;
    int depth;
    uint64_t is_array; /* a bit per depth */
    size_t values;
    uint32_t numbers;
    struct nf_json_numbers *noted;
    struct nf_err *err;
};

void nf_json_numbers_done(struct nf_json_numbers *numbers)
{
    free(numbers->v);
    *numbers = (struct nf_json_numbers){ 0 };
}

static enum nf_code bad(const struct scan *s, const char *what)
{
    return nf_err_set(s->err, NF_E_INVALID, "not JSON at byte %zu: %s", s->at, what);
}

/* The byte at s->at + ahead, 0 at the end: no rule below accepts a 0. */
static char peek(const struct scan *s, size_t ahead)
{
    if (ahead >= s->n - s->at)
        return '\0';
    return s->p[s->at + ahead];
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int hex(char c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The number of a \uXXXX that begins at s->at, -1 if there is none. */
static int unicode_escape(const struct scan *s)
{
    int code = 0;
    if (peek(s, 0) != '\\' || peek(s, 1) != 'u')
        return -1;
    for (size_t i = 2; i < 6; i++) {
        int digit = hex(peek(s, i));
        if (digit < 0)
            return -1;
        code = code * 16 + digit;
    }
    return code;
}

static enum nf_code scan_unicode(struct scan *s)
{
    int code = unicode_escape(s);
    if (code < 0)
        return bad(s, "\\u needs four hexadecimal digits");
    if (code == 0)
        return bad(s, "\\u0000 is not supported");
    if (code < 0xd800 || code > 0xdfff) {
        s->at += 6;
        return NF_OK;
    }
    s->at += 6;
    int low = code <= 0xdbff ? unicode_escape(s) : -1;
    if (low < 0xdc00 || low > 0xdfff)
        return bad(s, "half a surrogate pair");
    s->at += 6;
    return NF_OK;
}

static enum nf_code scan_escape(struct scan *s)
{
    switch (peek(s, 1)) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        s->at += 2;
        return NF_OK;
    case 'u':
        return scan_unicode(s);
    default:
        return bad(s, "unknown escape");
    }
}

static enum nf_code scan_string(struct scan *s)
{
    s->at++;
    while (s->at < s->n) {
        unsigned char c = (unsigned char)s->p[s->at];
        if (c == '"') {
            s->at++;
            return NF_OK;
        }
        if (c == '\\')
            NF_TRY(scan_escape(s));
        else if (c < 0x20)
            return bad(s, "control character in a string");
        else
            s->at++;
    }
    return bad(s, "string without an end");
}

static size_t scan_digits(struct scan *s)
{
    size_t from = s->at;
    while (is_digit(peek(s, 0)))
        s->at++;
    return s->at - from;
}

static enum nf_code note_number(struct scan *s, size_t from)
{
    struct nf_json_numbers *noted = s->noted;
    if (noted->n == noted->cap) {
        size_t cap = noted->cap ? noted->cap * 2 : 8;
        struct nf_json_number *v = realloc(noted->v, cap * sizeof(*v));
        if (!v)
            return nf_err_set(s->err, NF_E_NOMEM, "out of memory");
        noted->v = v;
        noted->cap = cap;
    }
    noted->v[noted->n++] = (struct nf_json_number){ .index = s->numbers,
                                                    .at = (uint32_t)from,
                                                    .n = (uint32_t)(s->at - from) };
    return NF_OK;
}

static enum nf_code scan_number(struct scan *s)
{
    size_t from = s->at;
    bool exponent = false;
    if (peek(s, 0) == '-')
        s->at++;
    bool zero = peek(s, 0) == '0';
    size_t digits = scan_digits(s);
    if (digits == 0 || (zero && digits > 1))
        return bad(s, zero ? "number with a leading zero" : "unexpected character");
    if (peek(s, 0) == '.') {
        s->at++;
        if (scan_digits(s) == 0)
            return bad(s, "digit expected");
    }
    if (peek(s, 0) == 'e' || peek(s, 0) == 'E') {
        exponent = true;
        s->at++;
        if (peek(s, 0) == '+' || peek(s, 0) == '-')
            s->at++;
        if (scan_digits(s) == 0)
            return bad(s, "digit expected");
    }
    if (s->at - from > NF_JSON_NUMBER_MAX)
        return nf_err_set(s->err, NF_E_LIMIT, "JSON number at byte %zu over %d characters", from,
                          NF_JSON_NUMBER_MAX);
    if (exponent || s->at - from > DIGITS_EXACT)
        NF_TRY(note_number(s, from));
    s->numbers++;
    return NF_OK;
}

static enum nf_code scan_word(struct scan *s, const char *word)
{
    size_t n = strlen(word);
    if (s->n - s->at < n || memcmp(s->p + s->at, word, n) != 0)
        return bad(s, "unexpected character");
    s->at += n;
    return NF_OK;
}

static enum nf_code scan_open(struct scan *s, bool array)
{
    if (s->depth == depth_max)
        return nf_err_set(s->err, NF_E_LIMIT, "JSON nested deeper than %d", depth_max);
    s->is_array = s->is_array << 1 | array;
    s->depth++;
    s->at++;
    s->expect = array ? VALUE_OR_END : KEY_OR_END;
    return NF_OK;
}

static void value_ends(struct scan *s)
{
    s->expect = s->depth > 0 ? COMMA_OR_END : NOTHING;
}

/* The top bits of is_array are lost by the shifts, but never those within the limit: 64 of them. */
static void scan_close(struct scan *s)
{
    s->at++;
    s->depth--;
    s->is_array >>= 1;
    value_ends(s);
}

static enum nf_code scan_value(struct scan *s)
{
    if (++s->values > NF_JSON_VALUES_MAX)
        return nf_err_set(s->err, NF_E_LIMIT, "JSON of more than %d values", NF_JSON_VALUES_MAX);
    switch (peek(s, 0)) {
    case '{':
        return scan_open(s, false);
    case '[':
        return scan_open(s, true);
    case '"':
        NF_TRY(scan_string(s));
        break;
    case 't':
        NF_TRY(scan_word(s, "true"));
        break;
    case 'f':
        NF_TRY(scan_word(s, "false"));
        break;
    case 'n':
        NF_TRY(scan_word(s, "null"));
        break;
    default:
        NF_TRY(scan_number(s));
    }
    value_ends(s);
    return NF_OK;
}

static void skip_blanks(struct scan *s)
{
    while (s->at < s->n && (s->p[s->at] == ' ' || s->p[s->at] == '\n' || s->p[s->at] == '\r' ||
                            s->p[s->at] == '\t'))
        s->at++;
}

static enum nf_code scan_key(struct scan *s)
{
    if (peek(s, 0) != '"')
        return bad(s, "a member's name expected");
    NF_TRY(scan_string(s));
    skip_blanks(s);
    if (peek(s, 0) != ':')
        return bad(s, "':' expected");
    s->at++;
    s->expect = VALUE;
    return NF_OK;
}

static enum nf_code scan_step(struct scan *s)
{
    bool array = s->is_array & 1;
    char c = peek(s, 0);
    switch (s->expect) {
    case VALUE_OR_END:
        if (c == ']') {
            scan_close(s);
            return NF_OK;
        }
        return scan_value(s);
    case VALUE:
        return scan_value(s);
    case KEY_OR_END:
        if (c == '}') {
            scan_close(s);
            return NF_OK;
        }
        return scan_key(s);
    case KEY:
        return scan_key(s);
    case COMMA_OR_END:
        if (c == (array ? ']' : '}')) {
            scan_close(s);
            return NF_OK;
        }
        if (c != ',')
            return bad(s, array ? "',' or ']' expected" : "',' or '}' expected");
        s->at++;
        s->expect = array ? VALUE : KEY;
        return NF_OK;
    default:
        return bad(s, "more after the value");
    }
}

enum nf_code nf_json_scan(const char *p, size_t n, struct nf_json_numbers *ret, struct nf_err *err)
{
    struct scan s = { .p = p, .n = n, .expect = VALUE, .noted = ret, .err = err };
    assert(n <= UINT32_MAX);
    if (!nf_utf8_valid(p, n))
        return nf_err_set(err, NF_E_INVALID, "not JSON: invalid UTF-8");
    for (skip_blanks(&s); s.at < n; skip_blanks(&s))
        NF_TRY(scan_step(&s));
    return s.expect == NOTHING ? NF_OK : bad(&s, "it ends too early");
}
