#include "cmd/nexflowd/status.h"

#include "base/own.h"
#include "base/time.h"

static void put_time(struct nf_json_out *o, const char *key, int64_t ms)
{
    struct nf_time_text text = nf_time_to_text(ms);
    nf_json_put_str(o, key, text.s);
}

static void put_instance(struct nf_json_out *o, const struct nf_instance *i, int64_t now_ms)
{
    bool here = i->state == NF_INSTANCE_HERE;
    nf_json_out_object(o);
    nf_json_put_i64(o, "number", i->number);
    nf_json_put_str(o, "state", !here ? "gone" : i->lease_until_ms < now_ms ? "late" : "here");
    nf_json_put_str(o, "address", i->address);
    nf_json_put_str(o, "version", i->version);
    put_time(o, "started_at", i->started_ms);
    put_time(o, "lease_until", i->lease_until_ms);
    nf_json_out_end(o);
}

static NF_RC put_instances(struct nf_wiring *w, struct nf_json_out *o, struct nf_err *err)
{
    NF_CLEANUP(nf_instances_done) struct nf_instances all = { 0 };
    if (w->app.instances)
        NF_TRY(w->app.instances->ops->list(w->app.instances, &all, err));
    nf_json_put_i64(o, "instance", w->app.owner);
    nf_json_out_key(o, "instances");
    nf_json_out_array(o);
    for (size_t i = 0; i < all.n; i++)
        put_instance(o, &all.v[i], nf_app_now(&w->app));
    nf_json_out_end(o);
    return NF_OK;
}

static void put_database(struct nf_wiring *w, struct nf_json_out *o)
{
    struct nf_db_stats s;
    nf_db_stats(w->db, &s);
    nf_json_out_key(o, "database");
    nf_json_out_object(o);
    nf_json_put_str(o, "kind", nf_daemon_config_is_postgres(w->config) ? "postgresql" : "sqlite");
    nf_json_put_i64(o, "transactions", (int64_t)s.transactions);
    nf_json_put_i64(o, "reads", (int64_t)s.reads);
    nf_json_put_i64(o, "waiting", (int64_t)s.write_queue);
    nf_json_put_i64(o, "retries", (int64_t)s.retries);
    nf_json_put_i64(o, "reconnects", (int64_t)s.reconnects);
    nf_json_out_end(o);
}

static void put_backup(const struct nf_wiring *w, struct nf_json_out *o)
{
    const struct nf_backup_record *last = &w->backups.last;
    if (!w->backups.database)
        return;
    nf_json_out_key(o, "backup");
    if (last->at_ms == 0) {
        nf_json_out_str(o, NULL);
        return;
    }
    nf_json_out_object(o);
    put_time(o, "at", last->at_ms);
    nf_json_put_str(o, "file", last->file);
    nf_json_out_end(o);
}

static void put_bus(struct nf_wiring *w, struct nf_json_out *o)
{
    struct nf_bus_stats s;
    if (!w->bus)
        return;
    w->bus->ops->stats(w->bus, &s);
    nf_json_out_key(o, "bus");
    nf_json_out_object(o);
    nf_json_put_str(o, "kind", w->config->redis.url[0] ? "redis" : "postgresql");
    nf_json_put_bool(o, "connected", s.connected);
    nf_json_put_i64(o, "sent", (int64_t)s.sent);
    nf_json_put_i64(o, "heard", (int64_t)s.heard);
    nf_json_put_i64(o, "dropped", (int64_t)s.dropped);
    nf_json_put_i64(o, "reconnects", (int64_t)s.reconnects);
    nf_json_out_end(o);
}

static void put_redis(struct nf_wiring *w, struct nf_json_out *o)
{
    struct nf_redis_store_stats s;
    if (!w->redis)
        return;
    nf_redis_store_stats(w->redis, &s);
    nf_json_out_key(o, "redis");
    nf_json_out_object(o);
    nf_json_put_bool(o, "connected", s.connected);
    nf_json_put_i64(o, "calls", (int64_t)s.calls);
    nf_json_put_i64(o, "failures", (int64_t)s.failures);
    nf_json_put_i64(o, "reconnects", (int64_t)s.reconnects);
    nf_json_out_end(o);
}

enum nf_code nf_daemon_status(struct nf_wiring *w, struct nf_json_out *o, struct nf_err *err)
{
    struct nf_queues queues;
    NF_TRY(nf_queue_depths(w->db, &queues, err));
    NF_TRY(put_instances(w, o, err));
    nf_json_out_key(o, "queues");
    nf_json_out_object(o);
    nf_json_put_i64(o, "turns_running", (int64_t)nf_turns_running(w->turns));
    nf_json_put_i64(o, "turns_waiting", queues.turns);
    nf_json_put_i64(o, "outbox", queues.outbox);
    nf_json_out_end(o);
    put_database(w, o);
    put_backup(w, o);
    put_bus(w, o);
    put_redis(w, o);
    return NF_OK;
}
