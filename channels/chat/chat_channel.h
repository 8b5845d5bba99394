/*
 * What every chat network shares: an nf_channel over an nf_chat (application/ports/chat.h), and the
 * way in from a network to the use cases. An adapter translates its network's events into these
 * calls and nothing else; it knows neither sessions nor turns.
 */
#pragma once

#include "application/deps.h"
#include "application/ports/chat.h"
#include "application/ports/chat_store.h"

#define NF_CHAT_EVENT_MAX NF_CLIENT_ID_MAX
#define NF_CHAT_QUOTE_MAX 1000 /* bytes of the message that is answered; more is cut */
#define NF_CHAT_FILES_MAX 10   /* of one message: Telegram's largest album, Discord's message */
#define NF_CHAT_FETCHES_MAX 4  /* messages of a bot whose files are in memory at once */
#define NF_CHAT_ANSWER_MAX 200 /* bytes that a person is told about a button */
#define NF_CHAT_PRESSES_PER_MINUTE 30 /* buttons that one account may press */
#define NF_CHAT_LEASE_MS 30000        /* who polls says so again well within it */

struct nf_scope;
struct nf_chat_rules;
struct nf_chat_channel;

/* All borrowed; must outlive it. */
struct nf_chat_channel_options {
    struct nf_scope *scope; /* of the fibers that show runs */
    struct nf_app *app;
    struct nf_chat *chat;
    const char *name;    /* unique among all channels: sessions.channel */
    const char *network; /* "telegram": identities.channel. Bots of one network share people. */
    const struct nf_chat_rules *rules; /* who may write; NULL: known accounts, and no others */
};

NF_RC nf_chat_channel_new(const struct nf_chat_channel_options *o, struct nf_chat_channel **ret,
                          struct nf_err *err);
/* Other rules from now on, as the options have them. */
void nf_chat_channel_set_rules(struct nf_chat_channel *c, const struct nf_chat_rules *rules);
void nf_chat_channel_free(struct nf_chat_channel *c); /* its scope has ended; NULL is allowed */
struct nf_channel *nf_chat_channel_port(struct nf_chat_channel *c); /* for nf_app.channels */

/* --- in --------------------------------------------------------------------------------------- */

/* A file that came with a message: its bytes, or why there are none. */
struct nf_chat_file {
    const char *name, *media_type; /* "": unknown */
    int64_t announced;             /* bytes, as the network says; 0: it does not */
    const unsigned char *data;
    size_t n;
    bool cut;            /* data is its beginning: there is more */
    const char *problem; /* NULL: data is there; else words for person and model */
};

/* Get the bytes of file number `i`, no more than `room` of them: a longer one is cut off there. Or
 * its problem. Called for one file after the other when it is known that the author is welcome, so
 * that strangers cannot make us download. What it fills in is the adapter's and lives until the
 * next call, or nf_chat_receive returns. A failure is "not taken". Suspends. */
typedef enum nf_code (*nf_chat_fetch)(void *arg, size_t i, struct nf_chat_file *file, size_t room,
                                      struct nf_err *err);

/* What follows may take long: make the event durable and acknowledge it, so that nobody waits for
 * this one. Called once at most, and not for who is not welcome. *source: under which key it goes
 * on. NF_E_CONFLICT: it was taken before. A failure is "not taken". Suspends. */
typedef enum nf_code (*nf_chat_keep)(void *arg, const char **source, struct nf_err *err);

/* Where the session of this message shall be: called with files, when it is known that the author
 * is welcome and that it is no command. A network that opens a thread for a task opens it now; may
 * be called again for the same message. *address holds nf_chat_said.address. A failure is "not
 * taken". Suspends. */
typedef enum nf_code (*nf_chat_place)(void *arg, char address[NF_ADDRESS_MAX + 1],
                                      struct nf_err *err);

/* What a person wrote. Borrowed. */
struct nf_chat_said {
    const char *source;        /* "telegram:<bot id>"; with event_id the key against doubles */
    const char *event_id;      /* 1 to NF_CHAT_EVENT_MAX of [A-Za-z0-9._:-]; an edited message has
                                  another      than its first version */
    const char *cursor_source; /* how far the network was read, */
    const char *cursor;        /* stored in the same commit; NULL: nothing */
    const char *account, *account_name, *lang; /* lang as the network says it ("ru-RU"), or "" */
    const char *address;                       /* of the chat, topic or thread */
    const char *chat;  /* of the chat without its topic: what allow lists name */
    bool direct;       /* the account's own private chat */
    bool addressed;    /* direct, or it mentions or answers us */
    const char *ref;   /* the network's id of the message */
    const char *quote; /* text of the message it answers; "": none */
    const char *text;  /* without the mention of us; "" only with files */
    bool edited; /* says anew what `ref` said: replaces it while that waits, else it is a further
                    message that says so */
    const char *start; /* what came with /start; NULL: it is no /start */
    struct nf_chat_file *files;
    size_t files_n;      /* beyond NF_CHAT_FILES_MAX they are left out, and the person told */
    nf_chat_fetch fetch; /* NULL: the bytes are there */
    void *fetch_arg;
    nf_chat_keep keep; /* NULL: the network has nothing to gain by it */
    void *keep_arg;
    bool crowded;        /* too much waits in this chat: it is not taken, and the person is told */
    nf_chat_place place; /* NULL: at `address` */
    void *place_arg;
};

/*
 * Take in what a person wrote. NF_OK: all about it, and the cursor, is committed, or it was refused
 * for good and the person told: acknowledge it. Everything else: it was not taken, nothing may be
 * acknowledged; offer it again. Suspends.
 */
NF_RC nf_chat_receive(struct nf_chat_channel *c, const struct nf_chat_said *s, struct nf_err *err);

