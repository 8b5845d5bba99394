#include "runtime/http_client.h"

#include "runtime/http_internal.h"

#include <stdlib.h>
#include <string.h>

#define CONNECT_TIMEOUT_MS 10000
#define HEAD_TIMEOUT_MS 60000
#define CONNECTIONS_MAX 64
#define BUFFER_MAX 65536

struct nf_http_call {
    struct nf_curl_transfer t;
    struct nf_http_client *client;
    CURLU *url;
    struct nf_http_header_list headers;
    struct nf_wait *waiter; /* the fiber in nf_http_open or nf_http_read */

    struct nf_str head;           /* "name\0value\0" again and again */
    size_t head_bytes, headers_n; /* all that came, trailers and interim heads included */
    int status;
    bool head_done;

    /* The body: curl appends to `in` until that is full, and then stops to read the socket; the
     * reader holds `out`. */
    struct nf_str in, out;
    bool paused;

    bool done, removed;
    CURLcode result;
    enum nf_code fail; /* why a callback ended the transfer, NF_OK if none did */
    const char *fail_text;
    char detail[CURL_ERROR_SIZE];
};

static void wake(struct nf_http_call *h)
{
    if (h->waiter)
        nf_wait_wake(h->waiter, NF_OK);
}

/* Tell curl, by taking less than all, to end the transfer. */
static size_t refuse(struct nf_http_call *h, enum nf_code code, const char *text)
{
    h->fail = code;
    h->fail_text = text;
    return 0;
}

/* --- the head --------------------------------------------------------------------------------- */

/* "HTTP/1.1 200 OK": libcurl has checked the form. */
static int status_of(const char *p, size_t n)
{
    const char *space = memchr(p, ' ', n);
    size_t left = space ? n - (size_t)(space - p) : 0;
    int status = 0;

    for (size_t i = 1; i < left && i <= 3; i++)
        status = status * 10 + (space[i] - '0');
    return status;
}

static enum nf_code add_header(struct nf_http_call *h, const char *p, size_t n)
{
    const char *colon = memchr(p, ':', n);

    if (!colon)
        return NF_OK; /* not a header; libcurl lets it pass, and nobody can ask for it */

    struct nf_slice name = { p, (size_t)(colon - p) };
    struct nf_slice value = nf_slice_trim((struct nf_slice){ colon + 1, n - name.n - 1 });
    enum nf_code rc = nf_str_reserve(&h->head, name.n + value.n + 2, NULL);
    if (rc == NF_OK)
        rc = nf_str_add(&h->head, name.p, name.n, NULL);
    if (rc == NF_OK)
        rc = nf_str_add(&h->head, "", 1, NULL);
    if (rc == NF_OK)
        rc = nf_str_add(&h->head, value.p, value.n, NULL);
    if (rc == NF_OK)
        rc = nf_str_add(&h->head, "", 1, NULL);
    return rc;
}

/* A line that begins with a space continues the header before (RFC 9112 section 5.2). */
static enum nf_code continue_header(struct nf_http_call *h, const char *p, size_t n)
{
    struct nf_slice more = nf_slice_trim((struct nf_slice){ p, n });

    if (h->head.len == 0 || more.n == 0)
        return NF_OK;

    enum nf_code rc = nf_str_reserve(&h->head, more.n + 2, NULL);
    if (rc != NF_OK)
        return rc;
    h->head.p[h->head.len - 1] = ' ';
    rc = nf_str_add(&h->head, more.p, more.n, NULL);
    return rc == NF_OK ? nf_str_add(&h->head, "", 1, NULL) : rc;
}

static enum nf_code head_line(struct nf_http_call *h, const char *p, size_t n)
{
    if (n == 0) {
        /* 100 and 103 come before the response; 101, which nobody asked for, is one. */
        h->head_done = h->status >= 200 || h->status == 101;
        if (h->head_done)
            wake(h);
        return NF_OK;
    }
    if (n >= 5 && memcmp(p, "HTTP/", 5) == 0) {
        h->status = status_of(p, n);
        nf_str_reset(&h->head);
        return NF_OK;
    }
    if (*p == ' ' || *p == '\t')
        return continue_header(h, p, n);
    if (++h->headers_n > NF_HTTP_RESPONSE_HEADERS_MAX)
        return NF_E_LIMIT;
    return add_header(h, p, n);
}

