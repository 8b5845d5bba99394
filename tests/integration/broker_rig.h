/* The broker of the tests, with a server that misbehaves, a store in memory and a directory for
 * files. */
#pragma once

#include "skills/broker.h"

#include "codec/hash.h"
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
#define ODD "odd \"\\/+?>~%>>>??? one" /* all that any of the encodings treats in its own way */

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

static inline void show(void *arg, int percent, const char *text)
{
    (void)arg;
    st.shown++;
    st.percent = percent;
    (void)snprintf(st.text, sizeof st.text, "%s", text);
}

static inline void free_answer(void)
{
    nf_str_done(&st.answer.json);
    nf_str_done(&st.answer.raw);
    st.answer = (struct nf_skill_answer){ 0 };
}

static inline NF_RC load_settings(const struct fixture *f, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str yaml = { 0 };
    static const char text[] = "skills:\n"
                               "  allow_private: [127.0.0.1]\n"
                               "  http_requests: 8\n"
                               "  workspace_size: 8KiB\n"
                               "  workspace_files: 6\n"
                               "  config:\n"
                               "    - {skill: probe, key: base_url, value: \"%s/set/\"}\n"
                               "    - {skill: probe, key: words, value: of the owner}\n"
                               "    - {skill: other, key: theirs, value: \"%s/theirs/\"}\n"
                               "  secrets:\n"
                               "    - {name: KEY, value: " SECRET "}\n"
                               "    - {name: AWAY, value: another-secret, "
                               "urls: [\"https://api.example.com/\"]}\n"
                               "    - {name: ODD, value: '" ODD "'}\n";
    const struct nf_config_part part = { &nf_skill_setting_group, &st.settings };

    for (const char *p = text, *mark; *p; p = mark) {
        mark = strstr(p, "%s");
        NF_TRY(mark ? nf_str_add(&yaml, p, (size_t)(mark - p), err) : nf_str_adds(&yaml, p, err));
        NF_TRY(nf_str_adds(&yaml, mark ? f->url : "", err));
        mark = mark ? mark + 2 : "";
    }
    NF_TRY(nf_config_load_text("t.yaml", nf_str_c(&yaml), yaml.len, &part, 1, err));
    return nf_skill_settings_check(&st.settings, err);
}

/* The skill may do `capabilities`; %s in it is the server's URL. */
static inline NF_RC grant(const struct fixture *f, const char *capabilities, struct nf_err *err)
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

static inline NF_RC build(struct fixture *f, struct nf_err *err)
{
    char path[96];

    NF_TRY(nf_executor_new(f->loop, "files", 1, 16, &st.files, err));
    NF_TRY(nf_executor_new(f->loop, "sessions", 1, 16, &st.sessions, err));
    (void)snprintf(path, sizeof path, "%s/logs", st.dir);
    NF_TRY(nf_skill_logs_new(path, st.files, &st.logs, err));
    (void)snprintf(path, sizeof path, "%s/work", st.dir);
    NF_TRY(nf_workspaces_new(path, st.sessions, &st.workspaces, err));
    NF_TRY(nf_memory_store_new(&st.stores, err));
    NF_TRY(load_settings(f, err));
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

static inline enum nf_code on_stage(struct fixture *f, struct nf_err *err)
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

static inline void play(raw_serve_fn serve,
                        enum nf_code (*body)(struct fixture *f, struct nf_err *err))
{
    memset(&st, 0, sizeof st);
    (void)snprintf(st.dir, sizeof st.dir, "/tmp/nf-broker-XXXXXX");
    assert_non_null(mkdtemp(st.dir));
    scene = body;
    run(serve, on_stage);
}

/* Ask; the code that the plugin sees. */
static inline int ask(enum nf_skill_op op, const char *json, const char *raw)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    NF_CLEANUP(nf_str_done) struct nf_str fields = { 0 };
    struct nf_err err;

    free_answer();
    if (nf_json_parse(json, strlen(json), 0, &doc, &err) != NF_OK ||
        nf_fields_from_json(&fields, nf_json_root(doc), &err) != NF_OK)
        return -1;
    int64_t percent = nf_json_i64(nf_json_get(nf_json_root(doc), "percent"), -1);
    if (op == NF_SKILL_OP_PROGRESS &&
        nf_fields_put_number(&fields, NF_FIELD_PERCENT, percent, &err) != NF_OK)
        return -1;
    const struct nf_skill_ask a = { op, { nf_str_c(&fields), fields.len }, nf_slice_of(raw) };
    if (st.broker.port.ops->ask(&st.broker.port, &a, &st.answer, &err) != NF_OK)
        return -1;
    return st.answer.code;
}

static inline bool said(const char *words)
{
    return strstr(nf_str_c(&st.answer.raw), words) != NULL;
}

/* GET `path` of the server, with a header. */
static inline int fetch_path(const struct fixture *f, const char *path, const char *header)
{
    char json[512];

    (void)snprintf(json, sizeof json, "{\"url\":\"%s%s\",\"headers\":[%s%s%s]}", f->url, path,
                   header ? "\"" : "", header ? header : "", header ? "\"" : "");
    return ask(NF_SKILL_OP_HTTP_FETCH, json, "");
}

static inline int fetch_url(const char *url)
{
    char json[512];

    (void)snprintf(json, sizeof json, "{\"url\":\"%s\"}", url);
    return ask(NF_SKILL_OP_HTTP_FETCH, json, "");
}

static inline int members(const char *key)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *d = NULL;

    if (nf_json_parse(nf_str_c(&st.answer.json), st.answer.json.len, 0, &d, NULL) != NF_OK)
        return -1;
    return (int)nf_json_i64(nf_json_get(nf_json_root(d), key), -2);
}

/* --- the server ------------------------------------------------------------------------------- */

static inline void reply(struct raw_conn *c, const char *head, const char *body, size_t n)
{
    char lines[512];

    (void)snprintf(lines, sizeof lines, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n", head, n);
    (void)(raw_send(c, lines) && raw_sendn(c, body, n));
}

static inline void redirect(struct raw_conn *c, const char *status, const char *to)
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

static inline void serve_gzip(struct raw_conn *c)
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

static inline void serve(struct raw_conn *c)
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
