/* SHA256_Init and its like are called deprecated, but the functions that are not look for a
 * provider each time and bring all of OpenSSL into memory: 1.8 MB that a daemon without TLS does
 * not need. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "codec/hash.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* Encoded at a time: a multiple of 3, so that padding can only stand at the end. */
#define BASE64_CHUNK 3072

void nf_sha1(const void *p, size_t n, uint8_t ret[20])
{
    SHA_CTX c;
    if (!SHA1_Init(&c) || !SHA1_Update(&c, p, n) || !SHA1_Final(ret, &c))
        abort();
}

void nf_sha256(const void *p, size_t n, uint8_t ret[32])
{
    SHA256_CTX c;
    if (!SHA256_Init(&c) || !SHA256_Update(&c, p, n) || !SHA256_Final(ret, &c))
        abort();
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
    const uint8_t *from = p;
    if (n >= SIZE_MAX / 4 * 3)
        return nf_err_set(err, NF_E_LIMIT, "too much for base64: %zu bytes", n);
    NF_TRY(nf_str_reserve(ret, (n + 2) / 3 * 4, err));
    while (n > 0) {
        size_t k = n < BASE64_CHUNK ? n : BASE64_CHUNK;
        int got = EVP_EncodeBlock((unsigned char *)ret->p + ret->len, from, (int)k);
        ret->len += (size_t)got;
        from += k;
        n -= k;
    }
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
    unsigned char text[NF_TOKEN_TEXT + 2]; /* with the padding */
    nf_random(raw, sizeof(raw));
    (void)EVP_EncodeBlock(text, raw, sizeof(raw));
    for (size_t i = 0; i < NF_TOKEN_TEXT; i++)
        ret[i] = (char)(text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i]);
    ret[NF_TOKEN_TEXT] = '\0';
    explicit_bzero(raw, sizeof(raw));
    explicit_bzero(text, sizeof(text));
}
