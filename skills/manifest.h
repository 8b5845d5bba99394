/*
 * A skill's manifest, skill.json, as text. Read by the daemon and the command line; nothing of the
 * skill is executed to learn it. The same is published as a JSON Schema, skills/skill.schema.json,
 * which a test holds against this decoder. What is absent:
 *
 *     kind         plugin
 *     mode         oneshot where a process may come to hold what is one person's: with kv, files or
 *                  secrets, and for a program; else pooled
 *     approval     ask
 *     idempotent   false
 *     timeout_ms   30000
 *     limits       those of the constants below
 */
#pragma once

#include "domain/skill_manifest.h"

#define NF_MANIFEST_BYTES_MAX ((size_t)256 * 1024)
#define NF_MANIFEST_FILE "skill.json"

#define NF_TOOL_TIMEOUT_MIN_MS 100
#define NF_TOOL_TIMEOUT_MAX_MS 600000
#define NF_TOOL_TIMEOUT_MS 30000

/* Of the limits: what holds if the manifest says nothing, and the most that it may say. */
#define NF_SKILL_MEMORY_MIB 64
#define NF_SKILL_MEMORY_MIB_MIN 16
#define NF_SKILL_MEMORY_MIB_MAX 2048
#define NF_SKILL_CPU_MS 10000
#define NF_SKILL_CPU_MS_MAX 600000
#define NF_SKILL_OUTPUT_KIB 256
#define NF_SKILL_OUTPUT_KIB_MAX 1024
#define NF_SKILL_HTTP_KIB 2048
#define NF_SKILL_HTTP_KIB_MAX 4096
#define NF_SKILL_KV_KIB 1024
#define NF_SKILL_KV_KIB_MAX 65536

/* NF_E_INVALID or NF_E_LIMIT name the field as a path ("tools[1].timeout_ms") and what is allowed;
 * an unknown member and one that stands twice are errors too. */
NF_RC nf_skill_manifest_parse(const char *p, size_t n, struct nf_skill_manifest *ret,
                              struct nf_err *err);
