/*
 * The first process of a program's jail. It starts the program, reaps whatever is orphaned, and
 * ends with the program's status. With a pid namespace its end is everybody's; without one it is
 * where orphans come to (PR_SET_CHILD_SUBREAPER), and kills them one by one.
 */
#include "sandbox/program_impl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 2000
#define ORDER_FDS (3 + NF_PROGRAM_FDS_MAX)
#define ROUND_NS 1000000

static volatile sig_atomic_t asked_to_end;

static void on_term(int sig)
{
    (void)sig;
    asked_to_end = 1;
}

/* `fds`: what becomes its 0, 1, 2, ...; NULL: they are there already. */
static _Noreturn void run(const struct nf_program_setup *p, const int *fds, size_t n)
{
    const struct nf_program_options *o = p->o;
    (void)signal(SIGTERM, SIG_DFL);
    /* One domain deeper than its parent, so that it cannot send it a signal (Landlock ABI 6). */
    const struct nf_land_rule all = { .path = "/", .may = NF_LAND_WRITE };
    bool alone = p->base.have[NF_LAYER_NAMESPACES] || !p->base.have[NF_LAYER_LANDLOCK];
    int rc = alone ? 0 : nf_landlock_restrict(&all, 1);
    if (rc == 0 && fds)
        rc = nf_place_descriptors(fds, n);
    if (rc == 0)
        rc = nf_step_with_parent(NULL);
    if (rc == 0)
        execve(o->argv[0], (char *const *)o->argv, (char *const *)p->env);
    dprintf(2, "%s: %s\n", o->argv[0], strerror(rc ? -rc : errno));
    _exit(NF_PROGRAM_NOT_RUN);
}

