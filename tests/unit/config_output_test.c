#include "tests/unit/settings_sample.h"

#include <stdio.h>

/* --- describing ------------------------------------------------------------------------------- */

static void what_is_shown_reads_back_as_the_same_but_for_secrets(void **state)
{
    struct fixture *f = *state;
    assert_ok(load(&f->a, sample), &err);
    assert_ok(load(&f->a, "server: {listen: \"a:\\\"\\\\\\x7f\\x85\\t$${x}$\", hosts: ['#', ' ']}"),
              &err);
    assert_ok(nf_config_show(f->a.parts, PARTS, &f->text, &err), &err);
    char *secret = strstr(f->text.p, "(not set)");
    assert_non_null(secret);
    memset(secret, ' ', strlen("(not set)"));
    secret[0] = secret[1] = '\'';
    assert_ok(load(&f->b, nf_str_c(&f->text)), &err);
    assert_string_equal(f->b.server.listen, "a:\"\\\x7f\xc2\x85\t${x}$");
    assert_string_equal(f->b.server.listen, f->a.server.listen);
    struct nf_str ignored = { 0 };
    enum nf_code rc = nf_config_reload(f->a.parts, f->b.parts, PARTS, &ignored, &err);
    size_t differ = ignored.len;
    nf_str_done(&ignored);
    assert_ok(rc, &err);
    assert_int_equal(differ, 0);
}

static void what_is_shown_groups_keys_and_hides_secrets(void **state)
{
    struct fixture *f = *state;
    assert_ok(load(&f->a, sample), &err);
    assert_ok(nf_config_show(f->a.parts, PARTS, &f->text, &err), &err);
    assert_string_equal(nf_str_c(&f->text), "server:\n"
                                            "  listen: \"0.0.0.0:80\"\n"
                                            "  limits:\n"
                                            "    body_max: 2MiB\n"
                                            "    timeout: 90s\n"
                                            "  port: 0\n"
                                            "  open: false\n"
                                            "  hosts:\n"
                                            "    - \"a.example\"\n"
                                            "    - \"b.7\"\n"
                                            "  token: (not set)\n"
                                            "  log:\n"
                                            "    level: warn\n"
                                            "    file: \"\"\n"
                                            "llm:\n"
                                            "  providers:\n"
                                            "    - name: \"one\"\n"
                                            "      type: anthropic\n"
                                            "      base_url: \"https://api.example/v1\"\n"
                                            "      api_key: (set)\n"
                                            "      models:\n"
                                            "        - name: \"big\"\n"
                                            "          limits:\n"
                                            "            context: 200KiB\n"
                                            "        - name: \"small\"\n"
                                            "          limits:\n"
                                            "            context: 8KiB\n"
                                            "    - name: \"two\"\n"
                                            "      type: ollama\n"
                                            "      base_url: \"\"\n"
                                            "      api_key: (not set)\n"
                                            "      models:\n"
                                            "        - name: \"tiny\"\n"
                                            "          limits:\n"
                                            "            context: 8KiB\n"
                                            "  retries: 2\n");
}

static const struct nf_setting url_settings[] = {
    { .key = "url", .type = NF_SET_STR, .def = "", .max = 200, .hides_password = true },
};
static const struct nf_setting_group url_group = { "at", url_settings, 1, sizeof(char *) };

static void no_part_of_a_password_is_shown(void **state)
{
    static const char *const urls[][2] = {
        { "postgresql://me:secret@db:5432,b/nexflow?a=b",
          "postgresql://me:(set)@db:5432,b/nexflow?a=b" },
        { "redis://:s@cr/t@cache:6379/0", "redis://:(set)@cache:6379/0" },
        { "postgresql://me@db/n?password=s%26t&sslmode=require",
          "postgresql://me@db/n?password=(set)&sslmode=require" },
        { "postgresql://me:s@db/n?sslpassword=s", "postgresql://me:(set)@db/n?sslpassword=(set)" },
        { "postgresql://me@db/n", "postgresql://me@db/n" },
        { "sqlite:var/a@b:c", "sqlite:var/a@b:c" },
    };
    (void)state;
    for (size_t i = 0; i < NF_COUNT(urls); i++) {
        char text[256], expected[256];
        char *url = NULL;
        struct nf_str shown = { 0 };
        const struct nf_config_part part = { &url_group, &url };
        (void)snprintf(text, sizeof(text), "at: {url: '%s'}", urls[i][0]);
        (void)snprintf(expected, sizeof(expected), "at:\n  url: \"%s\"\n", urls[i][1]);
        assert_ok(nf_config_load_text("t.yaml", text, strlen(text), &part, 1, &err), &err);
        assert_ok(nf_config_show(&part, 1, &shown, &err), &err);
        assert_string_equal(nf_str_c(&shown), expected);
        nf_str_done(&shown);
        nf_config_done(&part, 1);
    }
}

/* The value under a path of keys. */
static const struct nf_json *at(const struct nf_json *v, const char *const *path)
{
    for (; *path; path++)
        v = nf_json_get(v, *path);
    return v;
}
#define AT(v, ...) at((v), (const char *const[]){ __VA_ARGS__, NULL })
#define P "properties"

