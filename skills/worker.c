/* One process of a plugin, seen from the daemon: what it sends is hostile. */
#include "skills/logs.h"
#include "skills/warden_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <utlist.h>

#define FAILED_WORDS ((size_t)200) /* kept of why a process is of no use; hostile */

/* --- life ------------------------------------------------------------------------------------- */

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void hang_up(struct nf_worker *k)
{
    nf_watch_free(k->watch);
    k->watch = NULL;
    close_fd(&k->to);
    close_fd(&k->from);
}

static void forget_blank(struct nf_worker *k)
{
    if (k->pool->blank == k)
        k->pool->blank = NULL;
}

void nf_worker_free(struct nf_worker *k)
{
    forget_blank(k);
    hang_up(k);
    close_fd(&k->memory);
    close_fd(&k->pidfd);
    nf_wire_reader_done(&k->reader);
    DL_DELETE(k->pool->workers, k);
    free(k);
}

static void become(struct nf_worker *k, enum nf_worker_state state)
{
    struct nf_warden *w = k->pool->warden;
    forget_blank(k);
    w->alive -= k->state != NF_WORKER_LEAVING && state == NF_WORKER_LEAVING;
    k->state = state;
    k->since_us = nf_warden_now_us();
    if (state == NF_WORKER_LEAVING)
        nf_warden_due(w, k->since_us + nf_us(NF_WORKER_LEAVE_MS));
}

static void kill_process(struct nf_worker *k)
{
    k->killed = true;
    if (k->pidfd >= 0)
        pidfd_send_signal(k->pidfd, SIGKILL, NULL, 0);
}

/* A worker without a call that is of no use: what it was started for is somebody's to know. */
static void drop(struct nf_worker *k)
{
    struct nf_pool *p = k->pool;
    struct nf_err why = k->why;
    bool done = k->state == NF_WORKER_LEAVING || k->state == NF_WORKER_USED;
    hang_up(k);
    become(k, NF_WORKER_LEAVING);
    if (!done)
        nf_pool_failed(p, &why);
}

void nf_worker_break(struct nf_worker *k, enum nf_code code, const char *fmt, ...)
{
    if (k->why.code != NF_OK)
        return;
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(k->why.msg, sizeof k->why.msg, fmt, ap);
    va_end(ap);
    k->why.code = code;
    k->pool->violation[0] = '\0';
    if (!k->exited)
        kill_process(k);
    if (k->state == NF_WORKER_BUSY) {
        if (k->waiter)
            nf_wait_wake(k->waiter, NF_OK);
        return;
    }
    drop(k);
    if (k->exited)
        nf_worker_free(k);
}

void nf_worker_leave(struct nf_worker *k)
{
    char stop[NF_WIRE_HEAD];
    nf_wire_put_head(stop, NF_WIRE_STOP, k->number, 0);
    if (!k->pool->oneshot && k->why.code == NF_OK && write(k->to, stop, sizeof stop) < 0)
        kill_process(k);
    hang_up(k);
    become(k, NF_WORKER_LEAVING);
    if (k->exited)
        nf_worker_free(k);
}

/* --- what it sends without being asked -------------------------------------------------------- */

static void take_first_frame(struct nf_worker *k)
{
    struct nf_wire_frame f;
    struct nf_err err;
    bool have;
    if (nf_wire_next(&k->reader, &f, &have, &err) != NF_OK) {
        nf_worker_break(k, NF_E_UNAVAILABLE, "the process broke the protocol: %s", err.msg);
        return;
    }
    if (!have)
        return;
    if (f.type == NF_WIRE_FAILED && f.id == k->number && !f.bulk) {
        char words[FAILED_WORDS];
        size_t n = f.payload.n < sizeof words ? f.payload.n : sizeof words;
        memcpy(words, f.payload.p, n);
        nf_skill_text_clean(words, n);
        nf_worker_break(k, NF_E_UNAVAILABLE, "the plugin cannot be used: %.*s", (int)n, words);
    } else if (k->state != NF_WORKER_STARTING || f.type != NF_WIRE_READY || f.id != k->number ||
               f.bulk || f.payload.n > 0 || nf_wire_left(&k->reader) > 0) {
        nf_worker_break(k, NF_E_UNAVAILABLE,
                        "the process broke the protocol: it did not begin by saying it is ready");
    } else if (k->pidfd >= 0) {
        become(k, NF_WORKER_IDLE);
        nf_pool_ready(k->pool, k);
    } else {
        k->asking = true; /* ready, and not announced yet: nothing else may come */
    }
}