/* Our children, as the kernel lists them (proc(5), task/[tid]/children), with blanks between. */
static void kill_children(int list)
{
    char text[4096];
    ssize_t n = pread(list, text, sizeof(text) - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    char *end;
    for (char *p = text; *p; p = end) {
        long pid = strtol(p, &end, 10);
        if (end == p || (*end != ' ' && *end != '\0'))
            return;
        if (*end == ' ') /* else it may be cut: the next round has it */
            kill((pid_t)pid, SIGKILL);
        end += *end == ' ';
    }
}

/* Each round kills a generation; the next becomes ours by that. */
static void end_everybody(int list)
{
    for (int i = 0; i < ROUNDS; i++) {
        kill_children(list);
        pid_t pid;
        while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
            ;
        if (pid < 0 && errno == ECHILD)
            return;
        nanosleep(&(struct timespec){ .tv_nsec = ROUND_NS }, NULL);
    }
}

/* Whoever else is in the namespace is a child of ours, or descends from one: orphans become ours.
 */
static bool is_alone(void)
{
    pid_t pid;
    while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
        ;
    return pid < 0 && errno == ECHILD;
}

/* Until the program has ended, and then everybody else. Its status as an exit code. */
static int see_it_end(const struct nf_program_setup *p, pid_t program)
{
    int status = 0;
    for (pid_t pid = 0; pid != program && !asked_to_end;) {
        pid = waitpid(-1, &status, 0);
        if (pid < 0 && errno != EINTR)
            break;
    }
    if (!p->base.have[NF_LAYER_NAMESPACES]) {
        end_everybody(p->children);
    } else if (p->order >= 0) { /* else our own end is theirs */
        if (!is_alone()) /* to signal all, the kernel looks at every process of the machine */
            kill(-1, SIGKILL);
        while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
            ;
    }
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int run_once(const struct nf_program_setup *p)
{
    pid_t program = fork();
    if (program == 0)
        run(p, NULL, 0);
    if (program < 0)
        return NF_PROGRAM_NOT_RUN;
    for (int fd = 0; fd < 3 + (int)p->o->fds_n; fd++)
        close(fd); /* whoever reads its output should see its end */
    return see_it_end(p, program);
}

/* --- a jail that stays ------------------------------------------------------------------------ */

struct order {
    int fds[ORDER_FDS];
    size_t n;
};

/* False: nobody is left who could ask. */
static bool take_order(int from, struct order *ret)
{
    char byte;
    return nf_beside_recv(from, &byte, 1, ret->fds, ORDER_FDS, &ret->n, MSG_CMSG_CLOEXEC) == 1 &&
           ret->n > 0;
}

static bool is_empty(const char *path)
{
    DIR *d = opendir(path);
    int n = 0;
    while (d && readdir(d))
        n++;
    if (d)
        closedir(d);
    return n == 2; /* "." and ".." */
}

/* proc(5), /proc/sysvipc: a heading, and a line for each. */
static bool has_no_line(const char *path)
{
    char text[1024];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof(text)) : -1;
    if (fd >= 0)
        close(fd);
    return n > 0 && text[n - 1] == '\n' && memchr(text, '\n', (size_t)n) == text + n - 1;
}

/* Whether a run left nothing for the next one but its work directory. Message queues of POSIX it
 * cannot make (RLIMIT_MSGQUEUE); without namespaces there is none of this. */
static bool left_nothing(const struct nf_program_setup *p)
{
    return !p->base.have[NF_LAYER_NAMESPACES] ||
           (is_empty("/tmp") && is_empty("/dev/shm") && has_no_line("/proc/sysvipc/shm") &&
            has_no_line("/proc/sysvipc/sem") && has_no_line("/proc/sysvipc/msg"));
}

/* In the new process, which until then has our memory. What it should not have is closed by exec as
 * well; this is the second lock. Signals are as they should be (nf_step_signals). */
static _Noreturn void run_in_place(const struct nf_program_setup *p, const struct order *o,
                                   volatile int *error)
{
    bool placed = true;
    for (size_t i = 0; placed && i < o->n; i++)
        placed = dup2(o->fds[i], (int)i) >= 0;
    if (placed && close_range((unsigned)o->n, ~0u, 0) != 0) {
        for (int fd = (int)o->n; fd < NF_PROGRAM_NOFILE; fd++) /* before Linux 5.9 */
            close(fd);
    }
    if (placed)
        execve(p->o->argv[0], (char *const *)p->o->argv, (char *const *)p->env);
    *error = errno;
    _exit(NF_PROGRAM_NOT_RUN);
}

/* Without a copy of ourselves, which a jail of its own has no need of: nothing is left to be done
 * in the new process but to put descriptors in place. They come in the order of their numbers,
 * above ours, so that none is put where one still waits to be. posix_spawn would look at each
 * signal there is, twice. */
static pid_t start_in_place(const struct nf_program_setup *p, const struct order *o)
{
    volatile int error = 0;
    pid_t pid = vfork(); /* NOLINT(clang-analyzer-security.insecureAPI.vfork) */
    if (pid == 0)
        run_in_place(p, o, &error); /* NOLINT(clang-analyzer-unix.Vfork) */
    if (pid > 0 && error == 0)
        return pid;
    dprintf(o->fds[2], "%s: %s\n", p->o->argv[0], strerror(pid < 0 ? errno : error));
    if (pid > 0)
        waitpid(pid, NULL, 0);
    return -1;
}

static pid_t start(const struct nf_program_setup *p, const struct order *o)
{
    for (size_t i = 0; i < o->n; i++)
        assert(o->fds[i] > p->order && (i == 0 || o->fds[i] > o->fds[i - 1]));
    if (p->base.have[NF_LAYER_NAMESPACES])
        return start_in_place(p, o);
    pid_t program = fork();
    if (program == 0)
        run(p, o->fds, o->n);
    return program;
}

static int serve(const struct nf_program_setup *p)
{
    struct order o;
    while (!asked_to_end && take_order(p->order, &o)) {
        pid_t program = start(p, &o);
        for (size_t i = 0; i < o.n; i++)
            close(o.fds[i]);
        int status = program < 0 ? NF_PROGRAM_NOT_RUN : see_it_end(p, program);
        if (send(p->order, &status, sizeof(status), MSG_NOSIGNAL) < 0)
            break;
        int last = !left_nothing(p); /* while whoever asked has the answer already */
        if (send(p->order, &last, sizeof(last), MSG_NOSIGNAL) < 0 || last)
            break;
    }
    return 0;
}

NF_RC nf_program_run(int order, const int *fds, size_t n, struct nf_err *err)
{
    assert(n >= 3 && n <= ORDER_FDS);
    if (!nf_beside_send(order, "r", 1, fds, n))
        return nf_err_set(err, NF_E_UNAVAILABLE, "run a program in its jail: %s", strerror(errno));
    return NF_OK;
}

NF_RC nf_program_ran(int order, int *status, struct nf_err *err)
{
    int got;
    if (recv(order, &got, sizeof(got), 0) != sizeof(got))
        return nf_err_set(err, NF_E_UNAVAILABLE, "the jail of a program has ended");
    *status = got;
    return NF_OK;
}

NF_RC nf_program_was_last(int order, bool *ret, struct nf_err *err)
{
    int last = true;
    NF_TRY(nf_program_ran(order, &last, err));
    *ret = last;
    return NF_OK;
}

/* --- the first process ------------------------------------------------------------------------ */

int nf_program_init(struct nf_setup *s)
{
    const struct nf_program_setup *p = nf_program_of(s);
    struct sigaction term = { .sa_handler = on_term };
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* the program may be the same user */
    /* The first of a pid namespace gets no signal from inside that it does not handle. */
    if (!s->have[NF_LAYER_NAMESPACES]) {
        sigaction(SIGTERM, &term, NULL);
        prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    }
    return p->order < 0 ? run_once(p) : serve(p);
}
