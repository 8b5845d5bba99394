#include "llm/ollama_chat.h"

#include "tests/fuzz/llm_stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    return fuzz_stream(&nf_ollama_chat, data, n);
}
