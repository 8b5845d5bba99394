#include "skills/bundled_seen.h"

#include "base/own.h"
#include "runtime/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define UNSETTLED " unsettled"

/* "name hash" or "name hash unsettled". */
static void parse_line(struct nf_seen *s, const char *line, size_t n)
{
    size_t name = strcspn(line, " \n"), plain = name + 1 + NF_SKILL_HASH;
    bool unsettled =
        n == plain + strlen(UNSETTLED) && memcmp(line + plain, UNSETTLED, strlen(UNSETTLED)) == 0;

    if (name > NF_NAME_MAX || (n != plain && !unsettled))
        return;
    struct nf_seen_line *to = &s->v[s->n++];
    *to = (struct nf_seen_line){ .settled = !unsettled };
    memcpy(to->name, line, name);
    memcpy(to->hash, line + name + 1, NF_SKILL_HASH);
}

enum nf_code nf_seen_read(struct nf_seen *s, const char *path, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { 0 };
    char part[4096];
    ssize_t n = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    s->n = 0;
    if (fd < 0 && errno == ENOENT)
        return NF_OK;
    enum nf_code rc = NF_OK;
    while (fd >= 0 && rc == NF_OK && (n = read(fd, part, sizeof(part))) > 0)
        rc = nf_str_add(&text, part, (size_t)n, err);
    if (fd < 0 || n < 0)
        rc = nf_err_set(err, NF_E_IO, "read '%.150s': %s", path, strerror(errno));
    if (fd >= 0)
        (void)close(fd);
    NF_TRY(rc);
    for (const char *p = nf_str_c(&text); *p && s->n < NF_BUNDLED_SEEN_MAX;) {
        size_t line = strcspn(p, "\n");
        parse_line(s, p, line);
        p += line + (p[line] == '\n');
    }
    return NF_OK;
}

enum nf_code nf_seen_write(const struct nf_seen *s, const char *path, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { 0 };

    for (size_t i = 0; i < s->n; i++)
        NF_TRY(nf_str_addf(&text, err, "%s %s%s\n", s->v[i].name, s->v[i].hash,
                           s->v[i].settled ? "" : UNSETTLED));
    return nf_file_replace(path, nf_str_c(&text), text.len, err);
}

struct nf_seen_line *nf_seen_find(struct nf_seen *s, const char *name, const char *hash)
{
    for (size_t i = s->n; i-- > 0;)
        if (strcmp(s->v[i].name, name) == 0 && (!hash || strcmp(s->v[i].hash, hash) == 0))
            return &s->v[i];
    return NULL;
}

static void forget(struct nf_seen *s, size_t i)
{
    memmove(&s->v[i], &s->v[i + 1], (s->n - i - 1) * sizeof(s->v[0]));
    s->n--;
}

static void forget_oldest(struct nf_seen *s, const char *name)
{
    size_t first = s->n, n = 0;

    for (size_t i = s->n; i-- > 0;)
        if (strcmp(s->v[i].name, name) == 0) {
            first = i;
            n++;
        }
    if (n >= 2)
        forget(s, first);
}

enum nf_code nf_seen_add(struct nf_seen *s, const char *name, const char *hash, bool settled,
                         struct nf_err *err)
{
    const struct nf_seen_line *again = nf_seen_find(s, name, hash);

    if (again)
        forget(s, (size_t)(again - s->v));
    forget_oldest(s, name);
    if (s->n == NF_BUNDLED_SEEN_MAX)
        return nf_err_set(err, NF_E_LIMIT,
                          "%d versions are known: no more skills can come with "
                          "the program",
                          NF_BUNDLED_SEEN_MAX);
    struct nf_seen_line *to = &s->v[s->n++];
    *to = (struct nf_seen_line){ .settled = settled };
    memcpy(to->name, name, strlen(name) + 1);
    memcpy(to->hash, hash, NF_SKILL_HASH + 1);
    return NF_OK;
}
