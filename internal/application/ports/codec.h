/* Port: what needs a parser, a cipher or the kernel's randomness: arguments against a schema,
 * digests, codes that cannot be guessed. Never suspends. */
#pragma once

#include "base/error.h"

#include <stddef.h>

#define NF_DIGEST_HEX 64 /* digits of a SHA-256 */

struct nf_codec {
    /* Whether the JSON text `args` is an object that fits the JSON Schema `schema`. NF_E_INVALID
     * names what does not and how it must be: "arguments.city: must be a string"; NF_E_LIMIT: too
     * large or too deep. */
    enum nf_code (*check_args)(const char *schema, const char *args, struct nf_err *err);
    /* Whether the text `schema` is a JSON Schema for arguments that check_args can hold.
     * NF_E_INVALID, NF_E_LIMIT name the place. */
    enum nf_code (*check_schema)(const char *schema, struct nf_err *err);
    /* SHA-256 in lower-case hex. NF_E_INTERNAL: the library fails. */
    enum nf_code (*digest)(const char *p, size_t n, char ret[NF_DIGEST_HEX + 1],
                           struct nf_err *err);
    /* Bytes that nobody can guess. NF_E_INTERNAL: there are none. */
    enum nf_code (*random)(unsigned char *p, size_t n, struct nf_err *err);
};
