/* Who may: the owner's token, links and cookies, rate limits. */
#include "channels/web/web_internal.h"

#include "observe/log.h"
#include "runtime/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TOKEN_MIN 16 /* characters of an owner's token that a person chose */
#define SECURITY_HEADERS 6
#define CLIENT_MAX 45 /* characters of an address: INET6_ADDRSTRLEN without its end */

const struct nf_principal *nf_web_who(const struct nf_http_exchange *x)
{
    const struct nf_principal *p = nf_http_user(x);
    assert(p);
    return p;
}

bool nf_web_is_known(const struct nf_http_exchange *x)
{
    const struct nf_principal *p = nf_http_user(x);
    return p && (p->holds_secret || (p->user.id != 0 && p->user.status == NF_USER_ACTIVE));
}

bool nf_web_manages(const struct nf_http_exchange *x)
{
    const struct nf_principal *p = nf_http_user(x);
    return nf_web_is_known(x) && (p->holds_secret || p->user.role != NF_USER_USER);
}

/* --- credentials ------------------------------------------------------------------------------ */

#define WHO "/api/v1/auth"

static bool is_one_of(const struct nf_http_exchange *x, const char *const *patterns, size_t n)
{
    const char *pattern = nf_http_pattern(x);
    for (size_t i = 0; i < n; i++)
        if (strcmp(pattern, patterns[i]) == 0)
            return true;
    return false;
}

static bool is_public(const struct nf_web *w, const struct nf_http_exchange *x)
{
    static const char *const patterns[] = { "/api/v1/auth/exchange", "/", "/{file...}" };
    return is_one_of(x, patterns, NF_COUNT(patterns)) ||
           (w->o.server->open_metrics && strcmp(nf_http_pattern(x), "/metrics") == 0);
}

/* Answered for everybody, with more for some. */
static bool is_probe(const struct nf_http_exchange *x)
{
    static const char *const patterns[] = { "/health", "/ready" };
    return is_one_of(x, patterns, NF_COUNT(patterns));
}

static NF_RC owner(struct nf_web *w, struct nf_user *ret, struct nf_err *err)
{
    return w->o.app->users->ops->get(w->o.app->users, w->owner_id, ret, err);
}

/* NF_E_NOT_FOUND: it carries none. NF_E_DENIED: a wrong one. */
static NF_RC by_bearer(struct nf_web *w, const struct nf_http_exchange *x, struct nf_principal *p,
                       struct nf_err *err)
{
    static const char prefix[] = "Bearer ";
    struct nf_slice h = nf_http_request_header(x, "Authorization");
    char hash[NF_SHA256_HEX + 1];

    if (h.n == 0)
        return nf_err_set(err, NF_E_NOT_FOUND, "no Authorization");
    if (h.n <= sizeof(prefix) - 1 || memcmp(h.p, prefix, sizeof(prefix) - 1) != 0)
        return nf_err_set(err, NF_E_DENIED, "Authorization: must be \"Bearer TOKEN\"");
    nf_sha256_hex(h.p + sizeof(prefix) - 1, h.n - (sizeof(prefix) - 1), hash);
    if (!nf_equal_const_time(hash, w->owner_hash, NF_SHA256_HEX))
        return nf_err_set(err, NF_E_DENIED, "Authorization: this token is not known");
    p->holds_secret = true;
    return owner(w, &p->user, err);
}

static NF_RC by_cookie(struct nf_web *w, const struct nf_http_exchange *x, struct nf_principal *p,
                       struct nf_err *err)
{
    struct nf_slice cookie = nf_web_cookie(w, x);
    struct nf_slice method = nf_http_method(x);
    if (cookie.n == 0)
        return nf_err_set(err, NF_E_NOT_FOUND, "no cookie");
    /* A browser says where a request that changes something comes from: without that it is not
     * ours. */
    bool reads = nf_slice_eq(method, "GET") || nf_slice_eq(method, "HEAD");
    bool upgrades = nf_http_request_header(x, "Upgrade").n > 0;
    if ((!reads || upgrades) && nf_http_request_header(x, "Origin").n == 0)
        return nf_err_set(err, NF_E_DENIED, "Origin: missing");
    nf_sha256_hex(cookie.p, cookie.n, p->cookie_hash);
    p->by_cookie = true;
    return reads && !upgrades ? nf_cookie_reader(w->o.app, p->cookie_hash, &p->user, err)
                              : nf_cookie_user(w->o.app, p->cookie_hash, &p->user, err);
}

static NF_RC by_socket(struct nf_web *w, const struct nf_http_exchange *x, struct nf_principal *p,
                       struct nf_err *err)
{
    unsigned uid;
    if (!nf_http_peer_uid(x, &uid) || (uid != 0 && uid != geteuid()))
        return nf_err_set(err, NF_E_NOT_FOUND, "no socket of the same user");
    p->holds_secret = true;
    return owner(w, &p->user, err);
}

