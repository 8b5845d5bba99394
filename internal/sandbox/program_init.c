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
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 2000
#define ROUND_NS 1000000

static volatile sig_atomic_t asked_to_end;

static void on_term(int sig)
{
    (void)sig;
    asked_to_end = 1;
}

static _Noreturn void run(const struct nf_program_setup *p)
{
    const struct nf_program_options *o = p->o;
    signal(SIGTERM, SIG_DFL);
    /* One domain deeper than its parent, so that it cannot send it a signal (Landlock ABI 6). */
    const struct nf_land_rule all = { .path = "/", .may = NF_LAND_WRITE };
    bool alone = p->base.have[NF_LAYER_NAMESPACES] || !p->base.have[NF_LAYER_LANDLOCK];
    int rc = alone ? 0 : nf_landlock_restrict(&all, 1);
    if (rc == 0)
        rc = nf_step_with_parent(NULL);
    if (rc == 0)
        execve(o->argv[0], (char *const *)(uintptr_t)o->argv, (char *const *)(uintptr_t)o->env);
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

int nf_program_init(struct nf_setup *s)
{
    const struct nf_program_setup *p = nf_program_of(s);
    struct sigaction term = { .sa_handler = on_term };
    sigaction(SIGTERM, &term, NULL);
    bool alone = s->have[NF_LAYER_NAMESPACES];
    if (!alone)
        prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    pid_t program = fork();
    if (program == 0)
        run(p);
    if (program < 0)
        return NF_PROGRAM_NOT_RUN;
    for (int fd = 0; fd < 3 + (int)p->o->fds_n; fd++)
        close(fd); /* whoever reads its output should see its end */
    int status = 0;
    for (pid_t pid = 0; pid != program && !asked_to_end;) {
        pid = waitpid(-1, &status, 0);
        if (pid < 0 && errno != EINTR)
            break;
    }
    if (!alone)
        end_everybody(p->children);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
