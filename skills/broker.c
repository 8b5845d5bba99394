#include "skills/broker.h"

#include "base/own.h"
#include "codec/json.h"
#include "skills/include/nexflow/skill.h"

#include <string.h>

/* --- kv --------------------------------------------------------------------------------------- */

/* The key of a request. The store checks nothing of it. */
static NF_RC key_of(const struct nf_broker *b, const struct nf_fields *q, struct nf_kv_key *ret,
                    struct nf_err *err)
{
    const char *key = nf_fields_text(q, NF_FIELD_KEY);
    size_t n = key ? strnlen(key, NF_KV_KEY_MAX + 1) : 0;
    bool good = n >= 1 && n <= NF_KV_KEY_MAX;

    for (size_t i = 0; good && i < n; i++)
        good = key[i] > ' ' && key[i] < 127;
    if (!good)
        return nf_err_set(err, NF_E_INVALID,
                          "key must have 1 to %d printable ASCII characters without blanks",
                          NF_KV_KEY_MAX);
    *ret = (struct nf_kv_key){ b->manifest->name, b->call->user_id, key };
    return NF_OK;
}

static enum nf_code kv_get(struct nf_broker *b, const struct nf_fields *q, struct nf_slice raw,
                           struct nf_skill_answer *ret, struct nf_err *err)
{
    struct nf_kv_key key;
    (void)raw;

    NF_TRY(key_of(b, q, &key, err));
    return b->deps->kv->ops->get(b->deps->kv, &key, &ret->raw, err);
}

static enum nf_code kv_put(struct nf_broker *b, const struct nf_fields *q, struct nf_slice raw,
                           struct nf_skill_answer *ret, struct nf_err *err)
{
    struct nf_kv_key key;
    (void)ret;

    NF_TRY(key_of(b, q, &key, err));
    if (raw.n > NF_KV_VALUE_MAX)
        return nf_err_set(err, NF_E_LIMIT, "value: at most %zu bytes", NF_KV_VALUE_MAX);
    return b->deps->kv->ops->put(b->deps->kv, &key, raw.p, raw.n, b->manifest->kv_bytes,
                                 nf_clock_now_ms(b->deps->clock), err);
}

static enum nf_code kv_delete(struct nf_broker *b, const struct nf_fields *q, struct nf_slice raw,
                              struct nf_skill_answer *ret, struct nf_err *err)
{
    struct nf_kv_key key;
    (void)raw;
    (void)ret;

    NF_TRY(key_of(b, q, &key, err));
    return b->deps->kv->ops->remove(b->deps->kv, &key, err);
}

static const char *text_of(const struct nf_fields *q, enum nf_field f)
{
    const char *s = nf_fields_text(q, f);

    return s ? s : "";
}

static NF_RC put_names(const struct nf_kv_names *names, struct nf_str *to, struct nf_err *err)
{
    struct nf_json_out o;

    nf_json_begin_doc(&o, to);
    nf_json_out_array(&o);
    for (size_t i = 0; i < names->n; i++)
        nf_json_out_str(&o, names->v[i]);
    nf_json_out_end(&o);
    return nf_json_end_doc(&o, err);
}

static enum nf_code kv_list(struct nf_broker *b, const struct nf_fields *q, struct nf_slice raw,
                            struct nf_skill_answer *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_kv_names_done) struct nf_kv_names names = { 0 };
    struct nf_kv_key key = { b->manifest->name, b->call->user_id, "" };
    const char *prefix = text_of(q, NF_FIELD_PREFIX), *after = text_of(q, NF_FIELD_AFTER);
    int64_t limit = nf_fields_number(q, NF_FIELD_LIMIT, NF_KV_LIST_MAX);
    (void)raw;

    if (strnlen(prefix, NF_KV_KEY_MAX + 1) > NF_KV_KEY_MAX ||
        strnlen(after, NF_KV_KEY_MAX + 1) > NF_KV_KEY_MAX)
        return nf_err_set(err, NF_E_INVALID, "prefix and after: at most %d bytes", NF_KV_KEY_MAX);
    if (limit < 1 || limit > NF_KV_LIST_MAX)
        limit = NF_KV_LIST_MAX;
    NF_TRY(b->deps->kv->ops->list(b->deps->kv, &key, prefix, after, (size_t)limit, &names, err));
    return put_names(&names, &ret->json, err);
}

/* --- files ------------------------------------------------------------------------------------ */

static NF_RC path_of(const struct nf_fields *q, const char **ret, struct nf_err *err)
{
    *ret = nf_fields_text(q, NF_FIELD_PATH);
    return *ret ? NF_OK : nf_err_set(err, NF_E_INVALID, "path must be a string");
}

static enum nf_code file_read(struct nf_broker *b, const struct nf_fields *q, struct nf_slice raw,
                              struct nf_skill_answer *ret, struct nf_err *err)
{
    int64_t offset = nf_fields_number(q, NF_FIELD_OFFSET, 0);
    int64_t limit = nf_fields_number(q, NF_FIELD_LIMIT, 0);
    const char *path;
    (void)raw;

