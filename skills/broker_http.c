/*
 * http.fetch: a request on behalf of a skill. Each hop, the first and every redirect, is checked
 * anew: the URL against the manifest, the address when it is connected to, the secrets against
 * where they may go.
 */
#include "skills/broker.h"

#include "base/own.h"
#include "codec/gunzip.h"
#include "codec/json.h"
#include "skills/net.h"
#include "skills/url.h"

#include <stdlib.h>
#include <string.h>

#define HEADERS_MAX (NF_HTTP_HEADERS_MAX - 1)
#define HEADER_MAX 8192           /* bytes of a header as the skill gives it */
#define WAIT_MS ((int64_t)600000) /* the longest a tool may run: its deadline comes first */
#define CONNECT_MS ((int64_t)15000)
#define ANSWER_JSON_MAX ((size_t)256 * 1024)

struct header {
    char *name;
    char *value; /* as the skill wrote it */
    struct nf_str filled;
    nf_secret_bits used;
};

struct fetch {
    struct nf_broker *b;
    char *method, *url; /* as asked */
    int64_t timeout_ms, max_bytes;
    struct header headers[HEADERS_MAX];
    size_t headers_n;
    struct nf_slice body;

    struct nf_str at; /* the URL of this hop */
    struct nf_url to; /* the same, parsed */
    bool other_origin;
};

static void fetch_done(struct fetch *f)
{
    for (size_t i = 0; i < f->headers_n; i++) {
        struct header *h = &f->headers[i];
        if (h->filled.p)
            explicit_bzero(h->filled.p, h->filled.cap);
        nf_str_done(&h->filled);
        free(h->name);
        free(h->value);
    }
    free(f->method);
    free(f->url);
    nf_str_done(&f->at);
}

/* --- the request ------------------------------------------------------------------------------ */

/* Those that the client sets, that speak to whatever lies between, or that make a server believe
 * somebody else asks. */
bool nf_broker_refuses_header(const char *name)
{
    static const char *const names[] = {
        "host",
        "connection",
        "content-length",
        "transfer-encoding",
        "te",
        "trailer",
        "upgrade",
        "expect",
        "keep-alive",
        "accept-encoding",
        "via",
        "forwarded",
        "x-real-ip",
        "x-http-method",
        "x-method-override",
        "x-http-method-override",
    };
    static const char *const prefixes[] = { "proxy-", "x-forwarded-", "sec-", "x-original-",
                                            "x-rewrite-" };
    struct nf_slice all = nf_slice_of(name);

    for (size_t i = 0; i < NF_COUNT(names); i++)
        if (nf_slice_ieq(all, names[i]))
            return true;
    for (size_t i = 0; i < NF_COUNT(prefixes); i++) {
        size_t n = strlen(prefixes[i]);
        if (all.n >= n && nf_slice_ieq((struct nf_slice){ name, n }, prefixes[i]))
            return true;
    }
    return false;
}

static bool has_name(const struct fetch *f, const char *name)
{
    for (size_t i = 0; i < f->headers_n; i++)
        if (nf_slice_ieq(nf_slice_of(f->headers[i].name), name))
            return true;
    return false;
}

static NF_RC add_header(struct fetch *f, const char *line, struct nf_err *err)
{
    const char *colon = strchr(line, ':');

    if (!colon)
        return nf_err_set(err, NF_E_INVALID, "headers must be strings \"Name: value\"");
    if (f->headers_n == HEADERS_MAX || strnlen(line, HEADER_MAX + 1) > HEADER_MAX)
        return nf_err_set(err, NF_E_LIMIT, "headers: at most %d, of at most %d bytes", HEADERS_MAX,
                          HEADER_MAX);
    struct header *h = &f->headers[f->headers_n];
    *h = (struct header){ .filled.max = HEADER_MAX + 2 * NF_SECRET_MAX };
    f->headers_n++;
    NF_TRY(nf_strndup(line, (size_t)(colon - line), &h->name, err));
    struct nf_slice value = nf_slice_trim(nf_slice_of(colon + 1));
    NF_TRY(nf_strndup(value.p, value.n, &h->value, err));
    if (nf_broker_refuses_header(h->name))
        return nf_err_set(err, NF_E_DENIED, "header %.40s is not a skill's to set", h->name);
    f->headers_n--;
    bool twice = has_name(f, h->name);
    f->headers_n++;
    if (twice)
        return nf_err_set(err, NF_E_INVALID, "header %.40s stands twice", h->name);
    return nf_broker_fill_secrets(f->b, h->value, &h->filled, &h->used, err);
}

static NF_RC read_headers(struct fetch *f, const struct nf_fields *q, struct nf_err *err)
{
    size_t at = 0;

    for (const char *line; (line = nf_fields_header(q, &at)) != NULL;)
        NF_TRY(add_header(f, line, err));
    return NF_OK;
}

