#include "channels/discord/rest.h"

#include "base/own.h"
#include "channels/discord/limits.h"
#include "observe/metrics.h"
#include "runtime/fiber.h"

#include <stdlib.h>
#include <string.h>

#define PATIENCE_MS 60000
#define HEAD_MS 20000
#define READ_MS 20000
#define WHOLE_MS 60000 /* of one try */
#define ANSWER_MAX ((size_t)4 << 20)
#define URL_MAX 4096
#define RETRIES_MAX 3       /* of what may be made again and broke */
#define RETRY_MS 500        /* doubles */
#define NAP_MS 250          /* a place may become free sooner than was said */
#define RETRY_AFTER_MS 1000 /* of a 429 that does not say */
#define SHARED_KEY_MAX 80
#define SHARED_SECOND_MS 1150 /* as Discord may see a second: on their way requests bunch up */

struct nf_rest {
    struct nf_rest_options o;
    struct nf_limits *limits;
    char shared_key[SHARED_KEY_MAX + 1]; /* of the bot, in what instances share */
    bool refused;
    int64_t waiting;
    struct nf_metric *limited, *waiting_now;
};

static const char *const methods[NF_REST_ROUTES] = {
    [NF_REST_ME] = "GET",           [NF_REST_APPLICATION] = "GET",
    [NF_REST_GATEWAY] = "GET",      [NF_REST_OPEN_DM] = "POST",
    [NF_REST_CHANNEL] = "GET",      [NF_REST_CHANNEL_EDIT] = "PATCH",
    [NF_REST_MESSAGES] = "GET",     [NF_REST_SEND] = "POST",
    [NF_REST_EDIT] = "PATCH",       [NF_REST_DELETE] = "DELETE",
    [NF_REST_TYPING] = "POST",      [NF_REST_THREAD] = "POST",
    [NF_REST_COMMANDS] = "GET",     [NF_REST_COMMANDS_PUT] = "PUT",
    [NF_REST_CALLBACK] = "POST",    [NF_REST_FOLLOW_UP] = "POST",
    [NF_REST_ORIGINAL] = "PATCH",   [NF_REST_ORIGINAL_DELETE] = "DELETE",
    [NF_REST_ORIGINAL_GET] = "GET",
};
_Static_assert(NF_REST_ROUTES <= (enum nf_rest_route)NF_LIMITS_ROUTES, "limits know each route");

/* The first piece of a token is the bot's id, which is no secret ("Authentication" shows one). */
static void name_share(const struct nf_secret *token, char ret[SHARED_KEY_MAX + 1])
{
    static const char before[] = "discord:";
    const char *text = nf_secret_reveal(token);
    size_t n = strcspn(text, "."), room = SHARED_KEY_MAX - (sizeof(before) - 1);
    memcpy(ret, before, sizeof(before));
    n = n < room ? n : room;
    memcpy(ret + sizeof(before) - 1, text, n);
    ret[sizeof(before) - 1 + n] = '\0';
}

enum nf_code nf_rest_new(const struct nf_rest_options *o, struct nf_rest **ret, struct nf_err *err)
{
    struct nf_rest *r = calloc(1, sizeof(*r));
    if (!r)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    r->o = *o;
    name_share(o->token, r->shared_key);
    enum nf_code rc = nf_limits_new(o->per_second, &r->limits, err);
    if (rc != NF_OK) {
        free(r);
        return rc;
    }
    *ret = r;
    return NF_OK;
}

void nf_rest_free(struct nf_rest *r)
{
    if (!r)
        return;
    nf_limits_free(r->limits);
    free(r);
}

void nf_rest_answer_done(struct nf_rest_answer *a)
{
    nf_json_free(a->doc);
    *a = (struct nf_rest_answer){ 0 };
}

bool nf_rest_is_refused(const struct nf_rest *r)
{
    return r->refused;
}

void nf_rest_try_again(struct nf_rest *r)
{
    r->refused = false;
}

int64_t nf_rest_waiting(const struct nf_rest *r)
{
    return r->waiting;
}

void nf_rest_measure(struct nf_rest *r, struct nf_metric *limited, struct nf_metric *waiting)
{
    r->limited = limited;
    r->waiting_now = waiting;
}

static void count_waiting(struct nf_rest *r, int64_t n)
{
    r->waiting += n;
    if (r->waiting_now)
        nf_metric_set(r->waiting_now, r->waiting);
}

static int64_t now_ms(const struct nf_rest *r)
{
    return nf_clock_mono_us(r->o.clock) / 1000;
}

static const char *shown_path(const struct nf_rest_call *c)
{
    return c->secret_path ? "an interaction" : c->path;
}

