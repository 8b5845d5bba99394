/* Under which names browsers reach us, what may ask from there, and what their cookie is called. */
#include "channels/web/web_internal.h"

#include <stdio.h>
#include <string.h>

#define NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-"
#define PORT_MAX 65535
#define HTTP_PORT 80
#define HTTPS_PORT 443

/* --- server.public_url ------------------------------------------------------------------------ */

/* The bytes of a host at the beginning of `text`; 0: there is none. */
static size_t host_length(const char *text)
{
    if (text[0] != '[')
        return strspn(text, NAME_CHARS);
    size_t n = strspn(text + 1, "0123456789abcdefABCDEF:.");
    return n > 0 && text[n + 1] == ']' ? n + 2 : 0;
}

static void lower(char *text)
{
    for (; *text; text++)
        if (*text >= 'A' && *text <= 'Z')
            *text = (char)(*text - 'A' + 'a');
}

enum nf_code nf_web_site_read(const char *url, struct nf_web_site *ret, struct nf_err *err)
{
    struct nf_web_site site = { .secure = strncmp(url, "https://", 8) == 0 };
    if (!site.secure && strncmp(url, "http://", 7) != 0)
        return nf_err_set(err, NF_E_INVALID,
                          "must begin with https:// or http://, such as https://nexflow.example");
    const char *host = url + (site.secure ? 8 : 7);
    size_t n = host_length(host);
    const char *rest = host + n;
    int64_t usual = site.secure ? HTTPS_PORT : HTTP_PORT, port = usual;
    if (n == 0 || n > NF_WEB_HOST_MAX)
        return nf_err_set(err, NF_E_INVALID,
                          "must have a host behind ://, as a name (xn--... where it is not in "
                          "letters of English) or an address");
    if (rest[0] == ':') {
        size_t digits = strcspn(rest + 1, "/");
        if (!nf_slice_u63((struct nf_slice){ rest + 1, digits }, &port) || port < 1 ||
            port > PORT_MAX)
            return nf_err_set(err, NF_E_INVALID, "must have a port from 1 to %d behind the colon",
                              PORT_MAX);
        rest += 1 + digits;
    }
    if (strcmp(rest, "") != 0 && strcmp(rest, "/") != 0)
        return nf_err_set(err, NF_E_INVALID,
                          "must end behind the host or its port: the page has a host of its own, "
                          "never a path of one, and neither user nor query");
    (void)snprintf(site.host, sizeof(site.host), "%.*s", (int)n, host);
    lower(site.host);
    (void)snprintf(site.host_port, sizeof(site.host_port), "%s:%lld", site.host, (long long)port);
    (void)snprintf(site.origin, sizeof(site.origin), "%s://%s", site.secure ? "https" : "http",
                   port == usual ? site.host : site.host_port);
    *ret = site;
    return NF_OK;
}

/* --- Host and Origin -------------------------------------------------------------------------- */

static NF_RC add_host(struct nf_web *w, const char *host, struct nf_err *err)
{
    if (w->hosts_n == NF_WEB_HOSTS_MAX)
        return nf_err_set(err, NF_E_LIMIT, "server.hosts: over %d names", NF_WEB_HOSTS_MAX);
    return nf_str_set(&w->hosts[w->hosts_n++], host, err);
}

enum nf_code nf_web_set_hosts(struct nf_web *w, struct nf_err *err)
{
    static const char *const local[] = { "localhost", "127.0.0.1", "[::1]" };
    const char *port = strrchr(w->address, ':');
    if (w->o.server->public_url[0])
        NF_TRY(nf_err_wrap(err, nf_web_site_read(w->o.server->public_url, &w->site, err),
                           "server.public_url"));
    NF_TRY(add_host(w, w->address, err));
    for (size_t i = 0; i < NF_COUNT(local); i++) {
        char host[64];
        (void)snprintf(host, sizeof(host), "%s%s", local[i], port);
        NF_TRY(add_host(w, host, err));
    }
    for (size_t i = 0; i < w->o.server->hosts.n; i++)
        NF_TRY(add_host(w, w->o.server->hosts.v[i], err));
    return NF_OK;
}

