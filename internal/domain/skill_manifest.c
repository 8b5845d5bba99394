#include "domain/skill_manifest.h"

#include "domain/said_rights.h"

#include <stdlib.h>
#include <string.h>

static void free_all(char **v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(v[i]);
}

void nf_skill_manifest_done(struct nf_skill_manifest *m)
{
    for (size_t i = 0; i < m->tools_n; i++) {
        free(m->tools[i].name);
        free(m->tools[i].description);
        free(m->tools[i].schema);
    }
    free(m->tools);
    free_all(m->http, m->http_n);
    free_all(m->secrets, m->secrets_n);
    free(m->name);
    free(m->version);
    free(m->description);
    free(m->entry);
    free(m->interpreter);
    *m = (struct nf_skill_manifest){ 0 };
}

const struct nf_tool_manifest *nf_skill_manifest_tool(const struct nf_skill_manifest *m,
                                                      const char *name)
{
    for (size_t i = 0; i < m->tools_n; i++)
        if (strcmp(m->tools[i].name, name) == 0)
            return &m->tools[i];
    return NULL;
}

enum nf_code nf_skill_manifest_tell(const struct nf_skill_manifest *m, struct nf_str *to,
                                    struct nf_err *err)
{
    if (m->kind == NF_SKILL_PROGRAM && m->interpreter)
        NF_TRY(nf_str_addf(to, err, NF_MAY_PROGRAM_OF "\n", m->interpreter));
    else if (m->kind == NF_SKILL_PROGRAM)
        NF_TRY(nf_str_adds(to, NF_MAY_PROGRAM "\n", err));
    for (size_t i = 0; i < m->http_n; i++)
        if (strcmp(m->http[i], "*") == 0)
            NF_TRY(nf_str_adds(to, NF_MAY_REACH_ALL "\n", err));
        else
            NF_TRY(nf_str_addf(to, err, NF_MAY_REACH "\n", m->http[i]));
    for (size_t i = 0; i < m->secrets_n; i++)
        NF_TRY(nf_str_addf(to, err, NF_MAY_SECRET "\n", m->secrets[i]));
    if (m->kv)
        NF_TRY(nf_str_addf(to, err, NF_MAY_KEEP "\n", (long long)(m->kv_bytes / 1024)));
    if (m->files)
        NF_TRY(nf_str_adds(to, NF_MAY_FILES "\n", err));
    if (m->threads)
        NF_TRY(nf_str_adds(to, NF_MAY_THREADS "\n", err));
    return NF_OK;
}

static bool has(char *const *v, size_t n, const char *what)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(v[i], what) == 0)
            return true;
    return false;
}

/* "L0.5" < "L1" < "L2" < "L3", and "" is what the configuration says, which may be the least. */
static bool is_weaker(const char *fresh, const char *old)
{
    return strcmp(fresh, old) < 0;
}

static bool asks_less(const struct nf_skill_manifest *old, const struct nf_skill_manifest *fresh)
{
    for (size_t i = 0; i < fresh->tools_n; i++) {
        const struct nf_tool_manifest *t = nf_skill_manifest_tool(old, fresh->tools[i].name);
        if (t && fresh->tools[i].approval < t->approval)
            return true;
    }
    return false;
}

bool nf_skill_manifest_grows(const struct nf_skill_manifest *old,
                             const struct nf_skill_manifest *fresh)
{
    for (size_t i = 0; i < fresh->http_n; i++)
        if (!has(old->http, old->http_n, fresh->http[i]))
            return true;
    for (size_t i = 0; i < fresh->secrets_n; i++)
        if (!has(old->secrets, old->secrets_n, fresh->secrets[i]))
            return true;
    if (fresh->kind != old->kind || (fresh->kv && !old->kv) || (fresh->files && !old->files) ||
        (fresh->threads && !old->threads))
        return true;
    if (fresh->interpreter &&
        (!old->interpreter || strcmp(fresh->interpreter, old->interpreter) != 0))
        return true;
    /* Processes that several people share, where each had one of his own. */
    if (fresh->mode == NF_SKILL_POOLED && old->mode == NF_SKILL_ONESHOT)
        return true;
    return is_weaker(fresh->min_level, old->min_level) || asks_less(old, fresh);
}