/* --- a place ---------------------------------------------------------------------------------- */

/* A place may be there in `ms`. */
static NF_RC wait_ms(struct nf_rest *r, const struct nf_rest_call *c, int64_t ms, int64_t until_ms,
                     struct nf_err *err)
{
    if (c->interim)
        return nf_err_set(err, NF_E_LIMIT, "no place for another %s within %lld ms", shown_path(c),
                          (long long)ms);
    if (now_ms(r) + ms > until_ms)
        return nf_err_set(err, NF_E_UNAVAILABLE, "Discord's limits let %s through in %lld ms only",
                          shown_path(c), (long long)ms);
    count_waiting(r, 1);
    enum nf_code rc = nf_sleep(ms < NAP_MS ? ms : NAP_MS, err);
    count_waiting(r, -1);
    return rc;
}

/* What cannot go out with this token goes out with the next. */
static NF_RC check_token(const struct nf_rest *r, struct nf_err *err)
{
    return r->refused ? nf_err_set(err, NF_E_UNAVAILABLE, "Discord refused the bot's token")
                      : NF_OK;
}

/* Ours, and behind it that of all instances. */
static NF_RC wait_for_place(struct nf_rest *r, const struct nf_rest_call *c,
                            struct nf_limits_key *k, int64_t until_ms, struct nf_err *err)
{
    enum nf_code rc = NF_OK;
    int64_t ms;

    while ((ms = nf_limits_take(r->limits, k, now_ms(r))) > 0)
        NF_TRY(wait_ms(r, c, ms, until_ms, err));
    while (rc == NF_OK && !k->free &&
           (ms = nf_shared_rates_pass(r->o.shared, r->shared_key, r->o.per_second,
                                      SHARED_SECOND_MS)) > 0)
        rc = wait_ms(r, c, ms, until_ms, err);
    if (rc == NF_OK)
        rc = check_token(r, err); /* another may have been refused while we waited */
    if (rc != NF_OK)
        nf_limits_give_back(r->limits, k);
    return rc;
}

/* --- one try ---------------------------------------------------------------------------------- */

static int64_t header_number(const struct nf_http_call *call, const char *name, int64_t otherwise)
{
    const char *text = nf_http_header(call, name);
    int64_t n;
    return text && nf_slice_u63(nf_slice_of(text), &n) ? n : otherwise;
}

static struct nf_limits_told limits_of(const struct nf_http_call *call,
                                       const struct nf_rest_answer *a)
{
    const char *scope = nf_http_header(call, "X-RateLimit-Scope");
    struct nf_limits_told t = {
        .status = nf_http_status(call),
        .bucket = nf_http_header(call, "X-RateLimit-Bucket"),
        .limit = header_number(call, "X-RateLimit-Limit", 0),
        .remaining = header_number(call, "X-RateLimit-Remaining", 0),
        .reset_after_ms = nf_limits_seconds(nf_http_header(call, "X-RateLimit-Reset-After")),
        .global = nf_http_header(call, "X-RateLimit-Global") != NULL,
        .shared = scope && strcmp(scope, "shared") == 0,
    };
    if (t.status != 429)
        return t;
    double seconds = nf_json_f64(nf_json_get(a->body, "retry_after"), -1);
    t.global = t.global || nf_json_bool(nf_json_get(a->body, "global"), false);
    t.retry_after_ms = nf_limits_seconds(nf_http_header(call, "Retry-After"));
    if (seconds >= 0 && seconds < 86400)
        t.retry_after_ms = (int64_t)(seconds * 1000) + 1;
    if (t.retry_after_ms < 0)
        t.retry_after_ms = RETRY_AFTER_MS;
    return t;
}

static NF_RC read_answer(struct nf_http_call *call, const struct nf_rest_call *c,
                         struct nf_rest_answer *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done)
    struct nf_str body = { .max = c->answer_max ? c->answer_max : ANSWER_MAX };
    struct nf_err ignored;

    ret->status = nf_http_status(call);
    NF_TRY(nf_http_read_all(call, READ_MS, &body, err));
    if (body.len > 0 &&
        nf_json_parse_piece(nf_str_c(&body), body.len, &ret->doc, &ignored) == NF_OK)
        ret->body = nf_json_root(ret->doc);
    ret->empty = body.len == 0;
    ret->code = ret->status >= 400 ? nf_json_i64(nf_json_get(ret->body, "code"), 0) : 0;
    return NF_OK;
}

/* `sent`: whether the server may have seen any of it. */
/* NOLINTBEGIN(readability-non-const-parameter): nf_http_open sets it */
static NF_RC try_once(struct nf_rest *r, const struct nf_rest_call *c, struct nf_limits_key *k,
                      struct nf_rest_answer *ret, bool *sent, struct nf_err *err)
