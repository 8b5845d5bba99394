#include "tests/unit/settings_sample.h"

#include <stdio.h>
#include <unistd.h>

/* --- values ----------------------------------------------------------------------------------- */

static void without_a_file_everything_has_its_default(void **state)
{
    struct fixture *f = *state;
    assert_ok(nf_config_load(NULL, f->a.parts, PARTS, &err), &err);
    assert_string_equal(f->a.server.listen, "127.0.0.1:7777");
    assert_int_equal(f->a.server.body_max, 1 << 20);
    assert_int_equal(f->a.server.timeout, 30000);
    assert_int_equal(f->a.server.port, 0);
    assert_false(f->a.server.open);
    assert_int_equal(f->a.server.hosts.n, 0);
    assert_false(nf_secret_is_set(&f->a.server.token));
    assert_int_equal(f->a.logs.level, 1);
    assert_string_equal(f->a.logs.file, "");
    assert_int_equal(f->a.llm.providers.n, 0);
    assert_int_equal(f->a.llm.retries, 2);
}

static void a_file_sets_nested_groups_and_lists(void **state)
{
    struct fixture *f = *state;
    assert_ok(load(&f->a, sample), &err);

    assert_string_equal(f->a.server.listen, "0.0.0.0:80");
    assert_int_equal(f->a.server.body_max, 2 << 20);
    assert_int_equal(f->a.server.timeout, 90000);
    assert_int_equal(f->a.server.hosts.n, 2);
    assert_string_equal(f->a.server.hosts.v[1], "b.7");
    assert_int_equal(f->a.logs.level, 2);
    assert_int_equal(f->a.llm.providers.n, 2);
    const struct provider *one = provider_at(&f->a, 0), *two = provider_at(&f->a, 1);
    assert_string_equal(one->name, "one");
    assert_int_equal(one->type, 1);
    assert_string_equal(nf_secret_reveal(&one->api_key), "sk-from-env");
    assert_int_equal(one->models.n, 2);
    const struct model *models = one->models.v;
    assert_string_equal(models[0].name, "big");
    assert_int_equal(models[0].context, 200 * 1024);
    assert_int_equal(models[1].context, 8 * 1024);
    assert_string_equal(two->base_url, "");
    assert_false(nf_secret_is_set(&two->api_key));
}

static void a_key_without_a_value_counts_as_absent(void **state)
{
    struct fixture *f = *state;
    assert_ok(load(&f->a, "server:\n  listen:\n  port: ~\n  log:\nllm: null\n"), &err);
    assert_string_equal(f->a.server.listen, "127.0.0.1:7777");
    assert_ok(load(&f->a, ""), &err);
    assert_ok(load(&f->a, "# nothing\n"), &err);
    assert_ok(load(&f->a, "---\n...\n"), &err);
    assert_string_equal(f->a.server.listen, "127.0.0.1:7777");
}

struct number_case {
    const char *text;
    int64_t want; /* -1: refused */
};

static void numbers_are(struct fixture *f, const char *before, const char *after, const int64_t *at,
                        const struct number_case *all, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char text[200];
        (void)snprintf(text, sizeof(text), "%s%s%s", before, all[i].text, after);
        enum nf_code rc = load(&f->a, text);
        if ((rc != NF_OK) != (all[i].want == -1) || (rc == NF_OK && *at != all[i].want))
            fail_msg("%s: %s: %lld", text, nf_code_name(rc), (long long)*at);
    }
}
#define NUMBERS(before, after, member, ...)                                                        \
    do {                                                                                           \
        static const struct number_case all_[] = { __VA_ARGS__ };                                  \
        numbers_are(*state, before, after, &((struct fixture *)*state)->a.member, all_,            \
                    NF_COUNT(all_));                                                               \
    } while (0)

static void durations_are_exact_and_bounded(void **state)
{
    NUMBERS("server: {limits: {timeout: '", "'}}", server.timeout, { "100ms", 100 }, { "99ms", -1 },
            { "1h", 3600000 }, { "3600001ms", -1 }, { "61m", -1 }, { "0", -1 }, { "5", -1 },
            { "1.5s", -1 }, { "-1s", -1 }, { "1 s", -1 }, { " 1s", -1 }, { "1S", -1 }, { "s", -1 },
            { "1s1", -1 }, { "9223372036854775807d", -1 }, { "99999999999999999999s", -1 },
            { "2m", 120000 }, { "1sec", -1 }, { "", -1 });
}

