/* Values against schemas, and schemas against what we can hold. */
#include "base/own.h"
#include "codec/json_schema.h"
#include "tests/support/test.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static struct nf_err err;

/* The arguments as {"v": VALUE} against {"type":"object","properties":{"v": SCHEMA}}. */
static enum nf_code fits(const char *schema, const char *value)
{
    NF_CLEANUP(nf_str_done) struct nf_str s = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str v = { 0 };
    assert_ok(nf_str_addf(&s, &err, "{\"type\":\"object\",\"properties\":{\"v\":%s}}", schema),
              &err);
    assert_ok(nf_str_addf(&v, &err, "{\"v\":%s}", value), &err);
    assert_ok(nf_json_schema_check_text(nf_str_c(&s), &err), &err);
    return nf_json_schema_check_args(nf_str_c(&s), nf_str_c(&v), &err);
}

static void said(const char *schema, const char *value, const char *message)
{
    assert_code(fits(schema, value), NF_E_INVALID);
    assert_string_equal(err.msg, message);
}

static void what_does_not_fit_is_told_with_its_place(void **state)
{
    (void)state;
    said("{\"type\":\"string\"}", "1", "arguments.v: must be a string");
    said("{\"type\":\"integer\"}", "1.5", "arguments.v: must be an integer");
    said("{\"type\":[\"string\",\"null\"]}", "1", "arguments.v: must be of type string or null");
    said("{\"enum\":[\"a\",2,null]}", "\"b\"", "arguments.v: must be one of \"a\", 2, null");
    said("{\"const\":1}", "2", "arguments.v: is not the only value that is allowed");
    said("{\"minimum\":3}", "2", "arguments.v: must be at least 3");
    said("{\"exclusiveMaximum\":3}", "3", "arguments.v: must be less than 3");
    said("{\"multipleOf\":5}", "7", "arguments.v: must be a multiple of 5");
    said("{\"minLength\":2}", "\"\xc3\xa4\"",
         "arguments.v: must have at least 2 characters, not 1");
    said("{\"maxLength\":1}", "\"ab\"", "arguments.v: must have at most 1 characters, not 2");
    said("{\"items\":{\"type\":\"string\"}}", "[\"a\",1]", "arguments.v[1]: must be a string");
    said("{\"maxItems\":1}", "[1,2]", "arguments.v: must have at most 1 items, not 2");
    said("{\"uniqueItems\":true}", "[1,1.0]", "arguments.v: must not hold the same item twice");
    said("{\"required\":[\"city\"]}", "{}", "arguments.v.city: missing");
    said("{\"additionalProperties\":false}", "{\"x\":1}",
         "arguments.v.x: there is no such member: leave it out");
    said("{\"properties\":{\"a\":{\"items\":{\"minimum\":1}}}}", "{\"a\":[1,0]}",
         "arguments.v.a[1]: must be at least 1");
    said("{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"null\"}]}", "1",
         "arguments.v: fits none of the alternatives; the first: arguments.v: must be a string");
    said("{\"oneOf\":[{\"type\":\"number\"},{\"minimum\":1}]}", "2",
         "arguments.v: fits more than one of the alternatives");
    said("{\"not\":{\"type\":\"string\"}}", "\"a\"", "arguments.v: is what it must not be");
    said("false", "1", "arguments.v: nothing is allowed here");
}

