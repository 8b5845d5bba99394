#include "base/utf8.h"

#include <string.h>

static bool lead(struct nf_utf8 *u, uint8_t c)
{
    u->lo = 0x80;
    u->hi = 0xbf;
    if (c >= 0xc2 && c <= 0xdf) {
        u->need = 1;
    } else if (c >= 0xe0 && c <= 0xef) {
        u->need = 2;
        if (c == 0xe0)
            u->lo = 0xa0;
        else if (c == 0xed)
            u->hi = 0x9f;
    } else if (c >= 0xf0 && c <= 0xf4) {
        u->need = 3;
        if (c == 0xf0)
            u->lo = 0x90;
        else if (c == 0xf4)
            u->hi = 0x8f;
    } else {
        return false;
    }
    return true;
}

/* How many of the first bytes are surely ASCII, by words: what most texts are. */
static size_t ascii(const uint8_t *s, size_t n)
{
    size_t i = 0;
    for (uint64_t w[4]; i + sizeof(w) <= n; i += sizeof(w)) {
        memcpy(w, s + i, sizeof(w));
        if ((w[0] | w[1] | w[2] | w[3]) & 0x8080808080808080U)
            break;
    }
    return i;
}

bool nf_utf8_feed(struct nf_utf8 *u, const char *p, size_t n)
{
    const uint8_t *s = (const uint8_t *)p;
    for (size_t i = u->need == 0 ? ascii(s, n) : 0; i < n;) {
        uint64_t eight;
        if (u->need == 0 && i + sizeof(eight) <= n) {
            memcpy(&eight, s + i, sizeof(eight));
            if ((eight & 0x8080808080808080U) == 0) {
                i += sizeof(eight);
                continue;
            }
        }
        uint8_t c = s[i++];
        if (u->need > 0) {
            if (c < u->lo || c > u->hi)
                return false;
            u->lo = 0x80;
            u->hi = 0xbf;
            u->need--;
        } else if (c >= 0x80 && !lead(u, c)) {
            return false;
        }
    }
    return true;
}

bool nf_utf8_valid(const char *p, size_t n)
{
    struct nf_utf8 u = { 0 };
    return nf_utf8_feed(&u, p, n) && nf_utf8_complete(&u);
}

size_t nf_utf8_cut(const char *p, size_t n, size_t max)
{
    if (n <= max)
        return n;
    while (max > 0 && ((uint8_t)p[max] & 0xc0) == 0x80)
        max--;
    return max;
}

void nf_utf8_copy(char *to, size_t size, const char *from)
{
    size_t n = nf_utf8_cut(from, strlen(from), size - 1);
    memcpy(to, from, n);
    to[n] = '\0';
}

/* The character at p, and how long it is. */
static uint32_t decode(const char *p, size_t *len)
{
    const uint8_t *s = (const uint8_t *)p;
    if (s[0] < 0x80) {
        *len = 1;
        return s[0];
    }
    *len = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    uint32_t c = s[0] & (0x7fU >> *len);
    for (size_t i = 1; i < *len; i++)
        c = c << 6 | (s[i] & 0x3fU);
    return c;
}

/* The small letter. `by` 1: a capital and its small one take turns from `first` on. */
static uint32_t small(uint32_t c)
{
    static const struct {
        uint32_t first, last, by;
    } capitals[] = {
        { 'A', 'Z', 32 },      { 0xc0, 0xd6, 32 },   { 0xd8, 0xde, 32 },   { 0x100, 0x12e, 1 },
        { 0x132, 0x136, 1 },   { 0x139, 0x147, 1 },  { 0x14a, 0x176, 1 },  { 0x179, 0x17d, 1 },
        { 0x1a0, 0x1a4, 1 },   { 0x1af, 0x1af, 1 },  { 0x1cd, 0x1db, 1 },  { 0x1de, 0x1ee, 1 },
        { 0x1f8, 0x21e, 1 },   { 0x222, 0x232, 1 },  { 0x386, 0x386, 38 }, { 0x388, 0x38a, 37 },
        { 0x38c, 0x38c, 64 },  { 0x38e, 0x38f, 63 }, { 0x391, 0x3a1, 32 }, { 0x3a3, 0x3ab, 32 },
        { 0x3c2, 0x3c2, 1 },   { 0x400, 0x40f, 80 }, { 0x410, 0x42f, 32 }, { 0x460, 0x480, 1 },
        { 0x48a, 0x4be, 1 },   { 0x4c1, 0x4cd, 1 },  { 0x4d0, 0x52e, 1 },  { 0x1e00, 0x1e94, 1 },
        { 0x1ea0, 0x1efe, 1 },
    };
    for (size_t i = 0; i < sizeof(capitals) / sizeof(capitals[0]); i++)
        if (c >= capitals[i].first && c <= capitals[i].last)
            return capitals[i].by == 1 && (c - capitals[i].first) % 2 ? c : c + capitals[i].by;
    return c;
}

static bool begins(const char *text, size_t n, const char *part, size_t part_n)
{
    size_t a, b;
    for (; part_n > 0; text += a, n -= a, part += b, part_n -= b)
        if (n == 0 || small(decode(text, &a)) != small(decode(part, &b)))
            return false;
    return true;
}

bool nf_utf8_has(const char *text, size_t n, const char *part, size_t part_n)
{
    size_t len;
    for (; n > 0; text += len, n -= len) {
        if (begins(text, n, part, part_n))
            return true;
        (void)decode(text, &len);
    }
    return part_n == 0;
}

size_t nf_utf16_units(const char *p, size_t n)
{
    size_t units = 0;
    for (size_t i = 0; i < n; i++) {
        uint8_t b = (uint8_t)p[i];
        if ((b & 0xC0) != 0x80)         /* the first byte of a character */
            units += b >= 0xF0 ? 2 : 1; /* beyond the BMP: a pair */
    }
    return units;
}
