/* The body of a response, off its connection and out of its framing. */
#include "runtime/http_call.h"

#define KEPT_MAX 512     /* bytes of a buffer that waits: those of a usual event */
#define ROW_MAX 16       /* reads without a wait, then others get their turn */
#define TRIM_AFTER_MS 50 /* a fiber that is answered sooner keeps its stack as it is */

enum nf_code nf_http_call_broke(struct nf_http_call *h, struct nf_err *err)
{
    return nf_err_set(err, NF_E_UNAVAILABLE, "%s: the connection broke", h->origin);
}

static NF_RC wait_on(struct nf_http_call *h, bool writing, int64_t timeout_ms, const char *what,
                     struct nf_err *err)
{
    enum nf_code rc = nf_stream_wait(h->stream, writing, timeout_ms, what, err);
    return rc == NF_OK ? NF_OK : nf_err_wrap(err, rc, "%s", h->origin);
}

void nf_http_call_asked(struct nf_http_call *h)
{
    h->trim_at_ms = nf_mono_ms() + TRIM_AFTER_MS;
}

/* An answer may take minutes, and there may be thousands on their way: then no more of a stack
 * stays in memory than is in use. One that comes at once must not pay for that. */
enum nf_code nf_http_call_wait(struct nf_http_call *h, bool writing, int64_t timeout_ms,
                               const char *what, struct nf_err *err)
{
    h->row = 0;
    if (h->trim_at_ms == 0)
        return wait_on(h, writing, timeout_ms, what, err);
    int64_t soon = h->trim_at_ms - nf_mono_ms();
    if (soon > 0 && timeout_ms >= 0 && timeout_ms <= soon)
        return wait_on(h, writing, timeout_ms, what, err);
    if (soon > 0) {
        enum nf_code rc = wait_on(h, writing, soon, what, err);
        if (rc != NF_E_TIMEOUT)
            return rc;
        timeout_ms -= timeout_ms > 0 ? soon : 0;
    }
    h->trim_at_ms = 0;
    nf_fiber_trim();
    return wait_on(h, writing, timeout_ms, what, err);
}

/* Into the client's scratch, which is good until somebody else receives: until the next wait. */
ssize_t nf_http_call_receive(struct nf_http_call *h)
{
    struct nf_http_client *c = h->client;
    if (nf_stream_is_drained(h->stream))
        return NF_STREAM_AGAIN;
    return nf_stream_recv(h->stream, c->scratch, c->scratch_max);
}

/* The body has ended. */
void nf_http_call_give_back(struct nf_http_call *h)
{
    if (h->keep)
        nf_stream_keep(h->stream);
    else
        nf_stream_close(h->stream);
    h->stream = NULL;
}

/* Take the framing off, in place; *n becomes what is left. */
static NF_RC decode(struct nf_http_call *h, char *p, size_t *n, struct nf_err *err)
{
    size_t used, out, got = *n;
    enum nf_code rc = nf_http1_body_decode(&h->body, p, got, &used, &out, err);
    if (rc != NF_OK)
        return nf_err_wrap(err, rc, "%s", h->origin);
    *n = out;
    h->keep = h->keep && used == got;
    if (h->body.ended)
        nf_http_call_give_back(h);
    return NF_OK;
}

/* What came with the head. */
static NF_RC take_rest(struct nf_http_call *h, struct nf_err *err)
{
    size_t n = h->in.len;
    h->has_rest = false;
    NF_TRY(decode(h, h->in.p, &n, err));
    h->in.len = n;
    return NF_OK;
}

/* One piece from the connection, *again: nothing has come. */
static NF_RC take_more(struct nf_http_call *h, bool *again, struct nf_err *err)
{
    char *p = h->client->scratch;
    ssize_t got = nf_http_call_receive(h);
    *again = got == NF_STREAM_AGAIN;
    if (*again)
        return NF_OK;
    if (got <= 0) {
        if (got == NF_STREAM_BROKEN || !nf_http1_body_end(&h->body))
            return nf_http_call_broke(h, err);
        nf_http_call_give_back(h);
        return NF_OK;
    }
    size_t n = (size_t)got;
    NF_TRY(decode(h, p, &n, err));
    return n > 0 ? nf_str_add(&h->in, p, n, err) : NF_OK;
}

/* A big buffer is not kept while there is nothing to put into it: most of the time a model is
 * silent, and there may be thousands. */
static void release(struct nf_str *s)
{
    size_t max = s->max;
    if (s->cap <= KEPT_MAX)
        return;
    nf_str_done(s);
    s->max = max;
}

static NF_RC read_piece(struct nf_http_call *h, int64_t idle_timeout_ms, struct nf_err *err)
{
    while (h->in.len == 0 && h->stream) {
        bool again = false;
        if (++h->row > ROW_MAX) {
            h->row = 0;
            NF_TRY(nf_yield(err));
        }
        NF_TRY(take_more(h, &again, err));
        if (again) {
            release(&h->in);
            NF_TRY(nf_http_call_wait(h, false, idle_timeout_ms, "more of the response", err));
        }
    }
    return NF_OK;
}

NF_RC nf_http_read(struct nf_http_call *h, int64_t idle_timeout_ms, const char **p, size_t *n,
                   struct nf_err *err)
{
    if (h->broken)
        return nf_http_call_broke(h, err);
    enum nf_code rc = NF_OK;
    if (h->has_rest)
        rc = take_rest(h, err);
    else
        nf_str_reset(&h->in);
    if (rc == NF_OK)
        rc = read_piece(h, idle_timeout_ms, err);
    /* After a wait that was too long or was called off, another may follow. */
    h->broken = rc != NF_OK && rc != NF_E_TIMEOUT && rc != NF_E_CANCELED;
    if (rc != NF_OK)
        return rc;
    *p = nf_str_c(&h->in);
    *n = h->in.len;
    return NF_OK;
}

NF_RC nf_http_read_all(struct nf_http_call *h, int64_t idle_timeout_ms, struct nf_str *ret,
                       struct nf_err *err)
{
    const char *p = "";
    size_t n = 0;

    for (;;) {
        NF_TRY(nf_http_read(h, idle_timeout_ms, &p, &n, err));
        if (n == 0)
            return NF_OK;
        enum nf_code rc = nf_str_add(ret, p, n, err);
        if (rc != NF_OK)
            return nf_err_wrap(err, rc, "the body of the response");
    }
}
