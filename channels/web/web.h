/*
 * The web channel: REST, web sockets, the page, health and metrics, on our own HTTP server.
 */
#pragma once

#include "application/deps.h"
#include "channels/web/settings.h"
#include "codec/json.h"
#include "runtime/loop.h"

struct nf_web;

/* What the web channel asks the rest of the program. Called in a fiber; may suspend. */
struct nf_web_facts {
    /* The body of GET /api/v1/models. */
    enum nf_code (*models)(void *arg, struct nf_str *to, struct nf_err *err);
    /* Append a line for each reason why turns cannot be served now; nothing if they can. */
    enum nf_code (*not_ready)(void *arg, struct nf_str *reasons, struct nf_err *err);
    /* Members of the object of GET /health, after those that the channel knows. */
    void (*health)(void *arg, struct nf_json_out *o);
    void *arg;
};

/* Everything is borrowed and outlives the channel. */
struct nf_web_options {
    struct nf_loop *loop;
    struct nf_app *app;
    const struct nf_server_settings *server;
    const struct nf_limit_settings *limits;
    const char *version;
    const char *data_dir; /* where owner-token and nexflow.sock are */
    struct nf_web_facts facts;
};

/* Build the channel; nothing listens yet. NF_E_INVALID: the owner's token is too short; NF_E_IO:
 * its file cannot be read or written. */
NF_RC nf_web_new(const struct nf_web_options *o, struct nf_web **ret, struct nf_err *err);

struct nf_channel *nf_web_channel(struct nf_web *w);

/* Find or create the owner, then listen on the address and the socket of the settings. Suspends. */
NF_RC nf_web_start(struct nf_web *w, struct nf_err *err);

/* "127.0.0.1:7777" with the real port, and a new one-time link for the owner. Suspends. */
const char *nf_web_address(const struct nf_web *w);
NF_RC nf_web_owner_link(struct nf_web *w, struct nf_str *ret, struct nf_err *err);

/* Stop accepting and close everything, handlers after `grace_ms`. Suspends. */
void nf_web_stop(struct nf_web *w, int64_t grace_ms);
/* After stop, or never started. NULL is allowed. */
void nf_web_free(struct nf_web *w);
