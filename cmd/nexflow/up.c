/* nexflow up: from nothing to the first answer, with at most three questions. */
#include "cmd/nexflow/up.h"
#include "cmd/nexflow/people.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct up {
    struct nf_cli *cli;
    bool yes;  /* ask nothing: take what was found first */
    bool over; /* standard input has ended: asking again is pointless */
    struct nf_up_choice found[NF_UP_FOUND_MAX];
    size_t found_n;
    struct nf_up_choice typed; /* what was pasted */
    struct nf_str name;        /* the model's, where it was typed */
};

static void up_done(struct up *u)
{
    for (size_t i = 0; i < NF_UP_FOUND_MAX; i++)
        nf_up_choice_done(&u->found[i]);
    nf_up_choice_done(&u->typed);
    nf_str_done(&u->name);
}

/* Somebody sits there who can be asked again. */
static bool has_somebody(const struct up *u)
{
    return !u->yes && !u->over && isatty(STDIN_FILENO);
}

static NF_RC ask_line(struct up *u, const char *question, bool hidden, struct nf_str *ret,
                      struct nf_err *err)
{
    if (!hidden)
        (void)fputs(question, stdout);
    (void)fflush(stdout);
    enum nf_code rc = hidden ? nf_cli_read_secret(u->cli, question, ret, err)
                             : nf_cli_read_line(u->cli, ret, err);
    if (rc != NF_E_NOT_FOUND)
        return rc;
    u->over = true;
    return nf_err_set(err, rc, "there was no answer; `nexflow up --yes` asks nothing");
}

/* A number from 1 to max, as an index; empty takes the first. */
static bool is_number(const struct nf_str *line, size_t max, size_t *ret)
{
    int64_t n = 1;
    if (line->len > 0 &&
        (!nf_slice_u63(nf_slice_of(nf_str_c(line)), &n) || n < 1 || (size_t)n > max))
        return false;
    *ret = (size_t)(n - 1);
    return true;
}

static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value && value[0] ? value : NULL;
}

/* What a pasted text is: a URL of a compatible server, with its key behind a blank if it needs one,
 * or a key that tells whose it is. */
static NF_RC understand(struct nf_up_choice *c, const char *text, struct nf_err *err)
{
    nf_up_choice_done(c);
    *c = (struct nf_up_choice){ 0 };
    if (strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0) {
        size_t n = strcspn(text, " ");
        if (n >= sizeof(c->base_url))
            return nf_err_set(err, NF_E_LIMIT, "this URL is over %zu bytes",
                              sizeof(c->base_url) - 1);
        memcpy(c->base_url, text, n);
        NF_TRY(nf_llm_check_url("base URL", c->base_url, err));
        c->type = NF_LLM_CUSTOM;
        c->name = "custom";
        c->title = "the server at that address";
        const char *key = text + n + strspn(text + n, " ");
        return key[0] ? nf_secret_set(&c->key, key, err) : NF_OK;
    }
    bool anthropic = strncmp(text, "sk-ant-", 7) == 0;
    if (!anthropic && strncmp(text, "sk-", 3) != 0)
        return nf_err_set(err, NF_E_INVALID,
                          "This is neither a URL (http://...) nor a key (sk-...) of OpenAI or "
                          "Anthropic; for other providers give the base URL.");
    const char *url = variable(anthropic ? "ANTHROPIC_BASE_URL" : "OPENAI_BASE_URL");
    if (url && strlen(url) < sizeof(c->base_url))
        (void)snprintf(c->base_url, sizeof(c->base_url), "%s", url);
    c->type = anthropic ? NF_LLM_ANTHROPIC : NF_LLM_OPENAI;
    c->name = anthropic ? "anthropic" : "openai";
    c->title = anthropic ? "Anthropic" : "OpenAI";
    return nf_secret_set(&c->key, text, err);
}

static NF_RC paste_provider(struct up *u, struct nf_up_choice **ret, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str line = { 0 };
    struct nf_up_choice *c = &u->typed;
    for (;;) {
        NF_TRY(ask_line(u,
                        "Paste an API key of OpenAI or Anthropic, or the base URL of a compatible "
                        "server\n(with its key behind a blank, if it needs one): ",
                        true, &line, err));
        enum nf_code rc = understand(c, nf_str_c(&line), err);
        if (rc == NF_OK)
            rc = nf_llm_probe(u->cli->http, c->type, c->base_url[0] ? c->base_url : NULL, &c->key,
                              NF_UP_REMOTE_PROBE_MS, &c->models, err);
        if (rc == NF_OK)
            break;
        if (!has_somebody(u))
            return rc;
        nf_cli_print(stdout, "%s\n\n", err->msg);
    }
    *ret = c;
    return NF_OK;
}