static NF_RC identify(struct nf_web *w, const struct nf_http_exchange *x, struct nf_principal *p,
                      struct nf_err *err)
{
    enum nf_code rc = by_socket(w, x, p, err);
    if (rc == NF_E_NOT_FOUND)
        rc = by_bearer(w, x, p, err);
    if (rc == NF_E_NOT_FOUND)
        rc = by_cookie(w, x, p, err);
    if (rc == NF_E_NOT_FOUND)
        return nf_err_set(err, NF_E_DENIED,
                          "sign in first: a link from `nexflow link`, or Authorization: Bearer");
    if (rc == NF_OK && p->user.status != NF_USER_ACTIVE)
        return nf_err_set(err, NF_E_DENIED, "this account is blocked");
    return rc;
}

/* --- rates ------------------------------------------------------------------------------------ */

/* An address as text. */
struct client {
    char s[CLIENT_MAX + 1];
};

static bool is_proxy(const struct nf_web *w, const char *peer)
{
    const struct nf_setting_strs *proxies = &w->o.server->proxies;
    for (size_t i = 0; i < proxies->n; i++)
        if (strcmp(proxies->v[i], peer) == 0)
            return true;
    return false;
}

/* Who asks: the peer, or, if that is a proxy of ours, whom it asks for. A proxy adds the address
 * that it sees behind those that were sent to it, which may say anything. */
static struct client client_of(const struct nf_web *w, const struct nf_http_exchange *x)
{
    static const char header[] = "x-forwarded-for";
    struct client c;
    const char *peer = nf_http_peer(x);
    struct nf_slice list = nf_http_request_header(x, header), last = list;

    (void)snprintf(c.s, sizeof(c.s), "%s", peer);
    if (nf_http_request_header_count(x, header) != 1 || !is_proxy(w, peer))
        return c;
    for (size_t i = 0; i < list.n; i++)
        if (list.p[i] == ',')
            last = (struct nf_slice){ list.p + i + 1, list.n - i - 1 };
    last = nf_slice_trim(last);
    if (last.n == 0 || last.n > CLIENT_MAX)
        return c;
    memcpy(c.s, last.p, last.n);
    c.s[last.n] = '\0';
    if (strspn(c.s, "0123456789abcdefABCDEF.:") != last.n)
        (void)snprintf(c.s, sizeof(c.s), "%s", peer);
    return c;
}

static NF_RC too_many(struct nf_http_exchange *x, int64_t wait_ms, struct nf_err *err)
{
    char seconds[24];
    (void)snprintf(seconds, sizeof(seconds), "%lld", (long long)(wait_ms + 999) / 1000);
    NF_TRY(nf_http_add_header(x, "Retry-After", seconds, err));
    enum nf_code rc = nf_err_set(err, NF_E_LIMIT, "too many requests: wait %s s", seconds);
    nf_web_answer_error(x, 429, err);
    return rc;
}

bool nf_web_rate_take(struct nf_web *w, const char *key, int64_t per_minute, int64_t *wait_ms)
{
    if (!nf_rate_take(w->rate, key, per_minute, nf_clock_mono_us(w->o.app->clock), wait_ms))
        return false;
    *wait_ms = nf_shared_rates_wait(w->o.app->shared_rates, key, per_minute, 1);
    return *wait_ms == 0;
}

static NF_RC take(struct nf_web *w, struct nf_http_exchange *x, const char *kind, const char *who,
                  int64_t per_minute, struct nf_err *err)
{
    char key[64];
    int64_t wait_ms;
    (void)snprintf(key, sizeof(key), "%s:%s", kind, who);
    if (nf_web_rate_take(w, key, per_minute, &wait_ms))
        return NF_OK;
    return too_many(x, wait_ms, err);
}

/* Who shows nothing guesses nothing. A page of another site can make a browser ask us without
 * credentials, and must not lock out who uses that browser. */
static bool shows_credentials(const struct nf_web *w, const struct nf_http_exchange *x)
{
    return nf_http_request_header(x, "Authorization").n > 0 || nf_web_cookie(w, x).n > 0;
}

static int64_t refused_wait_ms(struct nf_web *w, const char *kind, const struct client *c)
{
    char key[64];
    int64_t most = w->o.limits->failures_per_minute;
    (void)snprintf(key, sizeof(key), "%s:%s", kind, c->s);
    int64_t wait_ms = nf_shared_rates_wait(w->o.app->shared_rates, key, most, 0);
    if (wait_ms == 0 && nf_rate_has(w->rate, key, most, nf_clock_mono_us(w->o.app->clock)))
        return 0;
    return wait_ms ? wait_ms : 60000 / most;
}