static void the_schema_has_every_key_with_its_bounds(void **state)
{
    struct fixture *f = *state;
    assert_ok(nf_config_schema(f->a.parts, PARTS, &f->text, &err), &err);
    assert_ok(nf_json_parse(nf_str_c(&f->text), f->text.len, 0, &f->doc, &err), &err);
    const struct nf_json *root = nf_json_root(f->doc);

    assert_false(nf_json_has_duplicate_keys(root));
    assert_string_equal(nf_json_str(AT(root, "$schema")),
                        "https://json-schema.org/draft/2020-12/schema");
    assert_false(nf_json_bool(AT(root, P, "server", "additionalProperties"), true));
    assert_int_equal(nf_json_count(AT(root, P, "server", P)), 7); /* "limits" and "log" are one */
    assert_non_null(AT(root, P, "server", P, "log", P, "level"));
    assert_string_equal(nf_json_str(AT(root, P, "server", P, "listen", "default")),
                        "127.0.0.1:7777");
    const struct nf_json *retries = nf_json_first(AT(root, P, "llm", P, "retries", "anyOf"));
    assert_int_equal(nf_json_i64(nf_json_get(retries, "minimum"), 0), -1);
    assert_int_equal(nf_json_i64(nf_json_get(retries, "maximum"), 0), 9);
    const struct nf_json *provider = AT(root, P, "llm", P, "providers", "items");
    assert_string_equal(nf_json_str(nf_json_first(nf_json_get(provider, "required"))), "name");
    assert_int_equal(nf_json_i64(AT(provider, P, "models", "maxItems"), 0), 3);
    assert_non_null(AT(provider, P, "models", "items", P, "limits", P, "context"));
}

static void the_reference_lists_every_key(void **state)
{
    struct fixture *f = *state;
    static const char *const lines[] = {
        "\n## server\n",
        "| `listen` | text, 3 to 32 bytes | `127.0.0.1:7777` | Where \\| to \\<listen> |\n",
        "| `limits.body_max` | size, 1KiB to 16MiB | `1MiB` |  |\n",
        "| `limits.timeout` | duration, 100ms to 1h | `30s` |  Taken over on reload. |\n",
        "| `hosts` | list of texts, at most 3 entries | none |  |\n",
        "| `token` | secret | none |  |\n",
        "\n## llm.providers[].models[]\n",
        "| `name` | text, 1 to 16 bytes | must be given |  |\n",
        ("| `level` | `debug`, `info`, `warn`, `error` | `info` | Least level that is logged Taken "
         "over on reload. |\n"),
    };
    assert_ok(nf_config_reference(f->a.parts, PARTS, &f->text, &err), &err);
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        if (!strstr(nf_str_c(&f->text), lines[i]))
            fail_msg("missing: %s in %s", lines[i], nf_str_c(&f->text));
}

/* --- reload ----------------------------------------------------------------------------------- */

static void a_reload_takes_over_what_may_change_and_lists_the_rest(void **state)
{
    struct fixture *f = *state;
    assert_ok(load(&f->a, sample), &err);
    assert_ok(load(&f->b, "server: {listen: 'z:1', open: true, token: s1, hosts: [a.example], "
                          "limits: {timeout: 5s}}\n"
                          "llm: {providers: [{name: new, type: openai, models: [{name: m}]}]}"),
              &err);
    assert_ok(nf_config_reload(f->a.parts, f->b.parts, PARTS, &f->text, &err), &err);

    assert_string_equal(nf_str_c(&f->text),
                        "server.listen\nserver.limits.body_max\nserver.hosts\nserver.token\n");
    assert_true(f->a.server.open);
    assert_int_equal(f->a.server.timeout, 5000);
    assert_int_equal(f->a.logs.level, 1);
    assert_string_equal(provider_at(&f->a, 0)->name, "new");
    assert_string_equal(f->a.server.listen, "0.0.0.0:80");
    assert_string_equal(provider_at(&f->b, 0)->name, "one"); /* swapped, to be released there */
}

static void a_reload_of_the_same_file_ignores_nothing(void **state)
{
    struct fixture *f = *state;
    assert_ok(load(&f->a, sample), &err);
    assert_ok(load(&f->b, sample), &err);
    assert_ok(nf_config_reload(f->a.parts, f->b.parts, PARTS, &f->text, &err), &err);
    assert_string_equal(nf_str_c(&f->text), "");
}

static void a_reload_without_memory_changes_nothing(void **state)
{
    struct fixture *f = *state;
    assert_ok(load(&f->a, sample), &err);
    assert_ok(load(&f->b, "server: {open: true}"), &err);
    nf_fail_alloc_at(1);
    assert_code(nf_config_reload(f->a.parts, f->b.parts, PARTS, &f->text, &err), NF_E_NOMEM);
    nf_fail_alloc_at(0);
    assert_false(f->a.server.open);
}

static void every_failing_allocation_is_told(void **state)
{
    struct fixture *f = *state;
    assert_ok(load(&f->a, sample), &err);
    typedef enum nf_code (*describe_fn)(const struct nf_config_part *, size_t, struct nf_str *,
                                        struct nf_err *);
    static const describe_fn all[] = { nf_config_show, nf_config_schema, nf_config_reference };
    for (size_t i = 0; i < 3; i++) {
        enum nf_code rc = NF_E_NOMEM;
        size_t n = 1;
        for (; rc != NF_OK && n < 100; n++) {
            nf_str_done(&f->text);
            nf_fail_alloc_at(n);
            rc = all[i](f->a.parts, PARTS, &f->text, &err);
            nf_fail_alloc_at(0);
            if (rc != NF_OK)
                assert_code(rc, NF_E_NOMEM);
        }
        assert_in_range(n, 3, 99);
    }
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(what_is_shown_reads_back_as_the_same_but_for_secrets),
        T(what_is_shown_groups_keys_and_hides_secrets),
        T(no_part_of_a_password_is_shown),
        T(the_schema_has_every_key_with_its_bounds),
        T(the_reference_lists_every_key),
        T(a_reload_takes_over_what_may_change_and_lists_the_rest),
        T(a_reload_of_the_same_file_ignores_nothing),
        T(a_reload_without_memory_changes_nothing),
        T(every_failing_allocation_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