/* NOLINTNEXTLINE(bugprone-easily-swappable-parameters): libcurl says so */
static size_t on_header(char *p, size_t one, size_t n, void *arg)
{
    struct nf_http_call *h = arg;
    size_t line = n;
    (void)one;

    h->head_bytes += n;
    if (h->head_bytes > NF_HTTP_RESPONSE_HEAD_MAX)
        return refuse(h, NF_E_LIMIT, "the head of the response is too long");
    if (h->head_done)
        return n; /* trailers */
    if (memchr(p, '\0', n))
        return refuse(h, NF_E_UNAVAILABLE, "the head of the response contains a NUL");
    while (line > 0 && (p[line - 1] == '\r' || p[line - 1] == '\n'))
        line--;

    enum nf_code rc = head_line(h, p, line);
    if (rc == NF_E_LIMIT)
        return refuse(h, rc, "the head of the response has too many headers");
    if (rc != NF_OK)
        return refuse(h, rc, "out of memory for the head of a response");
    return n;
}

/* --- the body --------------------------------------------------------------------------------- */

/* NOLINTNEXTLINE(bugprone-easily-swappable-parameters): libcurl says so */
static size_t on_body(char *p, size_t one, size_t n, void *arg)
{
    struct nf_http_call *h = arg;
    (void)one;

    /* curl keeps what it offered, at most 16 KiB, and offers it again. */
    if (h->in.len > 0 && h->in.len + n > h->client->buffer_max) {
        h->paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    if (nf_str_add(&h->in, p, n, NULL) != NF_OK)
        return refuse(h, NF_E_NOMEM, "out of memory for the body of a response");
    wake(h);
    return n;
}

static void on_done(struct nf_curl_transfer *t, CURLcode rc)
{
    struct nf_http_call *h = nf_container_of(t, struct nf_http_call, t);

    h->done = true;
    h->result = rc;
    wake(h);
}

/* --- a call ----------------------------------------------------------------------------------- */

static void set_method(CURL *e, const struct nf_http_request *r)
{
    const char *m = r->method;
    bool post = strcmp(m, "POST") == 0;

    if (strcmp(m, "HEAD") == 0 && r->body_n == 0) {
        curl_easy_setopt(e, CURLOPT_NOBODY, 1L);
    } else if (r->body_n > 0 || post || strcmp(m, "PUT") == 0 || strcmp(m, "PATCH") == 0) {
        curl_easy_setopt(e, CURLOPT_POSTFIELDS, r->body_n > 0 ? r->body : "");
        curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body_n);
        if (!post)
            curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, m);
    } else {
        curl_easy_setopt(e, CURLOPT_HTTPGET, 1L);
        if (strcmp(m, "GET") != 0)
            curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, m);
    }
}

static long timeout(int64_t ms)
{
    return ms > INT32_MAX ? INT32_MAX : (long)ms;
}

static void configure(struct nf_http_call *h, const struct nf_http_request *r)
{
    CURL *e = h->t.easy;

    curl_easy_setopt(e, CURLOPT_CURLU, h->url);
    set_method(e, r);
    curl_easy_setopt(e, CURLOPT_HTTPHEADER, h->headers.list);
    curl_easy_setopt(
        e, CURLOPT_CONNECTTIMEOUT_MS,
        timeout(r->connect_timeout_ms > 0 ? r->connect_timeout_ms : CONNECT_TIMEOUT_MS));
    if (r->unix_socket)
        curl_easy_setopt(e, CURLOPT_UNIX_SOCKET_PATH, r->unix_socket);
    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(e, CURLOPT_HEADERDATA, h);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, h);
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, h->detail);
}