/* Something came that concerns nobody: only move the cursor. Suspends. */
NF_RC nf_chat_skip(struct nf_chat_channel *c, const char *cursor_source, const char *cursor,
                   struct nf_err *err);

/* Where to go on: "" if nothing was read yet. Suspends. */
NF_RC nf_chat_cursor(struct nf_chat_channel *c, const char *cursor_source,
                     char ret[NF_CURSOR_MAX + 1], struct nf_err *err);

/* All of which the source begins with `prefix`, by source. An error of fn ends it. Suspends. */
typedef enum nf_code (*nf_chat_cursor_fn)(void *arg, const char *source, const char *cursor,
                                          struct nf_err *err);
NF_RC nf_chat_cursors(struct nf_chat_channel *c, const char *prefix, nf_chat_cursor_fn fn,
                      void *arg, struct nf_err *err);

/*
 * What shall be taken in later, in its lane's order, also by a later life of ours: parts of a
 * message, what is behind something slow. The operations of chat_store.h. When they return NF_OK it
 * is committed, and the network may forget it. All suspend.
 */
NF_RC nf_chat_hold(struct nf_chat_channel *c, const char *source, const struct nf_hold *v, size_t n,
                   size_t *held, struct nf_err *err);
NF_RC nf_chat_held(struct nf_chat_channel *c, const char *source, const char *lane, size_t limit,
                   struct nf_helds *ret, struct nf_err *err);
NF_RC nf_chat_held_lanes(struct nf_chat_channel *c, const char *source, const char *after,
                         int64_t before_ms, size_t limit, struct nf_held_lanes *ret,
                         struct nf_err *err);
NF_RC nf_chat_seal(struct nf_chat_channel *c, const char *source, const char *lane, int64_t first,
                   int64_t last, size_t n, struct nf_err *err);
NF_RC nf_chat_release(struct nf_chat_channel *c, const char *source, const char *lane,
                      int64_t first, struct nf_err *err);

/* A button was pressed. *answer: words for the person in their language, "" for none, also when it
 * was refused, or was one more than NF_CHAT_PRESSES_PER_MINUTE, which is told once. As
 * nf_chat_receive. */
NF_RC nf_chat_pressed(struct nf_chat_channel *c, const char *account, const char *address,
                      const char *data, char answer[NF_CHAT_ANSWER_MAX + 1], struct nf_err *err);

/* The network says that a chat cannot be written to any more, or again. Suspends. */
NF_RC nf_chat_reachable(struct nf_chat_channel *c, const char *address, bool yes, const char *why,
                        struct nf_err *err);

/* A chat has another address now: its sessions and what waits for it move. Suspends. */
NF_RC nf_chat_moved(struct nf_chat_channel *c, const char *from, const char *to,
                    struct nf_err *err);

/* --- what outlives a restart, and what owners hear ---------------------------------------------
 */

/* Notes of `source`, for `ttl_ms`: see application/ports/note_store.h. All suspend. */
NF_RC nf_chat_note(struct nf_chat_channel *c, const char *source, const char *name,
                   const char *value, int64_t ttl_ms, struct nf_err *err);
typedef enum nf_code (*nf_chat_note_fn)(void *arg, const struct nf_note *n, struct nf_err *err);
/* All of them, by name. An error of fn ends it. */
NF_RC nf_chat_notes(struct nf_chat_channel *c, const char *source, nf_chat_note_fn fn, void *arg,
                    struct nf_err *err);
/* *ret must be zero; released by nf_note_done. NF_E_NOT_FOUND. */
NF_RC nf_chat_note_get(struct nf_chat_channel *c, const char *source, const char *name,
                       struct nf_note *ret, struct nf_err *err);
NF_RC nf_chat_note_drop(struct nf_chat_channel *c, const char *source, const char *name,
                        struct nf_err *err);

/* Which note says that something was told. Borrowed. */
struct nf_chat_note_of {
    const char *source, *name, *value;
    int64_t ttl_ms;
};
/* Say it to the owners, wherever they can be reached, and then write the note; nothing if it is
 * there. Who is cut off in between says it again: twice is better than never. NF_E_NOT_FOUND: they
 * can be reached nowhere. Suspends. */
NF_RC nf_chat_tell_owners_once(struct nf_chat_channel *c, const struct nf_notice *notice,
                               const struct nf_chat_note_of *n, struct nf_err *err);

/* --- one reader per token --------------------------------------------------------------------- */

/* Become, or stay, the only reader of `source` for NF_CHAT_LEASE_MS. NF_E_CONFLICT: another
 * instance is; ask again after a while. Suspends. */
NF_RC nf_chat_lease(struct nf_chat_channel *c, const char *source, struct nf_err *err);
NF_RC nf_chat_unlease(struct nf_chat_channel *c, const char *source, struct nf_err *err);

/* --- what drives an adapter ------------------------------------------------------------------- */

/* An adapter as the daemon sees it. It comes from a nf_*_new that neither suspends nor connects. */
struct nf_chat_adapter {
    const struct nf_chat_adapter_ops *ops;
    struct nf_chat *chat;
    const char *network; /* "telegram" */
};

struct nf_chat_adapter_ops {
    /* Begin to read and to write, in fibers of `scope`. A network that cannot be reached is no
     * error: it is told by health, and tried again. */
    enum nf_code (*start)(struct nf_chat_adapter *a, struct nf_chat_channel *c,
                          struct nf_scope *scope, struct nf_err *err);
    /* Read no more: what was not taken in is not acknowledged. What is written goes on. Suspends
     * until nothing is being taken in. */
    void (*close)(struct nf_chat_adapter *a);
    void (*free)(struct nf_chat_adapter *a); /* its scope has ended */
};
