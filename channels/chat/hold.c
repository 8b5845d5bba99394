/* What a network gave us and is taken in later. */
#include "channels/chat/chat_internal.h"

enum nf_code nf_chat_hold(struct nf_chat_channel *c, const char *source, const struct nf_hold *v,
                          size_t n, size_t *held, struct nf_err *err)
{
    struct nf_chat_store *store = c->app->chats;
    if (c->app->intake_closed)
        return nf_err_set(err, NF_E_UNAVAILABLE, "Nexflow is shutting down");
    return store->ops->hold(store, source, v, n, nf_app_id(c->app), nf_app_now(c->app), held, err);
}

enum nf_code nf_chat_held(struct nf_chat_channel *c, const char *source, const char *lane,
                          size_t limit, struct nf_helds *ret, struct nf_err *err)
{
    struct nf_chat_store *store = c->app->chats;
    return store->ops->held(store, source, lane, limit, ret, err);
}

enum nf_code nf_chat_held_lanes(struct nf_chat_channel *c, const char *source, const char *after,
                                int64_t before_ms, size_t limit, struct nf_held_lanes *ret,
                                struct nf_err *err)
{
    struct nf_chat_store *store = c->app->chats;
    return store->ops->held_lanes(store, source, after, before_ms, limit, ret, err);
}

enum nf_code nf_chat_seal(struct nf_chat_channel *c, const char *source, const char *lane,
                          int64_t first, int64_t last, size_t n, struct nf_err *err)
{
    struct nf_chat_store *store = c->app->chats;
    return store->ops->seal(store, source, lane, first, last, n, err);
}

enum nf_code nf_chat_release(struct nf_chat_channel *c, const char *source, const char *lane,
                             int64_t first, struct nf_err *err)
{
    struct nf_chat_store *store = c->app->chats;
    return store->ops->release(store, source, lane, first, err);
}
