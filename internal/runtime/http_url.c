#include "runtime/http_url.h"

#include "base/own.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

void nf_http_url_done(struct nf_http_url *u)
{
    free(u->text);
    *u = (struct nf_http_url){ 0 };
}

static NF_RC bad(const char *what, struct nf_err *err)
{
    return nf_err_set(err, NF_E_INVALID, "url: %s", what);
}

static bool is_visible(const char *s)
{
    for (; *s != '\0'; s++)
        if (*s <= ' ' || *s >= 127)
            return false;
    return true;
}

/* What stands behind the scheme, NULL: it is another one. */
static const char *behind_scheme(const char *url, bool websocket, bool *tls)
{
    static const char *const schemes[2][2] = { { "http://", "https://" }, { "ws://", "wss://" } };
    for (int i = 0; i < 2; i++) {
        const char *scheme = schemes[websocket][i];
        size_t n = strlen(scheme);
        if (nf_slice_ieq((struct nf_slice){ url, strnlen(url, n) }, scheme)) {
            *tls = i == 1;
            return url + n;
        }
    }
    return NULL;
}

/* RFC 3986 section 3.2.1: user and password stand before the '@'. */
static NF_RC take_user(struct nf_http_url *u, struct nf_slice *authority, struct nf_err *err)
{
    const char *at = memchr(authority->p, '@', authority->n);
    if (!at)
        return NF_OK;
    size_t n = (size_t)(at - authority->p);
    const char *colon = memchr(authority->p, ':', n);
    u->has_user = true;
    u->user = (struct nf_slice){ authority->p, colon ? (size_t)(colon - authority->p) : n };
    if (colon)
        u->password = (struct nf_slice){ colon + 1, (size_t)(at - colon) - 1 };
    *authority = (struct nf_slice){ at + 1, authority->n - n - 1 };
    if (memchr(authority->p, '@', authority->n))
        return bad("more than one '@' before its host", err);
    return NF_OK;
}

static NF_RC take_port(struct nf_http_url *u, struct nf_slice digits, struct nf_err *err)
{
    int64_t port = 0;
    u->port = u->tls ? 443 : 80;
    if (digits.n == 0)
        return NF_OK;
    if (!nf_slice_u63(digits, &port) || port < 1 || port > UINT16_MAX)
        return bad("the port must be 1 to 65535", err);
    u->has_port = true;
    u->port = (uint16_t)port;
    return NF_OK;
}

/* "[address]" or "[address%25zone]", and how long it is. */
static NF_RC take_address(struct nf_http_url *u, struct nf_slice from, size_t *used,
                          struct nf_err *err)
{
    char text[INET6_ADDRSTRLEN + 2], *to = u->text + (from.p - u->text);
    unsigned char ignored[16];
    const char *end = memchr(from.p, ']', from.n);
    if (!end)
        return bad("an IPv6 address without its ']'", err);
    struct nf_slice inner = { from.p + 1, (size_t)(end - from.p) - 1 };
    const char *percent = memchr(inner.p, '%', inner.n);
    if (percent) {
        size_t skip = strncmp(percent, "%25", 3) == 0 ? 3 : 1;
        u->zone = (struct nf_slice){ percent + skip, (size_t)(end - percent) - skip };
        inner.n = (size_t)(percent - inner.p);
    }
    if (inner.n >= sizeof(text) || (percent && u->zone.n == 0))
        return bad("not an IPv6 address", err);
    memcpy(text, inner.p, inner.n);
    text[inner.n] = '\0';
    if (uv_inet_pton(AF_INET6, text, ignored) != 0)
        return bad("not an IPv6 address", err);
    *used = (size_t)(end - from.p) + 1;
    if (percent)
        to[inner.n + 1] = ']'; /* over the '%' */
    u->host = (struct nf_slice){ from.p, inner.n + 2 };
    return NF_OK;
}

static NF_RC take_name(struct nf_http_url *u, struct nf_slice from, size_t *used,
                       struct nf_err *err)
{
    static const char all[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
    size_t n = strspn(from.p, all);
    n = n < from.n ? n : from.n;
    if (n == 0 && (from.n == 0 || from.p[0] == ':'))
        return bad("has no host", err);
    if (n < from.n && from.p[n] != ':')
        return bad("its host has a character that no name has", err);
    u->host = (struct nf_slice){ from.p, n };
    *used = n;
    return NF_OK;
}

static NF_RC take_host(struct nf_http_url *u, struct nf_slice authority, struct nf_err *err)
{
    size_t used = 0;
    if (authority.n > 0 && authority.p[0] == '[')
        NF_TRY(take_address(u, authority, &used, err));
    else
        NF_TRY(take_name(u, authority, &used, err));
    struct nf_slice rest = { authority.p + used, authority.n - used };
    if (rest.n > 0 && rest.p[0] != ':')
        return bad("something follows its host", err);
    if (rest.n > 0)
        rest = (struct nf_slice){ rest.p + 1, rest.n - 1 };
    return take_port(u, rest, err);
}

static NF_RC read_parts(struct nf_http_url *u, const char *rest, struct nf_err *err)
{
    struct nf_slice authority = { rest, strcspn(rest, "/?#") };
    const char *path = rest + authority.n;
    size_t path_n = strcspn(path, "?#");
    u->path = (struct nf_slice){ path, path_n };
    if (path[path_n] == '?') {
        u->has_query = true;
        u->query = (struct nf_slice){ path + path_n + 1, strcspn(path + path_n + 1, "#") };
    }
    NF_TRY(take_user(u, &authority, err));
    return take_host(u, authority, err);
}

NF_RC nf_http_url_parse(const char *url, bool websocket, struct nf_http_url *ret,
                        struct nf_err *err)
{
    NF_CLEANUP(nf_http_url_done) struct nf_http_url u = { 0 };

