#include "codec/sse.h"

#include <string.h>

/* A line holds a field's name, a colon and a blank beside the data; the stream's first a BOM. */
#define LINE_MAX_BYTES (NF_SSE_EVENT_MAX + 16)
#define NAME_MAX_BYTES 1024

static const char bom[] = "\xef\xbb\xbf";

void nf_sse_init(struct nf_sse *s, nf_sse_fn fn, void *arg)
{
    *s = (struct nf_sse){ .fn = fn,
                          .arg = arg,
                          .line = { .max = LINE_MAX_BYTES + 1 },
                          .event = { .max = NAME_MAX_BYTES + 1 },
                          .data = { .max = NF_SSE_EVENT_MAX + 1 } };
}

void nf_sse_done(struct nf_sse *s)
{
    nf_str_done(&s->line);
    nf_str_done(&s->event);
    nf_str_done(&s->data);
}

static enum nf_code dispatch(struct nf_sse *s, struct nf_err *err)
{
    enum nf_code rc = NF_OK;
    if (s->has_data)
        rc = s->fn(s->arg, nf_str_c(&s->event), nf_str_c(&s->data), s->data.len, err);
    nf_str_reset(&s->event);
    nf_str_reset(&s->data);
    s->has_data = false;
    return rc;
}

static enum nf_code field(struct nf_sse *s, struct nf_slice name, struct nf_slice value,
                          struct nf_err *err)
{
    if (nf_slice_eq(name, "data")) {
        if (s->has_data)
            NF_TRY(nf_err_wrap(err, nf_str_add(&s->data, "\n", 1, err), "event's data"));
        s->has_data = true;
        return nf_err_wrap(err, nf_str_add(&s->data, value.p, value.n, err), "event's data");
    }
    if (nf_slice_eq(name, "event")) {
        nf_str_reset(&s->event);
        return nf_err_wrap(err, nf_str_add(&s->event, value.p, value.n, err), "event's name");
    }
    return NF_OK; /* id and retry are for clients that reconnect by themselves */
}

static enum nf_code take_line(struct nf_sse *s, const char *p, size_t n, struct nf_err *err)
{
    if (!s->begun && n >= 3 && memcmp(p, bom, 3) == 0) {
        p += 3;
        n -= 3;
    }
    s->begun = true;
    if (n == 0)
        return dispatch(s, err);
    const char *colon = memchr(p, ':', n);
    if (colon == p)
        return NF_OK; /* a comment */
    if (!colon)
        return field(s, (struct nf_slice){ p, n }, (struct nf_slice){ "", 0 }, err);
    struct nf_slice name = { p, (size_t)(colon - p) };
    struct nf_slice value = { colon + 1, n - name.n - 1 };
    if (value.n > 0 && value.p[0] == ' ') {
        value.p++;
        value.n--;
    }
    return field(s, name, value, err);
}

static size_t take_known(struct nf_sse *s, const char *p, size_t n, enum nf_code *rc,
                         struct nf_err *err)
{
    if (!s->known || !s->begun || s->has_data || s->line.len > 0)
        return 0;
    size_t taken = s->known(s->arg, p, n, rc, err);
    if (taken > 0)
        nf_str_reset(&s->event);
    return taken;
}

/* What is behind "data:" in a line that is an event by itself and of which nothing is missing; p
 * NULL where it is not. */
static struct nf_slice whole_event(const struct nf_sse *s, const char *p, size_t n, size_t k)
{
    static const char name[] = { 'd', 'a', 't', 'a', ':' };
    const size_t head = sizeof(name);
    if (!s->begun || s->has_data || s->line.len > 0 || k < head || n - k < 2 || p[k] != '\n' ||
        p[k + 1] != '\n' || memcmp(p, name, head) != 0 || k - head > NF_SSE_EVENT_MAX)
        return (struct nf_slice){ 0 };
    bool blank = k > head && p[head] == ' ';
    return (struct nf_slice){ p + head + blank, k - head - blank };
}

/* Bytes before the first LF or CR, n if there is none. *lf, NULL at first, is where the next LF is
 * or the input ends: whoever ends lines with CR alone must not have it looked for at each. */
static size_t line_length(const char *p, size_t n, const char **lf)
{
    if (!*lf || *lf < p) {
        const char *next = memchr(p, '\n', n);
        *lf = next ? next : p + n;
    }
    size_t k = (size_t)(*lf - p);
    const char *cr = memchr(p, '\r', k);
    return cr ? (size_t)(cr - p) : k;
}

enum nf_code nf_sse_feed(struct nf_sse *s, const char *p, size_t n, struct nf_err *err)
{
    const char *lf = NULL;
    enum nf_code rc = NF_OK;
    while (n > 0) {
        if (s->after_cr && *p == '\n') {
            s->after_cr = false;
            p++;
            n--;
            continue;
        }
        s->after_cr = false;
        size_t known = take_known(s, p, n, &rc, err);
        if (known > 0) {
            NF_TRY(rc);
            p += known;
            n -= known;
            continue;
        }
        size_t k = line_length(p, n, &lf);
        if (k == n) /* the rest is still to come */
            return nf_err_wrap(err, nf_str_add(&s->line, p, n, err), "event's line");
        struct nf_slice data = whole_event(s, p, n, k);
        if (data.p) {
            rc = s->fn(s->arg, nf_str_c(&s->event), data.p, data.n, err);
            nf_str_reset(&s->event);
            NF_TRY(rc);
            p += k + 2;
            n -= k + 2;
            continue;
        }
        if (s->line.len > 0) {
            NF_TRY(nf_err_wrap(err, nf_str_add(&s->line, p, k, err), "event's line"));
            NF_TRY(take_line(s, nf_str_c(&s->line), s->line.len, err));
            nf_str_reset(&s->line);
        } else {
            NF_TRY(take_line(s, p, k, err));
        }
        s->after_cr = p[k] == '\r';
        p += k + 1;
        n -= k + 1;
    }
    return NF_OK;
}
