/*
 * One child at a time, from start to reaped, in the frame of the fiber that waits for it: the
 * handles live there too, so nothing returns before they are closed.
 */
#include "runtime/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

#define CHUNK ((size_t)8192) /* bytes read at once */
#define DRAIN_MS 1000 /* for output of somebody who left the group, once the process has ended */

struct run;

struct output {
    struct nf_str *to;
    uv_pipe_t pipe;
    bool ended;
};

struct run {
    const struct nf_process_options *o;
    struct nf_process_result *ret;
    struct nf_wait *wait;
    uv_process_t process;
    uv_pipe_t in;
    uv_write_t write;
    struct output out, err;
    uv_handle_t *handles[4];
    size_t handles_n, open; /* opened; not closed yet */
    int child_ends[3];
    bool exited;         /* or never began */
    enum nf_code failed; /* NF_OK: nothing did */
};

void nf_process_result_done(struct nf_process_result *r)
{
    nf_str_done(&r->out);
    nf_str_done(&r->err);
    *r = (struct nf_process_result){ 0 };
}

static void poke(struct run *r)
{
    if (r->wait)
        nf_wait_wake(r->wait, NF_OK);
}

static void fail(struct run *r, enum nf_code rc)
{
    if (r->failed == NF_OK)
        r->failed = rc;
    uv_read_stop((uv_stream_t *)&r->out.pipe);
    uv_read_stop((uv_stream_t *)&r->err.pipe);
    poke(r);
}

/* --- what libuv calls ------------------------------------------------------------------------- */

/* The leader is just reaped, so its number still stands for its group if anybody is left in it. */
static void on_exit_status(uv_process_t *p, int64_t status, int sig)
{
    struct run *r = p->data;
    kill(-p->pid, SIGKILL);
    r->exited = true;
    r->ret->signal = sig;
    r->ret->exit_code = sig != 0 ? -1 : (int)status;
    poke(r);
}

static void on_closed(uv_handle_t *h)
{
    struct run *r = h->data;
    if (--r->open == 0)
        poke(r);
}

static void close_handle(uv_handle_t *h)
{
    if (!uv_is_closing(h))
        uv_close(h, on_closed);
}

static void on_written(uv_write_t *w, int status)
{
    (void)status; /* a program need not read what it is given */
    close_handle((uv_handle_t *)w->handle);
}

/* One byte more than is allowed, to see that there is more. */
static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *buf)
{
    (void)suggested;
    struct run *r = h->data;
    struct output *s = nf_container_of((uv_pipe_t *)h, struct output, pipe);
    size_t room = r->o->output_max + 1 - s->to->len;
    room = room < CHUNK ? room : CHUNK;
    *buf = uv_buf_init(NULL, 0);
    if (nf_str_reserve(s->to, room, NULL) == NF_OK)
        *buf = uv_buf_init(s->to->p + s->to->len, (unsigned)room);
}

static void on_read(uv_stream_t *h, ssize_t n, const uv_buf_t *buf)
{
    (void)buf;
    struct run *r = h->data;
    struct output *s = nf_container_of((uv_pipe_t *)h, struct output, pipe);
    size_t max = r->o->output_max;
    if (n == UV_ENOBUFS) {
        fail(r, NF_E_NOMEM);
    } else if (n < 0) {
        s->ended = true;
        uv_read_stop(h);
        poke(r);
    } else {
        s->to->len += (size_t)n;
        bool over = s->to->len > max;
        if (over)
            s->to->len = max;
        s->to->p[s->to->len] = '\0';
        if (over)
            fail(r, NF_E_LIMIT);
    }
}

/* --- start ------------------------------------------------------------------------------------ */

static void opened(struct run *r, uv_handle_t *h)
{
    h->data = r;
    r->handles[r->handles_n++] = h;
    r->open++;
}

/* A pipe whose one end is ours; the other becomes the child's descriptor `fd`. Real pipes, since
 * libuv would make sockets, which a child cannot open as /dev/stdout. */
static NF_RC open_pipe(struct run *r, uv_loop_t *l, int fd, uv_pipe_t *ours, struct nf_err *err)
{
    int ends[2];
    bool to_child = fd == 0;
    int rc = uv_pipe(ends, to_child ? 0 : UV_NONBLOCK_PIPE, to_child ? UV_NONBLOCK_PIPE : 0);
    if (rc != 0)
        return nf_err_set(err, NF_E_UNAVAILABLE, "open a pipe: %s", uv_strerror(rc));
    r->child_ends[fd] = ends[to_child ? 0 : 1];
    int end = ends[to_child ? 1 : 0];
    uv_pipe_init(l, ours, 0);
    opened(r, (uv_handle_t *)ours);
    rc = uv_pipe_open(ours, end);
    if (rc != 0) {
        close(end);
        return nf_err_set(err, NF_E_UNAVAILABLE, "open a pipe: %s", uv_strerror(rc));
    }
    return NF_OK;
}

/* Nothing of ours is meant for a child but the three pipes, whatever a library forgot to mark. */
static void mark_descriptors(void)
{
    if (close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) == 0)
        return;
    DIR *d = opendir("/proc/self/fd");
    for (struct dirent *e; d && (e = readdir(d));) {
        int fd = (int)strtol(e->d_name, NULL, 10); /* 0 for . and .. */
        if (fd > 2)
            fcntl(fd, F_SETFD, FD_CLOEXEC);
    }
    if (d)
        closedir(d);
}

