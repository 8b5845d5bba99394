#include "llm/router_metrics.h"

#include "observe/metrics.h"

#define OUTCOMES (NF_E_INTERNAL + 1)
enum { INPUT, OUTPUT, CACHE_READ, CACHE_WRITE, TOKENS };

static struct nf_metric *outcomes[OUTCOMES], *tokens[TOKENS];
static struct nf_metric *first_token, *duration, *retries, *failovers, *broken;

static const char *const outcome_labels[OUTCOMES] = {
    [NF_OK] = "outcome=\"ok\"",
    [NF_E_INVALID] = "outcome=\"invalid\"",
    [NF_E_NOT_FOUND] = "outcome=\"not-found\"",
    [NF_E_CONFLICT] = "outcome=\"conflict\"",
    [NF_E_DENIED] = "outcome=\"denied\"",
    [NF_E_LIMIT] = "outcome=\"limit\"",
    [NF_E_TIMEOUT] = "outcome=\"timeout\"",
    [NF_E_CANCELED] = "outcome=\"canceled\"",
    [NF_E_UNAVAILABLE] = "outcome=\"unavailable\"",
    [NF_E_NOMEM] = "outcome=\"no-memory\"",
    [NF_E_IO] = "outcome=\"io\"",
    [NF_E_INTERNAL] = "outcome=\"internal\"",
};
static const char *const token_labels[TOKENS] = { "kind=\"input\"", "kind=\"output\"",
                                                  "kind=\"cache_read\"", "kind=\"cache_write\"" };

void nf_llm_metrics_register(void)
{
    for (int i = 0; i < OUTCOMES; i++)
        outcomes[i] = nf_counter("nexflow_model_calls_total",
                                 "Calls to language models, by how they ended", outcome_labels[i]);
    for (int i = 0; i < TOKENS; i++)
        tokens[i] = nf_counter("nexflow_model_tokens_total",
                               "Tokens that language models read and wrote", token_labels[i]);
    first_token = nf_histogram("nexflow_model_first_token_seconds",
                               "From the call to the first piece of the answer", NULL);
    duration =
        nf_histogram("nexflow_model_call_seconds", "From the call to the end of the answer", NULL);
    retries =
        nf_counter("nexflow_model_retries_total", "Waits before models were asked again", NULL);
    failovers = nf_counter("nexflow_model_failovers_total",
                           "Times the next model of a chain was asked", NULL);
    broken = nf_gauge("nexflow_model_breakers_open",
                      "Models that are left alone since they failed again and again", NULL);
}

static void count_tokens(int kind, int64_t n)
{
    if (n > 0)
        nf_metric_add(tokens[kind], n);
}

void nf_llm_count_attempt(enum nf_code rc, const struct nf_llm_attempt *a)
{
    nf_metric_add(outcomes[rc < OUTCOMES ? rc : NF_E_INTERNAL], 1);
    count_tokens(INPUT, a->tokens.input);
    count_tokens(OUTPUT, a->tokens.output);
    count_tokens(CACHE_READ, a->tokens.cache_read);
    count_tokens(CACHE_WRITE, a->tokens.cache_write);
    if (a->first_token_ms >= 0)
        nf_metric_observe_us(first_token, a->first_token_ms * 1000);
    if (rc == NF_OK)
        nf_metric_observe_us(duration, a->took_ms * 1000);
}

void nf_llm_count_retry(void)
{
    nf_metric_add(retries, 1);
}

void nf_llm_count_failover(void)
{
    nf_metric_add(failovers, 1);
}

void nf_llm_count_broken(const struct nf_llm_routes *r)
{
    int64_t n = 0;
    for (size_t i = 0; i < r->n; i++)
        n += nf_llm_route_is_broken(r, &r->v[i]);
    nf_metric_set(broken, n);
}
