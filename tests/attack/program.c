/*
 * A hostile program for the looser jail: program ORDERS NAME carries out one attack, or one of
 * those that only programs can try, and prints "result N" as in attack.h.
 */
#include "tests/attack/attack.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LINGER_S 60

/* A grandchild in a session of its own, which keeps standard output open and ignores signals. */
static long linger(void)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid < 0 ? -errno : ATTACK_WORKED;
    (void)setsid();
    if (fork() != 0)
        _exit(0);
    for (int sig = 1; sig < NSIG; sig++)
        (void)signal(sig, SIG_IGN);
    for (int i = 0; i < LINGER_S; i++)
        (void)sleep(1);
    _exit(0);
}

/* The daemon's socket by its path. */
static long daemon_socket(const struct attack_orders *o)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    (void)snprintf(a.sun_path, sizeof a.sun_path, "%.90s/daemon.sock", o->dir);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    return fd < 0 ? -errno : attack_result(connect(fd, (struct sockaddr *)&a, sizeof a));
}

static long read_path(const char *path)
{
    char c;
    int fd = open(path, O_RDONLY);
    return fd < 0 ? -errno : attack_result(read(fd, &c, 1));
}

/* A pointer in the work directory to what must not be read. */
static long through_symlink(const struct attack_orders *o)
{
    char to[256];
    (void)snprintf(to, sizeof to, "%s/secret", o->dir);
    (void)unlink("pointer");
    return symlink(to, "pointer") != 0 ? -errno : read_path("pointer");
}

static long through_hard_link(const struct attack_orders *o)
{
    char to[256];
    (void)snprintf(to, sizeof to, "%s/secret", o->dir);
    (void)unlink("hard");
    return link(to, "hard") != 0 ? -errno : read_path("hard");
}

static long fill_disk(void)
{
    static char much[1 << 20];
    int fd = open("huge", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    (void)signal(SIGXFSZ, SIG_IGN);
    for (int i = 0; i < 64; i++)
        if (write(fd, much, sizeof much) != (ssize_t)sizeof much)
            return -errno;
    return ATTACK_WORKED;
}

int main(int argc, char **argv)
{
    struct attack_orders o;
    FILE *f = argc == 3 ? fopen(argv[1], "re") : NULL;
    if (!f || fread(&o, 1, sizeof o, f) != sizeof o)
        return 2;
    (void)fclose(f);
    (void)snprintf(o.name, sizeof o.name, "%s", argv[2]);
    long r = strcmp(o.name, "linger") == 0              ? linger()
             : strcmp(o.name, "daemon_socket") == 0     ? daemon_socket(&o)
             : strcmp(o.name, "etc_shadow") == 0        ? read_path("/etc/shadow")
             : strcmp(o.name, "home") == 0              ? read_path("/root/.bashrc")
             : strcmp(o.name, "through_symlink") == 0   ? through_symlink(&o)
             : strcmp(o.name, "through_hard_link") == 0 ? through_hard_link(&o)
             : strcmp(o.name, "fill_disk") == 0         ? fill_disk()
                                                        : attack_run(&o);
    (void)printf("result %ld\n", r);
    return 0;
}