static void came_unasked(struct nf_worker *k)
{
    if ((k->state == NF_WORKER_STARTING || k->state == NF_WORKER_BLANK) && !k->asking)
        take_first_frame(k);
    else
        nf_worker_break(k, NF_E_UNAVAILABLE, "the process broke the protocol: it spoke unasked");
}

static void pipe_closed(struct nf_worker *k)
{
    k->closed = true;
    nf_watch_free(k->watch);
    k->watch = NULL;
    if (k->waiter)
        nf_wait_wake(k->waiter, NF_OK);
    /* Without a call its end is told by the template. A process that closed its pipe and lives on
     * is ended. */
    if (k->state != NF_WORKER_BUSY && !k->exited)
        kill_process(k);
}

static void on_readable(void *arg)
{
    struct nf_worker *k = arg;
    char *p;
    size_t room;
    if (k->state == NF_WORKER_BUSY && k->asking) {
        char c;
        ssize_t n = read(k->from, &c, 1);
        if (n == 0)
            pipe_closed(k);
        else if (n > 0)
            nf_worker_break(k, NF_E_UNAVAILABLE,
                            "the process broke the protocol: it spoke while a question was open");
        return;
    }
    if (nf_wire_room(&k->reader, &p, &room, NULL) != NF_OK) {
        k->paused = true; /* until its call's fiber has taken what is there */
        nf_watch_pause(k->watch);
        return;
    }
    ssize_t n = read(k->from, p, room);
    if (n < 0)
        return;
    if (n == 0) {
        pipe_closed(k);
        return;
    }
    nf_wire_fed(&k->reader, (size_t)n);
    if (k->state != NF_WORKER_BUSY)
        came_unasked(k);
    else if (k->waiter)
        nf_wait_wake(k->waiter, NF_OK);
}

/* --- what its template says ------------------------------------------------------------------- */

/* linux/pidfd.h since Linux 6.13, of which the headers here may know nothing: its first 64 bytes.
 */
struct pidfd_info_0 {
    uint64_t mask, cgroup;
    uint32_t pid, others[11];
};
static_assert(sizeof(struct pidfd_info_0) == 64, "PIDFD_INFO_SIZE_VER0");
#define GET_PIDFD_INFO _IOWR(0xff, 11, struct pidfd_info_0)
#define PIDFD_INFO_PID_BIT 1u

/* Its number in our namespace: the ioctl, or proc(5), /proc/pid/fdinfo: of a pidfd "Pid:". */
static pid_t pid_of(int pidfd)
{
    struct pidfd_info_0 info = { .mask = PIDFD_INFO_PID_BIT };
    if (ioctl(pidfd, GET_PIDFD_INFO, &info) == 0 && (info.mask & PIDFD_INFO_PID_BIT))
        return (pid_t)info.pid;
    char path[64], text[512] = "";
    (void)snprintf(path, sizeof path, "/proc/self/fdinfo/%d", pidfd);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    const char *line = n > 0 ? strstr(text, "\nPid:") : NULL;
    return line ? (pid_t)strtol(line + 5, NULL, 10) : 0;
}

