#include "cmd/nexflowd/facts.h"

#include "base/time.h"
#include "channels/web/said.h"
#include "cmd/nexflowd/admin.h"
#include "cmd/nexflowd/models.h"
#include "cmd/nexflowd/status.h"
#include "cmd/nexflowd/wiring.h"
#include "domain/said_ready.h"
#include "observe/log.h"
#include "runtime/fiber.h"

#include <string.h>

#define LATE_LOOP_MS 1000   /* above it we are not ready */
#define LATE_WRITER_MS 3000 /* without a commit while transactions wait: nor then */
#define CHECK_EVERY_MS 1000

/* Transactions that wait although none is committed: somebody holds the lock, or the disk hangs.
 * And whatever said that SQLite's file is damaged was right, also if the next page is not. A server
 * is mended while it runs (REINDEX), and is that of all instances: none of them turns people away
 * for one bad page, which nexflow_database_damaged counts. */
static NF_RC check_writer(struct nf_wiring *w, int64_t now, struct nf_err *err)
{
    struct nf_database_state *d = &w->database;
    struct nf_db_stats s;
    nf_db_stats(w->db, &s);
    if (s.write_queue == 0 || s.commits != d->commits || d->checked_ms == 0)
        d->moved_ms = now;
    d->commits = s.commits;
    if (s.damaged > 0 && w->backups.database)
        return nf_err_set(err, NF_E_IO, NF_DATABASE_DAMAGED);
    if (now - d->moved_ms <= LATE_WRITER_MS)
        return NF_OK;
    return nf_err_set(err, NF_E_UNAVAILABLE, NF_DATABASE_STUCK,
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
        if (rc == NF_E_NOT_FOUND) /* it answers: at the first start there is no owner yet */
            rc = NF_OK;
        if (rc == NF_E_CANCELED) /* who asked is ended: that says nothing of the database */
            return nf_err_set(err, rc, "%s", why.msg);
        if (rc != NF_OK && d->rc == NF_OK)
            nf_log_error("database.failed", "err", why.msg, NULL);
        else if (rc == NF_OK && d->rc != NF_OK)
            nf_log_info("database.back", NULL);
        d->rc = rc;
        d->why = why;
    }
    return d->rc == NF_OK ? NF_OK : nf_err_set(err, d->rc, "%s", d->why.msg);
}

enum nf_code nf_daemon_watch_database(void *arg, struct nf_err *err)
{
    struct nf_wiring *w = arg;
    for (;;) {
        if (check_database(w, err) == NF_E_CANCELED)
            return NF_E_CANCELED;
        NF_TRY(nf_sleep(CHECK_EVERY_MS, err));
    }
}

static enum nf_code status(void *arg, struct nf_json_out *o, struct nf_err *err)
{
    return nf_daemon_status(arg, o, err);
}

static enum nf_code not_ready(void *arg, struct nf_str *reasons, struct nf_err *err)
{
    struct nf_wiring *w = arg;
    struct nf_err why;
    enum nf_code rc = check_database(w, &why);

    if (w->app.intake_closed)
        NF_TRY(nf_str_adds(reasons, NF_UNREADY_ENDING "\n", err));
    if (!w->app.model)
        NF_TRY(nf_str_adds(reasons, NF_UNREADY_NO_MODEL "\n", err));
    if (rc != NF_OK)
        NF_TRY(nf_str_addf(reasons, err, NF_UNREADY_DATABASE "\n", why.msg));
    if (nf_loop_delay_ms(w->loop) > LATE_LOOP_MS)
        NF_TRY(
            nf_str_addf(reasons, err, NF_UNREADY_LOOP "\n", (long long)nf_loop_delay_ms(w->loop)));
    return nf_bot_wiring_not_ready(&w->bots, reasons, err);
}

/* When the last copy was made; where it is, is not for everybody. */
static void put_backup(const struct nf_wiring *w, struct nf_json_out *o)
{
    if (!w->backups.database)
        return;
    struct nf_time_text at = nf_time_to_text(w->backups.last.at_ms);
    nf_json_out_key(o, "backup_at");
    nf_json_out_str(o, w->backups.last.at_ms > 0 ? at.s : NULL);
}

static void sandbox(void *arg, struct nf_json_out *o)
{
    struct nf_wiring *w = arg;
    nf_skill_wiring_health(&w->skills, o);
}

static void health(void *arg, struct nf_json_out *o)
{
    struct nf_wiring *w = arg;
    struct nf_err why;
    enum nf_code rc = check_database(w, &why);
    nf_json_put_str(o, "database", rc == NF_OK ? "ok" : why.msg);
    if (rc != NF_OK)
        (void)nf_web_put_said(o, "database_code", "database_values", &nf_database_sayings,
                              nf_slice_of(why.msg));
    nf_json_put_str(o, "models", w->app.model ? "ok" : "none");
    nf_json_put_str(o, "config", w->config_refused ? "refused" : "ok");
    put_backup(w, o);
    nf_json_put_i64(o, "config_loads", w->config_loads);
    nf_json_put_i64(o, "turns_running", (int64_t)nf_turns_running(w->turns));
    if (w->redis) {
        struct nf_redis_store_stats redis;
        nf_redis_store_stats(w->redis, &redis);
        nf_json_put_str(o, "redis", redis.connected ? "ok" : redis.why);
    }
    nf_bot_wiring_health(&w->bots, o);
}

static bool bot(void *arg, size_t i, struct nf_web_bot *ret)
{
    const struct nf_wiring *w = arg;
    return nf_bot_wiring_at(&w->bots, i, ret);
}

static enum nf_code say(void *arg, const char *channel, const char *account, const char *markdown,
                        struct nf_err *err)
{
    const struct nf_wiring *w = arg;
    return nf_bot_wiring_say(&w->bots, channel, account, markdown, err);
}

struct nf_web_facts nf_daemon_facts(struct nf_wiring *w)
{
    return (struct nf_web_facts){ .models = nf_daemon_models,
                                  .not_ready = not_ready,
                                  .status = status,
                                  .sandbox = sandbox,
                                  .health = health,
                                  .bot = bot,
                                  .say = say,
                                  .admin = &nf_admin_ops,
                                  .arg = w };
}
