#include "skills/logs.h"

#include "base/own.h"
#include "base/time.h"
#include "base/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct log {
    char *skill;
    struct nf_str pending;
    int64_t second;         /* the one that `lines` counts */
    int64_t lines, dropped; /* dropped: since the last line that said so */
};

struct nf_skill_logs {
    char *dir;
    struct nf_executor *executor;
    struct log *v;
    size_t n;
};

enum nf_code nf_skill_logs_new(const char *dir, struct nf_executor *executor,
                               struct nf_skill_logs **ret, struct nf_err *err)
{
    struct nf_skill_logs *l = calloc(1, sizeof(*l));

    if (!l)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    l->executor = executor;
    enum nf_code rc = nf_strdup(dir, &l->dir, err);
    if (rc != NF_OK) {
        free(l);
        return rc;
    }
    *ret = l;
    return NF_OK;
}

void nf_skill_logs_free(struct nf_skill_logs *l)
{
    if (!l)
        return;
    for (size_t i = 0; i < l->n; i++) {
        free(l->v[i].skill);
        nf_str_done(&l->v[i].pending);
    }
    free(l->v);
    free(l->dir);
    free(l);
}

/* --- taking lines ----------------------------------------------------------------------------- */

static struct log *find(struct nf_skill_logs *l, const char *skill)
{
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->v[i].skill, skill) == 0)
            return &l->v[i];
    return NULL;
}

static struct log *find_or_add(struct nf_skill_logs *l, const char *skill)
{
    struct log *found = find(l, skill);

    if (found || l->n >= NF_SKILL_LOG_SKILLS_MAX)
        return found;
    struct log *v = realloc(l->v, (l->n + 1) * sizeof(*v));
    if (!v)
        return NULL;
    l->v = v;
    v[l->n] = (struct log){ .pending = { .max = NF_SKILL_LOG_PENDING_MAX } };
    if (nf_strdup(skill, &v[l->n].skill, NULL) != NF_OK)
        return NULL;
    return &v[l->n++];
}

/* Controls, also those of U+0080 to U+009F; and what turns the direction of text or breaks its
 * lines: U+061C, U+200E, U+200F, U+2028 to U+202E, U+2066 to U+2069. */
static bool is_hidden(const unsigned char *p, size_t n)
{
    if (n == 1)
        return p[0] < ' ' || p[0] == 127;
    if (n == 2)
        return (p[0] == 0xc2 && p[1] < 0xa0) || (p[0] == 0xd8 && p[1] == 0x9c);
    if (n != 3 || p[0] != 0xe2)
        return false;
    return (p[1] == 0x80 && (p[2] == 0x8e || p[2] == 0x8f || (p[2] >= 0xa8 && p[2] <= 0xae))) ||
           (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9);
}

void nf_skill_text_clean(char *p, size_t n)
{
    for (size_t i = 0; i < n;) {
        size_t k = 1;
        while (k < 4 && i + k < n && ((unsigned char)p[i + k] & 0xc0) == 0x80)
            k++;
        if (is_hidden((const unsigned char *)p + i, k) || !nf_utf8_valid(p + i, k))
            memset(p + i, '?', k);
        i += k;
    }
}

static enum nf_code write_line(struct log *g, const char *level, const char *text, size_t n,
                               int64_t now_ms)
{
    size_t before = g->pending.len;

    enum nf_code rc = nf_str_addf(&g->pending, NULL, "%s %s ", nf_time_to_text(now_ms).s, level);
    size_t begin = g->pending.len;
    if (rc == NF_OK)
        rc = nf_str_add(&g->pending, text, n, NULL);
    if (rc == NF_OK) {
        nf_skill_text_clean(g->pending.p + begin, n);
        rc = nf_str_adds(&g->pending, "\n", NULL);
    }
    if (rc != NF_OK && g->pending.p)
        g->pending.p[g->pending.len = before] = '\0';
    return rc;
}

static void tell_dropped(struct log *g, int64_t now_ms)
{
    char text[64];

    if (g->dropped == 0)
        return;
    int n = snprintf(text, sizeof(text), "%lld lines were too many and are not here",
                     (long long)g->dropped);
    if (write_line(g, "warn", text, (size_t)n, now_ms) == NF_OK)
        g->dropped = 0;
}

void nf_skill_logs_add(struct nf_skill_logs *l, const char *skill, const char *level,
                       const char *text, size_t n, int64_t now_ms)
{
    struct log *g = find_or_add(l, skill);

    if (!g)
        return;
    if (g->second != now_ms / 1000) {
        g->second = now_ms / 1000;
        g->lines = 0;
        tell_dropped(g, now_ms);
    }
    if (n > NF_SKILL_LOG_LINE_MAX)
        n = NF_SKILL_LOG_LINE_MAX;
    if (++g->lines > NF_SKILL_LOG_PER_SECOND || write_line(g, level, text, n, now_ms) != NF_OK)
        g->dropped++;
}

/* --- files ------------------------------------------------------------------------------------ */

struct job {
    const char *dir, *path, *before;
    struct nf_str text; /* to write, or what was read */
    size_t max;
};

