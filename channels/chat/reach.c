/* Chats that the network does not let us write to, until somebody writes from there. */
#include "base/own.h"
#include "channels/chat/chat_internal.h"
#include "codec/hash.h"
#include "observe/log.h"

#include <string.h>

/* Kept in memory so that not every message costs a look-up: what is forgotten when there are too
 * many is cleared when the network says so. */
static uint64_t key_of(const char *address)
{
    uint8_t digest[32];
    uint64_t key;
    nf_sha256(address, strlen(address), digest);
    memcpy(&key, digest, sizeof(key));
    return key;
}

static uint64_t *find(struct nf_chat_channel *c, uint64_t key)
{
    for (size_t i = 0; i < c->unreachable_n; i++)
        if (c->unreachable[i] == key)
            return &c->unreachable[i];
    return NULL;
}

static void remember(struct nf_chat_channel *c, const char *address)
{
    uint64_t key = key_of(address);
    if (find(c, key))
        return;
    if (c->unreachable_n == NF_CHAT_UNREACHABLE_MAX)
        memmove(c->unreachable, c->unreachable + 1, --c->unreachable_n * sizeof(c->unreachable[0]));
    c->unreachable[c->unreachable_n++] = key;
}

static NF_RC read_all(struct nf_chat_channel *c, struct nf_err *err)
{
    NF_CLEANUP(nf_unreachables_done) struct nf_unreachables list = { 0 };
    struct nf_chat_store *store = c->app->chats;
    if (c->unreachable_read)
        return NF_OK;
    NF_TRY(store->ops->unreachable(store, c->name, "", NF_CHAT_UNREACHABLE_MAX, &list, err));
    for (size_t i = 0; i < list.n; i++)
        remember(c, list.v[i].address);
    c->unreachable_read = true;
    return NF_OK;
}

static NF_RC mark(struct nf_chat_channel *c, const char *address, const char *why,
                  struct nf_err *err)
{
    struct nf_chat_store *store = c->app->chats;
    NF_TRY(store->ops->set_unreachable(store, c->name, address, why, nf_app_now(c->app), err));
    if (why) {
        remember(c, address);
        return NF_OK;
    }
    uint64_t *there = find(c, key_of(address));
    if (there)
        *there = c->unreachable[--c->unreachable_n];
    return NF_OK;
}

void nf_chat_lost(struct nf_chat_channel *c, const char *address, const char *why)
{
    struct nf_err err;
    nf_log_warn("chat.unreachable", "channel", c->name, "chat", address, "err", why, NULL);
    if (mark(c, address, why, &err) != NF_OK)
        nf_log_warn("chat.unwritten", "channel", c->name, "err", err.msg, NULL);
}

void nf_chat_found(struct nf_chat_channel *c, const char *address)
{
    struct nf_err err;
    enum nf_code rc = read_all(c, &err);
    if (rc == NF_OK && find(c, key_of(address)))
        rc = mark(c, address, NULL, &err);
    if (rc != NF_OK)
        nf_log_warn("chat.unwritten", "channel", c->name, "err", err.msg, NULL);
}

enum nf_code nf_chat_reachable(struct nf_chat_channel *c, const char *address, bool yes,
                               const char *why, struct nf_err *err)
{
    return mark(c, address, yes ? NULL : why, err);
}

enum nf_code nf_chat_moved(struct nf_chat_channel *c, const char *from, const char *to,
                           struct nf_err *err)
{
    struct nf_chat_store *store = c->app->chats;
    if (from[0] == '\0' || to[0] == '\0' || strlen(to) > NF_ADDRESS_MAX / 2)
        return nf_err_set(err, NF_E_INVALID, "'%.32s' is no address of a chat", to);
    nf_log_info("chat.moved", "channel", c->name, "from", from, "to", to, NULL);
    return store->ops->move(store, c->name, from, to, err);
}
