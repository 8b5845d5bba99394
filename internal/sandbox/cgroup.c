#include "sandbox/cgroup.h"

#include "base/own.h"
#include "base/string.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PREFIX "nexflow-"
#define FILE_MAX 4096    /* bytes read of one of the kernel's small files */
#define LINES_MAX 65536  /* of mountinfo */
#define SAME_PROCESS 100 /* bases in one process */
#define KILL_ROUNDS 200
#define FREE_ROUNDS 200
#define ROUND_NS 1000000

enum { MEMORY, PIDS, TREES };
static const char *const controllers[TREES] = { "memory", "pids" };

struct nf_cgroup_base {
    int version;
    int parent[TREES], dir[TREES]; /* version 2 uses the first only */
    char name[40];
    int next;
};

struct nf_cgroup {
    const struct nf_cgroup_base *base;
    int dir[TREES];
    char name[16];
    int64_t memory_bytes, processes; /* its limits; 0: none */
};

/* --- small files ------------------------------------------------------------------------------ */

static void pause_round(void)
{
    nanosleep(&(struct timespec){ .tv_nsec = ROUND_NS }, NULL);
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static int put(int dir, const char *file, const char *text)
{
    int fd = openat(dir, file, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t n = write(fd, text, strlen(text));
    int rc = n < 0 ? -errno : 0;
    close(fd);
    return rc;
}

static int put_number(int dir, const char *file, int64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof(text), "%lld", (long long)value);
    return put(dir, file, text);
}

/* The whole file, "" if there is none. */
static void get(int dir, const char *file, size_t max, struct nf_str *ret)
{
    nf_str_reset(ret);
    int fd = openat(dir, file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    while (ret->len < max && nf_str_reserve(ret, max - ret->len, NULL) == NF_OK) {
        ssize_t got = read(fd, ret->p + ret->len, max - ret->len);
        if (got <= 0)
            break;
        ret->len += (size_t)got;
        ret->p[ret->len] = '\0';
    }
    close(fd);
}

/* Whether one of the words, which `separators` separate, is `word`. */
static bool has_word(const char *text, size_t n, const char *separators, const char *word)
{
    size_t length = strlen(word);
    for (size_t i = 0; i < n;) {
        size_t k = strcspn(text + i, separators);
        k = k > n - i ? n - i : k;
        if (k == length && memcmp(text + i, word, k) == 0)
            return true;
        i += k + 1;
    }
    return false;
}

static int64_t number_after(const char *text, const char *key)
{
    const char *at = strstr(text, key);
    return at ? strtoll(at + strlen(key), NULL, 10) : 0;
}

/* --- where we are ----------------------------------------------------------------------------- */

/* Our group in the hierarchy of `controller` ("" is version 2): a path from its root. Lines are
 * "4:memory:/path", "0::/path" (cgroups(7), /proc/[pid]/cgroup). */
static bool own_path(const char *controller, char *ret, size_t n)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { 0 };
    get(AT_FDCWD, "/proc/self/cgroup", LINES_MAX, &text);
    for (const char *line = nf_str_c(&text); *line;) {
        size_t length = strcspn(line, "\n");
        const char *list = memchr(line, ':', length);
        const char *path = list ? memchr(list + 1, ':', length - (size_t)(list + 1 - line)) : NULL;
        if (path) {
            size_t k = (size_t)(path - list - 1), m = length - (size_t)(path + 1 - line);
            bool mine =
                *controller ? has_word(list + 1, k, ",", controller) : k == 0 && line[0] == '0';
            if (mine && m < n) {
                memcpy(ret, path + 1, m);
                ret[m] = '\0';
                return true;
            }
        }
        line += length + (line[length] == '\n');
    }
    return false;
}

/* Where that hierarchy is mounted, and which part of it (proc(5), mountinfo). */
static bool mount_point(const char *controller, char *ret, char *root, size_t n)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { 0 };
    get(AT_FDCWD, "/proc/self/mountinfo", LINES_MAX, &text);
    char *rest = text.p;
    for (char *line; rest && (line = strsep(&rest, "\n")) && *line;) {
        char at[1024], from[1024], options[1024], type[32];
        char *tail = strstr(line, " - ");
        if (!tail || sscanf(line, "%*d %*d %*s %1023s %1023s", from, at) != 2 ||
            sscanf(tail, " - %31s %*s %1023s", type, options) != 2)
            continue;
        bool right = *controller ? strcmp(type, "cgroup") == 0 &&
                                       has_word(options, strlen(options), ",", controller)
                                 : strcmp(type, "cgroup2") == 0;
        if (right && strlen(at) < n && strlen(from) < n) {
            memcpy(ret, at, strlen(at) + 1);
            memcpy(root, from, strlen(from) + 1);
            return true;
        }
    }
    return false;
}

