#include "cmd/nexflowd/wiring.h"

#include "cmd/nexflowd/facts.h"
#include "cmd/nexflowd/gauges.h"

#include "application/histories.h"
#include "application/offer_tools.h"
#include "application/rate_people.h"
#include "cache/redis/bus.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "persistence/postgres/bus.h"
#include "persistence/postgres/postgres.h"
#include "persistence/repositories/repositories.h"
#include "persistence/sqlite/sqlite.h"
#include "runtime/fiber.h"
#include "runtime/lock.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utlist.h>

#define OWNER 1 /* of SQLite there is one instance */
#define QUEUES_MS 1000

/* --- building --------------------------------------------------------------------------------- */

static NF_RC make_data_dir(struct nf_wiring *w, struct nf_err *err)
{
    NF_TRY(nf_daemon_config_data_dir(w->config, &w->data_dir, err));
    const char *dir = nf_str_c(&w->data_dir);
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return nf_err_set(err, NF_E_IO, "create directory '%s': %s", dir, strerror(errno));
    return NF_OK;
}

static struct nf_postgres_options postgres_options(const struct nf_wiring *w)
{
    const struct nf_database_settings *d = &w->config->database;
    return (struct nf_postgres_options){ .url = d->url,
                                         .connections = d->connections,
                                         .statement_ms = d->statement_ms,
                                         .lock_ms = d->lock_ms };
}

static NF_RC open_database(struct nf_wiring *w, struct nf_err *err)
{
    if (nf_daemon_config_is_postgres(w->config)) {
        NF_CLEANUP(nf_str_done) struct nf_str lock = { 0 };
        const struct nf_postgres_options o = postgres_options(w);
        NF_TRY(nf_daemon_config_locked(w->config, &lock, err));
        NF_TRY(nf_lock_take("directory", nf_str_c(&lock), &w->lock, err));
        NF_TRY(nf_postgres_open(w->loop, &o, &w->db, err));
    } else {
        const char *path;
        NF_TRY(nf_daemon_config_sqlite(w->config, &path, err));
        NF_TRY(nf_sqlite_open(w->loop, path, &w->db, err));
    }
    return nf_repositories_new(w->db, &w->stores, err);
}

/* Without any model a turn fails with words that say how to add one. */
static void offer_models(struct nf_wiring *w)
{
    w->app.model = nf_llm_router_models_n(w->router) > 0 ? nf_llm_router_model(w->router) : NULL;
}

static NF_RC build_models(struct nf_wiring *w, struct nf_err *err)
{
    const struct nf_http_client_options options = { .user_agent = "nexflow/" NF_VERSION };
    NF_TRY(nf_http_client_new(w->loop, &options, &w->http, err));
    NF_TRY(nf_llm_router_new(&w->config->llm, w->http, &w->router, err));
    offer_models(w);
    return NF_OK;
}

/* Ids never repeat, also if the clock was set back since the newest was made. */
static NF_RC seed_ids(struct nf_wiring *w, struct nf_err *err)
{
    return nf_newest_id(w->db, &w->ids.last, err);
}

static struct nf_schedule_settings schedule_settings(const struct nf_schedule_config *c)
{
    return (struct nf_schedule_settings){ .enabled = c->enabled,
                                          .spend = c->spend,
                                          .per_user = c->per_user,
                                          .interval_min = c->interval_ms / 60000,
                                          .prompt_interval_min = c->prompt_interval_ms / 60000,
                                          .run_tokens = c->run_tokens,
                                          .user_tokens = c->user_tokens,
                                          .all_tokens = c->all_tokens,
                                          .zone = c->time_zone };
}

static void connect_app(struct nf_wiring *w)
{
    struct nf_app *a = &w->app;
    const struct nf_turn_settings *s = &w->config->turns;
    nf_shared_clock_init(&w->instance.clock);
    a->clock = &w->instance.clock.port;
    a->ids = &w->ids;
    a->turns = w->stores.turns;
    a->sessions = w->stores.sessions;
    a->search = w->stores.search;
    a->users = w->stores.users;
    a->tasks = w->stores.tasks;
    a->outbox = w->stores.outbox;
    a->credentials = w->stores.credentials;
    a->approvals = w->stores.approvals;
    a->skills = w->stores.skills;
    a->kv = w->stores.kv;
    a->notes = w->stores.notes;
    a->retention = w->stores.retention;
    a->schedules = w->stores.schedules;
    nf_file_zones_init(&w->zones, NF_ZONES_DIR);
    a->zones = &w->zones.port;
    a->pairings = w->stores.pairings;
    a->chats = w->stores.chats;
    a->codec = &nf_daemon_codec;
    nf_fiber_parallel_init(&w->parallel, w->loop);
    a->parallel = &w->parallel.port;
    nf_fiber_bell_init(&w->bell);
    a->bell = &w->bell.port;
    a->channels = &w->channels;
    a->owner = OWNER;
    a->settings = (struct nf_app_settings){ .system_prompt = s->system_prompt,
                                            .summary_model = s->summary_model,
                                            .history_max = s->history,
                                            .lease_ms = s->lease_ms,
                                            .turn_timeout_ms = s->timeout_ms,
                                            .approval_ttl_ms = w->config->approvals.ttl_ms,
                                            .approval_self = w->config->approvals.self,
                                            .inbox_kept_ms = w->config->retention.inbox_ms,
                                            .cursors_kept_ms = w->config->retention.cursors_ms,
                                            .approvals_kept_ms = w->config->retention.approvals_ms,
                                            .usage_kept_ms = w->config->retention.usage_ms,
                                            .skills_kept_ms = w->config->retention.skills_ms,
                                            .steer = s->while_running == 1,
                                            .waiting_max = s->waiting,
                                            .user_waiting_max = s->waiting_per_user,
                                            .schedules = schedule_settings(&w->config->schedules),
                                            .reply_tokens = s->reply_tokens };
}

