/* What the tests of the HTTP client over bad servers and names share: a resolver of their own. */
#pragma once

#include "tests/integration/client_fixture.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define SLOW_NAME_MS 1500 /* how long the resolver thinks about slow.test */

#define MIB (1024L * 1024)

typedef int (*resolve_fn)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

/* libcurl's resolver threads call this instead of the C library's, so that no test depends on a
 * network: server.test is 127.0.0.1, as all below it, slow.test takes its time, other names do not
 * exist. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **ret)
{
    /* NOLINTNEXTLINE(performance-no-int-to-ptr): ISO C has no cast from object to function */
    resolve_fn real = (resolve_fn)(uintptr_t)dlsym(RTLD_NEXT, "getaddrinfo");

    size_t n = strlen(node);
    if (n >= 11 && strcmp(node + n - 11, "server.test") == 0)
        return real("127.0.0.1", service, hints, ret);
    usleep(strcmp(node, "slow.test") == 0 ? SLOW_NAME_MS * 1000 : 5000);
    return EAI_NONAME;
}

static inline NF_RC open_url(struct fixture *f, const char *url, bool *sent,
                             struct nf_http_call **ret, struct nf_err *err)
{
    return nf_http_open(
        f->client,
        &(struct nf_http_request){
            .method = "GET", .url = url, .head_timeout_ms = RAW_WAIT_MS, .sent = sent },
        ret, err);
}

static inline NF_RC get(struct fixture *f, const char *url, struct nf_str *body, struct nf_err *err)
{
    NF_CLEANUP(nf_http_closep) struct nf_http_call *h = NULL;

    nf_str_reset(body);
    NF_TRY(open_url(f, url, NULL, &h, err));
    return nf_http_read_all(h, RAW_WAIT_MS, body, err);
}

/* A socket that listens and has no room for another connection: connecting to it hangs. */
static inline int full_listener(int *port, int filler[2])
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t n = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (bind(fd, (struct sockaddr *)&a, n) != 0 || listen(fd, 0) != 0 ||
        getsockname(fd, (struct sockaddr *)&a, &n) != 0)
        abort();
    for (int i = 0; i < 2; i++) {
        filler[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        if (connect(filler[i], (struct sockaddr *)&a, n) != 0 && i == 0)
            usleep(20000);
    }
    usleep(20000);
    *port = ntohs(a.sin_port);
    return fd;
}
