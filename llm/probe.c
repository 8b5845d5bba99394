#include "base/own.h"
#include "codec/json.h"
#include "llm/attempt.h"
#include "llm/router.h"
#include "llm/routes.h"
#include "llm/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIST_MAX ((size_t)4 << 20) /* bytes of a list of models */

void nf_llm_names_done(struct nf_llm_names *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->v[i]);
    free(l->v);
    *l = (struct nf_llm_names){ 0 };
}

/* {"data":[{"id"}]} of OpenAI and Anthropic, {"models":[{"name"}]} of Ollama. */
static NF_RC decode(const struct nf_str *body, struct nf_llm_names *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    NF_TRY(nf_json_parse(nf_str_c(body), body->len, LIST_MAX, &doc, err));
    const struct nf_json *data = nf_json_get(nf_json_root(doc), "data");
    const struct nf_json *list = data ? data : nf_json_get(nf_json_root(doc), "models");
    if (nf_json_type(list) != NF_JSON_ARRAY)
        return nf_err_set(err, NF_E_INVALID, "no list of models");
    ret->v = calloc(NF_LLM_PROBE_MODELS_MAX, sizeof(*ret->v));
    if (!ret->v)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    for (const struct nf_json *m = nf_json_first(list); m && ret->n < NF_LLM_PROBE_MODELS_MAX;
         m = nf_json_next(m)) {
        const char *name = nf_json_str(nf_json_get(m, data ? "id" : "name"));
        if (!name || name[0] == '\0' || strlen(name) > NF_MODEL_NAME_MAX)
            continue;
        NF_TRY(nf_strdup(name, &ret->v[ret->n], err));
        ret->n++;
    }
    return NF_OK;
}

static NF_RC read_all(struct nf_llm_wire *w, struct nf_llm_answer *ans, int64_t until_ms,
                      struct nf_str *body, struct nf_err *err)
{
    const char *p;
    size_t n = 1;
    while (n > 0) {
        int64_t left = until_ms - w->ops->mono_ms(w);
        if (left <= 0)
            return nf_err_set(err, NF_E_TIMEOUT, "no list of models in time");
        NF_TRY(w->ops->read(w, ans, left, &p, &n, err));
        NF_TRY(nf_str_add(body, p, n, err));
    }
    return NF_OK;
}

/* The names in an answer, or why it is none. */
static NF_RC take(struct nf_llm_wire *w, struct nf_llm_answer *ans, int64_t until_ms,
                  const struct nf_llm_route *t, struct nf_llm_names *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str body = { .max = LIST_MAX };
    struct nf_llm_failure f;
    int status = w->ops->status(ans);

    NF_TRY(read_all(w, ans, until_ms, &body, err));
    if (status != 200) {
        nf_llm_failure_of_answer(status, nf_str_c(&body), body.len, nf_secret_reveal(&t->key), &f);
        if (f.code != NF_E_NOT_FOUND)
            return nf_llm_explain(t, &f, err);
    }
    enum nf_code rc = status == 200 ? decode(&body, ret, err) : NF_E_INVALID;
    if (rc == NF_E_INVALID)
        return nf_err_set(err, rc,
                          "%s answers, but lists no models (status %d): is this the right "
                          "address?",
                          t->provider, status);
    return rc;
}

enum nf_code nf_llm_probe_over(struct nf_llm_wire *w, enum nf_llm_type type, const char *base_url,
                               const struct nf_secret *key, int64_t timeout_ms,
                               struct nf_llm_names *ret, struct nf_err *err)
{
    struct nf_llm_route t = { .codec = nf_llm_codec_of(type) };
    NF_CLEANUP(nf_str_done) struct nf_str url = { 0 };
    NF_CLEANUP(nf_llm_names_done) struct nf_llm_names names = { 0 };
    struct nf_llm_answer *ans = NULL;
    int64_t until_ms = w->ops->mono_ms(w) + timeout_ms;

    if (!base_url || base_url[0] == '\0')
        base_url = nf_llm_default_url(type);
    if (!base_url)
        return nf_err_set(err, NF_E_INVALID, "base_url: a custom provider needs one");
    NF_TRY(nf_llm_check_url("base_url", base_url, err));
    NF_TRY(nf_llm_url(base_url, t.codec->http.models_path, &url, err));
    t.provider = base_url;
    (void)snprintf(t.name, sizeof(t.name), "%s", base_url);
    if (key)
        t.key = *key; /* lent */
    struct nf_llm_call c = { .http = &t.codec->http,
                             .url = nf_str_c(&url),
                             .key = key,
                             .connect_timeout_ms = timeout_ms,
                             .head_timeout_ms = timeout_ms };
    enum nf_code rc = w->ops->send(w, &c, &ans, err);
    if (rc == NF_OK)
        rc = take(w, ans, until_ms, &t, &names, err);
    if (ans)
        w->ops->close(ans);
    if (rc == NF_OK)
        *ret = nf_take(names);
    return rc;
}

enum nf_code nf_llm_probe(struct nf_http_client *http, enum nf_llm_type type, const char *base_url,
                          const struct nf_secret *key, int64_t timeout_ms, struct nf_llm_names *ret,
                          struct nf_err *err)
{
    struct nf_llm_wire *wire;
    NF_TRY(nf_llm_http_wire_new(http, &wire, err));
    enum nf_code rc = nf_llm_probe_over(wire, type, base_url, key, timeout_ms, ret, err);
    nf_llm_http_wire_free(wire);
    return rc;
}
