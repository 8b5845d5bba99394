#include "llm/failure.h"

#include "base/own.h"
#include "base/string.h"
#include "base/time.h"
#include "base/utf8.h"
#include "codec/json.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BODY_MAX ((size_t)1 << 20) /* of an error body that is looked at */

/* --- statuses and kinds ----------------------------------------------------------------------- */

static const struct {
    const char *kind;
    int status;
} kinds[] = {
    { "invalid_request_error", 400 },
    { "authentication_error", 401 },
    { "invalid_api_key", 401 },
    { "billing_error", 402 },
    { "insufficient_quota", 402 },
    { "permission_error", 403 },
    { "not_found_error", 404 },
    { "model_not_found", 404 },
    { "timeout_error", 504 },
    { "request_too_large", 413 },
    { "rate_limit_error", 429 },
    { "rate_limit_exceeded", 429 },
    { "api_error", 500 },
    { "server_error", 500 },
    { "overloaded_error", 529 },
    { "RESOURCE_EXHAUSTED", 429 },
    { "UNAVAILABLE", 503 },
    { "INVALID_ARGUMENT", 400 },
    { "PERMISSION_DENIED", 403 },
    { "UNAUTHENTICATED", 401 },
};

static int status_of_kind(const char *kind)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(kinds[i].kind, kind) == 0)
            return kinds[i].status;
    return 0;
}

/* Phrases that mean "the conversation is too long"; only looked for where the request was refused.
 */
static bool is_about_length(const struct nf_llm_failure *f)
{
    static const char *const phrases[] = {
        "context length",      "context window",        "context size",
        "prompt is too long",  "maximum context",       "input is too long",
        "exceeds the context", "too many input tokens", "reduce the length of the"
    };
    if (strcmp(f->kind, "context_length_exceeded") == 0 ||
        strcmp(f->kind, "exceed_context_size_error") == 0)
        return true;
    for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++)
        if (strcasestr(f->detail, phrases[i]))
            return true;
    return false;
}

static bool is_about_money(const struct nf_llm_failure *f)
{
    return strcmp(f->kind, "insufficient_quota") == 0 || strcmp(f->kind, "billing_error") == 0 ||
           strcmp(f->kind, "credit_balance_exhausted") == 0 ||
           strcasestr(f->detail, "credit balance is too low");
}

static void set(struct nf_llm_failure *f, enum nf_code code, bool retry, bool next)
{
    f->code = code;
    f->retry = retry;
    f->next = next;
}

void nf_llm_failure_classify(struct nf_llm_failure *f)
{
    int s = f->status;
    bool refused = s == 400 || s == 413 || s == 422;
    bool money = (s == 400 || s == 429) && is_about_money(f);
    if (s == 413 || (refused && is_about_length(f)))
        set(f, NF_E_LIMIT, false, false);
    else if ((s >= 401 && s <= 403) || money)
        set(f, NF_E_DENIED, false, true);
    else if (s == 404)
        set(f, NF_E_NOT_FOUND, false, true);
    else if (s == 408 || s == 409 || s == 425 || s == 429)
        set(f, NF_E_UNAVAILABLE, true, true);
    else if (s >= 400 && s < 500)
        set(f, NF_E_INVALID, false, false);
    else
        set(f, NF_E_UNAVAILABLE, s == 0 || s >= 500, true);
}

/* --- reading an error value ------------------------------------------------------------------- */

/* One line of printable text, cut at a character. */
static void copy_line(char *to, size_t max, const char *from)
{
    size_t n = nf_utf8_cut(from, strlen(from), max);
    memcpy(to, from, n);
    to[n] = '\0';
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)to[i] < 0x20 || to[i] == 0x7f)
            to[i] = ' ';
}

static void take_code(struct nf_llm_failure *f, const struct nf_json *v)
{
    int64_t number = nf_json_i64(v, 0);
    const char *text = nf_json_str(v);
    if (text && nf_slice_u63(nf_slice_of(text), &number))
        text = NULL;
    if (f->status == 0 && number >= 400 && number <= 599)
        f->status = (int)number;
    if (text && text[0] &&
        (f->kind[0] == '\0' || status_of_kind(text) > 0 ||
         strcmp(text, "context_length_exceeded") == 0))
        copy_line(f->kind, NF_LLM_KIND_MAX, text);
}

static void take_object(struct nf_llm_failure *f, const struct nf_json *v)
{
    const char *type = nf_json_str(nf_json_get(v, "type"));
    const char *message = nf_json_str(nf_json_get(v, "message"));
    const struct nf_json *detail = nf_json_get(v, "detail");

    if (type && type[0] && strcmp(type, "error") != 0)
        copy_line(f->kind, NF_LLM_KIND_MAX, type);
    take_code(f, nf_json_get(v, "code"));
    if (f->kind[0] == '\0')
        take_code(f, nf_json_get(v, "status"));
    if (!message)
        message = nf_json_str(detail);
    if (!message)
        message = nf_json_str(nf_json_get(nf_json_first(detail), "msg"));
    if (message)
        copy_line(f->detail, NF_LLM_DETAIL_MAX, message);
}

