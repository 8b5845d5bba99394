/*
 * A secret: a key, a token, a password. It has a type of its own so that no formatter and no log
 * accepts it by accident; whoever needs the bytes says so with nf_secret_reveal. Wiped when done.
 * The zero value is "not set".
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

#define NF_SECRET_MAX 8192 /* bytes without the NUL */

struct nf_secret {
    struct nf_secret_bytes *hidden;
};

/* Replace what *s holds by a copy of `text`; "" makes it not set. NF_E_LIMIT over NF_SECRET_MAX,
 * NF_E_NOMEM; on failure *s is as before. No error message ever contains the text. */
NF_RC nf_secret_set(struct nf_secret *s, const char *text, struct nf_err *err);
NF_RC nf_secret_copy(struct nf_secret *to, const struct nf_secret *from, struct nf_err *err);
void nf_secret_done(struct nf_secret *s);

bool nf_secret_is_set(const struct nf_secret *s);

/* The bytes, "" if not set. Borrowed until *s changes. Never log, print or store what it gives. */
const char *nf_secret_reveal(const struct nf_secret *s);