static void sizes_are_exact_and_bounded(void **state)
{
    NUMBERS("server: {limits: {body_max: '", "'}}", server.body_max, { "1024", 1024 },
            { "1KiB", 1024 }, { "1024B", 1024 }, { "1023", -1 }, { "16MiB", 16777216 },
            { "16777217", -1 }, { "1GiB", -1 }, { "1KB", -1 }, { "1kib", -1 }, { "1.5MiB", -1 },
            { "-1", -1 }, { "9223372036854775807TiB", -1 }, { "0x400", -1 });
}

static void integers_are_exact_and_bounded(void **state)
{
    NUMBERS("llm: {retries: ", "}", llm.retries, { "9", 9 }, { "10", -1 }, { "-2", -1 },
            { "1e0", -1 }, { "1.0", -1 }, { "0x1", -1 }, { "one", -1 }, { "+1", -1 }, { "'3'", 3 });
    NUMBERS("server: {port: ", "}", server.port, { "9223372036854775807", INT64_MAX },
            { "-9223372036854775808", INT64_MIN }, { "-9", -9 }, { "9223372036854775808", -1 },
            { "-9223372036854775809", -1 }, { "--1", -1 }, { "'-'", -1 }, { "' 1'", -1 });
}

static void lists_end_at_their_bounds(void **state)
{
    struct fixture *f = *state;
    assert_ok(load(&f->a, "server: {hosts: [a, b, c]}"), &err);
    assert_code(load(&f->a, "server: {hosts: [a, b, c, d]}"), NF_E_LIMIT);
    assert_string_equal(err.msg, "t.yaml:1: server.hosts: must be at most 3 entries");
    assert_code(load(&f->a, "llm: {providers: [{name: a, type: openai, models: []}]}"), NF_E_LIMIT);
    assert_string_equal(err.msg, "t.yaml:1: llm.providers[0].models: must be 1 to 3 entries");
    assert_ok(load(&f->a, "server: {hosts: []}"), &err);
}

static void texts_end_at_their_bounds(void **state)
{
    struct fixture *f = *state;
    assert_ok(load(&f->a, "server: {listen: 'a:1'}"), &err);
    assert_code(load(&f->a, "server: {listen: ':1'}"), NF_E_LIMIT);
    assert_ok(load(&f->a, "server: {listen: '123456789012345678901234567890:1'}"), &err);
    assert_code(load(&f->a, "server: {listen: '1234567890123456789012345678901:1'}"), NF_E_LIMIT);
    assert_code(load(&f->a, "server: {listen: ''}"), NF_E_LIMIT);
    assert_ok(load(&f->a, "server: {log: {file: ''}}"), &err); /* "" is its default: none */
}

static void variables_are_taken_from_the_environment_once(void **state)
{
    struct fixture *f = *state;
    (void)setenv("NF_TEST_KEY", "${NF_TEST_GONE}", 1);
    assert_ok(load(&f->a, "server: {listen: '${NF_TEST_NUMBER}:$${x}$ $a:${NF_TEST_EMPTY}', "
                          "hosts: ['${NF_TEST_KEY}'], port: \"${NF_TEST_NUMBER}\"}"),
              &err);
    assert_string_equal(f->a.server.listen, "7:${x}$ $a:");
    assert_string_equal(f->a.server.hosts.v[0], "${NF_TEST_GONE}");
    assert_int_equal(f->a.server.port, 7);
}

/* A file whose only value is `before` and n bytes. */
static enum nf_code load_long(struct fixture *f, const char *before, size_t n)
{
    nf_str_reset(&f->text);
    NF_TRY(nf_str_addf(&f->text, &err, "server: {hosts: ['%s", before));
    NF_TRY(nf_str_reserve(&f->text, n, &err));
    memset(f->text.p + f->text.len, 'x', n);
    f->text.len += n;
    f->text.p[f->text.len] = '\0';
    NF_TRY(nf_str_adds(&f->text, "']}", &err));
    return load(&f->a, nf_str_c(&f->text));
}

static void a_value_ends_at_its_limit_with_what_variables_give(void **state)
{
    struct fixture *f = *state;
    assert_ok(load_long(f, "", NF_CONFIG_VALUE_MAX), &err);
    assert_int_equal(strlen(f->a.server.hosts.v[0]), NF_CONFIG_VALUE_MAX);
    (void)setenv("NF_TEST_LONG", f->a.server.hosts.v[0], 1);
    assert_ok(load_long(f, "${NF_TEST_LONG}", 0), &err);
    assert_int_equal(strlen(f->a.server.hosts.v[0]), NF_CONFIG_VALUE_MAX);

    assert_code(load_long(f, "", NF_CONFIG_VALUE_MAX + 1), NF_E_LIMIT);
    assert_code(load_long(f, "${NF_TEST_LONG}", 1), NF_E_LIMIT);
    (void)unsetenv("NF_TEST_LONG");
}

