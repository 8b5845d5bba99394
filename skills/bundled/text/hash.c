/* MD5 (RFC 1321), SHA-1, SHA-256, SHA-512 (FIPS 180-4), CRC-32 (RFC 1952, section 8). All but the
 * last work on blocks and differ in the block, so one frame holds them. */
#include "skills/bundled/text/hash.h"

#include <string.h>

struct state {
    uint32_t w[8];
    uint64_t v[8];
};

static const uint32_t md5_k[64] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391
};
/* The first bits of the fractions of the cube roots of the first primes; SHA-256 takes the upper
 * halves of the first 64. */
static const uint64_t sha_k[80] = {
    UINT64_C(0x428a2f98d728ae22), UINT64_C(0x7137449123ef65cd), UINT64_C(0xb5c0fbcfec4d3b2f),
    UINT64_C(0xe9b5dba58189dbbc), UINT64_C(0x3956c25bf348b538), UINT64_C(0x59f111f1b605d019),
    UINT64_C(0x923f82a4af194f9b), UINT64_C(0xab1c5ed5da6d8118), UINT64_C(0xd807aa98a3030242),
    UINT64_C(0x12835b0145706fbe), UINT64_C(0x243185be4ee4b28c), UINT64_C(0x550c7dc3d5ffb4e2),
    UINT64_C(0x72be5d74f27b896f), UINT64_C(0x80deb1fe3b1696b1), UINT64_C(0x9bdc06a725c71235),
    UINT64_C(0xc19bf174cf692694), UINT64_C(0xe49b69c19ef14ad2), UINT64_C(0xefbe4786384f25e3),
    UINT64_C(0x0fc19dc68b8cd5b5), UINT64_C(0x240ca1cc77ac9c65), UINT64_C(0x2de92c6f592b0275),
    UINT64_C(0x4a7484aa6ea6e483), UINT64_C(0x5cb0a9dcbd41fbd4), UINT64_C(0x76f988da831153b5),
    UINT64_C(0x983e5152ee66dfab), UINT64_C(0xa831c66d2db43210), UINT64_C(0xb00327c898fb213f),
    UINT64_C(0xbf597fc7beef0ee4), UINT64_C(0xc6e00bf33da88fc2), UINT64_C(0xd5a79147930aa725),
    UINT64_C(0x06ca6351e003826f), UINT64_C(0x142929670a0e6e70), UINT64_C(0x27b70a8546d22ffc),
    UINT64_C(0x2e1b21385c26c926), UINT64_C(0x4d2c6dfc5ac42aed), UINT64_C(0x53380d139d95b3df),
    UINT64_C(0x650a73548baf63de), UINT64_C(0x766a0abb3c77b2a8), UINT64_C(0x81c2c92e47edaee6),
    UINT64_C(0x92722c851482353b), UINT64_C(0xa2bfe8a14cf10364), UINT64_C(0xa81a664bbc423001),
    UINT64_C(0xc24b8b70d0f89791), UINT64_C(0xc76c51a30654be30), UINT64_C(0xd192e819d6ef5218),
    UINT64_C(0xd69906245565a910), UINT64_C(0xf40e35855771202a), UINT64_C(0x106aa07032bbd1b8),
    UINT64_C(0x19a4c116b8d2d0c8), UINT64_C(0x1e376c085141ab53), UINT64_C(0x2748774cdf8eeb99),
    UINT64_C(0x34b0bcb5e19b48a8), UINT64_C(0x391c0cb3c5c95a63), UINT64_C(0x4ed8aa4ae3418acb),
    UINT64_C(0x5b9cca4f7763e373), UINT64_C(0x682e6ff3d6b2b8a3), UINT64_C(0x748f82ee5defb2fc),
    UINT64_C(0x78a5636f43172f60), UINT64_C(0x84c87814a1f0ab72), UINT64_C(0x8cc702081a6439ec),
    UINT64_C(0x90befffa23631e28), UINT64_C(0xa4506cebde82bde9), UINT64_C(0xbef9a3f7b2c67915),
    UINT64_C(0xc67178f2e372532b), UINT64_C(0xca273eceea26619c), UINT64_C(0xd186b8c721c0c207),
    UINT64_C(0xeada7dd6cde0eb1e), UINT64_C(0xf57d4f7fee6ed178), UINT64_C(0x06f067aa72176fba),
    UINT64_C(0x0a637dc5a2c898a6), UINT64_C(0x113f9804bef90dae), UINT64_C(0x1b710b35131c471b),
    UINT64_C(0x28db77f523047d84), UINT64_C(0x32caab7b40c72493), UINT64_C(0x3c9ebe0a15c9bebc),
    UINT64_C(0x431d67c49c100d4c), UINT64_C(0x4cc5d4becb3e42b6), UINT64_C(0x597f299cfc657e2a),
    UINT64_C(0x5fcb6fab3ad6faec), UINT64_C(0x6c44198c4a475817)
};
static const uint64_t sha_h[8] = { UINT64_C(0x6a09e667f3bcc908), UINT64_C(0xbb67ae8584caa73b),
                                   UINT64_C(0x3c6ef372fe94f82b), UINT64_C(0xa54ff53a5f1d36f1),
                                   UINT64_C(0x510e527fade682d1), UINT64_C(0x9b05688c2b3e6c1f),
                                   UINT64_C(0x1f83d9abfb41bd6b), UINT64_C(0x5be0cd19137e2179) };

