/* The steps of `nexflow up` that ask nobody: finding, trying, writing. */
#include "cmd/nexflow/up.h"

#include "config/edit.h"
#include "runtime/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ANSWER_SHOWN 60 /* bytes */
#define CONFIG_MAX ((size_t)1 << 20)

void nf_up_choice_done(struct nf_up_choice *c)
{
    nf_secret_done(&c->key);
    nf_llm_names_done(&c->models);
}

/* --- finding ---------------------------------------------------------------------------------- */

static NF_RC probe(struct nf_cli *cli, struct nf_up_choice *c, int64_t ms, struct nf_err *err)
{
    if (c->base_url[0])
        NF_TRY(nf_llm_check_url("its address", c->base_url, err));
    return nf_llm_probe(cli->http, c->type, c->base_url[0] ? c->base_url : NULL, &c->key, ms,
                        &c->models, err);
}

static size_t find_keys(struct nf_cli *cli, struct nf_up_choice *ret)
{
    static const struct {
        const char *env, *url, *title, *name;
        enum nf_llm_type type;
    } keys[] = {
        { "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "Anthropic, with the key in ANTHROPIC_API_KEY",
          "anthropic", NF_LLM_ANTHROPIC },
        { "OPENAI_API_KEY", "OPENAI_BASE_URL", "OpenAI, with the key in OPENAI_API_KEY", "openai",
          NF_LLM_OPENAI },
    };
    struct nf_err err;
    size_t n = 0;
    for (size_t i = 0; i < NF_COUNT(keys); i++) {
        const char *key = getenv(keys[i].env);
        const char *url = getenv(keys[i].url);
        struct nf_up_choice *c = &ret[n];
        if (!key || key[0] == '\0' || nf_secret_set(&c->key, key, &err) != NF_OK)
            continue;
        c->title = keys[i].title;
        c->name = keys[i].name;
        c->type = keys[i].type;
        c->key_env = keys[i].env;
        if (url && strlen(url) < sizeof(c->base_url))
            (void)snprintf(c->base_url, sizeof(c->base_url), "%s", url);
        if (probe(cli, c, NF_UP_REMOTE_PROBE_MS, &err) == NF_OK) {
            n++;
            continue;
        }
        nf_cli_print(stdout, "The key in %s does not work: %s\n", keys[i].env, err.msg);
        nf_up_choice_done(c);
        *c = (struct nf_up_choice){ 0 };
    }
    return n;
}

/* OLLAMA_HOST is what Ollama's server listens on: often without a scheme or a port, and with the
 * address that means all of them. */
static void ollama_url(const char *host, char *ret, size_t max)
{
    const char *scheme = strstr(host, "://") ? "" : "http://";
    const char *rest = strstr(host, "://") ? strstr(host, "://") + 3 : host;
    const char *port = strrchr(rest, ':') ? "" : ":11434";
    if (strncmp(host, "0.0.0.0", 7) == 0)
        (void)snprintf(ret, max, "http://127.0.0.1%s%s", host + 7, port);
    else
        (void)snprintf(ret, max, "%s%s%s", scheme, host, port);
}

static size_t find_servers(struct nf_cli *cli, struct nf_up_choice *ret)
{
    static const struct {
        const char *url, *title, *name;
        enum nf_llm_type type;
    } servers[] = {
        { "http://127.0.0.1:11434", "Ollama", "ollama", NF_LLM_OLLAMA },
        { "http://127.0.0.1:8080/v1", "the server on port 8080 (llama.cpp)", "llamacpp",
          NF_LLM_CUSTOM },
        { "http://127.0.0.1:1234/v1", "the server on port 1234 (LM Studio)", "lmstudio",
          NF_LLM_CUSTOM },
    };
    const char *host = getenv("OLLAMA_HOST");
    struct nf_err err;
    size_t n = 0;
    for (size_t i = 0; i < NF_COUNT(servers); i++) {
        struct nf_up_choice *c = &ret[n];
        bool named = servers[i].type == NF_LLM_OLLAMA && host && host[0];
        c->title = servers[i].title;
        c->name = servers[i].name;
        c->type = servers[i].type;
        if (named)
            ollama_url(host, c->base_url, sizeof(c->base_url));
        else
            (void)snprintf(c->base_url, sizeof(c->base_url), "%s", servers[i].url);
        if (probe(cli, c, NF_UP_PROBE_MS, &err) == NF_OK) {
            n++;
            continue;
        }
        if (named)
            nf_cli_print(stdout, "Ollama at %s (OLLAMA_HOST): %s\n", c->base_url, err.msg);
        nf_up_choice_done(c);
        *c = (struct nf_up_choice){ 0 };
    }
    return n;
}

size_t nf_up_find(struct nf_cli *cli, struct nf_up_choice ret[NF_UP_FOUND_MAX])
{
    size_t n = find_keys(cli, ret);
    return n + find_servers(cli, ret + n);
}

/* --- writing ---------------------------------------------------------------------------------- */

enum nf_code nf_up_yaml(const struct nf_up_choice *c, const char *model, struct nf_str *ret,
                        struct nf_err *err)
{
    static const char *const types[] = { "openai", "anthropic", "ollama", "custom" };
    NF_TRY(nf_str_addf(ret, err, "llm:\n  providers:\n    - name: %s\n      type: %s\n", c->name,
                       types[c->type]));
    if (c->base_url[0]) {
        NF_TRY(nf_str_adds(ret, "      base_url: ", err));
        NF_TRY(nf_config_add_quoted(ret, c->base_url, err));
        NF_TRY(nf_str_adds(ret, "\n", err));
    }
    if (c->key_env)
        NF_TRY(nf_str_addf(ret, err, "      api_key: ${%s}\n", c->key_env));
    else if (nf_secret_is_set(&c->key)) {
        NF_TRY(nf_str_adds(ret, "      api_key: ", err));
        NF_TRY(nf_config_add_quoted(ret, nf_secret_reveal(&c->key), err));
        NF_TRY(nf_str_adds(ret, "\n", err));
    }
    NF_TRY(nf_str_adds(ret, "      models: [", err));
    NF_TRY(nf_config_add_quoted(ret, model, err));
    return nf_str_adds(ret, "]\n", err);
}

