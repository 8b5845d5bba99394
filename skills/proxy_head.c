#include "skills/proxy_head.h"

#include "base/own.h"
#include "skills/broker.h"

#include <string.h>

#define END "\r\n\r\n"

void nf_proxy_request_done(struct nf_proxy_request *r)
{
    nf_str_done(&r->url);
    nf_str_done(&r->head);
    *r = (struct nf_proxy_request){ 0 };
}

size_t nf_proxy_head_end(const char *p, size_t n)
{
    const char *end = n > 0 ? memmem(p, n, END, sizeof(END) - 1) : NULL;

    return end ? (size_t)(end - p) + sizeof(END) - 1 : 0;
}

/* --- lines ------------------------------------------------------------------------------------ */

struct reader {
    const char *p, *end; /* without the empty line */
};

/* The next line, without its CR LF; false behind the last. */
static bool next_line(struct reader *r, struct nf_slice *ret)
{
    if (r->p >= r->end)
        return false;
    const char *crlf = memmem(r->p, (size_t)(r->end - r->p), "\r\n", 2);
    *ret = (struct nf_slice){ r->p, (size_t)(crlf - r->p) };
    r->p = crlf + 2;
    return true;
}

/* RFC 9110 section 5.6.2. */
static bool is_token(struct nf_slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i], l = c | 0x20;
        if (!(l >= 'a' && l <= 'z') && !(c >= '0' && c <= '9') &&
            (c == '\0' || !strchr("!#$%&'*+-.^_`|~", c)))
            return false;
    }
    return s.n > 0;
}

/* No control characters but tabs: no CR or LF by itself, no NUL. */
static bool is_clean(struct nf_slice s)
{
    for (size_t i = 0; i < s.n; i++)
        if (((unsigned char)s.p[i] < ' ' && s.p[i] != '\t') || s.p[i] == 127)
            return false;
    return true;
}

static bool split(struct nf_slice line, char at, struct nf_slice *first, struct nf_slice *rest)
{
    const char *mark = memchr(line.p, at, line.n);

    if (!mark)
        return false;
    *first = (struct nf_slice){ line.p, (size_t)(mark - line.p) };
    *rest = (struct nf_slice){ mark + 1, line.n - first->n - 1 };
    return true;
}

/* --- the request line ------------------------------------------------------------------------- */

/* Host and port, and nothing that a URL could have besides. */
static bool is_authority(struct nf_slice s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '\0' || strchr("/?#@\\", s.p[i]))
            return false;
    return memchr(s.p, ':', s.n) != NULL;
}

/* A URL in its one spelling: of a tunnel "host:port" is all there is. */
static NF_RC read_target(struct nf_slice target, struct nf_proxy_request *r, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { 0 };
    struct nf_url u;

    if (r->tunnel && !is_authority(target))
        return nf_err_set(err, NF_E_INVALID, "CONNECT is for a host and port");
    if (r->tunnel)
        NF_TRY(nf_str_adds(&text, "https://", err));
    NF_TRY(nf_str_add(&text, target.p, target.n, err));
    if (r->tunnel)
        NF_TRY(nf_str_adds(&text, "/", err));
    NF_TRY(nf_url_parse(nf_str_c(&text), &u, err));
    if (!r->tunnel && u.https)
        return nf_err_set(err, NF_E_INVALID, "https goes through CONNECT");
    NF_TRY(nf_url_write(&u, &r->url, err));
    return nf_url_parse(nf_str_c(&r->url), &r->to, err);
}

static NF_RC read_first(struct nf_slice line, struct nf_proxy_request *r, struct nf_slice *method,
                        struct nf_err *err)
{
    struct nf_slice rest = { 0 }, target = { 0 }, version = { 0 };

    if (!split(line, ' ', method, &rest) || !split(rest, ' ', &target, &version) ||
        (!nf_slice_eq(version, "HTTP/1.1") && !nf_slice_eq(version, "HTTP/1.0")))
        return nf_err_set(err, NF_E_INVALID, "no request of HTTP/1.1");
    r->tunnel = nf_slice_eq(*method, "CONNECT");
    if (!r->tunnel && !nf_broker_knows_method(*method))
        return nf_err_set(err, NF_E_INVALID,
                          "the method must be CONNECT or one of " NF_BROKER_METHODS);
    return read_target(target, r, err);
}

