/* Small comparisons of ASCII text in either case, as names and keywords need them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

static inline char nf_text_lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

/* Whether the n bytes at a and b are the same but for the case of ASCII letters. Neither is read
 * behind the first difference, so either may end there with a NUL. */
static inline bool nf_text_ieq(const char *a, const char *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (nf_text_lower(a[i]) != nf_text_lower(b[i]))
            return false;
    return true;
}

static inline bool nf_text_is_digit(char c)
{
    return c >= '0' && c <= '9';
}
