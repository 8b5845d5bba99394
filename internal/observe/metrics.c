#include "observe/metrics.h"

#include "base/error.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum kind { COUNTER, GAUGE, HISTOGRAM };

/* Bounds in microseconds; above the last is +Inf. */
static const int64_t bounds[] = { 500,     1000,     2000,     4000,     8000,     16000,   32000,
                                  64000,   128000,   256000,   512000,   1024000,  2048000, 4096000,
                                  8192000, 16384000, 32768000, 65536000, 120000000 };
#define BOUNDS (sizeof(bounds) / sizeof(bounds[0]))

struct nf_metric {
    const char *name, *help;
    char labels[NF_METRIC_LABELS_MAX + 1];
    enum kind kind;
    _Atomic int64_t value;               /* histograms: the sum in microseconds */
    _Atomic int64_t buckets[BOUNDS + 1]; /* not cumulative; the last is +Inf */
    double (*fn)(void *arg);
    void *arg;
};

static struct nf_metric metrics[NF_METRICS_MAX];
static size_t metric_n;

static struct nf_metric *add_metric(enum kind kind, const char *name, const char *help,
                                    const char *labels)
{
    if (!labels)
        labels = "";
    for (size_t i = 0; i < metric_n; i++) {
        if (strcmp(metrics[i].name, name) != 0)
            continue;
        assert(metrics[i].kind == kind);
        if (strcmp(metrics[i].labels, labels) == 0)
            return &metrics[i];
    }
    assert(metric_n < NF_METRICS_MAX);
    assert(strlen(labels) <= NF_METRIC_LABELS_MAX);
    struct nf_metric *m = &metrics[metric_n++];
    m->name = name;
    m->help = help;
    m->kind = kind;
    memcpy(m->labels, labels, strlen(labels) + 1);
    return m;
}

struct nf_metric *nf_counter(const char *name, const char *help, const char *labels)
{
    return add_metric(COUNTER, name, help, labels);
}

struct nf_metric *nf_gauge(const char *name, const char *help, const char *labels)
{
    return add_metric(GAUGE, name, help, labels);
}

struct nf_metric *nf_histogram(const char *name, const char *help, const char *labels)
{
    return add_metric(HISTOGRAM, name, help, labels);
}

struct nf_metric *nf_gauge_fn(const char *name, const char *help, const char *labels,
                              double (*fn)(void *arg), void *arg)
{
    struct nf_metric *m = add_metric(GAUGE, name, help, labels);
    m->fn = fn;
    m->arg = arg;
    return m;
}

void nf_metrics_reset(void)
{
    memset(metrics, 0, sizeof(metrics));
    metric_n = 0;
}

void nf_metric_add(struct nf_metric *m, int64_t n)
{
    assert(m->kind == GAUGE || (m->kind == COUNTER && n >= 0));
    atomic_fetch_add_explicit(&m->value, n, memory_order_relaxed);
}

void nf_metric_set(struct nf_metric *m, int64_t v)
{
    assert(m->kind == GAUGE);
    atomic_store_explicit(&m->value, v, memory_order_relaxed);
}

void nf_metric_observe_us(struct nf_metric *m, int64_t microseconds)
{
    assert(m->kind == HISTOGRAM);
    int64_t us = microseconds < 0 ? 0 : microseconds; /* a clock stepped back */
    size_t i = 0;
    while (i < BOUNDS && us > bounds[i])
        i++;
    atomic_fetch_add_explicit(&m->buckets[i], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&m->value, us, memory_order_relaxed);
}

int64_t nf_metric_value(const struct nf_metric *m)
{
    int64_t count = 0;
    if (m->kind != HISTOGRAM)
        return atomic_load_explicit(&m->value, memory_order_relaxed);
    for (size_t i = 0; i <= BOUNDS; i++)
        count += atomic_load_explicit(&m->buckets[i], memory_order_relaxed);
    return count;
}

/* --- the text format -------------------------------------------------------------------------- */

static enum nf_code add_escaped(struct nf_str *to, const char *text, bool quotes,
                                struct nf_err *err)
{
    for (; *text; text++) {
        if (*text == '\n')
            NF_TRY(nf_str_add(to, "\\n", 2, err));
        else if (*text == '\\' || (quotes && *text == '"'))
            NF_TRY(nf_str_addf(to, err, "\\%c", *text));
        else
            NF_TRY(nf_str_add(to, text, 1, err));
    }
    return NF_OK;
}