/* NOLINTEND(readability-non-const-parameter) */
{
    NF_CLEANUP(nf_http_closep) struct nf_http_call *call = NULL;
    NF_CLEANUP(nf_str_done) struct nf_str url = { .max = URL_MAX };
    const struct nf_http_header headers[] = {
        { "User-Agent", r->o.user_agent },
        { "Content-Type", c->content_type ? c->content_type : "application/json" },
    };
    NF_CLEANUP(nf_deadline_pop) struct nf_deadline whole; /* however slowly the answer drips */
    struct nf_limits_told told = { .reset_after_ms = -1 };

    nf_deadline_push(&whole, WHOLE_MS);
    enum nf_code rc = nf_str_addf(&url, err, "%s%s", r->o.base, c->path);
    const struct nf_http_request q = {
        .method = methods[c->route],
        .url = nf_str_c(&url),
        .headers = headers,
        .headers_n = c->body ? 2 : 1,
        .secret_header = "Authorization",
        .secret_prefix = "Bot ",
        .secret = r->o.token,
        .body = c->body,
        .body_n = c->body_n,
        .head_timeout_ms = HEAD_MS,
        .sent = sent,
        .repeatable = c->again,
    };
    if (rc == NF_OK)
        rc = nf_http_open(r->o.http, &q, &call, err);
    if (rc == NF_OK) {
        rc = read_answer(call, c, ret, err);
        told = limits_of(call, ret);
    }
    nf_limits_done(r->limits, k, &told, now_ms(r));
    return rc;
}

/* --- what it means ---------------------------------------------------------------------------- */

/* "JSON Error Codes" and the status. */
static enum nf_code code_of(const struct nf_rest_answer *a)
{
    switch (a->code) {
    case 10003: /* unknown channel */
    case 10008: /* unknown message */
    case 10015: /* unknown webhook */
    case 10062: /* unknown interaction */
    case 30046: /* too many edits of an old message */
        return NF_E_NOT_FOUND;
    case 40005: /* too large */
        return NF_E_LIMIT;
    case 50007: /* cannot send messages to this user */
    case 50278:
        return NF_E_DENIED;
    default:
        break;
    }
    if (a->status == 401) /* of us, not of the chat */
        return NF_E_UNAVAILABLE;
    if (a->status == 403)
        return NF_E_DENIED;
    if (a->status == 404)
        return NF_E_NOT_FOUND;
    return a->status >= 400 && a->status < 500 ? NF_E_INVALID : NF_E_UNAVAILABLE;
}

/* The server's words, unless they quote what of the token is secret: its last piece. NULL: none. */
static const char *words_of(const struct nf_rest *r, const struct nf_json *body)
{
    const char *message = nf_json_str(nf_json_get(body, "message"));
    const char *token = nf_secret_reveal(r->o.token), *last = strrchr(token, '.');
    return message && strstr(message, last ? last + 1 : token) ? NULL : message;
}

/* The path of the first field that is wrong: "components.0.label". Objects within objects, until
 * one has "_errors" ("Error Messages" of the reference). */
static NF_RC add_path(const struct nf_rest *r, const struct nf_json *v, struct nf_str *to,
                      struct nf_err *err)
{
    for (int depth = 0; depth < 8; depth++) {
        const struct nf_json *child = nf_json_first(v);
        if (nf_json_type(v) != NF_JSON_OBJECT || !child || nf_json_get(v, "_errors"))
            break;
        NF_TRY(nf_str_addf(to, err, "%s%.40s", to->len ? "." : ", in ", nf_json_key(child)));
        v = child;
    }
    const struct nf_json *first = nf_json_first(nf_json_get(v, "_errors"));
    const char *message = words_of(r, first);
    return message ? nf_str_addf(to, err, ": %.100s", message) : NF_OK;
}

static NF_RC fail(const struct nf_rest *r, const struct nf_rest_call *c,
                  const struct nf_rest_answer *a, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str where = { .max = 400 };
    const char *message = words_of(r, a->body);
    struct nf_err ignored;

    if (add_path(r, nf_json_get(a->body, "errors"), &where, &ignored) != NF_OK)
        nf_str_reset(&where);
    return nf_err_set(err, code_of(a), "%s %s: status %d, code %lld, %.80s%s", methods[c->route],
                      shown_path(c), a->status, (long long)a->code,
                      message ? message : "without a reason", nf_str_c(&where));
}

static bool broke(enum nf_code rc)
{
    return rc == NF_E_UNAVAILABLE || rc == NF_E_TIMEOUT || rc == NF_E_LIMIT || rc == NF_E_INVALID;
}

