/*
 * What our HTTP server costs: CPU time per request of a route that answers a JSON body with itself,
 * beside an epoll loop that reads and writes and parses nothing (the floor), alternating in one
 * run; and memory per idle WebSocket.
 *
 *     http_bench [--json] [--rounds N] [--requests N]
 */
#include "http/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CLIENTS 64
#define ROUNDS_MAX 99
#define BODY_N 199

static void die(const char *what)
{
    perror(what);
    exit(1);
}

/* --- the two servers, each in a child process until it is killed ----------------------------- */

static enum nf_code echo(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    (void)arg;
    struct nf_slice b = nf_http_body(x);
    return nf_http_respond(x, 200, "application/json", b.p, b.n, err);
}

static enum nf_code on_message(void *user, struct nf_websocket *ws, bool text, const char *p,
                               size_t n, struct nf_err *err)
{
    (void)user;
    return nf_websocket_send(ws, text, p, n, err);
}

static enum nf_code upgrade(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    static const struct nf_websocket_ops ops = { .message = on_message };
    struct nf_websocket *ws;
    (void)arg;
    return nf_websocket_accept(x, &ops, NULL, &ws, err);
}

static const struct nf_http_route routes[] = {
    { "POST", "/echo", echo, 0, 0 },
    { "GET", "/ws", upgrade, 0, NF_ROUTE_UPGRADE },
};

struct ours {
    struct nf_loop *loop;
    int out;
};

static enum nf_code serve(void *arg, struct nf_err *err)
{
    const struct ours *o = arg;
    struct nf_http_server_options so = { .routes = routes, .routes_n = 2 };
    struct nf_http_server *s;
    int port;
    NF_TRY(nf_http_server_new(o->loop, &so, &s, err));
    NF_TRY(nf_http_server_listen(s, "127.0.0.1:0", &port, err));
    if (write(o->out, &port, sizeof(port)) != sizeof(port))
        die("write");
    return nf_sleep(3600000, err);
}

static void serve_ours(int out)
{
    struct ours o = { .out = out };
    struct nf_err e;
    if (nf_loop_new(&o.loop, &e) != NF_OK || nf_loop_run(o.loop, serve, &o, &e) != NF_OK)
        (void)fprintf(stderr, "%s\n", e.msg);
    _exit(1);
}

static int listen_any(int *port)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t n = sizeof(a);
    const int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, n) < 0 || listen(fd, 512) < 0 ||
        getsockname(fd, (struct sockaddr *)&a, &n) < 0)
        die("listen");
    *port = ntohs(a.sin_port);
    return fd;
}

static const char fixed_head[] = "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
                                 "Content-Type: application/json\r\nContent-Length: 199\r\n\r\n";

static void serve_bare(int out)
{
    static char answer[sizeof(fixed_head) - 1 + BODY_N], in[65536];
    struct epoll_event ready[1024];
    int port, listener = listen_any(&port), ep = epoll_create1(0);
    memcpy(answer, fixed_head, sizeof(fixed_head) - 1);
    memset(answer + sizeof(fixed_head) - 1, 'x', BODY_N);
    struct epoll_event e = { .events = EPOLLIN, .data.fd = listener };
    (void)epoll_ctl(ep, EPOLL_CTL_ADD, listener, &e);
    if (write(out, &port, sizeof(port)) != sizeof(port))
        die("write");
    for (;;) {
        int n = epoll_wait(ep, ready, 1024, -1);
        for (int i = 0; i < n; i++) {
            int fd = ready[i].data.fd;
            if (fd == listener) {
                e.data.fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
                (void)epoll_ctl(ep, EPOLL_CTL_ADD, e.data.fd, &e);
            } else if (read(fd, in, sizeof(in)) <= 0 ||
                       write(fd, answer, sizeof(answer)) != (ssize_t)sizeof(answer)) {
                close(fd);
            }
        }
    }
}

struct server {
    pid_t pid;
    int port;
};

static struct server start(void (*fn)(int out))
{
    struct server s;
    int p[2];
    if (pipe(p) < 0)
        die("pipe");
    s.pid = fork();
    if (s.pid == 0)
        fn(p[1]);
    close(p[1]);
    if (s.pid < 0 || read(p[0], &s.port, sizeof(s.port)) != sizeof(s.port))
        die("start a server");
    close(p[0]);
    return s;
}

static void stop(const struct server *s)
{
    (void)kill(s->pid, SIGKILL);
    (void)waitpid(s->pid, NULL, 0);
}

/* --- load ------------------------------------------------------------------------------------ */

static int dial(const struct server *s)
{
    struct sockaddr_in a = { .sin_family = AF_INET,
                             .sin_port = htons((uint16_t)s->port),
                             .sin_addr = { htonl(INADDR_LOOPBACK) } };
    const int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
        die("connect");
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

static double cpu_us(pid_t pid)
{
    clockid_t clock;
    struct timespec t;
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &t) < 0)
        die("the CPU clock of a child");
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static const char request_head[] =
    "POST /echo HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: bench/1\r\nAccept: */*\r\n"
    "Content-Type: application/json\r\nContent-Length: 199\r\n\r\n";