enum nf_code nf_metric_label(struct nf_str *to, const char *key, const char *value,
                             struct nf_err *err)
{
    NF_TRY(nf_str_addf(to, err, "%s%s=\"", to->len > 0 ? "," : "", key));
    NF_TRY(add_escaped(to, value, true, err));
    return nf_str_add(to, "\"", 1, err);
}

static enum nf_code write_head(const struct nf_metric *m, struct nf_str *to, struct nf_err *err)
{
    static const char *const kinds[] = { "counter", "gauge", "histogram" };
    NF_TRY(nf_str_addf(to, err, "# HELP %s ", m->name));
    NF_TRY(add_escaped(to, m->help, false, err));
    return nf_str_addf(to, err, "\n# TYPE %s %s\n", m->name, kinds[m->kind]);
}

/* The name with its labels, and one more label where `le` is given. */
static enum nf_code write_name(const struct nf_metric *m, const char *suffix, const char *le,
                               struct nf_str *to, struct nf_err *err)
{
    NF_TRY(nf_str_addf(to, err, "%s%s", m->name, suffix));
    if (!m->labels[0] && !le)
        return nf_str_adds(to, " ", err);
    NF_TRY(nf_str_addf(to, err, "{%s", m->labels));
    if (le)
        NF_TRY(nf_str_addf(to, err, "%sle=\"%s\"", m->labels[0] ? "," : "", le));
    return nf_str_adds(to, "} ", err);
}

static enum nf_code write_seconds(int64_t us, struct nf_str *to, struct nf_err *err)
{
    return nf_str_addf(to, err, "%lld.%06lld", (long long)(us / 1000000),
                       (long long)(us % 1000000));
}

static enum nf_code write_histogram(const struct nf_metric *m, struct nf_str *to,
                                    struct nf_err *err)
{
    int64_t count = 0;
    for (size_t i = 0; i <= BOUNDS; i++) {
        char le[32] = "+Inf";
        if (i < BOUNDS)
            (void)snprintf(le, sizeof(le), "%.10g", (double)bounds[i] / 1e6);
        count += atomic_load_explicit(&m->buckets[i], memory_order_relaxed);
        NF_TRY(write_name(m, "_bucket", le, to, err));
        NF_TRY(nf_str_addf(to, err, "%lld\n", (long long)count));
    }
    NF_TRY(write_name(m, "_sum", NULL, to, err));
    NF_TRY(write_seconds(atomic_load_explicit(&m->value, memory_order_relaxed), to, err));
    NF_TRY(nf_str_adds(to, "\n", err));
    NF_TRY(write_name(m, "_count", NULL, to, err));
    return nf_str_addf(to, err, "%lld\n", (long long)count);
}

static enum nf_code write_metric(const struct nf_metric *m, struct nf_str *to, struct nf_err *err)
{
    if (m->kind == HISTOGRAM)
        return write_histogram(m, to, err);
    NF_TRY(write_name(m, "", NULL, to, err));
    if (!m->fn)
        return nf_str_addf(to, err, "%lld\n", (long long)nf_metric_value(m));
    double v = m->fn(m->arg);
    if (isnan(v))
        return nf_str_adds(to, "NaN\n", err);
    if (isinf(v))
        return nf_str_adds(to, v > 0 ? "+Inf\n" : "-Inf\n", err);
    return nf_str_addf(to, err, "%.15g\n", v);
}

static bool begins_family(size_t i)
{
    for (size_t j = 0; j < i; j++)
        if (strcmp(metrics[j].name, metrics[i].name) == 0)
            return false;
    return true;
}

enum nf_code nf_metrics_write(struct nf_str *to, struct nf_err *err)
{
    for (size_t i = 0; i < metric_n; i++) {
        if (!begins_family(i))
            continue;
        NF_TRY(write_head(&metrics[i], to, err));
        for (size_t j = i; j < metric_n; j++)
            if (strcmp(metrics[j].name, metrics[i].name) == 0)
                NF_TRY(write_metric(&metrics[j], to, err));
    }
    return NF_OK;
}
