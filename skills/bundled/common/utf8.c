/* UTF-8 by hand, and as much of Unicode's case mapping as notes and slugs need. */
#include "skills/bundled/common/utf8.h"

#include <string.h>

static bool is_tail(unsigned char c)
{
    return (c & 0xC0) == 0x80;
}

/* Length of the sequence at p with n > 0 bytes, 0: it is none. Unicode 15, table 3-7. */
static size_t sequence(const unsigned char *p, size_t n)
{
    unsigned char lo = 0x80, hi = 0xBF;
    size_t need = 1;

    if (p[0] < 0x80)
        return 1;
    if (p[0] < 0xC2 || p[0] > 0xF4)
        return 0;
    if (p[0] >= 0xF0) {
        need = 3;
        lo = p[0] == 0xF0 ? 0x90 : 0x80;
        hi = p[0] == 0xF4 ? 0x8F : 0xBF;
    } else if (p[0] >= 0xE0) {
        need = 2;
        lo = p[0] == 0xE0 ? 0xA0 : 0x80;
        hi = p[0] == 0xED ? 0x9F : 0xBF;
    }
    if (n <= need || p[1] < lo || p[1] > hi)
        return 0;
    for (size_t k = 2; k <= need; k++)
        if (!is_tail(p[k]))
            return 0;
    return need + 1;
}

uint32_t nf_rune_next(const char *p, size_t n, size_t *i)
{
    const unsigned char *u = (const unsigned char *)p + *i;
    size_t len = sequence(u, n - *i);
    uint32_t rune;

    if (len <= 1) {
        *i += 1;
        return len == 1 ? u[0] : NF_RUNE_BAD;
    }
    rune = u[0] & (0x7Fu >> len);
    for (size_t k = 1; k < len; k++)
        rune = rune << 6 | (u[k] & 0x3Fu);
    *i += len;
    return rune;
}

size_t nf_rune_encode(uint32_t rune, char *ret)
{
    if (rune > 0x10FFFF || (rune >= 0xD800 && rune <= 0xDFFF))
        rune = NF_RUNE_BAD;
    if (rune < 0x80) {
        ret[0] = (char)rune;
        return 1;
    }
    if (rune < 0x800) {
        ret[0] = (char)(0xC0 | rune >> 6);
        ret[1] = (char)(0x80 | (rune & 0x3F));
        return 2;
    }
    if (rune < 0x10000) {
        ret[0] = (char)(0xE0 | rune >> 12);
        ret[1] = (char)(0x80 | (rune >> 6 & 0x3F));
        ret[2] = (char)(0x80 | (rune & 0x3F));
        return 3;
    }
    ret[0] = (char)(0xF0 | rune >> 18);
    ret[1] = (char)(0x80 | (rune >> 12 & 0x3F));
    ret[2] = (char)(0x80 | (rune >> 6 & 0x3F));
    ret[3] = (char)(0x80 | (rune & 0x3F));
    return 4;
}

bool nf_utf8_ok(const char *p, size_t n)
{
    for (size_t i = 0, len; i < n; i += len) {
        len = sequence((const unsigned char *)p + i, n - i);
        if (len == 0)
            return false;
    }
    return true;
}

size_t nf_utf8_count(const char *p, size_t n)
{
    size_t count = 0;

    for (size_t i = 0; i < n; count++)
        (void)nf_rune_next(p, n, &i);
    return count;
}

size_t nf_utf8_clip(const char *p, size_t n, size_t max)
{
    if (n <= max)
        return n;
    while (max > 0 && is_tail((unsigned char)p[max]))
        max--;
    return max;
}

/* Pairs of capital and small letters that follow one another, the capital first. */
static bool is_paired(uint32_t r)
{
    return (r >= 0x100 && r <= 0x137 && r != 0x130 && r != 0x131) || (r >= 0x14A && r <= 0x177) ||
           (r >= 0x460 && r <= 0x481) || (r >= 0x48A && r <= 0x4BF) || (r >= 0x4D0 && r <= 0x52F) ||
           (r >= 0x1E00 && r <= 0x1E95) || (r >= 0x1EA0 && r <= 0x1EFF);
}

/* The same with the capital odd. */
static bool is_paired_odd(uint32_t r)
{
    return (r >= 0x139 && r <= 0x148) || (r >= 0x179 && r <= 0x17E);
}

