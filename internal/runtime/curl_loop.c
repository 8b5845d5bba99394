#include "runtime/curl_loop.h"

#include "base/own.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

/* A socket and its watcher. Watchers are lazy: one that curl no longer wants stays armed, since the
 * next request on a kept connection wants it again, and is disarmed by the first event that nobody
 * waits for. That may be done only with sockets that curl told us of by OPENSOCKETFUNCTION and will
 * tell us of by CLOSESOCKETFUNCTION. Others, those of its resolver, it closes silently, and libuv
 * aborts over a watched descriptor that is gone: their watchers end when curl lets go of them. */
struct nf_curl_sock {
    uv_poll_t poll;
    struct nf_curl_loop *loop;
    curl_socket_t fd;
    int want, armed; /* UV_READABLE | UV_WRITABLE */
    bool announced, closing;
    nf_curl_sock_fn fn; /* adopted; NULL: curl's */
    void *arg;
};

struct nf_curl_loop {
    uv_loop_t *uv;
    CURLM *multi;
    uv_timer_t timer;
    struct nf_curl_sock **socks; /* by descriptor */
    size_t socks_n;
    size_t handles; /* not closed yet, the timer included */
    size_t transfers;
    bool freed;
};

static void handle_closed(struct nf_curl_loop *l)
{
    if (--l->handles > 0 || !l->freed)
        return;
    free(l->socks);
    free(l);
}

/* --- transfers that have ended ---------------------------------------------------------------- */

static void collect_done(struct nf_curl_loop *l)
{
    CURLMsg *m;
    int left;

    while ((m = curl_multi_info_read(l->multi, &left))) {
        if (m->msg != CURLMSG_DONE)
            continue;

        CURLcode rc = m->data.result; /* *m is gone once the handle is removed */
        struct nf_curl_transfer *t = NULL;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &t);
        t->done(t, rc);
    }
}

static void act(struct nf_curl_loop *l, curl_socket_t fd, int mask)
{
    int running;

    curl_multi_socket_action(l->multi, fd, mask, &running);
    collect_done(l);
}

/* --- sockets ---------------------------------------------------------------------------------- */

static void on_poll(uv_poll_t *p, int status, int events);

static void arm(struct nf_curl_sock *s, int events)
{
    if (s->armed == events)
        return;
    s->armed = events;
    if (events == 0)
        uv_poll_stop(&s->poll);
    else
        uv_poll_start(&s->poll, events, on_poll);
}

static void on_poll(uv_poll_t *p, int status, int events)
{
    struct nf_curl_sock *s = p->data;

    if (status < 0) {
        s->armed = 0; /* libuv has stopped it */
        events = s->want;
    }
    if ((events & s->want) == 0) {
        arm(s, s->want);
        return;
    }
    if (s->fn)
        s->fn(s->arg, events & UV_READABLE, events & UV_WRITABLE);
    else
        act(s->loop, s->fd,
            (events & UV_READABLE ? CURL_CSELECT_IN : 0) |
                (events & UV_WRITABLE ? CURL_CSELECT_OUT : 0) |
                (status < 0 ? CURL_CSELECT_ERR : 0));

    /* curl reports only changes, so what it still wants after an error must be armed again. */
    if (!s->closing && s->want != 0 && s->armed == 0)
        arm(s, s->want);
}

static struct nf_curl_sock *find(struct nf_curl_loop *l, curl_socket_t fd)
{
    return (size_t)fd < l->socks_n ? l->socks[fd] : NULL;
}

static struct nf_curl_sock *sock_new(struct nf_curl_loop *l, curl_socket_t fd, bool announced)
{
    if ((size_t)fd >= l->socks_n) {
        size_t n = (size_t)fd * 2 + 64;
        struct nf_curl_sock **p = realloc(l->socks, n * sizeof(struct nf_curl_sock *));
        if (!p)
            return NULL;
        memset(p + l->socks_n, 0, (n - l->socks_n) * sizeof(struct nf_curl_sock *));
        l->socks = p;
        l->socks_n = n;
    }

    struct nf_curl_sock *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    if (uv_poll_init_socket(l->uv, &s->poll, fd) != 0) {
        free(s);
        return NULL;
    }
    s->poll.data = s;
    s->loop = l;
    s->fd = fd;
    s->announced = announced;
    l->socks[fd] = s;
    l->handles++;
    return s;
}

static void on_sock_closed(uv_handle_t *h)
{
    struct nf_curl_sock *s = h->data;
    struct nf_curl_loop *l = s->loop;

    free(s);
    handle_closed(l);
}

static void sock_close(struct nf_curl_sock *s)
{
    s->loop->socks[s->fd] = NULL;
    s->closing = true;
    s->want = 0;
    uv_close((uv_handle_t *)&s->poll, on_sock_closed);
}

curl_socket_t nf_curl_open_socket(struct nf_curl_loop *l, const struct curl_sockaddr *a)
{
    int fd = socket(a->family, a->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->protocol);
    if (fd < 0)
        return CURL_SOCKET_BAD;
    if (!sock_new(l, fd, true)) {
        close(fd);
        return CURL_SOCKET_BAD;
    }
    return fd;
}

static curl_socket_t on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
    (void)purpose;
    return nf_curl_open_socket(arg, a);
}

