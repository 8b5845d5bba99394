/* A skill for tests: it counts its calls, waits, and meets another call. */
#include <nexflow/skill.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void pause_ms(long ms)
{
    struct timespec t = { ms / 1000, ms % 1000 * 1000000 };
    (void)nanosleep(&t, NULL);
}

static const char *word(const struct nf_skill_host *h, const struct nf_skill_request *r,
                        const char *key)
{
    const char *s = h->json_str(h, h->json_get(h, r->args, key));
    return s ? s : "";
}

/* Count under `key`, for the test to see how often it really ran. */
static int count(const struct nf_skill_host *h, const char *key)
{
    struct nf_skill_bytes old;
    char text[16];
    long n = h->kv_get(h, key, &old) == NF_SKILL_OK ? strtol(old.p, NULL, 10) : 0;
    int len = snprintf(text, sizeof(text), "%ld", n + 1);
    return h->kv_put(h, key, text, (size_t)len);
}

static int wait_for(const struct nf_skill_host *h, const struct nf_skill_request *r)
{
    long ms = (long)h->json_i64(h, h->json_get(h, r->args, "ms"), 0);
    if (count(h, word(h, r, "key")) != NF_SKILL_OK)
        return h->fail(h, NF_SKILL_E_UNAVAILABLE, "not counted: %s", h->error(h));
    h->progress(h, 10, "waiting %ld ms", ms);
    pause_ms(ms);
    return h->replyf(h, "waited %ld ms", ms);
}

/* Comes to an end only while another call is there that waits for this one. */
static int meet(const struct nf_skill_host *h, const struct nf_skill_request *r)
{
    struct nf_skill_bytes found;
    if (h->kv_put(h, word(h, r, "me"), "1", 1) != NF_SKILL_OK)
        return h->fail(h, NF_SKILL_E_UNAVAILABLE, "not noted: %s", h->error(h));
    while (h->left_ms(h) > 500) {
        if (h->kv_get(h, word(h, r, "other"), &found) == NF_SKILL_OK)
            return h->replyf(h, "%s met %s", word(h, r, "me"), word(h, r, "other"));
        pause_ms(5);
    }
    return h->fail(h, NF_SKILL_E_TIMEOUT, "nobody came");
}

static int told(const struct nf_skill_host *h, const struct nf_skill_request *r)
{
    struct nf_skill_bytes n;
    if (h->kv_get(h, word(h, r, "key"), &n) != NF_SKILL_OK)
        return h->reply(h, "0", 1);
    return h->reply(h, n.p, n.n);
}

static int call(const struct nf_skill_host *h, const struct nf_skill_request *r)
{
    if (strcmp(r->tool, "meet") == 0)
        return meet(h, r);
    if (strcmp(r->tool, "told") == 0)
        return told(h, r);
    if (strcmp(r->tool, "fail") == 0)
        return h->fail(h, NF_SKILL_E_NOT_FOUND,
                       "there is no such city; there are %0900d and Zwolle", 7);
    return wait_for(h, r); /* wait, again, asks, always */
}

NF_SKILL("probe", "1.0.0", call)
