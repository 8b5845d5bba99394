#include "http/head.h"

#include <string.h>

enum { TOKEN = 1, TARGET = 2, HOST = 4 };

/* RFC 9110 section 5.6.2 (tchar); RFC 3986: pchar, "/", "?" and "%" in a target; the same without
 * "/", "?" and "@" but with brackets in a host. */
#define ALNUM (TOKEN | TARGET | HOST)
static const uint8_t class[256] = {
    ['0' ... '9'] = ALNUM, ['A' ... 'Z'] = ALNUM, ['a' ... 'z'] = ALNUM, ['-'] = ALNUM,
    ['.'] = ALNUM,         ['_'] = ALNUM,         ['~'] = ALNUM,         ['!'] = ALNUM,
    ['$'] = ALNUM,         ['&'] = ALNUM,         ['\''] = ALNUM,        ['*'] = ALNUM,
    ['+'] = ALNUM,         ['%'] = ALNUM,         ['#'] = TOKEN,         ['^'] = TOKEN,
    ['`'] = TOKEN,         ['|'] = TOKEN,         ['('] = TARGET | HOST, [')'] = TARGET | HOST,
    [','] = TARGET | HOST, [';'] = TARGET | HOST, ['='] = TARGET | HOST, [':'] = TARGET | HOST,
    ['@'] = TARGET,        ['/'] = TARGET,        ['?'] = TARGET,        ['['] = HOST,
    [']'] = HOST,
};

static bool is_of(char c, uint8_t kind)
{
    return class[(uint8_t)c] & kind;
}

/* By fours: a head is mostly such runs, and asking for its end each time is a good part of them. */
static size_t run_of(const char *p, size_t n, uint8_t kind)
{
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        if (!is_of(p[i], kind))
            return i;
        if (!is_of(p[i + 1], kind))
            return i + 1;
        if (!is_of(p[i + 2], kind))
            return i + 2;
        if (!is_of(p[i + 3], kind))
            return i + 3;
    }
    while (i < n && is_of(p[i], kind))
        i++;
    return i;
}

bool nf_httpd_is_token(struct nf_slice s)
{
    return s.n > 0 && run_of(s.p, s.n, TOKEN) == s.n;
}

static const bool value_byte[256] = {
    ['\t'] = true,
    [0x20 ... 0x7e] = true,
    [0x80 ... 0xff] = true,
};

/* Eight bytes at a time: none below 0x20 and none that is 0x7f. */
static bool is_plain(const char *p)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
    uint64_t w, del;
    memcpy(&w, p, 8);
    del = w ^ (ones * 0x7f);
    return !((((w - ones * 0x20) & ~w) | ((del - ones) & ~del)) & tops);
}

/* How many bytes a value may have come first. */
static size_t value_run(const char *p, size_t n)
{
    size_t i = 0;
    for (;;) {
        while (i + 8 <= n && is_plain(p + i))
            i += 8;
        /* Its end, or a tab and more of it. */
        size_t stop = i + 8 < n ? i + 8 : n;
        while (i < stop && value_byte[(uint8_t)p[i]])
            i++;
        if (i < stop || i == n)
            return i;
    }
}

bool nf_httpd_is_value(struct nf_slice s)
{
    return value_run(s.p, s.n) == s.n;
}

bool nf_httpd_list_has(struct nf_slice list, const char *element)
{
    while (list.n > 0) {
        const char *comma = memchr(list.p, ',', list.n);
        size_t n = comma ? (size_t)(comma - list.p) : list.n;
        if (nf_slice_ieq(nf_slice_trim((struct nf_slice){ list.p, n }), element))
            return true;
        n += comma ? 1 : 0;
        list.p += n;
        list.n -= n;
    }
    return false;
}

ssize_t nf_httpd_head_scan(const char *p, size_t n, size_t *scanned)
{
    size_t at = *scanned;
    for (;;) {
        const char *lf = at < n ? memchr(p + at, '\n', n - at) : NULL;
        if (!lf)
            break;
        size_t i = (size_t)(lf - p);
        if (i == 0 || p[i - 1] != '\r')
            return -1;
        at = i + 1;
        if (i >= 3 && p[i - 2] == '\n') {
            *scanned = at;
            return (ssize_t)at;
        }
    }
    *scanned = n;
    return 0;
}

/* --- parsing --------------------------------------------------------------------------------- */

struct parser {
    const char *base, *p, *end;
    struct nf_httpd_head *h;
    const char *why;
};

static int refuse(struct parser *s, int status, const char *why)
{
    s->why = why;
    return status;
}

static struct nf_httpd_span span(const struct parser *s, const char *p, size_t n)
{
    return (struct nf_httpd_span){ (uint16_t)(p - s->base), (uint16_t)n };
}

static size_t left(const struct parser *s)
{
    return (size_t)(s->end - s->p);
}

static int request_line(struct parser *s, size_t target_max)
{
    size_t n = run_of(s->p, left(s), TOKEN);
    if (n == 0 || n > NF_HTTPD_METHOD_MAX || n == left(s) || s->p[n] != ' ')
        return refuse(s, 400, "request line: bad method");
    s->h->method = span(s, s->p, n);
    s->p += n + 1;

    n = run_of(s->p, left(s), TARGET);
    if (n > target_max)
        return refuse(s, 414, "target too long");
    if (n == 0 || n == left(s) || s->p[n] != ' ')
        return refuse(s, 400, "request line: bad target");
    s->h->target = span(s, s->p, n);
    s->p += n + 1;

    if (left(s) < 10 || memcmp(s->p, "HTTP/1.", 7) != 0 || (s->p[7] != '0' && s->p[7] != '1') ||
        s->p[8] != '\r' || s->p[9] != '\n')
        return refuse(s, 400, "request line: version must be HTTP/1.1 or HTTP/1.0");
    s->h->http10 = s->p[7] == '0';
    s->p += 10;
    return 0;
}