bool nf_broker_knows_method(struct nf_slice method)
{
    static const char *const methods[] = { "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE" };

    for (size_t i = 0; i < NF_COUNT(methods); i++)
        if (nf_slice_eq(method, methods[i]))
            return true;
    return false;
}

static NF_RC read_method(struct fetch *f, const char *method, struct nf_err *err)
{
    if (!nf_broker_knows_method(nf_slice_of(method)))
        return nf_err_set(err, NF_E_INVALID, "method must be one of " NF_BROKER_METHODS);
    return nf_strdup(method, &f->method, err);
}

/* 0 and what is over `most`: `most`. */
static NF_RC read_limit(const struct nf_fields *q, enum nf_field field, const char *name,
                        int64_t most, int64_t *ret, struct nf_err *err)
{
    int64_t v = nf_fields_number(q, field, 0);

    if (v < 0 || v > UINT32_MAX)
        return nf_err_set(err, NF_E_INVALID, "%s must be 0 to %u", name, UINT32_MAX);
    *ret = v == 0 || v > most ? most : v;
    return NF_OK;
}

static NF_RC read_request(struct fetch *f, const struct nf_fields *q, struct nf_err *err)
{
    const char *method = nf_fields_text(q, NF_FIELD_METHOD);
    const char *url = nf_fields_text(q, NF_FIELD_URL);

    if (!url || *url == '\0' || strnlen(url, NF_URL_MAX + 1) > NF_URL_MAX)
        return nf_err_set(err, NF_E_INVALID, "url must be a string of 1 to %d bytes", NF_URL_MAX);
    NF_TRY(nf_strdup(url, &f->url, err));
    NF_TRY(read_method(f, method ? method : "GET", err));
    if (f->body.n > NF_BROKER_BODY_MAX)
        return nf_err_set(err, NF_E_LIMIT, "body: at most %zu bytes", NF_BROKER_BODY_MAX);
    if (f->body.n > 0 && (strcmp(f->method, "GET") == 0 || strcmp(f->method, "HEAD") == 0))
        return nf_err_set(err, NF_E_INVALID, "body: none goes with GET or HEAD");
    NF_TRY(read_limit(q, NF_FIELD_MAX_BYTES, "max_bytes", f->b->manifest->http_bytes, &f->max_bytes,
                      err));
    NF_TRY(read_limit(q, NF_FIELD_TIMEOUT_MS, "timeout_ms", WAIT_MS, &f->timeout_ms, err));
    return read_headers(f, q, err);
}

/* --- where to --------------------------------------------------------------------------------- */

static bool is_within(const struct nf_url *u, const char *prefix)
{
    struct nf_url p;

    return nf_url_parse(prefix, &p, NULL) == NF_OK && nf_url_within(u, &p);
}

bool nf_broker_grants(const struct nf_broker *b, const struct nf_url *u)
{
    const struct nf_skill_manifest *m = b->manifest;
    size_t at = 0;

    for (size_t i = 0; i < m->http_n; i++) {
        if (strcmp(m->http[i], "*") == 0) {
            if (u->https)
                return true;
        } else if (is_within(u, m->http[i])) {
            return true;
        }
    }
    for (const char *v; (v = nf_skill_settings_config_next(b->deps->settings, m->name, &at));)
        if (is_within(u, v))
            return true;
    return false;
}

enum nf_code nf_broker_count_request(struct nf_broker *b, struct nf_err *err)
{
    if (++b->http_requests > b->deps->settings->http_requests)
        return nf_err_set(err, NF_E_LIMIT,
                          "a call may make %lld requests, redirects included (setting "
                          "skills.http_requests)",
                          (long long)b->deps->settings->http_requests);
    return NF_OK;
}

/* Let `url` be the next hop, if that is allowed. Keeps it in its one spelling. */
static NF_RC go_to(struct fetch *f, const char *url, struct nf_err *err)
{
    struct nf_broker *b = f->b;
    struct nf_url u;

    NF_TRY(nf_url_parse(url, &u, err));
    if (!nf_broker_grants(b, &u))
        return nf_err_set(err, NF_E_DENIED, "%s://%s is not below a URL of the manifest",
                          u.https ? "https" : "http", nf_url_host(&u).s);
    NF_TRY(nf_url_write(&u, &f->at, err));
    NF_TRY(nf_url_parse(nf_str_c(&f->at), &f->to, err));
    return nf_broker_count_request(b, err);
}

static bool may_connect(void *arg, const struct sockaddr *a)
{
    const struct fetch *f = arg;

    return nf_net_may_connect(&f->b->deps->settings->allow_private, f->to.host, a);
}

