/* What a plugin asks and gets: the policy of the broker, against a server that misbehaves, a store
 * in memory and files in a directory of the test. */
#include "skills/broker.h"

#include "codec/json.h"
#include "persistence/memory/memory.h"
#include "skills/include/nexflow/skill.h"
#include "skills/manifest.h"
#include "skills/package.h"
#include "tests/integration/client_fixture.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET "s3cr3t-of-the-test"

/* --- the stage -------------------------------------------------------------------------------- */

struct stage {
    struct nf_stores stores;
    struct nf_executor *files, *sessions;
    struct nf_skill_logs *logs;
    struct nf_workspaces *workspaces;
    struct nf_skill_settings settings;
    struct nf_skill_manifest manifest;
    struct nf_broker_deps deps;
    struct nf_broker broker;
    struct nf_tool_call call;
    struct nf_skill_answer answer;
    char dir[64];
    int shown, percent;
    char text[256]; /* of the last progress */
};
static struct stage st;

static void show(void *arg, int percent, const char *text)
{
    (void)arg;
    st.shown++;
    st.percent = percent;
    (void)snprintf(st.text, sizeof st.text, "%s", text);
}

static void free_answer(void)
{
    nf_str_done(&st.answer.json);
    nf_str_done(&st.answer.raw);
    st.answer = (struct nf_skill_answer){ 0 };
}

static NF_RC load_settings(struct nf_err *err)
{
    static const char text[] = "skills:\n"
                               "  allow_private: [127.0.0.1]\n"
                               "  http_requests: 8\n"
                               "  workspace_size: 8KiB\n"
                               "  workspace_files: 6\n"
                               "  secrets:\n"
                               "    - {name: KEY, value: " SECRET "}\n"
                               "    - {name: AWAY, value: another-secret, "
                               "urls: [\"https://api.example.com/\"]}\n";
    const struct nf_config_part part = { &nf_skill_setting_group, &st.settings };

    NF_TRY(nf_config_load_text("t.yaml", text, sizeof text - 1, &part, 1, err));
    return nf_skill_settings_check(&st.settings, err);
}

/* The skill may do `capabilities`; %s in it is the server's URL. */
static NF_RC grant(const struct fixture *f, const char *capabilities, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { 0 };
    const char *mark = strstr(capabilities, "%s");
    int before = mark ? (int)(mark - capabilities) : (int)strlen(capabilities);

    nf_skill_manifest_done(&st.manifest);
    NF_TRY(nf_str_addf(&text, err,
                       "{\"name\":\"probe\",\"version\":\"1.0.0\",\"description\":\"d\",\"entry\":"
                       "\"p.so\",\"tools\":[{\"name\":\"t\",\"description\":\"d\",\"parameters\":"
                       "{\"type\":\"object\"}}],\"limits\":{\"http_kib\":2,\"kv_kib\":1},"
                       "\"capabilities\":{%.*s%s%s}}",
                       before, capabilities, mark ? f->url : "", mark ? mark + 2 : ""));
    NF_TRY(nf_skill_manifest_parse(nf_str_c(&text), text.len, &st.manifest, err));
    nf_broker_init(&st.broker, &st.deps, &st.manifest, &st.call);
    return NF_OK;
}

static NF_RC build(struct fixture *f, struct nf_err *err)
{
    char path[96];

    NF_TRY(nf_executor_new(f->loop, "files", 1, 16, &st.files, err));
    NF_TRY(nf_executor_new(f->loop, "sessions", 1, 16, &st.sessions, err));
    (void)snprintf(path, sizeof path, "%s/logs", st.dir);
    NF_TRY(nf_skill_logs_new(path, st.files, &st.logs, err));
    (void)snprintf(path, sizeof path, "%s/work", st.dir);
    NF_TRY(nf_workspaces_new(path, st.sessions, &st.workspaces, err));
    NF_TRY(nf_memory_store_new(&st.stores, err));
    NF_TRY(load_settings(err));
    st.call = (struct nf_tool_call){ .user_id = 7, .session_id = 42, .progress = show };
    st.deps = (struct nf_broker_deps){ .clock = nf_system_clock(),
                                       .kv = st.stores.kv,
                                       .logs = st.logs,
                                       .workspaces = st.workspaces,
                                       .http = f->client,
                                       .settings = &st.settings };
    return NF_OK;
}

