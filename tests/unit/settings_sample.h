/* A configuration with the shape that the daemon has, for the tests of settings. */
#pragma once

#include "tests/support/test.h"

#include "codec/json.h"
#include "config/settings.h"

#include <stdlib.h>
#include <string.h>

static struct nf_err err;

struct model {
    char *name;
    int64_t context;
};
struct provider {
    char *name;
    int type;
    char *base_url;
    struct nf_secret api_key;
    struct nf_setting_list models;
};
struct llm {
    struct nf_setting_list providers;
    int64_t retries;
};
struct server {
    char *listen;
    int64_t body_max, timeout, port;
    bool open;
    struct nf_setting_strs hosts;
    struct nf_secret token;
};
struct logs {
    int level;
    char *file;
};

static enum nf_code check_listen(const char *value, struct nf_err *e)
{
    return strchr(value, ':') ? NF_OK : nf_err_set(e, NF_E_INVALID, "must be ADDRESS:PORT");
}

static enum nf_code check_token(const char *value, struct nf_err *e)
{
    return *value == 's' ? NF_OK : nf_err_set(e, NF_E_INVALID, "%s does not begin with s", value);
}

static const char *const types[] = { "openai", "anthropic", "ollama", NULL };
static const char *const levels[] = { "debug", "info", "warn", "error", NULL };

static const struct nf_setting model_settings[] = {
    NF_SETTING(struct model, "name", NF_SET_STR, name, .required = true, .min = 1, .max = 16),
    NF_SETTING(struct model, "limits.context", NF_SET_BYTES, context, .def = "8KiB"),
};
static const struct nf_setting_group model_group = { "", model_settings, 2, sizeof(struct model) };
static const struct nf_setting provider_settings[] = {
    NF_SETTING(struct provider, "name", NF_SET_STR, name, .required = true, .min = 1),
    NF_SETTING(struct provider, "type", NF_SET_ENUM, type, .choices = types, .required = true),
    NF_SETTING(struct provider, "base_url", NF_SET_STR, base_url),
    NF_SETTING(struct provider, "api_key", NF_SET_SECRET, api_key, .max = 20),
    NF_SETTING(struct provider, "models", NF_SET_GROUPS, models, .items = &model_group, .min = 1,
               .max = 3),
};
static const struct nf_setting_group provider_group = { "", provider_settings, 5,
                                                        sizeof(struct provider) };
static const struct nf_setting llm_settings[] = {
    NF_SETTING(struct llm, "providers", NF_SET_GROUPS, providers, .items = &provider_group,
               .reloadable = true, .help = "Who answers"),
    NF_SETTING(struct llm, "retries", NF_SET_INT, retries, .def = "2", .min = -1, .max = 9),
};
static const struct nf_setting_group llm_group = { "llm", llm_settings, 2, sizeof(struct llm) };
static const struct nf_setting server_settings[] = {
    NF_SETTING(struct server, "listen", NF_SET_STR, listen, .def = "127.0.0.1:7777", .min = 3,
               .max = 32, .check = check_listen, .help = "Where | to <listen>"),
    NF_SETTING(struct server, "limits.body_max", NF_SET_BYTES, body_max, .def = "1MiB", .min = 1024,
               .max = 16777216),
    NF_SETTING(struct server, "limits.timeout", NF_SET_MS, timeout, .def = "30s", .min = 100,
               .max = 3600000, .reloadable = true),
    NF_SETTING(struct server, "port", NF_SET_INT, port),
    NF_SETTING(struct server, "open", NF_SET_BOOL, open, .reloadable = true),
    NF_SETTING(struct server, "hosts", NF_SET_STRS, hosts, .max = 3),
    NF_SETTING(struct server, "token", NF_SET_SECRET, token, .def = "", .check = check_token),
};
static const struct nf_setting_group server_group = { "server", server_settings, 7,
                                                      sizeof(struct server) };
static const struct nf_setting log_settings[] = {
    NF_SETTING(struct logs, "level", NF_SET_ENUM, level, .def = "info", .choices = levels,
               .reloadable = true, .help = "Least level that is logged"),
    NF_SETTING(struct logs, "file", NF_SET_STR, file, .def = "", .min = 1),
};
/* A group's name may have dots, and share its beginning with another's. */
static const struct nf_setting_group log_group = { "server.log", log_settings, 2,
                                                   sizeof(struct logs) };

#define PARTS 3

struct config {
    struct llm llm;
    struct server server;
    struct logs logs;
    struct nf_config_part parts[PARTS];
};

static void config_init(struct config *c)
{
    *c = (struct config){ 0 };
    c->parts[0] = (struct nf_config_part){ &server_group, &c->server };
    c->parts[1] = (struct nf_config_part){ &llm_group, &c->llm };
    c->parts[2] = (struct nf_config_part){ &log_group, &c->logs };
}

struct fixture {
    struct config a, b;
    struct nf_str text;
    struct nf_json_doc *doc;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    if (!f)
        return -1;
    config_init(&f->a);
    config_init(&f->b);
    (void)setenv("NF_TEST_KEY", "sk-from-env", 1);
    (void)setenv("NF_TEST_EMPTY", "", 1);
    (void)setenv("NF_TEST_NUMBER", "7", 1);
    (void)unsetenv("NF_TEST_GONE");
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    nf_fail_alloc_at(0);
    nf_config_done(f->a.parts, PARTS);
    nf_config_done(f->b.parts, PARTS);
    nf_str_done(&f->text);
    nf_json_free(f->doc);
    free(f);
    return 0;
}

static enum nf_code load(struct config *c, const char *text)
{
    return nf_config_load_text("t.yaml", text, strlen(text), c->parts, PARTS, &err);
}

static const char sample[] = "# a comment\n"
                             "server:\n"
                             "  listen: 0.0.0.0:80\n"
                             "  limits:\n"
                             "    body_max: 2MiB\n"
                             "    timeout: \"90s\"\n"
                             "  hosts: [a.example, 'b.${NF_TEST_NUMBER}']\n"
                             "  log: {level: warn}\n"
                             "llm:\n"
                             "  providers:\n"
                             "    - name: one\n"
                             "      type: anthropic\n"
                             "      base_url: https://api.example/v1\n"
                             "      api_key: ${NF_TEST_KEY}\n"
                             "      models:\n"
                             "        - name: big\n"
                             "          limits:\n"
                             "            context: 200KiB\n"
                             "        - {name: small}\n"
                             "    - name: two\n"
                             "      type: ollama\n"
                             "      models: [{name: tiny}]\n";

static const struct provider *provider_at(const struct config *c, size_t i)
{
    assert_true(i < c->llm.providers.n);
    return (const struct provider *)c->llm.providers.v + i;
}
