#include "skills/program.h"

#include "skills/include/nexflow/skill.h"
#include "skills/program_impl.h"
#include "skills/program_lines.h"
#include "skills/proxy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <utlist.h>

#define READ_MAX ((size_t)16384)
#define ANSWER_MAX ((size_t)12 << 20) /* a body of 4 MiB as base64, and more */

struct nf_program {
    struct nf_program *prev, *next;
    struct nf_warden *warden;
    const struct nf_program_run *run;
    uint64_t number;
    struct nf_wait *waiter;
    int in, out, errors; /* our ends; -1: closed */
    struct nf_watch *out_watch, *errors_watch;
    struct nf_str said; /* by it, not taken yet */
    bool paused, ended, refused;
    int status;        /* of waitpid, once ended */
    struct nf_err why; /* once refused */
    char line[256];    /* the last of its standard error */
    size_t line_n;
    char last[256];
    int64_t bytes, asks;
};

static void wake(struct nf_program *p)
{
    if (p->waiter)
        nf_wait_wake(p->waiter, NF_OK);
}

/* --- what the warden says --------------------------------------------------------------------- */

static void open_proxy(struct nf_program *p, int fd)
{
    struct nf_warden *w = p->warden;
    struct nf_err err;

    if (!p->run->proxy)
        close(fd);
    else if (nf_proxy_listen(p->run->proxy, w->o.loop, fd, &err) != NF_OK)
        nf_warden_report(w, NULL, err.msg);
}

bool nf_program_message(struct nf_warden *w, const struct nf_control *c, int fd)
{
    struct nf_program *p;

    DL_SEARCH_SCALAR(w->programs, p, number, c->number);
    if (!p)
        return false;
    if (fd >= 0)
        open_proxy(p, fd);
    if (c->type == NF_CONTROL_REFUSED) {
        enum nf_code code =
            c->code > NF_OK && c->code <= NF_E_INTERNAL ? (enum nf_code)c->code : NF_E_INTERNAL;
        p->refused = p->ended = true;
        (void)nf_err_set(&p->why, code, "'%s' cannot be run: %s", p->run->name, c->text);
    } else if (c->type == NF_CONTROL_ENDED) {
        p->ended = true;
        p->status = c->code;
        w->stats.spared_programs += c->spared;
    }
    wake(p);
    return true;
}

void nf_programs_lost(struct nf_warden *w, const struct nf_err *why)
{
    struct nf_program *p;

    DL_FOREACH(w->programs, p)
    {
        p->refused = p->ended = true;
        p->why = *why;
        wake(p);
    }
}

/* --- what it writes --------------------------------------------------------------------------- */

static void close_out(struct nf_program *p)
{
    nf_watch_free(p->out_watch);
    p->out_watch = NULL;
    if (p->out >= 0)
        close(p->out);
    p->out = -1;
}

static void on_out(void *arg)
{
    struct nf_program *p = arg;
    char part[READ_MAX];

    if (p->said.len + sizeof(part) >= p->said.max) {
        nf_watch_pause(p->out_watch);
        p->paused = true;
    } else {
        ssize_t n = read(p->out, part, sizeof(part));
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n <= 0 || nf_str_add(&p->said, part, (size_t)n, NULL) != NF_OK)
            close_out(p);
        p->bytes += n > 0 ? n : 0;
    }
    wake(p);
}

static void put_error_line(struct nf_program *p)
{
    const struct nf_warden_options *o = &p->warden->o;

    if (p->line_n == 0)
        return;
    if (o->output)
        o->output(o->arg, p->run->name, p->line, p->line_n);
    memcpy(p->last, p->line, p->line_n);
    p->last[p->line_n] = '\0';
    p->line_n = 0;
}

static void close_errors(struct nf_program *p)
{
    nf_watch_free(p->errors_watch);
    p->errors_watch = NULL;
    if (p->errors >= 0)
        close(p->errors);
    p->errors = -1;
    put_error_line(p);
}

static void on_errors(void *arg)
{
    struct nf_program *p = arg;
    char part[READ_MAX];
    ssize_t n = read(p->errors, part, sizeof(part));

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        close_errors(p);
        return;
    }
    p->bytes += n;
    for (ssize_t i = 0; i < n; i++) {
        if (part[i] != '\n')
            p->line[p->line_n++] = part[i];
        if (part[i] == '\n' || p->line_n == sizeof(p->line) - 1)
            put_error_line(p);
    }
}

