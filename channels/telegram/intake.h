/*
 * Updates on their way in. Those of one chat are taken in one after the other, in the fiber of its
 * lane; chats do not wait for each other. An update is accepted, and confirmed to Telegram, when it
 * is committed: either all about it, which is so with most, or that it is held (chat_store.h), to
 * be taken in later. Held are parts of a message until all are there, what is behind something else
 * of its chat, and what will take long. So neither a slow file nor a person who floods holds up
 * anybody else, and a webhook's call is answered at once.
 */
#pragma once

#include "application/ports/chat_store.h"
#include "channels/telegram/update.h"
#include "runtime/fiber.h"

#define NF_TELEGRAM_INTAKE_MAX 200  /* updates not accepted yet; the Bot API gives 100 at once */
#define NF_TELEGRAM_WAITING_MAX 100 /* held in one chat; then further ones are left out */
#define NF_TELEGRAM_HELD_BYTES_MAX ((size_t)512 << 10) /* of an update that is held */
#define NF_TELEGRAM_ALBUM_MS 500 /* so long a further part of a message is waited for */
#define NF_TELEGRAM_RETRY_MIN_MS 200
#define NF_TELEGRAM_RETRY_MAX_MS 10000
#define NF_TELEGRAM_TRIES_MAX 8 /* of what can never be taken; then it is passed over */

struct nf_telegram;
struct nf_telegram_item;
struct nf_telegram_lane;

/* The zero value is empty. */
struct nf_telegram_intake {
    struct nf_telegram_lane *lanes; /* by name */
    struct nf_telegram_item *first; /* by id: not accepted, or not confirmed yet */
    size_t n;                       /* of them not accepted */
    int64_t next;                   /* id behind the highest that was offered; 0: none yet */
    bool by_offset;                 /* Telegram is asked on from an offset: polling */
    int64_t floor;                  /* updates before it were confirmed; 0: nobody confirms by id */
    struct nf_wait *idle;           /* woken when nothing waits to be accepted any more */
};

/* Take over the updates of `result`, an array, or one update alone; what is here already is passed
 * over. `doc` is taken over in any case. *fresh: how many were new. What shall be held is when this
 * returns. NF_E_LIMIT: NF_TELEGRAM_INTAKE_MAX; else why it cannot be held: all of it is to be
 * offered again. Starts fibers in `scope`. Suspends. */
NF_RC nf_telegram_offer(struct nf_telegram *t, struct nf_json_doc *doc,
                        const struct nf_json *result, struct nf_scope *scope, size_t *fresh,
                        struct nf_err *err);

/* Go on with what is held since before `before_ms` and has no lane, as a former life or another
 * instance may have left it. *all: there is no more of it; else call it again. Suspends. */
NF_RC nf_telegram_adopt(struct nf_telegram *t, int64_t before_ms, struct nf_scope *scope, bool *all,
                        struct nf_err *err);

/* The offset to ask with: all updates before it are accepted. 0: nothing is known. Forgets those.
 */
int64_t nf_telegram_confirmed(struct nf_telegram_intake *in);

/* Wait until nothing waits to be accepted, or `ms`. NF_OK in both cases; NF_E_CANCELED. Suspends.
 */
NF_RC nf_telegram_wait_idle(struct nf_telegram_intake *in, int64_t ms, struct nf_err *err);

/* Wait until the update of that id is accepted. NF_E_TIMEOUT, NF_E_CANCELED; NF_E_CONFLICT: another
 * call waits for it. Suspends. */
NF_RC nf_telegram_wait_done(struct nf_telegram_intake *in, int64_t id, int64_t ms,
                            struct nf_err *err);

/* No fiber of it runs any more. */
void nf_telegram_intake_done(struct nf_telegram_intake *in);
