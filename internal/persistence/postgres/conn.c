#include "persistence/postgres/conn.h"

#include "base/own.h"
#include "persistence/postgres/error.h"
#include "runtime/mono.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define SERVER_MIN 140000 /* target_session_attrs without a round trip, xid8 */

/* --- waiting ---------------------------------------------------------------------------------- */

static NF_RC wait_blocking(int fd, int events, int64_t ms, struct nf_err *err)
{
    struct pollfd p = { .fd = fd,
                        .events = (short)((events & NF_POLL_READ ? POLLIN : 0) |
                                          (events & NF_POLL_WRITE ? POLLOUT : 0)) };
    int64_t end = nf_mono_ms() + ms;
    int n;
    do {
        int64_t left = end - nf_mono_ms();
        n = poll(&p, 1, left > 0 ? (int)left : 0);
    } while (n < 0 && errno == EINTR);
    return n > 0 ? NF_OK : nf_err_set(err, NF_E_TIMEOUT, "database: time is up");
}

static NF_RC wait_for(struct nf_pg_conn *c, int events, int64_t ms, struct nf_err *err)
{
    int fd = PQsocket(c->pg); /* closed where libpq finds that it is lost, also while it sends */
    if (fd < 0)
        return nf_pg_conn_error(c->pg, "database", err);
    if (!c->loop)
        return wait_blocking(fd, events, ms, err);
    if (!c->poll)
        NF_TRY(nf_poll_new(c->loop, fd, &c->poll, err));
    return nf_poll_wait(c->poll, events, ms, "database", err);
}

void nf_pg_pause(struct nf_pg_conn *c, int64_t ms)
{
    struct timespec t = { ms / 1000, ms % 1000 * 1000000 };
    if (c->loop)
        nf_pause(c->loop, ms);
    else
        (void)nanosleep(&t, NULL);
}

/* --- connecting ------------------------------------------------------------------------------- */

static void unwatch(struct nf_pg_conn *c)
{
    nf_poll_free(nf_take(c->poll));
}

void nf_pg_conn_close(struct nf_pg_conn *c)
{
    unwatch(c);
    PQfinish(nf_take(c->pg));
    memset(c->prepared, 0, sizeof(c->prepared));
    c->controls = false;
}

bool nf_pg_conn_alive(const struct nf_pg_conn *c)
{
    return c->pg && PQstatus(c->pg) == CONNECTION_OK;
}

struct lookup {
    const char *name;
    char addresses[NF_PG_ADDRESSES_MAX * (INET6_ADDRSTRLEN + 1)];
};

static enum nf_code look_up(void *arg, struct nf_err *err)
{
    struct lookup *l = arg;
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG };
    struct addrinfo *found = NULL;
    int rc = getaddrinfo(l->name, NULL, &hints, &found), n = 0;
    size_t len = 0;
    if (rc != 0)
        return nf_err_set(err, NF_E_UNAVAILABLE, "look up '%s': %s", l->name, gai_strerror(rc));
    for (struct addrinfo *a = found; a && n < NF_PG_ADDRESSES_MAX; a = a->ai_next) {
        char text[INET6_ADDRSTRLEN];
        if (getnameinfo(a->ai_addr, a->ai_addrlen, text, sizeof(text), NULL, 0, NI_NUMERICHOST))
            continue;
        len += (size_t)snprintf(l->addresses + len, sizeof(l->addresses) - len, "%s%s",
                                n++ > 0 ? "," : "", text); /* there is room for that many */
    }
    freeaddrinfo(found);
    return n > 0 ? NF_OK : nf_err_set(err, NF_E_UNAVAILABLE, "'%s' has no address", l->name);
}

static NF_RC resolve(struct nf_pg_conn *c, const struct nf_pg_host *h, struct lookup *ret,
                     struct nf_err *err)
{
    *ret = (struct lookup){ .name = h->name };
    if (!h->needs_lookup)
        return NF_OK;
    return c->names ? nf_executor_call(c->names, look_up, ret, err) : look_up(ret, err);
}

