/* A pool's template: what it is told and tells, and what its processes print. */
#include "skills/warden_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <utlist.h>

/* --- what is printed -------------------------------------------------------------------------- */

static void put_line(struct nf_pool *p)
{
    const struct nf_warden_options *o = &p->warden->o;
    if (o->output && p->line_n > 0)
        o->output(o->arg, p->name, p->line, p->line_n);
    p->line_n = 0;
}

static void put_output(struct nf_pool *p, const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (text[i] != '\n')
            p->line[p->line_n++] = text[i];
        if (text[i] == '\n' || p->line_n == sizeof p->line)
            put_line(p);
    }
}

static void close_output(struct nf_pool *p)
{
    nf_watch_free(p->output_watch);
    p->output_watch = NULL;
    p->output_paused = false;
    if (p->output >= 0)
        close(p->output);
    p->output = -1;
    put_line(p);
}

/* So much a second is read. The pipe is then full, and as its end in the processes does not block,
 * what they print is lost and costs nobody time. */
static void on_output(void *arg)
{
    struct nf_pool *p = arg;
    char text[4096];
    int64_t second = nf_warden_now_us() / 1000000;
    if (second != p->output_second) {
        p->output_second = second;
        p->output_n = 0;
    }
    if (p->output_n >= NF_OUTPUT_PER_S) {
        static const char cut[] = "... it prints too much: some of it is lost";
        p->output_paused = true;
        nf_watch_pause(p->output_watch);
        put_line(p);
        put_output(p, cut, sizeof cut - 1);
        put_line(p);
        nf_warden_due(p->warden, (second + 1) * 1000000);
        return;
    }
    ssize_t n = read(p->output, text, sizeof text);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        close_output(p);
    } else if (n > 0) {
        p->output_n += (size_t)n;
        put_output(p, text, (size_t)n);
    }
}

/* --- what it tells ---------------------------------------------------------------------------- */

static void gone(struct nf_pool *p)
{
    struct nf_err why;
    why.code = nf_err_set(&why, NF_E_UNAVAILABLE, "the template of '%s' ended", p->name);
    nf_template_end(p, &why);
    nf_pool_failed(p, &why);
}

/* It does not listen any more. The warden knows why, and will say so. */
static void hung_up(struct nf_pool *p)
{
    nf_watch_free(p->control_watch);
    p->control_watch = NULL;
    p->hung_up_us = nf_warden_now_us();
    nf_warden_due(p->warden, p->hung_up_us + nf_us(NF_TEMPLATE_GONE_MS));
}

static void take_message(struct nf_pool *p, const struct nf_control *c, int fd)
{
    struct nf_worker *k = nf_pool_worker(p, c->number);
    if (k && c->type == NF_CONTROL_FORKED) {
        nf_worker_forked(k, fd);
        return;
    }
    if (fd >= 0)
        close(fd);
    if (k && c->type == NF_CONTROL_EXITED) {
        nf_worker_exited(k, c->code, c->text);
        nf_pools_balance(p->warden);
    }
}

static void on_message(void *arg)
{
    struct nf_pool *p = arg;
    struct nf_control c;
    struct nf_err err;
    int fds[NF_CONTROL_FDS];
    enum nf_code rc = nf_control_recv(p->control, &c, fds, &err);
    if (rc == NF_E_NOT_FOUND)
        return;
    if (rc != NF_OK) {
        hung_up(p);
        return;
    }
    for (int i = 1; i < NF_CONTROL_FDS; i++) {
        if (fds[i] >= 0)
            close(fds[i]);
    }
    take_message(p, &c, fds[0]);
}

/* --- start and end ---------------------------------------------------------------------------- */

static void close_all(struct nf_pool *p)
{
    nf_watch_free(p->control_watch);
    p->control_watch = NULL;
    if (p->control >= 0)
        close(p->control);
    p->control = -1;
    if (p->output_watch)
        on_output(p); /* what it said last may be why it ended */
    close_output(p);
}

