/* Tells the owners, through bots that are well, of one that only a person can help, and of people
 * who wait to be let in. */
#pragma once

#include "cmd/nexflowd/bots.h"

#define NF_BOT_ALARM_MS 5000 /* between two looks */

/* Borrowed: bots, app. The zero value otherwise. */
struct nf_bot_alarm {
    const struct nf_bot_wiring *bots;
    struct nf_app *app;
    char told[NF_BOT_NAMES_MAX][NF_CHANNEL_MAX + 1]; /* of these they know */
    size_t told_n;
    int64_t seen; /* the newest request to be let in that was looked at */
};

/* A fiber's function, with a struct nf_bot_alarm as its argument: until it is cancelled. */
enum nf_code nf_bot_alarm_run(void *arg, struct nf_err *err);
