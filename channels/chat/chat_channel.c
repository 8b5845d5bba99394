#include "channels/chat/chat_internal.h"

#include "base/own.h"
#include "observe/log.h"

#include <stdlib.h>
#include <string.h>

#define CURSORS_PAGE 500
#define PER_MINUTE 60 /* messages of a person, where no rules say otherwise */

static const struct nf_channel_ops channel_ops;

static struct nf_chat_channel *downcast(struct nf_channel *c)
{
    assert(c->ops == &channel_ops);
    return nf_container_of(c, struct nf_chat_channel, port);
}

enum nf_lang nf_chat_lang(struct nf_chat_channel *c, int64_t user_id)
{
    struct nf_user_store *store = c->app->users;
    struct nf_user u;
    struct nf_err ignored;
    if (store->ops->get(store, user_id, &u, &ignored) != NF_OK || u.lang == 0)
        return NF_LANG_EN;
    return u.lang;
}

/* --- out ---------------------------------------------------------------------------------------
 */

static void show(struct nf_channel *port, const struct nf_run_event *e)
{
    nf_chat_show(downcast(port), e);
}

static void drop(struct nf_channel *port, int64_t run_id)
{
    nf_chat_drop_run(downcast(port), run_id);
}

static enum nf_code deliver(struct nf_channel *port, const struct nf_outbox_item *item,
                            const struct nf_message *m, const struct nf_run_event *last,
                            struct nf_err *err)
{
    struct nf_chat_channel *c = downcast(port);
    struct nf_err why = { 0 };
    (void)last;
    nf_chat_end_run(c, item->run_id);
    enum nf_code rc =
        nf_present_reply(c->app, &c->chat.port, item, m, nf_chat_lang(c, item->user_id), &why);
    if (rc == NF_OK)
        return NF_OK;
    if (rc == NF_E_DENIED)
        nf_chat_lost(c, item->address, why.msg);
    else
        nf_log_warn("chat.deliver.failed", "channel", c->name, "chat", item->address, "code",
                    nf_code_name(rc), "err", why.msg, NULL);
    return nf_err_set(err, rc, "%s", why.msg);
}

static void approval(struct nf_channel *port, int64_t to, const struct nf_approval_request *r,
                     const struct nf_user *requester, bool yours)
{
    (void)requester, (void)yours; /* both may have changed when it goes out */
    nf_chat_ask(downcast(port), r->id, to);
}

static enum nf_code tell(struct nf_channel *port, const char *address, const char *markdown,
                         struct nf_err *err)
{
    struct nf_chat_channel *c = downcast(port);
    char ref[NF_CHAT_REF_MAX + 1];
    struct nf_id_text key = nf_id_to_text(nf_app_id(c->app));
    const struct nf_chat_post post = {
        .address = address, .markdown = markdown, .reply_to = "", .key = key.s
    };
    return c->chat.port.ops->send(&c->chat.port, &post, ref, err);
}

static enum nf_code reach(struct nf_channel *port, int64_t user_id, const struct nf_notice *n,
                          struct nf_err *err)
{
    return nf_chat_reach(downcast(port), user_id, n, err);
}

static const struct nf_channel_ops channel_ops = { .show = show,
                                                   .drop = drop,
                                                   .deliver = deliver,
                                                   .approval = approval,
                                                   .tell = tell,
                                                   .reach = reach };

/* --- how far the network was read, and by whom -------------------------------------------------
 */

enum nf_code nf_chat_skip(struct nf_chat_channel *c, const char *cursor_source, const char *cursor,
                          struct nf_err *err)
{
    struct nf_chat_store *store = c->app->chats;
    if (!cursor)
        return NF_OK;
    return store->ops->set_cursor(store, cursor_source, cursor, nf_app_now(c->app), err);
}

enum nf_code nf_chat_cursor(struct nf_chat_channel *c, const char *cursor_source,
                            char ret[NF_CURSOR_MAX + 1], struct nf_err *err)
{
    struct nf_chat_store *store = c->app->chats;
    return store->ops->cursor(store, cursor_source, ret, err);
}

enum nf_code nf_chat_cursors(struct nf_chat_channel *c, const char *prefix, nf_chat_cursor_fn fn,
                             void *arg, struct nf_err *err)
{
    struct nf_chat_store *store = c->app->chats;
    char after[NF_CURSOR_SOURCE_MAX + 1] = "";
    for (;;) {
        NF_CLEANUP(nf_cursors_done) struct nf_cursors page = { 0 };
        NF_TRY(store->ops->cursors(store, prefix, after, CURSORS_PAGE, &page, err));
        for (size_t i = 0; i < page.n; i++)
            NF_TRY(fn(arg, page.v[i].source, page.v[i].place, err));
        if (page.n < CURSORS_PAGE)
            return NF_OK;
        memcpy(after, page.v[page.n - 1].source, sizeof(after));
    }
}

enum nf_code nf_chat_lease(struct nf_chat_channel *c, const char *source, struct nf_err *err)
{
    struct nf_chat_store *store = c->app->chats;
    int64_t now = nf_app_now(c->app), fence;
    return store->ops->lease(store, source, c->app->owner, now + NF_CHAT_LEASE_MS, now, &fence,
                             err);
}

enum nf_code nf_chat_unlease(struct nf_chat_channel *c, const char *source, struct nf_err *err)
{
    struct nf_chat_store *store = c->app->chats;
    return store->ops->unlease(store, source, c->app->owner, err);
}

/* --- building ----------------------------------------------------------------------------------
 */

enum nf_code nf_chat_channel_new(const struct nf_chat_channel_options *o,
                                 struct nf_chat_channel **ret, struct nf_err *err)
{
    struct nf_session check;
    NF_TRY(nf_session_init(&check, 1, 1, o->name, "", 0, err));
    NF_TRY(nf_session_init(&check, 1, 1, o->network, "", 0, err));
    struct nf_chat_channel *c = calloc(1, sizeof(*c));
    if (!c)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    memcpy(c->name, o->name, strlen(o->name));
    memcpy(c->network, o->network, strlen(o->network));
    c->port = (struct nf_channel){ .ops = &channel_ops, .name = c->name, .resumable = true };
    c->scope = o->scope;
    c->app = o->app;
    c->rules = (struct nf_chat_rules){ .per_minute = PER_MINUTE };
    if (o->rules)
        c->rules = *o->rules;
    nf_counted_chat_init(&c->chat, o->chat, c->name);
    *ret = c;
    return NF_OK;
}

void nf_chat_channel_set_rules(struct nf_chat_channel *c, const struct nf_chat_rules *rules)
{
    c->rules = *rules;
}

void nf_chat_channel_free(struct nf_chat_channel *c)
{
    if (!c)
        return;
    nf_chat_free_runs(c);
    free(c);
}

struct nf_channel *nf_chat_channel_port(struct nf_chat_channel *c)
{
    return &c->port;
}
