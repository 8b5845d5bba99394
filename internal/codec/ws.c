#include "codec/ws.h"

#include "codec/hash.h"

#include <nettle/base64.h>
#include <string.h>

#define CONTROL_MAX 125               /* section 5.5 */
#define KEEP_BYTES ((size_t)64 << 10) /* a bigger buffer is not kept for the next message */

enum close_code {
    CLOSE_PROTOCOL = 1002,
    CLOSE_NOT_UTF8 = 1007,
    CLOSE_TOO_BIG = 1009,
    CLOSE_INTERNAL = 1011,
};

void nf_ws_reader_init(struct nf_ws_reader *r, bool from_client, size_t message_max, nf_ws_fn fn,
                       void *arg)
{
    *r = (struct nf_ws_reader){ .fn = fn,
                                .arg = arg,
                                .from_client = from_client,
                                .message_max = message_max,
                                .message = { .max = message_max + 1 },
                                .control = { .max = CONTROL_MAX + 1 } };
}

void nf_ws_reader_done(struct nf_ws_reader *r)
{
    nf_str_done(&r->message);
    nf_str_done(&r->control);
}

static enum nf_code refuse(struct nf_ws_reader *r, enum close_code code, struct nf_err *err,
                           const char *why)
{
    r->close_code = (int)code;
    return nf_err_set(err, code == CLOSE_TOO_BIG ? NF_E_LIMIT : NF_E_INVALID, "WebSocket: %s", why);
}

static bool is_control(uint8_t op)
{
    return op >= NF_WS_CLOSE;
}

/* --- a frame's head (section 5.2) ------------------------------------------------------------- */

static enum nf_code check_first(struct nf_ws_reader *r, struct nf_err *err)
{
    r->fin = r->head[0] & 0x80;
    r->op = r->head[0] & 0x0f;
    if (r->head[0] & 0x70)
        return refuse(r, CLOSE_PROTOCOL, err, "reserved bit set");
    if ((r->op > NF_WS_BINARY && r->op < NF_WS_CLOSE) || r->op > NF_WS_PONG)
        return refuse(r, CLOSE_PROTOCOL, err, "reserved opcode");
    if (is_control(r->op))
        return r->fin ? NF_OK : refuse(r, CLOSE_PROTOCOL, err, "fragmented control frame");
    if (r->op == 0 && r->message_op == 0)
        return refuse(r, CLOSE_PROTOCOL, err, "continuation of nothing");
    if (r->op != 0 && r->message_op != 0)
        return refuse(r, CLOSE_PROTOCOL, err, "new message within a fragmented one");
    return NF_OK;
}

static enum nf_code check_second(struct nf_ws_reader *r, struct nf_err *err)
{
    bool masked = r->head[1] & 0x80;
    if (masked != r->from_client)
        return refuse(r, CLOSE_PROTOCOL, err, masked ? "masked frame" : "frame without a mask");
    if (is_control(r->op) && (r->head[1] & 0x7f) > CONTROL_MAX)
        return refuse(r, CLOSE_PROTOCOL, err, "control frame over 125 bytes");
    return NF_OK;
}

/* Bytes of the length beyond the 7 bits in the second byte. */
static size_t length_bytes(const struct nf_ws_reader *r)
{
    uint8_t seven = r->head[1] & 0x7f;
    return seven == 127 ? 8 : seven == 126 ? 2 : 0;
}

static size_t head_bytes(const struct nf_ws_reader *r)
{
    return 2 + length_bytes(r) + (r->from_client ? 4 : 0);
}

static enum nf_code begin_payload(struct nf_ws_reader *r, struct nf_err *err)
{
    size_t more = length_bytes(r);
    uint64_t n = more ? 0 : r->head[1] & 0x7f;
    for (size_t i = 0; i < more; i++)
        n = n << 8 | r->head[2 + i];
    if (n >> 63)
        return refuse(r, CLOSE_PROTOCOL, err, "length over 63 bits");
    if ((more == 2 && n < 126) || (more == 8 && n <= UINT16_MAX))
        return refuse(r, CLOSE_PROTOCOL, err, "length in more bytes than it needs");
    if (!is_control(r->op)) {
        if (n > r->message_max - r->message.len)
            return refuse(r, CLOSE_TOO_BIG, err, "message too long");
        if (r->op != 0)
            r->message_op = r->op;
    }
    if (r->from_client)
        memcpy(r->mask, r->head + 2 + more, sizeof(r->mask));
    r->in_payload = true;
    r->left = n;
    r->at = 0;
    r->head_n = 0;
    return NF_OK;
}

static enum nf_code take_head(struct nf_ws_reader *r, const char **p, size_t *n, struct nf_err *err)
{
    while (*n > 0 && !r->in_payload) {
        r->head[r->head_n++] = (uint8_t) * *p;
        ++*p;
        --*n;
        if (r->head_n == 1)
            NF_TRY(check_first(r, err));
        else if (r->head_n == 2)
            NF_TRY(check_second(r, err));
        if (r->head_n >= 2 && r->head_n == head_bytes(r))
            NF_TRY(begin_payload(r, err));
    }
    return NF_OK;
}

/* --- its payload ------------------------------------------------------------------------------ */

