#include "cmd/nexflowd/admin.h"

#include "base/own.h"
#include "cmd/nexflowd/admin_edit.h"
#include "cmd/nexflowd/wiring.h"
#include "codec/hash.h"
#include "config/edit.h"
#include "runtime/executor.h"
#include "runtime/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

const char nf_admin_any[] = "";

/* --- the file --------------------------------------------------------------------------------- */

void nf_admin_file_done(struct nf_admin_file *f)
{
    nf_str_done(&f->text);
}

static const char *path_of(const struct nf_wiring *w)
{
    return w->config_path ? w->config_path : NF_CONFIG_DEFAULT_PATH;
}

/* On a thread of its own. A file that is not there is empty. */
static enum nf_code read_file(void *arg, struct nf_err *err)
{
    struct nf_admin_file *f = arg;
    char buf[4096];
    ssize_t n = 1;
    int fd = open(f->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT
                   ? NF_OK
                   : nf_err_set(err, NF_E_IO, "read '%s': %s", f->path, strerror(errno));
    enum nf_code rc = NF_OK;
    while (rc == NF_OK && (n = read(fd, buf, sizeof(buf))) > 0)
        rc = nf_str_add(&f->text, buf, (size_t)n, err);
    if (n < 0)
        rc = nf_err_set(err, NF_E_IO, "read '%s': %s", f->path, strerror(errno));
    close(fd);
    return rc;
}

static enum nf_code write_file(void *arg, struct nf_err *err)
{
    const struct nf_admin_file *f = arg;
    return nf_file_replace(f->path, nf_str_c(&f->text), f->text.len, err);
}

/* Files are read and written by a thread, so that the loop goes on. */
static NF_RC on_thread(struct nf_wiring *w, nf_work_fn fn, void *arg, struct nf_err *err)
{
    struct nf_executor *e = NULL;
    NF_TRY(nf_executor_new(w->loop, "config", 1, 1, &e, err));
    enum nf_code rc = nf_executor_call(e, fn, arg, err);
    nf_executor_free(e);
    return rc;
}

enum nf_code nf_admin_load(struct nf_wiring *w, struct nf_admin_file *f, struct nf_err *err)
{
    f->path = path_of(w);
    f->text.max = NF_CONFIG_BYTES_MAX;
    NF_TRY(on_thread(w, read_file, f, err));
    nf_sha256_hex(nf_str_c(&f->text), f->text.len, f->hash);
    return NF_OK;
}

/* The file as the one who changes it saw it, or NF_E_CONFLICT: somebody else was faster. */
static NF_RC load_seen(struct nf_wiring *w, const char *hash, struct nf_admin_file *f,
                       struct nf_err *err)
{
    NF_TRY(nf_admin_load(w, f, err));
    if (hash != nf_admin_any && (!hash || strcmp(hash, f->hash) != 0))
        return nf_err_set(err, NF_E_CONFLICT,
                          "the configuration was changed meanwhile: look at it again, then repeat "
                          "your change");
    return NF_OK;
}

/* Check the new text as a whole, write it, take it over. */
static NF_RC store(struct nf_wiring *w, struct nf_admin_file *f, struct nf_str *ignored,
                   struct nf_err *err)
{
    struct nf_daemon_config fresh = { 0 };
    NF_TRY(nf_daemon_config_load_text(f->path, nf_str_c(&f->text), f->text.len, &fresh, err));
    nf_daemon_config_done(&fresh);
    NF_TRY(on_thread(w, write_file, f, err));
    nf_sha256_hex(nf_str_c(&f->text), f->text.len, f->hash);
    return nf_wiring_reload(w, w->config_path ? w->config_path : f->path, ignored, err);
}

/* One change at a time: reading and writing let others in between. */
static NF_RC begin(struct nf_wiring *w, struct nf_err *err)
{
    if (w->config_busy)
        return nf_err_set(err, NF_E_CONFLICT, "the configuration is being changed: try again");
    w->config_busy = true;
    return NF_OK;
}

static void end(struct nf_wiring **w)
{
    (*w)->config_busy = false;
}

/* Each has a configuration file of its own, which only it changes. */
static NF_RC count_others(struct nf_wiring *w, int64_t *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_instances_done) struct nf_instances all = { 0 };
    int64_t now_ms;
    *ret = 0;
    if (!w->app.instances)
        return NF_OK;
    NF_TRY(w->app.instances->ops->now(w->app.instances, nf_app_now(&w->app), &now_ms, err));
    NF_TRY(w->app.instances->ops->list(w->app.instances, &all, err));
    for (size_t i = 0; i < all.n; i++)
        *ret += all.v[i].state == NF_INSTANCE_HERE && all.v[i].number != w->app.owner &&
                all.v[i].lease_until_ms >= now_ms;
    return NF_OK;
}

