/* One call to a worker: the question goes out, what the plugin asks is answered, the result comes
 * in or a reason why it does not. */
#include "skills/warden_impl.h"

#include "base/utf8.h"
#include "codec/hash.h"
#include "skills/include/nexflow/skill.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXIT_WAIT_MS 1000  /* for the template to tell how a process ended */
#define MARGIN_MIN_US 3000 /* of the call's time, not given to the broker: a twentieth */
#define MARGIN_MAX_US 100000
#define SMALL ((size_t)1024) /* bytes of a payload that are copied into one piece */

struct call {
    struct nf_worker *k;
    const struct nf_skill_run *r;
    struct nf_skill_ran *ran;
    int64_t from_us, deadline_us;
    int64_t notes;
    bool crashed, answered; /* answered: its result was taken, so it waits for the next call */
};

/* --- how it ended ----------------------------------------------------------------------------- */

/* False: it is no use to wait more. */
static bool wait_a_little(struct nf_worker *k, int64_t ms)
{
    struct nf_wait w = { 0 };
    k->waiter = &w;
    enum nf_code rc = nf_wait(&w, ms, "how it ended", NULL);
    k->waiter = NULL;
    return rc == NF_OK;
}

/* The process is gone or of no use: say why. */
static enum nf_code ended(struct call *c, struct nf_err *err)
{
    struct nf_worker *k = c->k;
    while (!k->exited && k->why.code == NF_OK && wait_a_little(k, EXIT_WAIT_MS)) {
    }
    bool killed = k->exited && WIFSIGNALED(k->status) && WTERMSIG(k->status) == SIGKILL;
    if (killed && !k->killed && k->why.code == NF_OK)
        (void)wait_a_little(k, NF_WORKER_VIOLATION_MS);
    nf_worker_explain(k, err);
    nf_worker_break(k, err->code, "%s", err->msg);
    c->crashed = true;
    return err->code;
}

static enum nf_code broke_protocol(struct call *c, const char *how, struct nf_err *err)
{
    nf_worker_break(c->k, NF_E_UNAVAILABLE, "the skill's process broke the protocol: %s", how);
    return ended(c, err);
}

/* --- sending ---------------------------------------------------------------------------------- */

static enum nf_code write_rest(struct call *c, const char *p, size_t n, struct nf_err *err)
{
    while (n > 0) {
        ssize_t done = write(c->k->to, p, n);
        if (done < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            NF_TRY(nf_wait_writable(c->k->pool->warden->o.loop, c->k->to, "the skill", err));
            continue;
        }
        if (done <= 0)
            return ended(c, err);
        p += done;
        n -= (size_t)done;
    }
    return NF_OK;
}

