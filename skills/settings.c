#include "skills/settings.h"

#include "domain/skill_manifest.h"
#include "skills/net.h"
#include "skills/url.h"

#include <string.h>

static const char *const levels[] = { "L0.5", "L1", "L2", "L3", NULL };
static const char *const approvals[] = { "never", "ask", "always", NULL };

const char *nf_skill_level_name(int i)
{
    return levels[i];
}

static enum nf_code check_secret_name(const char *value, struct nf_err *err)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    size_t n = strlen(value);

    if (n == 0 || strspn(value, letters) != n || value[0] < 'A' || value[0] > 'Z')
        return nf_err_set(err, NF_E_INVALID, "must have A-Z, 0-9 and _, and begin with a letter");
    return NF_OK;
}

static enum nf_code check_tool(const char *value, struct nf_err *err)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-_";
    const char *dot = strchr(value, '.');
    size_t skill = dot ? (size_t)(dot - value) : strlen(value);
    size_t tool = dot ? strlen(dot + 1) : 1;

    if (skill == 0 || strspn(value, letters) != skill || tool == 0 ||
        (dot && strspn(dot + 1, letters) != tool))
        return nf_err_set(err, NF_E_INVALID, "must be SKILL.TOOL, or SKILL for all of its tools");
    return NF_OK;
}

static const struct nf_setting secret_settings[] = {
    NF_SETTING(struct nf_skill_secret, "name", NF_SET_STR, name, .required = true, .min = 1,
               .max = NF_SKILL_SECRET_NAME_MAX, .check = check_secret_name,
               .help = "What a skill's manifest calls it."),
    NF_SETTING(struct nf_skill_secret, "value", NF_SET_SECRET, value,
               .help = "The secret, of at least 8 bytes; ${NAME} takes it from the environment."),
    NF_SETTING(struct nf_skill_secret, "urls", NF_SET_STRS, urls, .max = NF_SKILL_SECRET_URLS_MAX,
               .check = nf_url_check_prefix,
               .help = "It is only sent to these URLs and what is below them. Empty: wherever the "
                       "skill may go, unless that is everywhere."),
};
static const struct nf_setting_group secret_group = { "", secret_settings,
                                                      NF_COUNT(secret_settings),
                                                      sizeof(struct nf_skill_secret) };

static const struct nf_setting approval_settings[] = {
    NF_SETTING(struct nf_skill_approval, "tool", NF_SET_STR, tool, .required = true, .min = 1,
               .max = (int64_t)2 * NF_NAME_MAX, .check = check_tool,
               .help = "Which tool: files.write; or files for all of the skill's."),
    NF_SETTING(struct nf_skill_approval, "approval", NF_SET_ENUM, approval, .required = true,
               .choices = approvals,
               .help = "never: it runs. ask: a person is asked when a model calls it. always: also "
                       "when a person does."),
};
static const struct nf_setting_group approval_group = { "", approval_settings,
                                                        NF_COUNT(approval_settings),
                                                        sizeof(struct nf_skill_approval) };

static enum nf_code check_config_key(const char *value, struct nf_err *err)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_";

    if (strspn(value, letters) != strlen(value) || value[0] < 'a')
        return nf_err_set(err, NF_E_INVALID, "must have a-z, 0-9 and _, and begin with a letter");
    return NF_OK;
}

static const struct nf_setting config_settings[] = {
    NF_SETTING(struct nf_skill_config, "skill", NF_SET_STR, skill, .required = true, .min = 1,
               .max = NF_SKILL_NAME_MAX, .check = nf_skill_check_name, .help = "Whose it is."),
    NF_SETTING(struct nf_skill_config, "key", NF_SET_STR, key, .required = true, .min = 1,
               .max = NF_SKILL_CONFIG_KEY_MAX, .check = check_config_key,
               .help = "What the skill's documents call it."),
    NF_SETTING(struct nf_skill_config, "value", NF_SET_STR, value, .required = true, .min = 1,
               .max = NF_SKILL_CONFIG_VALUE_MAX,
               .help = "If it is a URL, the skill may also reach what is below it."),
};
static const struct nf_setting_group config_group = { "", config_settings,
                                                      NF_COUNT(config_settings),
                                                      sizeof(struct nf_skill_config) };

