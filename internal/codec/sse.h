/*
 * Server-sent events, decoded from pieces cut anywhere (WHATWG HTML, section 9.2.6: LF, CR and CRLF
 * end a line, a leading BOM is skipped, "data:" with or without a blank, several data lines are
 * joined by LF, comments are ignored). An event that was not ended by an empty line is not
 * dispatched.
 */
#pragma once

#include "base/string.h"

#define NF_SSE_EVENT_MAX ((size_t)8 << 20) /* bytes of one event's data */

/* `event` is "" where none was named; behind `data` there may be anything. Borrowed for the call.
 * An error ends the feed. */
typedef enum nf_code (*nf_sse_fn)(void *arg, const char *event, const char *data, size_t n,
                                  struct nf_err *err);

/* Asked at each line at which an event's data may begin: how many bytes at p are an event as a
 * whole that is known already, up to its empty line; it was dispatched, and *rc is what came of it.
 * 0: it is not known. */
typedef size_t (*nf_sse_known_fn)(void *arg, const char *p, size_t n, enum nf_code *rc,
                                  struct nf_err *err);

struct nf_sse {
    nf_sse_fn fn;
    nf_sse_known_fn known; /* NULL: nobody is asked */
    void *arg;
    struct nf_str line, event, data;
    bool after_cr, begun, has_data;
};

void nf_sse_init(struct nf_sse *s, nf_sse_fn fn, void *arg);
void nf_sse_done(struct nf_sse *s);
/* NF_E_LIMIT: an event over NF_SSE_EVENT_MAX; else what fn returned. */
NF_RC nf_sse_feed(struct nf_sse *s, const char *p, size_t n, struct nf_err *err);