    if (strnlen(url, NF_HTTP_URL_MAX + 1) > NF_HTTP_URL_MAX)
        return nf_err_set(err, NF_E_INVALID, "url: longer than %d bytes", NF_HTTP_URL_MAX);
    if (!is_visible(url))
        return bad("only visible ASCII is allowed, percent-encode the rest", err);
    NF_TRY(nf_strdup(url, &u.text, err));
    const char *rest = behind_scheme(u.text, websocket, &u.tls);
    if (!rest)
        return bad(websocket ? "must begin with ws:// or wss://"
                             : "must begin with http:// or https://",
                   err);
    NF_TRY(read_parts(&u, rest, err));
    *ret = nf_take(u);
    return NF_OK;
}

/* --- writing ---------------------------------------------------------------------------------- */

struct nf_http_origin nf_http_origin_of(const struct nf_http_url *u)
{
    struct nf_http_origin o = { "?" };
    int n = (int)(u->host.n < 120 ? u->host.n : 120);
    if (n > 0)
        (void)snprintf(o.s, sizeof o.s, "%s://%.*s:%u", u->tls ? "https" : "http", n, u->host.p,
                       u->port);
    return o;
}

static NF_RC add(struct nf_str *ret, struct nf_slice s, struct nf_err *err)
{
    return nf_str_add(ret, s.p, s.n, err);
}

static NF_RC add_port(const struct nf_http_url *u, struct nf_str *ret, struct nf_err *err)
{
    char text[8];
    int n = snprintf(text, sizeof(text), ":%u", u->port);
    return nf_str_add(ret, text, (size_t)n, err);
}

NF_RC nf_http_origin_write(const struct nf_http_url *u, struct nf_str *ret, struct nf_err *err)
{
    struct nf_slice host = u->host;
    NF_TRY(nf_str_adds(ret, u->tls ? "https://" : "http://", err));
    if (u->zone.n > 0) {
        host.n--; /* the zone stands before the ']' */
        NF_TRY(add(ret, host, err));
        NF_TRY(nf_str_adds(ret, "%25", err));
        NF_TRY(add(ret, u->zone, err));
        host = NF_SLICE("]");
    }
    NF_TRY(add(ret, host, err));
    return add_port(u, ret, err);
}

NF_RC nf_http_url_add_host(const struct nf_http_url *u, struct nf_str *ret, struct nf_err *err)
{
    NF_TRY(add(ret, u->host, err));
    return u->has_port ? add_port(u, ret, err) : NF_OK;
}

NF_RC nf_http_url_add_path(const struct nf_http_url *u, struct nf_str *ret, struct nf_err *err)
{
    NF_TRY(add(ret, u->path.n > 0 ? u->path : NF_SLICE("/"), err));
    if (!u->has_query)
        return NF_OK;
    NF_TRY(nf_str_add(ret, "?", 1, err));
    return add(ret, u->query, err);
}

static int hex(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c ? strchr(digits, c | 0x20) : NULL;
    return at ? (int)(at - digits) : -1;
}

static NF_RC add_decoded(struct nf_str *ret, struct nf_slice s, struct nf_err *err)
{
    for (size_t i = 0; i < s.n; i++) {
        int high = s.p[i] == '%' && i + 2 < s.n ? hex(s.p[i + 1]) : -1;
        int low = high >= 0 ? hex(s.p[i + 2]) : -1;
        char c = (char)(low >= 0 ? high * 16 + low : s.p[i]);
        i += low >= 0 ? 2 : 0;
        NF_TRY(nf_str_add(ret, &c, 1, err));
    }
    return NF_OK;
}

NF_RC nf_http_url_add_user(const struct nf_http_url *u, struct nf_str *ret, struct nf_err *err)
{
    NF_TRY(add_decoded(ret, u->user, err));
    NF_TRY(nf_str_add(ret, ":", 1, err));
    return add_decoded(ret, u->password, err);
}