    NF_TRY(path_of(q, &path, err));
    ret->raw.max = NF_WORKSPACE_READ_MAX + 1;
    return nf_workspace_read(b->deps->workspaces,
                             nf_workspace_of(b->call->session_id, b->call->user_id), path, offset,
                             limit > 0 ? (size_t)limit : 0, &ret->raw, err);
}

static enum nf_code file_write(struct nf_broker *b, const struct nf_fields *q, struct nf_slice raw,
                               struct nf_skill_answer *ret, struct nf_err *err)
{
    const struct nf_skill_settings *s = b->deps->settings;
    const struct nf_workspace_quota quota = { s->workspace_bytes, s->workspace_files };
    const char *path;
    (void)ret;

    NF_TRY(path_of(q, &path, err));
    return nf_workspace_write(b->deps->workspaces,
                              nf_workspace_of(b->call->session_id, b->call->user_id), path, raw,
                              &quota, err);
}

static enum nf_code file_list(struct nf_broker *b, const struct nf_fields *q, struct nf_slice raw,
                              struct nf_skill_answer *ret, struct nf_err *err)
{
    const char *path;
    (void)raw;

    NF_TRY(path_of(q, &path, err));
    ret->json.max = (size_t)4 << 20; /* NF_WORKSPACE_LIST_MAX entries with long names */
    return nf_workspace_list(b->deps->workspaces,
                             nf_workspace_of(b->call->session_id, b->call->user_id), path,
                             &ret->json, err);
}

static enum nf_code file_remove(struct nf_broker *b, const struct nf_fields *q, struct nf_slice raw,
                                struct nf_skill_answer *ret, struct nf_err *err)
{
    const char *path;
    (void)raw;
    (void)ret;

    NF_TRY(path_of(q, &path, err));
    return nf_workspace_remove(b->deps->workspaces,
                               nf_workspace_of(b->call->session_id, b->call->user_id), path, err);
}

/* --- config ----------------------------------------------------------------------------------- */

static enum nf_code config_get(struct nf_broker *b, const struct nf_fields *q, struct nf_slice raw,
                               struct nf_skill_answer *ret, struct nf_err *err)
{
    const char *key = nf_fields_text(q, NF_FIELD_KEY);
    const char *value =
        key ? nf_skill_settings_config(b->deps->settings, b->manifest->name, key) : NULL;
    (void)raw;

    if (!key)
        return nf_err_set(err, NF_E_INVALID, "key must be a string");
    if (!value)
        return nf_err_set(err, NF_E_NOT_FOUND, "skills.config has no %.64s of %s", key,
                          b->manifest->name);
    return nf_str_adds(&ret->raw, value, err);
}

/* --- log and progress ------------------------------------------------------------------------- */

static enum nf_code add_log(struct nf_broker *b, const struct nf_fields *q, struct nf_slice raw,
                            struct nf_skill_answer *ret, struct nf_err *err)
{
    static const char *const levels[] = { "debug", "info", "warn", "error" };
    int64_t level = nf_fields_number(q, NF_FIELD_LEVEL, NF_SKILL_LOG_INFO);
    (void)ret;
    (void)err;

    if (level < NF_SKILL_LOG_DEBUG || level > NF_SKILL_LOG_ERROR)
        level = NF_SKILL_LOG_INFO;
    nf_skill_logs_add(b->deps->logs, b->manifest->name, levels[level], raw.p, raw.n,
                      nf_clock_now_ms(b->deps->clock));
    return NF_OK;
}

static enum nf_code show_progress(struct nf_broker *b, const struct nf_fields *q,
                                  struct nf_slice raw, struct nf_skill_answer *ret,
                                  struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { 0 };
    int64_t percent = nf_fields_number(q, NF_FIELD_PERCENT, -1);
    int64_t now = nf_clock_mono_us(b->deps->clock) / 1000;
    (void)ret;

    if (!b->call->progress || (b->progress_ms && now - b->progress_ms < NF_BROKER_PROGRESS_MS))
        return NF_OK;
    b->progress_ms = now;
    NF_TRY(nf_str_add(&text, raw.p, raw.n < NF_BROKER_PROGRESS_MAX ? raw.n : NF_BROKER_PROGRESS_MAX,
                      err));
    if (text.p)
        nf_skill_text_clean(text.p, text.len);
    b->call->progress(b->call->progress_arg, percent < -1 || percent > 100 ? -1 : (int)percent,
                      nf_str_c(&text));
    return NF_OK;
}

/* --- the policy ------------------------------------------------------------------------------- */

static bool may_http(const struct nf_skill_manifest *m)
{
    return m->http_n > 0;
}
static bool may_kv(const struct nf_skill_manifest *m)
{
    return m->kv;
}
static bool may_files(const struct nf_skill_manifest *m)
{
    return m->files;
}
static bool always(const struct nf_skill_manifest *m)
{
    (void)m;
    return true;
}

