/* What a plugin asks of the web and gets: the policy of the broker, against a server that
 * misbehaves. */
#include "tests/integration/broker_rig.h"

/* --- http ------------------------------------------------------------------------------------- */

static enum nf_code plain_fetch(struct fixture *f, struct nf_err *err)
{
    char json[512];

    NF_TRY(grant(f, "\"http\":[\"%s/\"]", err));
    EXPECT(fetch_path(f, "/a?b", "X-Own: 1") == NF_SKILL_OK);
    EXPECT(members("status") == 200);
    EXPECT(said("GET /a?b HTTP/1.1\r\n") && said("X-Own: 1\r\n") && said("Accept-Encoding: gzip"));
    EXPECT(strstr(nf_str_c(&st.answer.json), "\"content_type\":\"text/plain\""));

    (void)snprintf(json, sizeof json, "{\"method\":\"POST\",\"url\":\"%s/p\"}", f->url);
    EXPECT(ask(NF_SKILL_OP_HTTP_FETCH, json, "body of it") == NF_SKILL_OK);
    EXPECT(said("POST /p HTTP/1.1\r\n") && said("\r\n\r\nbody of it"));

    EXPECT(fetch_path(f, "/header", NULL) == NF_SKILL_OK);
    EXPECT(strstr(nf_str_c(&st.answer.json), "\"x-two\":\"a\""));
    return NF_OK;
}

static void a_granted_url_is_fetched(void **state)
{
    (void)state;
    play(serve, plain_fetch);
}

static enum nf_code gzipped(struct fixture *f, struct nf_err *err)
{
    NF_TRY(grant(f, "\"http\":[\"%s/\"]", err));
    EXPECT(fetch_path(f, "/whole", NULL) == NF_SKILL_OK);
    EXPECT(strcmp(nf_str_c(&st.answer.raw), "hello") == 0);
    EXPECT(fetch_path(f, "/more", NULL) == NF_SKILL_E_LIMIT);
    EXPECT(fetch_path(f, "/cut", NULL) == NF_SKILL_E_UNAVAILABLE);
    EXPECT(fetch_path(f, "/none", NULL) == NF_SKILL_E_UNAVAILABLE);
    return NF_OK;
}

/* The skill's arguments are not wrong when the server's answer is. */
static void gzip_is_undone_within_the_limit_and_what_is_none_is_the_servers_fault(void **state)
{
    (void)state;
    play(serve_gzip, gzipped);
}

static enum nf_code refused_urls(struct fixture *f, struct nf_err *err)
{
    const char *colon = strrchr(f->url, ':');
    char url[256];
    static const char *const forms[] = { "http://localhost%s/api/x",
                                         "http://127.1%s/api/x",
                                         "http://0x7f000001%s/api/x",
                                         "http://[::1]%s/api/x",
                                         "http://[::ffff:127.0.0.1]%s/api/x",
                                         "http://127.0.0.1%s@evil.example/api/x",
                                         "http://evil.example%s/api/x",
                                         "https://127.0.0.1%s/api/x",
                                         "http://127.0.0.1%s/api/../x",
                                         "http://127.0.0.1%s/apix",
                                         "http://127.0.0.1%s/api/%%2e%%2e/x",
                                         "http://127.0.0.1%s/api/..%%2fx",
                                         "http://127.0.0.1%s/" };

    NF_TRY(grant(f, "\"http\":[\"%s/api\"]", err));
    EXPECT(fetch_path(f, "/api/x", NULL) == NF_SKILL_OK);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        (void)snprintf(url, sizeof url, forms[i], colon);
#pragma GCC diagnostic pop
        int code = fetch_url(url);
        if (code != NF_SKILL_E_DENIED && code != NF_SKILL_E_INVALID)
            return nf_err_set(err, NF_E_INTERNAL, "%s: %d", url, code);
    }
    EXPECT(fetch_url("ftp://127.0.0.1/") == NF_SKILL_E_INVALID);
    EXPECT(fetch_url("file:///etc/passwd") == NF_SKILL_E_INVALID);
    EXPECT(raw_server_conns(f->server) == 1);
    return NF_OK;
}