/* Descriptors of our own group's directory and of the highest one that we see; -1: none. */
static void find_places(const char *controller, int ret[2])
{
    char path[1024], at[1024], root[1024], full[2048];
    ret[0] = ret[1] = -1;
    if (!own_path(controller, path, sizeof(path)) || !mount_point(controller, at, root, sizeof(at)))
        return;
    size_t skip = strcmp(root, "/") == 0 ? 0 : strlen(root);
    bool below = strncmp(path, root, skip) == 0;
    (void)snprintf(full, sizeof(full), "%s%s", at, below ? path + skip : "");
    ret[0] = open(full, O_DIRECTORY | O_CLOEXEC);
    ret[1] = open(at, O_DIRECTORY | O_CLOEXEC);
}

/* --- a base ----------------------------------------------------------------------------------- */

/* A directory of groups and the groups in it. */
static void remove_tree(int parent, const char *name)
{
    int fd = openat(parent, name, O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    for (struct dirent *e; d && (e = readdir(d));) {
        if (e->d_type == DT_DIR && e->d_name[0] != '.')
            unlinkat(fd, e->d_name, AT_REMOVEDIR);
    }
    if (d)
        closedir(d);
    else if (fd >= 0)
        close(fd);
    unlinkat(parent, name, AT_REMOVEDIR);
}

static void remove_leftovers(int parent)
{
    int fd = openat(parent, ".", O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    for (struct dirent *e; d && (e = readdir(d));) {
        if (strncmp(e->d_name, PREFIX, sizeof(PREFIX) - 1) != 0)
            continue;
        long pid = strtol(e->d_name + sizeof(PREFIX) - 1, NULL, 10);
        if (pid > 0 && kill((pid_t)pid, 0) != 0 && errno == ESRCH)
            remove_tree(parent, e->d_name);
    }
    if (d)
        closedir(d);
    else if (fd >= 0)
        close(fd);
}

static bool has_controllers(int dir)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { 0 };
    get(dir, "cgroup.controllers", FILE_MAX, &text);
    return has_word(nf_str_c(&text), text.len, " \n", "memory") &&
           has_word(nf_str_c(&text), text.len, " \n", "pids");
}

static int make_dir(struct nf_cgroup_base *b, int parent, int *ret)
{
    for (int i = 0; i < SAME_PROCESS; i++) {
        if (b->name[0] == '\0' || i > 0)
            (void)snprintf(b->name, sizeof(b->name), PREFIX "%d-%d", (int)getpid(), i);
        if (mkdirat(parent, b->name, 0755) == 0) {
            *ret = openat(parent, b->name, O_DIRECTORY | O_CLOEXEC);
            return *ret >= 0 ? 0 : -errno;
        }
        if (errno != EEXIST)
            break;
    }
    return -errno;
}

/* Controllers reach a group only if its parent passes them on, and a group with processes of its
 * own may not, except the highest (cgroup-v2.rst, "No Internal Process Constraint"). */
static int try_unified(struct nf_cgroup_base *b, int parent)
{
    b->name[0] = '\0';
    remove_leftovers(parent);
    int rc = make_dir(b, parent, &b->dir[MEMORY]);
    if (rc == 0 && !has_controllers(b->dir[MEMORY]))
        rc = has_controllers(parent) ? put(parent, "cgroup.subtree_control", "+memory +pids")
                                     : -EOPNOTSUPP;
    if (rc == 0)
        rc = put(b->dir[MEMORY], "cgroup.subtree_control", "+memory +pids");
    if (rc != 0 && b->dir[MEMORY] >= 0) {
        close_fd(&b->dir[MEMORY]);
        unlinkat(parent, b->name, AT_REMOVEDIR);
    }
    return rc;
}

static int find_unified(struct nf_cgroup_base *b)
{
    int places[2], rc = -ENOENT;
    find_places("", places);
    for (int i = 0; rc != 0 && i < 2; i++) {
        if (places[i] < 0)
            continue;
        rc = try_unified(b, places[i]);
        if (rc == 0) {
            b->parent[MEMORY] = places[i];
            places[i] = -1;
        }
    }
    close_fd(&places[0]);
    close_fd(&places[1]);
    b->version = 2;
    return rc;
}

/* Version 1: a hierarchy per controller, and no rule about where processes may be. */
static int find_split(struct nf_cgroup_base *b)
{
    int rc = 0;
    b->version = 1;
    b->name[0] = '\0';
    for (int t = 0; rc == 0 && t < TREES; t++) {
        int places[2];
        find_places(controllers[t], places);
        b->parent[t] = places[0];
        close_fd(&places[1]);
        if (b->parent[t] < 0)
            return -ENOENT;
        remove_leftovers(b->parent[t]);
        rc = make_dir(b, b->parent[t], &b->dir[t]);
    }
    return rc;
}

enum nf_code nf_cgroup_base_new(struct nf_cgroup_base **ret, int *error, struct nf_err *err)
{
    struct nf_cgroup_base *b = calloc(1, sizeof(*b));
    *error = ENOMEM;
    if (!b)
        return nf_err_set(err, NF_E_NOMEM, "no memory for control groups");
    for (int t = 0; t < TREES; t++)
        b->parent[t] = b->dir[t] = -1;
    int two = find_unified(b), one = two == 0 ? 0 : find_split(b);
    if (one == 0) {
        *ret = b;
        return NF_OK;
    }
    nf_cgroup_base_free(b);
    *error = two == -ENOENT || two == -EOPNOTSUPP ? -one : -two;
    return nf_err_set(err, NF_E_UNAVAILABLE, "version 2: %s; version 1: %s", strerror(-two),
                      strerror(-one));
}

void nf_cgroup_base_free(struct nf_cgroup_base *b)
{
    for (int t = 0; b && t < TREES; t++) {
        if (b->dir[t] >= 0)
            remove_tree(b->parent[t], b->name);
        close_fd(&b->dir[t]);
        close_fd(&b->parent[t]);
    }
    free(b);
}

int nf_cgroup_base_version(const struct nf_cgroup_base *b)
{
    return b->version;
}

/* --- a group ---------------------------------------------------------------------------------- */

#define NO_LIMIT(two) ((two) ? "max" : "-1")

/* Swap is not there without swap or without its accounting: then there is nothing to limit. In
 * version 1 memory with swap is never less than memory, so it is raised first and lowered last. */
static int limit_memory(const struct nf_cgroup *g, int64_t bytes)
{
    bool two = g->base->version == 2;
    const char *file = two ? "memory.max" : "memory.limit_in_bytes";
    if (!two)
        put(g->dir[MEMORY], "memory.memsw.limit_in_bytes", NO_LIMIT(two));
    if (bytes == 0)
        return put(g->dir[MEMORY], file, NO_LIMIT(two));
    int rc = put_number(g->dir[MEMORY], file, bytes);
    if (two)
        put_number(g->dir[MEMORY], "memory.swap.max", 0);
    else
        put_number(g->dir[MEMORY], "memory.memsw.limit_in_bytes", bytes);
    return rc;
}

int nf_cgroup_limit(struct nf_cgroup *g, int64_t memory_bytes, int64_t processes)
{
    int rc = 0, pids = g->dir[g->base->version == 2 ? MEMORY : PIDS];
    if (memory_bytes != g->memory_bytes)
        rc = limit_memory(g, memory_bytes);
    if (rc == 0 && processes != g->processes)
        rc = processes > 0 ? put_number(pids, "pids.max", processes) : put(pids, "pids.max", "max");
    if (rc == 0) {
        g->memory_bytes = memory_bytes;
        g->processes = processes;
    }
    return rc;
}

enum nf_code nf_cgroup_new(struct nf_cgroup_base *b, int64_t memory_bytes, int64_t processes,
                           struct nf_cgroup **ret, int *error, struct nf_err *err)
{
    struct nf_cgroup *g = calloc(1, sizeof(*g));
    *error = ENOMEM;
    if (!g)
        return nf_err_set(err, NF_E_NOMEM, "no memory for a control group");
    g->base = b;
    g->dir[MEMORY] = g->dir[PIDS] = -1;
    (void)snprintf(g->name, sizeof(g->name), "%d", b->next++);
    int rc = 0;
    for (int t = 0; rc == 0 && t < (b->version == 2 ? 1 : TREES); t++) {
        if (mkdirat(b->dir[t], g->name, 0755) == 0)
            g->dir[t] = openat(b->dir[t], g->name, O_DIRECTORY | O_CLOEXEC);
        rc = g->dir[t] < 0 ? -errno : 0;
    }
    rc = rc == 0 ? nf_cgroup_limit(g, memory_bytes, processes) : rc;
    if (rc == 0) {
        *ret = g;
        return NF_OK;
    }
    nf_cgroup_free(g);
    *error = -rc;
    return nf_err_set(err, NF_E_UNAVAILABLE, "make a control group: %s", strerror(-rc));
}

int nf_cgroup_fd(const struct nf_cgroup *g)
{
    return g->base->version == 2 ? g->dir[MEMORY] : -1;
}

int nf_cgroup_join(const struct nf_cgroup *g)
{
    int rc = 0;
    if (g->base->version == 2)
        return put(g->dir[MEMORY], "cgroup.procs", "0");
    for (int t = 0; rc == 0 && t < TREES; t++)
        rc = put(g->dir[t], "tasks", "0");
    return rc;
}

/* One by one, where the kernel has no cgroup.kill (before Linux 5.14, and in version 1). Nobody can
 * fork meanwhile. */
static void kill_each(int dir)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { 0 };
    put(dir, "pids.max", "0");
    for (int i = 0; i < KILL_ROUNDS; i++) {
        get(dir, "cgroup.procs", LINES_MAX, &text);
        if (text.len == 0)
            return;
        for (const char *p = nf_str_c(&text); *p; p += strcspn(p, "\n") + 1) {
            long pid = strtol(p, NULL, 10);
            if (pid > 0)
                kill((pid_t)pid, SIGKILL);
            if (!strchr(p, '\n'))
                break;
        }
        pause_round();
    }
}