#define S(key, kind, member, ...)                                                                  \
    NF_SETTING(struct nf_skill_settings, key, kind, member, __VA_ARGS__)
static const struct nf_setting settings[] = {
    S("enabled", NF_SET_BOOL, enabled, .def = "true",
      .help = "Whether skills run at all. If not, no process of theirs is started."),
    S("dir", NF_SET_STR, dir, .max = 1024,
      .help = "Where installed skills are kept. Empty: skills in the directory of the database."),
    S("bundled_dir", NF_SET_STR, bundled_dir, .max = 1024,
      .help = "Where the skills are that come with the program. Empty: ../lib/nexflow/skills, seen "
              "from nexflowd."),
    S("bundled", NF_SET_STRS, bundled, .max = NF_SKILL_BUNDLED_MAX,
      .help = "Which of them are installed: names, or none. Empty: all. Those that reach no "
              "network are enabled at once; the others wait for `nexflow skill enable`."),
    S("min_level", NF_SET_ENUM, min_level, .def = "L1", .choices = levels, .reloadable = true,
      .help = "The weakest sandbox that skills may run in; a skill may ask for more. L3: all "
              "layers, L2: without cgroups, L1: without namespaces, L0.5: seccomp alone."),
    S("workers", NF_SET_INT, workers, .def = "32", .min = 1, .max = 1000,
      .help = "Processes of skills alive at once; more calls wait."),
    S("idle", NF_SET_MS, idle_ms, .def = "60s", .min = 1000, .max = 86400000,
      .help = "A process that had nothing to do for so long is ended."),
    S("libraries", NF_SET_STRS, libraries, .max = NF_SKILL_LIBRARIES_MAX,
      .help = "Libraries that plugins need besides libc.so.6 and libm.so.6, by their soname, such "
              "as libstdc++.so.6: a plugin cannot load any itself. They are loaded outside of the "
              "sandbox."),
    S("allow_private", NF_SET_STRS, allow_private, .max = NF_NET_ALLOW_MAX,
      .check = nf_net_check_allow,
      .help = "What skills may reach besides the public internet, if their manifest names it too: "
              "hosts, addresses, or networks such as 192.168.1.0/24."),
    S("secrets", NF_SET_GROUPS, secrets, .items = &secret_group, .max = NF_SKILL_CONFIG_SECRETS_MAX,
      .reloadable = true,
      .help = "What is put into headers of skills' requests in place of ${secret:NAME}. No skill "
              "ever sees it."),
    S("config", NF_SET_GROUPS, config, .items = &config_group, .max = NF_SKILL_CONFIG_MAX,
      .reloadable = true,
      .help = "Values that skills ask for, such as the search engine of web. No secrets: a skill "
              "sees them."),
    S("approval", NF_SET_GROUPS, approvals, .items = &approval_group, .max = NF_SKILL_APPROVALS_MAX,
      .reloadable = true,
      .help = "Whether a person is asked before a tool runs, instead of what its manifest says."),
    S("http_requests", NF_SET_INT, http_requests, .def = "20", .min = 1, .max = 1000,
      .reloadable = true, .help = "HTTP requests that one call may make, redirects included."),
    S("workspace_size", NF_SET_BYTES, workspace_bytes, .def = "64MiB", .min = 4096,
      .max = (int64_t)1 << 40, .reloadable = true,
      .help = "Bytes of all files of one conversation."),
    S("workspace_files", NF_SET_INT, workspace_files, .def = "1000", .min = 1, .max = 100000,
      .reloadable = true, .help = "Files and directories of one conversation."),
};
#undef S
const struct nf_setting_group nf_skill_setting_group = { "skills", settings, NF_COUNT(settings),
                                                         sizeof(struct nf_skill_settings) };

static const struct nf_skill_secret *secret_at(const struct nf_skill_settings *s, size_t i)
{
    return (const struct nf_skill_secret *)s->secrets.v + i;
}

static const struct nf_skill_approval *approval_at(const struct nf_skill_settings *s, size_t i)
{
    return (const struct nf_skill_approval *)s->approvals.v + i;
}