/* --- refusals --------------------------------------------------------------------------------- */

static const struct {
    const char *text, *message;
} refusals[] = {
    { "server:\n  listne: x\n",
      "t.yaml:2: server.listne: unknown key; did you mean server.listen?" },
    { "server:\n  limits:\n    bodymax: 1\n",
      "t.yaml:3: server.limits.bodymax: unknown key; did you mean server.limits.body_max?" },
    { "sevrer: {}\n", "t.yaml:1: sevrer: unknown key; did you mean server?" },
    { "zzz: {}\n", "t.yaml:1: zzz: unknown key" },
    { "\nllm:\n  providers:\n    - nmae: x\n",
      "t.yaml:4: llm.providers[0].nmae: unknown key; did you mean name?" },
    { "server.listen: a:1\n",
      "t.yaml:1: server.listen: a key has no dots: write what follows in a line below" },
    { "server:\n  limits.timeout: 1s\n", "t.yaml:2: server.limits.timeout: a key has no dots: "
                                         "write what follows in a line below" },
    { "server: 1\n", "t.yaml:1: server: must be a group of keys with values" },
    { "server: [1]\n", "t.yaml:1: server: must be a group of keys with values" },
    { "server:\n  listen: [a]\n", "t.yaml:2: server.listen: must be a single value" },
    { "server:\n  listen: {a: b}\n", "t.yaml:2: server.listen: must be a single value" },
    { "server:\n  hosts: a\n", "t.yaml:2: server.hosts: must be a list" },
    { "server:\n  hosts:\n    - a\n    - [b]\n",
      "t.yaml:4: server.hosts[1]: must be a single value" },
    { "llm:\n  providers: [x]\n",
      "t.yaml:2: llm.providers[0]: must be a group of keys with values" },
    { "server:\n  open: yes\n", "t.yaml:2: server.open: must be true or false" },
    { "server:\n  log:\n    level: loud\n",
      "t.yaml:3: server.log.level: must be one of: debug, info, warn, error" },
    { "server:\n  listen: nowhere\n", "t.yaml:2: server.listen: must be ADDRESS:PORT" },
    { "server:\n  limits: {timeout: 2h}\n",
      "t.yaml:2: server.limits.timeout: must be 100ms to 1h" },
    { "server:\n  limits: {body_max: 1}\n",
      "t.yaml:2: server.limits.body_max: must be 1KiB to 16MiB" },
    { "llm: {retries: 10}\n", "t.yaml:1: llm.retries: must be -1 to 9" },
    { "llm:\n  providers:\n    - name: a\n      type: openai\n    - name: b\n",
      "t.yaml:5: llm.providers[1].type: is missing, and must be given" },
    { "server:\n  hosts:\n    - '${NF_TEST_GONE}'\n",
      "t.yaml:3: server.hosts[0]: the environment has no variable NF_TEST_GONE" },
    { "server:\n  listen: '${NF_TEST'\n",
      "t.yaml:2: server.listen: ${ must be followed by the name of a variable and }; $${ is a "
      "plain ${" },
    { "server:\n  listen: '${1A}'\n",
      "t.yaml:2: server.listen: ${ must be followed by the name of a variable and }; $${ is a "
      "plain ${" },
    { "server:\n  open: true\n  port: 1\n  open: true\n",
      "t.yaml:4: open: stands twice, first in line 2" },
    { "server: {open: &a true}\n", "t.yaml:1: anchors and tags are not supported" },
    { "server: &a {open: true}\n", "t.yaml:1: anchors and tags are not supported" },
    { "server: {hosts: &a []}\n", "t.yaml:1: anchors and tags are not supported" },
    { "server: {open: !!str true}\n", "t.yaml:1: anchors and tags are not supported" },
    { "server: {open: *a}\n", "t.yaml:1: aliases are not supported" },
    { "server: {}\n---\nserver: {}\n", "t.yaml:2: a second document is not supported" },
    { "[a]: b\n", "t.yaml:1: a key must be a name" },
    { "'': b\n", "t.yaml:1: not a key: it is empty, too long or has a NUL byte" },
    { "server: {listen: \"a:\\0b\"}\n", "t.yaml:1: NUL byte in a value" },
    { "- a\n", "t.yaml:1: must begin with a key and a colon" },
    { "just text\n", "t.yaml:1: must begin with a key and a colon" },
};