enum nf_code nf_up_read_file(const char *path, struct nf_str *ret, struct nf_err *err)
{
    char buf[4096];
    ssize_t n = 0;
    ret->max = CONFIG_MAX;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? NF_OK
                               : nf_err_set(err, NF_E_IO, "open '%s': %s", path, strerror(errno));
    enum nf_code rc = NF_OK;
    while (rc == NF_OK && (n = read(fd, buf, sizeof(buf))) > 0)
        rc = nf_str_add(ret, buf, (size_t)n, err);
    if (rc == NF_OK && n < 0)
        rc = nf_err_set(err, NF_E_IO, "read '%s': %s", path, strerror(errno));
    (void)close(fd);
    return rc;
}

static bool has_llm_block(const char *text)
{
    return strncmp(text, "llm:", 4) == 0 || strstr(text, "\nllm:") != NULL;
}

enum nf_code nf_up_check_file(const char *path, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { 0 };
    NF_TRY(nf_up_read_file(path, &text, err));
    if (has_llm_block(nf_str_c(&text)))
        return nf_err_set(err, NF_E_CONFLICT,
                          "'%s' has an llm block without a provider: add the provider there by "
                          "hand, or remove the block and run this again",
                          path);
    return NF_OK;
}

enum nf_code nf_up_write_file(const char *path, const char *text, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str dir = { 0 };
    const char *slash = strrchr(path, '/');
    if (slash && slash != path) {
        NF_TRY(nf_str_add(&dir, path, (size_t)(slash - path), err));
        if (mkdir(nf_str_c(&dir), 0700) != 0 && errno != EEXIST)
            return nf_err_set(err, NF_E_IO, "create directory '%s': %s", nf_str_c(&dir),
                              strerror(errno));
    }
    return nf_file_replace(path, text, strlen(text), err);
}

enum nf_code nf_up_save(const char *path, const char *yaml, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { 0 };

    NF_TRY(nf_up_check_file(path, err));
    NF_TRY(nf_up_read_file(path, &text, err));
    if (text.len > 0 && text.p[text.len - 1] != '\n')
        NF_TRY(nf_str_adds(&text, "\n", err));
    NF_TRY(nf_str_adds(&text, yaml, err));
    return nf_up_write_file(path, nf_str_c(&text), err);
}

/* --- trying ----------------------------------------------------------------------------------- */

struct listener {
    struct nf_model_sink sink;
    struct nf_str *to;
};

static enum nf_code listen(struct nf_model_sink *sink, const struct nf_completion_event *e,
                           struct nf_err *err)
{
    struct listener *l = nf_container_of(sink, struct listener, sink);
    return e->type == NF_EVENT_TEXT ? nf_str_add(l->to, e->text.p, e->text.n, err) : NF_OK;
}

static NF_RC ask(struct nf_cli *cli, const struct nf_llm_settings *s, struct nf_str *answer,
                 struct nf_err *err)
{
    NF_CLEANUP(nf_completion_request_done) struct nf_completion_request r;
    struct listener l = { .sink.event = listen, .to = answer };
    struct nf_model_outcome outcome = { 0 };
    struct nf_llm_router *router = NULL;
    struct nf_chat_message *m;

    nf_completion_request_init(&r);
    NF_TRY(nf_completion_add_message(&r, NF_ROLE_USER, &m, err));
    NF_TRY(nf_parts_add_text(&m->parts, "Answer with the single word: ready", err));
    NF_TRY(nf_llm_router_new(s, cli->http, &router, err));
    enum nf_code rc = nf_model_complete(nf_llm_router_model(router), &r, &l.sink, &outcome, err);
    nf_llm_router_free(router);
    if (rc == NF_OK && answer->len == 0)
        return nf_err_set(err, NF_E_UNAVAILABLE, "%s answered nothing", outcome.model);
    return rc;
}

enum nf_code nf_up_try(struct nf_cli *cli, const char *yaml, struct nf_str *answer, int64_t *ms,
                       struct nf_err *err)
{
    struct nf_clock *clock = nf_system_clock();
    struct nf_llm_settings fresh = { 0 };
    const struct nf_config_part part = { &nf_llm_setting_group, &fresh };
    int64_t begun = nf_clock_mono_us(clock);

    if (!yaml) {
        NF_TRY(ask(cli, &cli->config.llm, answer, err));
    } else {
        NF_TRY(nf_config_load_text("the new settings", yaml, strlen(yaml), &part, 1, err));
        enum nf_code rc = ask(cli, &fresh, answer, err);
        nf_config_done(&part, 1);
        NF_TRY(rc);
    }
    *ms = (nf_clock_mono_us(clock) - begun) / 1000;
    return NF_OK;
}

void nf_up_print_answer(const char *model, const struct nf_str *answer, int64_t ms)
{
    size_t n = 0;
    while (n < answer->len && n < ANSWER_SHOWN && (unsigned char)answer->p[n] >= ' ')
        n++;
    while (n > 0 && n < answer->len && ((unsigned char)answer->p[n] & 0xc0) == 0x80)
        n--; /* not within a character */
    nf_cli_print(stdout, "OK: %s answered \"%.*s\" in %.1f s\n", model, (int)n, nf_str_c(answer),
                 (double)ms / 1000);
}
