#include "cmd/nexflowd/wiring.h"

#include "observe/log.h"
#include "observe/metrics.h"
#include "persistence/repositories/repositories.h"
#include "persistence/sqlite/sqlite.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OWNER 1 /* of SQLite there is one instance */
#define QUEUES_MS 1000
#define LATE_LOOP_MS 1000   /* above it we are not ready */
#define LATE_WRITER_MS 3000 /* without a commit while transactions wait: nor then */
#define CHECK_EVERY_MS 1000

/* --- what the web channel asks
 * --------------------------------------------------------------------- */

static void put_model(struct nf_json_out *o, const struct nf_llm_model_view *m)
{
    nf_json_out_object(o);
    nf_json_put_str(o, "name", m->name);
    nf_json_put_str(o, "provider", m->provider);
    nf_json_put_i64(o, "context_tokens", m->info.context_tokens);
    nf_json_put_i64(o, "output_tokens", m->info.output_tokens);
    nf_json_put_bool(o, "broken", m->broken);
    nf_json_out_end(o);
}

static void put_alias(struct nf_json_out *o, const struct nf_llm_alias_view *a)
{
    nf_json_out_object(o);
    nf_json_put_str(o, "name", a->name);
    nf_json_out_key(o, "models");
    nf_json_out_array(o);
    for (size_t i = 0; i < a->n; i++)
        nf_json_out_str(o, a->models[i]);
    nf_json_out_end(o);
    nf_json_out_end(o);
}

static enum nf_code models(void *arg, struct nf_str *to, struct nf_err *err)
{
    const struct nf_wiring *w = arg;
    const struct nf_llm_router *r = w->router;
    const char *standard = nf_llm_router_default(r);
    struct nf_json_out o;

    nf_json_begin_doc(&o, to);
    nf_json_out_object(&o);
    nf_json_out_key(&o, "default");
    nf_json_out_str(&o, standard[0] ? standard : NULL);
    nf_json_out_key(&o, "models");
    nf_json_out_array(&o);
    for (size_t i = 0; i < nf_llm_router_models_n(r); i++) {
        struct nf_llm_model_view m = nf_llm_router_model_at(r, i);
        put_model(&o, &m);
    }
    nf_json_out_end(&o);
    nf_json_out_key(&o, "aliases");
    nf_json_out_array(&o);
    for (size_t i = 0; i < nf_llm_router_aliases_n(r); i++) {
        struct nf_llm_alias_view a = nf_llm_router_alias_at(r, i);
        put_alias(&o, &a);
    }
    nf_json_out_end(&o);
    nf_json_out_end(&o);
    return nf_json_end_doc(&o, err);
}

/* Transactions that wait although none is committed: somebody holds the lock, or the disk hangs. */
static NF_RC check_writer(struct nf_wiring *w, int64_t now, struct nf_err *err)
{
    struct nf_database_state *d = &w->database;
    struct nf_sqlite_stats s;
    nf_sqlite_stats(w->db, &s);
    if (s.write_queue == 0 || s.commits != d->commits || d->checked_ms == 0)
        d->moved_ms = now;
    d->commits = s.commits;
    if (now - d->moved_ms <= LATE_WRITER_MS)
        return NF_OK;
    return nf_err_set(
        err, NF_E_UNAVAILABLE,
        "it has taken no write for %lld s: another program holds it, or the disk hangs",
        (long long)((now - d->moved_ms) / 1000));
}

/* Anybody may ask how we are: that must not become work for the database. */
static NF_RC check_database(struct nf_wiring *w, struct nf_err *err)
{
    struct nf_database_state *d = &w->database;
    struct nf_user ignored;
    int64_t now = nf_clock_mono_us(w->app.clock) / 1000;
    if (d->checked_ms == 0 || now - d->checked_ms >= CHECK_EVERY_MS) {
        struct nf_err why = { 0 };
        enum nf_code rc = check_writer(w, now, &why);
        d->checked_ms = now; /* before waiting: who asks meanwhile gets the last answer */
        if (rc == NF_OK)
            rc = w->app.users->ops->find(w->app.users, "local", "owner", &ignored, &why);
        d->rc = rc;
        d->why = why;
    }
    return d->rc == NF_OK ? NF_OK : nf_err_set(err, d->rc, "%s", d->why.msg);
}