static NF_RC prepare(struct nf_http_call *h, const struct nf_http_request *r, struct nf_err *err)
{
    NF_TRY(nf_http_url_parse(r->url, false, &h->url, err));
    if (!nf_http_is_token(r->method))
        return nf_err_set(err, NF_E_INVALID, "method: not a token");
    NF_TRY(nf_http_headers_check(r->headers, r->headers_n, r->secret_header, r->secret_prefix,
                                 r->secret, err));
    NF_TRY(nf_http_headers_build(r, &h->headers, err));
    NF_TRY(nf_http_easy_take(h->client, r->proxy, &h->t.easy, err));
    configure(h, r);
    return NF_OK;
}

static enum nf_code transfer_error(struct nf_http_call *h, struct nf_err *err)
{
    if (h->fail != NF_OK)
        return nf_err_set(err, h->fail, "%s: %s", nf_http_origin_of(h->url).s, h->fail_text);
    return nf_http_curl_error(h->t.easy, h->url, h->result, h->detail, err);
}

static NF_RC wait_for(struct nf_http_call *h, int64_t timeout_ms, const char *what,
                      struct nf_err *err)
{
    struct nf_wait w = { 0 };

    assert(!h->waiter);
    h->waiter = &w;
    enum nf_code rc = nf_wait(&w, timeout_ms, what, err);
    h->waiter = NULL;
    if (rc != NF_OK)
        return nf_err_wrap(err, rc, "%s", nf_http_origin_of(h->url).s);
    return NF_OK;
}

static NF_RC start(struct nf_http_call *h, const struct nf_http_request *r, struct nf_err *err)
{
    NF_TRY(prepare(h, r, err));
    enum nf_code rc = nf_curl_add(h->client->curl, &h->t, err);
    if (rc != NF_OK) {
        h->removed = true;
        return rc;
    }
    nf_fiber_trim(); /* libcurl goes deep, and the answer may take minutes */
    NF_TRY(wait_for(h, timeout(r->head_timeout_ms > 0 ? r->head_timeout_ms : HEAD_TIMEOUT_MS),
                    "the head of the response", err));
    if (!h->head_done || h->fail != NF_OK)
        return transfer_error(h, err);
    return NF_OK;
}

static bool was_sent(const struct nf_http_call *h)
{
    long sent = 0;

    if (h->t.easy)
        curl_easy_getinfo(h->t.easy, CURLINFO_REQUEST_SIZE, &sent);
    return sent > 0;
}

NF_RC nf_http_open(struct nf_http_client *c, const struct nf_http_request *r,
                   struct nf_http_call **ret, struct nf_err *err)
{
    struct nf_http_call *h = calloc(1, sizeof *h);

    if (r->sent)
        *r->sent = false;
    if (!h)
        return nf_err_set(err, NF_E_NOMEM, "out of memory for a request");
    h->client = c;
    h->t.done = on_done;
    h->head.max = NF_HTTP_RESPONSE_HEAD_MAX + 1;
    /* More than buffer_max only if curl offers a first piece that is: it may be 16 KiB. */
    h->in.max = h->out.max = c->buffer_max + CURL_MAX_WRITE_SIZE + 1;
    c->calls++;

    enum nf_code rc = start(h, r, err);
    if (r->sent)
        *r->sent = was_sent(h);
    if (rc != NF_OK) {
        nf_http_close(h);
        return rc;
    }
    *ret = h;
    return NF_OK;
}

int nf_http_status(const struct nf_http_call *h)
{
    return h->status;
}

const char *nf_http_header(const struct nf_http_call *h, const char *name)
{
    const char *p = nf_str_c(&h->head), *end = p + h->head.len;

    while (p < end) {
        const char *value = p + strlen(p) + 1;
        if (nf_slice_ieq(nf_slice_of(p), name))
            return value;
        p = value + strlen(value) + 1;
    }
    return NULL;
}

/* Let curl go on. It calls on_body at once with what it kept. */
static void resume(struct nf_http_call *h)
{
    if (!h->paused || h->done)
        return;
    h->paused = false;
    curl_easy_pause(h->t.easy, CURLPAUSE_CONT);
}

/* An empty buffer is not kept while there is nothing to put into it: most of the time a model is
 * silent, and there may be thousands. */
