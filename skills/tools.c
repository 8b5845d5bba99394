#include "skills/tools.h"

#include "base/own.h"
#include "observe/log.h"
#include "skills/tools_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_TOLD_MAX ((size_t)120) /* bytes of names of tools, in an error that has 240 */

/* A name that somebody asked about, and what may be called of it now. */
struct slot {
    char name[NF_NAME_MAX + 1];
    uint64_t asked; /* the newest look-up that began: an older one that ends later is dropped */
    struct nf_offered *offered; /* NULL: nothing */
};

struct nf_skill_tools {
    struct nf_tools port;
    struct nf_skill_tools_options o;
    struct slot slots[NF_TOOLS_SKILLS_MAX]; /* by name */
    size_t n;
    uint64_t asked;
    struct nf_scratches scratches;
    struct nf_toolset *listed; /* the tools of the slots; NULL: to be made */
    char listed_level[8];      /* what the list depends on beside the slots */
    int listed_least;
};

static struct nf_skill_tools *of(struct nf_tools *port);

static void forget_list(struct nf_skill_tools *t)
{
    nf_toolset_unref(t->listed);
    t->listed = NULL;
}

/* --- which skills ----------------------------------------------------------------------------- */

static struct slot *find_slot(struct nf_skill_tools *t, const char *name, size_t n)
{
    for (size_t i = 0; i < t->n; i++)
        if (strlen(t->slots[i].name) == n && memcmp(t->slots[i].name, name, n) == 0)
            return &t->slots[i];
    return NULL;
}

static void drop_slot(struct nf_skill_tools *t, struct slot *s)
{
    size_t i = (size_t)(s - t->slots);

    nf_offered_unref(s->offered);
    memmove(s, s + 1, (t->n - i - 1) * sizeof(*s));
    t->n--;
}

static NF_RC add_slot(struct nf_skill_tools *t, const char *name, struct slot **ret,
                      struct nf_err *err)
{
    size_t i = 0;

    if (t->n == NF_TOOLS_SKILLS_MAX)
        return nf_err_set(err, NF_E_LIMIT, "at most %d skills can be enabled: disable another",
                          NF_TOOLS_SKILLS_MAX);
    while (i < t->n && strcmp(t->slots[i].name, name) < 0)
        i++;
    memmove(&t->slots[i + 1], &t->slots[i], (t->n - i) * sizeof(t->slots[0]));
    t->slots[i] = (struct slot){ .name = "" };
    memcpy(t->slots[i].name, name, strlen(name) + 1);
    t->n++;
    *ret = &t->slots[i];
    return NF_OK;
}

/* What the store and the files say. *ret stays NULL if it may not run. */
static NF_RC look_up(struct nf_skill_tools *t, const char *name, struct nf_offered **ret,
                     struct nf_err *err)
{
    struct nf_skill skill;
    enum nf_code rc = t->o.store->ops->find(t->o.store, name, &skill, err);

    if (rc == NF_E_NOT_FOUND)
        return NF_OK;
    NF_TRY(rc);
    if (skill.status != NF_SKILL_ENABLED)
        return NF_OK;
    NF_TRY(nf_skill_may_run(&skill, skill.hash, err));
    return nf_offered_load(t->o.catalogue, name, skill.hash, ret, err);
}

static bool same_version(const struct nf_offered *a, const struct nf_offered *b)
{
    return a && b && strcmp(a->package.hash, b->package.hash) == 0;
}

enum nf_code nf_skill_tools_changed(void *tools, const char *name, struct nf_err *err)
{
    struct nf_skill_tools *t = tools;
    struct nf_offered *fresh = NULL;
    struct slot *s = find_slot(t, name, strlen(name));

