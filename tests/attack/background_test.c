/*
 * A call that computes for long is put behind everything else on the machine, seen from outside:
 * the kernel says so of its process. One that waits is not, nor is the next one of the same skill.
 */
#include "tests/attack/host.h"

#include "runtime/fiber.h"
#include "skills/warden_impl.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#define SPIN_MS 20000
#define WAIT_MS 500
#define LOOKS 1000 /* of 10 ms */

static char attack[256], computes[512];

static int64_t in_background(struct host *h)
{
    struct nf_warden_stats st;
    nf_warden_stats(h->warden, &st);
    return st.background;
}

/* The process that has a call of the skill now; 0: none. */
static pid_t busy(struct host *h, const char *skill)
{
    struct nf_pool *p;
    struct nf_worker *k;
    DL_FOREACH(h->warden->pools, p)
    {
        DL_FOREACH(p->workers, k)
        {
            if (k->state == NF_WORKER_BUSY && strcmp(p->name, skill) == 0)
                return k->pid;
        }
    }
    return 0;
}

static enum nf_code spin(void *arg, struct nf_err *err)
{
    struct host_result r;
    const struct host_call c = { .path = attack,
                                 .name = "attack",
                                 .tool = "attack",
                                 .args = "{\"attack\":\"spin\"}",
                                 .timeout_ms = SPIN_MS };
    (void)err;
    host_call(arg, &c, &r);
    return NF_OK;
}

static void an_endless_loop(struct host *h)
{
    struct nf_err err = { 0 };
    struct nf_scope s;
    nf_scope_init(&s, h->loop);
    if (nf_scope_spawn(&s, spin, h, NULL, &err) != NF_OK)
        abort();
    int policy = -1;
    for (int i = 0; i < LOOKS && policy != SCHED_IDLE; i++) {
        pid_t pid = busy(h, "attack");
        policy = pid > 0 ? sched_getscheduler(pid) : -1;
        if (nf_sleep(10, NULL) != NF_OK)
            break;
    }
    (void)host_check(h, policy == SCHED_IDLE, "a loop runs with policy %d", policy);
    (void)host_check(h, in_background(h) == 1, "%lld calls went to the background",
                     (long long)in_background(h));
    nf_scope_cancel(&s);
    nf_scope_done(&s);
}

static void one_that_waits(struct host *h)
{
    struct host_result r;
    const struct host_call c = { .path = attack,
                                 .name = "attack",
                                 .tool = "attack",
                                 .args = "{\"attack\":\"sleep\"}",
                                 .timeout_ms = WAIT_MS };
    int64_t before = in_background(h);
    host_call(h, &c, &r);
    (void)host_check(h, in_background(h) == before, "a call that waits went to the background");
}

/* Its process is not used again: it could not come back. */
static void one_that_ends(struct host *h)
{
    struct host_result r;
    const struct host_call c = { .path = computes, .name = "computes" };
    int64_t before = in_background(h);
    host_call(h, &c, &r);
    int64_t first = h->last_worker;
    (void)host_check(h, r.code == NF_OK, "a call that computes: %s", r.text);
    (void)host_check(h, in_background(h) == before + 1, "it did not go to the background");
    host_call(h, &c, &r);
    (void)host_check(h, r.code == NF_OK && h->last_worker != first, "the next one: %s, by %lld",
                     r.text, (long long)h->last_worker);
}

static void background(struct host *h)
{
    const char *attacker = getenv("NF_ATTACK_PLUGIN");
    if (!attack_world_plugin(&h->world, attacker, "a", "run", attack))
        abort();
    an_endless_loop(h);
    one_that_waits(h);
    one_that_ends(h);
}

int main(void)
{
    const char *files = getenv("NF_ATTACK_FILES");
    if (!files || !getenv("NF_ATTACK_PLUGIN"))
        return 2;
    (void)snprintf(computes, sizeof computes, "%s/variant_computes.so", files);
    return host_main(background);
}
