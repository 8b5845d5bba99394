/* REST: skills. */
#include "application/execute_skill.h"
#include "application/manage_skills.h"
#include "channels/web/web_internal.h"

#include <string.h>

#include <utlist.h>

#define BODY_MAX ((size_t)64 << 20)
#define TOOL_TIME_MS (INT64_C(15) * 60000) /* more than a tool may take */
#define LOG_DEFAULT 16384

/* --- what a skill looks like ------------------------------------------------------------------ */

static const char *approval_name(enum nf_approval a)
{
    switch (a) {
    case NF_APPROVAL_NEVER:
        return "never";
    case NF_APPROVAL_ASK:
        return "ask";
    case NF_APPROVAL_ALWAYS:
        return "always";
    }
    return "?";
}

/* When it asks, where the configuration says another than the manifest. */
static void put_in_force(struct nf_json_out *o, const struct nf_web *w, const char *call,
                         enum nf_approval manifest)
{
    struct nf_tool_info info;
    struct nf_err ignored;
    if (w->o.app->tools && nf_tools_find(w->o.app->tools, 0, call, &info, &ignored) == NF_OK &&
        info.approval != manifest)
        nf_json_put_str(o, "in_force", approval_name(info.approval));
}

static void put_tool(struct nf_json_out *o, const struct nf_web *w, const char *skill,
                     const struct nf_tool_manifest *t)
{
    char call[NF_CALL_NAME_MAX + 1];
    struct nf_err ignored;

    nf_json_out_object(o);
    nf_json_put_str(o, "name", t->name);
    if (nf_skill_tool_name(skill, t->name, call, &ignored) == NF_OK) {
        nf_json_put_str(o, "call", call);
        put_in_force(o, w, call, t->approval);
    }
    nf_json_put_str(o, "description", t->description);
    nf_json_out_key(o, "arguments");
    nf_json_out_raw(o, t->schema, strlen(t->schema));
    nf_json_put_bool(o, "idempotent", t->idempotent);
    nf_json_put_str(o, "approval", approval_name(t->approval));
    nf_json_put_i64(o, "timeout_ms", t->timeout_ms);
    nf_json_out_end(o);
}

/* A line each of what it may do. */
static NF_RC put_may(struct nf_json_out *o, const struct nf_skill_manifest *m, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str lines = { 0 };

    NF_TRY(nf_skill_manifest_tell(m, &lines, err));
    nf_json_out_key(o, "may");
    nf_json_out_array(o);
    for (const char *at = nf_str_c(&lines); *at;) {
        const char *end = strchr(at, '\n');
        size_t n = end ? (size_t)(end - at) : strlen(at);
        nf_json_out_strn(o, at, n);
        at += n + (end != NULL);
    }
    nf_json_out_end(o);
    nf_web_put_sayings(o, "rights", &nf_right_sayings, nf_str_c(&lines));
    return NF_OK;
}

static NF_RC put_manifest(struct nf_json_out *o, const struct nf_web *w,
                          const struct nf_skill_manifest *m, struct nf_err *err)
{
    nf_json_put_str(o, "description", m->description);
    nf_json_put_str(o, "kind", m->kind == NF_SKILL_PLUGIN ? "plugin" : "program");
    nf_json_put_str(o, "mode", m->mode == NF_SKILL_POOLED ? "pooled" : "oneshot");
    nf_json_put_str(o, "min_level", m->min_level);
    NF_TRY(put_may(o, m, err));
    nf_json_out_key(o, "tools");
    nf_json_out_array(o);
    for (size_t i = 0; i < m->tools_n; i++)
        put_tool(o, w, m->name, &m->tools[i]);
    nf_json_out_end(o);
    return NF_OK;
}

static void put_problem(struct nf_json_out *o, const char *problem)
{
    nf_json_put_str(o, "problem", problem);
    (void)nf_web_put_said(o, "problem_code", "problem_values", &nf_refusal_sayings,
                          nf_slice_of(problem));
}

static NF_RC put_skill(struct nf_json_out *o, const struct nf_web *w, const struct nf_skill_view *v,
                       struct nf_err *err)
{
    const struct nf_skill *s = &v->skill;

