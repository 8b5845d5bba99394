/* The steps of `nexflow up` that ask nobody. */
#include "cmd/nexflow/up.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define READY_MS 20000
#define POLL_MS 100
#define ANSWER_SHOWN 60 /* bytes */
#define CONFIG_MAX ((size_t)1 << 20)

void nf_up_choice_done(struct nf_up_choice *c)
{
    nf_secret_done(&c->key);
    nf_llm_names_done(&c->models);
}

/* --- finding
 * --------------------------------------------------------------------------------------- */

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

/* --- writing
 * --------------------------------------------------------------------------------------- */

/* A YAML double-quoted scalar; ${ is doubled so that it stays text. */
static NF_RC add_quoted(struct nf_str *to, const char *text, struct nf_err *err)
{
    NF_TRY(nf_str_adds(to, "\"", err));
    for (const char *p = text; *p; p++) {
        if (*p == '"' || *p == '\\')
            NF_TRY(nf_str_adds(to, "\\", err));
        if (*p == '$' && p[1] == '{')
            NF_TRY(nf_str_adds(to, "$", err));
        if ((unsigned char)*p < 0x20)
            return nf_err_set(err, NF_E_INVALID, "control characters do not belong into a setting");
        NF_TRY(nf_str_add(to, p, 1, err));
    }
    return nf_str_adds(to, "\"", err);
}

enum nf_code nf_up_yaml(const struct nf_up_choice *c, const char *model, struct nf_str *ret,
                        struct nf_err *err)
{
    static const char *const types[] = { "openai", "anthropic", "ollama", "custom" };
    NF_TRY(nf_str_addf(ret, err, "llm:\n  providers:\n    - name: %s\n      type: %s\n", c->name,
                       types[c->type]));
    if (c->base_url[0]) {
        NF_TRY(nf_str_adds(ret, "      base_url: ", err));
        NF_TRY(add_quoted(ret, c->base_url, err));
        NF_TRY(nf_str_adds(ret, "\n", err));
    }
    if (c->key_env)
        NF_TRY(nf_str_addf(ret, err, "      api_key: ${%s}\n", c->key_env));
    else if (nf_secret_is_set(&c->key)) {
        NF_TRY(nf_str_adds(ret, "      api_key: ", err));
        NF_TRY(add_quoted(ret, nf_secret_reveal(&c->key), err));
        NF_TRY(nf_str_adds(ret, "\n", err));
    }
    NF_TRY(nf_str_adds(ret, "      models: [", err));
    NF_TRY(add_quoted(ret, model, err));
    return nf_str_adds(ret, "]\n", err);
}

static NF_RC read_file(const char *path, struct nf_str *ret, struct nf_err *err)
{
    char buf[4096];
    ssize_t n;
    ret->max = CONFIG_MAX;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? NF_OK
                               : nf_err_set(err, NF_E_IO, "open '%s': %s", path, strerror(errno));
    enum nf_code rc = NF_OK;
    while (rc == NF_OK && (n = read(fd, buf, sizeof(buf))) > 0)
        rc = nf_str_add(ret, buf, (size_t)n, err);
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
    NF_TRY(read_file(path, &text, err));
    if (has_llm_block(nf_str_c(&text)))
        return nf_err_set(err, NF_E_CONFLICT,
                          "'%s' has an llm block without a provider: add the provider there by "
                          "hand, or remove the block and run this again",
                          path);
    return NF_OK;
}

static NF_RC write_file(const char *path, const struct nf_str *text, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str fresh = { 0 };
    NF_TRY(nf_str_addf(&fresh, err, "%s.new", path));
    const char *name = nf_str_c(&fresh);
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return nf_err_set(err, NF_E_IO, "create '%s': %s", name, strerror(errno));
    bool ok = write(fd, nf_str_c(text), text->len) == (ssize_t)text->len && fsync(fd) == 0;
    ok = close(fd) == 0 && ok;
    if (!ok || rename(name, path) != 0) {
        (void)unlink(name);
        return nf_err_set(err, NF_E_IO, "write '%s': %s", path, strerror(errno));
    }
    return NF_OK;
}