static NF_RC spawn(struct run *r, uv_loop_t *l, struct nf_err *err)
{
    uv_stdio_container_t stdio[3];
    for (int i = 0; i < 3; i++)
        stdio[i] = (uv_stdio_container_t){ .flags = UV_INHERIT_FD, .data.fd = r->child_ends[i] };
    uv_process_options_t po = {
        .exit_cb = on_exit_status,
        .file = r->o->argv[0],
        .args = (char **)r->o->argv,
        .env = (char **)r->o->env,
        .cwd = r->o->cwd,
        .flags = UV_PROCESS_DETACHED, /* setsid: a session and a group of its own */
        .stdio_count = 3,
        .stdio = stdio,
    };
    mark_descriptors();
    r->exited = false;
    int rc = uv_spawn(l, &r->process, &po);
    opened(r, (uv_handle_t *)&r->process);
    if (rc == 0)
        return NF_OK;
    r->exited = true; /* there is nothing to kill */
    enum nf_code code = rc == UV_ENOENT || rc == UV_ENOTDIR ? NF_E_NOT_FOUND
                        : rc == UV_EACCES || rc == UV_EPERM ? NF_E_DENIED
                                                            : NF_E_UNAVAILABLE;
    return nf_err_set(err, code, "start '%s': %s", r->o->argv[0], uv_strerror(rc));
}

static NF_RC start(struct run *r, uv_loop_t *l, struct nf_err *err)
{
    NF_TRY(open_pipe(r, l, 0, &r->in, err));
    NF_TRY(open_pipe(r, l, 1, &r->out.pipe, err));
    NF_TRY(open_pipe(r, l, 2, &r->err.pipe, err));
    NF_TRY(spawn(r, l, err));
    uv_read_start((uv_stream_t *)&r->out.pipe, on_alloc, on_read);
    uv_read_start((uv_stream_t *)&r->err.pipe, on_alloc, on_read);
    uv_buf_t buf = uv_buf_init((char *)r->o->input, (unsigned)r->o->input_n);
    if (r->o->input_n == 0 || uv_write(&r->write, (uv_stream_t *)&r->in, &buf, 1, on_written) != 0)
        close_handle((uv_handle_t *)&r->in);
    return NF_OK;
}

/* --- wait ------------------------------------------------------------------------------------- */

static NF_RC wait_until_ended(struct run *r, struct nf_err *err)
{
    const char *name = r->o->argv[0];
    while (!r->exited || !r->out.ended || !r->err.ended) {
        if (r->failed == NF_E_LIMIT)
            return nf_err_set(err, NF_E_LIMIT, "'%s' printed more than %zu bytes", name,
                              r->o->output_max);
        if (r->failed != NF_OK)
            return nf_err_set(err, r->failed, "no memory for what '%s' prints", name);
        struct nf_wait w = { 0 };
        r->wait = &w;
        enum nf_code rc = nf_wait(&w, r->exited ? DRAIN_MS : -1, name, err);
        r->wait = NULL;
        if (rc == NF_E_TIMEOUT && r->exited)
            return NF_OK;
        NF_TRY(rc);
    }
    return NF_OK;
}

static void wait_for_poke(struct run *r)
{
    struct nf_wait w = { 0 };
    r->wait = &w;
    nf_wait_uninterruptible(&w);
    r->wait = NULL;
}

static void close_child_ends(struct run *r)
{
    for (int i = 0; i < 3; i++) {
        if (r->child_ends[i] >= 0)
            close(r->child_ends[i]);
    }
}

/* Whatever happened: nothing runs and no handle is open afterwards. */
static void end(struct run *r)
{
    if (!r->exited)
        kill(-r->process.pid, SIGKILL);
    while (!r->exited)
        wait_for_poke(r);
    for (size_t i = 0; i < r->handles_n; i++)
        close_handle(r->handles[i]);
    while (r->open > 0)
        wait_for_poke(r);
}

NF_RC nf_process_run(struct nf_loop *l, const struct nf_process_options *o,
                     struct nf_process_result *ret, struct nf_err *err)
{
    assert(o->argv && o->argv[0] && o->output_max <= NF_PROCESS_OUTPUT_MAX &&
           o->input_n <= UINT32_MAX);
    struct run r = { .o = o, .ret = ret, .child_ends = { -1, -1, -1 }, .exited = true };
    *ret = (struct nf_process_result){ .exit_code = -1 };
    ret->out.max = ret->err.max = o->output_max + 2; /* one to see that it is over, one for NUL */
    r.out.to = &ret->out;
    r.err.to = &ret->err;

    struct nf_deadline d;
    nf_deadline_push(&d, o->timeout_ms > 0 ? o->timeout_ms : INT64_MAX);
    enum nf_code rc = nf_fiber_check(o->argv[0], err);
    if (rc == NF_OK)
        rc = start(&r, nf_loop_uv(l), err);
    close_child_ends(&r);
    if (rc == NF_OK)
        rc = wait_until_ended(&r, err);
    nf_deadline_pop(&d);
    end(&r);
    return rc;
}
