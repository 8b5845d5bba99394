/* Relative references against the page's URL. */
#include "skills/bundled/web/url.h"

#include "skills/bundled/common/text.h"

#include <string.h>

/* Length of "name:" at the beginning, 0: there is no scheme. */
static size_t scheme(const char *p)
{
    size_t n = 0;

    while (nf_text_is_digit(p[n]) || (nf_text_lower(p[n]) >= 'a' && nf_text_lower(p[n]) <= 'z') ||
           (p[n] && strchr("+-.", p[n])))
        n++;
    return n > 0 && p[n] == ':' ? n + 1 : 0;
}

bool nf_url_is_web(const char *url)
{
    size_t n = nf_text_ieq(url, "https://", 8) ? 8 : nf_text_ieq(url, "http://", 7) ? 7 : 0;

    return n > 0 && url[n] && !strchr("/?#@:", url[n]);
}

/* Blanks and control characters have no place in a link, and ')' would end it in Markdown. */
static void add_clean(struct nf_buf *to, const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)p[i] <= ' ' || strchr("()<>\"", p[i]))
            nf_buf_addf(to, "%%%02X", (unsigned char)p[i]);
        else
            nf_buf_addc(to, p[i]);
}

/* RFC 3986, section 5.2.4, on what was appended from `root` on. */
static void remove_dots(struct nf_buf *b, size_t root)
{
    size_t from = root, to = root, end = root;
    char *p = b->p;

    while (end < b->len && p[end] != '?' && p[end] != '#')
        end++;
    while (from < end) {
        size_t n = 1;

        while (from + n < end && p[from + n] != '/')
            n++;
        if (n == 3 && memcmp(p + from, "/..", 3) == 0) {
            while (to > root && p[--to] != '/')
                ;
            if (from + n == end)
                p[to++] = '/';
        } else if (n == 2 && memcmp(p + from, "/.", 2) == 0) {
            if (from + n == end)
                p[to++] = '/';
        } else {
            memmove(p + to, p + from, n);
            to += n;
        }
        from += n;
    }
    memmove(p + to, p + end, b->len - end);
    b->len = to + (b->len - end);
    p[b->len] = '\0';
}

const char *nf_url_absolute(struct nf_args *a, const char *base, const char *href)
{
    struct nf_buf b = nf_buf_of(a->h, (size_t)NF_URL_MAX * 3);
    size_t host = strcspn(base, ":") + 3, path, n, base_n = strlen(base);

    while (*href == ' ' || *href == '\n' || *href == '\t' || *href == '\r')
        href++;
    n = strlen(href);
    if (n > NF_URL_MAX || base_n > NF_URL_MAX)
        return NULL;
    if (scheme(href)) {
        if (!nf_url_is_web(href) && !nf_text_ieq(href, "mailto:", 7) &&
            !nf_text_ieq(href, "tel:", 4))
            return NULL;
        add_clean(&b, href, n);
    } else if (!nf_url_is_web(base)) {
        add_clean(&b, href, n);
    } else if (href[0] == '/' && href[1] == '/') {
        add_clean(&b, base, strcspn(base, ":") + 1);
        add_clean(&b, href, n);
    } else {
        size_t root;

        path = host + strcspn(base + host, "/?#");
        add_clean(&b, base, path);
        root = b.len;
        if (*href != '/') {
            size_t cut = path + strcspn(base + path, "?#"), keep = cut;

            if (*href == '?' || *href == '#' || !*href)
                keep = *href == '#' ? path + strcspn(base + path, "#") : cut;
            else
                while (keep > path && base[keep - 1] != '/')
                    keep--;
            add_clean(&b, base + path, keep - path);
            if (b.len == root)
                nf_buf_addc(&b, '/');
        }
        add_clean(&b, href, n);
        if (b.rc == NF_SKILL_OK)
            remove_dots(&b, root);
    }
    if (a->rc == NF_SKILL_OK)
        a->rc = b.rc;
    return a->rc == NF_SKILL_OK && b.len > 0 ? nf_buf_c(&b) : NULL;
}

static int hex(char c)
{
    c = nf_text_lower(c);
    return nf_text_is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

const char *nf_url_parameter(struct nf_args *a, const char *url, const char *name)
{
    const char *p = strchr(url, '?');
    size_t n = strlen(name);

    for (; p; p = strchr(p, '&')) {
        struct nf_buf b = nf_buf_of(a->h, NF_URL_MAX);

        if (strncmp(++p, name, n) != 0 || p[n] != '=')
            continue;
        for (p += n + 1; *p && *p != '&' && *p != '#'; p++) {
            int high = *p == '%' ? hex(p[1]) : -1, low = high >= 0 ? hex(p[2]) : -1;

            nf_buf_addc(&b, (char)(low >= 0 ? high * 16 + low : *p == '+' ? ' ' : *p));
            p += low >= 0 ? 2 : 0;
        }
        if (a->rc == NF_SKILL_OK)
            a->rc = b.rc;
        return nf_buf_c(&b);
    }
    return NULL;
}
