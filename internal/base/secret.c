#include "base/secret.h"

#include <stdlib.h>
#include <string.h>

struct nf_secret_bytes {
    size_t n;
    char text[];
};

enum nf_code nf_secret_set(struct nf_secret *s, const char *text, struct nf_err *err)
{
    size_t n = strlen(text);
    struct nf_secret_bytes *b = NULL;
    if (n > NF_SECRET_MAX)
        return nf_err_set(err, NF_E_LIMIT, "secret over %d bytes", NF_SECRET_MAX);
    if (n > 0) {
        b = malloc(sizeof(*b) + n + 1);
        if (!b)
            return nf_err_set(err, NF_E_NOMEM, "out of memory");
        b->n = n;
        memcpy(b->text, text, n + 1);
    }
    nf_secret_done(s);
    s->hidden = b;
    return NF_OK;
}

enum nf_code nf_secret_copy(struct nf_secret *to, const struct nf_secret *from, struct nf_err *err)
{
    return nf_secret_set(to, nf_secret_reveal(from), err);
}

void nf_secret_done(struct nf_secret *s)
{
    if (s->hidden)
        explicit_bzero(s->hidden->text, s->hidden->n);
    free(s->hidden);
    s->hidden = NULL;
}

bool nf_secret_is_set(const struct nf_secret *s)
{
    return s->hidden != NULL;
}

const char *nf_secret_reveal(const struct nf_secret *s)
{
    return s->hidden ? s->hidden->text : "";
}
