/* What the tests of the HTTP and WebSocket clients share: a test's body runs in a fiber, beside a
 * raw server, and everything must be closed afterwards. It returns its outcome: an assertion of
 * cmocka must not jump out of a fiber. */
#pragma once

#include "runtime/http_client.h"
#include "tests/support/raw_server.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <uv.h>

#define EXPECT(cond)                                                                               \
    do {                                                                                           \
        if (!(cond))                                                                               \
            return nf_err_set(err, NF_E_INTERNAL, "line %d: not so: %s", __LINE__, #cond);         \
    } while (0)

#define EXPECT_CODE(call, want)                                                                    \
    do {                                                                                           \
        enum nf_code rc_ = (call);                                                                 \
        if (rc_ != (want))                                                                         \
            return nf_err_wrap(err, NF_E_INTERNAL, "line %d: %s is %s", __LINE__, #call,           \
                               nf_code_name(rc_));                                                 \
    } while (0)

#define OK_2 "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

struct fixture {
    struct nf_loop *loop;
    struct nf_http_client *client;
    struct raw_server *server;
    const struct nf_http_client_options *options;
    enum nf_code (*body)(struct fixture *f, struct nf_err *err);
    char url[128]; /* of the server, without a path */
    char ws_url[128];
};

static inline int64_t now_ms(void)
{
    return (int64_t)(uv_hrtime() / 1000000);
}

static inline void count_handle(uv_handle_t *h, void *n)
{
    *(size_t *)n += !uv_is_closing(h);
}

static inline size_t handles(struct nf_loop *l)
{
    size_t n = 0;

    uv_walk(nf_loop_uv(l), count_handle, &n);
    return n;
}

static inline enum nf_code in_fiber(void *arg, struct nf_err *err)
{
    struct fixture *f = arg;

    NF_TRY(nf_http_client_new(f->loop, f->options, &f->client, err));
    enum nf_code rc = f->body(f, err);
    nf_http_client_free(f->client);
    f->client = NULL;
    return rc;
}

static inline void run_with(raw_serve_fn serve, void *arg, const struct nf_http_client_options *o,
                            enum nf_code (*body)(struct fixture *f, struct nf_err *err))
{
    struct nf_err err;
    struct fixture f = { .options = o, .body = body };

    assert_ok(nf_loop_new(&f.loop, &err), &err);
    f.server = serve ? raw_server_new(serve, arg, NULL) : NULL;
    if (f.server) {
        (void)snprintf(f.url, sizeof f.url, "http://127.0.0.1:%d", raw_server_port(f.server));
        (void)snprintf(f.ws_url, sizeof f.ws_url, "ws://127.0.0.1:%d", raw_server_port(f.server));
    }
    size_t before = handles(f.loop);

    enum nf_code rc = nf_loop_run(f.loop, in_fiber, &f, &err);
    size_t left = handles(f.loop);

    raw_server_free(f.server);
    nf_loop_free(f.loop);
    if (rc != NF_OK)
        fail_msg("%s", err.msg);
    assert_true(left <= before);
}

static inline void run(raw_serve_fn serve, enum nf_code (*body)(struct fixture *f, struct nf_err *))
{
    run_with(serve, NULL, NULL, body);
}

static inline void serve_ok(struct raw_conn *c)
{
    while (raw_request(c) && raw_send(c, OK_2))
        ;
}
