#include "base/context.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

static _Thread_local const struct nf_context *current;

void nf_context_push(struct nf_context *c, const char *key, const char *value)
{
    size_t n = strnlen(value, NF_CONTEXT_VALUE_MAX);
    c->up = current;
    c->key = key;
    memcpy(c->value, value, n);
    c->value[n] = '\0';
    current = c;
}

void nf_context_pop(struct nf_context *c)
{
    assert(current == c);
    current = c->up;
}

const struct nf_context *nf_context_current(void)
{
    return current;
}

const struct nf_context *nf_context_swap(const struct nf_context *c)
{
    const struct nf_context *was = current;
    current = c;
    return was;
}