static NF_RC paths(const struct nf_skill_logs *l, const char *skill, struct nf_str *path,
                   struct nf_str *before, struct nf_err *err)
{
    NF_TRY(nf_str_addf(path, err, "%s/%s.log", l->dir, skill));
    return nf_str_addf(before, err, "%s/%s.log.1", l->dir, skill);
}

static enum nf_code failed(const char *what, const char *path, struct nf_err *err)
{
    return nf_err_set(err, NF_E_IO, "%s '%.150s': %s", what, path, strerror(errno));
}

static enum nf_code append(void *arg, struct nf_err *err)
{
    const struct job *j = arg;
    struct stat st;

    if (mkdir(j->dir, 0700) != 0 && errno != EEXIST)
        return failed("create directory", j->dir, err);
    if (stat(j->path, &st) == 0 && (size_t)st.st_size + j->text.len > NF_SKILL_LOG_FILE_MAX &&
        rename(j->path, j->before) != 0)
        return failed("rename", j->path, err);
    int fd = open(j->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return failed("open", j->path, err);
    ssize_t n = write(fd, j->text.p, j->text.len);
    enum nf_code rc = n == (ssize_t)j->text.len ? NF_OK : failed("write", j->path, err);
    (void)close(fd);
    return rc;
}

static NF_RC flush_one(struct nf_skill_logs *l, const char *skill, const struct nf_str *text,
                       struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str path = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str before = { 0 };

    NF_TRY(paths(l, skill, &path, &before, err));
    struct job j = { l->dir, nf_str_c(&path), nf_str_c(&before), *text, 0 };
    return nf_executor_call(l->executor, append, &j, err);
}

enum nf_code nf_skill_logs_flush(struct nf_skill_logs *l, struct nf_err *err)
{
    for (size_t i = 0; i < l->n; i++) {
        NF_CLEANUP(nf_str_done) struct nf_str text = { 0 };
        NF_CLEANUP(nf_freep) char *skill = NULL;
        if (l->v[i].pending.len == 0)
            continue;
        NF_TRY(nf_strdup(l->v[i].skill, &skill, err)); /* the array may move meanwhile */
        text = nf_take(l->v[i].pending);
        l->v[i].pending.max = NF_SKILL_LOG_PENDING_MAX;
        NF_TRY(flush_one(l, skill, &text, err));
    }
    return NF_OK;
}

/* Append the file's last bytes; that there is none is fine. */
static NF_RC read_tail(const char *path, size_t max, struct nf_str *to, struct nf_err *err)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0)
        return errno == ENOENT ? NF_OK : failed("open", path, err);
    enum nf_code rc = fstat(fd, &st) == 0 ? NF_OK : failed("read", path, err);
    size_t size = rc == NF_OK ? (size_t)st.st_size : 0, n = size < max ? size : max;
    if (rc == NF_OK)
        rc = nf_str_reserve(to, n, err);
    if (rc == NF_OK) {
        ssize_t got = pread(fd, to->p + to->len, n, (off_t)(size - n));
        if (got < 0)
            rc = failed("read", path, err);
        else
            to->p[to->len += (size_t)got] = '\0';
    }
    (void)close(fd);
    return rc;
}

static enum nf_code read_both(void *arg, struct nf_err *err)
{
    struct job *j = arg;
    NF_CLEANUP(nf_str_done) struct nf_str newest = { .max = NF_SKILL_LOG_FILE_MAX * 2 };

    NF_TRY(read_tail(j->path, j->max, &newest, err));
    if (newest.len < j->max)
        NF_TRY(read_tail(j->before, j->max - newest.len, &j->text, err));
    return nf_str_add(&j->text, nf_str_c(&newest), newest.len, err);
}

enum nf_code nf_skill_logs_read(struct nf_skill_logs *l, const char *skill, size_t max,
                                struct nf_str *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str path = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str before = { 0 };

    NF_TRY(nf_skill_logs_flush(l, err));
    NF_TRY(paths(l, skill, &path, &before, err));
    struct job j = { l->dir, nf_str_c(&path), nf_str_c(&before), { 0 }, max };
    j.text.max = NF_SKILL_LOG_FILE_MAX * 4;
    enum nf_code rc = nf_executor_call(l->executor, read_both, &j, err);
    const char *text = nf_str_c(&j.text);
    /* As many bytes as asked for: then the first line is likely half a one. */
    if (rc == NF_OK && j.text.len >= max && max > 0) {
        const char *line = strchr(text, '\n');
        text = line ? line + 1 : "";
    }
    if (rc == NF_OK)
        rc = nf_str_adds(ret, text, err);
    nf_str_done(&j.text);
    return rc;
}

static enum nf_code remove_both(void *arg, struct nf_err *err)
{
    const struct job *j = arg;

    if ((unlink(j->path) != 0 && errno != ENOENT) || (unlink(j->before) != 0 && errno != ENOENT))
        return failed("remove", j->path, err);
    return NF_OK;
}

enum nf_code nf_skill_logs_remove(struct nf_skill_logs *l, const char *skill, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str path = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str before = { 0 };
    struct log *g = find(l, skill);

    if (g)
        nf_str_reset(&g->pending);
    NF_TRY(paths(l, skill, &path, &before, err));
    struct job j = { l->dir, nf_str_c(&path), nf_str_c(&before), { 0 }, 0 };
    return nf_executor_call(l->executor, remove_both, &j, err);
}