static void release(struct nf_str *s)
{
    size_t max = s->max;
    nf_str_done(s);
    s->max = max;
}

NF_RC nf_http_read(struct nf_http_call *h, int64_t idle_timeout_ms, const char **p, size_t *n,
                   struct nf_err *err)
{
    nf_str_reset(&h->out);
    if (h->in.len == 0 && !h->done && h->fail == NF_OK) {
        release(&h->in);
        release(&h->out);
        NF_TRY(wait_for(h, idle_timeout_ms, "more of the response", err));
    }

    if (h->in.len > 0) {
        struct nf_str full = h->in;
        h->in = h->out;
        h->out = full;
        resume(h);
        *p = nf_str_c(&h->out);
        *n = h->out.len;
        return NF_OK;
    }
    if (h->fail != NF_OK || h->result != CURLE_OK)
        return transfer_error(h, err);
    *p = "";
    *n = 0;
    return NF_OK;
}

NF_RC nf_http_read_all(struct nf_http_call *h, int64_t idle_timeout_ms, struct nf_str *ret,
                       struct nf_err *err)
{
    const char *p = "";
    size_t n = 0;

    for (;;) {
        NF_TRY(nf_http_read(h, idle_timeout_ms, &p, &n, err));
        if (n == 0)
            return NF_OK;
        enum nf_code rc = nf_str_add(ret, p, n, err);
        if (rc != NF_OK)
            return nf_err_wrap(err, rc, "the body of the response");
    }
}

void nf_http_close(struct nf_http_call *h)
{
    if (!h)
        return;
    assert(!h->waiter);
    if (h->t.easy && !h->removed)
        nf_curl_remove(h->client->curl, &h->t);
    nf_http_easy_put(h->client, h->t.easy, h->done && h->result == CURLE_OK);
    curl_url_cleanup(h->url);
    nf_http_headers_done(&h->headers);
    nf_str_done(&h->head);
    nf_str_done(&h->in);
    nf_str_done(&h->out);
    h->client->calls--;
    free(h);
}

/* --- the client ------------------------------------------------------------------------------- */

static NF_RC init(struct nf_http_client *c, const struct nf_http_client_options *o,
                  struct nf_err *err)
{
    NF_TRY(nf_strdup(o->user_agent ? o->user_agent : "nexflow", &c->user_agent, err));
    if (!nf_http_is_field_value(c->user_agent))
        return nf_err_set(err, NF_E_INVALID, "user_agent: control characters are not allowed");
    if (o->ca_file)
        NF_TRY(nf_strdup(o->ca_file, &c->ca_file, err));
    c->buffer_max = o->buffer_max ? o->buffer_max : BUFFER_MAX;
    NF_TRY(nf_curl_loop_new(nf_loop_uv(c->loop), &c->curl, err));
    nf_curl_keep(c->curl, o->connections_max ? o->connections_max : CONNECTIONS_MAX);
    c->sessions = curl_share_init();
    if (!c->sessions)
        return nf_err_set(err, NF_E_NOMEM, "out of memory for the HTTP client");
    curl_share_setopt(c->sessions, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
    return NF_OK;
}

NF_RC nf_http_client_new(struct nf_loop *l, const struct nf_http_client_options *o,
                         struct nf_http_client **ret, struct nf_err *err)
{
    static const struct nf_http_client_options defaults;
    struct nf_http_client *c = calloc(1, sizeof *c);

    if (!c)
        return nf_err_set(err, NF_E_NOMEM, "out of memory for the HTTP client");
    c->loop = l;
    enum nf_code rc = init(c, o ? o : &defaults, err);
    if (rc != NF_OK) {
        nf_http_client_free(c);
        return rc;
    }
    *ret = c;
    return NF_OK;
}

void nf_http_client_free(struct nf_http_client *c)
{
    if (!c)
        return;
    assert(c->calls == 0);
    while (c->pool_n > 0)
        curl_easy_cleanup(c->pool[--c->pool_n]);
    nf_curl_loop_free(c->curl);
    curl_share_cleanup(c->sessions);
    free(c->user_agent);
    free(c->ca_file);
    free(c);
}
