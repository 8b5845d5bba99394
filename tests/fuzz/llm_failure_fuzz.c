/* The bodies of refusals: the first byte chooses the status, the first line is a Retry-After. */
#include "llm/failure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY "planted/key+0123456789"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const int statuses[] = { 200, 301, 400, 401, 402, 403, 404,
                                    408, 413, 422, 429, 500, 503, 529 };
    struct nf_llm_failure f;
    char line[128] = "";
    if (n == 0)
        return 0;
    nf_llm_failure_of_answer(statuses[data[0] % (sizeof(statuses) / sizeof(statuses[0]))],
                             (const char *)data + 1, n - 1, KEY, &f);
    if (f.code == NF_OK || strstr(f.detail, KEY) || strlen(f.detail) > NF_LLM_DETAIL_MAX)
        abort();
    memcpy(line, data, n < sizeof(line) ? n : sizeof(line) - 1);
    int64_t ms = nf_llm_retry_after(line, INT64_C(784111777000));
    if (ms < 0 || ms > NF_LLM_RETRY_AFTER_MAX_MS)
        abort();
    return 0;
}