void nf_worker_forked(struct nf_worker *k, int pidfd)
{
    if (k->pidfd >= 0 || pidfd < 0) {
        if (pidfd >= 0)
            close(pidfd);
        return;
    }
    k->pidfd = pidfd;
    k->pid = pid_of(pidfd);
    if (k->killed) {
        kill_process(k);
    } else if (k->state == NF_WORKER_STARTING && k->asking) {
        k->asking = false;
        become(k, NF_WORKER_IDLE);
        nf_pool_ready(k->pool, k);
    } else if (k->state == NF_WORKER_STARTING && !k->exited) {
        k->since_us = nf_warden_now_us(); /* its own time begins */
        nf_warden_due(k->pool->warden, k->since_us + nf_us(NF_WORKER_START_MS));
    }
}

/* abort() may not send itself SIGABRT there, and the C library then ends with SIGSEGV. */
static const char *signal_words(int sig)
{
    switch (sig) {
    case SIGSEGV:
    case SIGBUS:
        return "it followed a bad pointer, or called abort";
    case SIGABRT:
        return "it gave up (abort)";
    case SIGFPE:
        return "it divided by zero or the like";
    case SIGILL:
    case SIGTRAP:
        return "it ran into code that is none";
    case SIGSYS:
        return "it used a forbidden system call";
    case SIGXCPU:
        return "it used more processor time than limits.cpu_ms allows";
    case SIGKILL:
        return "the kernel ended it, most likely over its memory limit";
    default:
        return "by a signal";
    }
}

static bool ended_by(int status, int sig)
{
    return WIFSIGNALED(status) && WTERMSIG(status) == sig;
}

void nf_worker_explain(const struct nf_worker *k, struct nf_err *ret)
{
    if (k->why.code != NF_OK) {
        *ret = k->why;
    } else if (!k->exited || (k->killed && ended_by(k->status, SIGKILL))) {
        ret->code = nf_err_set(ret, NF_E_UNAVAILABLE, "the skill's process closed its pipe");
    } else if (WIFSIGNALED(k->status)) {
        int sig = WTERMSIG(k->status);
        ret->code = nf_err_set(ret, NF_E_UNAVAILABLE, "the skill crashed: %s (SIG%s)",
                               signal_words(sig), sigabbrev_np(sig) ? sigabbrev_np(sig) : "?");
    } else {
        ret->code = nf_err_set(ret, NF_E_UNAVAILABLE,
                               "the skill's process ended by itself with exit code %d",
                               WEXITSTATUS(k->status));
    }
}

void nf_worker_exited(struct nf_worker *k, int status, const char *text)
{
    if (k->state == NF_WORKER_STARTING && k->watch)
        on_readable(k); /* it may have said why */
    k->exited = true;
    k->status = status;
    if (k->state == NF_WORKER_BUSY) {
        if (k->waiter)
            nf_wait_wake(k->waiter, NF_OK);
        return;
    }
    if (status == -1 && k->why.code == NF_OK)
        k->why.code = nf_err_set(&k->why, NF_E_UNAVAILABLE, "no process for the skill: %s", text);
    if (k->state == NF_WORKER_STARTING && k->why.code == NF_OK && ended_by(status, SIGKILL)) {
        /* What it was killed for the warden tells by another socket, before or soon. */
        if (k->pool->violation[0] != '\0') {
            nf_worker_break(k, NF_E_DENIED, NF_WORKER_VIOLATION, k->pool->violation);
            return;
        }
        hang_up(k);
        k->since_us = nf_warden_now_us();
        nf_warden_due(k->pool->warden, k->since_us + nf_us(NF_WORKER_VIOLATION_MS));
        return;
    }
    nf_worker_bury(k);
}

struct nf_worker *nf_pool_unexplained(struct nf_pool *p)
{
    struct nf_worker *k;
    DL_FOREACH(p->workers, k)
    {
        if (k->state == NF_WORKER_STARTING && k->exited)
            return k;
    }
    return NULL;
}

