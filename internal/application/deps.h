/* What use cases need from outside, in one place. Wired in cmd/nexflowd; faked in tests. Everything
 * is borrowed. */
#pragma once

#include "application/ports/approval_store.h"
#include "application/ports/bell.h"
#include "application/ports/channel.h"
#include "application/ports/chat_store.h"
#include "application/ports/clock.h"
#include "application/ports/codec.h"
#include "application/ports/credential_store.h"
#include "application/ports/instance_store.h"
#include "application/ports/kv_store.h"
#include "application/ports/login_cache.h"
#include "application/ports/model.h"
#include "application/ports/note_store.h"
#include "application/ports/outbox_store.h"
#include "application/ports/pairing_store.h"
#include "application/ports/parallel.h"
#include "application/ports/peers.h"
#include "application/ports/retention_store.h"
#include "application/ports/schedule_store.h"
#include "application/ports/search_store.h"
#include "application/ports/session_store.h"
#include "application/ports/shared_rates.h"
#include "application/ports/skill_files.h"
#include "application/ports/skill_store.h"
#include "application/ports/task_store.h"
#include "application/ports/tools.h"
#include "application/ports/turn_runner.h"
#include "application/ports/turn_store.h"
#include "application/ports/user_store.h"
#include "application/ports/zones.h"
#include "base/id.h"

#include <stdbool.h>

struct nf_schedule_settings {
    bool enabled;
    bool spend;                                  /* they may ask models with nobody there */
    int64_t per_user;                            /* schedules of one person that are not done */
    int64_t interval_min, prompt_interval_min;   /* minutes between two runs, at least */
    int64_t run_tokens, user_tokens, all_tokens; /* of a run; of a day: of a person, of all */
    const char *zone;                            /* of people who have named none; "": UTC */
};

/* Settings of the use cases; 0 is not a default: wiring fills in all of them. */
struct nf_app_settings {
    const char *system_prompt; /* "" for none */
    const char *summary_model; /* alias that summarises what falls out of the window; "" for none */
    int64_t history_max;       /* messages read for a context */
    int64_t lease_ms;
    int64_t turn_timeout_ms;
    int64_t approval_ttl_ms; /* how long a person may take to decide about a call */
    bool approval_self;      /* plain users decide about their own calls */
    bool steer;              /* in chats a message joins the turn that runs, else it waits */
    /* For how long something is kept, in ms; 0: for ever. See ports/retention_store.h. */
    int64_t inbox_kept_ms, cursors_kept_ms, approvals_kept_ms, usage_kept_ms, skills_kept_ms;
    int64_t waiting_max, user_waiting_max; /* messages that may wait, in all and of one person */
    struct nf_schedule_settings schedules;
    int64_t reply_tokens; /* reserved for the answer; 0: what the model may answer */
};

/* Summaries of what fell out of contexts, kept in memory: see summarise.c. */
struct nf_summaries;
NF_RC nf_summaries_new(struct nf_summaries **ret, struct nf_err *err);
void nf_summaries_free(struct nf_summaries *s); /* NULL is allowed */

struct nf_histories; /* see histories.h */
struct nf_rates;     /* see rate_people.h */
/* What was offered last, and which of it fits the window it was offered to: see offer_tools.c. */
struct nf_offer {
    struct nf_toolset *all, *fits;
    int64_t window, tokens;
};

/* Outbox items of which we could not write down what became of them: to us they are still being
 * sent, and nobody else touches them. What is being sent has its place here from its beginning. */
#define NF_UNSETTLED_MAX 1024
struct nf_unsettled {
    struct {
        int64_t id;
        enum nf_outbox_status status;
    } v[NF_UNSETTLED_MAX];
    size_t n, sending;
};

/* Runs whose reply must be brought once more, which could not be written down yet. */
#define NF_OWED_MAX 1024
struct nf_owed {
    int64_t runs[NF_OWED_MAX];
    size_t n;
};

struct nf_app {
    struct nf_clock *clock;
    struct nf_idgen *ids;
    struct nf_turn_store *turns;
    struct nf_session_store *sessions;
    struct nf_search_store *search;
    struct nf_user_store *users;
    struct nf_task_store *tasks;
    struct nf_outbox_store *outbox;
    struct nf_credential_store *credentials;
    struct nf_model *model; /* NULL: no provider is configured */
    struct nf_tools *tools; /* NULL: there are none */
    const struct nf_codec *codec;
    struct nf_parallel *parallel; /* NULL: one after the other */
    struct nf_bell *bell;         /* NULL: no tool ever asks */
    struct nf_approval_store *approvals;
    struct nf_skill_store *skills;
    struct nf_skill_files *skill_files; /* NULL: no skill can be installed */
    struct nf_kv_store *kv;
    struct nf_retention_store *retention;
    struct nf_note_store *notes; /* NULL: nothing is remembered over a restart */
    struct nf_pairing_store *pairings;
    struct nf_shared_rates *shared_rates; /* NULL: each instance counts for itself alone */
    struct nf_login_cache *logins;        /* NULL: who is signed in is always read */
    struct nf_rates *rates;      /* of people in chat networks; NULL: nobody is too fast, */
    struct nf_rates *presses;    /* nor with buttons, by account */
    struct nf_chat_store *chats; /* NULL: no chat network is configured */
    struct nf_schedule_store *schedules;
    struct nf_zones *zones;
    struct nf_channels *channels;
    struct nf_turn_runner *runner;
    struct nf_summaries *summaries;
    struct nf_histories *histories; /* NULL: each turn reads its session's anew */
    struct nf_offer offer;
    struct nf_app_settings settings;
    struct nf_instance_store *instances;     /* NULL: this is the only one */
    struct nf_peers *peers;                  /* NULL: nobody else is told anything */
    int64_t owner;                           /* this instance, for leases; > 0 */
    int64_t token;                           /* this process as that instance */
    int64_t holds_until_us;                  /* see nf_app_holds */
    struct nf_unsettled unsettled;           /* see deliver_reply.h */
    struct nf_owed owed;                     /* the same */
    int64_t waiting;                         /* messages that wait, as of a moment ago */
    struct nf_schedule_place schedules_seen; /* the last that was looked at; { 0 }: all were */
    int64_t schedules_damaged;               /* that were paused since they could not be read */
    int64_t refused;    /* messages that were not taken since there was no room */
    bool intake_closed; /* shutting down: nothing new is accepted */
    bool skills_locked; /* see nf_skills_lock */
};

static inline int64_t nf_app_now(const struct nf_app *a)
{
    return nf_clock_now_ms(a->clock);
}

static inline int64_t nf_app_id(const struct nf_app *a)
{
    return nf_id_next(a->ids, nf_app_now(a));
}

/* The leases of what runs here were kept by a call that began at `at_us`. The last quarter is not
 * counted on, since the clocks of others differ a little. */
static inline void nf_app_held(struct nf_app *a, int64_t at_us)
{
    a->holds_until_us = at_us + a->settings.lease_ms * 1000 / 4 * 3;
}

/* False: others may have what runs here by now. Whoever was asleep learns that from nobody, so it
 * is by our own clock. */
static inline bool nf_app_holds(const struct nf_app *a)
{
    return !a->instances || nf_clock_mono_us(a->clock) < a->holds_until_us;
}