/* SQLite's only instance needs no number from it. */
static NF_RC join_instances(struct nf_wiring *w, struct nf_err *err)
{
    if (!nf_daemon_config_is_postgres(w->config))
        return NF_OK;
    w->app.instances = w->stores.instances;
    NF_TRY(nf_daemon_instance_join(&w->instance, &w->app, nf_str_c(&w->data_dir),
                                   w->config->server.listen, err));
    w->ids.instance = (uint16_t)w->app.owner;
    return NF_OK;
}

static NF_RC build_web(struct nf_wiring *w, struct nf_err *err)
{
    const struct nf_web_options options = {
        .loop = w->loop,
        .app = &w->app,
        .server = &w->config->server,
        .limits = &w->config->limits,
        .version = NF_VERSION,
        .data_dir = nf_str_c(&w->data_dir),
        .facts = nf_daemon_facts(w),
    };
    NF_TRY(nf_web_new(&options, &w->web, err));
    w->channels.v[w->channels.n++] = nf_web_channel(w->web);
    return NF_OK;
}

/* Before anybody asks. */
static NF_RC connect_redis(struct nf_wiring *w, struct nf_scope *scope, struct nf_err *err)
{
    const struct nf_redis_settings *r = &w->config->redis;
    if (!r->url[0] || !nf_daemon_config_is_postgres(w->config))
        return NF_OK;
    NF_TRY(nf_redis_store_new(w->loop, r->url, r->prefix, scope, &w->redis, err));
    w->app.shared_rates = nf_redis_store_rates(w->redis);
    w->app.logins = nf_redis_store_logins(w->redis);
    return NF_OK;
}

/* Last of all: who is told something must be there. */
static NF_RC connect_peers(struct nf_wiring *w, struct nf_scope *scope, struct nf_err *err)
{
    const struct nf_postgres_options o = postgres_options(w);
    nf_daemon_peers_init(&w->peers);
    if (!nf_daemon_config_is_postgres(w->config))
        return NF_OK;
    w->peers.runner = w->app.runner;
    w->peers.bell = &w->bell;
    w->peers.web = w->web;
    if (w->config->redis.url[0])
        NF_TRY(nf_redis_bus_new(w->loop, w->config->redis.url, w->config->redis.prefix,
                                w->app.owner, scope, nf_daemon_peers_hear, &w->peers, &w->bus,
                                err));
    else
        NF_TRY(nf_postgres_bus_new(w->loop, &o, w->app.owner, scope, nf_daemon_peers_hear,
                                   &w->peers, &w->bus, err));
    w->peers.bus = w->bus;
    nf_daemon_peers_connect(&w->peers);
    w->app.peers = &w->peers.port;
    return NF_OK;
}

/* A scrape must not wait for the database, so what it tells is looked up beside it. */
static enum nf_code watch_queues(void *arg, struct nf_err *err)
{
    struct nf_wiring *w = arg;
    struct nf_err ignored;
    for (;;) {
        enum nf_code rc = nf_queue_depths(w->db, &w->queues, &ignored);
        if (rc == NF_OK)
            w->app.waiting = w->queues.turns;
        else if (rc != NF_E_CANCELED)
            nf_log_debug("queues.unknown", "err", ignored.msg, NULL);
        NF_TRY(nf_sleep(QUEUES_MS, err));
    }
}

/* PostgreSQL has its own tools, of which we know nothing. */
static NF_RC watch_backups(struct nf_wiring *w, struct nf_scope *scope, struct nf_err *err)
{
    if (nf_daemon_config_is_postgres(w->config))
        return NF_OK;
    w->backups.files = w->skills.files;
    NF_TRY(nf_daemon_config_sqlite(w->config, &w->backups.database, err));
    return nf_scope_spawn(scope, nf_daemon_backups_watch, &w->backups, NULL, err);
}

