/* Listening sockets. We accept ourselves instead of letting libuv do it: out of descriptors, it
 * retries in a loop that may never end; we wait for the next sweep. */
#include "http/conn.h"

#include "observe/log.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <utlist.h>

#define BACKLOG 4096
#define ACCEPTS_MAX 128 /* in one round, so that others get their turn */

/* --- accepting ------------------------------------------------------------------------------- */

static void ip_of(const struct sockaddr_storage *a, uint8_t ip[16])
{
    memset(ip, 0, 16);
    if (a->ss_family == AF_INET) {
        ip[10] = ip[11] = 0xff;
        memcpy(ip + 12, &((const struct sockaddr_in *)a)->sin_addr, 4);
    } else if (a->ss_family == AF_INET6) {
        memcpy(ip, &((const struct sockaddr_in6 *)a)->sin6_addr, 16);
    }
}

/* Of that one connection; the next may be fine (accept(2)). */
static bool is_passing(int error)
{
    static const int passing[] = { ECONNABORTED, EINTR,     EPERM,        EPROTO,     ENETDOWN,
                                   ENOPROTOOPT,  EHOSTDOWN, EHOSTUNREACH, EOPNOTSUPP, ENETUNREACH };
    for (size_t i = 0; i < sizeof(passing) / sizeof(passing[0]); i++)
        if (error == passing[i])
            return true;
    return false;
}

/* False: no more for now. */
static bool accept_one(struct nf_httpd_listener *l)
{
    struct sockaddr_storage a = { 0 };
    socklen_t n = sizeof(a);
    int fd = accept4(l->fd, (struct sockaddr *)&a, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        uint8_t ip[16];
        ip_of(&a, ip);
        nf_httpd_conn_new(l->server, fd, l->path != NULL, ip);
        return true;
    }
    if (errno == EAGAIN)
        return false;
    if (is_passing(errno))
        return true;
    /* No descriptors or no memory: wait for better times. */
    nf_log_warn("http.accept.failed", "err", strerror(errno), NULL);
    uv_poll_stop(&l->poll);
    l->paused = true;
    nf_httpd_sweep_start(l->server);
    return false;
}

static void on_readable(uv_poll_t *p, int status, int events)
{
    struct nf_httpd_listener *l = p->data;
    (void)status;
    (void)events;
    for (int i = 0; i < ACCEPTS_MAX && !l->server->stopping; i++)
        if (!accept_one(l))
            return;
}

bool nf_httpd_listeners_resume(struct nf_http_server *s)
{
    bool all = true;
    for (struct nf_httpd_listener *l = s->listeners; l; l = l->next) {
        if (l->paused && uv_poll_start(&l->poll, UV_READABLE, on_readable) == 0)
            l->paused = false;
        all = all && !l->paused;
    }
    return all;
}

/* --- closing --------------------------------------------------------------------------------- */

static void on_listener_closed(uv_handle_t *h)
{
    struct nf_httpd_listener *l = h->data;
    struct nf_http_server *s = l->server;
    free(l->path);
    free(l);
    nf_httpd_handle_closed(s);
}

/* Remove the socket's file, unless another process has put its own there. */
static void remove_file(const struct nf_httpd_listener *l)
{
    struct stat st;
    if (l->path && lstat(l->path, &st) == 0 && st.st_dev == l->dev && st.st_ino == l->ino)
        (void)unlink(l->path);
}

void nf_httpd_listeners_close(struct nf_http_server *s)
{
    struct nf_httpd_listener *l, *tmp;
    LL_FOREACH_SAFE(s->listeners, l, tmp)
    {
        LL_DELETE(s->listeners, l);
        uv_poll_stop(&l->poll);
        close(l->fd);
        remove_file(l);
        uv_close((uv_handle_t *)&l->poll, on_listener_closed);
    }
}

/* --- opening --------------------------------------------------------------------------------- */

static enum nf_code os_error(struct nf_err *err, const char *what, const char *address)
{
    enum nf_code code = errno == EADDRINUSE ? NF_E_CONFLICT : NF_E_IO;
    return nf_err_set(err, code, "%s %s: %s", what, address, strerror(errno));
}

