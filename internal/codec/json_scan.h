/*
 * The check before cJSON: is a text JSON (RFC 8259, stricter than cJSON reads it) and within the
 * limits of json.h? No recursion and no copy. For json.c only.
 *
 * On the way it notes the numbers that a double may not hold: json.c keeps their digits.
 */
#pragma once

#include "base/string.h"

#include <stddef.h>
#include <stdint.h>

struct nf_json_number {
    uint32_t index; /* the how manieth number of the text, from 0 */
    uint32_t at, n; /* its text */
};

struct nf_json_numbers {
    struct nf_json_number *v;
    size_t n, cap;
};

void nf_json_numbers_done(struct nf_json_numbers *numbers);

/* NF_E_INVALID, NF_E_LIMIT (nesting, values, a number's length), NF_E_NOMEM. n < 2^32. *ret is to
 * be released in any case. */
NF_RC nf_json_scan(const char *p, size_t n, struct nf_json_numbers *ret, struct nf_err *err);