static void errors_name_line_key_and_what_is_allowed(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        if (load(&f->a, refusals[i].text) == NF_OK)
            fail_msg("accepted: %s", refusals[i].text);
        assert_string_equal(err.msg, refusals[i].message);
    }
}

static void what_is_not_yaml_is_refused_with_its_line(void **state)
{
    struct fixture *f = *state;
    static const char *const all[] = { "server:\n\tx: 1\n", "server:\n  a: [1\n", "server:\n  'x\n",
                                       "server:\n  a: \xff\n", "server:\n a: 1\n  b: 2\n" };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        assert_code(load(&f->a, all[i]), NF_E_INVALID);
        assert_memory_equal(err.msg, "t.yaml:", 7);
        assert_non_null(strstr(err.msg, ": not YAML: "));
    }
    assert_code(nf_config_load_text("t", "a\0b", 3, f->a.parts, PARTS, &err), NF_E_INVALID);
}

static void what_is_wrong_beside_others_has_its_line_too(void **state)
{
    (void)state;
    static const char text[] = "a:\n  b:\n    - c: 1\n      d: 2\n    - {c: 3}\nlong.name: 4\n";
    static const struct {
        const char *says, *want;
    } cases[] = {
        { "a.b[0].d: no", "f:4: a.b[0].d: no" },
        { "a.b[1].c: no", "f:5: a.b[1].c: no" },
        { "a.b[1].d: not there", "f:5: a.b[1].d: not there" },
        { "a.b[7].c: nor this", "f:2: a.b[7].c: nor this" },
        { "a.x: nor this", "f:1: a.x: nor this" },
        { "a.b[0]: all of it", "f:3: a.b[0]: all of it" },
        { "a.b[0].c.d: below a value", "f:3: a.b[0].c.d: below a value" },
        { "z: elsewhere", "f: z: elsewhere" },
        { "", "f: " },
        { "a.b[", "f:3: a.b[" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct nf_err e;
        (void)nf_err_set(&e, NF_E_INVALID, "%s", cases[i].says);
        nf_config_locate_text("f", text, sizeof(text) - 1, &e);
        assert_string_equal(e.msg, cases[i].want);
        assert_int_equal(e.code, NF_E_INVALID);
    }
}

static void no_error_shows_a_secret_or_what_a_variable_gave(void **state)
{
    static const char *const all[] = {
        "server: {token: topsecret}", /* refused by its check, whose message has it */
        "server: {token: [topsecret]}",
        "server: {token: 'topsecret${NF_TEST_GONE}'}",
        "server: {token: 'topsecret${'}",
        "llm: {providers: [{name: a, type: openai, api_key: topsecret-topsecret-topsecret}]}",
        "server: {port: '${NF_TEST_SECRET}'}",
        "server: {open: '${NF_TEST_SECRET}'}",
        "server: {log: {level: '${NF_TEST_SECRET}'}}",
        "server: {limits: {timeout: '${NF_TEST_SECRET}'}}",
        "server: {token: topsecret: topsecret}",
        "server:\n  token: 'topsecret\n",
    };
    struct fixture *f = *state;
    (void)setenv("NF_TEST_SECRET", "topsecret", 1);
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (load(&f->a, all[i]) == NF_OK)
            fail_msg("accepted: %s", all[i]);
        assert_null(strstr(err.msg, "topsecret"));
    }
    assert_code(load(&f->a, all[0]), NF_E_INVALID);
    assert_string_equal(err.msg, "t.yaml:1: server.token: is not acceptable");
}

static void nesting_ends_at_its_limit(void **state)
{
    struct fixture *f = *state;
    assert_ok(nf_str_adds(&f->text, "zzz: ", &err), &err); /* the mapping is one level */
    for (int i = 1; i < NF_CONFIG_DEPTH_MAX; i++)
        assert_ok(nf_str_adds(&f->text, "[", &err), &err);
    size_t opened = f->text.len;
    for (int i = 1; i < NF_CONFIG_DEPTH_MAX; i++)
        assert_ok(nf_str_adds(&f->text, "]", &err), &err);
    assert_code(load(&f->a, nf_str_c(&f->text)), NF_E_INVALID); /* an unknown key, that is all */

    f->text.len = opened;
    assert_ok(nf_str_adds(&f->text, "[", &err), &err);
    assert_code(load(&f->a, nf_str_c(&f->text)), NF_E_LIMIT);
}