/* Guessing is slow: an address that was refused often is not even looked at. 0: it is. Monitoring
 * that comes with an old token must not lock out who asks from the same address, so probes are
 * counted apart. */
static int64_t must_wait_ms(struct nf_web *w, const struct nf_http_exchange *x)
{
    struct client c = client_of(w, x);
    int64_t wait_ms = refused_wait_ms(w, "fail", &c);
    return wait_ms == 0 && is_probe(x) ? refused_wait_ms(w, "probe", &c) : wait_ms;
}

static NF_RC may_try(struct nf_web *w, struct nf_http_exchange *x, struct nf_err *err)
{
    int64_t wait_ms = must_wait_ms(w, x);
    return wait_ms == 0 ? NF_OK : too_many(x, wait_ms, err);
}

static void count_failure(struct nf_web *w, struct nf_http_exchange *x)
{
    char key[64];
    int64_t ignored;
    struct client c = client_of(w, x);
    (void)snprintf(key, sizeof(key), "%s:%s", is_probe(x) ? "probe" : "fail", c.s);
    (void)nf_web_rate_take(w, key, w->o.limits->failures_per_minute, &ignored);
    nf_log_warn("web.denied", "peer", c.s, "route", nf_http_pattern(x), NULL);
}

/* --- before every handler --------------------------------------------------------------------- */

enum nf_code nf_web_add_security_headers(struct nf_http_exchange *x, bool may_not_be_kept,
                                         struct nf_err *err)
{
    static const char *const headers[SECURITY_HEADERS][2] = {
        { "X-Content-Type-Options", "nosniff" },
        { "Referrer-Policy", "no-referrer" },
        { "Cross-Origin-Opener-Policy", "same-origin" },
        { "Cross-Origin-Resource-Policy", "same-origin" },
        { "X-Frame-Options", "DENY" },
        { "Cache-Control", "no-store" },
    };
    for (size_t i = 0; i < SECURITY_HEADERS - (may_not_be_kept ? 0u : 1u); i++)
        if (!nf_http_has_header(x, headers[i][0]))
            NF_TRY(nf_http_add_header(x, headers[i][0], headers[i][1], err));
    return NF_OK;
}

static void free_principal(void *p)
{
    free(p);
}

static NF_RC hang_principal(struct nf_http_exchange *x, struct nf_principal **ret,
                            struct nf_err *err)
{
    *ret = calloc(1, sizeof(**ret));
    if (!*ret)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    nf_http_set_user(x, *ret, free_principal);
    return NF_OK;
}

/* Whoever is not recognised, for whatever reason, is nobody: how we are is told then, too. */
static NF_RC recognise(struct nf_web *w, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_principal *p;
    struct nf_err ignored;
    unsigned uid;
    bool shows = shows_credentials(w, x);
    int64_t wait_ms;
    if (!nf_http_peer_uid(x, &uid) && (!shows || must_wait_ms(w, x) > 0))
        return NF_OK;
    NF_TRY(hang_principal(x, &p, err));
    if (identify(w, x, p, &ignored) == NF_E_DENIED && shows)
        count_failure(w, x);
    struct nf_id_text id = nf_id_to_text(p->user.id);
    char key[64];
    (void)snprintf(key, sizeof(key), "req:%s", id.s);
    if (!p->holds_secret && p->user.id != 0 &&
        !nf_web_rate_take(w, key, w->o.limits->requests_per_minute, &wait_ms))
        p->user = (struct nf_user){ 0 };
    return NF_OK;
}

enum nf_code nf_web_before(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_web *w = arg;
    static const char *const own_files[] = { "/{file...}", "/" }; /* say how long themselves */
    NF_TRY(nf_web_add_security_headers(x, !is_one_of(x, own_files, NF_COUNT(own_files)), err));
    NF_TRY(nf_web_check_site(w, x, err));
    if (is_public(w, x))
        return NF_OK;
    if (is_probe(x))
        return recognise(w, x, err);
    NF_TRY(may_try(w, x, err));

    struct nf_principal *p;
    NF_TRY(hang_principal(x, &p, err));
    enum nf_code rc = identify(w, x, p, err);
    if (rc == NF_E_DENIED && shows_credentials(w, x))
        count_failure(w, x);
    else if (rc == NF_E_DENIED && strcmp(nf_http_pattern(x), WHO) == 0)
        return NF_OK; /* nobody, who asks just that */
    NF_TRY(rc);
    struct nf_id_text id = nf_id_to_text(p->user.id);
    return take(w, x, "req", id.s, w->o.limits->requests_per_minute, err);
}

/* --- the owner's token ------------------------------------------------------------------------ */

