#include "persistence/postgres/tx.h"

#include "persistence/postgres/error.h"
#include "runtime/mono.h"

#include <stdlib.h>
#include <string.h>

#define CONTROLS 3
#define PAUSE_MS 100 /* between attempts to connect */

/* How an attempt ended. */
enum end {
    DONE,
    FAILED, /* for a reason that will not go away; nothing happened */
    BESIDE, /* others were in the way; nothing happened */
    LOST,   /* the connection, and nothing happened */
    UNSURE, /* the connection, while the commit was on its way */
};

enum nf_code nf_pg_job_init(struct nf_pg_job *j, const struct nf_cmd *cmds, size_t n,
                            struct nf_err *err)
{
    *j = (struct nf_pg_job){ .cmds = cmds, .n = n };
    j->results = calloc(n, sizeof(PGresult *));
    j->prepares = calloc(n, sizeof(bool));
    if (j->results && j->prepares)
        return NF_OK;
    nf_pg_job_done(j);
    return nf_err_set(err, NF_E_NOMEM, "out of memory (%zu commands)", n);
}

static void forget_results(struct nf_pg_job *j)
{
    for (size_t i = 0; j->results && i < j->n; i++)
        PQclear(nf_take(j->results[i]));
}

void nf_pg_job_done(struct nf_pg_job *j)
{
    forget_results(j);
    free(j->results);
    free(j->prepares);
    *j = (struct nf_pg_job){ 0 };
}

/* --- one attempt ------------------------------------------------------------------------------ */

static bool is_ok(const PGresult *r)
{
    ExecStatusType s = PQresultStatus(r);
    return s == PGRES_COMMAND_OK || s == PGRES_TUPLES_OK;
}

/* A command's result and the NULL behind it. */
static NF_RC take_result(struct nf_pg_conn *c, PGresult **ret, struct nf_err *err)
{
    PGresult *r = NULL, *end = NULL;
    NF_TRY(nf_pg_next(c, &r, err));
    enum nf_code rc = nf_pg_next(c, &end, err);
    PQclear(end);
    if (rc == NF_OK)
        *ret = r;
    else
        PQclear(r);
    return rc;
}

static NF_RC take_sync(struct nf_pg_conn *c, struct nf_err *err)
{
    PGresult *r = NULL;
    NF_TRY(nf_pg_next(c, &r, err));
    bool is_sync = PQresultStatus(r) == PGRES_PIPELINE_SYNC;
    PQclear(r);
    return is_sync ? NF_OK : nf_err_set(err, NF_E_UNAVAILABLE, "database: out of step");
}

/* What stands around a transaction's commands: prepared once, since the server would read and plan
 * the few words again each time, which costs it as much as a command. */
static const struct {
    const char *name, *sql;
} controls[CONTROLS] = {
    { "begin", "BEGIN" },
    { "number", "SELECT pg_current_xact_id()" },
    { "commit", "COMMIT" },
};

static NF_RC control(struct nf_pg_conn *c, const char *name, struct nf_err *err)
{
    return PQsendQueryPrepared(c->pg, name, 0, NULL, NULL, NULL, 0)
               ? NF_OK
               : nf_pg_conn_error(c->pg, "database", err);
}

static NF_RC sync_point(struct nf_pg_conn *c, struct nf_err *err)
{
    return PQpipelineSync(c->pg) ? NF_OK : nf_pg_conn_error(c->pg, "database", err);
}

static NF_RC prepare_controls(struct nf_pg_conn *c, struct nf_err *err)
{
    bool ok = true;
    if (c->controls)
        return NF_OK;
    for (size_t i = 0; i < CONTROLS; i++)
        if (!PQsendPrepare(c->pg, controls[i].name, controls[i].sql, 0, NULL))
            return nf_pg_conn_error(c->pg, "database", err);
    NF_TRY(sync_point(c, err));
    for (size_t i = 0; i < CONTROLS; i++) {
        PGresult *r = NULL;
        NF_TRY(take_result(c, &r, err));
        ok = ok && is_ok(r);
        PQclear(r);
    }
    NF_TRY(take_sync(c, err));
    c->controls = ok;
    return ok ? NF_OK : nf_err_set(err, NF_E_UNAVAILABLE, "database: cannot prepare a transaction");
}

static NF_RC send_commands(struct nf_pg_conn *c, const struct nf_pg_texts *t, struct nf_pg_job *j,
                           struct nf_err *err)
{
    for (size_t i = 0; i < j->n; i++)
        NF_TRY(nf_pg_send(c, t, &j->cmds[i], &j->prepares[i], err));
    return sync_point(c, err);
}

/* What a statement that could not be prepared says is its command's result. */
static NF_RC take_commands(struct nf_pg_conn *c, struct nf_pg_job *j, struct nf_err *err)
{
    for (size_t i = 0; i < j->n; i++) {
        PGresult *prepared = NULL, *r = NULL;
        if (j->prepares[i])
            NF_TRY(take_result(c, &prepared, err));
        enum nf_code rc = take_result(c, &r, err);
        if (prepared && !is_ok(prepared)) {
            c->prepared[j->cmds[i].q] = false;
            PGresult *refused = prepared;
            prepared = r;
            r = refused;
        }
        PQclear(prepared);
        j->results[i] = r;
        NF_TRY(rc);
    }
    return take_sync(c, err);
}