/* A proxy may leave the port away, or name it where browsers do not. */
static bool is_public(const struct nf_web *w, struct nf_slice host)
{
    return w->site.host[0] &&
           (nf_slice_ieq(host, w->site.host) || nf_slice_ieq(host, w->site.host_port));
}

static bool known_host(const struct nf_web *w, struct nf_slice host)
{
    for (size_t i = 0; i < w->hosts_n; i++)
        if (nf_slice_ieq(host, nf_str_c(&w->hosts[i])))
            return true;
    return false;
}

/* Whoever is not told by server.public_url how it is reached cannot know the scheme. */
static bool same_origin(struct nf_slice origin, struct nf_slice host)
{
    static const struct nf_slice schemes[] = { NF_SLICE("http://"), NF_SLICE("https://") };
    for (size_t i = 0; i < NF_COUNT(schemes); i++) {
        struct nf_slice s = schemes[i];
        if (origin.n == s.n + host.n && memcmp(origin.p, s.p, s.n) == 0 &&
            memcmp(origin.p + s.n, host.p, host.n) == 0)
            return true;
    }
    return false;
}

enum nf_code nf_web_check_site(const struct nf_web *w, const struct nf_http_exchange *x,
                               struct nf_err *err)
{
    struct nf_slice host = nf_http_request_header(x, "Host");
    struct nf_slice origin = nf_http_request_header(x, "Origin");
    bool public = is_public(w, host);
    unsigned uid;

    if (nf_http_request_header_count(x, "origin") > 1 ||
        nf_http_request_header_count(x, "authorization") > 1)
        return nf_err_set(err, NF_E_INVALID, "Origin or Authorization twice");
    if (nf_http_peer_uid(x, &uid))
        return NF_OK;
    if (!public && !known_host(w, host))
        return nf_err_set(err, NF_E_DENIED,
                          "Host is none of ours: set server.public_url if browsers reach it so, or "
                          "add the name to server.hosts");
    if (origin.n > 0 && !(public ? nf_slice_eq(origin, w->site.origin) : same_origin(origin, host)))
        return nf_err_set(err, NF_E_DENIED, "Origin is another site");
    return NF_OK;
}

/* --- the cookie ------------------------------------------------------------------------------- */

bool nf_web_is_secure(const struct nf_web *w, const struct nf_http_exchange *x)
{
    return w->site.secure && is_public(w, nf_http_request_header(x, "Host"));
}

struct nf_slice nf_web_cookie(const struct nf_web *w, const struct nf_http_exchange *x)
{
    return nf_http_cookie(x, nf_web_is_secure(w, x) ? NF_WEB_COOKIE_SECURE : NF_WEB_COOKIE);
}

enum nf_code nf_web_set_cookie(const struct nf_web *w, struct nf_http_exchange *x,
                               const char *value, int64_t ttl_ms, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str cookie = { 0 };
    bool secure = nf_web_is_secure(w, x);
    NF_TRY(nf_str_addf(&cookie, err, "%s=%s; Path=/; Max-Age=%lld; HttpOnly; SameSite=Strict%s",
                       secure ? NF_WEB_COOKIE_SECURE : NF_WEB_COOKIE, value,
                       (long long)(ttl_ms / 1000), secure ? "; Secure" : ""));
    return nf_http_add_header(x, "Set-Cookie", nf_str_c(&cookie), err);
}

/* Where we listen on all addresses, the link is for this machine: no browser elsewhere, and not
 * each one here, opens http://0.0.0.0. */
static NF_RC add_address(const struct nf_web *w, struct nf_str *ret, struct nf_err *err)
{
    static const char *const all[][2] = { { "0.0.0.0", "127.0.0.1" }, { "[::]", "[::1]" } };
    const char *port = strrchr(w->address, ':');
    size_t n = (size_t)(port - w->address);
    for (size_t i = 0; i < NF_COUNT(all); i++)
        if (n == strlen(all[i][0]) && memcmp(w->address, all[i][0], n) == 0)
            return nf_str_addf(ret, err, "http://%s%s", all[i][1], port);
    return nf_str_addf(ret, err, "http://%s", w->address);
}

enum nf_code nf_web_add_origin(const struct nf_web *w, struct nf_str *ret, struct nf_err *err)
{
    return w->site.host[0] ? nf_str_adds(ret, w->site.origin, err) : add_address(w, ret, err);
}
