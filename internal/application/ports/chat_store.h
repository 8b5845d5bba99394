/* Port: what is kept about chat networks: which of their messages show a run, so that they are
 * edited and not sent again; how far each was read, and who reads it; which chats cannot be written
 * to. Each operation is one durable transaction. All may suspend. */
#pragma once

#include "application/ports/chat.h"

/* Numbers of messages that are no part of the reply while it is written. */
enum {
    NF_CHAT_ASKED = -1,       /* the person's message */
    NF_CHAT_LATE = 1000,      /* parts of a reply that came late, in new messages */
    NF_CHAT_DOCUMENT = 10000, /* the file */
    NF_CHAT_UPLOAD = 10001,   /* not a message: the file is being sent, by who wrote this */
};

struct nf_chat_ref {
    int64_t part;
    char ref[NF_CHAT_REF_MAX + 1];
};
struct nf_chat_refs {
    struct nf_chat_ref *v;
    size_t n;
};
void nf_chat_refs_done(struct nf_chat_refs *r);

#define NF_CURSOR_SOURCE_MAX 128 /* bytes: "telegram:<bot id>" */
#define NF_CURSOR_MAX 128        /* bytes of how far a source was read */

/* Something that came and is answered at once, without a turn. Borrowed. */
struct nf_chat_event {
    const char *source, *event_id;      /* the key against doubles, as in struct nf_accept */
    const char *cursor_source, *cursor; /* NULL: not said */
};

/* A chat that the network does not let us write to. */
struct nf_unreachable {
    char address[NF_ADDRESS_MAX + 1];
    int64_t since_ms;
    char reason[NF_REASON_MAX + 1];
};
struct nf_unreachables {
    struct nf_unreachable *v;
    size_t n;
};
void nf_unreachables_done(struct nf_unreachables *u);

/* How far one source was read. */
struct nf_cursor {
    char source[NF_CURSOR_SOURCE_MAX + 1], place[NF_CURSOR_MAX + 1];
};
struct nf_cursors {
    struct nf_cursor *v;
    size_t n;
};
void nf_cursors_done(struct nf_cursors *c);

#define NF_CHAT_LANE_MAX 32 /* bytes of a lane: what is taken in one after the other */
#define NF_HOLDS_MAX 100    /* that are held at once */

/* What a network gave us, to be taken in later. Borrowed. */
struct nf_hold {
    const char *event_id; /* with the source the key against doubles */
    const char *lane;
    int64_t id;       /* its place in the lane */
    const char *body; /* the adapter's own */
};

/* As it was held. */
struct nf_held {
    int64_t id, at_ms;
    int64_t lot; /* 0, or the first id of those with which it is one message */
    char *body;
};
struct nf_helds {
    struct nf_held *v;
    size_t n;
};
void nf_helds_done(struct nf_helds *h);

struct nf_held_lane {
    char name[NF_CHAT_LANE_MAX + 1];
    int64_t n;
};
struct nf_held_lanes {
    struct nf_held_lane *v;
    size_t n;
};
void nf_held_lanes_done(struct nf_held_lanes *l);

struct nf_chat_store {
    const struct nf_chat_store_ops *ops;
};

struct nf_chat_store_ops {
    /* Once more is once. NF_E_CONFLICT: another message stands for that part, which stays: an
     * instance that takes itself for the owner still does not replace what its successor sent. */
    enum nf_code (*put)(struct nf_chat_store *s, int64_t run_id, int64_t part, const char *ref,
                        int64_t now_ms, struct nf_err *err);
    /* By part. */
    enum nf_code (*refs)(struct nf_chat_store *s, int64_t run_id, struct nf_chat_refs *ret,
                         struct nf_err *err);
    /* Message `ref` does not stand for that part any more; another may by now, and stays. */
    enum nf_code (*forget)(struct nf_chat_store *s, int64_t run_id, int64_t part, const char *ref,
                           struct nf_err *err);
    /* All that were put before. */
    enum nf_code (*tidy)(struct nf_chat_store *s, int64_t before_ms, struct nf_err *err);
    /* The newest run of the session that answers the network's message `ref`. NF_E_NOT_FOUND. */
    enum nf_code (*asked)(struct nf_chat_store *s, int64_t session_id, const char *ref,
                          int64_t *ret, struct nf_err *err);

