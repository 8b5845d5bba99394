#include "domain/search.h"

#include "base/utf8.h"

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* A letter or digit, or part of a character beyond ASCII. */
static bool counts(char c)
{
    return (unsigned char)c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z');
}

static bool is_word(struct nf_slice s)
{
    for (size_t i = 0; i < s.n; i++)
        if (counts(s.p[i]))
            return true;
    return false;
}

enum nf_code nf_search_words_of(const char *text, size_t n, struct nf_search_words *ret,
                                struct nf_err *err)
{
    struct nf_search_words words = { .open = n > 0 && !is_blank(text[n - 1]) };
    if (n > NF_SEARCH_BYTES_MAX)
        return nf_err_set(err, NF_E_LIMIT, "q: more than %d bytes: look for fewer words",
                          NF_SEARCH_BYTES_MAX);
    if (!nf_utf8_valid(text, n))
        return nf_err_set(err, NF_E_INVALID, "q: not UTF-8");
    for (size_t i = 0; i < n && words.n < NF_SEARCH_WORDS_MAX;) {
        size_t end = i;
        while (end < n && !is_blank(text[end]) && text[end] != '\0')
            end++;
        struct nf_slice word = { text + i, end - i };
        if (is_word(word))
            words.v[words.n++] = word;
        i = end + 1;
    }
    if (words.n == 0)
        return nf_err_set(err, NF_E_INVALID, "q: no word to look for");
    *ret = words;
    return NF_OK;
}