static NF_RC answer_changed(struct nf_wiring *w, const struct nf_admin_file *f,
                            const struct nf_str *ignored, struct nf_str *to, struct nf_err *err)
{
    struct nf_json_out o;
    struct nf_err why;
    int64_t others;

    /* It is done, also if the database does not answer now. */
    bool known = count_others(w, &others, &why) == NF_OK;
    nf_json_begin_doc(&o, to);
    nf_json_out_object(&o);
    nf_json_put_str(&o, "hash", f->hash);
    nf_json_out_key(&o, "need_restart");
    nf_json_out_array(&o);
    for (const char *p = nf_str_c(ignored); *p;) {
        size_t n = strcspn(p, "\n");
        nf_json_out_strn(&o, p, n);
        p += n + (p[n] == '\n');
    }
    nf_json_out_end(&o);
    if (known)
        nf_json_put_i64(&o, "other_instances", others);
    nf_json_out_end(&o);
    return nf_json_end_doc(&o, err);
}

enum nf_code nf_admin_edit(struct nf_wiring *w, const char *hash, nf_admin_edit_fn edit,
                           const void *arg, struct nf_str *to, struct nf_err *err)
{
    NF_CLEANUP(nf_admin_file_done) struct nf_admin_file f = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str ignored = { 0 };

    NF_TRY(begin(w, err));
    NF_CLEANUP(end) struct nf_wiring *busy = w;
    (void)busy;
    NF_TRY(load_seen(w, hash, &f, err));
    NF_TRY(edit(w, f.path, &f.text, arg, err));
    NF_TRY(store(w, &f, &ignored, err));
    return answer_changed(w, &f, &ignored, to, err);
}

/* --- settings --------------------------------------------------------------------------------- */

static enum nf_code show(void *arg, struct nf_str *to, struct nf_err *err)
{
    struct nf_wiring *w = arg;
    NF_CLEANUP(nf_admin_file_done) struct nf_admin_file f = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str list = { 0 };
    struct nf_config_part parts[NF_DAEMON_PARTS];
    struct nf_json_out o;

    NF_TRY(nf_admin_load(w, &f, err));
    nf_daemon_config_parts(w->config, parts);
    NF_TRY(nf_config_list(parts, NF_DAEMON_PARTS, &list, err));
    nf_json_begin_doc(&o, to);
    nf_json_out_object(&o);
    nf_json_put_str(&o, "path", f.path);
    nf_json_put_str(&o, "hash", f.hash);
    nf_json_out_key(&o, "settings");
    nf_json_out_raw(&o, nf_str_c(&list), list.len);
    nf_json_out_end(&o);
    return nf_json_end_doc(&o, err);
}

