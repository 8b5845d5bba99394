/* Commands and buttons. What they ask for is committed first and acknowledged then, so that nobody
 * is left waiting for what a crash has swallowed. Discord wants its answer within 3 seconds
 * ("Interaction Callback"): where the commit takes longer it is acknowledged meanwhile, and a
 * command is known to the next start (kept.h). */
#include "application/commands.h"
#include "base/own.h"
#include "channels/discord/discord_internal.h"
#include "channels/discord/kept.h"
#include "channels/discord/post_body.h"
#include "observe/log.h"
#include "runtime/fiber.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT_ONCE_MAX 256 /* dealt with beside each other; more are refused by Discord's 3 s */
#define TRIES 4
#define AGAIN_MS 500 /* doubles */
#define SWEEP_MS 5000
#define LOADING (1 << 7) /* "Message Flags" */

struct job {
    struct nf_discord *d;
    struct nf_discord_interaction i;
    bool restored;
};

static void job_freep(struct job **j)
{
    if (!*j)
        return;
    nf_discord_interaction_done(&(*j)->i);
    free(*j);
}

/* --- commands --------------------------------------------------------------------------------- */

/* "Get Original Interaction Response": whether it still says that the bot is thinking. */
static bool still_thinking(struct nf_discord *d, const char *path)
{
    NF_CLEANUP(nf_rest_answer_done) struct nf_rest_answer a = { 0 };
    const struct nf_rest_call c = { .route = NF_REST_ORIGINAL_GET,
                                    .major = d->self.app,
                                    .path = path,
                                    .again = true,
                                    .secret_path = true };
    struct nf_err ignored;
    return nf_rest_do(d->rest, &c, &a, &ignored) == NF_OK &&
           (nf_json_i64(nf_json_get(a.body, "flags"), 0) & LOADING) != 0;
}

/* Take the place of the answer away. From before a restart there may be an answer in it. */
static void remove_original(struct nf_discord *d, const char *token, bool restored)
{
    NF_CLEANUP(nf_rest_answer_done) struct nf_rest_answer a = { 0 };
    char path[NF_DISCORD_PATH_MAX];
    const struct nf_rest_call c = { .route = NF_REST_ORIGINAL_DELETE,
                                    .major = d->self.app,
                                    .path = path,
                                    .again = true,
                                    .secret_path = true };
    struct nf_err ignored;

    (void)snprintf(path, sizeof(path), "/webhooks/%s/%s/messages/@original", d->self.app, token);
    if (restored && !still_thinking(d, path))
        return;
    if (nf_rest_do(d->rest, &c, &a, &ignored) != NF_OK)
        nf_log_debug("discord.interaction.left", "channel", d->chat.name, NULL);
}

static NF_RC receive(struct nf_discord *d, const struct nf_discord_interaction *i,
                     struct nf_err *err)
{
    char event[NF_DISCORD_ID_MAX + 2], chat[NF_DISCORD_ID_MAX + 1];
    const struct nf_place *p = nf_places_find(d->places, i->channel);
    const char *text = nf_str_c(&i->text), *arg = "";
    bool start = nf_command_of(text, &arg) == NF_COMMAND_START;

    (void)snprintf(event, sizeof(event), "i%s", i->id);
    memcpy(chat, p && nf_place_is_thread(p) && p->parent[0] ? p->parent : i->channel, sizeof(chat));
    const struct nf_chat_said said = { .source = d->source,
                                       .event_id = event,
                                       .account = i->user,
                                       .account_name = i->user_name,
                                       .lang = i->lang,
                                       .address = i->channel,
                                       .chat = chat,
                                       .direct = !i->guild[0],
                                       .addressed = true,
                                       .ref = event,
                                       .quote = "",
                                       .text = text,
                                       .start = start ? arg : NULL };
    return nf_chat_receive(d->channel, &said, err);
}

