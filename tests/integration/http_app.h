/* The routes that the tests of the HTTP server ask, and the fixture with them. */
#pragma once

#include "tests/integration/http_rig.h"

#include <stdatomic.h>

#define CLOSE "Connection: close\r\n\r\n"

static atomic_int users_freed, handlers_begun, handlers_cancelled, streams_cancelled;
static atomic_long stream_written;
static char asset[1 << 20];

/* --- the application ------------------------------------------------------------------------- */

static inline void free_user(void *user)
{
    (void)user;
    atomic_fetch_add(&users_freed, 1);
}

static inline enum nf_code before(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    (void)arg;
    nf_http_set_user(x, &users_freed, free_user);
    if (nf_http_request_header(x, "x-deny").n > 0)
        return nf_err_set(err, NF_E_DENIED, "not you");
    if (nf_http_request_header(x, "x-answered").n > 0)
        return nf_http_respond(x, 401, NULL, "", 0, err);
    return nf_http_add_header(x, "X-Before", "yes", err);
}

static inline enum nf_code echo(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    (void)arg;
    struct nf_slice b = nf_http_body(x);
    assert_ptr_equal(nf_http_user(x), &users_freed);
    return nf_http_respond(x, 200, "text/plain", b.p, b.n, err);
}

static inline enum nf_code show(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    (void)arg;
    bool found, other;
    unsigned uid = 4711;
    struct nf_slice q = nf_http_query(x, "q", &found), c = nf_http_cookie(x, "k"),
                    path = nf_http_path(x), id = nf_http_param(x, "id");
    (void)nf_http_query(x, "none", &other);
    bool has_uid = nf_http_peer_uid(x, &uid);
    NF_CLEANUP(nf_str_done) struct nf_str s = { 0 };
    NF_TRY(nf_str_addf(&s, err, "%s|%.*s|%.*s|%.*s|%d%d|%.*s|%s|%d|%zu", nf_http_pattern(x),
                       (int)path.n, path.p, (int)id.n, id.p, (int)q.n, q.p, found, other, (int)c.n,
                       c.p, nf_http_peer(x), has_uid ? (int)(uid == getuid()) : -1,
                       nf_http_request_header_count(x, "X-A")));
    return nf_http_respond(x, 200, "text/plain", nf_str_c(&s), s.len, err);
}

static inline enum nf_code sleepy(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    (void)arg;
    int64_t ms = 0;
    (void)nf_slice_u63(nf_http_param(x, "ms"), &ms);
    atomic_fetch_add(&handlers_begun, 1);
    enum nf_code rc = nf_sleep(ms, err);
    if (rc != NF_OK)
        atomic_fetch_add(&handlers_cancelled, 1);
    NF_TRY(rc);
    return nf_http_respond(x, 200, NULL, "slept", 5, err);
}

static inline enum nf_code stream(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    (void)arg;
    static const char block[10000];
    int64_t n = 0;
    (void)nf_slice_u63(nf_http_param(x, "n"), &n);
    NF_TRY(nf_http_begin(x, 200, "text/event-stream", err));
    for (int64_t i = 0; i < n; i++) {
        enum nf_code rc = nf_http_write(x, block, sizeof(block), err);
        if (rc != NF_OK)
            atomic_fetch_add(&streams_cancelled, 1);
        NF_TRY(rc);
        atomic_fetch_add(&stream_written, (long)sizeof(block));
    }
    return nf_http_end(x, err);
}

static inline enum nf_code wait_in_stream(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    (void)arg;
    NF_TRY(nf_http_begin(x, 200, NULL, err));
    NF_TRY(nf_http_write(x, "first", 5, err));
    atomic_fetch_add(&handlers_begun, 1);
    enum nf_code rc = nf_sleep(60000, err);
    if (rc == NF_E_CANCELED)
        atomic_fetch_add(&streams_cancelled, 1);
    return rc;
}

static inline enum nf_code cut_stream(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    (void)arg;
    NF_TRY(nf_http_begin(x, 200, NULL, err));
    return nf_http_write(x, "half", 4, err);
}

static inline enum nf_code fails(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    (void)arg;
    int64_t code = 0;
    (void)nf_slice_u63(nf_http_param(x, "code"), &code);
    return code ? nf_err_set(err, (enum nf_code)code, "why it failed") : NF_OK;
}

static inline enum nf_code headers(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    (void)arg;
    static const char *const bad[][2] = {
        { "X", "a\r\nY: b" },
        { "X", "a\nb" },
        { "X", "a\rb" },
        { "X\r\nY", "a" },
        { "X:", "a" },
        { "", "a" },
        { "X Y", "a" },
        { "Content-Length", "1" },
        { "transfer-ENCODING", "chunked" },
        { "Connection", "close" },
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (nf_http_add_header(x, bad[i][0], bad[i][1], err) != NF_E_INVALID)
            return nf_err_set(err, NF_E_INTERNAL, "%s was accepted", bad[i][0]);
    if (nf_http_respond(x, 200, "text/plain\r\nX: y", "", 0, err) != NF_E_INVALID ||
        nf_http_respond(x, 299, NULL, "", 0, err) != NF_E_INVALID)
        return nf_err_set(err, NF_E_INTERNAL, "a bad response was accepted");
    NF_TRY(nf_http_add_header(x, "Set-Cookie", "a=b; HttpOnly", err));
    NF_TRY(nf_http_respond(x, 204, NULL, "", 0, err));
    if (nf_http_respond(x, 200, NULL, "", 0, err) != NF_E_CONFLICT)
        abort();
    return NF_OK;
}

static inline enum nf_code big(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    (void)arg;
    return nf_http_respond_static(x, 200, NULL, asset, sizeof(asset), err);
}

static const struct nf_http_route routes[] = {
    { "POST", "/echo", echo, 0, 0 },        { "POST", "/small", echo, 10, 0 },
    { "GET", "/show/{id}", show, 0, 0 },    { "GET", "/sleep/{ms}", sleepy, 0, 0 },
    { "GET", "/stream/{n}", stream, 0, 0 }, { "GET", "/wait", wait_in_stream, 0, 0 },
    { "GET", "/cut", cut_stream, 0, 0 },    { "GET", "/fail/{code}", fails, 0, 0 },
    { "GET", "/headers", headers, 0, 0 },   { "GET", "/big", big, 0, 0 },
};

static inline int setup(void **state)
{
    struct rig *r = calloc(1, sizeof(*r));
    if (!r)
        return -1;
    r->options = (struct nf_http_server_options){ .routes = routes,
                                                  .routes_n = sizeof(routes) / sizeof(routes[0]),
                                                  .before = before };
    r->options.limits.body_max = 1000;
    r->grace_ms = 2000;
    users_freed = handlers_begun = handlers_cancelled = streams_cancelled = 0;
    *state = r;
    return 0;
}

static inline int teardown(void **state)
{
    struct rig *r = *state;
    rig_stop(r);
    free(r);
    return 0;
}
