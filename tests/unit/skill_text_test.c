#include "tests/support/skill_host.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct nf_skill_v1 nf_skill_v1;

static int setup(void **data)
{
    *data = skill_rig_new(&nf_skill_v1);
    return 0;
}

static int teardown(void **data)
{
    skill_rig_free(*data);
    return 0;
}

static const char *args(const char *format, ...) __attribute__((format(printf, 1, 2)));
static const char *args(const char *format, ...)
{
    static char text[65536];
    va_list ap;

    va_start(ap, format);
    (void)vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    return text;
}

static void digests_are_those_of_the_standards(void **data)
{
    /* RFC 1321 A.5, FIPS 180-4's examples, the check value of CRC-32. */
    static const struct {
        const char *algorithm, *text, *want;
    } cases[] = {
        { "md5", "", "d41d8cd98f00b204e9800998ecf8427e" },
        { "md5", "message digest", "f96b697d7cb7938d525a2f31aaf161d0" },
        { "md5", "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
          "57edf4a22be3c955ac49da2e2107b67a" },
        { "sha1", "abc", "a9993e364706816aba3e25717850c26c9cd0d89d" },
        { "sha1", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
          "84983e441c3bd26ebaae4aa1f95129e5e54670f1" },
        { "sha256", "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
        { "sha256", "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
        { "sha256", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
        { "sha512", "abc",
          "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23"
          "a3fe"
          "ebbd454d4423643ce80e2a9ac94fa54ca49f" },
        { "sha512",
          "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqr"
          "lmn"
          "opqrsmnopqrstnopqrstu",
          "8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018501d289e4900f7e4331b99de"
          "c4b5"
          "433ac7d329eeb6dd26545e96e55b874be909" },
        { "crc32", "123456789", "cbf43926" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        skill_has(*data, "hash",
                  args("{\"text\":\"%s\",\"algorithm\":\"%s\"}", cases[i].text, cases[i].algorithm),
                  cases[i].want);
    skill_has(*data, "hash", "{\"text\":\"YWJj\",\"input\":\"base64\"}", "ba7816bf");
    skill_has(*data, "hash", "{\"text\":\"61 62 63\",\"input\":\"hex\"}", "ba7816bf");
    skill_fails(*data, "hash", "{\"text\":\"a\",\"algorithm\":\"sha3\"}", NF_SKILL_E_INVALID,
                "md5, sha1, sha256, sha512, crc32");
}

static void encodings_go_both_ways(void **data)
{
    static const struct {
        const char *encoding, *text, *encoded;
    } cases[] = {
        /* RFC 4648, section 10 */
        { "base64", "", "" },
        { "base64", "f", "Zg==" },
        { "base64", "fo", "Zm8=" },
        { "base64", "foo", "Zm9v" },
        { "base64", "foob", "Zm9vYg==" },
        { "base64", "foobar", "Zm9vYmFy" },
        { "base64url", "\xc3\xbf\xc3\xbe?", "w7_Dvj8" },
        { "hex", "foo\xc3\xa9", "666f6fc3a9" },
        { "url", "a b&c/\xc3\xa9-._~", "a%20b%26c%2F%C3%A9-._~" },
        { "html", "<a href='x'>&", "&lt;a href=&#39;x&#39;&gt;&amp;" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char want[128];

        (void)snprintf(want, sizeof(want), "{\"result\":\"%s\"}", cases[i].encoded);
        skill_is(*data, "encode",
                 args("{\"text\":\"%s\",\"encoding\":\"%s\"}", cases[i].text, cases[i].encoding),
                 want);
        skill_has(
            *data, "decode",
            args("{\"text\":\"%s\",\"encoding\":\"%s\"}", cases[i].encoded, cases[i].encoding),
            cases[i].text);
    }
    skill_has(*data, "decode",
              "{\"text\":\"&eacute;&#233;&#xe9;&amp;lt;&notin;&copy 2 &bogus; &\","
              "\"encoding\":\"html\"}",
              "\xc3\xa9\xc3\xa9\xc3\xa9&lt;\xe2\x88\x89\xc2\xa9 2 &bogus; &");
    skill_has(*data, "decode",
              "{\"text\":\"&#128;&#0;&#xD800;&#x110000;&#99999999999;\","
              "\"encoding\":\"html\"}",
              "\xe2\x82\xac\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    skill_has(*data, "decode", "{\"text\":\"a+b\",\"encoding\":\"url\",\"plus_is_space\":true}",
              "a b");
    skill_has(*data, "decode", "{\"text\":\"a+b\",\"encoding\":\"url\"}", "a+b");
    skill_has(*data, "decode", "{\"text\":\"Zm9\\nv Yg\",\"encoding\":\"base64\"}", "foob");
    skill_has(*data, "decode", "{\"text\":\"/w==\",\"encoding\":\"base64\"}", "\"hex\":\"ff\"");
    skill_has(*data, "decode", "{\"text\":\"00\",\"encoding\":\"hex\"}", "\"hex\":\"00\"");
    skill_fails(*data, "decode", "{\"text\":\"Z\",\"encoding\":\"base64\"}", NF_SKILL_E_INVALID,
                "length");
    skill_fails(*data, "decode", "{\"text\":\"Zg=a\",\"encoding\":\"base64\"}", NF_SKILL_E_INVALID,
                "character 4");
    skill_fails(*data, "decode", "{\"text\":\"Z!==\",\"encoding\":\"base64\"}", NF_SKILL_E_INVALID,
                "character 2");
    skill_fails(*data, "decode", "{\"text\":\"abc\",\"encoding\":\"hex\"}", NF_SKILL_E_INVALID,
                "missing");
    skill_fails(*data, "decode", "{\"text\":\"a%2\",\"encoding\":\"url\"}", NF_SKILL_E_INVALID,
                "character 2");
}

#define STORE                                                                                      \
    "{\\\"store\\\":{\\\"book\\\":[{\\\"title\\\":\\\"A\\\",\\\"price\\\":8.95},{\\\"title\\\":"   \
    "\\\"B\\\",\\\"price\\\":12.99,\\\"isbn\\\":\\\"x\\\"},{\\\"title\\\":\\\"C\\\","              \
    "\\\"price\\\":"                                                                               \
    "22}],\\\"a/b\\\":{\\\"~\\\":true,\\\"it's\\\":null}}}"

static void query(void **data, const char *path, const char *want)
{
    skill_is(*data, "json", args("{\"json\":\"" STORE "\",\"path\":\"%s\"}", path), want);
}

static void json_is_asked_by_pointer_and_path(void **data)
{
    query(data, "/store/book/1/title", "\"B\"");
    query(data, "/store/a~1b/~0", "true");
    query(data, "$.store.book[0].title",
          "{\"count\":1,\"matches\":[{\"path\":\"$.store.book[0].title\",\"value\":\"A\"}]}");
    query(data, "$['store']['book'][-1].price",
          "{\"count\":1,\"matches\":[{\"path\":\"$.store.book[2].price\",\"value\":22}]}");
    query(data, "$..isbn",
          "{\"count\":1,\"matches\":[{\"path\":\"$.store.book[1].isbn\",\"value\":\"x\"}]}");
    query(data, "$.store.book[?(@.price < 10)].title",
          "{\"count\":1,\"matches\":[{\"path\":\"$.store.book[0].title\",\"value\":\"A\"}]}");
    query(data, "$.store.book[?@.title == 'C'].price",
          "{\"count\":1,\"matches\":[{\"path\":\"$.store.book[2].price\",\"value\":22}]}");
    query(data, "$.store.book[?@.isbn].title",
          "{\"count\":1,\"matches\":[{\"path\":\"$.store.book[1].title\",\"value\":\"B\"}]}");
    query(data, "$.store.book[1:].title",
          "{\"count\":2,\"matches\":[{\"path\":\"$.store.book[1].title\",\"value\":\"B\"},"
          "{\"path\":\"$.store.book[2].title\",\"value\":\"C\"}]}");
    query(data, "$.store['a/b']['it\\\\'s']",
          "{\"count\":1,\"matches\":[{\"path\":\"$.store['a/b']['it\\\\'s']\",\"value\":null}]}");
    query(data, "$.nothing[*]", "{\"count\":0,\"matches\":[]}");
    query(data, "$.store.book[*].price",
          "{\"count\":3,\"matches\":[{\"path\":\"$.store.book[0].price\",\"value\":8.95},{\"path\":"
          "\"$.store.book[1].price\",\"value\":12.99},{\"path\":\"$.store.book[2].price\","
          "\"value\":22}]}");
    skill_has(*data, "json", "{\"json\":\"[1,2,[3]]\",\"path\":\"$..*\"}", "\"count\":4");
    skill_has(*data, "json", "{\"json\":\"[1,5,9]\",\"path\":\"$[?@ >= 5]\"}", "\"count\":2");
    skill_has(*data, "json", "{\"json\":\"[true,null,1]\",\"path\":\"$[?@ != null]\"}",
              "\"count\":2");
    skill_is(*data, "json",
             "{\"json\":\" {\\\"a\\\" : [1, {}], \\\"b\\\": \\\"x\\\"} \","
             "\"operation\":\"format\"}",
             "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": \"x\"\n}");
    skill_is(*data, "json", "{\"json\":\" [ 1 , 2 ] \",\"operation\":\"minify\"}", "[1,2]");
}

static void wrong_queries_are_explained(void **data)
{
    static const struct {
        const char *path, *want;
        int code;
    } cases[] = {
        { "/store/books", "nothing at \"/store/books\"", NF_SKILL_E_NOT_FOUND },
        { "/store/book/3", "nothing at", NF_SKILL_E_NOT_FOUND },
        { "/~2", "behind ~", NF_SKILL_E_INVALID },
        { "store", "must begin with", NF_SKILL_E_INVALID },
        { "$store", "at character 2", NF_SKILL_E_INVALID },
        { "$.", "a name expected", NF_SKILL_E_INVALID },
        { "$[", "an index", NF_SKILL_E_INVALID },
        { "$[1", "] expected", NF_SKILL_E_INVALID },
        { "$['x", "closing quote", NF_SKILL_E_INVALID },
        { "$[?price]", "@.name expected", NF_SKILL_E_INVALID },
        { "$[?(@.price]", ") expected", NF_SKILL_E_INVALID },
        { "$[?@.price == x]", "a number", NF_SKILL_E_INVALID },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        skill_fails(*data, "json", args("{\"json\":\"" STORE "\",\"path\":\"%s\"}", cases[i].path),
                    cases[i].code, cases[i].want);
    skill_fails(*data, "json", "{\"json\":\"{\"}", NF_SKILL_E_INVALID, "\"json\" is no JSON");
}

static void many_values_meet_a_limit(void **data)
{
    char *json = malloc(60000);
    size_t used = 1;

    assert_non_null(json);
    json[0] = '[';
    for (int i = 0; i < 5000; i++)
        used += (size_t)snprintf(json + used, 60000 - used, "%s[%d]", i ? "," : "", i);
    json[used++] = ']';
    assert_int_equal(skill_rig_call_with(*data, "json", "json", json, used, ",\"path\":\"$[*]\""),
                     NF_SKILL_E_LIMIT);
    assert_int_equal(
        skill_rig_call_with(*data, "json", "json", json, used, ",\"path\":\"$..*..*..*..*\""),
        NF_SKILL_E_LIMIT);
    assert_int_equal(
        skill_rig_call_with(*data, "json", "json", json, used, ",\"path\":\"$[4999][0]\""),
        NF_SKILL_OK);
    free(json);
}

static void diffs_are_smallest_and_unified(void **data)
{
    skill_is(*data, "diff", "{\"old\":\"a\\nb\\nc\\n\",\"new\":\"a\\nx\\nc\\n\"}",
             "1 lines added, 1 removed\n--- text (old)\n+++ text (new)\n@@ -1,3 +1,3 @@\n "
             "a\n-b\n+x\n c\n");
    skill_is(*data, "diff", "{\"old\":\"\",\"new\":\"a\\n\",\"name\":\"f\"}",
             "1 lines added, 0 removed\n--- f (old)\n+++ f (new)\n@@ -0,0 +1 @@\n+a\n");
    skill_is(*data, "diff", "{\"old\":\"a\",\"new\":\"a\\n\"}",
             "1 lines added, 1 removed\n--- text (old)\n+++ text (new)\n@@ -1 +1 @@\n-a\n"
             "\\ No newline at end of file\n+a\n");
    skill_is(*data, "diff", "{\"old\":\"a\\n\",\"new\":\"a\\n\"}", "The texts are the same.");
    skill_is(*data, "diff", "{\"old\":\"a b\\r\\n\",\"new\":\"ab\\n\",\"ignore_space\":true}",
             "The texts are the same.");
    skill_has(*data, "diff",
              "{\"old\":\"1\\n2\\n3\\n4\\n5\\n6\\n7\\n8\\n9\\n\",\"new\":\"0\\n1\\n2\\n3\\n4\\n5\\n"
              "6\\n7\\n8\\n\",\"context\":1}",
              "@@ -1 +1,2 @@\n+0\n 1\n@@ -8,2 +9 @@\n 8\n-9\n");
    /* The example of Myers' paper: five edits. */
    skill_has(*data, "diff",
              "{\"old\":\"A\\nB\\nC\\nA\\nB\\nB\\nA\\n\",\"new\":\"C\\nB\\nA\\nB\\nA\\nC\\n\"}",
              "2 lines added, 3 removed");
}

static void texts_that_share_nothing_are_replaced(void **data)
{
    static char json[120000];
    size_t used = (size_t)snprintf(json, sizeof(json), "{\"old\":\"");

    for (int i = 0; i < 2000; i++)
        used += (size_t)snprintf(json + used, sizeof(json) - used, "a%d\\n", i);
    used += (size_t)snprintf(json + used, sizeof(json) - used, "\",\"new\":\"");
    for (int i = 0; i < 2000; i++)
        used += (size_t)snprintf(json + used, sizeof(json) - used, "b%d\\n", i);
    (void)snprintf(json + used, sizeof(json) - used, "\"}");
    skill_has(*data, "diff", json, "2000 lines added, 2000 removed (too many");
}

static void regex(void **data, const char *pattern, const char *text, const char *want)
{
    skill_has(*data, "regex", args("{\"pattern\":\"%s\",\"text\":\"%s\"}", pattern, text), want);
}

static void finds(void **data, const char *pattern, const char *text, const char *match)
{
    char want[256];

    if (match)
        (void)snprintf(want, sizeof(want), "{\"matches\":[{\"match\":\"%s\"", match);
    else
        (void)snprintf(want, sizeof(want), "{\"matches\":[],\"count\":0}");
    regex(data, pattern, text, want);
}

static void patterns_match_as_everywhere(void **data)
{
    finds(data, "abc", "xabcx", "abc");
    finds(data, "a|ab|abc", "abc", "a");
    finds(data, "(?:a|ab)(?:c|bcd)", "abcd", "abcd");
    finds(data, "a*", "aaa", "aaa");
    finds(data, "a*?", "aaa", "");
    finds(data, "a+?b", "aab", "aab");
    finds(data, "a{2}", "aaaa", "aa");
    finds(data, "a{2,3}", "aaaa", "aaa");
    finds(data, "a{2,}?", "aaaa", "aa");
    finds(data, "a{0}b", "ab", "b");
    finds(data, "a{,3}", "a{,3}", "a{,3}");
    finds(data, "x{", "x{", "x{");
    finds(data, "[a-c]+", "xxabcd", "abc");
    finds(data, "[^a-c]+", "abcxyz", "xyz");
    finds(data, "[]a]+", "x]a]", "]a]");
    finds(data, "[a-]+", "x-a", "-a");
    finds(data, "[\\\\d.]+", "v1.25", "1.25");
    finds(data, "[^\\\\W_]+", "__ab__", "ab");
    finds(data, "\\\\bfoo\\\\b", "afoo foo", "foo");
    finds(data, "\\\\Boo", "oo foo", "oo");
    finds(data, "^b", "a\\nb", NULL);
    finds(data, "(?m)^b$", "a\\nb\\nc", "b");
    finds(data, "(?i)STRASSE", "strasse", "strasse");
    finds(data, "(?i)\xc3\x89t\xc3\xa9", "\xc3\xa9T\xc3\x89", "\xc3\xa9T\xc3\x89");
    finds(data, "(?i)[a-c]+", "ABC", "ABC");
    finds(data, "(?i)[^a]", "A", NULL);
    finds(data, "a.c", "a\\nc", NULL);
    finds(data, "(?s)a.c", "a\\nc", "a\\nc");
    finds(data, "\\\\x41\\\\u0042\\\\x{43}", "ABC", "ABC");
    finds(data, "\\\\.\\\\*\\\\[", ".*[", ".*[");
    finds(data, "\\\\t\\\\n", "\\t\\n", "\\t\\n");
    finds(data, ".", "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80");
    finds(data, "\\\\w+", "na\xc3\xafve!", "na\xc3\xafve");
    finds(data, "\\\\Aab\\\\z", "ab", "ab");
    finds(data, "(a*)*", "b", "");
    finds(data, "(a*)+$", "aab", "");
    finds(data, "(a|b)*c", "ababc", "ababc");
    finds(data, "", "x", "");
    finds(data, "a||b", "b", "");
    finds(data, "(?:(?:x{2}){2}){2}", "xxxxxxxxx", "xxxxxxxx");
    finds(data, "\\\\$\\\\d+\\\\.\\\\d{2}", "costs $12.50", "$12.50");
    finds(data, "[\\\\w.+-]+@[\\\\w-]+\\\\.[\\\\w.]+", "write to jane.doe@example.org now",
          "jane.doe@example.org");
}

static void matches_have_groups_and_places(void **data)
{
    skill_is(
        *data, "regex",
        "{\"pattern\":\"(?<key>\\\\w+)=(\\\\d+)?(x)?\",\"text\":\"\xc3\xa9\\n\xc3\xa4 a=1\\nb=\"}",
        "{\"matches\":[{\"match\":\"a=1\",\"line\":2,\"column\":3,\"groups\":[\"a\",\"1\",null],"
        "\"named\":{\"key\":\"a\"}},{\"match\":\"b=\",\"line\":3,\"column\":1,\"groups\":[\"b\","
        "null,null],\"named\":{\"key\":\"b\"}}],\"count\":2}");
    regex(data, "(a)|(b)", "b", "\"groups\":[null,\"b\"]");
    regex(data, "(?:(a)|b)*", "ab", "\"groups\":[\"a\"]");
    regex(data, "x*", "axb", "\"count\":4");
    skill_has(*data, "regex", "{\"pattern\":\"a\",\"text\":\"aaa\",\"max\":2}", "\"more\":true");
    skill_is(*data, "regex", "{\"pattern\":\"a\",\"text\":\"b\",\"operation\":\"test\"}",
             "{\"matches\":false}");
}

static void replacing_works(void **data)
{
    skill_is(*data, "regex",
             "{\"pattern\":\"(?<a>\\\\w+) (\\\\w+)\",\"text\":\"John Smith, x y\","
             "\"operation\":\"replace\",\"replacement\":\"$2 ${a} $$ $& $\"}",
             "{\"result\":\"Smith John $ John Smith $, y x $ x y $\",\"replacements\":2}");
    skill_is(*data, "regex",
             "{\"pattern\":\"x*\",\"text\":\"ab\",\"operation\":\"replace\","
             "\"replacement\":\"-\"}",
             "{\"result\":\"-a-b-\",\"replacements\":3}");
    skill_is(*data, "regex",
             "{\"pattern\":\"a\",\"text\":\"aaa\",\"operation\":\"replace\",\"max\":1}",
             "{\"result\":\"aa\",\"replacements\":1}");
    skill_is(*data, "regex",
             "{\"pattern\":\",\\\\s*\",\"text\":\"a, b,c\",\"operation\":\"split\"}",
             "{\"parts\":[\"a\",\"b\",\"c\"],\"count\":2}");
    skill_fails(*data, "regex",
                "{\"pattern\":\"a\",\"text\":\"a\",\"operation\":\"replace\","
                "\"replacement\":\"$1\"}",
                NF_SKILL_E_INVALID, "no group \"$1\"");
    skill_fails(*data, "regex",
                "{\"pattern\":\"a\",\"text\":\"a\",\"operation\":\"replace\","
                "\"replacement\":\"${x\"}",
                NF_SKILL_E_INVALID, "no group");
}

static void wrong_patterns_are_explained(void **data)
{
    static const struct {
        const char *pattern, *want;
    } cases[] = {
        { "(a", "a ) is missing at character 3" },
        { "a)", "a ( is missing" },
        { "[a", "a ] is missing" },
        { "*a", "nothing to repeat" },
        { "a|*", "nothing to repeat" },
        { "[b-a]", "ends before it begins" },
        { "a{3,2}", "end is below" },
        { "\\\\1", "reference back" },
        { "(?=a)", "lookahead" },
        { "(?<!a)", "lookbehind" },
        { "(?>a)", "supported" },
        { "a++", "possessive" },
        { "\\\\p{L}", "no meaning" },
        { "\\\\x4", "hexadecimal" },
        { "\\\\x{41", "a } is missing" },
        { "\\\\", "nothing follows" },
        { "(?<>a)", "name" },
        { "a(?i)b", "supported" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        skill_fails(*data, "regex", args("{\"pattern\":\"%s\",\"text\":\"a\"}", cases[i].pattern),
                    NF_SKILL_E_INVALID, cases[i].want);
    skill_fails(*data, "regex", "{\"pattern\":\"a\",\"text\":\"a\",\"flags\":\"g\"}",
                NF_SKILL_E_INVALID, "\"flags\"");
}

static void hostile_patterns_meet_limits(void **data)
{
    static char many[30000];

    memset(many, 'a', sizeof(many) - 2);
    many[sizeof(many) - 2] = '!';
    skill_has(*data, "regex",
              args("{\"pattern\":\"^(a+)+$\",\"operation\":\"test\",\"text\":\"%s\"}", many),
              "false");
    skill_has(*data, "regex",
              args("{\"pattern\":\"(a|aa)+$\",\"operation\":\"test\",\"text\":\"%s\"}", many),
              "false");
    skill_fails(*data, "regex",
                args("{\"pattern\":\"(?:a?){900}(?:a?){900}x\",\"text\":\"%s\"}", many),
                NF_SKILL_E_LIMIT, "too many steps");
}

static void patterns_have_sizes(void **data)
{
    char pattern[1300];

    skill_fails(*data, "regex", "{\"pattern\":\"a{1001}\",\"text\":\"\"}", NF_SKILL_E_LIMIT,
                "1000");
    skill_fails(*data, "regex", "{\"pattern\":\"(((a{1000}){1000}){1000})\",\"text\":\"\"}",
                NF_SKILL_E_LIMIT, "too large");
    skill_fails(*data, "regex", "{\"pattern\":\"(?:(?:(?:){1000}){1000}){1000}\",\"text\":\"\"}",
                NF_SKILL_E_LIMIT, "too large");
    memset(pattern, '(', 51);
    pattern[51] = '\0';
    skill_fails(*data, "regex", args("{\"pattern\":\"%s\",\"text\":\"\"}", pattern),
                NF_SKILL_E_LIMIT, "over 20 groups");
    for (int i = 0; i < 51; i++)
        memcpy(pattern + (size_t)i * 3, "(?:", 4);
    skill_fails(*data, "regex", args("{\"pattern\":\"%s\",\"text\":\"\"}", pattern),
                NF_SKILL_E_LIMIT, "nested over 50");
    memset(pattern, 'a', 1001);
    pattern[1001] = '\0';
    skill_fails(*data, "regex", args("{\"pattern\":\"%s\",\"text\":\"\"}", pattern),
                NF_SKILL_E_LIMIT, "1000 bytes");
    memset(pattern, '*', 100);
    pattern[0] = 'a';
    pattern[100] = '\0';
    skill_fails(*data, "regex", args("{\"pattern\":\"%s\",\"text\":\"\"}", pattern),
                NF_SKILL_E_LIMIT, "repeats nested");
}

static void lines_are_sorted(void **data)
{
    skill_is(*data, "sort", "{\"text\":\"b\\na\\nC\\n\"}", "C\na\nb");
    skill_is(*data, "sort", "{\"text\":\"b\\na\\nC\",\"by\":\"ignore_case\"}", "a\nb\nC");
    skill_is(*data, "sort", "{\"text\":\"f10\\nf2\\nf02\",\"by\":\"natural\"}", "f2\nf02\nf10");
    skill_is(*data, "sort",
             "{\"text\":\"10 x\\n-3\\n2.5\\n1e1\",\"by\":\"number\",\"reverse\":true}",
             "1e1\n10 x\n2.5\n-3");
    skill_is(*data, "sort", "{\"text\":\"b\\na\\nb\\nA\",\"by\":\"none\",\"unique\":true}",
             "b\na\nA");
    skill_is(*data, "sort", "{\"text\":\"b\\na\\nA\",\"by\":\"ignore_case\",\"unique\":true}",
             "a\nb");
    skill_is(*data, "sort", "{\"text\":\"\"}", "");
}

static void text_is_counted(void **data)
{
    skill_is(*data, "count", "{\"text\":\"\"}",
             "{\"characters\":0,\"bytes\":0,\"words\":0,\"lines\":0,\"paragraphs\":0}");
    skill_is(*data, "count",
             "{\"text\":\"na\xc3\xafve one\\n\\n \\ntwo\\n\",\"occurrences_of\":\"o\"}",
             "{\"characters\":17,\"bytes\":18,\"words\":3,\"lines\":4,\"paragraphs\":2,"
             "\"occurrences\":2}");
}

static void text_is_transformed(void **data)
{
    static const struct {
        const char *to, *text, *want;
    } cases[] = {
        { "upper",
          "stra\xc3\x9f"
          "e \xc3\xa9",
          "STRA\xc3\x9f"
          "E \xc3\x89" },
        { "lower", "\xc3\x89 \xd0\x96", "\xc3\xa9 \xd0\xb6" },
        { "title", "it's a NEW day", "It's A New Day" },
        { "sentence", "HELLO there. how ARE you?", "Hello there. How are you?" },
        { "camel", "Hello big-world", "helloBigWorld" },
        { "pascal", "hello_big world", "HelloBigWorld" },
        { "snake", "parseHTTPResponse2 now", "parse_http_response2_now" },
        { "kebab", "HelloWorld", "hello-world" },
        { "constant", "maxSize", "MAX_SIZE" },
        { "slug",
          "Cr\xc3\xa8me Br\xc3\xbbl\xc3\xa9"
          "e & Stra\xc3\x9f"
          "e: don't!",
          "creme-brulee-strasse-dont" },
        { "trim", "\\n  a  \\n b\\n\\n", "a\\nb" },
        { "collapse", " a   b \\n\\n\\n\\nc", "a b\\n\\nc" },
        { "reverse", "a\xc3\xa9\xf0\x9f\x98\x80",
          "\xf0\x9f\x98\x80\xc3\xa9"
          "a" },
        { "number_lines", "a\\nb", "1: a\\n2: b" },
    };
    char want[256];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void)snprintf(want, sizeof(want), "{\"result\":\"%s\"}", cases[i].want);
        skill_is(*data, "transform",
                 args("{\"to\":\"%s\",\"text\":\"%s\"}", cases[i].to, cases[i].text), want);
    }
}

static void memory_may_end_anywhere(void **data)
{
    struct skill_rig *rig = *data;

    skill_survives_no_memory(rig, "regex",
                             "{\"pattern\":\"(?<x>a|b)*[c-e]{2,3}\",\"text\":\"abcd\"}");
    skill_survives_no_memory(
        rig, "regex",
        "{\"pattern\":\"a\",\"text\":\"aba\",\"operation\":\"replace\",\"replacement\":\"x\"}");
    skill_survives_no_memory(rig, "json",
                             "{\"json\":\"{\\\"a\\\":[1,2]}\",\"path\":\"$..a[?@ == 1]\"}");
    skill_survives_no_memory(rig, "diff", "{\"old\":\"a\\nb\\n\",\"new\":\"b\\nc\\n\"}");
    skill_survives_no_memory(rig, "sort", "{\"text\":\"b\\na\\na\",\"unique\":true}");
    skill_survives_no_memory(rig, "decode", "{\"text\":\"YWJj\",\"encoding\":\"base64\"}");
    skill_survives_no_memory(rig, "hash", "{\"text\":\"YWJj\",\"input\":\"base64\"}");
    skill_survives_no_memory(rig, "transform", "{\"text\":\"abc\",\"to\":\"reverse\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(digests_are_those_of_the_standards, setup, teardown),
        cmocka_unit_test_setup_teardown(encodings_go_both_ways, setup, teardown),
        cmocka_unit_test_setup_teardown(json_is_asked_by_pointer_and_path, setup, teardown),
        cmocka_unit_test_setup_teardown(wrong_queries_are_explained, setup, teardown),
        cmocka_unit_test_setup_teardown(many_values_meet_a_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(diffs_are_smallest_and_unified, setup, teardown),
        cmocka_unit_test_setup_teardown(texts_that_share_nothing_are_replaced, setup, teardown),
        cmocka_unit_test_setup_teardown(patterns_match_as_everywhere, setup, teardown),
        cmocka_unit_test_setup_teardown(matches_have_groups_and_places, setup, teardown),
        cmocka_unit_test_setup_teardown(replacing_works, setup, teardown),
        cmocka_unit_test_setup_teardown(wrong_patterns_are_explained, setup, teardown),
        cmocka_unit_test_setup_teardown(hostile_patterns_meet_limits, setup, teardown),
        cmocka_unit_test_setup_teardown(patterns_have_sizes, setup, teardown),
        cmocka_unit_test_setup_teardown(lines_are_sorted, setup, teardown),
        cmocka_unit_test_setup_teardown(text_is_counted, setup, teardown),
        cmocka_unit_test_setup_teardown(text_is_transformed, setup, teardown),
        cmocka_unit_test_setup_teardown(memory_may_end_anywhere, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
