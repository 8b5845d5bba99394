/*
 * Ollama's own chat protocol.
 *
 * Facts from Ollama's docs/api.md, "Generate a chat completion" (request; `options` as in
 * docs/modelfile.md, "Valid parameters and values"; a stream is one JSON object per line, the last
 * has `done`: true, `done_reason` and the counts `prompt_eval_count` and `eval_count`), its pages
 * "Tool calling" (arguments are objects; results are messages of role tool with `tool_name`),
 * "Thinking" (`think`: true, false or, for gpt-oss, a level), "Structured outputs" (`format`) and
 * "Errors" ({"error": "..."} with a status, or as a line of the stream).
 *
 * The window is ours to choose: without `num_ctx` Ollama takes a small one and silently cuts the
 * conversation's beginning off, so it is always sent.
 */
#pragma once

#include "llm/codec.h"

extern const struct nf_llm_codec nf_ollama_chat;

#define NF_OLLAMA_LINE_MAX ((size_t)8 << 20) /* bytes of one line of a stream */
#define NF_OLLAMA_TEMPERATURE_MAX 2.0