static uint32_t rotl(uint32_t v, unsigned n)
{
    return v << n | v >> (32 - n);
}

static uint32_t rotr(uint32_t v, unsigned n)
{
    return v >> n | v << (32 - n);
}

static uint64_t rotr64(uint64_t v, unsigned n)
{
    return v >> n | v << (64 - n);
}

static uint64_t load(const uint8_t *p, size_t n)
{
    uint64_t v = 0;

    for (size_t i = 0; i < n; i++)
        v = v << 8 | p[i];
    return v;
}

static uint32_t load_little(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void md5_block(struct state *s, const uint8_t *p)
{
    static const uint8_t shift[4][4] = {
        { 7, 12, 17, 22 }, { 5, 9, 14, 20 }, { 4, 11, 16, 23 }, { 6, 10, 15, 21 }
    };
    uint32_t a = s->w[0], b = s->w[1], c = s->w[2], d = s->w[3];

    for (unsigned i = 0; i < 64; i++) {
        uint32_t f, old = d;
        unsigned g;

        if (i < 16) {
            f = (b & c) | (~b & d);
            g = i;
        } else if (i < 32) {
            f = (d & b) | (~d & c);
            g = (5 * i + 1) % 16;
        } else if (i < 48) {
            f = b ^ c ^ d;
            g = (3 * i + 5) % 16;
        } else {
            f = c ^ (b | ~d);
            g = 7 * i % 16;
        }
        f += a + md5_k[i] + load_little(p + 4 * (size_t)g);
        d = c;
        c = b;
        b += rotl(f, shift[i / 16][i % 4]);
        a = old;
    }
    s->w[0] += a;
    s->w[1] += b;
    s->w[2] += c;
    s->w[3] += d;
}

static void sha1_block(struct state *s, const uint8_t *p)
{
    uint32_t w[80], a = s->w[0], b = s->w[1], c = s->w[2], d = s->w[3], e = s->w[4];

    for (size_t i = 0; i < 80; i++)
        w[i] = i < 16 ? (uint32_t)load(p + 4 * i, 4)
                      : rotl(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    for (size_t i = 0; i < 80; i++) {
        uint32_t f, k, t;

        if (i < 20) {
            f = (b & c) | (~b & d);
            k = 0x5a827999;
        } else if (i < 40 || i >= 60) {
            f = b ^ c ^ d;
            k = i < 40 ? 0x6ed9eba1 : 0xca62c1d6;
        } else {
            f = (b & c) | (b & d) | (c & d);
            k = 0x8f1bbcdc;
        }
        t = rotl(a, 5) + f + e + k + w[i];
        e = d;
        d = c;
        c = rotl(b, 30);
        b = a;
        a = t;
    }
    s->w[0] += a;
    s->w[1] += b;
    s->w[2] += c;
    s->w[3] += d;
    s->w[4] += e;
}

static void sha256_block(struct state *s, const uint8_t *p)
{
    uint32_t w[64], v[8];

    for (size_t i = 0; i < 64; i++)
        if (i < 16)
            w[i] = (uint32_t)load(p + 4 * i, 4);
        else
            w[i] = w[i - 16] + w[i - 7] +
                   (rotr(w[i - 15], 7) ^ rotr(w[i - 15], 18) ^ w[i - 15] >> 3) +
                   (rotr(w[i - 2], 17) ^ rotr(w[i - 2], 19) ^ w[i - 2] >> 10);
    memcpy(v, s->w, sizeof(v));
    for (size_t i = 0; i < 64; i++) {
        uint32_t t1 = v[7] + (rotr(v[4], 6) ^ rotr(v[4], 11) ^ rotr(v[4], 25)) +
                      ((v[4] & v[5]) ^ (~v[4] & v[6])) + (uint32_t)(sha_k[i] >> 32) + w[i];
        uint32_t t2 = (rotr(v[0], 2) ^ rotr(v[0], 13) ^ rotr(v[0], 22)) +
                      ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));

        memmove(v + 1, v, 7 * sizeof(*v));
        v[4] += t1;
        v[0] = t1 + t2;
    }
    for (size_t i = 0; i < 8; i++)
        s->w[i] += v[i];
}

