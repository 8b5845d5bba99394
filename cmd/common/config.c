#include "cmd/common/config.h"

#include <string.h>
#include <unistd.h>

#define SQLITE_PREFIX "sqlite:"

static enum nf_code check_url(const char *value, struct nf_err *err)
{
    if (strncmp(value, SQLITE_PREFIX, sizeof(SQLITE_PREFIX) - 1) != 0 ||
        value[sizeof(SQLITE_PREFIX) - 1] == '\0')
        return nf_err_set(err, NF_E_INVALID, "must be sqlite:PATH, such as sqlite:var/nexflow.db");
    return NF_OK;
}

static const struct nf_setting database[] = {
    NF_SETTING(struct nf_database_settings, "url", NF_SET_STR, url, .def = "sqlite:var/nexflow.db",
               .min = 8, .max = 1024, .check = check_url,
               .help =
                   "Where everything is kept: sqlite:PATH. The directory also holds the owner's "
                   "token and the command line's socket."),
};
static const struct nf_setting_group database_group = { "database", database, NF_COUNT(database),
                                                        sizeof(struct nf_database_settings) };

static const char *const levels[] = { "debug", "info", "warn", "error", NULL };
static const char *const formats[] = { "json", "console", NULL };
static const struct nf_setting log_settings[] = {
    NF_SETTING(struct nf_log_settings, "level", NF_SET_ENUM, level, .def = "info",
               .choices = levels, .reloadable = true, .help = "Least level that is logged."),
    NF_SETTING(struct nf_log_settings, "format", NF_SET_ENUM, format, .def = "json",
               .choices = formats, .reloadable = true,
               .help =
                   "How log lines look, on standard error: json for programs, console for people."),
};
static const struct nf_setting_group log_group = { "log", log_settings, NF_COUNT(log_settings),
                                                   sizeof(struct nf_log_settings) };

#define T(key, kind, member, ...)                                                                  \
    NF_SETTING(struct nf_turn_settings, key, kind, member, __VA_ARGS__)
static const struct nf_setting turns[] = {
    T("system_prompt", NF_SET_STR, system_prompt, .max = 65536,
      .def = "You are a helpful assistant. Answer in the language of the question.",
      .help = "What the model is told before every conversation."),
    T("summary_model", NF_SET_STR, summary_model, .def = "", .max = 128,
      .help =
          "Model or alias that summarises what no longer fits a model's window. Empty: it is left "
          "out."),
    T("history", NF_SET_INT, history, .def = "200", .min = 2, .max = 2000,
      .help =
          "Messages of a session that are looked at for an answer; what fits the window is sent."),
    T("reply_tokens", NF_SET_INT, reply_tokens, .def = "0", .max = 1000000,
      .help = "Tokens of the window kept free for the answer. 0: as many as the model may answer."),
    T("timeout", NF_SET_MS, timeout_ms, .def = "30m", .min = 1000, .max = 86400000,
      .help = "Longest time for one turn with all its steps."),
    T("lease", NF_SET_MS, lease_ms, .def = "30s", .min = 3000, .max = 600000,
      .help = "How long a session stays with an instance that no longer answers."),
    T("max", NF_SET_INT, max, .def = "2000", .min = 1, .max = 15000,
      .help = "Turns under way at once; more wait."),
    T("shutdown_grace", NF_SET_MS, shutdown_grace_ms, .def = "10s", .max = 15000,
      .help =
          "Time for running turns to finish at shutdown. Then they are parked and go on after the "
          "next start."),
};
#undef T
static const struct nf_setting_group turn_group = { "turns", turns, NF_COUNT(turns),
                                                    sizeof(struct nf_turn_settings) };

#define A(key, kind, member, ...)                                                                  \
    NF_SETTING(struct nf_approval_settings, key, kind, member, __VA_ARGS__)
static const struct nf_setting approvals[] = {
    A("ttl", NF_SET_MS, ttl_ms, .def = "30m", .min = 10000, .max = 86400000,
      .help = "How long a person may take to decide about a call of a tool; then it is denied."),
    A("self", NF_SET_BOOL, self, .def = "false",
      .help = "Let users who are neither owner nor admin decide about their own calls."),
};
#undef A
static const struct nf_setting_group approval_group = { "approvals", approvals, NF_COUNT(approvals),
                                                        sizeof(struct nf_approval_settings) };

void nf_daemon_config_parts(struct nf_daemon_config *c, struct nf_config_part ret[NF_DAEMON_PARTS])
{
    const struct nf_config_part parts[NF_DAEMON_PARTS] = {
        { &nf_server_setting_group, &c->server },
        { &database_group, &c->database },
        { &nf_llm_setting_group, &c->llm },
        { &turn_group, &c->turns },
        { &nf_skill_setting_group, &c->skills },
        { &approval_group, &c->approvals },
        { &log_group, &c->log },
        { &nf_limit_setting_group, &c->limits },
    };
    memcpy(ret, parts, sizeof(parts));
}

enum nf_code nf_daemon_config_load(const char *path, struct nf_daemon_config *ret,
                                   struct nf_err *err)
{
    struct nf_config_part parts[NF_DAEMON_PARTS];
    if (!path && access(NF_CONFIG_DEFAULT_PATH, F_OK) == 0)
        path = NF_CONFIG_DEFAULT_PATH;
    *ret = (struct nf_daemon_config){ 0 };
    nf_daemon_config_parts(ret, parts);
    NF_TRY(nf_config_load(path, parts, NF_DAEMON_PARTS, err));
    enum nf_code rc = nf_llm_settings_check(&ret->llm, err);
    if (rc == NF_OK)
        rc = nf_skill_settings_check(&ret->skills, err);
    if (rc != NF_OK)
        nf_daemon_config_done(ret);
    return rc;
}

void nf_daemon_config_done(struct nf_daemon_config *c)
{
    struct nf_config_part parts[NF_DAEMON_PARTS];
    nf_daemon_config_parts(c, parts);
    nf_config_done(parts, NF_DAEMON_PARTS);
}

enum nf_code nf_daemon_config_sqlite(const struct nf_daemon_config *c, const char **ret,
                                     struct nf_err *err)
{
    NF_TRY(nf_err_wrap(err, check_url(c->database.url, err), "database.url"));
    *ret = c->database.url + sizeof(SQLITE_PREFIX) - 1;
    return NF_OK;
}

enum nf_code nf_daemon_config_data_dir(const struct nf_daemon_config *c, struct nf_str *ret,
                                       struct nf_err *err)
{
    const char *path;
    NF_TRY(nf_daemon_config_sqlite(c, &path, err));
    const char *slash = strrchr(path, '/');
    if (!slash)
        return nf_str_set(ret, ".", err);
    size_t n = slash == path ? 1 : (size_t)(slash - path);
    nf_str_reset(ret);
    return nf_str_add(ret, path, n, err);
}

enum nf_code nf_daemon_config_socket(const struct nf_daemon_config *c, struct nf_str *ret,
                                     struct nf_err *err)
{
    if (c->server.socket[0])
        return nf_str_set(ret, c->server.socket, err);
    NF_TRY(nf_daemon_config_data_dir(c, ret, err));
    return nf_str_adds(ret, "/nexflow.sock", err);
}
