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
    struct nf_chat_store chats;
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
extern const struct nf_chat_store_ops nf_repository_chats;

/* turn_finish.c: the operation `finish`. */
enum nf_code nf_repository_finish(struct nf_turn_store *s, const struct nf_finish *f,
                                  int64_t item_id, struct nf_finished *ret, struct nf_err *err);
