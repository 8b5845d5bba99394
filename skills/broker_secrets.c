/* Secrets in the headers of a skill's requests: put in where they may go, and taken out of what
 * comes back. */
#include "skills/broker.h"
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

static void mask(struct nf_str *s, const char *secret)
{
    size_t n = strlen(secret);

    if (n == 0 || s->len < n)
        return;
    for (char *p = s->p; (p = memmem(p, s->len - (size_t)(p - s->p), secret, n)) != NULL; p += n)
        memset(p, '*', n);
}

void nf_broker_mask(const struct nf_broker *b, struct nf_str *s)
{
    for (size_t i = 0; i < b->manifest->secrets_n; i++) {
        const char *name = b->manifest->secrets[i];
        const struct nf_skill_secret *secret =
            nf_skill_settings_secret(b->deps->settings, name, strlen(name));
        if (secret)
            mask(s, nf_secret_reveal(&secret->value));
    }
}
