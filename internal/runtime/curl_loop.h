/*
 * libcurl's multi interface on the loop: one CURLM, its timer and its sockets. Callbacks only set
 * state and wake fibers; nothing here suspends and no fiber runs inside of curl.
 */
#pragma once

#include "base/error.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

struct uv_loop_s;
struct nf_curl_loop;
struct nf_curl_sock;

/* One transfer: what CURLOPT_PRIVATE of its easy handle points to. */
struct nf_curl_transfer {
    CURL *easy;
    /* It has ended. Its handle is still part of the multi. Not called after nf_curl_remove. */
    void (*done)(struct nf_curl_transfer *t, CURLcode rc);
};

NF_RC nf_curl_loop_new(struct uv_loop_s *uv, struct nf_curl_loop **ret, struct nf_err *err);

/* No transfer may be part of it. Closes the kept connections at once; the memory goes when the loop
 * has closed the handles, in its next round. NULL is allowed. */
void nf_curl_loop_free(struct nf_curl_loop *l);

/* What every easy handle of this multi needs: which loop watches its sockets. */
void nf_curl_prepare(struct nf_curl_loop *l, CURL *easy);

/* What nf_curl_prepare makes curl open sockets with, for an OPENSOCKETFUNCTION that decides first.
 */
curl_socket_t nf_curl_open_socket(struct nf_curl_loop *l, const struct curl_sockaddr *a);

/* Begin; t->easy is set and configured. NF_E_NOMEM, NF_E_INTERNAL. */
NF_RC nf_curl_add(struct nf_curl_loop *l, struct nf_curl_transfer *t, struct nf_err *err);

/* Take it out of the multi, ended or not. A connection in the middle of something is closed. */
void nf_curl_remove(struct nf_curl_loop *l, struct nf_curl_transfer *t);

/* A socket of our own that is watched like curl's; NULL: no memory. Closing it closes `fd`. */
typedef void (*nf_curl_sock_fn)(void *arg, bool readable, bool writable);
struct nf_curl_sock *nf_curl_sock_new(struct nf_curl_loop *l, int fd, nf_curl_sock_fn fn,
                                      void *arg);
void nf_curl_sock_close(struct nf_curl_sock *s);

/* For CURLOPT_CONNECT_ONLY, once connected: from now on fn(arg, readable, writable) gets the events
 * of the socket that nf_curl_sock_want asked for, until curl closes it; an error is both. */
struct nf_curl_sock *nf_curl_sock_adopt(struct nf_curl_loop *l, curl_socket_t fd,
                                        nf_curl_sock_fn fn, void *arg);
void nf_curl_sock_want(struct nf_curl_sock *s, bool readable, bool writable);
