/* Long polling ("getUpdates"). */
#include "base/own.h"
#include "channels/telegram/telegram_internal.h"
#include "domain/said_bots.h"
#include "observe/log.h"
#include "observe/metrics.h"

#include <stdlib.h>
#include <string.h>

#define LIMIT_MAX 100                 /* "getUpdates" */
#define ANSWER_MAX ((size_t)15 << 20) /* a hundred updates with all that may be in them */
#define ANSWER_SLACK_MS 15000         /* behind a poll's own timeout, unless we are deaf before */
#define ANSWER_SLACK_MIN_MS 1000
#define EMPTY_MS 500     /* a poll without news that ends sooner was no long one */
#define BUSY_MS 250      /* between polls while something is not accepted yet */
#define LEASE_LOOK_MS 20 /* between looks whether we may read */
#define BACKOFF_MIN_MS 500
#define BACKOFF_MAX_MS 30000
#define CONFLICT_MIN_MS 5000
#define CONFLICT_MAX_MS 60000
/* "Update", update_id: after a week without updates the next id is chosen at random. An offset that
 * is older than that could confirm what we have never seen. */
#define OFFSET_MS (INT64_C(6) * 24 * 3600 * 1000)

const char nf_telegram_allowed[] =
    "[\"message\",\"edited_message\",\"callback_query\",\"my_chat_member\",\"message_reaction\","
    "\"stopped_message_generation\"]";

/* The course of polling. */
struct polling {
    struct nf_telegram *t;
    int64_t limit, backoff_ms, conflict_ms;
    int64_t began_ms;
    int64_t timeout_ms, asked_ms; /* of the poll under way */
    bool webhook_removed;         /* once: whoever sets it again means it */
};

static NF_RC write_poll(struct polling *p, struct nf_str *body, struct nf_err *err)
{
    struct nf_telegram *t = p->t;
    int64_t heard = t->health.event_ms > p->began_ms ? t->health.event_ms : p->began_ms;
    struct nf_json_out o;

    if (t->intake.n == 0 && nf_telegram_now(t) - heard > OFFSET_MS)
        t->intake.next = 0;
    int64_t offset = nf_telegram_confirmed(&t->intake);
    t->intake.floor = offset;
    nf_json_begin_doc(&o, body);
    nf_json_out_object(&o);
    if (offset > 0)
        nf_json_put_i64(&o, "offset", offset);
    nf_json_put_i64(&o, "limit", p->limit);
    nf_json_put_i64(&o, "timeout", p->timeout_ms / 1000);
    nf_json_out_key(&o, "allowed_updates");
    nf_json_out_raw(&o, nf_telegram_allowed, strlen(nf_telegram_allowed));
    nf_json_out_end(&o);
    return nf_json_end_doc(&o, err);
}

/* --- what may go wrong ------------------------------------------------------------------------ */

static NF_RC remove_webhook(struct nf_telegram *t, struct nf_err *err)
{
    NF_CLEANUP(nf_telegram_answer_done) struct nf_telegram_answer a = { 0 };
    const struct nf_telegram_call c = { .method = "deleteWebhook" };
    nf_log_warn("telegram.webhook.removed", "channel", t->chat.name, "why",
                "it was set, but the mode is poll", NULL);
    return nf_telegram_call(t->api, &c, &a, err);
}

/* 409: a webhook is set, or somebody else polls. */
static NF_RC conflict(struct polling *p, const struct nf_telegram_answer *a, struct nf_err *err)
{
    struct nf_err why;
    if (nf_telegram_says(a, "webhook") && !p->webhook_removed) {
        p->webhook_removed = true;
        if (remove_webhook(p->t, &why) == NF_OK)
            return NF_OK;
    }
    nf_telegram_set_health(p->t, NF_CHAT_RETRYING, 409, NF_BOT_READ_ELSEWHERE,
                           NF_BOT_DO_STOP_OTHER);
    NF_TRY(nf_sleep(p->conflict_ms, err));
    p->conflict_ms = 2 * p->conflict_ms < CONFLICT_MAX_MS ? 2 * p->conflict_ms : CONFLICT_MAX_MS;
    return NF_OK;
}

static NF_RC back_off(struct polling *p, int64_t at_least_ms, struct nf_err *err)
{
    int64_t ms = p->backoff_ms > at_least_ms ? p->backoff_ms : at_least_ms;
    p->backoff_ms = 2 * p->backoff_ms < BACKOFF_MAX_MS ? 2 * p->backoff_ms : BACKOFF_MAX_MS;
    return nf_sleep(ms, err);
}

/* An update that our reader of JSON refuses must not make us deaf: it is alone by now, and passed
 * over. False if there is none: the answer is no one's of the Bot API, but a proxy's page, say. */
static bool pass_over(struct polling *p, const struct nf_str *raw)
{
    static const char key[] = "\"update_id\":";
    const char *at = strstr(nf_str_c(raw), key);
    int64_t id = -1;

    if (at) {
        at += sizeof(key) - 1;
        at += strspn(at, " ");
        struct nf_slice digits = { at, strspn(at, "0123456789") };
        if (!nf_slice_u63(digits, &id))
            id = -1;
    }
    if (id < 0 || id == INT64_MAX)
        return false;
    nf_log_error("telegram.update.unreadable", "channel", p->t->chat.name, NULL);
    p->t->intake.next = id + 1;
    return true;
}

/* The answer cannot be read: fewer updates are asked for, until the one that is to blame is alone.
 */
