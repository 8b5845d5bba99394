#include "tests/attack/jail.h"

#include "sandbox/impl.h" /* a jail without seccomp, which sandbox.h refuses */
#include "tests/attack/world.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <nexflow/skill.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define REPORT_FD 3
#define MEMORY_BYTES ((int64_t)256 << 20)
#define GROUP_MEMORY_BYTES ((int64_t)512 << 20)
#define GROUP_PROCESSES 64
#define CPU_SECONDS 5
#define ENDLESS_MS 200
#define PATIENCE_MS 15000

/* --- inside ----------------------------------------------------------------------------------- */

struct line {
    char text[240];
};

static void report(const char *format, ...) NF_PRINTF(1, 2);
static void report(const char *format, ...)
{
    struct line l = { "" };
    va_list ap;
    va_start(ap, format);
    (void)vsnprintf(l.text, sizeof l.text, format, ap);
    va_end(ap);
    if (write(REPORT_FD, &l, sizeof l) != sizeof l)
        _exit(9);
}

static int replyf(const struct nf_skill_host *h, const char *format, ...) NF_PRINTF(2, 3);
static int replyf(const struct nf_skill_host *h, const char *format, ...)
{
    struct line l = { "" };
    va_list ap;
    (void)h;
    va_start(ap, format);
    (void)vsnprintf(l.text, sizeof l.text, format, ap);
    va_end(ap);
    return write(REPORT_FD, &l, sizeof l) == sizeof l ? NF_SKILL_OK : NF_SKILL_E_INTERNAL;
}

static const struct nf_skill_json *json_get(const struct nf_skill_host *h,
                                            const struct nf_skill_json *v, const char *key)
{
    (void)h, (void)v, (void)key;
    return NULL;
}

static const char *json_str(const struct nf_skill_host *h, const struct nf_skill_json *v)
{
    (void)h, (void)v;
    return NULL;
}

static void worker(const struct nf_jail *j)
{
    struct nf_err err;
    static const struct nf_skill_host host = { .abi_major = NF_SKILL_ABI_MAJOR,
                                               .struct_size = sizeof host,
                                               .replyf = replyf,
                                               .json_get = json_get,
                                               .json_str = json_str };
    static const struct nf_skill_request request = { .abi_major = NF_SKILL_ABI_MAJOR,
                                                     .struct_size = sizeof request };
    if (nf_worker_enter(j, CPU_SECONDS, &err) != NF_OK) {
        report("jail: enter: %s", err.msg);
        _exit(0);
    }
    void *h = dlopen(j->plugin, RTLD_NOW | RTLD_LOCAL);
    const struct nf_skill_v1 *skill = h ? dlsym(h, "nf_skill_v1") : NULL;
    if (!skill)
        report("load: %s", dlerror());
    else if (nf_worker_lock(j, &err) != NF_OK)
        report("jail: lock: %s", err.msg);
    else
        (void)skill->call(&host, &request);
    _exit(0);
}

static int template(const struct nf_jail *j, void *arg)
{
    (void)arg;
    int status = 0;
    pid_t pid = fork();
    if (pid == 0)
        worker(j);
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        report("jail: no worker");
    report("status %d", status);
    return 0;
}

/* --- outside ---------------------------------------------------------------------------------- */

struct run {
    struct nf_jail_process process;
    int report;  /* we read */
    bool ended;  /* the template has said how */
    int status;  /* of the worker */
    bool result; /* a plugin's answer came */
    char *ret;
};

static void take_line(struct run *r)
{
    struct line l;
    if (read(r->report, &l, sizeof l) != sizeof l) {
        r->ended = true;
    } else if (strncmp(l.text, "status ", 7) == 0) {
        r->status = (int)strtol(l.text + 7, NULL, 10);
        r->ended = true;
    } else if (strncmp(l.text, "result ", 7) == 0) {
        (void)snprintf(r->ret, JAIL_OUTCOME, "%s", attack_outcome(strtol(l.text + 7, NULL, 10)));
        r->result = true;
    } else {
        (void)snprintf(r->ret, JAIL_OUTCOME, "%.*s", JAIL_OUTCOME - 1, l.text);
        r->result = true;
    }
}

static void take_violation(struct run *r)
{
    struct nf_violation v;
    struct nf_err err;
    if (nf_violation_take(r->process.listener, &v, &err) == NF_OK) {
        (void)snprintf(r->ret, JAIL_OUTCOME, "kill %s", v.name);
        r->result = true;
    }
}

/* False: it had to be ended. */
static bool watch(struct run *r, int patience_ms)
{
    while (!r->ended) {
        struct pollfd p[2] = { { .fd = r->report, .events = POLLIN },
                               { .fd = r->process.listener, .events = POLLIN } };
        int n = poll(p, 2, patience_ms);
        if (n == 0)
            return false;
        if (p[1].revents & POLLIN)
            take_violation(r);
        else if (p[0].revents)
            take_line(r);
    }
    return true;
}

static void say_how_it_ended(struct run *r)
{
    if (r->result)
        return;
    if (WIFSIGNALED(r->status))
        (void)snprintf(r->ret, JAIL_OUTCOME, "SIG%s", sigabbrev_np(WTERMSIG(r->status)));
    else if (r->status == 0)
        (void)strcpy(r->ret, "worked"); /* it became /bin/true */
    else
        (void)snprintf(r->ret, JAIL_OUTCOME, "exit %d", WEXITSTATUS(r->status));
}

static enum nf_code start(struct nf_sandbox *s, const struct nf_jail_options *o, bool by_spare,
                          struct nf_jail_process *ret, struct nf_err *err)
{
    struct nf_failure failed;
    if (!by_spare)
        return nf_jail_spawn_failing(s, o, ret, &failed, err);
    NF_TRY(nf_jail_spare(s, o, ret, err));
    NF_TRY(nf_jail_wait(ret, PATIENCE_MS, err));
    return nf_jail_use(o, ret, err);
}

void attack_in_jail(struct nf_sandbox *s, const char *path, bool endless, bool by_spare,
                    char ret[JAIL_OUTCOME])
{
    struct run r = { .process = NF_JAIL_PROCESS_NONE, .report = -1, .ret = ret };
    struct nf_err err = { 0 };
    int code = -1, fds[2] = { -1, -1 };
    ret[0] = '\0';
    if (pipe2(fds, O_CLOEXEC) != 0)
        abort();
    r.report = fds[0];
    struct nf_jail_options o = { .profile = NF_JAIL_PLAIN,
                                 .fds = &fds[1],
                                 .fds_n = 1,
                                 .out_fd = -1,
                                 .memory_bytes = MEMORY_BYTES,
                                 .group_memory_bytes = GROUP_MEMORY_BYTES,
                                 .group_processes = GROUP_PROCESSES,
                                 .run = template };
    enum nf_code rc = nf_code_seal(path, NF_JAIL_CODE_MAX, &code, &err);
    o.code_fd = code;
    if (rc == NF_OK)
        rc = start(s, &o, by_spare, &r.process, &err);
    (void)close(fds[1]);
    if (rc == NF_OK)
        rc = nf_jail_wait(&r.process, PATIENCE_MS, &err);
    if (rc != NF_OK)
        (void)snprintf(ret, JAIL_OUTCOME, "jail: %.*s", JAIL_OUTCOME - 7, err.msg);
    else if (!watch(&r, endless ? ENDLESS_MS : PATIENCE_MS))
        (void)strcpy(ret, "deadline");
    else
        say_how_it_ended(&r);
    nf_jail_end(&r.process, NULL);
    (void)close(r.report);
    if (code >= 0)
        (void)close(code);
}
