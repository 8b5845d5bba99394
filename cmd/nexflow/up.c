/* nexflow up: from nothing to the first answer, with at most three questions. */
#include "cmd/nexflow/up.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct up {
    struct nf_cli *cli;
    bool yes; /* ask nothing: take what was found first */
    struct nf_up_choice found[NF_UP_FOUND_MAX];
    size_t found_n;
    struct nf_up_choice typed; /* what was pasted */
};

static void up_done(struct up *u)
{
    for (size_t i = 0; i < NF_UP_FOUND_MAX; i++)
        nf_up_choice_done(&u->found[i]);
    nf_up_choice_done(&u->typed);
}

/* A number from 1 to max; empty takes 1. */
static NF_RC ask_number(struct up *u, const char *question, size_t max, size_t *ret,
                        struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str line = { 0 };
    *ret = 0;
    if (u->yes || max <= 1)
        return NF_OK;
    for (;;) {
        (void)printf("%s [1] ", question);
        (void)fflush(stdout);
        NF_TRY(nf_cli_read_line(u->cli, &line, err));
        int64_t n = 1;
        if (line.len == 0 ||
            (nf_slice_u63(nf_slice_of(nf_str_c(&line)), &n) && n >= 1 && (size_t)n <= max)) {
            *ret = (size_t)(n - 1);
            return NF_OK;
        }
        (void)printf("A number from 1 to %zu, please.\n", max);
    }
}

/* What a pasted text is: a URL of a compatible server, or a key that tells whose it is. */
static NF_RC understand(struct up *u, const char *text, struct nf_err *err)
{
    struct nf_up_choice *c = &u->typed;
    if (strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0) {
        if (strlen(text) >= sizeof(c->base_url))
            return nf_err_set(err, NF_E_LIMIT, "this URL is over %zu bytes",
                              sizeof(c->base_url) - 1);
        NF_TRY(nf_llm_check_url("base URL", text, err));
        (void)snprintf(c->base_url, sizeof(c->base_url), "%s", text);
        c->type = NF_LLM_CUSTOM;
        c->name = "custom";
        c->title = text;
        return NF_OK;
    }
    bool anthropic = strncmp(text, "sk-ant-", 7) == 0;
    if (!anthropic && strncmp(text, "sk-", 3) != 0)
        return nf_err_set(err, NF_E_INVALID,
                          "this is neither a URL (http://...) nor a key (sk-...) of OpenAI or "
                          "Anthropic; for other providers give the base URL");
    c->type = anthropic ? NF_LLM_ANTHROPIC : NF_LLM_OPENAI;
    c->name = anthropic ? "anthropic" : "openai";
    c->title = anthropic ? "Anthropic" : "OpenAI";
    return nf_secret_set(&c->key, text, err);
}

static NF_RC ask_provider(struct up *u, struct nf_up_choice **ret, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str line = { 0 };
    if (u->yes || !isatty(STDIN_FILENO))
        return nf_err_set(err, NF_E_NOT_FOUND,
                          "found no key in OPENAI_API_KEY or ANTHROPIC_API_KEY and no model server "
                          "on this machine: set one of them, or start Ollama, and run it again");
    for (;;) {
        struct nf_err why;
        (void)fputs("Paste an API key of OpenAI or Anthropic, or the base URL of a compatible "
                    "server: ",
                    stdout);
        (void)fflush(stdout);
        NF_TRY(nf_cli_read_secret(u->cli, &line, err));
        if (understand(u, nf_str_c(&line), &why) != NF_OK) {
            (void)printf("%s\n", why.msg);
            continue;
        }
        if (u->typed.type == NF_LLM_CUSTOM) {
            (void)fputs("Its API key, or nothing if it needs none: ", stdout);
            (void)fflush(stdout);
            NF_TRY(nf_cli_read_secret(u->cli, &line, err));
            NF_TRY(nf_secret_set(&u->typed.key, nf_str_c(&line), err));
        }
        const char *url = u->typed.base_url[0] ? u->typed.base_url : NULL;
        if (nf_llm_probe(u->cli->http, u->typed.type, url, &u->typed.key, 10000, &u->typed.models,
                         &why) == NF_OK)
            break;
        (void)printf("%s\n", why.msg);
    }
    *ret = &u->typed;
    return NF_OK;
}

static NF_RC choose_provider(struct up *u, struct nf_up_choice **ret, struct nf_err *err)
{
    size_t i;
    if (u->found_n == 0)
        return ask_provider(u, ret, err);
    for (i = 0; i < u->found_n; i++)
        (void)printf("  %zu  %s, %zu models\n", i + 1, u->found[i].title, u->found[i].models.n);
    NF_TRY(ask_number(u, "Which provider?", u->found_n, &i, err));
    *ret = &u->found[i];
    return NF_OK;
}

/* Names that are surely no chat models stay out of the list. */
static bool can_chat(const char *model)
{
    static const char *const others[] = { "embed",      "whisper", "tts",     "dall-e",
                                          "moderation", "image",   "audio",   "realtime",
                                          "transcribe", "davinci", "babbage", "rerank",
                                          "sora" };
    for (size_t i = 0; i < NF_COUNT(others); i++)
        if (strstr(model, others[i]))
            return false;
    return true;
}

