/* The server side of the tests of the WebSocket client. */
#pragma once

#include "runtime/ws_client.h"

#include "codec/ws.h"
#include "tests/integration/client_fixture.h"

#include <stdlib.h>
#include <unistd.h>

/* --- the server's side ------------------------------------------------------------------------ */

/* `replace` instead of the line "Upgrade: websocket\r\n"; `extra` after the headers. */
static inline bool ws_accept(struct raw_conn *c, const char *status, const char *replace,
                             const char *extra)
{
    char accept[29] = "none", head[512];

    if (!raw_request(c))
        return false;
    const char *key = strstr(c->request, "\r\nSec-WebSocket-Key: ");
    if (key)
        nf_ws_accept_key(key + 21, 24, accept);
    (void)snprintf(head, sizeof head, "HTTP/1.1 %s\r\n%sConnection: Upgrade\r\n%s\r\n\r\n", status,
                   replace, extra);
    char *at = strstr(head, "@KEY@");
    if (at) {
        char rest[512];
        (void)snprintf(rest, sizeof rest, "%s", at + 5);
        (void)snprintf(at, (size_t)(head + sizeof head - at), "%s%s", accept, rest);
    }
    return raw_send(c, head);
}

static inline bool ws_hello(struct raw_conn *c)
{
    return ws_accept(c, "101 Switching Protocols", "Upgrade: websocket\r\n",
                     "Sec-WebSocket-Accept: @KEY@");
}

static inline bool ws_put(struct raw_conn *c, enum nf_ws_opcode op, const void *p, size_t n)
{
    uint8_t head[NF_WS_HEAD_MAX];
    size_t head_n = nf_ws_frame_head(head, op, n, NULL);

    return raw_sendn(c, head, head_n) && raw_sendn(c, p, n);
}

/* A whole frame; false unless it is masked. */
static inline bool ws_get(struct raw_conn *c, int *op, char *p, size_t max, size_t *n)
{
    uint8_t h[2], mask[4], more[8];

    if (!raw_read_exact(c, h, 2) || !(h[1] & 0x80))
        return false;
    *op = h[0];
    *n = h[1] & 0x7f;
    size_t bytes = *n == 126 ? 2 : *n == 127 ? 8 : 0;
    if (bytes > 0) {
        if (!raw_read_exact(c, more, bytes))
            return false;
        *n = 0;
        for (size_t i = 0; i < bytes; i++)
            *n = *n << 8 | more[i];
    }
    if (*n > max || !raw_read_exact(c, mask, 4) || !raw_read_exact(c, p, *n))
        return false;
    nf_ws_mask(p, *n, mask, 0);
    return true;
}

static atomic_int seen; /* what the server wants the test to know */

static inline void ws_closep(struct nf_ws_client **w)
{
    nf_ws_client_close(*w, 1000);
}

static inline NF_RC open_ws(struct fixture *f, struct nf_ws_client **ret, struct nf_err *err)
{
    return nf_ws_client_open(
        f->client,
        &(struct nf_ws_client_options){ .url = f->ws_url, .handshake_timeout_ms = RAW_WAIT_MS },
        ret, err);
}

static inline NF_RC expect_message(struct nf_ws_client *w, const char *want, bool want_text,
                                   struct nf_err *err)
{
    const char *p;
    size_t n;
    bool text;

    NF_TRY(nf_ws_client_recv(w, RAW_WAIT_MS, &p, &n, &text, err));
    EXPECT(n == strlen(want) && memcmp(p, want, n) == 0);
    EXPECT(text == want_text);
    return NF_OK;
}

static inline NF_RC expect_end(struct nf_ws_client *w, enum nf_code want, struct nf_err *err)
{
    const char *p;
    size_t n;
    bool text;

    EXPECT_CODE(nf_ws_client_recv(w, RAW_WAIT_MS, &p, &n, &text, err), want);
    return NF_OK;
}
