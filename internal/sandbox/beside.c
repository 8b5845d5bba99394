#include "sandbox/impl.h"

#include <string.h>
#include <sys/socket.h>

/* Aligned as the kernel wants it (cmsg(3)). */
union beside {
    struct cmsghdr head;
    char bytes[CMSG_SPACE(NF_BESIDE_MAX * sizeof(int))];
};

bool nf_beside_send(int to, const void *p, size_t n, const int *fds, size_t fds_n)
{
    assert(fds_n <= NF_BESIDE_MAX);
    union beside beside = { .bytes = { 0 } };
    struct iovec io = { .iov_base = (void *)p, .iov_len = n };
    struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1 };
    if (fds_n > 0) {
        m.msg_control = beside.bytes;
        m.msg_controllen = CMSG_SPACE(fds_n * sizeof(int));
        beside.head.cmsg_level = SOL_SOCKET;
        beside.head.cmsg_type = SCM_RIGHTS;
        beside.head.cmsg_len = CMSG_LEN(fds_n * sizeof(int));
        memcpy(CMSG_DATA(&beside.head), fds, fds_n * sizeof(int));
    }
    return sendmsg(to, &m, MSG_NOSIGNAL) == (ssize_t)n;
}

/* With CMSG_SPACE, which rounds up, the kernel could put one more than there is room for. */
ssize_t nf_beside_recv(int from, void *p, size_t n, int *fds, size_t fds_max, size_t *fds_n,
                       int flags)
{
    assert(fds_max <= NF_BESIDE_MAX);
    union beside beside;
    struct iovec io = { .iov_base = p, .iov_len = n };
    struct msghdr m = { .msg_iov = &io,
                        .msg_iovlen = 1,
                        .msg_control = beside.bytes,
                        .msg_controllen = CMSG_LEN(fds_max * sizeof(int)) };
    *fds_n = 0;
    ssize_t got = recvmsg(from, &m, flags);
    const struct cmsghdr *c = got >= 0 ? CMSG_FIRSTHDR(&m) : NULL;
    if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
        *fds_n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        memcpy(fds, CMSG_DATA(c), *fds_n * sizeof(int));
    }
    return got;
}
