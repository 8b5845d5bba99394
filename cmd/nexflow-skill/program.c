/*
 * Programs as skills, each run in the looser jail. A jail stays for a while behind a run and takes
 * the next one, if it is the same program with the same limits in the same work directory: that
 * costs a fork instead of a jail. What a run may leave in it is nothing (sandbox/program.h).
 */
#include "sandbox/program.h"
#include "cmd/nexflow-skill/roles.h"
#include "skills/program.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define READY_WAIT_MS 5000 /* for what nf_jail_wait still has to do once it need not wait */

#define PROXY "http://127.0.0.1:" TEXT_OF(NF_PROGRAM_PROXY_PORT)
#define TEXT_OF(number) TEXT_OF_(number)
#define TEXT_OF_(number) #number
#define ENVIRONMENT                                                                                \
    "HOME=/work", "TMPDIR=/tmp", "PATH=/usr/bin:/bin", "LANG=C.UTF-8", "PYTHONDONTWRITEBYTECODE=1"

/* dir, entry, interpreter, work directory: the lines of an order. */
enum { DIR, ENTRY, INTERPRETER, WORK, PARTS };

struct place {
    dev_t device;
    ino_t inode;
};

struct jail {
    bool used, ready;
    bool spared;     /* made before there was need of it, and not told yet */
    bool looking;    /* for what its last run may have left; the run has ended */
    bool doomed;     /* killed, and cleared away once it is dead: others need not wait for that */
    uint64_t number; /* of the run; 0: none, it is idle */
    int order;       /* -1: it ends with its run */
    struct nf_jail_process process;
    int64_t idle_since_ms;
    /* What the next run must have alike. */
    int64_t memory_bytes, cpu_ms;
    uint32_t slot;
    bool proxy;
    struct place dir, work; /* which may be others by the same name */
    char text[NF_CONTROL_TEXT];
};

/* Not among what templates are forks of: paths of other people's files are nothing for a plugin. */
static struct jail *jails;

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static NF_RC make_table(struct nf_err *err)
{
    const size_t size = NF_PROGRAMS_MAX * sizeof(struct jail);
    if (jails)
        return NF_OK;
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED || madvise(p, size, MADV_DONTFORK) != 0)
        return nf_err_set(err, NF_E_NOMEM, "no memory for programs");
    jails = p;
    return NF_OK;
}

/* --- orders ----------------------------------------------------------------------------------- */

/* Cut `text` into its lines. False: there are fewer or more. */
static bool split(char *text, char *ret[PARTS])
{
    for (int i = 0; i < PARTS; i++) {
        char *end = strchr(text, '\n');
        if ((i < PARTS - 1) != (end != NULL))
            return false;
        if (end)
            *end = '\0';
        ret[i] = text;
        text = end ? end + 1 : text;
    }
    return true;
}

static NF_RC place_of(const char *path, struct place *ret, struct nf_err *err)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return nf_err_set(err, errno == ENOENT ? NF_E_NOT_FOUND : NF_E_IO, "'%s': %s", path,
                          strerror(errno));
    *ret = (struct place){ st.st_dev, st.st_ino };
    return NF_OK;
}

static bool same_place(struct place a, struct place b)
{
    return a.device == b.device && a.inode == b.inode;
}

static bool fits(const struct jail *j, const struct nf_control *c, struct place dir,
                 struct place work)
{
    return j->used && j->ready && !j->doomed && j->number == 0 &&
           j->memory_bytes == c->memory_bytes && j->cpu_ms == c->cpu_ms && j->slot == c->slot &&
           j->proxy == (c->code == NF_CONTROL_PROXY) && same_place(j->dir, dir) &&
           same_place(j->work, work) && strcmp(j->text, c->text) == 0;
}

/* --- jails ------------------------------------------------------------------------------------ */

static void tell_end(struct jail *j, int status)
{
    struct nf_control c = nf_control_make(NF_CONTROL_ENDED, j->number);
    c.code = status;
    c.spared = j->spared;
    j->spared = false;
    j->number = 0;
    warden_tell(&c);
}

/* Its run, if there is one, ends with it. Waits until it is dead. */
static void end(struct jail *j)
{
    int status;
    nf_jail_end(&j->process, &status);
    if (j->order >= 0)
        close(j->order);
    j->used = false;
    if (j->number)
        tell_end(j, status);
}

/* The same for one without a run, soon. */
static void doom(struct jail *j)
{
    (void)pidfd_send_signal(j->process.pidfd, SIGKILL, NULL, 0);
    j->doomed = true;
}

/* The one that is idle longest, of at least `n`; NULL: there are not so many. */
static struct jail *oldest_idle(size_t n)
{
    struct jail *oldest = NULL;
    size_t idle = 0;
    for (struct jail *j = jails; j < jails + NF_PROGRAMS_MAX; j++) {
        if (!j->used || j->number || j->doomed)
            continue;
        idle++;
        if (!oldest || j->idle_since_ms < oldest->idle_since_ms)
            oldest = j;
    }
    return idle >= n ? oldest : NULL;
}

