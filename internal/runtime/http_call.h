/*
 * What the parts of the HTTP client share about a call: http_client.c opens and closes it,
 * http_exchange.c sends the request and reads the head, http_read.c the body. Private to runtime/.
 */
#pragma once

#include "codec/http1.h"
#include "runtime/http_internal.h"
#include "runtime/impl.h"
#include "runtime/stream.h"

struct nf_http_call {
    struct nf_http_client *client;
    struct nf_stream *stream; /* NULL: the body has ended, and the connection is given back */
    char *origin;
    struct nf_http1_head head;
    struct nf_http1_body body;
    struct nf_str in; /* before the first read: what came with the head; then: what was read */
    bool has_rest;    /* `in` is not decoded yet */
    bool keep;        /* the connection may be used again */
    bool broken;      /* and there is no more to come */
    unsigned row;
    int64_t trim_at_ms; /* when the stack's unused part is given back; 0: it was */
};

/* NF_E_UNAVAILABLE: the connection broke. */
enum nf_code nf_http_call_broke(struct nf_http_call *h, struct nf_err *err);
/* A request is about to be sent. */
void nf_http_call_asked(struct nf_http_call *h);
/* Until something can be read from the connection, or written to it; `what` is what for. Suspends:
 * NF_E_TIMEOUT, NF_E_CANCELED. */
NF_RC nf_http_call_wait(struct nf_http_call *h, bool writing, int64_t timeout_ms, const char *what,
                        struct nf_err *err);
/* Into the client's scratch, which is good until somebody else receives: until the next wait.
 * Bytes, 0 at the end, NF_STREAM_AGAIN, NF_STREAM_BROKEN. */
ssize_t nf_http_call_receive(struct nf_http_call *h);
/* The body has ended: the connection is kept for the next request, or closed. */
void nf_http_call_give_back(struct nf_http_call *h);

/* Where the reading of heads is: interim ones come before the response's. */
struct nf_http_reading {
    size_t scanned, skipped; /* bytes looked at of this one, and of those before */
    bool no_body;
};

/* What one request on one connection needs. */
struct nf_http_sending {
    const struct nf_http_request *r;
    struct nf_str *head; /* and the body if it is short */
    bool joined;
    bool any;       /* the server may have seen some of it */
    bool answered;  /* it said something */
    bool head_done; /* the response's head is read already */
    int64_t until_ms;
    struct nf_http_reading reading;
};

/* Send the request and read the head of the response, if it is not read before all is sent. What
 * *s says holds also on failure. NF_E_UNAVAILABLE, NF_E_TIMEOUT, NF_E_LIMIT, NF_E_INVALID,
 * NF_E_CANCELED, NF_E_NOMEM. Suspends. */
NF_RC nf_http_exchange(struct nf_http_call *h, struct nf_http_sending *s, struct nf_err *err);