static NF_RC shake_hands(struct nf_pg_conn *c, struct nf_err *err)
{
    int64_t end = nf_mono_ms() + NF_PG_CONNECT_MS;
    PostgresPollingStatusType next = PGRES_POLLING_WRITING;
    while (next != PGRES_POLLING_OK) {
        int64_t left = end - nf_mono_ms();
        if (next == PGRES_POLLING_FAILED)
            return nf_pg_conn_error(c->pg, "database", err);
        if (left <= 0 || wait_for(c, next == PGRES_POLLING_READING ? NF_POLL_READ : NF_POLL_WRITE,
                                  left, NULL) != NF_OK)
            return nf_err_set(err, NF_E_UNAVAILABLE, "database: '%s' did not answer in %d ms",
                              c->target->hosts[c->host].name, NF_PG_CONNECT_MS);
        unwatch(c); /* it may take another socket for another address */
        next = PQconnectPoll(c->pg);
    }
    return NF_OK;
}

static NF_RC check_server(struct nf_pg_conn *c, struct nf_err *err)
{
    const char *encoding = PQparameterStatus(c->pg, "server_encoding");
    if (PQserverVersion(c->pg) < SERVER_MIN)
        return nf_err_set(err, NF_E_INVALID, "PostgreSQL 14 or newer is needed, this is %d",
                          PQserverVersion(c->pg) / 10000);
    if (!encoding || strcmp(encoding, "UTF8") != 0)
        return nf_err_set(err, NF_E_INVALID,
                          "the database's encoding is %s: create it with ENCODING 'UTF8' "
                          "TEMPLATE template0",
                          encoding ? encoding : "unknown");
    return NF_OK;
}

/* When it was started, and since when it counts: it begins to count anew after a crash that its
 * first process survived (PostgreSQL's documentation, "The Cumulative Statistics System"). */
static NF_RC ask_life(struct nf_pg_conn *c, struct nf_err *err)
{
    struct nf_pg_answer a;
    NF_TRY(nf_pg_ask(c,
                     "SELECT extract(epoch FROM pg_postmaster_start_time())||' '||"
                     "coalesce(extract(epoch FROM (SELECT stats_reset FROM pg_stat_bgwriter)),0)",
                     NULL, &a, err));
    memcpy(c->life, a.text, sizeof(c->life));
    return NF_OK;
}

/* What a server says unasked is for nobody. */
static void ignore_notice(void *arg, const PGresult *r)
{
    (void)arg;
    (void)r;
}

static NF_RC open_host(struct nf_pg_conn *c, struct nf_err *err)
{
    struct lookup found;
    struct nf_pg_host *h = &c->target->hosts[c->host];
    NF_TRY(resolve(c, h, &found, err));
    /* Behind the look-up: other connections select their own meanwhile. */
    NF_TRY(nf_pg_target_select(c->target, c->host, h->needs_lookup ? found.addresses : NULL, err));
    c->pg = PQconnectStartParams(c->target->words, c->target->values, 0);
    if (!c->pg)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    if (PQstatus(c->pg) == CONNECTION_BAD)
        return nf_pg_conn_error(c->pg, "database", err);
    (void)PQsetNoticeReceiver(c->pg, ignore_notice, NULL);
    NF_TRY(shake_hands(c, err));
    if (PQsetnonblocking(c->pg, 1) != 0)
        return nf_pg_conn_error(c->pg, "database", err);
    NF_TRY(check_server(c, err));
    return ask_life(c, err);
}

enum nf_code nf_pg_conn_open(struct nf_pg_conn *c, struct nf_err *err)
{
    enum nf_code rc = NF_E_UNAVAILABLE;
    for (size_t i = 0; i < c->target->hosts_n && rc == NF_E_UNAVAILABLE; i++) {
        nf_pg_conn_close(c);
        rc = open_host(c, err);
        if (rc != NF_OK) {
            nf_pg_conn_close(c);
            c->host = (c->host + 1) % c->target->hosts_n;
        }
    }
    return rc;
}

/* --- results ---------------------------------------------------------------------------------- */

static NF_RC wait_for_server(struct nf_pg_conn *c, int events, struct nf_err *err)
{
    enum nf_code rc = wait_for(c, events, c->answer_ms, err);
    if (rc != NF_E_TIMEOUT)
        return rc;
    return nf_err_set(err, NF_E_UNAVAILABLE, "database: no answer in %lld ms",
                      (long long)c->answer_ms);
}

/* Also reads while it sends: a server that cannot answer does not read on. */
static NF_RC flush(struct nf_pg_conn *c, struct nf_err *err)
{
    int more;
    while ((more = PQflush(c->pg)) == 1) {
        NF_TRY(wait_for_server(c, NF_POLL_READ | NF_POLL_WRITE, err));
        if (PQconsumeInput(c->pg) == 0)
            return nf_pg_conn_error(c->pg, "database", err);
    }
    return more == 0 ? NF_OK : nf_pg_conn_error(c->pg, "database", err);
}

