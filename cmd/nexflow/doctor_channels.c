/* The part of doctor that looks at the bots of chat networks. */
#include "cmd/nexflow/doctor.h"

#include <stdio.h>
#include <string.h>

/* "connected as @bot, heard 2026-...; last event 2026-...; 0 messages wait". */
static void describe(const struct nf_json *c, char *ret, size_t max)
{
    const char *bot = nf_cli_text(c, "bot_name"), *alive = nf_cli_text(c, "alive_at");
    const char *event = nf_cli_text(c, "event_at"), *problem = nf_cli_text(c, "problem");
    int64_t code = nf_json_i64(nf_json_get(c, "code"), 0);
    int64_t queue = nf_json_i64(nf_json_get(c, "queue"), 0);
    char failed[48] = "";
    if (code != 0)
        (void)snprintf(failed, sizeof(failed), ", last failure %lld", (long long)code);
    (void)snprintf(ret, max, "%s%s%s%s%s, heard %s, last event %s%s, %lld messages wait",
                   nf_cli_text(c, "state"), bot[0] ? " as " : "", bot, problem[0] ? ": " : "",
                   problem, alive[0] ? alive : "never", event[0] ? event : "none", failed,
                   (long long)queue);
}

static void check_channel(struct nf_doctor *d, const struct nf_json *c)
{
    bool deaf = nf_json_bool(nf_json_get(c, "deaf"), true);
    const char *state = nf_cli_text(c, "state"), *todo = nf_cli_text(c, "todo");
    bool well = strcmp(state, "connected") == 0 || strcmp(state, "standby") == 0;
    well = well && !nf_cli_text(c, "problem")[0]; /* a channel may forbid something all the same */
    char name[32], cause[400];
    (void)snprintf(name, sizeof(name), "channel %s", nf_cli_text(c, "name"));
    describe(c, cause, sizeof(cause));
    nf_doctor_note(d, name,
                   deaf   ? NF_DOCTOR_BROKEN
                   : well ? NF_DOCTOR_FINE
                          : NF_DOCTOR_WARNING,
                   cause, todo[0] ? todo : "see that this machine reaches the network");
}

void nf_doctor_check_channels(struct nf_doctor *d)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    struct nf_err err;
    if (nf_cli_call(d->cli, "GET", "/api/v1/channels", NULL, &doc, &err) != NF_OK) {
        nf_doctor_note(d, "channels", NF_DOCTOR_WARNING, err.msg,
                       "restart nexflowd: it is of another version than this program");
        return;
    }
    const struct nf_json *list = nf_json_get(nf_json_root(doc), "channels");
    for (const struct nf_json *c = nf_json_first(list); c; c = nf_json_next(c))
        check_channel(d, c);
}
