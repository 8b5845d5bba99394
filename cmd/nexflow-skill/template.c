/* A template: jailed, it forks workers when told to and says how they ended. No plugin runs in it,
 * and nothing that a plugin made is read here. */
#include "cmd/nexflow-skill/roles.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define READER_NS 1000000
#define WORKERS_MAX 256

/* What a template writes while its workers live is not among what they are forks of: each would be
 * left with a page of its own for every page that is written. */
struct own {
    struct {
        pid_t pid; /* 0: free */
        uint64_t number;
    } workers[WORKERS_MAX];
    struct nf_control message;
};
static struct own *own;

static void on_child(int sig)
{
    (void)sig; /* only there to end ppoll */
}

/* Many workers were asked for at once, and nobody has read of them yet. Until the daemon is gone.
 */
static void wait_for_reader(void)
{
    const struct timespec a_little = { .tv_nsec = READER_NS };
    struct pollfd p = { .fd = NF_CONTROL_FD };
    if (ppoll(&p, 1, &a_little, NULL) > 0) /* it hung up */
        _exit(1);
}

static void tell(enum nf_control_type type, uint64_t number, int code, const char *text,
                 const int *fds, size_t fds_n)
{
    own->message = nf_control_make(type, number);
    own->message.code = code;
    nf_control_text(&own->message, text);
    enum nf_code rc;
    while ((rc = nf_control_send(NF_CONTROL_FD, &own->message, fds, fds_n, NULL)) == NF_E_LIMIT)
        wait_for_reader();
    if (rc != NF_OK)
        _exit(1); /* the daemon is gone: so are our workers */
}

static void reap(void)
{
    int status;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
        for (int i = 0; i < WORKERS_MAX; i++) {
            if (own->workers[i].pid != pid)
                continue;
            own->workers[i].pid = 0;
            tell(NF_CONTROL_EXITED, own->workers[i].number, status, "", NULL, 0);
        }
    }
}

/* The parent's side of fork. */
static void note(pid_t pid, uint64_t number, int slot)
{
    own->workers[slot].pid = pid;
    own->workers[slot].number = number;
    int pidfd = pidfd_open(pid, 0);
    tell(NF_CONTROL_FORKED, number, 0, "", &pidfd, pidfd >= 0 ? 1 : 0);
    if (pidfd >= 0)
        close(pidfd);
}

static void fork_worker(const struct nf_jail *j, const struct template_order *t, uint64_t number,
                        bool blank, const int fds[NF_CONTROL_FDS])
{
    int slot = 0;
    while (slot < WORKERS_MAX && own->workers[slot].pid != 0)
        slot++;
    if (slot == WORKERS_MAX) {
        tell(NF_CONTROL_EXITED, number, -1, "the skill has as many as it may have", NULL, 0);
        return;
    }
    pid_t pid = fork();
    if (pid == 0) {
        struct worker_order o = {
            .number = number,
            .cpu_ms = t->cpu_ms,
            .oneshot = t->oneshot,
            .blank = blank,
            .name = t->name,
            .version = t->version,
            .fds = { fds[0], fds[1], fds[2] },
        };
        int code = worker_run(j, &o);
        (void)fflush(stdout);
        _exit(code);
    }
    if (pid < 0)
        tell(NF_CONTROL_EXITED, number, -1, strerror(errno), NULL, 0);
    else
        note(pid, number, slot);
}

static void take_order(const struct nf_jail *j, const struct template_order *t)
{
    int fds[NF_CONTROL_FDS];
    if (nf_control_recv(NF_CONTROL_FD, &own->message, fds, NULL) != NF_OK)
        _exit(0);
    if (own->message.type == NF_CONTROL_FORK && fds[0] >= 0 && fds[1] >= 0 && fds[2] >= 0)
        fork_worker(j, t, own->message.number, own->message.code == NF_CONTROL_BLANK, fds);
    for (int i = 0; i < NF_CONTROL_FDS; i++) {
        if (fds[i] >= 0)
            close(fds[i]);
    }
}

static struct own *make_own(void)
{
    void *p =
        mmap(NULL, sizeof(struct own), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED || madvise(p, sizeof(struct own), MADV_DONTFORK) != 0)
        _exit(1);
    return p;
}

int template_run(const struct nf_jail *j, void *order)
{
    const struct template_order *t = order;
    sigset_t blocked, unblocked;
    own = make_own();
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGCHLD);
    sigprocmask(SIG_BLOCK, &blocked, &unblocked);
    sigdelset(&unblocked, SIGCHLD);
    struct sigaction act = { .sa_handler = on_child };
    sigaction(SIGCHLD, &act, NULL);
    worker_prepare();
    for (;;) {
        struct pollfd p = { .fd = NF_CONTROL_FD, .events = POLLIN };
        int n = ppoll(&p, 1, NULL, &unblocked);
        if (n < 0 && errno != EINTR)
            return 1;
        reap();
        if (n > 0)
            take_order(j, t);
    }
}
