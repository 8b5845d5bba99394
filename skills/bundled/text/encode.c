/* Digests, and bytes as text in other alphabets. */
#include "skills/bundled/common/html_entity.h"
#include "skills/bundled/common/text.h"
#include "skills/bundled/common/utf8.h"
#include "skills/bundled/text/hash.h"
#include "skills/bundled/text/tools.h"

#include <string.h>

static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char base64url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char hex[] = "0123456789abcdef";

enum { BASE64, BASE64URL, HEX, URL, HTML };
static const char *const encodings[] = { "base64", "base64url", "hex", "url", "html", NULL };

static void put_hex(struct nf_buf *to, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        nf_buf_addc(to, hex[p[i] >> 4]);
        nf_buf_addc(to, hex[p[i] & 15]);
    }
}

/* RFC 4648, sections 4 and 5; the second without padding. */
static void put_base64(struct nf_buf *to, const uint8_t *p, size_t n, const char *alphabet)
{
    for (size_t i = 0; i < n; i += 3) {
        uint32_t v = (uint32_t)p[i] << 16 | (i + 1 < n ? (uint32_t)p[i + 1] << 8 : 0) |
                     (i + 2 < n ? p[i + 2] : 0u);

        for (size_t k = 0; k < 4; k++)
            if (k <= n - i || k < 2)
                nf_buf_addc(to, alphabet[v >> (18 - 6 * k) & 63]);
            else if (alphabet == base64)
                nf_buf_addc(to, '=');
    }
}

/* RFC 3986, section 2.3: all but the unreserved characters. */
static void put_url(struct nf_buf *to, const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char c = p[i];

        if (nf_text_is_digit(c) || (nf_text_lower(c) >= 'a' && nf_text_lower(c) <= 'z') ||
            (c && strchr("-._~", c)))
            nf_buf_addc(to, c);
        else
            nf_buf_addf(to, "%%%02X", (unsigned char)c);
    }
}

static void put_encoded(struct nf_buf *to, size_t encoding, const char *p, size_t n)
{
    if (encoding == BASE64 || encoding == BASE64URL)
        put_base64(to, (const uint8_t *)p, n, encoding == BASE64 ? base64 : base64url);
    else if (encoding == HEX)
        put_hex(to, (const uint8_t *)p, n);
    else if (encoding == URL)
        put_url(to, p, n);
    else
        nf_html_escape(p, n, to);
}

static int hex_digit(char c)
{
    const char *at = c ? strchr(hex, nf_text_lower(c)) : NULL;

    return at ? (int)(at - hex) : -1;
}

static void bad(struct nf_args *a, const char *encoding, size_t at)
{
    nf_args_fail(a, NF_SKILL_E_INVALID, "argument \"text\" is no %s: wrong at character %zu",
                 encoding, at + 1);
}

static void take_hex(struct nf_args *a, struct nf_buf *to, const char *p, size_t n)
{
    int high = -1;

    for (size_t i = 0; i < n && a->rc == NF_SKILL_OK; i++) {
        int digit = hex_digit(p[i]);

        if (strchr(" \t\r\n:", p[i]))
            continue;
        if (digit < 0)
            bad(a, "hex", i);
        else if (high < 0)
            high = digit;
        else {
            nf_buf_addc(to, (char)(high << 4 | digit));
            high = -1;
        }
    }
    if (high >= 0)
        bad(a, "hex (a digit is missing)", n);
}

/* Both alphabets, with or without padding, blanks between. */
static void take_base64(struct nf_args *a, struct nf_buf *to, const char *p, size_t n)
{
    uint32_t v = 0;
    size_t digits = 0, padding = 0;

    for (size_t i = 0; i < n && a->rc == NF_SKILL_OK; i++) {
        const char *at = strchr(base64, p[i] == '-' ? '+' : p[i] == '_' ? '/' : p[i]);

        if (strchr(" \t\r\n", p[i]))
            continue;
        if (p[i] == '=') {
            padding++;
            continue;
        }
        if (!at || padding > 0) {
            bad(a, "base64", i);
            return;
        }
        v = v << 6 | (uint32_t)(at - base64);
        if (++digits % 4 == 0)
            for (int k = 16; k >= 0; k -= 8)
                nf_buf_addc(to, (char)(v >> k & 255));
    }
    if (digits % 4 == 1 || padding > 2)
        bad(a, "base64 (its length is wrong)", n);
    else if (digits % 4 == 2)
        nf_buf_addc(to, (char)(v >> 4 & 255));
    else if (digits % 4 == 3) {
        nf_buf_addc(to, (char)(v >> 10 & 255));
        nf_buf_addc(to, (char)(v >> 2 & 255));
    }
}