static NF_RC receive_again(struct nf_discord *d, const struct nf_discord_interaction *i,
                           struct nf_err *err)
{
    enum nf_code rc = NF_OK;
    for (int tries = 0; tries < TRIES; tries++) {
        rc = receive(d, i, err);
        if (rc == NF_OK || nf_fiber_cancelled() != NF_OK)
            return rc;
        NF_TRY(nf_sleep((int64_t)AGAIN_MS << tries, err));
    }
    return rc;
}

/* Nothing more will be said to it. */
static void let_go(struct nf_discord *d, const struct nf_discord_interaction *i, bool restored)
{
    nf_interactions_remove(d->interactions, i->id);
    remove_original(d, i->token, restored);
    nf_discord_unkeep(d, i->id);
}

/* It is waited for from now on: written down, and acknowledged in time. */
static void await(struct nf_discord *d, const struct nf_discord_interaction *i)
{
    struct nf_err err;
    struct nf_waiting_interaction *w = nf_interactions_add(d->interactions, i, nf_discord_mono());
    if (w)
        w->fiber = nf_fiber_current();
    nf_discord_watch(d, i->id);
    enum nf_code rc = nf_discord_keep(d, i, &err);
    if (rc != NF_OK)
        nf_log_warn("discord.interaction.unkept", "channel", d->chat.name, "err", err.msg, NULL);
    w = nf_interactions_find(d->interactions, i->id, nf_discord_mono());
    if (w)
        w->kept = rc == NF_OK;
}

static NF_RC run_command(struct nf_discord *d, const struct nf_discord_interaction *i,
                         bool restored, struct nf_err *err)
{
    struct nf_err why;
    bool late;

    if (!restored)
        await(d, i);
    enum nf_code rc = receive_again(d, i, &why);
    if (rc != NF_OK)
        nf_log_warn("discord.command.lost", "channel", d->chat.name, "err", why.msg, NULL);
    NF_TRY(nf_discord_acknowledge(d, i->id, &late, err));
    struct nf_waiting_interaction *w =
        nf_interactions_find(d->interactions, i->id, nf_discord_mono());
    if (!w)
        return NF_OK;
    w->fiber = NULL;
    bool silent = !w->answered && nf_command_of(nf_str_c(&i->text), NULL) == NF_COMMAND_STOP;
    if (silent || rc != NF_OK)
        let_go(d, i, restored);
    return NF_OK;
}

/* --- buttons ---------------------------------------------------------------------------------- */

/* "Create Followup Message", which one person sees. */
static void tell(struct nf_discord *d, const struct nf_discord_interaction *i, const char *words)
{
    NF_CLEANUP(nf_rest_answer_done) struct nf_rest_answer a = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str text = { 0 };
    char path[NF_DISCORD_PATH_MAX];
    struct nf_json_out o;
    struct nf_rest_call c = {
        .route = NF_REST_FOLLOW_UP, .major = d->self.app, .path = path, .secret_path = true
    };
    struct nf_err err;

    (void)snprintf(path, sizeof(path), "/webhooks/%s/%s", d->self.app, i->token);
    nf_json_begin_doc(&o, &text);
    nf_discord_out_follow_up(&o, words);
    if (nf_discord_call(d, &c, &o, &text, &a, &err) != NF_OK)
        nf_log_warn("discord.interaction.untold", "channel", d->chat.name, "err", err.msg, NULL);
}

static NF_RC press(struct nf_discord *d, const struct nf_discord_interaction *i, struct nf_err *err)
{
    char answer[NF_CHAT_ANSWER_MAX + 1] = "";
    struct nf_err why;
    bool late;

    if (nf_interactions_add(d->interactions, i, nf_discord_mono()))
        nf_discord_watch(d, i->id);
    enum nf_code rc = NF_OK;
    for (int tries = 0; tries < TRIES; tries++) {
        rc = nf_chat_pressed(d->channel, i->user, i->channel, i->data, answer, &why);
        if (rc == NF_OK || nf_fiber_cancelled() != NF_OK)
            break;
        NF_TRY(nf_sleep((int64_t)AGAIN_MS << tries, err));
    }
    NF_TRY(nf_discord_acknowledge(d, i->id, &late, err));
    if (rc != NF_OK)
        nf_log_warn("discord.button.lost", "channel", d->chat.name, "err", why.msg, NULL);
    else if (answer[0] && !late)
        tell(d, i, answer);
    return NF_OK;
}

