/* The last step of `nexflow up`: a daemon that runs with what was saved. */
#include "cmd/nexflow/up.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define READY_MS 20000
#define POLL_MS 100

/* The daemon's process number, from its lock; 0: none runs. */
static pid_t running_daemon(const struct nf_cli *cli)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str path = { 0 };
    struct nf_err ignored;
    int64_t pid = 0;
    if (nf_daemon_config_locked(&cli->config, &path, &ignored) != NF_OK ||
        nf_str_adds(&path, ".lock", &ignored) != NF_OK ||
        nf_up_read_file(nf_str_c(&path), &text, &ignored) != NF_OK)
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
    if (nf_up_read_file(path, &environment, &ignored) != NF_OK)
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
    enum nf_code rc = nf_up_read_file(nf_str_c(log), &text, &ignored);
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

enum nf_code nf_up_hand_over(struct nf_cli *cli, struct nf_err *err)
{
    bool taken = false;
    int64_t before = config_loads(cli, &taken);
    pid_t pid = running_daemon(cli);
    if (before < 0)
        return nf_err_set(err, NF_E_NOT_FOUND,
                          "No daemon runs: it takes this over when it is started, with `nexflowd`");
    if (pid <= 0 || kill(pid, SIGHUP) != 0)
        return nf_err_set(err, NF_E_UNAVAILABLE, "the running daemon cannot be told: restart it");
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
        NF_TRY(nf_up_hand_over(cli, err));
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