/* Whether to try again after a try that came to `rc` or to the status of `a`. *rc becomes what to
 * tell if not. */
static bool is_worth_a_try(struct nf_rest *r, const struct nf_rest_call *c,
                           const struct nf_rest_answer *a, bool sent, int tries, enum nf_code *rc,
                           struct nf_err *err)
{
    if (*rc == NF_OK && a->status == 429) {
        if (r->limited)
            nf_metric_add(r->limited, 1);
        return !c->interim;
    }
    bool lost = *rc != NF_OK && broke(*rc);
    bool server = *rc == NF_OK && a->status >= 500;
    if (!lost && !server)
        return false;
    if ((c->again || (lost && !sent)) && tries < RETRIES_MAX && !c->interim)
        return true;
    if (server)
        *rc = fail(r, c, a, err);
    if (!c->again && sent)
        *rc = nf_err_wrap(err, NF_E_CONFLICT, "nobody knows whether it took effect");
    else if (*rc != NF_E_TIMEOUT)
        *rc = NF_E_UNAVAILABLE;
    return false;
}

enum nf_code nf_rest_do(struct nf_rest *r, const struct nf_rest_call *c, struct nf_rest_answer *ret,
                        struct nf_err *err)
{
    struct nf_limits_key k = { .route = (int)c->route,
                               .major = c->major,
                               .free = c->route >= NF_REST_CALLBACK };
    int64_t until = now_ms(r) + (c->patience_ms ? c->patience_ms : PATIENCE_MS);

    for (int tries = 0;; tries++) {
        bool sent = false;
        nf_rest_answer_done(ret);
        NF_TRY(check_token(r, err));
        NF_TRY(wait_for_place(r, c, &k, until, err));
        enum nf_code rc = try_once(r, c, &k, ret, &sent, err);
        if (rc == NF_E_CANCELED || rc == NF_E_NOMEM)
            return rc;
        if (is_worth_a_try(r, c, ret, sent, tries, &rc, err)) {
            if (ret->status != 429)
                NF_TRY(nf_sleep((int64_t)RETRY_MS << tries, err));
            continue;
        }
        NF_TRY(rc);
        if (ret->status == 401)
            r->refused = true;
        if (ret->status == 429)
            return nf_err_set(err, NF_E_LIMIT, "Discord has no place for %s now", shown_path(c));
        if (ret->status < 200 || ret->status >= 300)
            return fail(r, c, ret, err);
        return ret->body || ret->status == 204 || ret->empty
                   ? NF_OK
                   : nf_err_set(err, c->again ? NF_E_UNAVAILABLE : NF_E_CONFLICT,
                                "%s: the answer is no JSON", shown_path(c));
    }
}

/* --- files ------------------------------------------------------------------------------------ */

/* The host of an address: behind the scheme, until a slash. */
static struct nf_slice host_of(const char *url)
{
    const char *at = strstr(url, "://");
    at = at ? at + 3 : url;
    return (struct nf_slice){ at, strcspn(at, "/?#") };
}

static bool may_fetch(const struct nf_rest *r, const char *url)
{
    static const char *const hosts[] = { "cdn.discordapp.com", "media.discordapp.net" };
    struct nf_slice host = host_of(url), own = host_of(r->o.base);
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
        if (strncmp(url, "https://", 8) == 0 && nf_slice_ieq(host, hosts[i]))
            return true;
    size_t scheme = (size_t)(own.p - r->o.base);
    return host.n == own.n && memcmp(host.p, own.p, own.n) == 0 &&
           strncmp(url, r->o.base, scheme) == 0;
}

enum nf_code nf_rest_fetch(struct nf_rest *r, const char *url, struct nf_str *ret,
                           struct nf_err *err)
{
    NF_CLEANUP(nf_http_closep) struct nf_http_call *call = NULL;
    NF_CLEANUP(nf_deadline_pop) struct nf_deadline whole;
    const struct nf_http_header agent = { "User-Agent", r->o.user_agent };
    const struct nf_http_request q = {
        .method = "GET", .url = url, .headers = &agent, .headers_n = 1, .head_timeout_ms = HEAD_MS
    };

    nf_deadline_push(&whole, WHOLE_MS);
    if (!may_fetch(r, url))
        return nf_err_set(err, NF_E_DENIED, "the file is not with Discord");
    NF_TRY(nf_http_open(r->o.http, &q, &call, err));
    if (nf_http_status(call) != 200)
        return nf_err_set(err, NF_E_UNAVAILABLE, "the file: status %d", nf_http_status(call));
    return nf_http_read_all(call, READ_MS, ret, err);
}
