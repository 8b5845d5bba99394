/*
 * A hostile plugin. Its orders are written into a copy of the file; it carries out the attack when
 * they say: in a call, in a constructor, in DT_INIT or while the loader resolves an indirect
 * function. The answer to a call is what came of it, "result N" as in attack.h.
 *
 * In a call, the argument "attack" names another one than the orders do.
 */
#include "tests/attack/attack.h"

#include <nexflow/skill.h>
#include <string.h>

/* In .data, so that no compiler knows what is in it. */
static struct attack_orders orders = { .magic = ATTACK_MAGIC, .name = "" };
static long outcome = ATTACK_UNTOLD;

static void attack_in(const char *phase)
{
    const struct attack_orders *volatile o = &orders;
    if (strcmp(o->phase, phase) == 0)
        outcome = attack_run(o);
}

__attribute__((constructor)) static void in_constructor(void)
{
    attack_in("ctor");
}

/* The linker is told that this is DT_INIT (-Wl,-init). */
void attack_dt_init(void);
void attack_dt_init(void)
{
    attack_in("init");
}

static long nothing(void)
{
    return 0;
}

static long (*choose(void))(void)
{
    attack_in("ifunc");
    return nothing;
}

static long indirect(void) __attribute__((ifunc("choose")));

static int call(const struct nf_skill_host *h, const struct nf_skill_request *r)
{
    struct attack_orders now = orders;
    const char *name = h->json_str(h, h->json_get(h, r->args, "attack"));
    if (name)
        (void)strncpy(now.name, name, sizeof now.name - 1);
    if (strcmp(now.phase, "run") == 0)
        outcome = attack_run(&now);
    return h->replyf(h, "result %ld", outcome + indirect());
}

NF_SKILL("attack", "1.0.0", call)