static void close_fd(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

/* Watch a listening socket; takes *fd over on success. */
static enum nf_code watch(struct nf_http_server *s, int *fd, const char *path, struct nf_err *err)
{
    NF_CLEANUP(nf_freep) char *copy = NULL;
    if (path)
        NF_TRY(nf_strdup(path, &copy, err));
    struct nf_httpd_listener *l = calloc(1, sizeof(*l));
    if (!l)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    struct stat st = { 0 };
    if (path && lstat(path, &st) == 0) {
        l->dev = st.st_dev;
        l->ino = st.st_ino;
    }
    int r = uv_poll_init(s->uv, &l->poll, *fd);
    if (r < 0) {
        free(l);
        return nf_err_set(err, NF_E_IO, "listen: %s", uv_strerror(r));
    }
    l->poll.data = l;
    l->server = s;
    l->fd = *fd;
    *fd = -1;
    l->path = nf_take(copy);
    l->paused = uv_poll_start(&l->poll, UV_READABLE, on_readable) < 0;
    LL_PREPEND(s->listeners, l);
    s->handles++;
    return NF_OK;
}

static int port_of(const struct sockaddr_storage *a)
{
    in_port_t port; /* at the same place for both families */
    static_assert(offsetof(struct sockaddr_in, sin_port) ==
                      offsetof(struct sockaddr_in6, sin6_port),
                  "the same place");
    memcpy(&port, (const char *)a + offsetof(struct sockaddr_in, sin_port), sizeof(port));
    return ntohs(port);
}

static enum nf_code listen_tcp(struct nf_http_server *s, const struct sockaddr *a, socklen_t n,
                               const char *address, int *port, struct nf_err *err)
{
    const int on = 1;
    NF_CLEANUP(close_fd)
    int fd = socket(a->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return os_error(err, "listen on", address);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    /* Accepted sockets inherit it. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (a->sa_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    struct sockaddr_storage real = { 0 };
    socklen_t real_n = sizeof(real);
    if (bind(fd, a, n) < 0 || listen(fd, BACKLOG) < 0 ||
        getsockname(fd, (struct sockaddr *)&real, &real_n) < 0)
        return os_error(err, "listen on", address);
    NF_TRY(watch(s, &fd, NULL, err));
    if (port)
        *port = port_of(&real);
    return NF_OK;
}

/* A socket's file that nobody listens on is left from a crash. */
static enum nf_code remove_stale(const struct sockaddr_un *a, struct nf_err *err)
{
    struct stat st;
    if (lstat(a->sun_path, &st) < 0)
        return errno == ENOENT ? NF_OK : os_error(err, "listen on", a->sun_path);
    if (!S_ISSOCK(st.st_mode))
        return nf_err_set(err, NF_E_CONFLICT, "listen on %s: a file is in the way", a->sun_path);
    NF_CLEANUP(close_fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return os_error(err, "listen on", a->sun_path);
    if (connect(fd, (const struct sockaddr *)a, sizeof(*a)) == 0 || errno != ECONNREFUSED)
        return nf_err_set(err, NF_E_CONFLICT, "listen on %s: the address is in use", a->sun_path);
    return unlink(a->sun_path) < 0 ? os_error(err, "remove", a->sun_path) : NF_OK;
}

static enum nf_code listen_unix(struct nf_http_server *s, const char *path, struct nf_err *err)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    size_t n = strlen(path);
    if (n == 0 || n >= sizeof(a.sun_path))
        return nf_err_set(err, NF_E_INVALID, "listen: a socket's path has 1 to %zu bytes",
                          sizeof(a.sun_path) - 1);
    memcpy(a.sun_path, path, n + 1);
    NF_TRY(remove_stale(&a, err));
    NF_CLEANUP(close_fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    /* Nobody can connect before listen, so the mode is in time. */
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || chmod(path, 0600) < 0 ||
        listen(fd, BACKLOG) < 0)
        return os_error(err, "listen on", path);
    return watch(s, &fd, path, err);
}

/* "127.0.0.1:7777" or "[::1]:7777". */
static bool parse_address(const char *text, struct sockaddr_storage *ret, socklen_t *n)
{
    const char *colon = strrchr(text, ':');
    char host[INET6_ADDRSTRLEN];
    int64_t port;
    if (!colon || !nf_slice_u63(nf_slice_of(colon + 1), &port) || port > UINT16_MAX)
        return false;
    bool v6 = text[0] == '[' && colon > text + 1 && colon[-1] == ']';
    const char *first = v6 ? text + 1 : text;
    size_t len = (size_t)((v6 ? colon - 1 : colon) - first);
    if (len >= sizeof(host))
        return false;
    memcpy(host, first, len);
    host[len] = '\0';
    *n = v6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    return (v6 ? uv_ip6_addr(host, (int)port, (struct sockaddr_in6 *)ret)
               : uv_ip4_addr(host, (int)port, (struct sockaddr_in *)ret)) == 0;
}

enum nf_code nf_http_server_listen(struct nf_http_server *s, const char *address, int *port,
                                   struct nf_err *err)
{
    struct sockaddr_storage a = { 0 };
    socklen_t n;
    assert(!s->stopping);
    if (strncmp(address, "unix:", 5) == 0) {
        NF_TRY(listen_unix(s, address + 5, err));
        if (port)
            *port = 0;
        return NF_OK;
    }
    if (!parse_address(address, &a, &n))
        return nf_err_set(err, NF_E_INVALID,
                          "listen: '%s' is not ADDRESS:PORT, [ADDRESS]:PORT or unix:PATH", address);
    return listen_tcp(s, (struct sockaddr *)&a, n, address, port, err);
}
