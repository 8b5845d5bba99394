#include "channels/telegram/api.h"

#include "base/own.h"
#include "channels/telegram/settings.h"
#include "codec/hash.h"

#include <stdlib.h>
#include <string.h>

#define TIMEOUT_MS 30000
#define READ_MS 30000  /* without a byte of the body */
#define WHOLE_MS 60000 /* for the body, however steadily it drips: who polls would be deaf */
/* Until a file begins, and without a byte of it; it has twice that in all. */
#define DOWNLOAD_MS INT64_C(60000)
#define ANSWER_MAX ((size_t)1 << 20)
#define URL_MAX 4096
#define PATH_MAX_BYTES 512

struct nf_telegram_api {
    struct nf_http_client *http;
    const char *base;
    struct nf_secret token;
    char id[20];
};

enum nf_code nf_telegram_api_new(struct nf_http_client *http, const char *base,
                                 const struct nf_secret *token, struct nf_telegram_api **ret,
                                 struct nf_err *err)
{
    NF_TRY(nf_err_wrap(err, nf_telegram_token_check(nf_secret_reveal(token), err), "token"));
    struct nf_telegram_api *a = calloc(1, sizeof(*a));
    if (!a)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    a->http = http;
    a->base = base;
    const char *text = nf_secret_reveal(token);
    memcpy(a->id, text, strcspn(text, ":"));
    enum nf_code rc = nf_secret_copy(&a->token, token, err);
    if (rc != NF_OK) {
        nf_telegram_api_free(a);
        return rc;
    }
    *ret = a;
    return NF_OK;
}

void nf_telegram_api_free(struct nf_telegram_api *a)
{
    if (!a)
        return;
    nf_secret_done(&a->token);
    free(a);
}

const char *nf_telegram_bot_id(const struct nf_telegram_api *a)
{
    return a->id;
}

void nf_telegram_hook_secret(const struct nf_telegram_api *a, char ret[NF_TELEGRAM_HOOK_SECRET + 1])
{
    static const char label[] = "nexflow webhook ";
    char text[sizeof(label) + 128];
    const char *token = nf_secret_reveal(&a->token);
    size_t n = strnlen(token, 127);

    memcpy(text, label, sizeof(label) - 1);
    memcpy(text + sizeof(label) - 1, token, n);
    nf_sha256_hex(text, sizeof(label) - 1 + n, ret);
    explicit_bzero(text, sizeof(text));
}

void nf_telegram_answer_done(struct nf_telegram_answer *a)
{
    nf_json_free(a->doc);
    nf_str_done(&a->raw);
    *a = (struct nf_telegram_answer){ 0 };
}

bool nf_telegram_says(const struct nf_telegram_answer *a, const char *part)
{
    return strstr(a->description, part) != NULL;
}

/* --- what came back --------------------------------------------------------------------------- */

/* The server's words without the token, should they quote it. */
static void keep_description(const struct nf_telegram_api *a, const char *text,
                             struct nf_telegram_answer *ret)
{
    const char *secret = strchr(nf_secret_reveal(&a->token), ':');
    size_t n = 0;

    if (!text || (secret && strstr(text, secret + 1)))
        text = "";
    for (; text[n] && n < sizeof(ret->description) - 1; n++)
        ret->description[n] = (char)((unsigned char)text[n] < ' ' ? ' ' : text[n]);
    while (n > 0 && text[n] && ((unsigned char)text[n] & 0xC0) == 0x80)
        n--;
    ret->description[n] = '\0';
}

static void read_parameters(const struct nf_json *p, struct nf_telegram_answer *ret)
{
    int64_t seconds = nf_json_i64(nf_json_get(p, "retry_after"), 0);
    int64_t to = nf_json_i64(nf_json_get(p, "migrate_to_chat_id"), 0);

    if (seconds > 0)
        ret->retry_after_ms = (seconds < 86400 ? seconds : 86400) * 1000;
    if (to != 0) {
        NF_CLEANUP(nf_str_done) struct nf_str text = { .max = sizeof(ret->migrate_to) };
        struct nf_err ignored;
        if (nf_str_addf(&text, &ignored, "%lld", (long long)to) == NF_OK)
            memcpy(ret->migrate_to, text.p, text.len + 1);
    }
}

/* A failure by its status. */
static enum nf_code code_of(const struct nf_telegram_call *c, int64_t status)
{
    switch (status) {
    case 401:
    case 403:
        return NF_E_DENIED;
    case 404:
        return NF_E_NOT_FOUND;
    case 409:
    case 421: /* RFC 9110 section 15.5.20: it was not for this server */
        return NF_E_UNAVAILABLE;
    case 429:
        return NF_E_LIMIT;
    default:
        break;
    }
    if (status >= 400 && status < 500)
        return NF_E_INVALID;
    return c->once ? NF_E_CONFLICT : NF_E_UNAVAILABLE;
}

static NF_RC fail(const struct nf_telegram_call *c, struct nf_telegram_answer *ret,
                  struct nf_err *err)
{
    if (ret->status == 429 && ret->retry_after_ms == 0)
        ret->retry_after_ms = 1000;
    return nf_err_set(err, code_of(c, ret->status), "%s: %lld %s", c->method,
                      (long long)ret->status,
                      ret->description[0] ? ret->description : "without a reason");
}

/* *ret after the whole body was read; `http_status` that of its head. */
static NF_RC take_answer(const struct nf_telegram_api *a, const struct nf_telegram_call *c,
                         int http_status, struct nf_str *body, struct nf_telegram_answer *ret,
                         struct nf_err *err)
{
    struct nf_err why;

