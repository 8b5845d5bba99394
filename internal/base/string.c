#include "base/string.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEP_DOWN 1024 /* bytes, from where on a text grows by a quarter */

void nf_str_done(struct nf_str *s)
{
    free(s->p);
    *s = (struct nf_str){ 0 };
}

void nf_str_reset(struct nf_str *s)
{
    s->len = 0;
    if (s->p)
        s->p[0] = '\0';
}

enum nf_code nf_str_reserve(struct nf_str *s, size_t extra, struct nf_err *err)
{
    size_t max = s->max ? s->max : NF_STR_MAX;
    if (s->len >= max || extra >= max - s->len)
        return nf_err_set(err, NF_E_LIMIT, "text over %zu bytes", max - 1);
    size_t need = s->len + extra + 1, cap = s->cap ? s->cap : 64;
    if (need <= s->cap)
        return NF_OK;
    while (cap < need)
        cap += cap < STEP_DOWN ? cap : cap / 4;
    char *p = realloc(s->p, cap);
    if (!p)
        return nf_err_set(err, NF_E_NOMEM, "out of memory (%zu bytes)", cap);
    if (!s->p)
        p[0] = '\0';
    s->p = p;
    s->cap = cap;
    return NF_OK;
}

enum nf_code nf_str_add(struct nf_str *s, const char *p, size_t n, struct nf_err *err)
{
    /* Most of the time there is room. */
    size_t max = s->max ? s->max : NF_STR_MAX;
    if (n >= s->cap - s->len || s->len >= max || n >= max - s->len)
        NF_TRY(nf_str_reserve(s, n, err));
    assert(s->p); /* there is room for the NUL at least */
    if (n)
        memcpy(s->p + s->len, p, n);
    s->len += n;
    s->p[s->len] = '\0';
    return NF_OK;
}

enum nf_code nf_str_adds(struct nf_str *s, const char *text, struct nf_err *err)
{
    return nf_str_add(s, text, strlen(text), err);
}

enum nf_code nf_str_vaddf(struct nf_str *s, struct nf_err *err, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    if (n < 0)
        return nf_err_set(err, NF_E_INTERNAL, "bad format");
    NF_TRY(nf_str_reserve(s, (size_t)n, err));
    (void)vsnprintf(s->p + s->len, s->cap - s->len, fmt, ap);
    s->len += (size_t)n;
    return NF_OK;
}

enum nf_code nf_str_addf(struct nf_str *s, struct nf_err *err, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    enum nf_code rc = nf_str_vaddf(s, err, fmt, ap);
    va_end(ap);
    return rc;
}

enum nf_code nf_str_set(struct nf_str *s, const char *text, struct nf_err *err)
{
    struct nf_str fresh = { .max = s->max };
    NF_TRY(nf_str_adds(&fresh, text, err));
    free(s->p);
    *s = fresh;
    return NF_OK;
}

void nf_str_drop(struct nf_str *s, size_t n)
{
    assert(n <= s->len);
    if (n == 0)
        return;
    memmove(s->p, s->p + n, s->len - n + 1);
    s->len -= n;
}

struct nf_slice nf_slice_of(const char *text)
{
    return (struct nf_slice){ text, strlen(text) };
}

bool nf_slice_eq(struct nf_slice s, const char *text)
{
    return s.n == strlen(text) && memcmp(s.p, text, s.n) == 0;
}

/* Of two characters that differ: in nothing but the case of a letter. */
static bool differ_in_case(char a, char b)
{
    return (a ^ b) == 0x20 && (a | 0x20) >= 'a' && (a | 0x20) <= 'z';
}

bool nf_slice_ieq(struct nf_slice s, const char *text)
{
    if (s.n != strlen(text))
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != text[i] && !differ_in_case(s.p[i], text[i]))
            return false;
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct nf_slice nf_slice_trim(struct nf_slice s)
{
    while (s.n > 0 && is_blank(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n > 0 && is_blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

bool nf_slice_u63(struct nf_slice s, int64_t *ret)
{
    int64_t value = 0;
    if (s.n == 0 || s.n > 19)
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9' || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, s.p[i] - '0', &value))
            return false;
    *ret = value;
    return true;
}

enum nf_code nf_strndup(const char *p, size_t n, char **ret, struct nf_err *err)
{
    char *copy = malloc(n + 1);
    if (!copy)
        return nf_err_set(err, NF_E_NOMEM, "out of memory (%zu bytes)", n + 1);
    if (n)
        memcpy(copy, p, n);
    copy[n] = '\0';
    *ret = copy;
    return NF_OK;
}

enum nf_code nf_strdup(const char *text, char **ret, struct nf_err *err)
{
    return nf_strndup(text, strlen(text), ret, err);
}

void nf_freep(void *pointer_to_pointer)
{
    void *p = NULL;
    memcpy(&p, pointer_to_pointer, sizeof(p));
    free(p);
}

bool nf_equal_const_time(const void *a, const void *b, size_t n)
{
    const volatile unsigned char *x = a;
    const volatile unsigned char *y = b;
    unsigned char differs = 0;
    for (size_t i = 0; i < n; i++)
        differs |= x[i] ^ y[i];
    return differs == 0;
}