    NF_TRY(nf_skill_check_name(name, err));
    if (!s)
        NF_TRY(add_slot(t, name, &s, err));
    assert(s);
    uint64_t asked = s->asked = ++t->asked;
    enum nf_code rc = look_up(t, name, &fresh, err);
    s = find_slot(t, name, strlen(name)); /* the slots may have moved */
    if (!s || s->asked != asked) {
        nf_offered_unref(fresh); /* somebody asked later, and knows better */
        return NF_OK;
    }
    if (s->offered && !same_version(s->offered, fresh) && t->o.warden)
        nf_warden_retire(t->o.warden, name);
    nf_offered_unref(s->offered);
    s->offered = fresh;
    forget_list(t);
    if (!fresh)
        drop_slot(t, s);
    return rc;
}

static void complain(const char *name, enum nf_code rc, const struct nf_err *err)
{
    if (rc != NF_OK && rc != NF_E_CANCELED)
        nf_log_warn("skill.unusable", "skill", name, "err", err->msg, NULL);
}

enum nf_code nf_skill_tools_load(struct nf_skill_tools *t, struct nf_err *err)
{
    NF_CLEANUP(nf_skills_done) struct nf_skills all = { 0 };

    NF_TRY(t->o.store->ops->list(t->o.store, &all, err));
    for (size_t i = 0; i < all.n; i++) {
        struct nf_err why = { .msg = "" };
        if (all.v[i].status != NF_SKILL_ENABLED)
            continue;
        enum nf_code rc = nf_skill_tools_changed(t, all.v[i].name, &why);
        complain(all.v[i].name, rc, &why);
        if (rc == NF_E_CANCELED)
            return nf_err_set(err, rc, "%s", why.msg);
    }
    return NF_OK;
}

/* --- which tools ------------------------------------------------------------------------------ */

/* The stronger of what the skill and the configuration ask for. Names sort by strength. */
static const char *level_for(const struct nf_skill_tools *t, const struct nf_skill_manifest *m)
{
    const char *least = nf_skill_level_name(t->o.broker->settings->min_level);

    return strcmp(m->min_level, least) > 0 ? m->min_level : least;
}

static bool is_strong_enough(const struct nf_skill_tools *t, const struct nf_skill_manifest *m)
{
    return t->o.warden && strcmp(nf_warden_level(t->o.warden), "none") != 0 &&
           strcmp(nf_warden_level(t->o.warden), level_for(t, m)) >= 0;
}

static NF_RC full_name(const char *skill, const char *tool, struct nf_str *ret, struct nf_err *err)
{
    nf_str_reset(ret);
    return nf_str_addf(ret, err, "%s_%s", skill, tool);
}

static NF_RC add_tools(const struct nf_skill_manifest *m, struct nf_toolset *to, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str name = { 0 };

    for (size_t i = 0; i < m->tools_n; i++) {
        const struct nf_tool_manifest *tool = &m->tools[i];
        if (to->n == NF_REQUEST_TOOLS_MAX)
            return NF_OK; /* the first by name: always the same ones */
        NF_TRY(full_name(m->name, tool->name, &name, err));
        NF_TRY(nf_toolset_add(to, nf_str_c(&name), tool->description, tool->schema, err));
    }
    return NF_OK;
}

static NF_RC list_tools(const struct nf_skill_tools *t, struct nf_toolset **ret, struct nf_err *err)
{
    NF_CLEANUP(nf_toolset_unrefp) struct nf_toolset *fresh = NULL;

    NF_TRY(nf_toolset_new(&fresh, err));
    for (size_t i = 0; i < t->n; i++) {
        const struct nf_offered *o = t->slots[i].offered;
        if (o && is_strong_enough(t, &o->package.manifest))
            NF_TRY(add_tools(&o->package.manifest, fresh, err));
    }
    *ret = nf_take(fresh);
    return NF_OK;
}

