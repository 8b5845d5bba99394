/* Secrets in the headers of a skill's requests: put in where they may go, and taken out of what
 * comes back. */
#include "skills/broker.h"

#include "base/own.h"
#include "codec/hash.h"
#include "skills/net.h"
#include "skills/url.h"

#include <string.h>

#define MARK "${secret:"

static const struct nf_skill_secret *granted(const struct nf_broker *b, const char *name, size_t n,
                                             size_t *index)
{
    const struct nf_skill_manifest *m = b->manifest;

    for (size_t i = 0; i < m->secrets_n; i++)
        if (strlen(m->secrets[i]) == n && memcmp(m->secrets[i], name, n) == 0) {
            *index = i;
            return nf_skill_settings_secret(b->deps->settings, name, n);
        }
    *index = m->secrets_n;
    return NULL;
}

static NF_RC fill_one(const struct nf_broker *b, const char *name, size_t n, struct nf_str *to,
                      nf_secret_bits *used, struct nf_err *err)
{
    size_t i;
    const struct nf_skill_secret *s = granted(b, name, n, &i);
    int shown = n > NF_SKILL_SECRET_NAME_MAX ? NF_SKILL_SECRET_NAME_MAX : (int)n;

    if (i == b->manifest->secrets_n)
        return nf_err_set(err, NF_E_DENIED, "secret %.*s is not among those of the manifest", shown,
                          name);
    if (!s)
        return nf_err_set(err, NF_E_DENIED,
                          "secret %.*s is not configured: the owner sets it in skills.secrets",
                          shown, name);
    *used |= (nf_secret_bits)1 << i;
    return nf_str_adds(to, nf_secret_reveal(&s->value), err);
}

enum nf_code nf_broker_fill_secrets(const struct nf_broker *b, const char *value, struct nf_str *to,
                                    nf_secret_bits *used, struct nf_err *err)
{
    nf_str_reset(to);
    /* At once as much as it may need: growing would leave copies behind. */
    NF_TRY(nf_str_reserve(to, strlen(value) + NF_SECRET_MAX, err));
    size_t room = to->cap;
    for (const char *p = value;;) {
        const char *mark = strstr(p, MARK);
        if (!mark)
            return nf_str_adds(to, p, err);
        const char *name = mark + sizeof(MARK) - 1, *end = strchr(name, '}');
        if (!end)
            return nf_err_set(err, NF_E_INVALID, "headers: " MARK " without }");
        NF_TRY(nf_str_add(to, p, (size_t)(mark - p), err));
        NF_TRY(fill_one(b, name, (size_t)(end - name), to, used, err));
        if (to->cap != room)
            return nf_err_set(err, NF_E_LIMIT, "headers: the secrets of one are too long");
        p = end + 1;
    }
}

static NF_RC may_go(const struct nf_broker *b, const struct nf_skill_secret *s,
                    const struct nf_url *to, struct nf_err *err)
{
    const struct nf_skill_manifest *m = b->manifest;
    struct nf_url prefix;

    if (!to->https && !nf_net_is_named(&b->deps->settings->allow_private, to->host))
        return nf_err_set(err, NF_E_DENIED, "secret %s is not sent over plain http", s->name);
    if (s->urls.n == 0 && strcmp(m->http[0], "*") == 0)
        return nf_err_set(
            err, NF_E_DENIED,
            "secret %s: a skill that may go anywhere needs skills.secrets.urls in the "
            "configuration, which says where it may be sent",
            s->name);
    for (size_t i = 0; i < s->urls.n; i++)
        if (nf_url_parse(s->urls.v[i], &prefix, err) == NF_OK && nf_url_within(to, &prefix))
            return NF_OK;
    if (s->urls.n == 0)
        return NF_OK;
    return nf_err_set(err, NF_E_DENIED, "secret %s may not be sent to %s: see skills.secrets.urls",
                      s->name, to->host);
}

enum nf_code nf_broker_check_secrets(const struct nf_broker *b, nf_secret_bits used,
                                     const struct nf_url *to, struct nf_err *err)
{
    for (size_t i = 0; i < b->manifest->secrets_n; i++) {
        const char *name = b->manifest->secrets[i];
        if (!(used & ((nf_secret_bits)1 << i)))
            continue;
        const struct nf_skill_secret *s =
            nf_skill_settings_secret(b->deps->settings, name, strlen(name));
        if (!s)
            return nf_err_set(err, NF_E_DENIED, "secret %s is not configured any more", name);
        NF_TRY(may_go(b, s, to, err));
    }
    return NF_OK;
}

/* --- taking out ------------------------------------------------------------------------------- */