static void sha512_block(struct state *s, const uint8_t *p)
{
    uint64_t w[80], v[8];

    for (size_t i = 0; i < 80; i++)
        if (i < 16)
            w[i] = load(p + 8 * i, 8);
        else
            w[i] = w[i - 16] + w[i - 7] +
                   (rotr64(w[i - 15], 1) ^ rotr64(w[i - 15], 8) ^ w[i - 15] >> 7) +
                   (rotr64(w[i - 2], 19) ^ rotr64(w[i - 2], 61) ^ w[i - 2] >> 6);
    memcpy(v, s->v, sizeof(v));
    for (size_t i = 0; i < 80; i++) {
        uint64_t t1 = v[7] + (rotr64(v[4], 14) ^ rotr64(v[4], 18) ^ rotr64(v[4], 41)) +
                      ((v[4] & v[5]) ^ (~v[4] & v[6])) + sha_k[i] + w[i];
        uint64_t t2 = (rotr64(v[0], 28) ^ rotr64(v[0], 34) ^ rotr64(v[0], 39)) +
                      ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));

        memmove(v + 1, v, 7 * sizeof(*v));
        v[4] += t1;
        v[0] = t1 + t2;
    }
    for (size_t i = 0; i < 8; i++)
        s->v[i] += v[i];
}

/* Feed all blocks, the last ones with the padding: a bit 1, zeros, the length in bits. */
static void feed(struct state *s, void (*block)(struct state *, const uint8_t *), size_t size,
                 bool little, const uint8_t *p, size_t n)
{
    size_t length = size / 8, whole = n / size * size;
    size_t tail = n - whole + 1 + length <= size ? size : 2 * size;
    uint8_t last[256] = { 0 };

    for (size_t at = 0; at < whole; at += size)
        block(s, p + at);
    if (n > whole)
        memcpy(last, p + whole, n - whole);
    last[n - whole] = 0x80;
    for (size_t i = 0; i < 8; i++)
        last[little ? tail - 8 + i : tail - 1 - i] = (uint8_t)((uint64_t)n << 3 >> (8 * i));
    for (size_t at = 0; at < tail; at += size)
        block(s, last + at);
}

static size_t put_words(const struct state *s, size_t words, bool little, uint8_t *ret)
{
    for (size_t i = 0; i < words * 4; i++)
        ret[i] = (uint8_t)(s->w[i / 4] >> (little ? i % 4 * 8 : 24 - i % 4 * 8));
    return words * 4;
}

size_t nf_md5(const uint8_t *p, size_t n, uint8_t ret[NF_HASH_MAX])
{
    struct state s = { .w = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476 } };

    feed(&s, md5_block, 64, true, p, n);
    return put_words(&s, 4, true, ret);
}

size_t nf_sha1(const uint8_t *p, size_t n, uint8_t ret[NF_HASH_MAX])
{
    struct state s = { .w = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0 } };

    feed(&s, sha1_block, 64, false, p, n);
    return put_words(&s, 5, false, ret);
}

size_t nf_sha256(const uint8_t *p, size_t n, uint8_t ret[NF_HASH_MAX])
{
    struct state s = { 0 };

    for (size_t i = 0; i < 8; i++)
        s.w[i] = (uint32_t)(sha_h[i] >> 32);
    feed(&s, sha256_block, 64, false, p, n);
    return put_words(&s, 8, false, ret);
}

size_t nf_sha512(const uint8_t *p, size_t n, uint8_t ret[NF_HASH_MAX])
{
    struct state s;

    memcpy(s.v, sha_h, sizeof(s.v));
    feed(&s, sha512_block, 128, false, p, n);
    for (size_t i = 0; i < 64; i++)
        ret[i] = (uint8_t)(s.v[i / 8] >> (56 - i % 8 * 8));
    return 64;
}

size_t nf_crc32(const uint8_t *p, size_t n, uint8_t ret[NF_HASH_MAX])
{
    uint32_t crc = 0xffffffff;

    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    crc = ~crc;
    for (size_t i = 0; i < 4; i++)
        ret[i] = (uint8_t)(crc >> (24 - 8 * i));
    return 4;
}
