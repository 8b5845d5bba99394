/* What the memory stores share: arrays, searched from the front. An operation first makes room and
 * copies, which can fail, and then changes things, which cannot: so it happens whole or not. */
#pragma once

#include "persistence/stores.h"

#define NF_MEMORY_VEC(type)                                                                        \
    struct {                                                                                       \
        type *v;                                                                                   \
        size_t n, cap;                                                                             \
    }

struct nf_memory_session {
    struct nf_session s;
    int64_t owner, ready_ms;
};

struct nf_memory_task {
    struct nf_task t;
    int64_t changes, changed_ms;
    int64_t out_first, out_last; /* messages a turn ended with */
};

struct nf_memory_inbox {
    char *source;
    char client_id[NF_CLIENT_ID_MAX + 1];
    int64_t session_id, run_id, seq;
};

/* What a skill keeps: `value` may hold any bytes. */
struct nf_memory_pair {
    char *skill, *key, *value;
    size_t n;
    int64_t user_id;
};
void nf_memory_pair_done(struct nf_memory_pair *p);

struct nf_memory_chat {
    int64_t run_id, at_ms;
    struct nf_chat_ref ref;
};

struct nf_memory {
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

    NF_MEMORY_VEC(struct nf_user) user;
    NF_MEMORY_VEC(struct nf_identity) identity;
    NF_MEMORY_VEC(struct nf_memory_session) session;
    NF_MEMORY_VEC(struct nf_message) message;
    NF_MEMORY_VEC(struct nf_memory_inbox) inbox;
    NF_MEMORY_VEC(struct nf_memory_task) task;
    NF_MEMORY_VEC(struct nf_task_change) change;
    NF_MEMORY_VEC(struct nf_usage) usage;
    NF_MEMORY_VEC(struct nf_outbox_item) item;
    NF_MEMORY_VEC(struct nf_credential) credential;
    NF_MEMORY_VEC(struct nf_approval_request) approval;
    NF_MEMORY_VEC(struct nf_skill) skill;
    NF_MEMORY_VEC(struct nf_memory_pair) pair;
    NF_MEMORY_VEC(struct nf_memory_chat) chat;
};

extern const struct nf_turn_store_ops nf_memory_turns;
extern const struct nf_session_store_ops nf_memory_sessions;
extern const struct nf_user_store_ops nf_memory_users;
extern const struct nf_task_store_ops nf_memory_tasks;
extern const struct nf_outbox_store_ops nf_memory_outbox;
extern const struct nf_credential_store_ops nf_memory_credentials;
extern const struct nf_approval_store_ops nf_memory_approvals;
extern const struct nf_skill_store_ops nf_memory_skills;
extern const struct nf_kv_store_ops nf_memory_kv;
extern const struct nf_chat_store_ops nf_memory_chats;

/* turn_finish.c */
enum nf_code nf_memory_finish(struct nf_turn_store *s, const struct nf_finish *f, int64_t item_id,
                              struct nf_finished *ret, struct nf_err *err);

/* End the step as `ended` says, whose texts move into it. */
void nf_memory_end_step(struct nf_memory_task *t, struct nf_task *ended);

/* `v` with room for `extra` more; NULL and *err set: as before. */
void *nf_memory_room(void *v, size_t *cap, size_t n, size_t extra, size_t size, struct nf_err *err);
#define NF_MEMORY_ROOM(vec, extra, err)                                                            \
    ({                                                                                             \
        void *room_ =                                                                              \
            nf_memory_room((vec)->v, &(vec)->cap, (vec)->n, (extra), sizeof(*(vec)->v), (err));    \
        if (room_)                                                                                 \
            (vec)->v = room_;                                                                      \
        (enum nf_code)(room_ ? NF_OK : NF_E_NOMEM);                                                \
    })

/* NULL if there is none. Valid until one is added. */
struct nf_user *nf_memory_user(struct nf_memory *m, int64_t id);
struct nf_memory_session *nf_memory_session(struct nf_memory *m, int64_t id);
struct nf_memory_task *nf_memory_task(struct nf_memory *m, int64_t id);
struct nf_outbox_item *nf_memory_item(struct nf_memory *m, int64_t id);

/* The session if the claim still holds, else NULL and NF_E_CONFLICT in *err. */
struct nf_memory_session *nf_memory_claimed(struct nf_memory *m, const struct nf_claim *c,
                                            struct nf_err *err);

/* Write down what the task has become; there is room for one change. */
void nf_memory_note(struct nf_memory *m, struct nf_memory_task *t);
/* Count a change at `now_ms`, which does not step back. */
void nf_memory_touch(struct nf_memory_task *t, int64_t now_ms);

/* Deep copies; *to is zeroed before. */
NF_RC nf_memory_copy_task(const struct nf_task *from, struct nf_task *to, struct nf_err *err);
NF_RC nf_memory_copy_message(const struct nf_message *from, struct nf_message *to,
                             struct nf_err *err);
/* Append a deep copy. */
NF_RC nf_memory_push_task(struct nf_tasks *list, const struct nf_task *from, struct nf_err *err);
NF_RC nf_memory_push_message(struct nf_messages *list, const struct nf_message *from,
                             struct nf_err *err);