static NF_RC unreadable(struct polling *p, const struct nf_telegram_answer *a,
                        const struct nf_err *why, struct nf_err *err)
{
    struct nf_telegram *t = p->t;

    if (p->limit > 1) {
        p->limit /= 2;
        return NF_OK;
    }
    if (t->intake.n > 0)
        return nf_telegram_wait_idle(&t->intake, BUSY_MS, err);
    if (pass_over(p, &a->raw))
        return NF_OK;
    nf_telegram_set_health(t, NF_CHAT_RETRYING, a->status, why->msg, NF_BOT_DO_NO_SERVER);
    return back_off(p, 0, err);
}

/* NF_OK: go on polling. */
static NF_RC failed(struct polling *p, enum nf_code rc, const struct nf_telegram_answer *a,
                    const struct nf_err *why, struct nf_err *err)
{
    struct nf_telegram *t = p->t;
    if (rc == NF_E_CANCELED)
        return nf_err_set(err, rc, "%s", why->msg);
    if (rc == NF_E_IO)
        return unreadable(p, a, why, err);
    if (a->status == 409)
        return conflict(p, a, err);
    nf_telegram_failed(t, a, why);
    if (rc == NF_E_DENIED || rc == NF_E_NOT_FOUND)
        return nf_err_set(err, rc, "%s", why->msg);
    return back_off(p, a->retry_after_ms, err);
}

/* --- a poll ----------------------------------------------------------------------------------- */

/* A server that does not wait for news would be asked without a pause. */
static NF_RC rest(struct polling *p, size_t fresh, struct nf_err *err)
{
    if (p->t->intake.n > 0)
        return nf_telegram_wait_idle(&p->t->intake, BUSY_MS, err);
    if (fresh > 0 || p->timeout_ms == 0 || nf_telegram_mono(p->t) - p->asked_ms >= EMPTY_MS)
        return NF_OK;
    return nf_sleep(EMPTY_MS, err);
}

static NF_RC take_updates(struct polling *p, struct nf_telegram_answer *a, struct nf_err *err)
{
    struct nf_telegram *t = p->t;
    const struct nf_json *result = a->result;
    struct nf_err why;
    size_t fresh = 0;

    t->health.alive_ms = nf_telegram_now(t);
    nf_metric_add(t->metrics.polls, 1);
    p->backoff_ms = BACKOFF_MIN_MS;
    p->conflict_ms = CONFLICT_MIN_MS;
    p->limit = 2 * p->limit < LIMIT_MAX ? 2 * p->limit : LIMIT_MAX;
    if (!t->leased) /* lost meanwhile: another takes them */
        return NF_OK;
    nf_telegram_set_health(t, NF_CHAT_CONNECTED, 0, "", "");
    enum nf_code rc = nf_telegram_offer(t, nf_take(a->doc), result, &t->reading, &fresh, &why);
    if (rc != NF_OK) {
        nf_log_warn("telegram.updates.not_taken", "channel", t->chat.name, "err", why.msg, NULL);
        NF_TRY(back_off(p, 0, err));
    }
    return rest(p, fresh, err);
}

/* A poll that hangs is left in time to try another before the bot counts as deaf. */
static int64_t slack_ms(const struct nf_telegram_settings *s)
{
    int64_t ms = (s->deaf_after_ms - s->poll_timeout_ms) / 2;
    return ms < ANSWER_SLACK_MIN_MS ? ANSWER_SLACK_MIN_MS
           : ms > ANSWER_SLACK_MS   ? ANSWER_SLACK_MS
                                    : ms;
}

static NF_RC poll_once(struct polling *p, struct nf_err *err)
{
    NF_CLEANUP(nf_telegram_answer_done) struct nf_telegram_answer a = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };
    struct nf_telegram *t = p->t;
    struct nf_err why;
    /* The first poll, also after a failure, returns at once: who waits is told that it works. */
    bool at_once = t->intake.n > 0 || t->health.state != NF_CHAT_CONNECTED;
    p->timeout_ms = at_once ? 0 : t->settings->poll_timeout_ms;
    p->asked_ms = nf_telegram_mono(t);

    NF_TRY(write_poll(p, &body, err));
    const struct nf_telegram_call c = { .method = "getUpdates",
                                        .body = nf_str_c(&body),
                                        .body_n = body.len,
                                        .timeout_ms = p->timeout_ms + slack_ms(t->settings),
                                        .answer_max = ANSWER_MAX };
    enum nf_code rc = nf_telegram_call(t->api, &c, &a, &why);
    return rc == NF_OK ? take_updates(p, &a, err) : failed(p, rc, &a, &why, err);
}

static NF_RC poll_on(struct polling *p, struct nf_err *err)
{
    for (;;) {
        if (p->t->leased)
            NF_TRY(poll_once(p, err));
        else
            NF_TRY(nf_sleep(LEASE_LOOK_MS, err));
    }
}

enum nf_code nf_telegram_poll(struct nf_telegram *t, struct nf_err *err)
{
    struct polling p = { .t = t,
                         .limit = LIMIT_MAX,
                         .backoff_ms = BACKOFF_MIN_MS,
                         .conflict_ms = CONFLICT_MIN_MS,
                         .began_ms = nf_telegram_now(t) };
    struct nf_scope keeping;

    enum nf_code rc = nf_telegram_lease_begin(t, &keeping, err);
    if (rc == NF_OK)
        rc = poll_on(&p, err);
    nf_telegram_lease_end(t, &keeping);
    return rc;
}
