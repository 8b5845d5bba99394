/*
 * A hostile plugin. Its orders are written into a copy of the file; it carries out the attack when
 * they say: in a call, in a constructor, in DT_INIT, while the loader resolves an indirect
 * function, or in a call after its constructor has kept the host from taking rights away. The
 * answer to a call is what came of it, "result N" as in attack.h.
 *
 * In a call, the argument "attack" names another one than the orders do, whatever phase they are
 * for.
 */
#include "tests/attack/attack.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <nexflow/skill.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* In .data, so that no compiler knows what is in it. */
static struct attack_orders orders = { .magic = ATTACK_MAGIC, .name = "" };
static long outcome = ATTACK_UNTOLD;

static void attack_in(const char *phase)
{
    const struct attack_orders *volatile o = &orders;
    if (strcmp(o->phase, phase) == 0)
        outcome = attack_run(o);
}

/* A filter that lets seccomp(2) return 0 without doing it: what the host then takes away after
 * loading stays. */
static void keep_rights(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_seccomp, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog p = { sizeof code / sizeof *code, code };
    (void)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &p);
}

__attribute__((constructor)) static void in_constructor(void)
{
    const struct attack_orders *volatile o = &orders;
    if (strcmp(o->phase, "fake") == 0)
        keep_rights();
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

__attribute__((used)) static long (*choose(void))(void)
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
    if (name || strcmp(now.phase, "run") == 0 || strcmp(now.phase, "fake") == 0)
        outcome = attack_run(&now);
    return h->replyf(h, "result %ld", outcome + indirect());
}

NF_SKILL("attack", "1.0.0", call)