static enum nf_code not_ready(void *arg, struct nf_str *reasons, struct nf_err *err)
{
    struct nf_wiring *w = arg;
    struct nf_err why;
    enum nf_code rc = check_database(w, &why);

    if (w->app.intake_closed)
        NF_TRY(nf_str_adds(reasons, "shutting down\n", err));
    if (!w->app.model)
        NF_TRY(nf_str_adds(reasons, "no language model is configured: run `nexflow up`\n", err));
    if (rc != NF_OK)
        NF_TRY(nf_str_addf(reasons, err, "database: %s\n", why.msg));
    if (nf_loop_delay_ms(w->loop) > LATE_LOOP_MS)
        NF_TRY(nf_str_addf(reasons, err, "the event loop is %lld ms late\n",
                           (long long)nf_loop_delay_ms(w->loop)));
    return NF_OK;
}

static void health(void *arg, struct nf_json_out *o)
{
    struct nf_wiring *w = arg;
    struct nf_err why;
    enum nf_code rc = check_database(w, &why);
    nf_json_put_str(o, "database", rc == NF_OK ? "ok" : why.msg);
    nf_json_put_str(o, "models", w->app.model ? "ok" : "none");
    nf_json_put_str(o, "config", w->config_refused ? "refused" : "ok");
    nf_json_put_i64(o, "config_loads", w->config_loads);
    nf_json_put_i64(o, "turns_running", (int64_t)nf_turns_running(w->turns));
    nf_skill_wiring_health(&w->skills, o);
}

/* --- building
 * -------------------------------------------------------------------------------------- */

static NF_RC make_data_dir(struct nf_wiring *w, struct nf_err *err)
{
    NF_TRY(nf_daemon_config_data_dir(w->config, &w->data_dir, err));
    const char *dir = nf_str_c(&w->data_dir);
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return nf_err_set(err, NF_E_IO, "create directory '%s': %s", dir, strerror(errno));
    return NF_OK;
}

static NF_RC open_database(struct nf_wiring *w, struct nf_err *err)
{
    const char *path;
    NF_TRY(nf_daemon_config_sqlite(w->config, &path, err));
    NF_TRY(nf_sqlite_open(w->loop, path, &w->db, err));
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

static void connect_app(struct nf_wiring *w)
{
    struct nf_app *a = &w->app;
    const struct nf_turn_settings *s = &w->config->turns;
    a->clock = nf_system_clock();
    a->ids = &w->ids;
    a->turns = w->stores.turns;
    a->sessions = w->stores.sessions;
    a->users = w->stores.users;
    a->tasks = w->stores.tasks;
    a->outbox = w->stores.outbox;
    a->credentials = w->stores.credentials;
    a->approvals = w->stores.approvals;
    a->skills = w->stores.skills;
    a->kv = w->stores.kv;
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
                                            .reply_tokens = s->reply_tokens };
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
        .facts = { .models = models, .not_ready = not_ready, .health = health, .arg = w },
    };
    NF_TRY(nf_web_new(&options, &w->web, err));
    w->channels.v[w->channels.n++] = nf_web_channel(w->web);
    return NF_OK;
}

static double loop_delay(void *arg)
{
    return (double)nf_loop_delay_ms(arg) / 1000;
}

static double fibers_alive(void *arg)
{
    (void)arg;
    return (double)nf_fiber_stats().alive;
}

static double turns_waiting(void *arg)
{
    return (double)((const struct nf_queues *)arg)->turns;
}

static double outbox_waiting(void *arg)
{
    return (double)((const struct nf_queues *)arg)->outbox;
}

static double log_errors(void *arg)
{
    (void)arg;
    return (double)nf_log_lines(NF_LOG_ERROR);
}

static double log_warnings(void *arg)
{
    (void)arg;
    return (double)nf_log_lines(NF_LOG_WARN);
}

static double commits(void *arg)
{
    struct nf_sqlite_stats s;
    nf_sqlite_stats(arg, &s);
    return (double)s.commits;
}

static double transactions(void *arg)
{
    struct nf_sqlite_stats s;
    nf_sqlite_stats(arg, &s);
    return (double)s.transactions;
}

