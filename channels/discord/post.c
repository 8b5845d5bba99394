/* What goes out: messages, their edits and removal, files, typing. */
#include "application/words.h"
#include "base/own.h"
#include "base/utf8.h"
#include "channels/discord/attempt.h"
#include "channels/discord/kept.h"
#include "channels/discord/post_body.h"
#include "runtime/fiber.h"

#include <stdio.h>
#include <string.h>

#define EDIT_EVERY_MS 1500   /* about 5 edits in 5 s per channel are let through */
#define TYPING_EVERY_MS 8000 /* "Trigger Typing Indicator": it lasts 10 s */
#define PARTS_MAX 8          /* of NF_DISCORD_LINES_MAX lines each */
/* How a message is referred to: what it was made of decides how it can be edited. */
#define REF_V2 'v'        /* a message of components: "v123" */
#define REF_PRIVATE 'p'   /* seen by one person, edited by the interaction's token: "p<id>" */
#define REF_FOLLOW_UP 'f' /* seen by one person, and left as it is: "f<id>" */

static struct nf_discord *of(struct nf_chat *c)
{
    assert(c->ops == &nf_discord_chat_ops);
    return nf_container_of(c, struct nf_discord, chat);
}

static void caps(struct nf_chat *c, const char *address, struct nf_chat_caps *ret)
{
    (void)c;
    (void)address;
    *ret = (struct nf_chat_caps){ .edit_every_ms = EDIT_EVERY_MS,
                                  .typing_every_ms = TYPING_EVERY_MS,
                                  .parts_max = PARTS_MAX,
                                  .once = true };
}

static enum nf_code parts(struct nf_chat *c, const char *markdown, size_t *ret, struct nf_err *err)
{
    struct nf_discord *d = of(c);
    NF_TRY(nf_discord_render(d, markdown, err));
    *ret = nf_discord_parts_count(&d->rendered.parts);
    return NF_OK;
}

/* --- the answer to an interaction ------------------------------------------------------------- */

/* The interaction that this message answers first; NULL: none. */
static NF_RC answers(struct nf_discord *d, const struct nf_chat_post *p,
                     struct nf_waiting_interaction **ret, struct nf_err *err)
{
    struct nf_waiting_interaction *i = NULL;
    if (p->reply_to && p->reply_to[0] == 'i') {
        i = nf_interactions_find(d->interactions, p->reply_to + 1, nf_discord_mono());
        if (!i) /* from before a restart, or in another instance */
            NF_TRY(nf_discord_recall(d, p->reply_to + 1, &i, err));
    }
    if (!i)
        i = nf_interactions_of(d->interactions, nf_fiber_current());
    bool fits = i && !i->answered && strcmp(i->channel, p->address) == 0 && p->buttons_n == 0;
    *ret = fits ? i : NULL;
    return NF_OK;
}

static NF_RC edit_original(struct nf_discord *d, const struct nf_chat_post *p, const char *token,
                           struct nf_discord_attempt *t, struct nf_err *err)
{
    char path[NF_DISCORD_PATH_MAX];
    (void)snprintf(path, sizeof(path), "/webhooks/%s/%s/messages/@original", d->self.app, token);
    *t = (struct nf_discord_attempt){ .d = d,
                                      .post = p,
                                      .edit = true,
                                      .call = { .route = NF_REST_ORIGINAL,
                                                .major = d->self.app,
                                                .path = path,
                                                .again = true,
                                                .secret_path = true } };
    return nf_discord_attempt(t, err);
}

/* "Edit Original Interaction Response". *ref "": too late, it shall be a message. */
static NF_RC answer_interaction(struct nf_discord *d, const struct nf_chat_post *p,
                                struct nf_waiting_interaction *i, char ref[NF_CHAT_REF_MAX + 1],
                                struct nf_err *err)
{
    struct nf_discord_attempt t;
    char id[NF_DISCORD_ID_MAX + 1], token[NF_DISCORD_TOKEN_MAX + 1];
    bool private_answer = i->private_answer, late;

