/*
 * Metrics in the Prometheus text format 0.0.4. Registered once, at start; counting is an atomic add
 * and works from any thread. Names begin with "nexflow_", units are in the name (_seconds, _bytes).
 */
#pragma once

#include "base/string.h"

#include <stdint.h>

struct nf_metric;

/* `labels` is NULL or label text such as `stage="model"`, which is copied; a family may be
 * registered several times with different labels. The same name and labels again give the same
 * metric. Names and help are literals. Aborts over the limits: metrics belong to the program, not
 * to its input. */
#define NF_METRICS_MAX 1024
#define NF_METRIC_LABELS_MAX 191 /* bytes */
struct nf_metric *nf_counter(const char *name, const char *help, const char *labels);
struct nf_metric *nf_gauge(const char *name, const char *help, const char *labels);
/* Buckets for latencies: from 0.5 ms doubling, the last two 65.536 s and 120 s. */
struct nf_metric *nf_histogram(const char *name, const char *help, const char *labels);
/* Read when scraped, on the scraper's thread. */
struct nf_metric *nf_gauge_fn(const char *name, const char *help, const char *labels,
                              double (*fn)(void *arg), void *arg);

/* Append `key="value"` to label text, with the value escaped and a comma if one is due. */
NF_RC nf_metric_label(struct nf_str *to, const char *key, const char *value, struct nf_err *err);

void nf_metric_add(struct nf_metric *m, int64_t n); /* counters: n >= 0 */
void nf_metric_set(struct nf_metric *m, int64_t v);
void nf_metric_observe_us(struct nf_metric *m, int64_t microseconds);
int64_t nf_metric_value(const struct nf_metric *m); /* counter, gauge: value; histogram: count */

/* Append all of them. */
NF_RC nf_metrics_write(struct nf_str *to, struct nf_err *err);

/* Forget all registrations, for tests. */
void nf_metrics_reset(void);