static NF_RC open_ends(struct nf_pool *p, int theirs[2], struct nf_err *err)
{
    struct nf_loop *l = p->warden->o.loop;
    int control[2] = { -1, -1 }, output[2] = { -1, -1 };
    bool ok = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control) == 0 &&
              pipe2(output, O_CLOEXEC | O_NONBLOCK) == 0;
    p->control = control[0];
    p->output = output[0];
    theirs[0] = control[1];
    theirs[1] = output[1];
    if (!ok)
        return nf_err_set(err, NF_E_UNAVAILABLE, "pipes for a skill: %s", strerror(errno));
    NF_TRY(nf_watch_new(l, p->control, on_message, p, &p->control_watch, err));
    return nf_watch_new(l, p->output, on_output, p, &p->output_watch, err);
}

static NF_RC order(struct nf_pool *p, const int theirs[2], struct nf_err *err)
{
    struct nf_warden *w = p->warden;
    struct nf_control c = nf_control_make(NF_CONTROL_START, p->template_number);
    c.memory_bytes = p->memory_bytes;
    /* A worker is retired once it was busy for cpu_ms, and a call may need as much. */
    c.cpu_ms = p->cpu_ms > 0 ? 2 * p->cpu_ms : 0;
    c.keep_ms = w->o.idle_ms;
    c.workers_max = (uint32_t)w->o.workers_max;
    c.threads = p->threads;
    c.oneshot = p->oneshot;
    (void)snprintf(c.level, sizeof c.level, "%s", p->min_level);
    (void)snprintf(c.name, sizeof c.name, "%s", p->name);
    (void)snprintf(c.version, sizeof c.version, "%s", p->version);
    nf_control_text(&c, p->path);
    const int fds[3] = { theirs[0], theirs[1], p->code };
    return nf_control_send(w->control, &c, fds, p->code > 0 ? 3 : 2, err);
}

NF_RC nf_template_start(struct nf_pool *p, struct nf_err *err)
{
    int theirs[2] = { -1, -1 };
    p->template_number = ++p->warden->numbers;
    p->output_paused = false;
    p->hung_up_us = NF_NEVER;
    enum nf_code rc = open_ends(p, theirs, err);
    if (rc == NF_OK)
        rc = order(p, theirs, err);
    for (int i = 0; i < 2; i++) {
        if (theirs[i] >= 0)
            close(theirs[i]);
    }
    if (rc != NF_OK) {
        close_all(p);
        return rc;
    }
    p->template = NF_TEMPLATE_STARTING;
    p->warden->stats.templates++;
    return NF_OK;
}

/* Before it is ready the order waits in the socket: the template finds it when it looks first. */
void nf_template_fork(struct nf_pool *p, uint64_t number, bool blank, const int fds[3])
{
    struct nf_control c = nf_control_make(NF_CONTROL_FORK, number);
    c.code = blank ? NF_CONTROL_BLANK : 0;
    if (nf_control_send(p->control, &c, fds, 3, NULL) != NF_OK)
        hung_up(p);
}

void nf_template_end(struct nf_pool *p, const struct nf_err *why)
{
    struct nf_worker *k, *after;
    struct nf_err ignored;
    if (p->template == NF_TEMPLATE_NONE)
        return;
    p->template = NF_TEMPLATE_NONE;
    if (p->warden->link == NF_LINK_UP) {
        struct nf_control c = nf_control_make(NF_CONTROL_END, p->template_number);
        (void)!nf_control_send(p->warden->control, &c, NULL, 0, &ignored);
    }
    close_all(p);
    DL_FOREACH_SAFE(p->workers, k, after)
    nf_worker_lost(k, why);
}

int64_t nf_template_tick(struct nf_pool *p, int64_t now_us)
{
    int64_t next = NF_NEVER;
    if (p->output_paused && p->output_second < now_us / 1000000) {
        p->output_paused = false;
        nf_watch_resume(p->output_watch);
    } else if (p->output_paused) {
        next = (p->output_second + 1) * 1000000;
    }
    if (p->template != NF_TEMPLATE_NONE && p->hung_up_us != NF_NEVER) {
        int64_t until = p->hung_up_us + nf_us(NF_TEMPLATE_GONE_MS);
        if (until > now_us)
            return until < next ? until : next;
        gone(p);
    }
    if (p->template == NF_TEMPLATE_NONE || p->workers || p->users > 0)
        return next;
    int64_t due = p->used_us + 2 * p->warden->o.idle_ms * 1000;
    if (due > now_us)
        return due < next ? due : next;
    struct nf_err why;
    why.code = nf_err_set(&why, NF_E_UNAVAILABLE, "'%s' was not used", p->name);
    nf_template_end(p, &why);
    return NF_NEVER;
}
