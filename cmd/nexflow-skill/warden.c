/* The warden: starts templates when the daemon says so, tells how they and their workers ended, and
 * takes note of what workers tried. Serves one socket; gone when that is. */
#include "cmd/nexflow-skill/roles.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define JAIL_WAIT_MS 5000 /* for what nf_jail_wait still has to do once it need not wait */

struct template
{
    uint64_t number;    /* 0: free */
    bool ready, spared; /* spared: it came of the spare */
    uint32_t slot;
    struct nf_jail_process process;
};

static struct nf_sandbox *sandbox;
static struct template templates[NF_CONTROL_TEMPLATES];
static int due = -1; /* in ms; -1: nothing is */

static void finish(void)
{
    for (int i = 0; i < NF_CONTROL_TEMPLATES; i++) {
        if (templates[i].number)
            nf_jail_end(&templates[i].process, NULL);
    }
    programs_finish();
    spares_finish();
    nf_sandbox_free(sandbox);
    _exit(0);
}

void warden_tell_fd(const struct nf_control *c, int fd)
{
    struct nf_err err;
    if (nf_control_send(NF_CONTROL_FD, c, &fd, fd >= 0 ? 1 : 0, &err) != NF_OK)
        finish();
}

void warden_tell(const struct nf_control *c)
{
    warden_tell_fd(c, -1);
}

/* --- templates -------------------------------------------------------------------------------- */

void warden_refuse(uint64_t number, const struct nf_err *why)
{
    struct nf_control c = nf_control_make(NF_CONTROL_REFUSED, number);
    c.code = (int)why->code;
    nf_control_text(&c, why->msg);
    warden_tell(&c);
}

static void end(struct template *t)
{
    struct nf_control c = nf_control_make(NF_CONTROL_ENDED, t->number);
    nf_jail_end(&t->process, &c.code);
    t->number = 0;
    warden_tell(&c);
}

static bool is_slot_taken(uint32_t slot)
{
    for (int i = 0; i < NF_CONTROL_TEMPLATES; i++) {
        if (templates[i].number && templates[i].slot == slot)
            return true;
    }
    return spare_has_slot(slot);
}

uint32_t warden_slot(void)
{
    static uint32_t last;
    do
        last = (last + 1) % NF_JAIL_SLOTS;
    while (is_slot_taken(last));
    return last;
}

static NF_RC check_level(const char *name, struct nf_err *err)
{
    enum nf_level min;
    if (name[0] == '\0')
        return NF_OK;
    if (!nf_level_parse(name, &min))
        return nf_err_set(err, NF_E_INVALID, "min_level '%s': there are L3, L2, L1 and L0.5", name);
    return nf_sandbox_require(sandbox, min, err);
}

static bool is_sealed(int fd)
{
    const int wanted = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;
    int seals = fcntl(fd, F_GET_SEALS);
    return seals >= 0 && (seals & wanted) == wanted;
}

static NF_RC spawn_template(const struct nf_control *c, const int fds[NF_CONTROL_FDS],
                            struct template *t, struct nf_err *err)
{
    struct template_order order = { .cpu_ms = c->cpu_ms, .oneshot = c->oneshot };
    memcpy(order.name, c->name, sizeof order.name);
    memcpy(order.version, c->version, sizeof order.version);
    NF_TRY(check_level(c->level, err));
    int opened = -1, code = fds[2];
    if (code < 0)
        NF_TRY(nf_code_seal(c->text, NF_JAIL_CODE_MAX, &opened, err));
    else if (!is_sealed(code))
        return nf_err_set(err, NF_E_INVALID, "a plugin whose bytes could be changed");
    struct nf_jail_options o = {
        .profile = c->threads ? NF_JAIL_THREADS : NF_JAIL_PLAIN,
        .code_fd = code >= 0 ? code : opened,
        .fds = &fds[0],
        .fds_n = 1,
        .out_fd = fds[1],
        .memory_bytes = c->memory_bytes,
        .group_memory_bytes = c->memory_bytes * c->workers_max,
        .group_processes = c->threads ? 0 : 2 + 2 * (int64_t)c->workers_max,
        .run = template_run,
        .arg = &order,
        .arg_n = sizeof order,
    };
    enum nf_code rc = NF_OK;
    t->spared = spare_take_template(&o, &t->process, &t->slot);
    if (!t->spared) {
        o.slot = t->slot = warden_slot();
        rc = nf_jail_spawn(sandbox, &o, &t->process, err);
    }
    if (rc == NF_OK)
        spare_want_template(&o, c->keep_ms);
    if (opened >= 0)
        close(opened);
    return rc;
}

