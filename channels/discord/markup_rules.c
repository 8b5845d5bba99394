#include "channels/discord/markup_rules.h"

#include "channels/discord/markup.h"

#include <string.h>

bool nf_markup_is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* ":smile:" */
static bool is_shortcode(const char *p, size_t n)
{
    size_t i = 1;
    while (i < n && (is_word(p[i]) || p[i] == '+' || p[i] == '-'))
        i++;
    return i > 1 && i < n && p[i] == ':';
}

/* Whether the character at `at` begins or ends markup wherever it stands. */
bool nf_markup_is_special(const char *p, size_t at, size_t len)
{
    char next = ' ';
    if (at + 1 < len)
        next = p[at + 1];
    switch (p[at]) {
    case '\\':
    case '*':
    case '_':
    case '~':
    case '`':
    case '|':
    case '[':
        return true;
    case '<': /* mentions, emoji, times, addresses */
        return next != ' ' && !(next == '=' && at + 2 < len && p[at + 2] == ' ');
    case ':':
        return (len - at > 2 && p[at + 1] == '/' && p[at + 2] == '/') ||
               is_shortcode(p + at, len - at);
    default:
        return false;
    }
}

/* Whether it does at the start of a line: quotes, headings, small text, lists. */
bool nf_markup_is_special_first(const char *p, size_t at, size_t len)
{
    char next = ' ';
    if (at + 1 < len)
        next = p[at + 1];
    return p[at] == '>' || p[at] == '#' ||
           (p[at] == '-' && (nf_markup_is_blank(next) || next == '#'));
}

/* "12." begins a list: its point is what is escaped. */
size_t nf_markup_number(const char *p, size_t at, size_t len)
{
    size_t i = at;
    while (i < len && is_digit(p[i]))
        i++;
    return i > at && i < len && p[i] == '.' && (i + 1 == len || nf_markup_is_blank(p[i + 1]))
               ? i - at
               : 0;
}

static bool has_run(const char *p, size_t n, size_t want)
{
    for (size_t i = 0, run = 0; i <= n; i++) {
        if (i < n && p[i] == '`') {
            run++;
        } else {
            if (run == want)
                return true;
            run = 0;
        }
    }
    return false;
}

/* How many backticks around make code of it: 0 if none do. */
size_t nf_markup_code_fence(const char *p, size_t n)
{
    if (!has_run(p, n, 1))
        return 1;
    return has_run(p, n, 2) ? 0 : 2;
}

/* A blank between the fence and a backtick of the code, which a reader takes away again. */
bool nf_markup_needs_pad(const char *p, size_t n, bool at_end)
{
    for (size_t i = 0; i < n; i++) {
        char c = p[at_end ? n - 1 - i : i];
        if (c != ' ')
            return c == '`';
    }
    return false;
}

bool nf_markup_is_language(const char *text)
{
    size_t n = strlen(text);
    for (size_t i = 0; i < n; i++)
        if (!is_word(text[i]) && !strchr("+-.#", text[i]))
            return false;
    return n > 0 && n <= 32;
}

bool nf_markup_is_all_blank(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!nf_markup_is_blank(p[i]))
            return false;
    return true;
}

/* What may not stand in an address between brackets, nor within bold or struck text. */
bool nf_markup_is_unsafe(char c)
{
    return (unsigned char)c <= ' ' || c == 0x7F || strchr("<>()*~`\\|\"'", c) != NULL;
}

size_t nf_markup_address_length(const char *url)
{
    size_t n = 0;
    for (; *url; url++)
        n += nf_markup_is_unsafe(*url) ? 3 : 1;
    return n;
}

bool nf_markup_is_web(const char *url)
{
    return strncmp(url, "https://", 8) == 0 || strncmp(url, "http://", 7) == 0;
}

/* Discord shows a masked link as what it is unless its text has no address and no brackets. */
enum nf_markup_link nf_markup_link(const char *p, size_t n, const char *url)
{
    if (nf_markup_address_length(url) > NF_DISCORD_LINK_MAX || nf_markup_is_all_blank(p, n))
        return NF_LINK_NONE;
    if (strlen(url) == n && memcmp(p, url, n) == 0 && nf_markup_is_web(url) &&
        nf_markup_address_length(url) == n)
        return NF_LINK_BARE;
    if (!nf_markup_is_web(url))
        return strncmp(url, "mailto:", 7) == 0 && strlen(url) - 7 == n && memcmp(url + 7, p, n) == 0
                   ? NF_LINK_NONE
                   : NF_LINK_BEHIND;
    for (size_t i = 0; i < n; i++)
        if (p[i] == '[' || p[i] == ']' || p[i] == '\n' ||
            (p[i] == ':' && n - i > 2 && p[i + 1] == '/' && p[i + 2] == '/'))
            return NF_LINK_BEHIND;
    return NF_LINK_MASKED;
}
