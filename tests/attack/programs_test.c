/*
 * Attacks from the looser jail of programs, whole, with a proxy, and at level L1 (no namespaces, no
 * cgroup): no network, none of other people's files, processes and kernel facilities, and nothing
 * that outlives the call. What programs need is there: processes, threads, code made as they run,
 * their directory.
 *
 * The part that starts jails is this program, executed anew, as in layers_test.c.
 */
#include "sandbox/program.h"
#include "tests/attack/world.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_MS 10000
#define GONE_MS 5000
#define MEMORY_BYTES ((int64_t)256 << 20)
#define PROCESSES 32
#define FILE_BYTES ((int64_t)8 << 20)

enum want {
    REFUSED, /* an errno, or its end by the kernel */
    CGROUP,  /* the same where there is a cgroup, else it may work */
    WORKS,
};

static const struct
try {
    const char *name;
    enum want want;
}
tries[] = {
    /* the network */
    { "socket_inet", REFUSED },
    { "socket_inet6", REFUSED },
    { "socket_udp", REFUSED },
    { "socket_raw", REFUSED },
    { "socket_unix", REFUSED },
    { "socket_netlink", REFUSED },
    { "socket_packet", REFUSED },
    { "socket_vsock", REFUSED },
    { "connect", REFUSED },
    { "listen", REFUSED },
    { "send_datagram", REFUSED },
    { "abstract_socket", REFUSED },
    { "daemon_socket", REFUSED },
    { "io_uring", REFUSED },
    /* files of others */
    { "open_secret", REFUSED },
    { "create_file", REFUSED },
    { "overwrite", REFUSED },
    { "truncate", REFUSED },
    { "unlink", REFUSED },
    { "rename", REFUSED },
    { "hard_link", REFUSED },
    { "symlink", REFUSED },
    { "mkdir", REFUSED },
    { "mknod", REFUSED },
    { "through_symlink", REFUSED },
    { "through_hard_link", REFUSED },
    { "etc_shadow", REFUSED },
    { "home", REFUSED },
    { "fill_disk", REFUSED },
    { "open_by_handle", REFUSED },
    { "handle_of_root", REFUSED },
    { "mount", REFUSED },
    { "umount", REFUSED },
    { "fsopen", REFUSED },
    { "open_tree", REFUSED },
    { "mount_setattr", REFUSED },
    { "pivot_root", REFUSED },
    { "chroot", REFUSED },
    { "fanotify", REFUSED },
    { "swapon", REFUSED },
    { "acct", REFUSED },
    { "quota", REFUSED },
    /* processes of others */
    { "proc_daemon_environ", REFUSED },
    { "proc_daemon_mem", REFUSED },
    { "proc_daemon_fd", REFUSED },
    { "proc_daemon_cwd", REFUSED },
    { "kill_daemon", REFUSED },
    { "tgkill", REFUSED },
    { "queue_signal", REFUSED },
    { "pidfd_signal", REFUSED },
    { "pidfd_steal", REFUSED },
    { "ptrace_daemon", REFUSED },
    { "ptrace_me", REFUSED },
    { "read_memory", REFUSED },
    { "write_memory", REFUSED },
    { "compare_kernel_objects", REFUSED },
    { "limits_of_daemon", REFUSED },
    { "environment", REFUSED },
    { "inherited_read", REFUSED },
    { "inherited_write", REFUSED },
    { "find_needle", REFUSED },
    /* more rights, and the kernel's surface */
    { "unshare_user", REFUSED },
    { "unshare_net", REFUSED },
    { "clone_namespaces", REFUSED },
    { "setns", REFUSED },
    { "setuid", REFUSED },
    { "setgroups", REFUSED },
    { "bpf", REFUSED },
    { "perf_event", REFUSED },
    { "userfault", REFUSED },
    { "add_key", REFUSED },
    { "request_key", REFUSED },
    { "keyctl", REFUSED },
    { "personality", REFUSED },
    { "type_into_terminal", REFUSED },
    { "vmsplice", REFUSED },
    { "move_pages_of_daemon", REFUSED },
    { "memory_policy", REFUSED },
    { "kernel_log", REFUSED },
    { "init_module", REFUSED },
    { "delete_module", REFUSED },
    { "kexec", REFUSED },
    { "reboot", REFUSED },
    { "set_time", REFUSED },
    { "set_clock", REFUSED },
    { "adjust_clock", REFUSED },
    { "host_name", REFUSED },
#ifdef __x86_64__
    { "modify_ldt", REFUSED },
    { "iopl", REFUSED },
    { "ioperm", REFUSED },
    { "int80_socket", REFUSED },
    { "int80_open", REFUSED },
#endif
    /* amounts */
    { "memory_bomb", CGROUP },
    { "fork_bomb", WORKS }, /* as many as are allowed */
    /* what interpreters need */
    { "fork", WORKS },
    { "thread", WORKS },
    { "execve", WORKS },
    { "mmap_rwx", WORKS },
    { "mprotect_exec", WORKS },
    { "create_here", WORKS },
    { "pipe", WORKS },
    { "socketpair", WORKS },
    { "epoll", WORKS },
    { "linger", WORKS },
};