void nf_llm_failure_of_json(const struct nf_json *v, int status, struct nf_llm_failure *ret)
{
    *ret = (struct nf_llm_failure){ .status = status };
    if (nf_json_type(v) == NF_JSON_ARRAY)
        v = nf_json_first(v);
    const struct nf_json *inner = nf_json_get(v, "error");
    if (nf_json_type(inner) == NF_JSON_OBJECT)
        take_object(ret, inner);
    else if (nf_json_str(inner))
        copy_line(ret->detail, NF_LLM_DETAIL_MAX, nf_json_str(inner));
    else if (nf_json_str(v))
        copy_line(ret->detail, NF_LLM_DETAIL_MAX, nf_json_str(v));
    else
        take_object(ret, v);
    if (ret->status == 0)
        ret->status = status_of_kind(ret->kind);
    nf_llm_failure_classify(ret);
    nf_llm_failure_censor(ret, NULL);
}

void nf_llm_failure_of_answer(int status, const char *body, size_t n, const char *key,
                              struct nf_llm_failure *ret)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;

    if (nf_json_parse(body, n, BODY_MAX, &doc, NULL) == NF_OK)
        nf_llm_failure_of_json(nf_json_root(doc), status, ret);
    else
        *ret = (struct nf_llm_failure){ .status = status };
    /* An error that came with a status of success is one all the same. */
    bool success = ret->status < 300;
    if (success)
        ret->status = status_of_kind(ret->kind);
    nf_llm_failure_classify(ret);
    ret->retry = ret->retry && !(success && ret->status == 0);
    nf_llm_failure_censor(ret, key);
}

/* --- secrets ---------------------------------------------------------------------------------- */

static void strike(char *s, size_t n)
{
    static const char mark[] = "[key]";
    size_t keep = n < sizeof(mark) - 1 ? n : sizeof(mark) - 1;
    memcpy(s, mark, keep);
    memmove(s + keep, s + n, strlen(s + n) + 1);
}

/* Providers quote the key they refused, in part: "Incorrect API key provided: sk-ab***xyz". */
static bool looks_like_key(const char *word, size_t n)
{
    static const char *const prefixes[] = { "sk-",  "sk_", "key-", "gsk_", "xai-",
                                            "AIza", "pk-", "nf-",  "eyJ",  "hf_" };
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
        if (n >= 8 && strncmp(word, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    return n >= 4 && memmem(word, n, "***", 3);
}

void nf_llm_failure_censor(struct nf_llm_failure *f, const char *key)
{
    static const char ends[] = " \t\"'`,;()[]{}<>";
    if (!key)
        key = "";
    size_t key_n = strlen(key);

    for (char *at = f->detail; key_n >= 4 && (at = strstr(at, key)) != NULL;)
        strike(at, key_n);
    /* A key that was cut at the end of what we keep. */
    size_t len = strlen(f->detail);
    for (size_t k = key_n; k >= 6; k--)
        if (len >= k && memcmp(f->detail + len - k, key, k) == 0) {
            strike(f->detail + len - k, k);
            break;
        }

    for (char *at = f->detail; *at;) {
        at += strspn(at, ends);
        size_t n = strcspn(at, ends);
        if (looks_like_key(at, n)) {
            strike(at, n);
            n = strcspn(at, ends);
        }
        at += n;
    }
}

/* --- Retry-After ------------------------------------------------------------------------------ */

static int64_t month_of(struct nf_slice name)
{
    static const char *const names[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    for (int i = 0; i < 12; i++)
        if (nf_slice_eq(name, names[i]))
            return i + 1;
    return 0;
}

static int64_t bounded(int64_t ms)
{
    return ms <= 0 ? 0 : ms > NF_LLM_RETRY_AFTER_MAX_MS ? NF_LLM_RETRY_AFTER_MAX_MS : ms;
}

static bool number_at(const char *s, size_t n, int64_t max, int64_t *ret)
{
    return nf_slice_u63((struct nf_slice){ s, n }, ret) && *ret <= max;
}

/* "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 section 5.6.7): 29 characters, each at its place. */
static int64_t http_date(struct nf_slice s)
{
    int64_t day, year, h, m, sec;
    if (s.n != 29 || memcmp(s.p + 3, ", ", 2) != 0 || memcmp(s.p + 25, " GMT", 4) != 0 ||
        !number_at(s.p + 5, 2, 31, &day) || !number_at(s.p + 12, 4, 9999, &year) ||
        !number_at(s.p + 17, 2, 23, &h) || !number_at(s.p + 20, 2, 59, &m) ||
        !number_at(s.p + 23, 2, 60, &sec))
        return 0;
    int64_t month = month_of((struct nf_slice){ s.p + 8, 3 });
    if (month == 0 || day == 0 || year < 1970)
        return 0;
    int64_t days = nf_days_from_date(year, (int)month, (int)day);
    return (((days * 24 + h) * 60 + m) * 60 + sec) * 1000;
}

int64_t nf_llm_retry_after(const char *value, int64_t now_ms)
{
    if (!value)
        return 0;
    struct nf_slice s = nf_slice_trim(nf_slice_of(value));
    const char *dot = s.n ? memchr(s.p, '.', s.n) : NULL;
    struct nf_slice whole = { s.p, dot ? (size_t)(dot - s.p) : s.n };
    int64_t seconds, tenths = 0;
    if (nf_slice_u63(whole, &seconds)) {
        if (dot && dot[1] >= '0' && dot[1] <= '9')
            tenths = dot[1] - '0';
        return seconds > NF_LLM_RETRY_AFTER_MAX_MS / 1000 ? NF_LLM_RETRY_AFTER_MAX_MS
                                                          : bounded(seconds * 1000 + tenths * 100);
    }
    int64_t at = http_date(s);
    return at > 0 ? bounded(at - now_ms) : 0;
}
