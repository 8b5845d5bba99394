#include "channels/discord/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define uthash_fatal(msg) abort() /* replaced by HASH_NONFATAL_OOM: never called */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define KEY_MAX 128   /* bytes: hash or route, and the resource */
#define UNKNOWN_MS 20 /* until a bucket that nobody knows yet is asked about again */
#define LATER_MS 50   /* added to a reset: their clock is not ours */
#define DAY_MS 86400000

struct nf_limits_bucket {
    UT_hash_handle hh;
    char key[KEY_MAX];
    bool known;
    int64_t limit, remaining, reset_ms;
    int64_t under_way;
};

struct nf_limits {
    char hashes[NF_LIMITS_ROUTES][NF_LIMITS_HASH_MAX + 1]; /* of routes; "": not told yet */
    struct nf_limits_bucket *buckets;                      /* the longest unused first */
    size_t per_second;
    size_t under_way;  /* requests that count for all */
    int64_t *ended_ms; /* a ring of so many: when the newest ended */
    size_t ended_at;   /* the oldest, which is written next */
    int64_t pause_ms;  /* nothing before */
    int64_t refused_since_ms;
    int refused;
};

enum nf_code nf_limits_new(int64_t per_second, struct nf_limits **ret, struct nf_err *err)
{
    struct nf_limits *l = calloc(1, sizeof(*l));
    assert(per_second >= 1 && per_second <= NF_LIMITS_GLOBAL_MAX);
    if (!l)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    l->per_second = (size_t)per_second;
    l->ended_ms = calloc(l->per_second, sizeof(*l->ended_ms));
    if (!l->ended_ms) {
        free(l);
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    }
    for (size_t i = 0; i < l->per_second; i++)
        l->ended_ms[i] = INT64_MIN / 2;
    *ret = l;
    return NF_OK;
}

static void forget(struct nf_limits *l, struct nf_limits_bucket *b)
{
    HASH_DEL(l->buckets, b);
    free(b);
}

void nf_limits_free(struct nf_limits *l)
{
    if (!l)
        return;
    while (l->buckets)
        forget(l, l->buckets);
    free(l->ended_ms);
    free(l);
}

size_t nf_limits_buckets(const struct nf_limits *l)
{
    return HASH_COUNT(l->buckets);
}

static void write_key(const struct nf_limits *l, const struct nf_limits_key *k, char ret[KEY_MAX])
{
    assert(k->route >= 0 && k->route < NF_LIMITS_ROUTES);
    if (l->hashes[k->route][0])
        (void)snprintf(ret, KEY_MAX, "%s/%.40s", l->hashes[k->route], k->major);
    else
        (void)snprintf(ret, KEY_MAX, "#%d/%.40s", k->route, k->major);
}

static struct nf_limits_bucket *find(struct nf_limits *l, const char *key)
{
    struct nf_limits_bucket *b = NULL;
    HASH_FIND_STR(l->buckets, key, b);
    return b;
}

/* Room for one more: of those without a request under way the longest unused. */
static void make_room(struct nf_limits *l)
{
    /* NOLINTBEGIN(clang-analyzer-unix.Malloc): the list that uthash keeps is beyond it */
    for (struct nf_limits_bucket *b = l->buckets, *next; b; b = next) {
        next = b->hh.next;
        if (b->under_way == 0 && HASH_COUNT(l->buckets) >= NF_LIMITS_BUCKETS_MAX)
            forget(l, b);
        if (HASH_COUNT(l->buckets) < NF_LIMITS_BUCKETS_MAX)
            return;
    }
    /* NOLINTEND(clang-analyzer-unix.Malloc) */
}

/* NULL: no memory; then the request goes out unbounded by its bucket. */
static struct nf_limits_bucket *find_or_add(struct nf_limits *l, const char *key)
{
    struct nf_limits_bucket *b = find(l, key);
    if (b && b->under_way > 0) /* it cannot go, and others hold it */
        return b;
    if (b) { /* to the end of the order */
        HASH_DEL(l->buckets, b);
    } else {
        make_room(l);
        b = calloc(1, sizeof(*b));
        if (!b)
            return NULL;
        memcpy(b->key, key, strlen(key) + 1);
    }
    HASH_ADD_STR(l->buckets, key, b);
    if (!b->hh.tbl) { /* no memory to keep it in */
        free(b);
        return NULL;
    }
    return b;
}

/* Discord counts a request at some time between ours of sending it and of its end. So its place is
 * free again a second after its end: however long requests are on their way, and however they bunch
 * up there, Discord never sees more of them in a second. */
static int64_t wait_global(const struct nf_limits *l, int64_t now_ms)
{
    if (l->under_way >= l->per_second)
        return UNKNOWN_MS;
    size_t room = l->per_second - l->under_way;
    int64_t ended = l->ended_ms[(l->ended_at + l->per_second - room) % l->per_second];
    int64_t since = now_ms - ended;
    return since < NF_LIMITS_SECOND_MS ? NF_LIMITS_SECOND_MS - since : 0;
}

