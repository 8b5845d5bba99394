/*
 * Discord's REST API as calls, within its limits (limits.h): a call waits for its place, and what
 * the network asks to wait for is waited for within. After a 401 nothing goes out any more. What a
 * call came to is told so that nobody has to guess whether it had an effect.
 */
#pragma once

#include "application/ports/clock.h"
#include "application/ports/shared_rates.h"
#include "base/secret.h"
#include "codec/json.h"
#include "runtime/http_client.h"

struct nf_rest;

/* Method and path without ids: each has limits of its own. */
enum nf_rest_route {
    NF_REST_ME,
    NF_REST_APPLICATION,
    NF_REST_GATEWAY,
    NF_REST_OPEN_DM,
    NF_REST_CHANNEL,
    NF_REST_CHANNEL_EDIT,
    NF_REST_MESSAGES,
    NF_REST_SEND,
    NF_REST_EDIT,
    NF_REST_DELETE,
    NF_REST_TYPING,
    NF_REST_THREAD,
    NF_REST_COMMANDS,
    NF_REST_COMMANDS_PUT,
    NF_REST_CALLBACK, /* of an interaction, as those below */
    NF_REST_FOLLOW_UP,
    NF_REST_ORIGINAL,
    NF_REST_ORIGINAL_DELETE,
    NF_REST_ORIGINAL_GET,
    NF_REST_ROUTES,
};

struct nf_rest_options {
    struct nf_http_client *http;
    struct nf_clock *clock;
    const char *base;       /* "https://discord.com/api/v10" */
    const char *user_agent; /* "DiscordBot (url, version)": "User Agent" of the reference */
    const struct nf_secret *token;
    int64_t per_second;             /* NF_LIMITS_GLOBAL, unless Discord granted more */
    struct nf_shared_rates *shared; /* all instances that use the token share it; NULL: not so */
};
/* All of *o is borrowed. */
NF_RC nf_rest_new(const struct nf_rest_options *o, struct nf_rest **ret, struct nf_err *err);
void nf_rest_free(struct nf_rest *r); /* no call is under way; NULL is allowed */

/* One call. Borrowed. */
struct nf_rest_call {
    enum nf_rest_route route;
    const char *major; /* id of the channel, or of the webhook with its token; "" */
    const char *path;  /* below base, "/channels/1/messages" */
    const char *body;  /* JSON, NULL: none */
    size_t body_n;
    const char *content_type; /* NULL: application/json */
    bool again;               /* twice does no harm */
    bool interim;             /* NF_E_LIMIT instead of waiting for a place */
    bool secret_path;         /* a token is in it: an error does not show it */
    int64_t patience_ms;      /* waits and tries together; 0: 60 s */
    size_t answer_max;        /* bytes; 0: 4 MiB */
};

/* What it came to. The zero value to start; released by nf_rest_answer_done. */
struct nf_rest_answer {
    int status; /* 0: there was none */
    struct nf_json_doc *doc;
    const struct nf_json *body; /* NULL: there is none */
    bool empty;                 /* nor was anything in its place */
    int64_t code;               /* of an error: "JSON Error Codes"; 0: none */
};
void nf_rest_answer_done(struct nf_rest_answer *a);

/*
 * NF_OK: a status of 200 to 299. Else, surely without effect: NF_E_INVALID (400 and what is like
 * it), NF_E_DENIED (403), NF_E_NOT_FOUND (404, 10003, 10008 ...), NF_E_LIMIT (too large; or no
 * place for an interim call), NF_E_UNAVAILABLE (401 too), NF_E_TIMEOUT. NF_E_CONFLICT: nobody
 * knows; not for a call that may be made again. NF_E_CANCELED. `code` and `status` say more.
 * Suspends.
 */
NF_RC nf_rest_do(struct nf_rest *r, const struct nf_rest_call *c, struct nf_rest_answer *ret,
                 struct nf_err *err);

/* Fetch a file from an address that Discord gave: the bytes into *ret, whose ceiling counts. Only
 * from hosts of Discord, or where the API is. NF_E_DENIED: from elsewhere. Suspends. */
NF_RC nf_rest_fetch(struct nf_rest *r, const char *url, struct nf_str *ret, struct nf_err *err);

bool nf_rest_is_refused(const struct nf_rest *r); /* the token was */
void nf_rest_try_again(struct nf_rest *r);        /* although it was */
int64_t nf_rest_waiting(const struct nf_rest *r); /* calls that wait for a place */

struct nf_metric;
/* Count 429s, and show how many calls wait. Without, nobody counts. */
void nf_rest_measure(struct nf_rest *r, struct nf_metric *limited, struct nf_metric *waiting);
