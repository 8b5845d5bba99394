/*
 * The web channel: REST, web sockets, the page, health and metrics, on our own HTTP server.
 */
#pragma once

#include "application/deps.h"
#include "application/ports/chat.h"
#include "channels/web/settings.h"
#include "codec/json.h"
#include "runtime/loop.h"

struct nf_web;

/* A bot of a chat network. */
struct nf_web_bot {
    char name[NF_CHANNEL_MAX + 1]; /* of the channel */
    char network[NF_CHANNEL_MAX + 1];
    struct nf_chat_health health;
};

const char *nf_web_bot_state(const struct nf_web_bot *b); /* "connected" */

/* What the owner changes from the page. `body` is a JSON object; *to is the answer as JSON. All may
 * suspend. */
struct nf_web_admin_ops {
    enum nf_code (*config)(void *arg, struct nf_str *to, struct nf_err *err);
    /* {"hash", "set": {key: value or null}}. NF_E_CONFLICT: `hash` is not the file's any more. */
    enum nf_code (*config_change)(void *arg, const struct nf_json *body, struct nf_str *to,
                                  struct nf_err *err);
    enum nf_code (*providers)(void *arg, struct nf_str *to, struct nf_err *err);
    enum nf_code (*provider_add)(void *arg, const struct nf_json *body, struct nf_str *to,
                                 struct nf_err *err);
    enum nf_code (*provider_remove)(void *arg, const char *name, const char *hash,
                                    struct nf_str *to, struct nf_err *err);
    enum nf_code (*alias_put)(void *arg, const struct nf_json *body, struct nf_str *to,
                              struct nf_err *err);
    /* Bounds and prices of a model: what the body names changes, the rest stays. */
    enum nf_code (*model_put)(void *arg, const struct nf_json *body, struct nf_str *to,
                              struct nf_err *err);
    enum nf_code (*alias_remove)(void *arg, const char *name, const char *hash, struct nf_str *to,
                                 struct nf_err *err);
    /* {"network", "token", "name", "api_base"}: a new bot. NF_E_DENIED: the token is nobody's. The
     * answer {"name", "network", "bot_name", "need_restart"} never has the token. */
    enum nf_code (*channel_add)(void *arg, const struct nf_json *body, struct nf_str *to,
                                struct nf_err *err);
    /* {"token"}: another one for the bot of that channel; errors and answer as of a new one.
     * NF_E_NOT_FOUND: there is no such channel. */
    enum nf_code (*channel_token)(void *arg, const char *name, const struct nf_json *body,
                                  struct nf_str *to, struct nf_err *err);
    enum nf_code (*channel_remove)(void *arg, const char *name, const char *hash, struct nf_str *to,
                                   struct nf_err *err);
    /* Call it for real. */
    enum nf_code (*provider_try)(void *arg, const struct nf_json *body, struct nf_str *to,
                                 struct nf_err *err);
};

/* Of a list whose rows have names. */
struct nf_web_names_ask {
    struct nf_slice part;  /* that the name has, in any case of letters; empty: all */
    struct nf_slice after; /* the rows behind this one; empty: from the first */
    size_t limit;          /* of rows; 0: none */
};

/* What the web channel asks the rest of the program. Called in a fiber; may suspend. */
struct nf_web_facts {
    /* The body of GET /api/v1/models. */
    enum nf_code (*models)(void *arg, const struct nf_web_names_ask *ask, struct nf_str *to,
                           struct nf_err *err);
    /* Append a line for each reason why turns cannot be served now; nothing if they can. */
    enum nf_code (*not_ready)(void *arg, struct nf_str *reasons, struct nf_err *err);
    /* The member of GET /health that everybody hears: which sandbox skills have. */
    void (*sandbox)(void *arg, struct nf_json_out *o);
    /* The others, after those that the channel knows, for who manages it. */
    void (*health)(void *arg, struct nf_json_out *o);
    /* Members of the object of GET /api/v1/status. NULL: there is no such thing. */
    enum nf_code (*status)(void *arg, struct nf_json_out *o, struct nf_err *err);
    /* The i-th bot of the configuration; false: there are no more. Must not suspend. NULL: none. */
    bool (*bot)(void *arg, size_t i, struct nf_web_bot *ret);
    /* Let the bot of `channel` write to the private chat with an account. NF_E_NOT_FOUND: there is
     * no such bot. NULL: there are no bots. */
    enum nf_code (*say)(void *arg, const char *channel, const char *account, const char *markdown,
                        struct nf_err *err);
    const struct nf_web_admin_ops *admin; /* NULL: nothing can be changed */
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

/* Several instances: see nf_hub_tell_peers and nf_hub_hear. */
void nf_web_tell_peers(struct nf_web *w, void (*fn)(void *arg, const struct nf_str *line),
                       void *arg);
void nf_web_hear(struct nf_web *w, const struct nf_json *line);

/* Find or create the owner, then listen on the address and the socket of the settings. Suspends. */
NF_RC nf_web_start(struct nf_web *w, struct nf_err *err);

/* "127.0.0.1:7777" with the real port, and a new one-time link for the owner. Suspends. */
const char *nf_web_address(const struct nf_web *w);
NF_RC nf_web_owner_link(struct nf_web *w, struct nf_str *ret, struct nf_err *err);

/* Stop accepting and close everything, handlers after `grace_ms`. Suspends. */
void nf_web_stop(struct nf_web *w, int64_t grace_ms);
/* After stop, or never started. NULL is allowed. */
void nf_web_free(struct nf_web *w);
