/*
 * Anthropic messages.
 *
 * Facts from the Claude API documentation: "Messages" (request; `max_tokens` is required,
 * `temperature` 0 to 1, tool names of at most 64 characters in the older and 128 in the newer
 * reference), "Streaming messages" (event flow; counts in `message_delta` are cumulative; ping and
 * error events; unknown events must be ignored), "Handling stop reasons", "Tool use" (tool results
 * come first in the user message after the calls), "Extended thinking" (blocks go back unchanged
 * with their signature; a budget is at least 1,024 and below max_tokens), "Adaptive thinking" and
 * "Effort" (from version 4.6 on: `thinking.type` adaptive and `output_config.effort`; version 5
 * refuses budgets), "Structured outputs" (`output_config.format`), "Prompt caching" (at most 4
 * breakpoints), "Errors".
 */
#pragma once

#include "llm/codec.h"

extern const struct nf_llm_codec nf_anthropic_messages;

#define NF_ANTHROPIC_VERSION "2023-06-01"
#define NF_ANTHROPIC_TEMPERATURE_MAX 1.0
#define NF_ANTHROPIC_CACHE_MAX 4     /* breakpoints; the last ones are kept */
#define NF_ANTHROPIC_BUDGET_MIN 1024 /* tokens of thinking */