static enum nf_code (*scene)(struct fixture *f, struct nf_err *err);

static enum nf_code on_stage(struct fixture *f, struct nf_err *err)
{
    struct nf_err ignored;

    enum nf_code rc = build(f, err);
    if (rc == NF_OK)
        rc = scene(f, err);
    free_answer();
    nf_skill_manifest_done(&st.manifest);
    nf_config_done(&(struct nf_config_part){ &nf_skill_setting_group, &st.settings }, 1);
    nf_stores_done(&st.stores);
    nf_workspaces_free(st.workspaces);
    nf_skill_logs_free(st.logs);
    nf_executor_free(st.sessions);
    nf_executor_free(st.files);
    (void)!nf_tree_remove(st.dir, &ignored);
    return rc;
}

static void play(raw_serve_fn serve, enum nf_code (*body)(struct fixture *f, struct nf_err *err))
{
    memset(&st, 0, sizeof st);
    (void)snprintf(st.dir, sizeof st.dir, "/tmp/nf-broker-XXXXXX");
    assert_non_null(mkdtemp(st.dir));
    scene = body;
    run(serve, on_stage);
}

/* Ask; the code that the plugin sees. */
static int ask(enum nf_skill_op op, const char *json, const char *raw)
{
    const struct nf_skill_ask a = { op, nf_slice_of(json), nf_slice_of(raw) };
    struct nf_err err;

    free_answer();
    if (st.broker.port.ops->ask(&st.broker.port, &a, &st.answer, &err) != NF_OK)
        return -1;
    return st.answer.code;
}

static bool said(const char *words)
{
    return strstr(nf_str_c(&st.answer.raw), words) != NULL;
}

/* GET `path` of the server, with a header. */
static int fetch_path(const struct fixture *f, const char *path, const char *header)
{
    char json[512];

    (void)snprintf(json, sizeof json, "{\"url\":\"%s%s\",\"headers\":[%s%s%s]}", f->url, path,
                   header ? "\"" : "", header ? header : "", header ? "\"" : "");
    return ask(NF_SKILL_OP_HTTP_FETCH, json, "");
}

static int fetch_url(const char *url)
{
    char json[512];

    (void)snprintf(json, sizeof json, "{\"url\":\"%s\"}", url);
    return ask(NF_SKILL_OP_HTTP_FETCH, json, "");
}

static int members(const char *key)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *d = NULL;

    if (nf_json_parse(nf_str_c(&st.answer.json), st.answer.json.len, 0, &d, NULL) != NF_OK)
        return -1;
    return (int)nf_json_i64(nf_json_get(nf_json_root(d), key), -2);
}

/* --- the server ------------------------------------------------------------------------------- */

