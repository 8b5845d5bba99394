/* What people hear unasked, and what an adapter must still know after a restart. */
#include "application/present_approval.h"
#include "application/present_ref.h"
#include "application/tell_owners.h"
#include "base/own.h"
#include "channels/chat/chat_internal.h"

#include <string.h>

#define NOTES_PAGE 100

/* --- to one person ---------------------------------------------------------------------------- */

static NF_RC say_at(struct nf_chat_channel *c, const char *address, int64_t user_id,
                    const struct nf_notice *n, struct nf_err *err)
{
    struct nf_chat *chat = &c->chat.port;
    struct nf_chat_store *store = c->app->chats;
    char ref[NF_CHAT_REF_MAX + 1] = "";
    bool kept;
    int64_t part = nf_present_part(c->name, user_id);
    struct nf_id_text key = nf_id_to_text(nf_app_id(c->app));
    const struct nf_chat_post post = { .address = address,
                                       .markdown = n->markdown,
                                       .reply_to = "",
                                       .key = key.s,
                                       .buttons = n->buttons,
                                       .buttons_n = n->buttons_n };

    if (n->id)
        NF_TRY(nf_present_find(c->app, n->id, part, ref, err));
    if (ref[0]) { /* a message says it already */
        enum nf_code rc = chat->ops->edit(chat, &post, ref, err);
        if (rc != NF_E_NOT_FOUND)
            return rc;
        NF_TRY(store->ops->forget(store, n->id, part, ref, err));
    }
    NF_TRY(chat->ops->send(chat, &post, ref, err));
    return n->id ? nf_present_keep(c->app, chat, address, n->id, part, ref, &kept, err) : NF_OK;
}

static bool is_connected(struct nf_chat_channel *c)
{
    struct nf_chat_health h = { .state = NF_CHAT_CONNECTED };
    struct nf_chat *real = c->chat.real;
    if (real->ops->health)
        real->ops->health(real, &h);
    return h.state == NF_CHAT_CONNECTED || h.state == NF_CHAT_STANDBY;
}

enum nf_code nf_chat_reach(struct nf_chat_channel *c, int64_t user_id, const struct nf_notice *n,
                           struct nf_err *err)
{
    NF_CLEANUP(nf_identities_done) struct nf_identities all = { 0 };
    struct nf_user_store *users = c->app->users;
    struct nf_chat *chat = &c->chat.port;
    char address[NF_ADDRESS_MAX + 1];

    if (!is_connected(c))
        return nf_err_set(err, NF_E_UNAVAILABLE, "%s is not connected", c->name);
    NF_TRY(users->ops->identities(users, user_id, &all, err));
    (void)nf_err_set(err, NF_E_NOT_FOUND, "they have no account there");
    for (size_t i = 0; i < all.n; i++)
        if (strcmp(all.v[i].channel, c->network) == 0 &&
            chat->ops->home(chat, all.v[i].account, address, err) == NF_OK &&
            say_at(c, address, user_id, n, err) == NF_OK)
            return NF_OK;
    return err->code;
}

/* --- notes ------------------------------------------------------------------------------------ */

enum nf_code nf_chat_note(struct nf_chat_channel *c, const char *source, const char *name,
                          const char *value, int64_t ttl_ms, struct nf_err *err)
{
    struct nf_note_store *store = c->app->notes;
    return store->ops->put(store, source, name, value, nf_app_now(c->app) + ttl_ms, err);
}

enum nf_code nf_chat_notes(struct nf_chat_channel *c, const char *source, nf_chat_note_fn fn,
                           void *arg, struct nf_err *err)
{
    struct nf_note_store *store = c->app->notes;
    char after[NF_NOTE_NAME_MAX + 1] = "";
    for (;;) {
        NF_CLEANUP(nf_notes_done) struct nf_notes page = { 0 };
        NF_TRY(store->ops->list(store, source, after, nf_app_now(c->app), NOTES_PAGE, &page, err));
        for (size_t i = 0; i < page.n; i++)
            NF_TRY(fn(arg, &page.v[i], err));
        if (page.n < NOTES_PAGE)
            return NF_OK;
        memcpy(after, page.v[page.n - 1].name, sizeof(after));
    }
}

enum nf_code nf_chat_note_get(struct nf_chat_channel *c, const char *source, const char *name,
                              struct nf_note *ret, struct nf_err *err)
{
    struct nf_note_store *store = c->app->notes;
    return store->ops->get(store, source, name, nf_app_now(c->app), ret, err);
}

enum nf_code nf_chat_note_drop(struct nf_chat_channel *c, const char *source, const char *name,
                               struct nf_err *err)
{
    struct nf_note_store *store = c->app->notes;
    return store->ops->drop(store, source, name, err);
}

/* --- to the owners, once ----------------------------------------------------------------------
 */

/* In the frame of who tells. */
struct nf_chat_telling {
    const struct nf_chat_note_of *note;
    struct nf_chat_telling *next;
};

static bool is_being_told(const struct nf_chat_channel *c, const struct nf_chat_note_of *n)
{
    for (const struct nf_chat_telling *t = c->telling; t; t = t->next)
        if (strcmp(t->note->source, n->source) == 0 && strcmp(t->note->name, n->name) == 0)
            return true;
    return false;
}

static NF_RC tell_and_note(struct nf_chat_channel *c, const struct nf_notice *notice,
                           const struct nf_chat_note_of *n, struct nf_err *err)
{
    NF_CLEANUP(nf_note_done) struct nf_note told = { 0 };

    enum nf_code rc = nf_chat_note_get(c, n->source, n->name, &told, err);
    if (rc != NF_E_NOT_FOUND)
        return rc;
    NF_TRY(nf_tell_owners(c->app, notice, NULL, err));
    return nf_chat_note(c, n->source, n->name, n->value, n->ttl_ms, err);
}

enum nf_code nf_chat_tell_owners_once(struct nf_chat_channel *c, const struct nf_notice *notice,
                                      const struct nf_chat_note_of *n, struct nf_err *err)
{
    struct nf_chat_telling me = { .note = n, .next = c->telling }, **at = &c->telling;

    if (is_being_told(c, n))
        return NF_OK;
    c->telling = &me;
    enum nf_code rc = tell_and_note(c, notice, n, err);
    while (*at != &me)
        at = &(*at)->next;
    *at = me.next;
    return rc;
}