static enum nf_code end_close(struct nf_ws_reader *r, struct nf_err *err)
{
    const char *p = nf_str_c(&r->control);
    size_t n = r->control.len;
    if (n == 1)
        return refuse(r, CLOSE_PROTOCOL, err, "close frame of one byte");
    if (n >= 2 && !nf_ws_close_code_ok((uint8_t)p[0] << 8 | (uint8_t)p[1]))
        return refuse(r, CLOSE_PROTOCOL, err, "close code that nobody may send");
    if (n > 2 && !nf_utf8_valid(p + 2, n - 2))
        return refuse(r, CLOSE_NOT_UTF8, err, "close reason is not UTF-8");
    r->closed = true;
    return NF_OK;
}

static enum nf_code end_control(struct nf_ws_reader *r, struct nf_err *err)
{
    if (r->op == NF_WS_CLOSE)
        NF_TRY(end_close(r, err));
    enum nf_code rc =
        r->fn(r->arg, (enum nf_ws_opcode)r->op, nf_str_c(&r->control), r->control.len, err);
    nf_str_reset(&r->control);
    return rc;
}

static enum nf_code end_message(struct nf_ws_reader *r, struct nf_err *err)
{
    enum nf_ws_opcode op = (enum nf_ws_opcode)r->message_op;
    if (op == NF_WS_TEXT && !nf_utf8_complete(&r->utf8))
        return refuse(r, CLOSE_NOT_UTF8, err, "text is not UTF-8");
    r->message_op = 0;
    r->utf8 = (struct nf_utf8){ 0 };
    enum nf_code rc = r->fn(r->arg, op, nf_str_c(&r->message), r->message.len, err);
    if (r->message.cap > KEEP_BYTES) {
        nf_str_done(&r->message);
        r->message.max = r->message_max + 1;
    }
    nf_str_reset(&r->message);
    return rc;
}

static enum nf_code take_payload(struct nf_ws_reader *r, const char **p, size_t *n,
                                 struct nf_err *err)
{
    struct nf_str *to = is_control(r->op) ? &r->control : &r->message;
    size_t k = r->left < *n ? (size_t)r->left : *n, from = to->len;
    if (k > 0) {
        if (nf_str_add(to, *p, k, err) != NF_OK) {
            r->close_code = CLOSE_INTERNAL;
            return NF_E_NOMEM; /* never the ceiling: the head was checked against it */
        }
        if (r->from_client)
            nf_ws_mask(to->p + from, k, r->mask, r->at);
        if (!is_control(r->op) && r->message_op == NF_WS_TEXT &&
            !nf_utf8_feed(&r->utf8, to->p + from, k))
            return refuse(r, CLOSE_NOT_UTF8, err, "text is not UTF-8");
    }
    *p += k;
    *n -= k;
    r->left -= k;
    r->at += k;
    if (r->left > 0)
        return NF_OK;
    r->in_payload = false;
    if (is_control(r->op))
        return end_control(r, err);
    return r->fin ? end_message(r, err) : NF_OK;
}

enum nf_code nf_ws_feed(struct nf_ws_reader *r, const char *p, size_t n, struct nf_err *err)
{
    if (r->close_code)
        return nf_err_set(err, NF_E_INVALID, "WebSocket: the peer broke the protocol before");
    while (n > 0 && !r->closed) {
        NF_TRY(take_head(r, &p, &n, err));
        if (r->in_payload)
            NF_TRY(take_payload(r, &p, &n, err));
    }
    return NF_OK;
}

/* --- writing ---------------------------------------------------------------------------------- */

size_t nf_ws_frame_head(uint8_t out[NF_WS_HEAD_MAX], enum nf_ws_opcode op, uint64_t payload,
                        const uint8_t mask[4])
{
    size_t n = 2, more = payload < 126 ? 0 : payload <= UINT16_MAX ? 2 : 8;
    uint8_t seven = more == 0 ? (uint8_t)payload : more == 2 ? 126 : 127;
    out[0] = (uint8_t)(0x80 | op);
    out[1] = (uint8_t)((mask ? 0x80 : 0) | seven);
    for (size_t i = more; i > 0; i--)
        out[n++] = (uint8_t)(payload >> (8 * (i - 1)));
    if (mask) {
        memcpy(out + n, mask, 4);
        n += 4;
    }
    return n;
}

void nf_ws_mask(char *p, size_t n, const uint8_t mask[4], uint64_t at)
{
    uint8_t turned[8]; /* the mask as it falls on p[0] to p[7] */
    uint64_t word, eight;
    for (size_t i = 0; i < sizeof(turned); i++)
        turned[i] = mask[(at + i) & 3];
    memcpy(&word, turned, sizeof(word));
    size_t i = 0;
    for (; i + sizeof(eight) <= n; i += sizeof(eight)) {
        memcpy(&eight, p + i, sizeof(eight));
        eight ^= word;
        memcpy(p + i, &eight, sizeof(eight));
    }
    for (; i < n; i++)
        p[i] = (char)(p[i] ^ turned[i & 7]);
}

bool nf_ws_close_code_ok(int code)
{
    /* 1004 is reserved, 1005, 1006 and 1015 never go over the wire; 1012 to 1014 are IANA's. */
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}

void nf_ws_accept_key(const char *key, size_t n, char ret[29])
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    char joined[NF_WS_KEY_MAX + sizeof(guid)];
    uint8_t digest[20];
    if (n > NF_WS_KEY_MAX)
        n = NF_WS_KEY_MAX;
    memcpy(joined, key, n);
    memcpy(joined + n, guid, sizeof(guid) - 1);
    nf_sha1(joined, n + sizeof(guid) - 1, digest);
    base64_encode_raw(ret, sizeof(digest), digest);
    ret[28] = '\0';
}