/* Hot: one system call as long as the process reads what it is sent. */
static enum nf_code send_parts(struct call *c, struct iovec *v, int n, struct nf_err *err)
{
    size_t all = 0;
    for (int i = 0; i < n; i++)
        all += v[i].iov_len;
    c->ran->bytes += (int64_t)all;
    ssize_t done = n == 1 ? write(c->k->to, v->iov_base, v->iov_len) : writev(c->k->to, v, n);
    if (done == (ssize_t)all)
        return NF_OK;
    if (done < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
        return ended(c, err);
    for (size_t skip = done > 0 ? (size_t)done : 0; n > 0; v++, n--) {
        size_t part = skip < v->iov_len ? skip : v->iov_len;
        NF_TRY(write_rest(c, (char *)v->iov_base + part, v->iov_len - part, err));
        skip -= part;
    }
    return NF_OK;
}

/* To copy a little costs less than to have the kernel gather it. */
static enum nf_code send_small(struct call *c, const char *head, const struct iovec *parts,
                               size_t n, struct nf_err *err)
{
    char frame[NF_WIRE_HEAD + SMALL], *at = frame + NF_WIRE_HEAD;
    memcpy(frame, head, NF_WIRE_HEAD);
    for (int i = 0; i < 3; i++) {
        if (parts[i].iov_len > 0)
            memcpy(at, parts[i].iov_base, parts[i].iov_len);
        at += parts[i].iov_len;
    }
    struct iovec v = { frame, NF_WIRE_HEAD + n };
    return send_parts(c, &v, 1, err);
}

/* A payload in parts: in the frame, or if it is too big for one through the shared memory. */
static enum nf_code send_frame(struct call *c, enum nf_wire_type type, const struct iovec *parts,
                               struct nf_err *err)
{
    struct nf_worker *k = c->k;
    char head[NF_WIRE_HEAD + 4];
    size_t n = parts[0].iov_len + parts[1].iov_len + parts[2].iov_len;
    if (n <= NF_WIRE_INLINE_MAX) {
        nf_wire_put_head(head, type, k->id, n);
        return n <= SMALL ? send_small(c, head, parts, n, err)
                          : send_parts(c,
                                       (struct iovec[4]){
                                           { head, NF_WIRE_HEAD }, parts[0], parts[1], parts[2] },
                                       4, err);
    }
    k->bulk_used = true;
    if (pwritev(k->memory, parts, 3, 0) != (ssize_t)n)
        return nf_err_set(err, NF_E_UNAVAILABLE, "memory shared with the skill: %s",
                          strerror(errno));
    c->ran->bytes += (int64_t)n;
    nf_wire_put_bulk(head, type, k->id, n);
    struct iovec v = { head, sizeof head };
    return send_parts(c, &v, 1, err);
}

static struct iovec part(const char *p, size_t n)
{
    return (struct iovec){ (void *)p, n };
}

static enum nf_code send_call(struct call *c, struct nf_err *err)
{
    const struct nf_skill_run *r = c->r;
    char head[NF_WIRE_CALL_HEAD];
    struct nf_wire_call call = {
        .deadline_us = c->deadline_us,
        .output_max = (uint32_t)c->k->pool->output_bytes,
        .tool = nf_slice_of(r->tool),
        .args = nf_slice_of(r->args),
    };
    if (call.args.n > NF_WIRE_BULK_MAX - NF_WIRE_CALL_HEAD - call.tool.n)
        return nf_err_set(err, NF_E_LIMIT, "arguments of %zu bytes, over %zu", call.args.n,
                          NF_WIRE_BULK_MAX);
    nf_wire_put_call(head, &call);
    const struct iovec parts[3] = { part(head, sizeof head), part(call.tool.p, call.tool.n),
                                    part(call.args.p, call.args.n) };
    return send_frame(c, NF_WIRE_CALL, parts, err);
}

/* --- receiving -------------------------------------------------------------------------------- */

static enum nf_code next_frame(struct call *c, struct nf_wire_frame *ret, struct nf_err *err)
{
    struct nf_worker *k = c->k;
    for (;;) {
        bool have;
        if (nf_wire_next(&k->reader, ret, &have, err) != NF_OK)
            return broke_protocol(c, err->msg, err);
        if (have && ret->id != k->id)
            return broke_protocol(c, "a frame of another call", err);
        if (have) {
            c->ran->bytes += (int64_t)(NF_WIRE_HEAD + ret->payload.n + ret->bulk_n);
            return NF_OK;
        }
        if (k->why.code != NF_OK || k->closed || k->exited)
            return ended(c, err);
        if (k->paused) {
            k->paused = false;
            nf_watch_resume(k->watch);
        }
        struct nf_wait w = { 0 };
        k->waiter = &w;
        enum nf_code rc = nf_wait(&w, -1, "the skill", err);
        k->waiter = NULL;
        NF_TRY(rc);
    }
}

/* The payload of a frame, copied to *to if it is in shared memory: what is checked is then what is
 * used, whatever the process writes there meanwhile. */
static enum nf_code payload_of(struct call *c, const struct nf_wire_frame *f, struct nf_str *to,
                               struct nf_slice *ret, struct nf_err *err)
{
    *ret = f->payload;
    if (!f->bulk)
        return NF_OK;
    c->k->bulk_used = true;
    to->max = NF_WIRE_BULK_MAX + 1;
    NF_TRY(nf_str_reserve(to, f->bulk_n, err));
    ssize_t n = pread(c->k->memory, to->p, f->bulk_n, (off_t)NF_WIRE_BULK_MAX);
    if (n != (ssize_t)f->bulk_n)
        return nf_err_set(err, NF_E_IO, "memory shared with the skill: %s", strerror(errno));
    to->len = f->bulk_n;
    to->p[to->len] = '\0';
    *ret = (struct nf_slice){ to->p, to->len };
    return NF_OK;
}

/* --- questions -------------------------------------------------------------------------------- */

static void answer_done(struct nf_skill_answer *a)
{
    nf_str_done(&a->json);
    nf_str_done(&a->raw);
}

static int code_of(enum nf_code rc)
{
    switch (rc) {
    case NF_E_INVALID:
        return NF_SKILL_E_INVALID;
    case NF_E_NOT_FOUND:
        return NF_SKILL_E_NOT_FOUND;
    case NF_E_DENIED:
        return NF_SKILL_E_DENIED;
    case NF_E_LIMIT:
    case NF_E_NOMEM:
        return NF_SKILL_E_LIMIT;
    case NF_E_TIMEOUT:
        return NF_SKILL_E_TIMEOUT;
    case NF_E_UNAVAILABLE:
        return NF_SKILL_E_UNAVAILABLE;
    default:
        return NF_SKILL_E_INTERNAL;
    }
}

/* Ask the broker, with a deadline shortly before the call's: the plugin then hears of it. */
static enum nf_code ask_broker(struct call *c, const struct nf_skill_ask *a,
                               struct nf_skill_answer *ret, struct nf_err *err)
{
    struct nf_skill_broker *b = c->r->broker;
    struct nf_deadline d;
    int64_t margin_us = (c->deadline_us - c->from_us) / 20;
    margin_us = margin_us < MARGIN_MIN_US   ? MARGIN_MIN_US
                : margin_us > MARGIN_MAX_US ? MARGIN_MAX_US
                                            : margin_us;
    *ret = (struct nf_skill_answer){ .json.max = NF_WIRE_BULK_MAX, .raw.max = NF_WIRE_BULK_MAX };
    nf_deadline_push_at(&d, c->deadline_us - margin_us);
    enum nf_code rc = b->ops->ask(b, a, ret, err);
    nf_deadline_pop(&d);
    if (rc == NF_E_CANCELED || nf_fiber_cancelled() != NF_OK)
        return rc == NF_OK ? NF_E_CANCELED : rc;
    if (rc == NF_OK)
        return NF_OK;
    ret->code = code_of(rc);
    nf_str_reset(&ret->json);
    nf_str_reset(&ret->raw);
    return nf_str_adds(&ret->raw, rc == NF_E_TIMEOUT ? "the call's time is up" : err->msg, err);
}

static enum nf_code send_answer(struct call *c, struct nf_skill_answer *a, struct nf_err *err)
{
    char head[NF_WIRE_ASK_HEAD];
    if (a->json.len + a->raw.len > NF_WIRE_BULK_MAX - NF_WIRE_ASK_HEAD) {
        a->code = NF_SKILL_E_LIMIT;
        nf_str_reset(&a->json);
        NF_TRY(nf_str_set(&a->raw, "the answer is too big", err));
    }
    nf_wire_put_ask(head, a->code, a->json.len);
    const struct iovec parts[3] = { part(head, sizeof head), part(a->json.p, a->json.len),
                                    part(a->raw.p, a->raw.len) };
    return send_frame(c, NF_WIRE_ANSWER, parts, err);
}

/* A log line or progress. The process goes on meanwhile, so the bytes are copied. */
static enum nf_code serve_note(struct call *c, const struct nf_wire_frame *f,
                               const struct nf_skill_ask *a, struct nf_err *err)
{
    NF_CLEANUP(answer_done) struct nf_skill_answer ignored = { 0 };
    char text[NF_WORKER_NOTE_MAX];
    int64_t seconds = (nf_warden_now_us() - c->from_us) / 1000000 + 2;
    if (f->bulk || f->payload.n > sizeof text)
        return broke_protocol(c, "a log line that is too long", err);
    if (++c->notes > seconds * NF_WORKER_NOTES_PER_S)
        return broke_protocol(c, "log lines faster than its host lets out", err);
    memcpy(text, a->fields.p, a->fields.n);
    memcpy(text + a->fields.n, a->raw.p, a->raw.n);
    const struct nf_skill_ask copy = { .op = a->op,
                                       .fields = { text, a->fields.n },
                                       .raw = { text + a->fields.n, a->raw.n } };
    return ask_broker(c, &copy, &ignored, err);
}

static enum nf_code serve_ask(struct call *c, const struct nf_wire_frame *f, struct nf_err *err)
{
    struct nf_worker *k = c->k;
    NF_CLEANUP(nf_str_done) struct nf_str copy = { 0 };
    NF_CLEANUP(answer_done) struct nf_skill_answer answer = { 0 };
    struct nf_slice payload;
    struct nf_wire_ask q;
    NF_TRY(payload_of(c, f, &copy, &payload, err));
    if (nf_wire_get_ask(payload, &q, err) != NF_OK)
        return broke_protocol(c, err->msg, err);
    const struct nf_skill_ask a = { .op = q.op, .fields = q.fields, .raw = q.raw };
    c->ran->asks++;
    if (!nf_skill_op_has_answer(q.op))
        return serve_note(c, f, &a, err);
    if (nf_wire_left(&k->reader) > 0)
        return broke_protocol(c, "it spoke while a question was open", err);
    k->asking = true;
    enum nf_code rc = ask_broker(c, &a, &answer, err);
    k->asking = false;
    NF_TRY(rc);
    if (k->why.code != NF_OK || k->closed || k->exited)
        return ended(c, err);
    return send_answer(c, &answer, err);
}

/* --- the result ------------------------------------------------------------------------------- */

static enum nf_code nf_code_of(int code)
{
    switch (code) {
    case NF_SKILL_E_INVALID:
        return NF_E_INVALID;
    case NF_SKILL_E_NOT_FOUND:
        return NF_E_NOT_FOUND;
    case NF_SKILL_E_DENIED:
        return NF_E_DENIED;
    case NF_SKILL_E_LIMIT:
        return NF_E_LIMIT;
    case NF_SKILL_E_TIMEOUT:
        return NF_E_TIMEOUT;
    case NF_SKILL_E_UNAVAILABLE:
        return NF_E_UNAVAILABLE;
    default:
        return NF_E_INTERNAL;
    }
}

static bool is_text(struct nf_slice s)
{
    return !memchr(s.p, '\0', s.n) && nf_utf8_valid(s.p, s.n);
}

static enum nf_code take_result(struct call *c, const struct nf_wire_frame *f, struct nf_err *err)
{
    struct nf_worker *k = c->k;
    NF_CLEANUP(nf_str_done) struct nf_str copy = { 0 };
    struct nf_slice payload;
    struct nf_wire_result result;
    size_t max = (size_t)k->pool->output_bytes;
    max = NF_WIRE_RESULT_HEAD + (max > NF_SKILL_WORDS_MAX ? max : NF_SKILL_WORDS_MAX);
    if (f->payload.n > max || f->bulk_n > max)
        return broke_protocol(c, "a result over its output limit", err);
    NF_TRY(payload_of(c, f, &copy, &payload, err));
    if (nf_wire_get_result(payload, &result, err) != NF_OK)
        return broke_protocol(c, err->msg, err);
    if (nf_wire_left(&k->reader) > 0)
        return broke_protocol(c, "it spoke after its result", err);
    c->answered = true;
    k->recycle = result.flags & NF_WIRE_RETIRE;
    if (!is_text(result.text))
        return nf_err_set(err, NF_E_INVALID,
                          "what the skill returned is no text: UTF-8 without "
                          "NUL is");
    if (result.code != NF_SKILL_OK)
        return nf_skill_ran_failed(c->ran, nf_code_of(result.code), result.text, err);
    c->ran->result.max = max + 1;
    return nf_str_add(&c->ran->result, result.text.p, result.text.n, err);
}

/* --- the call --------------------------------------------------------------------------------- */

static enum nf_code serve(struct call *c, struct nf_err *err)
{
    struct nf_wire_frame f;
    NF_TRY(send_call(c, err));
    for (;;) {
        NF_TRY(next_frame(c, &f, err));
        if (f.type == NF_WIRE_RESULT)
            return take_result(c, &f, err);
        if (f.type != NF_WIRE_ASK)
            return broke_protocol(c, "a frame that is not its to send", err);
        NF_TRY(serve_ask(c, &f, err));
    }
}

/* Nobody who is served next may find it, and it would be memory in use. */
static void empty_memory(struct nf_worker *k)
{
    if (k->bulk_used && fallocate(k->memory, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
                                  2 * (off_t)NF_WIRE_BULK_MAX) != 0)
        k->recycle = true;
    k->bulk_used = false;
}

/* Not to be guessed: a process that answers before it is asked answers nothing. */
static uint64_t new_id(struct nf_warden *w)
{
    if (w->ids_n == 0) {
        nf_random(w->ids, sizeof w->ids);
        w->ids_n = NF_WARDEN_IDS;
    }
    return w->ids[--w->ids_n];
}

NF_RC nf_worker_call(struct nf_worker *k, const struct nf_skill_run *r, int64_t now_us,
                     int64_t deadline_us, struct nf_skill_ran *ret, bool *crashed,
                     struct nf_err *err)
{
    struct call c = { .k = k, .r = r, .ran = ret, .from_us = now_us, .deadline_us = deadline_us };
    struct nf_warden *w = k->pool->warden;
    k->id = new_id(w);
    k->calls++;
    ret->worker = (int64_t)k->number;
    memcpy(ret->level, w->level, sizeof ret->level);
    enum nf_code rc = serve(&c, err);
    ret->wall_us = nf_warden_now_us() - c.from_us;
    k->busy_us += ret->wall_us;
    *crashed = c.crashed;
    if (!c.answered && k->why.code == NF_OK) {
        if (rc == NF_E_TIMEOUT) {
            w->stats.timeouts++;
            rc = nf_err_set(err, rc, "the skill took longer than %lld ms and was ended",
                            (long long)r->timeout_ms);
        }
        nf_worker_break(k, rc, "%s", err->msg);
    }
    empty_memory(k);
    return rc;
}
