/*
 * A skill's manifest, skill.json: what it is called, which tools it has, what it may do. Read by
 * the daemon and the command line; nothing of the skill is executed to learn it. The same is
 * published as a JSON Schema, skills/skill.schema.json, which a test holds against this decoder.
 */
#pragma once

#include "base/string.h"
#include "domain/skill.h"

#include <stdbool.h>
#include <stdint.h>

#define NF_MANIFEST_BYTES_MAX ((size_t)256 * 1024)
#define NF_SKILL_TOOLS_MAX 32
#define NF_SKILL_HOSTS_MAX 32   /* of the capability http */
#define NF_SKILL_SECRETS_MAX 16 /* names of the capability secrets */
#define NF_SKILL_DESCRIPTION_MAX 1024
#define NF_SKILL_SCHEMA_MAX ((size_t)64 * 1024)

enum nf_skill_kind { NF_SKILL_PLUGIN = 1, NF_SKILL_PROGRAM = 2 };
/* Pooled: warm processes serve many calls. Oneshot: a fresh process for every call. */
enum nf_skill_mode { NF_SKILL_POOLED = 1, NF_SKILL_ONESHOT = 2 };

struct nf_tool_manifest {
    char *name; /* [a-z0-9_]{1,64} */
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
    char *http[NF_SKILL_HOSTS_MAX]; /* URL prefixes; "*" alone: any https URL */
    size_t http_n;
    char *secrets[NF_SKILL_SECRETS_MAX]; /* names of secrets of the configuration */
    size_t secrets_n;
    bool kv, files;

    /* Limits. */
    int64_t memory_bytes, cpu_ms, output_bytes, http_bytes, kv_bytes;
    char min_level[8]; /* "L3" ... "L0.5"; "": the configuration's */
};
void nf_skill_manifest_done(struct nf_skill_manifest *m);

/* NF_E_INVALID or NF_E_LIMIT name the field as a path ("tools[1].timeout_ms") and what is allowed;
 * an unknown member is an error too. */
NF_RC nf_skill_manifest_parse(const char *p, size_t n, struct nf_skill_manifest *ret,
                              struct nf_err *err);
