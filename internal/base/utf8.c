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

bool nf_utf8_feed(struct nf_utf8 *u, const char *p, size_t n)
{
    const uint8_t *s = (const uint8_t *)p;
    for (size_t i = 0; i < n;) {
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