static struct {
    char dir[64];   /* the program and its orders */
    char work[128]; /* its work directory */
    char program[128], orders[128];
    size_t checks, failures;
} it;

static void check(bool good, const char *name, const char *level, const char *what)
{
    it.checks++;
    if (good)
        return;
    it.failures++;
    (void)printf("FAILED: %s at %s: %s\n", name, level, what);
}

/* Whether everybody who could write to it is gone. */
static bool closes(int fd)
{
    char buf[256];
    struct pollfd p = { .fd = fd, .events = POLLIN };
    while (poll(&p, 1, GONE_MS) == 1)
        if (read(fd, buf, sizeof buf) <= 0)
            return true;
    return false;
}

static enum nf_code make_spare_and_use(struct nf_sandbox *s, const struct nf_program_options *o,
                                       struct nf_jail_process *ret, struct nf_err *err)
{
    struct nf_program_options blank = *o;
    blank.argv = blank.read_only = NULL;
    blank.work_dir = NULL;
    NF_TRY(nf_program_spare(s, &blank, ret, NULL, err));
    NF_TRY(nf_jail_wait(ret, PATIENCE_MS, err));
    return nf_program_use(s, o, ret, err);
}

/* What it printed, or how it ended. */
static void run(struct nf_sandbox *s, const char *name, const char *level, bool proxy,
                bool by_spare, char ret[128])
{
    struct nf_jail_process p = NF_JAIL_PROCESS_NONE;
    struct nf_err err = { 0 };
    int fds[2], status = 0;
    const char *argv[] = { it.program, it.orders, name, NULL }, *env[] = { "HOME=/work", NULL };
    const char *read_only[] = { it.dir, NULL };
    char text[128] = "";
    if (pipe2(fds, O_CLOEXEC) != 0)
        abort();
    struct nf_program_options o = { .argv = argv,
                                    .env = env,
                                    .work_dir = it.work,
                                    .read_only = read_only,
                                    .proxy = proxy,
                                    .in_fd = -1,
                                    .out_fd = fds[1],
                                    .err_fd = -1,
                                    .memory_bytes = MEMORY_BYTES,
                                    .processes = PROCESSES,
                                    .cpu_seconds = 10,
                                    .file_bytes = FILE_BYTES };
    enum nf_code rc =
        by_spare ? make_spare_and_use(s, &o, &p, &err) : nf_program_spawn(s, &o, &p, &err);
    (void)close(fds[1]);
    if (rc == NF_OK)
        rc = nf_jail_wait(&p, PATIENCE_MS, &err);
    struct pollfd end = { .fd = p.pidfd, .events = POLLIN };
    bool ended = rc == NF_OK && poll(&end, 1, PATIENCE_MS) == 1;
    nf_jail_end(&p, &status);
    (void)fcntl(fds[0], F_SETFL, O_NONBLOCK);
    ssize_t n = read(fds[0], text, sizeof text - 1);
    text[n > 0 ? n : 0] = '\0';
    check(closes(fds[0]), name, level, "something of it is still there");
    (void)close(fds[0]);
    if (rc != NF_OK)
        (void)snprintf(ret, 128, "jail: %.100s", err.msg);
    else if (!ended)
        (void)strcpy(ret, "late");
    else if (strncmp(text, "result ", 7) == 0)
        (void)snprintf(ret, 128, "%s", attack_outcome(strtol(text + 7, NULL, 10)));
    else if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        (void)strcpy(ret, "worked"); /* it became another program */
    else
        (void)snprintf(ret, 128, "ended with %d", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

/* With a proxy it has sockets, of the one kind that leads there. */
static bool is_open_to(const char *name, bool proxy)
{
    return proxy && strcmp(name, "socket_inet") == 0;
}

static void try_all(bool namespaces, bool proxy, bool by_spare)
{
    struct nf_sandbox *s = NULL;
    struct nf_err err = { 0 };
    bool keep[NF_LAYERS];
    if (nf_sandbox_new(&s, &err) != NF_OK) {
        check(false, "sandbox", "?", err.msg);
        return;
    }
    for (int l = 0; l < NF_LAYERS; l++)
        keep[l] = namespaces || (l != NF_LAYER_NAMESPACES && l != NF_LAYER_CGROUP);
    nf_sandbox_restrict(s, keep);
    const struct nf_sandbox_report *r = nf_sandbox_report(s);
    const char *level = nf_level_name(r->level);
    if (r->level < NF_LEVEL_L1) {
        (void)printf("level %s: programs are refused\n", level);
        nf_sandbox_free(s);
        return;
    }
    if ((proxy || by_spare) && !r->have[NF_LAYER_NAMESPACES]) {
        nf_sandbox_free(s);
        return;
    }
    for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
        char outcome[128];
        run(s, tries[i].name, level, proxy, by_spare, outcome);
        bool worked = strcmp(outcome, "worked") == 0 || strcmp(outcome, "nothing") == 0;
        bool broken = strncmp(outcome, "jail: ", 6) == 0 || strcmp(outcome, "late") == 0 ||
                      (strcmp(outcome, "ENOENT") == 0 && strcmp(tries[i].name, "environment") != 0);
        if (getenv("NF_ATTACK_VERBOSE"))
            (void)printf("%-24s %-4s %s\n", tries[i].name, level, outcome);
        if (tries[i].want == WORKS || is_open_to(tries[i].name, proxy))
            check(worked, tries[i].name, level, outcome);
        else if (tries[i].want == REFUSED || r->have[NF_LAYER_CGROUP])
            check(!worked && (!broken || namespaces), tries[i].name, level, outcome);
    }
    nf_sandbox_free(s);
}

/* --- two processes, as in layers_test.c ----------------------------------------------------------
 */

static bool copy(const char *from, const char *to)
{
    char buf[65536];
    size_t n;
    FILE *in = fopen(from, "re"), *out = fopen(to, "we");
    while (in && out && (n = fread(buf, 1, sizeof buf, in)) > 0)
        (void)fwrite(buf, 1, n, out);
    bool ok = in && out && fclose(out) == 0 && chmod(to, 0755) == 0;
    return in && fclose(in) == 0 && ok;
}

static void name_paths(const char *dir)
{
    (void)snprintf(it.dir, sizeof it.dir, "%s", dir);
    (void)snprintf(it.work, sizeof it.work, "%s-work", dir);
    (void)snprintf(it.program, sizeof it.program, "%s/program", dir);
    (void)snprintf(it.orders, sizeof it.orders, "%s/orders", dir);
}

static int inside(const char *dir)
{
    name_paths(dir);
    try_all(true, false, false);
    try_all(true, true, false);
    try_all(false, false, false);
    try_all(true, false, true);
    (void)printf("%zu checks, %zu failed\n", it.checks, it.failures);
    return it.failures || !it.checks ? 1 : 0;
}

static int outside(const char *program)
{
    struct attack_world w;
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    char dir[] = "/tmp/nf-attack-program-XXXXXX", clean[512];
    int status = -1, fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (!attack_world_new(&w) || !mkdtemp(dir) || chmod(dir, 0755) != 0)
        return 1;
    name_paths(dir);
    (void)snprintf(a.sun_path, sizeof a.sun_path, "%.90s/daemon.sock", w.orders.dir);
    FILE *f = fopen(it.orders, "we");
    bool ok = f && fwrite(&w.orders, 1, sizeof w.orders, f) == sizeof w.orders && fclose(f) == 0 &&
              copy(program, it.program) && mkdir(it.work, 0777) == 0 &&
              bind(fd, (struct sockaddr *)&a, sizeof a) == 0 && listen(fd, 8) == 0 &&
              chmod(a.sun_path, 0777) == 0;
    pid_t pid = ok ? fork() : -1;
    if (pid == 0) {
        char *argv[] = { "programs_test", dir, NULL };
        (void)execv("/proc/self/exe", argv);
        _exit(1);
    }
    if (pid > 0)
        (void)waitpid(pid, &status, 0);
    (void)close(fd);
    attack_world_free(&w);
    (void)snprintf(clean, sizeof clean, "rm -rf '%s' '%s-work'", dir, dir);
    int rc = system(clean); // NOLINT: of our own names
    return ok && rc == 0 && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(int argc, char **argv)
{
    const char *program = getenv("NF_ATTACK_PROGRAM");
    if (argc == 2)
        return inside(argv[1]);
    return program ? outside(program) : 2;
}
