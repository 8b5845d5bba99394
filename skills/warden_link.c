/* The process of the warden: starting it, hearing it, noticing that it is gone. */
#include "skills/program_impl.h"
#include "skills/warden_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <utlist.h>

/* --- what it says ----------------------------------------------------------------------------- */

static struct nf_pool *pool_of(struct nf_warden *w, uint64_t template)
{
    struct nf_pool *p;
    DL_FOREACH(w->pools, p)
    {
        if (p->template != NF_TEMPLATE_NONE && p->template_number == template)
            return p;
    }
    return NULL;
}

/* There a plugin's constructor can open what this user may: not our memory and environment under
 * /proc, then (ptrace(2), "Ptrace access mode checking"). */
#define NF_LEVEL_WITHOUT_LANDLOCK "L0.5"

static void take_hello(struct nf_warden *w, const struct nf_control *c)
{
    char *missing;
    if (w->link != NF_LINK_STARTING || nf_strdup(c->text, &missing, NULL) != NF_OK)
        return;
    free(w->missing);
    w->missing = missing;
    memcpy(w->level, c->level, sizeof w->level);
    if (strcmp(w->level, NF_LEVEL_WITHOUT_LANDLOCK) == 0)
        (void)prctl(PR_SET_DUMPABLE, 0);
    w->link = NF_LINK_UP;
    w->link_due_us = NF_NEVER;
    w->link_backoff_ms = 0;
    if (w->hello)
        nf_wait_wake(w->hello, NF_OK);
    nf_pools_balance(w);
}

static void take_ready(struct nf_pool *p, const struct nf_control *c)
{
    p->template = NF_TEMPLATE_READY;
    p->warden->stats.spared += c->spared;
}

static void take_refusal(struct nf_pool *p, const struct nf_control *c)
{
    struct nf_err why;
    enum nf_code code =
        c->code > NF_OK && c->code <= NF_E_INTERNAL ? (enum nf_code)c->code : NF_E_INTERNAL;
    why.code = nf_err_set(&why, code, "'%s' cannot be run: %s", p->name, c->text);
    nf_template_end(p, &why);
    nf_pool_failed(p, &why);
}

static void take_end(struct nf_pool *p, const struct nf_control *c)
{
    struct nf_err why;
    if (WIFSIGNALED(c->code))
        why.code = nf_err_set(&why, NF_E_UNAVAILABLE, "the template of '%s' was ended by signal %d",
                              p->name, WTERMSIG(c->code));
    else
        why.code = nf_err_set(&why, NF_E_UNAVAILABLE, "the template of '%s' ended with code %d",
                              p->name, WEXITSTATUS(c->code));
    nf_template_end(p, &why);
    nf_pool_failed(p, &why);
}

static void take_violation(struct nf_pool *p, const struct nf_control *c)
{
    struct nf_worker *k;
    DL_SEARCH_SCALAR(p->workers, k, pid, (pid_t)c->pid);
    p->warden->stats.violations++;
    if (!k || c->pid <= 0)
        k = nf_pool_unexplained(p);
    if (k)
        nf_worker_break(k, NF_E_DENIED, NF_WORKER_VIOLATION, c->text);
    else
        (void)snprintf(p->violation, sizeof p->violation, "%.255s", c->text);
}

static void link_down(struct nf_warden *w, const char *why);