static const struct {
    const char *capability;
    bool (*may)(const struct nf_skill_manifest *m);
    nf_broker_fn answer;
} policy[NF_SKILL_OPS] = {
    [NF_SKILL_OP_HTTP_FETCH] = { "http", may_http, nf_broker_fetch },
    [NF_SKILL_OP_KV_GET] = { "kv", may_kv, kv_get },
    [NF_SKILL_OP_KV_PUT] = { "kv", may_kv, kv_put },
    [NF_SKILL_OP_KV_DELETE] = { "kv", may_kv, kv_delete },
    [NF_SKILL_OP_KV_LIST] = { "kv", may_kv, kv_list },
    [NF_SKILL_OP_FILE_READ] = { "files", may_files, file_read },
    [NF_SKILL_OP_FILE_WRITE] = { "files", may_files, file_write },
    [NF_SKILL_OP_FILE_LIST] = { "files", may_files, file_list },
    [NF_SKILL_OP_FILE_REMOVE] = { "files", may_files, file_remove },
    [NF_SKILL_OP_CONFIG_GET] = { "", always, config_get },
    [NF_SKILL_OP_LOG] = { "", always, add_log },
    [NF_SKILL_OP_PROGRESS] = { "", always, show_progress },
};

static NF_RC check(struct nf_broker *b, const struct nf_skill_ask *a, struct nf_err *err)
{
    if (++b->asks > NF_BROKER_ASKS_MAX)
        return nf_err_set(err, NF_E_LIMIT, "a call may ask at most %d times", NF_BROKER_ASKS_MAX);
    if ((size_t)a->op >= NF_COUNT(policy) || !policy[a->op].answer)
        return nf_err_set(err, NF_E_DENIED, "there is no request %d", (int)a->op);
    if (!policy[a->op].may(b->manifest))
        return nf_err_set(err, NF_E_DENIED, "the manifest does not have the capability %s",
                          policy[a->op].capability);
    return NF_OK;
}

static NF_RC answer(struct nf_broker *b, const struct nf_skill_ask *a, struct nf_skill_answer *ret,
                    struct nf_err *err)
{
    struct nf_fields q;

    NF_TRY(check(b, a, err));
    if (a->fields.n > NF_BROKER_FIELDS_MAX)
        return nf_err_set(err, NF_E_LIMIT, "request: at most %zu bytes beside the body",
                          NF_BROKER_FIELDS_MAX);
    NF_TRY(nf_err_wrap(err, nf_fields_read(a->fields, &q, err), "request"));
    return policy[a->op].answer(b, &q, a->raw, ret, err);
}

/* What a plugin is told; its codes are those of skill.h. */
static int code_for_skill(enum nf_code rc)
{
    switch (rc) {
    case NF_OK:
        return NF_SKILL_OK;
    case NF_E_INVALID:
    case NF_E_CONFLICT:
        return NF_SKILL_E_INVALID;
    case NF_E_NOT_FOUND:
        return NF_SKILL_E_NOT_FOUND;
    case NF_E_DENIED:
        return NF_SKILL_E_DENIED;
    case NF_E_LIMIT:
        return NF_SKILL_E_LIMIT;
    case NF_E_TIMEOUT:
        return NF_SKILL_E_TIMEOUT;
    case NF_E_UNAVAILABLE:
        return NF_SKILL_E_UNAVAILABLE;
    default:
        return NF_SKILL_E_INTERNAL;
    }
}

static enum nf_code ask(struct nf_skill_broker *port, const struct nf_skill_ask *a,
                        struct nf_skill_answer *ret, struct nf_err *err);

static const struct nf_skill_broker_ops ops = { .ask = ask };

static enum nf_code ask(struct nf_skill_broker *port, const struct nf_skill_ask *a,
                        struct nf_skill_answer *ret, struct nf_err *err)
{
    assert(port->ops == &ops);
    struct nf_broker *b = nf_container_of(port, struct nf_broker, port);
    struct nf_err why = { .msg = "" };
    enum nf_code rc = answer(b, a, ret, &why);

    ret->code = code_for_skill(rc);
    if (rc == NF_OK)
        return NF_OK;
    if (rc == NF_E_CANCELED)
        return nf_err_set(err, rc, "%s", why.msg);
    nf_str_done(&ret->json);
    nf_str_done(&ret->raw);
    NF_TRY(nf_str_adds(&ret->raw, why.msg, err));
    nf_broker_mask(b, &ret->raw); /* a name that a server made up may hold one */
    return NF_OK;
}

void nf_broker_init(struct nf_broker *b, const struct nf_broker_deps *deps,
                    const struct nf_skill_manifest *manifest, const struct nf_tool_call *call)
{
    *b = (struct nf_broker){ .port.ops = &ops, .deps = deps, .manifest = manifest, .call = call };
}
