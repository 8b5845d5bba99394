/* The configuration of the daemon as a whole: every module's settings in one struct. The command
 * line reads the same, to check and show it and to find the daemon. */
#pragma once

#include "channels/discord/settings.h"
#include "channels/telegram/settings.h"
#include "channels/web/settings.h"
#include "config/settings.h"
#include "llm/settings.h"
#include "skills/settings.h"

struct nf_database_settings {
    char *url; /* "sqlite:PATH" or "postgresql://..." */
    char *directory;
    int64_t connections, statement_ms, lock_ms;
};

struct nf_redis_settings {
    char *url; /* "": none */
    char *prefix;
};

struct nf_log_settings {
    int level;  /* enum nf_log_level - 1 */
    int format; /* enum nf_log_format */
};

struct nf_turn_settings {
    char *system_prompt;
    char *summary_model;
    int64_t history, reply_tokens;
    int64_t timeout_ms, lease_ms;
    int64_t max, waiting, waiting_per_user;
    int64_t shutdown_grace_ms;
    int while_running; /* 0: queue, 1: steer */
};

struct nf_approval_settings {
    int64_t ttl_ms;
    bool self;
};

struct nf_retention_settings {
    int64_t inbox_ms, cursors_ms, approvals_ms, usage_ms, skills_ms; /* 0: for ever */
};

struct nf_schedule_config {
    bool enabled, spend;
    int64_t per_user, interval_ms, prompt_interval_ms;
    int64_t run_tokens, user_tokens, all_tokens;
    char *time_zone;
};

/* The bots, by network: struct nf_telegram_settings, struct nf_discord_settings. */
struct nf_bots {
    struct nf_setting_list telegram, discord;
};

void nf_bots_done(struct nf_bots *b);

struct nf_daemon_config {
    struct nf_server_settings server;
    struct nf_database_settings database;
    struct nf_redis_settings redis;
    struct nf_llm_settings llm;
    struct nf_bots channels;
    struct nf_turn_settings turns;
    struct nf_skill_settings skills;
    struct nf_approval_settings approvals;
    struct nf_schedule_config schedules;
    struct nf_retention_settings retention;
    struct nf_log_settings log;
    struct nf_limit_settings limits;
};

#define NF_DAEMON_PARTS 12
#define NF_BOTS_MAX 12 /* of a network */
#define NF_CONFIG_DEFAULT_PATH "var/nexflow.yaml"

/* The parts of *c, in the order of the reference page. */
void nf_daemon_config_parts(struct nf_daemon_config *c, struct nf_config_part ret[NF_DAEMON_PARTS]);

/* Load `path`; NULL: NF_CONFIG_DEFAULT_PATH if it is there, else defaults. */
NF_RC nf_daemon_config_load(const char *path, struct nf_daemon_config *ret, struct nf_err *err);
/* To find the daemon: without secrets, and without variables that are missing here
 * (nf_config_load_bare). */
NF_RC nf_daemon_config_load_bare(const char *path, struct nf_daemon_config *ret,
                                 struct nf_err *err);
/* nf_daemon_config_load from memory; `name` stands for the path in errors. */
NF_RC nf_daemon_config_load_text(const char *name, const char *text, size_t n,
                                 struct nf_daemon_config *ret, struct nf_err *err);
void nf_daemon_config_done(struct nf_daemon_config *c);

/* Whether database.url is PostgreSQL's. */
bool nf_daemon_config_is_postgres(const struct nf_daemon_config *c);
/* The path of the SQLite file in database.url, borrowed from *c. NF_E_INVALID: another kind of URL.
 */
NF_RC nf_daemon_config_sqlite(const struct nf_daemon_config *c, const char **ret,
                              struct nf_err *err);
/* The directory for everything that is not in the database: "var". */
NF_RC nf_daemon_config_data_dir(const struct nf_daemon_config *c, struct nf_str *ret,
                                struct nf_err *err);
/* What is locked while a daemon runs: the database, or its directory. */
NF_RC nf_daemon_config_locked(const struct nf_daemon_config *c, struct nf_str *ret,
                              struct nf_err *err);
/* The path of the daemon's Unix socket. */
NF_RC nf_daemon_config_socket(const struct nf_daemon_config *c, struct nf_str *ret,
                              struct nf_err *err);
