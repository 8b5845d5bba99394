/*
 * docs/attacks.md is made from attacks.def, which levels_test.c and layers_test.c hold true:
 * `NF_RENEW=1 build/asan/tests/matrix_test` writes it anew.
 */
#include "tests/support/test.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DOCUMENT "docs/attacks.md"

static const struct attack {
    const char *name, *wants, *control, *layers, *in_call, *in_constructor;
} attacks[] = {
#define A(name, wants, control, layers, in_call, in_constructor)                                   \
    { #name, wants, #control, layers, in_call, in_constructor },
#include "tests/attack/attacks.def"
#undef A
};
#define ATTACKS (sizeof attacks / sizeof *attacks)

static const struct exception {
    const char *name, *when, *level, *outcome;
} exceptions[] = {
#define A(...)
#define X(name, when, level, outcome) { #name, when, level, outcome },
#include "tests/attack/attacks.def"
#undef A
};

static const char *outcome(const struct attack *a, const char *when, const char *level)
{
    for (size_t i = 0; i < sizeof exceptions / sizeof *exceptions; i++)
        if (strcmp(exceptions[i].name, a->name) == 0 && strcmp(exceptions[i].when, when) == 0 &&
            strcmp(exceptions[i].level, level) == 0)
            return exceptions[i].outcome;
    return strcmp(when, "run") == 0 ? a->in_call : a->in_constructor;
}

static size_t layers_of(const struct attack *a)
{
    return strlen(a->layers);
}

static void put_cell(FILE *to, const char *what)
{
    if (strcmp(what, "worked") == 0)
        (void)fputs("**works** | ", to);
    else
        (void)fprintf(to, "%s | ", what);
}

static void put_counts(FILE *to)
{
    static const char *const levels[] = { "L3", "L2", "L1", "L0.5" };
    size_t two = 0;
    for (size_t i = 0; i < ATTACKS; i++)
        two += layers_of(&attacks[i]) >= 2;
    (void)fprintf(to, "%zu attacks; %zu are stopped by two layers or more.\n\n", ATTACKS, two);
    (void)fputs("| level | work in a call | work in a constructor |\n|---|---|---|\n", to);
    for (size_t l = 0; l < sizeof levels / sizeof *levels; l++) {
        size_t run = 0, ctor = 0;
        for (size_t i = 0; i < ATTACKS; i++) {
            run += strcmp(outcome(&attacks[i], "run", levels[l]), "worked") == 0;
            ctor += strcmp(outcome(&attacks[i], "ctor", levels[l]), "worked") == 0;
        }
        (void)fprintf(to, "| %s | %zu | %zu |\n", levels[l], run, ctor);
    }
}

static void put_document(FILE *to)
{
    (void)fputs(
        "# Attacks on the sandbox of skills\n"
        "\n"
        "Made from `tests/attack/attacks.def`; do not edit. Every row is carried out by `ctest -L "
        "attack`: without a\nsandbox, where it has to work; in a call, in a constructor, and for "
        "samples in `DT_INIT` and an indirect function, by\nthe real host program, at every level "
        "that the machine can be brought to; and against each layer alone. What\n"
        "`docs/security-model.md` promises is measured here.\n"
        "\n"
        "Outcomes: *kill NAME*: the call is a violation, recorded with its arguments, and the "
        "process is killed; *SIGSYS*: the\nfilter kills it by itself; an errno: the call fails "
        "like that; *deadline*: the process is killed when the call's\ntime is up; **works**: this "
        "level does not stop it.\n"
        "\n"
        "Layers that stop it alone: **S** seccomp, **L** Landlock, **N** namespaces, **U** a user "
        "of its own, **M** MDWE, **R** what\nneeds no kernel facility: limits, closed descriptors, "
        "a clean environment, no capabilities, a process of its own.\n"
        "\n",
        to);
    put_counts(to);
    (void)fputs(
        "\n`seccomp_filter` is allowed while loading, since the host has to install its last "
        "filter then: filters only narrow.\n\n"
        "| attack | wants | in a call | in a constructor | there at L1 | there at L0.5 | layers "
        "|\n|---|---|---|---|---|---|---|\n",
        to);
    for (size_t i = 0; i < ATTACKS; i++) {
        const struct attack *a = &attacks[i];
        (void)fprintf(to, "| `%s` | %s | ", a->name, a->wants);
        put_cell(to, a->in_call);
        put_cell(to, a->in_constructor);
        put_cell(to, outcome(a, "ctor", "L1"));
        put_cell(to, outcome(a, "ctor", "L0.5"));
        (void)fprintf(to, "%s |\n", a->layers);
    }
}

static void the_document_is_what_the_table_says(void **state)
{
    (void)state;
    char *want = NULL, *have = NULL;
    size_t want_n = 0;
    FILE *f = open_memstream(&want, &want_n);
    assert_non_null(f);
    put_document(f);
    assert_int_equal(fclose(f), 0);

    bool renew = getenv("NF_RENEW") != NULL;
    f = fopen(DOCUMENT, renew ? "we" : "re");
    if (!f)
        fail_msg("%s: %s", DOCUMENT, strerror(errno));
    if (renew)
        assert_int_equal(fwrite(want, 1, want_n, f), want_n);
    have = calloc(1, want_n + 2);
    size_t n = renew ? want_n : fread(have, 1, want_n + 1, f);
    (void)fclose(f);
    bool same = renew || (n == want_n && memcmp(have, want, n) == 0);
    free(have);
    free(want);
    if (!same)
        fail_msg("%s is not what attacks.def says: run this with NF_RENEW=1", DOCUMENT);
}

static void at_least_half_are_stopped_by_two_layers(void **state)
{
    (void)state;
    size_t two = 0;
    for (size_t i = 0; i < ATTACKS; i++)
        two += layers_of(&attacks[i]) >= 2;
    assert_true(ATTACKS >= 90);
    assert_true(two * 2 >= ATTACKS);
}

/* Zero escapes, but for the filter that the host itself has to install. */
static void levels_with_namespaces_let_nothing_through(void **state)
{
    (void)state;
    for (size_t i = 0; i < ATTACKS; i++) {
        assert_string_not_equal(attacks[i].in_call, "worked");
        if (strcmp(attacks[i].name, "seccomp_filter") != 0)
            assert_string_not_equal(attacks[i].in_constructor, "worked");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_document_is_what_the_table_says),
        cmocka_unit_test(at_least_half_are_stopped_by_two_layers),
        cmocka_unit_test(levels_with_namespaces_let_nothing_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
