/* What the router counts. */
#pragma once

#include "llm/attempt.h"
#include "llm/routes.h"

/* Before any other; again is allowed. */
void nf_llm_metrics_register(void);

/* A call to a model ended with `rc`. */
void nf_llm_count_attempt(enum nf_code rc, const struct nf_llm_attempt *a);
void nf_llm_count_retry(void);
void nf_llm_count_failover(void);
/* How many models are left alone now. */
void nf_llm_count_broken(const struct nf_llm_routes *r);
