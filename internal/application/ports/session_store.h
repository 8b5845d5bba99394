/* Port: conversations and what was said in them, for reading and managing. All may suspend. */
#pragma once

#include "domain/message.h"
#include "domain/session.h"
#include "domain/task.h"

struct nf_sessions {
    struct nf_session *v;
    size_t n;
};
void nf_sessions_done(struct nf_sessions *s);

struct nf_session_store {
    const struct nf_session_store_ops *ops;
};

struct nf_session_store_ops {
    /* NF_E_NOT_FOUND, also for a session of somebody else (`user_id` 0: anybody's). */
    enum nf_code (*get)(struct nf_session_store *s, int64_t id, int64_t user_id,
                        struct nf_session *ret, struct nf_err *err);
    /* The session in which that chat goes on; `user_id` 0: the one that its people share.
     * NF_E_NOT_FOUND. */
    enum nf_code (*find)(struct nf_session_store *s, int64_t user_id, const char *channel,
                         const char *address, struct nf_session *ret, struct nf_err *err);
    /* Newest activity first; (before_ms, before_id) is the last one of the page before, 0,0 for
     * the first. */
    enum nf_code (*list)(struct nf_session_store *s, int64_t user_id, int64_t before_ms,
                         int64_t before_id, size_t limit, struct nf_sessions *ret,
                         struct nf_err *err);
    /* NF_E_CONFLICT: the id is there, or another session in which that chat goes on. */
    enum nf_code (*create)(struct nf_session_store *s, const struct nf_session *in,
                           struct nf_err *err);
    /* Store the title. NF_E_NOT_FOUND. */
    enum nf_code (*rename)(struct nf_session_store *s, const struct nf_session *in, int64_t now_ms,
                           struct nf_err *err);
    /* Who answers here from now on; "": the default. NF_E_NOT_FOUND. */
    enum nf_code (*set_model)(struct nf_session_store *s, int64_t id, const char *model,
                              struct nf_err *err);
    /* Those that are pinned, the newest first, at most `limit`. */
    enum nf_code (*pinned)(struct nf_session_store *s, int64_t user_id, size_t limit,
                           struct nf_sessions *ret, struct nf_err *err);
    /* Store since when it is pinned, 0: it is not. NF_E_NOT_FOUND. */
    enum nf_code (*pin)(struct nf_session_store *s, int64_t id, int64_t user_id, int64_t at_ms,
                        struct nf_err *err);
    /* With its messages and tasks; usage stays. NF_E_NOT_FOUND; NF_E_CONFLICT while a turn runs or
     * waits. */
    enum nf_code (*remove)(struct nf_session_store *s, int64_t id, int64_t user_id,
                           struct nf_err *err);
    /* At most `limit` messages with seq < before (0: the newest), oldest first; without what people
     * attached. */
    enum nf_code (*messages)(struct nf_session_store *s, int64_t session_id, int64_t before,
                             size_t limit, struct nf_messages *ret, struct nf_err *err);
    /* The newest `limit` messages, oldest first, with what people attached from seq `media` on. */
    enum nf_code (*history)(struct nf_session_store *s, int64_t session_id, int64_t media,
                            size_t limit, struct nf_messages *ret, struct nf_err *err);
    /* All messages of one turn, oldest first. */
    enum nf_code (*run_messages)(struct nf_session_store *s, int64_t session_id, int64_t run_id,
                                 struct nf_messages *ret, struct nf_err *err);
    /* At most `limit` ended turns of the session whose fence is >= `fence`, by fence. */
    enum nf_code (*runs_since)(struct nf_session_store *s, int64_t session_id, int64_t fence,
                               size_t limit, struct nf_tasks *ret, struct nf_err *err);
};
