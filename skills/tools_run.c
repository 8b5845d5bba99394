/* One call of a tool: in a plugin's process, or by a program in its jail. */
#include "skills/tools_impl.h"

#include "base/own.h"
#include "skills/program.h"
#include "skills/proxy.h"

static NF_RC run_plugin(const struct nf_tool_job *j, struct nf_skill_ran *ran, struct nf_err *err)
{
    const struct nf_skill_manifest *m = &j->o->package.manifest;
    const struct nf_skill_unit unit = {
        .name = m->name,
        .version = m->version,
        .hash = j->o->package.hash,
        .path = j->o->entry,
        .code = j->o->is.code,
        .oneshot = m->mode == NF_SKILL_ONESHOT,
        .threads = m->threads,
        .memory_bytes = m->memory_bytes,
        .cpu_ms = m->cpu_ms,
        .output_bytes = m->output_bytes,
        .min_level = j->min_level,
    };
    struct nf_broker broker;
    const struct nf_skill_run run = {
        .unit = &unit,
        .tool = j->tool->name,
        .args = j->c->args,
        .owner = j->c->user_id,
        .timeout_ms = j->tool->timeout_ms,
        .broker = &broker.port,
    };

    nf_broker_init(&broker, j->broker, m, j->c);
    return nf_warden_call(j->warden, &run, ran, err);
}

/* The work directory of a program: the conversation's, or an empty one. */
struct work {
    struct nf_str path;
    struct nf_scratch *scratch; /* NULL: the conversation's */
    int64_t whose;              /* alike for those who share it */
};

static NF_RC open_work(const struct nf_tool_job *j, struct work *ret, struct nf_err *err)
{
    const struct nf_skill_settings *s = j->broker->settings;
    const struct nf_workspace_quota quota = { s->workspace_bytes, s->workspace_files };
    struct nf_workspaces *w = j->broker->workspaces;

    if (j->o->package.manifest.files) {
        ret->whose = nf_workspace_of(j->c->session_id, j->c->user_id);
        return nf_workspace_open(w, ret->whose, &quota, &ret->path, err);
    }
    ret->whose = nf_workspace_of(0, j->c->user_id);
    NF_TRY(nf_scratch_take(j->scratches, w, j->o->package.hash, j->c->user_id, &ret->scratch, err));
    return nf_str_set(&ret->path, nf_scratch_path(ret->scratch), err);
}

static void close_work(const struct nf_tool_job *j, struct work *w)
{
    if (w->scratch)
        nf_scratch_give(j->scratches, j->broker->workspaces, w->scratch);
    nf_str_done(&w->path);
}

/* A program that is at work, and what it may fill. */
struct at_work {
    struct nf_workspaces *workspaces;
    const char *dir;
    struct nf_workspace_quota quota;
};

static enum nf_code look_at_work(void *arg, struct nf_err *err)
{
    const struct at_work *a = arg;

    return nf_workspace_look(a->workspaces, a->dir, &a->quota, err);
}

static NF_RC run_in(const struct nf_tool_job *j, const struct work *work, struct nf_skill_ran *ran,
                    struct nf_err *err)
{
    const struct nf_skill_manifest *m = &j->o->package.manifest;
    const struct nf_skill_settings *s = j->broker->settings;
    NF_CLEANUP(nf_proxy_freep) struct nf_proxy *proxy = NULL;
    struct nf_broker broker;
    struct at_work at = { j->broker->workspaces,
                          nf_str_c(&work->path),
                          { s->workspace_bytes, s->workspace_files } };

    nf_broker_init(&broker, j->broker, m, j->c);
    if (m->http_n > 0)
        NF_TRY(nf_proxy_new(&broker, &proxy, err));
    const struct nf_program_run run = {
        .name = m->name,
        .dir = j->o->dir,
        .entry = m->entry,
        .interpreter = m->interpreter,
        .work_dir = nf_str_c(&work->path),
        .slot = (uint32_t)((uint64_t)work->whose % 65521), /* a prime: ids are not spread evenly */
        .min_level = j->min_level,
        .memory_bytes = m->memory_bytes,
        .cpu_ms = m->cpu_ms,
        .output_bytes = m->output_bytes,
        .tool = j->tool->name,
        .args = j->c->args,
        .asks = m->http_n > 0 || m->kv || nf_skill_settings_config_next(s, m->name, &(size_t){ 0 }),
        .timeout_ms = j->tool->timeout_ms,
        .broker = &broker.port,
        .proxy = proxy,
        .look = look_at_work,
        .look_arg = &at,
    };
    enum nf_code rc = nf_warden_program(j->warden, &run, ran, err);
    if (proxy)
        ran->bytes += nf_proxy_bytes(proxy);
    return rc;
}

static NF_RC run_program(const struct nf_tool_job *j, struct nf_skill_ran *ran, struct nf_err *err)
{
    struct work work = { .path.len = 0 };

    enum nf_code rc = open_work(j, &work, err);
    if (rc == NF_OK)
        rc = run_in(j, &work, ran, err);
    close_work(j, &work);
    return rc;
}

enum nf_code nf_tool_run(const struct nf_tool_job *j, struct nf_skill_ran *ran, struct nf_err *err)
{
    return j->o->package.manifest.kind == NF_SKILL_PROGRAM ? run_program(j, ran, err)
                                                           : run_plugin(j, ran, err);
}