static void reply(struct raw_conn *c, const char *head, const char *body, size_t n)
{
    char lines[512];

    (void)snprintf(lines, sizeof lines, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n", head, n);
    (void)(raw_send(c, lines) && raw_sendn(c, body, n));
}

static void redirect(struct raw_conn *c, const char *status, const char *to)
{
    char head[512];

    (void)snprintf(head, sizeof head, "%s\r\nLocation: %s", status, to);
    reply(c, head, "", 0);
}

#define GZIPPED "200 OK\r\nContent-Encoding: gzip"

/* "hello", and 5,000 zeros. */
static const char hello_gz[] = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\x48\xcd\xc9\xc9\x07"
                               "\x00\x86\xa6\x10\x36\x05\x00\x00\x00";
static const char zeros_gz[] = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xed\xc1\x31\x01\x00\x00"
                               "\x00\xc2\xa0\xf5\x4f\x6d\x0a\x3f\xa0\x00\x00\x00\x00\x80\xb7\x01"
                               "\xa8\x0e\xe5\xd8\x88\x13\x00\x00";

static void serve_gzip(struct raw_conn *c)
{
    while (raw_request(c)) {
        if (strstr(c->request, " /whole"))
            reply(c, GZIPPED, hello_gz, sizeof hello_gz - 1);
        else if (strstr(c->request, " /cut"))
            reply(c, GZIPPED, hello_gz, sizeof hello_gz - 9);
        else if (strstr(c->request, " /more"))
            reply(c, GZIPPED, zeros_gz, sizeof zeros_gz - 1);
        else
            reply(c, GZIPPED, "hello", 5);
    }
}

static void serve(struct raw_conn *c)
{
    static char big[4096];
    char to[64];

    while (raw_request(c)) {
        if (strstr(c->request, " /loop"))
            redirect(c, "302 Found", "/loop");
        else if (strstr(c->request, " /twice"))
            redirect(c, "307 Temporary Redirect", "/echo");
        else if (strstr(c->request, " /seeother"))
            redirect(c, "303 See Other", "/echo");
        else if (strstr(c->request, " /meta"))
            redirect(c, "302 Found", "http://169.254.169.254/latest/meta-data/");
        else if (strstr(c->request, " /file"))
            redirect(c, "302 Found", "file:///etc/passwd");
        else if (strstr(c->request, " /otherport")) {
            (void)snprintf(to, sizeof to, "http://localhost:%d/echo", raw_server_port(c->server));
            redirect(c, "302 Found", to);
        } else if (strstr(c->request, " /big"))
            reply(c, "200 OK", big, sizeof big);
        else if (strstr(c->request, " /exact"))
            reply(c, "200 OK", big, 2048);
        else if (strstr(c->request, " /slow"))
            (void)raw_sleep(c, 3000);
        else if (strstr(c->request, " /header"))
            reply(c, "200 OK\r\nX-Echo: " SECRET "\r\nX-Two: a\r\nx-two: b", "", 0);
        else
            reply(c, "200 OK\r\nContent-Type: text/plain", c->request, c->request_n);
    }
}

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
    EXPECT(ask(NF_SKILL_OP_HTTP_FETCH, "[]", "") == NF_SKILL_E_INVALID);
    EXPECT(ask(NF_SKILL_OP_HTTP_FETCH, "{", "") == NF_SKILL_E_INVALID);
    EXPECT(ask(NF_SKILL_OP_HTTP_FETCH, "{\"url\":\"a\",\"url\":\"b\"}", "") == NF_SKILL_E_INVALID);
    EXPECT(raw_server_conns(f->server) == 0);
    return NF_OK;
}

static void hostile_requests_send_nothing(void **state)
{
    (void)state;
    play(serve, bad_requests);
}

/* --- secrets ---------------------------------------------------------------------------------- */

static enum nf_code secrets(struct fixture *f, struct nf_err *err)
{
    NF_TRY(grant(f, "\"http\":[\"%s/\"],\"secrets\":[\"KEY\",\"AWAY\",\"NONE\"]", err));
    /* Sent, and masked in the echo: in the body and in a header. */
    EXPECT(fetch_path(f, "/echo", "Authorization: Bearer ${secret:KEY}") == NF_SKILL_OK);
    EXPECT(said("Authorization: Bearer ******************\r\n") && !said(SECRET));
    EXPECT(fetch_path(f, "/header", NULL) == NF_SKILL_OK);
    EXPECT(strstr(nf_str_c(&st.answer.json), "\"x-echo\":\"******************\""));
    EXPECT(!strstr(nf_str_c(&st.answer.json), SECRET));

    EXPECT(fetch_path(f, "/echo", "X: ${secret:OTHER}") == NF_SKILL_E_DENIED);
    EXPECT(said("not among those of the manifest"));
    EXPECT(fetch_path(f, "/echo", "X: ${secret:NONE}") == NF_SKILL_E_DENIED);
    EXPECT(said("not configured"));
    EXPECT(fetch_path(f, "/echo", "X: ${secret:AWAY}") == NF_SKILL_E_DENIED);
    EXPECT(said("may not be sent to"));
    EXPECT(fetch_path(f, "/echo", "X: ${secret:KEY") == NF_SKILL_E_INVALID);
    /* Only in values of headers. */
    EXPECT(fetch_path(f, "/${secret:KEY}", NULL) == NF_SKILL_E_INVALID);
    EXPECT(fetch_path(f, "/echo", "${secret:KEY}: a") == NF_SKILL_E_INVALID);
    return NF_OK;
}

static void a_secret_is_sent_and_never_seen(void **state)
{
    (void)state;
    play(serve, secrets);
}

static enum nf_code secret_places(struct fixture *f, struct nf_err *err)
{
    char capabilities[256];