    /* Write down that the event was dealt with. NF_E_CONFLICT: it was before; the cursor is kept
     * all the same. */
    enum nf_code (*once)(struct nf_chat_store *s, const struct nf_chat_event *e, int64_t now_ms,
                         struct nf_err *err);
    /* Store how far a source was read. */
    enum nf_code (*set_cursor)(struct nf_chat_store *s, const char *source, const char *cursor,
                               int64_t now_ms, struct nf_err *err);
    /* "" if there is none. */
    enum nf_code (*cursor)(struct nf_chat_store *s, const char *source, char ret[NF_CURSOR_MAX + 1],
                           struct nf_err *err);
    /* Those whose source begins with `prefix`, by source, after `after`. */
    enum nf_code (*cursors)(struct nf_chat_store *s, const char *prefix, const char *after,
                            size_t limit, struct nf_cursors *ret, struct nf_err *err);
    /* Take or keep the lease of a source. NF_E_CONFLICT: another owner has it. *fence grows when it
     * changes hands. */
    enum nf_code (*lease)(struct nf_chat_store *s, const char *source, int64_t owner,
                          int64_t until_ms, int64_t now_ms, int64_t *fence, struct nf_err *err);
    /* Give it up, if it is still this owner's; NF_OK also if not. */
    enum nf_code (*unlease)(struct nf_chat_store *s, const char *source, int64_t owner,
                            struct nf_err *err);

    /* Keep them, each with its key; what came before under its key is passed over. `token` is new
     * for each call; NF_HOLDS_MAX at most. *held: how many were kept. */
    enum nf_code (*hold)(struct nf_chat_store *s, const char *source, const struct nf_hold *v,
                         size_t n, int64_t token, int64_t now_ms, size_t *held, struct nf_err *err);
    /* The first of a lane, by id, at most `limit`. */
    enum nf_code (*held)(struct nf_chat_store *s, const char *source, const char *lane,
                         size_t limit, struct nf_helds *ret, struct nf_err *err);
    /* Where something is held since before `before_ms`, by name, after `after`. */
    enum nf_code (*held_lanes)(struct nf_chat_store *s, const char *source, const char *after,
                               int64_t before_ms, size_t limit, struct nf_held_lanes *ret,
                               struct nf_err *err);
    /* Those from `first` to `last` are one lot from now on. NF_E_CONFLICT: there are not `n` that
     * are in none. */
    enum nf_code (*seal)(struct nf_chat_store *s, const char *source, const char *lane,
                         int64_t first, int64_t last, size_t n, struct nf_err *err);
    /* Forget what is held as `first`, and its lot. */
    enum nf_code (*release)(struct nf_chat_store *s, const char *source, const char *lane,
                            int64_t first, struct nf_err *err);

    /* The chat cannot be written to; `reason` NULL: it can again. */
    enum nf_code (*set_unreachable)(struct nf_chat_store *s, const char *channel,
                                    const char *address, const char *reason, int64_t now_ms,
                                    struct nf_err *err);
    enum nf_code (*is_unreachable)(struct nf_chat_store *s, const char *channel,
                                   const char *address, bool *ret, struct nf_err *err);
    /* By address, after `after`. */
    enum nf_code (*unreachable)(struct nf_chat_store *s, const char *channel, const char *after,
                                size_t limit, struct nf_unreachables *ret, struct nf_err *err);
    /* Group `from` has the address `to` now, its topics ("<from>:...") theirs: the sessions in
     * which they go on move with what waits for delivery. Such that began at `to` meanwhile are
     * retired. */
    enum nf_code (*move)(struct nf_chat_store *s, const char *channel, const char *from,
                         const char *to, struct nf_err *err);
};
