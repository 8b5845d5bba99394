/* What the repositories of this directory share. */
#pragma once

#include "persistence/sql.h"
#include "persistence/stores.h"

struct nf_repositories {
    struct nf_db *db;
    struct nf_turn_store turns;
    struct nf_session_store sessions;
    struct nf_user_store users;
    struct nf_task_store tasks;
    struct nf_outbox_store outbox;
    struct nf_credential_store credentials;
    struct nf_approval_store approvals;
    struct nf_skill_store skills;
    struct nf_kv_store kv;
    struct nf_retention_store retention;
    struct nf_instance_store instances;
    struct nf_chat_store chats;
    struct nf_pairing_store pairings;
    struct nf_schedule_store schedules;
    struct nf_search_store search;
    struct nf_note_store notes;
};

extern const struct nf_turn_store_ops nf_repository_turns;
extern const struct nf_session_store_ops nf_repository_sessions;
extern const struct nf_user_store_ops nf_repository_users;
extern const struct nf_task_store_ops nf_repository_tasks;
extern const struct nf_outbox_store_ops nf_repository_outbox;
extern const struct nf_credential_store_ops nf_repository_credentials;
extern const struct nf_approval_store_ops nf_repository_approvals;
extern const struct nf_skill_store_ops nf_repository_skills;
extern const struct nf_kv_store_ops nf_repository_kv;
extern const struct nf_retention_store_ops nf_repository_retention;
extern const struct nf_instance_store_ops nf_repository_instances;
extern const struct nf_chat_store_ops nf_repository_chats;
extern const struct nf_pairing_store_ops nf_repository_pairings;
extern const struct nf_schedule_store_ops nf_repository_schedules;
extern const struct nf_search_store_ops nf_repository_search;
extern const struct nf_note_store_ops nf_repository_notes;

/* schedule_runs.c: what writes a run of a schedule, for whoever writes it with something else. */
#define NF_FIRE_CMDS 4
struct nf_fire_cmds {
    struct schedule_update_in update;
    struct schedule_run_put_in run;
    struct schedule_day_take_in user, all;
};
/* How many were added. *c and *f must outlive them. */
size_t nf_repository_fire_cmds(const struct nf_fire *f, struct nf_fire_cmds *c, struct nf_cmd *to);
/* What the refusal of the n-th of them means: sets f->refused. */
NF_RC nf_repository_fire_refused(struct nf_fire *f, size_t n, struct nf_err *err);

/* chat_held.c: operations of the chats. */
enum nf_code nf_repository_hold(struct nf_chat_store *s, const char *source,
                                const struct nf_hold *v, size_t n, int64_t token, int64_t now_ms,
                                size_t *held, struct nf_err *err);
enum nf_code nf_repository_held(struct nf_chat_store *s, const char *source, const char *lane,
                                size_t limit, struct nf_helds *ret, struct nf_err *err);
enum nf_code nf_repository_held_lanes(struct nf_chat_store *s, const char *source,
                                      const char *after, int64_t before_ms, size_t limit,
                                      struct nf_held_lanes *ret, struct nf_err *err);
enum nf_code nf_repository_seal(struct nf_chat_store *s, const char *source, const char *lane,
                                int64_t first, int64_t last, size_t n, struct nf_err *err);
enum nf_code nf_repository_release(struct nf_chat_store *s, const char *source, const char *lane,
                                   int64_t first, struct nf_err *err);

/* turn_finish.c: the operation `finish`. */
enum nf_code nf_repository_finish(struct nf_turn_store *s, const struct nf_finish *f,
                                  int64_t item_id, struct nf_finished *ret, struct nf_err *err);
