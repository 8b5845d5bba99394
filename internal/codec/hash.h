/* Hashes, base64 and random bytes, from nettle and the kernel. */
#pragma once

#include "base/string.h"

#include <stdint.h>

#define NF_SHA256_HEX 64

void nf_sha1(const void *p, size_t n, uint8_t ret[20]);
void nf_sha256(const void *p, size_t n, uint8_t ret[32]);
void nf_sha256_hex(const void *p, size_t n, char ret[NF_SHA256_HEX + 1]);

/* RFC 4648 section 4, with padding. */
NF_RC nf_base64(const void *p, size_t n, struct nf_str *ret, struct nf_err *err);

/* The same read back. NF_E_INVALID: it is not exactly that, padding included; NF_E_LIMIT,
 * NF_E_NOMEM. On failure *ret is as before. */
NF_RC nf_base64_decode(const char *p, size_t n, struct nf_str *ret, struct nf_err *err);

/* From the kernel; aborts if it has none, since nothing may go on without. */
void nf_random(void *p, size_t n);
uint64_t nf_random_u64(void);

/* A token for people and programs to keep: 32 random bytes as 43 characters of base64url. */
#define NF_TOKEN_BYTES 32
#define NF_TOKEN_TEXT 43
void nf_random_token(char ret[NF_TOKEN_TEXT + 1]);