/* --- what it is told -------------------------------------------------------------------------- */

static void close_in(struct nf_program *p)
{
    if (p->in >= 0)
        close(p->in);
    p->in = -1;
}

/* That it does not read is its own affair. */
static NF_RC tell(struct nf_program *p, const struct nf_str *line, struct nf_err *err)
{
    for (size_t at = 0; at < line->len && p->in >= 0 && !p->ended;) {
        ssize_t n = write(p->in, line->p + at, line->len - at);
        if (n > 0) {
            at += (size_t)n;
            p->bytes += n;
        } else if (n < 0 && errno == EAGAIN) {
            NF_TRY(nf_wait_writable(p->warden->o.loop, p->in, "a program to read", err));
        } else if (n < 0 && errno != EINTR) {
            close_in(p);
        }
    }
    return NF_OK;
}

static NF_RC answer(struct nf_program *p, const struct nf_program_line *l, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str line = { .max = ANSWER_MAX };
    const struct nf_skill_ask a = { l->op,
                                    { nf_str_c(&l->fields), l->fields.len },
                                    nf_slice_of(l->raw) };
    struct nf_skill_answer got = { 0 };
    enum nf_code rc;

    p->asks++;
    if (l->wrong.code == NF_OK) {
        rc = p->run->broker->ops->ask(p->run->broker, &a, &got, err);
    } else {
        got.code = NF_SKILL_E_INVALID;
        rc = nf_str_adds(&got.raw, l->wrong.msg, err);
    }
    if (rc == NF_OK && nf_skill_op_has_answer(l->op))
        rc = nf_program_put_answer(&got, &line, err);
    nf_str_done(&got.json);
    nf_str_done(&got.raw);
    NF_TRY(rc);
    return tell(p, &line, err);
}

/* --- its lines -------------------------------------------------------------------------------- */

static NF_RC keep_result(const struct nf_program *p, const struct nf_json *v, struct nf_str *to,
                         struct nf_err *err)
{
    const char *text = nf_json_str(v);
    struct nf_json_out o;

    to->max = (size_t)p->run->output_bytes + 1;
    enum nf_code rc;
    if (text) {
        rc = nf_str_adds(to, text, err);
    } else {
        nf_json_begin_doc(&o, to);
        nf_json_out_value(&o, v);
        rc = nf_json_end_doc(&o, err);
    }
    if (rc == NF_E_LIMIT)
        return nf_err_set(err, rc, "the result has more than %lld bytes",
                          (long long)p->run->output_bytes);
    return rc;
}

/* *done: it was the result, or why there is none. */
static NF_RC take_line(struct nf_program *p, const char *line, size_t n, struct nf_skill_ran *ret,
                       bool *done, struct nf_err *err)
{
    NF_CLEANUP(nf_program_line_done) struct nf_program_line l = { 0 };

    while (n > 0 && (line[n - 1] == '\r' || line[n - 1] == ' '))
        n--;
    if (n == 0)
        return NF_OK;
    NF_TRY(nf_program_line_parse(line, n, p->said.max, &l, err));
    *done = l.type == NF_LINE_RESULT || l.type == NF_LINE_ERROR;
    if (l.type == NF_LINE_RESULT)
        return keep_result(p, l.result, &ret->result, err);
    if (l.type == NF_LINE_ERROR)
        return nf_skill_ran_failed(
            ret, l.code, nf_slice_of(*l.text ? l.text : "it failed, and did not say why"), err);
    return answer(p, &l, err);
}

static NF_RC take_lines(struct nf_program *p, struct nf_skill_ran *ret, bool *done,
                        struct nf_err *err)
{
    while (!*done) {
        NF_CLEANUP(nf_str_done) struct nf_str line = { .max = p->said.max };
        const char *end = p->said.len > 0 ? memchr(p->said.p, '\n', p->said.len) : NULL;
        size_t n = end ? (size_t)(end - p->said.p) : p->said.len;
        if (!end && (p->out >= 0 || n == 0))
            break;                                    /* the last line may lack its end */
        NF_TRY(nf_str_add(&line, p->said.p, n, err)); /* more may come while it is answered */
        nf_str_drop(&p->said, n + (end != NULL));
        if (p->paused && p->out_watch) {
            p->paused = false;
            nf_watch_resume(p->out_watch);
        }
        NF_TRY(take_line(p, nf_str_c(&line), line.len, ret, done, err));
    }
    if (p->paused && !*done)
        return nf_err_set(err, NF_E_LIMIT, "it wrote a line of more than %zu bytes",
                          p->said.max - 1 - READ_MAX);
    return NF_OK;
}

