/*
 * A growable string: always NUL-terminated, length known, never longer than its ceiling.
 * The zero value is a valid empty string with the ceiling NF_STR_MAX.
 */
#pragma once

#include "base/error.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes with the NUL, unless `max` says otherwise. Whoever feeds us text from outside can make one
 * string this big. */
#define NF_STR_MAX ((size_t)1 << 20)

struct nf_str {
    char *p; /* NULL while empty: read it through nf_str_c() */
    size_t len, cap;
    size_t max; /* ceiling in bytes with the NUL; 0 means NF_STR_MAX. Survives reset, not done. */
};

/* Free what *s owns and make it the zero value. */
void nf_str_done(struct nf_str *s);

/* Empty it and keep the memory for what comes next. */
void nf_str_reset(struct nf_str *s);

/* Append. NF_E_LIMIT over the ceiling, NF_E_NOMEM; on failure *s is as before. Arguments may not
 * point into *s. */
NF_RC nf_str_add(struct nf_str *s, const char *p, size_t n, struct nf_err *err);
NF_RC nf_str_adds(struct nf_str *s, const char *text, struct nf_err *err);
NF_RC nf_str_addf(struct nf_str *s, struct nf_err *err, const char *fmt, ...) NF_PRINTF(3, 4);
NF_RC nf_str_vaddf(struct nf_str *s, struct nf_err *err, const char *fmt, va_list ap)
    NF_PRINTF(3, 0);

/* Make room for n more bytes and a NUL, for a callee that writes into s->p + s->len itself. */
NF_RC nf_str_reserve(struct nf_str *s, size_t n, struct nf_err *err);

/* Replace the content by a copy of `text`. On failure *s is as before. */
NF_RC nf_str_set(struct nf_str *s, const char *text, struct nf_err *err);

/* Remove the first n bytes (n <= len). */
void nf_str_drop(struct nf_str *s, size_t n);

/* The text, "" when empty. Valid until *s changes. */
static inline const char *nf_str_c(const struct nf_str *s)
{
    return s->p ? s->p : "";
}

/* A borrowed piece of text, not NUL-terminated. The zero value is empty. */
struct nf_slice {
    const char *p;
    size_t n;
};

#define NF_SLICE(literal) ((struct nf_slice){ (literal), sizeof(literal) - 1 })

struct nf_slice nf_slice_of(const char *text);
bool nf_slice_eq(struct nf_slice s, const char *text);
/* ASCII letters compare equal in either case: for HTTP header names and the like. */
bool nf_slice_ieq(struct nf_slice s, const char *text);
/* Without spaces and tabs at either end. */
struct nf_slice nf_slice_trim(struct nf_slice s);
/* Decimal digits only, no sign, at most 19 of them. False if it is anything else. */
bool nf_slice_u63(struct nf_slice s, int64_t *ret);

/* A heap copy, NUL-terminated, for the caller to free(). NF_E_NOMEM. */
NF_RC nf_strdup(const char *text, char **ret, struct nf_err *err);
NF_RC nf_strndup(const char *p, size_t n, char **ret, struct nf_err *err);

/* For NF_CLEANUP(nf_freep) char *p. */
void nf_freep(void *pointer_to_pointer);

/* Compare in a time that depends on n only: for tokens. */
bool nf_equal_const_time(const void *a, const void *b, size_t n);