/* What the results say, the first that is not as it should be. */
static enum end judge(struct nf_pg_conn *c, struct nf_pg_job *j, enum nf_code *rc,
                      struct nf_err *err)
{
    for (size_t i = 0; i < j->n; i++) {
        const struct nf_cmd *cmd = &j->cmds[i];
        const struct nf_query_info *q = &c->queries[cmd->q];
        const PGresult *r = j->results[i];
        j->failed = i;
        if (!is_ok(r)) {
            *rc = nf_err_wrap(err, nf_pg_result_error(r, err), "statement %s", q->name);
            return nf_pg_is_conflict(r) ? BESIDE : nf_pg_is_going(r) ? LOST : FAILED;
        }
        j->touched = nf_pg_touched(q, r);
        if (cmd->expect != NF_ROWS_ANY && j->touched != cmd->expect) {
            *rc = nf_err_set(err, NF_E_CONFLICT, "%s: %lld rows, %d expected", q->name,
                             (long long)j->touched, cmd->expect);
            return FAILED;
        }
    }
    *rc = NF_OK;
    return DONE;
}

static enum end give_up(struct nf_pg_conn *c, enum end end)
{
    PGresult *r = NULL;
    enum nf_code rc = PQsendQueryParams(c->pg, "ROLLBACK", 0, NULL, NULL, NULL, NULL, 0)
                          ? NF_OK
                          : NF_E_UNAVAILABLE;
    if (rc == NF_OK)
        rc = sync_point(c, NULL);
    if (rc == NF_OK)
        rc = take_result(c, &r, NULL);
    if (rc == NF_OK)
        rc = take_sync(c, NULL);
    PQclear(r);
    if (rc != NF_OK)
        nf_pg_conn_close(c);
    return end;
}

static enum end commit(struct nf_pg_conn *c, enum nf_code *rc, struct nf_err *err)
{
    PGresult *r = NULL;
    *rc = control(c, "commit", err);
    if (*rc == NF_OK)
        *rc = sync_point(c, err);
    if (*rc == NF_OK)
        *rc = take_result(c, &r, err);
    if (*rc == NF_OK) {
        bool ok = is_ok(r) && strcmp(PQcmdStatus(r), "COMMIT") == 0;
        /* A server that is told to stop says so instead: whether it had committed by then it is
         * asked. */
        enum end end = ok                     ? DONE
                       : nf_pg_is_conflict(r) ? BESIDE
                       : nf_pg_is_going(r)    ? UNSURE
                                              : FAILED;
        if (!ok)
            *rc = nf_pg_result_error(r, err);
        PQclear(r);
        /* What was answered holds, also if the connection is lost behind it. */
        if (take_sync(c, NULL) != NF_OK)
            nf_pg_conn_close(c);
        return end;
    }
    return UNSURE;
}

/* The transaction's number, of the result of the second statement. */
static NF_RC take_number(struct nf_pg_conn *c, char number[24], struct nf_err *err)
{
    PGresult *begin = NULL, *xid = NULL;
    NF_TRY(take_result(c, &begin, err));
    PQclear(begin);
    NF_TRY(take_result(c, &xid, err));
    number[0] = '\0';
    if (is_ok(xid) && PQntuples(xid) == 1)
        strncat(number, PQgetvalue(xid, 0, 0), 23);
    PQclear(xid);
    return NF_OK;
}

static enum nf_code run_all(struct nf_pg_conn *c, const struct nf_pg_texts *t, struct nf_pg_job *j,
                            char number[24], struct nf_err *err)
{
    NF_TRY(nf_pg_pipeline(c, true, err));
    NF_TRY(prepare_controls(c, err));
    NF_TRY(control(c, "begin", err));
    NF_TRY(control(c, "number", err));
    NF_TRY(send_commands(c, t, j, err));
    NF_TRY(take_number(c, number, err));
    return take_commands(c, j, err);
}

static enum end attempt(struct nf_pg_conn *c, const struct nf_pg_texts *t, struct nf_pg_job *j,
                        char number[24], enum nf_code *rc, struct nf_err *err)
{
    *rc = run_all(c, t, j, number, err);
    if (*rc != NF_OK)
        return LOST;
    enum end end = judge(c, j, rc, err);
    if (end == DONE) {
        int64_t began = nf_mono_us();
        end = commit(c, rc, err);
        j->commit_us = nf_mono_us() - began;
    } else if (end != LOST) {
        end = give_up(c, end);
    }
    if (end != LOST && end != UNSURE && nf_pg_conn_alive(c) && nf_pg_pipeline(c, false, NULL))
        nf_pg_conn_close(c);
    return end;
}

/* --- again ------------------------------------------------------------------------------------ */