/* The list is as old as the slots. The sandbox and the configuration may change meanwhile. */
static NF_RC see_to_list(struct nf_skill_tools *t, struct nf_err *err)
{
    const char *level = t->o.warden ? nf_warden_level(t->o.warden) : "";
    int least = t->o.broker->settings->min_level;

    if (t->listed && least == t->listed_least && strcmp(level, t->listed_level) == 0)
        return NF_OK;
    forget_list(t);
    t->listed_least = least;
    (void)snprintf(t->listed_level, sizeof(t->listed_level), "%s", level);
    return list_tools(t, &t->listed, err);
}

static enum nf_code offer(struct nf_tools *port, int64_t user_id, int64_t session_id,
                          struct nf_toolset **ret, struct nf_err *err)
{
    struct nf_skill_tools *t = of(port);
    (void)user_id;
    (void)session_id;

    *ret = NULL;
    if (!t->o.broker->settings->enabled)
        return NF_OK;
    NF_TRY(see_to_list(t, err));
    *ret = nf_toolset_ref(t->listed);
    return NF_OK;
}

/* A tool by the name that a model knows; NULL: there is none. */
static struct nf_offered *find_tool(struct nf_skill_tools *t, const char *name,
                                    const struct nf_tool_manifest **tool)
{
    const char *mark = strchr(name, '_');
    const struct slot *s = mark ? find_slot(t, name, (size_t)(mark - name)) : NULL;

    *tool =
        s && s->offered ? nf_skill_manifest_tool(&s->offered->package.manifest, mark + 1) : NULL;
    return *tool ? s->offered : NULL;
}

/* Names of tools for an error, as far as it has room, and how many more there are. */
struct told {
    struct nf_str names;
    size_t more;
};

static NF_RC tell_tools(struct told *to, const struct slot *s, struct nf_err *err)
{
    const struct nf_offered *o = s->offered;

    for (size_t k = 0; o && k < o->package.manifest.tools_n; k++) {
        const char *tool = o->package.manifest.tools[k].name;
        size_t room = to->names.len + strlen(s->name) + strlen(tool) + sizeof(", _");
        if (to->more > 0 || room > NAMES_TOLD_MAX)
            to->more++;
        else
            NF_TRY(
                nf_str_addf(&to->names, err, "%s%s_%s", to->names.len ? ", " : "", s->name, tool));
    }
    return NF_OK;
}

/* Those of the skill that was meant come first: most likely one of them is wanted. */
static enum nf_code no_such(struct nf_skill_tools *t, const char *name, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str all = { 0 };
    struct told told = { .more = 0 };
    const struct slot *meant = find_slot(t, name, strcspn(name, "_"));
    enum nf_code rc = meant ? tell_tools(&told, meant, err) : NF_OK;

    for (size_t i = 0; rc == NF_OK && i < t->n; i++)
        if (&t->slots[i] != meant)
            rc = tell_tools(&told, &t->slots[i], err);
    all = nf_take(told.names);
    NF_TRY(rc);
    if (told.more > 0)
        NF_TRY(nf_str_addf(&all, err, " and %zu more", told.more));
    return nf_err_set(err, NF_E_NOT_FOUND, "there is no tool %.40s; there are: %s", name,
                      all.len ? nf_str_c(&all) : "none");
}

static enum nf_code find(struct nf_tools *port, int64_t user_id, const char *name,
                         struct nf_tool_info *ret, struct nf_err *err)
{
    struct nf_skill_tools *t = of(port);
    const struct nf_tool_manifest *tool;
    const struct nf_offered *o = find_tool(t, name, &tool);
    (void)user_id;

    if (!o || !t->o.broker->settings->enabled)
        return no_such(t, name, err);
    const struct nf_skill_manifest *m = &o->package.manifest;
    *ret = (struct nf_tool_info){
        .name = name,
        .skill = m->name,
        .tool = tool->name,
        .version = o->package.hash,
        .schema = tool->schema,
        .workspace = m->files ? "the files of this conversation" : "",
        .approval =
            nf_skill_settings_approval(t->o.broker->settings, m->name, tool->name, tool->approval),
        .idempotent = tool->idempotent,
        .timeout_ms = tool->timeout_ms,
    };
    return NF_OK;
}

