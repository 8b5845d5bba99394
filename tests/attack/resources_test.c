/*
 * Skills that crash, hang, exhaust and flood, several at once, while another skill is called: every
 * call of theirs fails with a clear reason, every call of the other one is answered, and afterwards
 * the daemon has as many descriptors, processes and as little memory as before.
 */
#include "tests/attack/host.h"

#include "runtime/fiber.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROUNDS 3   /* of each kind, in each of the fibers */
#define FIBERS 3   /* that misbehave */
#define GOOD 300   /* calls of the other skill meanwhile */
#define GONE_MS 50 /* between looks whether all is gone */
#define LOOKS 200
#define MEMORY_GROWTH ((long)16 << 20) /* bytes: what the C library may keep */

static const char *attacker, *liar;
static char witness[512], attack[FIBERS][256], lie[FIBERS][256];

static const struct bad {
    bool is_lie;
    const char *what;
    int64_t timeout_ms; /* 0: it ends by itself */
    const char *words;  /* in the outcome or the error */
} bads[] = {
    { true, "wild_pointer", 0, "a bad pointer" },
    { true, "die", 0, "called abort" },
    { true, "exit_0", 0, "ended by itself with exit code 0" },
    { true, "endless_bytes", 0, "broke the protocol" },
    { true, "endless_frames", 0, "log lines faster" },
    { true, "over_output", 0, "over 65536 bytes" },
    { true, "close_everything", 0, "closed its pipe" },
    { true, "print_endless", 100, "took longer than 100 ms" },
    { false, "spin", 100, "took longer than 100 ms" },
    { false, "spin_deaf", 100, "took longer than 100 ms" },
    { false, "sleep", 100, "took longer than 100 ms" },
    { false, "memory_bomb", 0, "ENOMEM" },
    { false, "stack_bomb", 0, "SIGSEGV" },
    { false, "fork_bomb", 0, "EAGAIN" },
    { false, "thread", 0, "EAGAIN" },
    { false, "dup", 0, "kill dup" },
    { false, "create_here", 0, "EPERM" },
};
#define BADS (sizeof bads / sizeof *bads)

/* --- what a daemon has --------------------------------------------------------------------------
 */

static int entries(const char *dir)
{
    int n = 0;
    DIR *d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d));)
        n += e->d_name[0] != '.';
    if (d)
        (void)closedir(d);
    return n;
}

static long resident(void)
{
    long pages = 0, all = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (f && fscanf(f, "%ld %ld", &all, &pages) != 2)
        pages = 0;
    if (f)
        (void)fclose(f);
    return pages * sysconf(_SC_PAGESIZE);
}

/* --- three that misbehave, one that does not ----------------------------------------------------
 */

struct fiber {
    struct host *host;
    int number;
};

/* In between, so that it does not fail so often in a row that it has to rest. */
static void do_something_good(struct host *h, struct host_call c)
{
    struct host_result r;
    c.tool = "count";
    c.args = "{\"attack\":\"none\"}";
    c.timeout_ms = 0;
    host_call(h, &c, &r);
}

static enum nf_code misbehave(void *arg, struct nf_err *err)
{
    struct fiber *f = arg;
    struct host *h = f->host;
    (void)err;
    for (size_t i = 0; i < ROUNDS * BADS; i++) {
        const struct bad *b = &bads[i % BADS];
        struct host_result r;
        char args[64];
        (void)snprintf(args, sizeof args, "{\"attack\":\"%s\"}", b->what);
        struct host_call c = { .path = b->is_lie ? lie[f->number] : attack[f->number],
                               .name = b->is_lie ? "protocol" : "attack",
                               .tool = b->is_lie ? b->what : "attack",
                               .args = args };
        c.timeout_ms = b->timeout_ms;
        host_call(h, &c, &r);
        /* With a hundred milliseconds for waiting and running, it may not have got its turn. */
        bool waited = b->timeout_ms && strstr(r.text, "was free within");
        bool told = strstr(r.text, b->words) || strstr(r.outcome, b->words);
        (void)host_check(h, told || waited, "%s: %s: %s, expected \"%s\"", b->what,
                         nf_code_name(r.code), r.text, b->words);
        do_something_good(h, c);
    }
    return NF_OK;
}

