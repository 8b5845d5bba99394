#include "http/input.h"

#include <stdlib.h>
#include <string.h>

enum state { IN_HEAD, IN_BODY, WHOLE, REFUSED };

enum nf_code nf_httpd_input_feed(struct nf_httpd_input *in, const char *p, size_t n,
                                 struct nf_err *err)
{
    if (n > in->cap - in->len) {
        size_t cap = in->cap ? in->cap : 2048;
        while (cap - in->len < n)
            cap *= 2;
        char *buf = realloc(in->buf, cap);
        if (!buf)
            return nf_err_set(err, NF_E_NOMEM, "out of memory (%zu bytes)", cap);
        in->buf = buf;
        in->cap = cap;
    }
    memcpy(in->buf + in->len, p, n);
    in->len += n;
    return NF_OK;
}

static enum nf_httpd_step refuse(struct nf_httpd_input *in, int status, const char *why)
{
    in->state = REFUSED;
    in->status = status;
    in->why = why;
    return NF_HTTPD_REFUSED;
}

static enum nf_httpd_step step_head(struct nf_httpd_input *in,
                                    const struct nf_httpd_input_limits *l)
{
    if (in->len == 0)
        return NF_HTTPD_MORE;
    /* What cannot be HTTP, such as TLS, is told so at once instead of waited for. */
    if (in->buf[0] != '\r' && !nf_httpd_is_token((struct nf_slice){ in->buf, 1 }))
        return refuse(in, 400, "not HTTP");
    /* No further than a head may reach, so that the answer does not depend on how it is cut. */
    size_t seen = in->len < l->head_max ? in->len : l->head_max;
    ssize_t n = nf_httpd_head_scan(in->buf, seen, &in->scanned);
    if (n < 0)
        return refuse(in, 400, "bare LF");
    if (n == 0 && in->len <= l->head_max)
        return NF_HTTPD_MORE;
    if (n == 0)
        return memchr(in->buf, '\n', seen) ? refuse(in, 431, "head too long")
                                           : refuse(in, 414, "request line too long");

    int status = nf_httpd_head_parse(in->buf, (size_t)n, &l->head, &in->head, &in->why);
    if (status)
        return refuse(in, status, in->why);
    in->head_n = (size_t)n;
    in->body_max = l->body_max;
    in->state = IN_BODY;
    return NF_HTTPD_HEAD;
}

static enum nf_httpd_step whole(struct nf_httpd_input *in, size_t body_n, size_t used)
{
    in->body_n = body_n;
    in->used = used;
    in->state = WHOLE;
    return NF_HTTPD_DONE;
}

static enum nf_httpd_step step_chunked(struct nf_httpd_input *in)
{
    /* Between head and `out` lies what was decoded; raw bytes never stay behind it, since all that
     * arrived is decoded at once. */
    size_t raw = in->head_n + in->body_n, out = raw;
    enum nf_chunked_result r =
        nf_chunked_decode(&in->chunked, in->buf, in->len, &raw, &out, in->head_n + in->body_max);
    in->body_n = out - in->head_n;
    switch (r) {
    case NF_CHUNKED_DONE:
        return whole(in, in->body_n, raw);
    case NF_CHUNKED_BAD:
        return refuse(in, 400, "bad chunked body");
    case NF_CHUNKED_TOO_LONG:
        return refuse(in, 413, "body too long");
    default:
        in->len = out;
        return NF_HTTPD_MORE;
    }
}

static enum nf_httpd_step step_body(struct nf_httpd_input *in)
{
    if (in->head.chunked)
        return step_chunked(in);
    uint64_t need = in->head.content_length > 0 ? (uint64_t)in->head.content_length : 0;
    if (need > in->body_max)
        return refuse(in, 413, "body too long");
    if (in->len - in->head_n < need)
        return NF_HTTPD_MORE;
    return whole(in, (size_t)need, in->head_n + (size_t)need);
}

enum nf_httpd_step nf_httpd_input_step(struct nf_httpd_input *in,
                                       const struct nf_httpd_input_limits *l)
{
    switch (in->state) {
    case IN_HEAD:
        return step_head(in, l);
    case IN_BODY:
        return step_body(in);
    case WHOLE:
        return NF_HTTPD_DONE;
    default:
        return NF_HTTPD_REFUSED;
    }
}

static void forget_request(struct nf_httpd_input *in)
{
    in->scanned = in->head_n = in->body_n = in->used = 0;
    in->state = IN_HEAD;
    in->status = 0;
    in->why = "";
    in->chunked = (struct nf_chunked){ 0 };
    in->head.method = in->head.target = in->head.host = (struct nf_httpd_span){ 0 };
    in->head.fields_n = 0;
}

void nf_httpd_input_next(struct nf_httpd_input *in)
{
    assert(in->state == WHOLE && in->used <= in->len);
    in->len -= in->used;
    memmove(in->buf, in->buf + in->used, in->len);
    forget_request(in);
}

void nf_httpd_input_reset(struct nf_httpd_input *in, size_t keep)
{
    in->len = 0;
    if (in->cap > keep) {
        free(in->buf);
        in->buf = NULL;
        in->cap = 0;
    }
    forget_request(in);
}
