#include "skills/url.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define LABEL_MAX 63 /* RFC 1035 section 2.3.4 */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static char lower(char c)
{
    if (c >= 'A' && c <= 'Z')
        c = (char)(c + 'a' - 'A');
    return c;
}

static bool is_alpha(char c)
{
    return lower(c) >= 'a' && lower(c) <= 'z';
}

static int hex(char c)
{
    if (is_digit(c))
        return c - '0';
    c = lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static enum nf_code wrong(struct nf_err *err, const char *what)
{
    return nf_err_set(err, NF_E_INVALID, "url: %s", what);
}

static NF_RC check_characters(const char *text, size_t n, struct nf_err *err)
{
    for (size_t i = 0; i < n; i++) {
        if (text[i] <= ' ' || text[i] >= 127 || strchr("\\\"<>^`{|}", text[i]))
            return wrong(err, "only the characters of RFC 3986 are allowed: percent-encode the "
                              "rest, and write a host in its ASCII form (xn--)");
        if (text[i] == '%' && (n - i < 3 || hex(text[i + 1]) < 0 || hex(text[i + 2]) < 0))
            return wrong(err, "a % must be followed by two hex digits");
    }
    return NF_OK;
}

/* --- the host --------------------------------------------------------------------------------- */

static NF_RC read_ipv6(struct nf_slice s, struct nf_url *ret, struct nf_err *err)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr a;

    if (s.n >= sizeof(text))
        return wrong(err, "no IPv6 address between [ and ]");
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    if (inet_pton(AF_INET6, text, &a) != 1 || !inet_ntop(AF_INET6, &a, text, sizeof(text)))
        return wrong(err, "no IPv6 address between [ and ]");
    memcpy(ret->host, text, strlen(text) + 1);
    ret->ipv6 = true;
    return NF_OK;
}

static bool is_host_char(char c)
{
    return is_alpha(c) || is_digit(c) || c == '-' || c == '_';
}

/* Labels of letters, digits, '-' and '_'. *last: where the last one begins. */
static bool has_labels(const char *host, size_t *last)
{
    const char *begin = host;

    for (const char *p = host;; p++) {
        if (*p != '\0' && *p != '.') {
            if (!is_host_char(*p))
                return false;
            continue;
        }
        if (p == begin || p - begin > LABEL_MAX || *begin == '-' || p[-1] == '-')
            return false;
        if (*p == '\0')
            break;
        begin = p + 1;
    }
    *last = (size_t)(begin - host);
    return true;
}

static NF_RC read_name(struct nf_slice s, struct nf_url *ret, struct nf_err *err)
{
    struct in_addr ignored;
    size_t last;

    if (s.n > 0 && s.p[s.n - 1] == '.')
        s.n--; /* the same name, to DNS and to whoever compares */
    if (s.n == 0)
        return wrong(err, "has no host");
    if (s.n > NF_URL_HOST_MAX)
        return wrong(err, "the host is too long");
    for (size_t i = 0; i < s.n; i++)
        ret->host[i] = lower(s.p[i]);
    ret->host[s.n] = '\0';
    if (!has_labels(ret->host, &last))
        return wrong(err, "the host is no name and no address");
    /* A name ends with letters; 127.1, 0x7f000001 and 2130706433 are addresses to some. */
    if (!is_alpha(ret->host[last]) && inet_pton(AF_INET, ret->host, &ignored) != 1)
        return wrong(err, "the host is no name, and an address must be written a.b.c.d");
    return NF_OK;
}

static NF_RC read_port(struct nf_slice s, struct nf_url *ret, struct nf_err *err)
{
    int64_t port = 0;

    if (s.n > 5 || !nf_slice_u63(s, &port) || port < 1 || port > 65535)
        return wrong(err, "the port must be 1 to 65535");
    ret->port = (uint16_t)port;
    return NF_OK;
}

static NF_RC read_authority(struct nf_slice s, struct nf_url *ret, struct nf_err *err)
{
    const char *end = s.p + s.n, *after;

    if (memchr(s.p, '@', s.n))
        return wrong(err, "must not contain a user or password");
    if (memchr(s.p, '%', s.n))
        return wrong(err, "the host must not contain %");
    if (s.n > 0 && *s.p == '[') {
        const char *close = memchr(s.p, ']', s.n);
        if (!close)
            return wrong(err, "a [ without ]");
        NF_TRY(read_ipv6((struct nf_slice){ s.p + 1, (size_t)(close - s.p) - 1 }, ret, err));
        after = close + 1;
    } else {
        after = memchr(s.p, ':', s.n);
        if (!after)
            after = end;
        NF_TRY(read_name((struct nf_slice){ s.p, (size_t)(after - s.p) }, ret, err));
    }
    if (after == end)
        return NF_OK;
    if (*after != ':')
        return wrong(err, "something stands between host and port");
    return read_port((struct nf_slice){ after + 1, (size_t)(end - after) - 1 }, ret, err);
}