static int content_length(struct parser *s, struct nf_slice v)
{
    if (s->h->content_length >= 0)
        return refuse(s, 400, "Content-Length twice");
    if (!nf_slice_u63(v, &s->h->content_length))
        return refuse(s, 400, "Content-Length must be digits");
    return 0;
}

static int transfer_encoding(struct parser *s, struct nf_slice v)
{
    if (s->h->chunked || !nf_slice_ieq(v, "chunked"))
        return refuse(s, 400, "Transfer-Encoding must be a single chunked");
    s->h->chunked = true;
    return 0;
}

static int host(struct parser *s, struct nf_slice v)
{
    if (s->h->has_host)
        return refuse(s, 400, "Host twice");
    if (run_of(v.p, v.n, HOST) != v.n)
        return refuse(s, 400, "Host has bytes outside the grammar");
    s->h->has_host = true;
    s->h->host = span(s, v.p, v.n);
    return 0;
}

static int expect(struct parser *s, struct nf_slice v)
{
    if (s->h->has_expect || !nf_slice_ieq(v, "100-continue"))
        return refuse(s, 417, "Expect must be 100-continue");
    s->h->has_expect = true;
    return 0;
}

static void connection(struct nf_httpd_head *h, struct nf_slice v)
{
    h->connection_close |= nf_httpd_list_has(v, "close");
    h->connection_upgrade |= nf_httpd_list_has(v, "upgrade");
}

/* The headers that decide where this request ends. */
static int framing(struct parser *s, struct nf_slice name, struct nf_slice value)
{
    switch (name.n) {
    case 4:
        return nf_slice_ieq(name, "host") ? host(s, value) : 0;
    case 6:
        return nf_slice_ieq(name, "expect") ? expect(s, value) : 0;
    case 10:
        if (nf_slice_ieq(name, "connection"))
            connection(s->h, value);
        return 0;
    case 14:
        return nf_slice_ieq(name, "content-length") ? content_length(s, value) : 0;
    case 17:
        return nf_slice_ieq(name, "transfer-encoding") ? transfer_encoding(s, value) : 0;
    default:
        return 0;
    }
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static int field(struct parser *s, size_t fields_max)
{
    size_t n = run_of(s->p, left(s), TOKEN);
    if (n == 0 || n == left(s) || s->p[n] != ':')
        return refuse(s, 400, "header: bad name, blank before the colon, or folded line");
    struct nf_slice name = { s->p, n };
    s->p += n + 1;

    while (s->p < s->end && is_blank(*s->p))
        s->p++;
    n = value_run(s->p, left(s));
    struct nf_slice value = { s->p, n };
    s->p += n;
    if (left(s) > 0 && *s->p != '\r')
        return refuse(s, 400, "header: control character in a value");
    if (left(s) < 2 || s->p[1] != '\n')
        return refuse(s, 400, "header: bare CR");
    s->p += 2;
    while (value.n > 0 && is_blank(value.p[value.n - 1]))
        value.n--;

    if (s->h->fields_n >= fields_max || s->h->fields_n >= NF_HTTPD_FIELDS_MAX)
        return refuse(s, 431, "too many headers");
    s->h->fields[s->h->fields_n++] =
        (struct nf_httpd_field){ span(s, name.p, name.n), span(s, value.p, value.n) };
    return framing(s, name, value);
}

static int check_whole(struct parser *s)
{
    struct nf_httpd_head *h = s->h;
    if (!h->http10 && !h->has_host)
        return refuse(s, 400, "Host missing");
    if (h->chunked && h->content_length >= 0)
        return refuse(s, 400, "Content-Length beside Transfer-Encoding");
    if (h->chunked && h->http10)
        return refuse(s, 400, "Transfer-Encoding in HTTP/1.0");
    h->keep_alive = !h->http10 && !h->connection_close;
    h->expect_continue = h->has_expect && !h->http10;
    return 0;
}

static int parse(struct parser *s, const struct nf_httpd_head_limits *l)
{
    /* RFC 9112 section 2.2: one empty line before the request is forgiven. */
    if (left(s) >= 2 && s->p[0] == '\r' && s->p[1] == '\n')
        s->p += 2;
    int status = request_line(s, l->target_max);
    while (status == 0 && left(s) > 2)
        status = field(s, l->fields_max);
    if (status)
        return status;
    if (left(s) != 2 || s->p[0] != '\r' || s->p[1] != '\n')
        return refuse(s, 400, "head does not end with an empty line");
    return check_whole(s);
}

int nf_httpd_head_parse(const char *p, size_t n, const struct nf_httpd_head_limits *l,
                        struct nf_httpd_head *h, const char **why)
{
    assert(n <= NF_HTTPD_HEAD_MAX);
    struct parser s = { .base = p, .p = p, .end = p + n, .h = h, .why = "" };
    /* The fields are not cleared: fields_n tells how many count. */
    memset(h, 0, offsetof(struct nf_httpd_head, fields));
    h->content_length = -1;
    int status = parse(&s, l);
    *why = s.why;
    return status;
}