    /* To another origin it is not taken along. */
    (void)snprintf(capabilities, sizeof capabilities,
                   "\"http\":[\"%%s/\",\"http://localhost%s/\"],\"secrets\":[\"KEY\"]",
                   strrchr(f->url, ':'));
    NF_TRY(grant(f, capabilities, err));
    EXPECT(fetch_path(f, "/otherport", "Authorization: Bearer ${secret:KEY}") == NF_SKILL_OK);
    EXPECT(said("GET /echo ") && !said("Authorization"));
    EXPECT(fetch_path(f, "/otherport", "Cookie: a=b") == NF_SKILL_OK && !said("Cookie"));
    EXPECT(fetch_path(f, "/twice", "X: ${secret:KEY}") == NF_SKILL_OK && said("X: ******"));

    NF_TRY(grant(f, "\"http\":[\"*\"],\"secrets\":[\"KEY\"]", err));
    char json[] = "{\"url\":\"https://a.example/\",\"headers\":[\"X: ${secret:KEY}\"]}";
    EXPECT(ask(NF_SKILL_OP_HTTP_FETCH, json, "") == NF_SKILL_E_DENIED);
    EXPECT(said("skills.secrets.urls"));
    NF_TRY(grant(f, "\"http\":[\"http://a.example/\"],\"secrets\":[\"KEY\"]", err));
    char plain[] = "{\"url\":\"http://a.example/\",\"headers\":[\"X: ${secret:KEY}\"]}";
    EXPECT(ask(NF_SKILL_OP_HTTP_FETCH, plain, "") == NF_SKILL_E_DENIED && said("plain http"));
    return NF_OK;
}

static void a_secret_goes_only_where_it_may(void **state)
{
    (void)state;
    play(serve, secret_places);
}

/* --- capabilities ----------------------------------------------------------------------------- */

static enum nf_code nothing(struct fixture *f, struct nf_err *err)
{
    NF_TRY(grant(f, "", err));
    for (int op = 0; op < NF_SKILL_OPS + 3; op++) {
        bool open = op == NF_SKILL_OP_LOG || op == NF_SKILL_OP_PROGRESS;
        int code =
            ask((enum nf_skill_op)op, "{\"path\":\"a\",\"key\":\"k\",\"url\":\"http://a/\"}", "x");
        if (code != (open ? NF_SKILL_OK : NF_SKILL_E_DENIED))
            return nf_err_set(err, NF_E_INTERNAL, "op %d: code %d", op, code);
    }
    return NF_OK;
}

static void without_a_capability_everything_is_denied(void **state)
{
    (void)state;
    play(serve, nothing);
}

static enum nf_code many_asks(struct fixture *f, struct nf_err *err)
{
    NF_TRY(grant(f, "", err));
    st.broker.asks = NF_BROKER_ASKS_MAX - 1;
    EXPECT(ask(NF_SKILL_OP_LOG, "", "x") == NF_SKILL_OK);
    EXPECT(ask(NF_SKILL_OP_LOG, "", "x") == NF_SKILL_E_LIMIT);
    return NF_OK;
}

static void a_call_asks_so_often(void **state)
{
    (void)state;
    play(serve, many_asks);
}

static enum nf_code progress(struct fixture *f, struct nf_err *err)
{
    char long_text[400];

    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    NF_TRY(grant(f, "", err));
    EXPECT(ask(NF_SKILL_OP_PROGRESS, "{\"percent\":40}", "half\x1b[2J") == NF_SKILL_OK);
    EXPECT(st.shown == 1 && st.percent == 40 && strcmp(st.text, "half?[2J") == 0);
    EXPECT(ask(NF_SKILL_OP_PROGRESS, "{\"percent\":50}", "too soon") == NF_SKILL_OK);
    EXPECT(st.shown == 1);
    NF_TRY(nf_sleep(NF_BROKER_PROGRESS_MS + 20, err));
    EXPECT(ask(NF_SKILL_OP_PROGRESS, "{\"percent\":500}", long_text) == NF_SKILL_OK);
    EXPECT(st.shown == 2 && st.percent == -1 && strlen(st.text) == NF_BROKER_PROGRESS_MAX);
    return NF_OK;
}

static void progress_is_shown_clean_and_not_too_often(void **state)
{
    (void)state;
    play(serve, progress);
}

/* --- kv --------------------------------------------------------------------------------------- */

