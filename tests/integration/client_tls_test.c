/* Both clients over TLS, against a server of Python's. */
#include "runtime/ws_client.h"
#include "tests/integration/client_fixture.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define MESSAGE ((size_t)1 << 20)

static struct {
    char directory[64], cert[96];
    int port, input;
    pid_t pid;
} server;

static int start_server(void **state)
{
    int in[2], out[2];
    char text[16] = "";

    (void)state;
    (void)snprintf(server.directory, sizeof server.directory, "/tmp/nf-tls-test-XXXXXX");
    if (!mkdtemp(server.directory) || pipe(in) != 0 || pipe(out) != 0)
        return -1;
    (void)snprintf(server.cert, sizeof server.cert, "%s/cert.pem", server.directory);
    server.pid = fork();
    if (server.pid == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        close(in[1]);
        execl("/usr/bin/python3", "python3", "tests/fakes/tls_server.py", server.directory, NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    server.input = in[1];
    ssize_t n = read(out[0], text, sizeof text - 1);
    close(out[0]);
    server.port = n > 0 ? atoi(text) : 0;
    return server.port > 0 ? 0 : -1;
}

static int stop_server(void **state)
{
    char key[96];

    (void)state;
    close(server.input);
    waitpid(server.pid, NULL, 0);
    (void)snprintf(key, sizeof key, "%s/key.pem", server.directory);
    unlink(key);
    unlink(server.cert);
    return rmdir(server.directory);
}

static NF_RC get(struct fixture *f, bool *sent, struct nf_str *body, struct nf_err *err)
{
    NF_CLEANUP(nf_http_closep) struct nf_http_call *h = NULL;
    char url[64];

    (void)snprintf(url, sizeof url, "https://127.0.0.1:%d/", server.port);
    NF_TRY(nf_http_open(f->client,
                        &(struct nf_http_request){ .method = "GET", .url = url, .sent = sent }, &h,
                        err));
    nf_str_reset(body);
    return nf_http_read_all(h, RAW_WAIT_MS, body, err);
}

static enum nf_code stranger_body(struct fixture *f, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };
    bool sent = true;

    EXPECT_CODE(get(f, &sent, &body, err), NF_E_UNAVAILABLE);
    EXPECT(!sent);
    EXPECT(strstr(err->msg, "certificate"));

    /* The certificates are read once: it is 20 to 30 ms on the loop each time. */
    struct timespec a, b;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
    for (int i = 0; i < 20; i++)
        EXPECT_CODE(get(f, &sent, &body, err), NF_E_UNAVAILABLE);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
    int64_t ms = (b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000;
#ifndef __SANITIZE_ADDRESS__
    EXPECT(getenv("NF_UNDER_VALGRIND") || ms < 200);
#endif
    (void)ms;
    return NF_OK;
}

static void a_certificate_nobody_vouches_for_is_refused_before_anything_is_sent(void **state)
{
    (void)state;
    run(NULL, stranger_body);
}

static enum nf_code trusted_body(struct fixture *f, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };

    EXPECT_CODE(get(f, NULL, &body, err), NF_OK);
    EXPECT(strcmp(nf_str_c(&body), "http/1.1 new\n") == 0);
    EXPECT_CODE(get(f, NULL, &body, err), NF_OK); /* the server closes after each answer */
    EXPECT(strcmp(nf_str_c(&body), "http/1.1 resumed\n") == 0);
    return NF_OK;
}

static enum nf_code one_of_several(void *arg, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };
    return get(arg, NULL, &body, err);
}

/* One of them has the certificates read, the others wait for it; one does not wait for long. */
static enum nf_code several_body(struct fixture *f, struct nf_err *err)
{
    NF_CLEANUP(nf_scope_done) struct nf_scope scope;
    struct nf_fiber *third = NULL;

    nf_scope_init(&scope, f->loop);
    for (int i = 0; i < 4; i++)
        NF_TRY(nf_scope_spawn(&scope, one_of_several, f, i == 2 ? &third : NULL, err));
    NF_TRY(nf_yield(err));
    nf_fiber_cancel(third, NF_E_CANCELED);
    EXPECT_CODE(nf_scope_join(&scope, err), NF_E_CANCELED);
    EXPECT_CODE(one_of_several(f, err), NF_OK);
    return NF_OK;
}

static void certificates_are_read_once_for_all_who_wait(void **state)
{
    const struct nf_http_client_options o = { .ca_file = server.cert };

    (void)state;
    run_with(NULL, NULL, &o, several_body);
}

static enum nf_code no_certificates_body(struct fixture *f, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };

    for (int i = 0; i < 2; i++) {
        EXPECT_CODE(get(f, NULL, &body, err), NF_E_UNAVAILABLE);
        EXPECT(strstr(err->msg, "'/nowhere/ca.pem'"));
    }
    return NF_OK;
}

static void a_file_without_certificates_is_named(void **state)
{
    const struct nf_http_client_options o = { .ca_file = "/nowhere/ca.pem" };

    (void)state;
    run_with(NULL, NULL, &o, no_certificates_body);
}

static void http_1_1_is_negotiated_and_tls_sessions_are_resumed(void **state)
{
    const struct nf_http_client_options o = { .ca_file = server.cert };

    (void)state;
    run_with(NULL, NULL, &o, trusted_body);
}

static NF_RC exchange(struct nf_ws_client *w, char *p, struct nf_err *err)
{
    static const size_t sizes[] = { 1, 4096, 16384, 16385, 100000, MESSAGE };
    const char *got;
    size_t n;
    bool text;

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        NF_TRY(nf_ws_client_send(w, p, sizes[i], false, err));
        EXPECT_CODE(nf_ws_client_recv(w, RAW_WAIT_MS, &got, &n, &text, err), NF_OK);
        EXPECT(n == sizes[i] && memcmp(got, p, n) == 0);
    }
    for (int i = 0; i < 500; i++)
        NF_TRY(nf_ws_client_send(w, p, 300, false, err));
    for (int i = 0; i < 500; i++) {
        EXPECT_CODE(nf_ws_client_recv(w, RAW_WAIT_MS, &got, &n, &text, err), NF_OK);
        EXPECT(n == 300);
    }
    return NF_OK;
}

static enum nf_code wss_body(struct fixture *f, struct nf_err *err)
{
    NF_CLEANUP(nf_freep) char *p = malloc(MESSAGE);
    struct nf_ws_client *w = NULL;
    char url[64];

    for (size_t i = 0; i < MESSAGE; i++)
        p[i] = (char)(i * 31 + i / 1000);
    (void)snprintf(url, sizeof url, "wss://127.0.0.1:%d/", server.port);
    EXPECT_CODE(nf_ws_client_open(f->client, &(struct nf_ws_client_options){ .url = url }, &w, err),
                NF_OK);
    enum nf_code rc = exchange(w, p, err);
    nf_ws_client_close(w, 1000);
    return rc;
}

static void a_websocket_over_tls_leaves_no_byte_in_the_tls_layer(void **state)
{
    const struct nf_http_client_options o = { .ca_file = server.cert };

    (void)state;
    run_with(NULL, NULL, &o, wss_body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_certificate_nobody_vouches_for_is_refused_before_anything_is_sent),
        cmocka_unit_test(certificates_are_read_once_for_all_who_wait),
        cmocka_unit_test(a_file_without_certificates_is_named),
        cmocka_unit_test(http_1_1_is_negotiated_and_tls_sessions_are_resumed),
        cmocka_unit_test(a_websocket_over_tls_leaves_no_byte_in_the_tls_layer),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
