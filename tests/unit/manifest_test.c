#include "skills/manifest.h"

#include "base/own.h"
#include "tests/support/test.h"

#include <string.h>

#define TOOL "{\"name\":\"t\",\"description\":\"d\",\"parameters\":{\"type\":\"object\"}}"
#define HEAD "\"name\":\"a\",\"version\":\"1.0.0\",\"description\":\"d\",\"entry\":\"a.so\""
#define SKILL "{" HEAD ",\"tools\":[" TOOL "]}"
#define WITH(more) "{" HEAD ",\"tools\":[" TOOL "]," more "}"

static struct nf_skill_manifest m;
static struct nf_err err;

static int teardown(void **state)
{
    (void)state;
    nf_skill_manifest_done(&m);
    return 0;
}

static enum nf_code parse(const char *text)
{
    nf_skill_manifest_done(&m);
    return nf_skill_manifest_parse(text, strlen(text), &m, &err);
}

/* That the text is refused, and the message begins with `message`. */
static void refuse(const char *text, const char *message)
{
    assert_int_not_equal(parse(text), NF_OK);
    if (strncmp(err.msg, message, strlen(message)) != 0)
        fail_msg("\"%s\" does not begin with \"%s\"", err.msg, message);
    assert_null(m.name);
}

static void everything_is_read(void **state)
{
    (void)state;
    assert_ok(parse("{\"name\":\"weather\",\"version\":\"1.2.0\",\"description\":\"The weather\","
                    "\"kind\":\"plugin\",\"entry\":\"weather.so\",\"mode\":\"pooled\","
                    "\"threads\":true,\"license\":\"MIT\",\"tools\":[{\"name\":\"forecast\","
                    "\"description\":\"For a place\",\"parameters\":{\"type\":\"object\"},"
                    "\"idempotent\":true,\"approval\":\"always\",\"timeout_ms\":10000}],"
                    "\"capabilities\":{\"http\":[\"https://api.open-meteo.com/\"],"
                    "\"secrets\":[\"OPENAI\"],\"kv\":true,\"files\":\"workspace\"},"
                    "\"limits\":{\"memory_mib\":32,\"cpu_ms\":5000,\"output_kib\":1,"
                    "\"http_kib\":2,\"kv_kib\":3},\"min_level\":\"L0.5\"}"),
              &err);

    assert_string_equal(m.name, "weather");
    assert_string_equal(m.version, "1.2.0");
    assert_string_equal(m.description, "The weather");
    assert_int_equal(m.kind, NF_SKILL_PLUGIN);
    assert_string_equal(m.entry, "weather.so");
    assert_int_equal(m.mode, NF_SKILL_POOLED);
    assert_true(m.threads && m.kv && m.files);
    assert_int_equal(m.tools_n, 1);
    assert_string_equal(m.tools[0].name, "forecast");
    assert_string_equal(m.tools[0].schema, "{\"type\":\"object\"}");
    assert_true(m.tools[0].idempotent);
    assert_int_equal(m.tools[0].approval, NF_APPROVAL_ALWAYS);
    assert_int_equal(m.tools[0].timeout_ms, 10000);
    assert_int_equal(m.http_n, 1);
    assert_string_equal(m.http[0], "https://api.open-meteo.com/");
    assert_int_equal(m.secrets_n, 1);
    assert_string_equal(m.secrets[0], "OPENAI");
    assert_int_equal(m.memory_bytes, 32 << 20);
    assert_int_equal(m.cpu_ms, 5000);
    assert_int_equal(m.output_bytes, 1024);
    assert_int_equal(m.http_bytes, 2048);
    assert_int_equal(m.kv_bytes, 3072);
    assert_string_equal(m.min_level, "L0.5");
}

static void what_is_absent_has_the_careful_default(void **state)
{
    (void)state;
    assert_ok(parse(SKILL), &err);

    assert_int_equal(m.kind, NF_SKILL_PLUGIN);
    assert_int_equal(m.tools[0].approval, NF_APPROVAL_ASK);
    assert_false(m.tools[0].idempotent);
    assert_int_equal(m.tools[0].timeout_ms, NF_TOOL_TIMEOUT_MS);
    assert_int_equal(m.memory_bytes, (int64_t)NF_SKILL_MEMORY_MIB << 20);
    assert_true(m.http_n == 0 && m.secrets_n == 0 && !m.kv && !m.files && !m.threads);
    assert_string_equal(m.min_level, "");
}