static NF_RC write_first(struct nf_slice method, struct nf_proxy_request *r, struct nf_err *err)
{
    const struct nf_url *u = &r->to;

    NF_TRY(nf_str_add(&r->head, method.p, method.n, err));
    NF_TRY(nf_str_adds(&r->head, " ", err));
    NF_TRY(u->path.n > 0 ? nf_str_add(&r->head, u->path.p, u->path.n, err)
                         : nf_str_adds(&r->head, "/", err));
    NF_TRY(nf_str_add(&r->head, u->query.p, u->query.n, err));
    NF_TRY(nf_str_addf(&r->head, err, " HTTP/1.1\r\nHost: %s", nf_url_host(u).s));
    if (u->port != 80)
        NF_TRY(nf_str_addf(&r->head, err, ":%u", (unsigned)u->port));
    return nf_str_adds(&r->head, "\r\nConnection: close\r\n", err);
}

/* --- headers ---------------------------------------------------------------------------------- */

struct headers {
    struct nf_slice name[NF_PROXY_HEADERS_MAX], value[NF_PROXY_HEADERS_MAX];
    size_t n;
};

static NF_RC read_header(struct nf_slice line, struct headers *h, struct nf_err *err)
{
    struct nf_slice name, value;

    if (h->n == NF_PROXY_HEADERS_MAX)
        return nf_err_set(err, NF_E_LIMIT, "at most %d headers", NF_PROXY_HEADERS_MAX);
    if (!split(line, ':', &name, &value) || !is_token(name) || !is_clean(value))
        return nf_err_set(err, NF_E_INVALID, "a header is no \"Name: value\"");
    h->name[h->n] = name;
    h->value[h->n++] = nf_slice_trim(value);
    return NF_OK;
}

/* Where the request ends must be said, and in one way (RFC 9112 section 6.3). */
static NF_RC read_length(const struct headers *h, int64_t *ret, struct nf_err *err)
{
    bool seen = false;

    for (size_t i = 0; i < h->n; i++) {
        if (nf_slice_ieq(h->name[i], "transfer-encoding"))
            return nf_err_set(err, NF_E_INVALID, "a body needs a Content-Length");
        if (!nf_slice_ieq(h->name[i], "content-length"))
            continue;
        if (seen || !nf_slice_u63(h->value[i], ret))
            return nf_err_set(err, NF_E_INVALID, "Content-Length must be one number");
        seen = true;
    }
    return NF_OK;
}

/* Named by a Connection header: for the proxy, not for the server (RFC 9110 section 7.6.1). */
static bool is_nominated(const struct headers *h, const char *name)
{
    for (size_t i = 0; i < h->n; i++) {
        struct nf_slice one, rest = h->value[i];
        if (!nf_slice_ieq(h->name[i], "connection"))
            continue;
        for (bool more = true; more;) {
            more = split(rest, ',', &one, &rest);
            if (nf_slice_ieq(nf_slice_trim(more ? one : rest), name))
                return true;
        }
    }
    return false;
}

/* Whose the server's answer is for may say how it is to be encoded; all else that a skill may not
 * say to a server it may not say in this way either. */
static NF_RC write_header(const struct headers *h, size_t i, struct nf_str *to, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str name = { 0 };

    NF_TRY(nf_str_add(&name, h->name[i].p, h->name[i].n, err));
    if (is_nominated(h, nf_str_c(&name)) ||
        (nf_broker_refuses_header(nf_str_c(&name)) && !nf_slice_ieq(h->name[i], "accept-encoding")))
        return NF_OK;
    return nf_str_addf(to, err, "%s: %.*s\r\n", nf_str_c(&name), (int)h->value[i].n, h->value[i].p);
}

static NF_RC write_headers(const struct headers *h, struct nf_proxy_request *r, struct nf_err *err)
{
    for (size_t i = 0; i < h->n; i++)
        NF_TRY(write_header(h, i, &r->head, err));
    if (r->body_n >= 0)
        NF_TRY(nf_str_addf(&r->head, err, "Content-Length: %lld\r\n", (long long)r->body_n));
    return nf_str_adds(&r->head, "\r\n", err);
}

enum nf_code nf_proxy_head_read(const char *p, size_t n, struct nf_proxy_request *ret,
                                struct nf_err *err)
{
    struct reader r = { p, p + n - 2 };
    struct headers h = { .n = 0 };
    struct nf_slice line = { 0 }, method = { 0 };

    assert(n >= sizeof(END) - 1);
    if (!next_line(&r, &line) || !is_clean(line))
        return nf_err_set(err, NF_E_INVALID, "no request of HTTP/1.1");
    NF_TRY(read_first(line, ret, &method, err));
    while (next_line(&r, &line))
        NF_TRY(read_header(line, &h, err));
    ret->body_n = -1;
    NF_TRY(read_length(&h, &ret->body_n, err));
    if (ret->tunnel)
        return ret->body_n < 0 ? NF_OK
                               : nf_err_set(err, NF_E_INVALID, "CONNECT has no Content-Length");
    NF_TRY(write_first(method, ret, err));
    return write_headers(&h, ret, err);
}
