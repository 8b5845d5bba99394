/* Growing the arrays of the domain's lists. For the sources of this directory only. */
#pragma once

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/*
 * Make room in `v` for `n` elements of `size` bytes: the new array, or NULL, and then `v` is as
 * before. A list keeps no capacity, so that whoever fills one in by hand cannot get it wrong; the
 * allocator grows in place more often than not, and our lists are short.
 */
static inline void *nf_list_grow(void *v, size_t n, size_t size)
{
    return n > SIZE_MAX / size ? NULL : realloc(v, n * size);
}

static inline enum nf_code nf_list_nomem(struct nf_err *err)
{
    (void)nf_err_set(err, NF_E_NOMEM, "out of memory");
    return NF_E_NOMEM;
}
