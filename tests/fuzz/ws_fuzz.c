/* The same messages come of a connection whether its bytes are fed at once, byte by byte, or in
 * pieces; text is UTF-8, nothing is over its limit, and a failure has a close code. The first byte
 * of the input says who sends (bit 0) and the size of the pieces. */
#include "base/own.h"
#include "codec/ws.h"

#include <stdlib.h>
#include <string.h>

#define MESSAGE_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum nf_code on_frame(void *arg, enum nf_ws_opcode op, const char *p, size_t n,
                             struct nf_err *err)
{
    struct nf_str *seen = arg;
    if (n > (op >= NF_WS_CLOSE ? 125 : MESSAGE_MAX) || (op == NF_WS_TEXT && !nf_utf8_valid(p, n)))
        abort();
    seen->max = (size_t)64 << 20;
    NF_TRY(nf_str_addf(seen, err, "%d %zu ", op, n));
    return nf_str_add(seen, p, n, err);
}

static int feed(bool from_client, const char *p, size_t n, size_t piece, struct nf_str *seen)
{
    NF_CLEANUP(nf_ws_reader_done) struct nf_ws_reader r;
    struct nf_err err;
    nf_ws_reader_init(&r, from_client, MESSAGE_MAX, on_frame, seen);
    for (size_t at = 0; at < n; at += piece)
        if (nf_ws_feed(&r, p + at, n - at < piece ? n - at : piece, &err) != NF_OK) {
            if (!nf_ws_close_code_ok(r.close_code))
                abort();
            return r.close_code;
        }
    return r.close_code ? -1 : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const size_t pieces[] = { size, 1, (size_t)(data[0] >> 1) + 1 };
    struct nf_str seen[3] = { { 0 } };
    int code[3];
    for (int i = 0; i < 3; i++)
        code[i] = feed(data[0] & 1, (const char *)data + 1, size - 1, pieces[i], &seen[i]);
    for (int i = 1; i < 3; i++)
        if (code[i] != code[0] || seen[i].len != seen[0].len ||
            memcmp(nf_str_c(&seen[i]), nf_str_c(&seen[0]), seen[0].len) != 0)
            abort();
    for (int i = 0; i < 3; i++)
        nf_str_done(&seen[i]);
    return 0;
}
