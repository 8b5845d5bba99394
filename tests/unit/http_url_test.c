#include "runtime/http_url.h"

#include "base/own.h"
#include "tests/support/test.h"

#include <string.h>

/* What a URL is taken for: "origin host path user:password". */
static void assert_url(const char *text, bool websocket, const char *want)
{
    NF_CLEANUP(nf_http_url_done) struct nf_http_url u = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str got = { 0 };
    struct nf_err err;

    assert_ok(nf_http_url_parse(text, websocket, &u, &err), &err);
    assert_ok(nf_http_origin_write(&u, &got, &err), &err);
    assert_ok(nf_str_adds(&got, " ", &err), &err);
    assert_ok(nf_http_url_add_host(&u, &got, &err), &err);
    assert_ok(nf_str_adds(&got, " ", &err), &err);
    assert_ok(nf_http_url_add_path(&u, &got, &err), &err);
    assert_ok(nf_str_adds(&got, " ", &err), &err);
    assert_ok(nf_http_url_add_user(&u, &got, &err), &err);
    assert_string_equal(nf_str_c(&got), want);
}

static void the_parts_of_a_url_are_told(void **state)
{
    (void)state;
    assert_url("http://h", false, "http://h:80 h / :");
    assert_url("HTTPS://H.example:8443/a/b?c=d?e#f", false,
               "https://H.example:8443 H.example:8443 /a/b?c=d?e :");
    assert_url("http://h?", false, "http://h:80 h /? :");
    assert_url("http://h:/x", false, "http://h:80 h /x :");
    assert_url("http://h:80#/x?y", false, "http://h:80 h:80 / :");
    assert_url("ws://h:1/x", true, "http://h:1 h:1 /x :");
    assert_url("wss://h/", true, "https://h:443 h / :");
    assert_url("http://u:p%3a%40%4@127.0.0.1/", false, "http://127.0.0.1:80 127.0.0.1 / u:p:@%4");
    assert_url("http://only@h/", false, "http://h:80 h / only:");
}

static void addresses_of_version_6_stand_in_brackets(void **state)
{
    (void)state;
    assert_url("http://[::1]:9/", false, "http://[::1]:9 [::1]:9 / :");
    assert_url("http://[fe80::1%25eth0]/", false, "http://[fe80::1%25eth0]:80 [fe80::1] / :");
    assert_url("http://[fe80::1%eth0]:1", false, "http://[fe80::1%25eth0]:1 [fe80::1]:1 / :");
}

static void what_is_no_url_is_refused_and_not_quoted(void **state)
{
    static const char *const bad[] = {
        "",
        "hush",
        "http:/hush",
        "http://",
        "http://:80/hush",
        "http://@/hush",
        "http:///hush",
        "http://hush:0",
        "http://hush:65536",
        "http://hush:-1",
        "http://hush:8x",
        "http://a@hush@b",
        "http://hush%2ecom",
        "http://hush,com",
        "http://hu\\sh",
        "http://hush.example/ ",
        "http://hush\xc3\xbc",
        "http://[hush]",
        "http://[::1",
        "http://[::1]hush",
        "http://[::1%]/hush",
        "http://[::1::2]/hush",
        "http://[1111:2222:3333:4444:5555:6666:7777:8888:9999:hush:hush:hush:hush]/",
        "ws://hush",
        "httpx://hush",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct nf_http_url u = { 0 };
        struct nf_err err = { 0 };
        if (nf_http_url_parse(bad[i], false, &u, &err) != NF_E_INVALID)
            fail_msg("%s is taken", bad[i]);
        assert_null(u.text);
        assert_null(strstr(err.msg, "hush"));
    }
    struct nf_http_url u = { 0 };
    struct nf_err err;
    assert_code(nf_http_url_parse("http://h", true, &u, &err), NF_E_INVALID);
}

static void a_url_ends_at_its_limit(void **state)
{
    char text[NF_HTTP_URL_MAX + 2] = "http://h/";
    struct nf_http_url u = { 0 };
    struct nf_err err;
    (void)state;
    memset(text + 9, 'a', NF_HTTP_URL_MAX + 1 - 9);

    assert_code(nf_http_url_parse(text, false, &u, &err), NF_E_INVALID);
    text[NF_HTTP_URL_MAX] = '\0';
    assert_ok(nf_http_url_parse(text, false, &u, &err), &err);
    nf_http_url_done(&u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_parts_of_a_url_are_told),
        cmocka_unit_test(addresses_of_version_6_stand_in_brackets),
        cmocka_unit_test(what_is_no_url_is_refused_and_not_quoted),
        cmocka_unit_test(a_url_ends_at_its_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
