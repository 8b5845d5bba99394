#include "http/conn.h"

#include <string.h>
#include <strings.h>
#include <time.h>

#define TYPE_MAX 200 /* bytes of a content type */
#define HEAD_MAX 512 /* of what we write ourselves */

static const struct status {
    int code;
    const char *line;
} statuses[] = {
    { 200, "HTTP/1.1 200 OK\r\n" },
    { 201, "HTTP/1.1 201 Created\r\n" },
    { 202, "HTTP/1.1 202 Accepted\r\n" },
    { 204, "HTTP/1.1 204 No Content\r\n" },
    { 206, "HTTP/1.1 206 Partial Content\r\n" },
    { 301, "HTTP/1.1 301 Moved Permanently\r\n" },
    { 302, "HTTP/1.1 302 Found\r\n" },
    { 303, "HTTP/1.1 303 See Other\r\n" },
    { 304, "HTTP/1.1 304 Not Modified\r\n" },
    { 307, "HTTP/1.1 307 Temporary Redirect\r\n" },
    { 308, "HTTP/1.1 308 Permanent Redirect\r\n" },
    { 400, "HTTP/1.1 400 Bad Request\r\n" },
    { 401, "HTTP/1.1 401 Unauthorized\r\n" },
    { 402, "HTTP/1.1 402 Payment Required\r\n" },
    { 403, "HTTP/1.1 403 Forbidden\r\n" },
    { 404, "HTTP/1.1 404 Not Found\r\n" },
    { 405, "HTTP/1.1 405 Method Not Allowed\r\n" },
    { 406, "HTTP/1.1 406 Not Acceptable\r\n" },
    { 408, "HTTP/1.1 408 Request Timeout\r\n" },
    { 409, "HTTP/1.1 409 Conflict\r\n" },
    { 410, "HTTP/1.1 410 Gone\r\n" },
    { 411, "HTTP/1.1 411 Length Required\r\n" },
    { 412, "HTTP/1.1 412 Precondition Failed\r\n" },
    { 413, "HTTP/1.1 413 Content Too Large\r\n" },
    { 414, "HTTP/1.1 414 URI Too Long\r\n" },
    { 415, "HTTP/1.1 415 Unsupported Media Type\r\n" },
    { 417, "HTTP/1.1 417 Expectation Failed\r\n" },
    { 421, "HTTP/1.1 421 Misdirected Request\r\n" },
    { 422, "HTTP/1.1 422 Unprocessable Content\r\n" },
    { 425, "HTTP/1.1 425 Too Early\r\n" },
    { 426, "HTTP/1.1 426 Upgrade Required\r\n" },
    { 428, "HTTP/1.1 428 Precondition Required\r\n" },
    { 429, "HTTP/1.1 429 Too Many Requests\r\n" },
    { 431, "HTTP/1.1 431 Request Header Fields Too Large\r\n" },
    { 500, "HTTP/1.1 500 Internal Server Error\r\n" },
    { 501, "HTTP/1.1 501 Not Implemented\r\n" },
    { 502, "HTTP/1.1 502 Bad Gateway\r\n" },
    { 503, "HTTP/1.1 503 Service Unavailable\r\n" },
    { 504, "HTTP/1.1 504 Gateway Timeout\r\n" },
    { 529, "HTTP/1.1 529 Overloaded\r\n" },
};

static const char *status_line(int status)
{
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
        if (statuses[i].code == status)
            return statuses[i].line;
    return NULL;
}