#define FORM_LEAST ((size_t)8) /* characters of base64 that are looked for */

/* A form of a secret, being made; wiped when it is done with. */
static void form_done(struct nf_str *f)
{
    if (f->p)
        explicit_bzero(f->p, f->cap);
    nf_str_done(f);
}

static void mask(struct nf_str *s, const char *form, size_t n)
{
    if (n == 0 || s->len < n)
        return;
    for (char *p = s->p; (p = memmem(p, s->len - (size_t)(p - s->p), form, n)) != NULL; p += n)
        memset(p, '*', n);
}

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~", c));
}

/* RFC 3986 section 2.1, whatever the case of the digits. */
static NF_RC mask_percent(struct nf_str *s, const char *secret, const char *digits,
                          struct nf_err *err)
{
    NF_CLEANUP(form_done) struct nf_str f = { .max = 3 * NF_SECRET_MAX + 4 };

    NF_TRY(nf_str_reserve(&f, 3 * strlen(secret), err));
    for (const char *c = secret; *c; c++) {
        const char code[] = { '%', digits[(unsigned char)*c >> 4], digits[*c & 15] };
        NF_TRY(is_unreserved(*c) ? nf_str_add(&f, c, 1, err)
                                 : nf_str_add(&f, code, sizeof(code), err));
    }
    mask(s, f.p, f.len);
    return NF_OK;
}

/* RFC 8259 section 7; a solidus may be escaped as well. */
static NF_RC mask_json(struct nf_str *s, const char *secret, const char *escaped,
                       struct nf_err *err)
{
    NF_CLEANUP(form_done) struct nf_str f = { .max = 2 * NF_SECRET_MAX + 4 };

    NF_TRY(nf_str_reserve(&f, 2 * strlen(secret), err));
    for (const char *c = secret; *c; c++) {
        if (strchr(escaped, *c))
            NF_TRY(nf_str_add(&f, "\\", 1, err));
        NF_TRY(nf_str_add(&f, c, 1, err));
    }
    mask(s, f.p, f.len);
    return NF_OK;
}

/* In base64 a text looks another way behind `before` bytes (modulo 3) of something else. What of it
 * depends on the text alone is masked, in both alphabets (RFC 4648 sections 4 and 5). */
static NF_RC mask_base64(struct nf_str *s, const char *secret, size_t before, struct nf_err *err)
{
    NF_CLEANUP(form_done) struct nf_str bytes = { .max = NF_SECRET_MAX + 4 };
    NF_CLEANUP(form_done) struct nf_str f = { .max = 2 * NF_SECRET_MAX + 8 };
    size_t n = strlen(secret), from = (8 * before + 5) / 6, to = 8 * (before + n) / 6;

    if (to - from < FORM_LEAST)
        return NF_OK;
    NF_TRY(nf_str_reserve(&bytes, before + n, err));
    NF_TRY(nf_str_reserve(&f, 2 * n + 8, err));
    NF_TRY(nf_str_add(&bytes, "\0\0", before, err));
    NF_TRY(nf_str_adds(&bytes, secret, err));
    NF_TRY(nf_base64(bytes.p, bytes.len, &f, err));
    mask(s, f.p + from, to - from);
    for (size_t i = from; i < to; i++)
        f.p[i] = (char)(f.p[i] == '+' ? '-' : f.p[i] == '/' ? '_' : f.p[i]);
    mask(s, f.p + from, to - from);
    return NF_OK;
}

static NF_RC mask_forms(struct nf_str *s, const char *secret, struct nf_err *err)
{
    mask(s, secret, strlen(secret));
    NF_TRY(mask_percent(s, secret, "0123456789ABCDEF", err));
    NF_TRY(mask_percent(s, secret, "0123456789abcdef", err));
    NF_TRY(mask_json(s, secret, "\"\\", err));
    NF_TRY(mask_json(s, secret, "\"\\/", err));
    for (size_t before = 0; before < 3; before++)
        NF_TRY(mask_base64(s, secret, before, err));
    return NF_OK;
}

void nf_broker_mask(const struct nf_broker *b, struct nf_str *s)
{
    struct nf_err ignored;

    for (size_t i = 0; i < b->manifest->secrets_n; i++) {
        const char *name = b->manifest->secrets[i];
        const struct nf_skill_secret *secret =
            nf_skill_settings_secret(b->deps->settings, name, strlen(name));
        /* Without memory to look for all forms nothing is shown. */
        if (secret && mask_forms(s, nf_secret_reveal(&secret->value), &ignored) != NF_OK && s->p)
            memset(s->p, '*', s->len);
    }
}
