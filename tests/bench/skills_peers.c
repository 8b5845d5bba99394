/* What calls are compared with: processes that do the like without what we do around it. */
#include "cmd/nexflow-skill/host.h"
#include "tests/bench/skills_bench.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

const char peer_args[] =
    "{\"text\":\"the quick brown fox jumps over the lazy dog, and then it goes back home to write "
    "a "
    "report of about two hundred bytes in total, because that is what is measured here: "
    "200\",\"n\":42,\"x\":1}";
#define ARGS_N (sizeof peer_args - 1)
#define FRAME (NF_WIRE_HEAD + NF_WIRE_CALL_HEAD + 4 + ARGS_N)

const char *peer_plugin;

struct peer start_peer(void (*run)(int in, int out))
{
    int in[2], out[2];
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)
        die("pipe");
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        run(in[0], out[1]);
        _exit(0);
    }
    close(in[0]);
    close(out[1]);
    return (struct peer){ .to = in[1], .from = out[0], .pid = pid };
}

void end_peer(struct peer *p)
{
    kill(p->pid, SIGKILL);
    waitpid(p->pid, NULL, 0);
    close(p->to);
    close(p->from);
}

void echo(int in, int out)
{
    char bytes[4096];
    while (read(in, bytes, sizeof bytes) > 0) {
        if (write(out, bytes, PEER_REPLY) < 0)
            return;
    }
}

void serve_plain(int in, int out)
{
    static struct host h;
    int high_in = fcntl(in, F_DUPFD, 20), high_out = fcntl(out, F_DUPFD, 20);
    dup2(high_in, HOST_IN_FD);
    dup2(high_out, HOST_OUT_FD);
    void *so = dlopen(peer_plugin, RTLD_NOW | RTLD_LOCAL);
    host_init(&h);
    h.plugin = so ? dlsym(so, "nf_skill_v1") : NULL;
    if (h.plugin)
        host_serve(&h);
}

void spawn_and_wait(const char *const *argv)
{
    pid_t pid;
    static char *const none[] = { NULL };
    if (posix_spawn(&pid, argv[0], NULL, NULL, (char *const *)(void *)argv, none) != 0)
        die(argv[0]);
    waitpid(pid, NULL, 0);
}

static const char *const bwrap[] = { "/usr/bin/bwrap", "--ro-bind", "/usr",      "/usr",
                                     "--symlink",      "usr/lib",   "/lib",      "--symlink",
                                     "usr/lib64",      "/lib64",    "--symlink", "usr/bin",
                                     "/bin",           "--proc",    "/proc",     "--dev",
                                     "/dev",           "--tmpfs",   "/tmp",      "--unshare-all",
                                     "/bin/true",      NULL };

void measure_bwrap(enum skills_what w)
{
    double from = now();
    if (access(bwrap[0], X_OK) != 0)
        return;
    spawn_and_wait(bwrap);
    add(w, now() - from);
}

void exchange(int to, int from, const char *p, size_t n)
{
    char back[4096];
    if (write(to, p, n) != (ssize_t)n || read(from, back, sizeof back) <= 0)
        die("a peer is gone");
}

void call_frames(int to, int from, uint64_t id)
{
    char frame[FRAME];
    struct nf_wire_call c = { .deadline_us = INT64_MAX,
                              .output_max = 65536,
                              .tool = { "echo", 4 } };
    nf_wire_put_head(frame, NF_WIRE_CALL, id, sizeof frame - NF_WIRE_HEAD);
    nf_wire_put_call(frame + NF_WIRE_HEAD, &c);
    memcpy(frame + NF_WIRE_HEAD + NF_WIRE_CALL_HEAD, "echo", 4);
    memcpy(frame + NF_WIRE_HEAD + NF_WIRE_CALL_HEAD + 4, peer_args, ARGS_N);
    exchange(to, from, frame, sizeof frame);
}
