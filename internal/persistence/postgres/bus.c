#include "persistence/postgres/bus.h"

#include "base/own.h"
#include "persistence/bus_pump.h"
#include "persistence/postgres/conn.h"
#include "persistence/postgres/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The documentation, chapter on NOTIFY: "must be shorter than 8000 bytes". */
#define PIECE_MAX 7900
#define PIECES_PER_TX 64

struct bus {
    struct nf_bus_pump pump;
    struct nf_pg_target target;
    struct nf_executor *names;
    struct nf_pg_conn listener, sender;
    char channel[32];
};

static const struct nf_bus_link_ops link_ops;

static struct bus *bus_of(struct nf_bus_pump *p)
{
    assert(p->link == &link_ops);
    return nf_container_of(p, struct bus, pump);
}

static NF_RC connect_as(struct nf_pg_conn *c, const char *what, struct nf_err *err)
{
    if (nf_pg_conn_alive(c))
        return NF_OK;
    nf_pg_conn_close(c);
    NF_TRY(nf_pg_conn_open(c, err));
    return nf_pg_exec(c, what, err);
}

/* --- hearing ---------------------------------------------------------------------------------- */

/* One channel for each schema: two installations may share a database. */
static NF_RC find_channel(struct bus *b, struct nf_err *err)
{
    struct nf_pg_answer schema;
    uint32_t h = 2166136261u; /* FNV-1a */
    NF_TRY(nf_pg_ask(&b->listener, "SELECT current_schema()", NULL, &schema, err));
    for (const char *p = schema.text; *p; p++)
        h = (h ^ (unsigned char)*p) * 16777619u;
    (void)snprintf(b->channel, sizeof(b->channel), "nexflow_%08x", h);
    return NF_OK;
}

static enum nf_code begin(struct nf_bus_pump *p, struct nf_err *err)
{
    struct bus *b = bus_of(p);
    char listen[64];
    NF_TRY(connect_as(&b->listener, "SET statement_timeout=0", err));
    NF_TRY(find_channel(b, err));
    (void)snprintf(listen, sizeof(listen), "LISTEN %s", b->channel);
    return nf_pg_exec(&b->listener, listen, err);
}

static enum nf_code hear(struct nf_bus_pump *p, struct nf_err *err)
{
    struct bus *b = bus_of(p);
    PGnotify *n;
    while ((n = PQnotifies(b->listener.pg))) {
        nf_bus_pump_take(p, n->extra, strlen(n->extra));
        PQfreemem(n);
    }
    enum nf_code rc = nf_pg_listen(&b->listener, NF_BUS_LISTEN_MS, err);
    return rc == NF_E_TIMEOUT ? NF_OK : rc;
}

static void unlink_hearing(struct nf_bus_pump *p)
{
    nf_pg_conn_close(&bus_of(p)->listener);
}

/* --- telling ---------------------------------------------------------------------------------- */

static NF_RC send_pieces(struct bus *b, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str piece = { 0 };
    struct nf_pg_conn *c = &b->sender;
    const char *values[2] = { b->channel, NULL };
    int ok = 1;
    NF_TRY(nf_pg_pipeline(c, true, err));
    /* Without a point between them all are one transaction. */
    for (int n = 0; (n < PIECES_PER_TX || b->pump.out.within) && ok; n++) {
        if (!nf_bus_pump_next(&b->pump, PIECE_MAX, &piece))
            break;
        values[1] = nf_str_c(&piece);
        ok = PQsendQueryParams(c->pg, "SELECT pg_notify($1,$2)", 2, NULL, values, NULL, NULL, 0);
    }
    if (!ok)
        return nf_pg_conn_error(c->pg, "notify", err);
    NF_TRY(nf_pg_drain(c, err));
    return nf_pg_pipeline(c, false, err);
}

static enum nf_code send_all(struct nf_bus_pump *p, struct nf_err *err)
{
    struct bus *b = bus_of(p);
    NF_TRY(connect_as(&b->sender, "SET synchronous_commit=off", err));
    while (p->out.lines.len > 0 && b->channel[0])
        NF_TRY(send_pieces(b, err));
    return NF_OK;
}

static void unlink_sending(struct nf_bus_pump *p)
{
    nf_pg_conn_close(&bus_of(p)->sender);
}

/* --- making ----------------------------------------------------------------------------------- */

static void bus_free(struct nf_bus_pump *p)
{
    struct bus *b = bus_of(p);
    nf_pg_conn_close(&b->listener);
    nf_pg_conn_close(&b->sender);
    nf_executor_free(b->names);
    nf_pg_target_done(&b->target);
    nf_bus_pump_done(p);
    free(b);
}

static const struct nf_bus_link_ops link_ops = { .name = "bus",
                                                 .begin = begin,
                                                 .hear = hear,
                                                 .unlink_hearing = unlink_hearing,
                                                 .send = send_all,
                                                 .unlink_sending = unlink_sending,
                                                 .free = bus_free };

static NF_RC start(struct bus *b, struct nf_loop *loop, const struct nf_postgres_options *o,
                   struct nf_scope *scope, struct nf_err *err)
{
    NF_TRY(nf_pg_target_init(&b->target, o->url, o->statement_ms, o->lock_ms, err));
    if (nf_pg_target_looks_up(&b->target))
        NF_TRY(nf_executor_new(loop, "bus-names", 1, 4, &b->names, err));
    b->listener = (struct nf_pg_conn){ .loop = loop,
                                       .target = &b->target,
                                       .names = b->names,
                                       .answer_ms = o->statement_ms + NF_PG_GRACE_MS };
    b->sender = b->listener;
    return nf_bus_pump_start(&b->pump, scope, err);
}

enum nf_code nf_postgres_bus_new(struct nf_loop *loop, const struct nf_postgres_options *o,
                                 int64_t self, struct nf_scope *scope, nf_bus_fn fn, void *arg,
                                 struct nf_bus **ret, struct nf_err *err)
{
    struct bus *b = calloc(1, sizeof(*b));
    if (!b)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    nf_bus_pump_init(&b->pump, &link_ops, self, fn, arg);
    /* Also if it could not start whole: a fiber of it may run, and is ended with the scope. */
    *ret = &b->pump.base;
    return start(b, loop, o, scope, err);
}