static enum nf_code behave(void *arg, struct nf_err *err)
{
    struct host *h = arg;
    struct host_call c = { .path = witness, .name = "witness" };
    for (int i = 0; i < GOOD; i++) {
        struct host_result r;
        host_call(h, &c, &r);
        (void)host_check(h, r.code == NF_OK && strcmp(r.text, "good") == 0, "good call %d: %s", i,
                         r.text);
        NF_TRY(nf_sleep(5, err));
    }
    return NF_OK;
}

static void all_at_once(struct host *h)
{
    struct nf_err err = { 0 };
    struct nf_scope s;
    struct fiber fibers[FIBERS];
    nf_scope_init(&s, h->loop);
    enum nf_code rc = nf_scope_spawn(&s, behave, h, NULL, &err);
    for (int i = 0; rc == NF_OK && i < FIBERS; i++) {
        fibers[i] = (struct fiber){ h, i };
        rc = nf_scope_spawn(&s, misbehave, &fibers[i], NULL, &err);
    }
    if (rc == NF_OK)
        rc = nf_scope_join(&s, &err);
    (void)host_check(h, rc == NF_OK, "fibers: %s", err.msg);
    nf_scope_done(&s);
}

/* --- before and after ---------------------------------------------------------------------------
 */

static bool nothing_is_left(struct host *h)
{
    struct nf_warden_stats st;
    nf_warden_retire(h->warden, "attack");
    nf_warden_retire(h->warden, "protocol");
    nf_warden_retire(h->warden, "witness");
    for (int i = 0; i < LOOKS; i++) {
        nf_warden_stats(h->warden, &st);
        if (st.workers == 0 && st.templates == 0)
            return true;
        if (nf_sleep(GONE_MS, NULL) != NF_OK)
            break;
    }
    (void)printf("%lld templates and %lld workers are left\n", (long long)st.templates,
                 (long long)st.workers);
    return false;
}

static void resources(struct host *h)
{
    struct host_result r;
    struct host_call c = { .path = witness, .name = "witness" };
    for (int i = 0; i < FIBERS; i++) {
        char name[] = { (char)('a' + i), '\0' }; /* so that each is a skill of its own */
        if (!attack_world_plugin(&h->world, attacker, name, "run", attack[i]) ||
            !attack_world_plugin(&h->world, liar, name, "run", lie[i]))
            abort();
    }
    host_call(h, &c, &r);
    all_at_once(h); /* once for what is allocated only once */
    (void)host_check(h, nothing_is_left(h), "processes are left");
    int descriptors = entries("/proc/self/fd");
    long memory = resident();

    all_at_once(h);
    (void)host_check(h, nothing_is_left(h), "processes are left");
    int descriptors_after = entries("/proc/self/fd");
    (void)host_check(h, descriptors_after <= descriptors, "%d descriptors before, %d after",
                     descriptors, descriptors_after);
    long grown = resident() - memory;
    (void)printf("memory grew by %ld KiB\n", grown / 1024);
#ifndef __SANITIZE_ADDRESS__ /* which keeps what was freed */
    (void)host_check(h, grown < MEMORY_GROWTH, "memory grew by %ld bytes", grown);
#endif
}

int main(void)
{
    const char *files = getenv("NF_ATTACK_FILES");
    attacker = getenv("NF_ATTACK_PLUGIN");
    liar = getenv("NF_ATTACK_LIAR");
    if (!files || !attacker || !liar)
        return 2;
    (void)snprintf(witness, sizeof witness, "%s/variant_witness.so", files);
    return host_main(resources);
}