static void on_message(void *arg)
{
    struct nf_warden *w = arg;
    struct nf_control c;
    struct nf_err err;
    int fds[NF_CONTROL_FDS];
    enum nf_code rc = nf_control_recv(w->control, &c, fds, &err);
    if (rc == NF_E_NOT_FOUND)
        return;
    if (rc != NF_OK) {
        link_down(w, err.msg);
        return;
    }
    struct nf_pool *p = pool_of(w, c.number);
    if (!p && c.type != NF_CONTROL_HELLO && nf_program_message(w, &c, fds[0]))
        fds[0] = -1;
    for (int i = 0; i < NF_CONTROL_FDS; i++) {
        if (fds[i] >= 0)
            close(fds[i]);
    }
    if (c.type == NF_CONTROL_HELLO)
        take_hello(w, &c);
    else if (p && c.type == NF_CONTROL_READY)
        take_ready(p, &c);
    else if (p && c.type == NF_CONTROL_REFUSED)
        take_refusal(p, &c);
    else if (p && c.type == NF_CONTROL_ENDED)
        take_end(p, &c);
    else if (p && c.type == NF_CONTROL_VIOLATION)
        take_violation(p, &c);
}

/* --- its end ---------------------------------------------------------------------------------- */

bool nf_link_reap(struct nf_warden *w)
{
    if (w->pid > 0 && waitpid(w->pid, NULL, WNOHANG) != 0)
        w->pid = 0;
    return w->pid == 0;
}

static void hang_up(struct nf_warden *w)
{
    nf_watch_free(w->control_watch);
    w->control_watch = NULL;
    if (w->control >= 0)
        close(w->control);
    w->control = -1;
    w->link = NF_LINK_DOWN;
}

/* Everything it started has it as parent or grandparent: all of it ends, and what was called fails.
 */
static void link_down(struct nf_warden *w, const char *why)
{
    struct nf_pool *p;
    hang_up(w);
    if (w->pid > 0)
        kill(w->pid, SIGKILL);
    int64_t now = nf_warden_now_us();
    int64_t next = w->link_backoff_ms * 2;
    w->link_due_us = now + w->link_backoff_ms * 1000;
    if (next < NF_LINK_BACKOFF_FIRST_MS)
        next = NF_LINK_BACKOFF_FIRST_MS;
    w->link_backoff_ms = next < NF_LINK_BACKOFF_MAX_MS ? next : NF_LINK_BACKOFF_MAX_MS;
    w->link_why.code = nf_err_set(&w->link_why, NF_E_UNAVAILABLE,
                                  "the process that starts skills (nexflow-skill) ended: %s. It is "
                                  "being started again",
                                  why);
    nf_warden_report(w, NULL, w->link_why.msg);
    nf_programs_lost(w, &w->link_why);
    DL_FOREACH(w->pools, p)
    {
        nf_pool_fail_queue(p, &w->link_why);
        nf_template_end(p, &w->link_why);
    }
    if (w->hello)
        nf_wait_wake(w->hello, NF_OK);
    nf_warden_due(w, w->link_due_us);
}

void nf_link_stop(struct nf_warden *w)
{
    hang_up(w);
    if (w->pid > 0)
        kill(w->pid, SIGKILL);
}

void nf_link_leave(struct nf_warden *w)
{
    int64_t until = nf_warden_now_us() + nf_us(NF_LINK_LEAVE_MS);
    hang_up(w);
    while (!nf_link_reap(w)) {
        if (nf_warden_now_us() > until)
            kill(w->pid, SIGKILL);
        if (nf_sleep(1, NULL) != NF_OK)
            nf_fiber_uncancel();
    }
}

/* --- its start -------------------------------------------------------------------------------- */

/* Nothing of ours is for it: no descriptor but the socket, no variable but the time zone. SIGPIPE,
 * which we ignore, is as usual there. */