static NF_RC connected(struct nf_pg_conn *c, struct nf_pg_job *j, struct nf_err *err)
{
    if (nf_pg_conn_alive(c))
        return NF_OK;
    if (c->pg)
        j->reconnects++;
    nf_pg_conn_close(c);
    return nf_pg_conn_open(c, err);
}

/* While the server that had it takes its time to notice, it is "in progress". A number that a
 * server has not come to yet is an error: there it was never committed.
 *
 * A server that crashed gives the numbers again that it had not written down by then (seen with
 * PostgreSQL 15: tests/e2e/postgres_crash_test.py). So "committed" in another life of it may be
 * said of somebody else's transaction; anything else still means that ours was not. */
static NF_RC committed(struct nf_pg_conn *c, struct nf_pg_job *j, const char *number,
                       const char *life, bool *ret, struct nf_err *err)
{
    int64_t end = nf_mono_us() + NF_PG_RESOLVE_MS * INT64_C(1000);
    for (; nf_mono_us() < end; nf_pg_pause(c, PAUSE_MS)) {
        struct nf_pg_answer a;
        if (connected(c, j, NULL) != NF_OK)
            continue;
        enum nf_code rc = nf_pg_ask(c, "SELECT pg_xact_status(CAST($1 AS xid8))", number, &a, NULL);
        if (rc != NF_OK && !nf_pg_conn_alive(c))
            continue;
        bool same = strcmp(c->life, life) == 0;
        if (rc == NF_OK && same && (!a.found || strcmp(a.text, "in progress") == 0))
            continue;
        *ret = rc == NF_OK && a.found && strcmp(a.text, "committed") == 0;
        if (*ret && !same)
            break;
        return NF_OK;
    }
    return nf_err_set(err, NF_E_UNAVAILABLE,
                      "the connection to the database was lost during a commit: whether it was "
                      "stored is not known yet");
}

static enum end settle(struct nf_pg_conn *c, struct nf_pg_job *j, const char *number,
                       const char *life, enum nf_code *rc, struct nf_err *err)
{
    bool stored = false;
    *rc = committed(c, j, number, life, &stored, err);
    if (*rc != NF_OK)
        return FAILED;
    return stored ? DONE : LOST;
}

enum nf_code nf_pg_tx(struct nf_pg_conn *c, const struct nf_pg_texts *t, struct nf_pg_job *j,
                      struct nf_err *err)
{
    int64_t until = nf_mono_us() + NF_PG_RETRY_MS * INT64_C(1000);
    enum nf_code rc = NF_OK;
    for (int n = 0;; n++) {
        char number[24] = "", life[sizeof(c->life)];
        rc = connected(c, j, err);
        memcpy(life, c->life, sizeof(life));
        enum end end = rc == NF_OK ? attempt(c, t, j, number, &rc, err) : LOST;
        if (end == UNSURE)
            end = settle(c, j, number, life, &rc, err);
        if (end == LOST)
            nf_pg_conn_close(c);
        if (end == DONE)
            return NF_OK;
        forget_results(j);
        if (end == FAILED || rc == NF_E_INVALID || rc == NF_E_NOMEM)
            return rc;
        if (end == BESIDE ? n + 1 >= NF_PG_ATTEMPTS_MAX : nf_mono_us() >= until)
            return rc == NF_OK ? NF_E_UNAVAILABLE : rc;
        j->retries++;
        /* Whoever was in the way has ended by now; two that retry at once should not meet again. */
        nf_pg_pause(c, end == BESIDE ? (nf_mono_us() % 8) * n : n == 0 ? 0 : PAUSE_MS);
    }
}

static enum end attempt_read(struct nf_pg_conn *c, const struct nf_pg_texts *t, struct nf_pg_job *j,
                             enum nf_code *rc, struct nf_err *err)
{
    *rc = nf_pg_pipeline(c, true, err);
    if (*rc == NF_OK)
        *rc = send_commands(c, t, j, err);
    if (*rc == NF_OK)
        *rc = take_commands(c, j, err);
    if (*rc == NF_OK)
        *rc = nf_pg_pipeline(c, false, err);
    return *rc == NF_OK ? judge(c, j, rc, err) : LOST;
}

enum nf_code nf_pg_read(struct nf_pg_conn *c, const struct nf_pg_texts *t, struct nf_pg_job *j,
                        struct nf_err *err)
{
    int64_t until = nf_mono_us() + NF_PG_RETRY_MS * INT64_C(1000);
    for (int n = 0;; n++) {
        enum nf_code rc = connected(c, j, err);
        enum end end = rc == NF_OK ? attempt_read(c, t, j, &rc, err) : LOST;
        if (end == LOST)
            nf_pg_conn_close(c);
        if (end == DONE)
            return NF_OK;
        forget_results(j);
        if (end == FAILED || rc == NF_E_INVALID || rc == NF_E_NOMEM || nf_mono_us() >= until ||
            n + 1 >= NF_PG_ATTEMPTS_MAX * 10)
            return rc;
        j->retries++;
        nf_pg_pause(c, n == 0 ? 0 : PAUSE_MS);
    }
}
