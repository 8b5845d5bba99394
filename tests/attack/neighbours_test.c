/*
 * Skill against skill, and a worker seen from outside. The attacker is told the number of the
 * victim's process; the victim keeps count of its calls, so that it is seen to live on untouched.
 */
#include "tests/attack/host.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PROCESSES_MAX 256

/* Those of the table that name another process, or meet one halfway. */
static const char *const at_others[] = {
    "kill_daemon",           "tgkill",           "tkill",           "queue_signal",
    "pidfd_signal",          "pidfd_steal",      "ptrace_daemon",   "read_memory",
    "write_memory",          "kill_all",         "kill_group",      "kill_parent",
    "proc_daemon_environ",   "proc_daemon_fd",   "proc_daemon_cwd", "proc_daemon_mem",
    "robust_list_of_daemon", "limits_of_daemon", "shared_memory",   "semaphores",
    "message_queue",         "posix_queue",      "abstract_socket", "compare_kernel_objects",
    "move_pages_of_daemon",  "inherited_read",   "inherited_write", "setsid",
};

static const char *attacker, *victim;

/* --- processes that are descendants of ours ----------------------------------------------------
 */

static pid_t parent_of(pid_t pid)
{
    char path[64], line[512] = "";
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *f = fopen(path, "re");
    if (!f)
        return 0;
    size_t n = fread(line, 1, sizeof line - 1, f);
    (void)fclose(f);
    line[n] = '\0';
    char *after = strrchr(line, ')');
    int parent = 0;
    return after && sscanf(after + 1, " %*c %d", &parent) == 1 ? parent : 0;
}

static size_t descendants(pid_t ret[PROCESSES_MAX])
{
    size_t n = 0;
    DIR *d = opendir("/proc");
    for (struct dirent *e; d && n < PROCESSES_MAX && (e = readdir(d));) {
        if (!isdigit((unsigned char)e->d_name[0]))
            continue;
        pid_t pid = (pid_t)strtol(e->d_name, NULL, 10), up = pid;
        for (int depth = 0; depth < 5 && up > 1 && up != getpid(); depth++)
            up = parent_of(up);
        if (up == getpid() && pid != getpid())
            ret[n++] = pid;
    }
    if (d)
        (void)closedir(d);
    return n;
}

static bool is_in(pid_t pid, const pid_t *of, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (of[i] == pid)
            return true;
    return false;
}

/* The one that is new since `before` and has no child: a worker. */
static pid_t new_worker(const pid_t *before, size_t before_n)
{
    pid_t now[PROCESSES_MAX], found = 0;
    size_t n = descendants(now);
    for (size_t i = 0; i < n; i++) {
        bool parent = false;
        for (size_t k = 0; k < n; k++)
            parent = parent || parent_of(now[k]) == now[i];
        if (!parent && !is_in(now[i], before, before_n))
            found = now[i];
    }
    return found;
}

/* --- one attacks the other ---------------------------------------------------------------------
 */

static bool count(struct host *h, const char *path, int want)
{
    char text[32];
    struct host_result r;
    struct host_call c = { .path = path, .name = "protocol", .tool = "count" };
    host_call(h, &c, &r);
    (void)snprintf(text, sizeof text, "call %d", want);
    return host_check(h, r.code == NF_OK && strcmp(r.text, text) == 0,
                      "the victim says \"%s\", not \"%s\"", r.text, text);
}

static void attack_neighbour(struct host *h, const char *name, const char *phase)
{
    char path[256];
    struct host_result r;
    attack_world_restore(&h->world);
    if (!attack_world_plugin(&h->world, attacker, name, phase, path))
        abort();
    struct host_call c = { .path = path };
    host_call(h, &c, &r);
    nf_warden_retire(h->warden, "attack");
    (void)unlink(path);
    (void)host_check(h, strcmp(r.outcome, "worked") != 0 && strcmp(r.outcome, "nothing") != 0,
                     "%s in %s against another skill: %s", name, phase, r.outcome);
}

/* --- seen from outside -------------------------------------------------------------------------
 */

static long status_field(pid_t pid, const char *field, int base)
{
    char path[64], line[256];
    long value = -1;
    (void)snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, field, strlen(field)) == 0 && line[strlen(field)] == ':')
            value = strtol(line + strlen(field) + 1, NULL, base);
    if (f)
        (void)fclose(f);
    return value;
}