    memcpy(id, i->id, sizeof(id));
    memcpy(token, i->token, sizeof(token));
    i->answered = true;
    (void)snprintf(i->run, sizeof(i->run), "%.*s", (int)(p->key ? strcspn(p->key, ".") : 0),
                   p->key ? p->key : "");
    enum nf_code rc = nf_discord_acknowledge(d, id, &late, err);
    if (rc != NF_OK || late) {
        nf_interactions_remove(d->interactions, id);
        explicit_bzero(token, sizeof(token));
        ref[0] = '\0';
        return rc;
    }
    rc = edit_original(d, p, token, &t, err);
    explicit_bzero(token, sizeof(token));
    if (rc == NF_E_NOT_FOUND) {
        nf_interactions_remove(d->interactions, id);
        ref[0] = '\0';
        rc = NF_OK;
    } else if (rc != NF_OK) {
        i = nf_interactions_find(d->interactions, id, nf_discord_mono());
        if (i)
            i->answered = false;
    } else if (private_answer) {
        (void)snprintf(ref, NF_CHAT_REF_MAX + 1, "p%s", id);
    } else {
        rc = nf_discord_take_ref(&t.answer, false, ref, err);
    }
    nf_rest_answer_done(&t.answer);
    i = nf_interactions_find(d->interactions, id, nf_discord_mono());
    if (rc == NF_OK && i && i->answered)
        nf_discord_keep_answered(d, i);
    return rc;
}

/* --- the operations --------------------------------------------------------------------------- */

/* Discord's filters do not let the text through: the person hears that much. */
static NF_RC say_blocked(struct nf_discord *d, const struct nf_chat_post *p,
                         char ref[NF_CHAT_REF_MAX + 1], struct nf_err *err)
{
    char path[NF_DISCORD_PATH_MAX];
    struct nf_chat_post words = *p;
    char text[600]; /* nobody told us the person's language */
    (void)snprintf(text, sizeof(text), "%s\n\n%s", nf_word(NF_LANG_EN, NF_WORD_FILTERED),
                   nf_word(NF_LANG_RU, NF_WORD_FILTERED));
    words.markdown = text;
    words.part = 0;
    struct nf_discord_attempt t = { .d = d, .post = &words };
    t.call = (struct nf_rest_call){
        .route = NF_REST_SEND, .major = p->address, .path = path, .again = p->key && p->key[0]
    };
    (void)snprintf(path, sizeof(path), "/channels/%s/messages", p->address);
    enum nf_code rc = nf_discord_attempt(&t, err);
    if (rc == NF_OK)
        rc = nf_discord_take_ref(&t.answer, false, ref, err);
    nf_rest_answer_done(&t.answer);
    return rc;
}

/* What goes on from an answer that one person sees, only they see. "Create Followup Message" */
static NF_RC follow_up(struct nf_discord *d, const struct nf_chat_post *p,
                       const struct nf_waiting_interaction *i, char ref[NF_CHAT_REF_MAX + 1],
                       struct nf_err *err)
{
    char path[NF_DISCORD_PATH_MAX], id[NF_DISCORD_ID_MAX + 1];
    struct nf_discord_attempt t = { .d = d, .post = p, .follow_up = true };

    if (i->over)
        return nf_err_set(err, NF_E_NOT_FOUND, "the interaction is over");
    memcpy(id, i->id, sizeof(id));
    t.call = (struct nf_rest_call){
        .route = NF_REST_FOLLOW_UP, .major = d->self.app, .path = path, .secret_path = true
    };
    (void)snprintf(path, sizeof(path), "/webhooks/%s/%s", d->self.app, i->token);
    enum nf_code rc = nf_discord_attempt(&t, err);
    if (rc == NF_OK)
        (void)snprintf(ref, NF_CHAT_REF_MAX + 1, "%c%s", REF_FOLLOW_UP, id);
    struct nf_waiting_interaction *w = nf_interactions_find(d->interactions, id, nf_discord_mono());
    if (rc == NF_E_NOT_FOUND && w)
        w->over = true; /* "If a webhook returns a 404 you should not attempt to use it again" */
    nf_rest_answer_done(&t.answer);
    return rc;
}

static enum nf_code edit_message(struct nf_chat *c, const struct nf_chat_post *p, const char *ref,
                                 struct nf_err *err);

static enum nf_code send_message(struct nf_chat *c, const struct nf_chat_post *p,
                                 char ref[NF_CHAT_REF_MAX + 1], struct nf_err *err)
{
    struct nf_discord *d = of(c);
    char path[NF_DISCORD_PATH_MAX];
    struct nf_waiting_interaction *i;

    if (!nf_discord_is_id(p->address))
        return nf_err_set(err, NF_E_NOT_FOUND, "'%.40s' is no channel of Discord", p->address);
    NF_TRY(answers(d, p, &i, err));
    if (i) {
        NF_TRY(answer_interaction(d, p, i, ref, err));
        if (ref[0])
            return NF_OK;
    }
    i = nf_interactions_private(d->interactions, p->key, nf_discord_mono());
    if (i && p->buttons_n == 0 && strcmp(i->channel, p->address) == 0)
        return follow_up(d, p, i, ref, err);
    struct nf_discord_attempt t = { .d = d, .post = p };
    t.call = (struct nf_rest_call){ .route = NF_REST_SEND,
                                    .major = p->address,
                                    .path = path,
                                    .again = p->key && p->key[0],
                                    .interim = p->interim };
    (void)snprintf(path, sizeof(path), "/channels/%s/messages", p->address);
    enum nf_code rc = nf_discord_attempt(&t, err);
    if (rc == NF_OK)
        rc = nf_discord_take_ref(&t.answer, p->buttons_n > 0, ref, err);
    bool stale = rc == NF_OK && t.stale; /* what was shown before a crash, say */
    bool blocked = rc == NF_E_INVALID && (t.answer.code == 200000 || t.answer.code == 240000);
    nf_rest_answer_done(&t.answer);
    if (stale)
        return edit_message(c, p, ref, err);
    return blocked && !p->interim ? say_blocked(d, p, ref, err) : rc;
}