/* `requests` over CLIENTS connections, each with one under way; CPU µs of the server for each. */
static double load(const struct server *s, long requests)
{
    static char request[sizeof(request_head) - 1 + BODY_N], in[65536];
    int ep = epoll_create1(0), fds[CLIENTS];
    memcpy(request, request_head, sizeof(request_head) - 1);
    memset(request + sizeof(request_head) - 1, 'x', BODY_N);
    for (int i = 0; i < CLIENTS; i++) {
        fds[i] = dial(s);
        struct epoll_event e = { .events = EPOLLIN, .data.fd = fds[i] };
        (void)epoll_ctl(ep, EPOLL_CTL_ADD, fds[i], &e);
    }
    double begin = cpu_us(s->pid);
    long sent = 0, done = 0;
    for (; sent < CLIENTS; sent++)
        if (write(fds[sent], request, sizeof(request)) != (ssize_t)sizeof(request))
            die("write");
    while (done < requests) {
        struct epoll_event ready[CLIENTS];
        int n = epoll_wait(ep, ready, CLIENTS, 5000);
        if (n <= 0)
            die("no answer");
        for (int i = 0; i < n; i++) {
            /* An answer is small: it comes in one piece. */
            if (read(ready[i].data.fd, in, sizeof(in)) < BODY_N ||
                memcmp(in, "HTTP/1.1 200", 12) != 0)
                die("a bad answer");
            done++;
            if (sent++ < requests &&
                write(ready[i].data.fd, request, sizeof(request)) != (ssize_t)sizeof(request))
                die("write");
        }
    }
    double used = cpu_us(s->pid) - begin;
    for (int i = 0; i < CLIENTS; i++)
        close(fds[i]);
    close(ep);
    return used / (double)requests;
}

/* --- memory ---------------------------------------------------------------------------------- */

static double private_bytes(pid_t pid)
{
    static const char key[] = "Private_"; /* Private_Clean and Private_Dirty, in KiB */
    char path[64], line[256];
    double kib = 0;
    (void)snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
    FILE *f = fopen(path, "r");
    if (!f)
        die(path);
    while (fgets(line, sizeof(line), f))
        if (strncmp(line, key, sizeof(key) - 1) == 0 && strncmp(line, "Private_H", 9) != 0)
            kib += strtod(strchr(line, ':') + 1, NULL);
    (void)fclose(f);
    return kib * 1024;
}

static void upgrade_one(int fd)
{
    static const char shake[] =
        "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    char in[1024];
    if (write(fd, shake, sizeof(shake) - 1) != (ssize_t)sizeof(shake) - 1 ||
        read(fd, in, sizeof(in)) < 12 || memcmp(in, "HTTP/1.1 101", 12) != 0 ||
        write(fd, "\x81\x82\0\0\0\0hi", 8) != 8 || read(fd, in, sizeof(in)) != 4)
        die("WebSocket");
}

/* Bytes per socket that has spoken once and is silent now. */
static double idle_sockets(int n)
{
    static int fds[10000];
    struct server s = start(serve_ours);
    for (int i = 0; i < 100; i++) { /* what is allocated once */
        fds[i] = dial(&s);
        upgrade_one(fds[i]);
        close(fds[i]);
    }
    double before = private_bytes(s.pid);
    for (int i = 0; i < n; i++) {
        fds[i] = dial(&s);
        upgrade_one(fds[i]);
    }
    double after = private_bytes(s.pid);
    for (int i = 0; i < n; i++)
        close(fds[i]);
    stop(&s);
    return (after - before) / n;
}

/* --- all of it ------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(double *v, size_t n)
{
    qsort(v, n, sizeof(*v), by_value);
    return v[n / 2];
}

int main(int argc, char **argv)
{
    bool json = false;
    long rounds = 9, requests = 40000;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            json = true;
        else if (i + 1 < argc && strcmp(argv[i], "--rounds") == 0)
            rounds = strtol(argv[++i], NULL, 10);
        else if (i + 1 < argc && strcmp(argv[i], "--requests") == 0)
            requests = strtol(argv[++i], NULL, 10);
        else
            return fprintf(stderr, "usage: http_bench [--json] [--rounds N] [--requests N]\n"), 2;
    }
    if (rounds < 1 || rounds > ROUNDS_MAX || requests < CLIENTS)
        return fprintf(stderr, "rounds: 1 to %d; requests: at least %d\n", ROUNDS_MAX, CLIENTS), 2;
    struct rlimit files;
    (void)getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
    (void)signal(SIGPIPE, SIG_IGN);

    double ours[ROUNDS_MAX], bare[ROUNDS_MAX], ratio[ROUNDS_MAX];
    for (long i = 0; i < rounds; i++) {
        struct server a = start(serve_bare), b = start(serve_ours);
        (void)load(&a, 1000);
        (void)load(&b, 1000);
        bare[i] = load(&a, requests);
        ours[i] = load(&b, requests);
        ratio[i] = ours[i] / bare[i];
        stop(&a);
        stop(&b);
    }
    double few = idle_sockets(1000);
    double many = files.rlim_cur > 10100 ? idle_sockets(10000) : 0;
    double o = median(ours, (size_t)rounds), b = median(bare, (size_t)rounds),
           r = median(ratio, (size_t)rounds);
    if (json)
        (void)printf("{\"bench\":\"http\",\"echo_cpu_us\":%.2f,\"epoll_cpu_us\":%.2f,"
                     "\"echo_ratio\":%.3f,\"idle_ws_bytes_1000\":%.0f,"
                     "\"idle_ws_bytes_10000\":%.0f}\n",
                     o, b, r, few, many);
    else
        (void)printf("JSON echo, %d connections, %ld rounds of %ld requests (medians)\n"
                     "  bare epoll loop      %8.2f us of CPU per request\n"
                     "  our server           %8.2f us of CPU per request\n"
                     "  ratio                %8.3f (to reach: 1.2)\n"
                     "idle WebSocket, private memory of the server for each\n"
                     "  with  1,000 sockets  %8.0f bytes (to reach: 2,048)\n"
                     "  with 10,000 sockets  %8.0f bytes%s\n",
                     CLIENTS, rounds, requests, b, o, r, few, many,
                     many > 0 ? "" : " (not measured: too few descriptors are allowed)");
    return 0;
}