static void end_global(struct nf_limits *l, int64_t now_ms)
{
    if (l->under_way > 0)
        l->under_way--;
    l->ended_ms[l->ended_at] = now_ms;
    l->ended_at = (l->ended_at + 1) % l->per_second;
}

static int64_t wait_bucket(struct nf_limits_bucket *b, int64_t now_ms)
{
    if (!b->known)
        return b->under_way > 0 ? UNKNOWN_MS : 0;
    if (now_ms >= b->reset_ms && b->remaining < b->limit - b->under_way)
        b->remaining = b->limit - b->under_way;
    if (b->remaining > 0)
        return 0;
    return b->reset_ms > now_ms ? b->reset_ms - now_ms : UNKNOWN_MS;
}

int64_t nf_limits_take(struct nf_limits *l, struct nf_limits_key *k, int64_t now_ms)
{
    char key[KEY_MAX];

    if (l->refused >= NF_LIMITS_REFUSED_MAX) {
        int64_t end = l->refused_since_ms + NF_LIMITS_REFUSED_MS;
        if (now_ms < end)
            return end - now_ms;
        l->refused = 0;
    }
    if (!k->free && now_ms < l->pause_ms)
        return l->pause_ms - now_ms;
    if (!k->free && wait_global(l, now_ms) > 0)
        return wait_global(l, now_ms);
    write_key(l, k, key);
    struct nf_limits_bucket *b = find_or_add(l, key);
    if (b) {
        int64_t wait = wait_bucket(b, now_ms);
        if (wait > 0)
            return wait;
        b->remaining--;
        b->under_way++;
    }
    k->taken = b;
    l->under_way += !k->free;
    return 0;
}

void nf_limits_give_back(struct nf_limits *l, struct nf_limits_key *k)
{
    struct nf_limits_bucket *b = k->taken;

    k->taken = NULL;
    if (b) {
        b->under_way--;
        b->remaining++;
    }
    if (!k->free && l->under_way > 0)
        l->under_way--;
}

static void count_refused(struct nf_limits *l, const struct nf_limits_told *t, int64_t now_ms)
{
    if (t->status != 401 && t->status != 403 && t->status != 429)
        return;
    if (t->status == 429 && t->shared) /* "not counted against you" */
        return;
    if (now_ms - l->refused_since_ms >= NF_LIMITS_REFUSED_MS) {
        l->refused_since_ms = now_ms;
        l->refused = 0;
    }
    l->refused++;
}

static void learn(struct nf_limits_bucket *b, const struct nf_limits_told *t, int64_t now_ms)
{
    if (t->status == 429 && !t->global) {
        b->known = true;
        b->limit = t->limit > 0 ? t->limit : b->limit > 0 ? b->limit : 1;
        b->remaining = 0;
        b->reset_ms = now_ms + t->retry_after_ms + LATER_MS;
    } else if (t->limit > 0 && t->reset_after_ms >= 0) {
        b->known = true;
        b->limit = t->limit;
        b->remaining = t->remaining - b->under_way; /* it has not counted those yet */
        b->reset_ms = now_ms + t->reset_after_ms + LATER_MS;
    }
}

void nf_limits_done(struct nf_limits *l, struct nf_limits_key *k, const struct nf_limits_told *t,
                    int64_t now_ms)
{
    struct nf_limits_bucket *b = k->taken;
    char key[KEY_MAX];

    count_refused(l, t, now_ms);
    if (!k->free)
        end_global(l, now_ms);
    if (t->global && t->status == 429 && now_ms + t->retry_after_ms > l->pause_ms)
        l->pause_ms = now_ms + t->retry_after_ms + LATER_MS;
    k->taken = NULL;
    if (b)
        b->under_way--;
    size_t n = t->bucket ? strnlen(t->bucket, NF_LIMITS_HASH_MAX + 1) : 0;
    if (n > 0 && n <= NF_LIMITS_HASH_MAX) {
        memcpy(l->hashes[k->route], t->bucket, n + 1); /* from now on by its name */
        write_key(l, k, key);
        b = find_or_add(l, key);
    }
    if (b)
        learn(b, t, now_ms);
}

int64_t nf_limits_seconds(const char *text)
{
    char *end;
    if (!text || text[0] < '0' || text[0] > '9')
        return -1;
    double seconds = strtod(text, &end);
    if (*end != '\0' || !(seconds >= 0) || seconds > (double)DAY_MS)
        return -1;
    int64_t ms = (int64_t)(seconds * 1000);
    return (double)ms < seconds * 1000 ? ms + 1 : ms;
}