    ret->status = http_status;
    if (nf_json_parse_piece(nf_str_c(body), body->len, &ret->doc, &why) != NF_OK) {
        if (http_status != 200)
            return fail(c, ret, err);
        ret->raw = nf_take(*body);
        return nf_err_set(err, c->once ? NF_E_CONFLICT : NF_E_IO, "%s: the answer: %s", c->method,
                          why.msg);
    }
    const struct nf_json *root = nf_json_root(ret->doc);
    keep_description(a, nf_json_str(nf_json_get(root, "description")), ret);
    read_parameters(nf_json_get(root, "parameters"), ret);
    ret->result = nf_json_get(root, "result");
    if (nf_json_bool(nf_json_get(root, "ok"), false) && ret->result)
        return NF_OK;
    ret->result = NULL;
    ret->status = nf_json_i64(nf_json_get(root, "error_code"), http_status);
    if (ret->status < 400)
        ret->status = 502; /* neither success nor failure: a proxy's page, say */
    return fail(c, ret, err);
}

/* --- what goes out ---------------------------------------------------------------------------- */

static void url_done(struct nf_str *s)
{
    if (s->p)
        explicit_bzero(s->p, s->cap);
    nf_str_done(s);
}

static NF_RC write_url(const struct nf_telegram_api *a, const char *before, const char *behind,
                       struct nf_str *ret, struct nf_err *err)
{
    NF_TRY(nf_str_reserve(ret, URL_MAX - 1, err)); /* so that no copy of the token is left behind */
    return nf_str_addf(ret, err, "%s%s%s/%s", a->base, before, nf_secret_reveal(&a->token), behind);
}

/* The outcome of a call without an answer. */
static enum nf_code lost(const struct nf_telegram_call *c, enum nf_code rc, bool sent,
                         const struct nf_err *why, struct nf_err *err)
{
    if (rc == NF_E_UNAVAILABLE || rc == NF_E_TIMEOUT || rc == NF_E_LIMIT || rc == NF_E_INVALID)
        rc = c->once && sent ? NF_E_CONFLICT : NF_E_UNAVAILABLE;
    return nf_err_set(err, rc, "%s: %s", c->method, why->msg);
}

enum nf_code nf_telegram_call(struct nf_telegram_api *a, const struct nf_telegram_call *c,
                              struct nf_telegram_answer *ret, struct nf_err *err)
{
    NF_CLEANUP(url_done) struct nf_str url = { .max = URL_MAX };
    NF_CLEANUP(nf_http_closep) struct nf_http_call *call = NULL;
    NF_CLEANUP(nf_str_done)
    struct nf_str body = { .max = c->answer_max ? c->answer_max : ANSWER_MAX };
    const struct nf_http_header type = { "Content-Type",
                                         c->content_type ? c->content_type : "application/json" };
    NF_CLEANUP(nf_deadline_pop) struct nf_deadline whole;
    int64_t timeout_ms = c->timeout_ms ? c->timeout_ms : TIMEOUT_MS;
    struct nf_err why;
    bool sent = false;

    nf_deadline_push(&whole, timeout_ms + WHOLE_MS);
    nf_telegram_answer_done(ret);
    NF_TRY(write_url(a, "/bot", c->method, &url, err));
    const struct nf_http_request q = {
        .method = "POST",
        .url = nf_str_c(&url),
        .headers = &type,
        .headers_n = c->body ? 1 : 0,
        .body = c->body ? c->body : "",
        .body_n = c->body_n,
        .head_timeout_ms = timeout_ms,
        .sent = &sent,
        .repeatable = !c->once,
    };
    enum nf_code rc = nf_http_open(a->http, &q, &call, &why);
    if (rc != NF_OK)
        return lost(c, rc, sent, &why, err);
    rc = nf_http_read_all(call, READ_MS, &body, &why);
    if (rc == NF_E_LIMIT && !c->once && nf_http_status(call) == 200) {
        ret->status = 200;
        ret->raw = nf_take(body);
        return nf_err_set(err, NF_E_IO, "%s: %s", c->method, why.msg);
    }
    if (rc != NF_OK)
        return lost(c, rc, true, &why, err);
    return take_answer(a, c, nf_http_status(call), &body, ret, err);
}

/* --- files ------------------------------------------------------------------------------------ */

static bool is_path(const char *p)
{
    size_t n = strnlen(p, PATH_MAX_BYTES + 1);
    return n > 0 && n <= PATH_MAX_BYTES && p[0] != '/' && !strstr(p, "..") &&
           p[strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-")] ==
               '\0';
}

enum nf_code nf_telegram_download(struct nf_telegram_api *a, const char *path, struct nf_str *ret,
                                  struct nf_err *err)
{
    NF_CLEANUP(url_done) struct nf_str url = { .max = URL_MAX };
    NF_CLEANUP(nf_http_closep) struct nf_http_call *call = NULL;
    NF_CLEANUP(nf_deadline_pop) struct nf_deadline whole;

    nf_deadline_push(&whole, 2 * DOWNLOAD_MS);
    if (!is_path(path))
        return nf_err_set(err, NF_E_INVALID, "the path of the file is none");
    NF_TRY(write_url(a, "/file/bot", path, &url, err));
    const struct nf_http_request q = { .method = "GET",
                                       .url = nf_str_c(&url),
                                       .head_timeout_ms = DOWNLOAD_MS };
    NF_TRY(nf_http_open(a->http, &q, &call, err));
    int status = nf_http_status(call);
    if (status != 200)
        return nf_err_set(err, status == 404 || status == 410 ? NF_E_NOT_FOUND : NF_E_UNAVAILABLE,
                          "the file: status %d", status);
    return nf_http_read_all(call, DOWNLOAD_MS, ret, err);
}
