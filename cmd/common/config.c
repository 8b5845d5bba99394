#include "cmd/common/config.h"

#include "cache/redis/bus.h"
#include "persistence/postgres/postgres.h"

#include <string.h>
#include <unistd.h>

#define SQLITE_PREFIX "sqlite:"

static bool is_sqlite(const char *url)
{
    return strncmp(url, SQLITE_PREFIX, sizeof(SQLITE_PREFIX) - 1) == 0;
}

static bool is_postgres(const char *url)
{
    return strncmp(url, "postgresql://", 13) == 0 || strncmp(url, "postgres://", 11) == 0;
}

static enum nf_code check_url(const char *value, struct nf_err *err)
{
    if (is_postgres(value))
        return nf_postgres_check_url(value, err);
    if (!is_sqlite(value) || value[sizeof(SQLITE_PREFIX) - 1] == '\0')
        return nf_err_set(err, NF_E_INVALID,
                          "must be sqlite:PATH, such as sqlite:var/nexflow.db, or "
                          "postgresql://USER@HOST/NAME");
    return NF_OK;
}

#define D(key, kind, member, ...)                                                                  \
    NF_SETTING(struct nf_database_settings, key, kind, member, __VA_ARGS__)
static const struct nf_setting database[] = {
    D("url", NF_SET_STR, url, .def = "sqlite:var/nexflow.db", .min = 8, .max = 1024,
      .check = check_url, .hides_password = true,
      .help = "Where everything is kept: sqlite:PATH, or "
              "postgresql://USER:PASSWORD@HOST:PORT,HOST:PORT/NAME for several instances. Beyond "
              "this machine the server must show a certificate for its name, unless the URL has "
              "an sslmode."),
    D("directory", NF_SET_STR, directory, .def = "", .max = 512,
      .help = "What is not in the database: the owner's token, the command line's socket, skills "
              "and their files. Empty: that of the SQLite file, var for PostgreSQL."),
    D("connections", NF_SET_INT, connections, .def = "8", .min = 1, .max = 64,
      .help = "Connections to PostgreSQL, at most. Those that are not needed are not made."),
    D("statement_timeout", NF_SET_MS, statement_ms, .def = "15s", .min = 1000, .max = 300000,
      .help = "How long PostgreSQL may work on one statement."),
    D("lock_timeout", NF_SET_MS, lock_ms, .def = "5s", .min = 100, .max = 300000,
      .help = "How long a statement may wait for a lock that another program holds."),
};
#undef D
static const struct nf_setting_group database_group = { "database", database, NF_COUNT(database),
                                                        sizeof(struct nf_database_settings) };

static enum nf_code check_redis(const char *value, struct nf_err *err)
{
    return value[0] ? nf_redis_check_url(value, err) : NF_OK;
}

