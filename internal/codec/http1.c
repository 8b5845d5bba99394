#include "codec/http1.h"

#include <string.h>

size_t nf_http1_head_end(const char *p, size_t n, size_t *scanned)
{
    for (size_t at = *scanned; at < n; at++) {
        const char *lf = memchr(p + at, '\n', n - at);
        if (!lf)
            break;
        at = (size_t)(lf - p);
        *scanned = at;
        if (at + 1 < n && p[at + 1] == '\n')
            return at + 2;
        if (at + 2 < n && p[at + 1] == '\r' && p[at + 2] == '\n')
            return at + 3;
        if (at + 2 >= n)
            return 0; /* the empty line may be on its way: look at this one again */
    }
    *scanned = n;
    return 0;
}

/* --- the head --------------------------------------------------------------------------------- */

struct parser {
    struct nf_http1_head *h;
    bool http10, has_length, has_coding, chunked;
    bool close, keep;
    struct nf_err *err;
};

static enum nf_code bad(const struct parser *s, const char *what)
{
    return nf_err_set(s->err, NF_E_UNAVAILABLE, "%s", what);
}

/* "HTTP/1.1 200 OK", the reason may be missing. */
static NF_RC status_line(struct parser *s, struct nf_slice line)
{
    int64_t status;
    if (line.n < 12 || memcmp(line.p, "HTTP/1.", 7) != 0 ||
        (line.p[7] != '0' && line.p[7] != '1') || line.p[8] != ' ' ||
        !nf_slice_u63((struct nf_slice){ line.p + 9, 3 }, &status) || status < 100 ||
        (line.n > 12 && line.p[12] != ' '))
        return bad(s, "the server does not speak HTTP/1.1");
    s->http10 = line.p[7] == '0';
    s->h->status = (int)status;
    return NF_OK;
}