static void what_is_not_below_a_granted_url_is_not_fetched(void **state)
{
    (void)state;
    play(serve, refused_urls);
}

static enum nf_code private_addresses(struct fixture *f, struct nf_err *err)
{
    (void)f;
    st.settings.allow_private.n = 0; /* as without the setting; freed all the same below */
    NF_TRY(grant(f,
                 "\"http\":[\"%s/\",\"http://localhost:1/\",\"http://10.0.0.1/\","
                 "\"http://169.254.169.254/\"]",
                 err));
    int direct = fetch_path(f, "/x", NULL);
    int name = fetch_url("http://localhost:1/");
    int metadata = fetch_url("http://169.254.169.254/latest/");
    int private = fetch_url("http://10.0.0.1/");
    st.settings.allow_private.n = 1;

    EXPECT(direct == NF_SKILL_E_DENIED && name == NF_SKILL_E_DENIED);
    EXPECT(metadata == NF_SKILL_E_DENIED && private == NF_SKILL_E_DENIED);
    EXPECT(said("private or reserved") && raw_server_conns(f->server) == 0);
    return NF_OK;
}

static void private_addresses_need_the_configuration_too(void **state)
{
    (void)state;
    play(serve, private_addresses);
}

static enum nf_code anywhere(struct fixture *f, struct nf_err *err)
{
    NF_TRY(grant(f, "\"http\":[\"*\"]", err));
    EXPECT(fetch_path(f, "/x", NULL) == NF_SKILL_E_DENIED); /* not https */
    EXPECT(fetch_url("https://10.0.0.1/") == NF_SKILL_E_DENIED);
    EXPECT(fetch_url("https://[fd00::1]/") == NF_SKILL_E_DENIED);
    EXPECT(fetch_url("https://[64:ff9b::7f00:1]/") == NF_SKILL_E_DENIED);
    EXPECT(fetch_url("https://[2002:7f00:1::]/") == NF_SKILL_E_DENIED);
    EXPECT(fetch_url("https://localhost:1/") != NF_SKILL_OK);
    return NF_OK;
}

static void anywhere_is_https_and_public(void **state)
{
    (void)state;
    play(serve, anywhere);
}

static enum nf_code redirects(struct fixture *f, struct nf_err *err)
{
    char json[512];

    NF_TRY(grant(f, "\"http\":[\"%s/\"]", err));
    EXPECT(fetch_path(f, "/twice", NULL) == NF_SKILL_OK);
    EXPECT(said("GET /echo ") && strstr(nf_str_c(&st.answer.json), "/echo\""));
    EXPECT(fetch_path(f, "/meta", NULL) == NF_SKILL_E_DENIED);
    EXPECT(fetch_path(f, "/file", NULL) == NF_SKILL_E_INVALID);
    EXPECT(fetch_path(f, "/otherport", NULL) == NF_SKILL_E_DENIED);

    nf_broker_init(&st.broker, &st.deps, &st.manifest, &st.call);
    EXPECT(fetch_path(f, "/loop", NULL) == NF_SKILL_E_LIMIT);
    EXPECT(said("redirects"));

    nf_broker_init(&st.broker, &st.deps, &st.manifest, &st.call);
    (void)snprintf(json, sizeof json,
                   "{\"method\":\"POST\",\"url\":\"%s/seeother\",\"headers\":[\"Content-Type: "
                   "a/b\"]}",
                   f->url);
    EXPECT(ask(NF_SKILL_OP_HTTP_FETCH, json, "once") == NF_SKILL_OK);
    EXPECT(said("GET /echo ") && !said("once") && !said("a/b"));
    (void)snprintf(json, sizeof json, "{\"method\":\"POST\",\"url\":\"%s/twice\"}", f->url);
    EXPECT(ask(NF_SKILL_OP_HTTP_FETCH, json, "again") == NF_SKILL_OK);
    EXPECT(said("POST /echo ") && said("again"));
    return NF_OK;
}

static void each_redirect_is_checked_again(void **state)
{
    (void)state;
    play(serve, redirects);
}

static enum nf_code bounds(struct fixture *f, struct nf_err *err)
{
    char json[512];