static void a_process_that_may_hold_private_data_serves_one_call(void **state)
{
    (void)state;
    assert_ok(parse(SKILL), &err);
    assert_int_equal(m.mode, NF_SKILL_POOLED);
    assert_ok(parse(WITH("\"capabilities\":{\"http\":[\"*\"]}")), &err);
    assert_int_equal(m.mode, NF_SKILL_POOLED);
    assert_ok(parse(WITH("\"capabilities\":{\"kv\":true}")), &err);
    assert_int_equal(m.mode, NF_SKILL_ONESHOT);
    assert_ok(parse(WITH("\"capabilities\":{\"files\":\"workspace\"}")), &err);
    assert_int_equal(m.mode, NF_SKILL_ONESHOT);
    assert_ok(parse(WITH("\"capabilities\":{\"http\":[\"*\"],\"secrets\":[\"A\"]}")), &err);
    assert_int_equal(m.mode, NF_SKILL_ONESHOT);
    assert_ok(parse(WITH("\"kind\":\"program\"")), &err);
    assert_int_equal(m.mode, NF_SKILL_ONESHOT);
}

static void an_error_names_the_field_as_a_path(void **state)
{
    (void)state;
    refuse("[]", "the manifest must be an object");
    refuse("{", "skill.json: ");
    refuse("{\"name\":\"a\"}", "version is missing");
    refuse(WITH("\"colour\":1"), "colour is no member");
    refuse(WITH("\"kind\":\"script\""), "kind must be one of plugin, program");
    refuse(WITH("\"kind\":null"), "kind must be a string");
    refuse(WITH("\"limits\":{\"cpu_ms\":9}"), "limits.cpu_ms is 9; 10 to 600000");
    refuse(WITH("\"limits\":{\"cpu\":9}"), "limits.cpu is no member");
    refuse(WITH("\"capabilities\":{\"http\":[\"*\",\"https://a.b/\"]}"),
           "capabilities.http[0] must stand alone");
    refuse(WITH("\"capabilities\":{\"http\":[\"https://a.b/\",\"ftp://a.b/\"]}"),
           "capabilities.http[1]: url: must begin");
    refuse(WITH("\"capabilities\":{\"secrets\":[\"A\"]}"), "capabilities.secrets must come with");
    refuse(WITH("\"min_level\":\"L0\""), "min_level must be one of");
    refuse("{" HEAD ",\"tools\":[" TOOL ",{\"name\":\"u\",\"description\":\"d\"}]}",
           "tools[1].parameters is missing");
    refuse("{" HEAD ",\"tools\":[" TOOL "," TOOL "]}", "tools[1].name is that of another tool");
    refuse("{" HEAD ",\"tools\":[{\"name\":\"t\",\"description\":\"d\",\"parameters\":"
           "{\"type\":\"object\"},\"timeout_ms\":99}]}",
           "tools[0].timeout_ms is 99; 100 to 600000 are allowed");
    refuse("{" HEAD ",\"tools\":[1]}", "tools[0] must be an object");
    refuse("{" HEAD ",\"tools\":[{\"name\":\"t\",\"description\":\"d\",\"parameters\":"
           "{\"type\":\"object\",\"properties\":{\"a\":{\"pattern\":\"b\"}}}}]}",
           "tools[0].parameters: schema.properties.a.pattern: is not");
}

static void a_member_that_stands_twice_is_refused(void **state)
{
    (void)state;
    refuse(WITH("\"name\":\"b\""), "name stands twice");
    refuse(WITH("\"limits\":{\"cpu_ms\":10,\"cpu_ms\":11}"), "limits.cpu_ms stands twice");
    refuse("{" HEAD ",\"tools\":[{\"name\":\"t\",\"description\":\"d\",\"parameters\":"
           "{\"type\":\"object\",\"x\":{\"y\":1,\"y\":2}}}]}",
           "tools[0].parameters must not have a member twice");
}

