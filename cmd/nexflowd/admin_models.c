/* What the owner changes of models: the chains behind aliases, the bounds and prices of each. */
#include "base/own.h"
#include "cmd/nexflowd/admin_edit.h"
#include "cmd/nexflowd/wiring.h"
#include "config/edit.h"

#include <string.h>

/* --- aliases ---------------------------------------------------------------------------------- */

struct alias_change {
    const char *name, *item; /* item NULL: it is taken out */
};

/* Where it stands in the text that is changed, which may have been changed by hand since it was
 * taken over; *found is false for nowhere. */
static NF_RC find_item(const char *path, const struct nf_str *text, const char *list,
                       const char *name, size_t *at, bool *found, struct nf_err *err)
{
    enum nf_code rc =
        nf_config_find_item(path, nf_str_c(text), "llm", list, "name", name, NULL, at, err);
    *found = rc == NF_OK;
    return rc == NF_E_NOT_FOUND ? NF_OK : rc;
}

static enum nf_code change_alias(struct nf_wiring *w, const char *path, struct nf_str *text,
                                 const void *arg, struct nf_err *err)
{
    const struct alias_change *c = arg;
    size_t at;
    bool found;

    (void)w;
    NF_TRY(find_item(path, text, "aliases", c->name, &at, &found, err));
    if (!found && !c->item)
        return nf_err_set(err, NF_E_NOT_FOUND, "there is no alias '%s'", c->name);
    if (found)
        NF_TRY(nf_config_drop_item(path, nf_str_c(text), "llm", "aliases", at, text, err));
    if (!c->item)
        return NF_OK;
    return nf_config_put_item(path, nf_str_c(text), "llm", "aliases", c->item, text, err);
}

/* A name that is there stands for the new chain from now on. */
enum nf_code nf_admin_alias_put(void *arg, const struct nf_json *body, struct nf_str *to,
                                struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str item = { 0 };

    NF_TRY(nf_admin_add_field(&item, "name", body, true, err));
    NF_TRY(nf_str_adds(&item, "models: ", err));
    NF_TRY(nf_admin_write_value(nf_json_get(body, "models"), &item, err));
    NF_TRY(nf_str_adds(&item, "\n", err));
    const struct alias_change c = { nf_json_str(nf_json_get(body, "name")), nf_str_c(&item) };
    return nf_admin_edit(arg, nf_json_str(nf_json_get(body, "hash")), change_alias, &c, to, err);
}

enum nf_code nf_admin_alias_remove(void *arg, const char *name, const char *hash, struct nf_str *to,
                                   struct nf_err *err)
{
    const struct alias_change c = { name, NULL };
    return nf_admin_edit(arg, hash, change_alias, &c, to, err);
}

/* --- bounds and prices ------------------------------------------------------------------------ */

static const struct nf_llm_model *find_model(const struct nf_daemon_config *c, const char *name)
{
    const struct nf_llm_model *v = c->llm.models.v;
    for (size_t i = 0; i < c->llm.models.n; i++) {
        if (strcmp(v[i].name, name) == 0)
            return &v[i];
    }
    return NULL;
}

/* A number of the body; `old` if it does not say, and nothing for null or 0. */
static NF_RC add_count(struct nf_str *to, const char *key, const struct nf_json *body, int64_t old,
                       struct nf_err *err)
{
    const struct nf_json *v = nf_json_get(body, key);
    int64_t n = old;
    if (v && nf_json_type(v) != NF_JSON_NULL && nf_json_type(v) != NF_JSON_NUMBER)
        return nf_err_set(err, NF_E_INVALID, "%s: must be a number, or null", key);
    if (v)
        n = nf_json_i64(v, 0);
    return n == 0 ? NF_OK : nf_str_addf(to, err, "%s: %lld\n", key, (long long)n);
}

static NF_RC add_price(struct nf_str *to, const char *key, const struct nf_json *body,
                       const char *old, struct nf_err *err)
{
    const struct nf_json *v = nf_json_get(body, key);
    if (v && nf_json_type(v) != NF_JSON_NULL && !nf_json_str(v))
        return nf_err_set(err, NF_E_INVALID, "%s: must be a text such as \"2.50\", or null", key);
    if (v)
        return nf_admin_add_field(to, key, body, false, err);
    if (!old || !old[0])
        return NF_OK;
    NF_TRY(nf_str_addf(to, err, "%s: ", key));
    NF_TRY(nf_config_add_quoted(to, old, err));
    return nf_str_adds(to, "\n", err);
}

/* What the page does not change stays. */
static NF_RC add_time(struct nf_str *to, const char *key, int64_t ms, struct nf_err *err)
{
    return ms == 0 ? NF_OK : nf_str_addf(to, err, "%s: %lldms\n", key, (long long)ms);
}

static NF_RC write_model(const struct nf_json *body, const struct nf_llm_model *old,
                         struct nf_str *to, struct nf_err *err)
{
    static const struct nf_llm_model none;
    const struct nf_llm_model *o = old ? old : &none;

    NF_TRY(add_count(to, "context_tokens", body, o->context_tokens, err));
    NF_TRY(add_count(to, "output_tokens", body, o->output_tokens, err));
    NF_TRY(add_price(to, "input_price", body, o->input_price, err));
    NF_TRY(add_price(to, "output_price", body, o->output_price, err));
    NF_TRY(add_time(to, "first_token_timeout", o->first_token_timeout_ms, err));
    NF_TRY(add_time(to, "idle_timeout", o->idle_timeout_ms, err));
    return add_time(to, "total_timeout", o->total_timeout_ms, err);
}

static enum nf_code change_model(struct nf_wiring *w, const char *path, struct nf_str *text,
                                 const void *arg, struct nf_err *err)
{
    const struct nf_json *body = arg;
    const char *name = nf_json_str(nf_json_get(body, "name"));
    NF_CLEANUP(nf_str_done) struct nf_str item = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str rest = { 0 };
    size_t at = 0;
    bool found;

    (void)w;
    NF_TRY(find_item(path, text, "models", name, &at, &found, err));
    NF_TRY(nf_admin_add_field(&item, "name", body, true, err));
    struct nf_daemon_config now;
    NF_TRY(nf_daemon_config_load_text(path, nf_str_c(text), text->len, &now, err));
    enum nf_code rc = write_model(body, find_model(&now, name), &rest, err);
    nf_daemon_config_done(&now);
    NF_TRY(rc);
    if (found)
        NF_TRY(nf_config_drop_item(path, nf_str_c(text), "llm", "models", at, text, err));
    if (rest.len == 0) /* as everywhere: nothing need be said of it */
        return NF_OK;
    NF_TRY(nf_str_add(&item, nf_str_c(&rest), rest.len, err));
    return nf_config_put_item(path, nf_str_c(text), "llm", "models", nf_str_c(&item), text, err);
}

enum nf_code nf_admin_model_put(void *arg, const struct nf_json *body, struct nf_str *to,
                                struct nf_err *err)
{
    const char *name = nf_json_str(nf_json_get(body, "name"));
    if (!name || !name[0])
        return nf_err_set(err, NF_E_INVALID, "name: missing");
    return nf_admin_edit(arg, nf_json_str(nf_json_get(body, "hash")), change_model, body, to, err);
}