static NF_RC edit_private(struct nf_discord *d, const struct nf_chat_post *p, const char *id,
                          struct nf_err *err)
{
    struct nf_discord_attempt t;
    char token[NF_DISCORD_TOKEN_MAX + 1];
    struct nf_waiting_interaction *i = nf_interactions_find(d->interactions, id, nf_discord_mono());
    if (!i)
        return nf_err_set(err, NF_E_NOT_FOUND, "the interaction is over");
    memcpy(token, i->token, sizeof(token));
    enum nf_code rc = edit_original(d, p, token, &t, err);
    explicit_bzero(token, sizeof(token));
    nf_rest_answer_done(&t.answer);
    return rc;
}

static enum nf_code edit_message(struct nf_chat *c, const struct nf_chat_post *p, const char *ref,
                                 struct nf_err *err)
{
    struct nf_discord *d = of(c);
    char path[NF_DISCORD_PATH_MAX];
    bool v2 = ref[0] == REF_V2;
    const char *id = v2 ? ref + 1 : ref;

    if (ref[0] == REF_PRIVATE)
        return edit_private(d, p, ref + 1, err);
    if (ref[0] == REF_FOLLOW_UP)
        return NF_OK;
    if (!nf_discord_is_id(p->address) || !nf_discord_is_id(id))
        return nf_err_set(err, NF_E_NOT_FOUND, "'%.40s' is no message of Discord", ref);
    struct nf_discord_attempt t = { .d = d, .post = p, .edit = true, .v2 = v2 };
    t.call = (struct nf_rest_call){ .route = NF_REST_EDIT,
                                    .major = p->address,
                                    .path = path,
                                    .again = true,
                                    .interim = p->interim };
    (void)snprintf(path, sizeof(path), "/channels/%s/messages/%s", p->address, id);
    enum nf_code rc = nf_discord_attempt(&t, err);
    if (rc == NF_E_NOT_FOUND)
        nf_discord_deleted(d, p->address);
    nf_rest_answer_done(&t.answer);
    return rc;
}

static enum nf_code remove_message(struct nf_chat *c, const char *address, const char *ref,
                                   struct nf_err *err)
{
    NF_CLEANUP(nf_rest_answer_done) struct nf_rest_answer a = { 0 };
    char path[NF_DISCORD_PATH_MAX];
    const char *id = ref[0] == REF_V2 ? ref + 1 : ref;
    const struct nf_rest_call call = {
        .route = NF_REST_DELETE, .major = address, .path = path, .again = true
    };

    if (!nf_discord_is_id(address) ||
        !nf_discord_is_id(id)) /* what only one person sees goes by itself */
        return NF_OK;
    (void)snprintf(path, sizeof(path), "/channels/%s/messages/%s", address, id);
    enum nf_code rc = nf_rest_do(of(c)->rest, &call, &a, err);
    return rc == NF_E_NOT_FOUND ? NF_OK : rc;
}

static enum nf_code typing(struct nf_chat *c, const char *address, struct nf_err *err)
{
    NF_CLEANUP(nf_rest_answer_done) struct nf_rest_answer a = { 0 };
    char path[NF_DISCORD_PATH_MAX];
    const struct nf_rest_call call = {
        .route = NF_REST_TYPING, .major = address, .path = path, .again = true, .interim = true
    };

    if (!nf_discord_is_id(address))
        return nf_err_set(err, NF_E_NOT_FOUND, "'%.40s' is no channel of Discord", address);
    (void)snprintf(path, sizeof(path), "/channels/%s/typing", address);
    return nf_rest_do(of(c)->rest, &call, &a, err);
}

/* --- files ------------------------------------------------------------------------------------ */