static void take_url(struct nf_args *a, struct nf_buf *to, const char *p, size_t n, bool form)
{
    for (size_t i = 0; i < n && a->rc == NF_SKILL_OK; i++) {
        int high = p[i] == '%' && n - i >= 3 ? hex_digit(p[i + 1]) : -1,
            low = high >= 0 ? hex_digit(p[i + 2]) : -1;

        if (p[i] == '+' && form) {
            nf_buf_addc(to, ' ');
        } else if (p[i] != '%') {
            nf_buf_addc(to, p[i]);
        } else if (low < 0) {
            bad(a, "URL encoding (two hexadecimal digits follow %)", i);
        } else {
            nf_buf_addc(to, (char)(high * 16 + low));
            i += 2;
        }
    }
}

static void take_html(struct nf_buf *to, const char *p, size_t n)
{
    for (size_t i = 0; i < n;) {
        size_t used = p[i] == '&' ? nf_html_reference(p + i, n - i, to) : 0;

        if (used == 0)
            nf_buf_addc(to, p[i]);
        i += used > 0 ? used : 1;
    }
}

static void take_encoded(struct nf_args *a, struct nf_buf *to, size_t encoding, const char *p,
                         bool form)
{
    size_t n = strlen(p);

    if (encoding == BASE64 || encoding == BASE64URL)
        take_base64(a, to, p, n);
    else if (encoding == HEX)
        take_hex(a, to, p, n);
    else if (encoding == URL)
        take_url(a, to, p, n, form);
    else
        take_html(to, p, n);
}

int nf_text_encode(struct nf_args *a, struct nf_buf *out)
{
    const char *text = nf_args_text(a, "text", NF_TEXT_MAX);
    size_t encoding = nf_args_choice(a, "encoding", encodings);
    struct nf_buf encoded = nf_buf_of(a->h, NF_BUF_MAX);

    if (a->rc != NF_SKILL_OK)
        return a->rc;
    put_encoded(&encoded, encoding, text, strlen(text));
    nf_out_open(out, '{');
    nf_put_buf(out, "result", &encoded);
    nf_out_close(out, '}');
    return NF_SKILL_OK;
}

int nf_text_decode(struct nf_args *a, struct nf_buf *out)
{
    const char *text = nf_args_text(a, "text", NF_TEXT_MAX);
    size_t encoding = nf_args_choice(a, "encoding", encodings);
    bool form = nf_args_bool_or(a, "plus_is_space", false);
    struct nf_buf decoded = nf_buf_of(a->h, NF_BUF_MAX), shown = nf_buf_of(a->h, NF_BUF_MAX);

    if (a->rc != NF_SKILL_OK)
        return a->rc;
    take_encoded(a, &decoded, encoding, text, form);
    if (a->rc != NF_SKILL_OK || decoded.rc != NF_SKILL_OK)
        return a->rc != NF_SKILL_OK ? a->rc : decoded.rc;
    nf_out_open(out, '{');
    if (nf_utf8_ok(nf_buf_c(&decoded), decoded.len) &&
        !memchr(nf_buf_c(&decoded), 0, decoded.len)) {
        nf_put_buf(out, "result", &decoded);
    } else {
        put_hex(&shown, (const uint8_t *)decoded.p, decoded.len);
        nf_put_buf(out, "hex", &shown);
        nf_put_str(out, "note", "the bytes are no UTF-8 text, so they are shown as hex");
    }
    nf_put_i64(out, "bytes", (int64_t)decoded.len);
    nf_out_close(out, '}');
    return NF_SKILL_OK;
}

int nf_text_hash(struct nf_args *a, struct nf_buf *out)
{
    static const char *const names[] = { "md5", "sha1", "sha256", "sha512", "crc32", NULL };
    static size_t (*const functions[])(
        const uint8_t *, size_t, uint8_t *) = { nf_md5, nf_sha1, nf_sha256, nf_sha512, nf_crc32 };
    static const char *const inputs[] = { "text", "base64", "hex", NULL };
    const char *text = nf_args_text(a, "text", NF_TEXT_MAX);
    size_t name = nf_args_choice_or(a, "algorithm", names, 2);
    size_t input = nf_args_choice_or(a, "input", inputs, 0);
    struct nf_buf bytes = nf_buf_of(a->h, NF_BUF_MAX),
                  shown = nf_buf_of(a->h, (size_t)2 * NF_HASH_MAX);
    uint8_t digest[NF_HASH_MAX];

    if (input == 0)
        nf_buf_adds(&bytes, text);
    else
        take_encoded(a, &bytes, input == 1 ? BASE64 : HEX, text, false);
    if (a->rc != NF_SKILL_OK || bytes.rc != NF_SKILL_OK)
        return a->rc != NF_SKILL_OK ? a->rc : bytes.rc;
    put_hex(&shown, digest, functions[name]((const uint8_t *)nf_buf_c(&bytes), bytes.len, digest));
    nf_out_open(out, '{');
    nf_put_str(out, "algorithm", names[name]);
    nf_put_buf(out, "result", &shown);
    nf_put_i64(out, "bytes", (int64_t)bytes.len);
    nf_out_close(out, '}');
    return NF_SKILL_OK;
}
