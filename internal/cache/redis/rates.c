/* Rate limits by the clock of Redis: the generic cell rate algorithm (domain/gcra.h) as a script,
 * and one that remembers who passed. What is further ahead than we ever write is somebody else's,
 * or the clock was set back. */
#include "base/own.h"
#include "cache/redis/store_internal.h"
#include "codec/hash.h"
#include "observe/log.h"

#include <stdio.h>
#include <string.h>

#define MINUTE_US INT64_C(60000000)
#define TAKE                                                                                       \
    "local t=redis.call('TIME') local now=t[1]*1000000+t[2]"                                       \
    " local cost,most=tonumber(ARGV[1]),tonumber(ARGV[2])"                                         \
    " local full=tonumber(redis.call('GET',KEYS[1])) or 0"                                         \
    " if not(full>now and full<=now+most) then full=now end full=full+cost"                        \
    " if full-now>most then return full-now-most end"                                              \
    " if ARGV[3]=='1' then redis.call('SET',KEYS[1],string.format('%.0f',full),'PX',"              \
    "math.ceil((full-now)/1000)) end return 0"
/* The newest `most` that passed, the newest first. */
#define PASS                                                                                       \
    "local t=redis.call('TIME') local now=t[1]*1000000+t[2]"                                       \
    " local most,window=tonumber(ARGV[1]),tonumber(ARGV[2])"                                       \
    " local old=tonumber(redis.call('LINDEX',KEYS[1],most-1) or '')"                               \
    " if old and old<=now and now-old<window then return window-(now-old) end"                     \
    " redis.call('LPUSH',KEYS[1],string.format('%.0f',now)) redis.call('LTRIM',KEYS[1],0,most-1)"  \
    " redis.call('PEXPIRE',KEYS[1],math.ceil(window/1000)) return 0"
#define WORDS_MAX 7

enum script { SCRIPT_TAKE = 0, SCRIPT_PASS };
static const char *const scripts[] = { TAKE, PASS };

static struct nf_redis_store *store_of(struct nf_shared_rates *r)
{
    assert(r->ops == &nf_redis_rates_ops);
    return nf_container_of(r, struct nf_redis_store, rates);
}

/* Redis forgets scripts when it is restarted or told to: then it gets the whole text once more. */
static NF_RC run(struct nf_redis_store *s, enum script script, const char *const *words, size_t n,
                 redisReply **ret, struct nf_err *err)
{
    const char *all[WORDS_MAX] = { "EVALSHA", s->rate_sha[script], "1" };
    redisReply *r = NULL;
    assert(3 + n <= WORDS_MAX);
    memcpy(all + 3, words, n * sizeof(*words));
    NF_TRY(nf_redis_call(&s->calls, all, NULL, 3 + n, &r, err));
    if (r->type != REDIS_REPLY_ERROR || strncmp(r->str, "NOSCRIPT", 8) != 0) {
        *ret = r;
        return NF_OK;
    }
    freeReplyObject(r);
    all[0] = "EVAL";
    all[1] = scripts[script];
    return nf_redis_call(&s->calls, all, NULL, 3 + n, ret, err);
}

/* Both say how many microseconds to wait, `most_us` at most: what is longer is not our script's. */
static NF_RC ask(struct nf_redis_store *s, enum script script, const char *const *words, size_t n,
                 int64_t most_us, int64_t *wait_ms, struct nf_err *err)
{
    redisReply *r = NULL;
    NF_TRY(run(s, script, words, n, &r, err));
    bool is_number = r->type == REDIS_REPLY_INTEGER && r->integer >= 0 && r->integer <= most_us;
    if (is_number)
        *wait_ms = (r->integer + 999) / 1000;
    enum nf_code rc = is_number
                          ? NF_OK
                          : nf_err_set(err, NF_E_UNAVAILABLE, "Redis: %.100s",
                                       r->type == REDIS_REPLY_ERROR ? r->str : "no such number");
    freeReplyObject(r);
    return rc;
}

static enum nf_code take(struct nf_shared_rates *port, const char *key, int64_t per_minute,
                         int64_t n, int64_t *wait_ms, struct nf_err *err)
{
    struct nf_redis_store *s = store_of(port);
    NF_CLEANUP(nf_str_done) struct nf_str name = { 0 };
    struct nf_num_buf cost, most;
    NF_TRY(nf_str_addf(&name, err, "%s:rate:%s", s->prefix, key));
    const char *const words[] = { nf_str_c(&name), nf_num(&cost, MINUTE_US / per_minute),
                                  nf_num(&most, MINUTE_US), n > 0 ? "1" : "0" };
    return ask(s, SCRIPT_TAKE, words, sizeof(words) / sizeof(words[0]), MINUTE_US, wait_ms, err);
}

static enum nf_code pass(struct nf_shared_rates *port, const char *key, int64_t most,
                         int64_t window_ms, int64_t *wait_ms, struct nf_err *err)
{
    struct nf_redis_store *s = store_of(port);
    NF_CLEANUP(nf_str_done) struct nf_str name = { 0 };
    struct nf_num_buf number, window;
    NF_TRY(nf_str_addf(&name, err, "%s:pass:%s", s->prefix, key));
    const char *const words[] = { nf_str_c(&name), nf_num(&number, most),
                                  nf_num(&window, window_ms * 1000) };
    return ask(s, SCRIPT_PASS, words, sizeof(words) / sizeof(words[0]), window_ms * 1000, wait_ms,
               err);
}

const struct nf_shared_rates_ops nf_redis_rates_ops = { .take = take, .pass = pass };

void nf_redis_rates_init(struct nf_redis_store *s)
{
    uint8_t sha[20];
    s->rates.ops = &nf_redis_rates_ops;
    for (size_t k = 0; k < sizeof(scripts) / sizeof(scripts[0]); k++) {
        nf_sha1(scripts[k], strlen(scripts[k]), sha);
        for (size_t i = 0; i < sizeof(sha); i++)
            (void)snprintf(s->rate_sha[k] + 2 * i, 3, "%02x", sha[i]);
    }
}
