#include "skills/net.h"

#include "tests/support/test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

static struct sockaddr_storage at(const char *text)
{
    struct sockaddr_storage s = { 0 };
    struct sockaddr_in in = { .sin_family = AF_INET };
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };

    if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
        memcpy(&s, &in, sizeof(in));
    else if (inet_pton(AF_INET6, text, &in6.sin6_addr) == 1)
        memcpy(&s, &in6, sizeof(in6));
    else
        fail_msg("no address: %s", text);
    return s;
}

static bool is_public(const char *text)
{
    struct sockaddr_storage s = at(text);
    return nf_net_is_public((const struct sockaddr *)&s);
}

static bool may(const char *entry, const char *host, const char *text)
{
    char *v[] = { (char *)entry };
    struct nf_setting_strs allow = { v, 1 };
    struct sockaddr_storage s = at(text);
    return nf_net_may_connect(&allow, host, (const struct sockaddr *)&s);
}

static void the_internet_is_public(void **state)
{
    (void)state;
    static const char *const good[] = {
        "1.1.1.1",      "9.255.255.255",   "11.0.0.0",       "100.63.255.255", "100.128.0.0",
        "126.0.0.1",    "128.0.0.1",       "169.253.0.1",    "172.15.255.255", "172.32.0.0",
        "192.0.1.0",    "192.167.0.1",     "198.17.255.255", "198.20.0.0",     "223.255.255.255",
        "2606:4700::1", "2001:4860::8888", "2a00::1",        "2001:200::1",    "3fff:1000::",
    };
    for (size_t i = 0; i < NF_COUNT(good); i++)
        if (!is_public(good[i]))
            fail_msg("not public: %s", good[i]);
}

static void everything_else_is_not(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "10.255.255.255",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.255",
        "169.254.169.254",
        "169.254.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:1.1.1.1",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::1",
        "100::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "2001::1",
        "2001:0:7f00:1::",
        "2001:20::1",
        "2001:1ff::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:a00:1::",
        "3fff::1",
        "4000::1",
        "5f00::1",
        "1fff::1",
    };
    for (size_t i = 0; i < NF_COUNT(bad); i++)
        if (is_public(bad[i]))
            fail_msg("public: %s", bad[i]);
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    assert_false(nf_net_is_public((const struct sockaddr *)&un));
}

static void the_configuration_may_name_more(void **state)
{
    (void)state;
    assert_false(may("10.0.0.0/8", "a.b", "127.0.0.1"));
    assert_true(may("127.0.0.1", "a.b", "127.0.0.1"));
    assert_false(may("127.0.0.1", "a.b", "127.0.0.2"));
    assert_true(may("10.1.0.0/16", "a.b", "10.1.255.255"));
    assert_false(may("10.1.0.0/16", "a.b", "10.2.0.0"));
    assert_true(may("10.0.0.0/9", "a.b", "10.127.0.0"));
    assert_false(may("10.0.0.0/9", "a.b", "10.128.0.0"));
    assert_true(may("0.0.0.0/0", "a.b", "127.0.0.1"));
    assert_false(may("0.0.0.0/0", "a.b", "::1"));
    assert_true(may("::1", "a.b", "::1"));
    assert_true(may("fd00::/8", "a.b", "fd12::1"));
    assert_true(may("nas.home", "nas.home", "192.168.0.9"));
    assert_false(may("nas.home", "x.nas.home", "192.168.0.9"));
    assert_true(may("nas.home", "a.b", "1.1.1.1"));
}

static void an_entry_is_a_host_an_address_or_a_network(void **state)
{
    (void)state;
    struct nf_err err;
    static const char *const good[] = { "localhost", "nas.home",  "10.0.0.0/8", "::1",
                                        "fd00::/8",  "127.0.0.1", "1.home" };
    static const char *const bad[] = { "",       "10.0.0.0/33", "10.0.0", "10.0.0.0/",
                                       "::/129", "A.b",         "a b",    "http://a",
                                       "a.b/8",  "10.0.0.0/-1", "*" };
    for (size_t i = 0; i < NF_COUNT(good); i++)
        assert_ok(nf_net_check_allow(good[i], &err), &err);
    for (size_t i = 0; i < NF_COUNT(bad); i++)
        if (nf_net_check_allow(bad[i], &err) != NF_E_INVALID)
            fail_msg("taken: %s", bad[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_internet_is_public),
        cmocka_unit_test(everything_else_is_not),
        cmocka_unit_test(the_configuration_may_name_more),
        cmocka_unit_test(an_entry_is_a_host_an_address_or_a_network),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