static NF_RC add_text(struct parser *s, struct nf_slice text)
{
    NF_TRY(nf_str_reserve(&s->h->fields, text.n + 1, s->err));
    NF_TRY(nf_str_add(&s->h->fields, text.p, text.n, s->err));
    return nf_str_add(&s->h->fields, "", 1, s->err);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* A CR that ends no line is a blank (RFC 9112 section 2.2). */
static NF_RC add_value(struct parser *s, struct nf_slice value)
{
    size_t at = s->h->fields.len;
    while (value.n > 0 && is_blank(value.p[value.n - 1]))
        value.n--;
    for (; value.n > 0 && is_blank(value.p[0]); value.n--)
        value.p++;
    NF_TRY(add_text(s, value));
    for (char *p = s->h->fields.p + at; (p = strchr(p, '\r'));)
        *p = ' ';
    return NF_OK;
}

/* A line that begins with a blank continues the header before (RFC 9112 section 5.2). */
static NF_RC continue_field(struct parser *s, struct nf_slice line)
{
    struct nf_str *to = &s->h->fields;
    if (s->h->fields_n == 0)
        return bad(s, "the head of the response begins with a blank");
    if (nf_slice_trim(line).n == 0)
        return NF_OK;
    if (to->p[to->len - 2] == '\0') /* it has no value so far */
        to->len--;
    else
        to->p[to->len - 1] = ' ';
    return add_value(s, line);
}

static NF_RC field(struct parser *s, struct nf_slice line)
{
    const char *colon = memchr(line.p, ':', line.n);
    if (line.p[0] == ' ' || line.p[0] == '\t')
        return continue_field(s, line);
    if (++s->h->fields_n > NF_HTTP1_HEADERS_MAX)
        return nf_err_set(s->err, NF_E_LIMIT, "the head of the response has over %d headers",
                          NF_HTTP1_HEADERS_MAX);
    if (!colon || colon == line.p)
        return bad(s, "a header of the response has no name");
    /* Taken as a part of the name by one, not by another (RFC 9112 section 5.1). */
    if (is_blank(colon[-1]))
        return bad(s, "a header of the response has a blank before its colon");
    size_t n = (size_t)(colon - line.p);
    NF_TRY(add_text(s, (struct nf_slice){ line.p, n }));
    return add_value(s, (struct nf_slice){ colon + 1, line.n - n - 1 });
}

static NF_RC lines(struct parser *s, const char *p, size_t n)
{
    for (bool first = true; n > 0; first = false) {
        const char *lf = memchr(p, '\n', n);
        size_t whole = lf ? (size_t)(lf - p) + 1 : n;
        struct nf_slice line = { p, lf ? whole - 1 : n };
        if (line.n > 0 && line.p[line.n - 1] == '\r')
            line.n--;
        if (first)
            NF_TRY(status_line(s, line));
        else if (line.n > 0)
            NF_TRY(field(s, line));
        p += whole;
        n -= whole;
    }
    return NF_OK;
}

static bool list_has(struct nf_slice list, const char *element)
{
    while (list.n > 0) {
        const char *comma = memchr(list.p, ',', list.n);
        size_t n = comma ? (size_t)(comma - list.p) : list.n;
        if (nf_slice_ieq(nf_slice_trim((struct nf_slice){ list.p, n }), element))
            return true;
        n += comma != NULL;
        list = (struct nf_slice){ list.p + n, list.n - n };
    }
    return false;
}

/* What decides where the response ends. */
static NF_RC framing_field(struct parser *s, const char *name, struct nf_slice value)
{
    struct nf_slice of = nf_slice_of(name);
    int64_t length;
    if (nf_slice_ieq(of, "content-length")) {
        if (!nf_slice_u63(value, &length))
            return bad(s, "Content-Length of the response is no number");
        if (s->has_length && length != s->h->length)
            return bad(s, "the response has two lengths");
        s->has_length = true;
        s->h->length = length;
    } else if (nf_slice_ieq(of, "transfer-encoding")) {
        if (s->chunked || (!nf_slice_ieq(value, "chunked") && !nf_slice_ieq(value, "identity")))
            return bad(s, "the response has a transfer coding that was not asked for");
        s->has_coding = true;
        s->chunked = nf_slice_ieq(value, "chunked");
    } else if (nf_slice_ieq(of, "connection")) {
        s->close = s->close || list_has(value, "close");
        s->keep = s->keep || list_has(value, "keep-alive");
    }
    return NF_OK;
}

/* RFC 9112 section 6.3, and 6.1 for HTTP/1.0, which has no transfer codings. */
static void frame(struct parser *s, bool no_body)
{
    struct nf_http1_head *h = s->h;
    h->keep_alive = !s->close && (!s->http10 || s->keep);
    if (no_body || h->status < 200 || h->status == 204 || h->status == 304) {
        h->framing = NF_HTTP1_NONE;
    } else if (s->chunked) {
        h->framing = NF_HTTP1_CHUNKED;
        h->keep_alive = h->keep_alive && !s->has_length && !s->http10;
    } else if (s->has_length) {
        h->framing = NF_HTTP1_LENGTH;
        h->keep_alive = h->keep_alive && !s->has_coding;
    } else {
        h->framing = NF_HTTP1_CLOSE;
        h->keep_alive = false;
    }
    if (h->status == 101) /* nobody asked for another protocol */
        h->keep_alive = false;
}

NF_RC nf_http1_head_parse(const char *p, size_t n, bool no_body, struct nf_http1_head *ret,
                          struct nf_err *err)
{
    struct parser s = { .h = ret, .err = err };
    if (memchr(p, '\0', n))
        return bad(&s, "the head of the response contains a NUL");
    NF_TRY(lines(&s, p, n));
    for (size_t at = 0; at < ret->fields.len;) {
        const char *name = ret->fields.p + at, *value = name + strlen(name) + 1;
        struct nf_slice text = nf_slice_of(value);
        NF_TRY(framing_field(&s, name, text));
        at += strlen(name) + 1 + text.n + 1;
    }
    frame(&s, no_body);
    return NF_OK;
}

void nf_http1_head_done(struct nf_http1_head *h)
{
    nf_str_done(&h->fields);
    *h = (struct nf_http1_head){ 0 };
}

const char *nf_http1_field(const struct nf_http1_head *h, const char *name)
{
    const char *p = nf_str_c(&h->fields), *end = p + h->fields.len;
    while (p < end) {
        const char *value = p + strlen(p) + 1;
        if (nf_slice_ieq(nf_slice_of(p), name))
            return value;
        p = value + strlen(value) + 1;
    }
    return NULL;
}

bool nf_http1_field_at(const struct nf_http1_head *h, size_t i, const char **name,
                       const char **value)
{
    const char *p = nf_str_c(&h->fields), *end = p + h->fields.len;
    while (p < end) {
        *name = p;
        *value = p + strlen(p) + 1;
        if (i-- == 0)
            return true;
        p = *value + strlen(*value) + 1;
    }
    return false;
}

/* --- the body --------------------------------------------------------------------------------- */

void nf_http1_body_begin(struct nf_http1_body *b, const struct nf_http1_head *h)
{
    *b = (struct nf_http1_body){ .framing = h->framing,
                                 .left = h->length,
                                 .chunked.long_lived = true };
    b->ended = h->framing == NF_HTTP1_NONE || (h->framing == NF_HTTP1_LENGTH && h->length == 0);
}

NF_RC nf_http1_body_decode(struct nf_http1_body *b, char *p, size_t n, size_t *used, size_t *out,
                           struct nf_err *err)
{
    *used = *out = 0;
    if (b->ended)
        return NF_OK;
    if (b->framing == NF_HTTP1_CHUNKED) {
        enum nf_chunked_result r = nf_chunked_decode(&b->chunked, p, n, used, out, SIZE_MAX);
        if (r == NF_CHUNKED_BAD)
            return nf_err_set(err, NF_E_UNAVAILABLE, "the body of the response is not in chunks");
        b->ended = r == NF_CHUNKED_DONE;
        return NF_OK;
    }
    *used = b->framing == NF_HTTP1_LENGTH && (int64_t)n > b->left ? (size_t)b->left : n;
    *out = *used;
    b->left -= (int64_t)*used;
    b->ended = b->framing == NF_HTTP1_LENGTH && b->left == 0;
    return NF_OK;
}

bool nf_http1_body_end(struct nf_http1_body *b)
{
    b->ended = b->ended || b->framing == NF_HTTP1_CLOSE;
    return b->ended;
}
