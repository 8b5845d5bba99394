/*
 * Reads streamed answers over plain HTTP as turn_load reads those of the daemon: on a bare epoll
 * loop without any of our code, so that whoever serves them is read as fast.
 *
 * usage: stream_load PORT STREAMS
 *   Asks for STREAMS answers at once, each on a connection of its own, and reads them to the ends
 *   of their bodies, which are chunked.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/time.h>
#include <unistd.h>

#define PATIENCE_S 120 /* also where a machine does much else */
#define BUF 262144

static const char request[] = "POST /v1/chat/completions HTTP/1.1\r\nHost: model\r\n"
                              "Content-Length: 2\r\n\r\n{}";
static const char last_chunk[] = "\r\n0\r\n\r\n";
#define TAIL (sizeof(last_chunk) - 1)

struct stream {
    int fd;
    char tail[TAIL]; /* of what has come */
};

static void die(const char *what)
{
    (void)fprintf(stderr, "stream_load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void ask(struct stream *s, int port, int ep)
{
    struct sockaddr_in a = { .sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    const struct timeval patience = { .tv_sec = PATIENCE_S };
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(s->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    if (connect(s->fd, (struct sockaddr *)&a, sizeof(a)) != 0)
        die("connect");
    if (write(s->fd, request, sizeof(request) - 1) != (ssize_t)sizeof(request) - 1)
        die("write");
    struct epoll_event e = { .events = EPOLLIN, .data.ptr = s };
    epoll_ctl(ep, EPOLL_CTL_ADD, s->fd, &e);
}

/* Whether it has ended. */
static int take(struct stream *s)
{
    static char buf[TAIL + BUF];
    ssize_t n = read(s->fd, buf + TAIL, BUF);
    if (n <= 0)
        die("the server hung up in the middle of an answer");
    memcpy(buf, s->tail, TAIL);
    memcpy(s->tail, buf + n, TAIL);
    if (memcmp(s->tail, last_chunk, TAIL) != 0)
        return 0;
    close(s->fd);
    return 1;
}

int main(int argc, char **argv)
{
    if (argc != 3 || atoi(argv[2]) < 1) {
        (void)fprintf(stderr, "usage: stream_load PORT STREAMS\n");
        return 2;
    }
    int port = atoi(argv[1]), left = atoi(argv[2]), ep = epoll_create1(EPOLL_CLOEXEC);
    struct stream *streams = calloc((size_t)left, sizeof(*streams));
    if (ep < 0 || !streams)
        die("start");
    for (int i = 0; i < left; i++)
        ask(&streams[i], port, ep);
    while (left > 0) {
        struct epoll_event ready[256];
        int n = epoll_wait(ep, ready, 256, PATIENCE_S * 1000);
        if (n == 0) {
            (void)fprintf(stderr, "stream_load: %d s without a byte, %d answers have not ended\n",
                          PATIENCE_S, left);
            return 1;
        }
        for (int i = 0; i < n; i++)
            left -= take(ready[i].data.ptr);
    }
    free(streams);
    return 0;
}
