/*
 * Use case: show a run in a chat network while it goes on, and its reply when it is there.
 *
 * While the model writes, one message (or more, for a long text) is edited with what there is, at
 * the pace the network allows: the newest text, and below it what the tools do. The reply then
 * takes the place of that. A new message always begins as a placeholder whose id is stored before
 * anything worth reading is in it, and an edit can be repeated: so a reply is neither lost nor
 * shown twice, whatever is killed; what can be left over is a placeholder. Networks that know a
 * message by our key need none.
 *
 * An instance that was frozen past its lease can wake up in the middle of an edit, behind the reply
 * that another one has brought. No network compares before it edits; so who notices lets the reply
 * be brought again.
 */
#pragma once

#include "application/deps.h"
#include "application/ports/chat.h"
#include "application/ports/chat_store.h"
#include "domain/lang.h"

#define NF_PRESENT_TOOLS_MAX 6    /* shown at once; of more the newest */
#define NF_PRESENT_NOTE_MAX 120   /* bytes of a tool's progress that are shown */
#define NF_PRESENT_FIRST_CHARS 30 /* so much text is worth the first message, */
#define NF_PRESENT_FIRST_MS 700   /* or so much time with anything to show */
#define NF_PRESENT_BEHIND_MS 500  /* until it is looked again whether an earlier reply is there */
#define NF_PRESENT_BEGINNING 1500 /* bytes of a reply that goes as a file */
#define NF_PRESENT_LATE_MS 60000  /* a run that took longer ends with a new message, which rings */

struct nf_shown_tool {
    char call_id[NF_CALL_ID_MAX + 1], name[NF_NAME_MAX + 1], note[NF_PRESENT_NOTE_MAX + 1];
    int percent; /* -1: not known */
    enum { NF_SHOWN_RUNS, NF_SHOWN_WAITS, NF_SHOWN_DONE, NF_SHOWN_FAILED } state;
};

/* A run as it is shown in one chat. */
struct nf_presenting {
    struct nf_app *app;
    struct nf_chat *chat;
    int64_t run_id;
    char address[NF_ADDRESS_MAX + 1];
    enum nf_lang lang;
    int64_t began_ms;
    struct nf_str text; /* the newest message of the model: Markdown */
    struct nf_shown_tool tools[NF_PRESENT_TOOLS_MAX];
    size_t tools_n;
    uint64_t version; /* of what there is to show, */
    uint64_t edited;  /* of what the message shows that is being written, */
    uint64_t shown;   /* and of what is shown as a whole */
    size_t at;        /* which message is being written */
    struct nf_chat_refs refs;
    bool loaded;                /* refs were read */
    int64_t typing_ms, edit_ms; /* not before */
    bool quiet;                 /* the network wants nothing more of this run shown */
    bool owed; /* what we showed last may stand where somebody else brought the reply */
};

/* `address` is that of the session. Never fails. */
void nf_presenting_init(struct nf_presenting *p, struct nf_app *a, struct nf_chat *c,
                        int64_t run_id, const char *address, enum nf_lang lang);
void nf_presenting_done(struct nf_presenting *p);

/* Take in an event of the run. Never suspends, never fails: without memory it shows less. */
void nf_presenting_take(struct nf_presenting *p, const struct nf_run_event *e);

/* What was shown while others may have had the run: let its reply be brought again, if it is there.
 * Called when nothing more is shown. NF_OK also if nothing is owed. Suspends. */
NF_RC nf_presenting_settle(struct nf_presenting *p, struct nf_err *err);

/* Do what is due, at most one message of it. *wait_ms: when to call again unless an event comes
 * before; -1: only after an event. What the network refuses is not an error but the end of showing.
 * NF_E_CANCELED, NF_E_TIMEOUT. Suspends. */
NF_RC nf_presenting_step(struct nf_presenting *p, int64_t *wait_ms, struct nf_err *err);

/*
 * Bring the reply `m` of the item to its chat: the messages of its run are edited, more are sent,
 * those that are too many are removed. May be called again until it returns NF_OK. Errors as
 * nf_channel_ops.deliver. Nobody may be in nf_presenting_step for that run. Suspends.
 */
NF_RC nf_present_reply(struct nf_app *a, struct nf_chat *c, const struct nf_outbox_item *item,
                       const struct nf_message *m, enum nf_lang lang, struct nf_err *err);
