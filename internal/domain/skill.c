/* Which skills may run. */
#include "domain/skill.h"

#include <string.h>

#define TO(status) (1u << (status))

static const unsigned arrows[] = {
    [NF_SKILL_INSTALLED] = TO(NF_SKILL_ENABLED) | TO(NF_SKILL_REMOVED),
    [NF_SKILL_ENABLED] = TO(NF_SKILL_DISABLED) | TO(NF_SKILL_REMOVED),
    [NF_SKILL_DISABLED] = TO(NF_SKILL_ENABLED) | TO(NF_SKILL_REMOVED),
    [NF_SKILL_REMOVED] = 0,
};

static bool is_status(enum nf_skill_status status)
{
    return status >= NF_SKILL_INSTALLED && status <= NF_SKILL_REMOVED;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

enum nf_code nf_skill_check_name(const char *name, struct nf_err *err)
{
    size_t n = strnlen(name, NF_SKILL_NAME_MAX + 1);
    bool good = n >= 1 && n <= NF_SKILL_NAME_MAX && is_lower(name[0]) && name[n - 1] != '-';

    for (size_t i = 0; good && i < n; i++)
        good = is_lower(name[i]) || is_digit(name[i]) || name[i] == '-';
    if (good)
        return NF_OK;
    return nf_err_set(err, NF_E_INVALID,
                      "name of a skill must have 1 to %d of a-z, 0-9 and '-', begin with a letter "
                      "and not end with '-'",
                      NF_SKILL_NAME_MAX);
}

/* A row of identifiers between dots, such as "rc.1": *p moves behind it. False if one is empty or,
 * where that matters, is a number with a leading zero. */
static bool identifiers(const char **p, bool letters, bool zeros, int *ret)
{
    int count = 0;

    for (;;) {
        const char *begin = *p;
        bool number = true;

        for (;; (*p)++) {
            bool letter = is_lower(**p) || (**p >= 'A' && **p <= 'Z') || **p == '-';

            if (!is_digit(**p) && !(letters && letter))
                break;
            number = number && !letter;
        }
        if (*p == begin || (!zeros && number && *begin == '0' && *p - begin > 1))
            return false;
        count++;
        if (**p != '.')
            break;
        (*p)++;
    }
    *ret = count;
    return true;
}

enum nf_code nf_skill_check_version(const char *version, struct nf_err *err)
{
    const char *p = version;
    int count = 0;
    bool good = strnlen(version, NF_SKILL_VERSION_MAX + 1) <= NF_SKILL_VERSION_MAX;

    good = good && identifiers(&p, false, false, &count) && count == 3;
    if (good && *p == '-') {
        p++;
        good = identifiers(&p, true, false, &count);
    }
    if (good && *p == '+') {
        p++;
        good = identifiers(&p, true, true, &count);
    }
    if (good && *p == '\0')
        return NF_OK;
    return nf_err_set(err, NF_E_INVALID,
                      "version must be like 1.2.3 or 1.2.3-rc.1 (Semantic Versioning), of at most "
                      "%d bytes",
                      NF_SKILL_VERSION_MAX);
}

static enum nf_code check_hash(const char *hash, struct nf_err *err)
{
    bool good = strnlen(hash, NF_SKILL_HASH + 1) == NF_SKILL_HASH;

    for (size_t i = 0; good && i < NF_SKILL_HASH; i++)
        good = is_digit(hash[i]) || (hash[i] >= 'a' && hash[i] <= 'f');
    if (good)
        return NF_OK;
    return nf_err_set(err, NF_E_INVALID, "hash must have %d lower-case hex digits", NF_SKILL_HASH);
}

enum nf_code nf_skill_init(struct nf_skill *s, int64_t id, const char *name, const char *version,
                           const char *hash, int64_t now_ms, struct nf_err *err)
{
    NF_TRY(nf_skill_check_name(name, err));
    NF_TRY(nf_skill_check_version(version, err));
    NF_TRY(check_hash(hash, err));
    *s = (struct nf_skill){
        .id = id,
        .status = NF_SKILL_INSTALLED,
        .created_ms = now_ms,
        .updated_ms = now_ms,
    };
    memcpy(s->name, name, strlen(name));
    memcpy(s->version, version, strlen(version));
    memcpy(s->hash, hash, NF_SKILL_HASH);
    return NF_OK;
}

static void revoke(struct nf_skill *s)
{
    memset(s->granted_hash, 0, sizeof(s->granted_hash));
    s->granted_by = s->granted_ms = 0;
}

bool nf_skill_is_granted(const struct nf_skill *s)
{
    return s->granted_hash[0] && strcmp(s->granted_hash, s->hash) == 0;
}

static enum nf_code check_not_removed(const struct nf_skill *s, struct nf_err *err)
{
    if (s->status == NF_SKILL_REMOVED)
        return nf_err_set(err, NF_E_CONFLICT, "skill %s is removed: install it again", s->name);
    return NF_OK;
}

enum nf_code nf_skill_grant(struct nf_skill *s, const char *hash, int64_t user_id, int64_t now_ms,
                            struct nf_err *err)
{
    NF_TRY(check_not_removed(s, err));
    if (strcmp(hash, s->hash) != 0)
        return nf_err_set(err, NF_E_CONFLICT,
                          "skill %s was changed meanwhile: look at what it asks for now", s->name);
    memcpy(s->granted_hash, s->hash, sizeof(s->granted_hash));
    s->granted_by = user_id;
    s->granted_ms = s->updated_ms = now_ms;
    return NF_OK;
}

enum nf_code nf_skill_become(struct nf_skill *s, enum nf_skill_status to, int64_t now_ms,
                             struct nf_err *err)
{
    if (!is_status(s->status) || !is_status(to) || !(arrows[s->status] & TO(to)))
        return nf_err_set(err, NF_E_CONFLICT, "skill is %s: it cannot become %s",
                          nf_skill_status_name(s->status), nf_skill_status_name(to));
    if (to == NF_SKILL_ENABLED && !nf_skill_is_granted(s))
        return nf_err_set(err, NF_E_DENIED,
                          "skill %s has no grant for its files: look at what it may do, and agree",
                          s->name);
    if (to == NF_SKILL_REMOVED)
        revoke(s);
    s->status = to;
    s->updated_ms = now_ms;
    return NF_OK;
}

enum nf_code nf_skill_replace(struct nf_skill *s, const char *version, const char *hash,
                              int64_t now_ms, struct nf_err *err)
{
    NF_TRY(nf_skill_check_version(version, err));
    NF_TRY(check_hash(hash, err));
    NF_TRY(check_not_removed(s, err));
    if (strcmp(hash, s->hash) != 0) {
        revoke(s);
        if (s->status == NF_SKILL_ENABLED)
            s->status = NF_SKILL_DISABLED;
    }
    memset(s->version, 0, sizeof(s->version));
    memcpy(s->version, version, strlen(version));
    memcpy(s->hash, hash, NF_SKILL_HASH);
    s->updated_ms = now_ms;
    return NF_OK;
}

enum nf_code nf_skill_may_run(const struct nf_skill *s, const char *hash, struct nf_err *err)
{
    if (s->status != NF_SKILL_ENABLED)
        return nf_err_set(err, NF_E_DENIED, "skill %s is %s: enable it first", s->name,
                          nf_skill_status_name(s->status));
    if (!nf_skill_is_granted(s) || strcmp(hash, s->hash) != 0)
        return nf_err_set(err, NF_E_DENIED,
                          "the files of skill %s are not those that were agreed to: look at what "
                          "changed, and agree again",
                          s->name);
    return NF_OK;
}

enum nf_code nf_skill_tool_name(const char *skill, const char *tool, char ret[NF_CALL_NAME_MAX + 1],
                                struct nf_err *err)
{
    size_t n = strlen(skill), m = strlen(tool);

    if (n >= NF_CALL_NAME_MAX || m + 1 > NF_CALL_NAME_MAX - n)
        return nf_err_set(err, NF_E_LIMIT, "name of the tool: SKILL_TOOL is longer than %d bytes",
                          NF_CALL_NAME_MAX);
    memcpy(ret, skill, n + 1);
    ret[n] = '_';
    memcpy(ret + n + 1, tool, m + 1);
    return NF_OK;
}

const char *nf_skill_status_name(enum nf_skill_status status)
{
    switch (status) {
    case NF_SKILL_INSTALLED:
        return "installed";
    case NF_SKILL_ENABLED:
        return "enabled";
    case NF_SKILL_DISABLED:
        return "disabled";
    case NF_SKILL_REMOVED:
        return "removed";
    }
    return "?";
}
