/*
 * A bus as two fibers: one hears, one tells. Whatever carries the lines is a link of a few
 * operations; that it is lost, and made again with pauses that grow and are not the same for all,
 * is the same for every link.
 */
#pragma once

#include "persistence/bus_lines.h"
#include "runtime/fiber.h"

#define NF_BUS_LISTEN_MS 200 /* how long a fiber that was cancelled may take to see it */
#define NF_BUS_PAUSE_MS 250  /* before a lost link is made again; doubled each time, */
#define NF_BUS_PAUSE_MAX_MS 5000

struct nf_bus_pump;

/* All but `unlink_*` and `free` may suspend and fail; then the link is taken down and made again.
 */
struct nf_bus_link_ops {
    const char *name; /* in the log: "bus", "redis" */
    /* Begin to hear what others say from now on. */
    enum nf_code (*begin)(struct nf_bus_pump *p, struct nf_err *err);
    /* Wait up to NF_BUS_LISTEN_MS, and hand what came to nf_bus_pump_take. NF_OK also for nothing.
     */
    enum nf_code (*hear)(struct nf_bus_pump *p, struct nf_err *err);
    void (*unlink_hearing)(struct nf_bus_pump *p);
    /* Send all that nf_bus_pump_next gives, connecting first if need be. */
    enum nf_code (*send)(struct nf_bus_pump *p, struct nf_err *err);
    void (*unlink_sending)(struct nf_bus_pump *p);
    void (*free)(struct nf_bus_pump *p); /* what embeds it, and itself */
};

/* Embedded in a link's own struct. */
struct nf_bus_pump {
    struct nf_bus base;
    const struct nf_bus_link_ops *link;
    int64_t self; /* the instance's number */
    nf_bus_fn fn;
    void *arg;
    struct nf_bus_out out;
    struct nf_bus_in in;
    bool hearing;
    struct nf_wait *idle; /* of the fiber that tells, while there is nothing to tell */
    uint64_t lost;        /* lines */
    uint64_t reconnects;
};

void nf_bus_pump_init(struct nf_bus_pump *p, const struct nf_bus_link_ops *link, int64_t self,
                      nf_bus_fn fn, void *arg);
/* The fibers run in `scope`, until it is cancelled. */
NF_RC nf_bus_pump_start(struct nf_bus_pump *p, struct nf_scope *scope, struct nf_err *err);
/* Before `free` of the link; its fibers have ended. */
void nf_bus_pump_done(struct nf_bus_pump *p);

/* For a link: a piece that came, and the next one to send (bus_lines.h). */
void nf_bus_pump_take(struct nf_bus_pump *p, const char *piece, size_t n);
bool nf_bus_pump_next(struct nf_bus_pump *p, size_t max, struct nf_str *piece);

/* A pause before something is tried again: waits *ms, more or less a quarter, and doubles it up to
 * `max`. */
NF_RC nf_bus_back_off(int64_t *ms, int64_t max, struct nf_err *err);
