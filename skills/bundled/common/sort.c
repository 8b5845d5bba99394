/* Merge sort from the bottom up. */
#include "skills/bundled/common/sort.h"

#include <string.h>

void nf_sort(const void **items, const void **scratch, size_t n,
             int (*compare)(const void *a, const void *b))
{
    for (size_t width = 1; width < n; width *= 2) {
        for (size_t from = 0; from < n; from += 2 * width) {
            size_t mid = from + width < n ? from + width : n;
            size_t to = from + 2 * width < n ? from + 2 * width : n;
            size_t l = from, r = mid;

            for (size_t k = from; k < to; k++)
                if (l < mid && (r >= to || compare(items[l], items[r]) <= 0))
                    scratch[k] = items[l++];
                else
                    scratch[k] = items[r++];
        }
        memcpy(items, scratch, n * sizeof(*items));
    }
}
