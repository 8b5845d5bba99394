/* Attacks on the network, on sockets of any kind, and on descriptors. */
#include "tests/attack/attack.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_alg.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

ATTACK(socket_inet)
{
    return attack_result(socket(AF_INET, SOCK_STREAM, 0));
}

ATTACK(socket_inet6)
{
    return attack_result(socket(AF_INET6, SOCK_STREAM, 0));
}

ATTACK(socket_udp)
{
    return attack_result(socket(AF_INET, SOCK_DGRAM, 0));
}

ATTACK(socket_raw)
{
    return attack_result(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
}

ATTACK(socket_unix)
{
    return attack_result(socket(AF_UNIX, SOCK_STREAM, 0));
}

ATTACK(socket_netlink)
{
    return attack_result(socket(AF_NETLINK, SOCK_RAW, 0));
}

ATTACK(socket_packet)
{
    return attack_result(socket(AF_PACKET, SOCK_RAW, 0));
}

ATTACK(socket_vsock)
{
    return attack_result(socket(AF_VSOCK, SOCK_STREAM, 0));
}

ATTACK(socket_alg)
{
    return attack_result(socket(AF_ALG, SOCK_SEQPACKET, 0));
}

ATTACK(socketpair)
{
    int fds[2];
    return attack_result(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
}

static struct sockaddr_in loopback(int64_t port)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return a;
}

ATTACK(connect)
{
    struct sockaddr_in a = loopback(o->port);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    return fd < 0 ? -errno : attack_result(connect(fd, (struct sockaddr *)&a, sizeof a));
}

/* connect(2) on whatever descriptors are there: perhaps one is a socket. */
ATTACK(connect_inherited)
{
    struct sockaddr_in a = loopback(o->port);
    return attack_judged(connect(0, (struct sockaddr *)&a, sizeof a), ENOTSOCK);
}

ATTACK(listen)
{
    struct sockaddr_in a = loopback(0);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) != 0)
        return -errno;
    return attack_result(listen(fd, 1));
}

ATTACK(send_datagram)
{
    struct sockaddr_in a = loopback(o->port);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    return fd < 0 ? -errno : attack_result(sendto(fd, "x", 1, 0, (struct sockaddr *)&a, sizeof a));
}

/* Sockets of the abstract namespace have no path that a root directory could hide. */
ATTACK(abstract_socket)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    socklen_t length = attack_abstract_name(o, &a);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    return fd < 0 ? -errno : attack_result(connect(fd, (struct sockaddr *)&a, length));
}

/* A descriptor for another process. */
ATTACK(send_descriptor)
{
    char byte = 'x', control[CMSG_SPACE(sizeof(int))] = { 0 };
    struct iovec iov = { &byte, 1 };
    struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control };
    m.msg_controllen = sizeof control;
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    *c = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
    c->cmsg_len = CMSG_LEN(sizeof(int));
    return attack_judged(sendmsg(0, &m, MSG_DONTWAIT), ENOTSOCK);
}

ATTACK(receive_descriptor)
{
    char byte, control[CMSG_SPACE(sizeof(int))];
    struct iovec iov = { &byte, 1 };
    struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control };
    m.msg_controllen = sizeof control;
    return attack_judged(recvmsg(0, &m, MSG_DONTWAIT), ENOTSOCK);
}

/* A ring carries out calls that no filter sees. */
ATTACK(io_uring)
{
    char params[120] = { 0 };
    return attack_result(syscall(SYS_io_uring_setup, 8, params));
}

ATTACK(aio)
{
    unsigned long ctx = 0;
    return attack_result(syscall(SYS_io_setup, 1, &ctx));
}

ATTACK(dup)
{
    return attack_result(dup(0));
}

ATTACK(dup_over_pipe)
{
    return attack_result(dup3(0, 40, O_CLOEXEC));
}

ATTACK(fcntl_dup)
{
    return attack_result(fcntl(0, F_DUPFD, 50));
}

ATTACK(fcntl_owner)
{
    return attack_result(fcntl(0, F_SETOWN, getpid()));
}

ATTACK(pipe)
{
    int fds[2];
    return attack_result(pipe2(fds, O_CLOEXEC));
}

ATTACK(splice)
{
    return attack_judged(syscall(SYS_splice, -1, NULL, -1, NULL, 1, 0), EBADF);
}

ATTACK(tee)
{
    return attack_judged(syscall(SYS_tee, -1, -1, 1, 0), EBADF);
}

ATTACK(eventfd)
{
    return attack_result(eventfd(0, EFD_CLOEXEC));
}

ATTACK(timerfd)
{
    return attack_result(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
}

ATTACK(signalfd)
{
    sigset_t s;
    sigfillset(&s);
    return attack_result(signalfd(-1, &s, SFD_CLOEXEC));
}

ATTACK(epoll)
{
    return attack_result(epoll_create1(EPOLL_CLOEXEC));
}

/* Types a character into the terminal of whoever started it. */
ATTACK(type_into_terminal)
{
    char c = 'x';
    return attack_result(ioctl(0, TIOCSTI, &c));
}

ATTACK(ioctl)
{
    int n;
    return attack_result(ioctl(0, FIONREAD, &n));
}