static struct jail *free_jail(void)
{
    for (struct jail *j = jails; j < jails + NF_PROGRAMS_MAX; j++) {
        if (!j->used)
            return j;
    }
    struct jail *last = oldest_idle(1);
    for (struct jail *j = jails; !last && j < jails + NF_PROGRAMS_MAX; j++)
        last = j->doomed ? j : NULL;
    if (last)
        end(last);
    return last;
}

static NF_RC make(struct nf_sandbox *s, const struct nf_program_options *o, struct jail *j,
                  const int *fds, struct nf_err *err)
{
    j->order = -1;
    j->spared = false;
    /* Where the first process of a jail is not init, a run can leave more than can be seen. */
    if (!nf_sandbox_report(s)->have[NF_LAYER_NAMESPACES])
        return nf_program_spawn(s, o, &j->process, err);
    j->spared = spare_take_program(s, o, &j->process, &j->order);
    if (!j->spared)
        NF_TRY(nf_program_keep(s, o, &j->process, &j->order, err));
    spare_want_program(o, NF_PROGRAM_KEEP_MS);
    if (nf_program_run(j->order, fds, 3, err) == NF_OK)
        return NF_OK;
    close(j->order);
    nf_jail_end(&j->process, NULL);
    return err->code;
}

static NF_RC start_new(struct nf_sandbox *s, const struct nf_control *c,
                       const struct nf_program_options *o, struct place dir, struct place work,
                       const int *fds, struct nf_err *err)
{
    struct jail *j = free_jail();
    if (!j)
        return nf_err_set(err, NF_E_LIMIT, "%d programs run, no more are allowed", NF_PROGRAMS_MAX);
    j->process = NF_JAIL_PROCESS_NONE;
    NF_TRY(make(s, o, j, fds, err));
    j->used = true;
    j->ready = j->looking = j->doomed = false;
    j->number = c->number;
    j->memory_bytes = c->memory_bytes;
    j->cpu_ms = c->cpu_ms;
    j->slot = c->slot;
    j->proxy = c->code == NF_CONTROL_PROXY;
    j->dir = dir;
    j->work = work;
    memcpy(j->text, c->text, strlen(c->text) + 1);
    return NF_OK;
}

/* Whoever serves its proxy waits for that; else nobody does. */
static void tell_ready(const struct jail *j)
{
    const struct nf_control c = nf_control_make(NF_CONTROL_READY, j->number);
    if (j->proxy)
        warden_tell_fd(&c, j->process.listener);
}

/* Whether what ran in it has left nothing: known a moment after its end, if not yet. */
static bool is_clean(struct jail *j)
{
    bool last = false;
    if (j->looking && (nf_program_was_last(j->order, &last, NULL) != NF_OK || last)) {
        doom(j);
        return false;
    }
    j->looking = false;
    return true;
}

/* *done: one that was kept has taken it. */
static NF_RC start_again(struct nf_sandbox *s, const struct nf_control *c,
                         const struct nf_program_options *o, struct place dir, struct place work,
                         const int *fds, bool *done, struct nf_err *err)
{
    *done = false;
    for (struct jail *j = jails; j < jails + NF_PROGRAMS_MAX && !*done; j++) {
        if (!fits(j, c, dir, work) || !is_clean(j))
            continue;
        NF_TRY(nf_program_adopt_again(s, o, err));
        if (nf_program_run(j->order, fds, 3, err) != NF_OK) {
            doom(j); /* meanwhile it has died */
            continue;
        }
        j->number = c->number;
        tell_ready(j);
        *done = true;
    }
    return NF_OK;
}

static NF_RC start(struct nf_sandbox *s, const struct nf_control *c,
                   const struct nf_program_options *o, const char *dir_path, const int *fds,
                   struct nf_err *err)
{
    struct place dir = { 0 }, work = { 0 };
    bool done;
    NF_TRY(make_table(err));
    NF_TRY(place_of(dir_path, &dir, err));
    NF_TRY(place_of(o->work_dir, &work, err));
    NF_TRY(start_again(s, c, o, dir, work, fds, &done, err));
    return done ? NF_OK : start_new(s, c, o, dir, work, fds, err);
}

