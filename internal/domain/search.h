/* What somebody looks for in what was said: words, all of which must be there, the last one perhaps
 * only begun. Pure. */
#pragma once

#include "base/error.h"
#include "base/string.h"

#define NF_SEARCH_BYTES_MAX 256 /* of what is looked for */
#define NF_SEARCH_WORDS_MAX 12

struct nf_search_words {
    struct nf_slice v[NF_SEARCH_WORDS_MAX]; /* into the text; further ones are left out */
    size_t n;
    bool open; /* the last one may go on */
};

/* Split a text, which is borrowed: at blanks, with what has no letter or digit left out. NF_E_LIMIT
 * over NF_SEARCH_BYTES_MAX bytes, NF_E_INVALID if no word is left; both name the field "q". */
NF_RC nf_search_words_of(const char *text, size_t n, struct nf_search_words *ret,
                         struct nf_err *err);
