/* By nettle: of OpenSSL, 1.6 MB stay in memory for these two functions. */
#include "codec/hash.h"

#include <errno.h>
#include <nettle/base64.h>
#include <nettle/sha1.h>
#include <nettle/sha2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

void nf_sha1(const void *p, size_t n, uint8_t ret[20])
{
    struct sha1_ctx c;
    sha1_init(&c);
    sha1_update(&c, n, p);
    sha1_digest(&c, SHA1_DIGEST_SIZE, ret);
}

void nf_sha256(const void *p, size_t n, uint8_t ret[32])
{
    struct sha256_ctx c;
    sha256_init(&c);
    sha256_update(&c, n, p);
    sha256_digest(&c, SHA256_DIGEST_SIZE, ret);
}

void nf_sha256_hex(const void *p, size_t n, char ret[NF_SHA256_HEX + 1])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t raw[32];
    nf_sha256(p, n, raw);
    for (size_t i = 0; i < sizeof(raw); i++) {
        ret[2 * i] = digits[raw[i] >> 4];
        ret[2 * i + 1] = digits[raw[i] & 15];
    }
    ret[NF_SHA256_HEX] = '\0';
}

enum nf_code nf_base64(const void *p, size_t n, struct nf_str *ret, struct nf_err *err)
{
    if (n >= SIZE_MAX / 4 * 3)
        return nf_err_set(err, NF_E_LIMIT, "too much for base64: %zu bytes", n);
    NF_TRY(nf_str_reserve(ret, (n + 2) / 3 * 4, err));
    base64_encode_raw(ret->p + ret->len, n, p);
    ret->len += BASE64_ENCODE_RAW_LENGTH(n);
    ret->p[ret->len] = '\0';
    return NF_OK;
}

static int sextet(char c)
{
    static const char all[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(all, c) : NULL;
    return at ? (int)(at - all) : -1;
}

/* One quantum: how many bytes it gives, 0 if it is none. */
static size_t read_quantum(const char *p, bool last, uint8_t ret[3])
{
    int v[4];
    size_t pad = last ? (size_t)(p[3] == '=') + (p[3] == '=' && p[2] == '=') : 0;
    for (size_t i = 0; i < 4; i++) {
        v[i] = i >= 4 - pad ? 0 : sextet(p[i]);
        if (v[i] < 0)
            return 0;
    }
    uint32_t bits =
        (uint32_t)v[0] << 18 | (uint32_t)v[1] << 12 | (uint32_t)v[2] << 6 | (uint32_t)v[3];
    for (size_t i = 0; i < 3; i++)
        ret[i] = (uint8_t)(bits >> (16 - 8 * i));
    for (size_t i = 3 - pad; i < 3; i++) /* bits that no byte takes must be 0: section 3.5 */
        if (ret[i] != 0)
            return 0;
    return 3 - pad;
}

enum nf_code nf_base64_decode(const char *p, size_t n, struct nf_str *ret, struct nf_err *err)
{
    size_t before = ret->len;
    if (n % 4 != 0)
        return nf_err_set(err, NF_E_INVALID, "not base64: its length is no multiple of 4");
    NF_TRY(nf_str_reserve(ret, n / 4 * 3, err));
    for (size_t i = 0; i < n; i += 4) {
        uint8_t bytes[3];
        size_t got = read_quantum(p + i, i + 4 == n, bytes);
        if (got == 0) {
            ret->len = before;
            ret->p[before] = '\0';
            return nf_err_set(err, NF_E_INVALID, "not base64: byte %zu", i);
        }
        memcpy(ret->p + ret->len, bytes, got);
        ret->len += got;
    }
    if (ret->p)
        ret->p[ret->len] = '\0';
    return NF_OK;
}

void nf_random(void *p, size_t n)
{
    char *to = p;
    while (n > 0) {
        ssize_t got = getrandom(to, n, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            abort();
        to += got;
        n -= (size_t)got;
    }
}

uint64_t nf_random_u64(void)
{
    uint64_t v;
    nf_random(&v, sizeof(v));
    return v;
}

void nf_random_token(char ret[NF_TOKEN_TEXT + 1])
{
    uint8_t raw[NF_TOKEN_BYTES];
    char text[NF_TOKEN_TEXT + 1]; /* with the padding */
    nf_random(raw, sizeof(raw));
    base64_encode_raw(text, sizeof(raw), raw);
    for (size_t i = 0; i < NF_TOKEN_TEXT; i++)
        ret[i] = (char)(text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i]);
    ret[NF_TOKEN_TEXT] = '\0';
    explicit_bzero(raw, sizeof(raw));
    explicit_bzero(text, sizeof(text));
}
