/* Skills in the daemon: their processes, files, and what they may ask. */
#pragma once

#include "application/deps.h"
#include "codec/json.h"
#include "persistence/stores.h"
#include "skills/broker.h"
#include "skills/catalogue.h"
#include "skills/tools.h"
#include "skills/warden.h"

struct nf_skill_wiring {
    const struct nf_skill_settings *settings; /* borrowed, as all that we are given */
    struct nf_app *app;
    struct nf_str data_dir, dir, bundled_dir;
    struct nf_executor *files, *sessions; /* `sessions` has one thread: see workspace.h */
    struct nf_skill_logs *logs;
    struct nf_workspaces *workspaces;
    struct nf_http_client *http;
    struct nf_catalogue *catalogue;
    struct nf_warden *warden; /* NULL: see why */
    struct nf_err why;
    struct nf_broker_deps deps;
    struct nf_skill_tools *tools;
    bool bundled; /* what comes with the program was seen to */
};

/* Begin to start the process of skills, which finds out what the kernel gives while the rest is
 * built. *app may still be empty. That none can be started is logged and told to whoever calls a
 * skill, and is no failure. */
void nf_skill_wiring_start(struct nf_skill_wiring *s, struct nf_loop *loop, struct nf_app *app,
                           const struct nf_skill_settings *settings);
/* Build all of it, look up what is installed, and give *app its tools. Suspends. */
NF_RC nf_skill_wiring_build(struct nf_skill_wiring *s, struct nf_loop *loop, const char *data_dir,
                            struct nf_err *err);

/* Install what comes with the program if some of it never was, so that it is there for who is told
 * that we are ready. To look at what is there already has time until then: `run` does it. What
 * fails is logged. Suspends. */
void nf_skill_wiring_begin(struct nf_skill_wiring *s);

/* The fiber of skills, a struct nf_skill_wiring as its argument: sees to what comes with the
 * program, then writes what skills log. */
enum nf_code nf_skill_wiring_run(void *arg, struct nf_err *err);

/* "sandbox" of GET /health. */
void nf_skill_wiring_health(const struct nf_skill_wiring *s, struct nf_json_out *o);

/* Half-built is fine. Suspends. */
void nf_skill_wiring_done(struct nf_skill_wiring *s);