/* --- calling ---------------------------------------------------------------------------------- */

/* How it ran is told in any case. */
static NF_RC tell(struct nf_skill_ran *ran, enum nf_code rc, struct nf_tool_outcome *ret,
                  struct nf_err *err)
{
    ret->worker = ran->worker;
    memcpy(ret->level, ran->level, sizeof(ret->level));
    ret->wall_us = ran->wall_us;
    ret->bytes = ran->bytes;
    if (rc != NF_OK) {
        nf_str_done(&ret->words);
        ret->words = nf_take(ran->words);
        return rc;
    }
    nf_str_reset(&ret->text);
    return nf_str_add(&ret->text, nf_str_c(&ran->result), ran->result.len, err);
}

static NF_RC run_checked(struct nf_skill_tools *t, struct nf_offered *o,
                         const struct nf_tool_manifest *tool, const struct nf_tool_call *c,
                         struct nf_tool_outcome *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_skill_ran_done) struct nf_skill_ran ran = { 0 };

    if (!t->o.warden)
        return nf_err_set(err, NF_E_UNAVAILABLE, "skills cannot run: %s",
                          t->o.why ? t->o.why : "they are switched off");
    if (c->version && strcmp(c->version, o->package.hash) != 0)
        return nf_err_set(err, NF_E_CONFLICT, "skill %s was changed meanwhile: call it again",
                          o->package.manifest.name);
    if (!is_strong_enough(t, &o->package.manifest))
        return nf_err_set(err, NF_E_DENIED,
                          "skill %s needs a sandbox of level %s, and this is %s: %s",
                          o->package.manifest.name, level_for(t, &o->package.manifest),
                          nf_warden_level(t->o.warden), nf_warden_missing(t->o.warden));
    NF_TRY(nf_offered_check(t->o.catalogue, o, err));
    const struct nf_tool_job job = { .broker = t->o.broker,
                                     .warden = t->o.warden,
                                     .scratches = &t->scratches,
                                     .o = o,
                                     .tool = tool,
                                     .c = c,
                                     .min_level = level_for(t, &o->package.manifest) };
    enum nf_code rc = nf_tool_run(&job, &ran, err);
    rc = tell(&ran, rc, ret, err);
    nf_tools_count(o->package.manifest.name, rc, ran.wall_us);
    return rc;
}

static enum nf_code call(struct nf_tools *port, const struct nf_tool_call *c,
                         struct nf_tool_outcome *ret, struct nf_err *err)
{
    struct nf_skill_tools *t = of(port);
    const struct nf_tool_manifest *tool;
    struct nf_offered *o = find_tool(t, c->name, &tool);

    if (!o || !t->o.broker->settings->enabled)
        return no_such(t, c->name, err);
    o->refs++;
    enum nf_code rc = run_checked(t, o, tool, c, ret, err);
    nf_offered_unref(o);
    return rc;
}

/* --- the whole -------------------------------------------------------------------------------- */

static const struct nf_tools_ops ops = { .offer = offer, .find = find, .call = call };

static struct nf_skill_tools *of(struct nf_tools *port)
{
    assert(port->ops == &ops);
    return nf_container_of(port, struct nf_skill_tools, port);
}

enum nf_code nf_skill_tools_new(const struct nf_skill_tools_options *o, struct nf_skill_tools **ret,
                                struct nf_err *err)
{
    struct nf_skill_tools *t = calloc(1, sizeof(*t));

    if (!t)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    t->port.ops = &ops;
    t->o = *o;
    *ret = t;
    return NF_OK;
}

void nf_skill_tools_free(struct nf_skill_tools *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->n; i++)
        nf_offered_unref(t->slots[i].offered);
    nf_scratches_done(&t->scratches);
    forget_list(t);
    free(t);
}

struct nf_tools *nf_skill_tools_port(struct nf_skill_tools *t)
{
    return &t->port;
}