/* --- in a fiber of its own -------------------------------------------------------------------- */

static enum nf_code run(void *arg, struct nf_err *err)
{
    NF_CLEANUP(job_freep) struct job *j = arg;
    struct nf_discord *d = j->d;
    enum nf_code rc = j->i.kind == NF_DISCORD_COMMAND ? run_command(d, &j->i, j->restored, err)
                                                      : press(d, &j->i, err);
    d->jobs--;
    return rc == NF_E_CANCELED ? NF_OK : rc;
}

/* *j is given away. */
static NF_RC start(struct nf_discord *d, struct job **j, struct nf_err *err)
{
    NF_TRY(nf_scope_spawn(d->jobs_scope, run, *j, NULL, err));
    d->jobs++;
    *j = NULL;
    return NF_OK;
}

NF_RC nf_discord_interact(struct nf_discord *d, const struct nf_json *v, struct nf_err *err)
{
    NF_CLEANUP(job_freep) struct job *j = calloc(1, sizeof(*j));
    struct nf_err why;

    if (!j)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    j->d = d;
    enum nf_code rc = nf_discord_interaction_read(v, &j->i, &why);
    if (rc == NF_OK && j->i.kind == NF_DISCORD_OTHER)
        return NF_OK;
    if (rc == NF_OK && d->jobs >= AT_ONCE_MAX)
        rc = nf_err_set(&why, NF_E_LIMIT, "%d are being dealt with", AT_ONCE_MAX);
    if (rc != NF_OK) {
        nf_log_warn("discord.interaction.unread", "channel", d->chat.name, "err", why.msg, NULL);
        return NF_OK;
    }
    if (nf_interactions_find(d->interactions, j->i.id, nf_discord_mono()))
        return NF_OK; /* told twice */
    nf_places_learn(d->places, nf_json_get(v, "channel"), j->i.guild[0] ? j->i.guild : NULL,
                    d->self.id);
    return start(d, &j, err);
}

/* --- what waits from before a restart --------------------------------------------------------- */

/* It is dealt with again: what was committed then is known, and not done twice. */
static enum nf_code again(struct nf_discord *d, struct nf_discord_interaction *i,
                          struct nf_err *err)
{
    NF_CLEANUP(job_freep) struct job *j = calloc(1, sizeof(*j));
    if (!j)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    j->d = d;
    j->i = nf_take(*i);
    j->restored = true;
    return start(d, &j, err);
}

static NF_RC sweep(struct nf_discord *d, struct nf_err *err)
{
    struct nf_waiting_interaction *w;
    while ((w = nf_interactions_over(d->interactions, nf_discord_mono())) != NULL) {
        char token[NF_DISCORD_TOKEN_MAX + 1];
        bool open = !w->answered && w->ack == NF_ACK_DONE, restored = w->restored;
        memcpy(token, w->token, sizeof(token));
        nf_interactions_remove(d->interactions, w->id);
        if (open) /* what is still to be said comes as a message */
            remove_original(d, token, restored);
        explicit_bzero(token, sizeof(token));
    }
    return nf_sleep(SWEEP_MS, err);
}

enum nf_code nf_discord_sweep(void *arg, struct nf_err *err)
{
    struct nf_discord *d = arg;
    struct nf_err why;
    if (nf_discord_each_kept(d, again, &why) != NF_OK)
        nf_log_warn("discord.interactions.unread", "channel", d->chat.name, "err", why.msg, NULL);
    for (;;)
        NF_TRY(sweep(d, err));
}