static const char *date_line(struct nf_http_server *s)
{
    int64_t now = nf_httpd_now(s);
    if (now < s->date_until_ms)
        return s->date;
    struct timespec t;
    struct tm tm;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    (void)gmtime_r(&t.tv_sec, &tm);
    (void)strftime(s->date, sizeof(s->date), "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm);
    s->date_until_ms = now + 1000 - t.tv_nsec / 1000000;
    return s->date;
}

/* --- the head -------------------------------------------------------------------------------- */

struct head {
    char text[HEAD_MAX];
    size_t n;
};

static void add(struct head *h, const char *p, size_t n)
{
    assert(n <= sizeof(h->text) - h->n);
    memcpy(h->text + h->n, p, n);
    h->n += n;
}

static void adds(struct head *h, const char *text)
{
    add(h, text, strlen(text));
}

static void add_number(struct head *h, size_t v)
{
    char digits[24];
    size_t i = sizeof(digits);
    do
        digits[--i] = (char)('0' + v % 10);
    while (v /= 10);
    add(h, digits + i, sizeof(digits) - i);
}

enum body { BODY_NONE, BODY_LENGTH, BODY_CHUNKED, BODY_UNTIL_CLOSE };

static enum nf_code build(struct nf_http_exchange *x, struct head *h, int status, const char *type,
                          enum body body, size_t n, struct nf_err *err)
{
    const char *line = status_line(status);
    if (!line)
        return nf_err_set(err, NF_E_INVALID, "no such status: %d", status);
    if (type && (strlen(type) > TYPE_MAX || !nf_httpd_is_value(nf_slice_of(type))))
        return nf_err_set(err, NF_E_INVALID, "bad content type");
    if (x->responded)
        return nf_err_set(err, NF_E_CONFLICT, "the request is answered already");
    h->n = 0;
    adds(h, line);
    adds(h, date_line(x->c->server));
    if (type) {
        adds(h, "Content-Type: ");
        adds(h, type);
        adds(h, "\r\n");
    }
    if (body == BODY_LENGTH) {
        adds(h, "Content-Length: ");
        add_number(h, n);
        adds(h, "\r\n");
    } else if (body == BODY_CHUNKED) {
        adds(h, "Transfer-Encoding: chunked\r\n");
    }
    if (x->c->server->stopping)
        x->keep = false;
    if (!x->keep)
        adds(h, "Connection: close\r\n");
    return NF_OK;
}

static uv_buf_t buf(const char *p, size_t n)
{
    return (uv_buf_t){ .base = (char *)p, .len = n };
}

static bool is_head(const struct nf_http_exchange *x)
{
    return nf_slice_eq(nf_http_method(x), "HEAD");
}

/* If more requests wait, their answers leave together. */
static bool write_now(const struct nf_http_exchange *x)
{
    return x->in.len <= x->in.used && x->c->in_len == 0;
}

enum nf_code nf_http_add_header(struct nf_http_exchange *x, const char *name, const char *value,
                                struct nf_err *err)
{
    struct nf_slice n = nf_slice_of(name);
    if (!nf_httpd_is_token(n) || !nf_httpd_is_value(nf_slice_of(value)))
        return nf_err_set(err, NF_E_INVALID, "a header's name or value has bytes it may not have");
    if (nf_slice_ieq(n, "content-length") || nf_slice_ieq(n, "transfer-encoding") ||
        nf_slice_ieq(n, "connection") || nf_slice_ieq(n, "date"))
        return nf_err_set(err, NF_E_INVALID, "the server sets %s itself", name);
    return nf_str_addf(&x->headers, err, "%s: %s\r\n", name, value);
}

bool nf_http_has_header(const struct nf_http_exchange *x, const char *name)
{
    size_t n = strlen(name);
    const char *line = nf_str_c(&x->headers);
    while (*line) {
        if (strncasecmp(line, name, n) == 0 && line[n] == ':')
            return true;
        line = strchr(line, '\n') + 1; /* each has its end */
    }
    return false;
}

static enum nf_code respond(struct nf_http_exchange *x, int status, const char *type,
                            struct nf_slice body, bool is_static, struct nf_err *err)
{
    struct head h;
    h.n = 0;
    bool bare = status == 204 || status == 304;
    NF_TRY(build(x, &h, status, type, bare ? BODY_NONE : BODY_LENGTH, body.n, err));
    x->responded = true;
    bool with_body = !bare && body.n > 0 && !is_head(x);
    uv_buf_t b[4] = { buf(h.text, h.n), buf(nf_str_c(&x->headers), x->headers.len), buf("\r\n", 2),
                      buf(body.p, body.n) };
    unsigned n = with_body && !is_static ? 4 : 3;
    if (x->headers.len == 0) {
        add(&h, "\r\n", 2);
        b[0].len = h.n;
        b[1] = b[3];
        n -= 2;
    }
    NF_TRY(nf_httpd_send(x->c, b, n, write_now(x) && !(with_body && is_static), err));
    return with_body && is_static ? nf_httpd_send_static(x->c, body.p, body.n, err) : NF_OK;
}

enum nf_code nf_http_respond(struct nf_http_exchange *x, int status, const char *content_type,
                             const char *body, size_t n, struct nf_err *err)
{
    return respond(x, status, content_type, (struct nf_slice){ body, n }, false, err);
}

enum nf_code nf_http_respond_static(struct nf_http_exchange *x, int status,
                                    const char *content_type, const char *body, size_t n,
                                    struct nf_err *err)
{
    return respond(x, status, content_type, (struct nf_slice){ body, n }, true, err);
}

enum nf_code nf_httpd_respond_upgrade(struct nf_http_exchange *x, const char *accept,
                                      struct nf_err *err)
{
    static const char first[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                                "Connection: Upgrade\r\nSec-WebSocket-Accept: ";
    uv_buf_t b[] = { buf(first, sizeof(first) - 1), buf(accept, strlen(accept)), buf("\r\n", 2),
                     buf(nf_str_c(&x->headers), x->headers.len), buf("\r\n", 2) };
    if (x->responded)
        return nf_err_set(err, NF_E_CONFLICT, "the request is answered already");
    x->responded = x->upgraded = true;
    return nf_httpd_send(x->c, b, 5, true, err);
}

/* --- streams --------------------------------------------------------------------------------- */

enum nf_code nf_http_begin(struct nf_http_exchange *x, int status, const char *content_type,
                           struct nf_err *err)
{
    struct head h;
    h.n = 0;
    bool raw = x->in.head.http10;
    if (raw)
        x->keep = false;
    NF_TRY(build(x, &h, status, content_type, raw ? BODY_UNTIL_CLOSE : BODY_CHUNKED, 0, err));
    x->responded = x->streaming = true;
    x->raw = raw;
    x->c->deadline_ms = 0; /* a stream may take as long as it takes */
    uv_buf_t b[] = { buf(h.text, h.n), buf(nf_str_c(&x->headers), x->headers.len), buf("\r\n", 2) };
    return nf_httpd_send(x->c, b, 3, false, err);
}

static enum nf_code wait_for_room(struct nf_httpd_conn *c, struct nf_err *err)
{
    if (nf_httpd_queued(c) <= NF_HTTPD_CORK_MAX)
        return NF_OK;
    struct nf_wait w = { 0 };
    /* cppcheck-suppress autoVariables ; it is taken back before this frame ends */
    c->writer = &w;
    enum nf_code rc = nf_wait(&w, -1, "the peer to read", err);
    if (c->writer == &w)
        c->writer = NULL;
    return rc;
}

enum nf_code nf_http_write(struct nf_http_exchange *x, const char *p, size_t n, struct nf_err *err)
{
    assert(x->streaming && !x->ended);
    if (n == 0 || is_head(x))
        return x->c->closing ? nf_err_set(err, NF_E_CANCELED, "the peer left") : NF_OK;
    static const char digits[] = "0123456789abcdef";
    char size[2 * sizeof(n) + 2];
    size_t at = sizeof(size);
    size[--at] = '\n';
    size[--at] = '\r';
    for (size_t left = n; left > 0; left >>= 4)
        size[--at] = digits[left & 15];
    uv_buf_t b[] = { buf(size + at, sizeof(size) - at), buf(p, n), buf("\r\n", 2) };
    NF_TRY(nf_httpd_send(x->c, x->raw ? b + 1 : b, x->raw ? 1 : 3, false, err));
    return wait_for_room(x->c, err);
}

enum nf_code nf_http_end(struct nf_http_exchange *x, struct nf_err *err)
{
    assert(x->streaming && !x->ended);
    x->ended = true;
    uv_buf_t last = buf("0\r\n\r\n", 5);
    return x->raw || is_head(x) ? NF_OK : nf_httpd_send(x->c, &last, 1, write_now(x), err);
}

/* --- errors ---------------------------------------------------------------------------------- */

int nf_http_status_of(enum nf_code code)
{
    switch (code) {
    case NF_E_INVALID:
        return 400;
    case NF_E_DENIED:
        return 403;
    case NF_E_NOT_FOUND:
        return 404;
    case NF_E_CONFLICT:
        return 409;
    case NF_E_LIMIT:
        return 413;
    case NF_E_UNAVAILABLE:
    case NF_E_CANCELED:
        return 503;
    case NF_E_TIMEOUT:
        return 504;
    default:
        return 500;
    }
}

void nf_httpd_respond_error(struct nf_http_exchange *x, int status, const struct nf_err *e)
{
    const struct nf_http_server_options *o = &x->c->server->o;
    if (x->c->closing)
        return;
    if (o->on_error)
        o->on_error(o->arg, x, status, e);
    if (x->responded)
        return;
    int code = status ? status : nf_http_status_of(e->code);
    char text[sizeof(e->msg) + 1];
    size_t n = strnlen(e->msg, sizeof(e->msg));
    memcpy(text, e->msg, n);
    text[n++] = '\n';
    if (nf_http_respond(x, code, "text/plain; charset=utf-8", text, n, NULL) != NF_OK)
        x->responded = true; /* the connection is closed */
}