/* --- the path --------------------------------------------------------------------------------- */

/* The character at p, percent-decoded; *p moves behind it. */
static char decoded(const char **p)
{
    char c = **p;

    if (c == '%') {
        c = (char)(hex((*p)[1]) * 16 + hex((*p)[2]));
        *p += 2;
    }
    (*p)++;
    return c;
}

/* Whether a segment is "." or "..", however it is written. */
static bool has_dots(struct nf_slice path)
{
    const char *p = path.p, *end = path.p + path.n;
    int dots = 0;     /* of this segment, if it has nothing else */
    bool only = true; /* it has nothing else so far */

    while (p < end) {
        bool slash = *p == '/';
        char c = decoded(&p);
        if (slash || c == '/' || c == '\\') {
            if (only && (dots == 1 || dots == 2))
                return true;
            dots = 0;
            only = true;
        } else if (c == '.') {
            dots++;
        } else {
            only = false;
        }
    }
    return only && (dots == 1 || dots == 2);
}

enum nf_code nf_url_parse(const char *text, struct nf_url *ret, struct nf_err *err)
{
    struct nf_url u = { 0 };
    size_t n = strnlen(text, NF_URL_MAX + 1);

    if (n > NF_URL_MAX)
        return nf_err_set(err, NF_E_INVALID, "url: longer than %d bytes", NF_URL_MAX);
    NF_TRY(check_characters(text, n, err));
    if (nf_slice_ieq((struct nf_slice){ text, n < 8 ? n : 8 }, "https://"))
        u.https = true;
    else if (!nf_slice_ieq((struct nf_slice){ text, n < 7 ? n : 7 }, "http://"))
        return wrong(err, "must begin with https:// or http://");
    u.port = u.https ? 443 : 80;

    const char *p = text + (u.https ? 8 : 7);
    size_t authority = strcspn(p, "/?#");
    NF_TRY(read_authority((struct nf_slice){ p, authority }, &u, err));
    p += authority;
    u.path = (struct nf_slice){ p, strcspn(p, "?#") };
    p += u.path.n;
    u.query = (struct nf_slice){ p, strcspn(p, "#") };
    if (has_dots(u.path))
        return wrong(err, "the path must not contain . or .. as a segment");
    *ret = u;
    return NF_OK;
}

struct nf_url_host nf_url_host(const struct nf_url *u)
{
    struct nf_url_host h;
    (void)snprintf(h.s, sizeof(h.s), "%s%s%s", u->ipv6 ? "[" : "", u->host, u->ipv6 ? "]" : "");
    return h;
}

enum nf_code nf_url_write(const struct nf_url *u, struct nf_str *to, struct nf_err *err)
{
    nf_str_reset(to);
    NF_TRY(nf_str_addf(to, err, "%s://%s", u->https ? "https" : "http", nf_url_host(u).s));
    if (u->port != (u->https ? 443 : 80))
        NF_TRY(nf_str_addf(to, err, ":%u", (unsigned)u->port));
    NF_TRY(u->path.n > 0 ? nf_str_add(to, u->path.p, u->path.n, err) : nf_str_adds(to, "/", err));
    return nf_str_add(to, u->query.p, u->query.n, err);
}

/* --- from one URL to another ------------------------------------------------------------------ */

static bool has_scheme(const char *reference)
{
    size_t n = strcspn(reference, ":/?#");

    return reference[n] == ':' && n > 0;
}

/* Remove the last segment of the path that *to ends with, down to its '/'. */
static void drop_segment(struct nf_str *to, size_t host_end)
{
    while (to->len > host_end && to->p[to->len - 1] != '/')
        to->p[--to->len] = '\0';
}

/* RFC 3986 section 5.2.4 for a path without a query. "." and ".." are taken out here, since what
 * remains of them is refused. */
static NF_RC add_path(struct nf_str *to, const char *path, size_t n, size_t host_end,
                      struct nf_err *err)
{
    const char *p = path, *end = path + n;

