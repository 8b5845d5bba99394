/* Digests of bytes: each function returns how many it wrote. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NF_HASH_MAX 64

size_t nf_md5(const uint8_t *p, size_t n, uint8_t ret[NF_HASH_MAX]);
size_t nf_sha1(const uint8_t *p, size_t n, uint8_t ret[NF_HASH_MAX]);
size_t nf_sha256(const uint8_t *p, size_t n, uint8_t ret[NF_HASH_MAX]);
size_t nf_sha512(const uint8_t *p, size_t n, uint8_t ret[NF_HASH_MAX]);
size_t nf_crc32(const uint8_t *p, size_t n, uint8_t ret[NF_HASH_MAX]);