enum nf_code nf_pg_next(struct nf_pg_conn *c, PGresult **ret, struct nf_err *err)
{
    NF_TRY(flush(c, err));
    while (PQisBusy(c->pg)) {
        NF_TRY(wait_for_server(c, NF_POLL_READ, err));
        if (PQconsumeInput(c->pg) == 0)
            return nf_pg_conn_error(c->pg, "database", err);
    }
    PGresult *r = PQgetResult(c->pg);
    if (PQstatus(c->pg) != CONNECTION_OK) {
        enum nf_code rc = r && PQresultErrorField(r, PG_DIAG_SQLSTATE)
                              ? nf_pg_result_error(r, err)
                              : nf_pg_conn_error(c->pg, "database", err);
        PQclear(r);
        return rc == NF_OK ? NF_E_UNAVAILABLE : rc;
    }
    *ret = r;
    return NF_OK;
}

static NF_RC one_result(struct nf_pg_conn *c, int sent, PGresult **ret, struct nf_err *err)
{
    PGresult *first = NULL, *r = NULL;
    enum nf_code rc = NF_OK;
    if (!sent)
        return nf_pg_conn_error(c->pg, "database", err);
    for (;;) {
        enum nf_code got = nf_pg_next(c, &r, rc == NF_OK ? err : NULL);
        if (got != NF_OK || !r) {
            rc = rc == NF_OK ? got : rc;
            break;
        }
        ExecStatusType s = PQresultStatus(r);
        if (rc == NF_OK && s != PGRES_COMMAND_OK && s != PGRES_TUPLES_OK)
            rc = nf_pg_result_error(r, err);
        if (first)
            PQclear(r);
        else
            first = r;
    }
    if (rc == NF_OK)
        *ret = first;
    else
        PQclear(first);
    return rc;
}

enum nf_code nf_pg_exec(struct nf_pg_conn *c, const char *sql, struct nf_err *err)
{
    PGresult *r = NULL;
    NF_TRY(one_result(c, PQsendQuery(c->pg, sql), &r, err));
    PQclear(r);
    return NF_OK;
}

enum nf_code nf_pg_ask(struct nf_pg_conn *c, const char *sql, const char *argument,
                       struct nf_pg_answer *ret, struct nf_err *err)
{
    PGresult *r = NULL;
    *ret = (struct nf_pg_answer){ 0 };
    NF_TRY(one_result(
        c, PQsendQueryParams(c->pg, sql, argument ? 1 : 0, NULL, &argument, NULL, NULL, 0), &r,
        err));
    ret->found = r && PQntuples(r) > 0 && !PQgetisnull(r, 0, 0);
    if (ret->found)
        strncat(ret->text, PQgetvalue(r, 0, 0), sizeof(ret->text) - 1);
    PQclear(r);
    return NF_OK;
}

enum nf_code nf_pg_pipeline(struct nf_pg_conn *c, bool on, struct nf_err *err)
{
    int rc = on ? PQenterPipelineMode(c->pg) : PQexitPipelineMode(c->pg);
    return rc == 1 ? NF_OK : nf_pg_conn_error(c->pg, "database", err);
}

enum nf_code nf_pg_drain(struct nf_pg_conn *c, struct nf_err *err)
{
    enum nf_code rc = NF_OK;
    if (!PQpipelineSync(c->pg))
        return nf_pg_conn_error(c->pg, "database", err);
    for (bool end = false; !end;) {
        PGresult *r = NULL;
        NF_TRY(nf_pg_next(c, &r, err));
        end = r && PQresultStatus(r) == PGRES_PIPELINE_SYNC;
        if (rc == NF_OK && r && PQresultStatus(r) == PGRES_FATAL_ERROR)
            rc = nf_pg_result_error(r, err);
        PQclear(r);
    }
    return rc;
}

enum nf_code nf_pg_listen(struct nf_pg_conn *c, int64_t ms, struct nf_err *err)
{
    NF_TRY(wait_for(c, NF_POLL_READ, ms, err));
    return PQconsumeInput(c->pg) == 1 ? NF_OK : nf_pg_conn_error(c->pg, "database", err);
}
