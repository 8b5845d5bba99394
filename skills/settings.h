/*
 * Settings of skills.
 *
 *     skills:
 *       min_level: L2
 *       secrets:
 *         - name: WEATHER_KEY
 *           value: ${WEATHER_KEY}
 *           urls: [https://api.example.com/]
 *       config:
 *         - skill: web
 *           key: search_engine
 *           value: https://search.example.org/
 *       approval:
 *         - tool: files.write
 *           approval: always
 */
#pragma once

#include "config/settings.h"
#include "domain/skill.h"

#define NF_SKILL_CONFIG_SECRETS_MAX 64
#define NF_SKILL_SECRET_URLS_MAX 16
#define NF_SKILL_SECRET_MIN 8 /* bytes: what is shorter could not be masked where it appears */
#define NF_SKILL_APPROVALS_MAX 256
#define NF_SKILL_CONFIG_MAX 256    /* values, of all skills */
#define NF_SKILL_CONFIG_KEY_MAX 64 /* bytes */
#define NF_SKILL_CONFIG_VALUE_MAX 4096
#define NF_SKILL_BUNDLED_MAX 32

#define NF_SKILL_LIBRARIES_MAX 12

struct nf_skill_secret {
    char *name;
    struct nf_secret value;
    struct nf_setting_strs urls; /* prefixes; empty: wherever the skill may go */
};

struct nf_skill_approval {
    char *tool;   /* "files.write", or "files" for all of its tools */
    int approval; /* enum nf_approval - 1 */
};

struct nf_skill_config {
    char *skill, *key, *value;
};

struct nf_skill_settings {
    bool enabled;
    char *dir, *bundled_dir;        /* "": see the help */
    struct nf_setting_strs bundled; /* names; empty: all; "none": none */
    int min_level;                  /* index of nf_skill_level_name */
    int64_t workers, idle_ms;
    struct nf_setting_strs libraries; /* sonames, beside libc.so.6 and libm.so.6 */
    struct nf_setting_strs allow_private;
    struct nf_setting_list secrets, approvals, config;
    int64_t http_requests; /* of one call */
    int64_t workspace_bytes, workspace_files;
};

extern const struct nf_setting_group nf_skill_setting_group;

/* The rules between keys: names of secrets, of tools with an approval and of a skill's values are
 * unique, a secret is long enough. NF_E_INVALID names the key. */
NF_RC nf_skill_settings_check(const struct nf_skill_settings *s, struct nf_err *err);

/* NULL: it is not set. */
const char *nf_skill_settings_config(const struct nf_skill_settings *s, const char *skill,
                                     const char *key);
/* The values of a skill, one after the other: *at is 0 to begin with. NULL: there is no more. */
const char *nf_skill_settings_config_next(const struct nf_skill_settings *s, const char *skill,
                                          size_t *at);

/* "L0.5" for 0 to "L3" for 3. */
const char *nf_skill_level_name(int i);

/* What the configuration says of `tool` of `skill`: of the tool itself, else of the skill, else
 * `otherwise`. */
enum nf_approval nf_skill_settings_approval(const struct nf_skill_settings *s, const char *skill,
                                            const char *tool, enum nf_approval otherwise);

/* NULL if there is none of that name, or it is not set. */
const struct nf_skill_secret *nf_skill_settings_secret(const struct nf_skill_settings *s,
                                                       const char *name, size_t n);