static NF_RC read_token_file(const char *path, char *token, size_t max, struct nf_err *err)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return nf_err_set(err, errno == ENOENT ? NF_E_NOT_FOUND : NF_E_IO, "open '%s': %s", path,
                          strerror(errno));
    ssize_t n = read(fd, token, max - 1);
    bool open_to_others = fstat(fd, &st) != 0 || (st.st_mode & 077) != 0;
    (void)close(fd);
    if (n < 0)
        return nf_err_set(err, NF_E_IO, "read '%s': %s", path, strerror(errno));
    if (open_to_others)
        return nf_err_set(err, NF_E_DENIED, "'%s' is readable by others: chmod 600 it", path);
    token[n] = '\0';
    token[strcspn(token, "\r\n")] = '\0';
    return NF_OK;
}

enum nf_code nf_web_load_owner_token(struct nf_web *w, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str path = { 0 };
    char token[256] = "";
    const char *given = nf_secret_reveal(&w->o.server->owner_token);
    if (given[0] == '\0')
        given = getenv("NEXFLOW_OWNER_TOKEN");
    if (given && given[0] != '\0') {
        if (strlen(given) < TOKEN_MIN || strlen(given) >= sizeof(token))
            return nf_err_set(err, NF_E_INVALID, "the owner's token must have %d to %zu characters",
                              TOKEN_MIN, sizeof(token) - 1);
        nf_sha256_hex(given, strlen(given), w->owner_hash);
        return NF_OK;
    }
    NF_TRY(nf_str_addf(&path, err, "%s/owner-token", w->o.data_dir));
    enum nf_code rc = read_token_file(nf_str_c(&path), token, sizeof(token), err);
    if (rc == NF_E_NOT_FOUND || (rc == NF_OK && strlen(token) < TOKEN_MIN)) {
        nf_random_token(token);
        token[NF_TOKEN_TEXT] = '\n'; /* a text for people too */
        rc = nf_file_replace(nf_str_c(&path), token, NF_TOKEN_TEXT + 1, err);
        token[NF_TOKEN_TEXT] = '\0';
    }
    nf_sha256_hex(token, strlen(token), w->owner_hash);
    explicit_bzero(token, sizeof(token));
    return rc;
}

/* --- links and cookies ------------------------------------------------------------------------ */

enum nf_code nf_web_make_link(struct nf_web *w, const struct nf_user *actor, int64_t user_id,
                              struct nf_str *ret, struct nf_err *err)
{
    char token[NF_TOKEN_TEXT + 1], hash[NF_SHA256_HEX + 1];
    nf_random_token(token);
    nf_sha256_hex(token, strlen(token), hash);
    NF_TRY(nf_link_create(w->o.app, actor, user_id, hash, err));
    enum nf_code rc = nf_web_add_origin(w, ret, err);
    if (rc == NF_OK)
        rc = nf_str_addf(ret, err, "/#t=%s", token);
    explicit_bzero(token, sizeof(token));
    return rc;
}

struct exchange_body {
    char *token;
};
static const struct nf_json_field exchange_fields[] = {
    NF_JSON_FIELD(struct exchange_body, "token", NF_JSON_F_STR, token, NF_JSON_REQUIRED, 1, 128),
};
static const struct nf_json_table exchange_table = { exchange_fields, 1, false };

static void exchange_done(struct exchange_body *b)
{
    nf_json_table_done(&exchange_table, b);
}

enum nf_code nf_web_exchange_link(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_web *w = arg;
    NF_CLEANUP(exchange_done) struct exchange_body body = { 0 };
    char link_hash[NF_SHA256_HEX + 1], token[NF_TOKEN_TEXT + 1], hash[NF_SHA256_HEX + 1];
    struct nf_user user;

    NF_TRY(may_try(w, x, err));
    NF_TRY(nf_web_read_body(x, &exchange_table, &body, err));
    nf_sha256_hex(body.token, strlen(body.token), link_hash);
    nf_random_token(token);
    nf_sha256_hex(token, strlen(token), hash);
    enum nf_code rc = nf_link_exchange(w->o.app, link_hash, hash, &user, err);
    if (rc == NF_E_DENIED) {
        count_failure(w, x);
        nf_web_answer_error(x, 401, err);
    }
    NF_TRY(rc);
    rc = nf_web_set_cookie(w, x, token, NF_COOKIE_TTL_MS, err);
    explicit_bzero(token, sizeof(token));
    NF_TRY(rc);
    return nf_http_respond(x, 204, NULL, "", 0, err);
}

enum nf_code nf_web_logout(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_web *w = arg;
    const struct nf_principal *p = nf_web_who(x);
    if (p->by_cookie) {
        NF_TRY(nf_cookie_revoke(w->o.app, p->cookie_hash, err));
        nf_hub_drop_cookie(w->hub, p->user.id, p->cookie_hash);
    }
    NF_TRY(nf_web_set_cookie(w, x, "", 0, err));
    return nf_http_respond(x, 204, NULL, "", 0, err);
}