static void the_number_of_values_ends_at_its_limit(void **state)
{
    struct fixture *f = *state;
    assert_ok(nf_str_adds(&f->text, "zzz: [", &err), &err);
    for (int i = 0; i < NF_CONFIG_NODES_MAX - 2; i++)
        assert_ok(nf_str_adds(&f->text, "a,", &err), &err);
    size_t listed = f->text.len;
    assert_ok(nf_str_adds(&f->text, "]", &err), &err);
    assert_code(load(&f->a, nf_str_c(&f->text)), NF_E_INVALID);

    f->text.len = listed;
    assert_ok(nf_str_adds(&f->text, "a]", &err), &err);
    assert_code(load(&f->a, nf_str_c(&f->text)), NF_E_LIMIT);
}

static void a_wrong_file_changes_nothing(void **state)
{
    struct fixture *f = *state;
    assert_ok(load(&f->a, sample), &err);
    const struct provider *before = provider_at(&f->a, 0);
    assert_code(load(&f->a, "server: {listen: 'z:9', open: maybe}"), NF_E_INVALID);
    assert_string_equal(f->a.server.listen, "0.0.0.0:80");
    assert_ptr_equal(provider_at(&f->a, 0), before);
    assert_string_equal(before->name, "one");
}

/* --- files ------------------------------------------------------------------------------------ */

static void a_file_is_read_up_to_its_limit(void **state)
{
    struct fixture *f = *state;
    char path[] = "/tmp/nf-settings-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    static const char text[] = "server: {port: 5}\n#";
    ssize_t wrote = write(fd, text, sizeof(text) - 1);
    char *rest = malloc(NF_CONFIG_BYTES_MAX);
    assert_non_null(rest);
    memset(rest, '#', NF_CONFIG_BYTES_MAX);
    ssize_t filled = write(fd, rest, NF_CONFIG_BYTES_MAX - (sizeof(text) - 1));
    enum nf_code fits = nf_config_load(path, f->a.parts, PARTS, &err);
    ssize_t one = write(fd, "#", 1);
    struct nf_err over_err;
    enum nf_code over = nf_config_load(path, f->b.parts, PARTS, &over_err);
    free(rest);
    (void)close(fd);
    (void)unlink(path);

    assert_true(wrote > 0 && filled > 0 && one == 1);
    assert_ok(fits, &err);
    assert_int_equal(f->a.server.port, 5);
    assert_code(over, NF_E_LIMIT);
    assert_code(nf_config_load(path, f->a.parts, PARTS, &err), NF_E_NOT_FOUND);
    assert_code(nf_config_load("/tmp", f->a.parts, PARTS, &err), NF_E_IO);
}

/* --- memory ----------------------------------------------------------------------------------- */

static void every_failing_allocation_leaves_all_as_it_was(void **state)
{
    struct fixture *f = *state;
    assert_ok(load(&f->a, "server: {port: 3}"), &err);
    size_t n = 1;
    for (enum nf_code rc = NF_E_NOMEM; rc != NF_OK && n < 500; n++) {
        nf_fail_alloc_at(n);
        rc = load(&f->a, sample);
        nf_fail_alloc_at(0);
        if (rc != NF_OK) {
            assert_code(rc, NF_E_NOMEM);
            assert_int_equal(f->a.server.port, 3);
        }
    }
    assert_in_range(n, 50, 499);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(without_a_file_everything_has_its_default),
        T(a_file_sets_nested_groups_and_lists),
        T(a_key_without_a_value_counts_as_absent),
        T(durations_are_exact_and_bounded),
        T(sizes_are_exact_and_bounded),
        T(integers_are_exact_and_bounded),
        T(lists_end_at_their_bounds),
        T(texts_end_at_their_bounds),
        T(variables_are_taken_from_the_environment_once),
        T(a_value_ends_at_its_limit_with_what_variables_give),
        T(errors_name_line_key_and_what_is_allowed),
        T(what_is_not_yaml_is_refused_with_its_line),
        T(what_is_wrong_beside_others_has_its_line_too),
        T(no_error_shows_a_secret_or_what_a_variable_gave),
        T(nesting_ends_at_its_limit),
        T(the_number_of_values_ends_at_its_limit),
        T(a_wrong_file_changes_nothing),
        T(a_file_is_read_up_to_its_limit),
        T(every_failing_allocation_leaves_all_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
