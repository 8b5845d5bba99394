#include "http/route.h"

#include "base/utf8.h"

#include <string.h>
#include <strings.h>

/* --- decoding -------------------------------------------------------------------------------- */

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Append the decoded `s` to `to`, which has room for s.n bytes. False: a bad escape, or one of a
 * byte that may not be there. */
static bool decode(struct nf_slice s, bool plus_is_space, char forbidden, struct nf_str *to)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '%') {
            bool two_more = s.n - i > 2;
            int high = two_more ? hex(s.p[i + 1]) : -1, low = two_more ? hex(s.p[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = (char)(high * 16 + low);
            i += 2;
            if (c == '\0' || c == forbidden)
                return false;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        to->p[to->len++] = c;
    }
    to->p[to->len] = '\0';
    return true;
}

static bool has_control(const struct nf_str *s)
{
    for (size_t i = 0; i < s->len; i++)
        if ((uint8_t)s->p[i] < 0x20 || s->p[i] == 0x7f)
            return true;
    return false;
}

static bool has_odd_segment(const struct nf_str *s)
{
    const char *p = s->p, *end = s->p + s->len;
    while (p < end) {
        p++; /* the slash */
        const char *slash = memchr(p, '/', (size_t)(end - p));
        size_t n = (size_t)((slash ? slash : end) - p);
        if ((n == 0 && slash) || (n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.'))
            return true;
        p += n;
    }
    return false;
}

static const char *parse_path(struct nf_slice raw, struct nf_str *path)
{
    if (raw.n == 0 || raw.p[0] != '/')
        return "target: must be a path";
    if (!decode(raw, false, '/', path))
        return "target: bad percent escape";
    if (has_control(path) || !nf_utf8_valid(path->p, path->len))
        return "target: control characters or bad UTF-8";
    if (has_odd_segment(path))
        return "target: empty or dot segment";
    return NULL;
}

static bool add_half(struct nf_httpd_target *t, struct nf_slice raw, struct nf_httpd_span *ret)
{
    size_t at = t->query.len;
    if (!decode(raw, true, '\0', &t->query))
        return false;
    *ret = (struct nf_httpd_span){ (uint16_t)at, (uint16_t)(t->query.len - at) };
    return true;
}

static const char *parse_query(struct nf_slice raw, struct nf_httpd_target *t)
{
    while (raw.n > 0) {
        const char *amp = memchr(raw.p, '&', raw.n);
        size_t n = amp ? (size_t)(amp - raw.p) : raw.n;
        const char *eq = memchr(raw.p, '=', n);
        struct nf_slice name = { raw.p, eq ? (size_t)(eq - raw.p) : n };
        struct nf_slice value = { eq ? eq + 1 : "", eq ? n - name.n - 1 : 0 };
        if (n > 0 && t->pairs_n == NF_HTTPD_QUERY_MAX)
            return "target: too many query parameters";
        if (n > 0) {
            struct nf_httpd_field *f = &t->pairs[t->pairs_n++];
            if (!add_half(t, name, &f->name) || !add_half(t, value, &f->value))
                return "target: bad percent escape";
        }
        n += amp ? 1 : 0;
        raw.p += n;
        raw.n -= n;
    }
    return nf_utf8_valid(nf_str_c(&t->query), t->query.len) ? NULL : "target: bad UTF-8";
}

/* Cut "http://authority" off. */
static const char *strip_authority(struct nf_slice *target, struct nf_slice host)
{
    size_t scheme = 0;
    if (target->n > 7 && nf_slice_ieq((struct nf_slice){ target->p, 7 }, "http://"))
        scheme = 7;
    else if (target->n > 8 && nf_slice_ieq((struct nf_slice){ target->p, 8 }, "https://"))
        scheme = 8;
    else
        return NULL;
    struct nf_slice rest = { target->p + scheme, target->n - scheme };
    size_t n = 0;
    while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?')
        n++;
    if (n != host.n || n == 0 || strncasecmp(rest.p, host.p, n) != 0)
        return "target: its authority is not the Host";
    *target = (struct nf_slice){ rest.p + n, rest.n - n };
    if (target->n == 0)
        *target = NF_SLICE("/");
    return NULL;
}

enum nf_code nf_httpd_target_parse(struct nf_slice target, struct nf_slice host,
                                   struct nf_httpd_target *t, int *status, const char **why,
                                   struct nf_err *err)
{
    nf_httpd_target_reset(t);
    *status = 0;
    *why = strip_authority(&target, host);
    if (!*why) {
        const char *mark = target.n ? memchr(target.p, '?', target.n) : NULL;
        struct nf_slice path = { target.p, mark ? (size_t)(mark - target.p) : target.n };
        struct nf_slice query = { mark ? mark + 1 : "", mark ? target.n - path.n - 1 : 0 };
        NF_TRY(nf_str_reserve(&t->path, path.n, err));
        *why = parse_path(path, &t->path);
        if (!*why && query.n > 0) {
            NF_TRY(nf_str_reserve(&t->query, query.n, err));
            *why = parse_query(query, t);
        }
    }
    if (*why)
        *status = 400;
    return NF_OK;
}

void nf_httpd_target_reset(struct nf_httpd_target *t)
{
    nf_str_reset(&t->path);
    nf_str_reset(&t->query);
    t->pairs_n = 0;
}

void nf_httpd_target_done(struct nf_httpd_target *t)
{
    nf_str_done(&t->path);
    nf_str_done(&t->query);
    t->pairs_n = 0;
}

/* --- matching -------------------------------------------------------------------------------- */

struct brace {
    struct nf_slice name;
    bool rest;
    const char *after;
};

/* At "{name}" or "{name...}". */
static struct brace read_brace(const char *p)
{
    const char *close = strchr(p, '}');
    assert(close);
    struct brace b = { { p + 1, (size_t)(close - p - 1) }, false, close + 1 };
    if (b.name.n >= 3 && memcmp(close - 3, "...", 3) == 0) {
        b.rest = true;
        b.name.n -= 3;
    }
    return b;
}

static bool matches(const char *pattern, struct nf_slice path, struct nf_httpd_match *m)
{
    const char *s = path.p, *end = path.p + path.n;
    m->params_n = 0;
    while (*pattern) {
        if (*pattern != '{') {
            if (s == end || *s++ != *pattern++)
                return false;
            continue;
        }
        struct brace b = read_brace(pattern);
        const char *slash = b.rest ? NULL : memchr(s, '/', (size_t)(end - s));
        const char *stop = slash ? slash : end;
        if (stop == s && !b.rest)
            return false;
        m->params[m->params_n++] = (struct nf_httpd_param){ b.name, { s, (size_t)(stop - s) } };
        s = stop;
        pattern = b.after;
    }
    return s == end;
}

/* Both match the same path. */
static bool more_specific(const char *a, const char *b)
{
    while (*a && *b) {
        if (*a == '{' && *b == '{') {
            struct brace x = read_brace(a), y = read_brace(b);
            if (x.rest != y.rest)
                return y.rest;
            a = x.after;
            b = y.after;
        } else if (*a == '{' || *b == '{') {
            return *b == '{';
        } else {
            a++;
            b++;
        }
    }
    return false;
}

static bool method_fits(const struct nf_http_route *r, struct nf_slice method)
{
    return nf_slice_eq(method, r->method) ||
           (nf_slice_eq(method, "HEAD") && strcmp(r->method, "GET") == 0);
}

void nf_httpd_route(const struct nf_http_route *routes, size_t n, struct nf_slice method,
                    struct nf_slice path, struct nf_httpd_match *ret)
{
    ret->route = NULL;
    ret->path_known = false;
    ret->params_n = 0;
    struct nf_httpd_match m = { 0 };
    for (size_t i = 0; i < n; i++) {
        if (!matches(routes[i].pattern, path, &m))
            continue;
        ret->path_known = true;
        if (!method_fits(&routes[i], method) ||
            (ret->route && !more_specific(routes[i].pattern, ret->route->pattern)))
            continue;
        ret->route = &routes[i];
        ret->params_n = m.params_n;
        memcpy(ret->params, m.params, m.params_n * sizeof(m.params[0]));
    }
}

bool nf_httpd_pattern_ok(const char *pattern)
{
    unsigned params = 0;
    if (pattern[0] != '/')
        return false;
    for (const char *p = pattern; *p; p++) {
        if (*p == '}')
            return false;
        if (*p != '{')
            continue;
        if (p[-1] != '/' || !strchr(p, '}') || ++params > NF_HTTPD_PARAMS_MAX)
            return false;
        struct brace b = read_brace(p);
        if (b.name.n == 0 || memchr(b.name.p, '{', b.name.n) ||
            (b.rest ? *b.after != '\0' : *b.after != '\0' && *b.after != '/'))
            return false;
        p = b.after - 1;
    }
    return true;
}

enum nf_code nf_httpd_allow(const struct nf_http_route *routes, size_t n, struct nf_slice path,
                            struct nf_str *ret, struct nf_err *err)
{
    struct nf_httpd_match m = { 0 };
    for (size_t i = 0; i < n; i++) {
        if (!matches(routes[i].pattern, path, &m) || strstr(nf_str_c(ret), routes[i].method))
            continue;
        NF_TRY(nf_str_addf(ret, err, "%s%s%s", ret->len ? ", " : "", routes[i].method,
                           strcmp(routes[i].method, "GET") == 0 ? ", HEAD" : ""));
    }
    return NF_OK;
}
