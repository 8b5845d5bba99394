/* Turns that a schedule started: a reminder is said by ourselves, and so is why a run was skipped;
 * a question to a model may cost so much and no more. */
#include "application/run_schedules.h"
#include "application/turn.h"
#include "domain/reason.h"

#include <string.h>

bool nf_is_from_schedule(const struct nf_message *m)
{
    return strncmp(m->client_id, NF_SCHEDULE_CLIENT_ID, sizeof(NF_SCHEDULE_CLIENT_ID) - 1) == 0;
}

/* "2 hours ago" would be wrong by the time it is read. */
static NF_RC say_late(struct nf_turn *t, const struct nf_schedule_run *r, enum nf_lang lang,
                      struct nf_str *to, struct nf_err *err)
{
    const struct nf_zone *zone = &nf_zone_utc;
    struct nf_schedule s;
    struct nf_err ignored;

    if (r->by_hand || r->fired_ms - r->due_ms <= NF_SCHEDULE_LATE_MS)
        return NF_OK;
    if (t->app->schedules->ops->get(t->app->schedules, r->schedule_id, 0, &s, &ignored) == NF_OK)
        (void)!nf_zones_find(t->app->zones, s.zone, &zone, &ignored);
    return nf_str_addf(to, err, "\n\n_%s %s_", lang == NF_LANG_RU ? "Время было:" : "It was due:",
                       nf_zone_show(zone, r->due_ms, lang).s);
}

static NF_RC say_it(struct nf_turn *t, const struct nf_schedule_run *r, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { 0 };
    struct nf_user user = { 0 };
    struct nf_err ignored;

    (void)!t->app->users->ops->get(t->app->users, t->claim->user_id, &user, &ignored);
    NF_TRY(nf_str_addf(&text, err, "\xE2\x8F\xB0 %s", nf_turn_asked(t)->content));
    NF_TRY(say_late(t, r, user.lang, &text, err));
    nf_turn_show_text(t, nf_str_c(&text));
    t->over = true;
    return nf_turn_say(t, NF_ROLE_ASSISTANT, nf_str_c(&text), NULL, err);
}

enum nf_code nf_turn_from_schedule(struct nf_turn *t, bool *ret, struct nf_err *err)
{
    struct nf_schedule_store *store = t->app->schedules;
    const struct nf_message *m = nf_turn_asked(t);
    struct nf_schedule_run r;

    *ret = false;
    if (!m || m->role != NF_ROLE_USER || !store || !nf_is_from_schedule(m))
        return NF_OK;
    enum nf_code rc = store->ops->of_turn(store, t->claim->run_id, &r, err);
    if (rc == NF_E_NOT_FOUND) /* a client named its message like that */
        return NF_OK;
    NF_TRY(rc);
    *ret = true;
    if (r.outcome == NF_SCHEDULE_SKIPPED)
        return nf_err_set(err, NF_E_LIMIT, NF_REASON_SCHEDULE_SKIPPED, r.reason);
    if (r.reserved == 0)
        return say_it(t, &r, err);
    t->tokens_max = r.reserved;
    return NF_OK;
}

enum nf_code nf_turn_check_spent(const struct nf_turn *t, struct nf_err *err)
{
    struct nf_tokens sum = { 0 };
    int64_t n;

    for (size_t i = 0; i < t->usage_n; i++)
        sum = nf_tokens_add(sum, t->usage[i].tokens);
    n = sum.input + sum.output + sum.cache_read + sum.cache_write;
    if (t->tokens_max == 0 || n < t->tokens_max)
        return NF_OK;
    return nf_err_set(err, NF_E_LIMIT, NF_REASON_SCHEDULE_SPENT, (long long)n,
                      (long long)t->tokens_max);
}
