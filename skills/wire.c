/* Frames: numbers, bounds, pieces. No system calls. */
#include "skills/wire.h"

#include "skills/include/nexflow/skill.h"

#include <stdlib.h>
#include <string.h>

/* Enough for most calls, and so little that it shares a page with what is written beside it. */
#define ROOM_FIRST ((size_t)1024)
#define ROOM_MORE ((size_t)8192)
#define ROOM_MAX (NF_WIRE_HEAD + NF_WIRE_INLINE_MAX)

/* --- numbers ---------------------------------------------------------------------------------- */

/* As they lie in memory on all machines that there is a sandbox for. */
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "integers of frames are little-endian");

static void put32(char *p, uint32_t v)
{
    memcpy(p, &v, sizeof v);
}

static void put64(char *p, uint64_t v)
{
    memcpy(p, &v, sizeof v);
}

static uint32_t get32(const char *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static uint64_t get64(const char *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* --- frames ----------------------------------------------------------------------------------- */

void nf_wire_put_head(char *p, enum nf_wire_type type, uint64_t id, size_t n)
{
    assert(n <= NF_WIRE_INLINE_MAX);
    put32(p, (uint32_t)n);
    put32(p + 4, (uint32_t)type);
    put64(p + 8, id);
}

void nf_wire_put_bulk(char *p, enum nf_wire_type type, uint64_t id, size_t n)
{
    assert(n <= NF_WIRE_BULK_MAX);
    put32(p, 4);
    put32(p + 4, (uint32_t)type | NF_WIRE_BULK);
    put64(p + 8, id);
    put32(p + NF_WIRE_HEAD, (uint32_t)n);
}

void nf_wire_reader_done(struct nf_wire_reader *r)
{
    free(r->p);
    *r = (struct nf_wire_reader){ 0 };
}

/* Bytes of the frame that is being read, as far as its head is there. */
static size_t frame_size(const struct nf_wire_reader *r)
{
    if (r->len - r->at < NF_WIRE_HEAD)
        return NF_WIRE_HEAD;
    uint32_t n = get32(r->p + r->at);
    return NF_WIRE_HEAD + (n <= NF_WIRE_INLINE_MAX ? n : 0);
}

NF_RC nf_wire_room(struct nf_wire_reader *r, char **p, size_t *n, struct nf_err *err)
{
    if (r->at == r->len) {
        r->at = r->len = 0;
    } else if (r->at > 0) {
        memmove(r->p, r->p + r->at, r->len - r->at);
        r->len -= r->at;
        r->at = 0;
    }
    size_t need = frame_size(r);
    size_t cap = need > ROOM_MORE ? ROOM_MAX : need > ROOM_FIRST ? ROOM_MORE : ROOM_FIRST;
    if (cap > r->cap) {
        char *more = realloc(r->p, cap);
        if (!more)
            return nf_err_set(err, NF_E_NOMEM, "no memory for a frame");
        r->p = more;
        r->cap = cap;
    }
    if (r->len == r->cap)
        return nf_err_set(err, NF_E_LIMIT, "%zu bytes of frames wait to be taken", r->len);
    *p = r->p + r->len;
    *n = r->cap - r->len;
    return NF_OK;
}

void nf_wire_fed(struct nf_wire_reader *r, size_t n)
{
    assert(n <= r->cap - r->len);
    r->len += n;
}

size_t nf_wire_left(const struct nf_wire_reader *r)
{
    return r->len - r->at;
}

static NF_RC check_head(uint32_t n, uint32_t type, struct nf_err *err)
{
    uint32_t plain = type & ~NF_WIRE_BULK;
    if (n > NF_WIRE_INLINE_MAX)
        return nf_err_set(err, NF_E_INVALID, "a frame of %u bytes, over %zu", n,
                          NF_WIRE_INLINE_MAX);
    if (plain < NF_WIRE_READY || plain > NF_WIRE_LOAD)
        return nf_err_set(err, NF_E_INVALID, "a frame of the unknown type %u", plain);
    if ((type & NF_WIRE_BULK) && n != 4)
        return nf_err_set(err, NF_E_INVALID, "a frame for shared memory with %u bytes", n);
    return NF_OK;
}

NF_RC nf_wire_next(struct nf_wire_reader *r, struct nf_wire_frame *ret, bool *have,
                   struct nf_err *err)
{
    *have = false;
    if (nf_wire_left(r) < NF_WIRE_HEAD)
        return NF_OK;
    const char *p = r->p + r->at;
    uint32_t n = get32(p), type = get32(p + 4);
    NF_TRY(check_head(n, type, err));
    if (nf_wire_left(r) < NF_WIRE_HEAD + n)
        return NF_OK;
    struct nf_wire_frame f = {
        .type = (enum nf_wire_type)(type & ~NF_WIRE_BULK),
        .bulk = type & NF_WIRE_BULK,
        .id = get64(p + 8),
    };
    if (f.bulk)
        f.bulk_n = get32(p + NF_WIRE_HEAD);
    else
        f.payload = (struct nf_slice){ p + NF_WIRE_HEAD, n };
    if (f.bulk_n > NF_WIRE_BULK_MAX)
        return nf_err_set(err, NF_E_INVALID, "%u bytes in shared memory, over %zu", f.bulk_n,
                          NF_WIRE_BULK_MAX);
    r->at += NF_WIRE_HEAD + n;
    *ret = f;
    *have = true;
    return NF_OK;
}

/* --- payloads --------------------------------------------------------------------------------- */

void nf_wire_put_call(char p[NF_WIRE_CALL_HEAD], const struct nf_wire_call *c)
{
    put64(p, (uint64_t)c->deadline_us);
    put32(p + 8, c->output_max);
    put32(p + 12, (uint32_t)c->tool.n);
}

void nf_wire_put_result(char p[NF_WIRE_RESULT_HEAD], int code, uint32_t flags)
{
    put32(p, (uint32_t)code);
    put32(p + 4, flags);
}

void nf_wire_put_ask(char p[NF_WIRE_ASK_HEAD], int op_or_code, size_t fields_or_json_n)
{
    put32(p, (uint32_t)op_or_code);
    put32(p + 4, (uint32_t)fields_or_json_n);
}

static NF_RC check_length(struct nf_slice payload, size_t head, const char *what,
                          struct nf_err *err)
{
    if (payload.n < head)
        return nf_err_set(err, NF_E_INVALID, "%s of %zu bytes: it begins with %zu", what, payload.n,
                          head);
    return NF_OK;
}

/* The first `n` bytes after the head, and the rest. */
static NF_RC split(struct nf_slice payload, size_t head, uint32_t n, struct nf_slice *first,
                   struct nf_slice *rest, struct nf_err *err)
{
    if (n > payload.n - head)
        return nf_err_set(err, NF_E_INVALID, "%u bytes announced where %zu are", n,
                          payload.n - head);
    *first = (struct nf_slice){ payload.p + head, n };
    *rest = (struct nf_slice){ payload.p + head + n, payload.n - head - n };
    return NF_OK;
}

static NF_RC check_code(uint32_t code, struct nf_err *err)
{
    if (code > NF_SKILL_E_INTERNAL)
        return nf_err_set(err, NF_E_INVALID, "the unknown code %u", code);
    return NF_OK;
}

NF_RC nf_wire_get_call(struct nf_slice payload, struct nf_wire_call *ret, struct nf_err *err)
{
    struct nf_wire_call c;
    NF_TRY(check_length(payload, NF_WIRE_CALL_HEAD, "a call", err));
    c.deadline_us = (int64_t)get64(payload.p);
    c.output_max = get32(payload.p + 8);
    NF_TRY(split(payload, NF_WIRE_CALL_HEAD, get32(payload.p + 12), &c.tool, &c.args, err));
    *ret = c;
    return NF_OK;
}

NF_RC nf_wire_get_result(struct nf_slice payload, struct nf_wire_result *ret, struct nf_err *err)
{
    NF_TRY(check_length(payload, NF_WIRE_RESULT_HEAD, "a result", err));
    uint32_t code = get32(payload.p), flags = get32(payload.p + 4);
    NF_TRY(check_code(code, err));
    if (flags & ~NF_WIRE_RETIRE)
        return nf_err_set(err, NF_E_INVALID, "a result with the unknown flags %#x", flags);
    *ret = (struct nf_wire_result){
        .code = (int)code,
        .flags = flags,
        .text = { payload.p + NF_WIRE_RESULT_HEAD, payload.n - NF_WIRE_RESULT_HEAD },
    };
    return NF_OK;
}

NF_RC nf_wire_get_ask(struct nf_slice payload, struct nf_wire_ask *ret, struct nf_err *err)
{
    struct nf_wire_ask a;
    NF_TRY(check_length(payload, NF_WIRE_ASK_HEAD, "a question", err));
    uint32_t op = get32(payload.p);
    if (op < NF_SKILL_OP_HTTP_FETCH || op >= NF_SKILL_OPS)
        return nf_err_set(err, NF_E_INVALID, "the unknown question %u", op);
    a.op = (enum nf_skill_op)op;
    NF_TRY(split(payload, NF_WIRE_ASK_HEAD, get32(payload.p + 4), &a.fields, &a.raw, err));
    *ret = a;
    return NF_OK;
}

NF_RC nf_wire_get_answer(struct nf_slice payload, struct nf_wire_answer *ret, struct nf_err *err)
{
    struct nf_wire_answer a;
    NF_TRY(check_length(payload, NF_WIRE_ASK_HEAD, "an answer", err));
    uint32_t code = get32(payload.p);
    NF_TRY(check_code(code, err));
    a.code = (int)code;
    NF_TRY(split(payload, NF_WIRE_ASK_HEAD, get32(payload.p + 4), &a.json, &a.raw, err));
    *ret = a;
    return NF_OK;
}
