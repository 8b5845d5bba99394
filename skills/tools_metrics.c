/* How calls of skills went, for whoever watches the daemon. */
#include "skills/tools_impl.h"

#include "base/own.h"

#include <stdlib.h>
#include <string.h>

static const char *outcome_of(enum nf_code rc)
{
    switch (rc) {
    case NF_OK:
        return "ok";
    case NF_E_TIMEOUT:
        return "timeout";
    case NF_E_CANCELED:
        return "canceled";
    case NF_E_DENIED:
        return "denied";
    case NF_E_UNAVAILABLE:
        return "unavailable";
    default:
        return "failed";
    }
}

/* The names that have counters of their own. As long as the process: metrics are too. */
static const char *label_of(const char *skill)
{
    static char *names[NF_TOOLS_METRICS_MAX];

    for (size_t i = 0; i < NF_TOOLS_METRICS_MAX; i++) {
        if (!names[i] && nf_strdup(skill, &names[i], NULL) != NF_OK)
            break;
        if (strcmp(names[i], skill) == 0)
            return names[i];
    }
    return "other";
}

void nf_tools_count(const char *skill, enum nf_code rc, int64_t wall_us)
{
    NF_CLEANUP(nf_str_done) struct nf_str labels = { 0 };

    if (nf_metric_label(&labels, "skill", label_of(skill), NULL) != NF_OK ||
        nf_metric_label(&labels, "outcome", outcome_of(rc), NULL) != NF_OK)
        return;
    nf_metric_add(
        nf_counter("nexflow_skill_calls_total", "Calls of skills' tools", nf_str_c(&labels)), 1);
    nf_metric_observe_us(
        nf_histogram("nexflow_skill_call_seconds", "Time that calls of skills' tools took", NULL),
        wall_us);
}
