#include "cmd/nexflowd/gauges.h"

#include "cmd/nexflowd/wiring.h"
#include "observe/log.h"
#include "observe/metrics.h"

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

static double messages_refused(void *arg)
{
    return (double)((const struct nf_app *)arg)->refused;
}

static double schedules_damaged(void *arg)
{
    return (double)((const struct nf_app *)arg)->schedules_damaged;
}

static double backup_made(void *arg)
{
    return (double)((const struct nf_daemon_backups *)arg)->last.at_ms / 1000;
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

/* A gauge that is `value` of what `stats` tells of its argument. */
#define GAUGE_OF(name, stats, value)                                                               \
    static double name(void *arg)                                                                  \
    {                                                                                              \
        struct stats s;                                                                            \
        stats(arg, &s);                                                                            \
        return (double)(value);                                                                    \
    }
GAUGE_OF(commits, nf_db_stats, s.commits)
GAUGE_OF(transactions, nf_db_stats, s.transactions)
GAUGE_OF(write_queue, nf_db_stats, s.write_queue)
GAUGE_OF(damaged, nf_db_stats, s.damaged)
GAUGE_OF(commit_seconds, nf_db_stats, (double)s.commit_us_total / 1e6)
GAUGE_OF(redis_connected, nf_redis_store_stats, s.connected ? 1 : 0)
GAUGE_OF(redis_calls, nf_redis_store_stats, s.calls)
GAUGE_OF(redis_failures, nf_redis_store_stats, s.failures)

static void register_redis_metrics(struct nf_redis_store *redis)
{
    nf_gauge_fn("nexflow_redis_connected", "Whether Redis is there", NULL, redis_connected, redis);
    nf_gauge_fn("nexflow_redis_calls", "Commands to Redis since the start", NULL, redis_calls,
                redis);
    nf_gauge_fn("nexflow_redis_failures", "Those that went without Redis since the start", NULL,
                redis_failures, redis);
}

void nf_daemon_gauges(struct nf_wiring *w)
{
    nf_gauge_fn("nexflow_loop_delay_seconds", "How late the event loop was in the last second",
                NULL, loop_delay, w->loop);
    nf_gauge_fn("nexflow_turns_waiting", "Accepted turns that nobody works on yet", NULL,
                turns_waiting, &w->queues);
    nf_gauge_fn("nexflow_messages_refused", "Messages not taken since too many wait", NULL,
                messages_refused, &w->app);
    nf_gauge_fn("nexflow_schedules_damaged", "Schedules paused since they could not be read", NULL,
                schedules_damaged, &w->app);
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
    nf_gauge_fn("nexflow_database_damaged", "Times it said that it is damaged since the start",
                NULL, damaged, w->db);
    nf_gauge_fn("nexflow_database_commit_seconds", "Time spent in commits since the start", NULL,
                commit_seconds, w->db);
    if (w->backups.database)
        nf_gauge_fn("nexflow_backup_timestamp_seconds",
                    "When `nexflow backup create` last made a copy, 0: never", NULL, backup_made,
                    &w->backups);
    if (w->redis)
        register_redis_metrics(w->redis);
}