static enum nf_code kv(struct fixture *f, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str big = { 0 };

    NF_TRY(grant(f, "\"kv\":true", err));
    EXPECT(ask(NF_SKILL_OP_KV_GET, "{\"key\":\"a\"}", "") == NF_SKILL_E_NOT_FOUND);
    EXPECT(ask(NF_SKILL_OP_KV_PUT, "{\"key\":\"a\"}", "one") == NF_SKILL_OK);
    EXPECT(ask(NF_SKILL_OP_KV_GET, "{\"key\":\"a\"}", "") == NF_SKILL_OK && said("one"));
    EXPECT(ask(NF_SKILL_OP_KV_PUT, "{\"key\":\"b\"}", "two") == NF_SKILL_OK);
    EXPECT(ask(NF_SKILL_OP_KV_LIST, "{\"prefix\":\"\"}", "") == NF_SKILL_OK);
    EXPECT(strcmp(nf_str_c(&st.answer.json), "[\"a\",\"b\"]") == 0);
    EXPECT(ask(NF_SKILL_OP_KV_LIST, "{\"after\":\"a\",\"limit\":1}", "") == NF_SKILL_OK);
    EXPECT(strcmp(nf_str_c(&st.answer.json), "[\"b\"]") == 0);
    EXPECT(ask(NF_SKILL_OP_KV_DELETE, "{\"key\":\"a\"}", "") == NF_SKILL_OK);
    EXPECT(ask(NF_SKILL_OP_KV_DELETE, "{\"key\":\"a\"}", "") == NF_SKILL_E_NOT_FOUND);
    EXPECT(ask(NF_SKILL_OP_KV_GET, "{\"key\":\"a b\"}", "") == NF_SKILL_E_INVALID);
    EXPECT(ask(NF_SKILL_OP_KV_GET, "{\"key\":\"\"}", "") == NF_SKILL_E_INVALID);
    EXPECT(ask(NF_SKILL_OP_KV_GET, "{\"key\":1}", "") == NF_SKILL_E_INVALID);

    for (int i = 0; i < 1024; i++)
        NF_TRY(nf_str_adds(&big, "x", err));
    EXPECT(ask(NF_SKILL_OP_KV_PUT, "{\"key\":\"c\"}", nf_str_c(&big)) == NF_SKILL_E_LIMIT);

    /* Somebody else's are others. */
    st.call.user_id = 8;
    EXPECT(ask(NF_SKILL_OP_KV_GET, "{\"key\":\"b\"}", "") == NF_SKILL_E_NOT_FOUND);
    return NF_OK;
}

static void keys_are_of_one_skill_and_person(void **state)
{
    (void)state;
    play(serve, kv);
}

/* --- files ------------------------------------------------------------------------------------ */

static int write_file(const char *path, const char *text)
{
    char json[2048];
    (void)snprintf(json, sizeof json, "{\"path\":\"%s\"}", path);
    return ask(NF_SKILL_OP_FILE_WRITE, json, text);
}

static int on_path(enum nf_skill_op op, const char *path)
{
    char json[2048];
    (void)snprintf(json, sizeof json, "{\"path\":\"%s\"}", path);
    return ask(op, json, "");
}