NF_RC programs_start(struct nf_sandbox *s, const struct nf_control *c,
                     const int fds[NF_CONTROL_FDS], struct nf_err *err)
{
    char text[NF_CONTROL_TEXT], entry[NF_CONTROL_TEXT], *part[PARTS];
    static const char *const env[] = { ENVIRONMENT, NULL };
    static const char *const env_online[] = { ENVIRONMENT,          "http_proxy=" PROXY,
                                              "https_proxy=" PROXY, "HTTP_PROXY=" PROXY,
                                              "HTTPS_PROXY=" PROXY, NULL };
    /* Without namespaces there can be none: then it has no network, and asks. */
    bool proxy = c->code == NF_CONTROL_PROXY && nf_sandbox_report(s)->have[NF_LAYER_NAMESPACES];

    memcpy(text, c->text, strlen(c->text) + 1);
    if (!split(text, part) ||
        snprintf(entry, sizeof(entry), "%s/%s", part[DIR], part[ENTRY]) >= (int)sizeof(entry))
        return nf_err_set(err, NF_E_INVALID, "an order that is none");
    const char *const by_interpreter[] = { part[INTERPRETER], entry, NULL };
    const char *const by_itself[] = { entry, NULL };
    const char *const read_only[] = { part[DIR], NULL };
    const struct nf_program_options o = {
        .argv = part[INTERPRETER][0] ? by_interpreter : by_itself,
        .env = proxy ? env_online : env,
        .proxy = proxy,
        .work_dir = part[WORK],
        .read_only = read_only,
        .in_fd = fds[0],
        .out_fd = fds[1],
        .err_fd = fds[2],
        .slot = c->slot,
        .memory_bytes = c->memory_bytes,
        .processes = NF_PROGRAM_PROCESSES,
        .cpu_seconds = (c->cpu_ms + 999) / 1000,
        .file_bytes = NF_PROGRAM_FILE_BYTES,
    };
    return start(s, c, &o, part[DIR], fds, err);
}

/* --- what becomes of them --------------------------------------------------------------------- */

/* Killed now, and cleared away once it is dead: that may take a while, and others wait. */
void programs_kill(uint64_t number)
{
    for (struct jail *j = jails; jails && j < jails + NF_PROGRAMS_MAX; j++) {
        if (j->used && j->number == number)
            (void)pidfd_send_signal(j->process.pidfd, SIGKILL, NULL, 0);
    }
}

void programs_finish(void)
{
    for (struct jail *j = jails; jails && j < jails + NF_PROGRAMS_MAX; j++) {
        if (j->used)
            nf_jail_end(&j->process, NULL);
    }
}

static void get_ready(struct jail *j)
{
    struct nf_err err = { .code = NF_OK };
    err.code = nf_jail_wait(&j->process, READY_WAIT_MS, &err);
    if (err.code == NF_OK) {
        j->ready = true;
        tell_ready(j);
        return;
    }
    uint64_t number = j->number;
    j->number = 0;
    end(j);
    warden_refuse(number, &err);
}

/* A run that a signal ended may have been the kernel's, for memory that others there use up. */
static void run_ended(struct jail *j)
{
    int status;
    if (nf_program_ran(j->order, &status, NULL) != NF_OK) {
        close(j->order); /* the jail has ended: how is told when it can be reaped */
        j->order = -1;
        return;
    }
    tell_end(j, W_EXITCODE(status, 0));
    j->looking = true;
    j->idle_since_ms = now_ms();
    if (status > 128)
        doom(j);
    struct jail *oldest = oldest_idle(NF_PROGRAMS_KEPT + 1);
    if (oldest)
        doom(oldest);
}

size_t programs_poll(struct pollfd v[PROGRAMS_POLLED])
{
    size_t n = 0;
    for (struct jail *j = jails; jails && j < jails + NF_PROGRAMS_MAX; j++) {
        if (!j->used)
            continue;
        if (!j->ready)
            v[n++] = (struct pollfd){ .fd = j->process.ready_fd, .events = POLLIN };
        else if (j->order >= 0 && (j->number || (j->looking && !j->doomed)))
            v[n++] = (struct pollfd){ .fd = j->order, .events = POLLIN };
        if (j->ready)
            v[n++] = (struct pollfd){ .fd = j->process.pidfd, .events = POLLIN };
    }
    return n;
}

static void serve(struct jail *j, int fd)
{
    if (!j->ready && fd == j->process.ready_fd)
        get_ready(j);
    else if (j->ready && j->number && fd == j->order)
        run_ended(j);
    else if (j->ready && j->looking && !j->doomed && fd == j->order)
        (void)is_clean(j);
    else if (j->ready && fd == j->process.pidfd)
        end(j);
}

int programs_serve(const struct pollfd *v, size_t n)
{
    int64_t now = now_ms(), next = -1;
    for (size_t i = 0; i < n; i++) {
        for (struct jail *j = jails; v[i].revents && j < jails + NF_PROGRAMS_MAX; j++) {
            if (j->used)
                serve(j, v[i].fd);
        }
    }
    for (struct jail *j = jails; jails && j < jails + NF_PROGRAMS_MAX; j++) {
        if (!j->used || j->number || j->doomed)
            continue;
        int64_t left = j->idle_since_ms + NF_PROGRAM_KEEP_MS - now;
        if (left <= 0)
            doom(j);
        else if (next < 0 || left < next)
            next = left;
    }
    return (int)next;
}
