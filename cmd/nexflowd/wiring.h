/* Every part of the daemon and who is connected to whom. */
#pragma once

#include "application/deps.h"
#include "cache/redis/store.h"
#include "channels/web/web.h"
#include "cmd/common/config.h"
#include "cmd/nexflowd/backups.h"
#include "cmd/nexflowd/bot_alarm.h"
#include "cmd/nexflowd/bots.h"
#include "cmd/nexflowd/instance.h"
#include "cmd/nexflowd/peers.h"
#include "cmd/nexflowd/ports.h"
#include "cmd/nexflowd/skills.h"
#include "cmd/nexflowd/turns.h"
#include "cmd/nexflowd/zones.h"
#include "llm/router.h"
#include "persistence/repositories/repositories.h"
#include "persistence/sql.h"
#include "persistence/stores.h"
#include "runtime/http_client.h"
#include "tools/schedule_tools.h"

/* How the database was when it was last looked at: once a second. */
struct nf_database_state {
    int64_t checked_ms; /* 0: never */
    enum nf_code rc;
    struct nf_err why;
    uint64_t commits;
    int64_t moved_ms; /* when it was last seen to write, or to have nothing to write */
};

struct nf_wiring {
    struct nf_daemon_config *config; /* borrowed */
    const char *config_path;         /* borrowed; NULL: the default */
    struct nf_loop *loop;            /* borrowed */
    struct nf_str data_dir;
    int lock; /* of the directory, where the database does not lock itself; -1: none */
    struct nf_db *db;
    struct nf_database_state database;
    struct nf_daemon_backups backups;
    struct nf_stores stores;
    struct nf_http_client *http;
    struct nf_llm_router *router;
    struct nf_web *web;
    struct nf_turns *turns;
    struct nf_bot_wiring bots;
    struct nf_bot_alarm alarm;
    struct nf_skill_wiring skills;
    struct nf_idgen ids;
    struct nf_daemon_instance instance;
    struct nf_bus *bus;           /* NULL: this is the only instance */
    struct nf_redis_store *redis; /* NULL: none is configured */
    struct nf_daemon_peers peers;
    struct nf_queues queues;             /* of a second ago, for metrics */
    int64_t config_loads;                /* since the start, refused ones included */
    bool config_busy;                    /* somebody changes the file */
    bool reloading;                      /* somebody takes it over */
    struct nf_reload_wait *reload_waits; /* who takes it over next */
    bool config_refused;                 /* the last one was: an older configuration is in force */
    struct nf_channels channels;
    struct nf_fiber_parallel parallel;
    struct nf_fiber_bell bell;
    struct nf_file_zones zones;
    struct nf_schedule_tools own_tools;
    struct nf_app app;
};

/* Build all parts; turns run in `scope`. On failure nf_wiring_done is due as well. Suspends. */
NF_RC nf_wiring_build(struct nf_wiring *w, struct nf_scope *scope, struct nf_err *err);
/* Take over what can be changed while running, once others have done so. Appends to *ignored what
 * needs a restart. */
NF_RC nf_wiring_reload(struct nf_wiring *w, const char *config_path, struct nf_str *ignored,
                       struct nf_err *err);
/* In reverse order; half-built is fine. Suspends. */
void nf_wiring_done(struct nf_wiring *w);