/* --- its end ---------------------------------------------------------------------------------- */

static enum nf_code explain(const struct nf_program *p, struct nf_err *err)
{
    const char *before = p->last[0] ? "; its last words: " : "";

    if (p->refused)
        return nf_err_set(err, p->why.code, "%s", p->why.msg);
    int code = WIFEXITED(p->status) ? WEXITSTATUS(p->status) : 128 + WTERMSIG(p->status);
    if (code == 128 + 24) /* SIGXCPU, signal(7) */
        return nf_err_set(err, NF_E_LIMIT, "it used more than %lld ms of processor time",
                          (long long)p->run->cpu_ms);
    if (code == 128 + 9) /* SIGKILL */
        return nf_err_set(err, NF_E_UNAVAILABLE,
                          "the kernel ended it, most likely over limits.memory_mib (%lld MiB of "
                          "memory)%s%s",
                          (long long)(p->run->memory_bytes >> 20), before, p->last);
    if (code > 128)
        return nf_err_set(err, NF_E_UNAVAILABLE, "it was ended by signal %d%s%s", code - 128,
                          before, p->last);
    return nf_err_set(err, NF_E_UNAVAILABLE, "it ended with code %d and without a result%s%s", code,
                      before, p->last);
}

static NF_RC wait_for(struct nf_program *p, int64_t ms, const char *what, struct nf_err *err)
{
    struct nf_wait wait = { 0 };

    p->waiter = &wait;
    enum nf_code rc = nf_wait(&wait, ms, what, err);
    p->waiter = NULL;
    return rc;
}

/* Until something happens, or it is time to look at what it does. */
static NF_RC wait_or_look(struct nf_program *p, struct nf_err *err)
{
    const struct nf_program_run *r = p->run;

    enum nf_code rc = wait_for(p, r->look ? NF_PROGRAM_LOOK_MS : -1, "a program", err);
    if (rc != NF_E_TIMEOUT)
        return rc;
    NF_TRY(nf_fiber_check("a program", err));
    return r->look ? r->look(r->look_arg, err) : rc;
}

static NF_RC converse(struct nf_program *p, struct nf_skill_ran *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str line = { .max = ANSWER_MAX };
    const struct nf_program_run *r = p->run;
    bool done = false;

    NF_TRY(nf_program_put_call(r->tool, r->args, r->timeout_ms, &line, err));
    NF_TRY(tell(p, &line, err));
    if (!r->asks)
        close_in(p);
    for (;;) {
        NF_TRY(take_lines(p, ret, &done, err));
        if (done)
            break;
        if (p->refused || (p->ended && p->out < 0))
            return explain(p, err);
        NF_TRY(wait_or_look(p, err));
    }
    close_in(p);
    /* It may have files to close. */
    while (!p->ended && wait_for(p, NF_PROGRAM_GRACE_MS, "its end", NULL) == NF_OK)
        nf_str_reset(&p->said);
    return NF_OK;
}

/* --- its start -------------------------------------------------------------------------------- */

static void close_pair(int v[2])
{
    for (int i = 0; i < 2; i++)
        if (v[i] >= 0)
            close(v[i]);
}

static NF_RC order(struct nf_program *p, const int fds[3], struct nf_err *err)
{
    const struct nf_program_run *r = p->run;
    struct nf_control c = nf_control_make(NF_CONTROL_PROGRAM, p->number);

    c.memory_bytes = r->memory_bytes;
    c.cpu_ms = r->cpu_ms;
    c.slot = r->slot;
    c.code = r->proxy ? NF_CONTROL_PROXY : 0;
    (void)snprintf(c.level, sizeof(c.level), "%s", r->min_level);
    (void)snprintf(c.name, sizeof(c.name), "%s", r->name);
    int n = snprintf(c.text, sizeof(c.text), "%s\n%s\n%s\n%s", r->dir, r->entry,
                     r->interpreter ? r->interpreter : "", r->work_dir);
    if (n < 0 || (size_t)n >= sizeof(c.text) || strchr(r->dir, '\n') || strchr(r->work_dir, '\n'))
        return nf_err_set(err, NF_E_INVALID, "'%s' cannot be run: its paths are too long", r->name);
    return nf_control_send(p->warden->control, &c, fds, 3, err);
}

