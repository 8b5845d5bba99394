/* Frames from a hostile process, and from the daemon: the same ones come out whether the bytes are
 * fed at once, byte by byte or in pieces; no slice leaves its payload; what the decoders accept is
 * encoded to the same bytes again. The first byte of the input is the size of the pieces. */
#include "base/own.h"
#include "skills/wire.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void within(struct nf_slice s, struct nf_slice all)
{
    if (s.n > all.n || (s.n > 0 && (s.p < all.p || s.p + s.n > all.p + all.n)))
        abort();
}

static void same(const char *p, const char *q, size_t n)
{
    if (memcmp(p, q, n) != 0)
        abort();
}

static void decode(struct nf_slice payload)
{
    struct nf_wire_call call;
    struct nf_wire_result result;
    struct nf_wire_ask ask;
    struct nf_wire_answer answer;
    char head[NF_WIRE_CALL_HEAD];
    if (nf_wire_get_call(payload, &call, NULL) == NF_OK) {
        within(call.tool, payload);
        within(call.args, payload);
        nf_wire_put_call(head, &call);
        same(head, payload.p, NF_WIRE_CALL_HEAD);
    }
    if (nf_wire_get_result(payload, &result, NULL) == NF_OK) {
        within(result.text, payload);
        nf_wire_put_result(head, result.code, result.flags);
        same(head, payload.p, NF_WIRE_RESULT_HEAD);
    }
    if (nf_wire_get_ask(payload, &ask, NULL) == NF_OK) {
        within(ask.fields, payload);
        within(ask.raw, payload);
        nf_wire_put_ask(head, (int)ask.op, ask.fields.n);
        same(head, payload.p, NF_WIRE_ASK_HEAD);
    }
    if (nf_wire_get_answer(payload, &answer, NULL) == NF_OK) {
        within(answer.json, payload);
        within(answer.raw, payload);
        nf_wire_put_ask(head, answer.code, answer.json.n);
        same(head, payload.p, NF_WIRE_ASK_HEAD);
    }
}

/* The frames as text; false once what came is no frame. */
static bool drain(struct nf_wire_reader *r, struct nf_str *seen)
{
    struct nf_wire_frame f;
    bool have;
    for (;;) {
        if (nf_wire_next(r, &f, &have, NULL) != NF_OK)
            return false;
        if (!have)
            return true;
        if (f.payload.n > NF_WIRE_INLINE_MAX || f.bulk_n > NF_WIRE_BULK_MAX)
            abort();
        decode(f.payload);
        if (nf_str_addf(seen, NULL, "%d %d %u %llu ", f.type, f.bulk, f.bulk_n,
                        (unsigned long long)f.id) != NF_OK ||
            nf_str_add(seen, f.payload.p, f.payload.n, NULL) != NF_OK)
            abort();
    }
}

static bool feed(const char *p, size_t n, size_t piece, struct nf_str *seen)
{
    NF_CLEANUP(nf_wire_reader_done) struct nf_wire_reader r = { 0 };
    seen->max = (size_t)64 << 20;
    for (size_t at = 0; at < n;) {
        char *to;
        size_t room;
        if (nf_wire_room(&r, &to, &room, NULL) != NF_OK)
            abort(); /* everything that is whole was taken */
        size_t some = n - at < piece ? n - at : piece;
        some = some < room ? some : room;
        memcpy(to, p + at, some);
        nf_wire_fed(&r, some);
        at += some;
        if (!drain(&r, seen))
            return false;
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const char *p = (const char *)data + 1;
    const size_t pieces[] = { size, 1, (size_t)data[0] + 1 };
    struct nf_str seen[3] = { { 0 } };
    bool ok[3];
    decode((struct nf_slice){ p, size - 1 });
    for (int i = 0; i < 3; i++)
        ok[i] = feed(p, size - 1, pieces[i], &seen[i]);
    for (int i = 1; i < 3; i++)
        if (ok[i] != ok[0] || seen[i].len != seen[0].len ||
            memcmp(nf_str_c(&seen[i]), nf_str_c(&seen[0]), seen[0].len) != 0)
            abort();
    for (int i = 0; i < 3; i++)
        nf_str_done(&seen[i]);
    return 0;
}