    while (p < end) {
        const char *slash = memchr(p, '/', (size_t)(end - p));
        size_t len = (size_t)((slash ? slash : end) - p);
        if (len == 2 && p[0] == '.' && p[1] == '.') {
            if (to->len > host_end + 1) {
                to->p[--to->len] = '\0'; /* the '/' */
                drop_segment(to, host_end + 1);
            }
        } else if (!(len == 1 && p[0] == '.')) {
            NF_TRY(nf_str_add(to, p, len, err));
            if (slash)
                NF_TRY(nf_str_adds(to, "/", err));
        }
        p += len + (slash ? 1 : 0);
    }
    return NF_OK;
}

enum nf_code nf_url_join(const struct nf_url *base, const char *reference, struct nf_str *to,
                         struct nf_err *err)
{
    struct nf_url root = *base;

    if (strnlen(reference, NF_URL_MAX + 1) > NF_URL_MAX)
        return nf_err_set(err, NF_E_INVALID, "url: longer than %d bytes", NF_URL_MAX);
    if (has_scheme(reference))
        return nf_str_set(to, reference, err);
    if (strncmp(reference, "//", 2) == 0) {
        NF_TRY(nf_str_set(to, base->https ? "https:" : "http:", err));
        return nf_str_adds(to, reference, err);
    }
    root.path = root.query = (struct nf_slice){ 0 };
    NF_TRY(nf_url_write(&root, to, err));
    size_t host_end = to->len - 1, path = strcspn(reference, "?#");
    if (path == 0) {
        nf_str_reset(to);
        NF_TRY(nf_url_write(base, to, err));
        if (*reference == '?' && base->query.n > 0)
            to->p[to->len -= base->query.n] = '\0';
    } else if (*reference == '/') {
        NF_TRY(add_path(to, reference + 1, path - 1, host_end, err));
    } else {
        if (base->path.n > 0)
            NF_TRY(nf_str_add(to, base->path.p + 1, base->path.n - 1, err));
        drop_segment(to, host_end + 1);
        NF_TRY(add_path(to, reference, path, host_end, err));
    }
    return nf_str_add(to, reference + path, strcspn(reference + path, "#"), err);
}

bool nf_url_same_origin(const struct nf_url *a, const struct nf_url *b)
{
    return a->https == b->https && a->port == b->port && strcmp(a->host, b->host) == 0;
}

/* "//", %2f, %5c and %2e: what some servers read as another path. */
static bool is_ambiguous(struct nf_slice path)
{
    const char *p = path.p, *end = path.p + path.n;

    for (char before = '\0'; p < end;) {
        bool encoded = *p == '%';
        char c = decoded(&p);
        if ((encoded && (c == '/' || c == '\\' || c == '.' || c == '\0' || c == '%')) ||
            (c == '/' && before == '/'))
            return true;
        before = c;
    }
    return false;
}

bool nf_url_within(const struct nf_url *u, const struct nf_url *prefix)
{
    struct nf_slice p = prefix->path;

    if (!nf_url_same_origin(u, prefix))
        return false;
    if (p.n <= 1)
        return true;
    if (is_ambiguous(u->path) || u->path.n < p.n || memcmp(u->path.p, p.p, p.n) != 0)
        return false;
    return p.p[p.n - 1] == '/' || u->path.n == p.n || u->path.p[p.n] == '/';
}

/* --- prefixes --------------------------------------------------------------------------------- */

static bool is_plain_path(struct nf_slice path)
{
    for (size_t i = 0; i < path.n; i++) {
        char c = path.p[i];
        bool after_slash = i > 0 && path.p[i - 1] == '/';
        if (!is_alpha(c) && !is_digit(c) && !(c != '\0' && strchr("/._~-", c)))
            return false;
        if (after_slash && (c == '/' || c == '.'))
            return false;
    }
    return path.n > 0;
}

enum nf_code nf_url_check_prefix(const char *text, struct nf_err *err)
{
    struct nf_url u = { 0 };

    NF_TRY(nf_url_parse(text, &u, err));
    size_t scheme = u.https ? 8 : 7, host = strlen(u.host);
    const char *after = text + scheme + host;
    if (strncmp(text, u.https ? "https://" : "http://", scheme) != 0 ||
        strncmp(text + scheme, u.host, host) != 0 || (*after != ':' && *after != '/'))
        return wrong(err, "a prefix must be written in lower case, with a name or a.b.c.d as host "
                          "and a / behind it");
    if (*after == ':' && after[1] == '0')
        return wrong(err, "the port must be 1 to 65535");
    if (u.query.n > 0 || strchr(text, '#') || !is_plain_path(u.path))
        return wrong(err, "the path of a prefix must begin with /, and have only letters, digits "
                          "and . _ ~ - in its segments, which do not begin with a dot");
    return NF_OK;
}
