/*
 * The bus over PUBLISH and SUBSCRIBE, on two connections of its own. A peer that is gone is noticed
 * by a PING that is not answered; a connection is made again with pauses that grow. What is said
 * meanwhile is lost, as the port allows.
 */
#pragma once

#include "persistence/bus.h"
#include "runtime/fiber.h"

/* NF_E_INVALID says what is wrong with the URL; nobody is asked. */
NF_RC nf_redis_check_url(const char *url, struct nf_err *err);

/* `self`: the instance's number; `channel`: of this installation. Fibers run in `scope`, until it
 * is cancelled. Redis need not be there. */
NF_RC nf_redis_bus_new(struct nf_loop *loop, const char *url, const char *channel, int64_t self,
                       struct nf_scope *scope, nf_bus_fn fn, void *arg, struct nf_bus **ret,
                       struct nf_err *err);