    nf_json_out_object(o);
    nf_json_put_str(o, "name", s->name);
    nf_json_put_str(o, "version", s->version);
    nf_json_put_str(o, "status", nf_skill_status_name(s->status));
    nf_json_put_str(o, "hash", s->hash);
    nf_json_put_bool(o, "granted", nf_skill_is_granted(s));
    if (v->problem[0])
        put_problem(o, v->problem);
    else
        NF_TRY(put_manifest(o, w, &v->package.manifest, err));
    nf_web_put_time(o, "installed_at", s->created_ms);
    nf_web_put_time(o, "updated_at", s->updated_ms);
    nf_json_out_end(o);
    return NF_OK;
}

static NF_RC answer_skill(const struct nf_web *w, struct nf_http_exchange *x, int status,
                          const struct nf_skill_view *v, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str body = { .max = BODY_MAX };
    struct nf_json_out o;

    nf_json_begin_doc(&o, &body);
    NF_TRY(put_skill(&o, w, v, err));
    NF_TRY(nf_json_end_doc(&o, err));
    return nf_web_json(x, status, &body, err);
}

static NF_RC read_filter(const struct nf_http_exchange *x, struct nf_skill_filter *f,
                         struct nf_err *err)
{
    struct nf_web_names_ask ask = { 0 };
    struct nf_slice status = nf_http_query(x, "status", NULL);

    NF_TRY(nf_web_read_names(x, &ask, err));
    *f = (struct nf_skill_filter){ .part = ask.part, .after = ask.after, .limit = ask.limit };
    for (int s = NF_SKILL_INSTALLED; status.n > 0 && s <= NF_SKILL_DISABLED; s++)
        if (nf_slice_eq(status, nf_skill_status_name((enum nf_skill_status)s)))
            f->status = (enum nf_skill_status)s;
    if (status.n > 0 && f->status == 0)
        return nf_err_set(err, NF_E_INVALID, "status: not installed, enabled or disabled");
    return NF_OK;
}

enum nf_code nf_web_skills(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_web *w = arg;
    struct nf_skill_filter f;
    NF_CLEANUP(nf_skill_views_done) struct nf_skill_views list = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str body = { .max = BODY_MAX };
    struct nf_json_out o;

    NF_TRY(read_filter(x, &f, err));
    NF_TRY(nf_skill_list(w->o.app, &nf_web_who(x)->user, &f, &list, err));
    nf_json_begin_doc(&o, &body);
    nf_json_out_object(&o);
    nf_json_out_key(&o, "skills");
    nf_json_out_array(&o);
    for (size_t i = 0; i < list.n; i++)
        NF_TRY(put_skill(&o, w, &list.v[i], err));
    nf_json_out_end(&o);
    nf_json_out_key(&o, "next_cursor");
    nf_json_out_str(&o, list.more ? list.v[list.n - 1].skill.name : NULL);
    nf_json_out_end(&o);
    NF_TRY(nf_json_end_doc(&o, err));
    return nf_web_json(x, 200, &body, err);
}

/* --- reading requests ------------------------------------------------------------------------- */

/* A part of the path as a skill's or tool's name: a longer one names nothing. */
static NF_RC path_name(const struct nf_http_exchange *x, const char *param, const char *what,
                       char ret[NF_NAME_MAX + 1], struct nf_err *err)
{
    struct nf_slice name = nf_http_param(x, param);

    if (name.n > NF_NAME_MAX)
        return nf_err_set(err, NF_E_NOT_FOUND, "no such %s", what);
    memcpy(ret, name.p, name.n);
    ret[name.n] = '\0';
    return NF_OK;
}

struct install_body {
    char *path, *hash;
    bool inspect;
};
static const struct nf_json_field install_fields[] = {
    NF_JSON_FIELD(struct install_body, "path", NF_JSON_F_STR, path, NF_JSON_REQUIRED, 1, 4096),
    NF_JSON_FIELD(struct install_body, "hash", NF_JSON_F_STR, hash, NF_JSON_NULLABLE, 1,
                  NF_SKILL_HASH),
    NF_JSON_FIELD(struct install_body, "inspect", NF_JSON_F_BOOL, inspect, 0, 0, 0),
};
static const struct nf_json_table install_table = { install_fields, NF_COUNT(install_fields),
                                                    false };

