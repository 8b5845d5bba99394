/*
 * The bus over LISTEN and NOTIFY, on two connections of its own. What happens within a moment is
 * one transaction that waits for no disk: NOTIFY holds a lock on the whole database until it has
 * ended.
 */
#pragma once

#include "persistence/bus.h"
#include "persistence/postgres/postgres.h"
#include "runtime/fiber.h"

/* `self`: the instance's number. Fibers run in `scope`, until it is cancelled. fn is called with
 * what others send. */
NF_RC nf_postgres_bus_new(struct nf_loop *loop, const struct nf_postgres_options *o, int64_t self,
                          struct nf_scope *scope, nf_bus_fn fn, void *arg, struct nf_bus **ret,
                          struct nf_err *err);
