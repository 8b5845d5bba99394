#include "channels/discord/places.h"

#include <stdlib.h>
#include <string.h>

#define uthash_fatal(msg) abort() /* replaced by HASH_NONFATAL_OOM: never called */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct entry {
    UT_hash_handle hh;
    struct nf_place place;
};

struct nf_places {
    struct entry *v; /* the longest untouched first */
};

enum nf_code nf_places_new(struct nf_places **ret, struct nf_err *err)
{
    *ret = calloc(1, sizeof(**ret));
    return *ret ? NF_OK : nf_err_set(err, NF_E_NOMEM, "out of memory");
}

static void forget(struct nf_places *p, struct entry *e)
{
    HASH_DEL(p->v, e);
    free(e);
}

void nf_places_free(struct nf_places *p)
{
    if (!p)
        return;
    while (p->v)
        forget(p, p->v);
    free(p);
}

static struct entry *find(struct nf_places *p, const char *id)
{
    struct entry *e = NULL;
    HASH_FIND_STR(p->v, id, e);
    return e;
}

struct nf_place *nf_places_find(struct nf_places *p, const char *id)
{
    struct entry *e = find(p, id);
    return e ? &e->place : NULL;
}

struct nf_place *nf_places_get(struct nf_places *p, const char *id)
{
    struct entry *e = find(p, id);
    if (e) { /* to the end of the order */
        HASH_DEL(p->v, e);
    } else {
        if (HASH_COUNT(p->v) >= NF_PLACES_MAX)
            forget(p, p->v);
        e = calloc(1, sizeof(*e));
        if (!e)
            return NULL;
        e->place.kind = NF_PLACE_UNKNOWN;
        memcpy(e->place.id, id, strnlen(id, NF_DISCORD_ID_MAX));
    }
    HASH_ADD_STR(p->v, place.id, e);
    if (!e->hh.tbl) { /* no memory to keep it in */
        free(e);
        return NULL;
    }
    return &e->place;
}

void nf_places_forget(struct nf_places *p, const char *id)
{
    struct entry *e = find(p, id);
    if (e)
        forget(p, e);
}

void nf_places_learn(struct nf_places *p, const struct nf_json *channel, const char *guild,
                     const char *self)
{
    char id[NF_DISCORD_ID_MAX + 1], owner[NF_DISCORD_ID_MAX + 1] = "";
    struct nf_place *place;

    if (!nf_discord_id(nf_json_get(channel, "id"), id) || !(place = nf_places_get(p, id)))
        return;
    place->kind = (int)nf_json_i64(nf_json_get(channel, "type"), place->kind);
    (void)nf_discord_id(nf_json_get(channel, "parent_id"), place->parent);
    if (!nf_discord_id(nf_json_get(channel, "guild_id"), place->guild) && guild)
        memcpy(place->guild, guild, strnlen(guild, NF_DISCORD_ID_MAX) + 1);
    (void)nf_discord_id(nf_json_get(channel, "last_message_id"), place->last);
    if (nf_discord_id(nf_json_get(channel, "owner_id"), owner))
        place->ours = nf_place_is_thread(place) && strcmp(owner, self) == 0;
}

bool nf_place_is_thread(const struct nf_place *p)
{
    return p->kind == NF_PLACE_NEWS_THREAD || p->kind == NF_PLACE_THREAD ||
           p->kind == NF_PLACE_PRIVATE_THREAD;
}

void nf_places_each(struct nf_places *p, bool (*fn)(void *arg, struct nf_place *place), void *arg)
{
    for (struct entry *e = p->v; e; e = e->hh.next)
        if (!fn(arg, &e->place))
            return;
}
