#include "llm/anthropic_messages.h"

#include "tests/fuzz/llm_stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    return fuzz_stream(&nf_anthropic_messages, data, n);
}
