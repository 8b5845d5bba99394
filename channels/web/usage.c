/* REST: what model calls used, by the hour, as JSON or for a spreadsheet. */
#include "application/manage_tasks.h"
#include "base/time.h"
#include "channels/web/web_internal.h"

#include <string.h>

#define HOURS_DEFAULT 24
#define BODY_MAX ((size_t)8 << 20)

static void put_hour(struct nf_json_out *o, const struct nf_usage_hour *h)
{
    nf_json_out_object(o);
    nf_json_put_str(o, "at", nf_time_to_text(h->at_ms).s);
    nf_json_put_str(o, "model", h->model);
    nf_json_put_i64(o, "calls", h->calls);
    nf_json_put_i64(o, "input_tokens", h->tokens.input);
    nf_json_put_i64(o, "output_tokens", h->tokens.output);
    nf_json_put_i64(o, "cache_read_tokens", h->tokens.cache_read);
    nf_json_put_i64(o, "cache_write_tokens", h->tokens.cache_write);
    nf_json_out_end(o);
}

static NF_RC as_json(const struct nf_usage_hours *hours, struct nf_str *to, struct nf_err *err)
{
    struct nf_json_out o;
    nf_json_begin_doc(&o, to);
    nf_json_out_object(&o);
    nf_json_out_key(&o, "usage");
    nf_json_out_array(&o);
    for (size_t i = 0; i < hours->n; i++)
        put_hour(&o, &hours->v[i]);
    nf_json_out_end(&o);
    nf_json_out_end(&o);
    return nf_json_end_doc(&o, err);
}

/* RFC 4180, section 2: a field in quotes, and a quote in it twice. A name that a spreadsheet would
 * take for a formula gets an apostrophe before it (owasp.org, "CSV Injection"). */
static NF_RC add_name(struct nf_str *to, const char *name, struct nf_err *err)
{
    NF_TRY(nf_str_adds(to, name[0] && strchr("=+-@\t\r", name[0]) ? "\"'" : "\"", err));
    for (const char *p = name; *p; p++)
        NF_TRY(nf_str_adds(to, *p == '"' ? "\"\"" : (char[]){ *p, '\0' }, err));
    return nf_str_adds(to, "\"", err);
}

static NF_RC as_csv(const struct nf_usage_hours *hours, struct nf_str *to, struct nf_err *err)
{
    NF_TRY(nf_str_adds(to,
                       "hour,model,calls,input_tokens,output_tokens,cache_read_tokens,"
                       "cache_write_tokens\r\n",
                       err));
    for (size_t i = 0; i < hours->n; i++) {
        const struct nf_usage_hour *h = &hours->v[i];
        NF_TRY(nf_str_addf(to, err, "%s,", nf_time_to_text(h->at_ms).s));
        NF_TRY(add_name(to, h->model, err));
        NF_TRY(nf_str_addf(to, err, ",%lld,%lld,%lld,%lld,%lld\r\n", (long long)h->calls,
                           (long long)h->tokens.input, (long long)h->tokens.output,
                           (long long)h->tokens.cache_read, (long long)h->tokens.cache_write));
    }
    return NF_OK;
}

enum nf_code nf_web_usage(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_web *w = arg;
    NF_CLEANUP(nf_usage_hours_done) struct nf_usage_hours hours = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str body = { .max = BODY_MAX };
    struct nf_slice format = nf_http_query(x, "format", NULL);
    bool given, csv = nf_slice_eq(format, "csv");
    struct nf_slice text = nf_http_query(x, "hours", &given);
    int64_t n = HOURS_DEFAULT;

    if (given && !nf_slice_u63(text, &n))
        return nf_err_set(err, NF_E_INVALID, "hours: not a number");
    if (!csv && format.n > 0 && !nf_slice_eq(format, "json"))
        return nf_err_set(err, NF_E_INVALID, "format: not json or csv");
    NF_TRY(nf_usage_show(w->o.app, &nf_web_who(x)->user, n, &hours, err));
    if (!csv) {
        NF_TRY(as_json(&hours, &body, err));
        return nf_web_json(x, 200, &body, err);
    }
    NF_TRY(as_csv(&hours, &body, err));
    NF_TRY(nf_http_add_header(x, "Content-Disposition",
                              "attachment; filename=\"nexflow-usage.csv\"", err));
    return nf_http_respond(x, 200, "text/csv; charset=utf-8", nf_str_c(&body), body.len, err);
}