static NF_RC check_secret(const struct nf_skill_settings *s, size_t i, struct nf_err *err)
{
    const struct nf_skill_secret *secret = secret_at(s, i);
    size_t n = strnlen(nf_secret_reveal(&secret->value), NF_SKILL_SECRET_MIN);

    if (n > 0 && n < NF_SKILL_SECRET_MIN)
        return nf_err_set(err, NF_E_INVALID, "skills.secrets: %s must have at least %d bytes",
                          secret->name, NF_SKILL_SECRET_MIN);
    for (size_t k = 0; k < i; k++)
        if (strcmp(secret_at(s, k)->name, secret->name) == 0)
            return nf_err_set(err, NF_E_INVALID, "skills.secrets: %s stands twice", secret->name);
    return NF_OK;
}

static const struct nf_skill_config *config_at(const struct nf_skill_settings *s, size_t i)
{
    return (const struct nf_skill_config *)s->config.v + i;
}

const char *nf_skill_settings_config(const struct nf_skill_settings *s, const char *skill,
                                     const char *key)
{
    for (size_t i = 0; i < s->config.n; i++)
        if (strcmp(config_at(s, i)->skill, skill) == 0 && strcmp(config_at(s, i)->key, key) == 0)
            return config_at(s, i)->value;
    return NULL;
}

const char *nf_skill_settings_config_next(const struct nf_skill_settings *s, const char *skill,
                                          size_t *at)
{
    while (*at < s->config.n) {
        const struct nf_skill_config *c = config_at(s, (*at)++);
        if (strcmp(c->skill, skill) == 0)
            return c->value;
    }
    return NULL;
}

static NF_RC check_config(const struct nf_skill_settings *s, size_t i, struct nf_err *err)
{
    const struct nf_skill_config *c = config_at(s, i);

    if (nf_skill_settings_config(s, c->skill, c->key) != c->value)
        return nf_err_set(err, NF_E_INVALID, "skills.config: %s of %s stands twice", c->key,
                          c->skill);
    return NF_OK;
}

enum nf_code nf_skill_settings_check(const struct nf_skill_settings *s, struct nf_err *err)
{
    for (size_t i = 0; i < s->secrets.n; i++)
        NF_TRY(check_secret(s, i, err));
    for (size_t i = 0; i < s->config.n; i++)
        NF_TRY(check_config(s, i, err));
    for (size_t i = 0; i < s->approvals.n; i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(approval_at(s, k)->tool, approval_at(s, i)->tool) == 0)
                return nf_err_set(err, NF_E_INVALID, "skills.approval: %s stands twice",
                                  approval_at(s, i)->tool);
    for (size_t i = 0; i < s->bundled.n; i++)
        if (s->bundled.n > 1 && strcmp(s->bundled.v[i], "none") == 0)
            return nf_err_set(err, NF_E_INVALID, "skills.bundled: none must stand alone");
    return NF_OK;
}

enum nf_approval nf_skill_settings_approval(const struct nf_skill_settings *s, const char *skill,
                                            const char *tool, enum nf_approval otherwise)
{
    enum nf_approval found = otherwise;
    size_t n = strlen(skill);

    for (size_t i = 0; i < s->approvals.n; i++) {
        const struct nf_skill_approval *a = approval_at(s, i);
        if (strncmp(a->tool, skill, n) != 0)
            continue;
        if (a->tool[n] == '.' && strcmp(a->tool + n + 1, tool) == 0)
            return (enum nf_approval)(a->approval + 1);
        if (a->tool[n] == '\0')
            found = (enum nf_approval)(a->approval + 1);
    }
    return found;
}

const struct nf_skill_secret *nf_skill_settings_secret(const struct nf_skill_settings *s,
                                                       const char *name, size_t n)
{
    for (size_t i = 0; i < s->secrets.n; i++) {
        const struct nf_skill_secret *secret = secret_at(s, i);
        if (strlen(secret->name) == n && memcmp(secret->name, name, n) == 0)
            return nf_secret_is_set(&secret->value) ? secret : NULL;
    }
    return NULL;
}