static int on_close(void *arg, curl_socket_t fd)
{
    struct nf_curl_sock *s = find(arg, fd);

    if (s)
        sock_close(s);
    return close(fd);
}

/* NOLINTNEXTLINE(bugprone-easily-swappable-parameters): libcurl says so */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *unused)
{
    struct nf_curl_loop *l = arg;
    struct nf_curl_sock *s = find(l, fd);
    (void)easy;
    (void)unused;

    if (what == CURL_POLL_REMOVE) {
        if (s && s->announced)
            s->want = 0;
        else if (s)
            sock_close(s);
        return 0;
    }

    /* Failing here would end every transfer of the multi. Without a watcher the resolver's answer
     * goes unseen, and this transfer alone ends by its connect timeout. */
    if (!s && !(s = sock_new(l, fd, false)))
        return 0;
    s->want = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
    if (s->want != 0)
        arm(s, s->want);
    return 0;
}

struct nf_curl_sock *nf_curl_sock_new(struct nf_curl_loop *l, int fd, nf_curl_sock_fn fn, void *arg)
{
    struct nf_curl_sock *s = sock_new(l, fd, true);
    if (!s)
        return NULL;
    s->fn = fn;
    s->arg = arg;
    return s;
}

void nf_curl_sock_close(struct nf_curl_sock *s)
{
    int fd = s->fd;
    sock_close(s);
    close(fd);
}

struct nf_curl_sock *nf_curl_sock_adopt(struct nf_curl_loop *l, curl_socket_t fd,
                                        nf_curl_sock_fn fn, void *arg)
{
    struct nf_curl_sock *s = find(l, fd);

    assert(s && s->announced);
    s->fn = fn;
    s->arg = arg;
    s->want = 0;
    return s;
}

void nf_curl_sock_want(struct nf_curl_sock *s, bool readable, bool writable)
{
    s->want = (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0);
    if (s->want & ~s->armed)
        arm(s, s->want);
}

/* --- the timer -------------------------------------------------------------------------------- */

static void on_tick(uv_timer_t *t)
{
    act(t->data, CURL_SOCKET_TIMEOUT, 0);
}

static int on_timer(CURLM *multi, long ms, void *arg)
{
    struct nf_curl_loop *l = arg;
    (void)multi;

    if (l->freed)
        return 0;
    if (ms < 0)
        uv_timer_stop(&l->timer);
    else
        uv_timer_start(&l->timer, on_tick, (uint64_t)ms, 0);
    return 0;
}

static void on_timer_closed(uv_handle_t *h)
{
    handle_closed(h->data);
}

/* --- the whole -------------------------------------------------------------------------------- */

void nf_curl_prepare(struct nf_curl_loop *l, CURL *easy)
{
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, l);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, l);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    /* Else ending a transfer that still resolves a name blocks until the resolver has answered. */
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
}

/* With the first transfer: libcurl initialises TLS and all, which is 1.5 MB and milliseconds that a
 * daemon without requests does not need. */
static NF_RC open_multi(struct nf_curl_loop *l, struct nf_err *err)
{
    if (l->multi)
        return NF_OK;
    l->multi = curl_multi_init();
    if (!l->multi)
        return nf_err_set(err, NF_E_NOMEM, "libcurl could not be initialised");
    curl_multi_setopt(l->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(l->multi, CURLMOPT_SOCKETDATA, l);
    curl_multi_setopt(l->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(l->multi, CURLMOPT_TIMERDATA, l);
    curl_multi_setopt(l->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    return NF_OK;
}

NF_RC nf_curl_add(struct nf_curl_loop *l, struct nf_curl_transfer *t, struct nf_err *err)
{
    NF_TRY(open_multi(l, err));
    curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);

    CURLMcode rc = curl_multi_add_handle(l->multi, t->easy);
    if (rc == CURLM_OUT_OF_MEMORY)
        return nf_err_set(err, NF_E_NOMEM, "out of memory for a transfer");
    if (rc != CURLM_OK)
        return nf_err_set(err, NF_E_INTERNAL, "start a transfer: %s", curl_multi_strerror(rc));
    l->transfers++;
    return NF_OK;
}

void nf_curl_remove(struct nf_curl_loop *l, struct nf_curl_transfer *t)
{
    curl_multi_remove_handle(l->multi, t->easy);
    l->transfers--;
}

NF_RC nf_curl_loop_new(struct uv_loop_s *uv, struct nf_curl_loop **ret, struct nf_err *err)
{
    struct nf_curl_loop *l = calloc(1, sizeof *l);

    if (!l)
        return nf_err_set(err, NF_E_NOMEM, "out of memory for the HTTP client");
    l->uv = uv;
    uv_timer_init(uv, &l->timer);
    l->timer.data = l;
    l->handles = 1;
    *ret = l;
    return NF_OK;
}

void nf_curl_loop_free(struct nf_curl_loop *l)
{
    if (!l)
        return;
    assert(l->transfers == 0);
    l->freed = true;
    if (l->multi)
        curl_multi_cleanup(l->multi);
    l->multi = NULL;
    for (size_t i = 0; i < l->socks_n; i++)
        if (l->socks[i])
            sock_close(l->socks[i]);
    uv_close((uv_handle_t *)&l->timer, on_timer_closed);
}
