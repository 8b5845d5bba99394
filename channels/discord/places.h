/*
 * What is known of Discord's channels: which are threads and of which channel, and how far each was
 * read. Filled from the gateway's events; bounded, the longest untouched is forgotten and can be
 * asked for again.
 */
#pragma once

#include "channels/discord/message.h"

#define NF_PLACES_MAX 65536

/* "Channel Types" */
enum nf_place_kind {
    NF_PLACE_UNKNOWN = -1,
    NF_PLACE_TEXT = 0,
    NF_PLACE_DM = 1,
    NF_PLACE_NEWS = 5,
    NF_PLACE_NEWS_THREAD = 10,
    NF_PLACE_THREAD = 11,
    NF_PLACE_PRIVATE_THREAD = 12,
};

struct nf_place {
    char id[NF_DISCORD_ID_MAX + 1];
    int kind; /* enum nf_place_kind, or what else there is */
    char parent[NF_DISCORD_ID_MAX + 1];
    char guild[NF_DISCORD_ID_MAX + 1];
    bool ours;                        /* a thread that we opened, */
    bool hinted;                      /* in which people know by now how to call us */
    char last[NF_DISCORD_ID_MAX + 1]; /* newest message that Discord told of; "" */
    char read[NF_DISCORD_ID_MAX + 1]; /* newest that was dealt with; "": not known */
    bool loaded;                      /* `read` was looked up */
    uint64_t generation, queued;      /* sessions in which it was, or is to be, caught up with */
};

struct nf_places;
NF_RC nf_places_new(struct nf_places **ret, struct nf_err *err);
void nf_places_free(struct nf_places *p); /* NULL is allowed */

/* NULL if it is not known. Valid until the next nf_places_get. */
struct nf_place *nf_places_find(struct nf_places *p, const char *id);
/* Add it unless it is there. NULL: no memory. */
struct nf_place *nf_places_get(struct nf_places *p, const char *id);
void nf_places_forget(struct nf_places *p, const char *id);

/* A "Channel Object", of GUILD_CREATE, THREAD_CREATE and so on. `guild` if the object has none. */
void nf_places_learn(struct nf_places *p, const struct nf_json *channel, const char *guild,
                     const char *self);

bool nf_place_is_thread(const struct nf_place *p);

/* Call fn for each until it returns false. It may not add or forget any. */
void nf_places_each(struct nf_places *p, bool (*fn)(void *arg, struct nf_place *place), void *arg);