static void install_done(struct install_body *b)
{
    nf_json_table_done(&install_table, b);
}

/* --- managing --------------------------------------------------------------------------------- */

enum nf_code nf_web_skill_install(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_web *w = arg;
    NF_CLEANUP(install_done) struct install_body b = { 0 };
    NF_CLEANUP(nf_skill_view_done) struct nf_skill_view v = { .problem = "" };
    const struct nf_user *who = &nf_web_who(x)->user;

    NF_TRY(nf_web_read_body(x, &install_table, &b, err));
    if (b.path[0] != '/')
        return nf_err_set(err, NF_E_INVALID,
                          "path: must be absolute: it is one of the daemon's machine");
    if (b.inspect) {
        NF_TRY(nf_skill_inspect(w->o.app, who, b.path, &v, err));
        return answer_skill(w, x, 200, &v, err);
    }
    NF_TRY(nf_skill_install(w->o.app, who, b.path, b.hash, &v, err));
    return answer_skill(w, x, 201, &v, err);
}

enum nf_code nf_web_skill_get(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_web *w = arg;
    NF_CLEANUP(nf_skill_view_done) struct nf_skill_view v = { .problem = "" };
    char name[NF_NAME_MAX + 1];

    NF_TRY(path_name(x, "name", "skill", name, err));
    NF_TRY(nf_skill_show(w->o.app, &nf_web_who(x)->user, name, &v, err));
    return answer_skill(w, x, 200, &v, err);
}

enum nf_code nf_web_skill_delete(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_web *w = arg;
    struct nf_slice data = nf_http_query(x, "data", NULL);
    char name[NF_NAME_MAX + 1];

    NF_TRY(path_name(x, "name", "skill", name, err));
    if (data.n > 0 && !nf_slice_eq(data, "remove") && !nf_slice_eq(data, "keep"))
        return nf_err_set(err, NF_E_INVALID, "data: must be keep or remove");
    NF_TRY(
        nf_skill_uninstall(w->o.app, &nf_web_who(x)->user, name, nf_slice_eq(data, "remove"), err));
    return nf_http_respond(x, 204, NULL, NULL, 0, err);
}

struct grant_body {
    char *hash;
};
static const struct nf_json_field grant_fields[] = {
    NF_JSON_FIELD(struct grant_body, "hash", NF_JSON_F_STR, hash, NF_JSON_REQUIRED, 1,
                  NF_SKILL_HASH),
};
static const struct nf_json_table grant_table = { grant_fields, NF_COUNT(grant_fields), false };

static void grant_done(struct grant_body *b)
{
    nf_json_table_done(&grant_table, b);
}

enum nf_code nf_web_skill_enable(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_web *w = arg;
    NF_CLEANUP(grant_done) struct grant_body b = { 0 };
    NF_CLEANUP(nf_skill_view_done) struct nf_skill_view v = { .problem = "" };
    char name[NF_NAME_MAX + 1];

    NF_TRY(path_name(x, "name", "skill", name, err));
    NF_TRY(nf_web_read_body(x, &grant_table, &b, err));
    NF_TRY(nf_skill_enable(w->o.app, &nf_web_who(x)->user, name, b.hash, &v, err));
    return answer_skill(w, x, 200, &v, err);
}

enum nf_code nf_web_skill_disable(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_web *w = arg;
    NF_CLEANUP(nf_skill_view_done) struct nf_skill_view v = { .problem = "" };
    char name[NF_NAME_MAX + 1];

    NF_TRY(path_name(x, "name", "skill", name, err));
    NF_TRY(nf_skill_disable(w->o.app, &nf_web_who(x)->user, name, &v, err));
    return answer_skill(w, x, 200, &v, err);
}