static int spawn(const char *program, char *const *argv, int socket, pid_t *ret)
{
    char zone[256], *env[2] = { NULL, NULL };
    const char *tz = getenv("TZ");
    if (tz && snprintf(zone, sizeof zone, "TZ=%s", tz) < (int)sizeof zone)
        env[0] = zone;
    posix_spawn_file_actions_t f;
    posix_spawnattr_t a;
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    int rc = posix_spawn_file_actions_init(&f);
    if (rc != 0)
        return rc;
    rc = posix_spawnattr_init(&a);
    if (rc == 0) {
        posix_spawnattr_setsigdefault(&a, &all);
        posix_spawnattr_setsigmask(&a, &none);
        posix_spawnattr_setflags(&a, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK |
                                         POSIX_SPAWN_SETPGROUP);
        posix_spawn_file_actions_addopen(&f, 0, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_adddup2(&f, 2, 1);
        posix_spawn_file_actions_adddup2(&f, socket, NF_CONTROL_FD);
        posix_spawn_file_actions_addclosefrom_np(&f, NF_CONTROL_FD + 1);
        rc = posix_spawn(ret, program, &f, &a, argv, env);
        posix_spawnattr_destroy(&a);
    }
    posix_spawn_file_actions_destroy(&f);
    return rc;
}

/* adddup2 of a descriptor onto itself would leave it to be closed at exec. */
static NF_RC open_socket(int ends[2], struct nf_err *err)
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return nf_err_set(err, NF_E_UNAVAILABLE, "a socket for nexflow-skill: %s", strerror(errno));
    if (ends[1] > NF_CONTROL_FD)
        return NF_OK;
    int higher = fcntl(ends[1], F_DUPFD_CLOEXEC, NF_CONTROL_FD + 1);
    if (higher < 0) {
        int error = errno;
        close(ends[0]);
        close(ends[1]);
        return nf_err_set(err, NF_E_UNAVAILABLE, "a socket for nexflow-skill: %s", strerror(error));
    }
    close(ends[1]);
    ends[1] = higher;
    return NF_OK;
}

NF_RC nf_link_args(struct nf_warden *w, struct nf_err *err)
{
    static const char *const usual[] = { "libm.so.6", NULL };
    const char *const *more = w->o.preload ? w->o.preload : usual;
    size_t n = 0;
    NF_TRY(nf_strdup(w->program, &w->args[n++], err));
    NF_TRY(nf_strdup("warden", &w->args[n++], err));
    for (; *more; more++) {
        if (n == NF_WARDEN_ARGS - 1)
            return nf_err_set(err, NF_E_LIMIT, "more than %d libraries for skills",
                              NF_WARDEN_ARGS - 3);
        NF_TRY(nf_strdup(*more, &w->args[n++], err));
    }
    return NF_OK;
}

NF_RC nf_link_start(struct nf_warden *w, struct nf_err *err)
{
    int ends[2];
    NF_TRY(open_socket(ends, err));
    int rc = spawn(w->program, w->args, ends[1], &w->pid);
    close(ends[1]);
    w->control = ends[0];
    if (rc != 0) {
        w->pid = 0;
        hang_up(w);
        return nf_err_set(err, NF_E_UNAVAILABLE, "start '%s': %s. Is it installed beside nexflowd?",
                          w->program, strerror(rc));
    }
    enum nf_code watched =
        nf_watch_new(w->o.loop, w->control, on_message, w, &w->control_watch, err);
    if (watched != NF_OK) {
        nf_link_stop(w);
        return watched;
    }
    w->link = NF_LINK_STARTING;
    w->link_due_us = nf_warden_now_us() + nf_us(NF_LINK_HELLO_MS);
    nf_warden_due(w, w->link_due_us);
    return NF_OK;
}

int64_t nf_link_tick(struct nf_warden *w, int64_t now_us)
{
    struct nf_err err;
    if (w->link == NF_LINK_UP)
        return NF_NEVER;
    if (now_us < w->link_due_us)
        return w->link_due_us;
    if (w->link == NF_LINK_STARTING)
        on_message(w); /* it may have spoken while the loop had no time to listen */
    if (w->link == NF_LINK_UP)
        return NF_NEVER;
    if (w->link == NF_LINK_STARTING) {
        link_down(w, "it said nothing");
        return w->link_due_us;
    }
    if (!nf_link_reap(w))
        return now_us + 10000;
    if (nf_link_start(w, &err) != NF_OK)
        link_down(w, err.msg);
    return w->link_due_us;
}
