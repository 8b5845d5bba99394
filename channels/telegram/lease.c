/* One reader per token. */
#include "channels/telegram/telegram_internal.h"
#include "domain/said_bots.h"
#include "observe/log.h"

#define LEASE_EVERY_MS (NF_CHAT_LEASE_MS / 3)
#define STANDBY_MS 1000
#define ORPHAN_MS 180000 /* what is held so long without a lane is of an instance that died */

/* Who becomes the reader goes on with all there is. Until that is done what is newer is held, too.
 */
static void adopt(struct nf_telegram *t)
{
    struct nf_err why;
    bool all;

    if (!t->leased)
        t->caught_up = false;
    int64_t before = t->caught_up ? nf_telegram_now(t) - ORPHAN_MS : INT64_MAX;
    enum nf_code rc = nf_telegram_adopt(t, before, &t->reading, &all, &why);
    t->caught_up = t->caught_up || (rc == NF_OK && all);
    if (rc != NF_OK && rc != NF_E_CANCELED)
        nf_log_warn("telegram.held.not_read", "channel", t->chat.name, "err", why.msg, NULL);
}

static void note(struct nf_telegram *t, enum nf_code rc, const struct nf_err *why)
{
    if (t->settings->mode != NF_TELEGRAM_POLL) /* any instance takes a webhook's calls */
        return;
    if (rc == NF_E_CONFLICT)
        nf_telegram_set_health(t, NF_CHAT_STANDBY, 0, "", "");
    else if (rc != NF_OK)
        nf_telegram_set_health(t, NF_CHAT_RETRYING, 0, why->msg, NF_BOT_DO_DATABASE);
}

static enum nf_code keep_lease(void *arg, struct nf_err *err)
{
    struct nf_telegram *t = arg;
    struct nf_err why;
    for (;;) {
        enum nf_code rc = nf_chat_lease(t->channel, t->source, &why);
        if (rc == NF_E_CANCELED)
            return NF_OK;
        if (rc == NF_OK)
            adopt(t);
        t->leased = rc == NF_OK;
        t->caught_up = t->caught_up || rc == NF_E_CONFLICT; /* that is the other's to do */
        note(t, rc, &why);
        if (nf_sleep(t->leased && t->caught_up ? LEASE_EVERY_MS : STANDBY_MS, err) != NF_OK)
            return NF_OK;
    }
}

enum nf_code nf_telegram_lease_begin(struct nf_telegram *t, struct nf_scope *keeping,
                                     struct nf_err *err)
{
    nf_scope_init(keeping, t->loop);
    return nf_scope_spawn(keeping, keep_lease, t, NULL, err);
}

void nf_telegram_lease_end(struct nf_telegram *t, struct nf_scope *keeping)
{
    enum nf_code cancelled = nf_fiber_cancelled();
    struct nf_err ignored;

    nf_scope_done(keeping);
    t->leased = false;
    nf_fiber_uncancel();
    if (nf_chat_unlease(t->channel, t->source, &ignored) != NF_OK)
        nf_log_debug("telegram.lease.kept", "err", ignored.msg, NULL);
    if (cancelled != NF_OK)
        nf_fiber_cancel(nf_fiber_current(), cancelled);
}