/* What was meant for one server is not for another (RFC 9110 section 15.4). */
static bool is_left_out(const struct fetch *f, const struct header *h)
{
    struct nf_slice name = nf_slice_of(h->name);

    return f->other_origin &&
           (h->used != 0 || nf_slice_ieq(name, "authorization") || nf_slice_ieq(name, "cookie"));
}

static NF_RC open_hop(struct fetch *f, struct nf_http_call **ret, struct nf_err *err)
{
    struct nf_http_header list[HEADERS_MAX + 1];
    struct nf_http_request r = {
        .method = f->method,
        .url = nf_str_c(&f->at),
        .headers = list,
        .body = f->body.p,
        .body_n = f->body.n,
        .connect_timeout_ms = f->timeout_ms < CONNECT_MS ? f->timeout_ms : CONNECT_MS,
        .head_timeout_ms = WAIT_MS,
        .may_connect = may_connect,
        .may_connect_arg = f,
    };

    for (size_t i = 0; i < f->headers_n; i++) {
        const struct header *h = &f->headers[i];
        if (is_left_out(f, h))
            continue;
        NF_TRY(nf_broker_check_secrets(f->b, h->used, &f->to, err));
        list[r.headers_n++] = (struct nf_http_header){ h->name, nf_str_c(&h->filled) };
    }
    list[r.headers_n++] = (struct nf_http_header){ "Accept-Encoding", "gzip" };
    enum nf_code rc = nf_http_open(f->b->deps->http, &r, ret, err);
    return rc == NF_E_DENIED ? nf_net_refused(f->to.host, err) : rc;
}

/* --- redirects -------------------------------------------------------------------------------- */

static void drop_header(struct fetch *f, const char *name)
{
    for (size_t i = 0; i < f->headers_n; i++) {
        struct header *h = &f->headers[i];
        if (!nf_slice_ieq(nf_slice_of(h->name), name))
            continue;
        nf_str_done(&h->filled);
        free(h->name);
        free(h->value);
        *h = f->headers[--f->headers_n];
        return;
    }
}

/* RFC 9110 section 15.4: after 303, and by custom after 301 and 302 to a POST, the new place is
 * asked with GET. */
static NF_RC change_method(struct fetch *f, int status, struct nf_err *err)
{
    bool post = strcmp(f->method, "POST") == 0, head = strcmp(f->method, "HEAD") == 0;

    if (!(status == 303 && !head) && !((status == 301 || status == 302) && post))
        return NF_OK;
    free(f->method);
    f->method = NULL;
    f->body = (struct nf_slice){ 0 };
    drop_header(f, "Content-Type");
    return nf_strdup("GET", &f->method, err);
}

static NF_RC follow(struct fetch *f, int status, const char *location, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str next = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str before = { 0 };
    struct nf_url from;

    NF_TRY(nf_url_join(&f->to, location, &next, err));
    NF_TRY(nf_str_set(&before, nf_str_c(&f->at), err));
    NF_TRY(nf_url_parse(nf_str_c(&before), &from, err));
    NF_TRY(go_to(f, nf_str_c(&next), err));
    if (!nf_url_same_origin(&from, &f->to))
        f->other_origin = true;
    return change_method(f, status, err);
}

static const char *where_to(const struct nf_http_call *h)
{
    int status = nf_http_status(h);
    bool redirect =
        status == 301 || status == 302 || status == 303 || status == 307 || status == 308;

    return redirect ? nf_http_header(h, "Location") : NULL;
}

/* Open the request and follow where it leads; *ret is the answer that leads nowhere else. */
static NF_RC open_last(struct fetch *f, struct nf_http_call **ret, struct nf_err *err)
{
    NF_TRY(go_to(f, f->url, err));
    for (int hop = 0;; hop++) {
        NF_CLEANUP(nf_http_closep) struct nf_http_call *h = NULL;
        NF_TRY(open_hop(f, &h, err));
        const char *location = where_to(h);
        if (!location) {
            *ret = nf_take(h);
            return NF_OK;
        }
        if (hop == NF_BROKER_REDIRECTS_MAX)
            return nf_err_set(err, NF_E_LIMIT, "more than %d redirects", NF_BROKER_REDIRECTS_MAX);
        NF_TRY(nf_err_wrap(err, follow(f, nf_http_status(h), location, err), "redirect"));
    }
}

/* --- the answer ------------------------------------------------------------------------------- */

static NF_RC lower_name(const char *name, struct nf_str *to, struct nf_err *err)
{
    NF_TRY(nf_str_set(to, name, err));
    for (size_t i = 0; i < to->len; i++)
        if (to->p[i] >= 'A' && to->p[i] <= 'Z')
            to->p[i] = (char)(to->p[i] + 32);
    return NF_OK;
}

