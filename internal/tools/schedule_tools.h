/*
 * Tools that the daemon itself has: a model makes, lists and cancels schedules for the person that
 * it talks with. A decorator of the tools port: what is not ours is the next one's. A skill's tool
 * of the same name is hidden.
 *
 * A reminder is made as it is asked for. A question to a model is made paused: see
 * application/manage_schedules.h. Nobody else's schedules can be seen or cancelled from here.
 */
#pragma once

#include "application/deps.h"

/* Zero value and nf_schedule_tools_init. */
struct nf_schedule_tools {
    struct nf_tools port;
    struct nf_tools *next;   /* borrowed; NULL: there are no others */
    struct nf_app *app;      /* borrowed */
    struct nf_toolset *base; /* what the next one offered, a reference; NULL: nothing */
    struct nf_toolset *all;  /* that and ours */
};

void nf_schedule_tools_init(struct nf_schedule_tools *t, struct nf_app *app, struct nf_tools *next);
void nf_schedule_tools_done(struct nf_schedule_tools *t);
