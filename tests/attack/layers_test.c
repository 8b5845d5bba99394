/*
 * The layers one by one: each attack in a jail that has only that layer, in one that has all but
 * seccomp, and in the whole, also in one that was made ahead of need. Says for each attack which
 * layers would have stopped it alone. Fails if the whole lets one through, if a layer that
 * attacks.def names does not stop it, or if fewer than half of the attacks are stopped by two
 * layers.
 *
 * The part that builds jails is this program, executed anew: as the real one, it has no memory of
 * the daemon's.
 */
#include "tests/attack/jail.h"
#include "tests/attack/world.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

enum control { WORKS, ROOT, BECOMES, CRASHES, ENDLESS };

static const struct {
    const char *name, *layers;
    enum control control;
    const char *in_call, *in_constructor;
} attacks[] = {
#define A(name, wants, control, layers, in_call, in_constructor)                                   \
    { #name, layers, control, in_call, in_constructor },
#include "tests/attack/attacks.def"
#undef A
};
#define ATTACKS (sizeof attacks / sizeof *attacks)

/* What stands for it in the table, and what the jail then has. What needs no kernel facility
 * (rlimits, closed descriptors, a clean environment, no capabilities, a process of its own) is
 * always there: its letter is R. */
static const struct column {
    char letter;
    const char *title;
    enum nf_layer only; /* NF_LAYERS: see title */
} columns[] = {
    { 'R', "plain", NF_LAYERS },
    { 'S', "seccomp", NF_LAYER_SECCOMP },
    { 'L', "Landlock", NF_LAYER_LANDLOCK },
    { 'N', "namespaces", NF_LAYER_NAMESPACES },
    { 'U', "uid", NF_LAYER_UID },
    { 'M', "MDWE", NF_LAYER_MDWE },
    { '-', "no seccomp", NF_LAYERS },
    { '+', "all", NF_LAYERS },
    { '*', "all, a spare", NF_LAYERS },
};
#define COLUMNS (sizeof columns / sizeof *columns)

static bool is_whole(const struct column *c)
{
    return c->letter == '+' || c->letter == '*';
}

static char outcomes[ATTACKS][COLUMNS][JAIL_OUTCOME];

static void keep_of(const struct column *c, bool keep[NF_LAYERS])
{
    for (int l = 0; l < NF_LAYERS; l++)
        keep[l] = is_whole(c) || (c->letter == '-' && l != NF_LAYER_SECCOMP) ||
                  (c->only != NF_LAYERS && l == (int)c->only) || l == NF_LAYER_NOTIFY ||
                  l == NF_LAYER_PLAIN;
}

static bool fill_column(struct attack_world *w, const char *plugin, size_t c, const char *phase)
{
    struct nf_err err = { 0 };
    struct nf_sandbox *s = NULL;
    bool keep[NF_LAYERS];
    if (nf_sandbox_new(&s, &err) != NF_OK) {
        (void)printf("no sandbox: %s\n", err.msg);
        return false;
    }
    keep_of(&columns[c], keep);
    nf_sandbox_restrict(s, keep);
    for (size_t i = 0; i < ATTACKS; i++) {
        char path[256];
        if (strchr("LNUM", columns[c].letter) && !strchr(attacks[i].layers, columns[c].letter))
            continue; /* nobody says that it would stop it */
        attack_world_restore(w);
        if (!attack_world_plugin(w, plugin, attacks[i].name, phase, path))
            return false;
        if (attacks[i].control == ENDLESS && c != 0 && !is_whole(&columns[c]))
            (void)strcpy(outcomes[i][c], "deadline"); /* as in the plain jail */
        else
            attack_in_jail(s, path, attacks[i].control == ENDLESS, columns[c].letter == '*',
                           outcomes[i][c]);
        (void)unlink(path);
        (void)umount2(w->orders.dir, MNT_DETACH); /* where the attack "mount" worked */
    }
    nf_sandbox_free(s);
    return true;
}

/* A crash and an endless loop are no escape: they end that process. */
static bool stopped(size_t i, size_t c)
{
    return outcomes[i][c][0] && strcmp(outcomes[i][c], "worked") != 0 &&
           strcmp(outcomes[i][c], "nothing") != 0;
}

/* What this machine has not got is not stopped by our doing. */
static bool absent(size_t i)
{
    return strcmp(outcomes[i][0], "ENOSYS") == 0 || strcmp(outcomes[i][0], "EAFNOSUPPORT") == 0 ||
           strcmp(outcomes[i][0], "ENXIO") == 0;
}

/* A layer counts if it stops what gets through without it, or stops it in another way. */
static void letters_of(size_t i, char ret[COLUMNS + 1])
{
    size_t n = 0;
    for (size_t c = 0; c < COLUMNS; c++)
        if (columns[c].letter >= 'A' && stopped(i, c) &&
            (c == 0 ? !absent(i) : !stopped(i, 0) || strcmp(outcomes[i][c], outcomes[i][0]) != 0))
            ret[n++] = columns[c].letter;
    ret[n] = '\0';
}

/* --- what must be true -------------------------------------------------------------------------
 */

static size_t judge(const struct nf_sandbox_report *have, const char *phase)
{
    size_t failures = 0, two = 0, counted = 0;
    const bool in_call = strcmp(phase, "run") == 0;
    for (size_t i = 0; i < ATTACKS; i++) {
        char letters[COLUMNS + 1];
        letters_of(i, letters);
        (void)printf("%-24s %-6s", attacks[i].name, letters);
        for (size_t c = 0; c < COLUMNS; c++)
            (void)printf(" | %-18s", outcomes[i][c]);
        (void)fputc('\n', stdout);
        const char *expected = in_call ? attacks[i].in_call : attacks[i].in_constructor;
        for (size_t c = COLUMNS - 2; c < COLUMNS; c++)
            if (!stopped(i, c) && strcmp(expected, "worked") != 0 && ++failures)
                (void)printf("FAILED: %s (%s) works in the whole sandbox (%s)\n", attacks[i].name,
                             phase, columns[c].title);
        /* They are said of a warden that runs as root, and so is of another user. */
        for (const char *l = in_call && geteuid() == 0 ? attacks[i].layers : ""; *l; l++) {
            bool here = *l == 'R' || (*l == 'S' && have->have[NF_LAYER_SECCOMP]) ||
                        (*l == 'L' && have->have[NF_LAYER_LANDLOCK]) ||
                        (*l == 'N' && have->have[NF_LAYER_NAMESPACES]) ||
                        (*l == 'U' && have->have[NF_LAYER_UID]) ||
                        (*l == 'M' && have->have[NF_LAYER_MDWE]);
            if (here && !strchr(letters, *l) && ++failures)
                (void)printf("FAILED: %s is not stopped by %c alone, only by %s\n", attacks[i].name,
                             *l, letters);
        }
        counted += attacks[i].control == WORKS || attacks[i].control == ROOT ||
                   attacks[i].control == BECOMES;
        two += strlen(letters) >= 2;
    }
    (void)printf("%s: %zu attacks, %zu stopped by two layers or more\n", phase, counted, two);
    if (in_call && geteuid() == 0 && have->level >= NF_LEVEL_L2 && two * 2 < counted && ++failures)
        (void)printf("FAILED: fewer than half are stopped by two layers\n");
    return failures;
}

static int inside(const char *orders, const char *plugin)
{
    struct attack_world w = { .listener = -1 };
    struct nf_err err;
    struct nf_sandbox *s = NULL;
    size_t failures = 0;
    FILE *f = fopen(orders, "re");
    if (!f || fread(&w.orders, 1, sizeof w.orders, f) != sizeof w.orders || fclose(f) != 0)
        return 1;
    if (chdir(w.orders.dir) != 0) /* where files may be made */
        return 1;
    if (geteuid() == 0 &&
        (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0))
        return 1;
    if (nf_sandbox_new(&s, &err) != NF_OK)
        return 1;
    const struct nf_sandbox_report have = *nf_sandbox_report(s);
    nf_sandbox_free(s);
    static const char *const phases[] = { "run", "ctor" };
    for (size_t p = 0; p < 2; p++) {
        /* Letters are those of calls; while loading, what matters is the whole and seccomp. */
        for (size_t c = 0; c < COLUMNS; c++)
            if ((p == 0 || strchr("S+*", columns[c].letter)) &&
                !fill_column(&w, plugin, c, phases[p]))
                return 1;
        failures += judge(&have, phases[p]);
    }
    return failures ? 1 : 0;
}

static int outside(char *self, char *plugin)
{
    struct attack_world w;
    char path[256];
    int status = -1;
    if (!attack_world_new(&w))
        return 1;
    (void)snprintf(path, sizeof path, "%s/orders", w.orders.dir);
    FILE *f = fopen(path, "we");
    if (!f || fwrite(&w.orders, 1, sizeof w.orders, f) != sizeof w.orders || fclose(f) != 0)
        return 1;
    pid_t pid = fork();
    if (pid == 0) {
        char *argv[] = { self, path, plugin, NULL };
        (void)execv(self, argv);
        _exit(1);
    }
    (void)waitpid(pid, &status, 0);
    attack_world_free(&w);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(int argc, char **argv)
{
    if (argc == 3)
        return inside(argv[1], argv[2]);
    char *plugin = getenv("NF_ATTACK_PLUGIN");
    return plugin ? outside("/proc/self/exe", plugin) : 2;
}