enum nf_code nf_web_skill_logs(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_web *w = arg;
    NF_CLEANUP(nf_str_done) struct nf_str log = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };
    char name[NF_NAME_MAX + 1];
    struct nf_json_out o;
    bool given;
    struct nf_slice text = nf_http_query(x, "bytes", &given);
    int64_t bytes = LOG_DEFAULT;

    NF_TRY(path_name(x, "name", "skill", name, err));
    if (given && !nf_slice_u63(text, &bytes))
        return nf_err_set(err, NF_E_INVALID, "bytes: not a number");
    NF_TRY(nf_skill_read_log(w->o.app, &nf_web_who(x)->user, name, (size_t)bytes, &log, err));
    nf_json_begin_doc(&o, &body);
    nf_json_out_object(&o);
    nf_json_put_str(&o, "log", nf_str_c(&log));
    nf_json_out_end(&o);
    NF_TRY(nf_json_end_doc(&o, err));
    return nf_web_json(x, 200, &body, err);
}

/* --- running ---------------------------------------------------------------------------------- */

static NF_RC answer_result(struct nf_http_exchange *x, const struct nf_task *t, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str body = { .max = 8 * (size_t)NF_REPLY_BYTES_MAX };
    struct nf_json_out o;

    nf_json_begin_doc(&o, &body);
    nf_json_out_object(&o);
    nf_json_put_str(&o, "result", t->result);
    nf_web_put_id(&o, "task_id", t->id);
    nf_json_put_i64(&o, "duration_ms", t->wall_us / 1000);
    nf_json_put_str(&o, "level", t->level);
    nf_json_put_i64(&o, "worker", t->worker);
    nf_json_out_end(&o);
    NF_TRY(nf_json_end_doc(&o, err));
    return nf_web_json(x, 200, &body, err);
}

/* Whoever cancels the task cancels what we wait for, and we say so. */
static NF_RC run_cancellable(struct nf_web *w, const struct nf_user *user, const char *name,
                             const char *args, struct nf_run_result *r, struct nf_err *err)
{
    struct nf_web_call call = { .task_id = &r->task.id, .fiber = nf_fiber_current() };

    DL_APPEND(w->calls, &call);
    enum nf_code rc = nf_run_skill(w->o.app, user, name, args, r, err);
    DL_DELETE(w->calls, &call);
    if (!call.cancelled)
        return rc;
    nf_fiber_uncancel();
    return rc == NF_E_CANCELED ? nf_err_set(err, NF_E_CONFLICT, "this call was cancelled") : rc;
}

bool nf_web_cancel_call(struct nf_web *w, int64_t task_id)
{
    struct nf_web_call *c;

    DL_FOREACH(w->calls, c)
    {
        if (*c->task_id != task_id)
            continue;
        c->cancelled = true;
        nf_fiber_cancel(c->fiber, NF_E_CANCELED);
        return true;
    }
    return false;
}

enum nf_code nf_web_skill_run(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_web *w = arg;
    NF_CLEANUP(nf_run_result_done) struct nf_run_result r = { .task = { 0 } };
    NF_CLEANUP(nf_freep) char *args = NULL;
    char skill[NF_NAME_MAX + 1], tool[NF_NAME_MAX + 1], name[NF_CALL_NAME_MAX + 1];
    struct nf_slice body = nf_http_body(x);

    NF_TRY(path_name(x, "name", "skill", skill, err));
    NF_TRY(path_name(x, "tool", "tool", tool, err));
    if (nf_skill_tool_name(skill, tool, name, err) != NF_OK)
        return nf_err_set(err, NF_E_NOT_FOUND, "no such tool");
    if (body.n > NF_REPLY_BYTES_MAX)
        return nf_err_set(err, NF_E_LIMIT, "arguments: over %d bytes", NF_REPLY_BYTES_MAX);
    NF_TRY(nf_strndup(body.n ? body.p : "{}", body.n ? body.n : 2, &args, err));
    /* The tool has a time of its own, and a person may be asked first. */
    nf_fiber_move_deadline(nf_fiber_current(), TOOL_TIME_MS + w->o.app->settings.approval_ttl_ms);
    NF_TRY(run_cancellable(w, &nf_web_who(x)->user, name, args, &r, err));
    return answer_result(x, &r.task, err);
}