static void what_fits_fits(void **state)
{
    static const struct {
        const char *schema, *value;
    } cases[] = {
        { "true", "1" },
        { "{\"type\":\"integer\"}", "1.0" },
        { "{\"type\":\"integer\"}", "1e3" },
        { "{\"type\":\"number\"}", "-1.5e300" },
        { "{\"enum\":[{\"a\":[1,2]}]}", "{\"a\":[1.0,2]}" },
        { "{\"const\":{\"a\":1,\"b\":2}}", "{\"b\":2,\"a\":1}" },
        { "{\"minimum\":9007199254740993}", "9007199254740993" },
        { "{\"maxLength\":1}", "\"\xf0\x9f\x95\x90\"" },
        { "{\"minLength\":100}", "5" }, /* of another type: not its business */
        { "{\"multipleOf\":0.1}", "0.3" },
        { "{\"prefixItems\":[{\"type\":\"string\"}],\"items\":{\"type\":\"null\"}}",
          "[\"a\",null]" },
        { "{\"dependentRequired\":{\"a\":[\"b\"]}}", "{\"b\":1}" },
        { "{\"pattern_\":1,\"format\":\"date\",\"default\":3}", "\"anything\"" },
        { "{\"allOf\":[{\"minimum\":1},{\"maximum\":3}]}", "2" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_ok(fits(cases[i].schema, cases[i].value), &err);
    assert_code(fits("{\"minimum\":9007199254740993}", "9007199254740992"), NF_E_INVALID);
}

static void refs_lead_to_definitions_and_to_the_root(void **state)
{
    static const char tree[] = "{\"type\":\"object\",\"required\":[\"n\"],\"properties\":{\"n\":"
                               "{\"$ref\":\"#/$defs/n\"},\"kids\":{\"items\":{\"$ref\":\"#\"}}},"
                               "\"$defs\":{\"n\":{\"type\":\"integer\"}}}";
    (void)state;
    assert_ok(nf_json_schema_check_text(tree, &err), &err);
    assert_ok(nf_json_schema_check_args(tree, "{\"n\":1,\"kids\":[{\"n\":2,\"kids\":[]}]}", &err),
              &err);
    assert_code(
        nf_json_schema_check_args(tree, "{\"n\":1,\"kids\":[{\"n\":2},{\"n\":\"x\"}]}", &err),
        NF_E_INVALID);
    assert_string_equal(err.msg, "arguments.kids[1].n: must be an integer");
}

static void arguments_are_an_object_in_which_no_name_stands_twice(void **state)
{
    static const char any[] = "{\"type\":\"object\"}";
    (void)state;
    assert_code(nf_json_schema_check_args(any, "[]", &err), NF_E_INVALID);
    assert_string_equal(err.msg, "arguments: must be an object");
    assert_code(nf_json_schema_check_args(any, "{\"a\":{\"b\":1,\"b\":2}}", &err), NF_E_INVALID);
    assert_string_equal(err.msg, "arguments: a name stands twice in an object");
    assert_code(nf_json_schema_check_args(any, "{\"a\":", &err), NF_E_INVALID);
    assert_ok(nf_json_schema_check_args(any, "{}", &err), &err);
}

static void refused(const char *schema, const char *message)
{
    assert_code(nf_json_schema_check_text(schema, &err), NF_E_INVALID);
    assert_string_equal(err.msg, message);
}

#define ROOT(more) "{\"type\":\"object\"," more "}"
#define UNSUPPORTED                                                                                \
    ": is not supported, and to ignore it would let through what it forbids: check it in the tool"

static void a_schema_that_we_cannot_hold_is_refused_with_its_place(void **state)
{
    static const char *const unsupported[] = {
        "pattern",
        "patternProperties",
        "propertyNames",
        "contains",
        "minContains",
        "maxContains",
        "if",
        "then",
        "else",
        "dependentSchemas",
        "dependencies",
        "unevaluatedItems",
        "unevaluatedProperties",
        "additionalItems",
        "$dynamicRef",
        "$recursiveRef",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(unsupported) / sizeof(unsupported[0]); i++) {
        NF_CLEANUP(nf_str_done) struct nf_str s = { 0 };
        assert_ok(nf_str_addf(&s, &err, "{\"type\":\"object\",\"%s\":{}}", unsupported[i]), &err);
        assert_code(nf_json_schema_check_text(nf_str_c(&s), &err), NF_E_INVALID);
        assert_non_null(strstr(err.msg, unsupported[i]));
    }
    refused(ROOT("\"properties\":{\"city\":{\"pattern\":\"a\"}}"),
            "schema.properties.city.pattern" UNSUPPORTED);
    refused("{}", "schema.type: must be \"object\": arguments have names");
    refused(ROOT("\"items\":[{}]"), "schema.items: must be a schema: an object, true or false");
    refused(ROOT("\"exclusiveMinimum\":true"), "schema.exclusiveMinimum: must be a number");
    refused(ROOT("\"multipleOf\":0"), "schema.multipleOf: must be a number above 0");
    refused(ROOT("\"minLength\":-1"), "schema.minLength: must be an integer from 0 on");
    refused(ROOT("\"anyOf\":[]"), "schema.anyOf: must be an array of schemas, and not empty");
    refused(ROOT("\"required\":[1]"), "schema.required: must be an array of names");
    refused(ROOT("\"uniqueItems\":1"), "schema.uniqueItems: must be true or false");
    refused(ROOT("\"properties\":{\"a\":{\"$id\":\"x\"}}"),
            "schema.properties.a.$id: is allowed at the root only");
    refused(ROOT("\"$defs\":{\"a\":{\"$ref\":\"#/$defs/b\"},\"b\":{\"$ref\":\"#/$defs/a\"}}"),
            "schema.$defs.a.$ref: refers to itself");
    refused(ROOT("\"a\":1,\"a\":2"), "schema: a name stands twice in an object");
}

static void a_ref_that_leads_nowhere_is_refused(void **state)
{
    static const char *const refs[] = { "#/$defs/none", "http://x/y",  "#/properties/a",
                                        "#name",        "#/$defs/a/b", "#/$defs/%61" };
    (void)state;
    for (size_t i = 0; i < sizeof(refs) / sizeof(refs[0]); i++) {
        NF_CLEANUP(nf_str_done) struct nf_str s = { 0 };
        assert_ok(nf_str_addf(&s, &err,
                              "{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"%s\"}},"
                              "\"$defs\":{\"a\":{}}}",
                              refs[i]),
                  &err);
        assert_code(nf_json_schema_check_text(nf_str_c(&s), &err), NF_E_INVALID);
        assert_non_null(strstr(err.msg, "schema.properties.a.$ref: must be"));
    }
}

/* --- limits ----------------------------------------------------------------------------------- */

static void endless_recursion_is_a_limit_not_a_crash(void **state)
{
    static const char loop[] = ROOT("\"allOf\":[{\"$ref\":\"#\"}]");
    (void)state;
    assert_ok(nf_json_schema_check_text(loop, &err), &err);
    assert_code(nf_json_schema_check_args(loop, "{}", &err), NF_E_LIMIT);
}

/* Each level asks twice: 2^60 steps, if nobody counted. */
static void too_much_work_is_a_limit_not_a_hang(void **state)
{
    NF_CLEANUP(nf_str_done) struct nf_str s = { 0 };
    (void)state;
    assert_ok(nf_str_adds(&s,
                          "{\"type\":\"object\",\"properties\":{\"v\":{\"$ref\":\"#/$defs/d0\"}},"
                          "\"$defs\":{",
                          &err),
              &err);
    for (int i = 0; i < 28; i++)
        assert_ok(nf_str_addf(&s, &err,
                              "\"d%d\":{\"allOf\":[{\"$ref\":\"#/$defs/d%d\"},"
                              "{\"$ref\":\"#/$defs/d%d\"}]},",
                              i, i + 1, i + 1),
                  &err);
    assert_ok(nf_str_adds(&s, "\"d28\":{}}}", &err), &err);
    assert_ok(nf_json_schema_check_text(nf_str_c(&s), &err), &err);
    assert_code(nf_json_schema_check_args(nf_str_c(&s), "{\"v\":1}", &err), NF_E_LIMIT);
}

static void comparing_is_counted_too(void **state)
{
    NF_CLEANUP(nf_str_done) struct nf_str v = { 0 };
    (void)state;
    assert_ok(nf_str_adds(&v, "[0", &err), &err);
    for (int i = 1; i < 2000; i++)
        assert_ok(nf_str_addf(&v, &err, ",%d", i), &err);
    assert_ok(nf_str_adds(&v, "]", &err), &err);
    assert_code(fits("{\"uniqueItems\":true}", nf_str_c(&v)), NF_E_LIMIT);
    assert_code(fits("{\"not\":{\"uniqueItems\":true}}", nf_str_c(&v)), NF_E_LIMIT);
}

static void a_schema_deeper_than_the_bound_is_refused(void **state)
{
    (void)state;
    for (int deep = 31; deep <= 32; deep++) {
        NF_CLEANUP(nf_str_done) struct nf_str s = { 0 };
        assert_ok(nf_str_adds(&s, "{\"type\":\"object\"", &err), &err);
        for (int i = 0; i < deep; i++)
            assert_ok(nf_str_adds(&s, ",\"not\":{\"minimum\":1", &err), &err);
        for (int i = 0; i <= deep; i++)
            assert_ok(nf_str_adds(&s, "}", &err), &err);
        assert_code(nf_json_schema_check_text(nf_str_c(&s), &err), deep < 32 ? NF_OK : NF_E_LIMIT);
    }
}

/* What a fiber has: 256 KiB, of which others need some. */
static void *deepest(void *arg)
{
    struct nf_err mine;
    NF_CLEANUP(nf_str_done) struct nf_str v = { 0 };
    enum nf_code *rc = arg;
    *rc = NF_OK;
    for (int i = 0; i < 40 && *rc == NF_OK; i++)
        *rc = nf_str_adds(&v, "{\"a\":", &mine);
    if (*rc == NF_OK)
        *rc = nf_str_adds(&v, "1", &mine);
    for (int i = 0; i < 40 && *rc == NF_OK; i++)
        *rc = nf_str_adds(&v, "}", &mine);
    if (*rc == NF_OK)
        *rc = nf_json_schema_check_args("{\"type\":\"object\",\"anyOf\":[{\"properties\":{\"a\":"
                                        "{\"$ref\":\"#\"}}},{\"not\":{\"properties\":{\"a\":"
                                        "{\"$ref\":\"#\"}}}}]}",
                                        nf_str_c(&v), &mine);
    return NULL;
}

static void the_deepest_there_is_fits_a_fibers_stack(void **state)
{
    pthread_t t;
    pthread_attr_t a;
    enum nf_code rc = NF_E_INTERNAL;
    (void)state;
    assert_int_equal(pthread_attr_init(&a), 0);
    assert_int_equal(pthread_attr_setstacksize(&a, (size_t)192 * 1024), 0);
    assert_int_equal(pthread_create(&t, &a, deepest, &rc), 0);
    assert_int_equal(pthread_join(t, NULL), 0);
    pthread_attr_destroy(&a);
    assert_code(rc, NF_E_LIMIT);
}

static void the_sizes_are_bounded(void **state)
{
    char *big = malloc(NF_JSON_ARGS_BYTES_MAX + 16);
    (void)state;
    assert_non_null(big);
    memset(big, ' ', NF_JSON_ARGS_BYTES_MAX + 1);
    memcpy(big + NF_JSON_ARGS_BYTES_MAX - 1, "{}", 3);
    enum nf_code args = nf_json_schema_check_args("{\"type\":\"object\"}", big, &err);
    memcpy(big + NF_JSON_SCHEMA_BYTES_MAX - 16, "{\"type\":\"object\"}", 18);
    enum nf_code schema = nf_json_schema_check_text(big, &err);
    free(big);
    assert_code(args, NF_E_LIMIT);
    assert_code(schema, NF_E_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_does_not_fit_is_told_with_its_place),
        cmocka_unit_test(what_fits_fits),
        cmocka_unit_test(refs_lead_to_definitions_and_to_the_root),
        cmocka_unit_test(arguments_are_an_object_in_which_no_name_stands_twice),
        cmocka_unit_test(a_schema_that_we_cannot_hold_is_refused_with_its_place),
        cmocka_unit_test(a_ref_that_leads_nowhere_is_refused),
        cmocka_unit_test(endless_recursion_is_a_limit_not_a_crash),
        cmocka_unit_test(too_much_work_is_a_limit_not_a_hang),
        cmocka_unit_test(comparing_is_counted_too),
        cmocka_unit_test(a_schema_deeper_than_the_bound_is_refused),
        cmocka_unit_test(the_deepest_there_is_fits_a_fibers_stack),
        cmocka_unit_test(the_sizes_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
