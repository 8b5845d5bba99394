/* All stores of one database, as its adapters hand them out. */
#pragma once

#include "application/ports/approval_store.h"
#include "application/ports/chat_store.h"
#include "application/ports/credential_store.h"
#include "application/ports/instance_store.h"
#include "application/ports/kv_store.h"
#include "application/ports/note_store.h"
#include "application/ports/outbox_store.h"
#include "application/ports/pairing_store.h"
#include "application/ports/retention_store.h"
#include "application/ports/schedule_store.h"
#include "application/ports/search_store.h"
#include "application/ports/session_store.h"
#include "application/ports/skill_store.h"
#include "application/ports/task_store.h"
#include "application/ports/turn_store.h"
#include "application/ports/user_store.h"

/* The zero value is none. The ports live until nf_stores_done. */
struct nf_stores {
    struct nf_turn_store *turns;
    struct nf_session_store *sessions;
    struct nf_user_store *users;
    struct nf_task_store *tasks;
    struct nf_outbox_store *outbox;
    struct nf_credential_store *credentials;
    struct nf_approval_store *approvals;
    struct nf_skill_store *skills;
    struct nf_kv_store *kv;
    struct nf_retention_store *retention;
    struct nf_instance_store *instances;
    struct nf_chat_store *chats;
    struct nf_pairing_store *pairings;
    struct nf_schedule_store *schedules;
    struct nf_search_store *search;
    struct nf_note_store *notes;
    void *impl;
    void (*free)(void *impl);
};

static inline void nf_stores_done(struct nf_stores *s)
{
    if (s->free)
        s->free(s->impl);
    *s = (struct nf_stores){ 0 };
}