void nf_worker_bury(struct nf_worker *k)
{
    if (k->why.code == NF_OK && k->state != NF_WORKER_LEAVING)
        nf_worker_explain(k, &k->why);
    if (k->state != NF_WORKER_LEAVING)
        drop(k);
    nf_worker_free(k);
}

void nf_worker_lost(struct nf_worker *k, const struct nf_err *why)
{
    k->exited = true;
    k->status = SIGKILL;
    kill_process(k);
    if (k->why.code == NF_OK)
        k->why = *why;
    if (k->state == NF_WORKER_BUSY) {
        if (k->waiter)
            nf_wait_wake(k->waiter, NF_OK);
        return;
    }
    if (k->state != NF_WORKER_LEAVING)
        become(k, NF_WORKER_LEAVING);
    nf_worker_free(k);
}

/* --- start ------------------------------------------------------------------------------------ */

/* Memory that both share for what is too big for a pipe. It can neither shrink, which would end the
 * daemon with SIGBUS if it mapped it, nor grow; the daemon only ever reads and writes it as a file.
 */
static int make_memory(void)
{
    int fd = memfd_create("skill", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return -1;
    if (ftruncate(fd, 2 * (off_t)NF_WIRE_BULK_MAX) != 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static NF_RC open_pipes(struct nf_worker *k, int theirs[3], struct nf_err *err)
{
    int in[2] = { -1, -1 }, out[2] = { -1, -1 };
    bool ok = pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0;
    int error = errno;
    k->memory = ok ? make_memory() : -1;
    k->to = in[1];
    k->from = out[0];
    theirs[0] = in[0];
    theirs[1] = out[1];
    theirs[2] = k->memory;
    if (k->memory < 0)
        return nf_err_set(err, NF_E_UNAVAILABLE, "pipes for a skill: %s",
                          strerror(ok ? errno : error));
    if (fcntl(k->to, F_SETFL, O_NONBLOCK) != 0)
        return nf_err_set(err, NF_E_UNAVAILABLE, "pipes for a skill: %s", strerror(errno));
    return nf_watch_new(k->pool->warden->o.loop, k->from, on_readable, k, &k->watch, err);
}

void nf_worker_load(struct nf_worker *k)
{
    char load[NF_WIRE_HEAD];
    nf_wire_put_head(load, NF_WIRE_LOAD, k->number, 0);
    become(k, NF_WORKER_STARTING);
    /* That much always fits into an empty pipe. If nobody has its other end, whoever should have
     * will say why. */
    (void)!write(k->to, load, sizeof load);
    nf_warden_due(k->pool->warden,
                  k->since_us + nf_us(k->pidfd >= 0 ? NF_WORKER_START_MS : NF_WORKER_FORK_MS));
}

NF_RC nf_worker_start(struct nf_pool *p, bool blank, struct nf_err *err)
{
    struct nf_worker *k = calloc(1, sizeof *k);
    int theirs[3] = { -1, -1, -1 };
    if (!k)
        return nf_err_set(err, NF_E_NOMEM, "no memory for a skill's process");
    *k = (struct nf_worker){ .pool = p, .to = -1, .from = -1, .memory = -1, .pidfd = -1 };
    k->number = ++p->warden->numbers;
    k->state = NF_WORKER_BLANK;
    k->since_us = nf_warden_now_us();
    DL_APPEND(p->workers, k);
    enum nf_code rc = open_pipes(k, theirs, err);
    if (rc == NF_OK)
        nf_template_fork(p, k->number, blank, theirs);
    close_fd(&theirs[0]);
    close_fd(&theirs[1]);
    if (rc != NF_OK) {
        nf_worker_free(k);
        return rc;
    }
    p->warden->alive++;
    p->warden->stats.workers++;
    if (blank) {
        p->blank = k;
        nf_warden_due(p->warden, k->since_us + nf_us(NF_WORKER_FORK_MS));
    } else {
        nf_worker_load(k);
    }
    return NF_OK;
}