enum nf_code nf_up_save(const char *path, const char *yaml, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str dir = { 0 };
    const char *slash = strrchr(path, '/');

    NF_TRY(nf_up_check_file(path, err));
    NF_TRY(read_file(path, &text, err));
    if (text.len > 0 && text.p[text.len - 1] != '\n')
        NF_TRY(nf_str_adds(&text, "\n", err));
    NF_TRY(nf_str_adds(&text, yaml, err));
    if (slash && slash != path) {
        NF_TRY(nf_str_add(&dir, path, (size_t)(slash - path), err));
        if (mkdir(nf_str_c(&dir), 0700) != 0 && errno != EEXIST)
            return nf_err_set(err, NF_E_IO, "create directory '%s': %s", nf_str_c(&dir),
                              strerror(errno));
    }
    return write_file(path, &text, err);
}

/* --- trying
 * ---------------------------------------------------------------------------------------- */

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

/* --- the daemon
 * ------------------------------------------------------------------------------------ */

/* The daemon's process number, from the lock beside the database; 0: none runs. */
static pid_t running_daemon(const struct nf_cli *cli)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str path = { 0 };
    struct nf_err ignored;
    const char *database;
    int64_t pid = 0;
    if (nf_daemon_config_sqlite(&cli->config, &database, &ignored) != NF_OK ||
        nf_str_addf(&path, &ignored, "%s.lock", database) != NF_OK ||
        read_file(nf_str_c(&path), &text, &ignored) != NF_OK)
        return 0;
    struct nf_slice digits = { nf_str_c(&text), strspn(nf_str_c(&text), "0123456789") };
    return nf_slice_u63(digits, &pid) ? (pid_t)pid : 0;
}

static bool answers(struct nf_cli *cli, const char *path)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { 0 };
    struct nf_err ignored;
    int status = 0;
    return nf_cli_fetch(cli, "GET", path, NULL, &status, &text, &ignored) == NF_OK && status == 200;
}

/* The path of nexflowd: beside this program, else wherever PATH has it. */
static void daemon_path(char *ret, size_t max)
{
    ssize_t n = readlink("/proc/self/exe", ret, max - 16);
    char *slash = n > 0 ? memrchr(ret, '/', (size_t)n) : NULL;
    if (!slash) {
        (void)snprintf(ret, max, "nexflowd");
        return;
    }
    (void)snprintf(slash, 16, "/nexflowd");
}

bool nf_up_daemon_lacks(struct nf_cli *cli, const char *variable)
{
    NF_CLEANUP(nf_str_done) struct nf_str environment = { 0 };
    struct nf_err ignored;
    char path[64];
    pid_t pid = running_daemon(cli);
    size_t n = strlen(variable);

    if (pid <= 0 || !answers(cli, "/health"))
        return false;
    (void)snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
    if (read_file(path, &environment, &ignored) != NF_OK)
        return false;
    for (size_t i = 0; i < environment.len; i += strlen(environment.p + i) + 1)
        if (strncmp(environment.p + i, variable, n) == 0 && environment.p[i + n] == '=')
            return false;
    return true;
}

/* In a session of its own, so that it outlives this terminal. Returns only if it cannot. */
static void become_daemon(const char *config, int null, int log)
{
    char program[4096];
    daemon_path(program, sizeof(program));
    if (setsid() < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(log, 2) < 0)
        return;
    execlp(program, "nexflowd", "--config", config, (char *)NULL);
    (void)fprintf(stderr, "start %s: %s\n", program, strerror(errno));
}

