/*
 * docs/skill-policy.md is made from the table: `NF_RENEW=1
 * build/asan/tests/sandbox_policy_doc_test` writes it anew.
 */
#include "sandbox/policy.h"

#include "tests/support/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DOCUMENT "docs/skill-policy.md"
#define PLUGINS                                                                                    \
    (NF_PROFILE_PLAIN | NF_PROFILE_THREADS | NF_PROFILE_PLAIN_SANITIZED |                          \
     NF_PROFILE_THREADS_SANITIZED)
#define PROGRAMS (NF_PROFILE_PROGRAM_OFFLINE | NF_PROFILE_PROGRAM_ONLINE | NF_PROFILE_PROGRAM_BARE)

static const char *who(unsigned profiles)
{
    switch (profiles) {
    case PLUGINS:
    case PROGRAMS:
        return "all";
    case NF_PROFILE_PLAIN | NF_PROFILE_PLAIN_SANITIZED:
        return "without threads";
    case NF_PROFILE_THREADS | NF_PROFILE_THREADS_SANITIZED:
        return "with threads";
    case NF_PROFILE_PLAIN | NF_PROFILE_THREADS:
        return "not in sanitizer builds";
    case NF_PROFILE_PLAIN_SANITIZED | NF_PROFILE_THREADS_SANITIZED:
        return "in sanitizer builds";
    case NF_PROFILE_PLAIN_SANITIZED | NF_PROFILE_THREADS | NF_PROFILE_THREADS_SANITIZED:
        return "with threads, or in sanitizer builds";
    case NF_PROFILE_PROGRAM_OFFLINE | NF_PROFILE_PROGRAM_BARE:
        return "without a proxy";
    case NF_PROFILE_PROGRAM_ONLINE:
        return "with a proxy";
    case NF_PROFILE_PROGRAM_BARE:
        return "without namespaces";
    default:
        fail_msg("no words for the profiles %x", profiles);
        return "";
    }
}

static void put_number(FILE *to, const struct nf_policy_row *r, enum nf_policy_arch arch)
{
    int nr = r->on[arch] ? nf_syscall_number(arch, r->name) : -1;
    if (nr >= 0)
        (void)fprintf(to, "%d | ", nr);
    else
        (void)fputs("- | ", to);
}

static void put_verdict(FILE *to, const struct nf_verdict *v)
{
    if (!v->allow)
        (void)fprintf(to, "%s | ", strerrorname_np(v->error));
    else if (v->cond == NF_COND_NONE)
        (void)fputs("yes | ", to);
    else
        (void)fprintf(to, "if %s, else %s | ", nf_condition_text(v->cond),
                      strerrorname_np(v->error));
}

static void put_rows(FILE *to, unsigned profiles, enum nf_phase last)
{
    size_t n;
    const struct nf_policy_row *r = nf_policy_rows(&n);
    for (size_t i = 0; i < n; i++) {
        if (!(r[i].profiles & profiles))
            continue;
        (void)fprintf(to, "| `%s` | ", r[i].name);
        put_number(to, &r[i], NF_ARCH_X86_64);
        put_number(to, &r[i], NF_ARCH_AARCH64);
        (void)fprintf(to, "%s | ", who(r[i].profiles));
        for (enum nf_phase p = NF_PHASE_TEMPLATE; p <= last; p++)
            put_verdict(to, &r[i].at[p]);
        (void)fprintf(to, "%s |\n", r[i].why);
    }
}

static void put_document(FILE *to)
{
    (void)fputs(
        "# System calls of skills\n\n"
        "Made from `internal/sandbox/policy.def`; do not edit. The same table is what the filters "
        "are compiled from, for both\narchitectures. `-`: the architecture has no such call, or "
        "another row for it.\n\n"
        "## Plugins\n\n"
        "A plugin lives in a worker. Before `dlopen` a worker may do what the column *loading* "
        "says, constructors included; from\nthen on what *running* says. *Template* is the "
        "process that workers are forked from, which never runs a plugin's code.\nAn error name "
        "means that the call fails like that. **A call without a row is a violation**: it is not "
        "done, it is\nrecorded, and the process is killed. So is every call by another way into "
        "the kernel (32-bit calls, x32).\n\n"
        "| call | x86-64 | aarch64 | plugins | template | loading | running | why |\n"
        "|---|---|---|---|---|---|---|---|\n",
        to);
    put_rows(to, PLUGINS, NF_PHASE_RUN);
    (void)fprintf(
        to,
        "\n## Programs\n\n"
        "A program may do everything but this. Calls numbered above %d, which are younger than "
        "this table, do not exist for it\n(ENOSYS).\n\n"
        "| call | x86-64 | aarch64 | programs | may it | why |\n|---|---|---|---|---|---|\n",
        NF_SYSCALL_NEWEST);
    put_rows(to, PROGRAMS, NF_PHASE_TEMPLATE);
}

static void the_document_is_current(void **data)
{
    char *want = NULL, *have = NULL;
    size_t n = 0, have_n = 0;
    (void)data;
    FILE *to = open_memstream(&want, &n);
    put_document(to);
    (void)fclose(to);

    if (getenv("NF_RENEW")) {
        FILE *f = fopen(DOCUMENT, "we");
        assert_non_null(f);
        assert_int_equal(fwrite(want, 1, n, f), n);
        assert_int_equal(fclose(f), 0);
    }
    FILE *f = fopen(DOCUMENT, "re");
    assert_non_null(f);
    have = calloc(1, n + 2);
    assert_non_null(have);
    have_n = fread(have, 1, n + 1, f);
    (void)fclose(f);
    bool same = have_n == n && memcmp(have, want, n) == 0;
    free(have);
    free(want);
    if (!same)
        fail_msg(DOCUMENT " is not what the table says: run this test with NF_RENEW=1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_document_is_current),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
