/* What the sources of this directory share. */
#pragma once

#include "application/admit_person.h"
#include "application/present_run.h"
#include "channels/chat/chat_channel.h"
#include "channels/chat/content.h"
#include "observe/metrics.h"
#include "runtime/fiber.h"

#define NF_CHAT_FAR_MS (INT64_C(1) << 40)
#define NF_CHAT_ASKING_MAX 256      /* questions that are brought to people at once */
#define NF_CHAT_UNREACHABLE_MAX 256 /* chats that are remembered as such without a look-up */

/* A chat that counts what nobody knows the fate of. */
struct nf_counted_chat {
    struct nf_chat port;
    struct nf_chat *real;
    struct nf_metric *ambiguous;
};
void nf_counted_chat_init(struct nf_counted_chat *c, struct nf_chat *real, const char *channel);

/* So many are inside at once; the others wait in order. The zero value is empty. */
struct nf_chat_gate {
    size_t inside;
    struct nf_chat_gate_waiter *first;
};
/* NF_E_CANCELED, NF_E_TIMEOUT: not inside. Suspends. */
NF_RC nf_chat_gate_enter(struct nf_chat_gate *g, struct nf_err *err);
void nf_chat_gate_leave(struct nf_chat_gate *g);

struct nf_shown_run;

struct nf_chat_channel {
    struct nf_channel port;
    struct nf_counted_chat chat;
    struct nf_scope *scope;
    struct nf_app *app;
    char name[NF_CHANNEL_MAX + 1], network[NF_CHANNEL_MAX + 1];
    struct nf_chat_rules rules;
    struct nf_shown_run *runs; /* hash by run */
    size_t asking;             /* fibers that bring questions to people */
    struct nf_chat_gate files; /* NF_CHAT_FETCHES_MAX */
    uint64_t unreachable[NF_CHAT_UNREACHABLE_MAX];
    size_t unreachable_n;
    bool unreachable_read;
    struct nf_chat_telling *telling; /* what owners are being told */
};

/* The language that a person is spoken to in. Suspends. */
enum nf_lang nf_chat_lang(struct nf_chat_channel *c, int64_t user_id);

/* --- runs.c: runs while they are shown ---------------------------------------------------------
 */

void nf_chat_show(struct nf_chat_channel *c, const struct nf_run_event *e);
/* Nobody shows the run any more when this returns. Suspends. */
void nf_chat_end_run(struct nf_chat_channel *c, int64_t run_id);
/* Like that, but without waiting: it is ended soon. Never suspends. */
void nf_chat_drop_run(struct nf_chat_channel *c, int64_t run_id);
/* Their fibers have ended. */
void nf_chat_free_runs(struct nf_chat_channel *c);

/* --- press.c -----------------------------------------------------------------------------------
 */

/* Ask user `to` about the approval, or tell them what became of it. Never suspends. */
void nf_chat_ask(struct nf_chat_channel *c, int64_t id, int64_t to);

/* --- notice.c: as nf_channel_ops.reach ---------------------------------------------------------
 */

NF_RC nf_chat_reach(struct nf_chat_channel *c, int64_t user_id, const struct nf_notice *n,
                    struct nf_err *err);

/* --- reach.c: where it cannot be written -------------------------------------------------------
 */

/* We could not write there: it is known from now on. Suspends. */
void nf_chat_lost(struct nf_chat_channel *c, const char *address, const char *why);
/* Somebody wrote from there, so we can again. Suspends. */
void nf_chat_found(struct nf_chat_channel *c, const char *address);
