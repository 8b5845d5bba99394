/* Health, readiness, metrics, models. */
#include "channels/web/web_internal.h"
#include "observe/metrics.h"

#include <string.h>

static void put_lines(struct nf_json_out *o, const char *lines)
{
    while (*lines) {
        size_t n = strcspn(lines, "\n");
        nf_json_out_strn(o, lines, n);
        lines += n + (lines[n] == '\n');
    }
}

static void put_reasons(struct nf_json_out *o, const char *key, const struct nf_str *reasons)
{
    nf_json_out_key(o, key);
    nf_json_out_array(o);
    put_lines(o, nf_str_c(reasons));
    nf_json_out_end(o);
}

/* Everybody hears how we are in a word and how far skills are contained; what the database, bots
 * and models say of themselves, and which version this is, only who manages it. */
enum nf_code nf_web_health(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_web *w = arg;
    NF_CLEANUP(nf_str_done) struct nf_str reasons = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };
    struct nf_json_out o;

    NF_TRY(w->o.facts.not_ready(w->o.facts.arg, &reasons, err));
    nf_json_begin_doc(&o, &body);
    nf_json_out_object(&o);
    nf_json_put_str(&o, "status", "ok");
    nf_json_put_bool(&o, "ready", reasons.len == 0);
    if (w->o.facts.sandbox)
        w->o.facts.sandbox(w->o.facts.arg, &o);
    if (nf_web_manages(x)) {
        nf_json_put_str(&o, "version", w->o.version);
        nf_json_put_i64(&o, "uptime_s", (nf_app_now(w->o.app) - w->started_ms) / 1000);
        nf_json_put_i64(&o, "loop_delay_ms", nf_loop_delay_ms(w->o.loop));
        if (w->o.facts.health)
            w->o.facts.health(w->o.facts.arg, &o);
        put_reasons(&o, "not_ready", &reasons);
        nf_web_put_sayings(&o, "unready", &nf_ready_sayings, nf_str_c(&reasons));
    }
    nf_json_out_end(&o);
    NF_TRY(nf_json_end_doc(&o, err));
    return nf_web_json(x, 200, &body, err);
}

enum nf_code nf_web_ready(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_web *w = arg;
    NF_CLEANUP(nf_str_done) struct nf_str reasons = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };
    struct nf_json_out o;

    NF_TRY(w->o.facts.not_ready(w->o.facts.arg, &reasons, err));
    nf_json_begin_doc(&o, &body);
    nf_json_out_object(&o);
    nf_json_put_bool(&o, "ready", reasons.len == 0);
    if (reasons.len > 0 && nf_web_manages(x))
        put_reasons(&o, "reasons", &reasons);
    nf_json_out_end(&o);
    NF_TRY(nf_json_end_doc(&o, err));
    return nf_web_json(x, reasons.len == 0 ? 200 : 503, &body, err);
}

enum nf_code nf_web_metrics(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_web *w = arg;
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };
    if (!w->o.server->open_metrics && nf_web_who(x)->user.role == NF_USER_USER)
        return nf_err_set(err, NF_E_DENIED, "only an owner or admin may read metrics");
    NF_TRY(nf_metrics_write(&body, err));
    return nf_http_respond(x, 200, "text/plain; version=0.0.4; charset=utf-8", nf_str_c(&body),
                           body.len, err);
}

enum nf_code nf_web_status(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_web *w = arg;
    NF_CLEANUP(nf_str_done) struct nf_str reasons = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };
    struct nf_json_out o;
    if (nf_web_who(x)->user.role == NF_USER_USER)
        return nf_err_set(err, NF_E_DENIED, "only an owner or admin may read the status");
    if (!w->o.facts.status)
        return nf_err_set(err, NF_E_NOT_FOUND, "no status is kept here");
    NF_TRY(w->o.facts.not_ready(w->o.facts.arg, &reasons, err));
    nf_json_begin_doc(&o, &body);
    nf_json_out_object(&o);
    put_reasons(&o, "not_ready", &reasons);
    NF_TRY(w->o.facts.status(w->o.facts.arg, &o, err));
    nf_json_out_end(&o);
    NF_TRY(nf_json_end_doc(&o, err));
    return nf_web_json(x, 200, &body, err);
}

enum nf_code nf_web_models(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_web *w = arg;
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };
    struct nf_web_names_ask ask = { 0 };
    NF_TRY(nf_web_read_names(x, &ask, err));
    NF_TRY(w->o.facts.models(w->o.facts.arg, &ask, &body, err));
    return nf_web_json(x, 200, &body, err);
}
