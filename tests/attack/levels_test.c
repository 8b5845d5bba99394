/*
 * Every attack by the real path, in one kind of surroundings: in a call and in a constructor, some
 * also in DT_INIT, in an indirect function, and in a call whose constructor kept its rights. What
 * stops it has to be what attacks.def says for the level that is found, no more and no less: where
 * a level lets something through, that is expected too.
 *
 * Surroundings are those of surroundings.h, and two in which the skill is of another kind:
 * "threads", which may start threads, and "oneshot", with a process for each call.
 *
 * usage: levels_test SURROUNDINGS [ATTACK]      prints every row with NF_ATTACK_VERBOSE
 */
#include "tests/attack/host.h"
#include "tests/attack/surroundings.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum control { WORKS, ROOT, BECOMES, CRASHES, ENDLESS };

static const struct attack {
    const char *name;
    enum control control;
    const char *in_call, *in_constructor;
} attacks[] = {
#define A(name, wants, control, layers, in_call, in_constructor)                                   \
    { #name, control, in_call, in_constructor },
#include "tests/attack/attacks.def"
#undef A
};
#define ATTACKS (sizeof attacks / sizeof *attacks)

/* Where a level has another outcome. */
static const struct exception {
    const char *name, *phase, *level, *outcome;
} exceptions[] = {
#define A(...)
#define X(name, phase, level, outcome) { #name, phase, level, outcome },
#include "tests/attack/attacks.def"
#undef A
};

static const char *plugin, *only;
static bool verbose, threads, oneshot;

/* "L0.5 user": where workers are of the daemon's own user. */
static const char *exception(const char *name, const char *in, const char *level)
{
    for (size_t i = 0; i < sizeof exceptions / sizeof *exceptions; i++)
        if (strcmp(exceptions[i].name, name) == 0 && strcmp(exceptions[i].phase, in) == 0 &&
            strcmp(exceptions[i].level, level) == 0)
            return exceptions[i].outcome;
    return NULL;
}

/* A machine without Landlock that has namespaces is at L0.5 too, and stops what L2 stops. */
static bool is_bare(struct host *h)
{
    return strcmp(nf_warden_level(h->warden), "L0.5") != 0 ||
           strstr(nf_warden_missing(h->warden), "namespaces: ");
}

static const char *expected(const struct attack *a, const char *phase, const char *level)
{
    const char *in = strcmp(phase, "run") == 0 ? "run" : "ctor", *other = NULL;
    char user[32];
    (void)snprintf(user, sizeof user, "%s user", level);
    if (threads)
        other = exception(a->name, in, "threads");
    if (!other && geteuid() != 0)
        other = exception(a->name, in, user);
    if (!other)
        other = exception(a->name, in, level);
    if (other)
        return other;
    return strcmp(in, "run") == 0 ? a->in_call : a->in_constructor;
}

static void attack_in_call(struct host *h, const char *path, const struct attack *a,
                           struct host_result *r)
{
    char args[80];
    (void)snprintf(args, sizeof args, "{\"attack\":\"%s\"}", a->name);
    struct host_call c = { .path = path, .args = args, .threads = threads, .oneshot = oneshot };
    c.timeout_ms = a->control == ENDLESS ? 150 : 0;
    host_call(h, &c, r);
}

static void attack_in_load(struct host *h, const struct attack *a, const char *phase,
                           struct host_result *r)
{
    char path[256];
    if (!attack_world_plugin(&h->world, plugin, a->name, phase, path))
        abort();
    struct host_call c = { .path = path, .threads = threads, .oneshot = oneshot };
    c.timeout_ms = a->control == ENDLESS ? 400 : 0;
    host_call(h, &c, r);
    nf_warden_retire(h->warden, "attack");
    (void)unlink(path);
}

/* `want` may be several, with " or " between. */
static bool is_wanted(const char *outcome, const char *want)
{
    static const char or [] = " or ";
    for (;;) {
        const char *end = strstr(want, or);
        size_t n = end ? (size_t)(end - want) : strlen(want);
        if (n == strlen(outcome) && memcmp(want, outcome, n) == 0)
            return true;
        if (!end)
            return false;
        want = end + strlen(or);
    }
}

static void judge(struct host *h, const struct attack *a, const char *phase,
                  const struct host_result *r)
{
    const char *want = expected(a, phase, is_bare(h) ? nf_warden_level(h->warden) : "L2");
    if (verbose)
        (void)printf("%s\t%s\t%s\t%s\n", a->name, phase, r->outcome, r->text);
    bool outside = strncmp(want, "kill ", 5) == 0 && attack_refused_outside(want + 5) &&
                   r->code == NF_OK && strcmp(r->outcome, "worked") != 0;
    (void)host_check(h, is_wanted(r->outcome, want) || outside, "%s in %s: %s, expected %s (%s)",
                     a->name, phase, r->outcome, want, h->said);
}

/* --- the level ----------------------------------------------------------------------------------
 */

static const struct {
    const char *surroundings, *level; /* on a machine with Landlock and namespaces */
} levels[] = {
    { "nonroot", "L2" },       { "container", "L1" }, { "userns", "L1" },
    { "no-landlock", "L0.5" }, { "old", "L0.5" },     { "namespaces-only", "L0.5" },
    { "no-seccomp", "none" },
};

static const char *const order[] = { "none", "L0.5", "L1", "L2", "L3" };
static const char *level_wanted; /* NULL: whatever it is */

static bool has_landlock(void)
{
    return syscall(SYS_landlock_create_ruleset, NULL, 0, 1 /* VERSION */) > 0;
}

static bool has_namespaces(void)
{
    int status = 1;
    pid_t pid = fork();
    if (pid == 0)
        _exit((geteuid() == 0 && setuid(65534) != 0) || unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0);
    return waitpid(pid, &status, 0) == pid && status == 0;
}

static void expect_level(const char *surroundings)
{
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
        if (strcmp(levels[i].surroundings, surroundings) == 0 && has_landlock() && has_namespaces())
            level_wanted = levels[i].level;
}

/* What asks for more than there is, is refused with the reason; what asks for less is served. */
static void ask_for_levels(struct host *h)
{
    const char *level = nf_warden_level(h->warden);
    bool enough = true;
    if (level_wanted)
        (void)host_check(h, strcmp(level, level_wanted) == 0, "the level is %s, expected %s", level,
                         level_wanted);
    (void)host_check(h, strcmp(level, "L3") == 0 || nf_warden_missing(h->warden)[0],
                     "level %s without a reason", level);
    for (size_t i = 1; i < sizeof order / sizeof *order; i++) {
        char path[256];
        struct host_result r;
        struct host_call c = { .path = path, .min_level = order[i] };
        /* Another name in its orders makes it another skill. */
        if (!attack_world_plugin(&h->world, plugin, order[i], "run", path))
            abort();
        enough = enough && strcmp(level, order[i - 1]) != 0;
        host_call(h, &c, &r);
        if (enough)
            (void)host_check(h, r.code == NF_OK, "%s, which %s is enough for: %s", order[i], level,
                             r.text);
        else
            (void)host_check(h, r.code == NF_E_DENIED && strstr(r.text, level),
                             "%s is more than %s, yet: %s: %s", order[i], level,
                             nf_code_name(r.code), r.text);
    }
}

static void attack_all(struct host *h)
{
    static const char *const loading[] = { "ctor", "init", "ifunc", "fake" };
    char path[256];
    (void)printf("level %s; %s\n", nf_warden_level(h->warden), nf_warden_missing(h->warden));
    if (!attack_world_plugin(&h->world, plugin, "", "run", path))
        abort();
    if (!only)
        ask_for_levels(h);
    if (strcmp(nf_warden_level(h->warden), "none") == 0)
        return;
    for (size_t i = 0; i < ATTACKS; i++) {
        struct host_result r;
        if (only && strcmp(only, attacks[i].name) != 0)
            continue;
        attack_world_restore(&h->world);
        attack_in_call(h, path, &attacks[i], &r);
        judge(h, &attacks[i], "run", &r);
        /* The rarer ways to run code with the rights of loading are sampled. */
        for (size_t p = 0; p < (i % 8 == 0 ? 4 : 1); p++) {
            if (p == 3 && strncmp(attacks[i].name, "seccomp_", 8) == 0)
                continue; /* it would be told its own lie */
            attack_world_restore(&h->world);
            attack_in_load(h, &attacks[i], loading[p], &r);
            judge(h, &attacks[i], loading[p], &r);
        }
    }
}

int main(int argc, char **argv)
{
    plugin = getenv("NF_ATTACK_PLUGIN");
    verbose = getenv("NF_ATTACK_VERBOSE") != NULL;
    only = argc > 2 ? argv[2] : NULL;
    if (argc < 2 || !plugin) {
        (void)fprintf(stderr, "usage: levels_test SURROUNDINGS [ATTACK]\n");
        return 2;
    }
    threads = strcmp(argv[1], "threads") == 0;
    oneshot = strcmp(argv[1], "oneshot") == 0;
    expect_level(argv[1]);
    return attack_surroundings(threads || oneshot ? "native" : argv[1]) ? host_main(attack_all)
                                                                        : 77;
}
