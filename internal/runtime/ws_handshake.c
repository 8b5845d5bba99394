#include "runtime/ws_handshake.h"

#include "codec/hash.h"
#include "codec/ws.h"

#include <string.h>
#include <strings.h>

#define REQUEST_MAX ((size_t)64 << 10)

NF_RC nf_ws_handshake_key(char ret[NF_WS_KEY_TEXT + 1], struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { 0 };
    unsigned char nonce[16];

    nf_random(nonce, sizeof nonce);
    NF_TRY(nf_base64(nonce, sizeof nonce, &text, err));
    assert(text.len == NF_WS_KEY_TEXT);
    memcpy(ret, nf_str_c(&text), NF_WS_KEY_TEXT + 1);
    return NF_OK;
}

/* --- the request ------------------------------------------------------------------------------ */

static NF_RC check_headers(const struct nf_ws_client_options *o, struct nf_err *err)
{
    NF_TRY(nf_http_headers_check(o->headers, o->headers_n, o->secret_header, o->secret_prefix,
                                 o->secret, err));
    for (size_t i = 0; i < o->headers_n; i++)
        if (strncasecmp(o->headers[i].name, "Sec-WebSocket-", 14) == 0 &&
            strcasecmp(o->headers[i].name, "Sec-WebSocket-Protocol") != 0)
            return nf_err_set(err, NF_E_INVALID, "header %.40s: set by the client itself",
                              o->headers[i].name);
    return NF_OK;
}

static NF_RC add_target(const struct nf_http_url *url, bool host, struct nf_str *ret,
                        struct nf_err *err)
{
    NF_TRY(nf_str_adds(ret, "GET ", err));
    NF_TRY(nf_http_url_add_path(url, ret, err));
    NF_TRY(nf_str_adds(ret, " HTTP/1.1\r\n", err));
    if (!host)
        return NF_OK;
    NF_TRY(nf_str_adds(ret, "Host: ", err));
    NF_TRY(nf_http_url_add_host(url, ret, err));
    return nf_str_adds(ret, "\r\n", err);
}

NF_RC nf_ws_handshake_request(const struct nf_http_client *c, const struct nf_http_url *url,
                              const struct nf_ws_client_options *o, const char *key,
                              struct nf_str *ret, struct nf_err *err)
{
    NF_TRY(check_headers(o, err));
    if (url->has_user)
        return nf_err_set(err, NF_E_INVALID, "url: a user part is not supported, use a header");
    /* Enough at once: text that moves while it grows would leave copies of the secret behind. */
    NF_TRY(nf_str_reserve(ret, REQUEST_MAX, err));
    NF_TRY(add_target(url, !nf_http_headers_have(o->headers, o->headers_n, "Host"), ret, err));
    NF_TRY(nf_str_addf(ret, err,
                       "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: %s\r\n"
                       "Sec-WebSocket-Version: 13\r\nUser-Agent: %s\r\n",
                       key, c->user_agent));
    for (size_t i = 0; i < o->headers_n; i++)
        NF_TRY(nf_str_addf(ret, err, "%s: %s\r\n", o->headers[i].name, o->headers[i].value));
    if (o->secret_header && o->secret)
        NF_TRY(nf_str_addf(ret, err, "%s: %s%s\r\n", o->secret_header,
                           o->secret_prefix ? o->secret_prefix : "", nf_secret_reveal(o->secret)));
    return nf_str_adds(ret, "\r\n", err);
}

/* --- the response ----------------------------------------------------------------------------- */

size_t nf_ws_handshake_head(const char *p, size_t n)
{
    const char *end = memmem(p, n, "\r\n\r\n", 4);

    return end ? (size_t)(end - p) + 4 : 0;
}

/* A list such as "keep-alive, Upgrade". */
static bool has_token(struct nf_slice list, const char *token)
{
    while (list.n > 0) {
        const char *comma = memchr(list.p, ',', list.n);
        size_t n = comma ? (size_t)(comma - list.p) : list.n;
        if (nf_slice_ieq(nf_slice_trim((struct nf_slice){ list.p, n }), token))
            return true;
        n += comma != NULL;
        list = (struct nf_slice){ list.p + n, list.n - n };
    }
    return false;
}

struct answer {
    bool upgrade, connection, accept, protocol, extensions;
};

static void take_header(struct answer *a, struct nf_slice name, struct nf_slice value,
                        const char *accept)
{
    if (nf_slice_ieq(name, "Upgrade"))
        a->upgrade = nf_slice_ieq(value, "websocket");
    else if (nf_slice_ieq(name, "Connection"))
        a->connection = a->connection || has_token(value, "Upgrade");
    else if (nf_slice_ieq(name, "Sec-WebSocket-Accept"))
        a->accept = nf_slice_eq(value, accept);
    else if (nf_slice_ieq(name, "Sec-WebSocket-Extensions"))
        a->extensions = value.n > 0;
    else if (nf_slice_ieq(name, "Sec-WebSocket-Protocol"))
        a->protocol = true;
}

static NF_RC check_status(const char *p, size_t n, struct nf_err *err)
{
    int64_t status;

    if (n < 13 || memcmp(p, "HTTP/1.1 ", 9) != 0 ||
        !nf_slice_u63((struct nf_slice){ p + 9, 3 }, &status) || (p[12] != ' ' && p[12] != '\r'))
        return nf_err_set(err, NF_E_UNAVAILABLE, "the server does not speak HTTP/1.1");
    if (status == 401 || status == 403)
        return nf_err_set(err, NF_E_DENIED, "the server answered %d", (int)status);
    if (status != 101)
        return nf_err_set(err, NF_E_UNAVAILABLE, "the server answered %d instead of 101",
                          (int)status);
    return NF_OK;
}

NF_RC nf_ws_handshake_check(const char *p, size_t n, const char *key, bool asked_protocol,
                            struct nf_err *err)
{
    struct answer a = { 0 };
    char accept[29];

    NF_TRY(check_status(p, n, err));
    nf_ws_accept_key(key, NF_WS_KEY_TEXT, accept);
    const char *end = p + n, *line = (const char *)memchr(p, '\n', n) + 1;
    while (line < end) {
        const char *lf = memchr(line, '\n', (size_t)(end - line));
        const char *colon = memchr(line, ':', (size_t)(lf - line));
        if (colon)
            take_header(
                &a, (struct nf_slice){ line, (size_t)(colon - line) },
                nf_slice_trim((struct nf_slice){ colon + 1, (size_t)(lf - 1 - (colon + 1)) }),
                accept);
        line = lf + 1;
    }
    if (!a.upgrade || !a.connection)
        return nf_err_set(err, NF_E_UNAVAILABLE, "the server did not agree to a WebSocket");
    if (!a.accept)
        return nf_err_set(err, NF_E_UNAVAILABLE, "the server's Sec-WebSocket-Accept is wrong");
    if (a.extensions || (a.protocol && !asked_protocol))
        return nf_err_set(err, NF_E_UNAVAILABLE,
                          "the server chose an extension or protocol that was not offered");
    return NF_OK;
}