uint32_t nf_rune_lower(uint32_t r)
{
    if (r < 0x80)
        return r >= 'A' && r <= 'Z' ? r + 32 : r;
    if ((r >= 0xC0 && r <= 0xDE && r != 0xD7) || (r >= 0x391 && r <= 0x3AB && r != 0x3A2) ||
        (r >= 0x410 && r <= 0x42F))
        return r + 32;
    if (r >= 0x400 && r <= 0x40F)
        return r + 80;
    if (r >= 0x388 && r <= 0x38A)
        return r + 37;
    if (r == 0x386)
        return 0x3AC;
    if (r == 0x38C)
        return 0x3CC;
    if (r == 0x38E || r == 0x38F)
        return r + 63;
    if (r == 0x178)
        return 0xFF;
    if (r == 0x1E9E)
        return 0xDF;
    if (is_paired(r))
        return r | 1;
    return is_paired_odd(r) && (r & 1) ? r + 1 : r;
}

uint32_t nf_rune_upper(uint32_t r)
{
    if (r < 0x80)
        return r >= 'a' && r <= 'z' ? r - 32 : r;
    if ((r >= 0xE0 && r <= 0xFE && r != 0xF7) || (r >= 0x3B1 && r <= 0x3CB && r != 0x3C2) ||
        (r >= 0x430 && r <= 0x44F))
        return r - 32;
    if (r >= 0x450 && r <= 0x45F)
        return r - 80;
    if (r >= 0x3AD && r <= 0x3AF)
        return r - 37;
    if (r == 0x3AC)
        return 0x386;
    if (r == 0x3C2)
        return 0x3A3;
    if (r == 0x3CC)
        return 0x38C;
    if (r == 0x3CD || r == 0x3CE)
        return r - 63;
    if (r == 0xFF)
        return 0x178;
    if (is_paired(r))
        return r & ~UINT32_C(1);
    return is_paired_odd(r) && !(r & 1) ? r - 1 : r;
}

bool nf_rune_is_space(uint32_t r)
{
    return r == ' ' || (r >= '\t' && r <= '\r') || r == 0x85 || r == 0xA0 || r == 0x1680 ||
           (r >= 0x2000 && r <= 0x200A) || r == 0x2028 || r == 0x2029 || r == 0x202F ||
           r == 0x205F || r == 0x3000;
}

bool nf_rune_is_word(uint32_t r)
{
    if (r < 0x80)
        return (r >= '0' && r <= '9') || (r >= 'a' && r <= 'z') || (r >= 'A' && r <= 'Z') ||
               r == '_';
    if (r < 0xC0)
        return r == 0xAA || r == 0xB5 || r == 0xBA;
    if (r == 0xD7 || r == 0xF7 || nf_rune_is_space(r) || r == NF_RUNE_BAD)
        return false;
    /* General punctuation up to symbols and arrows, CJK punctuation, private use, emoji. */
    return !(r >= 0x2000 && r <= 0x2BFF && !(r >= 0x2070 && r <= 0x209C) &&
             !(r >= 0x2100 && r <= 0x218B)) &&
           !(r >= 0x2E00 && r <= 0x2E7F) && !(r >= 0x3000 && r <= 0x3004) &&
           !(r >= 0x3008 && r <= 0x3020) && !(r >= 0xE000 && r <= 0xF8FF) &&
           !(r >= 0xFF01 && r <= 0xFF0F) && !(r >= 0xFF1A && r <= 0xFF20) &&
           !(r >= 0x1F000 && r <= 0x1FAFF);
}

const char *nf_rune_plain(uint32_t r)
{
    /* From U+00C0, a letter each for the capital and small block, then U+0100 on in pairs. */
    static const char latin1[] = "AAAAAA.CEEEEIIIIDNOOOOO.OUUUUY..";
    static const char extended[] =
        "AAAAAACCCCCCCCDDDDEEEEEEEEEEGGGGGGGGHHHHIIIIIIIIII..JJKK.LLLLLLLLLLNNNNNN...OOOOOO..RRRRRR"
        "SSSSSSSSTTTTTTUUUUUUUUUUUUWWYYYZZZZZZ.";
    static const char letters[26][2] = { "a", "b", "c", "d", "e", "f", "g", "h", "i",
                                         "j", "k", "l", "m", "n", "o", "p", "q", "r",
                                         "s", "t", "u", "v", "w", "x", "y", "z" };
    char c = '.';

    switch (r) {
    case 0xC6:
    case 0xE6:
        return "ae";
    case 0xDF:
    case 0x1E9E:
        return "ss";
    case 0xDE:
    case 0xFE:
        return "th";
    case 0x152:
    case 0x153:
        return "oe";
    case 0xFF:
        return "y";
    default:
        break;
    }
    if (r >= 0xC0 && r <= 0xFF)
        c = latin1[(r - 0xC0) & 31];
    else if (r >= 0x100 && r < 0x100 + sizeof(extended) - 1)
        c = extended[r - 0x100];
    return c == '.' ? NULL : letters[c - 'A'];
}
