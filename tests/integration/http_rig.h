/* A server in a thread of its own, and blocking clients that say what they like to it. */
#pragma once

#include "http/server.h"
#include "runtime/executor.h"
#include "tests/support/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define RIG_WAIT_S 30 /* for what comes soon, unless something is wrong */

struct rig {
    pthread_t thread;
    sem_t ready;
    struct nf_loop *loop;
    struct nf_post *post;
    struct nf_wait wait; /* the server's fiber waits for the end */
    struct nf_http_server *server;
    struct nf_http_server_options options;
    const char *unix_path; /* listen there too */
    int port;
    int64_t grace_ms, stop_took_ms;
    bool told; /* to stop; its post is gone soon after */
    enum nf_code rc;
    struct nf_err err;
    struct nf_http_server_stats last; /* just before the stop */
};

static inline int64_t rig_now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static inline void rig_on_post(void *arg)
{
    struct rig *r = arg;
    nf_wait_wake(&r->wait, NF_OK);
}

static inline enum nf_code rig_serve(void *arg, struct nf_err *err)
{
    struct rig *r = arg;
    NF_TRY(nf_post_new(r->loop, rig_on_post, r, &r->post, err));
    NF_TRY(nf_http_server_new(r->loop, &r->options, &r->server, err));
    NF_TRY(nf_http_server_listen(r->server, "127.0.0.1:0", &r->port, err));
    if (r->unix_path) {
        char address[200];
        (void)snprintf(address, sizeof(address), "unix:%s", r->unix_path);
        NF_TRY(nf_http_server_listen(r->server, address, NULL, err));
    }
    (void)sem_post(&r->ready);
    (void)nf_wait_uninterruptible(&r->wait);
    r->last = nf_http_server_stats(r->server);
    int64_t begin = rig_now_ms();
    nf_http_server_stop(r->server, r->grace_ms);
    r->stop_took_ms = rig_now_ms() - begin;
    nf_http_server_free(r->server);
    nf_post_free(r->post);
    return NF_OK;
}

static inline void *rig_thread(void *arg)
{
    struct rig *r = arg;
    r->rc = nf_loop_new(&r->loop, &r->err);
    if (r->rc == NF_OK) {
        r->rc = nf_loop_run(r->loop, rig_serve, r, &r->err);
        nf_loop_free(r->loop);
    }
    if (r->rc != NF_OK)
        (void)sem_post(&r->ready);
    return NULL;
}

static inline void rig_start(struct rig *r)
{
    assert_int_equal(sem_init(&r->ready, 0, 0), 0);
    assert_int_equal(pthread_create(&r->thread, NULL, rig_thread, r), 0);
    (void)sem_wait(&r->ready);
    assert_ok(r->rc, &r->err);
}

static inline void rig_tell_to_stop(struct rig *r)
{
    if (!r->told)
        nf_post_signal(r->post);
    r->told = true;
}

static inline void rig_stop(struct rig *r)
{
    if (!r->thread)
        return;
    rig_tell_to_stop(r);
    (void)pthread_join(r->thread, NULL);
    (void)sem_destroy(&r->ready);
    r->thread = 0;
    assert_ok(r->rc, &r->err);
}

/* Allocations are made to fail, or counted, from the clients' thread: no matter but to this tool.
 */
static inline void skip_under_tsan(void)
{
#ifdef __SANITIZE_THREAD__
    skip();
#endif
}

/* --- clients --------------------------------------------------------------------------------- */

static inline int client(const struct rig *r)
{
    struct sockaddr_in a = { .sin_family = AF_INET,
                             .sin_port = htons((uint16_t)r->port),
                             .sin_addr = { htonl(INADDR_LOOPBACK) } };
    struct timeval limit = { RIG_WAIT_S, 0 };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    const int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    return fd;
}

static inline void say_n(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t w = send(fd, p, n, MSG_NOSIGNAL);
        assert_true(w > 0);
        p += w;
        n -= (size_t)w;
    }
}

static inline void say(int fd, const char *text)
{
    say_n(fd, text, strlen(text));
}

/* All until the peer closes; NUL-terminated in a static buffer. */
static inline const char *hear_all(int fd)
{
    static char buf[1 << 20];
    size_t n = 0;
    for (;;) {
        ssize_t r = recv(fd, buf + n, sizeof(buf) - 1 - n, 0);
        if (r < 0 && errno == EAGAIN)
            fail_msg("nothing came for a long time after %zu bytes", n);
        if (r <= 0)
            break;
        n += (size_t)r;
    }
    buf[n] = '\0';
    return buf;
}

/* Until `text` has come as the end of what was read so far. */
static inline const char *hear_until(int fd, const char *text)
{
    static char buf[1 << 16];
    size_t n = 0, want = strlen(text);
    while (n < sizeof(buf) - 1) {
        ssize_t r = recv(fd, buf + n, 1, 0);
        if (r <= 0)
            fail_msg("%s after: %.*s", r < 0 ? strerror(errno) : "the connection ended", (int)n,
                     buf);
        n += (size_t)r;
        buf[n] = '\0';
        if (n >= want && strcmp(buf + n - want, text) == 0)
            return buf;
    }
    fail_msg("%s did not come", text);
    return NULL;
}

/* One request on a connection of its own. */
static inline const char *ask(const struct rig *r, const char *request)
{
    int fd = client(r);
    say(fd, request);
    const char *answer = hear_all(fd);
    close(fd);
    return answer;
}

static inline void assert_begins(const char *text, const char *with)
{
    if (strncmp(text, with, strlen(with)) != 0)
        fail_msg("'%.200s' does not begin with '%s'", text, with);
}

static inline void assert_has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("'%.400s' has no '%s'", text, part);
}

static inline void nap_ms(long ms)
{
    struct timespec t = { ms / 1000, (ms % 1000) * 1000000 };
    (void)nanosleep(&t, NULL);
}

/* Until `*n` is at least that. */
static inline void wait_for(atomic_int *n, int least)
{
    for (int i = 0; i < RIG_WAIT_S * 100 && atomic_load(n) < least; i++)
        nap_ms(10);
    assert_true(atomic_load(n) >= least);
}