static enum nf_code document(struct nf_chat *c, const struct nf_chat_post *p,
                             char ref[NF_CHAT_REF_MAX + 1], struct nf_err *err)
{
    NF_CLEANUP(nf_rest_answer_done) struct nf_rest_answer a = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str body = { .max = (size_t)4 * NF_REPLY_BYTES_MAX };
    struct nf_discord *d = of(c);
    char path[NF_DISCORD_PATH_MAX];

    if (!nf_discord_is_id(p->address))
        return nf_err_set(err, NF_E_NOT_FOUND, "'%.40s' is no channel of Discord", p->address);
    if (strstr(p->markdown, NF_DISCORD_BOUNDARY))
        return nf_err_set(err, NF_E_INVALID, "the text holds the mark that ends it");
    NF_TRY(nf_discord_write_form(p, &body, err));
    (void)snprintf(path, sizeof(path), "/channels/%s/messages", p->address);
    const struct nf_rest_call call = { .route = NF_REST_SEND,
                                       .major = p->address,
                                       .path = path,
                                       .body = nf_str_c(&body),
                                       .body_n = body.len,
                                       .again = p->key && p->key[0],
                                       .content_type =
                                           "multipart/form-data; boundary=" NF_DISCORD_BOUNDARY };
    enum nf_code rc = nf_rest_do(d->rest, &call, &a, err);
    if (rc != NF_OK)
        nf_discord_note_refusal(d, &a, p->address);
    return rc == NF_OK ? nf_discord_take_ref(&a, false, ref, err) : rc;
}

/* --- where ------------------------------------------------------------------------------------ */

/* "Create DM": the same channel each time. */
static enum nf_code home(struct nf_chat *c, const char *account, char address[NF_ADDRESS_MAX + 1],
                         struct nf_err *err)
{
    NF_CLEANUP(nf_rest_answer_done) struct nf_rest_answer a = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str text = { 0 };
    char id[NF_DISCORD_ID_MAX + 1];
    struct nf_json_out o;
    struct nf_rest_call call = {
        .route = NF_REST_OPEN_DM, .major = "", .path = "/users/@me/channels", .again = true
    };

    if (!nf_discord_is_id(account))
        return nf_err_set(err, NF_E_DENIED, "'%.40s' is no account of Discord", account);
    nf_json_begin_doc(&o, &text);
    nf_json_out_object(&o);
    nf_json_put_str(&o, "recipient_id", account);
    nf_json_out_end(&o);
    NF_TRY(nf_discord_call(of(c), &call, &o, &text, &a, err));
    if (!nf_discord_id(nf_json_get(a.body, "id"), id))
        return nf_err_set(err, NF_E_UNAVAILABLE, "Discord's answer has no id of the channel");
    memcpy(address, id, sizeof(id));
    return NF_OK;
}

static enum nf_code title(struct nf_chat *c, const char *address, const char *name,
                          struct nf_err *err)
{
    NF_CLEANUP(nf_rest_answer_done) struct nf_rest_answer a = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str text = { 0 };
    struct nf_discord *d = of(c);
    struct nf_place *place = nf_places_find(d->places, address);
    char path[NF_DISCORD_PATH_MAX], cut[101];
    struct nf_json_out o;
    /* Names may be changed twice in 10 minutes: this one is worth no wait. */
    struct nf_rest_call call = { .route = NF_REST_CHANNEL_EDIT,
                                 .major = address,
                                 .path = path,
                                 .again = true,
                                 .interim = true };

    if (!place || !place->ours)
        return NF_OK;
    nf_utf8_copy(cut, sizeof(cut), name);
    (void)snprintf(path, sizeof(path), "/channels/%s", address);
    nf_json_begin_doc(&o, &text);
    nf_json_out_object(&o);
    nf_json_put_str(&o, "name", cut);
    nf_json_out_end(&o);
    return nf_discord_call(d, &call, &o, &text, &a, err);
}

static void health(struct nf_chat *c, struct nf_chat_health *ret)
{
    struct nf_discord *d = of(c);
    *ret = d->health;
    ret->queue = nf_rest_waiting(d->rest);
    if (ret->state == NF_CHAT_CONNECTED && nf_discord_mono() >= d->complaint_ms)
        ret->problem[0] = ret->todo[0] = '\0';
    nf_discord_show_trouble(d, ret);
}

const struct nf_chat_ops nf_discord_chat_ops = { .caps = caps,
                                                 .parts = parts,
                                                 .send = send_message,
                                                 .edit = edit_message,
                                                 .remove = remove_message,
                                                 .document = document,
                                                 .typing = typing,
                                                 .health = health,
                                                 .home = home,
                                                 .title = title };
