/* A server that answers with what it was sent, and how the whole answer to a request is had. */
#pragma once

#include "tests/integration/client_fixture.h"

/* Answers with what it was sent. */
static inline void serve_echo(struct raw_conn *c)
{
    char head[64];

    while (raw_request(c)) {
        (void)snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n",
                       c->request_n);
        if (!raw_send(c, head) || !raw_sendn(c, c->request, c->request_n))
            return;
    }
}

static inline bool begins(const struct nf_str *s, const char *with)
{
    return strncmp(nf_str_c(s), with, strlen(with)) == 0;
}

/* Send and read the whole answer. */
static inline NF_RC fetch(struct fixture *f, const struct nf_http_request *r, int *status,
                          struct nf_str *body, struct nf_err *err)
{
    NF_CLEANUP(nf_http_closep) struct nf_http_call *h = NULL;

    NF_TRY(nf_http_open(f->client, r, &h, err));
    if (status)
        *status = nf_http_status(h);
    return nf_http_read_all(h, RAW_WAIT_MS, body, err);
}

static inline NF_RC get(struct fixture *f, const char *path, int *status, struct nf_str *body,
                        struct nf_err *err)
{
    char url[256];

    (void)snprintf(url, sizeof url, "%s%s", f->url, path);
    nf_str_reset(body);
    return fetch(f, &(struct nf_http_request){ .method = "GET", .url = url }, status, body, err);
}