static void start_program(const struct nf_control *c, const int fds[NF_CONTROL_FDS])
{
    struct nf_err err = { .code = NF_OK };
    err.code = check_level(c->level, &err);
    if (err.code == NF_OK)
        err.code = programs_start(sandbox, c, fds, &err);
    if (err.code != NF_OK)
        warden_refuse(c->number, &err);
}

static void start(const struct nf_control *c, const int fds[NF_CONTROL_FDS])
{
    struct nf_err err = { .code = NF_OK };
    struct template *t = templates;
    while (t < templates + NF_CONTROL_TEMPLATES && t->number)
        t++;
    if (t == templates + NF_CONTROL_TEMPLATES) {
        err.code = nf_err_set(&err, NF_E_LIMIT, "%d skills have processes, no more are allowed",
                              NF_CONTROL_TEMPLATES);
        warden_refuse(c->number, &err);
        return;
    }
    *t = (struct template){ .number = c->number, .process = NF_JAIL_PROCESS_NONE };
    err.code = spawn_template(c, fds, t, &err);
    if (err.code != NF_OK) {
        t->number = 0;
        spares_finish(); /* what is refused now will be refused to the next, too */
        warden_refuse(c->number, &err);
    }
}

static void take_order(void)
{
    struct nf_control c;
    struct nf_err err;
    int fds[NF_CONTROL_FDS];
    enum nf_code rc = nf_control_recv(NF_CONTROL_FD, &c, fds, &err);
    if (rc == NF_E_UNAVAILABLE)
        finish();
    if (rc != NF_OK)
        return;
    if (c.type == NF_CONTROL_START && c.number && fds[0] >= 0 && fds[1] >= 0)
        start(&c, fds);
    if (c.type == NF_CONTROL_PROGRAM && c.number && fds[0] >= 0 && fds[1] >= 0 && fds[2] >= 0)
        start_program(&c, fds);
    if (c.type == NF_CONTROL_END && c.number)
        programs_kill(c.number);
    /* Killed now, and cleared away once it is dead: that may take a while, and others wait. */
    for (int i = 0; c.type == NF_CONTROL_END && i < NF_CONTROL_TEMPLATES; i++) {
        if (c.number && templates[i].number == c.number)
            (void)pidfd_send_signal(templates[i].process.pidfd, SIGKILL, NULL, 0);
    }
    for (int i = 0; i < NF_CONTROL_FDS; i++) {
        if (fds[i] >= 0)
            close(fds[i]);
    }
}

static void get_ready(struct template *t)
{
    struct nf_err err = { .code = NF_OK };
    err.code = nf_jail_wait(&t->process, JAIL_WAIT_MS, &err);
    if (err.code != NF_OK) {
        uint64_t number = t->number;
        nf_jail_end(&t->process, NULL);
        t->number = 0;
        warden_refuse(number, &err);
        return;
    }
    t->ready = true;
    struct nf_control c = nf_control_make(NF_CONTROL_READY, t->number);
    c.spared = t->spared;
    warden_tell(&c);
}

/* --- violations ------------------------------------------------------------------------------- */

static void take_violation(struct template *t)
{
    struct nf_violation v;
    struct nf_err err;
    enum nf_code rc = nf_violation_take(t->process.listener, &v, &err);
    if (rc == NF_E_CANCELED) {
        close(t->process.listener);
        t->process.listener = -1;
    }
    if (rc != NF_OK)
        return;
    struct nf_control c = nf_control_make(NF_CONTROL_VIOLATION, t->number);
    c.pid = v.pid;
    (void)snprintf(
        c.text, sizeof c.text, "%s (%d) with %#llx, %#llx, %#llx, %#llx, %#llx, %#llx at %#llx",
        v.name, v.number, (unsigned long long)v.args[0], (unsigned long long)v.args[1],
        (unsigned long long)v.args[2], (unsigned long long)v.args[3], (unsigned long long)v.args[4],
        (unsigned long long)v.args[5], (unsigned long long)v.ip);
    warden_tell(&c);
}