    NF_TRY(grant(f, "\"http\":[\"%s/\"]", err));
    EXPECT(fetch_path(f, "/exact", NULL) == NF_SKILL_OK && st.answer.raw.len == 2048);
    EXPECT(fetch_path(f, "/big", NULL) == NF_SKILL_E_LIMIT && said("2048 bytes"));
    (void)snprintf(json, sizeof json, "{\"url\":\"%s/exact\",\"max_bytes\":2047}", f->url);
    EXPECT(ask(NF_SKILL_OP_HTTP_FETCH, json, "") == NF_SKILL_E_LIMIT);
    (void)snprintf(json, sizeof json, "{\"url\":\"%s/slow\",\"timeout_ms\":50}", f->url);
    EXPECT(ask(NF_SKILL_OP_HTTP_FETCH, json, "") == NF_SKILL_E_TIMEOUT);

    nf_broker_init(&st.broker, &st.deps, &st.manifest, &st.call);
    for (int i = 0; i < 8; i++)
        EXPECT(fetch_path(f, "/x", NULL) == NF_SKILL_OK);
    EXPECT(fetch_path(f, "/x", NULL) == NF_SKILL_E_LIMIT && said("skills.http_requests"));
    return NF_OK;
}

static void bytes_time_and_number_are_bounded(void **state)
{
    (void)state;
    play(serve, bounds);
}

static enum nf_code bad_requests(struct fixture *f, struct nf_err *err)
{
    static const char *const headers[] = {
        "Host: a",
        "Connection: close",
        "Content-Length: 1",
        "Transfer-Encoding: chunked",
        "TE: trailers",
        "Upgrade: h2c",
        "Proxy-Authorization: x",
        "X-Forwarded-For: 1.1.1.1",
        "Forwarded: x",
        "Accept-Encoding: br",
        "Expect: 100-continue",
        "hOsT: a",
        "X-Original-URL: /admin",
    };
    static const char *const wrong[] = { "no colon",   ": empty",        "a b: c",
                                         "X: \\u0001", "X: a\\r\\nY: b", "X: a\\nY: b" };
    char json[512];

    NF_TRY(grant(f, "\"http\":[\"%s/\"]", err));
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        if (fetch_path(f, "/x", headers[i]) != NF_SKILL_E_DENIED)
            return nf_err_set(err, NF_E_INTERNAL, "taken: %s", headers[i]);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (fetch_path(f, "/x", wrong[i]) != NF_SKILL_E_INVALID)
            return nf_err_set(err, NF_E_INTERNAL, "taken: %s", wrong[i]);
    (void)snprintf(json, sizeof json, "{\"method\":\"CONNECT\",\"url\":\"%s/\"}", f->url);
    EXPECT(ask(NF_SKILL_OP_HTTP_FETCH, json, "") == NF_SKILL_E_INVALID);
    (void)snprintf(json, sizeof json, "{\"url\":\"%s/\"}", f->url);
    EXPECT(ask(NF_SKILL_OP_HTTP_FETCH, json, "body") == NF_SKILL_E_INVALID);
    EXPECT(ask(NF_SKILL_OP_HTTP_FETCH, "{}", "") == NF_SKILL_E_INVALID);
    (void)snprintf(json, sizeof json, "{\"url\":\"%s/\",\"max_bytes\":-1}", f->url);
    EXPECT(ask(NF_SKILL_OP_HTTP_FETCH, json, "") == NF_SKILL_E_INVALID && said("max_bytes"));
    EXPECT(raw_server_conns(f->server) == 0);
    return NF_OK;
}

static void hostile_requests_send_nothing(void **state)
{
    (void)state;
    play(serve, bad_requests);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_granted_url_is_fetched),
        cmocka_unit_test(gzip_is_undone_within_the_limit_and_what_is_none_is_the_servers_fault),
        cmocka_unit_test(what_is_not_below_a_granted_url_is_not_fetched),
        cmocka_unit_test(private_addresses_need_the_configuration_too),
        cmocka_unit_test(anywhere_is_https_and_public),
        cmocka_unit_test(each_redirect_is_checked_again),
        cmocka_unit_test(bytes_time_and_number_are_bounded),
        cmocka_unit_test(hostile_requests_send_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
