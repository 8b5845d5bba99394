/* What the tests of programs share: a jail, and the shell of the machine in it. */
#pragma once

#include "sandbox/cgroup.h"
#include "sandbox/program.h"

#include "tests/support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAIT_MS 60000
#define FILE_BYTES 65536

struct rig {
    bool last; /* of the last run in a jail that stays */
    struct nf_sandbox *sandbox;
    struct nf_jail_process process;
    char work[64], text[8192];
    int out[2];
    bool proxy;
    const char *const *read_only;
    int64_t memory, processes;
};

static inline int setup(void **data)
{
    static struct rig r;
    struct nf_err err;
    r = (struct rig){ .process = NF_JAIL_PROCESS_NONE, .processes = 32 };
    (void)snprintf(r.work, sizeof(r.work), "/tmp/nexflow-work-XXXXXX");
    if (nf_sandbox_new(&r.sandbox, &err) != NF_OK || !mkdtemp(r.work) ||
        pipe2(r.out, O_CLOEXEC) != 0)
        return -1;
    *data = &r;
    return 0;
}

static inline int remove_entry(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st;
    (void)type;
    (void)where;
    return remove(path);
}

static inline int teardown(void **data)
{
    struct rig *r = *data;
    nf_jail_end(&r->process, NULL);
    close(r->out[0]);
    if (r->out[1] >= 0)
        close(r->out[1]);
    nf_sandbox_free(r->sandbox);
    return nftw(r->work, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static inline bool has(const struct rig *r, enum nf_layer l)
{
    return nf_sandbox_report(r->sandbox)->have[l];
}

#define needs(r, layer)                                                                            \
    do {                                                                                           \
        if (!has(r, layer)) {                                                                      \
            print_message("skipped: this machine has no %s\n", nf_layer_name(layer));              \
            skip();                                                                                \
        }                                                                                          \
    } while (0)

/* Where Landlock cannot keep signals in (before version 6), a program of our own user is refused
 * without namespaces. */
static inline void needs_signals_kept(const struct rig *r)
{
    if (nf_sandbox_report(r->sandbox)->landlock_abi < 6) {
        print_message("skipped: Landlock keeps no signals here\n");
        skip();
    }
}

static inline void take_away(struct rig *r, enum nf_layer a, enum nf_layer b)
{
    bool keep[NF_LAYERS];
    for (enum nf_layer l = 0; l < NF_LAYERS; l++)
        keep[l] = l != a && l != b;
    nf_sandbox_restrict(r->sandbox, keep);
}

static inline struct nf_program_options options(const struct rig *r, const char *const *argv)
{
    static const char *const env[] = { "PATH=/usr/bin:/bin", "GREETING=hello", NULL };
    return (struct nf_program_options){
        .argv = argv,
        .env = env,
        .work_dir = r->work,
        .read_only = r->read_only,
        .proxy = r->proxy,
        .in_fd = -1,
        .out_fd = r->out[1],
        .err_fd = r->out[1],
        .slot = 9,
        .memory_bytes = r->memory,
        .processes = r->processes,
        .cpu_seconds = 20,
        .file_bytes = FILE_BYTES,
    };
}

static inline enum nf_code start(struct rig *r, const char *const *argv, struct nf_err *err)
{
    const struct nf_program_options o = options(r, argv);
    enum nf_code rc = nf_program_spawn(r->sandbox, &o, &r->process, err);
    return rc == NF_OK ? nf_jail_wait(&r->process, WAIT_MS, err) : rc;
}

static inline void begin(struct rig *r, const char *script)
{
    const char *const argv[] = { "/bin/bash", "-c", script, NULL };
    struct nf_err err;
    assert_ok(start(r, argv, &err), &err);
}

static const char *output(struct rig *r)
{
    struct pollfd p = { .fd = r->out[0], .events = POLLIN };
    size_t n = 0;
    close(r->out[1]);
    r->out[1] = -1;
    for (ssize_t got = 1; got > 0; n += got > 0 ? (size_t)got : 0) {
        if (poll(&p, 1, WAIT_MS) <= 0)
            fail_msg("no end of output after: %s", r->text);
        got = read(r->out[0], r->text + n, sizeof(r->text) - 1 - n);
        r->text[n + (got > 0 ? (size_t)got : 0)] = '\0';
    }
    return r->text;
}

static inline int status(struct rig *r)
{
    int st = -1;
    siginfo_t info;
    waitid(P_PID, (id_t)r->process.pid, &info, WEXITED | WNOWAIT);
    nf_jail_end(&r->process, &st);
    return WIFEXITED(st) ? WEXITSTATUS(st) : -1;
}

static inline void assert_says(struct rig *r, const char *script, const char *want)
{
    begin(r, script);
    assert_string_equal(output(r), want);
    assert_int_equal(status(r), 0);
}

#define PROGRAM_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
