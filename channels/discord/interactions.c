#include "channels/discord/interactions.h"

#include <stdlib.h>
#include <string.h>

#define uthash_fatal(msg) abort() /* replaced by HASH_NONFATAL_OOM: never called */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct entry {
    UT_hash_handle hh;
    struct nf_waiting_interaction i;
};

struct nf_interactions {
    struct entry *v; /* the oldest first */
};

enum nf_code nf_interactions_new(struct nf_interactions **ret, struct nf_err *err)
{
    *ret = calloc(1, sizeof(**ret));
    return *ret ? NF_OK : nf_err_set(err, NF_E_NOMEM, "out of memory");
}

static void forget(struct nf_interactions *s, struct entry *e)
{
    HASH_DEL(s->v, e);
    explicit_bzero(e, sizeof(*e));
    free(e);
}

void nf_interactions_free(struct nf_interactions *s)
{
    if (!s)
        return;
    while (s->v)
        forget(s, s->v);
    free(s);
}

static struct entry *find(struct nf_interactions *s, const char *id)
{
    struct entry *e = NULL;
    HASH_FIND_STR(s->v, id, e);
    return e;
}

struct nf_waiting_interaction *nf_interactions_add(struct nf_interactions *s,
                                                   const struct nf_discord_interaction *i,
                                                   int64_t now_ms)
{
    struct entry *e = find(s, i->id);
    if (e)
        return &e->i;
    if (HASH_COUNT(s->v) >= NF_INTERACTIONS_MAX)
        forget(s, s->v);
    e = calloc(1, sizeof(*e));
    if (!e)
        return NULL;
    memcpy(e->i.id, i->id, sizeof(e->i.id));
    memcpy(e->i.channel, i->channel, sizeof(e->i.channel));
    memcpy(e->i.token, i->token, sizeof(e->i.token));
    e->i.since_ms = now_ms;
    e->i.private_answer = i->guild[0] != '\0';
    e->i.lang = nf_lang_of(i->lang);
    e->i.pressed = e->i.answered = i->kind == NF_DISCORD_PRESSED;
    HASH_ADD_STR(s->v, i.id, e);
    if (!e->hh.tbl) { /* no memory to keep it in */
        free(e);
        return NULL;
    }
    return &e->i;
}

struct nf_waiting_interaction *nf_interactions_find(struct nf_interactions *s, const char *id,
                                                    int64_t now_ms)
{
    struct entry *e = find(s, id);
    return e && now_ms - e->i.since_ms < NF_INTERACTION_MS ? &e->i : NULL;
}

struct nf_waiting_interaction *nf_interactions_of(struct nf_interactions *s,
                                                  const struct nf_fiber *f)
{
    for (struct entry *e = s->v; e && f; e = e->hh.next)
        if (e->i.fiber == f)
            return &e->i;
    return NULL;
}

struct nf_waiting_interaction *nf_interactions_private(struct nf_interactions *s, const char *key,
                                                       int64_t now_ms)
{
    size_t n = key ? strcspn(key, ".") : 0;
    for (struct entry *e = s->v; e && n > 0 && n < sizeof(e->i.run); e = e->hh.next)
        if (e->i.private_answer && strlen(e->i.run) == n && strncmp(e->i.run, key, n) == 0 &&
            now_ms - e->i.since_ms < NF_INTERACTION_MS)
            return &e->i;
    return NULL;
}

void nf_interactions_remove(struct nf_interactions *s, const char *id)
{
    struct entry *e = find(s, id);
    if (e)
        forget(s, e);
}

struct nf_waiting_interaction *nf_interactions_over(struct nf_interactions *s, int64_t now_ms)
{
    return s->v && now_ms - s->v->i.since_ms >= NF_INTERACTION_MS ? &s->v->i : NULL;
}
