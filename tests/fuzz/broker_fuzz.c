/* Whatever a plugin asks, it gets an answer with a code, and nothing is sent: all that its manifest
 * grants is an address that may not be connected to. The input: a byte for the request, two for the
 * length of its fields, those, its bytes. */
#include "base/own.h"
#include "codec/json.h"
#include "persistence/memory/memory.h"
#include "skills/broker.h"
#include "skills/include/nexflow/skill.h"
#include "skills/manifest.h"
#include "skills/package.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char manifest_text[] =
    "{\"name\":\"probe\",\"version\":\"1.0.0\",\"description\":\"d\",\"entry\":\"p.so\",\"tools\":["
    "{"
    "\"name\":\"t\",\"description\":\"d\",\"parameters\":{\"type\":\"object\"}}],\"limits\":{"
    "\"kv_kib\":1},\"capabilities\":{\"http\":[\"http://127.0.0.1:1/a\"],\"secrets\":[\"KEY\"],"
    "\"kv\":true,\"files\":\"workspace\"}}";
static const char settings_text[] = "skills:\n  workspace_size: 4KiB\n  workspace_files: 8\n"
                                    "  secrets: [{name: KEY, value: the-secret}]\n";

static struct nf_loop *loop;
static struct nf_executor *executor;
static struct nf_stores stores;
static struct nf_skill_manifest manifest;
static struct nf_skill_settings settings;
static struct nf_broker_deps deps;
static char dir[] = "/tmp/nf-broker-fuzz-XXXXXX";

static void must(enum nf_code rc)
{
    if (rc != NF_OK)
        abort();
}

static void clean_up(void)
{
    struct nf_err ignored;
    (void)!nf_tree_remove(dir, &ignored);
}

static void set_up(void)
{
    const struct nf_config_part part = { &nf_skill_setting_group, &settings };
    struct nf_err err;

    must(nf_loop_new(&loop, &err));
    must(nf_executor_new(loop, "files", 1, 16, &executor, &err));
    must(nf_memory_store_new(&stores, &err));
    must(nf_skill_manifest_parse(manifest_text, sizeof(manifest_text) - 1, &manifest, &err));
    must(nf_config_load_text("f.yaml", settings_text, sizeof(settings_text) - 1, &part, 1, &err));
    must(nf_skill_logs_new(dir, executor, &deps.logs, &err));
    if (!mkdtemp(dir) || atexit(clean_up) != 0)
        abort();
    must(nf_workspaces_new(dir, executor, &deps.workspaces, &err));
    must(nf_http_client_new(loop, NULL, &deps.http, &err));
    deps.clock = nf_system_clock();
    deps.kv = stores.kv;
    deps.settings = &settings;
}

static void show(void *arg, int percent, const char *text)
{
    (void)arg;
    if (percent < -1 || percent > 100 || strlen(text) > NF_BROKER_PROGRESS_MAX)
        abort();
}

static void check(const struct nf_skill_answer *a)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *d = NULL;

    if (a->code < NF_SKILL_OK || a->code > NF_SKILL_E_INTERNAL)
        abort();
    if (a->code != NF_SKILL_OK && (a->json.len > 0 || a->raw.len == 0))
        abort();
    if (a->json.len > 0 && nf_json_parse(a->json.p, a->json.len, 0, &d, NULL) != NF_OK)
        abort();
    if (a->raw.p && memmem(a->raw.p, a->raw.len, "the-secret", 10))
        abort();
}

static enum nf_code ask(void *arg, struct nf_err *err)
{
    const struct nf_skill_ask *a = arg;
    const struct nf_tool_call call = { .user_id = 1, .session_id = 1, .progress = show };
    struct nf_skill_answer answer = { 0 };
    struct nf_broker broker;

    nf_broker_init(&broker, &deps, &manifest, &call);
    must(broker.port.ops->ask(&broker.port, a, &answer, err));
    check(&answer);
    if (a->op == NF_SKILL_OP_HTTP_FETCH && answer.code == NF_SKILL_OK)
        abort();
    nf_str_done(&answer.json);
    nf_str_done(&answer.raw);
    return NF_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *p = (const char *)data + 3;
    struct nf_err err;

    if (!loop)
        set_up();
    if (size < 3)
        return 0;
    size_t n = data[1] | (size_t)data[2] << 8;
    n = n < size - 3 ? n : size - 3;
    const struct nf_skill_ask a = { (enum nf_skill_op)(data[0] % 16),
                                    { p, n },
                                    { p + n, size - 3 - n } };
    must(nf_loop_run(loop, ask, (void *)&a, &err));
    return 0;
}