static enum nf_code check_prefix(const char *value, struct nf_err *err)
{
    bool ok = value[0] != '\0';
    for (const char *p = value; *p && ok; p++)
        ok = (*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || *p == '-' || *p == '_';
    return ok ? NF_OK : nf_err_set(err, NF_E_INVALID, "must be of a-z, 0-9, - and _");
}

static const struct nf_setting redis[] = {
    NF_SETTING(struct nf_redis_settings, "url", NF_SET_STR, url, .def = "", .max = 512,
               .check = check_redis, .hides_password = true,
               .help = "With PostgreSQL: redis://USER:PASSWORD@HOST:PORT/DATABASE, over which "
                       "instances tell each other what happens, faster than over the database, "
                       "and share limits of rates and who is signed in. Nothing is lost with it. "
                       "Empty: none."),
    NF_SETTING(struct nf_redis_settings, "prefix", NF_SET_STR, prefix, .def = "nexflow", .min = 1,
               .max = 64, .check = check_prefix,
               .help = "Begins the names of what is kept there: another one for each installation "
                       "that shares the Redis."),
};
static const struct nf_setting_group redis_group = { "redis", redis, NF_COUNT(redis),
                                                     sizeof(struct nf_redis_settings) };

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

static const char *const while_running[] = { "queue", "steer", NULL };
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
    T("lease", NF_SET_MS, lease_ms, .def = "8s", .min = 3000, .max = 600000,
      .help = "How long a session stays with an instance that no longer answers; others take its "
              "work over "
              "after that."),
    T("while_running", NF_SET_ENUM, while_running, .def = "queue", .choices = while_running,
      .help = "What a message does that comes in a chat while a turn runs: queue waits for its own "
              "turn, steer joins the one that runs after its next tool call."),
    T("max", NF_SET_INT, max, .def = "2000", .min = 1, .max = 15000,
      .help = "Turns under way at once; more wait, and people take turns."),
    T("waiting", NF_SET_INT, waiting, .def = "100000", .min = 1, .max = 10000000,
      .help = "Messages that may wait for a turn, of all people together; whoever writes then is "
              "told to try again later."),
    T("waiting_per_user", NF_SET_INT, waiting_per_user, .def = "1000", .min = 1, .max = 100000,
      .help = "Messages of one person that may wait for a turn; more are refused, which the person "
              "is told."),
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

#define S(key, type, member, ...)                                                                  \
    NF_SETTING(struct nf_schedule_config, key, type, member, __VA_ARGS__)
static const struct nf_setting schedules[] = {
    S("enabled", NF_SET_BOOL, enabled, .def = "true",
      .help = "Whether there are schedules: reminders, and questions to models at a time."),
    S("spend", NF_SET_BOOL, spend, .def = "false",
      .help = "Whether schedules may ask models, which costs money with nobody there. Each of them "
              "must be switched on by its person besides."),
    S("time_zone", NF_SET_STR, time_zone, .def = "UTC", .max = NF_ZONE_NAME_MAX,
      .help = "The time zone of people who have not named theirs: a name of the IANA database."),
    S("per_user", NF_SET_INT, per_user, .def = "50", .min = 1, .max = 10000,
      .help = "How many schedules a person may have that are not done."),
    S("interval", NF_SET_MS, interval_ms, .def = "1m", .min = 60000, .max = 86400000,
      .help = "How far apart two runs of a reminder are at least."),
    S("prompt_interval", NF_SET_MS, prompt_interval_ms, .def = "15m", .min = 60000, .max = 86400000,
      .help = "How far apart two questions to a model are at least."),
    S("run_tokens", NF_SET_INT, run_tokens, .def = "50000", .min = 1, .max = 1000000000,
      .help = "Tokens that one such question may use. So many are set aside before it is asked."),
    S("user_tokens", NF_SET_INT, user_tokens, .def = "200000", .min = 0, .max = 1000000000000,
      .help = "Tokens that the schedules of one person may use on a day, which begins at midnight "
              "UTC. What would be above it is skipped, and the person is told."),
    S("all_tokens", NF_SET_INT, all_tokens, .def = "1000000", .min = 0, .max = 1000000000000,
      .help = "The same, of all people together."),
};
#undef S
static const struct nf_setting_group schedule_group = { "schedules", schedules, NF_COUNT(schedules),
                                                        sizeof(struct nf_schedule_config) };

#define R(key, member, kept, what)                                                                 \
    NF_SETTING(struct nf_retention_settings, key, NF_SET_MS, member, .def = (kept),                \
               .max = INT64_C(36500) * 86400000, .help = (what))
static const struct nf_setting retention[] = {
    R("inbox", inbox_ms, "30d",
      "How long the ids of messages are kept, by which one that comes twice is known again. 0, "
      "here "
      "as below: for ever."),
    R("cursors", cursors_ms, "365d",
      "How long it is kept how far a channel of Discord was read in which nothing is said: what is "
      "written there while Nexflow is away is not caught up with after that."),
    R("approvals", approvals_ms, "90d",
      "How long it is kept who was asked whether a call may run."),
    R("usage", usage_ms, "400d", "How long it is kept what each call of a model used."),
    R("skills", skills_ms, "90d", "How long it is kept that a skill was here, after its removal."),
};
#undef R
static const struct nf_setting_group retention_group = { "retention", retention,
                                                         NF_COUNT(retention),
                                                         sizeof(struct nf_retention_settings) };

static const struct nf_setting channels[] = {
    NF_SETTING(struct nf_bots, "telegram", NF_SET_GROUPS, telegram,
               .items = &nf_telegram_setting_group, .max = NF_BOTS_MAX, .reloadable = true,
               .help = "Bots of Telegram."),
    NF_SETTING(struct nf_bots, "discord", NF_SET_GROUPS, discord,
               .items = &nf_discord_setting_group, .max = NF_BOTS_MAX, .reloadable = true,
               .help = "Bots of Discord."),
};
static const struct nf_setting_group channel_group = { "channels", channels, NF_COUNT(channels),
                                                       sizeof(struct nf_bots) };

void nf_bots_done(struct nf_bots *b)
{
    nf_config_done(&(struct nf_config_part){ &channel_group, b }, 1);
}

void nf_daemon_config_parts(struct nf_daemon_config *c, struct nf_config_part ret[NF_DAEMON_PARTS])
{
    const struct nf_config_part parts[NF_DAEMON_PARTS] = {
        { &nf_server_setting_group, &c->server },
        { &database_group, &c->database },
        { &redis_group, &c->redis },
        { &nf_llm_setting_group, &c->llm },
        { &channel_group, &c->channels },
        { &turn_group, &c->turns },
        { &nf_skill_setting_group, &c->skills },
        { &approval_group, &c->approvals },
        { &schedule_group, &c->schedules },
        { &retention_group, &c->retention },
        { &log_group, &c->log },
        { &nf_limit_setting_group, &c->limits },
    };
    memcpy(ret, parts, sizeof(parts));
}

static NF_RC take_name(const char **names, size_t *n, const char *key, size_t i, const char *name,
                       struct nf_err *err)
{
    for (size_t k = 0; k < *n; k++)
        if (strcmp(names[k], name) == 0)
            return nf_err_wrap(
                err,
                nf_err_set(err, NF_E_INVALID,
                           "another channel is called '%s': give each a name of its own", name),
                "channels.%s[%zu].name", key, i);
    names[(*n)++] = name;
    return NF_OK;
}

/* Two readers of one bot would take each other's messages away. */
static NF_RC take_token(const char **tokens, size_t *n, const char *key, size_t i,
                        const struct nf_secret *token, struct nf_err *err)
{
    const char *text = nf_secret_reveal(token);
    for (size_t k = 0; k < *n; k++)
        if (text[0] && strcmp(tokens[k], text) == 0)
            return nf_err_wrap(
                err,
                nf_err_set(err, NF_E_INVALID,
                           "another channel has the same one: give each a bot of its own"),
                "channels.%s[%zu].token", key, i);
    tokens[(*n)++] = text;
    return NF_OK;
}

/* What no single bot shows: names and tokens are unique across networks. */
static NF_RC check_bots(const struct nf_bots *b, struct nf_err *err)
{
    const struct nf_telegram_settings *telegram = b->telegram.v;
    const struct nf_discord_settings *discord = b->discord.v;
    const char *names[2 * NF_BOTS_MAX], *tokens[2 * NF_BOTS_MAX];
    size_t n = 0, tokens_n = 0;
    for (size_t i = 0; i < b->telegram.n; i++) {
        NF_TRY(nf_err_wrap(err, nf_telegram_settings_check(&telegram[i], err),
                           "channels.telegram[%zu]", i));
        NF_TRY(take_name(names, &n, "telegram", i, telegram[i].name, err));
        NF_TRY(take_token(tokens, &tokens_n, "telegram", i, &telegram[i].token, err));
    }
    for (size_t i = 0; i < b->discord.n; i++) {
        NF_TRY(take_name(names, &n, "discord", i, discord[i].name, err));
        NF_TRY(take_token(tokens, &tokens_n, "discord", i, &discord[i].token, err));
    }
    return NF_OK;
}

/* What no single value shows; frees *c if it is wrong. */
static NF_RC check_whole(struct nf_daemon_config *ret, struct nf_err *err)
{
    enum nf_code rc = nf_llm_settings_check(&ret->llm, err);
    if (rc == NF_OK)
        rc = nf_skill_settings_check(&ret->skills, err);
    if (rc == NF_OK)
        rc = check_bots(&ret->channels, err);
    if (rc != NF_OK)
        nf_daemon_config_done(ret);
    return rc;
}

static const char *path_or_default(const char *path)
{
    return !path && access(NF_CONFIG_DEFAULT_PATH, F_OK) == 0 ? NF_CONFIG_DEFAULT_PATH : path;
}

enum nf_code nf_daemon_config_load_bare(const char *path, struct nf_daemon_config *ret,
                                        struct nf_err *err)
{
    struct nf_config_part parts[NF_DAEMON_PARTS];
    *ret = (struct nf_daemon_config){ 0 };
    nf_daemon_config_parts(ret, parts);
    NF_TRY(nf_config_load_bare(path_or_default(path), parts, NF_DAEMON_PARTS, err));
    return check_whole(ret, err);
}

enum nf_code nf_daemon_config_load(const char *path, struct nf_daemon_config *ret,
                                   struct nf_err *err)
{
    struct nf_config_part parts[NF_DAEMON_PARTS];
    path = path_or_default(path);
    *ret = (struct nf_daemon_config){ 0 };
    nf_daemon_config_parts(ret, parts);
    NF_TRY(nf_config_load(path, parts, NF_DAEMON_PARTS, err));
    enum nf_code rc = check_whole(ret, err);
    if (rc != NF_OK && path)
        nf_config_locate(path, err);
    return rc;
}

enum nf_code nf_daemon_config_load_text(const char *name, const char *text, size_t n,
                                        struct nf_daemon_config *ret, struct nf_err *err)
{
    struct nf_config_part parts[NF_DAEMON_PARTS];
    *ret = (struct nf_daemon_config){ 0 };
    nf_daemon_config_parts(ret, parts);
    NF_TRY(nf_config_load_text(name, text, n, parts, NF_DAEMON_PARTS, err));
    enum nf_code rc = check_whole(ret, err);
    if (rc != NF_OK)
        nf_config_locate_text(name, text, n, err);
    return rc;
}

void nf_daemon_config_done(struct nf_daemon_config *c)
{
    struct nf_config_part parts[NF_DAEMON_PARTS];
    nf_daemon_config_parts(c, parts);
    nf_config_done(parts, NF_DAEMON_PARTS);
}

bool nf_daemon_config_is_postgres(const struct nf_daemon_config *c)
{
    return is_postgres(c->database.url);
}

enum nf_code nf_daemon_config_sqlite(const struct nf_daemon_config *c, const char **ret,
                                     struct nf_err *err)
{
    if (!is_sqlite(c->database.url))
        return nf_err_set(err, NF_E_INVALID,
                          "database.url is PostgreSQL's: use its own tools, such as pg_dump and "
                          "pg_restore (docs/operations.md)");
    *ret = c->database.url + sizeof(SQLITE_PREFIX) - 1;
    return NF_OK;
}

enum nf_code nf_daemon_config_data_dir(const struct nf_daemon_config *c, struct nf_str *ret,
                                       struct nf_err *err)
{
    const char *path = "";
    if (c->database.directory[0])
        return nf_str_set(ret, c->database.directory, err);
    if (nf_daemon_config_is_postgres(c))
        return nf_str_set(ret, "var", err);
    NF_TRY(nf_daemon_config_sqlite(c, &path, err));
    const char *slash = strrchr(path, '/');
    if (!slash)
        return nf_str_set(ret, ".", err);
    size_t n = slash == path ? 1 : (size_t)(slash - path);
    nf_str_reset(ret);
    return nf_str_add(ret, path, n, err);
}

enum nf_code nf_daemon_config_locked(const struct nf_daemon_config *c, struct nf_str *ret,
                                     struct nf_err *err)
{
    if (is_sqlite(c->database.url))
        return nf_str_set(ret, c->database.url + sizeof(SQLITE_PREFIX) - 1, err);
    NF_TRY(nf_daemon_config_data_dir(c, ret, err));
    return nf_str_adds(ret, "/nexflow", err);
}

enum nf_code nf_daemon_config_socket(const struct nf_daemon_config *c, struct nf_str *ret,
                                     struct nf_err *err)
{
    if (c->server.socket[0])
        return nf_str_set(ret, c->server.socket, err);
    NF_TRY(nf_daemon_config_data_dir(c, ret, err));
    return nf_str_adds(ret, "/nexflow.sock", err);
}