enum nf_code nf_wiring_build(struct nf_wiring *w, struct nf_scope *scope, struct nf_err *err)
{
    NF_TRY(make_data_dir(w, err));
    nf_skill_wiring_start(&w->skills, w->loop, &w->app, &w->config->skills);
    NF_TRY(open_database(w, err));
    NF_TRY(build_models(w, err));
    NF_TRY(seed_ids(w, err));
    connect_app(w);
    NF_TRY(join_instances(w, err));
    NF_TRY(nf_summaries_new(&w->app.summaries, err));
    NF_TRY(nf_histories_new(&w->app.histories, err));
    NF_TRY(nf_rates_new(&w->app.rates, err));
    NF_TRY(nf_rates_new(&w->app.presses, err));
    NF_TRY(nf_skill_wiring_build(&w->skills, w->loop, nf_str_c(&w->data_dir), err));
    nf_schedule_tools_init(&w->own_tools, &w->app, w->app.tools);
    w->app.tools = &w->own_tools.port;
    NF_TRY(nf_turns_new(&w->app, scope, (size_t)w->config->turns.max, &w->turns, err));
    w->app.runner = nf_turns_runner(w->turns);
    NF_TRY(connect_redis(w, scope, err));
    NF_TRY(build_web(w, err));
    w->bots.loop = w->loop;
    w->bots.http = w->http;
    w->bots.app = &w->app;
    NF_TRY(nf_bot_wiring_build(&w->bots, &w->config->channels, err));
    NF_TRY(connect_peers(w, scope, err));
    NF_TRY(watch_backups(w, scope, err));
    nf_daemon_gauges(w);
    NF_TRY(nf_scope_spawn(scope, nf_daemon_watch_database, w, NULL, err));
    return nf_scope_spawn(scope, watch_queues, w, NULL, err);
}

static NF_RC take_over(struct nf_wiring *w, const char *config_path, struct nf_str *ignored,
                       struct nf_err *err)
{
    struct nf_daemon_config fresh;
    struct nf_config_part live_parts[NF_DAEMON_PARTS], fresh_parts[NF_DAEMON_PARTS];

    NF_TRY(nf_daemon_config_load(config_path, &fresh, err));
    nf_daemon_config_parts(w->config, live_parts);
    nf_daemon_config_parts(&fresh, fresh_parts);
    enum nf_code rc = nf_llm_router_reload(w->router, &fresh.llm, err);
    if (rc == NF_OK)
        rc = nf_config_reload(live_parts, fresh_parts, NF_DAEMON_PARTS, ignored, err);
    if (rc == NF_OK)
        rc = nf_bot_wiring_reload(&w->bots, &w->config->channels, &fresh.channels, ignored, err);
    nf_daemon_config_done(&fresh);
    offer_models(w);
    nf_log_setup(STDERR_FILENO, (enum nf_log_level)(w->config->log.level + 1),
                 (enum nf_log_format)w->config->log.format);
    return rc;
}

struct nf_reload_wait {
    struct nf_wait wait;
    struct nf_reload_wait *prev, *next;
};

/* SIGHUP and the page come at any time, and what is half taken over is nobody's to take over again.
 * Nobody is called off here: the file is written already. */
static void begin_reload(struct nf_wiring *w)
{
    while (w->reloading) {
        struct nf_reload_wait mine = { 0 };
        DL_APPEND(w->reload_waits, &mine);
        (void)nf_wait_uninterruptible(&mine.wait);
        DL_DELETE(w->reload_waits, &mine);
    }
    w->reloading = true;
}

static void end_reload(struct nf_wiring *w)
{
    struct nf_reload_wait *other;
    w->reloading = false;
    DL_FOREACH(w->reload_waits, other)
    {
        nf_wait_wake(&other->wait, NF_OK);
    }
}

enum nf_code nf_wiring_reload(struct nf_wiring *w, const char *config_path, struct nf_str *ignored,
                              struct nf_err *err)
{
    begin_reload(w);
    enum nf_code rc = take_over(w, config_path, ignored, err);
    end_reload(w);
    w->config_refused = rc != NF_OK;
    w->config_loads++;
    return rc;
}

void nf_wiring_done(struct nf_wiring *w)
{
    nf_metrics_reset();
    nf_daemon_backups_done(&w->backups);
    if (w->bus)
        w->bus->ops->free(w->bus);
    nf_web_free(w->web);
    nf_turns_free(w->turns);
    nf_bot_wiring_done(&w->bots); /* which may be writing, within the limits of all */
    nf_redis_store_free(w->redis);
    nf_summaries_free(w->app.summaries);
    nf_histories_free(w->app.histories);
    nf_rates_free(w->app.rates);
    nf_rates_free(w->app.presses);
    nf_offer_done(&w->app.offer);
    nf_schedule_tools_done(&w->own_tools);
    nf_skill_wiring_done(&w->skills);
    nf_llm_router_free(w->router);
    nf_http_client_free(w->http);
    nf_file_zones_done(&w->zones);
    nf_stores_done(&w->stores);
    if (w->db)
        w->db->ops->free(w->db);
    if (w->lock >= 0)
        close(w->lock);
    nf_str_done(&w->data_dir);
}
