/*
 * The first process of a program's jail. It starts the program, reaps whatever is orphaned, and
 * ends with the program's status. With a pid namespace its end is everybody's; without one it is
 * where orphans come to (PR_SET_CHILD_SUBREAPER), and kills them one by one.
 */
#include "sandbox/program_impl.h"

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
    char control[CMSG_SPACE(sizeof(ret->fds))], byte;
    struct iovec io = { .iov_base = &byte, .iov_len = 1 };
    struct msghdr h = {
        .msg_iov = &io, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)
    };
    ssize_t got = recvmsg(from, &h, MSG_CMSG_CLOEXEC);
    struct cmsghdr *c = got == 1 ? CMSG_FIRSTHDR(&h) : NULL;
    if (!c || c->cmsg_type != SCM_RIGHTS)
        return false;
    ret->n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    memcpy(ret->fds, CMSG_DATA(c), ret->n * sizeof(int));
    return true;
}

static int serve(const struct nf_program_setup *p)
{
    struct order o;
    while (!asked_to_end && take_order(p->order, &o)) {
        pid_t program = fork();
        if (program == 0)
            run(p, o.fds, o.n);
        for (size_t i = 0; i < o.n; i++)
            close(o.fds[i]);
        int status = program < 0 ? NF_PROGRAM_NOT_RUN : see_it_end(p, program);
        if (send(p->order, &status, sizeof(status), MSG_NOSIGNAL) < 0)
            break;
    }
    return 0;
}

NF_RC nf_program_run(int order, const int *fds, size_t n, struct nf_err *err)
{
    assert(n >= 3 && n <= ORDER_FDS);
    char control[CMSG_SPACE(ORDER_FDS * sizeof(int))] = { 0 }, byte = 'r';
    struct iovec io = { .iov_base = &byte, .iov_len = 1 };
    struct msghdr h = { .msg_iov = &io,
                        .msg_iovlen = 1,
                        .msg_control = control,
                        .msg_controllen = CMSG_SPACE(n * sizeof(int)) };
    struct cmsghdr *c = CMSG_FIRSTHDR(&h);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(n * sizeof(int));
    memcpy(CMSG_DATA(c), fds, n * sizeof(int));
    if (sendmsg(order, &h, MSG_NOSIGNAL) != 1)
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
