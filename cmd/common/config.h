/* The configuration of the daemon as a whole: every module's settings in one struct. The command
 * line reads the same, to check and show it and to find the daemon. */
#pragma once

#include "channels/web/settings.h"
#include "config/settings.h"
#include "llm/settings.h"
#include "skills/settings.h"

struct nf_database_settings {
    char *url; /* "sqlite:PATH" */
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
    int64_t max;
    int64_t shutdown_grace_ms;
};

struct nf_approval_settings {
    int64_t ttl_ms;
    bool self;
};

struct nf_daemon_config {
    struct nf_server_settings server;
    struct nf_database_settings database;
    struct nf_llm_settings llm;
    struct nf_turn_settings turns;
    struct nf_skill_settings skills;
    struct nf_approval_settings approvals;
    struct nf_log_settings log;
    struct nf_limit_settings limits;
};

#define NF_DAEMON_PARTS 8
#define NF_CONFIG_DEFAULT_PATH "var/nexflow.yaml"

/* The parts of *c, in the order of the reference page. */
void nf_daemon_config_parts(struct nf_daemon_config *c, struct nf_config_part ret[NF_DAEMON_PARTS]);

/* Load `path`; NULL: NF_CONFIG_DEFAULT_PATH if it is there, else defaults. */
NF_RC nf_daemon_config_load(const char *path, struct nf_daemon_config *ret, struct nf_err *err);
void nf_daemon_config_done(struct nf_daemon_config *c);

/* The path of the SQLite file in database.url, borrowed from *c. NF_E_INVALID: another kind of URL.
 */
NF_RC nf_daemon_config_sqlite(const struct nf_daemon_config *c, const char **ret,
                              struct nf_err *err);
/* The directory of the database, where everything else the daemon keeps is too: "var". */
NF_RC nf_daemon_config_data_dir(const struct nf_daemon_config *c, struct nf_str *ret,
                                struct nf_err *err);
/* The path of the daemon's Unix socket. */
NF_RC nf_daemon_config_socket(const struct nf_daemon_config *c, struct nf_str *ret,
                              struct nf_err *err);