void nf_cgroup_kill(const struct nf_cgroup *g)
{
    if (put(g->dir[MEMORY], "cgroup.kill", "1") != 0)
        kill_each(g->dir[g->base->version == 2 ? MEMORY : PIDS]);
}

const char *nf_cgroup_hit(const struct nf_cgroup *g)
{
    bool two = g->base->version == 2;
    NF_CLEANUP(nf_str_done) struct nf_str text = { 0 };
    get(g->dir[MEMORY], two ? "memory.events" : "memory.oom_control", FILE_MAX, &text);
    if (number_after(nf_str_c(&text), "oom_kill ") > 0)
        return "memory";
    get(g->dir[two ? MEMORY : PIDS], "pids.events", FILE_MAX, &text);
    return number_after(nf_str_c(&text), "max ") > 0 ? "processes" : "";
}

void nf_cgroup_free(struct nf_cgroup *g)
{
    for (int t = 0; g && t < TREES; t++) {
        if (g->dir[t] < 0)
            continue;
        close_fd(&g->dir[t]);
        for (int i = 0; i < FREE_ROUNDS; i++) {
            if (unlinkat(g->base->dir[t], g->name, AT_REMOVEDIR) == 0 || errno != EBUSY)
                break;
            pause_round();
        }
    }
    free(g);
}