static NF_RC spawn_daemon(struct nf_cli *cli, struct nf_str *log, pid_t *ret, struct nf_err *err)
{
    const char *config = cli->config_path ? cli->config_path : NF_CONFIG_DEFAULT_PATH;

    NF_TRY(nf_daemon_config_data_dir(&cli->config, log, err));
    if (mkdir(nf_str_c(log), 0700) != 0 && errno != EEXIST)
        return nf_err_set(err, NF_E_IO, "create directory '%s': %s", nf_str_c(log),
                          strerror(errno));
    NF_TRY(nf_str_adds(log, "/nexflowd.log", err));
    int fd = open(nf_str_c(log), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    pid_t pid = fd >= 0 && null >= 0 ? fork() : -1;
    if (pid == 0) {
        become_daemon(config, null, fd);
        _exit(127);
    }
    enum nf_code rc = pid > 0 ? NF_OK
                              : nf_err_set(err, NF_E_IO, "start the daemon with its log in %s: %s",
                                           nf_str_c(log), strerror(errno));
    if (fd >= 0)
        (void)close(fd);
    if (null >= 0)
        (void)close(null);
    NF_TRY(rc);
    (void)printf("Starting the daemon; its log is %s\n", nf_str_c(log));
    *ret = pid;
    return NF_OK;
}

/* The last line of the log of a daemon that ended at once. */
static enum nf_code ended(const struct nf_str *log, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { 0 };
    struct nf_err ignored;
    enum nf_code rc = read_file(nf_str_c(log), &text, &ignored);
    while (rc == NF_OK && text.len > 0 && text.p[text.len - 1] == '\n')
        text.p[--text.len] = '\0';
    const char *last = rc == NF_OK && text.len > 0 ? strrchr(text.p, '\n') : NULL;
    last = last ? last + 1 : nf_str_c(&text);
    return nf_err_set(err, NF_E_UNAVAILABLE, "the daemon ended at once; its log is %s: %s",
                      nf_str_c(log), last);
}

/* How often the running daemon has read its configuration, and whether it took the last; -1: it
 * does not say. */
static int64_t config_loads(struct nf_cli *cli, bool *taken)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    struct nf_err ignored;
    if (nf_cli_call(cli, "GET", "/health", NULL, &doc, &ignored) != NF_OK)
        return -1;
    const char *config = nf_json_str(nf_json_get(nf_json_root(doc), "config"));
    *taken = config && strcmp(config, "ok") == 0;
    return nf_json_i64(nf_json_get(nf_json_root(doc), "config_loads"), -1);
}

/* Tell the running daemon to read its configuration again and see that it does. */
static NF_RC hand_over(struct nf_cli *cli, struct nf_err *err)
{
    bool taken = false;
    int64_t before = config_loads(cli, &taken);
    pid_t pid = running_daemon(cli);
    if (pid <= 0 || kill(pid, SIGHUP) != 0)
        return nf_err_set(err, NF_E_UNAVAILABLE,
                          "the running daemon cannot be told of the new model: restart it");
    for (int64_t waited = 0; waited < READY_MS; waited += POLL_MS) {
        NF_TRY(nf_sleep(POLL_MS, err));
        if (config_loads(cli, &taken) == before)
            continue;
        if (!taken)
            return nf_err_set(err, NF_E_UNAVAILABLE,
                              "the running daemon refused the configuration, perhaps for a "
                              "variable that its environment lacks: its log has the cause");
        (void)puts("The running daemon takes the configuration over.");
        return NF_OK;
    }
    return nf_err_set(err, NF_E_TIMEOUT, "the running daemon does not read its configuration");
}

enum nf_code nf_up_daemon(struct nf_cli *cli, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str log = { 0 };
    pid_t started = 0;
    if (answers(cli, "/health"))
        NF_TRY(hand_over(cli, err));
    else
        NF_TRY(spawn_daemon(cli, &log, &started, err));
    for (int64_t waited = 0; waited < READY_MS; waited += POLL_MS) {
        if (answers(cli, "/ready"))
            return NF_OK;
        if (started > 0 && waitpid(started, NULL, WNOHANG) == started)
            return ended(&log, err);
        NF_TRY(nf_sleep(POLL_MS, err));
    }
    return nf_err_set(err, NF_E_TIMEOUT,
                      "the daemon is not ready after %d s: its log and `nexflow doctor` say why",
                      READY_MS / 1000);
}