/* --- the loop --------------------------------------------------------------------------------- */

struct polled {
    struct pollfd v[1 + 2 * NF_CONTROL_TEMPLATES + PROGRAMS_POLLED + SPARES];
    struct template *of[1 + 2 * NF_CONTROL_TEMPLATES];
    nfds_t n;
};

static void add(struct polled *p, int fd, struct template *t)
{
    if (fd < 0)
        return;
    p->of[p->n] = t;
    p->v[p->n++] = (struct pollfd){ .fd = fd, .events = POLLIN };
}

/* What comes of a template: that it is ready or not, a violation, its end. */
static void serve(struct template *t, int fd)
{
    if (!t->number)
        return; /* it ended in this round */
    if (!t->ready)
        get_ready(t);
    else if (fd == t->process.listener)
        take_violation(t);
    else
        end(t);
}

static void serve_once(void)
{
    struct polled p = { .n = 0 };
    add(&p, NF_CONTROL_FD, NULL);
    for (struct template *t = templates; t < templates + NF_CONTROL_TEMPLATES; t++) {
        if (t->number && !t->ready)
            add(&p, t->process.ready_fd, t);
        if (t->number && t->ready) {
            add(&p, t->process.listener, t); /* first: before the end there may be a violation */
            add(&p, t->process.pidfd, t);
        }
    }
    size_t programs = programs_poll(p.v + p.n);
    struct pollfd *spares = p.v + p.n + programs;
    int n = poll(p.v, p.n + programs + spares_poll(spares), due);
    if (n < 0)
        return;
    for (nfds_t i = 1; i < p.n; i++) {
        if (p.v[i].revents)
            serve(p.of[i], p.v[i].fd);
    }
    due = programs_serve(p.v + p.n, programs);
    if (p.v[0].revents)
        take_order();
    int spare_due = spares_serve(sandbox, spares, n == 0);
    if (due < 0 || (spare_due >= 0 && spare_due < due))
        due = spare_due;
}

static void say_hello(void)
{
    const struct nf_sandbox_report *r = nf_sandbox_report(sandbox);
    struct nf_control c = nf_control_make(NF_CONTROL_HELLO, 0);
    (void)snprintf(c.level, sizeof c.level, "%s", nf_level_name(r->level));
    nf_sandbox_gaps_text(r, c.text, sizeof c.text);
    warden_tell(&c);
}

/* Templates are forks, so what is loaded here is loaded in all of them. */
static void load_libraries(const char *const *names)
{
    for (; *names; names++) {
        if (!dlopen(*names, RTLD_NOW | RTLD_GLOBAL))
            (void)fprintf(stderr, "nexflow-skill: %s\n", dlerror());
    }
}

#define HOLE_MAX ((size_t)32 * 1024)
#define HOLES_MAX 10000 /* of one size */

/* Compiling the policies leaves holes all over the heap. A worker that got memory from them would
 * copy a page for each piece, so they are filled for good: what comes then lies side by side. */
static void fill_holes(void)
{
#ifndef __SANITIZE_ADDRESS__ /* whose heap is another */
    char *volatile behind = malloc(2 * HOLE_MAX);
    for (size_t size = HOLE_MAX; size >= 16; size /= 2) {
        for (int i = 0; i < HOLES_MAX; i++) {
            char *volatile p = malloc(size);
            if (!p || (uintptr_t)p > (uintptr_t)behind) {
                free(p);
                break;
            }
        }
    }
    free(behind);
#endif
}

int warden_run(const char *const *preload)
{
    static char line[BUFSIZ];
    struct nf_err err;
    tzset();
    (void)umask(022); /* the roots of jails are seen by other users */
    (void)setvbuf(stdout, line, _IOLBF, sizeof line); /* what a plugin prints comes by lines */
    load_libraries(preload);
    if (nf_sandbox_new(&sandbox, &err) != NF_OK) {
        (void)fprintf(stderr, "nexflow-skill: %s\n", err.msg);
        return 1;
    }
    say_hello();
    fill_holes();
    for (;;)
        serve_once();
}
