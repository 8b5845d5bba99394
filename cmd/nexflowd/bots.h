/* The bots of chat networks: built from the configuration, replaced when it changes, and told how
 * they are. */
#pragma once

#include "application/deps.h"
#include "channels/web/web.h"
#include "cmd/common/config.h"
#include "runtime/http_client.h"

#define NF_BOT_NAMES_MAX 48     /* names that bots may have had since the start */
#define NF_BOTS_REPLACED_MAX 64 /* bots that were removed or replaced since the start */

struct nf_bot;
struct nf_bot_lists;

/* Borrowed: loop, http, app. The zero value otherwise. */
struct nf_bot_wiring {
    struct nf_loop *loop;
    struct nf_http_client *http;
    struct nf_app *app;
    struct nf_bot *running, *replaced;
    size_t replaced_n;
    struct nf_bot_lists *old; /* settings that some bot still uses */
    struct nf_bot_gauge *gauges[NF_BOT_NAMES_MAX];
    size_t gauges_n;
    bool started;
};

/* Build the bots of *settings, which outlives them. Nothing connects yet. */
NF_RC nf_bot_wiring_build(struct nf_bot_wiring *w, const struct nf_bots *settings,
                          struct nf_err *err);
/* Let them read and write. */
NF_RC nf_bot_wiring_start(struct nf_bot_wiring *w, struct nf_err *err);

/* Bots whose settings differ from those in *live are closed, and *live's are built and started. All
 * that are the same go on. *old is what was in force: what is still in use moves out of it. What
 * cannot be done is said in *ignored, and needs a restart. One at a time. Suspends. */
NF_RC nf_bot_wiring_reload(struct nf_bot_wiring *w, const struct nf_bots *live, struct nf_bots *old,
                           struct nf_str *ignored, struct nf_err *err);

/* Read no more; what is written goes on. Suspends. */
void nf_bot_wiring_close(struct nf_bot_wiring *w);
/* Half-built is fine. Nobody may be writing to a channel. Suspends. */
void nf_bot_wiring_done(struct nf_bot_wiring *w);

/* For the page, doctor and /ready: see struct nf_web_facts. */
bool nf_bot_wiring_at(const struct nf_bot_wiring *w, size_t i, struct nf_web_bot *ret);
NF_RC nf_bot_wiring_say(const struct nf_bot_wiring *w, const char *channel, const char *account,
                        const char *markdown, struct nf_err *err);
/* Append a line for each bot that is deaf. */
NF_RC nf_bot_wiring_not_ready(const struct nf_bot_wiring *w, struct nf_str *reasons,
                              struct nf_err *err);
/* "channels" of GET /health. */
void nf_bot_wiring_health(const struct nf_bot_wiring *w, struct nf_json_out *o);
