/* What the tests of templates and workers share: a jail, and how those inside say what they see. */
#pragma once

#include "sandbox/cgroup.h"
#include "sandbox/sandbox.h"
#include "tests/support/test.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAIT_MS 60000
#define MEMORY ((int64_t)128 << 20)
#define REPORT_FD 3 /* inside: where a test writes what it saw */
#define ORDER_FD 4  /* inside: closed when the template may end */

struct jail {
    struct nf_sandbox *sandbox;
    int code;
    int report[2], order[2];
    struct nf_jail_process process;
    char seen[4096];
};

static inline int setup(void **data)
{
    static struct jail j;
    struct nf_err err;
    j = (struct jail){ .code = -1, .process = NF_JAIL_PROCESS_NONE };
    setenv("NX_SECRET", "hunter2", 1);
    if (nf_sandbox_new(&j.sandbox, &err) != NF_OK || pipe2(j.report, O_CLOEXEC) != 0 ||
        pipe2(j.order, O_CLOEXEC) != 0 ||
        nf_code_seal(TEST_PLUGIN, NF_JAIL_CODE_MAX, &j.code, &err) != NF_OK)
        return -1;
    *data = &j;
    return 0;
}

static inline int teardown(void **data)
{
    struct jail *j = *data;
    int fds[] = { j->code, j->report[0], j->report[1], j->order[0], j->order[1] };
    nf_jail_end(&j->process, NULL);
    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
        if (fds[i] >= 0)
            close(fds[i]);
    }
    nf_sandbox_free(j->sandbox);
    return 0;
}

static inline bool has(const struct jail *j, enum nf_layer l)
{
    return nf_sandbox_report(j->sandbox)->have[l];
}

/* Skipping has to be said, or a green test means nothing. */
#define needs(j, layer)                                                                            \
    do {                                                                                           \
        if (!has(j, layer)) {                                                                      \
            print_message("skipped: this machine has no %s\n", nf_layer_name(layer));              \
            skip();                                                                                \
        }                                                                                          \
    } while (0)

static inline void keep_only(struct jail *j, unsigned layers)
{
    bool keep[NF_LAYERS];
    for (int l = 0; l < NF_LAYERS; l++)
        keep[l] = layers >> l & 1;
    nf_sandbox_restrict(j->sandbox, keep);
}
#define WITHOUT(layer) (~(1u << (layer)))
#define UP_TO(layer)                                                                               \
    (((2u << (layer)) - 1) | 1u << NF_LAYER_NOTIFY | 1u << NF_LAYER_MDWE | 1u << NF_LAYER_UID)

static inline enum nf_code spawn_with(struct jail *j, int (*run)(const struct nf_jail *, void *),
                                      enum nf_jail_profile profile, struct nf_err *err)
{
    int fds[] = { j->report[1], j->order[0] };
    const struct nf_jail_options o = {
        .profile = profile,
        .code_fd = j->code,
        .fds = fds,
        .fds_n = 2,
        .out_fd = -1,
        .slot = 7,
        .memory_bytes = MEMORY,
        .group_memory_bytes = 2 * MEMORY,
        .group_processes = 8,
        .run = run,
    };
    enum nf_code rc = nf_jail_spawn(j->sandbox, &o, &j->process, err);
    return rc == NF_OK ? nf_jail_wait(&j->process, WAIT_MS, err) : rc;
}

static inline void spawn(struct jail *j, int (*run)(const struct nf_jail *, void *))
{
    struct nf_err err;
    assert_ok(spawn_with(j, run, NF_JAIL_PLAIN, &err), &err);
}

/* Everything that was written to REPORT_FD, once nobody is left who could write more. */
static inline const char *report(struct jail *j)
{
    size_t n = 0;
    close(j->report[1]);
    j->report[1] = -1;
    struct pollfd p = { .fd = j->report[0], .events = POLLIN };
    ssize_t got = 1;
    while (got > 0) {
        if (poll(&p, 1, WAIT_MS) <= 0)
            fail_msg("the jail says nothing");
        got = read(j->report[0], j->seen + n, sizeof(j->seen) - 1 - n);
        n += got > 0 ? (size_t)got : 0;
    }
    j->seen[n] = '\0';
    return j->seen;
}

static inline int ended(struct jail *j)
{
    int status = -1;
    siginfo_t info;
    waitid(P_PID, (id_t)j->process.pid, &info, WEXITED | WNOWAIT);
    nf_jail_end(&j->process, &status);
    return status;
}

static inline void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static inline void say(const char *format, ...)
{
    char text[256];
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    (void)!write(REPORT_FD, text, (size_t)n);
}

/* Fork, go into the jail of a worker, load the plugin, lock, call one function; its result is said.
 * The template's exit code is 100 plus the signal that ended the worker, or its exit code. */
static inline int in_worker(const struct nf_jail *j, const char *function)
{
    struct nf_err err;
    pid_t pid = fork();
    if (pid < 0)
        return 90;
    if (pid == 0) {
        if (nf_worker_enter(j, 5, &err) != NF_OK)
            _exit(91);
        void *plugin = dlopen(j->plugin, RTLD_NOW | RTLD_LOCAL);
        if (!plugin) {
            say("%s\n", dlerror());
            _exit(92);
        }
        int (*fn)(void) = NULL;
        *(void **)&fn = dlsym(plugin, function); /* as dlsym's page of POSIX has it */
        if (!fn || nf_worker_lock(j, &err) != NF_OK)
            _exit(93);
        say("%s %d\n", function, fn());
        _exit(0);
    }
    int status;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFSIGNALED(status) ? 100 + WTERMSIG(status) : WEXITSTATUS(status);
}

static inline int answers(const struct nf_jail *j, void *arg)
{
    (void)arg;
    return in_worker(j, "answer");
}
