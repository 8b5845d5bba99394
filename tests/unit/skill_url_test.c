#include "skills/url.h"

#include "base/own.h"
#include "tests/support/test.h"

#include <string.h>

static struct nf_str text;
static struct nf_err err;

static int teardown(void **state)
{
    (void)state;
    nf_str_done(&text);
    return 0;
}

/* How `url` is written anew. */
static const char *spell(const char *url)
{
    struct nf_url u;
    assert_ok(nf_url_parse(url, &u, &err), &err);
    assert_ok(nf_url_write(&u, &text, &err), &err);
    return nf_str_c(&text);
}

static enum nf_code parse(const char *url)
{
    struct nf_url u;
    return nf_url_parse(url, &u, &err);
}

static bool within(const char *url, const char *prefix)
{
    struct nf_url u, p;
    assert_ok(nf_url_check_prefix(prefix, &err), &err);
    assert_ok(nf_url_parse(url, &u, &err), &err);
    assert_ok(nf_url_parse(prefix, &p, &err), &err);
    return nf_url_within(&u, &p);
}

static const char *join(const char *base, const char *reference)
{
    struct nf_url u;
    assert_ok(nf_url_parse(base, &u, &err), &err);
    assert_ok(nf_url_join(&u, reference, &text, &err), &err);
    return nf_str_c(&text);
}

static void one_spelling(void **state)
{
    (void)state;
    assert_string_equal(spell("HTTPS://Api.Example.COM.:443"), "https://api.example.com/");
    assert_string_equal(spell("http://a.b:8080/x?y=/../#z"), "http://a.b:8080/x?y=/../");
    assert_string_equal(spell("https://[0:0::1]/"), "https://[::1]/");
    assert_string_equal(spell("https://127.0.0.1?q"), "https://127.0.0.1/?q");
}

static void what_others_may_read_differently_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "a.b",
        "ftp://a.b/",
        "file:///etc/passwd",
        "https:/a.b/",
        "https:///a.b/",
        "https://",
        "https://./",
        "https://user@a.b/",
        "https://a.b:pw@c.d/",
        "https://a.b\\@c.d/",
        "https://a.b/\\x",
        "https://a.b /",
        "https://a.b/\r\nHost: c.d",
        "https://a%2eb/",
        "https://a..b/",
        "https://-a.b/",
        "https://a.b-/",
        "https://\xc3\xa4.b/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.0.0.1/",
        "https://0177.0.0.1/",
        "https://127.0.0.1.1/",
        "https://[::1/",
        "https://[::1%25lo]/",
        "https://[1.2.3.4]/",
        "https://[::1]x/",
        "https://a.b:0/",
        "https://a.b:65536/",
        "https://a.b:/",
        "https://a.b:+1/",
        "https://a.b/%zz",
        "https://a.b/%2",
        "https://a.b/x/../y",
        "https://a.b/./y",
        "https://a.b/x/%2E%2e/y",
        "https://a.b/x/.%2e",
        "https://a.b/x%2f..%2fy",
        "https://a.b/x%5c..%5cy",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        if (parse(bad[i]) != NF_E_INVALID)
            fail_msg("taken: %s", bad[i]);
}

static void the_longest_url_and_host_are_taken(void **state)
{
    (void)state;
    char url[NF_URL_MAX + 2] = "https://a.b/";
    memset(url + strlen(url), 'x', NF_URL_MAX - strlen(url));
    assert_ok(parse(url), &err);
    url[NF_URL_MAX] = 'x';
    assert_code(parse(url), NF_E_INVALID);

    char host[300] = "https://";
    for (size_t i = 0; i < 4; i++) /* 4 labels of 63 and their dots: 255 */
        memset(host + 8 + i * 64, 'x', 63), host[8 + i * 64 + 63] = '.';
    assert_code(parse(host), NF_E_INVALID);
    host[8 + NF_URL_HOST_MAX] = '\0';
    assert_ok(parse(host), &err);
}

