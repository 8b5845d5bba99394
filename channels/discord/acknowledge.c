/* Interactions are acknowledged within Discord's 3 seconds ("Interaction Callback"): when what they
 * ask for is committed, or when that takes too long. */
#include "application/words.h"
#include "base/own.h"
#include "channels/discord/discord_internal.h"
#include "channels/discord/post_body.h"
#include "observe/log.h"
#include "runtime/fiber.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ACK_BY_MS 2000     /* however long the commit takes */
#define ACK_LOOK_MS 10     /* while another fiber acknowledges */
#define CALLBACK_MS 2800   /* of the 3 s */
#define EPHEMERAL (1 << 6) /* "Message Flags" */

/* "Interaction Callback Type" */
enum { MESSAGE = 4, DEFERRED_MESSAGE = 5, DEFERRED_UPDATE = 6 };

/* What a crash would leave waiting for ever is not deferred: it is answered, for now. */
static int type_of(const struct nf_waiting_interaction *w)
{
    if (w->pressed)
        return DEFERRED_UPDATE;
    return w->kept ? DEFERRED_MESSAGE : MESSAGE;
}

static void out_callback(struct nf_json_out *o, const struct nf_waiting_interaction *w)
{
    int type = type_of(w);
    nf_json_out_object(o);
    nf_json_put_i64(o, "type", type);
    if (type == MESSAGE || (type == DEFERRED_MESSAGE && w->private_answer)) {
        nf_json_out_key(o, "data");
        nf_json_out_object(o);
        if (type == MESSAGE) {
            nf_json_put_str(o, "content", nf_word(w->lang, NF_WORD_SLOW));
            nf_discord_out_mentions(o);
        }
        if (w->private_answer) /* what concerns one person only they see */
            nf_json_put_i64(o, "flags", EPHEMERAL);
        nf_json_out_end(o);
    }
    nf_json_out_end(o);
}

/* A code: 0 it was taken, or was before; else it is too late. */
static NF_RC call_back(struct nf_discord *d, const struct nf_waiting_interaction *w, bool *late,
                       struct nf_err *err)
{
    NF_CLEANUP(nf_rest_answer_done) struct nf_rest_answer a = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str text = { 0 };
    char path[NF_DISCORD_PATH_MAX];
    struct nf_json_out o;
    struct nf_rest_call c = { .route = NF_REST_CALLBACK,
                              .major = "",
                              .path = path,
                              .again = true,
                              .secret_path = true,
                              .patience_ms = CALLBACK_MS };
    struct nf_err why;

    (void)snprintf(path, sizeof(path), "/interactions/%s/%s/callback", w->id, w->token);
    nf_json_begin_doc(&o, &text);
    out_callback(&o, w);
    enum nf_code rc = nf_discord_call(d, &c, &o, &text, &a, &why);
    *late = rc != NF_OK && a.code != 40060;
    if (rc == NF_E_CANCELED)
        return nf_err_set(err, rc, "%s", why.msg);
    if (*late)
        nf_log_warn("discord.interaction.late", "channel", d->chat.name, "err", why.msg, NULL);
    return NF_OK;
}

NF_RC nf_discord_acknowledge(struct nf_discord *d, const char *id, bool *late, struct nf_err *err)
{
    struct nf_waiting_interaction *w;

    *late = true;
    while ((w = nf_interactions_find(d->interactions, id, nf_discord_mono())) != NULL &&
           w->ack == NF_ACK_UNDERWAY)
        NF_TRY(nf_sleep(ACK_LOOK_MS, err));
    if (!w)
        return NF_OK;
    *late = w->ack == NF_ACK_LATE;
    if (w->ack != NF_ACK_NONE)
        return NF_OK;
    w->ack = NF_ACK_UNDERWAY;
    struct nf_waiting_interaction as_it_is = *w;
    enum nf_code rc = call_back(d, &as_it_is, late, err);
    explicit_bzero(as_it_is.token, sizeof(as_it_is.token));
    w = nf_interactions_find(d->interactions, id, nf_discord_mono());
    if (w)
        w->ack = rc == NF_OK && !*late ? NF_ACK_DONE : NF_ACK_LATE;
    return rc;
}

struct watch {
    struct nf_discord *d;
    char id[NF_DISCORD_ID_MAX + 1];
};

static enum nf_code watch(void *arg, struct nf_err *err)
{
    NF_CLEANUP(nf_freep) struct watch *w = arg;
    bool late;
    if (nf_sleep(ACK_BY_MS, err) != NF_OK ||
        nf_discord_acknowledge(w->d, w->id, &late, err) != NF_OK)
        return NF_OK;
    return NF_OK;
}

/* Without memory for it, the commit must be fast. */
void nf_discord_watch(struct nf_discord *d, const char *id)
{
    struct nf_err err;
    struct watch *w = calloc(1, sizeof(*w));
    if (!w)
        return;
    w->d = d;
    (void)snprintf(w->id, sizeof(w->id), "%s", id);
    if (nf_scope_spawn(d->jobs_scope, watch, w, NULL, &err) == NF_OK)
        return;
    nf_log_warn("discord.interaction.unwatched", "channel", d->chat.name, "err", err.msg, NULL);
    free(w);
}