static NF_RC open_pipes(int in[2], int out[2], int errors[2], struct nf_err *err)
{
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0 || pipe2(errors, O_CLOEXEC) != 0 ||
        fcntl(in[1], F_SETFL, O_NONBLOCK) != 0)
        return nf_err_set(err, NF_E_UNAVAILABLE, "pipes for a program: %s", strerror(errno));
    return NF_OK;
}

static NF_RC start(struct nf_program *p, struct nf_err *err)
{
    struct nf_loop *loop = p->warden->o.loop;
    int in[2] = { -1, -1 }, out[2] = { -1, -1 }, errors[2] = { -1, -1 };

    enum nf_code rc = open_pipes(in, out, errors, err);
    if (rc == NF_OK)
        rc = order(p, (const int[]){ in[0], out[1], errors[1] }, err);
    if (rc != NF_OK) {
        close_pair(in);
        close_pair(out);
        close_pair(errors);
        return rc;
    }
    close(in[0]);
    close(out[1]);
    close(errors[1]);
    p->in = in[1];
    p->out = out[0];
    p->errors = errors[0];
    NF_TRY(nf_watch_new(loop, p->out, on_out, p, &p->out_watch, err));
    return nf_watch_new(loop, p->errors, on_errors, p, &p->errors_watch, err);
}

/* The whole tree goes with it. */
static void finish(struct nf_program *p)
{
    struct nf_warden *w = p->warden;
    struct nf_control c = nf_control_make(NF_CONTROL_END, p->number);

    DL_DELETE(w->programs, p);
    w->programs_n--;
    if (!p->ended && w->control >= 0 && nf_control_send(w->control, &c, NULL, 0, NULL) != NF_OK)
        nf_warden_report(w, NULL, "a program could not be ended: its warden does not listen");
    close_in(p);
    close_out(p);
    close_errors(p);
    nf_str_done(&p->said);
}

static NF_RC check(const struct nf_warden *w, struct nf_err *err)
{
    if (w->ending || w->link != NF_LINK_UP)
        return nf_err_set(err, NF_E_UNAVAILABLE, "%s",
                          w->ending ? "skills are being shut down" : w->link_why.msg);
    if (w->programs_n >= NF_PROGRAMS_MAX)
        return nf_err_set(err, NF_E_LIMIT, "%d programs run already: try again later",
                          NF_PROGRAMS_MAX);
    return NF_OK;
}

static NF_RC run_one(struct nf_program *p, struct nf_skill_ran *ret, struct nf_err *err)
{
    struct nf_warden *w = p->warden;

    p->said.max = (size_t)p->run->output_bytes + NF_PROGRAM_LINE_SLACK;
    p->number = ++w->numbers;
    DL_APPEND(w->programs, p);
    w->programs_n++;
    enum nf_code rc = start(p, err);
    if (rc == NF_OK)
        rc = converse(p, ret, err);
    finish(p);
    return rc;
}

enum nf_code nf_warden_program(struct nf_warden *w, const struct nf_program_run *r,
                               struct nf_skill_ran *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_deadline_pop) struct nf_deadline d;
    struct nf_program p = { .warden = w, .run = r, .in = -1, .out = -1, .errors = -1 };
    int64_t begin_us = nf_warden_now_us();

    *ret = (struct nf_skill_ran){ 0 };
    nf_deadline_push(&d, r->timeout_ms);
    NF_TRY(check(w, err));
    w->stats.calls++;
    enum nf_code rc = run_one(&p, ret, err);
    if (rc == NF_E_TIMEOUT && !p.ended) {
        w->stats.timeouts++;
        rc =
            nf_err_set(err, rc, "'%s' took longer than %lld ms", r->name, (long long)r->timeout_ms);
    }
    w->stats.failures += rc != NF_OK;
    ret->worker = (int64_t)p.number;
    memcpy(ret->level, w->level, sizeof(ret->level));
    ret->wall_us = nf_warden_now_us() - begin_us;
    ret->asks = p.asks;
    ret->bytes = p.bytes;
    return rc;
}