/* What a server says may hold what it was sent. Masked before it is escaped. */
static NF_RC put_masked(const struct fetch *f, struct nf_json_out *o, const char *key,
                        const char *value, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { 0 };

    NF_TRY(nf_str_set(&text, value, err));
    nf_broker_mask(f->b, &text);
    nf_json_put_str(o, key, nf_str_c(&text));
    return NF_OK;
}

static NF_RC put_headers(const struct fetch *f, struct nf_json_out *o, const struct nf_http_call *h,
                         struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str lower = { 0 };
    const char *name, *value;

    nf_json_out_object(o);
    for (size_t i = 0; nf_http_header_at(h, i, &name, &value); i++) {
        if (nf_http_header(h, name) != value) /* the first of that name counts */
            continue;
        NF_TRY(lower_name(name, &lower, err));
        NF_TRY(put_masked(f, o, nf_str_c(&lower), value, err));
    }
    nf_json_out_end(o);
    return NF_OK;
}

static NF_RC put_head(const struct fetch *f, const struct nf_http_call *h, struct nf_str *to,
                      struct nf_err *err)
{
    const char *type = nf_http_header(h, "Content-Type");
    struct nf_json_out o;

    to->max = ANSWER_JSON_MAX;
    nf_json_begin_doc(&o, to);
    nf_json_out_object(&o);
    nf_json_put_i64(&o, "status", nf_http_status(h));
    NF_TRY(put_masked(f, &o, "content_type", type ? type : "", err));
    NF_TRY(put_masked(f, &o, "url", nf_str_c(&f->at), err));
    nf_json_out_key(&o, "headers");
    NF_TRY(put_headers(f, &o, h, err));
    nf_json_out_end(&o);
    return nf_json_end_doc(&o, err);
}

static NF_RC read_body(const struct fetch *f, struct nf_http_call *h, struct nf_str *to,
                       struct nf_err *err)
{
    const char *p;
    size_t n;

    to->max = (size_t)f->max_bytes + 1;
    for (;;) {
        NF_TRY(nf_http_read(h, WAIT_MS, &p, &n, err));
        if (n == 0)
            return NF_OK;
        if (to->len + n > (size_t)f->max_bytes)
            return nf_err_set(err, NF_E_LIMIT, "the answer has more than %lld bytes",
                              (long long)f->max_bytes);
        NF_TRY(nf_str_add(to, p, n, err));
    }
}

/* The one coding that was offered; another is a server's mistake, and not the skill's to undo. */
static NF_RC decode_body(const struct fetch *f, const struct nf_http_call *h, struct nf_str *body,
                         struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str plain = { .max = (size_t)f->max_bytes + 1 };
    const char *coding = nf_http_header(h, "Content-Encoding");

    if (!coding || *coding == '\0' || body->len == 0 ||
        nf_slice_ieq(nf_slice_of(coding), "identity"))
        return NF_OK;
    if (!nf_slice_ieq(nf_slice_of(coding), "gzip") && !nf_slice_ieq(nf_slice_of(coding), "x-gzip"))
        return nf_err_set(err, NF_E_UNAVAILABLE,
                          "the answer is encoded in a way that was not offered");
    enum nf_code rc = nf_gunzip(body->p, body->len, &plain, err);
    if (rc == NF_E_LIMIT)
        return nf_err_set(err, rc, "the answer has more than %lld bytes", (long long)f->max_bytes);
    if (rc == NF_E_INVALID)
        return nf_err_set(err, NF_E_UNAVAILABLE, "the answer is no whole gzip, as it says");
    NF_TRY(rc);
    nf_str_done(body);
    *body = nf_take(plain);
    return NF_OK;
}

static NF_RC run(struct fetch *f, struct nf_skill_answer *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_deadline_pop) struct nf_deadline deadline;
    NF_CLEANUP(nf_http_closep) struct nf_http_call *h = NULL;

    nf_deadline_push(&deadline, f->timeout_ms);
    NF_TRY(open_last(f, &h, err));
    NF_TRY(put_head(f, h, &ret->json, err));
    NF_TRY(read_body(f, h, &ret->raw, err));
    NF_TRY(decode_body(f, h, &ret->raw, err));
    nf_broker_mask(f->b, &ret->raw);
    return NF_OK;
}

enum nf_code nf_broker_fetch(struct nf_broker *b, const struct nf_fields *q, struct nf_slice raw,
                             struct nf_skill_answer *ret, struct nf_err *err)
{
    struct fetch *f = calloc(1, sizeof(*f)); /* more than a fiber's stack should hold */

    if (!f)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    f->b = b;
    f->body = raw;
    enum nf_code rc = read_request(f, q, err);
    if (rc == NF_OK)
        rc = run(f, ret, err);
    fetch_done(f);
    free(f);
    return rc;
}