static NF_RC choose_provider(struct up *u, struct nf_up_choice **ret, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str line = { 0 };
    size_t n = u->found_n, i = 0;
    if (n == 0 && u->yes)
        return nf_err_set(err, NF_E_NOT_FOUND,
                          "found no key in OPENAI_API_KEY or ANTHROPIC_API_KEY and no model server "
                          "on this machine: set one of them, or start Ollama, and run it again");
    if (n == 0)
        return paste_provider(u, ret, err);
    for (i = 0; i < n; i++)
        (void)printf("  %zu  %s, %zu models\n", i + 1, u->found[i].title, u->found[i].models.n);
    i = 0;
    if (!u->yes) {
        (void)printf("  %zu  another: paste a key or a base URL\n", n + 1);
        NF_TRY(ask_line(u, "Which provider? [1] ", false, &line, err));
        while (!is_number(&line, n + 1, &i)) {
            (void)printf("A number from 1 to %zu, please.\n", n + 1);
            NF_TRY(ask_line(u, "Which provider? [1] ", false, &line, err));
        }
    }
    if (i == n)
        return paste_provider(u, ret, err);
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

static bool offers(const struct nf_up_choice *c, const char *model)
{
    for (size_t i = 0; i < c->models.n; i++)
        if (strcmp(c->models.v[i], model) == 0)
            return true;
    return false;
}

static NF_RC choose_model(struct up *u, const struct nf_up_choice *c, const char **ret,
                          struct nf_err *err)
{
    enum { SHOWN_MAX = 12 };
    const char *shown[SHOWN_MAX];
    size_t n = 0, more = 0, i = 0;
    for (size_t k = 0; k < c->models.n; k++) {
        if (n < SHOWN_MAX && can_chat(c->models.v[k]))
            shown[n++] = c->models.v[k];
        else
            more++;
    }
    if (n == 0)
        return nf_err_set(err, NF_E_NOT_FOUND, "%s offers no model to talk with%s", c->title,
                          c->type == NF_LLM_OLLAMA ? ": `ollama pull qwen3:4b` gets one" : "");
    assert(n <= SHOWN_MAX);
    *ret = shown[0];
    if (u->yes || (n == 1 && more == 0))
        return NF_OK;
    for (i = 0; i < n; i++)
        nf_cli_print(stdout, "  %zu  %s\n", i + 1, shown[i]);
    if (more > 0)
        (void)printf("     and %zu more, by their names\n", more);
    for (;;) {
        NF_TRY(ask_line(u, "Which model? A number or a name [1] ", false, &u->name, err));
        if (is_number(&u->name, n, &i)) {
            *ret = shown[i];
            return NF_OK;
        }
        if (offers(c, nf_str_c(&u->name))) {
            *ret = nf_str_c(&u->name);
            return NF_OK;
        }
        (void)printf("A number from 1 to %zu, or the name of a model that it offers, please.\n", n);
    }
}

/* One choice and one real turn with it. *yaml is what would be saved. */
static NF_RC try_one(struct up *u, struct nf_up_choice **choice, const char **model,
                     struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str yaml = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str answer = { 0 };
    int64_t ms = 0;

    NF_TRY(choose_provider(u, choice, err));
    assert(*choice);
    NF_TRY(choose_model(u, *choice, model, err));
    NF_TRY(nf_up_yaml(*choice, *model, &yaml, err));
    nf_cli_print(stdout, "Asking %s ...\n", *model);
    (void)fflush(stdout);
    NF_TRY(nf_up_try(u->cli, nf_str_c(&yaml), &answer, &ms, err));
    nf_up_print_answer(*model, &answer, ms);
    return NF_OK;
}

static NF_RC set_up(struct up *u, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str yaml = { 0 };
    const char *path = u->cli->config_path ? u->cli->config_path : NF_CONFIG_DEFAULT_PATH;
    struct nf_up_choice *choice = NULL;
    const char *model = NULL;

    NF_TRY(nf_up_check_file(path, err));
    (void)puts("Looking for language models ...");
    (void)fflush(stdout);
    u->found_n = nf_up_find(u->cli, u->found);
    for (;;) {
        enum nf_code rc = try_one(u, &choice, &model, err);
        if (rc == NF_OK)
            break;
        if (!has_somebody(u))
            return rc;
        nf_cli_print(stdout,
                     "That did not work: %s\nNothing is saved. Choose again, or Ctrl-C.\n\n",
                     err->msg);
    }
    assert(choice);
    bool to_file = choice->key_env && nf_up_daemon_lacks(u->cli, choice->key_env);
    const char *note =
        choice->key_env ? "; the key stays in the environment, where the daemon needs it too" : "";
    if (to_file) {
        note = ", with the key, which the running daemon has not in its environment";
        choice->key_env = NULL;
    }
    NF_TRY(nf_up_yaml(choice, model, &yaml, err));
    NF_TRY(nf_up_save(path, nf_str_c(&yaml), err));
    (void)printf("Saved to %s%s\n", path, note);
    return NF_OK;
}

static NF_RC print_link(struct nf_cli *cli, struct nf_err *err)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    NF_TRY(nf_cli_call(cli, "POST", "/api/v1/users/me/links", "{}", &doc, err));
    const char *url = nf_json_str(nf_json_get(nf_json_root(doc), "url"));
    (void)printf("\nNexflow is ready. Open this link once, within 10 minutes:\n\n  %s\n\n",
                 url ? url : "?");
    nf_cli_print_ways(stdout, url ? url : "");
    return NF_OK;
}

static NF_RC reread_config(struct nf_cli *cli, struct nf_err *err)
{
    nf_daemon_config_done(&cli->config);
    cli->bare = false;
    cli->config_rc = nf_daemon_config_load(cli->config_path, &cli->config, &cli->config_err);
    return nf_cli_config_needed(cli, err);
}

/* A daemon that is ready already: one real turn through it, and the link. */
static NF_RC try_configured(struct up *u, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str answer = { 0 };
    int64_t ms = 0;
    (void)puts("A language model is configured already. Asking it ...");
    (void)fflush(stdout);
    NF_TRY(nf_up_try(u->cli, NULL, &answer, &ms, err));
    nf_up_print_answer("it", &answer, ms);
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
    NF_TRY(print_link(u->cli, err));
    nf_up_print_skills(u->cli);
    return NF_OK;
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
        "that did not answer. OPENAI_BASE_URL, ANTHROPIC_BASE_URL and OLLAMA_HOST say where else\n"
        "these are.\n"
        "\n"
        "  --yes  ask nothing: take the first that is found\n",
    .run = run_up,
};
