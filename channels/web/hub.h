/*
 * The hub: every socket of a user sees the same events. It implements the channel port of the web.
 *
 * It keeps the events of the runs under way, so that a socket that resumes in their middle gets the
 * rest. Ended runs are read back from the database. A socket that catches up with a session gets
 * none of its live events until it has; then exactly those behind its position.
 */
#pragma once

#include "application/deps.h"
#include "application/run_log.h"
#include "codec/hash.h"
#include "codec/json.h"
#include "http/server.h"

struct nf_hub;
struct nf_hub_socket;

NF_RC nf_hub_new(struct nf_app *a, struct nf_hub **ret, struct nf_err *err);
/* All sockets must have left. NULL is allowed. */
void nf_hub_free(struct nf_hub *h);

struct nf_channel *nf_hub_channel(struct nf_hub *h);

/* A socket of `user_id` joins. NF_E_LIMIT: it has `per_user_max` already; NF_E_NOMEM. The socket
 * must leave when it closes. */
NF_RC nf_hub_join(struct nf_hub *h, struct nf_websocket *ws, int64_t user_id, size_t per_user_max,
                  struct nf_hub_socket **ret, struct nf_err *err);
void nf_hub_leave(struct nf_hub_socket *s);

/* Send a frame to one socket, or to all of a user but `except` (NULL: to all). Slow peers are
 * closed by the server and resume later. */
void nf_hub_send(struct nf_hub_socket *s, const struct nf_str *frame);
void nf_hub_broadcast(struct nf_hub *h, int64_t user_id, const struct nf_str *frame,
                      const struct nf_hub_socket *except);

/* Close every socket of a user who was blocked. */
void nf_hub_drop_user(struct nf_hub *h, int64_t user_id);

/* The socket was opened with the cookie that hashes to `cookie_hash`, and goes with it. */
void nf_hub_bind(struct nf_hub_socket *s, const char cookie_hash[NF_SHA256_HEX + 1]);
/* Close the sockets that were opened with a cookie which is revoked. */
void nf_hub_drop_cookie(struct nf_hub *h, int64_t user_id,
                        const char cookie_hash[NF_SHA256_HEX + 1]);

/* Bring a socket up to date with a session of its user, from position `after`. NF_E_NOT_FOUND: no
 * such session of theirs. May suspend. */
NF_RC nf_hub_resume(struct nf_hub_socket *s, int64_t session_id, int64_t after, struct nf_err *err);

/* Several instances: `fn` gets a line of JSON for their hubs whenever something happens here. It
 * never suspends. */
void nf_hub_tell_peers(struct nf_hub *h, void (*fn)(void *arg, const struct nf_str *line),
                       void *arg);
/* What the hub of another instance told: its sockets' users may have some here. NULL: something was
 * missed. Where a run has a gap, its user's sockets are closed once the database has it all; they
 * come back and resume. */
void nf_hub_hear(struct nf_hub *h, const struct nf_json *line);

size_t nf_hub_sockets(const struct nf_hub *h);