static void a_program_and_a_plugin_differ_in_what_they_may_say(void **state)
{
    (void)state;
    assert_ok(parse(WITH("\"kind\":\"program\",\"interpreter\":\"/usr/bin/python3\"")), &err);
    assert_string_equal(m.interpreter, "/usr/bin/python3");
    refuse(WITH("\"interpreter\":\"/usr/bin/python3\""), "interpreter must be left out");
    refuse(WITH("\"kind\":\"program\",\"interpreter\":\"python3\""), "interpreter must be an abs");
    refuse(WITH("\"kind\":\"program\",\"interpreter\":\"/usr/../bin/sh\""), "interpreter must be");
    refuse(WITH("\"kind\":\"program\",\"mode\":\"pooled\""), "mode must be oneshot");
    refuse(WITH("\"kind\":\"program\",\"threads\":false"), "threads must be left out");
    assert_ok(parse(WITH("\"kind\":\"program\",\"capabilities\":{\"kv\":true}")), &err);
}

/* Whether capabilities `fresh` ask for more than `old`. */
static bool grows(const char *old, const char *fresh)
{
    NF_CLEANUP(nf_skill_manifest_done) struct nf_skill_manifest before = { 0 };

    assert_ok(parse(old), &err);
    before = nf_take(m);
    assert_ok(parse(fresh), &err);
    return nf_skill_manifest_grows(&before, &m);
}

static void consent_covers_what_asks_for_no_more(void **state)
{
    (void)state;
    const char *http = WITH("\"capabilities\":{\"http\":[\"https://a.b/\"]}");
    assert_false(grows(SKILL, SKILL));
    assert_false(grows(http, SKILL));
    assert_true(grows(SKILL, http));
    assert_true(grows(http, WITH("\"capabilities\":{\"http\":[\"https://a.c/\"]}")));
    assert_true(grows(SKILL, WITH("\"capabilities\":{\"kv\":true}")));
    assert_true(grows(SKILL, WITH("\"capabilities\":{\"files\":\"workspace\"}")));
    assert_true(grows(SKILL, WITH("\"threads\":true")));
    assert_true(grows(SKILL, WITH("\"kind\":\"program\"")));
    assert_true(grows(WITH("\"min_level\":\"L3\""), WITH("\"min_level\":\"L1\"")));
    assert_true(grows(WITH("\"min_level\":\"L1\""), SKILL));
    assert_true(grows(WITH("\"mode\":\"oneshot\""), SKILL));
    assert_true(grows(SKILL, "{" HEAD ",\"tools\":[{\"name\":\"t\",\"description\":\"d\","
                             "\"parameters\":{\"type\":\"object\"},\"approval\":\"never\"}]}"));
}

static void a_person_is_told_what_it_may_do(void **state)
{
    (void)state;
    NF_CLEANUP(nf_str_done) struct nf_str told = { 0 };

    assert_ok(parse(WITH("\"capabilities\":{\"http\":[\"https://a.b/\"],\"secrets\":[\"KEY\"],"
                         "\"kv\":true,\"files\":\"workspace\"}")),
              &err);
    assert_ok(nf_skill_manifest_tell(&m, &told, &err), &err);

    assert_string_equal(nf_str_c(&told), "reaches https://a.b/\n"
                                         "has the secret KEY sent along, without seeing it\n"
                                         "keeps up to 1024 KiB for each person\n"
                                         "reads and writes the files of the conversation\n");
}

static void memory_that_is_short_is_an_error_and_leaks_nothing(void **state)
{
    (void)state;
    const char *text = WITH("\"capabilities\":{\"http\":[\"https://a.b/\"],\"secrets\":[\"A\"]}");
    enum nf_code rc = NF_E_NOMEM;

    for (size_t n = 1; rc != NF_OK; n++) {
        nf_fail_alloc_at(n);
        rc = parse(text);
        nf_fail_alloc_at(0);
        assert_true(rc == NF_OK || rc == NF_E_NOMEM || rc == NF_E_INVALID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(everything_is_read, teardown),
        cmocka_unit_test_teardown(what_is_absent_has_the_careful_default, teardown),
        cmocka_unit_test_teardown(a_process_that_may_hold_private_data_serves_one_call, teardown),
        cmocka_unit_test_teardown(an_error_names_the_field_as_a_path, teardown),
        cmocka_unit_test_teardown(a_member_that_stands_twice_is_refused, teardown),
        cmocka_unit_test_teardown(a_program_and_a_plugin_differ_in_what_they_may_say, teardown),
        cmocka_unit_test_teardown(consent_covers_what_asks_for_no_more, teardown),
        cmocka_unit_test_teardown(a_person_is_told_what_it_may_do, teardown),
        cmocka_unit_test_teardown(memory_that_is_short_is_an_error_and_leaks_nothing, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