static void within_a_prefix_by_its_parts(void **state)
{
    (void)state;
    assert_true(within("https://api.example.com/v1/x?y", "https://api.example.com/"));
    assert_true(within("https://api.example.com", "https://api.example.com/"));
    assert_true(within("https://API.example.com.:443/", "https://api.example.com/"));
    assert_true(within("https://a.b/v1", "https://a.b/v1"));
    assert_true(within("https://a.b/v1/x", "https://a.b/v1"));
    assert_true(within("https://a.b/v1/x", "https://a.b/v1/"));
    assert_false(within("https://a.b/v1", "https://a.b/v1/"));
    assert_false(within("https://a.b/v10", "https://a.b/v1"));
    assert_false(within("https://a.b/V1", "https://a.b/v1"));
    assert_false(within("http://a.b/", "https://a.b/"));
    assert_false(within("https://a.b:444/", "https://a.b/"));
    assert_false(within("https://a.b.c/", "https://a.b/"));
    assert_false(within("https://xa.b/", "https://a.b/"));
    assert_false(within("https://x.a.b/", "https://a.b/"));
    assert_false(within("https://a.b/v1//x", "https://a.b/v1"));
    assert_false(within("https://a.b/v1/x%2fy", "https://a.b/v1"));
    assert_false(within("https://a.b/v1/%252e%252e/x", "https://a.b/v1"));
    assert_false(within("https://a.b/v1/%00", "https://a.b/v1"));
    assert_true(within("https://a.b/v1/caf%C3%A9", "https://a.b/v1"));
    assert_true(within("https://a.b/x%2fy//z", "https://a.b/"));
}

static void a_prefix_has_one_spelling(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "https://a.b",
        "https://A.b/",
        "HTTPS://a.b/",
        "https://a.b./",
        "https://a.b/?x",
        "https://a.b/#x",
        "https://[::1]/",
        "https://a.b//",
        "https://a.b/x//",
        "https://a.b/.x",
        "https://a.b/%20",
        "https://a.b:0443/",
        "*",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        if (nf_url_check_prefix(bad[i], &err) != NF_E_INVALID)
            fail_msg("taken: %s", bad[i]);
    assert_ok(nf_url_check_prefix("http://127.0.0.1:8080/x/y.z/", &err), &err);
}

static void a_redirect_is_seen_from_where_it_came(void **state)
{
    (void)state;
    /* RFC 3986 section 5.4.1 with its base, so far as it is http. */
    const char *base = "http://a/b/c/d?q";
    assert_string_equal(join(base, "g"), "http://a/b/c/g");
    assert_string_equal(join(base, "./g"), "http://a/b/c/g");
    assert_string_equal(join(base, "g/"), "http://a/b/c/g/");
    assert_string_equal(join(base, "/g"), "http://a/g");
    assert_string_equal(join(base, "//g"), "http://g");
    assert_string_equal(join(base, "?y"), "http://a/b/c/d?y");
    assert_string_equal(join(base, "g?y#s"), "http://a/b/c/g?y");
    assert_string_equal(join(base, "#s"), "http://a/b/c/d?q");
    assert_string_equal(join(base, ""), "http://a/b/c/d?q");
    assert_string_equal(join(base, ".."), "http://a/b/");
    assert_string_equal(join(base, "../g"), "http://a/b/g");
    assert_string_equal(join(base, "../../g"), "http://a/g");
    assert_string_equal(join(base, "../../../g"), "http://a/g");
    assert_string_equal(join(base, "/../g"), "http://a/g");
    assert_string_equal(join(base, "/a/./b/../c"), "http://a/a/c");
    assert_string_equal(join(base, "https://h/i"), "https://h/i");
    assert_string_equal(join("https://h", "g"), "https://h/g");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(one_spelling, teardown),
        cmocka_unit_test_teardown(what_others_may_read_differently_is_refused, teardown),
        cmocka_unit_test_teardown(the_longest_url_and_host_are_taken, teardown),
        cmocka_unit_test_teardown(within_a_prefix_by_its_parts, teardown),
        cmocka_unit_test_teardown(a_prefix_has_one_spelling, teardown),
        cmocka_unit_test_teardown(a_redirect_is_seen_from_where_it_came, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
