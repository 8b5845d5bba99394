/* One request on one connection, as far as the head of the response. */
#include "runtime/http_call.h"

/* Look at what has come. *done: the head of the response is read. */
static NF_RC take_heads(struct nf_http_call *h, struct nf_http_reading *r, bool *done,
                        struct nf_err *err)
{
    size_t end;
    while (!*done && (end = nf_http1_head_end(nf_str_c(&h->in), h->in.len, &r->scanned)) > 0) {
        if (r->skipped + end > NF_HTTP_RESPONSE_HEAD_MAX)
            break;
        nf_http1_head_done(&h->head);
        NF_TRY(nf_http1_head_parse(h->in.p, end, r->no_body, &h->head, err));
        nf_str_drop(&h->in, end);
        r->skipped += end;
        r->scanned = 0;
        *done = h->head.status >= 200 || h->head.status == 101;
    }
    if (!*done && r->skipped + h->in.len > NF_HTTP_RESPONSE_HEAD_MAX)
        return nf_err_set(err, NF_E_LIMIT, "the head of the response is over %d bytes",
                          NF_HTTP_RESPONSE_HEAD_MAX);
    return NF_OK;
}

/* Receive what there is. *done as above; *again: nothing is there. */
static NF_RC take_head(struct nf_http_call *h, struct nf_http_reading *r, bool *done, bool *again,
                       struct nf_err *err)
{
    ssize_t got = nf_http_call_receive(h);
    *again = got == NF_STREAM_AGAIN;
    if (*again)
        return NF_OK;
    if (got <= 0)
        return nf_err_set(err, NF_E_UNAVAILABLE, "the connection broke");
    NF_TRY(nf_str_add(&h->in, h->client->scratch, (size_t)got, err));
    return take_heads(h, r, done, err);
}

static NF_RC read_head(struct nf_http_call *h, struct nf_http_reading *r, bool *done,
                       int64_t until_ms, struct nf_err *err)
{
    while (!*done) {
        bool again = false;
        enum nf_code rc = take_head(h, r, done, &again, err);
        if (rc != NF_OK)
            return nf_err_wrap(err, rc, "%s", h->origin);
        if (again) {
            int64_t left = until_ms - nf_mono_ms();
            NF_TRY(
                nf_http_call_wait(h, false, left > 0 ? left : 0, "the head of the response", err));
        }
    }
    return NF_OK;
}

/* --- sending ---------------------------------------------------------------------------------- */

/* The head, which may have the body in it, and the pieces of the body. */
#define PIECES (2 + NF_HTTP_BODY_MORE)
struct outgoing {
    struct iovec v[PIECES];
    size_t i; /* the first that is not sent as a whole */
};

static void skip(struct outgoing *out, size_t n)
{
    for (; out->i < PIECES; out->i++) {
        struct iovec *v = &out->v[out->i];
        size_t k = n < v->iov_len ? n : v->iov_len;
        v->iov_base = (char *)v->iov_base + k;
        v->iov_len -= k;
        n -= k;
        if (v->iov_len > 0)
            return;
    }
}

static struct iovec piece(const char *p, size_t n)
{
    return (struct iovec){ (void *)(uintptr_t)p, n };
}

static struct outgoing outgoing(const struct nf_http_sending *s)
{
    struct outgoing out = { .v[0] = { s->head->p, s->head->len } };
    if (s->joined)
        return out;
    out.v[1] = piece(s->r->body, s->r->body_n);
    for (size_t i = 0; i < NF_HTTP_BODY_MORE; i++)
        out.v[2 + i] = piece(s->r->body_more[i].p, s->r->body_more[i].n);
    return out;
}

/* Until all is sent, or the server has answered before it was. A server that answers and hangs up
 * may be read although sending to it fails. */
static NF_RC send_all(struct nf_http_call *h, struct nf_http_sending *s, struct nf_err *err)
{
    struct outgoing out = outgoing(s);
    while (out.i < PIECES && !s->head_done) {
        ssize_t k = nf_stream_send(h->stream, &out.v[out.i], PIECES - out.i);
        if (k >= 0) {
            s->any = s->any || k > 0;
            skip(&out, (size_t)k);
            continue;
        }
        h->keep = false;
        if (k == NF_STREAM_BROKEN)
            return NF_OK;
        bool again = false;
        enum nf_code rc = take_head(h, &s->reading, &s->head_done, &again, err);
        s->answered = s->answered || (rc == NF_OK && !again);
        if (rc != NF_OK)
            return nf_err_wrap(err, rc, "%s", h->origin);
        h->keep = !s->head_done;
        if (again) {
            int64_t left = s->until_ms - nf_mono_ms();
            NF_TRY(nf_http_call_wait(h, true, left > 0 ? left : 0, "the request to be sent", err));
        }
    }
    return NF_OK;
}

enum nf_code nf_http_exchange(struct nf_http_call *h, struct nf_http_sending *s, struct nf_err *err)
{
    h->keep = true;
    nf_http_call_asked(h);
    NF_TRY(send_all(h, s, err));
    enum nf_code rc = read_head(h, &s->reading, &s->head_done, s->until_ms, err);
    s->answered = s->answered || h->in.len > 0 || s->reading.skipped > 0;
    return rc;
}
