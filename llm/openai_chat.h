/*
 * OpenAI chat completions, and whatever speaks like it.
 *
 * Facts from the OpenAI API reference, "Chat" > "Create chat completion" (request; `stop` up to 4,
 * `temperature` 0 to 2, `max_completion_tokens` in place of the deprecated `max_tokens`, function
 * names of at most 64 letters, digits, underscores and dashes), "Streaming" > "The chat completion
 * chunk object" (deltas; with `stream_options.include_usage` one more chunk with empty `choices`
 * carries `usage`), the guide "Streaming API responses" (`data: [DONE]` ends the stream) and the
 * guide "Error codes". Beyond it, what compatible servers do: `reasoning_content` (DeepSeek, vLLM)
 * and `reasoning` (OpenRouter, vLLM), `content` as a list of parts (Mistral), a call's arguments as
 * an object, one index for several calls, "stop" as the reason although a tool was called.
 *
 * The terminal mark is [DONE] and nothing else: a stream that ends with a finish_reason but without
 * it may have lost its usage, and no known server leaves it out.
 */
#pragma once

#include "llm/codec.h"

extern const struct nf_llm_codec nf_openai_chat;

#define NF_OPENAI_STOP_MAX 4
#define NF_OPENAI_TEMPERATURE_MAX 2.0