static NF_RC choose_model(struct up *u, const struct nf_up_choice *c, const char **ret,
                          struct nf_err *err)
{
    enum { SHOWN_MAX = 12 };
    const char *shown[SHOWN_MAX];
    size_t n = 0, i;
    for (i = 0; i < c->models.n && n < SHOWN_MAX; i++)
        if (can_chat(c->models.v[i]))
            shown[n++] = c->models.v[i];
    if (n == 0)
        return nf_err_set(err, NF_E_NOT_FOUND, "%s offers no model to talk with%s", c->title,
                          c->type == NF_LLM_OLLAMA ? ": `ollama pull qwen3:4b` gets one" : "");
    for (i = 0; n > 1 && !u->yes && i < n; i++)
        (void)printf("  %zu  %s\n", i + 1, shown[i]);
    NF_TRY(ask_number(u, "Which model?", n, &i, err));
    *ret = shown[i];
    return NF_OK;
}

static NF_RC set_up(struct up *u, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str yaml = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str answer = { 0 };
    const char *path = u->cli->config_path ? u->cli->config_path : NF_CONFIG_DEFAULT_PATH;
    struct nf_up_choice *choice = NULL;
    const char *model = NULL;
    int64_t ms = 0;

    (void)puts("Looking for language models ...");
    u->found_n = nf_up_find(u->cli, u->found);
    NF_TRY(choose_provider(u, &choice, err));
    NF_TRY(choose_model(u, choice, &model, err));
    NF_TRY(nf_up_yaml(choice, model, &yaml, err));

    (void)printf("Asking %s ...\n", model);
    NF_TRY(nf_up_try(u->cli, nf_str_c(&yaml), &answer, &ms, err));
    (void)printf("OK: %s answered \"%.60s\" in %.1f s\n", model, nf_str_c(&answer),
                 (double)ms / 1000);
    NF_TRY(nf_up_save(path, nf_str_c(&yaml), err));
    (void)printf(
        "Saved to %s%s\n", path,
        choice->key_env ? "; the key stays in the environment, where the daemon needs it too" : "");
    return NF_OK;
}

static NF_RC print_link(struct nf_cli *cli, struct nf_err *err)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    NF_TRY(nf_cli_call(cli, "POST", "/api/v1/users/me/links", "{}", &doc, err));
    const char *url = nf_json_str(nf_json_get(nf_json_root(doc), "url"));
    (void)printf("\nNexflow is ready. Open this link once, within 10 minutes:\n\n  %s\n\n",
                 url ? url : "?");
    return NF_OK;
}

static NF_RC reread_config(struct nf_cli *cli, struct nf_err *err)
{
    if (cli->config_rc == NF_OK)
        nf_daemon_config_done(&cli->config);
    cli->config_rc = nf_daemon_config_load(cli->config_path, &cli->config, &cli->config_err);
    return nf_cli_config_needed(cli, err);
}

/* A daemon that is ready already: one real turn through it, and the link. */
static NF_RC try_configured(struct up *u, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str answer = { 0 };
    int64_t ms = 0;
    (void)puts("A language model is configured already. Asking it ...");
    NF_TRY(nf_up_try(u->cli, NULL, &answer, &ms, err));
    (void)printf("OK: it answered \"%.60s\" in %.1f s\n", nf_str_c(&answer), (double)ms / 1000);
    return NF_OK;
}

static NF_RC bring_up(struct up *u, struct nf_err *err)
{
    NF_TRY(nf_cli_config_needed(u->cli, err));
    if (u->cli->config.llm.providers.n > 0)
        NF_TRY(try_configured(u, err));
    else
        NF_TRY(set_up(u, err));
    NF_TRY(reread_config(u->cli, err));
    NF_TRY(nf_up_daemon(u->cli, err));
    return print_link(u->cli, err);
}

static int run_up(struct nf_cli *cli, int argc, char **argv)
{
    NF_CLEANUP(up_done) struct up u = { .cli = cli };
    struct nf_err err;

    u.yes = argc == 2 && strcmp(argv[1], "--yes") == 0;
    if (argc > 2 || (argc == 2 && !u.yes))
        return nf_cli_misused(&nf_cli_up);
    return bring_up(&u, &err) == NF_OK ? NF_CLI_OK : nf_cli_fail(&err);
}

const struct nf_cli_command nf_cli_up = {
    .name = "up",
    .usage = "[--yes]",
    .help = "first run: find a language model, try it, start the daemon, print the link",
    .details =
        "Finds keys in OPENAI_API_KEY and ANTHROPIC_API_KEY and servers on this machine (Ollama,\n"
        "llama.cpp, LM Studio), asks at most three questions, runs one real turn, saves what\n"
        "worked, and starts the daemon or lets the running one take it over. Nothing is saved\n"
        "that did not answer.\n"
        "\n"
        "  --yes  ask nothing: take the first that is found\n",
    .run = run_up,
};
