#include "tests/support/test.h"

#include "observe/metrics.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct nf_err err;

static int setup(void **state)
{
    nf_metrics_reset();
    *state = calloc(1, sizeof(struct nf_str));
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    nf_fail_alloc_at(0);
    nf_str_done(*state);
    free(*state);
    nf_metrics_reset();
    return 0;
}

static const char *written(struct nf_str *to)
{
    nf_str_reset(to);
    assert_ok(nf_metrics_write(to, &err), &err);
    return nf_str_c(to);
}

static int count(const char *text, const char *what)
{
    int n = 0;
    for (; (text = strstr(text, what)) != NULL; text += strlen(what))
        n++;
    return n;
}

static void counters_and_gauges_are_written_with_help_and_type(void **state)
{
    struct nf_metric *c = nf_counter("nexflow_turns_total", "Turns\nand a \\", NULL);
    struct nf_metric *g = nf_gauge("nexflow_connections", "Open connections", "kind=\"ws\"");
    nf_metric_add(c, 2);
    nf_metric_add(c, 40);
    nf_metric_set(g, 7);
    nf_metric_add(g, -9);

    assert_int_equal(nf_metric_value(c), 42);
    assert_string_equal(written(*state), "# HELP nexflow_turns_total Turns\\nand a \\\\\n"
                                         "# TYPE nexflow_turns_total counter\n"
                                         "nexflow_turns_total 42\n"
                                         "# HELP nexflow_connections Open connections\n"
                                         "# TYPE nexflow_connections gauge\n"
                                         "nexflow_connections{kind=\"ws\"} -2\n");
}

static void a_family_has_its_head_once_and_its_lines_together(void **state)
{
    nf_metric_add(nf_counter("nexflow_a_total", "A", "k=\"1\""), 1);
    nf_metric_add(nf_counter("nexflow_b_total", "B", NULL), 1);
    nf_metric_add(nf_counter("nexflow_a_total", "A", "k=\"2\""), 2);

    assert_string_equal(written(*state), "# HELP nexflow_a_total A\n"
                                         "# TYPE nexflow_a_total counter\n"
                                         "nexflow_a_total{k=\"1\"} 1\n"
                                         "nexflow_a_total{k=\"2\"} 2\n"
                                         "# HELP nexflow_b_total B\n"
                                         "# TYPE nexflow_b_total counter\n"
                                         "nexflow_b_total 1\n");
}

static void the_same_name_and_labels_are_the_same_metric(void **state)
{
    (void)state;
    struct nf_metric *m = nf_counter("nexflow_a_total", "A", "k=\"1\"");
    assert_ptr_equal(nf_counter("nexflow_a_total", "A", "k=\"1\""), m);
    assert_ptr_not_equal(nf_counter("nexflow_a_total", "A", NULL), m);
}

static void a_histogram_is_cumulative_and_in_seconds(void **state)
{
    struct nf_metric *h = nf_histogram("nexflow_turn_seconds", "T", "stage=\"model\"");
    nf_metric_observe_us(h, -5);  /* a clock that stepped back counts as 0 */
    nf_metric_observe_us(h, 500); /* a bound belongs to its bucket */
    nf_metric_observe_us(h, 501);
    nf_metric_observe_us(h, 120000000);
    nf_metric_observe_us(h, 120000001);

    const char *text = written(*state);
    assert_int_equal(nf_metric_value(h), 5);
    assert_non_null(strstr(text, "# TYPE nexflow_turn_seconds histogram\n"));
    assert_non_null(strstr(text, "_bucket{stage=\"model\",le=\"0.0005\"} 2\n"));
    assert_non_null(strstr(text, "_bucket{stage=\"model\",le=\"0.001\"} 3\n"));
    assert_non_null(strstr(text, "_bucket{stage=\"model\",le=\"65.536\"} 3\n"));
    assert_non_null(strstr(text, "_bucket{stage=\"model\",le=\"120\"} 4\n"));
    assert_non_null(strstr(text, "_bucket{stage=\"model\",le=\"+Inf\"} 5\n"));
    assert_non_null(strstr(text, "_sum{stage=\"model\"} 240.001002\n"));
    assert_non_null(strstr(text, "_count{stage=\"model\"} 5\n"));
    assert_int_equal(count(text, "_bucket{"), 20);
}

