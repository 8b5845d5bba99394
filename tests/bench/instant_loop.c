#include "tests/bench/instant_loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

struct instant_conn *instant_conns[INSTANT_CONNS_MAX];
int instant_conns_end;
int instant_port;
static const struct instant_ops *ops;

int64_t instant_now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

void instant_die(const char *why)
{
    (void)fprintf(stderr, "%s: %s\n", program_invocation_short_name, why);
    exit(1);
}

void instant_drop(struct instant_conn *c)
{
    if (ops->dropped)
        ops->dropped(c);
    close(c->fd);
    instant_conns[c->fd] = NULL;
    free(c);
}

static void on_accept(int listener, int ep)
{
    for (;;) {
        int one = 1, fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return;
        struct instant_conn *c = fd < INSTANT_CONNS_MAX ? calloc(1, ops->conn_bytes) : NULL;
        if (!c) {
            close(fd);
            continue;
        }
        c->fd = fd;
        instant_conns[fd] = c;
        if (fd >= instant_conns_end)
            instant_conns_end = fd + 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        struct epoll_event e = { .events = EPOLLIN, .data.fd = fd };
        epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
    }
}

static int listen_here(int port)
{
    struct sockaddr_in a = { .sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                             .sin_port = htons((uint16_t)port) };
    socklen_t len = sizeof(a);
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, len) != 0 || listen(fd, 4096) != 0 ||
        getsockname(fd, (struct sockaddr *)&a, &len) != 0)
        instant_die("cannot listen");
    instant_port = ntohs(a.sin_port);
    (void)printf("listening %d\n", instant_port);
    (void)fflush(stdout);
    return fd;
}

void instant_serve(int port, const struct instant_ops *o)
{
    ops = o;
    int ep = epoll_create1(EPOLL_CLOEXEC), listener = listen_here(port);
    struct epoll_event e = { .events = EPOLLIN, .data.fd = listener };
    epoll_ctl(ep, EPOLL_CTL_ADD, listener, &e);
    for (;;) {
        struct epoll_event ready[256];
        int n = epoll_wait(ep, ready, 256, o->wait_ms);
        for (int i = 0; i < n; i++) {
            struct instant_conn *c =
                ready[i].data.fd == listener ? NULL : instant_conns[ready[i].data.fd];
            if (ready[i].data.fd == listener)
                on_accept(listener, ep);
            else if (c && o->readable(c) != 0)
                instant_drop(c);
        }
        if (o->between)
            o->between();
    }
}
