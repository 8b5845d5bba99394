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
#include "application/ports/kv_store.h"
#include "application/ports/model.h"
#include "application/ports/outbox_store.h"
#include "application/ports/parallel.h"
#include "application/ports/session_store.h"
#include "application/ports/skill_files.h"
#include "application/ports/skill_store.h"
#include "application/ports/task_store.h"
#include "application/ports/tools.h"
#include "application/ports/turn_runner.h"
#include "application/ports/turn_store.h"
#include "application/ports/user_store.h"
#include "base/id.h"

#include <stdbool.h>

/* Settings of the use cases; 0 is not a default: wiring fills in all of them. */
struct nf_app_settings {
    const char *system_prompt; /* "" for none */
    const char *summary_model; /* alias that summarises what falls out of the window; "" for none */
    int64_t history_max;       /* messages read for a context */
    int64_t lease_ms;
    int64_t turn_timeout_ms;
    int64_t approval_ttl_ms; /* how long a person may take to decide about a call */
    bool approval_self;      /* plain users decide about their own calls */
    int64_t reply_tokens;    /* reserved for the answer; 0: what the model may answer */
};

/* Summaries of what fell out of contexts, kept in memory: see summarise.c. */
struct nf_summaries;
NF_RC nf_summaries_new(struct nf_summaries **ret, struct nf_err *err);
void nf_summaries_free(struct nf_summaries *s); /* NULL is allowed */

struct nf_app {
    struct nf_clock *clock;
    struct nf_idgen *ids;
    struct nf_turn_store *turns;
    struct nf_session_store *sessions;
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
    struct nf_chat_store *chats; /* NULL: no chat network is configured */
    struct nf_channels *channels;
    struct nf_turn_runner *runner;
    struct nf_summaries *summaries;
    struct nf_app_settings settings;
    int64_t owner;      /* this instance, for leases; > 0 */
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