static void a_histogram_without_labels_has_le_alone(void **state)
{
    nf_metric_observe_us(nf_histogram("nexflow_x_seconds", "X", NULL), 1);
    assert_non_null(strstr(written(*state), "nexflow_x_seconds_bucket{le=\"0.0005\"} 1\n"));
    assert_non_null(strstr(written(*state), "nexflow_x_seconds_count 1\n"));
}

static double current;
static double read_current(void *arg)
{
    (void)arg;
    return current;
}

static void a_gauge_function_is_read_when_written(void **state)
{
    (void)nf_gauge_fn("nexflow_f", "F", NULL, read_current, NULL);
    current = 0.25;
    assert_non_null(strstr(written(*state), "\nnexflow_f 0.25\n"));
    current = NAN;
    assert_non_null(strstr(written(*state), "\nnexflow_f NaN\n"));
    current = -INFINITY;
    assert_non_null(strstr(written(*state), "\nnexflow_f -Inf\n"));
}

static void label_values_are_escaped(void **state)
{
    struct nf_str *labels = *state;
    assert_ok(nf_metric_label(labels, "model", "a\"b\\c\nd", &err), &err);
    assert_ok(nf_metric_label(labels, "x", "", &err), &err);
    assert_string_equal(nf_str_c(labels), "model=\"a\\\"b\\\\c\\nd\",x=\"\"");
}

static void labels_are_copied(void **state)
{
    char labels[NF_METRIC_LABELS_MAX + 1];
    memset(labels, 'x', sizeof(labels));
    memcpy(labels, "k=\"", 3);
    labels[NF_METRIC_LABELS_MAX - 1] = '"';
    labels[NF_METRIC_LABELS_MAX] = '\0';
    nf_metric_add(nf_counter("nexflow_a_total", "A", labels), 1);
    memset(labels, 0, sizeof(labels));
    assert_non_null(strstr(written(*state), "{k=\"xxx"));
}

static void as_many_as_the_limit_can_be_registered(void **state)
{
    char labels[32];
    for (int i = 0; i < NF_METRICS_MAX; i++) {
        (void)snprintf(labels, sizeof(labels), "i=\"%d\"", i);
        nf_metric_add(nf_counter("nexflow_many_total", "M", labels), i);
    }
    const char *text = written(*state);
    assert_non_null(strstr(text, "nexflow_many_total{i=\"255\"} 255\n"));
    assert_int_equal(count(text, "# TYPE"), 1);
}

static void *add_much(void *m)
{
    for (int i = 0; i < 10000; i++)
        nf_metric_add(m, 1);
    return NULL;
}

static void threads_lose_no_count(void **state)
{
    (void)state;
    struct nf_metric *m = nf_counter("nexflow_threads_total", "T", NULL);
    pthread_t t[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&t[i], NULL, add_much, m), 0);
    for (int i = 0; i < 4; i++)
        (void)pthread_join(t[i], NULL);
    assert_int_equal(nf_metric_value(m), 40000);
}

static void what_does_not_fit_is_an_error(void **state)
{
    struct nf_str *to = *state;
    (void)nf_histogram("nexflow_x_seconds", "X", NULL);
    size_t whole = strlen(written(to));
    to->max = whole + 1;
    (void)written(to);
    nf_str_done(to);
    to->max = whole;
    assert_code(nf_metrics_write(to, &err), NF_E_LIMIT);
    nf_str_done(to);
    nf_fail_alloc_at(1);
    assert_code(nf_metrics_write(to, &err), NF_E_NOMEM);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(counters_and_gauges_are_written_with_help_and_type),
        T(a_family_has_its_head_once_and_its_lines_together),
        T(the_same_name_and_labels_are_the_same_metric),
        T(a_histogram_is_cumulative_and_in_seconds),
        T(a_histogram_without_labels_has_le_alone),
        T(a_gauge_function_is_read_when_written),
        T(label_values_are_escaped),
        T(labels_are_copied),
        T(as_many_as_the_limit_can_be_registered),
        T(threads_lose_no_count),
        T(what_does_not_fit_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