static long bytes_of(pid_t pid, const char *what)
{
    char path[64], buf[256];
    (void)snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, what);
    FILE *f = fopen(path, "re");
    if (!f)
        return -1;
    size_t n = fread(buf, 1, sizeof buf, f);
    (void)fclose(f);
    return (long)n;
}

static int highest_descriptor(pid_t pid)
{
    char path[64];
    int highest = -1;
    (void)snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *d = opendir(path);
    for (struct dirent *e; d && (e = readdir(d));)
        if (isdigit((unsigned char)e->d_name[0]) && atoi(e->d_name) > highest)
            highest = atoi(e->d_name);
    if (d)
        (void)closedir(d);
    return highest;
}

static bool same_namespace(pid_t pid, const char *kind)
{
    char path[64], theirs[64] = "", ours[64] = "";
    (void)snprintf(path, sizeof path, "/proc/%d/ns/%s", (int)pid, kind);
    ssize_t n = readlink(path, theirs, sizeof theirs - 1);
    (void)snprintf(path, sizeof path, "/proc/self/ns/%s", kind);
    return n > 0 && readlink(path, ours, sizeof ours - 1) > 0 && strcmp(ours, theirs) == 0;
}

static void look_at(struct host *h, pid_t pid)
{
    const char *level = nf_warden_level(h->warden);
    (void)host_check(h, status_field(pid, "Seccomp", 10) == 2, "a worker without a filter");
    (void)host_check(h, status_field(pid, "Seccomp_filters", 10) >= 3,
                     "a worker has %ld filters, not those of template, loading and run",
                     status_field(pid, "Seccomp_filters", 10));
    (void)host_check(h, status_field(pid, "NoNewPrivs", 10) == 1, "a worker may gain rights");
    (void)host_check(h, status_field(pid, "CapEff", 16) == 0, "a worker has capabilities");
    (void)host_check(h, status_field(pid, "CapPrm", 16) == 0, "a worker has capabilities");
    (void)host_check(h, status_field(pid, "Threads", 10) == 1, "a worker has threads");
    if (geteuid() != 0)
        return; /* it cannot be looked at more closely, which is right */
    (void)host_check(h, status_field(pid, "Uid", 10) != 0, "a worker is root");
    (void)host_check(h, bytes_of(pid, "environ") <= 0, "a worker has an environment");
    (void)host_check(h, highest_descriptor(pid) <= 4, "a worker has descriptor %d",
                     highest_descriptor(pid));
    if (level[1] >= '2') {
        static const char *const kinds[] = { "mnt", "pid", "net", "ipc", "uts", "cgroup" };
        for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
            (void)host_check(h, !same_namespace(pid, kinds[i]), "a worker shares our %s namespace",
                             kinds[i]);
    }
}

/* The daemon keeps all its rights: what jails is done in processes of their own. */
static void look_at_ourselves(struct host *h, long filters, long capabilities)
{
    (void)host_check(h, status_field(getpid(), "Seccomp_filters", 10) == filters,
                     "the daemon got a filter");
    (void)host_check(h, status_field(getpid(), "NoNewPrivs", 10) == 0, "the daemon lost rights");
    (void)host_check(h, status_field(getpid(), "CapEff", 16) == capabilities,
                     "the daemon lost capabilities");
    FILE *f = fopen("/etc/passwd", "re");
    (void)host_check(h, f != NULL, "the daemon cannot open files");
    if (f)
        (void)fclose(f);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)host_check(h, fd >= 0, "the daemon has no network");
    (void)close(fd);
}

static void neighbours(struct host *h)
{
    pid_t before[PROCESSES_MAX];
    char path[256];
    int calls = 0;
    long filters = status_field(getpid(), "Seccomp_filters", 10);
    long capabilities = status_field(getpid(), "CapEff", 16);
    size_t before_n = descendants(before);
    if (!attack_world_plugin(&h->world, victim, "", "run", path))
        abort();
    (void)count(h, path, ++calls);
    pid_t pid = new_worker(before, before_n);
    if (!host_check(h, pid > 0, "the victim's process was not found"))
        return;
    look_at(h, pid);
    look_at_ourselves(h, filters, capabilities);

    h->world.orders.daemon = pid;
    for (size_t i = 0; i < sizeof at_others / sizeof *at_others; i++) {
        attack_neighbour(h, at_others[i], "run");
        attack_neighbour(h, at_others[i], "ctor");
        (void)count(h, path, ++calls);
    }
}

int main(void)
{
    attacker = getenv("NF_ATTACK_PLUGIN");
    victim = getenv("NF_ATTACK_LIAR");
    return attacker && victim ? host_main(neighbours) : 2;
}
