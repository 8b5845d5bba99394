/*
 * What a skill says of itself: its tools, what it wants to be allowed, its limits. Pure; read from
 * skill.json by skills/manifest.c, shown to the person who shall agree to it.
 */
#pragma once

#include "base/string.h"
#include "domain/skill.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NF_SKILL_TOOLS_MAX 32
#define NF_SKILL_URLS_MAX 32    /* of the capability http */
#define NF_SKILL_SECRETS_MAX 16 /* names of the capability secrets */
#define NF_SKILL_SECRET_NAME_MAX 64
#define NF_SKILL_DESCRIPTION_MAX 1024 /* characters, of a skill or a tool */
#define NF_SKILL_SCHEMA_MAX ((size_t)64 * 1024)
#define NF_TOOL_NAME_MAX 32

enum nf_skill_kind { NF_SKILL_PLUGIN = 1, NF_SKILL_PROGRAM = 2 };
/* Pooled: warm processes serve many calls. Oneshot: a fresh process for every call. */
enum nf_skill_mode { NF_SKILL_POOLED = 1, NF_SKILL_ONESHOT = 2 };

struct nf_tool_manifest {
    char *name; /* [a-z0-9_]{1,32}, begins with a letter; unique in its skill */
    char *description;
    char *schema; /* JSON Schema of the arguments, an object */
    bool idempotent;
    enum nf_approval approval;
    int64_t timeout_ms; /* 100 to 600,000 */
};

struct nf_skill_manifest {
    char *name, *version, *description;
    enum nf_skill_kind kind;
    char *entry; /* plugin: file name of the shared object; program: of the executable or script */
    char *interpreter; /* program: absolute path, NULL: the entry itself is executable */
    enum nf_skill_mode mode;
    bool threads; /* plugin: may start threads */
    struct nf_tool_manifest *tools;
    size_t tools_n;

    /* Capabilities. */
    char *http[NF_SKILL_URLS_MAX]; /* URL prefixes; "*" alone: any https URL */
    size_t http_n;
    char *secrets[NF_SKILL_SECRETS_MAX]; /* names of secrets of the configuration */
    size_t secrets_n;
    bool kv, files;

    /* Limits. http_bytes: of the body of one answer. */
    int64_t memory_bytes, cpu_ms, output_bytes, http_bytes, kv_bytes;
    char min_level[8]; /* "L3" ... "L0.5"; "": the configuration's */
};
void nf_skill_manifest_done(struct nf_skill_manifest *m);

/* The tool of that name, NULL if there is none. */
const struct nf_tool_manifest *nf_skill_manifest_tool(const struct nf_skill_manifest *m,
                                                      const char *name);

/* Append what the skill may do, for a person: a line each, "reaches https://api.example.com/".
 * Nothing if it only computes. */
NF_RC nf_skill_manifest_tell(const struct nf_skill_manifest *m, struct nf_str *to,
                             struct nf_err *err);

/* Whether `fresh` may do anything that `old` may not: another URL, another secret, a store, files,
 * a weaker sandbox, another kind or interpreter, a tool that asks less. Then consent to the one is
 * none to the other. */
bool nf_skill_manifest_grows(const struct nf_skill_manifest *old,
                             const struct nf_skill_manifest *fresh);