/* A variable of the environment stays one: all other text is quoted. */
static bool is_variable(const char *text)
{
    size_t n = strlen(text);
    return n > 3 && text[0] == '$' && text[1] == '{' && text[n - 1] == '}' &&
           strspn(text + 2, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == n - 3;
}

enum nf_code nf_admin_add_text(struct nf_str *to, const char *text, struct nf_err *err)
{
    return is_variable(text) ? nf_str_adds(to, text, err) : nf_config_add_quoted(to, text, err);
}

enum nf_code nf_admin_write_value(const struct nf_json *v, struct nf_str *to, struct nf_err *err)
{
    switch (nf_json_type(v)) {
    case NF_JSON_BOOL:
        return nf_str_adds(to, nf_json_bool(v, false) ? "true" : "false", err);
    case NF_JSON_NUMBER:
        return nf_str_addf(to, err, "%lld", (long long)nf_json_i64(v, 0));
    case NF_JSON_STRING:
        return nf_admin_add_text(to, nf_json_str(v), err);
    case NF_JSON_ARRAY:
        NF_TRY(nf_str_adds(to, "[", err));
        for (const struct nf_json *i = nf_json_first(v); i; i = nf_json_next(i)) {
            if (!nf_json_str(i))
                return nf_err_set(err, NF_E_INVALID, "set: a list holds texts");
            NF_TRY(nf_admin_add_text(to, nf_json_str(i), err));
            if (nf_json_next(i))
                NF_TRY(nf_str_adds(to, ", ", err));
        }
        return nf_str_adds(to, "]", err);
    default:
        return nf_err_set(err, NF_E_INVALID,
                          "set: a value is a text, a number, true or false, a "
                          "list of texts, or null");
    }
}

enum nf_code nf_admin_add_field(struct nf_str *to, const char *key, const struct nf_json *body,
                                bool needed, struct nf_err *err)
{
    const char *text = nf_json_str(nf_json_get(body, key));
    if (needed && (!text || !text[0]))
        return nf_err_set(err, NF_E_INVALID, "%s: missing", key);
    if (!text || !text[0])
        return NF_OK;
    NF_TRY(nf_str_addf(to, err, "%s: ", key));
    NF_TRY(nf_admin_add_text(to, text, err));
    return nf_str_adds(to, "\n", err);
}

static NF_RC set_one(const char *path, struct nf_str *text, const struct nf_json *v,
                     struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str value = { .max = NF_CONFIG_VALUE_MAX };
    bool drop = nf_json_type(v) == NF_JSON_NULL;
    if (!drop)
        NF_TRY(nf_admin_write_value(v, &value, err));
    return nf_config_set_value(path, nf_str_c(text), nf_json_key(v), drop ? NULL : nf_str_c(&value),
                               text, err);
}

static enum nf_code set_all(struct nf_wiring *w, const char *path, struct nf_str *text,
                            const void *arg, struct nf_err *err)
{
    const struct nf_json *set = arg;
    (void)w;
    for (const struct nf_json *v = nf_json_first(set); v; v = nf_json_next(v))
        NF_TRY(set_one(path, text, v, err));
    return NF_OK;
}

static enum nf_code change(void *arg, const struct nf_json *body, struct nf_str *to,
                           struct nf_err *err)
{
    const struct nf_json *set = nf_json_get(body, "set");

    if (nf_json_type(set) != NF_JSON_OBJECT || nf_json_count(set) == 0)
        return nf_err_set(err, NF_E_INVALID, "set: must name the settings to change");
    return nf_admin_edit(arg, nf_json_str(nf_json_get(body, "hash")), set_all, set, to, err);
}

const struct nf_web_admin_ops nf_admin_ops = { .config = show,
                                               .config_change = change,
                                               .providers = nf_admin_providers,
                                               .provider_add = nf_admin_provider_add,
                                               .provider_remove = nf_admin_provider_remove,
                                               .alias_put = nf_admin_alias_put,
                                               .alias_remove = nf_admin_alias_remove,
                                               .model_put = nf_admin_model_put,
                                               .channel_add = nf_admin_channel_add,
                                               .channel_token = nf_admin_channel_token,
                                               .channel_remove = nf_admin_channel_remove,
                                               .provider_try = nf_admin_provider_try };
