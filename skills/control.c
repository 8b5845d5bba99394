#include "skills/control.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD offsetof(struct nf_control, text)

/* Room for descriptors, aligned as the kernel wants it (cmsg(3)). */
union beside {
    struct cmsghdr head;
    char bytes[CMSG_SPACE(NF_CONTROL_FDS * sizeof(int))];
};

struct nf_control nf_control_make(enum nf_control_type type, uint64_t number)
{
    return (struct nf_control){ .type = type, .number = number };
}

void nf_control_text(struct nf_control *c, const char *text)
{
    (void)snprintf(c->text, sizeof c->text, "%s", text);
}

NF_RC nf_control_send(int fd, const struct nf_control *c, const int *fds, size_t fds_n,
                      struct nf_err *err)
{
    assert(fds_n <= NF_CONTROL_FDS);
    struct iovec io = { .iov_base = (void *)c, .iov_len = HEAD + strlen(c->text) + 1 };
    struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1 };
    union beside beside = { .bytes = { 0 } };
    if (fds_n > 0) {
        m.msg_control = beside.bytes;
        m.msg_controllen = CMSG_SPACE(fds_n * sizeof(int));
        struct cmsghdr *h = CMSG_FIRSTHDR(&m);
        h->cmsg_level = SOL_SOCKET;
        h->cmsg_type = SCM_RIGHTS;
        h->cmsg_len = CMSG_LEN(fds_n * sizeof(int));
        memcpy(CMSG_DATA(h), fds, fds_n * sizeof(int));
    }
    ssize_t n;
    do {
        n = sendmsg(fd, &m, MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    if (n == (ssize_t)io.iov_len)
        return NF_OK;
    return nf_err_set(err, errno == ETOOMANYREFS ? NF_E_LIMIT : NF_E_UNAVAILABLE,
                      "send an order: %s", strerror(errno));
}

static void take_fds(struct msghdr *m, int fds[NF_CONTROL_FDS])
{
    for (int i = 0; i < NF_CONTROL_FDS; i++)
        fds[i] = -1;
    struct cmsghdr *h = m->msg_controllen > 0 ? CMSG_FIRSTHDR(m) : NULL;
    if (!h || h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
        return;
    size_t n = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    memcpy(fds, CMSG_DATA(h), (n < NF_CONTROL_FDS ? n : NF_CONTROL_FDS) * sizeof(int));
}

static NF_RC check(const struct nf_control *c, size_t n, int flags, struct nf_err *err)
{
    bool whole = n > HEAD && n <= sizeof *c && ((const char *)c)[n - 1] == '\0' &&
                 !(flags & (MSG_TRUNC | MSG_CTRUNC));
    if (!whole || c->type == 0 || c->type >= NF_CONTROL_TYPES ||
        !memchr(c->level, '\0', sizeof c->level) || !memchr(c->name, '\0', sizeof c->name) ||
        !memchr(c->version, '\0', sizeof c->version))
        return nf_err_set(err, NF_E_INVALID, "an order of %zu bytes that is none", n);
    return NF_OK;
}

NF_RC nf_control_recv(int fd, struct nf_control *ret, int fds[NF_CONTROL_FDS], struct nf_err *err)
{
    struct iovec io = { .iov_base = ret, .iov_len = sizeof *ret };
    union beside beside;
    struct msghdr m = {
        .msg_iov = &io,
        .msg_iovlen = 1,
        .msg_control = beside.bytes,
        .msg_controllen = sizeof beside.bytes,
    };
    ssize_t n;
    do {
        n = recvmsg(fd, &m, MSG_CMSG_CLOEXEC);
    } while (n < 0 && errno == EINTR);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return nf_err_set(err, NF_E_NOT_FOUND, "no order is there yet");
    if (n <= 0)
        return nf_err_set(err, NF_E_UNAVAILABLE, "%s", n == 0 ? "it is gone" : strerror(errno));
    take_fds(&m, fds);
    enum nf_code rc = check(ret, (size_t)n, m.msg_flags, err);
    for (int i = 0; rc != NF_OK && i < NF_CONTROL_FDS; i++) {
        if (fds[i] >= 0)
            close(fds[i]);
        fds[i] = -1;
    }
    return rc;
}
