/*
 * The Bot API as calls: POST {base}/bot{token}/{method}. What a call came to is told so that nobody
 * has to guess whether it had an effect; the token is in no message and in no log.
 */
#pragma once

#include "base/secret.h"
#include "codec/json.h"
#include "runtime/http_client.h"

#define NF_TELEGRAM_DOWNLOAD_MAX ((size_t)20 << 20) /* bytes: what a bot may fetch ("getFile") */
#define NF_TELEGRAM_UPLOAD_MAX ((size_t)50 << 20)   /* bytes ("sendDocument") */

struct nf_telegram_api;

/* `http` and `base` are borrowed and outlive it; the token is copied. NF_E_INVALID: the token is
 * none. */
NF_RC nf_telegram_api_new(struct nf_http_client *http, const char *base,
                          const struct nf_secret *token, struct nf_telegram_api **ret,
                          struct nf_err *err);
void nf_telegram_api_free(struct nf_telegram_api *a); /* NULL is allowed */

/* The bot's id: the digits of its token. */
const char *nf_telegram_bot_id(const struct nf_telegram_api *a);
/* A secret that Telegram sends back with each webhook call: the same for the same token. */
#define NF_TELEGRAM_HOOK_SECRET 64
void nf_telegram_hook_secret(const struct nf_telegram_api *a,
                             char ret[NF_TELEGRAM_HOOK_SECRET + 1]);

/* One call. Borrowed. */
struct nf_telegram_call {
    const char *method;
    const char *body; /* NULL: none */
    size_t body_n;
    const char *content_type; /* NULL: application/json */
    bool once;                /* twice would be seen: a message that is sent */
    int64_t timeout_ms;       /* until the answer begins; 0: 30 s */
    size_t answer_max;        /* bytes; 0: 1 MiB */
};

/* What it came to. The zero value to start; released by nf_telegram_answer_done. */
struct nf_telegram_answer {
    struct nf_json_doc *doc;
    const struct nf_json *result; /* of a success */
    int64_t status;               /* error_code or that of HTTP; 0: no answer */
    int64_t retry_after_ms;       /* of a 429 */
    char migrate_to[24];          /* the group has this id now; "" */
    char description[161];        /* the server's words, cut; "" */
    struct nf_str raw;            /* of an answer of getUpdates that cannot be read */
};
void nf_telegram_answer_done(struct nf_telegram_answer *a);

/*
 * NF_OK: it has taken effect. Else, surely without effect: NF_E_INVALID (400 and what is like it),
 * NF_E_DENIED (401, 403), NF_E_NOT_FOUND (404), NF_E_LIMIT (429; not before retry_after_ms),
 * NF_E_UNAVAILABLE (409, 421, could not connect). Nobody knows, for a call that may be made once
 * only: NF_E_CONFLICT (5xx, a timeout or a cut after something was sent, an answer that is none);
 * for others these are NF_E_UNAVAILABLE too. NF_E_CANCELED. Suspends.
 */
NF_RC nf_telegram_call(struct nf_telegram_api *a, const struct nf_telegram_call *c,
                       struct nf_telegram_answer *ret, struct nf_err *err);

/* Fetch a file that getFile told of into *ret, whose ceiling counts. NF_E_INVALID: the path is
 * none; NF_E_LIMIT: it is longer; NF_E_UNAVAILABLE, NF_E_TIMEOUT. Suspends. */
NF_RC nf_telegram_download(struct nf_telegram_api *a, const char *path, struct nf_str *ret,
                           struct nf_err *err);

/* True if the description of a 400 says that `part` of the text is what is wrong with it. */
bool nf_telegram_says(const struct nf_telegram_answer *a, const char *part);
