/* What a handler asks about its request. */
#include "http/conn.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

struct nf_slice nf_http_method(const struct nf_http_exchange *x)
{
    return nf_httpd_part(x, x->in.head.method);
}

struct nf_slice nf_http_path(const struct nf_http_exchange *x)
{
    return (struct nf_slice){ nf_str_c(&x->target.path), x->target.path.len };
}

const char *nf_http_pattern(const struct nf_http_exchange *x)
{
    return x->match.route ? x->match.route->pattern : "";
}

struct nf_slice nf_http_param(const struct nf_http_exchange *x, const char *name)
{
    for (unsigned i = 0; i < x->match.params_n; i++)
        if (nf_slice_eq(x->match.params[i].name, name))
            return x->match.params[i].value;
    return (struct nf_slice){ "", 0 };
}

struct nf_slice nf_http_query(const struct nf_http_exchange *x, const char *name, bool *found)
{
    const struct nf_httpd_target *t = &x->target;
    for (unsigned i = 0; i < t->pairs_n; i++) {
        if (!nf_slice_eq(nf_httpd_slice(t->query.p, t->pairs[i].name), name))
            continue;
        if (found)
            *found = true;
        return nf_httpd_slice(t->query.p, t->pairs[i].value);
    }
    if (found)
        *found = false;
    return (struct nf_slice){ "", 0 };
}

/* The i-th header of that name, from `*at` on. */
static bool next_header(const struct nf_http_exchange *x, const char *name, unsigned *at,
                        struct nf_slice *ret)
{
    const struct nf_httpd_head *h = &x->in.head;
    while (*at < h->fields_n) {
        const struct nf_httpd_field *f = &h->fields[(*at)++];
        if (!nf_slice_ieq(nf_httpd_slice(x->in.buf, f->name), name))
            continue;
        *ret = nf_httpd_slice(x->in.buf, f->value);
        return true;
    }
    return false;
}

struct nf_slice nf_http_request_header(const struct nf_http_exchange *x, const char *name)
{
    unsigned at = 0;
    struct nf_slice v = { "", 0 };
    (void)next_header(x, name, &at, &v);
    return v;
}

size_t nf_http_request_header_count(const struct nf_http_exchange *x, const char *name)
{
    unsigned at = 0;
    size_t n = 0;
    struct nf_slice v;
    while (next_header(x, name, &at, &v))
        n++;
    return n;
}

/* RFC 6265 section 4.2.1: name=value; name=value */
static bool find_cookie(struct nf_slice list, const char *name, struct nf_slice *ret)
{
    while (list.n > 0) {
        const char *semicolon = memchr(list.p, ';', list.n);
        size_t n = semicolon ? (size_t)(semicolon - list.p) : list.n;
        struct nf_slice pair = nf_slice_trim((struct nf_slice){ list.p, n });
        const char *eq = pair.n ? memchr(pair.p, '=', pair.n) : NULL;
        if (eq && nf_slice_eq((struct nf_slice){ pair.p, (size_t)(eq - pair.p) }, name)) {
            *ret = (struct nf_slice){ eq + 1, pair.n - (size_t)(eq - pair.p) - 1 };
            return true;
        }
        n += semicolon ? 1 : 0;
        list.p += n;
        list.n -= n;
    }
    return false;
}

struct nf_slice nf_http_cookie(const struct nf_http_exchange *x, const char *name)
{
    unsigned at = 0;
    struct nf_slice list, v = { "", 0 };
    while (next_header(x, "cookie", &at, &list))
        if (find_cookie(list, name, &v))
            break;
    return v;
}

struct nf_slice nf_http_body(const struct nf_http_exchange *x)
{
    return nf_httpd_input_body(&x->in);
}

const char *nf_http_peer(const struct nf_http_exchange *x)
{
    static const uint8_t v4[12] = { [10] = 0xff, [11] = 0xff };
    struct nf_http_exchange *w = (struct nf_http_exchange *)x; /* only fills its cache */
    const uint8_t *ip = x->c->ip;
    if (x->c->is_unix)
        return "unix";
    bool is_v4 = memcmp(ip, v4, sizeof(v4)) == 0;
    if (!x->peer[0] &&
        !inet_ntop(is_v4 ? AF_INET : AF_INET6, is_v4 ? ip + 12 : ip, w->peer, sizeof(w->peer)))
        return "?";
    return x->peer;
}

bool nf_http_peer_uid(const struct nf_http_exchange *x, unsigned *uid)
{
    uv_os_fd_t fd;
    struct ucred cred;
    socklen_t n = sizeof(cred);
    if (!x->c->is_unix || uv_fileno(&x->c->u.handle, &fd) < 0 ||
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &n) < 0)
        return false;
    *uid = cred.uid;
    return true;
}

void nf_http_set_user(struct nf_http_exchange *x, void *user, void (*free_user)(void *user))
{
    if (x->user && x->free_user && x->user != user)
        x->free_user(x->user);
    x->user = user;
    x->free_user = free_user;
}

void *nf_http_user(const struct nf_http_exchange *x)
{
    return x->user;
}

bool nf_http_responded(const struct nf_http_exchange *x)
{
    return x->responded;
}