static double write_queue(void *arg)
{
    struct nf_sqlite_stats s;
    nf_sqlite_stats(arg, &s);
    return (double)s.write_queue;
}

static double commit_seconds(void *arg)
{
    struct nf_sqlite_stats s;
    nf_sqlite_stats(arg, &s);
    return (double)s.commit_us_total / 1e6;
}

/* A scrape must not wait for the database, so what it tells is looked up beside it. */
static enum nf_code watch_queues(void *arg, struct nf_err *err)
{
    struct nf_wiring *w = arg;
    struct nf_err ignored;
    for (;;) {
        enum nf_code rc = nf_queue_depths(w->db, &w->queues, &ignored);
        if (rc != NF_OK && rc != NF_E_CANCELED)
            nf_log_debug("queues.unknown", "err", ignored.msg, NULL);
        NF_TRY(nf_sleep(QUEUES_MS, err));
    }
}

static void register_metrics(struct nf_wiring *w)
{
    nf_gauge_fn("nexflow_loop_delay_seconds", "How late the event loop was in the last second",
                NULL, loop_delay, w->loop);
    nf_gauge_fn("nexflow_turns_waiting", "Accepted turns that nobody works on yet", NULL,
                turns_waiting, &w->queues);
    nf_gauge_fn("nexflow_outbox_waiting", "Answers to be delivered", NULL, outbox_waiting,
                &w->queues);
    nf_gauge_fn("nexflow_log_lines", "Lines logged since the start", "level=\"error\"", log_errors,
                NULL);
    nf_gauge_fn("nexflow_log_lines", "Lines logged since the start", "level=\"warn\"", log_warnings,
                NULL);
    nf_gauge_fn("nexflow_fibers", "Fibers alive", NULL, fibers_alive, NULL);
    nf_gauge_fn("nexflow_database_commits", "Syncs of the database since the start", NULL, commits,
                w->db);
    nf_gauge_fn("nexflow_database_transactions", "Transactions since the start", NULL, transactions,
                w->db);
    nf_gauge_fn("nexflow_database_write_queue", "Transactions that wait for the writer", NULL,
                write_queue, w->db);
    nf_gauge_fn("nexflow_database_commit_seconds", "Time spent in commits since the start", NULL,
                commit_seconds, w->db);
}

enum nf_code nf_wiring_build(struct nf_wiring *w, struct nf_scope *scope, struct nf_err *err)
{
    NF_TRY(make_data_dir(w, err));
    NF_TRY(open_database(w, err));
    NF_TRY(build_models(w, err));
    NF_TRY(seed_ids(w, err));
    connect_app(w);
    NF_TRY(nf_summaries_new(&w->app.summaries, err));
    NF_TRY(nf_skill_wiring_build(&w->skills, w->loop, &w->app, &w->config->skills,
                                 nf_str_c(&w->data_dir), err));
    NF_TRY(nf_turns_new(&w->app, scope, (size_t)w->config->turns.max, &w->turns, err));
    w->app.runner = nf_turns_runner(w->turns);
    NF_TRY(build_web(w, err));
    register_metrics(w);
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
    nf_daemon_config_done(&fresh);
    offer_models(w);
    nf_log_setup(STDERR_FILENO, (enum nf_log_level)(w->config->log.level + 1),
                 (enum nf_log_format)w->config->log.format);
    return rc;
}

enum nf_code nf_wiring_reload(struct nf_wiring *w, const char *config_path, struct nf_str *ignored,
                              struct nf_err *err)
{
    enum nf_code rc = take_over(w, config_path, ignored, err);
    w->config_refused = rc != NF_OK;
    w->config_loads++;
    return rc;
}

void nf_wiring_done(struct nf_wiring *w)
{
    nf_metrics_reset();
    nf_web_free(w->web);
    nf_turns_free(w->turns);
    nf_summaries_free(w->app.summaries);
    nf_skill_wiring_done(&w->skills);
    nf_llm_router_free(w->router);
    nf_http_client_free(w->http);
    nf_stores_done(&w->stores);
    if (w->db)
        w->db->ops->free(w->db);
    nf_str_done(&w->data_dir);
}