static enum nf_code files(struct fixture *f, struct nf_err *err)
{
    NF_TRY(grant(f, "\"files\":\"workspace\"", err));
    EXPECT(on_path(NF_SKILL_OP_FILE_LIST, "") == NF_SKILL_OK);
    EXPECT(strcmp(nf_str_c(&st.answer.json), "[]") == 0);
    EXPECT(on_path(NF_SKILL_OP_FILE_READ, "a/b.txt") == NF_SKILL_E_NOT_FOUND);
    EXPECT(write_file("a/b.txt", "hello") == NF_SKILL_OK);
    EXPECT(write_file("a/b.txt", "hello, world") == NF_SKILL_OK);
    EXPECT(on_path(NF_SKILL_OP_FILE_READ, "a/b.txt") == NF_SKILL_OK);
    EXPECT(strcmp(nf_str_c(&st.answer.raw), "hello, world") == 0);
    EXPECT(ask(NF_SKILL_OP_FILE_READ, "{\"path\":\"a/b.txt\",\"offset\":7,\"limit\":3}", "") == 0);
    EXPECT(strcmp(nf_str_c(&st.answer.raw), "wor") == 0);
    EXPECT(ask(NF_SKILL_OP_FILE_READ, "{\"path\":\"a/b.txt\",\"offset\":99}", "") == 0);
    EXPECT(st.answer.raw.len == 0);
    EXPECT(on_path(NF_SKILL_OP_FILE_LIST, "") == NF_SKILL_OK);
    EXPECT(strstr(nf_str_c(&st.answer.json), "{\"name\":\"a\",\"type\":\"directory\",\"size\":0,"));
    EXPECT(on_path(NF_SKILL_OP_FILE_LIST, "a") == NF_SKILL_OK);
    EXPECT(strstr(nf_str_c(&st.answer.json), "{\"name\":\"b.txt\",\"type\":\"file\",\"size\":12,"));
    EXPECT(on_path(NF_SKILL_OP_FILE_READ, "a") == NF_SKILL_E_INVALID);
    EXPECT(write_file("a", "x") == NF_SKILL_E_INVALID);
    EXPECT(write_file("a/b.txt/c", "x") == NF_SKILL_E_INVALID);
    EXPECT(on_path(NF_SKILL_OP_FILE_REMOVE, "a") == NF_SKILL_E_INVALID && said("not empty"));
    EXPECT(on_path(NF_SKILL_OP_FILE_REMOVE, "a/b.txt") == NF_SKILL_OK);
    EXPECT(on_path(NF_SKILL_OP_FILE_REMOVE, "a/b.txt") == NF_SKILL_E_NOT_FOUND);
    EXPECT(on_path(NF_SKILL_OP_FILE_REMOVE, "a") == NF_SKILL_OK);
    /* Another conversation has files of its own. */
    EXPECT(write_file("mine", "x") == NF_SKILL_OK);
    st.call.session_id = 43;
    EXPECT(on_path(NF_SKILL_OP_FILE_READ, "mine") == NF_SKILL_E_NOT_FOUND);
    /* By hand, without one, each person has files of their own. */
    st.call.session_id = 0;
    EXPECT(write_file("mine", "by hand") == NF_SKILL_OK);
    st.call.user_id = 8;
    EXPECT(on_path(NF_SKILL_OP_FILE_READ, "mine") == NF_SKILL_E_NOT_FOUND);
    return NF_OK;
}

static void files_are_written_read_listed_and_removed(void **state)
{
    (void)state;
    play(serve, files);
}

static enum nf_code bad_paths(struct fixture *f, struct nf_err *err)
{
    static const char *const bad[] = { "/etc/passwd", "../x",    "a/../../x",  "a//b", "a/",
                                       "./a",         "a/./b",   "..",         ".",    "/",
                                       "a\\u0007b",   ".nf-new", "a/.nf-newer" };
    char path[NF_WORKSPACE_PATH_MAX + 2];

    NF_TRY(grant(f, "\"files\":\"workspace\"", err));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (write_file(bad[i], "x") != NF_SKILL_E_INVALID ||
            on_path(NF_SKILL_OP_FILE_READ, bad[i]) != NF_SKILL_E_INVALID ||
            on_path(NF_SKILL_OP_FILE_REMOVE, bad[i]) != NF_SKILL_E_INVALID)
            return nf_err_set(err, NF_E_INTERNAL, "taken: %s", bad[i]);
    EXPECT(on_path(NF_SKILL_OP_FILE_LIST, "..") == NF_SKILL_E_INVALID);
    EXPECT(ask(NF_SKILL_OP_FILE_READ, "{}", "") == NF_SKILL_E_INVALID);

    memset(path, 'n', sizeof path);
    path[NF_WORKSPACE_NAME_MAX] = '\0';
    EXPECT(write_file(path, "x") == NF_SKILL_OK);
    path[NF_WORKSPACE_NAME_MAX] = 'n';
    path[NF_WORKSPACE_NAME_MAX + 1] = '\0';
    EXPECT(write_file(path, "x") == NF_SKILL_E_INVALID);
    for (size_t i = 0; i < NF_WORKSPACE_DEPTH_MAX + 1; i++)
        memcpy(path + 2 * i, "d/", 2);
    path[2 * NF_WORKSPACE_DEPTH_MAX + 1] = '\0';
    EXPECT(write_file(path, "x") == NF_SKILL_E_INVALID);
    return NF_OK;
}

