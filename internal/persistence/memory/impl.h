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
    int64_t session_id, run_id, seq, at_ms;
};

/* What a skill keeps: `value` may hold any bytes. */
struct nf_memory_pair {
    char *skill, *key, *value;
    size_t n;
    int64_t user_id;
};
void nf_memory_pair_done(struct nf_memory_pair *p);

/* A note, and whose it is. */
struct nf_memory_kept {
    char source[NF_CURSOR_SOURCE_MAX + 1];
    struct nf_note note;
};
void nf_memory_kept_done(struct nf_memory_kept *k);

struct nf_memory_chat {
    int64_t run_id, at_ms;
    struct nf_chat_ref ref;
};

/* A source of a chat network: how far it was read, and who reads it. */
struct nf_memory_source {
    char name[NF_CURSOR_SOURCE_MAX + 1], cursor[NF_CURSOR_MAX + 1];
    int64_t at_ms; /* when the cursor was written */
    int64_t owner, fence, lease_until_ms;
};

struct nf_memory_held {
    char *source;
    char lane[NF_CHAT_LANE_MAX + 1];
    struct nf_held h;
};

struct nf_memory_unreachable {
    char channel[NF_CHANNEL_MAX + 1];
    struct nf_unreachable u;
};

/* Tokens that scheduled runs used on a day. */
struct nf_memory_day {
    int64_t user_id, day, tokens;
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
    struct nf_retention_store retention;
    struct nf_instance_store instances;
    struct nf_chat_store chats;
    struct nf_pairing_store pairings;
    struct nf_schedule_store schedules;
    struct nf_search_store search;
    struct nf_note_store notes;

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
    NF_MEMORY_VEC(struct nf_instance) instance;
    NF_MEMORY_VEC(struct nf_memory_chat) chat;
    NF_MEMORY_VEC(struct nf_pairing) pairing;
    NF_MEMORY_VEC(struct nf_invite) invite;
    NF_MEMORY_VEC(struct nf_memory_source) source;
    NF_MEMORY_VEC(struct nf_memory_held) held;
    NF_MEMORY_VEC(struct nf_memory_unreachable) unreachable;
    NF_MEMORY_VEC(struct nf_schedule) schedule;
    NF_MEMORY_VEC(struct nf_schedule_run) schedule_run;
    NF_MEMORY_VEC(struct nf_memory_day) schedule_day;
    NF_MEMORY_VEC(struct nf_memory_kept) kept;
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
extern const struct nf_retention_store_ops nf_memory_retention;
extern const struct nf_instance_store_ops nf_memory_instances;
extern const struct nf_chat_store_ops nf_memory_chats;
extern const struct nf_pairing_store_ops nf_memory_pairings;
extern const struct nf_schedule_store_ops nf_memory_schedules;
extern const struct nf_search_store_ops nf_memory_search;

/* schedule_runs.c: whether a run may be written (NF_E_CONFLICT sets f->refused; there is room for
 * it then), and writing it, which cannot fail. */
NF_RC nf_memory_may_fire(struct nf_memory *m, struct nf_fire *f, struct nf_err *err);
void nf_memory_fire(struct nf_memory *m, const struct nf_fire *f);
extern const struct nf_note_store_ops nf_memory_notes;

/* The source of that name, made unless it is there. NF_E_NOMEM. */
NF_RC nf_memory_source(struct nf_memory *m, const char *name, struct nf_memory_source **ret,
                       struct nf_err *err);
/* Keep how far it was read; `cursor` NULL: nothing. */
void nf_memory_set_cursor(struct nf_memory_source *s, const char *cursor, int64_t now_ms);
/* Whether that key came before. */
const struct nf_memory_inbox *nf_memory_inbox(const struct nf_memory *m, const char *source,
                                              const char *client_id);
/* turn_accept.c */
enum nf_code nf_memory_accept(struct nf_turn_store *s, const struct nf_accept *in,
                              struct nf_accepted *ret, struct nf_err *err);
/* There is room for it. */
struct nf_memory_task *nf_memory_add_task(struct nf_memory *m, const struct nf_task *t);
/* The claim that the session's lease is. */
struct nf_claim nf_memory_claim_of(const struct nf_session *s);
/* turn_edit.c */
enum nf_code nf_memory_revise(struct nf_turn_store *s, const struct nf_revise *in,
                              struct nf_err *err);
enum nf_code nf_memory_join(struct nf_turn_store *s, const struct nf_claim *c, int64_t run_id,
                            int64_t now_ms, struct nf_err *err);

/* chat_held.c */
void nf_memory_held_done(struct nf_memory_held *h);
enum nf_code nf_memory_hold(struct nf_chat_store *s, const char *source, const struct nf_hold *v,
                            size_t n, int64_t token, int64_t now_ms, size_t *held,
                            struct nf_err *err);
enum nf_code nf_memory_held_of(struct nf_chat_store *s, const char *source, const char *lane,
                               size_t limit, struct nf_helds *ret, struct nf_err *err);
enum nf_code nf_memory_held_lanes(struct nf_chat_store *s, const char *source, const char *after,
                                  int64_t before_ms, size_t limit, struct nf_held_lanes *ret,
                                  struct nf_err *err);
enum nf_code nf_memory_seal(struct nf_chat_store *s, const char *source, const char *lane,
                            int64_t first, int64_t last, size_t n, struct nf_err *err);
enum nf_code nf_memory_release(struct nf_chat_store *s, const char *source, const char *lane,
                               int64_t first, struct nf_err *err);

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
