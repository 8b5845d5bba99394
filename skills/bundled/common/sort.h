/* A stable sort. The C library's qsort asks the kernel how much memory there is (glibc 2.36,
 * stdlib/msort.c), which the sandbox forbids. */
#pragma once

#include <stddef.h>

/* Sort n pointers; `scratch` has room for n more. */
void nf_sort(const void **items, const void **scratch, size_t n,
             int (*compare)(const void *a, const void *b));