static void paths_that_lead_out_are_refused(void **state)
{
    (void)state;
    play(serve, bad_paths);
}

static enum nf_code links(struct fixture *f, struct nf_err *err)
{
    char link[128], target[128];

    NF_TRY(grant(f, "\"files\":\"workspace\"", err));
    EXPECT(write_file("own", "x") == NF_SKILL_OK);
    (void)snprintf(target, sizeof target, "%s/outside", st.dir);
    EXPECT(mkdir(target, 0700) == 0);
    (void)snprintf(link, sizeof link, "%s/work/42/dir", st.dir);
    EXPECT(symlink(target, link) == 0);
    (void)snprintf(link, sizeof link, "%s/work/42/file", st.dir);
    EXPECT(symlink("/etc/passwd", link) == 0);
    (void)snprintf(link, sizeof link, "%s/work/42/fifo", st.dir);
    EXPECT(mkfifo(link, 0600) == 0);

    EXPECT(on_path(NF_SKILL_OP_FILE_READ, "file") == NF_SKILL_E_DENIED && said("a link"));
    EXPECT(write_file("dir/x", "x") == NF_SKILL_E_DENIED);
    EXPECT(write_file("dir/y/x", "x") == NF_SKILL_E_DENIED);
    EXPECT(on_path(NF_SKILL_OP_FILE_LIST, "dir") != NF_SKILL_OK);
    EXPECT(on_path(NF_SKILL_OP_FILE_REMOVE, "dir/x") != NF_SKILL_OK);
    EXPECT(on_path(NF_SKILL_OP_FILE_READ, "fifo") == NF_SKILL_E_INVALID);
    EXPECT(on_path(NF_SKILL_OP_FILE_LIST, "") == NF_SKILL_OK);
    EXPECT(strstr(nf_str_c(&st.answer.json), "own") && !strstr(nf_str_c(&st.answer.json), "fifo") &&
           !strstr(nf_str_c(&st.answer.json), "\"dir\""));
    /* A file that is written takes the place of a link, and does not follow it. */
    EXPECT(write_file("file", "mine") == NF_SKILL_OK);
    EXPECT(on_path(NF_SKILL_OP_FILE_READ, "file") == NF_SKILL_OK && said("mine"));
    EXPECT(rmdir(target) == 0); /* nothing was put there */
    return NF_OK;
}

static void links_are_not_followed(void **state)
{
    (void)state;
    play(serve, links);
}

static enum nf_code quotas(struct fixture *f, struct nf_err *err)
{
    static char big[8193];

    memset(big, 'x', 8192);
    NF_TRY(grant(f, "\"files\":\"workspace\"", err));
    EXPECT(write_file("big", big) == NF_SKILL_OK); /* 8,192 bytes */
    EXPECT(write_file("big", big) == NF_SKILL_OK); /* replaces itself */
    EXPECT(write_file("more", "x") == NF_SKILL_E_LIMIT && said("skills.workspace_size"));
    EXPECT(on_path(NF_SKILL_OP_FILE_REMOVE, "big") == NF_SKILL_OK);
    EXPECT(write_file("1", "x") == 0 && write_file("2", "x") == 0 && write_file("3", "x") == 0);
    EXPECT(write_file("4", "x") == 0 && write_file("5", "x") == 0 && write_file("6", "x") == 0);
    EXPECT(write_file("7", "x") == NF_SKILL_E_LIMIT && said("skills.workspace_files"));
    EXPECT(write_file("6", "y") == NF_SKILL_OK);
    return NF_OK;
}

static void bytes_and_files_of_a_session_are_bounded(void **state)
{
    (void)state;
    play(serve, quotas);
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
        cmocka_unit_test(a_secret_is_sent_and_never_seen),
        cmocka_unit_test(a_secret_goes_only_where_it_may),
        cmocka_unit_test(without_a_capability_everything_is_denied),
        cmocka_unit_test(a_call_asks_so_often),
        cmocka_unit_test(progress_is_shown_clean_and_not_too_often),
        cmocka_unit_test(keys_are_of_one_skill_and_person),
        cmocka_unit_test(files_are_written_read_listed_and_removed),
        cmocka_unit_test(paths_that_lead_out_are_refused),
        cmocka_unit_test(links_are_not_followed),
        cmocka_unit_test(bytes_and_files_of_a_session_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
